"""All outgoing HTTP: guarded, bounded, and speaking in `SourceError`s only."""

from __future__ import annotations

import errno
import http
import json
import socket
import ssl
from asyncio import timeout
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace, TracebackType
from typing import Any, Literal, Self

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from monitor.bodies import Unreadable, read_body
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.ledger import Ledger
from monitor.networks import is_special, network
from monitor.text import masked_url

USER_AGENT = "Ohlas/0.1"
DAY = 86400.0
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT_REDIRECTS = frozenset({301, 308})
# The only headers of ours that another host may see after a redirect; keys have many names, these do not.
HARMLESS = frozenset({"accept", "accept-language", "if-none-match", "if-modified-since"})

Cause = Literal[
    "no_host", "no_names", "expired", "other_host", "untrusted", "no_tls", "no_answer", "no_network", "slow"
]
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

_NO_ADDRESS = getattr(socket, "EAI_NODATA", socket.EAI_NONAME)
# OpenSSL's numbers for what is wrong with a certificate
_OF_CERTIFICATES: Mapping[int, Cause] = {10: "expired", 62: "other_host", 64: "other_host"}
_BLOCKED = "lies in a private or special network"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read whole and decompressed. `url` is where it came from.

    `moved` is the address that permanent redirects (301, 308) alone led to, "" where there was none.
    """

    status: int
    url: str
    headers: CIMultiDictProxy[str]
    body: bytes
    moved: str = ""

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            who = masked_url(self.url)
            raise TemporaryError(f"{who} did not answer with JSON", cause="nonsense", words=who) from None


class Unreachable(TemporaryError):
    """No whole answer came. `cause`: no such host; its name server does not answer; the certificate has ended, is of
    another host or of nobody known; no TLS at all; no connection; no network here; too slow; broken off."""

    cause: Cause

    def __init__(self, message: str, cause: Cause, words: str) -> None:
        super().__init__(message, cause=cause, words=words)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds from `now` that a Retry-After header asks for, from 0 to a day; None where it says nothing usable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value), DAY)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max((date - (now or datetime.now(UTC))).total_seconds(), 0.0), DAY)


def error_for(status: int, who: str, headers: Mapping[str, str], now: datetime | None = None) -> SourceError:
    """The one place that turns a status into an error. `who` is shown to people: a masked address, or a name."""
    said = f"{who} answers {status} {_phrase(status)}".rstrip()
    words = f"{who}: {status}"
    if status in (401, 403):
        hint = "check the key or password of this source, or whether the site lets us in"
        return AuthError(f"{said}: {hint}", cause="refused", words=words)
    if status in (408, 425, 429) or status >= 500:
        cause = "too_often" if status == 429 else "disturbed"
        pause = retry_after(headers.get("Retry-After"), now)
        return TemporaryError(said, retry_after=pause, cause=cause, words=words)
    if status in (404, 410):
        return NotFound(f"{said}: check the address, or remove this source", cause="not_there", words=words)
    return PermanentError(said, cause="rejected", words=words)


def _phrase(status: int) -> str:
    # The server's own words are untrusted text.
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


class Http:
    """One per service, used as `async with Http() as session`. Every error raised is a `SourceError`.

    `allow_private` names networks or addresses that may be reached although they are private; `total` is seconds
    for one answer, redirects and body included; `max_body` is bytes after decompression. `trust` checks
    certificates instead of the context that everything else shares. `ledger` is what connectors spend from; nothing
    is taken from it here.
    """

    def __init__(
        self,
        *,
        allow_private: Iterable[str] = (),
        total: float = 30.0,
        max_body: int = 15 * 2**20,
        per_host: int = 4,
        trust: ssl.SSLContext | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.ledger = ledger or Ledger()
        self._allowed = tuple(network(text) for text in allow_private)
        self._total = total
        self._max_body = max_body
        self._per_host = per_host
        self._trust = trust

    async def __aenter__(self) -> Self:
        self._reader = self._session(aiohttp.TCPConnector(limit_per_host=self._per_host, **self._guard()))
        # A write never uses a connection twice: one that the server has closed meanwhile would leave its outcome open.
        self._writer = self._session(aiohttp.TCPConnector(force_close=True, **self._guard()), write=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.close()
        await self._writer.close()

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()) -> Response:
        """Read `url`, following redirects. Returns 2xx, 304 and the statuses in `also`, whose body or headers the
        caller understands; raises what `error_for` says of every other one."""
        try:
            async with timeout(self._total):
                return await self._follow(_checked(url), _sendable(headers, url), also)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # "from None": the library's own messages carry whole addresses, keys included.
            raise self._unreachable(error, masked_url(url)) from None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        also: Collection[int] = (),
    ) -> Response:
        """Write with exactly one request, redirects not followed.

        Returns 2xx and the refusals (4xx) in `also`. Raises OutcomeUnknown wherever the server may have acted on it,
        else what `error_for` says.
        """
        who = masked_url(url)
        attempt = SimpleNamespace(connected=False)
        try:
            async with (
                timeout(self._total),
                self._writer.request(
                    method,
                    _checked(url),
                    headers=_sendable(headers, url),
                    data=body or None,
                    allow_redirects=False,
                    trace_request_ctx=attempt,
                ) as response,
            ):
                return await self._written(response, who, also)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if attempt.connected:
                raise OutcomeUnknown(
                    f"{who}: {self._why(error)}; it may have been accepted all the same", cause="not_known", words=who
                ) from None
            raise self._unreachable(error, who) from None

    def _session(self, connector: aiohttp.TCPConnector, write: bool = False) -> aiohttp.ClientSession:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(_note_connection)
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            auto_decompress=False,  # aiohttp's own takes a body that was cut off for a whole one
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # asyncio.timeout covers the whole of it, redirects too
            trust_env=False,  # a proxy would connect on our behalf, past the guard
            trace_configs=[tracing] if write else None,
            middlewares=(_only_once,) if write else (),
        )

    def _guard(self) -> dict[str, Any]:
        # Left to itself, aiohttp shares one ssl context in the whole process.
        own = {"ssl": self._trust} if self._trust else {}
        return {"socket_factory": self._open_socket, **own}

    def _open_socket(self, info: AddressInfo) -> socket.socket:
        # The last moment before the connection: redirects and names that change their address cannot get past it.
        if is_special(info[4][0], self._allowed):
            raise PermissionError(errno.EACCES, _BLOCKED)
        return socket.socket(info[0], info[1], info[2])

    async def _follow(self, url: URL, headers: CIMultiDict[str], also: Collection[int]) -> Response:
        moved, permanent = "", True
        for _ in range(MAX_REDIRECTS + 1):
            async with self._reader.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in REDIRECTS:
                    return await self._answer(response, url, moved, also)
                following = _next(url, response)
                permanent = permanent and response.status in PERMANENT_REDIRECTS
            moved = str(following) if permanent else moved
            headers = headers if following.origin() == url.origin() else _harmless(headers)
            url = following
        who = masked_url(str(url))
        raise Unreadable(f"{who} redirects more than {MAX_REDIRECTS} times", "redirects", who)

    async def _answer(self, response: aiohttp.ClientResponse, url: URL, moved: str, also: Collection[int]) -> Response:
        if not 200 <= response.status < 300 and response.status not in (304, *also):
            raise error_for(response.status, masked_url(str(url)), response.headers)
        body = await read_body(response, self._max_body)
        return Response(response.status, str(url), response.headers, body, moved)

    async def _written(self, response: aiohttp.ClientResponse, who: str, also: Collection[int]) -> Response:
        if response.status == 408 or response.status >= 500:
            raise OutcomeUnknown(
                f"{who} answers {response.status} to a reply; it may have been accepted all the same",
                cause="not_known",
                words=f"{who}: {response.status}",
            )
        if not 200 <= response.status < 300 and response.status not in also:
            raise error_for(response.status, who, response.headers)
        try:
            body = await read_body(response, self._max_body)
        except SourceError as error:
            raise OutcomeUnknown(
                f"{error}; the reply was accepted, its receipt is lost", cause="not_known", words=who
            ) from None
        return Response(response.status, str(response.url), response.headers, body)

    def _unreachable(self, error: Exception, who: str) -> SourceError:
        if _BLOCKED in str(error):
            hint = "where that is meant, name it in service.allow_private"
            return Unreadable(f"{who} {_BLOCKED}; {hint}", "private", who)
        if isinstance(error, ValueError) and not isinstance(error, OSError):  # a refused certificate is both
            problem = f"{who} is not an address that can be used; check its spelling"
            return PermanentError(problem, cause="bad_address", words=who)
        return Unreachable(f"{who}: {self._why(error)}", _cause(error), who)

    def _why(self, error: Exception) -> str:
        match error:
            case aiohttp.ClientConnectorDNSError():
                return "no such host name, or the name service does not answer"
            case aiohttp.ClientConnectorCertificateError():
                return "its certificate is not to be trusted"
            case aiohttp.ClientSSLError():
                return "no secure connection can be made"
            case aiohttp.ClientConnectorError():
                return f"cannot be reached ({error.strerror or 'no connection'})"
            case TimeoutError():
                return f"no whole answer within {self._total:g} s"
            case aiohttp.ClientPayloadError():
                return "the answer was cut off"
            case aiohttp.ClientConnectionError() | OSError():
                return "the connection broke"
            case _:
                return f"the answer is not proper HTTP ({type(error).__name__})"


def _cause(error: Exception) -> Cause:
    match error:
        case aiohttp.ClientConnectorDNSError():
            # only "no such name" is an answer; without a network there is none
            return "no_host" if error.errno in (socket.EAI_NONAME, _NO_ADDRESS) else "no_names"
        case aiohttp.ClientConnectorCertificateError():
            return _OF_CERTIFICATES.get(getattr(error.certificate_error, "verify_code", 0), "untrusted")
        case aiohttp.ClientSSLError():
            return "no_tls"
        case TimeoutError():
            return "slow"
        case OSError() if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
            return "no_network"
        case _:
            return "no_answer"


async def _note_connection(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceConnectionCreateEndParams
) -> None:
    context.trace_request_ctx.connected = True


async def _only_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    # aiohttp sends PUT and DELETE a second time when the connection breaks, unless the error is of another kind.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise aiohttp.ClientConnectionError from None


def _checked(text: str) -> URL:
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        who = masked_url(text)
        problem = f"{who} cannot be read: only http:// and https:// addresses are"
        raise PermanentError(problem, cause="bad_address", words=who)
    return url


def _sendable(headers: Mapping[str, str] | None, url: str) -> CIMultiDict[str]:
    for name, value in (headers or {}).items():
        if not (value.isprintable() and value.isascii()):
            raise PermanentError(
                f"{masked_url(url)}: the value for the header {name} holds characters that cannot be sent"
            )
    return CIMultiDict(headers or {})


def _harmless(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() in HARMLESS)


def _next(url: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location")
    if not location:
        raise error_for(response.status, f"{masked_url(str(url))}, without an address,", response.headers)
    return _checked(str(url.join(URL(location))))
