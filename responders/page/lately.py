"""The bar that says what is new since a page was opened. It is a frame that loads itself again, so that the page
around it, with whatever is typed or ticked there, stays as it is."""

from __future__ import annotations

from aiohttp import web

from monitor.errors import NoSuchDraft
from monitor.store.asking import Asking
from monitor.store.lately import Deed, Lately, Mark
from monitor.store.views import InboxFilter
from responders.page.context import Visit
from responders.page.forms import filter_query, read_filter, whole_number
from responders.page.security import FRAMING

NEWEST = 10**11


def bar(wanted: InboxFilter, mark: Mark, draft_id: int = 0, editing: bool = False) -> str:
    """The frame's address: below a list, or below one draft."""
    place = f"/drafts/{draft_id}/lately" if draft_id else "/lately"
    return place + filter_query(wanted, draft=mark.draft, line=mark.line, edit=int(editing))


async def show_list(visit: Visit) -> web.Response:
    if visit.session is None:
        return _shown(visit, gone=True)
    found, wanted = await _look(visit), read_filter(visit)
    return _shown(visit, found=found, address="/" + filter_query(wanted))


async def show_draft(visit: Visit) -> web.Response:
    if visit.session is None:
        return _shown(visit, gone=True)
    number = int(visit.request.match_info["id"])
    try:
        deed, asking = await visit.page.store.run(_look_at, visit, number)
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    return _shown(visit, deed=deed, asking=asking, address=f"/drafts/{number}{filter_query(read_filter(visit))}")


async def _look(visit: Visit) -> Lately:
    wanted, store = read_filter(visit), visit.page.store
    return await store.run(store.lately.since, _mark(visit), wanted.tab, wanted.viewer)


def _look_at(visit: Visit, number: int) -> tuple[Deed | None, Asking]:
    store = visit.page.store
    return store.lately.done_to(number, _mark(visit).line, visit.person), store.asking.get(number)


def _mark(visit: Visit) -> Mark:
    query = visit.request.query
    return Mark(draft=whole_number(query.get("draft", ""), NEWEST), line=whole_number(query.get("line", ""), NEWEST))


def _shown(
    visit: Visit,
    *,
    found: Lately | None = None,
    deed: Deed | None = None,
    asking: Asking | None = None,
    address: str = "/sign-in",
    gone: bool = False,
) -> web.Response:
    response = visit.show(
        "lately.html",
        found=found,
        deed=deed,
        asking=asking,
        address=address,
        gone=gone,
        aside=visit.request.query.get("edit") == "1",
    )
    if not gone:
        response.headers["Refresh"] = str(visit.page.refresh)
    response[FRAMING] = "framed"
    return response
