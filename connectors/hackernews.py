"""What people write on Hacker News, found by Algolia's search. Free, without a key, and for reading only.

https://hn.algolia.com/api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Page, ReplyRules
from monitor.cursors import LATEST, Moments
from monitor.errors import NotFound, TemporaryError, nonsense
from monitor.fields import string, things
from monitor.gathering import gathered
from monitor.http import Http
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import fold, html_to_text, one_line

QUOTA = "10,000 requests an hour"
COST = "free"
API = "https://hn.algolia.com/api/v1"
MOST = 100  # posts in one answer
OVERLAP = 3600  # seconds; what is written is found a while later
HOURLY = 10_000  # requests that one address may make
_NUMBER = re.compile(r"[0-9]{1,12}")


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "hackernews"`."""

    query: str = Field(
        min_length=2, max_length=200, description="what is searched for; in quotes for the very words: '\"Your Shop\"'"
    )


def connect(settings: Settings, http: Http) -> HackerNews:
    return HackerNews(settings, http)


class HackerNews:
    """Every poll is one request. Pages end at a moment, so that what arrives meanwhile moves nothing."""

    reply_rules = ReplyRules(kind="manual", channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {fold(name) for name in settings.own_names}
        quota = Budget(account=account_of("hackernews"), name="requests", limit=HOURLY, window=Rolling(3600))
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}

    async def poll(self, cursor: str) -> Page:
        state, now = Moments.parse(cursor), datetime.now(UTC)
        hits = await self._hits(state)
        found = (self._mention(hit, now) for hit in hits)
        page = gathered(found, "a post without an id or a text", but=lambda one: fold(one.author) in self._own)
        written = [_written(hit) or int(now.timestamp()) for hit in hits]
        state.go_on(written, len(hits) >= MOST, int(now.timestamp()))
        return replace(page, cursor=state.model_dump_json(), more=bool(state.before))

    async def close(self) -> None:
        pass

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            self._requests.take()
            response = await self._http.get(f"{API}/items/{mention.id}")
        except NotFound:
            return None
        item = response.json()
        if not isinstance(item, dict) or _id(item) != mention.id:
            raise TemporaryError(
                "Hacker News does not show the original at the moment", cause="passing", words="Hacker News"
            )
        return self._mention(item, mention.created_at)  # of what was deleted nothing but the id is left

    async def _hits(self, state: Moments) -> list[dict[str, Any]]:
        limits = [f"created_at_i>{max(state.since - OVERLAP, 0)}"]
        if state.before:
            limits.append(f"created_at_i<={state.before}")
        asked = {
            "query": self._settings.query,
            "tags": "(story,comment)",
            "numericFilters": ",".join(limits),
            "hitsPerPage": MOST,
        }
        self._requests.take()
        document = (await self._http.get(f"{API}/search_by_date?{urlencode(asked)}")).json()
        if not isinstance(document, dict) or not isinstance(document.get("hits"), list):
            raise nonsense("Hacker News", "list of posts")
        return things(document["hits"])

    def _mention(self, thing: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        number, written = _id(thing), _written(thing)
        text = html_to_text(string(thing, "comment_text", "story_text", "text"))
        title = one_line(string(thing, "title"))
        if not number or not (text or title):
            return None
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            title=title,
            created_at=datetime.fromtimestamp(written, UTC) if written else otherwise,
            url=f"https://news.ycombinator.com/item?id={number}",
            author=one_line(string(thing, "author"), 50),
            language=self._settings.language or "en",
            thread=_number(thing.get("parent_id")),
            raw={"story": one_line(string(thing, "story_title"))},
        )


def _id(thing: Mapping[str, Any]) -> str:
    return _number(thing.get("objectID")) or _number(thing.get("id"))


def _number(value: object) -> str:
    written = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return written if _NUMBER.fullmatch(written) else ""


def _written(thing: Mapping[str, Any]) -> int:
    value = thing.get("created_at_i")
    return int(value) if isinstance(value, int | float) and 0 < value < LATEST else 0
