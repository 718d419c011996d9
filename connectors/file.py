"""Mentions in a file: CSV as Excel saves it around here, JSON Lines, or JSON."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from monitor import cells, files
from monitor.contract import Page
from monitor.errors import PermanentError
from monitor.http import Http
from monitor.model import Mention, text_hash
from monitor.options import SourceOptions
from monitor.text import canonical_url, clean, fold, one_line

QUOTA = "none"
COST = "free"
FieldName = Literal["id", "text", "author", "title", "rating", "language", "url", "created_at", "reply", "thread"]
Format = Literal["auto", "csv", "jsonl", "json"]

PAGE = 5_000  # mentions handed over at once
_SHOWN = 100  # unusable rows that are named one by one
_CELL = 2**20  # characters of one CSV cell; a quote that is never closed swallows no more than this
_DELIMITERS = ";\t,|"
_ID_LENGTH = 200  # characters
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[ \t;,]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}

# Headers that name a field, folded as `fold` does it: without case, diacritics, spaces and punctuation. The first
# that a file has is taken.
_HEADERS: Mapping[FieldName, tuple[str, ...]] = {
    "id": (
        *("id", "mentionid", "reviewid", "ratingid", "externalid", "guid", "idrecenzie", "idrecenze", "cislorecenzie"),
        *("cislorecenze", "idhodnotenia", "idhodnoceni", "identifikator", "cislo", "ertekelesazonosito", "azonosito"),
    ),
    "text": (
        *("text", "reviewtext", "textrecenzie", "textrecenze", "texthodnotenia", "texthodnoceni", "slovnehodnotenie"),
        *("slovnihodnoceni", "ertekelesszovege", "velemenyszovege", "recenzia", "recenze", "velemeny", "szoveg"),
        *("review", "body", "content", "comment", "message", "komentar", "sprava", "zprava", "obsah", "prispevok"),
        *("prispevek", "nazor", "hozzaszolas", "megjegyzes", "uzenet", "zhrnutie", "shrnuti", "summary", "popis"),
    ),
    "author": (
        *("author", "authorname", "customer", "customername", "user", "username", "reviewer", "nickname", "nick"),
        *("autor", "zakaznik", "menozakaznika", "jmenozakaznika", "meno", "jmeno", "uzivatel", "pouzivatel"),
        *("prezyvka", "prezdivka", "szerzo", "vasarlo", "vasarloneve", "ugyfel", "felhasznalo", "nev", "name"),
    ),
    "title": ("title", "headline", "subject", "nadpis", "titulok", "titulek", "predmet", "cim", "targy"),
    "rating": (
        *("rating", "stars", "starrating", "score", "totalrating", "hodnotenie", "hodnoceni", "pocethviezdiciek"),
        *("pocethvezdicek", "hviezdicky", "hvezdicky", "hviezdy", "hvezdy", "znamka", "ertekeles", "csillag"),
        *("csillagok", "pontszam"),
    ),
    "language": ("language", "lang", "locale", "jazyk", "nyelv"),
    "url": ("url", "link", "permalink", "odkaz", "webovaadresa", "hivatkozas"),
    "created_at": (
        *("createdat", "created", "publishedat", "published", "datetime", "timestamp", "unixtimestamp", "date"),
        *("datumacas", "datumcas", "datumrecenzie", "datumrecenze", "datumhodnotenia", "datumhodnoceni", "datum"),
        *("vytvorene", "vytvoreno", "pridane", "pridano", "letrehozva", "idopont", "cas", "time"),
    ),
    "reply": (
        *("reply", "companyreply", "response", "reaction", "answer", "odpovedobchodu", "odpoved", "reakcia"),
        *("reakce", "valasz"),
    ),
    "thread": ("inreplyto", "thread"),
}


csv.field_size_limit(_CELL)


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "file"`."""

    interval: float = Field(default=60.0, ge=1.0, le=7 * 86400.0, description="seconds between two looks at the file")
    path: str = Field(min_length=1, description="the file, beside config.toml; 'sample:reviews.csv' ships with Ohlas")
    format: Format = Field(default="auto", description="by the file's name and content where it is 'auto'")
    columns: dict[FieldName, str] = Field(
        default_factory=dict,
        description="our field = the file's column; usual names are recognised, nested JSON is 'user.name', '' is none",
    )
    delimiter: str = Field(default="", max_length=1, description="between two cells of a CSV; found out where it is ''")
    rating_scale: float = Field(default=5.0, gt=0, le=1000, description="the best rating that can be given, e.g. 10")
    dayfirst: bool = Field(default=True, description="whether 8/11/2026 is the 8th of November")
    date_format: str = Field(default="", max_length=64, description="e.g. '%d.%m.%Y %H:%M', where dates are unusual")
    timezone: str = Field(default="Europe/Bratislava", description="where dates without an offset were written")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError("is not a time zone; write e.g. 'Europe/Prague'") from error
        return value

    @property
    def salt(self) -> str:
        """Changes with everything that decides what the file's bytes mean."""
        return text_hash(self.model_dump_json(exclude={"interval", "own_names", "watch", "terms", "exclude", "base"}))[
            :16
        ]


