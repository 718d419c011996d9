"""A person's decision about a draft: one pure state machine, one compare-and-set, wherever the person decides.

pending, failed -> approved -> publishing -> published | failed | unknown
pending, failed -> pending (edit: a new revision; the first yes of two) | rejected | superseded (handled elsewhere)
pending, failed -> pending (acknowledge, rewrite: a new revision)
pending, failed -> rejected (full_answer: the answer is drafted at once)
approved -> pending (undo, inside the grace period) | published (posted by hand)
unknown -> published (a person found it) | pending (a person looked, it is not there)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from monitor.errors import GuardRefused, NotAllowed, ReasonNeeded, StaleDecision, TextNeeded
from monitor.model import Action, Composition, Decision, Draft, DraftState, Finding, Purpose, Transition, text_hash
from monitor.people import People, Person
from responders.codes import FAULT

# what the guard says of a text under a draft, when a certain person approves it
Check = Callable[[Draft, str, str], tuple[Finding, ...]]

WAITING = frozenset({DraftState.PENDING, DraftState.FAILED})
APPROVED = frozenset({DraftState.APPROVED})
UNKNOWN = frozenset({DraftState.UNKNOWN})

MOVES: dict[Action, tuple[frozenset[DraftState], DraftState]] = {
    "approve": (WAITING, DraftState.APPROVED),
    "edit": (WAITING, DraftState.PENDING),
    "reject": (WAITING, DraftState.REJECTED),
    "handled": (WAITING, DraftState.SUPERSEDED),
    "acknowledge": (WAITING, DraftState.PENDING),
    "full_answer": (WAITING, DraftState.REJECTED),
    "rewrite": (WAITING, DraftState.PENDING),
    "undo": (APPROVED, DraftState.PENDING),
    "posted": (APPROVED | UNKNOWN, DraftState.PUBLISHED),
    "not_posted": (UNKNOWN, DraftState.PENDING),
}


# that they are about
PURPOSES: dict[Action, Purpose] = {"acknowledge": "answer", "full_answer": "acknowledgement", "rewrite": "answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A short acknowledgement, what the guard says of it, and by when it promises the answer."""

    composition: Composition
    findings: tuple[Finding, ...]
    promised: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """An answer composed anew, and what the guard says of it."""

    composition: Composition
    findings: tuple[Finding, ...]


def never(_draft: Draft) -> Acknowledged | None:
    return None


def never_again(_draft: Draft, _fault: str, _actor: str) -> Rewritten | None:
    return None


def one_is_enough(_draft: Draft) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who may decide, how long an approval can be undone, and what the guard says of a text.

    `own_edits`: whether a person may approve a text that he rewrote. `two`: whether a draft needs a second yes.
    `acknowledge` writes the acknowledgement to send before a drafted answer, None where the draft needs none.
    `rewrite` composes an answer anew for a fault and the one who is to approve it, None where fault says nothing.
    """

    people: People
    grace: timedelta
    check: Check
    own_edits: bool = True
    two: Callable[[Draft], bool] = one_is_enough
    acknowledge: Callable[[Draft], Acknowledged | None] = never
    rewrite: Callable[[Draft, str, str], Rewritten | None] = never_again


class DraftStore(Protocol):
    """What deciding needs of the store."""

    def get(self, draft_id: int) -> Draft: ...

    def apply(self, transition: Transition) -> Draft: ...


def decide(drafts: DraftStore, decision: Decision, rules: Rules, now: datetime) -> Draft:
    """Take a decision, or raise a DecisionRefused that says why nothing changed. Blocks for as long as SQL takes."""
    return drafts.apply(transition(drafts.get(decision.draft_id), decision, rules, now))


def transition(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    """What the decision does to the draft as it is now. Only processes values."""
    person = deciding(rules.people, decision.actor)
    sources, target = MOVES[decision.action]
    if decision.rev != draft.rev or draft.state not in sources:
        raise _stale(draft)
    if draft.purpose != PURPOSES.get(decision.action, draft.purpose):
        raise NotAllowed(f"draft {draft.id} is an {draft.purpose} already; nothing was changed")
    steps: dict[Action, Callable[[], Transition]] = {
        "approve": lambda: _approve(draft, decision, person, rules, now),
        "edit": lambda: _edit(draft, decision, rules, now),
        "reject": lambda: _reject(decision, now),
        "acknowledge": lambda: _acknowledge(draft, decision, rules, now),
        "rewrite": lambda: _rewrite(draft, decision, rules, now),
    }
    plain = Transition(decision=decision, sources=sources, target=target, at=now)
    return steps.get(decision.action, lambda: plain)()


def deciding(people: People, actor: str) -> Person:
    """The person who decides. Raises NotAllowed for strangers and for those who may only read."""
    person = people.get(actor)
    if person is None:
        raise NotAllowed(f"{actor} is not among the people who may decide (approval.people or [people] in config.toml)")
    if not person.decides:
        raise NotAllowed(f"{actor} may read, but not decide (people.{actor}.role in config.toml)")
    return person


def _approve(draft: Draft, decision: Decision, person: Person, rules: Rules, now: datetime) -> Transition:
    _judge_again(draft, decision, person, rules)
    sources, target = MOVES["approve"]
    approvals = _approvals(draft, decision.actor, rules)
    if rules.two(draft) and len(approvals) < 2:
        return Transition(decision=decision, sources=sources, target=draft.state, at=now, approvals=approvals)
    return Transition(
        decision=decision,
        sources=sources,
        target=target,
        at=now,
        approved_hash=text_hash(draft.text),
        publish_after=None if draft.manual else now + rules.grace,
    )


def _judge_again(draft: Draft, decision: Decision, person: Person, rules: Rules) -> None:
    """The guard's rules may have become stricter since the draft was written, and they depend on who approves."""
    findings = rules.check(draft, draft.text, decision.actor)
    blocking = tuple(dict.fromkeys(f.rule for f in findings if f.severity == "error"))
    if left := tuple(rule for rule in blocking if rule not in decision.override):
        raise GuardRefused(
            f"the text breaks: {', '.join(left)}. Edit it, or approve against these by name.", rules=left
        )
    if blocking and person.role != "manager":
        raise NotAllowed(f"only a manager may approve against the guard; the text breaks: {', '.join(blocking)}")


