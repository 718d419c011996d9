"""Posts on Bluesky that mention, answer or quote the account or that a search finds; answers to those who addressed it.

Everything is asked of the account's own server, which passes it on. The key of an answer follows from its approval, so
that the server refuses to take it twice.
https://docs.bsky.app/docs/category/http-reference
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Rolling, account_of
from monitor.cursors import Cursor
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.fields import inner, rows, string, strings
from monitor.http import Http, Response, error_for
from monitor.ledger import Meter
from monitor.model import Abilities, Mention, Page, Receipt, ReplyRules
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.rechecks import Watched
from monitor.text import clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "3,000 requests in 5 minutes"
COST = "free"
POST = "app.bsky.feed.post"
MOST = 100  # posts in one answer
CREATED = 3  # points that a post costs
LOOKED_AT = 25  # posts that one poll looks at again
OVERLAP = 3600.0  # seconds; what is written is found a while later
_URI = re.compile(r"at://(did:[a-z]+:[\w.:%-]{1,200})/app\.bsky\.feed\.post/([\w.~:-]{1,512})", re.ASCII)
_HANDLE = re.compile(r"([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"]*[\w/]")
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_UNASKED = "this does not mention, answer or quote the account; a person has to post this one"
_UNDERSTOOD = (400, 401, 429)


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "bluesky"`."""

    handle: str = Field(pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$", description="the account's name, without the @")
    app_password: SecretStr = Field(description="made in its settings, under privacy and security: '$NAME'")
    mentions: bool = Field(default=True, description="whether posts that mention, answer or quote the account are read")
    query: str = Field(default="", max_length=200, description="what is searched for: '\"Your Shop\"'")
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers: those who addressed the account, all, or nothing"
    )
    recheck_days: int = Field(default=30, ge=0, le=365, description="days for which it is checked what was deleted")
    service: str = Field(
        default="https://bsky.social", pattern=r"^https?://[^\s/?#@]+$", description="address of the account's server"
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


class _State(Cursor):
    """The cursor. Times are Unix seconds."""

    job: str = ""  # the one to go on with
    after: str = ""  # where its next page begins
    newest: float = 0.0  # on its first page
    until: dict[str, float] = Field(default_factory=dict)  # up to when each feed is read
    watched: Watched = Field(default_factory=Watched)

    def go_on(self, job: str, written: list[float], following: str) -> None:
        """Note where to read on. The very first time, the newest page is enough."""
        self.newest = self.newest if self.after else max(written, default=0.0)
        if following and written and job in self.until and min(written) > self.until[job] - OVERLAP:
            self.job, self.after = job, following
        else:
            self.until[job] = max(self.newest, self.until.get(job, 0.0))
            self.after, self.newest = "", 0.0


@dataclass(frozen=True, slots=True)
class _Session:
    did: str
    access: str = ""  # tokens; good for two hours and for two months
    refresh: str = ""

    def __repr__(self) -> str:
        return f"_Session({self.did})"


class Bluesky:
    """Reads. Every poll is one request for a page of a feed, or a look at some known posts."""

    reply_rules = ReplyRules(kind="manual", max_length=300, unit="graphemes", max_bytes=3000, channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._session: _Session | None = None
        self._signing_in = asyncio.Lock()
        self._own = {fold(name) for name in settings.own_names}
        account = account_of("bluesky", settings.service, settings.handle)
        reads = Budget(account=account, name="requests", limit=3_000, window=Rolling(300), reserve=100)
        points = Budget(account=account, name="points", limit=5_000, window=Rolling(3600), unit="units")
        sign_ins = Budget(account=account, name="sign-ins", limit=300, window=Rolling(86_400))
        self._requests, self._points = http.ledger.meter(reads), http.ledger.meter(points)
        self._sign_ins = http.ledger.meter(sign_ins)
        self.budgets = {reads: float(len(settings.feeds)), points: 0.0, sign_ins: 0.0}

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        state = _State.parse(cursor)
        due = state.watched.due(now.timestamp(), self._settings.recheck_days)[:LOOKED_AT]
        jobs = [*self._settings.feeds, *(["again"] if due else [])]
        job = state.job if state.job in jobs else jobs[0]
        page = await (self._look_again(state, due, now) if job == "again" else self._read(job, state, now))
        if not state.after:
            state.job = next(iter(jobs[jobs.index(job) + 1 :]), "")
        return replace(page, cursor=state.model_dump_json(), more=bool(state.job))

    async def close(self) -> None:
        pass

    async def _read(self, job: str, state: _State, now: datetime) -> Page:
        method, name, query = self._settings.feeds[job]
        state.after = state.after if state.job == job else ""
        after = [("cursor", state.after)] if state.after else []
        response = await self._get(method, [*query, ("limit", str(MOST)), *after])
        found = response.json()
        if not isinstance(found, dict) or not isinstance(found.get(name), list):
            raise TemporaryError("Bluesky answers with something that is no list of posts")
        page = self._page(found[name], now, addressed=job == "mentions")
        written = [_indexed(one, now).timestamp() for one in rows(found, name)]
        state.go_on(job, written, string(found, "cursor"))
        state.watched.add(page.mentions, now.timestamp())
        return replace(page, wait=heed(self._requests, response.headers, now))

    async def _look_again(self, state: _State, due: list[str], now: datetime) -> Page:
        there = {string(post, "uri") for post in await self._posts(due)}
        # An answer without any of several posts is rather a fault of Bluesky.
        gone = [uri for uri in due if uri not in there] if there or len(due) == 1 else []
        state.watched.looked_at(due, gone, now.timestamp())
        return Page(gone=tuple(gone))

    async def _posts(self, uris: list[str]) -> list[dict[str, Any]]:
        found = (await self._get("app.bsky.feed.getPosts", [("uris", uri) for uri in uris])).json()
        if not isinstance(found, dict) or not isinstance(found.get("posts"), list):
            raise TemporaryError("Bluesky answers with something that is no list of posts")
        return rows(found, "posts")

    def _page(self, entries: list[Any], now: datetime, *, addressed: bool) -> Page:
        mentions: dict[str, Mention] = {}
        skipped: list[str] = []
        for entry in entries:
            post = entry if isinstance(entry, dict) else {}
            mention = self._mention(post, now, addressed=addressed)
            if mention is None:
                skipped.append("a post without an id or a text")
            elif not self._is_own(post):
                mentions.setdefault(mention.id, mention)
        return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))

    def _is_own(self, post: Mapping[str, Any]) -> bool:
        author = inner(post, "author")
        names = {fold(string(author, "handle")), fold(string(author, "displayName"))} - {""}
        return string(author, "did") == self._did or bool(names & self._own)

    @property
    def _did(self) -> str:
        return self._session.did if self._session else ""

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
        named = any(string(feature, "did") == self._did for feature in features)
        return bool(self._did) and (named or parent.startswith(f"at://{self._did}/"))

    # ---- the session

    async def _get(self, method: str, query: list[tuple[str, str]]) -> Response:
        url = f"{self._settings.service}/xrpc/{method}?{urlencode(query)}"
        self._requests.take()
        response = await self._signed(lambda headers: self._http.get(url, headers=headers, also=_UNDERSTOOD))
        return _understood(response, self._requests)

    async def _signed(self, request: Callable[[dict[str, str]], Awaitable[Response]]) -> Response:
        """The answer to a request; where the token is too old nothing has happened, and it is made again."""
        session = self._session or await self._sign_in(None)
        response = await request({"Authorization": f"Bearer {session.access}"})
        if _error(response) not in ("ExpiredToken", "InvalidToken"):
            return response
        session = await self._sign_in(session)
        return await request({"Authorization": f"Bearer {session.access}"})

    async def _sign_in(self, refused: _Session | None) -> _Session:
        """By the password, or where the token of `refused` is merely too old, by its refresh token."""
        async with self._signing_in:
            if self._session is not refused and self._session is not None:
                return self._session  # somebody else was faster
            renewed = refused and await self._token(
                "refreshSession", b"", {"Authorization": f"Bearer {refused.refresh}"}
            )
            self._session = renewed or await self._by_password()
            return self._session

    async def _by_password(self) -> _Session:
        password = self._settings.app_password.get_secret_value()
        body = json.dumps({"identifier": self._settings.handle, "password": password}).encode()
        self._sign_ins.take()
        session = await self._token("createSession", body, {"Content-Type": "application/json"})
        if session is None:
            raise AuthError("Bluesky refuses the handle or the app password of this source")
        return session

    async def _token(self, method: str, body: bytes, headers: dict[str, str]) -> _Session | None:
        """None where it is refused."""
        url = f"{self._settings.service}/xrpc/com.atproto.server.{method}"
        try:
            response = await self._http.send("POST", url, headers=headers, body=body, also=_UNDERSTOOD)
        except OutcomeUnknown:
            raise TemporaryError("Bluesky lets nobody in at the moment") from None
        if response.status == 429:
            raise too_many("Bluesky", response.headers, datetime.now(UTC), self._sign_ins)
        if response.status in _UNDERSTOOD:
            return None
        found = response.json()
        given = found if isinstance(found, dict) else {}
        session = _Session(string(given, "did"), string(given, "accessJwt"), string(given, "refreshJwt"))
        if not (session.did and session.access):
            raise TemporaryError("Bluesky answers with something that is no session")
        return session


