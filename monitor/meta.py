"""Meta's Graph API over `Http`: requests in the name of a page, what its refusals mean, and how near its limits are.

The address of a next page that an answer holds carries the token and is never followed; only its cursors are taken.
https://developers.facebook.com/docs/graph-api/guides/error-handling
https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Abilities, Ability, Page
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string, strings
from monitor.http import DAY, Http, Response, error_for, retry_after
from monitor.options import SourceOptions
from monitor.rounds import Round

log = logging.getLogger(__name__)

GRAPH = "https://graph.facebook.com/v26.0"
POSTS = 25  # in one answer
EARLY = 14  # days before a token ends at which people are told
HOURLY = 200  # requests; Meta allows that for each user, or 4,800 a day for each who is engaged: there is one at least
RESERVE = 20  # of them, kept for answers
_UNDERSTOOD = (400, 401, 403, 404, 429, 500, 503)  # statuses that `refusal` explains
_PAGING = frozenset({"after", "until", "__paging_token"})
_NEARLY = 0.9  # share of a limit
_SHARES = ("call_count", "total_time", "total_cputime")

# codes of errors; documented, but for those that are marked
_UNSURE = frozenset({1, 2})  # unknown error, service not available
_BUSY = frozenset({4, 17, 32, 341, 613}) | frozenset(range(80_000, 80_015))
_TOKEN = frozenset({102, 190})
_PERMISSION = frozenset({3, 10}) | frozenset(range(200, 300))
_OLD = frozenset({12, 2635})  # deprecated; the second is not documented
_BLOCKED, _TWICE, _BAD, _UNKNOWN_NAME = 368, 506, 100, 803
_NOT_THERE = 33  # subcode of 100; it may also mean that a permission is missing
_ENDED = {
    458: "the app is not connected to the account any more",
    459: "the person who granted it has to sign in at facebook.com first",
    460: "the person who granted it has changed the password",
    463: "its time is over",
    464: "the account of the person who granted it is not confirmed",
    467: "it was taken back, or the person signed out",
    492: "the person who granted it has no role on the page any more",
}


class TooMuch(TemporaryError):
    """Ask for less at once."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token may do, and until when; None: it does not end."""

    scopes: frozenset[str]
    until: datetime | None

    def abilities(self, usual: Abilities, reading: Collection[str], answering: Collection[str]) -> Abilities:
        """`usual` ones, as far as the scopes that they need were granted."""
        missing = [[scope for scope in needed if scope not in self.scopes] for needed in (reading, answering)]
        until = Ability("yes", f"until {self.until:%Y-%m-%d}") if self.until else usual.reads
        reads, replies = (
            Ability("no", f"the token lacks {', '.join(lacked)}; make a new one") if lacked else able
            for lacked, able in zip(missing, (until, usual.replies), strict=True)
        )
        return replace(usual, reads=reads, replies=replies if usual.replies.state == "yes" else usual.replies)


