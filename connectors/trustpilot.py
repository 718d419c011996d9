"""Reviews of a shop on Trustpilot: the public ones with an API key, with its secret also orders' numbers and answers.

Trustpilot recommends at most 833 requests in five minutes. Reviews are listed by the day on which they were written, so
changes are found by reading those of some days again; webhooks, which are not signed, bring them at once.
https://developers.trustpilot.com/service-reviews-api
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, Self
from urllib.parse import urlencode

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor import cells
from monitor.answerable import is_shown, original
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Page, Receipt, ReplyRules
from monitor.cursors import LATEST, Cursor
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, json_object, rows, string, things
from monitor.gathering import gathered
from monitor.http import Http, Response, error_for
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.rechecks import DAY, Watched
from monitor.text import clean, one_line

QUOTA = "833 requests in 5 minutes, 10,000 an hour"
COST = "part of Trustpilot's paid plans"
API = "https://api.trustpilot.com/v1"
TOKENS = f"{API}/oauth/oauth-business-users-for-applications"
MOST = 100  # reviews on one page
QUOTAS = {"requests": (833, 300.0), "calls": (10_000, 3600.0)}  # how many in how many seconds
RESERVED = 33  # of these, for answers
REACH = 365 * DAY  # how far the first reading goes back
NEAR, FAR = 2 * DAY, 30 * DAY  # what is read again: with every reading, and with one a day
AGAIN = 50  # missing reviews that are asked for one by one after such a reading
EARLY = 300.0  # seconds by which a token is renewed before its end
_SECRET_LENGTH = 16  # characters at least
_REFUSALS = (400, 404, 409, 413, 422)
_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_ANSWERED = "Trustpilot shows one answer to a review; change the one that stands there"
_EVENTS = ("service-review-created", "service-review-updated", "service-review-deleted")


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "trustpilot"`."""

    interval: float = Field(default=900.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    business_unit: str = Field(pattern=r"^[0-9a-f]{24}$", description="Business Unit ID of the shop")
    key: SecretStr = Field(min_length=8, description="API key: '$NAME'")
    secret: SecretStr | None = Field(default=None, description="its secret, for private reviews and answers: '$NAME'")
    user: str = Field(
        default="", pattern=r"^([0-9a-f]{24})?$", description="User ID of the business user whose answers they are"
    )
    login: str = Field(default="", description="instead of `user`, the e-mail address of one who has no second factor")
    password: SecretStr | None = Field(default=None, description="password of that login: '$NAME'")
    webhook_secret: SecretStr | None = Field(
        default=None, description="what stands behind /in/NAME?secret= in the address of webhooks: '$NAME'"
    )

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SECRET_LENGTH:
            raise ValueError(f"is shorter than {_SECRET_LENGTH} characters; make one with: openssl rand -hex 32")
        return value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if bool(self.login) != (self.password is not None):
            raise ValueError("login and password belong together")
        if self.secret is None and (self.user or self.login):
            raise ValueError("answering needs the secret of the API key as well")
        return self


def connect(settings: Settings, http: Http) -> Trustpilot:
    kinds = {
        (False, False): Trustpilot,
        (False, True): ListeningTrustpilot,
        (True, False): AnsweringTrustpilot,
        (True, True): ListeningAnsweringTrustpilot,
    }
    return kinds[bool(settings.user or settings.login), settings.webhook_secret is not None](settings, http)


class _State(Cursor):
    """The cursor. Times are Unix seconds."""

    since: float = Field(default=0.0, ge=0.0, le=LATEST)  # when the last whole reading began
    thorough: float = Field(default=0.0, ge=0.0, le=LATEST)  # when the last one began that went back far
    begun: float = Field(default=0.0, ge=0.0, le=LATEST)  # when this one did
    until: float = Field(default=0.0, ge=0.0, le=LATEST)  # how far back it goes
    page: int = Field(default=0, ge=0, le=100_000)  # 0: begin anew
    watched: Watched = Field(default_factory=Watched)
    missing: list[str] = Field(default_factory=list, max_length=AGAIN)  # not listed any more: deleted, or not

    @property
    def goes_far(self) -> bool:
        return self.begun - self.thorough >= DAY

    def begin(self, now: float) -> None:
        if not self.page:
            self.page, self.begun = 1, now
            self.until = max(self.since - (FAR if self.goes_far else NEAR), now - REACH)

    def go_on(self, listed: Sequence[Mention], full: bool, now: float) -> None:
        """Note what a page listed. Reviews that are written meanwhile move the others back, so none is passed over."""
        self.watched.add(listed, now)
        self.watched.looked_at([mention.id for mention in listed], (), now)
        oldest = min((mention.created_at.timestamp() for mention in listed), default=now)
        if full and oldest >= self.until:
            self.page += 1
            return
        if self.goes_far:
            times = self.watched.times.items()
            gone = [one for one, (written, seen) in times if written >= self.until and seen < self.begun]
            self.missing, self.thorough = gone[:AGAIN], self.begun
        self.since, self.page = self.begun, 0


class Trustpilot:
    """Reads; the secret makes it read what only the company sees. Every poll is one request."""

    reply_rules = ReplyRules(kind="manual", note="Ohlas answers on Trustpilot where it has secret and user")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._grant = _Grant(settings, http, settings.secret, self._take) if settings.secret else None
        account = account_of("trustpilot", settings.key.get_secret_value())
        self.budgets = {
            Budget(account=account, name=name, limit=limit, window=Rolling(seconds), reserve=RESERVED): 1.0
            for name, (limit, seconds) in QUOTAS.items()
        }
        self._meters = [http.ledger.meter(budget) for budget in self.budgets]
        self._api = f"{API}/private" if settings.secret else API

    async def poll(self, cursor: str) -> Page:
        state, now = _State.parse(cursor), datetime.now(UTC)
        page = await (self._look_again(state, now) if state.missing else self._read(state, now))
        return replace(page, cursor=state.model_dump_json(), more=bool(state.page or state.missing))

    async def close(self) -> None:
        pass

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            return await self._review(mention.id, mention.created_at, writing=True)
        except NotFound:
            return None

    def reply_link(self, mention: Mention) -> str:
        return f"https://businessapp.b2b.trustpilot.com/reviews/{mention.id}"

    async def _read(self, state: _State, now: datetime) -> Page:
        state.begin(now.timestamp())
        asked = {"orderBy": "createdat.desc", "perPage": MOST, "page": state.page}
        if self._grant is not None:
            asked["startDateTime"] = f"{datetime.fromtimestamp(state.until, UTC):%Y-%m-%dT%H:%M:%S}"
        answer = await self._asked("GET", f"business-units/{self._settings.business_unit}/reviews", asked)
        reviews = json_object(answer.body).get("reviews")
        if not isinstance(reviews, list):
            raise nonsense("Trustpilot", "list of reviews")
        page = _page(reviews, self._settings, now)
        state.go_on(page.mentions, len(reviews) >= MOST, now.timestamp())
        return page

    async def _look_again(self, state: _State, now: datetime) -> Page:
        number = state.missing.pop(0)
        try:
            mention = await self._review(number, now, writing=False)
        except NotFound:
            state.watched.looked_at((), (number,), now.timestamp())
            return Page(gone=(number,))
        state.watched.looked_at((number,), (), now.timestamp())
        return Page(mentions=(mention,))

    async def _review(self, number: str, otherwise: datetime, *, writing: bool) -> Mention:
        """As it stands now. Raises NotFound where it was deleted. `writing`: an answer needs it."""
        answer = await self._asked("GET", f"reviews/{number}", {}, writing=writing)
        found = _mention(json_object(answer.body), self._settings, otherwise)
        return original(number, [found], "Trustpilot")

    async def _asked(
        self, method: str, path: str, asked: Mapping[str, object], body: bytes = b"", *, writing: bool = False
    ) -> Response:
        """A token that is refused before its end is renewed once; nothing was done with it."""
        url = f"{self._api}/{path}" + (f"?{urlencode(asked)}" if asked else "")
        if self._grant is None:
            self._take(writing=writing)
            return await self._http.get(url, headers={"apikey": self._settings.key.get_secret_value()})
        for _ in range(2):
            token = await self._grant.token(writing=writing)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._take(writing=writing)
            if method == "GET":
                answer = await self._http.get(url, headers=headers, also=(401,))
            else:
                answer = await self._http.send(method, url, headers=headers, body=body, also=(401, *_REFUSALS))
            if answer.status != 401:
                return answer
            self._grant.forget()
        raise error_for(401, "Trustpilot", answer.headers)

    def _take(self, *, writing: bool) -> None:
        """Before every request, those for tokens too."""
        for meter in self._meters:
            meter.take(writing=writing)


class AnsweringTrustpilot(Trustpilot):
    """Answers as a business user. A review has one answer, and what a second one would do is not documented."""

    reply_rules = ReplyRules(kind="create")  # no length is documented

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        return replace(self.reply_rules, kind="manual", note=_ANSWERED) if mention.reply else self.reply_rules

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        signed = {"authorBusinessUserId": self._settings.user} if self._settings.user else {}
        body = json.dumps({"message": text, **signed}).encode()
        answer = await self._asked("POST", f"reviews/{mention.id}/reply", {}, body, writing=True)
        if answer.status in _REFUSALS:
            raise PermanentError(
                f"Trustpilot does not take this answer: {answer.status}",
                cause="not_taken",
                words=f"Trustpilot: {answer.status}",
            )
        return Receipt(id=mention.id, url=mention.url)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        found = await self._review(mention.id, mention.created_at, writing=True)
        return Receipt(id=mention.id, url=mention.url) if is_shown(found.reply, text) else None


class _Listening:
    """Is told of reviews as well."""

    _settings: Settings

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        """What was written, changed and deleted. What an event leaves out, such as an answer, is read at once."""
        secret = self._settings.webhook_secret.get_secret_value() if self._settings.webhook_secret else ""
        given = headers.get("x-ohlas-secret", "")
        if not secret or not hmac.compare_digest(secret.encode(), given.encode("utf-8", "replace")):
            raise AuthError("The secret at the end of the address is missing or wrong: /in/NAME?secret=…")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise PermanentError("The body is no notification of Trustpilot.") from error
        if not isinstance(document, dict) or not isinstance(document.get("events"), list):
            raise PermanentError("The body is no notification of Trustpilot, which has events.")
        events = [one for one in rows(document, "events") if string(one, "eventName") in _EVENTS]
        told = [(string(one, "eventName"), inner(one, "eventData")) for one in events]
        page = _page([review for event, review in told if event != _EVENTS[2]], self._settings, now)
        gone = [string(review, "id") for event, review in told if event == _EVENTS[2]]
        return replace(page, gone=tuple(number for number in gone if _ID.fullmatch(number)), more=bool(page.mentions))


class ListeningTrustpilot(_Listening, Trustpilot):
    pass


class ListeningAnsweringTrustpilot(_Listening, AnsweringTrustpilot):
    pass


class _Take(Protocol):
    def __call__(self, *, writing: bool) -> None: ...


class _Grant:
    """Tokens, each for about four days. One of a login comes with another that renews it."""

    def __init__(self, settings: Settings, http: Http, secret: SecretStr, take: _Take) -> None:
        self._settings = settings
        self._http = http
        self._take = take
        pair = f"{settings.key.get_secret_value()}:{secret.get_secret_value()}"
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._token, self._renewal, self._until = "", "", 0.0  # the moment is monotonic
        self._turn = asyncio.Lock()

    def forget(self) -> None:
        self._until = 0.0

    async def token(self, *, writing: bool) -> str:
        async with self._turn:
            if time.monotonic() >= self._until and not (self._renewal and await self._got(writing, renewing=True)):
                self._renewal = ""
                if not await self._got(writing, renewing=False):
                    raise AuthError(
                        "Trustpilot gives no token; check key and secret, or login and password",
                        cause="refused",
                        words="Trustpilot",
                    )
            return self._token

    async def _got(self, writing: bool, *, renewing: bool) -> bool:
        """False where Trustpilot refuses."""
        self._take(writing=writing)
        path = "refresh" if renewing else "accesstoken"
        form = self._form(renewing)
        try:
            answer = await self._http.send(
                "POST", f"{TOKENS}/{path}", headers=self._headers, body=form.encode(), also=(400, 401, 403)
            )
        except OutcomeUnknown:
            raise TemporaryError(
                "Trustpilot gives no token at the moment", cause="disturbed", words="Trustpilot"
            ) from None
        if answer.status >= 400:
            return False
        given = json_object(answer.body)
        self._token = string(given, "access_token")
        if not self._token:
            raise nonsense("Trustpilot", "token")
        self._renewal = string(given, "refresh_token")
        lives = str(given.get("expires_in"))  # a text that holds a number
        self._until = time.monotonic() + max(float(lives if lives.isdecimal() else 3600.0) - EARLY, 0.0)
        return True

    def _form(self, renewing: bool) -> str:
        from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient  # costly to import

        login, password = self._settings.login, self._settings.password
        form: str
        if renewing:
            form = LegacyApplicationClient("").prepare_refresh_body(refresh_token=self._renewal)
        elif login and password:
            form = LegacyApplicationClient("").prepare_request_body(
                login, password.get_secret_value(), include_client_id=False
            )
        else:
            form = BackendApplicationClient("").prepare_request_body(include_client_id=False)
        return form


def _page(reviews: Sequence[object], settings: Settings, now: datetime) -> Page:
    found = (_mention(review, settings, now) for review in things(reviews))
    return gathered(found, "a review without an id, or with neither words nor stars")


def _mention(review: Mapping[str, Any], settings: Settings, otherwise: datetime) -> Mention | None:
    """None where there is nothing to read. The customer's e-mail address is left out: nothing needs it."""
    number, stars = string(review, "id"), review.get("stars")
    rating = stars if isinstance(stars, int) and not isinstance(stars, bool) and 1 <= stars <= 5 else 0
    title, words = one_line(string(review, "title")), clean(string(review, "text"))
    if not _ID.fullmatch(number) or not (words or title or rating):
        return None
    return Mention(
        source=settings.name,
        id=number,
        text=words or title or cells.drawn(rating),
        created_at=cells.past(string(review, "createdAt")) or otherwise,
        url=f"https://www.trustpilot.com/reviews/{number}",
        author=one_line(string(inner(review, "consumer"), "displayName", "name"), 100),
        title=title if words else "",
        rating=float(rating) if rating else None,
        language=settings.language or cells.language_code(string(review, "language")),
        reply=clean(string(inner(review, "companyReply"), "text")),
        raw={
            "order_id": one_line(string(review, "referenceId"), 50),
            "verified": review.get("isVerified") is True,
        },
    )
