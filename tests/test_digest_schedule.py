"""Who is due a digest, about which days: over nights that change, year ends, weekends, holidays, days without power."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.digest.periods import DAY
from monitor.digest.schedule import due, editions, imagined, is_stale
from monitor.digest_options import DigestOptions
from monitor.people import Person
from monitor.store.digests import Edition, Issue

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BRATISLAVA = ZoneInfo("Europe/Bratislava")


def person(**options: object) -> Person:
    zone = str(options.pop("zone", "Europe/Bratislava"))
    chosen = DigestOptions.model_validate({"days": EVERY_DAY, **options})
    return Person(name="Eva", mail="eva@shop.example", zone=zone, digest=chosen)


def days_of(one: Issue) -> tuple[date, date]:
    return one.first, one.last


def through(
    reader: Person,
    start: datetime,
    length: timedelta,
    step: timedelta = timedelta(minutes=10),
    *,
    down: range = range(0),
) -> list[tuple[datetime, Issue]]:
    """What a service writes that looks every `step`, but for the looks numbered in `down`."""
    last: dict[Edition, Issue | None] = {}
    found: list[tuple[datetime, Issue]] = []
    for look in range(int(length / step)):
        now = start + look * step
        if look not in down:
            for issue in due(reader, start, last, now):
                last[issue.edition] = issue
                found.append((now, issue))
    return found


def test_a_day_like_any_other() -> None:
    reader = person(hour="07:00")
    [(at, issue), *_] = through(reader, datetime(2026, 11, 20, 23, 0, tzinfo=UTC), timedelta(days=1))
    assert at == datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert (issue.day, days_of(issue), issue.missed) == (date(2026, 11, 21), (date(2026, 11, 20),) * 2, ())
    assert issue == imagined(reader, "daily", date(2026, 11, 21))


@pytest.mark.parametrize(
    ("night", "hour", "at"),
    [
        (date(2026, 3, 29), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # does not exist: 3:30, an hour later
        (date(2026, 10, 25), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # exists twice: the first
        (date(2026, 3, 29), "07:00", datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
        (date(2026, 10, 25), "07:00", datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
    ],
)
def test_nights_in_which_clocks_change(night: date, hour: str, at: datetime) -> None:
    start = datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(days=2)
    found = through(person(hour=hour), start, timedelta(days=4))
    days = [issue.day for _, issue in found]
    assert days == [days[0] + number * DAY for number in range(len(days))] and night in days
    assert [moment for moment, issue in found if issue.day == night] == [at]
    assert all(issue.missed == () and issue.first == issue.last == issue.day - DAY for _, issue in found)


def test_three_days_without_power_come_in_one_mail() -> None:
    start = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
    hour = timedelta(hours=1)
    down = range(22, 22 + 72)  # from Wednesday at 11 to Saturday at 11, local time
    found = through(person(hour="07:00"), start, timedelta(days=6), hour, down=down)
    assert [issue.day.day for _, issue in found] == [18, 21, 22, 23]
    late_at, late = found[1]
    assert late_at == datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # as soon as there is power again
    assert days_of(late) == (date(2026, 11, 18), date(2026, 11, 20))
    assert late.missed == (date(2026, 11, 19), date(2026, 11, 20))
    assert found[2][1].missed == ()


def test_a_mail_of_the_morning_does_not_come_at_night() -> None:
    start = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
    down = range(0, 31)  # until 20:00 of the next day
    found = through(person(hour="07:00"), start, timedelta(days=2, hours=2), timedelta(hours=1), down=down)
    assert [(issue.day.day, [day.day for day in issue.missed]) for _, issue in found] == [(19, [18])]


def test_weekends_and_days_away_are_told_afterwards_and_were_not_missed() -> None:
    reader = replace(
        person(days=("mon", "tue", "wed", "thu", "fri")), absent=((date(2026, 11, 17), date(2026, 11, 18)),)
    )
    found = through(reader, datetime(2026, 11, 12, 12, 0, tzinfo=UTC), timedelta(days=8))
    assert [(issue.day.day, issue.first.day, issue.last.day) for _, issue in found] == [
        (13, 12, 12),
        (16, 13, 15),  # Monday: Friday, Saturday and Sunday
        (19, 16, 18),
        (20, 19, 19),
    ]
    assert {issue.missed for _, issue in found} == {()}
    assert days_of(imagined(reader, "daily", date(2026, 11, 16))) == (date(2026, 11, 13), date(2026, 11, 15))


def test_year_ends() -> None:
    found = through(person(weekly="fri", monthly=1), datetime(2026, 12, 31, 12, 0, tzinfo=UTC), timedelta(days=1))
    assert [(issue.edition, *days_of(issue)) for _, issue in found] == [
        ("daily", date(2026, 12, 31), date(2026, 12, 31)),
        ("weekly", date(2026, 12, 25), date(2026, 12, 31)),
        ("monthly", date(2026, 12, 1), date(2026, 12, 31)),
    ]


def test_a_weekly_one_that_was_late_is_about_its_own_week() -> None:
    reader = person(daily=False, weekly="mon")
    start = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
    found = through(reader, start, timedelta(days=10), timedelta(hours=1), down=range(0, 70))
    assert [(at.day, issue.day.day, issue.first.day, issue.last.day) for at, issue in found] == [
        (18, 16, 9, 15),
        (23, 23, 16, 22),
    ]
    assert editions(reader) == ("weekly",) and editions(person(daily=False)) == ()


def test_nothing_was_due_before_somebody_came() -> None:
    """Whoever starts Ohlas at noon gets the first one in the next morning."""
    reader, noon = person(weekly="mon", monthly=1), datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert due(reader, noon, {}, noon + timedelta(hours=1)) == []
    [issue] = due(reader, noon, {}, datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    assert (issue.edition, days_of(issue), issue.missed) == ("daily", (date(2026, 11, 23),) * 2, ())


def test_days_without_digests_by_choice_are_not_made_up_for() -> None:
    """Ended in May, and wanted again on a Friday afternoon in November."""
    last = imagined(person(), "daily", date(2026, 5, 1))
    again = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    [issue] = due(person(), again, {"daily": last}, datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
    assert days_of(issue) == (date(2026, 11, 20),) * 2 and issue.missed == ()
    weekdays = person(days=("mon", "tue", "wed", "thu", "fri"))
    [issue] = due(weekdays, again, {"daily": last}, datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    assert days_of(issue) == (date(2026, 11, 20), date(2026, 11, 22))


def test_switched_off_and_on_on_one_day_leaves_no_day_out() -> None:
    last = imagined(person(), "daily", date(2026, 11, 20))
    again = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    [issue] = due(person(), again, {"daily": last}, datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    assert days_of(issue) == (date(2026, 11, 20), date(2026, 11, 21)) and issue.missed == (date(2026, 11, 21),)


def test_after_half_a_year_a_month_is_told() -> None:
    reader = person()
    last = imagined(reader, "daily", date(2026, 5, 1))
    [issue] = due(reader, LONG_AGO, {"daily": last}, datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
    assert days_of(issue) == (date(2026, 10, 21), date(2026, 11, 20)) and len(issue.missed) == 31


def test_what_waits_for_too_long_is_covered_by_the_next() -> None:
    reader = person(weekly="mon")
    noon = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    today = date(2026, 11, 21)
    assert not is_stale(imagined(reader, "daily", today), noon, BRATISLAVA)
    assert is_stale(imagined(reader, "daily", today - DAY), noon, BRATISLAVA)
    assert not is_stale(imagined(reader, "weekly", today - 5 * DAY), noon, BRATISLAVA)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Europe/Bratislava", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe"]),
    st.integers(0, 365),
    st.times().map(lambda at: at.strftime("%H:%M")),
    st.sets(st.integers(0, 600), max_size=200),
)
def test_every_day_is_told_once_whenever_the_service_runs(zone: str, away: int, hour: str, down: set[int]) -> None:
    """Looks every hour, some of which fail: no day is told twice, none is left out until the last digest."""
    reader = person(hour=hour, zone=zone)
    start = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(days=away)
    last: dict[Edition, Issue | None] = {}
    told: list[date] = []
    for look in range(600):
        if look in down:
            continue
        for issue in due(reader, start, last, start + timedelta(hours=look)):
            last["daily"] = issue
            told += [issue.first + number * DAY for number in range((issue.last - issue.first).days + 1)]
    assert told == sorted(set(told))
    assert told == [told[0] + number * DAY for number in range(len(told))] if told else True
