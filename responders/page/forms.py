"""What a browser sent: a form, or the part of an address that tells which drafts are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict, MultiMapping

from monitor.store.views import InboxFilter, Tab

FORM_LIMIT = 256 * 1024  # bytes; the longest reply of any platform is far below
PER_PAGE = 25
LAST_PAGE = 100_000


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


def read_filter(query: Mapping[str, str]) -> InboxFilter:
    tab = query.get("tab", "")
    page = whole_number(query.get("page", ""), LAST_PAGE)
    return InboxFilter(
        tab=cast(Tab, tab) if tab in get_args(Tab) else "waiting",
        source=clean(query.get("source", ""))[:200],
        language=clean(query.get("language", ""))[:10],
        label=clean(query.get("label", ""))[:20],
        search=clean(query.get("search", ""))[:200].strip(),
        limit=PER_PAGE,
        offset=max(0, page - 1) * PER_PAGE,
    )


def filter_query(wanted: InboxFilter, **changes: object) -> str:
    """The filter as the query of an address, "?..." or "" for the plain inbox. Always starts on the first page."""
    fields = {name: getattr(wanted, name) for name in ("tab", "source", "language", "label", "search")} | changes
    kept = {name: value for name, value in fields.items() if value and (name, value) != ("tab", "waiting")}
    return f"?{urlencode(kept)}" if kept else ""
