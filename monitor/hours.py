"""Working time: when people answer, how much of it lies between two moments, and how a promised moment is said.

Moments are aware; lengths of working time are real hours, so the night in which clocks change adds or takes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.options import HoursOptions, Weekday

if TYPE_CHECKING:
    from holidays import HolidayBase

WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROUND = timedelta(minutes=30)  # nobody promises an answer by 10.47
DAY = timedelta(days=1)


def answer_by(now: datetime, hours: HoursOptions, zone: ZoneInfo) -> datetime:
    """When an answer is promised to somebody who wrote at `now`: `hours.answer_within` working hours later.

    Rounded up to a half hour, and never beyond the end of that working day.
    """
    due = add_working_time(now, timedelta(hours=hours.answer_within), hours, zone)
    minutes = timedelta(minutes=due.astimezone(zone).minute, seconds=due.second, microseconds=due.microsecond)
    rounded = due + (-minutes) % ROUND
    return min(rounded, _end_of_shift(due, hours, zone))


def add_working_time(start: datetime, length: timedelta, hours: HoursOptions, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which `length` of working time has passed since `start`; at the end of a working day
    rather than at the beginning of the next. A `length` of 0 gives the first open moment from `start` on."""
    left = length
    for opens, closes in _shifts(start, hours, zone):
        begin = max(opens, start.astimezone(UTC))
        if begin + left <= closes and begin < closes:
            return begin + left
        left -= max(closes - begin, timedelta())
    raise AssertionError("shifts never end")


def working_time_between(start: datetime, end: datetime, hours: HoursOptions, zone: ZoneInfo) -> timedelta:
    """How much working time lies between two moments; none where `end` is not later."""
    passed = timedelta()
    for opens, closes in _shifts(start, hours, zone):
        if opens >= end:
            break
        passed += max(min(closes, end) - max(opens, start), timedelta())
    return passed


def is_working_time(at: datetime, hours: HoursOptions, zone: ZoneInfo) -> bool:
    return add_working_time(at, timedelta(), hours, zone) == at


def is_working_day(day: date, hours: HoursOptions) -> bool:
    return WEEK[day.weekday()] in hours.days and not is_holiday(day, hours.holidays)


def is_holiday(day: date, country: str) -> bool:
    """Whether `day` is a public holiday in `country` (ISO 3166-1), "" for nowhere."""
    return country != "" and day in _holidays(country)


@cache
def _holidays(country: str) -> HolidayBase:
    # imported late: it takes 50 ms and 13 MB, and only who counts working time needs it
    from holidays import country_holidays

    return country_holidays(country)


def _shifts(start: datetime, hours: HoursOptions, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Working days, in UTC and in order, from the first one that may not be over at `start`; without end."""
    day = start.astimezone(zone).date() - DAY  # a shift may last beyond midnight
    opens, closes = time.fromisoformat(hours.opens), time.fromisoformat(hours.closes)
    while True:
        if is_working_day(day, hours):
            last = day if closes > opens else day + DAY
            yield _instant(day, opens, zone), _instant(last, closes, zone)
        day += DAY


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Of two moments that show the same time the first; a time that a night leaves out is taken an hour later."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def _end_of_shift(at: datetime, hours: HoursOptions, zone: ZoneInfo) -> datetime:
    return next(closes for _, closes in _shifts(at, hours, zone) if at <= closes)


_WEEKDAYS = {  # as they stand in the sentences below
    "sk": ("v pondelok", "v utorok", "v stredu", "vo štvrtok", "v piatok", "v sobotu", "v nedeľu"),
    "cs": ("v pondělí", "v úterý", "ve středu", "ve čtvrtek", "v pátek", "v sobotu", "v neděli"),
    "hu": ("hétfőn", "kedden", "szerdán", "csütörtökön", "pénteken", "szombaton", "vasárnap"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "pl": ("w poniedziałek", "we wtorek", "w środę", "w czwartek", "w piątek", "w sobotę", "w niedzielę"),
}
_PHRASES = {  # today, tomorrow, another day
    "sk": ("dnes do {time}", "zajtra do {time}", "{weekday} {day}. {month} do {time}"),
    "cs": ("dnes do {time}", "zítra do {time}", "{weekday} {day}. {month} do {time}"),
    "hu": ("ma {time}", "holnap {time}", "{month} {day}-{suffix}, {weekday} {time}"),
    "en": ("by {time} today", "by {time} tomorrow", "by {time} on {weekday} {day} {month}"),
    "de": ("heute bis {time}", "morgen bis {time}", "bis {weekday}, {day}. {month}, {time}"),
    "pl": ("dziś do godziny {time}", "jutro do godziny {time}", "{weekday} {day} {month} do godziny {time}"),
}
# "3-án" (harmadikán), "4-én" (negyedikén): the vowels of the number's name decide; "1-jén" is "elsején"
_BACK_VOWELS = frozenset({2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30})


def said(moment: datetime, now: datetime, language: str, zone: ZoneInfo) -> str:
    """A promised moment as it stands in a sentence, "odpovieme {…}.": "v pondelok 23. novembra do 16.00".

    "Today" and "tomorrow" are those of somebody who reads it at `now`. Languages without phrases of their own get
    date and time as they are written there.
    """
    local = moment.astimezone(zone)
    if language not in _PHRASES:
        return _written(local, language)
    away = (local.date() - now.astimezone(zone).date()).days
    phrase = _PHRASES[language][away if away in (0, 1) else 2]
    return phrase.format(
        time=_time(local, language),
        weekday=_WEEKDAYS[language][local.weekday()],
        day=local.day,
        month=_month(local.month, language),
        suffix="jén" if local.day == 1 else "án" if local.day in _BACK_VOWELS else "én",
    )


def _time(local: datetime, language: str) -> str:
    full = local.minute == 0
    if language == "hu":
        return f"{local.hour} óráig" if full else f"{local.hour}.{local:%M}-ig"
    if language == "de":
        return f"{local.hour} Uhr" if full else f"{local.hour}.{local:%M} Uhr"
    return f"{local.hour}:{local:%M}" if language == "en" else f"{local.hour}.{local:%M}"


def _month(number: int, language: str) -> str:
    """In the case that a date wants: "23. novembra"."""
    from babel.dates import get_month_names

    return str(get_month_names("wide", locale=language)[number])


def _written(local: datetime, language: str) -> str:
    from babel import Locale, UnknownLocaleError
    from babel.dates import format_date, format_time

    try:
        locale = Locale.parse(language)
    except (ValueError, UnknownLocaleError):
        locale = Locale("en", "GB")
    return f"{format_date(local, 'medium', locale=locale)}, {format_time(local, 'short', locale=locale)}"
