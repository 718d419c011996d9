"""Reviews of an app in Apple's App Store: with a key of App Store Connect all of them, and answers; without one what
the public feeds of some countries show, free and for reading only.

https://developer.apple.com/documentation/appstoreconnectapi/customer-reviews
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor import cells
from monitor.answerable import is_shown, original
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Moderated, Page, Receipt, ReplyRules
from monitor.cursors import Tokens
from monitor.errors import AuthError, NotFound, PermanentError, TemporaryError, nonsense
from monitor.fields import inner, rows, string, things
from monitor.gathering import gathered
from monitor.http import Http, Response
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import clean, one_line

QUOTA = "about 3,600 requests an hour with a key"
COST = "free for members of the developer programme"
API = "https://api.appstoreconnect.apple.com/v1"
FEED = "https://itunes.apple.com"
# Now and then one of them comes without a single entry, while the other has fifty.
FORMS = ("page=1/id=%s/sortby=mostrecent/json", "id=%s/sortBy=mostRecent/json")
MOST = 200  # reviews in one answer
OVERLAP = 2 * 86400  # seconds that are read again; a review is listed up to a day after it was written
LIFETIME = 600  # seconds for which a signed request is good; Apple takes 20 minutes at most
HOUR = 3600.0
HOURLY = 3_600  # requests that one key may make
_ID = re.compile(r"[\w.=-]{1,100}", re.ASCII)
_LEFT = re.compile(r"user-hour-rem:\s*([0-9]{1,9})")


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "appstore"`."""

    interval: float = Field(default=1800.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    app: str = Field(pattern=r"^[0-9]{5,15}$", description="Apple ID of the app, the digits in its address after 'id'")
    countries: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z]$")], ...] = Field(
        default=("sk", "cz", "hu"),
        min_length=1,
        max_length=20,
        description="countries whose public feeds are read where there is no key, two letters each: 'sk'",
    )
    key_id: str = Field(default="", pattern=r"^([A-Z0-9]{8,20})?$", description="ID of a key of App Store Connect")
    issuer_id: str = Field(
        default="", pattern=r"^([0-9a-f-]{36})?$", description="issuer ID of that key; none for a person's own key"
    )
    private_key: SecretStr | None = Field(default=None, description="that key, a .p8 file: '$NAME', with NAME_FILE")

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "-----BEGIN PRIVATE KEY-----" not in value.get_secret_value():
            raise ValueError("is not what stands in a .p8 file, from BEGIN PRIVATE KEY to END PRIVATE KEY")
        return value

    @model_validator(mode="after")
    def _key_is_whole(self) -> Self:
        if bool(self.key_id) != (self.private_key is not None) or (self.issuer_id and not self.key_id):
            raise ValueError("set key_id and private_key (and issuer_id, where the key has one), or none of them")
        return self


def connect(settings: Settings, http: Http) -> AppStore | AppStoreFeed:
    if settings.private_key is None:
        return AppStoreFeed(settings, http)
    return AppStore(settings, http, settings.private_key)