def _approvals(draft: Draft, actor: str, rules: Rules) -> tuple[str, ...]:
    """Who has said yes, this person included. Raises NotAllowed where somebody else has to."""
    if not rules.own_edits and draft.author == actor:
        raise NotAllowed(f"{actor} rewrote this text, so somebody else has to approve it (approval.own_edits)")
    if actor in draft.approvals:
        raise NotAllowed(f"{actor} has approved this text already; it needs a second person (approval.two_for)")
    return (*draft.approvals, actor)


def _edit(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    text = decision.text.replace("\r\n", "\n").strip()
    if not text:
        raise TextNeeded("an edit needs a text; to say nothing, reject the draft")
    sources, target = MOVES["edit"]
    findings = rules.check(draft, text, decision.actor)
    return Transition(decision=decision, sources=sources, target=target, at=now, text=text, findings=findings)


def _reject(decision: Decision, now: datetime) -> Transition:
    if not decision.reason.strip():
        raise ReasonNeeded("a rejection needs a reason: it is what the next draft learns from")
    sources, target = MOVES["reject"]
    return Transition(decision=decision, sources=sources, target=target, at=now)


def _acknowledge(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    """The same draft with another text: nobody is asked twice at once about one case."""
    written = rules.acknowledge(draft)
    if written is None:
        raise NotAllowed("only a complaint that was not acknowledged yet can be acknowledged before it is answered")
    return replace(_written(decision, written, now), purpose="acknowledgement", promised=written.promised)


def _rewrite(draft: Draft, decision: Decision, rules: Rules, now: datetime) -> Transition:
    """A machine's text again, so that what people do with it still tells how the playbook fares."""
    written = rules.rewrite(draft, decision.reason.removeprefix(FAULT), decision.actor)
    if written is None:
        raise NotAllowed("only the answer to a complaint depends on whose fault it is; nothing was changed")
    return _written(decision, written, now)


def _written(decision: Decision, written: Acknowledged | Rewritten, now: datetime) -> Transition:
    sources, target = MOVES[decision.action]
    composition = written.composition
    return Transition(
        decision=decision,
        sources=sources,
        target=target,
        at=now,
        text=composition.text,
        parts=composition.parts,
        choices=composition.choices,
        findings=written.findings,
        author=composition.author,
    )


def _stale(draft: Draft) -> StaleDecision:
    who = f" by {draft.decided_by}" if draft.decided_by else ""
    return StaleDecision(
        f"draft {draft.id} is {draft.state} at revision {draft.rev}{who}; nothing was changed",
        state=draft.state,
        rev=draft.rev,
        by=draft.decided_by,
        at=draft.decided_at,
    )
