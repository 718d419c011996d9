"""One draft: everything around it, and the decisions about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast, get_args

from aiohttp import web

from monitor.errors import (
    DecisionRefused,
    GuardRefused,
    NoSuchDraft,
    NotAllowed,
    ReasonNeeded,
    StaleDecision,
    StoreBusy,
    TextNeeded,
)
from monitor.model import LABELS, Action, Decision, Draft, DraftState, Label, Verdict
from monitor.people import deciders
from monitor.store.asking import Asking
from monitor.store.views import InboxFilter, Matter, Neighbours
from monitor.triage import label_for_reply
from responders.approval import decide
from responders.codes import FAULT, FAULTS, REJECTION_REASONS
from responders.page.context import PageContext, Visit, see_other
from responders.page.forms import Form, filter_query, read_filter
from responders.page.lately import bar
from responders.page.news import read_news

# what a form sends back, by the reason why the decision was not taken
STATUSES: dict[type[Exception], int] = {
    StaleDecision: 409,
    GuardRefused: 422,
    ReasonNeeded: 422,
    TextNeeded: 422,
    NotAllowed: 403,
    StoreBusy: 503,
}
SETTLING = (
    "approve",
    "reject",
    "handled",
    "full_answer",
    "posted",
    "not_posted",
)  # after these the next draft is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A decision that was not taken, with what the person had typed; `kind` is the error's name."""

    error: Exception
    action: str
    form: Form

    @property
    def kind(self) -> str:
        return type(self.error).__name__

    @property
    def rules(self) -> tuple[str, ...]:
        return self.error.rules if isinstance(self.error, GuardRefused) else ()


async def show(visit: Visit) -> web.Response:
    return await show_draft(visit, status=200, refusal=None)


async def back_to_draft(visit: Visit) -> web.Response:
    """The address of a form, opened by hand or reloaded: it only shows the draft."""
    return see_other(f"/drafts/{draft_id(visit)}{filter_query(read_filter(visit))}")


async def take_decision(visit: Visit, form: Form) -> web.Response:
    decision = _decision(visit, form)
    store = visit.page.store
    try:
        draft = await store.run(decide, store.drafts, decision, visit.page.rules, visit.now)
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    except (DecisionRefused, StoreBusy) as error:
        refusal = Refusal(error=error, action=decision.action, form=form)
        return await show_draft(visit, status=STATUSES[type(error)], refusal=refusal)
    if draft.purpose == "acknowledgement" and draft.state is DraftState.REJECTED and visit.page.judge_again is not None:
        await visit.page.judge_again(draft.mention_id)  # the answer is drafted now
    return see_other(await _onwards(visit, decision.action, draft))


def draft_id(visit: Visit) -> int:
    return int(visit.request.match_info["id"])


def _decision(visit: Visit, form: Form) -> Decision:
    action = visit.request.match_info["action"]
    if action not in get_args(Action):
        raise web.HTTPNotFound
    return Decision(
        draft_id=draft_id(visit),
        rev=form.number("rev"),
        action=cast(Action, action),
        actor=visit.person,
        via="page",
        text=form.text("text"),
        reason=_fault(form) if action == "rewrite" else reason_of(form),
        override=form.all("override"),
    )


def reason_of(form: Form) -> str:
    """The code of a suggested reason and what was typed, as the audit list keeps them."""
    suggestion = form.line("suggestion")
    known = suggestion if suggestion in REJECTION_REASONS else ""
    return ": ".join(part for part in (known, form.line("reason")) if part)


def _fault(form: Form) -> str:
    if (fault := form.line("fault")) not in FAULTS:
        raise web.HTTPBadRequest
    return FAULT + fault


async def _onwards(visit: Visit, action: str, draft: Draft) -> str:
    """The address to go to after a decision: the next draft, unless this one still wants something."""
    wanted = read_filter(visit)
    here = f"/drafts/{draft.id}"
    if action not in SETTLING or action == "not_posted" or (action == "approve" and draft.manual):
        return here + filter_query(wanted, after=draft.id)
    store = visit.page.store
    if action == "full_answer":
        newest = await store.run(store.views.draft_of, draft.mention_id)
        return f"/drafts/{newest.id if newest else draft.id}" + filter_query(wanted, after=draft.id)
    return await following(visit, wanted, draft.id)


async def following(visit: Visit, wanted: InboxFilter, number: int) -> str:
    """The address of the draft that comes after one that left the queue."""
    around = await visit.page.store.run(visit.page.store.views.neighbours, wanted, number)
    onwards = around.after or around.before
    return (f"/drafts/{onwards}" if onwards else "/") + filter_query(wanted, after=number)


async def show_draft(visit: Visit, *, status: int, refusal: Refusal | None) -> web.Response:
    wanted = read_filter(visit)
    store = visit.page.store
    mark = await store.run(store.lately.mark)
    try:
        matter, around, asking = await store.run(_look, visit.page, wanted, draft_id(visit))
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    draft = matter.draft
    editing = refusal.action == "edit" if refusal else "edit" in visit.request.query
    return visit.show(
        "draft.html",
        status=status,
        matter=matter,
        draft=draft,
        mention=matter.mention,
        around=around,
        asking=asking,
        editing=editing,
        deciders=deciders(visit.page.rules.people),
        tomorrow=(visit.now.astimezone(visit.page.times.zone) + timedelta(days=1)).date().isoformat(),
        query=filter_query(wanted),
        refusal=refusal,
        blocking=_blocking(draft, refusal),
        managers=[person.name for person in visit.page.rules.people.values() if person.role == "manager"],
        reply_link=visit.page.reply_link(matter.mention),
        customer_language=matter.mention.language or matter.verdict.language,
        rejection_reasons=REJECTION_REASONS,
        other_labels=_other_labels(matter.verdict),
        may_acknowledge=_may_acknowledge(matter),
        faults=_faults(matter),
        hindrance=_hindrance(visit, draft),
        bar=bar(wanted, mark, draft.id, editing),
        news=await read_news(visit) if refusal is None else None,
    )


def _look(page: PageContext, wanted: InboxFilter, number: int) -> tuple[Matter, Neighbours, Asking]:
    views = page.store.views
    return views.matter(number), views.neighbours(wanted, number), page.store.asking.get(number)


def _other_labels(verdict: Verdict) -> tuple[Label, ...]:
    """What a person may say instead; where the model is unsure, its own guess may be confirmed as well."""
    return tuple(label for label in LABELS if verdict.unsure or label != verdict.label)


def _may_acknowledge(matter: Matter) -> bool:
    """A complaint, once."""
    complains = label_for_reply(matter.mention, matter.verdict) == "complaint"
    return complains and all(draft.purpose == "answer" for draft in (matter.draft, *matter.drafts))


def _faults(matter: Matter) -> tuple[str, ...]:
    """What the answer to a complaint may be written anew for."""
    complains = label_for_reply(matter.mention, matter.verdict) == "complaint"
    return FAULTS if complains and matter.draft.purpose == "answer" else ()


def _hindrance(visit: Visit, draft: Draft) -> str:
    """Why this person cannot approve the draft as it stands, "" where nothing is in the way."""
    if visit.person in draft.approvals:
        return "approved_already"
    return "own_text" if draft.author == visit.person and not visit.page.rules.own_edits else ""


def _blocking(draft: Draft, refusal: Refusal | None) -> tuple[str, ...]:
    """Rules that an approval has to name: those found when the text was written, and any found since."""
    found = (finding.rule for finding in draft.findings if finding.severity == "error")
    return tuple(dict.fromkeys((*found, *(refusal.rules if refusal else ()))))
