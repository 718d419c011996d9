"""Reddit's API over `Http`: requests in the name of an account, in a thread, as praw makes them; and its quota.

praw does the signing in and speaks the API; what it sends goes through `Http`, once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import Field, SecretStr

from monitor.budgets import Budget, Rolling, account_of
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string
from monitor.http import Http, Response
from monitor.ledger import Meter
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many

if TYPE_CHECKING:
    import praw
    import requests

T = TypeVar("T")

MOST = 100  # posts and comments in one answer of Reddit
WINDOW = Rolling(600)  # 100 requests a minute, on an average of ten minutes
_TOKEN = "/api/v1/access_token"  # noqa: S105 - where tokens come from
_BREAK = re.compile(r"(\d{1,5}) (second|minute|hour)")
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


class RedditOptions(SourceOptions):
    """An app of ours and the account that it acts for."""

    client_id: str = Field(pattern=r"^[\w-]{6,40}$", description="of the app that Reddit approved")
    client_secret: SecretStr = Field(description="its secret: '$NAME'")
    username: str = Field(pattern=r"^[\w-]{3,20}$", description="the account's name, without u/")
    password: SecretStr | None = Field(default=None, description="its password; for the inbox, and for answering")


class RedditApi:
    """Requests of the app of `options`. Each raises a `SourceError`."""

    def __init__(self, http: Http, options: RedditOptions) -> None:
        self._options = options
        self.budget = Budget(
            account=account_of("reddit", options.client_id), name="requests", limit=1_000, window=WINDOW, reserve=50
        )
        self._line = _Line(http, http.ledger.meter(self.budget))
        self._praw: praw.Reddit | None = None
        self._turn = asyncio.Lock()  # praw serves one thread at a time

    @property
    def pause(self) -> float:
        """Seconds until Reddit wants to be asked again, as its last answer said."""
        return self._line.pause

    async def get(self, path: str, query: Mapping[str, str], *, for_answer: bool = False) -> dict[str, Any]:
        """{} where Reddit answers with something that is no object. What an answer needs may use the reserve."""
        document = await self._ask("GET", path, query, for_answer=for_answer)
        return document if isinstance(document, dict) else {}

    async def listing(self, path: str, query: Mapping[str, str], *, for_answer: bool = False) -> dict[str, Any]:
        """With "children", which are objects, and "after", which asks for the next page."""
        listing = inner(await self.get(path, {"limit": str(MOST), **query}, for_answer=for_answer), "data")
        if not isinstance(listing.get("children"), list):
            raise nonsense("Reddit", "list of posts")
        return listing | {"children": [one if isinstance(one, dict) else {} for one in listing["children"]]}

    async def comment(self, name: str, text: str) -> dict[str, Any]:
        """The comment that now stands below the post or comment of that full name."""
        document = await self._ask("POST", "api/comment", {"thing_id": name, "text": text}, for_answer=True)
        answer = inner(document if isinstance(document, dict) else {}, "json")
        if errors := answer.get("errors"):
            raise _refusal(errors)
        posted = next((inner(thing, "data") for thing in rows(inner(answer, "data"), "things")), {})
        if not string(posted, "name", "id"):
            # So it is where a thread is locked or an author has blocked the account, but not only there.
            raise OutcomeUnknown("Reddit does not say whether it took the answer", cause="not_known", words="Reddit")
        return posted

    async def _ask(self, method: str, path: str, fields: Mapping[str, str], *, for_answer: bool) -> Any:
        """What Reddit answers, as JSON. Raises a `SourceError`."""
        async with self._turn:
            self._line.for_answer = for_answer
            return await self._line.in_thread(lambda: self._request(method, path, dict(fields)))

    def _request(self, method: str, path: str, fields: dict[str, str], last: bool = False) -> Any:
        """In the thread. A token that Reddit forgot before its time is renewed once."""
        from prawcore.exceptions import OAuthException, PrawcoreException

        self._praw = self._praw or self._signed_in()
        reading = method == "GET"
        try:
            return self._praw.request(method=method, path=path, **{"params" if reading else "data": fields})  # type: ignore[arg-type]
        except _TokenRefused:
            self._praw = None  # with its token; nothing has happened yet
            if not last:
                return self._request(method, path, fields, last=True)
            raise AuthError(
                "Reddit refuses its own token; check the keys of this source", cause="refused", words="Reddit"
            ) from None
        except OAuthException:
            raise AuthError(
                "Reddit refuses the keys, the name or the password of this source", cause="refused", words="Reddit"
            ) from None
        except (PrawcoreException, LookupError, TypeError, ValueError, AttributeError):
            if reading:
                raise TemporaryError(
                    "Reddit answers with something that cannot be understood", cause="nonsense", words="Reddit"
                ) from None
            raise OutcomeUnknown(
                "Reddit answers a reply with something that cannot be understood", cause="not_known", words="Reddit"
            ) from None

    def _signed_in(self) -> praw.Reddit:
        """A `praw.Reddit` that neither sleeps nor tries again, as the service does that."""
        import praw

        settings = self._options
        reddit = praw.Reddit(
            "DEFAULT",
            requestor_class=self._line,  # type: ignore[arg-type]  # it is called, and gives itself
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            username=settings.username if settings.password else None,
            password=settings.password.get_secret_value() if settings.password else None,
            user_agent=f"python:ohlas:0.1 (by /u/{settings.username})",
            oauth_url="https://oauth.reddit.com",
            reddit_url="https://www.reddit.com",
            check_for_async=False,
            check_for_updates=False,
        )
        core: Any = reddit._core
        core._retry_strategy_class = _Never
        core._rate_limiter = _Unhurried()
        return reddit


_REFUSED = {
    "TOO_LONG": "too_long",
    "THREAD_LOCKED": "locked",
    "TOO_OLD": "locked",
    "DELETED_COMMENT": "original_gone",
    "DELETED_LINK": "original_gone",
}


def _refusal(errors: object) -> SourceError:
    """`errors` are lists of a code and words, under a 200."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], list) else []
    code, words = ([one if isinstance(one, str) else "" for one in first] + ["", ""])[:2]
    if code == "RATELIMIT":
        asked = _BREAK.search(words)
        pause = int(asked[1]) * _SECONDS[asked[2]] if asked else 600.0
        return TemporaryError(
            "Reddit wants this account to take a break", retry_after=pause, cause="too_often", words="Reddit"
        )
    told = code if re.fullmatch(r"[A-Z_]{3,60}", code) else "?"
    cause = _REFUSED.get(code, "not_taken")
    return PermanentError(f"Reddit does not take this answer: {told}", cause=cause, words=f"Reddit: {told}")


