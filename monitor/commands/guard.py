"""`ohlas guard`"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.draft import Unusable, given_of
from monitor.commands.opening import Setup, classifier, now, pass_setup
from monitor.commands.shapes import of_findings, of_verdict
from monitor.commands.sources import connected
from monitor.commands.terminal import echo_json

if TYPE_CHECKING:
    from monitor.commands.given import Given
    from monitor.options import Config

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--mention", "mention_file", type=_FILE, required=True, metavar="FILE", help="The mention as JSON, as for draft."
)
@click.option("--language", metavar="CODE", default="", help="Answered in this language; else in the mention's.")
@click.option(
    "--earlier", type=_FILE, multiple=True, metavar="FILE", help="An earlier reply of the same thread; repeatable."
)
@click.option("--actor", metavar="NAME", default="", help="Who will approve it; a role may allow that person less.")
@click.option("--json", "as_json", is_flag=True, help="Accepted for uniformity: the answer is always JSON.")
@pass_setup
def command(
    setup: Setup, mention_file: Path, language: str, earlier: tuple[Path, ...], actor: str, as_json: bool
) -> None:
    """Say what speaks against the reply that comes as text on standard input, and save nothing.

    \b
    Prints one object:  {blocks, findings: [{rule, severity, message, excerpt}], language, length, verdict}

    It blocks where a finding is an "error": such a reply is approved only by a person who overrides the rule by its
    name. A "warning" is only shown. Works without a config.toml too; with one, its policy, facts and sources count.

    \b
    Examples:
      ohlas guard --mention mention.json < reply.txt
      ohlas guard --mention mention.json --earlier yesterday.txt --actor Jana < reply.txt
    """
    given = given_of(mention_file.read_bytes())
    text = _decoded(sys.stdin.buffer.read(), "the reply")
    read = [_decoded(path.read_bytes(), str(path)).strip() for path in earlier]
    echo_json(asyncio.run(_judged(setup.config_or_defaults(), given, text.strip(), language, read, actor)))


async def _judged(
    config: Config, given: Given, text: str, language: str, earlier: list[str], actor: str
) -> dict[str, Any]:
    from monitor.desk import Desk
    from responders.length import measure

    mention = given.mention(now())
    async with connected(config, mention.source) as connectors:  # the source knows how long a reply may be
        desk = Desk(config, classifier(config), connectors)
        verdict = desk.judge([mention])[0]
        language = language or desk.language(mention, verdict)
        rules = desk.rules(mention, given.channel)
        findings = desk.guard(text, language, mention, verdict, actor=actor or given.actor, earlier=earlier)
    return {
        "blocks": any(finding.severity == "error" for finding in findings),
        "findings": of_findings(findings),
        "language": language,
        "length": {"count": measure(rules.unit)(text), "unit": rules.unit, "most": rules.max_length},
        "verdict": of_verdict(verdict),
    }


def _decoded(body: bytes, what: str) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"{what} is not UTF-8") from None
