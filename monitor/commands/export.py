"""`ohlas export`"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from monitor.commands.opening import Setup, pass_setup, reading
from monitor.commands.terminal import as_json
from monitor.errors import OhlasError

Row = dict[str, Any]

COLUMNS = (
    *("source", "id", "url", "author", "title", "text", "rating", "language", "label", "confidence", "unsure"),
    *("action", "reply", "created_at", "seen_at", "gone_at"),
)
_MOMENTS = ("created_at", "seen_at", "gone_at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet would run what starts so


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "jsonl"]),
    default="csv",
    show_default=True,
    help="How it is written; jsonl is an object a line.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="A file, replaced when done."
)
@click.option(
    "--excel", is_flag=True, help="CSV as Excel around here wants it: a BOM, ';', decimal commas, local time."
)
@pass_setup
def command(setup: Setup, form: str, out: Path | None, excel: bool) -> None:
    """Write all mentions with their verdicts, the oldest first.

    Texts that a spreadsheet would take for a formula get a ' in front. Times are in UTC.

    \b
    Examples:
      ohlas export > mentions.csv
      ohlas export --excel --out mentions.csv
      ohlas export --format jsonl | jq .label
    """
    if excel and form != "csv":
        raise click.UsageError("--excel is for --format csv")
    with reading(setup.config()) as store, _target(out) as file:
        rows = (_row(entry) for entry in store.mentions.export())
        if form == "csv":
            _write_csv(rows, file, excel)
        else:
            file.writelines(_json(rows) if form == "json" else (as_json(row, indent=None) + b"\n" for row in rows))


@contextmanager
def _target(out: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that is there only when it is complete."""
    if out is None:
        yield sys.stdout.buffer
        return
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, out)
    except OSError as error:
        raise OhlasError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _row(entry: Row) -> Row:
    row = {column: entry[column] for column in COLUMNS}
    row["unsure"] = None if row["unsure"] is None else bool(row["unsure"])
    return {**row, **{name: _moment(row[name]) for name in _MOMENTS}}


def _moment(written: str | None) -> str | None:
    """The store writes UTC without saying so."""
    return None if written is None else f"{written.replace(' ', 'T')}Z"


def _json(rows: Iterable[Row]) -> Iterator[bytes]:
    yield b'{"mentions": ['
    for number, row in enumerate(rows):
        yield (b",\n" if number else b"\n") + as_json(row, indent=None)
    yield b"\n]}\n"


def _write_csv(rows: Iterable[Row], file: IO[bytes], excel: bool) -> None:
    text = _Encoded(file)
    writer = csv.writer(text, delimiter=";" if excel else ",")
    if excel:
        file.write(b"\xef\xbb\xbf")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, value, excel) for name, value in row.items()])


class _Encoded:
    """What `csv` writes to, without a buffer that would close standard output."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode("utf-8", "replace"))


def _cell(name: str, value: object, excel: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:g}".replace(".", "," if excel else ".")
    if name in _MOMENTS and excel:
        return f"{_local(str(value)):%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _local(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC).astimezone()
