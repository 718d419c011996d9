"""Reviews of a shop or of its products on Shoptet, through its API: read, answered, and told of by webhooks.

A shop with Shoptet Premium makes a private token in its administration; an add-on has an OAuth token, for which a
short-lived one is got. A webhook brings the number of a review and nothing else, so it makes Ohlas look at once.
https://api.docs.shoptet.com
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Page, Receipt, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, json_object, rows, string, things
from monitor.gathering import gathered
from monitor.http import Http, Response, error_for
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import clean, fold, one_line

log = logging.getLogger(__name__)

QUOTA = "3 requests at once, and a bucket that empties by itself"
COST = "free with Shoptet Premium, or as an add-on"
API = "https://api.myshoptet.com"
MOST = 100  # reviews on one page
REACH = timedelta(days=365)  # how far the first reading goes back
OVERLAP = timedelta(days=14)  # reviews of the shop that are read again, as they may be edited or answered elsewhere
CHANGED = timedelta(hours=1)  # the same by the time of a change, which reviews of products can be asked for
DAY = timedelta(days=1)
CONNECTIONS = 3  # at once with one token
LOOKED_THROUGH = 20  # pages in which one review is looked for
A_MINUTE = 300  # requests of one shop; Shoptet's own bucket takes some more
_FULL = 10.0  # seconds to stay away once the bucket of requests is nearly full
_PATHS = {"shop": "project", "product": "products"}
_EVENTS = {"shop": "projectReview:create", "product": "productReview:created"}
_REFUSALS = (400, 404, 409, 413, 422)
_NUMBER = re.compile(r"[0-9]{1,18}")
_FILLING = re.compile(r"(\d{1,9})/(\d{1,9})")
_NEWEST = 4_102_444_800.0  # Unix seconds; dates beyond it are nonsense


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "shoptet"`."""

    reviews: Literal["shop", "product"] = Field(default="shop", description="which reviews are read")
    token: SecretStr | None = Field(default=None, description="private API token of a Premium shop: '$NAME'")
    oauth_token: SecretStr | None = Field(default=None, description="an add-on's OAuth token, instead of it: '$NAME'")
    oauth_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where that is exchanged: 'https://SHOP/action/ApiOAuthServer/getAccessToken'",
    )
    webhook_key: SecretStr | None = Field(
        default=None, description="signature key of the shop's webhooks, where they are sent to /in/NAME: '$NAME'"
    )
    answers_as: str = Field(default="", max_length=100, description="name that stands beside the answers in the shop")
    answers_mail: str = Field(
        default="", pattern=r"^([^@\s]+@[^@\s]+)?$", description="e-mail address that is kept with the answers"
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.token is None) == (self.oauth_token is None):
            raise ValueError("set either token, or oauth_token and oauth_url")
        if (self.oauth_token is None) != (not self.oauth_url):
            raise ValueError("oauth_token and oauth_url belong together")
        return self


def connect(settings: Settings, http: Http) -> Shoptet:
    if settings.webhook_key is not None:
        return ListeningShoptet(settings, http, settings.webhook_key)
    return Shoptet(settings, http)


class _State(Cursor):
    """The cursor: which page is next. The documentation does not say in which order reviews come; both are read."""

    since: float = Field(default=0.0, ge=0.0, le=_NEWEST)  # when the last whole reading began, Unix seconds
    begun: float = Field(default=0.0, ge=0.0, le=_NEWEST)  # when this one did
    page: int = Field(default=0, ge=0, le=100_000)  # 0: begin anew
    back: bool = False  # whether the newest are on the last page
    total: int = Field(default=0, ge=0)  # reviews in all, as the page before said

    def begin(self, now: datetime) -> None:
        if not self.page:
            self.page, self.back, self.total, self.begun = 1, False, 0, now.timestamp()

    def go_on(self, read: _Listing, until: datetime) -> None:
        """Note which page is next, after `read`. What is older than `until` is not wanted."""
        fewer, self.total = read.total < self.total, read.total
        following = self.page + (-1 if self.back else 1)
        written = read.written
        if self.page == 1 and read.pages > 1 and written and written[0] < written[-1]:
            self.page, self.back = read.pages, True
        elif fewer and self.page > 1:
            self.page, self.back = 1, False  # something was deleted meanwhile, and the others have moved up
        elif not read.reviews or (written and min(written) < until) or not 1 + self.back <= following <= read.pages:
            self.since, self.page = max(self.since, self.begun), 0
        else:
            self.page = following


@dataclass(frozen=True, slots=True)
class _Listing:
    """One page of reviews."""

    reviews: list[dict[str, Any]]
    written: list[datetime]  # in their order; none where they are not told apart by age
    pages: int
    total: int
    wait: float  # seconds that Shoptet wants to be left alone


@dataclass(slots=True)
class _Session:
    """With one shop, of all sources that have one token: three connections, and of an add-on's access tokens five, may
    be there at once."""

    access: str = ""  # the add-on's short-lived token
    expires: float = 0.0  # when it ends, monotonic
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS))
    ending: set[str] = field(default_factory=set)  # what was said to be switched off

    def __repr__(self) -> str:
        return "_Session()"

    def refused(self, access: str) -> None:
        """Unless somebody else has got a newer one meanwhile."""
        if access == self.access:
            self.expires = 0.0


