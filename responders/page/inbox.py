"""The list of drafts."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from monitor.model import LABELS
from monitor.store.views import Inbox, InboxFilter
from responders.codes import REJECTION_REASONS
from responders.page.context import PageContext, Visit, see_other
from responders.page.forms import PER_PAGE, filter_query, read_filter
from responders.page.lately import bar
from responders.page.news import read_news
from responders.page.together import deciding_people

WAITING = ("mine", "others", "snoozed", "waiting")  # tabs of what can still be decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around the list: counts by tab, values to filter by, sources in trouble, and a model in trouble."""

    tabs: dict[str, int]
    facets: dict[str, list[str]]
    troubled: dict[str, str]
    degraded: str  # why the configured model does not judge, "" where it does


async def show(visit: Visit) -> web.Response:
    wanted = read_filter(visit)
    store = visit.page.store
    mark = await store.run(store.lately.mark)  # before the rest, so that nothing falls in between
    inbox, around = await store.run(_look, visit.page, wanted)
    return visit.show(
        "inbox.html",
        inbox=inbox,
        around=around,
        wanted=wanted,
        labels=LABELS,
        filtered=bool(wanted.source or wanted.language or wanted.label or wanted.search),
        query=filter_query(wanted),
        address=lambda **changes: "/" + filter_query(wanted, **changes),
        pages=_pages(wanted, inbox),
        news=await read_news(visit),
        bar=bar(wanted, mark),
        together=visit.manages and wanted.tab in WAITING,
        rejection_reasons=REJECTION_REASONS,
        people=deciding_people(visit),
    )


async def back(visit: Visit) -> web.Response:
    """The address of the form for many at once, opened by hand or reloaded."""
    return see_other("/" + filter_query(read_filter(visit)))


def _look(page: PageContext, wanted: InboxFilter) -> tuple[Inbox, Around]:
    views = page.store.views
    degraded = page.store.rescoring.trouble()
    around = Around(tabs=views.tabs(wanted.viewer), facets=views.facets(), troubled=views.troubled(), degraded=degraded)
    return views.inbox(wanted), around


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Numbers of pages, from 1; `before` and `after` are 0 at the ends."""

    here: int
    last: int
    before: int
    after: int


def _pages(wanted: InboxFilter, inbox: Inbox) -> Pages:
    here = wanted.offset // PER_PAGE + 1
    last = max(1, -(-inbox.total // PER_PAGE))
    return Pages(here=here, last=last, before=here - 1, after=here + 1 if here < last else 0)
