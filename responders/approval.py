"""A person's decision about a draft: one pure state machine, one compare-and-set, for page and terminal alike.

pending, failed -> approved -> publishing -> published | failed | unknown
pending, failed -> pending (edit: a new revision) | rejected
approved -> pending (undo, inside the grace period) | published (posted by hand)
unknown -> published (a person found it) | pending (a person looked, it is not there)
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from monitor.errors import GuardRefused, NotAllowed, ReasonNeeded, StaleDecision, TextNeeded
from monitor.model import Action, Decision, Draft, DraftState, Finding, Transition, text_hash

Check = Callable[[Draft, str], tuple[Finding, ...]]

WAITING = frozenset({DraftState.PENDING, DraftState.FAILED})
APPROVED = frozenset({DraftState.APPROVED})
UNKNOWN = frozenset({DraftState.UNKNOWN})

MOVES: dict[Action, tuple[frozenset[DraftState], DraftState]] = {
    "approve": (WAITING, DraftState.APPROVED),
    "edit": (WAITING, DraftState.PENDING),
    "reject": (WAITING, DraftState.REJECTED),
    "undo": (APPROVED, DraftState.PENDING),
    "posted": (APPROVED | UNKNOWN, DraftState.PUBLISHED),
    "not_posted": (UNKNOWN, DraftState.PENDING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who may decide, how long an approval can be undone, and what the guard says of a text."""

    people: Collection[str]
    grace: timedelta
    check: Check


class DraftStore(Protocol):
    """What deciding needs of the store."""

    def get(self, draft_id: int) -> Draft: ...

    def apply(self, transition: Transition) -> Draft: ...


def decide(drafts: DraftStore, decision: Decision, rules: Rules, now: datetime) -> Draft:
    """Take a decision, or raise a DecisionRefused that says why nothing changed. Blocks for as long as SQL takes."""
    return drafts.apply(transition(drafts.get(decision.draft_id), decision, rules, now))


def transition(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    """What the decision does to the draft as it is now. Only processes values."""
    if decision.actor not in rules.people:
        raise NotAllowed(f"{decision.actor} is not among the people who may decide (approval.people in config.toml)")
    sources, target = MOVES[decision.action]
    if decision.rev != draft.rev or draft.state not in sources:
        raise _stale(draft)
    steps: dict[Action, Callable[[], Transition]] = {
        "approve": lambda: _approve(draft, decision, rules, now),
        "edit": lambda: _edit(draft, decision, rules, now),
        "reject": lambda: _reject(decision, now),
    }
    plain = Transition(decision=decision, sources=sources, target=target, at=now)
    return steps.get(decision.action, lambda: plain)()


def _approve(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    # the guard's rules may have become stricter since the draft was written, so the text is judged again
    findings = rules.check(draft, draft.text)
    blocking = tuple(dict.fromkeys(f.rule for f in findings if f.severity == "error"))
    if left := tuple(rule for rule in blocking if rule not in decision.override):
        raise GuardRefused(
            f"the text breaks: {', '.join(left)}. Edit it, or approve against these by name.", rules=left
        )
    sources, target = MOVES["approve"]
    return Transition(
        decision=decision,
        sources=sources,
        target=target,
        at=now,
        approved_hash=text_hash(draft.text),
        publish_after=None if draft.manual else now + rules.grace,
    )


def _edit(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    text = decision.text.replace("\r\n", "\n").strip()
    if not text:
        raise TextNeeded("an edit needs a text; to say nothing, reject the draft")
    sources, target = MOVES["edit"]
    return Transition(
        decision=decision, sources=sources, target=target, at=now, text=text, findings=rules.check(draft, text)
    )


def _reject(decision: Decision, now: datetime) -> Transition:
    if not decision.reason.strip():
        raise ReasonNeeded("a rejection needs a reason: it is what the next draft learns from")
    sources, target = MOVES["reject"]
    return Transition(decision=decision, sources=sources, target=target, at=now)


def _stale(draft: Draft) -> StaleDecision:
    who = f" by {draft.decided_by}" if draft.decided_by else ""
    return StaleDecision(
        f"draft {draft.id} is {draft.state} at revision {draft.rev}{who}; nothing was changed",
        state=draft.state,
        rev=draft.rev,
        by=draft.decided_by,
        at=draft.decided_at,
    )
