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

from monitor.commands.customers import Sought, as_shapes, checked, found, row_ids, whom
from monitor.commands.keeping import kept_in_words
from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.terminal import as_json
from monitor.errors import OhlasError
from monitor.sheets import BOM, cell

Row = dict[str, Any]

COLUMNS = (
    *("source", "id", "url", "author", "title", "text", "rating", "language", "label", "confidence", "unsure"),
    *("action", "reply", "created_at", "seen_at", "gone_at"),
)
_MOMENTS = ("created_at", "seen_at", "gone_at")


@click.command()
@whom
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "jsonl"]),
    default=None,
    show_default="csv",
    help="How it is written; jsonl is an object a line.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="A file, replaced when done."
)
@click.option(
    "--excel", is_flag=True, help="CSV as Excel around here wants it: a BOM, ';', decimal commas, local time."
)
@pass_setup
def command(
    setup: Setup,
    author: str,
    sources: tuple[str, ...],
    mention: str,
    everyone: bool,
    form: str | None,
    out: Path | None,
    excel: bool,
) -> None:
    """Write all mentions with their verdicts, the oldest first, or everything that is known of one customer.

    Texts that a spreadsheet would take for a formula get a ' in front. Times are in UTC.

    With --author or --mention it is JSON with all that is kept of that customer: what he wrote and wrote before,
    what was found in it, drafts, answers, decisions, and what was sent to you about it. Where several people have the
    name, you choose.

    \b
    Examples:
      ohlas export > mentions.csv
      ohlas export --excel --out mentions.csv
      ohlas export --format jsonl | jq .label
      ohlas export --author "Jana Nováková" --source heureka --out jana.json
    """
    sought = Sought(author=author, sources=sources, mention=mention, everyone=everyone)
    if sought != Sought():
        if excel or form in ("csv", "jsonl"):
            raise click.UsageError("what is known of a customer is written as JSON; leave out --excel and --format")
        _write_customer(setup, checked(sought), out)
        return
    form = form or "csv"
    if excel and form != "csv":
        raise click.UsageError("--excel is for --format csv")
    with reading(setup.config()) as store, _target(out) as file:
        rows = (_row(entry) for entry in store.mentions.export())
        if form == "csv":
            _write_csv(rows, file, excel)
        else:
            file.writelines(_json(rows) if form == "json" else (as_json(row, indent=None) + b"\n" for row in rows))


def _write_customer(setup: Setup, sought: Sought, out: Path | None) -> None:
    config = setup.config()
    with reading(config) as store:
        customers = found(store, config, sought)
        known = store.customers.known_of(row_ids(customers))
    document = {
        "written_at": now(),
        "company": config.company.name,
        "people": as_shapes(customers),
        "kept": kept_in_words(config.retention),
        "where": _where(known),
        "mentions": known,
    }
    with _target(out) as file:
        file.write(as_json(document) + b"\n")


def _where(known: list[Row]) -> dict[str, int]:
    """In how many rows things stand."""
    drafts = [draft for mention in known for draft in mention["drafts"]]
    return {
        "mentions": len(known),
        "earlier_versions": sum(len(mention["earlier_versions"]) for mention in known),
        "corrections": sum(len(mention["corrections"]) for mention in known),
        "drafts": len(drafts),
        "revisions": sum(len(draft["revisions"]) for draft in drafts),
        "decisions": sum(len(draft["decisions"]) for draft in drafts),
        "messages": sum(len(draft["messages"]) for draft in drafts),
        "publications": sum(len(mention["publications"]) for mention in known),
    }


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
        file.write(BOM)
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
    if name in _MOMENTS and excel and value is not None:
        return f"{_local(str(value)):%Y-%m-%d %H:%M:%S}"
    return cell(value, excel)


def _local(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC).astimezone()
