"""The list of mentions that got no draft, and drafting one all the same."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from monitor.store.aside import MOST_COUNTED, AsideList
from responders.page.context import PageContext, Visit, see_other
from responders.page.forms import LAST_PAGE, PER_PAGE, Form, clean, viewer, whole_number


async def show(visit: Visit) -> web.Response:
    query = visit.request.query
    reason = clean(query.get("reason", ""))[:40]
    here = max(1, whole_number(query.get("page", ""), LAST_PAGE))
    store = visit.page.store
    found = await store.run(store.aside.look, reason, PER_PAGE, (here - 1) * PER_PAGE)
    tabs = await store.run(store.views.tabs, viewer(visit))
    return visit.show(
        "aside.html",
        found=found,
        most=MOST_COUNTED,
        tabs=tabs,
        reason=reason,
        here=here,
        last=_last(found, here),
        address=lambda page: f"/aside?{urlencode({'reason': reason, 'page': page})}",
        can_draft=visit.page.judge_again is not None and visit.decides,
    )


def _last(found: AsideList, here: int) -> int:
    """The last page that is known; where not all were counted, there is one more behind every full page."""
    counted = max(1, -(-found.total // PER_PAGE))
    return max(counted, here + 1) if found.more and len(found.rows) == PER_PAGE else counted


async def draft(visit: Visit, _form: Form) -> web.Response:
    """Leads to the draft, or back to the list where it takes a moment."""
    row_id = int(visit.request.match_info["id"])
    if not visit.decides:
        raise web.HTTPForbidden
    store = visit.page.store
    if visit.page.judge_again is None or await store.run(store.mentions.get, row_id) is None:
        raise web.HTTPNotFound
    await store.run(store.aside.want, row_id, visit.person)
    await visit.page.judge_again(row_id)
    return see_other(await store.run(_onwards, visit.page, row_id))


async def back(visit: Visit) -> web.Response:
    """The address of the form, opened by hand."""
    return see_other("/aside")


def _onwards(page: PageContext, row_id: int) -> str:
    draft_id = page.store.aside.answered_by(row_id)
    return f"/drafts/{draft_id}" if draft_id else "/aside"
