"""When a source is read again: pure decisions, from what happened and what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.errors import AuthError, PermanentError, SourceError, TemporaryError

LONGEST_BACKOFF = 3600.0  # seconds; or the source's own interval, where that is longer
LONGEST_WAIT = 86_400.0  # seconds; what a source asks for beyond a day is taken for a mistake of its
SOON = 1.0  # seconds until the next page, where another is waiting
PERMANENT_LIMIT = 5  # refusals in a row after which only a person can help
LEASE_MARGIN = 30.0  # seconds beyond the total time-out of a poll, for parsing and saving

JUMP_TOLERANCE = 60.0  # seconds; less is a clock being adjusted, not set

_SPREAD = 0.1  # the share of a pause by which it is lengthened at most
_FIRST_BACKOFF = 60.0  # seconds; or the source's own interval, where that is shorter
_MOST_DOUBLINGS = 32  # beyond, the power alone would be too large a number


@dataclass(frozen=True, slots=True)
class Polled:
    """A page came and was saved. `wait` is in seconds, 0 where the source did not ask for any."""

    more: bool = False
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """The poll brought nothing; the error says what to do next."""

    error: SourceError


@dataclass(frozen=True, slots=True)
class Waited:
    """Nothing was asked: a budget that the source lives on has nothing left until then."""

    until: datetime


Outcome = Polled | Failed | Waited


class Status(StrEnum):
    """How a source is doing, as people are told."""

    NEW = "new"  # never read
    OK = "ok"
    WAITING = "waiting"  # well, and read again when its budget is new
    FAILING = "failing"  # tried again by itself
    STOPPED = "stopped"  # waits for a person


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a source between two polls: failures in a row, and permanent ones among the last.

    `refusals` may be forgotten at a restart: the source then gets its chances anew.
    """

    status: Status = Status.NEW
    failures: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from an outcome. `due` is None for a stopped source: nothing is read until a person restarts it."""

    due: datetime | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a source that people are told once. `code` is translated where it is shown."""

    code: str  # one of NOTICE_CODES
    detail: str = ""


NOTICE_CODES: Mapping[str, str] = {
    "unreachable": "cannot be read at the moment; it is tried again by itself",
    "recovered": "can be read again",
    "stopped": "was stopped until somebody mends it",
}


def plan(now: datetime, interval: float, outcome: Outcome, before: Standing, spread: float) -> Plan:
    """The next poll and the new standing. `interval` in seconds; `spread`, 0 to 1, is the caller's dice."""
    standing = stand(before, outcome)
    return Plan(next_poll(now, interval, outcome, standing, spread), standing)


def stand(before: Standing, outcome: Outcome) -> Standing:
    if isinstance(outcome, Polled):
        return Standing(Status.OK)
    if isinstance(outcome, Waited):
        return before if before.status is Status.FAILING else Standing(Status.WAITING)
    failures = before.failures + 1
    refusals = before.refusals + 1 if isinstance(outcome.error, PermanentError) else 0
    stopped = isinstance(outcome.error, AuthError) or refusals >= PERMANENT_LIMIT
    return Standing(Status.STOPPED if stopped else Status.FAILING, failures, refusals)


def next_poll(now: datetime, interval: float, outcome: Outcome, standing: Standing, spread: float) -> datetime | None:
    """`standing` counts this outcome already. Never before what the source asked for, up to a day."""
    if standing.status is Status.STOPPED:
        return None
    if isinstance(outcome, Waited):
        pause = min(max(0.0, (outcome.until - now).total_seconds()), LONGEST_WAIT)
        # Many sources wait for the same moment; they come back over the time in which each is read once.
        return now + timedelta(seconds=max(pause, SOON) + min(pause, interval) * spread)
    asked = min(max(0.0, _asked(outcome)), LONGEST_WAIT)
    if isinstance(outcome, Polled):
        pause = SOON if outcome.more else _spread(interval, spread)
    else:
        pause = _spread(backoff(interval, standing), spread)
    # Many sources of one host are told the same Retry-After: they must not all come back in the same second.
    return now + timedelta(seconds=max(pause, _spread(asked, spread)))


def backoff(interval: float, standing: Standing) -> float:
    """Seconds, doubled with every failure; a refusal that will not mend itself goes to the cap at once."""
    cap = max(LONGEST_BACKOFF, interval)
    if standing.refusals:
        return cap
    first = min(interval, _FIRST_BACKOFF)
    return min(cap, float(first * 2 ** min(standing.failures - 1, _MOST_DOUBLINGS)))


def first_poll(now: datetime, interval: float, spread: float) -> datetime:
    """A source that was never read: soon, but ten thousand of them not in the same second."""
    return now + timedelta(seconds=min(interval, _FIRST_BACKOFF) * spread)


def lease(now: datetime, total_timeout: float) -> datetime:
    """Written as the due time BEFORE the fetch: a poll that a crash cut off is late, never lost."""
    return now + timedelta(seconds=total_timeout + LEASE_MARGIN)


def clock_jump(wall: float, monotonic: float) -> float:
    """By how many seconds the wall clock was set forward (or back, negative) while `monotonic` seconds passed."""
    jump = wall - monotonic
    return jump if abs(jump) > JUMP_TOLERANCE else 0.0


def sane_due(due: datetime, planned_at: datetime | None, now: datetime, interval: float) -> datetime:
    """`due` as it is meant, where the clock was set since it was planned at `planned_at` (None: never read).

    A plan from the future means that the clock was set back: the pause is kept, counted from now. A clock that was
    set forward needs nothing here: the source is due, and is read once.
    """
    longest = timedelta(seconds=max(LONGEST_WAIT, interval) * (1 + _SPREAD))
    if planned_at is None:
        return min(due, now + timedelta(seconds=interval))
    if planned_at > now + timedelta(seconds=JUMP_TOLERANCE):
        return now + min(max(due - planned_at, timedelta()), longest)
    return min(due, now + longest)


def notice(before: Standing, after: Standing, outcome: Outcome) -> Notice | None:
    """What people are told of this outcome, if anything: each trouble once, and its end once."""
    if before.status is after.status or after.status is Status.WAITING:
        return None
    if after.status is Status.OK:
        return None if before.status in (Status.NEW, Status.WAITING) else Notice("recovered")
    code = "stopped" if after.status is Status.STOPPED else "unreachable"
    return Notice(code, str(outcome.error) if isinstance(outcome, Failed) else "")


def _asked(outcome: Outcome) -> float:
    """Seconds that the source asked us to stay away."""
    match outcome:
        case Polled():
            return outcome.wait
        case Failed(TemporaryError() as error):
            return error.retry_after or 0.0
    return 0.0


def _spread(pause: float, spread: float) -> float:
    """Only ever longer: a pause is a promise to the source."""
    return pause * (1 + _SPREAD * spread)
