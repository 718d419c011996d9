"""Posts on X that mention the account or that a search finds; answers to those that addressed it.

X is paid by use. What is read and written is counted in dollars; it stops at `monthly_cap`, which all sources with the
same keys share.
An app may answer only posts that mention or quote its account (https://docs.x.com/changelog, February 2026); a person
posts the other answers. Posts that were deleted must be deleted here too, so they are looked at again while young.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from json import dumps
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Month, Rolling, account_of
from monitor.cursors import Cursor
from monitor.errors import OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.fields import inner, rows, string, strings
from monitor.http import Http, Response, error_for
from monitor.ledger import Held, Meter
from monitor.model import Abilities, Ability, Mention, Page, Receipt, ReplyRules
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.rechecks import Watched
from monitor.text import canonical_url, clean, fold, one_line
from monitor.vouching import expected

QUOTA = "450 searches and 100 answers in 15 minutes"
COST = "from $0.001 a post read and $0.010 an answer, up to your `monthly_cap`"
# Dollars, as X asked them in 2026. What is read twice on one day is free, and is counted here all the same.
PRICES = {"mentions": 0.001, "search": 0.005, "author": 0.010, "answer": 0.010, "link": 0.200}
MOST = 100  # posts in one answer of X
REACH = timedelta(days=7) - timedelta(hours=1)  # of the search; an older since_id is refused
LEAST = 10  # posts that can be asked for
LOOKED_THROUGH = 5  # pages of own posts in which an answer is looked for
WINDOW = Rolling(900)  # in which requests are counted
RESERVED = 0.05  # share of the money that is kept for answers
_REFUSALS = frozenset({400, 402, 403, 429})
_FIELDS = ["author_id", "created_at", "lang", "entities", "referenced_tweets", "note_tweet", "edit_history_tweet_ids"]
_WITH_AUTHORS: dict[str, Any] = {
    "tweet_fields": _FIELDS,
    "expansions": ["author_id"],
    "user_fields": ["name", "username"],
}
_EPOCH = 1_288_834_974.657  # Unix seconds; the ids of X count milliseconds from here
_NUMBER = re.compile(r"[0-9]{1,19}")
_LINK = re.compile(r"https?://\S+|\b(?:www\.)?[\w-]+\.(?:com|cz|eu|hu|net|org|shop|sk)\b", re.IGNORECASE)
_ADDRESSEES = re.compile(r"^(?:\s*@\w+)+")
_NOT_ADDRESSED = "X lets an app answer only posts that mention or quote its account; a person has to post this one"


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "x"`."""

    account: str = Field(default="", pattern=r"^\w{0,15}$", description="your name on X, without the @")
    account_id: str = Field(
        default="", pattern=r"^[0-9]{0,19}$", description="its number; needed only where there is no access_token"
    )
    query: str = Field(
        default="", max_length=480, description="what else is searched for, in the words of X: '\"Púpava\" lang:cs'"
    )
    mentions: bool = Field(default=True, description="whether posts that mention the account are read")
    bearer_token: SecretStr | None = Field(default=None, description="enough for reading: '$NAME'")
    consumer_key: SecretStr | None = Field(default=None, description="the app's API key; for answering, all four")
    consumer_secret: SecretStr | None = Field(default=None, description="the app's API key secret")
    access_token: SecretStr | None = Field(default=None, description="the account's access token")
    access_token_secret: SecretStr | None = Field(default=None, description="the account's access token secret")
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers; all: for Enterprise, which has no such rule"
    )
    monthly_cap: float = Field(
        default=10.0,
        gt=0.0,
        description="dollars a month that reading and answering may cost, for all sources with the same keys",
    )
    recheck_days: int = Field(
        default=30,
        ge=0,
        le=365,
        description="days for which it is checked whether a post was deleted; each check costs",
    )
    base_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s?#]+[^\s?#/]$", description="address of X's API"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        given = [key is not None for key in self.keys]
        if any(given) and not all(given):
            raise ValueError("consumer_key, consumer_secret, access_token and access_token_secret belong together")
        if self.bearer_token is None and not all(given):
            raise ValueError("set bearer_token, or for answering the four keys and tokens of the account")
        if not self.query and not self.mentions:
            raise ValueError("set a query, or mentions = true")
        if self.mentions and not self.number:
            raise ValueError("mentions need account_id, the number of the account, or its access_token")
        return self

    @property
    def keys(self) -> tuple[SecretStr | None, ...]:
        return (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)

    @property
    def number(self) -> str:
        """The account's id, which its access token begins with."""
        token = self.access_token.get_secret_value() if self.access_token else ""
        before, dash, _ = token.partition("-")
        return self.account_id or (before if dash and _NUMBER.fullmatch(before) else "")


