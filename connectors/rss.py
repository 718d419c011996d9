"""RSS, Atom, RDF and JSON feeds, over HTTP or from a file. Feeds take no replies.

Nothing is parsed for a 304 or an unchanged body; what is parsed is parsed in the worker process, by `parse`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from xml.sax import SAXParseException

import xxhash
from pydantic import Field, model_validator

from monitor import files
from monitor.contract import Page
from monitor.errors import PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import canonical_url, clean, html_to_text, masked_url, one_line
from monitor.worker import Worker, shared

if TYPE_CHECKING:  # the worker process, which imports this module, has no use for HTTP
    from monitor.http import Http, Response

QUOTA = "none"
COST = "free"
ENTRIES = 1000  # the most that one answer may bring
BODY = 15 * 2**20  # bytes
ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
# Titles in capitals are ignored by feedparser, and a windows-1250 feed comes out garbled.
_MEANINGFUL = ("content-type", "content-language", "content-location")
_NOT_A_FEED = (
    "this is no RSS, Atom or JSON feed; if it is a web page, look there for the address of its feed, "
    "which often ends in /feed, /rss or .xml"
)


class Settings(SourceOptions):
    url: str | None = Field(default=None, pattern=r"^https?://", description="address of the feed")
    path: str | None = Field(default=None, min_length=1, description="or a file; 'sample:forum.rss' is a shipped one")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("set either url or path")
        return self


def connect(settings: Settings, session: Http) -> FeedFile | FeedAddress:
    return FeedAddress(settings, settings.url, session) if settings.url else FeedFile(settings, settings.path or "")


class _Feed:
    """What a feed has in common wherever it lies."""

    _worker: Worker | None = None

    def __init__(self, settings: Settings, who: str) -> None:
        self._settings = settings
        self._who = who

    async def close(self) -> None:
        if self._worker:
            worker, self._worker = self._worker, None
            await worker.release()

    async def _parsed(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        self._worker = self._worker or shared("connectors.rss:parse")
        try:
            parsed: dict[str, Any] = await self._worker.run({"headers": dict(headers)}, body)
        except SourceError as error:
            raise type(error)(f"{self._who}: {error}", cause=error.cause, words=error.words or self._who) from None
        return parsed

    def _mentions(self, parsed: Mapping[str, Any]) -> tuple[Mention, ...]:
        now = datetime.now(UTC)
        return tuple(
            Mention(
                source=self._settings.name,
                id=entry["id"],
                url=entry["url"],
                author=entry["author"],
                title=entry["title"],
                text=entry["text"],
                language=self._settings.language or entry["language"],
                created_at=datetime.fromisoformat(entry["date"]) if entry["date"] else now,
            )
            for entry in parsed["entries"]
        )


class FeedFile(_Feed):
    def __init__(self, settings: Settings, path: str) -> None:
        super().__init__(settings, path)
        self._path = path

    async def poll(self, cursor: str) -> Page:
        path = await asyncio.to_thread(files.resolve, self._path, self._settings.base)
        reading = await asyncio.to_thread(files.read_changed, path, cursor, limit=BODY)
        if reading.body is None:
            return Page(cursor=reading.cursor)
        parsed = await self._parsed(reading.body, {})
        mentions = self._mentions(parsed)
        if files.is_sample(self._path):
            mentions = files.freshen(mentions, datetime.now(UTC).date())
        return Page(mentions=mentions, cursor=reading.cursor, skipped=tuple(parsed["skipped"]))


class FeedAddress(_Feed):
    def __init__(self, settings: Settings, url: str, session: Http) -> None:
        super().__init__(settings, masked_url(url))
        self._url = url
        self._session = session
        # An address with a query or a password may hold a secret, and cursors are stored as they are.
        parts = urlsplit(url)
        self._follows = not parts.query and "@" not in parts.netloc
        self._mark = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    async def poll(self, cursor: str) -> Page:
        known = self._known(cursor)
        response = await self._fetch(known)
        if response.status == 304:
            return Page(cursor=cursor)
        if not response.body or response.body.isspace():
            raise TemporaryError(f"{self._who} answers with nothing at all", cause="nonsense", words=self._who)
        digest = xxhash.xxh3_128_hexdigest(response.body)  # five times as quick as SHA-256; nobody gains by a collision
        if digest == known.get("hash"):
            kept = self._kept(known, response, digest)
            return Page(cursor=cursor if kept == known else json.dumps(kept))
        headers = {name: response.headers[name] for name in _MEANINGFUL if name in response.headers}
        parsed = await self._parsed(response.body, {"content-location": response.url} | headers)
        return Page(
            mentions=self._mentions(parsed),
            cursor=json.dumps(self._kept(known, response, digest, sound=parsed["sound"])),
            skipped=tuple(parsed["skipped"]),
        )

    async def _fetch(self, known: dict[str, str]) -> Response:
        asked = {"Accept": ACCEPT}
        if etag := known.get("etag"):
            asked["If-None-Match"] = etag
        if modified := known.get("modified"):
            asked["If-Modified-Since"] = modified
        try:
            return await self._session.get(known.get("moved") or self._url, headers=asked)
        except PermanentError:
            if "moved" not in known:
                raise
        known.clear()  # the old address may lead somewhere else by now
        return await self._session.get(self._url, headers={"Accept": ACCEPT})

    def _known(self, cursor: str) -> dict[str, str]:
        """What the last good answer left; nothing where it is damaged or about another address."""
        try:
            known = json.loads(cursor) if cursor else {}
        except ValueError:
            return {}
        if not isinstance(known, dict) or known.get("of") != self._mark or not all(map(_plain_ascii, known.values())):
            return {}
        return known

    def _kept(self, known: Mapping[str, str], response: Response, digest: str, *, sound: bool = True) -> dict[str, str]:
        """What the next poll is to know; the cursor is this as JSON."""
        moved = response.moved if self._follows else ""
        offered = [("moved", moved or known.get("moved", ""))]
        if sound:  # a feed that ends too early may have been cut off: ask for the whole of it next time
            headers = response.headers
            offered += ("etag", headers.get("ETag", "")), ("modified", headers.get("Last-Modified", ""))
        kept = {"of": self._mark, "hash": digest}
        kept.update((key, value) for key, value in offered if value and _plain_ascii(value))
        return kept


def _plain_ascii(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


# ---- inside the worker process


def parse(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """The entries of a feed with their texts cleaned; `sound` is whether it was whole. Raises PermanentError."""
    is_json = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    entries, sound = _json_feed(body) if is_json else _xml_feed(body, request["headers"])
    usable: dict[str, dict[str, str]] = {}
    skipped = []
    for number, entry in enumerate(islice(entries, ENTRIES), 1):
        if not entry["text"] and not entry["title"]:
            skipped.append(f"entry {number} ({entry['id'] or entry['url'] or 'without an id'}) has no text")
        else:
            entry["id"] = _identity(entry)
            usable.setdefault(entry["id"], entry)
    if next(iter(entries), None) is not None:
        skipped.append(f"only the first {ENTRIES} entries are read")
    return {"entries": list(usable.values()), "skipped": skipped, "sound": sound}


def _identity(entry: Mapping[str, str]) -> str:
    if entry["id"] and len(entry["id"]) <= 300:
        return entry["id"]
    marks = entry["id"] or entry["url"] or entry["title"] + "\n" + entry["stamp"]
    if marks == entry["url"]:
        return marks
    return hashlib.sha256((marks if marks.strip() else entry["text"]).encode("utf-8", "surrogatepass")).hexdigest()


_EMAIL = re.compile(r"[(<]?[^\s()<>]+@[^\s()<>]+[)>]?")


def _entry(
    *, id: str, url: str, title: str, text: str, author: str, language: str, stamp: str, date: str
) -> dict[str, str]:
    return {
        "id": clean(id, 2000),
        "url": canonical_url(url),
        "title": one_line(title),
        "text": text,
        "author": _EMAIL.sub("", one_line(author, 200)).strip(" ()"),
        "language": language[:2].lower() if re.match(r"[A-Za-z]{2}([-_]|$)", language) else "",
        "stamp": stamp,
        "date": date,
    }


def _xml_feed(body: bytes, headers: Mapping[str, str]) -> tuple[Iterator[dict[str, str]], bool]:
    import feedparser

    feedparser.api.PREFERRED_XML_PARSERS.clear()  # it would look for libxml2's, in vain, at every feed
    # Always a stream: feedparser opens a file or an address when it is given their name.
    feed = feedparser.parse(
        io.BytesIO(_first_entries(body)), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not feed.get("version") and not feed.entries:
        raise PermanentError(_NOT_A_FEED, cause="no_feed")
    language = feed.feed.get("language") or ""
    sound = not isinstance(feed.get("bozo_exception"), SAXParseException)
    return (_xml_entry(entry, language) for entry in feed.entries), sound


_ENTRY_END = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)


def _first_entries(body: bytes) -> bytes:
    """The feed without what follows one entry more than are read: parsing takes far longer than finding its end."""
    ends = [match.end() for match in _ENTRY_END.finditer(body)]
    return body[: ends[ENTRIES]] + body[ends[-1] :] if len(ends) > ENTRIES + 1 else body


def _xml_entry(entry: Any, language: str) -> dict[str, str]:
    bodies = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    body = max(bodies, key=lambda detail: len(detail.get("value") or ""))
    # Straight from the dict: feedparser's own look-up answers "published" for "updated", and warns.
    published, updated = dict.get(entry, "published_parsed"), dict.get(entry, "updated_parsed")
    return _entry(
        id=entry.get("id") or "",
        url=entry.get("link") or "",
        title=_plain(entry.get("title_detail") or {}),
        text=_plain(body),
        author=entry.get("author") or "",  # author_detail cuts some names in the middle
        language=body.get("language") or language,
        stamp=dict.get(entry, "published") or dict.get(entry, "updated") or "",
        date=_utc(published) or _utc(updated),
    )


def _plain(detail: Mapping[str, Any]) -> str:
    value = detail.get("value") or ""
    return clean(value) if detail.get("type") == "text/plain" else html_to_text(value)


def _utc(moment: Any) -> str:
    try:
        year, month, day, hour, minute, second = moment[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return ""


def _json_feed(body: bytes) -> tuple[Iterator[dict[str, str]], bool]:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError):
        raise PermanentError("this is damaged JSON, perhaps cut off", cause="nonsense") from None
    if not isinstance(feed.get("items"), list):
        raise PermanentError(_NOT_A_FEED, cause="no_feed")
    return (
        _json_entry(item if isinstance(item, dict) else {}, _text(feed, "language")) for item in feed["items"]
    ), True


def _json_entry(item: Mapping[str, Any], language: str) -> dict[str, str]:
    stamp = _text(item, "date_published", "date_modified")
    return _entry(
        id=_number_or_text(item.get("id")),
        url=_text(item, "url", "external_url"),
        title=_text(item, "title"),
        text=clean(_text(item, "content_text")) or html_to_text(_text(item, "content_html", "summary")),
        author=next((name for name in map(_name, _authors(item)) if name), ""),
        language=_text(item, "language") or language,
        stamp=stamp,
        date=_iso(stamp),
    )


def _authors(item: Mapping[str, Any]) -> Iterable[Any]:
    authors = item.get("authors")
    return [*(authors if isinstance(authors, list) else ()), item.get("author")]


def _name(author: Any) -> str:
    return _text(author, "name") if isinstance(author, dict) else ""


def _text(item: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := item.get(key), str) and value), "")


def _number_or_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _iso(text: str) -> str:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).isoformat()
