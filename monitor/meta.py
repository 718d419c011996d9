"""Meta's Graph API over `Http`: requests in the name of a page, its lists page by page, and what it sends by itself.

The address of a next page that an answer holds carries the token and is never followed; only its cursors are taken.
https://developers.facebook.com/docs/graph-api/results
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Abilities, Ability, Page
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, nonsense
from monitor.fields import inner, json_object, rows, string, strings, things
from monitor.http import DAY, Http, Response
from monitor.meta_refusals import UNDERSTOOD, TooMuch, pause, refusal
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.rounds import Round
from monitor.text import fold

log = logging.getLogger(__name__)

GRAPH = "https://graph.facebook.com/v26.0"
POSTS = 25  # in one answer
LOOKED_THROUGH = 5  # pages of answers in which ours is looked for
EARLY = 14  # days before a token ends at which people are told
HOURLY = 200  # requests; Meta allows that for each user, or 4,800 a day for each who is engaged: there is one at least
RESERVE = 20  # of them, kept for answers
_PAGING = frozenset({"after", "until", "__paging_token"})


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

    async def own_answer(
        self,
        path: str,
        fields: str,
        limit: int,
        mention: Mention,
        texts: Collection[str],
        is_ours: Callable[[Mapping[str, Any]], bool],
        *,
        order: Mapping[str, str] | None = None,
        shared: bool = False,
    ) -> dict[str, Any] | None:
        """The account's own comment on the edge `path` that says one of `texts`; None: it is surely not there.

        Raises PermanentError where another one stands there that was not known. Where the thread is `shared` with
        answers to others, it may be to one of them.
        """
        wanted, after, others = {fold(text) for text in texts}, dict[str, str](), False
        for _ in range(LOOKED_THROUGH):
            answer = await self.get(path, fields, {**(order or {}), **after}, limit=limit, for_answer=True)
            own = [one for one in things(listed(answer, self._name)) if is_ours(one)]
            later = [one for one in own if _written(one, mention.created_at) >= mention.created_at]
            if found := next((one for one in later if fold(_words(one)) in wanted), None):
                return found
            others = others or any(fold(_words(one)) != fold(mention.reply) for one in later)
            after = following(answer)
            if not after and others and not shared:
                raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
            if not after:
                return None
        raise PermanentError("There are so many answers that a person has to look.", cause="many_answers")

    async def post(self, path: str, **written: str) -> dict[str, Any]:
        """A request that changes something, once. Whether it did is not known where the answer cannot be read."""
        token = self._options.token.get_secret_value()
        headers = _bearer(token) | {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({**written, **self._proof(token)}, errors="replace").encode()
        self._meter.take(writing=True)
        response = await self._http.send("POST", f"{GRAPH}/{path}", headers=headers, body=body, also=UNDERSTOOD)
        self._slow_down(response)
        if response.status >= 400:
            raise refusal(response, self._name, writing=True)
        answer = json_object(response.body)
        if not string(answer, "id"):
            raise OutcomeUnknown(
                f"{self._name} does not say whether it took the answer", cause="not_known", words=self._name
            )
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
        response = await self._http.get(f"{GRAPH}/{path}", headers=_bearer(token), also=UNDERSTOOD)
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


@dataclass(slots=True)
class Found:
    """What an answer holds, while it is gone through."""

    mentions: dict[str, Mention] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, mention: Mention | None, own: Collection[str]) -> None:
        """`own` are folded names of the company's accounts, whose words are left out."""
        if mention is not None and fold(mention.author) not in own:
            self.mentions.setdefault(mention.id, mention)

    def page(self) -> Page:
        return Page(mentions=tuple(self.mentions.values()), skipped=tuple(self.skipped))


class MetaRound(Round):
    """A round of a source on Facebook or on Instagram; after an answer that was too much it asks for fewer posts."""

    size: int = Field(default=POSTS, ge=1, le=POSTS)  # posts that are asked for at once
    token_at: float = 0.0  # when it was asked how long the token lasts
    too_much: bool = Field(default=False, exclude=True)  # was asked for just now
    posts: dict[str, Any] = Field(default_factory=dict)  # below which there are more comments

    @property
    def unfinished(self) -> bool:
        return self.too_much or super().unfinished or (self.job == "posts" and bool(self.posts))

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
            case "posts":
                return bool(self.posts)
            case "again":
                return bool(self.watched.due(now, options.recheck_days))
            case "token":
                return bool(options.app_id) and now - self.token_at > DAY
        return True

    async def look_at_token(self, graph: GraphApi, now: datetime) -> Page:
        self.token_at = now.timestamp()
        await graph.look_at_token(now)
        return Page()


def _written(comment: Mapping[str, Any], otherwise: datetime) -> datetime:
    return moment(comment.get("created_time") or comment.get("timestamp"), otherwise)


def is_young(answer: Mapping[str, Any], days: int, now: datetime) -> bool:
    """Whether one of its posts was written in the last `days`, so that older ones may have been as well."""
    oldest = now - timedelta(days=days)
    return any(_written(one, oldest) > oldest for one in things(answer.get("data")))


def _words(comment: Mapping[str, Any]) -> str:
    return string(comment, "message", "text")


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


def _unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, 4_102_444_800), UTC)
