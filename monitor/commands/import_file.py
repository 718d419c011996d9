"""`ohlas import FILE --source NAME`"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.opening import Setup, now, pass_setup, writing
from monitor.commands.terminal import echo_json, on_one_line
from monitor.contract import Page
from monitor.errors import OhlasError
from monitor.model import Mention

if TYPE_CHECKING:
    from connectors.file import Settings
    from monitor.options import Config
    from monitor.store.sqlite import SqliteStore

BATCH = 500  # mentions saved in one transaction
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class Tally:
    """What an import changed: counts of mentions. `known` ones were there already, in the same words."""

    new: int = 0
    edited: int = 0
    known: int = 0


def _name(_ctx: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise click.BadParameter("may hold letters without accents, digits, - and _, at most 64 of them")
    return name


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, callback=_name, metavar="NAME", help="The source that they are counted to.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, file: Path, source: str, as_json: bool) -> None:
    """Save the mentions of FILE: CSV as Excel saves it, JSON, or JSON Lines.

    Usual names of columns are recognised. Where config.toml has a source NAME of kind "file", its columns and formats
    are used. What is known already is not saved twice, and every row that cannot be used is named. A running Ohlas
    drafts the replies within seconds, otherwise the next start does.

    \b
    Examples:
      ohlas import reviews.csv --source eshop
      ohlas import old.jsonl --source archive --json
    """
    from connectors.file import read_mentions

    config = setup.config()
    page = read_mentions(file, _settings(config, source, file))
    with writing(config) as store:
        tally = _save(store, source, page.mentions)
    if as_json:
        echo_json({"source": source, **asdict(tally), "skipped": list(page.skipped)})
    else:
        _show(page, tally)
    if not page.mentions:
        raise OhlasError(f"{file.name} holds no mention that can be used")


def _settings(config: Config, source: str, file: Path) -> Settings:
    from connectors.file import Settings

    configured = config.sources.get(source)
    if isinstance(configured, Settings):
        return configured
    language = configured.language if configured else ""
    return Settings(kind="file", name=source, path=str(file), language=language)


def _save(store: SqliteStore, source: str, mentions: Sequence[Mention]) -> Tally:
    tally = Tally()
    batches = [mentions[start : start + BATCH] for start in range(0, len(mentions), BATCH)]
    with click.progressbar(
        length=len(mentions), label="importing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for batch in batches:
            saved = store.mentions.save_page(source, Page(mentions=tuple(batch)), None, now())
            tally.new += saved.new
            tally.edited += saved.edited
            tally.known += len(batch) - saved.new - saved.edited
            bar.update(len(batch))
    return tally


def _show(page: Page, tally: Tally) -> None:
    for reason in page.skipped:
        click.echo(f"left out: {on_one_line(reason)}", err=True)
    # a long list of reasons ends in "and N more"
    left_out = "more than 100" if len(page.skipped) > 100 else str(len(page.skipped))
    click.echo(f"{tally.new} new, {tally.edited} edited, {tally.known} known already, {left_out} left out")
