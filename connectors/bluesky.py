"""Posts on Bluesky that mention, answer or quote the account or that a search finds; answers to those who addressed it.

The key of an answer follows from its approval, so that the server refuses to take it twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from monitor import cells
from monitor.answerable import only_addressed, original, refuse_manual
from monitor.bluesky_api import POST, BlueskyApi, BlueskyOptions
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import PermanentError
from monitor.fields import inner, rows, string, strings, things
from monitor.gathering import gathered
from monitor.http import Http
from monitor.model import Mention
from monitor.rechecks import believe
from monitor.rounds import Feeds
from monitor.text import clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "3,000 requests in 5 minutes"
COST = "free"
MOST = 100  # posts in one answer
LOOKED_AT = 25  # posts that one poll looks at again
OVERLAP = 3600.0  # seconds; what is written is found a while later
_URI = re.compile(r"at://(did:[a-z]+:[\w.:%-]{1,200})/app\.bsky\.feed\.post/([\w.~:-]{1,512})", re.ASCII)
_HANDLE = re.compile(r"([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"]*[\w/]")
_UNASKED = "this does not mention, answer or quote the account; a person has to post this one"


class Settings(BlueskyOptions):
    """`[sources.NAME]` with `kind = "bluesky"`."""

    mentions: bool = Field(default=True, description="whether posts that mention, answer or quote the account are read")
    query: str = Field(default="", max_length=200, description="what is searched for: '\"Your Shop\"'")
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers: those who addressed the account, all, or nothing"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if not (self.mentions or self.query):
            raise ValueError("set mentions = true or a query")
        return self

    @property
    def feeds(self) -> dict[str, tuple[str, str, list[tuple[str, str]]]]:
        """What is read in turn: method, name of the list in its answer, and parameters of each."""
        found: dict[str, tuple[str, str, list[tuple[str, str]]]] = {}
        if self.mentions:
            reasons = [("reasons", reason) for reason in ("mention", "reply", "quote")]
            found["mentions"] = "app.bsky.notification.listNotifications", "notifications", reasons
        if self.query:
            found["search"] = "app.bsky.feed.searchPosts", "posts", [("q", self.query), ("sort", "latest")]
        return found


def connect(settings: Settings, http: Http) -> Bluesky:
    return Bluesky(settings, http) if settings.replies == "manual" else AnsweringBluesky(settings, http)


class Bluesky:
    """Reads. Every poll is one request for a page of a feed."""

    reply_rules = ReplyRules(kind="manual", max_length=300, unit="graphemes", max_bytes=3000, channel="post")
    look_every = timedelta(days=1)
    looks_at_once = LOOKED_AT

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._api = BlueskyApi(http, settings)
        self._own = {fold(name) for name in settings.own_names}
        self.budgets = self._api.budgets(len(settings.feeds))

    async def poll(self, cursor: str) -> Page:
        now, state = datetime.now(UTC), Feeds.parse(cursor)
        return await state.poll([*self._settings.feeds], lambda _: self._read(state, now))

    async def look_again(self, ids: Sequence[str]) -> Page:
        """Posts are never edited there."""
        uris = [one for one in ids if _URI.fullmatch(one)]
        there = await self._known(uris) if uris else set()
        if uris:
            await believe(there, self._shows_others, "Bluesky")
        return Page(gone=tuple(uri for uri in uris if uri not in there), looked=tuple(ids))

    async def close(self) -> None:
        pass

    async def _read(self, state: Feeds, now: datetime) -> Page:
        method, name, query = self._settings.feeds[state.job]
        after = [("cursor", state.after)] if state.after else []
        found, wait = await self._api.listed(method, name, [*query, ("limit", str(MOST)), *after])
        page = self._page(found[name], now, addressed=state.job == "mentions")
        written = [_indexed(one, now).timestamp() for one in rows(found, name)]
        state.go_on(written, string(found, "cursor"), overlap=OVERLAP)
        return replace(page, wait=wait)

    async def _known(self, uris: list[str]) -> set[str]:
        return {string(post, "uri") for post in await self._api.posts(uris)}

    async def _shows_others(self) -> bool:
        method, name, query = next(iter(self._settings.feeds.values()))
        found, _ = await self._api.listed(method, name, [*query, ("limit", "5")])
        uris = [uri[0] for one in rows(found, name) if (uri := _URI.fullmatch(string(one, "uri")))]
        return bool(uris) and bool(await self._known(uris))

    def _page(self, entries: list[Any], now: datetime, *, addressed: bool) -> Page:
        posts = (post for post in things(entries) if not self._is_own(post))
        found = (self._mention(post, now, addressed=addressed) for post in posts)
        return gathered(found, "a post without an id or a text")

    def _is_own(self, post: Mapping[str, Any]) -> bool:
        author = inner(post, "author")
        names = {fold(string(author, "handle")), fold(string(author, "displayName"))} - {""}
        return string(author, "did") == self._api.did or bool(names & self._own)

    def _mention(self, post: Mapping[str, Any], now: datetime, *, addressed: bool) -> Mention | None:
        """None where there are no words."""
        author, record = inner(post, "author"), inner(post, "record")
        uri, handle, text = _URI.fullmatch(string(post, "uri")), string(author, "handle"), clean(string(record, "text"))
        if not uri or not text:
            return None
        named = _HANDLE.fullmatch(handle) and handle != "handle.invalid"
        return Mention(
            source=self._settings.name,
            id=uri[0],
            text=text,
            created_at=_indexed(post, now),
            url=f"https://bsky.app/profile/{handle if named else uri[1]}/post/{uri[2]}",
            author=one_line(string(author, "displayName"), 100) or (handle if named else ""),
            language=next(filter(None, map(cells.language_code, strings(record, "langs"))), self._settings.language),
            thread=one_line(string(inner(inner(record, "reply"), "parent"), "uri"), 800),
            raw={
                "cid": one_line(string(post, "cid"), 200),
                "root": _reference(inner(inner(record, "reply"), "root")),
                "addressed": addressed or self._addresses(record),
            },
        )

    def _addresses(self, record: Mapping[str, Any]) -> bool:
        """Whether it mentions the account, or answers it."""
        features = [feature for facet in rows(record, "facets") for feature in rows(facet, "features")]
        parent = string(inner(inner(record, "reply"), "parent"), "uri")
        named = any(string(feature, "did") == self._api.did for feature in features)
        return bool(self._api.did) and (named or parent.startswith(f"at://{self._api.did}/"))


class AnsweringBluesky(Bluesky):
    """Answers as well, those who addressed the account."""

    reply_rules = replace(Bluesky.reply_rules, kind="key")

    async def abilities(self) -> Abilities:
        session = await self._api.get("com.atproto.server.getSession", [])
        if session.get("active") is False:
            return mute(self, f"Bluesky has closed the account: {one_line(string(session, 'status'), 40)}")
        return expected(self, f"@{one_line(string(session, 'handle'), 100) or self._settings.handle}")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        return only_addressed(self.reply_rules, self._settings.replies, mention, _UNASKED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        return self._receipt(await self._api.create(_record(mention, text), key))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        found = await self._api.own_post(key, text)
        return None if found is None else self._receipt(found)

    async def fetch(self, mention: Mention) -> Mention | None:
        posts = await self._api.posts([mention.id], for_answer=True)
        found = next((post for post in posts if string(post, "uri") == mention.id), None)
        if found is None:
            return None
        current = self._mention(found, mention.created_at, addressed=mention.raw.get("addressed") is True)
        return original(mention.id, [current], "Bluesky")

    def _receipt(self, posted: Mapping[str, Any]) -> Receipt:
        uri = _URI.fullmatch(string(posted, "uri"))
        return Receipt(id=uri[0], url=f"https://bsky.app/profile/{uri[1]}/post/{uri[2]}") if uri else Receipt()


def _record(mention: Mention, text: str) -> dict[str, Any]:
    parent = {"uri": mention.id, "cid": mention.raw.get("cid")}
    if not parent["cid"]:
        raise PermanentError(
            "it is not known any more which post to answer; a person has to post this one", cause="whom_unknown"
        )
    record: dict[str, Any] = {
        "$type": POST,
        "text": text,
        "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reply": {"root": mention.raw.get("root") or parent, "parent": parent},
    }
    if mention.language:
        record["langs"] = [mention.language]
    if links := [_facet(text, found) for found in _LINK.finditer(text)]:
        record["facets"] = links
    return record


def _facet(text: str, link: re.Match[str]) -> dict[str, Any]:
    """What makes a link of a part of the text; places are counted in bytes."""
    first, last = (len(text[:place].encode()) for place in link.span())
    return {
        "index": {"byteStart": first, "byteEnd": last},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": link[0]}],
    }


def _reference(found: Mapping[str, Any]) -> dict[str, str]:
    uri, cid = string(found, "uri"), one_line(string(found, "cid"), 200)
    return {"uri": uri, "cid": cid} if _URI.fullmatch(uri) and cid else {}


def _indexed(post: Mapping[str, Any], now: datetime) -> datetime:
    """When Bluesky saw it; what the author's own program says may be anything."""
    return cells.past(string(post, "indexedAt")) or now
