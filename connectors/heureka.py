"""Reviews of a shop or of its products on Heureka.cz and Heureka.sk, from the export that shops may fetch.

Heureka takes answers only in its administration: a person posts them, and a later export shows them as <reaction>.
https://sluzby.heureka.sk/napoveda/data-zo-sluzby/
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal, Self
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError  # the error only; defusedxml does the parsing

from defusedxml.ElementTree import DefusedXMLParser
from pydantic import Field, SecretStr, field_validator, model_validator

from monitor import cells, files
from monitor.contract import Page, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import PermanentError, TemporaryError
from monitor.http import Http
from monitor.model import Mention, text_hash
from monitor.options import SourceOptions
from monitor.text import canonical_url, clean, one_line

QUOTA = "a new export every 6 hours"
COST = "free with Ověřeno/Overené zákazníkmi"
RENEWED = 6 * 3600.0  # seconds; Heureka makes a new export this often
OVERLAP = timedelta(days=14)  # customers may edit a review, and Heureka publishes some late
REACH = timedelta(days=180)  # `from` may not lie further back
LIMIT = 15 * 2**20  # bytes of an export
_MOST = 100_000  # reviews; a real one takes 150 bytes and more
_CHUNK = 64 * 1024
_ROOTS = {"reviews": "shop", "products": "product"}
_PAGES = {"shop": "export-review.php", "product": "export-product-review.php"}
_LANGUAGES = {"cz": "cs", "sk": "sk"}
_PROS, _CONS = "Plusy", "Mínusy"  # the same words in Slovak and in Czech
_BULLET = re.compile(r"^[\s\-–—•*+]+")
_KEY = re.compile(r"[0-9a-fA-F]{32}")
_NO_EXPORT = "is not an export of Heureka; check the key, the country or the file."


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "heureka"`."""

    interval: float = Field(default=RENEWED, ge=1.0, le=7 * 86400.0, description="seconds between two polls")
    country: Literal["cz", "sk"] = Field(description="whether it is Heureka.cz or Heureka.sk")
    reviews: Literal["shop", "product"] = Field(default="shop", description="which of the two exports is read")
    key: SecretStr | None = Field(default=None, description="the export's key, from Heureka's administration: '$NAME'")
    path: str = Field(default="", description="a saved export, instead of a key; 'sample:heureka.xml' ships with Ohlas")
    base_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+[^\s?#/])?$",
        description="where the export is, if not on Heureka itself",
    )

    @field_validator("key")
    @classmethod
    def _looks_like_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError("is not a key of Heureka, which has 32 characters from 0-9 and a-f")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.key is None) == (not self.path):
            raise ValueError("set either key or path")
        if self.key is not None and self.interval < RENEWED:
            raise ValueError(
                f"interval must be {RENEWED:.0f} at least, because Heureka renews its export every 6 hours"
            )
        return self

    @property
    def salt(self) -> str:
        """Changes with everything that decides what an export's bytes mean."""
        return f"{self.name}:{self.country}:{self.reviews}:{self.language}"


def connect(settings: Settings, http: Http) -> Heureka | SavedHeureka:
    return SavedHeureka(settings) if settings.key is None else Heureka(settings, http, settings.key)


class _Confirming:
    """Heureka shows the company's answers, so that one posted by hand confirms itself."""

    reply_rules = ReplyRules(kind="manual")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def reply_link(self, mention: Mention) -> str:
        return f"https://sluzby.heureka.{self._settings.country}/obchody/"

    async def close(self) -> None:
        pass


class SavedHeureka(_Confirming):
    """An export that a person saved."""

    async def poll(self, cursor: str) -> Page:
        return await asyncio.to_thread(self._poll, cursor)

    def _poll(self, cursor: str) -> Page:
        settings = self._settings
        path = files.resolve(settings.path, settings.base)
        reading = files.read_changed(path, cursor, settings.salt, LIMIT)
        if reading.body is None:
            return Page(cursor=reading.cursor)
        now = datetime.now(UTC)
        try:
            page = read_export(reading.body, settings, now, path.name)
        except TemporaryError as error:
            raise PermanentError(str(error)) from error  # a saved file does not mend itself
        mentions = files.freshen(page.mentions, now.date()) if files.is_sample(settings.path) else page.mentions
        return Page(mentions=mentions, skipped=page.skipped, cursor=reading.cursor)


class Heureka(_Confirming):
    """The export as Heureka offers it. The key is part of its address, which therefore is shown nowhere."""

    def __init__(self, settings: Settings, http: Http, key: SecretStr) -> None:
        super().__init__(settings)
        self._http = http
        self._key = key

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        seen = _Seen.parse(cursor)
        response = await self._http.get(self._address(seen.newest, now))
        digest = hashlib.sha256(self._settings.salt.encode() + response.body).hexdigest()
        if digest == seen.sha256:
            return Page(cursor=cursor)
        who = f"The answer of Heureka.{self._settings.country}"
        page = await asyncio.to_thread(read_export, response.body, self._settings, now, who)
        newest = max((mention.created_at.timestamp() for mention in page.mentions), default=0.0)
        after = _Seen(sha256=digest, newest=max(newest, seen.newest))
        return Page(mentions=page.mentions, skipped=page.skipped, cursor=after.model_dump_json())

    def _address(self, newest: float, now: datetime) -> str:
        settings = self._settings
        base = settings.base_url or f"https://www.heureka.{settings.country}"
        query = {"key": self._key.get_secret_value()}
        if settings.reviews == "product" and newest:
            query["from"] = f"{_since(newest, now):%Y-%m-%d %H:%M:%S}"
        return f"{base}/direct/dotaznik/{_PAGES[settings.reviews]}?{urlencode(query)}"


