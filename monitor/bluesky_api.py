"""Bluesky's API over `Http`: requests in the session of an account, what its refusals mean, and its quotas.

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
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from pydantic import Field, SecretStr

from monitor.budgets import Budget, Rolling, account_of
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, rows, string
from monitor.http import Http, Response, error_for
from monitor.ledger import Meter
from monitor.options import SourceOptions
from monitor.quotas import heed, too_many
from monitor.text import fold

POST = "app.bsky.feed.post"
CREATED = 3  # points that a post costs
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_UNDERSTOOD = (400, 401, 429)


class BlueskyOptions(SourceOptions):
    """An account, and its server."""

    handle: str = Field(pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$", description="the account's name, without the @")
    app_password: SecretStr = Field(description="made in its settings, under privacy and security: '$NAME'")
    service: str = Field(
        default="https://bsky.social", pattern=r"^https?://[^\s/?#@]+$", description="address of the account's server"
    )


@dataclass(frozen=True, slots=True)
class _Session:
    did: str
    access: str = ""  # tokens; good for two hours and for two months
    refresh: str = ""

    def __repr__(self) -> str:
        return f"_Session({self.did})"


@dataclass(slots=True)
class _Account:
    """What all sources of one account share."""

    session: _Session | None = None
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)


_accounts: WeakKeyDictionary[Http, dict[tuple[str, str], _Account]] = WeakKeyDictionary()


class BlueskyApi:
    """Requests for the account of `options`. Each raises a `SourceError`."""

    def __init__(self, http: Http, options: BlueskyOptions) -> None:
        self._http = http
        self._options = options
        account = account_of("bluesky", options.service, options.handle)
        password = options.app_password.get_secret_value()
        self._account = _accounts.setdefault(http, {}).setdefault((account, password), _Account())
        ours = account_of("bluesky", options.service)  # requests are counted by address, whose account it may be
        reads = Budget(account=ours, name="requests", limit=3_000, window=Rolling(300), reserve=100)
        points = Budget(account=account, name="points", limit=5_000, window=Rolling(3600), unit="units")
        daily = replace(points, name="daily points", limit=35_000, window=Rolling(86_400))
        sign_ins = Budget(account=account, name="sign-ins", limit=300, window=Rolling(86_400))
        often = replace(sign_ins, name="repeated sign-ins", limit=30, window=Rolling(300))
        self._requests, self._points = http.ledger.meter(reads), http.ledger.meter(points)
        self._daily_points, self._sign_ins = http.ledger.meter(daily), http.ledger.meter(sign_ins)
        self._often = http.ledger.meter(often)

    def budgets(self, requests: int) -> dict[Budget, float]:
        """What is taken of each where a round is so many `requests`."""
        others = (self._points, self._daily_points, self._sign_ins, self._often)
        return {self._requests.budget: float(requests)} | {meter.budget: 0.0 for meter in others}

    @property
    def did(self) -> str:
        """The account's own id; "" before the first request."""
        return self._account.session.did if self._account.session else ""

    async def get(self, method: str, query: list[tuple[str, str]], *, for_answer: bool = False) -> dict[str, Any]:
        """{} where Bluesky answers with something that is no object. What an answer needs may use the reserve."""
        found = (await self._get(method, query, for_answer)).json()
        return found if isinstance(found, dict) else {}

    async def listed(
        self, method: str, name: str, query: list[tuple[str, str]], *, for_answer: bool = False
    ) -> tuple[dict[str, Any], float]:
        """What has a list of posts under `name`, and the seconds for which nothing more should be read."""
        response = await self._get(method, query, for_answer)
        found = response.json()
        if not isinstance(found, dict) or not isinstance(found.get(name), list):
            raise nonsense("Bluesky", "list of posts")
        return found, heed(self._requests, response.headers, datetime.now(UTC))

    async def posts(self, uris: list[str], *, for_answer: bool = False) -> list[dict[str, Any]]:
        """Those that are still there."""
        query = [("uris", uri) for uri in uris]
        found, _ = await self.listed("app.bsky.feed.getPosts", "posts", query, for_answer=for_answer)
        return rows(found, "posts")

    async def create(self, record: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The post that stands under the approval's `key`, as it was written now or before; {} where the server takes
        it and does not say so."""
        session = self._account.session or await self._sign_in(None)
        answer = {"repo": session.did, "collection": POST, "rkey": _record_key(key), "record": record}
        body, url = json.dumps(answer).encode(), f"{self._options.service}/xrpc/com.atproto.repo.createRecord"

        def send(headers: dict[str, str]) -> Awaitable[Response]:
            headers = headers | {"Content-Type": "application/json"}
            self._requests.take(writing=True)
            return self._http.send("POST", url, headers=headers, body=body, also=_UNDERSTOOD)

        self._points.take(CREATED)
        self._daily_points.take(CREATED)
        response = await self._signed(send)
        if response.status == 400 and (found := await self.own_post(key, string(record, "text"))):
            return found  # it was there already
        try:
            posted = _understood(response, self._points).json()
        except TemporaryError:
            if response.status == 429:
                raise
            return {}  # accepted, whatever it says
        return posted if isinstance(posted, dict) else {}

    async def own_post(self, key: str, text: str) -> dict[str, Any] | None:
        """The one post that this approval makes. Raises PermanentError where it has another `text`."""
        session = self._account.session or await self._sign_in(None)
        query = [("repo", session.did), ("collection", POST), ("rkey", _record_key(key))]
        try:
            found = await self.get("com.atproto.repo.getRecord", query, for_answer=True)
        except NotFound:
            return None
        value = inner(found, "value")
        if not value:
            raise nonsense("Bluesky", "post")
        if fold(string(value, "text")) != fold(text):
            raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
        return found

    async def _get(self, method: str, query: list[tuple[str, str]], for_answer: bool) -> Response:
        url = f"{self._options.service}/xrpc/{method}?{urlencode(query)}"

        def get(headers: dict[str, str]) -> Awaitable[Response]:
            self._requests.take(writing=for_answer)
            return self._http.get(url, headers=headers, also=_UNDERSTOOD)

        return _understood(await self._signed(get), self._requests)

    async def _signed(self, request: Callable[[dict[str, str]], Awaitable[Response]]) -> Response:
        """The answer to a request; where the token is too old nothing has happened, and it is made again."""
        session = self._account.session or await self._sign_in(None)
        response = await request({"Authorization": f"Bearer {session.access}"})
        if _error(response) not in ("ExpiredToken", "InvalidToken"):
            return response
        session = await self._sign_in(session)
        return await request({"Authorization": f"Bearer {session.access}"})

    async def _sign_in(self, refused: _Session | None) -> _Session:
        """By the password, or where the token of `refused` is merely too old, by its refresh token."""
        async with self._account.signing_in:
            if self._account.session is not refused and self._account.session is not None:
                return self._account.session  # somebody else was faster
            renewed = refused and await self._token(
                "refreshSession", b"", {"Authorization": f"Bearer {refused.refresh}"}
            )
            self._account.session = renewed or await self._by_password()
            return self._account.session

    async def _by_password(self) -> _Session:
        password = self._options.app_password.get_secret_value()
        body = json.dumps({"identifier": self._options.handle, "password": password}).encode()
        self._often.take()
        self._sign_ins.take()
        session = await self._token("createSession", body, {"Content-Type": "application/json"})
        if session is None:
            raise AuthError(
                "Bluesky refuses the handle or the app password of this source", cause="refused", words="Bluesky"
            )
        return session

    async def _token(self, method: str, body: bytes, headers: dict[str, str]) -> _Session | None:
        """None where it is refused."""
        url = f"{self._options.service}/xrpc/com.atproto.server.{method}"
        self._requests.take(writing=True)  # without it nothing can be answered
        try:
            response = await self._http.send("POST", url, headers=headers, body=body, also=_UNDERSTOOD)
        except OutcomeUnknown:
            raise TemporaryError("Bluesky lets nobody in at the moment", cause="disturbed", words="Bluesky") from None
        if response.status == 429:
            raise too_many("Bluesky", response.headers, datetime.now(UTC), self._sign_ins)
        if response.status in _UNDERSTOOD:
            return None
        found = response.json()
        given = found if isinstance(found, dict) else {}
        session = _Session(string(given, "did"), string(given, "accessJwt"), string(given, "refreshJwt"))
        if not (session.did and session.access):
            raise nonsense("Bluesky", "session")
        return session


def _record_key(key: str) -> str:
    """A TID, as keys of posts have to be, that is the same for one approval: its moment lies in 2024 or 2025."""
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16])
    microseconds, clock = 1_704_067_200_000_000 + drawn % (730 * 86_400_000_000), (drawn >> 64) % 1024
    number = microseconds << 10 | clock
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


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
            raise NotFound("Bluesky knows no such post", cause="not_there", words="Bluesky")
        if name in ("AccountTakedown", "AccountDeactivated", "AccountSuspended"):
            raise AuthError(f"Bluesky has closed this account: {name}", cause="closed", words=f"Bluesky: {name}")
        hint = name if re.fullmatch(r"[A-Za-z]{3,40}", name) else "it does not say why"
        raise PermanentError(f"Bluesky refuses it: {hint}", cause="rejected", words=f"Bluesky: {hint}")
    return response
