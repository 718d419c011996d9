"""Rejecting or handing on many drafts at once. Each is decided by itself, at the revision that was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from monitor.errors import DecisionRefused, NoSuchDraft, StoreBusy
from monitor.model import Decision, Draft
from responders.answers import refused
from responders.approval import decide
from responders.codes import REJECTION_REASONS
from responders.holding import hand_on
from responders.page.context import Visit
from responders.page.drafts import reason_of
from responders.page.forms import Form, filter_query, read_filter, whole_number

MOST = 100  # drafts at once; a page of the list shows fewer
VIA = "page"


@dataclass(frozen=True, slots=True)
class Pick:
    """A draft that was ticked, at the revision that was shown."""

    draft_id: int
    rev: int

    @property
    def value(self) -> str:
        return f"{self.draft_id}:{self.rev}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one; `trouble` is "" where it was done. `draft` is None where there is none of that number."""

    draft: Draft | None
    trouble: str


async def act(visit: Visit, form: Form) -> web.Response:
    """Only managers decide about many at once."""
    what, picks = form.line("do"), tuple(_picks(form))
    if not visit.manages:
        raise web.HTTPForbidden
    if what not in STEPS:
        raise web.HTTPBadRequest
    wanting = _wanting(what, picks, form)
    outcomes = [] if wanting else [await visit.page.store.run(_one, visit, form, what, pick) for pick in picks]
    return visit.show(
        "together.html",
        status=422 if wanting else 200,
        what=what,
        picks=picks,
        wanting=wanting,
        outcomes=outcomes,
        done=sum(not outcome.trouble for outcome in outcomes),
        form=form,
        rejection_reasons=REJECTION_REASONS,
        people=deciding_people(visit),
        query=filter_query(read_filter(visit)),
    )


def deciding_people(visit: Visit) -> list[str]:
    return [person.name for person in visit.page.rules.people.values() if person.decides]


def _wanting(what: str, picks: tuple[Pick, ...], form: Form) -> str:
    """What the form lacks, "" where it is complete."""
    if not picks:
        return "picks"
    return "reason" if what == "reject" and not reason_of(form) else ""


def _picks(form: Form) -> Iterator[Pick]:
    for value in tuple(dict.fromkeys(form.all("pick")))[:MOST]:
        draft_id, _, rev = value.partition(":")
        if number := whole_number(draft_id, 10**11):
            yield Pick(number, whole_number(rev, 999_999_999))


def _one(visit: Visit, form: Form, what: str, pick: Pick) -> Outcome:
    try:
        return Outcome(draft=STEPS[what](visit, form, pick), trouble="")
    except (DecisionRefused, StoreBusy) as error:
        return Outcome(draft=_present(visit, pick), trouble=_told(visit, error))


def _told(visit: Visit, error: DecisionRefused | StoreBusy) -> str:
    words = visit.words
    if isinstance(error, DecisionRefused):
        return refused(error, words)
    return words.say("The database is busy or the disk is full. Try again in a moment.")


def _present(visit: Visit, pick: Pick) -> Draft | None:
    try:
        return visit.page.store.drafts.get(pick.draft_id)
    except NoSuchDraft:
        return None


def _reject(visit: Visit, form: Form, pick: Pick) -> Draft:
    page = visit.page
    decision = Decision(
        draft_id=pick.draft_id, rev=pick.rev, action="reject", actor=visit.person, via=VIA, reason=reason_of(form)
    )
    return decide(page.store.drafts, decision, page.rules, visit.now)


def _assign(visit: Visit, form: Form, pick: Pick) -> Draft:
    page = visit.page
    return hand_on(
        page.store,
        page.rules.people,
        pick.draft_id,
        form.line("person"),
        actor=visit.person,
        via=VIA,
        now=visit.now,
        rev=pick.rev,
    )


STEPS: dict[str, Callable[[Visit, Form, Pick], Draft]] = {"reject": _reject, "assign": _assign}
