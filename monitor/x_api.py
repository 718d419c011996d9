"""X's API over `Http`: requests for an account, what its refusals mean, and the money and the requests that are left.

X is paid by use. What is read and written is counted in dollars, which all sources of one app share: an app has several
keys, and which of them belong together they do not tell, so all are taken for one unless `app` says otherwise.
https://docs.x.com/x-api/introduction
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache, partial
from json import dumps
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import Field, SecretStr, model_validator

from monitor.budgets import Budget, Month, Rolling, account_of
from monitor.errors import OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.fields import inner, rows, string
from monitor.http import Http, Response, error_for
from monitor.ledger import Held, Meter
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.text import one_line
from monitor.x_posts import LINK, NUMBER, gone

# Dollars, as X asked them in 2026. What is read twice on one day is free, and is counted here all the same.
PRICES = {"mentions": 0.001, "search": 0.005, "author": 0.010, "answer": 0.010, "unasked": 0.015, "link": 0.200}
MOST = 100  # posts in one answer of X
LEAST = 10  # posts that can be asked for
WINDOW = Rolling(900)  # in which requests are counted
RESERVED = 0.05  # share of the money that is kept for answers
_DAYS = 30  # of a month, over which looks at kept posts are spread
_REFUSALS = frozenset({400, 402, 403, 429})
_FIELDS = ["author_id", "created_at", "lang", "entities", "referenced_tweets", "note_tweet", "edit_history_tweet_ids"]
_WITH_AUTHORS: dict[str, Any] = {
    "tweet_fields": _FIELDS,
    "expansions": ["author_id"],
    "user_fields": ["name", "username"],
}


class XOptions(SourceOptions):
    """The account, and the keys of an app that reads and answers for it."""

    account: str = Field(default="", pattern=r"^\w{0,15}$", description="your name on X, without the @")
    account_id: str = Field(
        default="", pattern=r"^[0-9]{0,19}$", description="its number; needed only where there is no access_token"
    )
    bearer_token: SecretStr | None = Field(default=None, description="enough for reading: '$NAME'")
    consumer_key: SecretStr | None = Field(default=None, description="the app's API key; for answering, all four")
    consumer_secret: SecretStr | None = Field(default=None, description="the app's API key secret")
    access_token: SecretStr | None = Field(default=None, description="the account's access token")
    access_token_secret: SecretStr | None = Field(default=None, description="the account's access token secret")
    monthly_cap: float = Field(
        default=10.0,
        gt=0.0,
        description="dollars a month that reading and answering may cost, for all sources of this kind together",
    )
    recheck_share: float = Field(
        default=0.2,
        ge=0.0,
        le=0.9,
        description="share of monthly_cap that it may cost to look whether kept posts were deleted",
    )
    app: str = Field(
        default="",
        max_length=50,
        description="any name of your app on X; only where sources use several, each paid for",
    )
    base_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s?#]+[^\s?#/]$", description="address of X's API"
    )

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        given = [key is not None for key in self.keys]
        if any(given) and not all(given):
            raise ValueError("consumer_key, consumer_secret, access_token and access_token_secret belong together")
        if self.bearer_token is None and not all(given):
            raise ValueError("set bearer_token, or for answering the four keys and tokens of the account")
        return self

    @property
    def keys(self) -> tuple[SecretStr | None, ...]:
        return (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)

    @property
    def number(self) -> str:
        """The account's id, which its access token begins with."""
        token = self.access_token.get_secret_value() if self.access_token else ""
        before, dash, _ = token.partition("-")
        return self.account_id or (before if dash and NUMBER.fullmatch(before) else "")


