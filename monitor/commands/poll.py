"""`ohlas poll NAME`"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from monitor.commands.opening import Setup, pass_setup
from monitor.commands.shapes import of_mention
from monitor.commands.sources import connected, first_page, known_source
from monitor.commands.terminal import echo_json, moment, on_one_line, table
from monitor.contract import Page
from monitor.model import Mention

if TYPE_CHECKING:
    from monitor.options import Config


@click.command()
@click.argument("name")
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="How long the source may take.")
@click.option("--json", "as_json", is_flag=True, help="For programs; with everything that the source says.")
@pass_setup
def command(setup: Setup, name: str, timeout: float, as_json: bool) -> None:
    """Print what the source NAME of config.toml brings, and save nothing.

    It is read as if for the first time. Good for trying out a new source.

    \b
    Examples:
      ohlas poll forum
      ohlas poll forum --json
    """
    config = setup.config()
    page = asyncio.run(_poll(config, known_source(config, name), timeout))
    if as_json:
        mentions = [{**of_mention(mention), "raw": dict(mention.raw)} for mention in page.mentions]
        rest = {"skipped": list(page.skipped), "gone": list(page.gone), "more": page.more}
        echo_json({"source": name, "mentions": mentions, **rest})
    else:
        _show(page)


async def _poll(config: Config, name: str, limit: float) -> Page:
    async with connected(config, name) as connectors:
        return await first_page(connectors[name], limit)


def _show(page: Page) -> None:
    if page.mentions:
        for line in table(("when", "author", "stars", "text"), [_row(mention) for mention in page.mentions]):
            click.echo(line)
    for reason in page.skipped:
        click.echo(f"left out: {on_one_line(reason)}", err=True)
    more = ", and more is waiting" if page.more else ""
    click.echo(f"{len(page.mentions)} mentions{more}; nothing was saved", err=True)


def _row(mention: Mention) -> tuple[str, ...]:
    stars = "" if mention.rating is None else f"{mention.rating:g}"
    text = " - ".join(part for part in (mention.title, mention.text) if part)
    return moment(mention.created_at), mention.author, stars, text
