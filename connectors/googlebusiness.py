"""Reviews of a place on Google Maps and in Google's search, with the Business Profile API. An answer replaces the
earlier one; Google looks at it before it is shown, and may refuse it.

https://developers.google.com/my-business/content/review-data
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr

from monitor import cells
from monitor.answerable import is_shown
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Moderated, Page, Receipt, ReplyRules
from monitor.cursors import Tokens
from monitor.errors import NotFound, TemporaryError, nonsense
from monitor.fields import inner, string, things
from monitor.gathering import gathered
from monitor.google import GoogleApi, RefreshToken
from monitor.http import Http
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import canonical_url, clean, one_line

QUOTA = "300 requests a minute"
COST = "free, after Google has approved your project"
API = "https://mybusiness.googleapis.com/v4"
MOST = 50  # reviews in one answer
OVERLAP = 3600  # seconds that are read again
A_MINUTE = 300  # requests that the app, for all of its places, may make in a minute
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_LISTED = frozenset({"reviews", "averageRating", "totalReviewCount", "nextPageToken"})
_ID = re.compile(r"[\w=-]{1,300}", re.ASCII)
_TRANSLATED, _ORIGINAL = "(Translated by Google)", "(Original)"


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "googlebusiness"`."""

    interval: float = Field(default=900.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    account: str = Field(pattern=r"^[0-9]{5,30}$", description="number of the account, after 'accounts/'")
    location: str = Field(pattern=r"^[0-9]{5,30}$", description="number of the place, after 'locations/'")
    client_id: str = Field(pattern=r"^[\w.-]{5,200}$", description="of the app that Google approved")
    client_secret: SecretStr = Field(description="its secret: '$NAME'")
    refresh_token: SecretStr = Field(description="what a manager of the profile granted that app: '$NAME'")


def connect(settings: Settings, http: Http) -> GoogleBusiness:
    return GoogleBusiness(settings, http)


class GoogleBusiness:
    """Every poll is one request."""

    reply_rules = ReplyRules(kind="overwrite", max_length=4096, unit="bytes", moderated=True)

    def __init__(self, settings: Settings, http: Http) -> None:
        grant = RefreshToken(settings.client_id, settings.client_secret, settings.refresh_token)
        quota = Budget(
            account=account_of("googlebusiness", settings.client_id),
            name="requests",
            limit=A_MINUTE,
            window=Rolling(60),
            reserve=A_MINUTE / 10,
        )
        requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}
        self._settings = settings
        self._api = GoogleApi(http, grant, "Google Business Profile", requests, requests)
        self._reviews = f"{API}/accounts/{settings.account}/locations/{settings.location}/reviews"

    async def poll(self, cursor: str) -> Page:
        state, now = Tokens.parse(cursor), datetime.now(UTC)
        document = await self._listed(state)
        reviews = things(document.get("reviews"))
        moments = [cells.past(string(one, "updateTime", "createTime")) for one in reviews]
        changed = [int(moment.timestamp()) for moment in moments if moment]
        state.go_on(changed, string(document, "nextPageToken"), int(now.timestamp()), OVERLAP)
        return replace(self._page(reviews, now), cursor=state.model_dump_json(), more=bool(state.token))

    async def close(self) -> None:
        pass

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        await self._api.send("PUT", f"{self._address(mention)}/reply", {"comment": text})
        return Receipt(id=mention.id, url=mention.url)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        shown = _as_written(string(inner(await self._review(mention), "reviewReply"), "comment"))
        return Receipt(id=mention.id, url=mention.url) if is_shown(shown, text, before=mention.reply) else None

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        answer = inner(await self._review(mention), "reviewReply")
        if not string(answer, "comment"):
            raise TemporaryError("Google does not say what became of the answer", cause="passing", words="Google")
        match string(answer, "reviewReplyState"):
            case "PENDING":
                return Moderated(state="pending")
            case "REJECTED":
                why = string(answer, "policyViolation")
                words = why.replace("_", " ").lower() if re.fullmatch(r"[A-Z_]{3,80}", why) else ""
                return Moderated(state="refused", reason=f"Google refuses the answer: {words or 'it does not say why'}")
        return Moderated(state="visible")

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            review = await self._review(mention)
        except NotFound:
            return None
        return self._mention(review, mention.created_at)

    def _address(self, mention: Mention) -> str:
        return f"{self._reviews}/{quote(mention.id, safe='')}"

    async def _review(self, mention: Mention) -> dict[str, Any]:
        """As it stands now. Raises NotFound where it is deleted."""
        review = (await self._api.get(self._address(mention), writing=True)).json()
        found = self._mention(review, mention.created_at) if isinstance(review, dict) else None
        if found is None or found.id != mention.id:
            raise TemporaryError("Google does not show the original at the moment", cause="passing", words="Google")
        return dict(review)

    async def _listed(self, state: Tokens) -> dict[str, Any]:
        asked = {"pageSize": MOST, "orderBy": "updateTime desc"} | ({"pageToken": state.token} if state.token else {})
        response = await self._api.get(f"{self._reviews}?{urlencode(asked)}", also=(400,) if state.token else ())
        if response.status == 400:  # pages are kept for a while only
            state.token = ""
            return await self._listed(state)
        document = response.json()
        # Where there is nothing, Google sends an object without anything.
        known = isinstance(document, dict) and (not document or document.keys() & _LISTED)
        if not known or not isinstance(document.get("reviews", []), list):
            raise nonsense("Google", "list of reviews")
        return dict(document)

    def _page(self, reviews: list[dict[str, Any]], otherwise: datetime) -> Page:
        found = (self._mention(review, otherwise) for review in reviews)
        return gathered(found, "a review without an id, or with neither a text nor stars")

    def _mention(self, review: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are neither words nor stars. `otherwise` is when it was written, where that is not said."""
        number, author, answer = string(review, "reviewId"), inner(review, "reviewer"), inner(review, "reviewReply")
        stars = STARS.get(string(review, "starRating"), 0)
        words = clean(_as_written(string(review, "comment")))
        if not _ID.fullmatch(number) or not (words or stars):
            return None
        refused = string(answer, "reviewReplyState") == "REJECTED"  # nobody sees it, so nobody was answered
        return Mention(
            source=self._settings.name,
            id=number,
            text=words or cells.drawn(stars),
            created_at=cells.past(string(review, "createTime")) or otherwise,
            url=canonical_url(string(review, "reviewReplyUrl")) or "https://business.google.com/reviews",
            author="" if author.get("isAnonymous") is True else one_line(string(author, "displayName"), 100),
            rating=float(stars) if stars else None,
            language=self._settings.language,
            reply="" if refused else clean(_as_written(string(answer, "comment"))),
        )


def _as_written(text: str) -> str:
    """Without the translation that Google puts before or after what was written."""
    first, translated, second = text.partition(_TRANSLATED)
    if not translated:
        return text
    return first if first.strip() else second.partition(_ORIGINAL)[2] or second
