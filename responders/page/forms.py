"""What a browser sent: a form, or the part of an address that tells which drafts are meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict, MultiMapping

from monitor.store.queues import Viewer
from monitor.store.views import InboxFilter, Tab
from responders.page.context import Visit

FORM_LIMIT = 256 * 1024  # bytes; the longest reply of any platform is far below
PER_PAGE = 25
LAST_PAGE = 100_000
DEFAULT_TAB: Tab = "mine"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form as plain text; files and anything unreadable count as missing."""

    fields: MultiMapping[str]

    def line(self, name: str) -> str:
        return clean(self.fields.get(name, "")).strip()

    def text(self, name: str) -> str:
        return clean(self.fields.get(name, "")).replace("\r\n", "\n")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self.fields.getall(name, ()))

    def number(self, name: str) -> int:
        return whole_number(self.line(name), 999_999_999)


async def read_form(request: web.Request) -> Form:
    """Raises HTTPBadRequest, HTTPRequestEntityTooLarge."""
    try:
        posted = await request.clone(client_max_size=FORM_LIMIT).post()
    except (ValueError, LookupError) as error:
        raise web.HTTPBadRequest from error
    return Form(MultiDict((name, value) for name, value in posted.items() if isinstance(value, str)))


def clean(text: str) -> str:
    """Without what a database cannot keep: NUL and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def whole_number(text: str, most: int) -> int:
    """Between 0 and `most`; 0 for what is no number."""
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def read_filter(visit: Visit) -> InboxFilter:
    """Whoever only reads has no queue, and looks at all that waits."""
    query = visit.request.query
    tab = query.get("tab", "")
    tab = tab if tab in get_args(Tab) else DEFAULT_TAB
    if tab == DEFAULT_TAB and not visit.decides:
        tab = "waiting"
    page = whole_number(query.get("page", ""), LAST_PAGE)
    return InboxFilter(
        tab=cast(Tab, tab),
        source=clean(query.get("source", ""))[:200],
        language=clean(query.get("language", ""))[:10],
        label=clean(query.get("label", ""))[:20],
        search=clean(query.get("search", ""))[:200].strip(),
        viewer=viewer(visit),
        limit=PER_PAGE,
        offset=max(0, page - 1) * PER_PAGE,
    )


def viewer(visit: Visit) -> Viewer:
    person = visit.reader
    return Viewer(
        name=person.name if person.decides else "",
        languages=person.languages,
        sources=person.sources,
        now=visit.now,
    )


def filter_query(wanted: InboxFilter, **changes: object) -> str:
    """The filter as the query of an address, "?..." or "" for the plain inbox. Always starts on the first page."""
    fields = {name: getattr(wanted, name) for name in ("tab", "source", "language", "label", "search")} | changes
    kept = {name: value for name, value in fields.items() if value and (name, value) != ("tab", DEFAULT_TAB)}
    return f"?{urlencode(kept)}" if kept else ""
