"""Reviews of a shop, or of what it sells, on Zboží.cz, through Sklik's API Fénix; reviews of the shop are answered.

The account's key is exchanged for a token that lives for an hour at most. One address of reviews may be asked once a
second. Zboží.cz looks at every answer before it is shown.
https://api.sklik.cz/v1/openapi.json
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from pydantic import Field, SecretStr, field_validator

from monitor import cells
from monitor.contract import Moderated, Page, Receipt, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, json_object, string, things
from monitor.gathering import gathered
from monitor.http import Http, Response, error_for
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import clean, fold, one_line

QUOTA = "1 request a second"
COST = "free with an account of Sklik"
API = "https://api.sklik.cz/v1"
PACE = 1.0  # seconds between two requests
DAY = 86400.0
OVERLAP = 30 * DAY  # reviews that are read again: Zboží.cz approves them late, and customers may change them
MOST = {"shop": 100, "product": 1000}  # reviews in one answer
REACH = {"shop": 365 * DAY, "product": 179 * DAY}  # how far back is read; of products no more can be asked for at once
SHORTEST = 60.0  # seconds; a window that is full is halved until it is this short
_PATHS = {"shop": "reviews", "product": "product-reviews"}
_STARS = {"yes": 5.0, "yes_but": 3.0, "no": 1.0}  # whether customers would buy there again
_PROS, _CONS = "Plusy", "Mínusy"
_REFUSALS = (400, 404, 409, 413, 422)
_NUMBER = re.compile(r"[\w-]{1,64}", re.ASCII)
_NEWEST = 4_102_444_800.0  # Unix seconds; dates beyond it are nonsense


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "zbozi"`."""

    premise_id: int = Field(ge=1, le=10**12, description="number of the shop on Zboží.cz (premiseId)")
    refresh_token: SecretStr = Field(min_length=8, description="key of Sklik's API: '$NAME'")
    reviews: Literal["shop", "product"] = Field(default="shop", description="which reviews are read")


def connect(settings: Settings, http: Http) -> Zbozi:
    return AnsweringZbozi(settings, http) if settings.reviews == "shop" else Zbozi(settings, http)


class _State(Cursor):
    """The cursor, in Unix seconds. A window keeps its end while it is read, so that pages stay where they are."""

    since: float = Field(default=0.0, ge=0.0, le=_NEWEST)  # when the last whole reading began
    begun: float = Field(default=0.0, ge=0.0, le=_NEWEST)  # when this one did
    windows: list[tuple[float, float]] = Field(default_factory=list, max_length=100)  # still to be read; the last next
    offset: int = Field(default=0, ge=0)

    @field_validator("windows")
    @classmethod
    def _in_order(cls, windows: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if not all(0 <= start <= end <= _NEWEST for start, end in windows):
            raise ValueError("a window ends before it begins")
        return windows

    def begin(self, now: float, reach: float) -> None:
        if not self.windows:
            self.begun, self.offset = now, 0
            self.windows = [(max(self.since - OVERLAP, now - reach), now)]

    def go_on(self, brought: int, count: int | None, kind: str) -> None:
        """`brought` reviews came; `count` is how many there are in the window, where that was said."""
        start, end = self.windows[-1]
        full = brought >= MOST[kind]
        self.offset += brought
        if kind == "shop" and brought and (full if count is None else self.offset < count):
            return
        halved = kind == "product" and full and end - start > SHORTEST  # these have no pages
        middle = (start + end) / 2
        self.windows[-1:] = [(start, middle), (middle, end)] if halved else []
        self.offset = 0
        if not self.windows:
            self.since = self.begun


@dataclass(slots=True)
class _Session:
    """With Sklik, of all sources that have one key. Moments are monotonic."""

    token: str = ""
    expires: float = 0.0
    answered: float = float("-inf")  # when the last request was
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_sessions: WeakKeyDictionary[Http, dict[str, _Session]] = WeakKeyDictionary()


class Zbozi:
    """Reads. Every poll is one request, and one for a token now and then."""

    reply_rules = ReplyRules(
        kind="manual", max_length=10_000, note="Zboží.cz lets programs answer reviews of the shop only"
    )

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._session = _sessions.setdefault(http, {}).setdefault(settings.refresh_token.get_secret_value(), _Session())

    async def poll(self, cursor: str) -> Page:
        kind, now, state = self._settings.reviews, datetime.now(UTC), _State.parse(cursor)
        state.begin(now.timestamp(), REACH[kind])
        start, end = state.windows[-1]
        asked: dict[str, object] = {"fromDatetime": _stamp(start), "toDatetime": _stamp(end), "limit": MOST[kind]}
        if kind == "shop":
            asked["offset"] = state.offset
        document = json_object((await self._asked("GET", f"{_PATHS[kind]}/", asked)).body)
        items = document.get("items")
        if not isinstance(items, list):
            raise nonsense("Zboží.cz", "list of reviews")
        count = inner(document, "meta").get("count")
        state.go_on(len(items), count if isinstance(count, int) else None, kind)
        found = (_mention(item, self._settings, now) for item in things(items))
        page = gathered(found, "a review without a number, or with neither a text nor a rating")
        return replace(page, cursor=state.model_dump_json(), more=bool(state.windows), wait=PACE)

    async def close(self) -> None:
        pass

    async def _asked(self, method: str, path: str, asked: Mapping[str, object], body: bytes = b"") -> Response:
        """A token that is refused before its end is renewed once; nothing was done with it."""
        query = urlencode({"premiseId": self._settings.premise_id, **asked})
        url = f"{API}/nakupy/{path}?{query}"
        async with self._session.turn:
            for _ in range(2):
                await self._sign_in()
                answer = await self._send(method, url, f"Bearer {self._session.token}", body)
                if answer.status != 401:
                    return answer
                self._session.expires = 0.0
        raise error_for(401, "Sklik", answer.headers)

    async def _send(self, method: str, url: str, authorization: str, body: bytes) -> Response:
        # at most PACE: a second request would be refused
        await asyncio.sleep(self._session.answered + PACE - time.monotonic())
        headers = {"Authorization": authorization, "Accept": "application/json"}
        try:
            if method == "GET":
                return await self._http.get(url, headers=headers, also=(401,))
            headers["Content-Type"] = "application/json"
            return await self._http.send(method, url, headers=headers, body=body, also=(401, *_REFUSALS))
        finally:
            # not when it was sent: one that is long on its way arrives close before the next
            self._session.answered = time.monotonic()

    async def _sign_in(self) -> None:
        """Clients in use give the key in two ways; what is refused in the one is tried in the other."""
        if time.monotonic() < self._session.expires:
            return
        key = self._settings.refresh_token.get_secret_value()
        ways: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
            ({"Authorization": f"Bearer {key}"}, {"grant_type": "client_credentials"}),
            ({}, {"grant_type": "refresh_token", "refresh_token": key}),
        )
        for headers, form in ways:
            answer = await self._exchange(headers, form)
            said = json_object(answer.body)
            if answer.status < 300 and string(said, "access_token"):
                lives = said.get("expires_in")
                self._session.token = string(said, "access_token")
                self._session.expires = time.monotonic() + (lives if isinstance(lives, int) else 300) - 60.0
                return
        raise AuthError(
            "Sklik refuses the key of this source; make a new one under Nástroje, API", cause="refused", words="Sklik"
        )

    async def _exchange(self, headers: Mapping[str, str], form: Mapping[str, str]) -> Response:
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url, body = f"{API}/user/token", urlencode(form).encode()
        try:
            return await self._http.send("POST", url, headers=sent, body=body, also=(400, 401, 403, 415, 422))
        except OutcomeUnknown:
            raise TemporaryError("Sklik gives no token at the moment", cause="disturbed", words="Sklik") from None