class AppStore:
    """With a key. Every poll is one request."""

    reply_rules = ReplyRules(kind="overwrite", max_length=5970, moderated=True)

    def __init__(self, settings: Settings, http: Http, key: SecretStr) -> None:
        self._settings = settings
        self._http = http
        self._key = key
        quota = Budget(
            account=account_of("appstore", settings.key_id),
            name="requests",
            limit=HOURLY,
            window=Rolling(HOUR),
            reserve=HOURLY / 10,
        )
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}

    async def poll(self, cursor: str) -> Page:
        state, now = Tokens.parse(cursor), datetime.now(UTC)
        response = await self._listed(state)
        document = _object(response)
        if not isinstance(document.get("data"), list):
            raise nonsense("App Store Connect", "list of reviews")
        page = self._page(document, now)
        written = [int(mention.created_at.timestamp()) for mention in page.mentions]
        state.go_on(written, _following(document), int(now.timestamp()), OVERLAP)
        return replace(page, cursor=state.model_dump_json(), more=bool(state.token), wait=_pause(response))

    async def close(self) -> None:
        pass

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        review = {"data": {"type": "customerReviews", "id": mention.id}}
        answer = {"type": "customerReviewResponses", "attributes": {"responseBody": text}}
        document = {"data": answer | {"relationships": {"review": review}}}
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        headers = self._headers() | {"Content-Type": "application/json"}
        self._requests.take(writing=True)
        response = await self._http.send(
            "POST", f"{API}/customerReviewResponses", headers=headers, body=body, also=(400, 403, 409, 422)
        )
        if response.status == 403:
            raise AuthError(_ROLE, cause="permission", words="App Store Connect")
        if response.status >= 400:
            raise PermanentError(
                f"The App Store does not take this answer: {_code(response)}",
                cause="not_taken",
                words=f"App Store: {_code(response)}",
            )
        try:
            return _receipt(inner(_object(response), "data"), mention)
        except TemporaryError:
            return Receipt(url=mention.url)  # accepted, whatever it says

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        answer = await self._answer(mention)
        shown = string(inner(answer, "attributes"), "responseBody")
        return _receipt(answer, mention) if is_shown(shown, text, before=mention.reply) else None

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        """Answers are shown after up to a day."""
        state = string(inner(await self._answer(mention), "attributes"), "state")
        if state not in ("PUBLISHED", "PENDING_PUBLISH"):
            raise TemporaryError(
                "App Store Connect does not say whether the answer is shown", cause="passing", words="App Store Connect"
            )
        return Moderated(state="visible" if state == "PUBLISHED" else "pending")

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            document = _object(
                await self._get(f"customerReviews/{quote(mention.id, safe='')}?include=response", writing=True)
            )
        except NotFound:
            return None
        found = self._page(document | {"data": [document.get("data")]}, mention.created_at).mentions
        return original(mention.id, found, "App Store Connect")

    async def _listed(self, state: Tokens) -> Response:
        asked: dict[str, Any] = {"sort": "-createdDate", "limit": MOST, "include": "response"}
        path = f"apps/{self._settings.app}/customerReviews?"
        if state.token:
            try:
                return await self._get(path + urlencode(asked | {"cursor": state.token}))
            except PermanentError:
                state.token = ""  # pages are kept for a while only
        return await self._get(path + urlencode(asked))

    async def _answer(self, mention: Mention) -> dict[str, Any]:
        """Empty where there is none."""
        try:
            return inner(
                _object(await self._get(f"customerReviews/{quote(mention.id, safe='')}/response", writing=True)), "data"
            )
        except NotFound:
            return {}

    async def _get(self, path: str, *, writing: bool = False) -> Response:
        self._requests.take(writing=writing)
        response = await self._http.get(f"{API}/{path}", headers=self._headers(), also=(403,))
        if left := _LEFT.search(response.headers.get("X-Rate-Limit", "")):
            self._requests.observe(int(left[1]), HOUR)
        if response.status == 403:
            raise AuthError(_ROLE, cause="permission", words="App Store Connect")
        return response

    def _headers(self) -> dict[str, str]:
        """Raises AuthError where the key cannot be used."""
        import jwt

        settings, now = self._settings, datetime.now(UTC)
        whose = {"iss": settings.issuer_id} if settings.issuer_id else {"sub": "user"}
        until = now + timedelta(seconds=LIFETIME)
        claims = {**whose, "iat": now, "exp": until, "aud": "appstoreconnect-v1"}
        pem = self._key.get_secret_value().replace("\\n", "\n")  # as some keep it in one line
        try:
            signed = jwt.encode(claims, pem, algorithm="ES256", headers={"kid": settings.key_id})
        except (jwt.PyJWTError, ValueError, TypeError):
            raise AuthError("the private_key of App Store Connect is damaged; copy the .p8 file again") from None
        return {"Authorization": f"Bearer {signed}"}

    def _page(self, document: Mapping[str, Any], otherwise: datetime) -> Page:
        answers = {string(one, "id"): inner(one, "attributes") for one in rows(document, "included")}
        found = (self._mention(review, answers, otherwise) for review in things(document["data"]))
        return gathered(found, "a review without an id or a text")

    def _mention(
        self, review: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]], otherwise: datetime
    ) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        number, said = string(review, "id"), inner(review, "attributes")
        answer = answers.get(string(inner(inner(inner(review, "relationships"), "response"), "data"), "id"), {})
        title, text = one_line(string(said, "title")), clean(string(said, "body"))
        if not _ID.fullmatch(number) or not (title or text):
            return None
        territory = one_line(string(said, "territory"), 3)
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            title=title,
            created_at=cells.past(string(said, "createdDate")) or otherwise,
            url=_shown_at(self._settings.app, _country(territory)),
            author=one_line(string(said, "reviewerNickname"), 100),
            rating=_stars(said.get("rating")),
            language=self._settings.language,
            reply=clean(string(answer, "responseBody")),
            raw={"country": _country(territory)},
        )