class _TokenRefused(Exception):
    """Tokens live for a day, and now and then not as long."""


class _Never:
    """In place of prawcore's strategy of trying again, which repeats replies as well."""

    def sleep(self) -> None:
        pass

    def should_retry_on_failure(self) -> bool:
        return False


class _Unhurried:
    """In place of prawcore's limiter, which sleeps for minutes; `Page.wait` tells the service instead."""

    def call(
        self,
        *,
        method: str,
        url: str,
        request_function: Callable[..., T],
        set_header_callback: Callable[[], object],
        **more: object,
    ) -> T:
        return request_function(method, url, headers=set_header_callback(), **more)


class _Line:
    """Carries what praw sends, in its thread, to `Http`, in the event loop. Stands in for `prawcore.Requestor`."""

    oauth_url = "https://oauth.reddit.com"
    reddit_url = "https://www.reddit.com"

    def __init__(self, http: Http, requests: Meter) -> None:
        self._http = http
        self._requests = requests
        self._agent = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: Future[Response] | None = None
        self.pause = 0.0  # seconds until Reddit wants to be asked again
        self.for_answer = False  # whether what is asked for next may use what is kept for answers

    def __call__(self, *, user_agent: str, oauth_url: str, reddit_url: str) -> Self:
        self._agent = user_agent
        return self

    async def in_thread(self, work: Callable[[], T]) -> T:
        """A thread of its own, as the shared ones are few and this one waits for Reddit. It cannot be cancelled, but
        what it waits for can."""
        self._loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reddit")
        done = self._loop.run_in_executor(pool, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            self._loop = None
            if self._under_way is not None:
                self._under_way.cancel()
            await asyncio.wait({done})
            done.cancelled() or done.exception()  # it is nobody's any more
            raise
        finally:
            pool.shutdown(wait=False)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        params: Mapping[str, object] | None = None,
        data: list[tuple[str, object]] | None = None,
        **_: object,
    ) -> requests.Response:
        """One request of praw. Raises a `SourceError` for all that praw need not know of."""
        import requests
        from requests.auth import _basic_auth_str

        sent = {"User-Agent": self._agent, **{name: value for name, value in headers.items() if name != "Connection"}}
        if auth is not None:
            sent["Authorization"] = _basic_auth_str(*auth)
        address = f"{url}?{urlencode(list(params.items()))}" if params else url
        answer = self._wait_for(self._sent(method.upper(), address, sent, urlencode(data or []).encode()))
        found = requests.Response()
        found.status_code, found.url, found._content = answer.status, answer.url, answer.body
        found.headers.update(answer.headers)
        return found

    def _wait_for(self, request: Coroutine[Any, Any, Response]) -> Response:
        loop = self._loop
        if loop is None:
            request.close()
            raise TemporaryError("stopped")
        self._under_way = asyncio.run_coroutine_threadsafe(request, loop)
        if self._loop is None:  # stopped since, by one who saw nothing under way yet
            self._under_way.cancel()
        try:
            return self._under_way.result()
        finally:
            self._under_way = None

    async def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        self._requests.take(writing=self.for_answer or method != "GET")
        if method == "GET":
            answer = await self._http.get(url, headers=headers, also=(401, 429))
        else:
            answer = await self._posted(url, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body)
        now = datetime.now(UTC)
        self.pause = heed(self._requests, answer.headers, now)
        if answer.status == 429:
            raise too_many("Reddit", answer.headers, now, self._requests)
        if answer.status == 401:
            raise _TokenRefused
        if urlsplit(answer.url).path != urlsplit(url).path:
            raise NotFound("Reddit knows no such subreddit; check the names", cause="not_there", words="Reddit")
        return answer

    async def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        if urlsplit(url).path == _TOKEN:
            try:
                return await self._http.send("POST", url, headers=headers, body=body, also=(429,))
            except OutcomeUnknown:
                raise TemporaryError("Reddit gives no token at the moment", cause="disturbed", words="Reddit") from None
        answer = await self._http.send("POST", url, headers=headers, body=body, also=(401, 403, 429))
        if answer.status == 403:
            raise PermanentError("Reddit does not let this account answer there", cause="may_not", words="Reddit")
        return answer