def connect(settings: Settings, http: Http) -> FileSource:
    return FileSource(settings)


class FileSource:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def poll(self, cursor: str) -> Page:
        return await asyncio.to_thread(self._poll, cursor)

    async def close(self) -> None:
        pass

    def _poll(self, cursor: str) -> Page:
        settings = self._settings
        path = files.resolve(settings.path, settings.base)
        reading = files.read_changed(path, cursor, settings.salt)
        if reading.body is None:
            return Page(cursor=reading.cursor)
        table = _table(reading.body, path, settings)
        rows = list(islice(table.rows, reading.row, reading.row + PAGE + 1))
        more = len(rows) > PAGE
        page = _page(table, rows[:PAGE], settings)
        mentions = page.mentions
        if files.is_sample(settings.path):
            mentions = files.freshen(mentions, datetime.now(UTC).date())
        cursor = files.at_row(reading.cursor, reading.row + PAGE) if more else reading.cursor
        return Page(mentions=mentions, cursor=cursor, more=more, skipped=page.skipped)


def read_mentions(path: Path, settings: Settings) -> Page:
    """Everything that `path` holds, in one page; `settings.path` is not looked at.

    Raises PermanentError where the file is none of the known formats or has no column with a text.
    """
    table = _table(files.read(path), path, settings)
    return _page(table, table.rows, settings)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as the file has it; `fault` says why it is none."""

    place: str  # "row 7", as Excel counts
    cells: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` maps our fields to the file's; `written` stands in for a date that the file does not have."""

    columns: Mapping[FieldName, str]
    rows: Iterator[Row]
    written: datetime


def _table(body: bytes, path: Path, settings: Settings) -> Table:
    if body.startswith(b"PK\x03\x04"):
        raise PermanentError(
            f"{path.name} is an Excel workbook; save it as CSV UTF-8 and name that file.",
            cause="unfit_file",
            words=path.name,
        )
    text = files.decode(body)
    names, rows = _rows(text, _format(text, path, settings), path, settings)
    return Table(_columns(names, path, settings), rows, files.modified(path))


def _format(text: str, path: Path, settings: Settings) -> Format:
    if settings.format != "auto":
        return settings.format
    start = text.lstrip()[:1]
    by_name = _SUFFIXES.get(path.suffix.lower())
    if by_name == "json" and start == "{" and _is_lines(text):
        return "jsonl"
    return by_name or ("json" if start == "[" else "jsonl" if start == "{" else "csv")


def _is_lines(text: str) -> bool:
    first, _, rest = text.strip().partition("\n")
    return first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def _rows(text: str, form: Format, path: Path, settings: Settings) -> tuple[list[str], Iterator[Row]]:
    if form == "csv":
        return _csv_rows(text, path, settings)
    found = list(_json_lines(text)) if form == "jsonl" else list(_json_entries(text, path))
    names = dict.fromkeys(name for row in found[:_SHOWN] for name in row.cells)
    return list(names), iter(found)


def _csv_rows(text: str, path: Path, settings: Settings) -> tuple[list[str], Iterator[Row]]:
    announced = _SEPARATOR_LINE.match(text)
    start = announced.end() if announced else 0
    delimiter = settings.delimiter or (
        announced["delimiter"] if announced else _delimiter(text[start : start + 10_000])
    )
    records = _records(csv.reader((line[0] for line in _LINE.finditer(text, start)), delimiter=delimiter))
    header = next((record for record in records if isinstance(record, list) and any(record)), None)
    if header is None:
        raise PermanentError(
            f"{path.name} is empty; it needs a first row with the names of its columns.",
            cause="unfit_file",
            words=path.name,
        )
    names = [name.strip() for name in header]
    return names, _csv_cells(names, records)


def _delimiter(text: str) -> str:
    header = re.sub(r'"[^"]*"', "", next(iter(text.lstrip().splitlines()), ""))
    return max(_DELIMITERS, key=header.count)


