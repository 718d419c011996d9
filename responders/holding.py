"""Whose a draft is and when somebody is asked again, as people change it: on the page, in Slack, wherever they are.

None of it touches the text. Everything here blocks for as long as SQL takes.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

from monitor.errors import StaleDecision
from monitor.hours import add_working_time
from monitor.model import Draft
from monitor.people import People
from monitor.store.asking import Asking
from monitor.store.sqlite import SqliteStore
from responders.approval import deciding
from responders.clocks import REMINDED, Clock, timer_after_rest

Rest = Literal["hour", "tomorrow", "change"]


def rested(rest: Rest, now: datetime, times: Clock) -> datetime | None:
    """Until when a draft that is snoozed now sleeps; None: until something changes."""
    if rest == "change":
        return None
    if rest == "hour":
        return now + timedelta(hours=1)
    return morning(now.astimezone(times.zone).date() + timedelta(days=1), times)


def morning(day: date, times: Clock) -> datetime:
    """When people begin to work on that day, or on the next working day after it."""
    return add_working_time(datetime.combine(day, time(), times.zone), timedelta(), times.hours, times.zone)


def hand_on(
    store: SqliteStore,
    people: People,
    draft_id: int,
    to: str,
    *,
    actor: str,
    via: str,
    now: datetime,
    rev: int | None = None,
) -> Draft:
    """Assign it to somebody who may decide, "" for nobody. Raises NotAllowed, NoSuchDraft, StaleDecision."""
    deciding(people, actor)
    if to:
        deciding(people, to)
    return store.asking.assign(draft_id, to, actor=actor, via=via, now=now, rev=rev)


def bring_forward(store: SqliteStore, draft_id: int, *, actor: str, via: str, now: datetime) -> None:
    """Escalate by hand: the clock's step to the next person is due now. Raises NoSuchDraft, StaleDecision."""
    before = store.asking.get(draft_id)
    level = max(before.level, REMINDED)
    if not store.asking.escalate(before, level, now, actor=actor, via=via, now=now, told=actor):
        raise _stale(store.asking.get(draft_id))


def wake(store: SqliteStore, draft_id: int, times: Clock, *, actor: str, via: str, now: datetime) -> Draft:
    """Bring back what was snoozed. Raises NoSuchDraft, StaleDecision."""
    timer = timer_after_rest(store.asking.get(draft_id), times, now)
    return store.asking.wake(draft_id, timer, now=now, actor=actor, via=via)


def _stale(asking: Asking) -> StaleDecision:
    draft = asking.draft
    return StaleDecision(
        f"draft {draft.id} is {draft.state} at revision {draft.rev}",
        state=draft.state,
        rev=draft.rev,
        by=draft.decided_by,
        at=draft.decided_at,
    )
