"""What commands print: JSON for programs, columns for people. Strangers' text never reaches a terminal as it is."""

from __future__ import annotations

import json
import shutil
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

WIDEST = 160  # columns; longer lines are hard to read on any screen
_WIDEST_COLUMN = 24
_WIDEST_UNFOLDED = 40
_NARROWEST_COLUMN = 5


def written_out(text: str) -> str:
    """One line in which control characters and direction changes are harmless letters."""
    from monitor.logs import printable

    return printable(text)


def on_one_line(text: str) -> str:
    return written_out(" ".join(text.split()))


def width() -> int:
    return min(shutil.get_terminal_size((120, 24)).columns, WIDEST)


def paragraphs(text: str, indent: str = "  ") -> str:
    """Text of several lines, wrapped for the terminal."""
    wrapped = (
        textwrap.fill(
            written_out(line), max(width() - 1, 20), initial_indent=indent, subsequent_indent=indent, tabsize=1
        )
        for line in text.split("\n")
    )
    return "\n".join(wrapped)


def as_json(value: object, *, indent: int | None = 2) -> bytes:
    """UTF-8 whatever the terminal's encoding is; half a surrogate pair is escaped as JSON does it."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_plain).encode("utf-8", "backslashreplace")


def echo_json(value: object, *, indent: int | None = 2) -> None:
    click.echo(as_json(value, indent=indent))


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def moment(at: datetime | None) -> str:
    """In the time zone of this machine."""
    return "never" if at is None else f"{at.astimezone():%d.%m.%Y %H:%M}"


def age(at: datetime, now: datetime) -> str:
    passed = max(now - at, timedelta())
    for length, unit in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if passed >= length:
            return f"{passed // length} {unit}"
    return f"{passed // timedelta(minutes=1)} min"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines no wider than the terminal: the last column gets what the others leave."""
    clean = [tuple(on_one_line(cell) for cell in row) for row in rows]
    widths = _widths([max(map(columns, column)) for column in zip(heads, *clean, strict=True)], width())
    for row in (tuple(heads), *clean):
        cells = [padded(cell, size) for cell, size in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def unfolded(heads: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    """Like `table`, where every word counts: what has no room in its column goes on below. `indent` is how many
    columns the caller puts before each line."""
    clean = [tuple(on_one_line(cell) for cell in row) for row in rows]
    wanted = [max(map(columns, column)) for column in zip(heads, *clean, strict=True)]
    widths = _widths(wanted, width() - indent, _WIDEST_UNFOLDED)
    for row in (tuple(heads), *clean):
        folded = [_folded(cell, size) for cell, size in zip(row, widths, strict=True)]
        for cells in zip_longest(*folded, fillvalue=""):
            yield "  ".join(padded(cell, size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def _folded(cell: str, size: int) -> list[str]:
    narrow = size if columns(cell) <= len(cell) else size // 2  # textwrap counts letters, some of which are two wide
    return textwrap.wrap(cell, max(narrow, 1), break_on_hyphens=False)


def _widths(wanted: Sequence[int], room: int, most: int = _WIDEST_COLUMN) -> list[int]:
    """The widest of the first columns give way until the last one has a quarter of the room."""
    *found, _ = (min(one, most) for one in wanted)
    while room - sum(found) - 2 * len(found) < room // 4 and max(found) > _NARROWEST_COLUMN:
        found[found.index(max(found))] -= 1
    return [*found, max(room - sum(found) - 2 * len(found), _NARROWEST_COLUMN)]


def padded(text: str, size: int) -> str:
    """`text` in exactly `size` columns, with an ellipsis where something was cut."""
    if columns(text) > size:
        while columns(text) > size - 1:
            text = text[:-1]
        text = f"{text}…"
    return text + " " * (size - columns(text))


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
