"""Whether a source has been silent for longer than it ever is. Pure.

Time is counted in mentions that were to be expected: an hour in which twice as many are written as usual, by the day
of the week and the hour of the day, counts twice. In that time pauses are alike by day and night; how long they get
without a reason is learned from the source's own longer pauses, so that one whose mentions come in bunches is given
more time. The silence has to be longer than what chance would bring once in YEARS years.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

LOOKED_BACK = timedelta(weeks=8)
MOST = 2_000  # mentions that are looked at
LEAST = 20  # mentions, and
KNOWN_FOR = timedelta(weeks=2)  # of them, before anybody knows what is usual
SHORTEST = timedelta(hours=3)  # a pause that nobody need hear of, however busy the source is
YEARS = 3  # see tests/test_silence.py for how often that is a false alarm
FAR = 50  # pauses
_HOUR = timedelta(hours=1)
_DOUBT = 6.0  # mentions that stand for "as on any other day, at any other hour" where little is known
_RECENT = timedelta(weeks=2)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing since `since`, though `expected` mentions were to be expected; the longest pause before was `longest`."""

    since: datetime
    expected: float
    longest: timedelta


def silence(written: Sequence[datetime], now: datetime, zone: ZoneInfo) -> Silence | None:
    """`written`: when a source's newest mentions were, oldest first, at most MOST of them. None where it is as usual,
    or where too little is known."""
    known = [at for at in written if written[-1] - LOOKED_BACK < at <= now]
    enough = len(known) >= MOST or (len(known) >= LEAST and known[-1] - known[0] >= KNOWN_FOR)
    if not enough or now - known[-1] < SHORTEST:
        return None
    clock = _Clock(known, now, zone)
    pauses = sorted(after - before for before, after in pairwise(map(clock.read, known)))
    passed = clock.read(now) - clock.read(known[-1])
    if passed < _longest_by_chance(pauses, clock.per_year):
        return None
    return Silence(known[-1], round(passed, 1), max(after - before for before, after in pairwise(known)))


def _longest_by_chance(pauses: Sequence[float], per_year: float) -> float:
    """The pause that a source exceeds without a reason once in YEARS years. Long pauses get rarer as those of chance
    do (exponentially), from the longest quarter of them on, of which at most FAR are looked at, since those within a
    bunch are shorter; the fewer are known, the more room is left."""
    number = min(FAR, len(pauses) // 4)
    longest = pauses[-number:]
    beyond = sum(pause - longest[0] for pause in longest) / number
    scale = max(1.0, beyond) * (1 + 2 / math.sqrt(number))
    return longest[0] + scale * math.log(max(math.e, YEARS * per_year * number / len(pauses)))


class _Clock:
    """Counts expected mentions from the first known one on."""

    def __init__(self, known: Sequence[datetime], now: datetime, zone: ZoneInfo) -> None:
        self._start = known[0]
        starts = [known[0] + number * _HOUR for number in range(math.ceil((now - known[0]) / _HOUR) + 1)]
        local = [(at.weekday(), at.hour) for at in (start.astimezone(zone) for start in starts)]
        spoken = bisect_right(starts, known[-1])  # the silence itself tells nothing of what is usual
        rate = len(known) / spoken
        days, hours = _rhythm(known, local[:spoken], zone)
        paces = [rate * days[day] * hours[hour] for day, hour in local]
        lately = _lately(known, sum(paces[max(0, spoken - int(_RECENT / _HOUR)) : spoken]))
        self._passed = [0.0, *accumulate(pace * lately for pace in paces)]
        self.per_year = rate * lately * 24 * 365

    def read(self, at: datetime) -> float:
        hours, rest = divmod(at - self._start, _HOUR)
        before, after = self._passed[hours], self._passed[hours + 1]
        return before + (after - before) * (rest / _HOUR)


def _rhythm(
    known: Sequence[datetime], local: Sequence[tuple[int, int]], zone: ZoneInfo
) -> tuple[list[float], list[float]]:
    """How much busier than the mean each day of the week and each hour of the day is; less sure, nearer to one."""
    moments = [at.astimezone(zone) for at in known]
    days = _shares([at.weekday() for at in moments], [day for day, _ in local], 7)
    return days, _shares([at.hour for at in moments], [hour for _, hour in local], 24)


def _shares(mentions: Sequence[int], passed: Sequence[int], size: int) -> list[float]:
    found, usual = [0] * size, [0.0] * size
    for place in mentions:
        found[place] += 1
    for place in passed:
        usual[place] += len(mentions) / len(passed)
    return [(one + _DOUBT) / (other + _DOUBT) for one, other in zip(found, usual, strict=True)]


def _lately(known: Sequence[datetime], expected: float) -> float:
    """A source that gets quieter, as after Christmas, is given more time."""
    newest = sum(1 for at in known if at > known[-1] - _RECENT)
    return min(1.0, (newest + _DOUBT) / (expected + _DOUBT))