_ROLE = "App Store Connect refuses the key: it needs the role Customer Support (or Admin) and access to this app"


class AppStoreFeed:
    """Without a key: the newest fifty reviews of each country. Answers do not stand there."""

    reply_rules = ReplyRules(
        kind="manual", max_length=5970, note="without a key of App Store Connect a person has to post this one there"
    )

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    async def poll(self, cursor: str) -> Page:
        pages = [await self._country(country) for country in self._settings.countries]
        found = [page for page in pages if page is not None]
        if not found:
            raise TemporaryError("Apple's feeds of these countries are empty; is that the Apple ID of your app?")
        mentions = {mention.id: mention for page in found for mention in page.mentions}
        return Page(mentions=tuple(mentions.values()), skipped=tuple(why for page in found for why in page.skipped))

    async def close(self) -> None:
        pass

    async def _country(self, country: str) -> Page | None:
        """None where the feed has no entries."""
        for form in FORMS:
            feed = _object(await self._http.get(f"{FEED}/{country}/rss/customerreviews/{form % self._settings.app}"))
            if not isinstance(feed.get("feed"), dict):
                raise nonsense("Apple", "feed of reviews")
            entries = feed["feed"].get("entry", [])
            entries = entries if isinstance(entries, list) else [entries]  # a single one comes without a list
            if entries:
                return self._page(entries, country)
        return None

    def _page(self, entries: list[Any], country: str) -> Page:
        reviews = (entry for entry in things(entries) if "im:name" not in entry)  # which the app itself has
        found = (self._mention(entry, country, datetime.now(UTC)) for entry in reviews)
        return gathered(found, f"a review without an id or a text, in {country}")

    def _mention(self, entry: Mapping[str, Any], country: str, otherwise: datetime) -> Mention | None:
        """None where there are no words."""
        number = _label(entry, "id")
        title, text = one_line(_label(entry, "title")), clean(_label(entry, "content"))
        if not _ID.fullmatch(number) or not (title or text):
            return None
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            title=title,
            created_at=cells.past(_label(entry, "updated")) or otherwise,
            url=_shown_at(self._settings.app, country),
            author=one_line(_label(inner(entry, "author"), "name"), 100),
            rating=_stars(_label(entry, "im:rating")),
            language=self._settings.language,
            raw={"country": country, "version": one_line(_label(entry, "im:version"), 50)},
        )


def _object(response: Response) -> dict[str, Any]:
    document = response.json()
    if not isinstance(document, dict):
        raise TemporaryError("Apple answers with something that cannot be understood", cause="nonsense", words="Apple")
    return document


def _receipt(answer: Mapping[str, Any], mention: Mention) -> Receipt:
    return Receipt(id=one_line(string(answer, "id"), 100), url=mention.url)


def _following(document: Mapping[str, Any]) -> str:
    """Where the next page begins; the rest of its address is known."""
    try:
        query = parse_qs(urlsplit(string(inner(document, "links"), "next")).query, max_num_fields=50)
    except ValueError:
        return ""
    return query.get("cursor", [""])[0][:1000]


def _pause(response: Response) -> float:
    """Seconds, so that what is left of the hour's requests lasts for an hour."""
    left = _LEFT.search(response.headers.get("X-Rate-Limit", ""))
    return HOUR / max(int(left[1]), 1) if left else 0.0


def _code(response: Response) -> str:
    """Apple's own words, which may repeat the answer, are not shown."""
    try:
        errors = rows(_object(response), "errors")
    except TemporaryError:
        errors = []
    code = next((string(error, "code") for error in errors), "")
    return code if re.fullmatch(r"[A-Z_.]{3,100}", code) else "it does not say why"


def _shown_at(app: str, country: str) -> str:
    """Single reviews have no address."""
    return f"https://apps.apple.com/{country}{'/' if country else ''}app/id{app}?see-all=reviews"


def _country(territory: str) -> str:
    """Such as "sk" for "SVK"."""
    from babel.core import get_global

    known = get_global("territory_aliases").get(territory, [])
    return known[0].lower() if known else ""


def _label(entry: Mapping[str, Any], name: str) -> str:
    return string(inner(entry, name), "label")


def _stars(value: object) -> float | None:
    written = str(value) if isinstance(value, str | int) else ""
    return float(written) if re.fullmatch(r"[1-5]", written) else None
