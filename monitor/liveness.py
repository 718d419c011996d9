"""How a channel of the company fares - a page, a profile, a form, a mailbox - and when it is looked at next. Pure.

One failure is not yet a broken channel: it is looked at twice more, and told once. What cannot be told, for example
since a network lets no robots in, is neither broken nor fine, and changes nothing that was found before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

# The hours, by the clock on the wall, in which each channel has its moment: after both nights of changed clocks,
# and before people read their digests.
FIRST, LAST = time(4), time(6)
AGAIN = (timedelta(minutes=10), timedelta(hours=1))  # until a failure is looked at again, before it is believed
BROKEN_AGAIN = timedelta(hours=3)  # until a broken one is looked at again, to tell soon that it works
_A_DAY = timedelta(days=1)


class Health(StrEnum):
    NEW = "new"  # never looked at
    OK = "ok"
    WARNING = "warning"  # works, and soon will not
    UNKNOWN = "unknown"  # cannot be told from here
    FAILING = "failing"  # looked at again before it is believed
    BROKEN = "broken"  # people were told


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look came to; `code` says why, `detail` gives its number, date or words.

    `again`: another look may tell. `network`: it is as if nothing at all could be reached from here.
    """

    verdict: Literal["works", "warning", "broken", "unsure"]
    code: str = ""
    detail: str = ""
    again: bool = False
    network: bool = False


WORKS = Seen("works")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a channel between two looks. `since` is the first failed look, or when a warning began;
    `tries` counts looks that told nothing sure since the last moment of its own; `warned` is the warning's code that
    people know of."""

    health: Health = Health.NEW
    failures: int = 0
    tries: int = 0
    since: datetime | None = None
    code: str = ""
    detail: str = ""
    warned: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`notices` are codes of what people are told of this look, each once."""

    standing: Standing
    due: datetime
    notices: tuple[str, ...] = ()


def judge(before: Standing, seen: Seen, now: datetime, key: str, zone: ZoneInfo, *, online: bool = True) -> Plan:
    """`key` names the channel, and so its moment of the day. `online`: something else could be reached lately."""
    if seen.network and not online:
        seen = Seen("unsure", "offline", again=True)
    after = _stand(before, seen, now)
    return Plan(after, _due(after, seen, now, key, zone), tuple(_notices(before, after)))


def _stand(before: Standing, seen: Seen, now: datetime) -> Standing:
    match seen.verdict:
        case "works":
            return Standing(Health.OK)
        case "warning":
            since = before.since if before.health is Health.WARNING else now
            return Standing(Health.WARNING, since=since, code=seen.code, detail=seen.detail, warned=seen.code)
        case "broken":
            return _broken(before, seen, now)
        case "unsure":
            return _unsure(before, seen)


def _broken(before: Standing, seen: Seen, now: datetime) -> Standing:
    failures = before.failures + 1
    known = before.health is Health.BROKEN or failures > len(AGAIN)
    return Standing(
        Health.BROKEN if known else Health.FAILING,
        failures=failures,
        since=before.since if before.failures else now,
        code=seen.code,
        detail=seen.detail,
        warned=before.warned,
    )


def _unsure(before: Standing, seen: Seen) -> Standing:
    """Nothing was learned: what is broken stays broken, and failures still count once more is known."""
    tries = before.tries + 1 if seen.again and before.tries < len(AGAIN) else 0
    if before.health is Health.BROKEN:
        return replace(before, tries=tries)
    return replace(before, health=Health.UNKNOWN, tries=tries, code=seen.code, detail=seen.detail)


def _due(after: Standing, seen: Seen, now: datetime, key: str, zone: ZoneInfo) -> datetime:
    own = next_moment(now, key, zone)
    if after.tries:
        return min(own, now + AGAIN[after.tries - 1])
    if after.health is Health.BROKEN:
        return min(own, now + BROKEN_AGAIN)
    if after.health is Health.FAILING and seen.verdict == "broken":
        return now + AGAIN[after.failures - 1]
    return own


def _notices(before: Standing, after: Standing) -> Iterator[str]:
    if after.health is Health.BROKEN and before.health is not Health.BROKEN:
        yield "channel_broken"
    if before.health is Health.BROKEN and after.health in (Health.OK, Health.WARNING):
        yield "channel_works"
    if after.health is Health.WARNING and before.warned != after.warned:
        yield "channel_warning"


def next_moment(now: datetime, key: str, zone: ZoneInfo) -> datetime:
    """The channel's own moment that comes after `now`: once on every day of the calendar, whatever the clocks do."""
    today = now.astimezone(zone).date()
    coming = (_moment(today + days * _A_DAY, key, zone) for days in range(3))
    return next(moment for moment in coming if moment > now)


def _moment(day: date, key: str, zone: ZoneInfo) -> datetime:
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 2**32
    first, last = (datetime.combine(day, at, zone) for at in (FIRST, LAST))
    return (first + (last - first) * share).astimezone(UTC)