_sessions: WeakKeyDictionary[Http, dict[str, _Session]] = WeakKeyDictionary()


class Shoptet:
    """Every poll is one request. An answer is a part of the review, so a later one takes the place of an earlier."""

    reply_rules = ReplyRules(kind="overwrite")  # no length is documented

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        given = settings.token or settings.oauth_token
        key = given.get_secret_value() if given else ""
        self._session = _sessions.setdefault(http, {}).setdefault(key, _Session())
        quota = Budget(
            account=account_of("shoptet", key),
            name="requests",
            limit=A_MINUTE,
            window=Rolling(60),
            reserve=A_MINUTE / 10,
        )
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}

    async def poll(self, cursor: str) -> Page:
        state, now = _State.parse(cursor), datetime.now(UTC)
        state.begin(now)
        known = datetime.fromtimestamp(state.since, UTC)
        products = self._settings.reviews == "product"
        until = max(known - (CHANGED if products else OVERLAP), now - REACH)
        read = await self._listing(state.page, {"changeTimeFrom": _stamp(until)} if products else {})
        state.go_on(read, until)
        return replace(
            _page(read.reviews, self._settings, now),
            cursor=state.model_dump_json(),
            more=bool(state.page),
            wait=read.wait,
        )

    async def close(self) -> None:
        pass

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        signed = {"reactionFullName": self._settings.answers_as, "reactionEmail": self._settings.answers_mail}
        reaction = {"reactionText": text} | {name: value for name, value in signed.items() if value}
        body = json.dumps({"data": {"reaction": reaction}}).encode()
        path = f"/api/reviews/{_PATHS[self._settings.reviews]}/{mention.id}"
        answer = await self._asked("PATCH", path, body)
        if answer.status == 423:
            raise TemporaryError(
                "Shoptet is still busy with the same answer", retry_after=5.0, cause="passing", words="Shoptet"
            )
        if answer.status in _REFUSALS:
            told = f"{answer.status} {_code(answer)}".rstrip()
            raise PermanentError(
                f"Shoptet does not take this answer: {told}", cause="not_taken", words=f"Shoptet: {told}"
            )
        shown = inner(json_object(answer.body), "data")
        if fold(_reaction(inner(shown, "review") or shown)) != fold(text):
            raise OutcomeUnknown("Shoptet does not show the answer that it took", cause="not_known", words="Shoptet")
        return Receipt(id=mention.id)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """None also where another answer stands there: one that nobody knows of is found when the review is read
        again before the next try."""
        found = await self.fetch(mention)
        if found is None:
            raise NotFound("The review is not there any more.", cause="original_gone")
        return Receipt(id=mention.id) if fold(found.reply) == fold(text) else None

    async def fetch(self, mention: Mention) -> Mention | None:
        """Shoptet shows reviews in lists only: looked for around its date."""
        dated, written = bool(mention.raw.get("date")), mention.created_at
        until = written - DAY if dated else datetime.fromtimestamp(0, UTC)
        window = {"dateFrom": _stamp(until), "dateTo": _stamp(written + DAY)} if dated else {}
        state = _State(page=1)
        for _ in range(LOOKED_THROUGH):
            asked = window if self._settings.reviews == "product" else {}
            read = await self._listing(state.page, asked, for_answer=True)
            found = _page(read.reviews, self._settings, written).mentions
            if same := next((one for one in found if one.id == mention.id), None):
                return same
            state.go_on(read, until)
            if not state.page:
                return None
        raise TemporaryError("there are too many reviews to look this one up")

    async def _listing(self, page: int, asked: Mapping[str, str], *, for_answer: bool = False) -> _Listing:
        query = urlencode({"page": page, "itemsPerPage": MOST, **asked})
        path = f"/api/reviews/{_PATHS[self._settings.reviews]}?{query}"
        answer = await self._asked("GET", path, for_answer=for_answer)
        listing = inner(json_object(answer.body), "data")
        reviews = listing.get("reviews")
        if not isinstance(reviews, list):
            raise nonsense("Shoptet", "list of reviews")
        reviews = things(reviews)
        paginator = inner(listing, "paginator")
        return _Listing(
            reviews=reviews,
            written=_written(reviews) if self._settings.reviews == "shop" else [],
            pages=_whole(paginator.get("pageCount")),
            total=_whole(paginator.get("totalCount")),
            wait=self._heed(answer.headers),
        )

    async def _asked(
        self, method: str, path: str, body: bytes = b"", *, for_answer: bool = False, last: bool = False
    ) -> Response:
        """An add-on's token that has ended before its time is renewed once; nothing was done with it."""
        async with self._session.connections:
            access = await self._access()
            answer = await self._answer(method, path, body, access, for_answer=for_answer)
        self._tell_what_ends(f"{method} {path.partition('?')[0]}", answer.headers.get("Sunset", ""))
        if answer.status != 401:
            return answer
        if last or not access:
            raise error_for(401, "Shoptet", answer.headers)
        self._session.refused(access)
        return await self._asked(method, path, body, for_answer=for_answer, last=True)

    async def _answer(self, method: str, path: str, body: bytes, access: str, *, for_answer: bool) -> Response:
        headers = {"Content-Type": "application/json", **self._credentials(access)}
        self._requests.take(writing=for_answer or method != "GET")
        if method == "GET":
            return await self._http.get(API + path, headers=headers, also=(401,))
        also = (401, 423, *_REFUSALS)
        return await self._http.send(method, API + path, headers=headers, body=body, also=also)

    def _tell_what_ends(self, what: str, day: str) -> None:
        what = re.sub(r"/\d+$", "/…", what)
        if day and what not in self._session.ending:
            self._session.ending.add(what)
            log.warning("Shoptet will switch off %s on %s; install a newer Ohlas before", what, one_line(day, 40))

    def _heed(self, headers: Mapping[str, str]) -> float:
        """Seconds; once the bucket is nearly full, all sources of the shop stay away."""
        said = _FILLING.fullmatch(headers.get("X-RateLimit-Bucket-Filling", "").strip())
        if not said or 10 * int(said[1]) < 9 * int(said[2]):
            return 0.0
        self._requests.close(_FULL)
        return _FULL

    def _credentials(self, access: str) -> dict[str, str]:
        if self._settings.token is not None:
            return {"Shoptet-Private-API-Token": self._settings.token.get_secret_value()}
        return {"Shoptet-Access-Token": access}

    async def _access(self) -> str:
        """The add-on's token; "" where a private one is used."""
        if self._settings.oauth_token is None:
            return ""
        async with self._session.turn:
            if time.monotonic() >= self._session.expires:
                await self._renew(self._settings.oauth_token.get_secret_value())
            return self._session.access

    async def _renew(self, secret: str) -> None:
        given = await self._http.get(self._settings.oauth_url, headers={"Authorization": f"Bearer {secret}"})
        answer = json_object(given.body)
        access = string(answer, "access_token")
        if not access:
            raise AuthError(
                "The shop gives no access token; check oauth_token and oauth_url", cause="refused", words="Shoptet"
            )
        self._session.access = access
        self._session.expires = time.monotonic() + (_whole(answer.get("expires_in")) or 1_800) - 60.0


