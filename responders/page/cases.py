"""Saying which mentions are one customer's matter: forms on the page of a draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aiohttp import web

from monitor.errors import DecisionRefused, NoSuchCase, NoSuchDraft, StoreBusy
from monitor.store.cases import Deed
from responders.approval import deciding
from responders.page.context import Visit, see_other
from responders.page.drafts import STATUSES, Refusal, draft_id, show_draft
from responders.page.forms import Form, filter_query, read_filter

_REFERENCE = re.compile(r"(?:OH-)?0*([0-9]{1,12})", re.IGNORECASE)


async def change(visit: Visit, form: Form) -> web.Response:
    """Leads back to the draft; whatever needs one now is drafted."""
    what = visit.request.match_info["what"]
    store = visit.page.store
    try:
        await store.run(store.drafts.get, draft_id(visit))
        await store.run(STEPS[what], visit, form)
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    except (DecisionRefused, StoreBusy) as error:
        refusal = Refusal(error=error, action=what, form=form)
        return await show_draft(visit, status=STATUSES.get(type(error), 422), refusal=refusal)
    if visit.page.judge_again is not None and what == "split":
        await visit.page.judge_again(form.number("mention"))
    return see_other(f"/drafts/{draft_id(visit)}{filter_query(read_filter(visit), after=draft_id(visit))}#places")


def _merge(visit: Visit, form: Form) -> None:
    found = _REFERENCE.fullmatch(form.line("other"))
    if found is None:
        raise NoSuchCase("that is no number of a case")
    cases = visit.page.store.cases
    cases.merge(form.number("case"), cases.find(int(found[1])), _deed(visit))


def _split(visit: Visit, form: Form) -> None:
    visit.page.store.cases.split(form.number("mention"), form.number("case"), _deed(visit))


def _link(visit: Visit, form: Form) -> None:
    visit.page.store.linked.link(_own_mention(visit), form.number("mention"), _deed(visit))


def _unlink(visit: Visit, form: Form) -> None:
    visit.page.store.linked.unlink(form.number("mention"), _deed(visit))


def _own_mention(visit: Visit) -> int:
    return visit.page.store.drafts.get(draft_id(visit)).mention_id


def _deed(visit: Visit) -> Deed:
    deciding(visit.page.rules.people, visit.person)
    return Deed(actor=visit.person, via="page", at=visit.now)


STEPS: Mapping[str, Callable[[Visit, Form], None]] = {
    "merge": _merge,
    "split": _split,
    "link": _link,
    "unlink": _unlink,
}