def _since(newest: float, now: datetime) -> datetime:
    return max(datetime.fromtimestamp(min(newest, now.timestamp()), UTC) - OVERLAP, now - REACH)


class _Seen(Cursor):
    """`newest` is the time stamp, in Unix seconds, of the newest review that was handed over."""

    sha256: str = ""
    newest: float = 0.0


def read_export(body: bytes, settings: Settings, now: datetime, who: str) -> Page:
    """All reviews of an export; `now` stands in for a date that a review does not have. `who` names it in errors.

    Raises TemporaryError where the export is empty or ends too early, PermanentError where it is none.
    """
    mentions: dict[str, Mention] = {}
    empty = 0
    for review in _reviews(body, settings, who):
        mention = _mention(review, settings, now)
        if mention is None:
            empty += 1
        elif mention.id not in mentions or mentions[mention.id].created_at <= mention.created_at:
            mentions[mention.id] = mention
    skipped = (f"{empty} with neither a text nor stars",) if empty else ()
    return Page(mentions=tuple(mentions.values()), skipped=skipped)


def _reviews(body: bytes, settings: Settings, who: str) -> list[dict[str, str]]:
    if not body.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise TemporaryError(f"{who} is empty.", cause="nonsense", words=who)
    collector = _Collector()
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    try:
        # In steps, so that other threads get their turn.
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except (ParseError, ValueError, LookupError) as error:
        if collector.root in _ROOTS and not collector.crowded:
            raise TemporaryError(f"{who} is damaged, or was cut off.", cause="nonsense", words=who) from error
        raise PermanentError(f"{who} {_NO_EXPORT}", cause="unfit_file", words=who) from error
    _check_root(collector.root, settings, who)
    return collector.reviews


def _check_root(root: str, settings: Settings, who: str) -> None:
    if root not in _ROOTS:
        raise PermanentError(f"{who} {_NO_EXPORT}", cause="unfit_file", words=who)
    if _ROOTS[root] != settings.reviews:
        raise PermanentError(f'{who} is an export of {_ROOTS[root]} reviews; set reviews = "{_ROOTS[root]}".')


@dataclass(slots=True)
class _Collector:
    """Takes parsing events and keeps one flat dict a review, so that no tree of the whole export is ever built."""

    root: str = ""
    reviews: list[dict[str, str]] = field(default_factory=list)
    crowded: bool = False
    _product: dict[str, str] = field(default_factory=dict)
    _review: dict[str, str] | None = None
    _text: list[str] = field(default_factory=list)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or tag
        self._text.clear()
        if tag == "product":
            self._product = {}
        elif tag == "review":
            self._review = {}

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        text = "".join(self._text).strip()
        self._text.clear()
        if tag == "review" and self._review is not None:
            self._keep(self._review)
            self._review = None
        elif text and self._review is not None:
            self._review[tag] = text
        elif text:
            self._product[tag] = text

    def close(self) -> None:
        pass

    def _keep(self, review: dict[str, str]) -> None:
        if len(self.reviews) >= _MOST:
            self.crowded = True
            raise ValueError(f"more than {_MOST} reviews")
        self.reviews.append(self._product | review)


def _mention(review: Mapping[str, str], settings: Settings, now: datetime) -> Mention | None:
    """None where the customer gave neither words nor stars."""
    rating = _rating(review)
    words = _text(review)
    if not words and rating is None:
        return None
    written = _written(review)
    author = one_line(review.get("name", ""))
    return Mention(
        source=settings.name,
        id=_id(review, author, words),
        text=words or cells.drawn(rating or 0.0),
        created_at=written or now,
        url=canonical_url(review.get("url", "")),
        author=author,
        title=one_line(review.get("product_name", "")),
        rating=rating,
        # Stars alone are in no language; Heureka's customers write in that of its country.
        language=settings.language or ("" if words else _LANGUAGES[settings.country]),
        reply=clean(review.get("reaction", "")),
        raw={key: clean(value, 5_000) for key, value in islice(review.items(), 40)},
    )


def _rating(review: Mapping[str, str]) -> float | None:
    try:
        return cells.stars(review.get("total_rating") or review.get("rating", ""))
    except ValueError:
        return None


def _text(review: Mapping[str, str]) -> str:
    parts = (
        review.get("summary", ""),
        _bullets(_PROS, review.get("pros", "")),
        _bullets(_CONS, review.get("cons", "")),
    )
    return clean("\n".join(part for part in parts if part))


def _bullets(label: str, lines: str) -> str:
    points = [point for line in lines.splitlines() if (point := _BULLET.sub("", line).strip())]
    return f"{label}: {'; '.join(points)}" if points else ""


def _written(review: Mapping[str, str]) -> datetime | None:
    for name in ("unix_timestamp", "ordered"):
        try:
            return cells.moment(review.get(name, ""), UTC)
        except ValueError:
            continue
    return None


def _id(review: Mapping[str, str], author: str, words: str) -> str:
    number = one_line(review.get("rating_id", ""), 100)
    kind = one_line(review.get("rating_id_type", "product"), 40)
    if number:
        return number if kind == "product" else f"{kind}-{number}"
    parts = (author, words, review.get("unix_timestamp", ""), review.get("order_id", ""))
    return text_hash("\x1f".join(parts))[:32]
