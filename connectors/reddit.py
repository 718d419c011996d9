"""Posts and comments on Reddit: what arrives for the account, what some subreddits say, and what a search finds.

Reddit gives keys only after an approval (https://support.reddithelp.com, Responsible Builder Policy), and most
subreddits want no answers that nobody asked for: Ohlas answers those who wrote to the account, a person the others.
praw does the signing in and speaks the API, in a thread; what it sends goes through `Http`, once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import Field, SecretStr, model_validator

from monitor.budgets import Budget, Rolling, account_of
from monitor.cursors import Cursor
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.fields import inner, rows, string
from monitor.http import Http, Response
from monitor.ledger import Meter
from monitor.model import Abilities, Mention, Page, Receipt, ReplyRules
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.rechecks import Watched
from monitor.text import canonical_url, clean, fold, one_line
from monitor.vouching import expected, mute

if TYPE_CHECKING:
    import praw
    import requests

QUOTA = "100 requests a minute"
COST = "free, after Reddit has approved your app"
T = TypeVar("T")

MOST = 100  # posts and comments in one answer of Reddit
WINDOW = Rolling(600)  # 100 requests a minute, on an average of ten minutes
LOOKED_THROUGH = 5  # pages of own comments in which an answer is looked for
_DELETED = frozenset({"[deleted]", "[removed]", "[ Removed by Reddit ]"})
_FULL_NAME = re.compile(r"t[13]_[a-z0-9]{1,13}")
_TOKEN = "/api/v1/access_token"  # noqa: S105 - where tokens come from
_BREAK = re.compile(r"(\d{1,5}) (second|minute|hour)")
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_UNASKED = (
    "this was not written to the account, and most subreddits want no answers then; a person has to post this one"
)


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "reddit"`."""

    client_id: str = Field(pattern=r"^[\w-]{6,40}$", description="of the app that Reddit approved")
    client_secret: SecretStr = Field(description="its secret: '$NAME'")
    username: str = Field(pattern=r"^[\w-]{3,20}$", description="the account's name, without u/")
    password: SecretStr | None = Field(default=None, description="its password; for the inbox, and for answering")
    inbox: bool = Field(default=True, description="whether answers to the account and mentions of it are read")
    subreddits: tuple[str, ...] = Field(
        default=(), max_length=50, description="names of subreddits, without r/, of which everything new is read"
    )
    query: str = Field(
        default="", max_length=500, description="what is searched for, in those subreddits only where there are any"
    )
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers: those who wrote to the account, all, or nothing"
    )
    recheck_days: int = Field(default=30, ge=0, le=365, description="days for which it is checked what was deleted")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.inbox and self.password is None:
            raise ValueError("the inbox needs the account's password; without it, set inbox = false")
        if not (self.inbox or self.subreddits or self.query):
            raise ValueError("set inbox = true, subreddits or a query")
        if bad := [name for name in self.subreddits if not re.fullmatch(r"\w{2,21}", name)]:
            raise ValueError(f"{bad[0]!r} is no name of a subreddit; write it without r/")
        return self

    @property
    def listings(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What is read in turn: path and parameters of each."""
        found: dict[str, tuple[str, dict[str, str]]] = {}
        where = f"r/{'+'.join(self.subreddits)}/" if self.subreddits else ""
        if self.inbox:
            found["inbox"] = "message/inbox", {}
        if self.query:
            within = {"restrict_sr": "1"} if where else {}
            found["search"] = f"{where}search", {"q": self.query, "sort": "new", "t": "week", **within}
        elif where:
            found["new"], found["comments"] = (f"{where}new", {}), (f"{where}comments", {})
        return found


def connect(settings: Settings, http: Http) -> Reddit:
    answers = settings.password is not None and settings.replies != "manual"
    return AnsweringReddit(settings, http) if answers else Reddit(settings, http)


class _State(Cursor):
    """The cursor. Times are Unix seconds."""

    job: str = ""  # the one to go on with
    after: str = ""  # where its next page begins
    newest: float = 0.0  # of its first page
    until: dict[str, float] = Field(default_factory=dict)  # up to when each listing is read
    known: Watched = Field(default_factory=Watched)


class Reddit:
    """Reads. Every poll is one request for a page of a listing, or for a look at known posts."""

    reply_rules = ReplyRules(kind="manual", max_length=10_000, channel="post")
    forget_within = timedelta(0)  # its terms: within 48 hours

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        quota = Budget(
            account=account_of("reddit", settings.client_id), name="requests", limit=1_000, window=WINDOW, reserve=50
        )
        self._line = _Line(http, http.ledger.meter(quota))
        self.budgets = {quota: float(len(settings.listings))}
        self._praw: praw.Reddit | None = None
        self._turn = asyncio.Lock()  # praw serves one thread at a time

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        state = _State.parse(cursor)
        due = state.known.due(now.timestamp(), self._settings.recheck_days)[:MOST]
        jobs = [*self._settings.listings, *(["again"] if due else [])]
        job = state.job if state.job in jobs else jobs[0]
        page = await (self._look_again(state, due, now) if job == "again" else self._read(job, state, now))
        if not state.after:
            state.job = next(iter(jobs[jobs.index(job) + 1 :]), "")
        return replace(page, cursor=state.model_dump_json(), more=bool(state.job), wait=self._line.pause)

    async def close(self) -> None:
        pass

    async def _read(self, job: str, state: _State, now: datetime) -> Page:
        path, query = self._settings.listings[job]
        after = state.after if state.job == job else ""
        listing = await self._listing(path, query | ({"after": after} if after else {}))
        page = self._page(rows(listing, "children"), now, addressed=job == "inbox")
        written = [mention.created_at.timestamp() for mention in page.mentions]
        state.newest = state.newest if after else max(written, default=0.0)
        following = string(listing, "after")
        # What was read before shows where to stop. An anchor (`before`) would bring nothing once it is deleted.
        if following and job in state.until and min(written, default=0.0) > state.until[job]:
            state.job, state.after = job, following
        else:
            state.until[job] = max(state.newest, state.until.get(job, 0.0))
            state.after, state.newest = "", 0.0
        state.known.add(page.mentions, now.timestamp())
        state.known.looked_at((), page.gone, now.timestamp())
        return page

    async def _look_again(self, state: _State, due: list[str], now: datetime) -> Page:
        listing = await self._listing("api/info", {"id": ",".join(due)})
        page = self._page(rows(listing, "children"), now)
        there = {string(inner(child, "data"), "name") for child in rows(listing, "children")}
        # What is deleted usually says so; an answer without anything is rather a fault of Reddit.
        gone = tuple(name for name in due if name in page.gone or (there and name not in there))
        state.known.looked_at(due, gone, now.timestamp())
        return Page(gone=gone)

    async def _listing(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        document = await self._ask("GET", path, {"limit": str(MOST), **query})
        listing = inner(document if isinstance(document, dict) else {}, "data")
        if not isinstance(listing.get("children"), list):
            raise TemporaryError("Reddit answers with something that is no list of posts")
        return listing | {"children": [one if isinstance(one, dict) else {} for one in listing["children"]]}

    def _page(self, children: list[dict[str, Any]], now: datetime, *, addressed: bool = False) -> Page:
        mentions: dict[str, Mention] = {}
        gone: list[str] = []
        skipped: list[str] = []
        for child in children:
            thing, kind = inner(child, "data"), string(child, "kind")
            name, author = string(thing, "name"), string(thing, "author")
            if kind == "t4" or author.casefold() == self._settings.username.casefold():
                continue  # private letters, and what the account itself wrote
            mention = _mention(thing, self._settings, now, addressed) if _FULL_NAME.fullmatch(name) else None
            if mention is None:
                skipped.append(f"{one_line(name, 30) or 'something'} without an id or a text")
            elif _is_deleted(thing):
                gone.append(name)
            else:
                mentions.setdefault(name, mention)
        return Page(mentions=tuple(mentions.values()), gone=tuple(gone), skipped=tuple(skipped))

    async def _ask(self, method: str, path: str, fields: Mapping[str, str]) -> Any:
        """What Reddit answers, as JSON. Raises a `SourceError`."""
        async with self._turn:
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
            raise AuthError("Reddit refuses its own token; check the keys of this source") from None
        except OAuthException:
            raise AuthError("Reddit refuses the keys, the name or the password of this source") from None
        except (PrawcoreException, LookupError, TypeError, ValueError, AttributeError):
            if reading:
                raise TemporaryError("Reddit answers with something that cannot be understood") from None
            raise OutcomeUnknown("Reddit answers a reply with something that cannot be understood") from None

    def _signed_in(self) -> praw.Reddit:
        """A `praw.Reddit` that neither sleeps nor tries again, as the service does that."""
        import praw

        settings = self._settings
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


class AnsweringReddit(Reddit):
    """Answers as well, those who wrote to the account."""

    reply_rules = ReplyRules(kind="create", max_length=10_000, channel="post")

    async def abilities(self) -> Abilities:
        document = await self._ask("GET", "api/v1/me", {})
        account = document if isinstance(document, dict) else {}
        name = one_line(string(account, "name"), 30)
        if account.get("is_suspended") is True:
            return mute(self, f"Reddit has suspended u/{name}; ask there why")
        return expected(self, f"u/{name}")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        allowed = self._settings.replies == "all" or mention.raw.get("addressed") is True
        return self.reply_rules if allowed else replace(self.reply_rules, kind="manual", note=_UNASKED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        if self.reply_rules_for(mention).kind == "manual":
            raise PermanentError(_UNASKED)
        document = await self._ask("POST", "api/comment", {"thing_id": mention.id, "text": text})
        answer = inner(document if isinstance(document, dict) else {}, "json")
        if errors := answer.get("errors"):
            raise _refusal(errors)
        posted = next((inner(thing, "data") for thing in rows(inner(answer, "data"), "things")), {})
        if not string(posted, "name", "id"):
            # So it is where a thread is locked or an author has blocked the account, but not only there.
            raise OutcomeUnknown("Reddit does not say whether it took the answer")
        return _receipt(posted)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the account's newest comments."""
        other, query = False, {"sort": "new"}
        for _ in range(LOOKED_THROUGH):
            listing = await self._listing(f"user/{self._settings.username}/comments", query)
            comments = [inner(child, "data") for child in rows(listing, "children")]
            answers = [one for one in comments if string(one, "parent_id") == mention.id]
            if found := next((one for one in answers if fold(string(one, "body")) == fold(text)), None):
                return _receipt(found)
            other = other or bool(answers)
            older = any(_written(one) < mention.created_at.timestamp() for one in comments)
            following = string(listing, "after")
            if other and (older or not following):
                raise PermanentError("Another answer stands there; a person has to look.")
            if older or not following:
                return None
            query["after"] = following
        raise PermanentError("The account has written so much since then that a person has to look.")

    async def fetch(self, mention: Mention) -> Mention | None:
        addressed = mention.raw.get("addressed") is True
        listing = await self._listing("api/info", {"id": mention.id})
        page = self._page(rows(listing, "children"), mention.created_at, addressed=addressed)
        if mention.id in page.gone:
            return None
        if found := next((one for one in page.mentions if one.id == mention.id), None):
            return found
        raise TemporaryError("Reddit does not show the original at the moment")


def _mention(thing: Mapping[str, Any], settings: Settings, now: datetime, addressed: bool) -> Mention | None:
    """None where there are no words."""
    body, title = clean(string(thing, "body", "selftext")), one_line(string(thing, "title"))
    if not body and not title:
        return None
    named = re.search(rf"\bu/{settings.username}\b", f"{title} {body}", re.IGNORECASE) is not None
    subreddit = one_line(string(thing, "subreddit"), 50)
    return Mention(
        source=settings.name,
        id=string(thing, "name"),
        text=body,
        title=title,
        created_at=datetime.fromtimestamp(min(_written(thing) or now.timestamp(), now.timestamp()), UTC),
        url=canonical_url(f"https://www.reddit.com{_place(thing)}"),
        author=one_line(string(thing, "author"), 50),
        language=settings.language,
        thread=string(thing, "parent_id"),
        raw={"subreddit": subreddit, "addressed": addressed or named},
    )


def _place(thing: Mapping[str, Any]) -> str:
    link, name = string(thing, "permalink", "context"), string(thing, "name")
    parent = string(thing, "link_id")
    within = f"/comments/{parent[3:]}/_/{name[3:]}" if _FULL_NAME.fullmatch(parent) else "/"
    return link if link.startswith("/") else within


def _is_deleted(thing: Mapping[str, Any]) -> bool:
    """Who deletes the account wants to be forgotten too, though Reddit keeps the words."""
    gone = string(thing, "author") in ("", *_DELETED)
    return gone or string(thing, "body", "selftext").strip() in _DELETED or bool(thing.get("removed_by_category"))


def _written(thing: Mapping[str, Any]) -> float:
    value = thing.get("created_utc")
    return float(value) if isinstance(value, int | float) and 0 < value < 4e9 else 0.0


def _refusal(errors: object) -> SourceError:
    """`errors` are lists of a code and words, under a 200."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], list) else []
    code, words = ([one if isinstance(one, str) else "" for one in first] + ["", ""])[:2]
    if code == "RATELIMIT":
        asked = _BREAK.search(words)
        pause = int(asked[1]) * _SECONDS[asked[2]] if asked else 600.0
        return TemporaryError("Reddit wants this account to take a break", retry_after=pause)
    return PermanentError(f"Reddit does not take this answer: {code if re.fullmatch(r'[A-Z_]{3,60}', code) else '?'}")


def _receipt(comment: Mapping[str, Any]) -> Receipt:
    link = string(comment, "permalink")
    return Receipt(
        id=one_line(string(comment, "name", "id"), 50),
        url=canonical_url(f"https://www.reddit.com{link}") if link.startswith("/") else "",
    )


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
        if self._loop is None:
            request.close()
            raise TemporaryError("stopped")
        self._under_way = asyncio.run_coroutine_threadsafe(request, self._loop)
        try:
            return self._under_way.result()
        finally:
            self._under_way = None

    async def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        self._requests.take(writing=method != "GET")
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
            raise NotFound("Reddit knows no such subreddit; check the names")
        return answer

    async def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        if urlsplit(url).path == _TOKEN:
            try:
                return await self._http.send("POST", url, headers=headers, body=body, also=(429,))
            except OutcomeUnknown:
                raise TemporaryError("Reddit gives no token at the moment") from None
        answer = await self._http.send("POST", url, headers=headers, body=body, also=(401, 403, 429))
        if answer.status == 403:
            raise PermanentError("Reddit does not let this account answer there")
        return answer
