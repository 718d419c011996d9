"""Days as people count them: local dates, and the moments at which they begin. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.store.digests import Edition

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
DAYS_SHOWN: Final = 7
WEEKS_SHOWN: Final = 8
QUARTER: Final = 13  # weeks
YEARS: Final = range(1990, 2101)  # that anybody asks about; far outside of them there are no local days


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """From `first` to `last`, both included."""

    first: date
    last: date

    @property
    def number(self) -> int:
        return (self.last - self.first).days + 1


def today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """In UTC. Of two moments that show the same time the first; a time that a night leaves out is an hour later."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def beginning(day: date, zone: ZoneInfo) -> datetime:
    return instant(day, time(), zone)


def bounds(periods: Sequence[Days], zone: ZoneInfo) -> list[datetime]:
    """The moments between which periods lie that follow each other, for monitor.store.counting."""
    return [beginning(one.first, zone) for one in periods] + [beginning(periods[-1].last + DAY, zone)]


def before(days: Days, edition: Edition, number: int) -> tuple[Days, ...]:
    """The `number` periods before `days`, the oldest first: months before a month, else as many days each."""
    found: list[Days] = []
    first = days.first
    for _ in range(number):
        start = (first - DAY).replace(day=1) if edition == "monthly" else first - days.number * DAY
        found.append(Days(start, first - DAY))
        first = start
    return tuple(reversed(found))


def single_days(last: date, number: int = DAYS_SHOWN) -> tuple[Days, ...]:
    return tuple(Days(day, day) for day in (last - away * DAY for away in reversed(range(number))))


def weeks(last: date, number: int) -> tuple[Days, ...]:
    """Of seven days each, the last one ending with `last`."""
    return tuple(Days(end - WEEK + DAY, end) for end in (last - away * WEEK for away in reversed(range(number))))