def connect(settings: Settings, http: Http) -> X:
    answers = settings.access_token is not None and settings.number and settings.replies != "manual"
    return AnsweringX(settings, http) if answers else X(settings, http)


_Id = Annotated[str, Field(pattern=r"^[0-9]{0,19}$")]


class _State(Cursor):
    """The cursor. `since` holds the newest id of each timeline, up to which everything is read."""

    job: str = ""  # the one to go on with
    token: str = ""  # of its next page
    newest: _Id = ""  # on its first page
    since: dict[str, _Id] = Field(default_factory=dict)
    known: Watched = Field(default_factory=Watched)


class X:
    """Reads. Every poll is one request: a page of the mentions, one of the search, or a look at known posts."""

    reply_rules = ReplyRules(kind="manual", max_length=280, unit="weighted", channel="post")
    forget_within = timedelta(0)  # its terms: within 24 hours

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._client: Any = None  # tweepy's, which has no types
        key = settings.consumer_key or settings.bearer_token
        account = account_of("x", key.get_secret_value() if key else "")
        cap = settings.monthly_cap
        money = Budget(account=account, name="money", unit="USD", limit=cap, window=Month(), reserve=cap * RESERVED)
        self._money = http.ledger.meter(money)
        wanted = {"mentions": settings.mentions, "search": bool(settings.query), "again": settings.recheck_days > 0}
        self._requests = {
            job: http.ledger.meter(Budget(account=account, name=name, limit=300 if self._signs else 450, window=WINDOW))
            for job, name in (("mentions", "mentions"), ("search", "searches"), ("again", "looks"))
        }
        self.budgets = {money: 0.0} | {
            meter.budget: float(wanted[job]) for job, meter in self._requests.items() if wanted[job]
        }

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        state = _State.parse(cursor)
        due = state.known.due(now.timestamp(), self._settings.recheck_days)[:MOST]
        jobs = self._jobs(bool(due))
        job = state.job if state.job in jobs else jobs[0]
        page = await (self._look_again(state, due, now) if job == "again" else self._read(job, state, now))
        if not state.token:
            state.job = next(iter(jobs[jobs.index(job) + 1 :]), "")
        return replace(page, cursor=state.model_dump_json(), more=bool(state.job))

    async def close(self) -> None:
        pass

    async def abilities(self) -> Abilities:
        """Without a look at X, which would have to be paid for."""
        known = expected(self, f"@{self._settings.account}")
        by_us = replace(known.replies, state="unknown") if known.replies.state == "yes" else known.replies
        return replace(known, reads=Ability("unknown", "a look at X costs money; `ohlas poll` tries it"), replies=by_us)

    def _jobs(self, due: bool) -> list[str]:
        wanted = {"mentions": self._settings.mentions, "search": bool(self._settings.query), "again": due}
        return [job for job, is_wanted in wanted.items() if is_wanted]

    async def _read(self, job: str, state: _State, now: datetime) -> Page:
        # half of what is left: another source with the same keys may ask at the same time
        most = max(LEAST, min(MOST, int(self._money.left() / 2 / (PRICES[job] + PRICES["author"]))))
        asked = {"max_results": most, "since_id": _since(state.since.get(job), job, now)}
        token = state.token if state.job == job else ""
        try:
            with self._paying(job, most) as paid:
                self._requests[job].take()
                response = await self._timeline(job, asked, token or None)
                document = _document(response)
                paid.used = _price(job, document)
        except PermanentError:
            if not token:
                raise
            state.token = ""  # of no use any more; next time it is read from the top, so nothing is lost
            return Page()
        page = self._page(document, now, addressed=job == "mentions")
        self._go_on(job, state, document, now, first=not token)
        state.known.add(page.mentions, now.timestamp())
        return replace(page, wait=heed(self._requests[job], response.headers, now))

    def _go_on(self, job: str, state: _State, document: Mapping[str, Any], now: datetime, *, first: bool) -> None:
        """Note where to read on. The very first time, the newest page is enough."""
        meta = inner(document, "meta")
        if first:
            state.newest = _number(meta.get("newest_id")) or max(map(_id, rows(document, "data")), default="", key=_age)
        following = meta.get("next_token")
        if isinstance(following, str) and following and job in state.since:
            state.job, state.token = job, following
            return
        state.since[job] = state.newest or state.since.get(job) or _first_number(now - timedelta(hours=1))
        state.token = state.newest = ""

    async def _look_again(self, state: _State, due: list[str], now: datetime) -> Page:
        """Which of the known posts are there no more."""
        gone = _gone(await self._posts(due)) & set(due)
        state.known.looked_at(due, gone, now.timestamp())
        return Page(gone=tuple(sorted(gone)))

    async def _timeline(self, job: str, asked: dict[str, Any], token: str | None) -> Response:
        settings, client = self._settings, await self._tweepy()
        if job == "mentions":
            asked = _WITH_AUTHORS | asked | {"pagination_token": token, "user_auth": self._signs}
            response: Response = await client.get_users_mentions(settings.number, **asked)
            return response
        own = f" -from:{settings.account}" if settings.account else ""
        asked = _WITH_AUTHORS | asked | {"next_token": token, "user_auth": self._signs}
        response = await client.search_recent_tweets(f"({settings.query}){own}", **asked)
        return response

    async def _posts(self, numbers: Sequence[str], *, writing: bool = False) -> dict[str, Any]:
        client = await self._tweepy()
        asked = _WITH_AUTHORS | {"ids": list(numbers), "user_auth": self._signs}
        with self._paying("search", len(numbers), writing=writing) as paid:
            self._requests["again"].take(writing=writing)
            document = _document(await client.get_tweets(**asked))
            paid.used = _price("search", document)
        return document

    def _paying(self, kind: str, posts: int, *, writing: bool = False) -> AbstractContextManager[Held]:
        """Around a request for `posts` posts at most. Raises BudgetSpent where there is no money for them."""
        return self._money.holding(posts * (PRICES[kind] + PRICES["author"]), writing=writing)

    def _page(self, document: Mapping[str, Any], now: datetime, *, addressed: bool) -> Page:
        authors = {_id(user): user for user in rows(inner(document, "includes"), "users")}
        posts = document.get("data") or []
        mentions: dict[str, Mention] = {}
        skipped: list[str] = []
        for post in posts if isinstance(posts, list) else ["data"]:
            if not isinstance(post, dict) or not _id(post) or not _said(post):
                skipped.append("a post without an id or a text")
            elif not self._is_left_out(post):
                mention = self._mention(post, authors, now, addressed=addressed)
                mentions.setdefault(mention.id, mention)  # newest first
        return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))

    def _is_left_out(self, post: Mapping[str, Any]) -> bool:
        """What the account itself wrote, and what others merely passed on."""
        own = self._settings.number and _number(post.get("author_id")) == self._settings.number
        return bool(own) or any(kind == "retweeted" for kind, _ in _references(post))

    def _mention(
        self, post: Mapping[str, Any], authors: Mapping[str, Any], now: datetime, *, addressed: bool
    ) -> Mention:
        author = authors.get(_number(post.get("author_id")), {})
        handle = one_line(string(author, "username"), 50)
        written = _written(_id(post), string(post, "created_at"), now)
        versions = _versions(post)
        return Mention(
            source=self._settings.name,
            id=next(iter(versions), _id(post)),  # an edited post gets another id
            text=_said(post),
            created_at=written,
            url=canonical_url(f"https://x.com/{handle or 'i'}/status/{_id(post)}"),
            author=one_line(string(author, "name")) or handle,
            language=cells.language_code(string(post, "lang")) or self._settings.language,
            thread=next((number for kind, number in _references(post) if kind == "replied_to"), ""),
            raw={"post": _id(post), "username": handle, "addressed": addressed or self._is_addressed(post)},
        )

    def _is_addressed(self, post: Mapping[str, Any]) -> bool:
        """Whether it mentions the account, or quotes one of its posts."""
        account, entities = self._settings.account.casefold(), inner(post, "entities")
        for mentioned in rows(entities, "mentions"):
            named = account and string(mentioned, "username").casefold() == account
            if named or (self._settings.number and _id(mentioned) == self._settings.number):
                return True
        links = [string(link, "expanded_url").casefold() for link in rows(entities, "urls")]
        return bool(account) and any(re.search(rf"\b(x|twitter)\.com/{account}/status/\d", link) for link in links)

    @property
    def _signs(self) -> bool:
        return self._settings.access_token is not None

    async def _tweepy(self) -> Any:
        """tweepy knows the API; its requests go through `Http`, which keeps keys out of the log, and limits answers."""
        if self._client is None:
            keys = [key and key.get_secret_value() for key in (self._settings.bearer_token, *self._settings.keys)]
            client = (await asyncio.to_thread(_client_class))(*keys, return_type=aiohttp.ClientResponse)
            client.request = self._request
            self._client = client
        return self._client

    async def _request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        user_auth: bool = False,
    ) -> Response:
        """In place of tweepy's own method. Raises a `SourceError`."""
        url = self._settings.base_url + route
        if params:
            url += f"?{urlencode(sorted(params.items()), quote_via=quote)}"
        headers = self._authorised(method, url, user_auth)
        if method == "GET":
            response = await self._http.get(url, headers=headers, also=_REFUSALS)
        else:
            body = dumps(json).encode("utf-8", "replace")
            headers["Content-Type"] = "application/json"
            response = await self._http.send(method, url, headers=headers, body=body, also=_REFUSALS)
        if response.status in _REFUSALS:
            raise _refusal(response, self._requests[_job(route)], writing=method != "GET")
        return response

    def _authorised(self, method: str, url: str, signed: bool) -> dict[str, str]:
        if not signed:
            token = self._settings.bearer_token
            return {"Authorization": f"Bearer {token.get_secret_value() if token else ''}"}
        from oauthlib.oauth1 import Client

        keys = [key.get_secret_value() for key in self._settings.keys if key]
        _, headers, _ = Client(*keys).sign(url, method)
        return dict(headers)