class MetaOptions(SourceOptions):
    """What sources on Facebook and on Instagram have in common."""

    interval: float = Field(default=900.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    token: SecretStr = Field(description="page access token that does not end: '$NAME'")
    app_id: str = Field(
        default="", pattern=r"^[0-9]{0,20}$", description="of your app; with it you are told before the token ends"
    )
    app_secret: SecretStr | None = Field(default=None, description="of your app, signs every request: '$NAME'")
    verify_token: SecretStr | None = Field(
        default=None,
        description="of your choice, the same in the app's webhooks, where they are sent to /in/NAME: '$NAME'",
    )
    days: int = Field(default=30, ge=1, le=365, description="age of posts up to which comments below them are read")
    recheck_days: int = Field(default=30, ge=0, le=365, description="days for which it is checked what was deleted")

    @model_validator(mode="after")
    def _secret_where_it_is_needed(self) -> Self:
        if self.app_secret is None and (self.app_id or self.verify_token is not None):
            raise ValueError("app_id and verify_token need the app_secret too")
        return self


class GraphApi:
    """Requests in the name of `options.token`. `name` is how errors call the platform."""

    def __init__(self, http: Http, options: MetaOptions, name: str) -> None:
        self._http = http
        self._options = options
        self._name = name
        account = account_of("meta", options.token.get_secret_value())
        self.budget = Budget(account=account, name="requests", limit=HOURLY, window=Rolling(3600.0), reserve=RESERVE)
        self._meter = http.ledger.meter(self.budget)
        self.wait = 0.0  # seconds for which nothing more should be read, as the last answer said

    async def get(
        self,
        path: str,
        fields: str,
        paging: Mapping[str, str] | None = None,
        *,
        limit: int = 0,
        for_answer: bool = False,
    ) -> dict[str, Any]:
        """Raises a `SourceError` for everything but an object in a 2xx. What an answer needs may use the reserve."""
        token = self._options.token.get_secret_value()
        asked = {"fields": fields} | ({"limit": str(limit)} if limit else {}) | dict(paging or {}) | self._proof(token)
        return await self._object(f"{path}?{urlencode(asked)}", token, for_answer)

    async def post(self, path: str, **written: str) -> dict[str, Any]:
        """A request that changes something, once. Whether it did is not known where the answer cannot be read."""
        token = self._options.token.get_secret_value()
        headers = _bearer(token) | {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({**written, **self._proof(token)}, errors="replace").encode()
        self._meter.take(writing=True)
        response = await self._http.send("POST", f"{GRAPH}/{path}", headers=headers, body=body, also=_UNDERSTOOD)
        self._slow_down(response)
        if response.status >= 400:
            raise refusal(response, self._name, writing=True)
        answer = _said(response)
        if not string(answer, "id"):
            raise OutcomeUnknown(f"{self._name} does not say whether it took the answer")
        return answer

    async def granted(self) -> Granted | None:
        """What the token is good for; None without an app_id, in whose name that is asked.

        https://developers.facebook.com/docs/graph-api/reference/debug_token
        """
        secret = self._options.app_secret
        if not self._options.app_id or secret is None:
            return None
        app = f"{self._options.app_id}|{secret.get_secret_value()}"
        asked = urlencode({"input_token": self._options.token.get_secret_value()})
        about = inner(await self._object(f"debug_token?{asked}", app), "data")
        ends = [about.get(name) for name in ("expires_at", "data_access_expires_at")]
        until = min((_unix(end) for end in ends if isinstance(end, int) and end > 0), default=None)
        return Granted(frozenset(strings(about, "scopes")), until)

    async def look_at_token(self, now: datetime) -> None:
        """Warns in the log of a token that ends soon."""
        granted = await self.granted()
        if granted and granted.until and (granted.until - now).days < EARLY:
            log.warning("the token of source %s ends on %s; make a new one", self._options.name, granted.until.date())

    def _proof(self, token: str) -> dict[str, str]:
        """https://developers.facebook.com/docs/graph-api/guides/secure-requests"""
        secret = self._options.app_secret
        return {"appsecret_proof": _hmac(secret, token.encode())} if secret else {}

    async def _object(self, path: str, token: str, for_answer: bool = False) -> dict[str, Any]:
        self._meter.take(writing=for_answer)
        response = await self._http.get(f"{GRAPH}/{path}", headers=_bearer(token), also=_UNDERSTOOD)
        self._slow_down(response)
        if response.status >= 400:
            raise refusal(response, self._name)
        answer = response.json()
        if not isinstance(answer, dict):
            raise nonsense(self._name, "object")
        return answer

    def _slow_down(self, response: Response) -> None:
        """Near a limit this source rests, and others with the token take no more than is left; beyond it none asks."""
        self.wait, free = pause(response.headers)
        if self.wait:
            self._meter.observe(HOURLY * free, self.wait)


class MetaRound(Round):
    """A round of a source on Facebook or on Instagram; after an answer that was too much it asks for fewer posts."""

    size: int = Field(default=POSTS, ge=1, le=POSTS)  # posts that are asked for at once
    token_at: float = 0.0  # when it was asked how long the token lasts
    too_much: bool = Field(default=False, exclude=True)  # was asked for just now

    @property
    def unfinished(self) -> bool:
        return self.too_much or super().unfinished

    def end(self) -> None:
        super().end()
        self.size = min(self.size + 1, POSTS)

    async def posts_of(self, graph: GraphApi, path: str, fields: str) -> dict[str, Any] | None:
        """The next page of posts. None: so many are too much at once, the next time fewer are asked for."""
        try:
            return await graph.get(path, fields, self.after, limit=self.size)
        except TooMuch:
            if self.size == 1:
                raise
            self.size //= 2
            self.too_much = True
            return None

    def is_due(self, job: str, options: MetaOptions, now: float) -> bool:
        match job:
            case "again":
                return bool(self.watched.due(now, options.recheck_days))
            case "token":
                return bool(options.app_id) and now - self.token_at > DAY
        return True

    async def look_at_token(self, graph: GraphApi, now: datetime) -> Page:
        self.token_at = now.timestamp()
        await graph.look_at_token(now)
        return Page()


def listed(answer: Mapping[str, Any], name: str) -> list[Any]:
    """The list that an edge answers with; TemporaryError where it is none."""
    found = answer.get("data")
    if not isinstance(found, list):
        raise nonsense(name, "list")
    return found


def following(answer: Mapping[str, Any], *, without_link: bool = False) -> dict[str, str]:
    """What asks for the next page; empty where there is none. Some lists name cursors and no link (`without_link`),
    and have another page wherever this one held something."""
    paging = inner(answer, "paging")
    after, link = string(inner(paging, "cursors"), "after"), string(paging, "next")
    more = bool(answer.get("data")) if without_link else bool(link)
    if more and after:
        return {"after": after[:2000]}
    asked = dict(pair.partition("=")[::2] for pair in link.partition("?")[2].split("&"))
    return {key: unquote_plus(asked[key])[:2000] for key in _PAGING & asked.keys()} if more else {}


def moment(written: object, otherwise: datetime) -> datetime:
    """Of a date as text or as Unix seconds, never in the future; `otherwise` where it is none."""
    now = datetime.now(UTC)
    if isinstance(written, int) and not isinstance(written, bool) and 0 < written < now.timestamp():
        return _unix(written)
    try:
        return min(cells.moment(written, UTC), now) if isinstance(written, str) else otherwise
    except ValueError:
        return otherwise


def pause(headers: Mapping[str, str]) -> tuple[float, float]:
    """Seconds for which nothing more should be read, 0 while less than nine tenths of every limit are used; and the
    share that is free until then."""
    used = [*_usages(headers.get("X-App-Usage")), *_usages(headers.get("X-Business-Use-Case-Usage"))]
    share = max((_number(one, name) for one in used for name in _SHARES), default=0.0) / 100.0
    regained = max((_number(one, "estimated_time_to_regain_access") for one in used), default=0.0) * 60.0  # minutes
    free = 0.0 if regained else max(0.0, 1.0 - share)
    return min(regained or (3600.0 if not free else 600.0 if share >= _NEARLY else 0.0), DAY), free


def refusal(response: Response, name: str, *, writing: bool = False) -> SourceError:
    """What an answer of 400 or more means. Meta's own words, which may repeat what was sent, are not shown."""
    error = inner(_said(response), "error")
    code, subcode = int(_number(error, "code")), int(_number(error, "error_subcode"))
    if code in _BUSY or response.status == 429:
        seconds = pause(response.headers)[0] or retry_after(response.headers.get("Retry-After"))
        return TemporaryError(
            f"{name} was asked too often; it wants to be left alone for a while",
            retry_after=seconds,
            cause="too_often",
            words=name,
        )
    if code in _TOKEN:
        why = _ENDED.get(subcode, "it is wrong, or not good any more")
        return AuthError(
            f"{name} refuses the token: {why}; make a new one, as README.md says", cause="token", words=name
        )
    if code in _PERMISSION:
        return AuthError(
            f"{name} misses a permission; make a token with all that README.md names", cause="permission", words=name
        )
    if "appsecret_proof" in string(error, "message"):
        return AuthError(f"{name} does not take the app_secret, or wants one; is it the secret of the token's app?")
    if code in _UNSURE or error.get("is_transient") is True:
        return _passing(string(error, "message"), name, writing)
    return _final(code, subcode, name, writing) or error_for(response.status, name, response.headers)


def _passing(message: str, name: str, writing: bool) -> SourceError:
    if writing:
        return OutcomeUnknown(f"{name} is disturbed; it may have taken the answer all the same")
    if "reduce the amount of data" in message:  # not documented
        return TooMuch(f"{name} finds that too much is asked for at once")
    return TemporaryError(f"{name} is disturbed at the moment", cause="disturbed", words=name)


def _final(code: int, subcode: int, name: str, writing: bool) -> SourceError | None:
    if code == _BLOCKED and writing:
        return PermanentError(f"{name} blocks answers of this page for a while; a person has to look there")
    if code == _BLOCKED:
        return TemporaryError(
            f"{name} blocks this page or app for a while; look there for a notice",
            retry_after=DAY,
            cause="blocked",
            words=name,
        )
    if code == _TWICE:
        return OutcomeUnknown(f"{name} says that the same text was posted already")
    if code in _OLD:
        return PermanentError(
            f"{name} offers this no more in the version that is asked for; Ohlas has to be updated",
            cause="outdated",
            words=name,
        )
    if code == _UNKNOWN_NAME or (code, subcode) == (_BAD, _NOT_THERE):
        return NotFound(
            f"{name} does not show this; it is deleted, or the token may not see it", cause="not_there", words=name
        )
    if code == _BAD:
        return PermanentError(
            f"{name} does not take what it was sent; check the options of this source, or the answer",
            cause="rejected",
            words=name,
        )
    return None


def handshake(options: MetaOptions, query: Mapping[str, str]) -> str:
    """The answer to Meta's question whether its webhooks are awaited; AuthError where it is not Meta who asks.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    expected = options.verify_token.get_secret_value() if options.verify_token else ""
    given = query.get("hub.verify_token", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise AuthError("hub.verify_token is not the verify_token of this source")
    challenge = query.get("hub.challenge", "")
    if query.get("hub.mode") != "subscribe" or not 0 < len(challenge) <= 200 or not challenge.isalnum():
        raise AuthError("this is no question of Meta's webhooks")
    return challenge


def changes(
    options: MetaOptions, headers: Mapping[str, str], body: bytes, thing: str, account: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Field and value of every change of `account` that a delivery tells of; `thing` is "page" or "instagram".

    Raises AuthError where the signature does not fit, and PermanentError where it is no delivery.
    """
    expected = f"sha256={_hmac(options.app_secret, body)}" if options.app_secret else ""
    given = headers.get("x-hub-signature-256", "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise AuthError("X-Hub-Signature-256 does not fit the body; is app_secret that of the app that sends?")
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PermanentError("The body is not a delivery of Meta.") from error
    if not isinstance(delivery, dict) or not isinstance(delivery.get("entry"), list):
        raise PermanentError("The body is not a delivery of Meta.")
    entries = rows(delivery, "entry") if delivery.get("object") == thing else []
    return (
        (string(change, "field"), inner(change, "value"))
        for entry in entries
        if str(entry.get("id")) == account
        for change in rows(entry, "changes")
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def _hmac(secret: SecretStr, signed: bytes) -> str:
    return hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()


def _said(response: Response) -> dict[str, Any]:
    """{} where it is no object, e.g. a page of HTML."""
    try:
        answer = response.json()
    except TemporaryError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _usages(header: str | None) -> list[dict[str, Any]]:
    """One for an app, or several for each account."""
    try:
        said = json.loads(header or "{}")
    except (ValueError, RecursionError):
        return []
    if not isinstance(said, dict):
        return []
    return [said, *(one for account in said for one in rows(said, account))]


def _number(thing: Mapping[str, Any], name: str) -> float:
    value = thing.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9 else 0.0


def _unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, 4_102_444_800), UTC)
