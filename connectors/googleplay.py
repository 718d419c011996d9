"""Reviews of an app on Google Play, with the Google Play Developer API. Google gives only reviews with words, and of
these only what was written or changed in the last seven days; an answer replaces the earlier one.

https://developers.google.com/android-publisher/reply-to-reviews
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr, field_validator

from monitor.answerable import is_shown, original
from monitor.budgets import Budget, Day, Rolling, account_of
from monitor.contract import Page, Receipt, ReplyRules
from monitor.cursors import LATEST, Tokens
from monitor.errors import NotFound, nonsense
from monitor.fields import inner, json_object, rows, string, things
from monitor.gathering import gathered
from monitor.google import GoogleApi, ServiceAccount
from monitor.http import Http
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import clean, html_to_text, one_line

QUOTA = "200 looks an hour, 2,000 answers a day"
COST = "free"
API = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
MOST = 100  # reviews in one answer
APART = 20.0  # seconds between two pages
HOURLY, DAILY = 200, 2_000  # times that an app may be asked in an hour, and answers that it may give in a day
OVERLAP = 3600  # seconds that are read again, as the order is Google's
_ID = re.compile(r"[\w:.=-]{1,200}", re.ASCII)


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "googleplay"`."""

    interval: float = Field(default=900.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    app: str = Field(pattern=r"^\w+(\.\w+)+$", description="package name of the app, e.g. 'sk.yourshop.app'")
    service_account: SecretStr = Field(description="the JSON key of a service account: '$NAME', best with NAME_FILE")

    @field_validator("service_account")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        ServiceAccount(value, SCOPE)
        return value


def connect(settings: Settings, http: Http) -> GooglePlay:
    return GooglePlay(settings, http)


class GooglePlay:
    """Every poll is one request."""

    reply_rules = ReplyRules(kind="overwrite", max_length=350)

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        account = account_of("googleplay", settings.app)
        reads = Budget(account=account, name="requests", limit=HOURLY, window=Rolling(3600), reserve=HOURLY / 10)
        writes = Budget(account=account, name="answers", limit=DAILY, window=Day("America/Los_Angeles"))
        meters = (http.ledger.meter(reads), http.ledger.meter(writes))
        self.budgets = {reads: 1.0, writes: 0.0}
        self._api = GoogleApi(http, ServiceAccount(settings.service_account, SCOPE), "Google Play", *meters)
        self._reviews = f"{API}/{settings.app}/reviews"

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        state = Tokens.parse(cursor) if cursor else Tokens(since=1)  # every page is read: they hold a week only
        document = await self._listed(state)
        page = self._page(document, now)
        written = [int(mention.created_at.timestamp()) for mention in page.mentions]
        state.go_on(written, string(inner(document, "tokenPagination"), "nextPageToken"), int(now.timestamp()), OVERLAP)
        more = bool(state.token)
        return replace(page, cursor=state.model_dump_json(), more=more, wait=APART if more else 0.0)

    async def close(self) -> None:
        pass

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        await self._api.send("POST", f"{self._address(mention)}:reply", {"replyText": text})
        return Receipt(id=mention.id, url=mention.url)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        current = await self.fetch(mention)
        shown = current.reply if current else ""
        written = html_to_text(text)  # Google drops what looks like HTML
        return Receipt(id=mention.id, url=mention.url) if is_shown(shown, written, before=mention.reply) else None

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            response = await self._api.get(self._address(mention), writing=True)
        except NotFound:
            return None
        found = self._mention(json_object(response.body), mention.created_at)
        return original(mention.id, [found], "Google Play")

    def _address(self, mention: Mention) -> str:
        return f"{self._reviews}/{quote(mention.id, safe='')}"

    async def _listed(self, state: Tokens) -> dict[str, Any]:
        asked = {"maxResults": MOST} | ({"token": state.token} if state.token else {})
        response = await self._api.get(f"{self._reviews}?{urlencode(asked)}", also=(400,) if state.token else ())
        if response.status == 400:  # pages are kept for a while only
            state.token = ""
            return await self._listed(state)
        document = response.json()
        # Where there is nothing, Google sends an object without anything.
        if not isinstance(document, dict) or not isinstance(document.get("reviews", []), list):
            raise nonsense("Google Play", "list of reviews")
        if document and not document.keys() & {"reviews", "tokenPagination", "pageInfo"}:
            raise nonsense("Google Play", "list of reviews")
        return document

    def _page(self, document: Mapping[str, Any], otherwise: datetime) -> Page:
        found = (self._mention(review, otherwise) for review in things(document.get("reviews")))
        return gathered(found, "a review without an id or a text")

    def _mention(self, review: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        number, comments = string(review, "reviewId"), rows(review, "comments")
        said = next((found for one in comments if (found := inner(one, "userComment"))), {})
        answer = next((found for one in comments if (found := inner(one, "developerComment"))), {})
        title, text = _title_and_text(string(said, "originalText", "text"))
        if not _ID.fullmatch(number) or not (title or text):
            return None
        language = string(said, "reviewerLanguage")[:2].lower()
        link = urlencode({"id": self._settings.app, "reviewId": number})
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            title=title,
            created_at=_modified(said) or otherwise,
            url=f"https://play.google.com/store/apps/details?{link}",
            author=one_line(string(review, "authorName"), 100),
            rating=_stars(said),
            language=self._settings.language or (language if re.fullmatch(r"[a-z]{2}", language) else ""),
            reply=clean(string(answer, "text")),
            raw={"version": one_line(string(said, "appVersionName"), 50)},
        )


def _title_and_text(written: str) -> tuple[str, str]:
    """They come as one, with a tab between them; most reviews have no title."""
    title, tab, text = written.partition("\t")
    return (one_line(title), clean(text)) if tab else ("", clean(written))


def _modified(comment: Mapping[str, Any]) -> datetime | None:
    seconds = inner(comment, "lastModified").get("seconds")  # a 64 bit number, so as a string
    written = str(seconds) if isinstance(seconds, str | int) and not isinstance(seconds, bool) else ""
    value = int(written) if re.fullmatch(r"[0-9]{1,10}", written) else 0
    return datetime.fromtimestamp(value, UTC) if 0 < value < LATEST else None


def _stars(comment: Mapping[str, Any]) -> float | None:
    value = comment.get("starRating")
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5 else None
