"""Google's APIs over `Http`: a token for each source, and what their refusals mean.

google-auth signs; what it would send by itself goes through `Http`, once, which keeps its sleeps and threads away.
https://developers.google.com/identity/protocols/oauth2
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from pydantic import SecretStr

from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string
from monitor.http import Http, Response, error_for, retry_after
from monitor.ledger import Meter
from monitor.quotas import A_WHILE

TOKENS = "https://oauth2.googleapis.com/token"
EARLY = 120.0  # seconds by which a token is renewed before its end
LIFETIME = 3600  # seconds for which a signed request is good; Google takes no more
_UNDERSTOOD = (400, 401, 403, 404, 429)  # statuses that `refusal` explains
_BUSY = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"}
)
_HINTS = {
    "accessNotConfigured": "this API is not enabled in the project of the key; enable it in the Google Cloud console",
    "SERVICE_DISABLED": "this API is not enabled in the project of the key; enable it in the Google Cloud console",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the permission was granted for something else; grant it again for this API",
    "insufficientPermissions": "the permission was granted for something else; grant it again for this API",
}


class Grant(Protocol):
    """What tokens are given for."""

    refused: str  # what to do when Google refuses it

    def form(self, now: float) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """`key` is the JSON that the Google Cloud console gives. Raises ValueError, without the key, where it is none."""

    key: SecretStr
    scope: str
    refused = "Google refuses the service account; is its key still valid, and is the clock of this computer right?"

    def __post_init__(self) -> None:
        try:
            key = json.loads(self.key.get_secret_value())
        except (ValueError, RecursionError):
            key = None
        if not isinstance(key, dict) or not (string(key, "client_email") and string(key, "private_key")):
            raise ValueError("is not the JSON key of a service account, with client_email and private_key")

    def form(self, now: float) -> dict[str, str]:
        """Raises AuthError where the private key cannot be used."""
        from google.auth import crypt, jwt

        key = json.loads(self.key.get_secret_value())
        claims: dict[str, Any] = {"iss": key["client_email"], "scope": self.scope, "aud": TOKENS}
        try:
            signer = crypt.RSASigner.from_service_account_info(key)  # type: ignore[no-untyped-call]
            claims |= {"iat": int(now), "exp": int(now) + LIFETIME}
            signed: bytes = jwt.encode(signer, claims)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError):
            raise AuthError("the private_key in the key of the service account is damaged; copy it again") from None
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed.decode()}


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Of a person who let an app of ours act for him."""

    client_id: str
    client_secret: SecretStr
    token: SecretStr
    refused = (
        "Google refuses the refresh token or its client; make a new token (one of an app that is still in testing "
        "ends after seven days)"
    )

    def form(self, now: float) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "refresh_token": self.token.get_secret_value(),
        }


class GoogleApi:
    """Requests in the name of `grant`. `name` is how errors call the API. What reads takes one from `reads`, what
    changes something one from `writes`."""

    def __init__(
        self, http: Http, grant: Grant, name: str, reads: Meter | None = None, writes: Meter | None = None
    ) -> None:
        self._http = http
        self._grant = grant
        self._name = name
        self._reads, self._writes = reads, writes
        self._token, self._until = "", 0.0
        self._turn = asyncio.Lock()

    async def get(self, url: str, also: Collection[int] = (), *, writing: bool = False) -> Response:
        """Raises a `SourceError` for everything but 2xx and the statuses in `also`. `writing`: it is needed for an
        answer, so it may use the reserve."""
        return await self._granted(
            lambda headers: self._http.get(url, headers=headers, also=_UNDERSTOOD), also, self._reads, writing
        )

    async def send(self, method: str, url: str, document: Mapping[str, Any], also: Collection[int] = ()) -> Response:
        """A request that changes something, once; a second time only where the token was refused."""
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        return await self._granted(
            lambda headers: self._http.send(method, url, headers=headers, body=body, also=_UNDERSTOOD),
            also,
            self._writes,
            True,
        )

    async def _granted(
        self,
        request: Callable[[Mapping[str, str]], Awaitable[Response]],
        also: Collection[int],
        meter: Meter | None,
        writing: bool,
    ) -> Response:
        async def answer() -> Response:
            headers = await self._headers()  # tokens are no part of the quota
            if meter is not None:
                meter.take(writing=writing)
            return await request(headers)

        response = await answer()
        if response.status == 401:  # a token may end before its time
            self._until = 0.0
            response = await answer()
        if response.status < 400 or response.status in also:
            return response
        error = refusal(response, self._name)
        if meter is not None and isinstance(error, TemporaryError):
            meter.close(error.retry_after or A_WHILE)
        raise error

    async def token(self) -> str:
        async with self._turn:
            if time.time() >= self._until:
                self._token, self._until = await self._renewed(time.time())
            return self._token

    async def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token()}", "Content-Type": "application/json; charset=utf-8"}

    async def _renewed(self, now: float) -> tuple[str, float]:
        """A token, and until when it is used."""
        body = urlencode(self._grant.form(now)).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            response = await self._http.send("POST", TOKENS, headers=headers, body=body, also=(400, 401, 403))
        except OutcomeUnknown:
            raise TemporaryError("Google gives no token at the moment", cause="disturbed", words="Google") from None
        if response.status >= 400:
            raise AuthError(self._grant.refused, cause="refused", words="Google")
        given = response.json()
        token = string(given if isinstance(given, dict) else {}, "access_token")
        if not token or not (token.isascii() and token.isprintable()):
            raise nonsense("Google", "token")
        lasts = given.get("expires_in")
        return token, now + max((lasts if isinstance(lasts, int) else LIFETIME) - EARLY, 0.0)


def refusal(response: Response, name: str) -> SourceError:
    """What an answer of 400 to 429 means. Google's own words, which may repeat what was sent, are not shown."""
    reasons = _reasons(response)
    if response.status == 429 or (response.status == 403 and reasons & _BUSY):
        pause = retry_after(response.headers.get("Retry-After"))
        return TemporaryError(
            f"{name} was asked too often; its quota is used up for a while",
            retry_after=pause,
            cause="too_often",
            words=name,
        )
    if hint := next((words for reason, words in _HINTS.items() if reason in reasons), ""):
        return AuthError(f"{name}: {hint}", cause="refused", words=name)
    if response.status == 400:
        return PermanentError(
            f"{name} does not take what it was sent; check the options of this source, or the answer",
            cause="rejected",
            words=name,
        )
    if response.status == 404:
        return NotFound(
            f"{name} knows nothing of the kind; check the options of this source", cause="not_there", words=name
        )
    return error_for(response.status, name, response.headers)


def _reasons(response: Response) -> set[str]:
    """Both of the ways in which Google's APIs say why."""
    try:
        document = response.json()
    except TemporaryError:
        return set()
    error = inner(document if isinstance(document, dict) else {}, "error")
    return {string(one, "reason") for one in (*rows(error, "errors"), *rows(error, "details"))}