class XApi:
    """Requests for the account of `options`. Each raises a `SourceError`; BudgetSpent: no money is left for it."""

    def __init__(self, http: Http, options: XOptions) -> None:
        self._http = http
        self._options = options
        self._client: Any = None  # tweepy's, which has no types
        key = options.consumer_key or options.bearer_token
        account = account_of("x", key.get_secret_value() if key else "")
        app, cap = account_of("x", options.app), options.monthly_cap
        money = Budget(account=app, name="money", unit="USD", limit=cap, window=Month(), reserve=cap * RESERVED)
        self._money = http.ledger.meter(money)
        share = cap * options.recheck_share / _DAYS
        rechecks = Budget(account=app, name="rechecks", unit="USD", limit=share, window=Rolling(86_400.0))
        self._rechecks = http.ledger.meter(rechecks) if share else None
        self._requests = {
            job: http.ledger.meter(Budget(account=account, name=name, limit=300 if self._signs else 450, window=WINDOW))
            for job, name in (("mentions", "mentions"), ("search", "searches"), ("again", "looks"))
        }

    def budgets(self, jobs: Collection[str]) -> dict[Budget, float]:
        """What a round of the `jobs` takes of each: "mentions", "search"."""
        asked = {meter.budget: 1.0 for job, meter in self._requests.items() if job in jobs}
        rechecks = {self._rechecks.budget: 0.0} if self._rechecks else {}
        return {self._money.budget: 0.0} | rechecks | asked

    async def mentions(self, since: str | None, token: str) -> tuple[dict[str, Any], float]:
        """A page of posts that mention the account, newest first, down to the one with the id `since`, and the seconds
        for which nothing more should be read. `token` names the page; "": the first."""
        client, asked = await self._tweepy(), {"since_id": since, "pagination_token": token or None}
        return await self._page("mentions", partial(client.get_users_mentions, self._options.number, **asked))

    async def search(self, query: str, since: str | None, token: str) -> tuple[dict[str, Any], float]:
        """As `mentions`, of the posts that others wrote and `query` finds."""
        own = f" -from:{self._options.account}" if self._options.account else ""
        client, asked = await self._tweepy(), {"since_id": since, "next_token": token or None}
        return await self._page("search", partial(client.search_recent_tweets, f"({query}){own}", **asked))

    async def _page(self, job: str, ask: Callable[..., Awaitable[Response]]) -> tuple[dict[str, Any], float]:
        # half of what is left: another source with the same keys may ask at the same time
        most = max(LEAST, min(MOST, int(self._money.left() / 2 / (PRICES[job] + PRICES["author"]))))
        with self._paying(job, most) as paid:
            self._requests[job].take()
            response = await ask(max_results=most, user_auth=self._signs, **_WITH_AUTHORS)
            document = _document(response)
            paid.used = _price(job, document)
        return document, heed(self._requests[job], response.headers, datetime.now(UTC))

    async def look_at(self, numbers: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        """As many of those posts as there is money for, and what X shows of them, without their authors."""
        if self._rechecks is None:
            return [], {}
        price, client = PRICES["search"], await self._tweepy()
        asked = list(numbers)[: max(1, int(self._rechecks.left() / price + 1e-6))]
        most = price * len(asked)
        with self._rechecks.holding(most) as share, self._money.holding(most) as paid:
            self._requests["again"].take()
            document = _document(await client.get_tweets(ids=asked, user_auth=self._signs))
            share.used = paid.used = _price("search", document)
        return asked, document

    async def posts(self, numbers: Sequence[str], *, writing: bool = False) -> dict[str, Any]:
        """Those posts, as far as they are still there. `writing`: it is needed for an answer, so it may use the
        reserve."""
        client = await self._tweepy()
        with self._paying("search", len(numbers), writing=writing) as paid:
            self._requests["again"].take(writing=writing)
            document = _document(await client.get_tweets(ids=list(numbers), user_auth=self._signs, **_WITH_AUTHORS))
            paid.used = _price("search", document)
        return document

    async def own_posts(self, since: str, token: str) -> dict[str, Any]:
        """A page of what the account wrote after the post `since`."""
        asked = {"max_results": MOST, "since_id": since, "pagination_token": token or None, "tweet_fields": _FIELDS}
        client = await self._tweepy()
        # own posts cost as little as mentions, and all have one author
        most = MOST * PRICES["mentions"] + PRICES["author"]
        with self._money.holding(most, writing=True) as paid:
            document = _document(await client.get_users_tweets(self._options.number, **asked, user_auth=True))
            paid.used = _price("mentions", document)
        return document

    async def answer(self, number: str, text: str, *, asked: bool) -> dict[str, Any]:
        """The post that answers the one with that `number`; {} where X takes it and does not say so. `asked`: that one
        mentions or quotes the account, which makes the answer cheaper."""
        client = await self._tweepy()
        self._money.take(PRICES["link" if LINK.search(text) else "answer" if asked else "unasked"], writing=True)
        response: Response = await client.create_tweet(text=text, in_reply_to_tweet_id=number)
        try:
            posted = response.json()
        except TemporaryError:
            return {}  # accepted, whatever it says
        return inner(posted if isinstance(posted, dict) else {}, "data")

    def _paying(self, kind: str, posts: int, *, writing: bool = False) -> AbstractContextManager[Held]:
        """Around a request for `posts` posts at most. Raises BudgetSpent where there is no money for them."""
        return self._money.holding(posts * (PRICES[kind] + PRICES["author"]), writing=writing)

    @property
    def _signs(self) -> bool:
        return self._options.access_token is not None

    async def _tweepy(self) -> Any:
        """tweepy knows the API; its requests go through `Http`, which keeps keys out of the log, and limits answers."""
        if self._client is None:
            keys = [key and key.get_secret_value() for key in (self._options.bearer_token, *self._options.keys)]
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
        url = self._options.base_url + route
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
            token = self._options.bearer_token
            return {"Authorization": f"Bearer {token.get_secret_value() if token else ''}"}
        from oauthlib.oauth1 import Client

        keys = [key.get_secret_value() for key in self._options.keys if key]
        _, headers, _ = Client(*keys).sign(url, method)
        return dict(headers)


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
            "the credits of this account on X are used up; buy some in its console",
            retry_after=3600.0,
            cause="credits",
            words="X",
        )
    if response.status == 429:
        return too_many("X", response.headers, datetime.now(UTC), None if writing else meter)
    if writing and response.status == 403 and "duplicate" in said:
        return OutcomeUnknown(
            "X says that this text has been posted before; perhaps the answer is there",
            cause="posted_before",
            words="X",
        )
    if writing and response.status == 403 and "permission" not in said and "client-forbidden" not in said:
        return PermanentError(
            "X does not take this answer; an app may answer only posts that mention or quote its account",
            cause="may_not",
            words="X",
        )
    return error_for(response.status, "X", response.headers)


def _document(response: Response) -> dict[str, Any]:
    document = response.json()
    if isinstance(document, dict) and ("data" in document or isinstance(document.get("meta"), dict) or gone(document)):
        return document
    problems = rows(document, "errors") if isinstance(document, dict) else []
    if problems:
        title = one_line(string(problems[0], "title"), 100)
        raise PermanentError(f"X refuses it: {title or 'it does not say why'}", cause="rejected", words=f"X: {title}")
    raise TemporaryError("X answers with something that is no list of posts", cause="nonsense", words="X")


def _price(kind: str, document: Mapping[str, Any]) -> float:
    authors = rows(inner(document, "includes"), "users")
    return PRICES[kind] * len(rows(document, "data")) + PRICES["author"] * len(authors)