class AnsweringZbozi(Zbozi):
    """Answers reviews of the shop as well. An answer is a part of the review; a later one takes its place."""

    reply_rules = ReplyRules(kind="overwrite", max_length=10_000, moderated=True)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        body = json.dumps({"reaction": text}).encode()
        answer = await self._asked("PUT", f"reviews/{mention.id}/reaction", {}, body)
        if answer.status in _REFUSALS:
            raise PermanentError(
                f"Zboží.cz does not take this answer: {answer.status}",
                cause="not_taken",
                words=f"Zboží.cz: {answer.status}",
            )
        return Receipt(id=mention.id)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """None also where another answer stands there: one that nobody knows of is found when the review is read
        again before the next try."""
        review = await self._review(mention)
        return Receipt(id=mention.id) if fold(string(review, "shopReaction")) == fold(text) else None

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        state = string(await self._review(mention), "shopReactionState")
        if state == "denied":
            return Moderated(state="refused", reason="Zboží.cz does not show this answer")
        return Moderated(state="visible" if state == "approved" else "pending")

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            review = await self._review(mention)
        except NotFound:
            return None
        return _mention(review, self._settings, mention.created_at)

    async def _review(self, mention: Mention) -> dict[str, Any]:
        """Raises NotFound where it was deleted."""
        review = json_object((await self._asked("GET", f"reviews/{mention.id}", {})).body)
        if _id(review) != mention.id:
            raise TemporaryError("Zboží.cz does not show the original at the moment", cause="passing", words="Zboží.cz")
        return review


def _mention(review: Mapping[str, Any], settings: Settings, otherwise: datetime) -> Mention | None:
    """None where there is nothing to read. `otherwise` is when it was written, where that is not said."""
    number, rating = _id(review), _rating(review)
    parts = (
        string(review, "text"),
        _labelled(_PROS, string(review, "positiveComment", "positiveComments")),
        _labelled(_CONS, string(review, "negativeComment", "negativeComments")),
    )
    words = clean("\n".join(part for part in parts if part))
    if not number or not (words or rating):
        return None
    shown = string(review, "shopReactionState") != "denied"
    return Mention(
        source=settings.name,
        id=number,
        text=words or cells.drawn(rating or 0.0),
        created_at=cells.past(string(review, "createDatetime")) or otherwise,
        author=one_line(string(review, "userName")),
        title=one_line(string(inner(review, "productData"), "productName", "cartProductName")),
        rating=rating,
        # A rating alone is in no language; Zboží.cz is Czech.
        language=settings.language or ("" if words else "cs"),
        reply=clean(string(review, "shopReaction")) if shown else "",
        raw={
            "order_id": one_line(_plain(review.get("orderId")), 50),
            "state": one_line(string(review, "state"), 20),
            "satisfaction": {
                one_line(name, 40): value
                for name, value in list(inner(review, "satisfaction").items())[:10]
                if isinstance(value, str) and value in _STARS
            },
        },
    )


def _id(review: Mapping[str, Any]) -> str:
    number = _plain(review.get("shopReviewId")) or _plain(review.get("productReviewId"))
    return number if _NUMBER.fullmatch(number) else ""


def _plain(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _rating(review: Mapping[str, Any]) -> float | None:
    stars = review.get("ratingStars")
    if isinstance(stars, int | float) and not isinstance(stars, bool) and 0 < stars <= 5:
        return max(1.0, float(stars))
    return _STARS.get(string(inner(review, "satisfaction"), "overall"))


def _labelled(label: str, written: str) -> str:
    return f"{label}: {written.strip()}" if written.strip() else ""


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
