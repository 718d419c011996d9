"""What Meta's Graph API refuses and why, and how near its limits an account is, as the headers of its answers say.

https://developers.facebook.com/docs/graph-api/guides/error-handling
https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.fields import inner, json_object, rows, string
from monitor.http import DAY, Response, error_for, retry_after

_NEARLY = 0.9  # share of a limit
_SHARES = ("call_count", "total_time", "total_cputime")
UNDERSTOOD = (400, 401, 403, 404, 429, 500, 503)  # statuses that `refusal` explains

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
    error = inner(json_object(response.body), "error")
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
        return AuthError(
            f"{name} does not take the app_secret, or wants one; is it the secret of the token's app?",
            cause="refused",
            words=name,
        )
    if code in _UNSURE or error.get("is_transient") is True:
        return _passing(string(error, "message"), name, writing)
    return _final(code, subcode, name, writing) or error_for(response.status, name, response.headers)


def _passing(message: str, name: str, writing: bool) -> SourceError:
    if writing:
        return OutcomeUnknown(
            f"{name} is disturbed; it may have taken the answer all the same", cause="not_known", words=name
        )
    if "reduce the amount of data" in message:  # not documented
        return TooMuch(f"{name} finds that too much is asked for at once")
    return TemporaryError(f"{name} is disturbed at the moment", cause="disturbed", words=name)


def _final(code: int, subcode: int, name: str, writing: bool) -> SourceError | None:
    if code == _BLOCKED and writing:
        return PermanentError(
            f"{name} blocks answers of this page for a while; a person has to look there", cause="blocked", words=name
        )
    if code == _BLOCKED:
        return TemporaryError(
            f"{name} blocks this page or app for a while; look there for a notice",
            retry_after=DAY,
            cause="blocked",
            words=name,
        )
    if code == _TWICE:
        return OutcomeUnknown(f"{name} says that the same text was posted already", cause="posted_before", words=name)
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