class ListeningShoptet(Shoptet):
    """Is told of new reviews as well."""

    def __init__(self, settings: Settings, http: Http, key: SecretStr) -> None:
        super().__init__(settings, http)
        self._key = key

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        """Nothing but the wish that the source be read now, as a notification holds no review."""
        expected = sign(self._key.get_secret_value(), body)
        given = headers.get("shoptet-webhook-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise AuthError("Shoptet-Webhook-Signature does not fit the body; is webhook_key the newest key?")
        try:
            notification = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise PermanentError("The body is not a notification of Shoptet.") from error
        if not isinstance(notification, dict):
            raise PermanentError("The body is not a notification of Shoptet.")
        return Page(more=string(notification, "event") == _EVENTS[self._settings.reviews])


def sign(key: str, body: bytes) -> str:
    """The value of Shoptet-Webhook-Signature."""
    return hmac.new(key.encode(), body, "sha1").hexdigest()


def _page(reviews: Sequence[Mapping[str, Any]], settings: Settings, now: datetime) -> Page:
    found = (_mention(review, settings, now) for review in reviews)
    return gathered(found, "a review without a number, or with neither a text nor stars")


def _mention(review: Mapping[str, Any], settings: Settings, now: datetime) -> Mention | None:
    """The customer's e-mail address is left out: nothing needs it."""
    number = str(_whole(review.get("id")) or "")
    stars = min(_whole(review.get("rating")), 5)
    words = clean(string(review, "description"))
    if not number or not (words or stars):
        return None
    return Mention(
        source=settings.name,
        id=number,
        text=words or cells.drawn(stars),
        created_at=cells.past(string(review, "date")) or now,
        author=one_line(string(review, "fullName")),
        title=one_line(string(review, "productName")),
        rating=float(stars) if stars else None,
        language=settings.language,
        reply=clean(_reaction(review)),
        raw={
            "date": one_line(string(review, "date"), 40),
            "order_id": one_line(string(review, "orderCode"), 50),
            "customer": one_line(string(review, "customerGuid"), 50),
            "visible": review.get("visible") is not False,
        },
    )


def _reaction(review: Mapping[str, Any]) -> str:
    return string(inner(review, "reaction"), "reactionText")


def _written(reviews: Sequence[Mapping[str, Any]]) -> list[datetime]:
    return [moment for review in reviews if (moment := cells.past(string(review, "date")))]


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S%z}"


def _whole(value: object) -> int:
    """0 where it is no whole number, or none that could be meant."""
    plain = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    return int(plain.removesuffix(".0")) if _NUMBER.fullmatch(plain.removesuffix(".0")) else 0


def _code(answer: Response) -> str:
    """Shoptet's own word for what is wrong, where it looks like one."""
    said = next((string(error, "errorCode") for error in rows(json_object(answer.body), "errors")), "")
    return said if re.fullmatch(r"[a-z-]{3,60}", said) else ""
