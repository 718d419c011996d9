"""`ohlas draft`"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.opening import Setup, classifier, now, pass_setup
from monitor.commands.shapes import of_findings, of_verdict
from monitor.commands.sources import connected
from monitor.commands.terminal import echo_json, written_out
from monitor.text import one_line

if TYPE_CHECKING:
    from monitor.commands.given import Given
    from monitor.desk import Desk
    from monitor.model import Composition, Mention, Verdict
    from monitor.options import Config


class Unusable(click.ClickException):
    """What came on standard input is no mention: every mistake on a line, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        for line in self.message.split("\n"):
            click.echo(f"ohlas: {written_out(line)}", file=file, err=file is None)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Accepted for uniformity: the answer is always JSON.")
@pass_setup
def command(setup: Setup, as_json: bool) -> None:
    """Draft the reply to the mention that comes as JSON on standard input, and save nothing.

    \b
    Reads one object:   {source, id, author, title?, text, language?, rating?, url, created_at?}
    May also hold:      {fault?, channel?, actor?, purpose?, reference?}
    Prints one object:  {language, text, parts: {...}, guard: [...], verdict: {...}, situation: {...}, choices: [...]}

    The rating is in stars from 1 to 5, the language a code such as "sk". Works without a config.toml too. The guard's
    list is empty where it has nothing against the text. The fault is "ours", "maybe_ours", "not_ours" or
    "misunderstanding", the channel "review", "post" or "mail", the actor the name of the person who will approve it,
    the purpose "answer" or "acknowledgement" (a short "we have it, we answer by …"), the reference the case's number.
    The choices tell for each sentence which words of the situation it was picked for.

    \b
    Examples:
      echo '{"source": "web", "id": "1", "author": "Eva", "text": "Balík neprišiel!", "url": ""}' | ohlas draft
      ohlas draft --json < mention.json
    """
    given = given_of(sys.stdin.buffer.read())
    echo_json(asyncio.run(_draft(setup.config_or_defaults(), given)))


async def _draft(config: Config, given: Given) -> dict[str, Any]:
    from monitor.desk import Desk

    mention = given.mention(now())
    async with connected(config, mention.source) as connectors:  # the source knows how long a reply may be
        return _drafted(Desk(config, classifier(config), connectors), mention, given)


def _drafted(desk: Desk, mention: Mention, given: Given) -> dict[str, Any]:
    verdict = desk.judge([mention])[0]
    fault = given.fault or ""
    composition = _composed(desk, mention, verdict, given)
    findings = desk.guard(
        composition.text, composition.language, mention, verdict, composition.parts, actor=given.actor
    )
    return {
        "language": composition.language,
        "text": composition.text,
        "parts": dict(composition.parts),
        "guard": of_findings(findings),
        "verdict": of_verdict(verdict),
        "situation": desk.situation(mention, verdict, fault=fault, channel=given.channel),
        "choices": list(composition.choices),
    }


def _composed(desk: Desk, mention: Mention, verdict: Verdict, given: Given) -> Composition:
    reference = one_line(given.reference)
    if given.purpose == "acknowledgement":
        return desk.acknowledge(mention, verdict, reference, now(), now())[0]
    return desk.compose(mention, verdict, reference, fault=given.fault or "", channel=given.channel, actor=given.actor)


def given_of(body: bytes) -> Given:
    """The mention that a program gave as JSON. Raises Unusable."""
    from pydantic import ValidationError

    from monitor.commands.given import Given
    from monitor.mistakes import mistakes_of

    written = _object(body)
    try:
        return Given.model_validate(written)
    except ValidationError as error:
        mistakes = mistakes_of(error, Given, written)
        raise Unusable("\n".join(f"{_place(mistake.path)}{mistake.text}" for mistake in mistakes)) from None


def _place(path: tuple[str | int, ...]) -> str:
    return f"{'.'.join(map(str, path))}: " if path else ""


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise Unusable("nothing came on standard input; give a mention as JSON, see `ohlas draft --help`")
    try:
        written = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unusable("the mention is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the mention is not JSON: {error}") from None
    if not isinstance(written, dict):
        raise Unusable('the mention must be one JSON object, e.g. {"source": "web", "id": "1", …}')
    return written