class AnsweringX(X):
    """Answers as well, those posts that addressed the account."""

    reply_rules = ReplyRules(kind="create", max_length=280, unit="weighted", channel="post", link_cost="$0.20")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        allowed = self._settings.replies == "all" or mention.raw.get("addressed") is True
        return self.reply_rules if allowed else replace(self.reply_rules, kind="manual", note=_NOT_ADDRESSED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        if self.reply_rules_for(mention).kind == "manual":
            raise PermanentError(_NOT_ADDRESSED)
        client = await self._tweepy()
        self._money.take(PRICES["link" if _LINK.search(text) else "answer"], writing=True)
        response: Response = await client.create_tweet(text=text, in_reply_to_tweet_id=_newest(mention))
        try:
            posted = response.json()
        except TemporaryError:
            return Receipt()  # accepted, whatever it says
        return self._receipt(inner(posted if isinstance(posted, dict) else {}, "data"))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the account's own posts since then."""
        others, token = False, ""
        for _ in range(LOOKED_THROUGH):
            document = await self._own_posts(_newest(mention), token)
            answers = [post for post in rows(document, "data") if ("replied_to", _newest(mention)) in _references(post)]
            if found := next((post for post in answers if _same(_said(post), text)), None):
                return self._receipt(found)
            others = others or bool(answers)
            token = string(inner(document, "meta"), "next_token")
            if not token and others:
                raise PermanentError("Another answer stands there; a person has to look.")
            if not token:
                return None
        raise PermanentError("The account has posted so much since then that a person has to look.")

    async def _own_posts(self, since: str, token: str) -> dict[str, Any]:
        asked = {"max_results": MOST, "since_id": since, "pagination_token": token or None, "tweet_fields": _FIELDS}
        client = await self._tweepy()
        with self._paying("mentions", MOST, writing=True) as paid:  # own posts cost as little
            document = _document(await client.get_users_tweets(self._settings.number, **asked, user_auth=True))
            paid.used = _price("mentions", document)
        return document

    async def fetch(self, mention: Mention) -> Mention | None:
        number, document = _newest(mention), await self._posts([_newest(mention)], writing=True)
        versions = [v for post in rows(document, "data") for v in _versions(post)]
        if versions and versions[-1] != number:
            number, document = versions[-1], await self._posts(versions[-1:], writing=True)
        if number in _gone(document):
            return None
        found = self._page(document, datetime.now(UTC), addressed=mention.raw.get("addressed") is True).mentions
        if not found:
            raise TemporaryError("X does not say whether the post is still there")
        return replace(found[0], id=mention.id)

    def _receipt(self, post: Mapping[str, Any]) -> Receipt:
        number = _id(post)
        return Receipt(
            id=number, url=f"https://x.com/{self._settings.account or 'i'}/status/{number}" if number else ""
        )


@cache
def _client_class() -> Any:
    from tweepy.asynchronous import AsyncClient

    for name in ("tweepy", "oauthlib"):  # they write keys into the log
        logging.getLogger(name).setLevel(logging.INFO)
    return AsyncClient


def _job(route: str) -> str:
    return "search" if "search" in route else "mentions" if route.endswith("/mentions") else "again"


def _refusal(response: Response, meter: Meter, *, writing: bool) -> SourceError:
    """What a 400, 402, 403 or 429 means here. The words of X itself are not shown."""
    said = response.body[:20_000].decode("utf-8", "replace").casefold()
    if response.status == 402 or "usage-capped" in said or "usagecapexceeded" in said:
        return TemporaryError(
            "the credits of this account on X are used up; buy some in its console", retry_after=3600.0
        )
    if response.status == 429:
        return too_many("X", response.headers, datetime.now(UTC), None if writing else meter)
    if writing and response.status == 403 and "duplicate" in said:
        return OutcomeUnknown("X says that this text has been posted before; perhaps the answer is there")
    if writing and response.status == 403 and "permission" not in said and "client-forbidden" not in said:
        return PermanentError(
            "X does not take this answer; an app may answer only posts that mention or quote its account"
        )
    return error_for(response.status, "X", response.headers)


def _document(response: Response) -> dict[str, Any]:
    document = response.json()
    if isinstance(document, dict) and ("data" in document or isinstance(document.get("meta"), dict) or _gone(document)):
        return document
    problems = rows(document, "errors") if isinstance(document, dict) else []
    if problems:
        raise PermanentError(f"X refuses it: {one_line(string(problems[0], 'title'), 100) or 'it does not say why'}")
    raise TemporaryError("X answers with something that is no list of posts")


def _gone(document: Mapping[str, Any]) -> set[str]:
    """Ids of posts that were deleted, or that nobody may see any more; the rules of X treat both alike."""
    hidden = ("resource-not-found", "not-authorized-for-resource")
    return {
        _number(error.get("resource_id") or error.get("value"))
        for error in rows(document, "errors")
        if string(error, "type").endswith(hidden) and error.get("resource_type") in ("tweet", "post")
    } - {""}


def _price(kind: str, document: Mapping[str, Any]) -> float:
    authors = rows(inner(document, "includes"), "users")
    return PRICES[kind] * len(rows(document, "data")) + PRICES["author"] * len(authors)


def _age(number: str) -> float:
    """When the post was written, in Unix seconds; its id says so."""
    return (int(number or 0) >> 22) / 1000 + _EPOCH


def _since(number: str | None, job: str, now: datetime) -> str | None:
    return max(number, _first_number(now - REACH), key=int) if number and job == "search" else number


def _first_number(moment: datetime) -> str:
    return str(int((moment.timestamp() - _EPOCH) * 1000) << 22)


def _written(number: str, date: str, now: datetime) -> datetime:
    try:
        return min(cells.moment(date, UTC) if date else datetime.fromtimestamp(_age(number), UTC), now)
    except ValueError:
        return now


def _said(post: Mapping[str, Any]) -> str:
    """The whole text; that of a long post stands elsewhere."""
    long = string(inner(post, "note_tweet", "note_post"), "text")
    return clean(html.unescape(long or string(post, "text")))


def _same(posted: str, text: str) -> bool:
    """X puts addressees in front, and replaces links."""
    plain = (fold(_LINK.sub("", _ADDRESSEES.sub("", one))) for one in (posted, text))
    return next(plain) == next(plain)


def _references(post: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which posts it answers ("replied_to"), quotes or passes on ("retweeted")."""
    found = rows(post, "referenced_tweets", "referenced_posts")
    return [(string(one, "type").replace("reposted", "retweeted"), _id(one)) for one in found]


def _newest(mention: Mention) -> str:
    return _number(mention.raw.get("post")) or mention.id


def _id(thing: Mapping[str, Any]) -> str:
    return _number(thing.get("id"))


def _number(value: object) -> str:
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else ""


def _versions(post: Mapping[str, Any]) -> list[str]:
    """Ids of an edited post, oldest first."""
    return [number for number in strings(post, "edit_history_tweet_ids", "edit_history_post_ids") if _number(number)]