class AnsweringBluesky(Bluesky):
    """Answers as well, those who addressed the account."""

    reply_rules = replace(Bluesky.reply_rules, kind="key")

    async def abilities(self) -> Abilities:
        found = (await self._get("com.atproto.server.getSession", [])).json()
        session = found if isinstance(found, dict) else {}
        if session.get("active") is False:
            return mute(self, f"Bluesky has closed the account: {one_line(string(session, 'status'), 40)}")
        return expected(self, f"@{one_line(string(session, 'handle'), 100) or self._settings.handle}")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        allowed = self._settings.replies == "all" or mention.raw.get("addressed") is True
        return self.reply_rules if allowed else replace(self.reply_rules, kind="manual", note=_UNASKED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        if self.reply_rules_for(mention).kind == "manual":
            raise PermanentError(_UNASKED)
        session = self._session or await self._sign_in(None)
        record = _record(mention, text)
        answer = {"repo": session.did, "collection": POST, "rkey": _record_key(key), "record": record}
        body, url = json.dumps(answer).encode(), f"{self._settings.service}/xrpc/com.atproto.repo.createRecord"

        def send(headers: dict[str, str]) -> Awaitable[Response]:
            headers = headers | {"Content-Type": "application/json"}
            return self._http.send("POST", url, headers=headers, body=body, also=_UNDERSTOOD)

        self._points.take(CREATED)
        response = await self._signed(send)
        if response.status == 400 and (found := await self.find_reply(mention, text, key)):
            return found  # it was there already
        try:
            posted = _understood(response, self._points).json()
        except TemporaryError:
            if response.status == 429:
                raise
            return Receipt()  # accepted, whatever it says
        return self._receipt(posted)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Asks for the one record that this approval makes."""
        session = self._session or await self._sign_in(None)
        query = [("repo", session.did), ("collection", POST), ("rkey", _record_key(key))]
        try:
            found = (await self._get("com.atproto.repo.getRecord", query)).json()
        except NotFound:
            return None
        value = inner(found if isinstance(found, dict) else {}, "value")
        if not value:
            raise TemporaryError("Bluesky answers with something that is no post")
        if fold(string(value, "text")) != fold(text):
            raise PermanentError("Another answer stands there; a person has to look.")
        return self._receipt(found)

    async def fetch(self, mention: Mention) -> Mention | None:
        found = next((post for post in await self._posts([mention.id]) if string(post, "uri") == mention.id), None)
        if found is None:
            return None
        current = self._mention(found, mention.created_at, addressed=mention.raw.get("addressed") is True)
        if current is None:
            raise TemporaryError("Bluesky does not show the original at the moment")
        return current

    def _receipt(self, posted: object) -> Receipt:
        uri = _URI.fullmatch(string(posted, "uri") if isinstance(posted, dict) else "")
        return Receipt(id=uri[0], url=f"https://bsky.app/profile/{uri[1]}/post/{uri[2]}") if uri else Receipt()


def _record(mention: Mention, text: str) -> dict[str, Any]:
    parent = {"uri": mention.id, "cid": mention.raw.get("cid")}
    if not parent["cid"]:
        raise PermanentError("it is not known any more which post to answer; a person has to post this one")
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


def _record_key(key: str) -> str:
    """A TID, as keys of posts have to be, that is the same for one approval: its moment lies in 2024 or 2025."""
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16])
    microseconds, clock = 1_704_067_200_000_000 + drawn % (730 * 86_400_000_000), (drawn >> 64) % 1024
    number = microseconds << 10 | clock
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def _reference(found: Mapping[str, Any]) -> dict[str, str]:
    uri, cid = string(found, "uri"), one_line(string(found, "cid"), 200)
    return {"uri": uri, "cid": cid} if _URI.fullmatch(uri) and cid else {}


def _indexed(post: Mapping[str, Any], now: datetime) -> datetime:
    """When Bluesky saw it; what the author's own program says may be anything."""
    try:
        return min(cells.moment(string(post, "indexedAt"), UTC), now)
    except ValueError:
        return now


def _error(response: Response) -> str:
    """The name of the error, "" where there is none."""
    if response.status not in (400, 401):
        return ""
    try:
        found = response.json()
    except TemporaryError:
        return ""
    said = found if isinstance(found, dict) else {}
    missing = string(said, "message").startswith("Could not locate record")
    return "RecordNotFound" if missing else string(said, "error")


def _understood(response: Response, meter: Meter) -> Response:
    """Raises what the refusals among the answers mean."""
    if response.status == 429:
        raise too_many("Bluesky", response.headers, datetime.now(UTC), meter)
    if response.status == 401:
        raise error_for(401, "Bluesky", response.headers)
    if response.status == 400:
        name = _error(response)
        if name == "RecordNotFound":
            raise NotFound("Bluesky knows no such post")
        if name in ("AccountTakedown", "AccountDeactivated", "AccountSuspended"):
            raise AuthError(f"Bluesky has closed this account: {name}")
        hint = name if re.fullmatch(r"[A-Za-z]{3,40}", name) else "it does not say why"
        raise PermanentError(f"Bluesky refuses it: {hint}")
    return response
