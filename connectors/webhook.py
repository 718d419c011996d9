"""Mentions that another program sends to POST /in/<source>, signed with a secret that both know.

A body is one mention, or `{"mentions": [...], "gone": ["id", ...]}`. A mention is an object with `id` and `text`, and
where known `created_at` (ISO 8601 or Unix seconds; else the time of arrival), `url`, `author`, `title`, `rating` (1 to
5), `language`, `thread` and `reply`; other keys are kept. Sending one again changes nothing, so a sender that is not
sure sends again.

    X-Ohlas-Timestamp: 1795262400
    X-Ohlas-Signature: sha256=<hex HMAC-SHA256 of "1795262400." followed by the body>

Answers go out the same way, to `reply_url`, as `{"id", "text", "key", "in_reply_to"}` with the header Idempotency-Key.
`lookup_url` says what stands under a mention, as `{"id", "url", "text"}`, with `"state": "pending"` or `"refused"` and
a `"reason"` where answers are moderated. `mention_url` gives the mention as it is now, right before an answer goes out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor import cells
from monitor.contract import Moderated, Page, Receipt, ReplyRules
from monitor.errors import AuthError, NotFound, PermanentError
from monitor.fields import json_object
from monitor.http import Http
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import canonical_url, clean, fold, one_line

QUOTA = "none"
COST = "free"
WINDOW = 300.0  # seconds that the sender's clock may be off, and a message may be under way
LIMIT = 5 * 2**20  # bytes of one body
MOST = 1_000  # mentions in one body
_SECRET_LENGTH = 16  # characters at least
_FIELDS = frozenset({"id", "text", "created_at", "url", "author", "title", "rating", "language", "thread", "reply"})
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_ADDRESS = r"^(https?://[^\s{}/?#]+([/?]([^\s{}#]|\{id\})*)?)?$"  # an id must not change the host


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "webhook"`."""

    interval: float = Field(default=3600.0, ge=1.0, le=7 * 86400.0, description="of no use here; nothing is polled")
    secret: SecretStr = Field(description="known to the sender too, 16 characters at least: '$NAME'")
    reply_url: str = Field(
        default="", pattern=_ADDRESS, description="where answers are posted; {id} stands for the mention's id"
    )
    lookup_url: str = Field(
        default="", pattern=_ADDRESS, description="where an answer can be looked up, 404 means that there is none"
    )
    mention_url: str = Field(
        default="",
        pattern=_ADDRESS,
        description="where a mention can be read again before its answer goes out, 404 means that it is deleted",
    )
    reply_max_length: int = Field(default=5000, ge=50, le=100_000, description="characters of an answer at most")

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < _SECRET_LENGTH:
            raise ValueError(f"is shorter than {_SECRET_LENGTH} characters; make one with: openssl rand -hex 32")
        return value

    @model_validator(mode="after")
    def _lookup_belongs_to_reply(self) -> Self:
        if self.lookup_url and not self.reply_url:
            raise ValueError("lookup_url needs a reply_url")
        if self.lookup_url and "{id}" not in self.lookup_url:
            raise ValueError("lookup_url must say with {id} which mention it is about")
        if self.mention_url and not self.lookup_url:
            raise ValueError("mention_url needs a lookup_url")
        if self.mention_url and "{id}" not in self.mention_url:
            raise ValueError("mention_url must say with {id} which mention is wanted")
        return self


def connect(settings: Settings, http: Http) -> Webhook:
    if settings.mention_url:
        return ReadingWebhook(settings, http)
    if settings.lookup_url:
        return CheckingWebhook(settings, http)
    return AnsweringWebhook(settings, http) if settings.reply_url else Webhook(settings)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of X-Ohlas-Signature for `body` sent at `timestamp` (Unix seconds)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


