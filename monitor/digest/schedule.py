"""Which digests a person is due, about which days. Pure: the time, the person's options and the last issues go in.

An issue stands for a local day, so nights in which clocks change neither double nor lose it. What could not go out on
its day is covered by the next one; on the same day it still goes out, up to LATE after its hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.digest.periods import DAY, instant, today
from monitor.hours import WEEK as WEEKDAYS
from monitor.people import Person
from monitor.store.digests import Edition, Issue

LATE: Final = timedelta(hours=12)  # nobody wants the mail of the morning in the middle of the night
MOST_DAYS: Final = 31  # that one daily issue is about, after a long absence
STALE: Final[Mapping[Edition, int]] = {"daily": 0, "weekly": 6, "monthly": 13}  # days after which none is sent any more

Last = Mapping[Edition, Issue | None]


def due(person: Person, since: datetime, last: Last, now: datetime) -> list[Issue]:
    """The issues that are to be written now. Nothing that was due before `since` is."""
    zone = ZoneInfo(person.zone)
    day = today(now, zone)
    if person.is_away(day) or not _in_its_hours(person, day, now, zone):
        return []
    found = (_daily(person, since, last.get("daily"), day, zone), *_longer(person, since, last, day, zone))
    return [issue for issue in found if issue is not None]


def editions(person: Person) -> tuple[Edition, ...]:
    """Those that this person gets."""
    options = person.digest
    wanted: dict[Edition, bool] = {
        "daily": options.daily,
        "weekly": bool(options.weekly),
        "monthly": bool(options.monthly),
    }
    return tuple(edition for edition, on in wanted.items() if on)


def is_stale(issue: Issue, now: datetime, zone: ZoneInfo) -> bool:
    """Whether it is too late to send an issue that was written down: the next one covers its days."""
    return (today(now, zone) - issue.day).days > STALE[issue.edition]


def imagined(person: Person, edition: Edition, day: date) -> Issue:
    """The issue of a day as it would be if all before it had gone out."""
    if edition == "daily":
        previous = _previous_day(person, day)
        return Issue(person=person.name, edition=edition, day=day, first=previous, last=day - DAY)
    first, last = _week_before(day) if edition == "weekly" else _month_before(day)
    return Issue(person=person.name, edition=edition, day=day, first=first, last=last)


def by_hand(issue: Issue, last: Issue | None) -> Issue:
    """An issue that somebody wants now. A daily one is also about the days that none told of yet."""
    if issue.edition != "daily" or last is None or last.last >= issue.first:
        return issue
    return replace(issue, first=min(issue.first, max(last.last + DAY, issue.day - MOST_DAYS * DAY)))


def due_before(issue: Issue, person: Person) -> datetime:
    """When the issue before this one was due."""
    return instant(issue.first + (issue.day - issue.last - DAY), _hour(person), ZoneInfo(person.zone))


def _daily(person: Person, since: datetime, last: Issue | None, day: date, zone: ZoneInfo) -> Issue | None:
    if not _is_day_of_daily(person, day) or not _is_new(person, since, last, day, zone):
        return None
    if last and last.day < today(since, zone):
        last = None  # from before they were ended and wanted again: what was between is not made up for
    earliest = last.day + DAY if last else today(since, zone)
    missed = tuple(
        one
        for one in _days(max(earliest, day - MOST_DAYS * DAY), day - DAY)
        if _is_day_of_daily(person, one) and instant(one, _hour(person), zone) > since
    )
    covered = last.last if last else _previous_day(person, min((*missed, day))) - DAY
    first = max(min(covered, day - 2 * DAY) + DAY, day - MOST_DAYS * DAY)
    return Issue(person=person.name, edition="daily", day=day, first=first, last=day - DAY, missed=missed)


def _longer(person: Person, since: datetime, last: Last, day: date, zone: ZoneInfo) -> Iterator[Issue | None]:
    if person.digest.weekly:
        yield _scheduled(person, since, last.get("weekly"), "weekly", _last_weekday(person, day), day, zone)
    if person.digest.monthly:
        yield _scheduled(person, since, last.get("monthly"), "monthly", _last_day_of_month(person, day), day, zone)


def _scheduled(
    person: Person, since: datetime, last: Issue | None, edition: Edition, day: date, now: date, zone: ZoneInfo
) -> Issue | None:
    """An issue whose days do not depend on the ones before it."""
    if (now - day).days > STALE[edition] or not _is_new(person, since, last, day, zone):
        return None
    return imagined(person, edition, day)


def _is_new(person: Person, since: datetime, last: Issue | None, day: date, zone: ZoneInfo) -> bool:
    return (last is None or last.day < day) and instant(day, _hour(person), zone) > since


def _in_its_hours(person: Person, day: date, now: datetime, zone: ZoneInfo) -> bool:
    start = instant(day, _hour(person), zone)
    return start <= now < start + LATE


def _hour(person: Person) -> time:
    return time.fromisoformat(person.digest.hour)


def _is_day_of_daily(person: Person, day: date) -> bool:
    options = person.digest
    return options.daily and WEEKDAYS[day.weekday()] in options.days and not person.is_away(day)


def _previous_day(person: Person, day: date) -> date:
    """The day before, and on a Monday, where none comes at weekends, the Friday: its digest was about Thursday."""
    for away in range(1, MOST_DAYS):
        if WEEKDAYS[(day - away * DAY).weekday()] in person.digest.days:
            return day - away * DAY
    return day - DAY


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * DAY for number in range((last - first).days + 1))


def _last_weekday(person: Person, day: date) -> date:
    wanted = next(number for number, name in enumerate(WEEKDAYS) if name == person.digest.weekly)
    return day - ((day.weekday() - wanted) % 7) * DAY


def _last_day_of_month(person: Person, day: date) -> date:
    this_month = day.replace(day=person.digest.monthly)
    return this_month if this_month <= day else (day.replace(day=1) - DAY).replace(day=person.digest.monthly)


def _week_before(day: date) -> tuple[date, date]:
    return day - 7 * DAY, day - DAY


def _month_before(day: date) -> tuple[date, date]:
    last = day.replace(day=1) - DAY
    return last.replace(day=1), last
