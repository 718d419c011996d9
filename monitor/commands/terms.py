"""`ohlas terms`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.opening import Setup, pass_setup
from monitor.commands.terminal import echo_json, on_one_line
from monitor.errors import OhlasError

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.watch.terms import Found, Terms


@click.command()
@click.argument("text", required=False)
@click.option("--source", metavar="NAME", default="", help="With that source's own terms and exclusions.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, text: str | None, source: str, as_json: bool) -> None:
    """Say which of the watched terms a text holds, and where; and if none, what came near. Saves nothing.

    Without TEXT it is read from standard input. Exit status 1 where a mention with this text would be set aside.

    \b
    Examples:
      ohlas terms "Na Alze mi poslali rozbitý mlynček"
      ohlas terms --source forum < post.txt
    """
    terms = _terms(setup.config(), source)
    said = text if text is not None else sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    document = _document(terms, said)
    if as_json:
        echo_json(document)
    else:
        for line in _lines(document):
            click.echo(on_one_line(line))
    if not document["taken"]:
        raise click.exceptions.Exit(1)


def _terms(config: Config, source: str) -> Terms:
    from monitor.watch.sources import all_terms, terms_of

    if source and source not in config.sources:
        raise OhlasError(f"there is no source {source}; there are: {', '.join(sorted(config.sources))}")
    terms = terms_of(config, source) if source else all_terms(config)
    if terms is None:
        raise OhlasError(f"all that {source} brings is looked at; it has neither watch = true nor terms")
    if not terms.wanted:
        raise OhlasError("there is nothing to watch for; set watch.terms in config.toml")
    return terms


def _document(terms: Terms, text: str) -> dict[str, Any]:
    def shown(found: tuple[Found, ...]) -> list[dict[str, Any]]:
        return [
            {"term": one.term, "text": text[one.start : one.end], "start": one.start, "end": one.end} for one in found
        ]

    look = terms.look(text)
    return {
        "taken": bool(look.found),
        "found": shown(look.found),
        "excluded": shown(look.excluded),
        "nearly": shown(terms.nearly(text)),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    if document["taken"]:
        yield "It is taken."
    else:
        yield "It is set aside." if document["excluded"] else "It is set aside: no watched term stands in it."
    yield from (f"{one['term']}: “{one['text']}”" for one in document["found"])
    yield from (f"{one['term']}: excluded, “{one['text']}”" for one in document["excluded"])
    if not document["taken"]:
        yield from (f"{one['term']}: not by “{one['text']}”" for one in document["nearly"])
