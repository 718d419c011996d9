"""Posts on Mastodon that mention the account, carry a hashtag or are found by a search; answers to those who mention.

What is addressed to few people (direct, or to followers) is left out unless `private` says otherwise. Rules of most
instances forbid answers that nobody asked for, so a person posts those.
https://docs.joinmastodon.org/methods/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.answerable import only_addressed, original, refuse_manual
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import NotFound, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, json_object, rows, string, strings, things
from monitor.gathering import gathered
from monitor.http import DAY, Http, Response
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.rechecks import Watched
from monitor.rounds import Turns
from monitor.text import canonical_url, fold, html_to_text, one_line
from monitor.vouching import expected, mute

QUOTA = "300 requests in 5 minutes"
COST = "free"
MOST = 40  # posts in one answer
LOOKED_AT = 10  # posts that one poll looks at again
_ID = re.compile(r"[A-Za-z0-9]{1,40}")  # numbers on Mastodon; its relatives have others
_ACCT = re.compile(r"[\w.-]{1,100}(@[\w.:-]{1,250})?")
_EMOJI = re.compile(r":\w{2,50}:")
_PRIVATE = frozenset({"private", "direct"})
_SHORT_LINK = 11  # characters by which a link, which counts as 23, may be shorter than that
_UNASKED = "this does not mention the account, and most instances want no answers then; a person has to post this one"


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "mastodon"`."""

    instance: str = Field(
        pattern=r"^https?://[^\s/?#@]+$",
        description="address of the account's instance, e.g. 'https://mastodon.social'",
    )
    account: str = Field(default="", pattern=r"^[\w.-]{0,100}$", description="your name there, without the @")
    access_token: SecretStr | None = Field(
        default=None, description="of an app with read and write:statuses: '$NAME'; hashtags alone need none"
    )
    mentions: bool = Field(default=True, description="whether posts that mention the account are read")
    hashtags: tuple[str, ...] = Field(default=(), max_length=20, description="hashtags that are read, without the #")
    query: str = Field(default="", max_length=200, description="what is searched for, where the instance has a search")
    private: bool = Field(
        default=False, description="whether direct mentions are read too; everybody who uses Ohlas sees them then"
    )
    visibility: Literal["public", "unlisted"] = Field(default="public", description="who sees answers to public posts")
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers: those who mention the account, all, or nothing"
    )
    recheck_days: int = Field(default=30, ge=0, le=365, description="days for which it is checked what was deleted")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if (self.mentions or self.query) and self.access_token is None:
            raise ValueError("mentions and a query need an access_token; for hashtags alone, set mentions = false")
        if self.access_token is not None and not self.account:
            raise ValueError("set account, so that its own posts are left out")
        if not (self.mentions or self.query or self.hashtags):
            raise ValueError("set mentions = true, hashtags or a query")
        if bad := [tag for tag in self.hashtags if not re.fullmatch(r"\w{1,100}", tag)]:
            raise ValueError(f"{bad[0]!r} is no hashtag; write it without the #")
        return self

    @property
    def timelines(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What is read in turn: path and parameters of each."""
        found: dict[str, tuple[str, dict[str, str]]] = {}
        if self.mentions:
            found["mentions"] = "v1/notifications", {"types[]": "mention"}
        for tag in self.hashtags:
            found[f"#{tag}"] = f"v1/timelines/tag/{quote(tag)}", {}
        if self.query:
            found["search"] = "v2/search", {"q": self.query, "type": "statuses"}
        return found


def connect(settings: Settings, http: Http) -> Mastodon:
    answers = settings.access_token is not None and settings.replies != "manual"
    return AnsweringMastodon(settings, http) if answers else Mastodon(settings, http)


class _State(Turns):
    """The cursor. `since` holds the newest id of each timeline, up to which everything is read."""

    after: str = Field(default="", pattern=r"^[A-Za-z0-9]{0,40}$")
    newest: str = ""  # on its first page
    since: dict[str, str] = Field(default_factory=dict)
    watched: Watched = Field(default_factory=Watched)
    limit: int = Field(default=500, ge=50, le=1_000_000)  # characters of one post on this instance
    limit_at: float = 0.0  # Unix seconds; when the instance was asked for it

    def go_on(self, ids: list[str]) -> None:
        """Note where to read on, below the last id. The very first time, the newest page is enough."""
        if not self.after:
            self.newest = max(ids, default="", key=_order)
        if ids and self.job in self.since:
            self.after = min(ids, key=_order)
        else:
            self.since[self.job] = self.newest or self.since.get(self.job, "0")
            self.after = self.newest = ""


class Mastodon:
    """Reads. Every poll is one request for a page of a timeline, or a look at some known posts."""

    reply_rules = ReplyRules(kind="manual", max_length=500, channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {fold(name) for name in settings.own_names}
        token = settings.access_token.get_secret_value() if settings.access_token else ""
        quota = Budget(
            account=account_of("mastodon", settings.instance, token),
            name="requests",
            limit=300,
            window=Rolling(300),
            reserve=30,
        )
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: float(len(settings.timelines))}

    async def poll(self, cursor: str) -> Page:
        now, state = datetime.now(UTC), _State.parse(cursor)
        return await state.poll(self._jobs(state, now.timestamp()), lambda job: self._do(job, state, now))

    async def close(self) -> None:
        pass

    def _jobs(self, state: _State, now: float) -> list[str]:
        due = state.watched.due(now, self._settings.recheck_days)
        return [*self._settings.timelines, *(["again"] if due else [])]

    async def _do(self, job: str, state: _State, now: datetime) -> Page:
        return await (self._look_again(state, now) if job == "again" else self._read(state, now))

    async def _read(self, state: _State, now: datetime) -> Page:
        job, (path, query) = state.job, self._settings.timelines[state.job]
        since = {"min_id" if job == "search" else "since_id": state.since[job]} if job in state.since else {}
        below = {"max_id": state.after} if state.after else {}
        response = await self._get(f"{path}?{urlencode(query | since | below | {'limit': str(MOST)})}")
        found = response.json()
        entries = found.get("statuses") if job == "search" and isinstance(found, dict) else found
        if not isinstance(entries, list):
            raise nonsense("Mastodon", "list of posts")
        page = self._page(entries, now, addressed=job == "mentions")
        state.go_on([number for entry in entries if (number := _id(entry))])
        state.watched.add(page.mentions, now.timestamp())
        return replace(page, wait=heed(self._requests, response.headers, now))

    async def _look_again(self, state: _State, now: datetime) -> Page:
        """Which of the known posts were deleted, and which were edited."""
        due = state.watched.due(now.timestamp(), self._settings.recheck_days)[:LOOKED_AT]
        found, gone = [], []
        for number in due:
            try:
                found.append((await self._get(f"v1/statuses/{number}")).json())
            except NotFound:
                gone.append(number)
        state.watched.looked_at(due, gone, now.timestamp())
        return replace(self._page(found, now), gone=tuple(gone))

    async def _get(self, path: str, *, for_answer: bool = False) -> Response:
        self._requests.take(writing=for_answer)
        response = await self._http.get(f"{self._settings.instance}/api/{path}", headers=self._headers(), also=(429,))
        if response.status == 429:
            raise too_many("Mastodon", response.headers, datetime.now(UTC), self._requests)
        return response

    def _headers(self) -> dict[str, str]:
        token = self._settings.access_token
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    def _page(self, entries: list[Any], now: datetime, *, addressed: bool = False) -> Page:
        posts = things(entries)
        if addressed:  # the post behind a notification may be deleted
            posts = [inner(one, "status") for one in posts if one.get("status") or not _id(one)]
        found = (self._mention(post, now) for post in posts)
        return gathered(found, "a post without an id or a text", but=self._is_left_out)

    def _is_left_out(self, mention: Mention) -> bool:
        handle = str(mention.raw["acct"]).casefold()
        own = handle == self._settings.account.casefold() or {fold(handle), fold(mention.author)} & self._own
        return bool(own) or (mention.raw["visibility"] in _PRIVATE and not self._settings.private)

    def _mention(self, post: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        account, number = inner(post, "account"), _id(post)
        text, title = html_to_text(string(post, "content")), one_line(string(post, "spoiler_text"))
        acct = string(account, "acct")
        if not number or not (text or title) or not _ACCT.fullmatch(acct):
            return None
        named = [string(one, "acct").casefold() for one in rows(post, "mentions")]
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            title=title,
            created_at=cells.past(string(post, "created_at")) or otherwise,
            url=canonical_url(string(post, "url", "uri")),
            author=one_line(_EMOJI.sub("", string(account, "display_name")), 100) or acct,
            language=cells.language_code(string(post, "language")) or self._settings.language,
            thread=_known_id(string(post, "in_reply_to_id")),
            raw={
                "acct": acct,
                "visibility": one_line(string(post, "visibility"), 20),
                "addressed": bool(self._settings.account) and self._settings.account.casefold() in named,
            },
        )


class AnsweringMastodon(Mastodon):
    """Answers as well, those who mention the account."""

    reply_rules = ReplyRules(kind="key", max_length=500, channel="post")

    async def abilities(self) -> Abilities:
        account = one_line(string(_object(await self._get("v1/accounts/verify_credentials")), "acct"), 60)
        if self._settings.account and account.casefold() != self._settings.account.casefold():
            return mute(self, f"the token is of @{account}; set that as account, or take another token")
        try:
            scopes = strings(_object(await self._get("v1/apps/verify_credentials")), "scopes")
        except NotFound:  # relatives of Mastodon
            scopes = []
        if scopes and not {"write", "write:statuses"} & set(scopes):
            return mute(self, "the token may only read; make one with write:statuses as well")
        return expected(self, f"@{account}")

    def _jobs(self, state: _State, now: float) -> list[str]:
        self._keep_to(state.limit)
        return [*super()._jobs(state, now), *(["limit"] if now - state.limit_at > DAY else [])]

    async def _do(self, job: str, state: _State, now: datetime) -> Page:
        if job != "limit":
            return await super()._do(job, state, now)
        state.limit_at = now.timestamp()
        try:
            found = (await self._get("v2/instance")).json()
        except NotFound:  # relatives of Mastodon
            return Page()
        posts = inner(inner(found if isinstance(found, dict) else {}, "configuration"), "statuses")
        most = posts.get("max_characters")
        state.limit = min(max(most, 50), 1_000_000) if isinstance(most, int) else state.limit
        self._keep_to(state.limit)
        return Page()

    def _keep_to(self, limit: int) -> None:
        self.reply_rules = replace(self.reply_rules, max_length=limit)

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        """The author's name stands in front, and counts without the name of his instance."""
        taken = len(f"@{str(mention.raw.get('acct', '')).partition('@')[0]} ") + _SHORT_LINK
        rules = replace(self.reply_rules, max_length=max(self.reply_rules.max_length - taken, 1))
        return only_addressed(rules, self._settings.replies, mention, _UNASKED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        private = mention.raw.get("visibility") in _PRIVATE
        answer = {
            "status": f"@{_acct(mention)} {text}",
            "in_reply_to_id": mention.id,
            "visibility": "direct" if private else self._settings.visibility,
        } | ({"language": mention.language} if mention.language else {})
        headers = self._headers() | {"Content-Type": "application/json", "Idempotency-Key": key}
        body = json.dumps(answer).encode()
        url = f"{self._settings.instance}/api/v1/statuses"
        self._requests.take(writing=True)
        response = await self._http.send("POST", url, headers=headers, body=body, also=(429,))
        if response.status == 429:
            raise too_many("Mastodon", response.headers, datetime.now(UTC), self._requests)
        try:
            posted = response.json()
        except TemporaryError:
            return Receipt()  # accepted, whatever it says
        return _receipt(posted if isinstance(posted, dict) else {})

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the answers below the post."""
        context = (await self._get(f"v1/statuses/{mention.id}/context", for_answer=True)).json()
        if not isinstance(context, dict) or not isinstance(context.get("descendants"), list):
            raise nonsense("Mastodon", "conversation")
        name = self._settings.account.casefold()
        ours = [
            post
            for post in rows(context, "descendants")
            if string(post, "in_reply_to_id") == mention.id
            and string(inner(post, "account"), "acct").casefold() == name
        ]
        local = f"@{_acct(mention).partition('@')[0]}"
        wanted = {fold(text), fold(f"{local} {text}"), fold(f"@{_acct(mention)} {text}")}
        if found := next((post for post in ours if fold(html_to_text(string(post, "content"))) in wanted), None):
            return _receipt(found)
        if ours:
            raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
        return None

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            response = await self._get(f"v1/statuses/{mention.id}", for_answer=True)
        except NotFound:
            return None
        found = self._mention(json_object(response.body), mention.created_at)
        return original(mention.id, [found], "Mastodon")


def _object(response: Response) -> dict[str, Any]:
    found = response.json()
    return found if isinstance(found, dict) else {}


def _id(thing: object) -> str:
    return _known_id(string(thing, "id")) if isinstance(thing, dict) else ""


def _known_id(written: str) -> str:
    return written if _ID.fullmatch(written) else ""


def _order(number: str) -> tuple[int, str]:
    """Newer ids are longer, or come later."""
    return len(number), number


def _acct(mention: Mention) -> str:
    acct = mention.raw.get("acct")
    if not isinstance(acct, str) or not _ACCT.fullmatch(acct):
        raise PermanentError(
            "it is not known any more whom to answer; a person has to post this one", cause="whom_unknown"
        )
    return acct


def _receipt(post: Mapping[str, Any]) -> Receipt:
    return Receipt(id=_id(post), url=canonical_url(string(post, "url", "uri")))
