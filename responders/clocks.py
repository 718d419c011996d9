"""When somebody is asked again about a draft: reminded, then the next in line, then the channel. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.hours import add_working_time, working_time_between
from monitor.model import Priority
from monitor.options import AnswerTimes, HoursOptions
from monitor.people import People
from monitor.routing import next_in_line
from monitor.store.asking import Asking

REMINDED, NEXT_PERSON, CHANNEL = 1, 2, 3  # levels of escalation


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The company's working hours, how long answers may take, and at which share of that a reminder is due."""

    hours: HoursOptions
    zone: ZoneInfo
    times: AnswerTimes
    remind_at: float

    def due(self, priority: Priority, seen_at: datetime) -> datetime:
        """By when the answer to what was seen at `seen_at` is due, in working time."""
        return self._after(seen_at, self._allowed(priority))

    def reminder(self, priority: Priority, seen_at: datetime) -> datetime:
        return self._after(seen_at, self._allowed(priority) * self.remind_at)

    def last_call(self, priority: Priority, overdue_at: datetime) -> datetime:
        """After the next person was told, this long until the channel is."""
        return self._after(overdue_at, self._allowed(priority) * (1 - self.remind_at))

    def left(self, answer_by: datetime, now: datetime) -> timedelta:
        """Working time until the answer is due; negative where it is overdue."""
        if now <= answer_by:
            return working_time_between(now, answer_by, self.hours, self.zone)
        return -working_time_between(answer_by, now, self.hours, self.zone)

    def _allowed(self, priority: Priority) -> timedelta:
        return timedelta(hours=getattr(self.times, priority.name.lower()))

    def _after(self, start: datetime, length: timedelta) -> datetime:
        return add_working_time(start, length, self.hours, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the clock does now: `wake` a snoozed draft, or raise its level to `level` and tell `people`.

    `timer` is when it looks again; None: never of its own accord.
    """

    level: int
    timer: datetime | None
    people: tuple[str, ...] = ()
    wake: bool = False


def next_step(asking: Asking, clock: Clock, people: People, escalate_to: str, now: datetime) -> Step:
    """What is due for a draft whose timer has run out."""
    if asking.snoozed_until is not None and asking.snoozed_until <= now:
        return Step(level=asking.level, timer=timer_after_rest(asking, clock, now), wake=True)
    steps: dict[int, Callable[[], Step]] = {
        0: lambda: Step(level=REMINDED, timer=_answer_by(asking, clock), people=holders(asking)),
        REMINDED: lambda: _overdue(asking, clock, people, escalate_to, now),
    }
    return steps.get(asking.level, lambda: Step(level=CHANNEL, timer=None, people=()))()


def holders(asking: Asking) -> tuple[str, ...]:
    """Whose it is at the moment: the claimer, else the assignee, else everybody who was asked."""
    one = asking.claimed_by or asking.assignee
    return (one,) if one else asking.team


def _overdue(asking: Asking, clock: Clock, people: People, escalate_to: str, now: datetime) -> Step:
    day = now.astimezone(clock.zone).date()
    holder = (*holders(asking), "")[0]
    told = tuple(name for name in next_in_line(holder, people, escalate_to, day) if name not in holders(asking))
    if not told:
        return Step(level=CHANNEL, timer=None)
    return Step(level=NEXT_PERSON, timer=clock.last_call(asking.draft.priority, now), people=told)


def timer_after_rest(asking: Asking, clock: Clock, now: datetime) -> datetime | None:
    """A snooze moves no deadline: what was due meanwhile is due at once, but for the one who just woke it."""
    if asking.level == 0:
        return max(now, clock.reminder(asking.draft.priority, asking.draft.created_at))
    return max(now, _answer_by(asking, clock)) if asking.level == REMINDED else None


def _answer_by(asking: Asking, clock: Clock) -> datetime:
    return asking.answer_by or clock.due(asking.draft.priority, asking.draft.created_at)
