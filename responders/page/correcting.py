"""Saying that a label is wrong, and what it should be."""

from __future__ import annotations

from aiohttp import web

from monitor.errors import NoSuchDraft, NotAllowed, StaleDecision, StoreBusy
from monitor.model import LABELS
from responders.correction import correct as corrected
from responders.page.context import Visit, see_other
from responders.page.drafts import STATUSES, Refusal, draft_id, show_draft
from responders.page.forms import Form, filter_query, read_filter


async def correct(visit: Visit, form: Form) -> web.Response:
    """Leads back to the draft, which is written anew by then where nobody has decided about it."""
    label, store = form.line("label"), visit.page.store
    if label not in LABELS:
        raise web.HTTPBadRequest
    try:
        mention_id = await store.run(
            corrected,
            store,
            draft_id(visit),
            label,
            seen=form.line("seen"),
            actor=visit.person,
            via="page",
            people=visit.page.rules.people,
            now=visit.now,
        )
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    except (StaleDecision, NotAllowed, StoreBusy) as error:
        return await show_draft(
            visit, status=STATUSES[type(error)], refusal=Refusal(error=error, action="correct", form=form)
        )
    if visit.page.judge_again is not None:
        await visit.page.judge_again(mention_id)
    return see_other(f"/drafts/{draft_id(visit)}{filter_query(read_filter(visit), after=draft_id(visit))}")
