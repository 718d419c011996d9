"""Working time over weekends, holidays, the ends of years and the nights in which clocks change."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.hours import (
    WEEK,
    add_working_time,
    answer_by,
    is_holiday,
    is_working_day,
    is_working_time,
    said,
    working_time_between,
)
from monitor.options import HoursOptions

ZONE = ZoneInfo("Europe/Bratislava")
HOURS = HoursOptions()
NIGHTS = HoursOptions(days=WEEK, opens="22:00", closes="06:00", holidays="")
ALWAYS = HoursOptions(days=WEEK, opens="00:00", closes="00:00", holidays="")
HOUR = timedelta(hours=1)


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold)


def local(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("wrote", "due"),
    [
        ("2026-11-23 08:00", "2026-11-23 16:00"),  # the end of this day, not the beginning of the next
        ("2026-11-23 10:13", "2026-11-24 10:30"),
        ("2026-11-23 10:30", "2026-11-24 10:30"),
        ("2026-11-23 03:00", "2026-11-23 16:00"),
        ("2026-11-20 15:59", "2026-11-23 16:00"),  # Friday to Monday
        ("2026-11-21 12:00", "2026-11-23 16:00"),  # Saturday
        ("2026-04-02 12:00", "2026-04-07 12:00"),  # Good Friday and Easter Monday lie between
        ("2026-12-23 12:00", "2026-12-28 12:00"),  # Christmas from Thursday on
        ("2026-12-31 12:00", "2027-01-04 12:00"),  # New Year's Day is a Friday
        ("2026-01-05 12:00", "2026-01-07 12:00"),  # Epiphany
    ],
)
def test_an_answer_is_promised_within_working_hours(wrote: str, due: str) -> None:
    assert local(answer_by(at(wrote), HOURS, ZONE)) == due


def test_holidays_are_those_of_the_country() -> None:
    revolution = date(2026, 10, 23)
    assert is_holiday(revolution, "HU") and not is_holiday(revolution, "SK") and not is_holiday(revolution, "")
    assert is_working_day(revolution, HOURS)
    assert not is_working_day(revolution, HOURS.model_copy(update={"holidays": "HU"}))


def test_a_country_without_known_holidays_is_refused() -> None:
    with pytest.raises(ValidationError, match="public holidays"):
        HoursOptions(holidays="XX")
    assert HoursOptions(holidays="FR").holidays == "FR"


def test_the_promise_is_not_rounded_beyond_the_end_of_the_day() -> None:
    hours = HoursOptions(closes="15:45", answer_within=7.7)
    assert local(answer_by(at("2026-11-23 08:00"), hours, ZONE)) == "2026-11-23 15:45"


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        # the spring night has no hour from two to three, the autumn night has it twice
        (at("2026-03-28 22:00"), 7, "2026-03-29 06:00"),
        (at("2026-10-24 22:00"), 9, "2026-10-25 06:00"),
        (at("2026-10-25 02:30", fold=1), 1, "2026-10-25 03:30"),
        (at("2026-10-25 02:30"), 1, "2026-10-25 02:30"),
        (at("2026-10-25 23:00"), 8, "2026-10-26 23:00"),
    ],
)
def test_nights_in_which_clocks_change(start: datetime, hours: int, end: str) -> None:
    due = add_working_time(start, hours * HOUR, NIGHTS, ZONE)
    assert local(due) == end
    assert working_time_between(start, due, NIGHTS, ZONE) == hours * HOUR


def test_a_shift_that_begins_in_the_hour_that_a_night_leaves_out() -> None:
    hours = HoursOptions(days=("sun",), opens="02:30", closes="04:30", holidays="")
    assert local(add_working_time(at("2026-03-28 12:00"), timedelta(), hours, ZONE)) == "2026-03-29 03:30"
    whole_day = working_time_between(at("2026-03-29 00:00"), at("2026-03-30 00:00"), hours, ZONE)
    assert whole_day == HOUR


def test_round_the_clock_every_hour_counts() -> None:
    start = at("2026-10-24 12:00")
    assert add_working_time(start, 24 * HOUR, ALWAYS, ZONE) - start.astimezone(UTC) == 24 * HOUR
    assert is_working_time(at("2026-12-25 03:00"), ALWAYS, ZONE)


@pytest.mark.parametrize(
    ("moment", "open_then"),
    [("2026-11-23 08:00", True), ("2026-11-23 15:59", True), ("2026-11-23 16:00", False), ("2026-11-22 10:00", False)],
)
def test_whether_people_work_now(moment: str, open_then: bool) -> None:
    assert is_working_time(at(moment), HOURS, ZONE) is open_then


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-20 15:00", "2026-11-23 09:00", 2),
        ("2026-11-23 00:00", "2026-11-30 00:00", 40),
        ("2026-12-24 00:00", "2026-12-28 00:00", 0),
        ("2026-11-23 10:00", "2026-11-23 10:00", 0),
        ("2026-11-23 12:00", "2026-11-23 10:00", 0),
    ],
)
def test_working_time_between_two_moments(start: str, end: str, hours: int) -> None:
    assert working_time_between(at(start), at(end), HOURS, ZONE) == hours * HOUR


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 60 * 60),
    hours=st.sampled_from([HOURS, NIGHTS, ALWAYS, HoursOptions(days=("tue", "sat"), opens="11:30", closes="01:15")]),
)
def test_adding_and_measuring_agree(start: datetime, minutes: int, hours: HoursOptions) -> None:
    length = timedelta(minutes=minutes)
    due = add_working_time(start, length, hours, ZONE)
    assert working_time_between(start, due, hours, ZONE) == length
    assert working_time_between(start, due - timedelta(seconds=1), hours, ZONE) < length
    assert answer_by(start, hours, ZONE) > start


NOW = at("2026-11-20 09:00")


@pytest.mark.parametrize(
    ("language", "today", "tomorrow", "monday"),
    [
        ("sk", "dnes do 16.00", "zajtra do 10.30", "v pondelok 23. novembra do 9.00"),
        ("cs", "dnes do 16.00", "zítra do 10.30", "v pondělí 23. listopadu do 9.00"),
        ("hu", "ma 16 óráig", "holnap 10.30-ig", "november 23-án, hétfőn 9 óráig"),
        ("en", "by 16:00 today", "by 10:30 tomorrow", "by 9:00 on Monday 23 November"),
        ("de", "heute bis 16 Uhr", "morgen bis 10.30 Uhr", "bis Montag, 23. November, 9 Uhr"),
        ("pl", "dziś do godziny 16.00", "jutro do godziny 10.30", "w poniedziałek 23 listopada do godziny 9.00"),
    ],
)
def test_a_moment_is_said_as_it_stands_in_a_sentence(language: str, today: str, tomorrow: str, monday: str) -> None:
    moments = (at("2026-11-20 16:00"), at("2026-11-21 10:30"), at("2026-11-23 09:00"))
    assert tuple(said(moment, NOW, language, ZONE) for moment in moments) == (today, tomorrow, monday)


def test_today_is_that_of_the_reader() -> None:
    midnight = at("2026-11-20 23:30")
    assert said(at("2026-11-21 08:00"), midnight, "sk", ZONE) == "zajtra do 8.00"
    assert said(at("2026-11-21 08:00"), midnight + HOUR, "sk", ZONE) == "dnes do 8.00"


def test_every_weekday_and_every_day_of_a_month() -> None:
    days = [at("2026-12-01 16:00") + timedelta(days=n) for n in range(31)]
    slovak = {said(day, NOW, "sk", ZONE).rpartition(" do ")[0] for day in days}
    assert {"vo štvrtok 3. decembra", "v stredu 2. decembra", "v nedeľu 6. decembra"} <= slovak
    assert {said(day, NOW, "pl", ZONE).split()[0] for day in days} == {"w", "we"}
    hungarian = [said(day, NOW, "hu", ZONE).split(",")[0] for day in days]
    assert hungarian[:12] == [
        f"december {day}"
        for day in "1-jén 2-án 3-án 4-én 5-én 6-án 7-én 8-án 9-én 10-én 11-én 12-én".split()
    ]  # fmt: skip
    assert hungarian[28:] == ["december 29-én", "december 30-án", "december 31-én"]


def test_other_languages_get_date_and_time() -> None:
    assert said(at("2026-11-23 16:00"), NOW, "it", ZONE) == "23 nov 2026, 16:00"
    assert said(at("2026-11-23 16:00"), NOW, "xx", ZONE) == "23 Nov 2026, 16:00"


def test_nobody_waits_for_the_libraries_before_they_are_needed() -> None:
    code = "import sys, monitor.hours; print([name for name in ('holidays', 'babel') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
