"""Questions on Stack Overflow and the other sites of Stack Exchange that a search finds. For reading only: answers that
a program writes are not welcome there.

An address may ask 300 times a day, with a key 10,000 times; sources without a key share those 300.
https://api.stackexchange.com/docs/throttle
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, SecretStr

from monitor.answerable import original
from monitor.budgets import Budget, Day, account_of, renewed
from monitor.contract import Page, ReplyRules
from monitor.cursors import LATEST, Moments
from monitor.errors import AuthError, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string, things
from monitor.gathering import gathered
from monitor.http import DAY, Http
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import canonical_url, fold, html_to_text, one_line

QUOTA = "300 requests a day; with a key 10,000"
COST = "free"
API = "https://api.stackexchange.com/2.3"
MOST = 100  # questions in one answer
OVERLAP = 3600  # seconds; what is written is found a while later
_REFUSED_KEYS = frozenset({"access_token_required", "invalid_access_token", "access_denied", "key_required"})
_TRY_LATER = frozenset({"throttle_violation", "internal_error", "temporarily_unavailable"})
_SECONDS = re.compile(r"(\d{1,6}) seconds")


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "stackexchange"`."""

    interval: float = Field(default=1800.0, ge=300.0, le=7 * 86400.0, description="seconds between two polls")
    site: str = Field(
        default="stackoverflow", pattern=r"^[a-z0-9.-]{2,60}$", description="name of the site, e.g. 'superuser'"
    )
    query: str = Field(min_length=2, max_length=200, description="what is searched for in titles and texts")
    key: SecretStr | None = Field(default=None, description="key of an app, which raises the daily quota: '$NAME'")


def connect(settings: Settings, http: Http) -> StackExchange:
    return StackExchange(settings, http)


class StackExchange:
    """Every poll is one request. Pages end at a moment, so that what arrives meanwhile moves nothing."""

    reply_rules = ReplyRules(kind="manual", max_length=30_000, channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {fold(name) for name in settings.own_names}
        self._key = settings.key.get_secret_value() if settings.key else ""
        quota = Budget(
            account=account_of("stackexchange", self._key),
            name="requests",
            limit=10_000 if self._key else 300,
            window=Day(),
        )
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}

    async def poll(self, cursor: str) -> Page:
        state, now = Moments.parse(cursor), datetime.now(UTC)
        asked: dict[str, Any] = {"q": self._settings.query, "sort": "creation", "order": "desc", "pagesize": MOST}
        if state.since:
            asked["fromdate"] = max(state.since - OVERLAP, 0)
        if state.before:
            asked["todate"] = state.before
        document = await self._ask("search/advanced", asked)
        page = self._page(document["items"], now)
        written = [_written(item) for item in rows(document, "items") if _written(item)]
        state.go_on(written, document.get("has_more") is True, int(now.timestamp()))
        return replace(page, cursor=state.model_dump_json(), more=bool(state.before), wait=_backoff(document))

    async def close(self) -> None:
        pass

    async def fetch(self, mention: Mention) -> Mention | None:
        items = (await self._ask(f"questions/{mention.id}", {}))["items"]
        found = self._page(items, mention.created_at).mentions
        return original(mention.id, found, "Stack Exchange") if items else None

    async def _ask(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the API answers; `items` is a list. Raises a `SourceError`."""
        key = {"key": self._key} if self._key else {}
        self._requests.take()
        query = urlencode({"site": self._settings.site, "filter": "withbody", **asked, **key})
        response = await self._http.get(f"{API}/{path}?{query}", also=(400,))
        document = response.json()
        self._heed(document if isinstance(document, dict) else {})
        if isinstance(document, dict) and "error_id" in document:
            raise self._refusal(document)
        if response.status == 400:
            raise PermanentError(
                "Stack Exchange answers 400 Bad Request; check the options of this source",
                cause="rejected",
                words="Stack Exchange: 400",
            )
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            raise nonsense("Stack Exchange", "list of questions")
        return document

    def _heed(self, document: Mapping[str, Any]) -> None:
        """Others at the same address take from the same quota."""
        left, now = document.get("quota_remaining"), datetime.now(UTC)
        if isinstance(left, int) and 0 <= left < 10**9:
            self._requests.observe(left, (renewed(self._requests.budget, now) - now).total_seconds())
        if backoff := _backoff(document):
            self._requests.close(backoff)

    def _refusal(self, document: Mapping[str, Any]) -> SourceError:
        error = _refusal(document)
        if isinstance(error, TemporaryError) and error.retry_after:
            self._requests.close(error.retry_after)
        return error

    def _page(self, items: list[Any], otherwise: datetime) -> Page:
        found = (self._mention(item, otherwise) for item in things(items))
        return gathered(found, "a question without an id or a text", but=lambda one: fold(one.author) in self._own)

    def _mention(self, item: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        number, written = item.get("question_id"), _written(item)
        text, title = html_to_text(string(item, "body")), one_line(unescape(string(item, "title")))
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**12 or not (text or title):
            return None
        return Mention(
            source=self._settings.name,
            id=str(number),
            text=text,
            title=title,
            created_at=datetime.fromtimestamp(written, UTC) if written else otherwise,
            url=canonical_url(string(item, "link")),
            author=one_line(unescape(string(inner(item, "owner"), "display_name")), 100),
            language=self._settings.language,
            raw={"site": self._settings.site},
        )


def _written(item: Mapping[str, Any]) -> int:
    value = item.get("creation_date")
    return int(value) if isinstance(value, int | float) and 0 < value < LATEST else 0


def _backoff(document: Mapping[str, Any]) -> float:
    """Seconds for which it wants to be left alone."""
    said = document.get("backoff")
    return min(float(said), DAY) if isinstance(said, int) and said > 0 else 0.0


def _refusal(document: Mapping[str, Any]) -> SourceError:
    """Its own words are not shown; they may repeat the key."""
    name, words = string(document, "error_name"), string(document, "error_message")
    if name in _REFUSED_KEYS or (name == "bad_parameter" and "key" in words):
        return AuthError("Stack Exchange refuses the key of this source", cause="refused", words="Stack Exchange")
    if name in _TRY_LATER:
        asked = _SECONDS.search(words)
        pause = min(float(asked[1]), DAY) if asked else None
        return TemporaryError(
            f"Stack Exchange wants to be asked later: {name}",
            retry_after=pause,
            cause="too_often",
            words=f"Stack Exchange: {name}",
        )
    hint = name if re.fullmatch(r"[a-z_]{3,40}", name) else "it does not say why"
    return PermanentError(
        f"Stack Exchange refuses it: {hint}; check site and query", cause="rejected", words=f"Stack Exchange: {hint}"
    )