class Webhook:
    """Listens only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def poll(self, cursor: str) -> Page:
        return Page(cursor=cursor)

    async def close(self) -> None:
        pass

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        """The mentions in `body`, which is surely from the sender and not older than five minutes.

        Raises AuthError where it is not, and PermanentError where nothing in it can be used.
        """
        self._authenticate(headers, body, now)
        if len(body) > LIMIT:
            raise PermanentError(f"The body is larger than {LIMIT // 2**20} MiB; send it in several parts.")
        return _page(_document(body), self._settings, now)

    def _authenticate(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        written, signature = headers.get("x-ohlas-timestamp", ""), headers.get("x-ohlas-signature", "")
        if not written or not signature:
            raise AuthError("X-Ohlas-Timestamp or X-Ohlas-Signature is missing.")
        if not _TIMESTAMP.fullmatch(written):
            raise AuthError("X-Ohlas-Timestamp is not a number of Unix seconds.")
        expected = sign(self._settings.secret.get_secret_value(), int(written), body)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise AuthError("X-Ohlas-Signature does not fit the body; is the secret the same on both sides?")
        if abs(now.timestamp() - int(written)) > WINDOW:
            raise AuthError("X-Ohlas-Timestamp is more than five minutes off; is the sender's clock right?")


class AnsweringWebhook(Webhook):
    """Posts answers; the receiver takes an answer with one Idempotency-Key once, however often it comes."""

    def __init__(self, settings: Settings, http: Http) -> None:
        super().__init__(settings)
        self._http = http
        self.reply_rules = ReplyRules(
            kind="key", max_length=settings.reply_max_length, moderated=bool(settings.lookup_url)
        )

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        answer = {"id": mention.id, "text": text, "key": key, "in_reply_to": mention.url}
        body = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        headers = self._signed(body, key) | {"Content-Type": "application/json"}
        response = await self._http.send("POST", _filled(self._settings.reply_url, mention), headers=headers, body=body)
        return _receipt(json_object(response.body))  # accepted, whatever the body says

    def _signed(self, body: bytes, key: str) -> dict[str, str]:
        now = int(time.time())
        return {
            "X-Ohlas-Timestamp": str(now),
            "X-Ohlas-Signature": sign(self._settings.secret.get_secret_value(), now, body),
            "Idempotency-Key": key,
        }


class CheckingWebhook(AnsweringWebhook):
    """Looks its answers up as well."""

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        try:
            found = await self._answer(mention, key)
        except NotFound:
            return None
        if fold(found["text"]) != fold(text):
            raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
        return _receipt(found)

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        """What `state` of the answer says; one that says nothing is visible."""
        found = await self._answer(mention, "")
        state, reason = found.get("state", "visible"), found.get("reason", "")
        if state not in ("pending", "visible", "refused"):
            raise PermanentError("state of an answer must be pending, visible or refused.")
        return Moderated(state=state, reason=one_line(str(reason), 500))

    async def _answer(self, mention: Mention, key: str) -> dict[str, Any]:
        """Raises NotFound where there is none."""
        response = await self._http.get(_filled(self._settings.lookup_url, mention), headers=self._signed(b"", key))
        found = json_object(response.body)
        if response.status != 200 or not isinstance(found.get("text"), str):
            raise PermanentError("lookup_url must answer 404, or 200 with an object that holds id, url and text.")
        return found


class ReadingWebhook(CheckingWebhook):
    """Reads a mention again as well."""

    async def fetch(self, mention: Mention) -> Mention | None:
        address = _filled(self._settings.mention_url, mention)
        try:
            response = await self._http.get(address, headers=self._signed(b"", ""))
        except NotFound:
            return None
        try:
            return _mention(json_object(response.body) | {"id": mention.id}, self._settings, mention.created_at)
        except ValueError as error:
            raise PermanentError(f"mention_url must answer 404, or 200 with a mention: {error}") from error


def _filled(template: str, mention: Mention) -> str:
    return template.replace("{id}", quote(mention.id, safe=""))


def _receipt(found: Mapping[str, Any]) -> Receipt:
    number = found.get("id", "")
    url = found.get("url", "")
    return Receipt(
        id=one_line(str(number), 200) if isinstance(number, str | int) else "",
        url=canonical_url(url) if isinstance(url, str) else "",
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PermanentError("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise PermanentError('The body must be one mention, or {"mentions": [...]}.')
    return document


def _page(document: dict[str, Any], settings: Settings, now: datetime) -> Page:
    entries = document.get("mentions", [] if "gone" in document else [document])
    gone = document.get("gone", [])
    if not isinstance(entries, list) or not isinstance(gone, list):
        raise PermanentError("mentions and gone must be lists.")
    if len(entries) + len(gone) > MOST:
        raise PermanentError(f"The body holds more than {MOST} mentions; send it in several parts.")
    mentions: dict[str, Mention] = {}
    skipped: list[str] = []
    for number, entry in enumerate(entries):
        try:
            mention = _mention(entry, settings, now)
        except ValueError as error:
            skipped.append(f"mentions[{number}]: {error}" if "mentions" in document else str(error))
        else:
            mentions[mention.id] = mention  # of two with one id the later is the newer
    deleted = _deleted(gone, skipped)
    if skipped and not mentions and not deleted:
        raise PermanentError(f"Nothing in the body can be used: {'; '.join(skipped[:5])}.")
    return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped), gone=deleted)


def _deleted(gone: list[Any], skipped: list[str]) -> tuple[str, ...]:
    deleted: list[str] = []
    for number, written in enumerate(gone):
        try:
            deleted.append(_id(written))
        except ValueError as error:
            skipped.append(f"gone[{number}]: {error}")
    return tuple(dict.fromkeys(deleted))


def _mention(entry: Any, settings: Settings, now: datetime) -> Mention:
    if not isinstance(entry, dict):
        raise ValueError("is not an object")
    number = _id(entry.get("id"))
    text = clean(_string(entry, "text"))
    if not text:
        raise ValueError("text is missing")
    date = _string(entry, "created_at")
    return Mention(
        source=settings.name,
        id=number,
        text=text,
        created_at=cells.moment(date, UTC) if date else now,
        url=canonical_url(_string(entry, "url")),
        author=one_line(_string(entry, "author")),
        title=one_line(_string(entry, "title")),
        rating=cells.stars(_string(entry, "rating")),
        language=cells.language_code(_string(entry, "language")) or settings.language,
        thread=one_line(_string(entry, "thread"), 200),
        reply=clean(_string(entry, "reply")),
        raw=cells.storable({key: value for key, value in entry.items() if key not in _FIELDS}),
    )


def _id(written: Any) -> str:
    if isinstance(written, bool) or not isinstance(written, str | int | None):
        raise ValueError("id is neither a text nor a number")
    plain = one_line("" if written is None else str(written), 201)
    if not plain:
        raise ValueError("id is missing")
    # Dots alone would lead elsewhere in the address of an answer.
    if len(plain) > 200 or not plain.strip("."):
        raise ValueError("id is longer than 200 characters, or nothing but dots")
    return plain


def _string(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise ValueError(f"{name} is neither a text nor a number")
    return "" if value is None else str(value)