def _records(reader: Iterator[list[str]]) -> Iterator[list[str] | str]:
    """Rows, or what is wrong with one: a quote that is never closed must not cost the rest of the file."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"is not proper CSV ({error})"


def _csv_cells(names: list[str], records: Iterable[list[str] | str]) -> Iterator[Row]:
    for number, record in enumerate(records, start=2):
        if isinstance(record, str):
            yield Row(f"row {number}", {}, record)
        elif len(record) > len(names) and any(record[len(names) :]):
            yield Row(f"row {number}", {}, f"has {len(record)} cells under {len(names)} names; is a quote missing?")
        elif any(cell.strip() for cell in record):
            # Reversed, so that the first of two columns with one name counts.
            yield Row(f"row {number}", dict(reversed(list(zip(names, record, strict=False)))))


def _json_lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _json_row(f"line {number}", line)


def _json_row(place: str, line: str) -> Row:
    try:
        return _object_row(place, json.loads(line))
    except (ValueError, RecursionError):
        return Row(place, {}, "is not JSON")


def _json_entries(text: str, path: Path) -> Iterator[Row]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise PermanentError(
            f"{path.name} is not JSON{where}; is it cut off?", cause="unfit_file", words=path.name
        ) from error
    entries = document.get("mentions") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise PermanentError(
            f'{path.name} must hold a list of objects, or {{"mentions": [...]}}.', cause="unfit_file", words=path.name
        )
    return (_object_row(f"entry {number}", entry) for number, entry in enumerate(entries, start=1))


def _object_row(place: str, entry: Any) -> Row:
    return Row(place, entry) if isinstance(entry, dict) else Row(place, {}, "is not an object")


def _columns(names: list[str], path: Path, settings: Settings) -> dict[FieldName, str]:
    folded = {fold(name): name for name in reversed(names)}
    columns: dict[FieldName, str] = {}
    for field in get_args(FieldName):
        name = _wanted(field, folded, path, settings) if field in settings.columns else _recognised(field, folded)
        if name:
            columns[field] = name
    if "text" not in columns and folded:
        raise PermanentError(
            f"{path.name}: no column is known to hold the text; set columns.text to one of: {_listed(names)}.",
            cause="no_column",
            words=path.name,
        )
    return columns


def _recognised(field: FieldName, folded: Mapping[str, str]) -> str:
    return next((folded[header] for header in _HEADERS[field] if header in folded), "")


def _wanted(field: FieldName, folded: Mapping[str, str], path: Path, settings: Settings) -> str:
    name = settings.columns[field]
    if not name or not folded:
        return ""
    if found := folded.get(fold(name)):
        return found
    if fold(name.partition(".")[0]) in folded:
        return name
    raise PermanentError(
        f"{path.name} has no column {name!r} (columns.{field}); it has: {_listed(folded.values())}.",
        cause="no_column",
        words=f"{path.name}: {name}",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(one_line(name, 40) for name in islice(names, 30))


def _page(table: Table, rows: Iterable[Row], settings: Settings) -> Page:
    zone = ZoneInfo(settings.timezone)
    mentions: dict[str, Mention] = {}
    skipped: list[str] = []
    for row in rows:
        try:
            mention = _mention(row, table, settings, zone)
        except ValueError as error:
            skipped.append(f"{row.place}: {error}")
        else:
            mentions[mention.id] = mention  # of two with one id the later row is the newer
    return Page(mentions=tuple(mentions.values()), skipped=_shortened(skipped))


def _shortened(skipped: list[str]) -> tuple[str, ...]:
    if len(skipped) <= _SHOWN:
        return tuple(skipped)
    return (*skipped[:_SHOWN], f"and {len(skipped) - _SHOWN} more")


def _mention(row: Row, table: Table, settings: Settings, zone: ZoneInfo) -> Mention:
    if row.fault:
        raise ValueError(row.fault)
    cell = {field: _cell(row.cells, name) for field, name in table.columns.items()}
    text, date = clean(cell.get("text", "")), cell.get("created_at", "")
    if not text:
        raise ValueError("has no text")
    author = one_line(cell.get("author", ""))
    return Mention(
        source=settings.name,
        id=_id(cell.get("id", ""), author, text, date),
        text=text,
        created_at=cells.moment(date, zone, dayfirst=settings.dayfirst, date_format=settings.date_format)
        if date.strip()
        else table.written,
        url=canonical_url(cell.get("url", "")),
        author=author,
        title=one_line(cell.get("title", "")),
        rating=cells.stars(cell.get("rating", ""), settings.rating_scale),
        language=cells.language_code(cell.get("language", "")) or settings.language,
        thread=one_line(cell.get("thread", "")),
        reply=clean(cell.get("reply", "")),
        raw=_rest(row.cells, table.columns),
    )


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name] if name in row else _nested(row, name)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise ValueError(f"{name} is not a text")
    return str(value)


def _nested(row: Mapping[str, Any], name: str) -> Any:
    value: Any = row
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _id(written: str, author: str, text: str, date: str) -> str:
    own = one_line(written, _ID_LENGTH + 1)
    if own and len(own) <= _ID_LENGTH:
        return own
    return text_hash("\x1f".join((own, author, text, " ".join(date.split()))))[:32]


def _rest(row: Mapping[str, Any], columns: Mapping[FieldName, str]) -> dict[str, Any]:
    """What the file says beyond our fields."""
    taken = {name.partition(".")[0] if name not in row else name for name in columns.values()}
    return cells.storable({key: value for key, value in row.items() if key not in taken and value not in ("", None)})
