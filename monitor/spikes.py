"""Whether more people complain than usual: robust to small numbers, to weekdays and to hours. Pure.

The complaints of the last hours are held against those of the same hours in past weeks. How many there would be
without a reason varies by chance as rare events do (Poisson), and more, since complaints come in bunches; so the
usual number is taken with a margin, and a number is a spike where chance would bring it less than once in some months.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=2)
STEP = timedelta(minutes=10)  # between two looks
LATE = timedelta(hours=24)  # after which complaints that a source brings are history
WEEKS = 6  # that are looked back
LEAST = 5  # complaints; fewer are no spike, however quiet it usually is
ONCE_IN = 5_000  # windows: see tests/test_spikes.py for how often that is a false alarm
_MANY = 500  # there Poisson's law is that of Gauss, and e to the power of -usual soon nothing that can be written
_A_WEEK, _AN_HOUR = timedelta(weeks=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """`count` complaints where `usual` are; the chance of so many without a reason is below 1 to `once_in`."""

    count: int
    usual: float
    since: datetime


def spike(complaints: Sequence[datetime], started: datetime, now: datetime) -> Spike | None:
    """`complaints`: when they were written in the last WEEKS, oldest first; `started`: since when they are counted."""
    since = now - WINDOW
    count = _between(complaints, since, now)
    if count < LEAST:
        return None
    usual = _usual(complaints, started, now)
    if usual is None or chance(count, usual) * ONCE_IN > 1:
        return None
    return Spike(count=count, usual=usual, since=since)


def late_spike(
    arrived: Sequence[datetime], complaints: Sequence[datetime], started: datetime, now: datetime
) -> Spike | None:
    """The largest one of the last day that complaints belong to which have only just `arrived`: many sources are read
    every few hours. The same windows as if they had come at once, so that there are no more false alarms."""
    ends = {end for at in arrived if now - LATE < (end := _step_after(at)) <= now}
    found = (spike(complaints, started, end) for end in sorted(ends))
    return max((one for one in found if one is not None), key=lambda one: one.count, default=None)


def _step_after(at: datetime) -> datetime:
    steps = math.ceil(at.timestamp() / STEP.total_seconds())
    return datetime.fromtimestamp(steps * STEP.total_seconds(), at.tzinfo)


def _between(complaints: Sequence[datetime], after: datetime, until: datetime) -> int:
    return bisect_right(complaints, until) - bisect_right(complaints, after)


def chance(count: int, usual: float) -> float:
    """Of `count` or more, where `usual` are expected, by Poisson's law."""
    if usual > _MANY:
        return 0.5 * math.erfc((count - 0.5 - usual) / math.sqrt(2 * usual))
    term, below = math.exp(-usual), 0.0
    for number in range(count):
        below += term
        term *= usual / (number + 1)
    return max(0.0, 1.0 - below) if below < 0.999_999 else term / (1 - usual / (count + 1)) if count > usual else 0.0


def _usual(complaints: Sequence[datetime], started: datetime, now: datetime) -> float | None:
    """What the same hours of past weeks, an hour to either side included, had on the mean, and a margin of one and a
    half times their spread. None where less than a week is known: nobody knows yet what is usual."""
    counts = [
        _between(complaints, start - _AN_HOUR, start + WINDOW + _AN_HOUR) * (WINDOW / (WINDOW + 2 * _AN_HOUR))
        for start in (now - WINDOW - weeks * _A_WEEK for weeks in range(1, WEEKS + 1))
        if start >= started
    ]
    if not counts:
        return None
    mean = (sum(counts) + 0.5) / len(counts)  # half a complaint more, so that nothing is impossible
    spread = math.sqrt(sum((count - mean) ** 2 for count in counts) / len(counts) + mean / len(counts))
    return mean + 1.5 * spread
