"""`ohlas decide DRAFT ACTION`"""

from __future__ import annotations

import asyncio
import sys
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, cast

import click

from monitor.commands.numbers import DRAFT
from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.shapes import of_draft
from monitor.commands.sources import connected
from monitor.commands.terminal import echo_json, on_one_line, paragraphs
from monitor.contract import CanConfirm, Connector
from monitor.errors import OhlasError
from monitor.model import Action, Decision, Draft, DraftState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.options import Config
    from monitor.store.sqlite import SqliteStore

ACTIONS = ("approve", "reject", "edit", "undo", "posted", "not-posted", "acknowledge", "full-answer")


@click.command()
@click.argument("draft", type=DRAFT)
@click.argument("action", metavar="ACTION", type=click.Choice(ACTIONS))
@click.option("--text", default=None, help="The new text of an edit; '-' reads standard input.")
@click.option("--text-file", type=click.File("r", encoding="utf-8-sig"), default=None, help="A file with the new text.")
@click.option("--reason", default="", help="Why a draft is rejected.")
@click.option(
    "--rev", type=click.IntRange(min=1), default=None, help="The revision that you looked at. [default: newest]"
)
@click.option(
    "--override", multiple=True, metavar="RULE", help="Approve although the guard's RULE is broken; repeatable."
)
@click.option("--as", "person", default=None, metavar="PERSON", help="Who decides. [default: first who may]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(
    setup: Setup,
    draft: int,
    action: str,
    text: str | None,
    text_file: IO[str] | None,
    reason: str,
    rev: int | None,
    override: tuple[str, ...],
    person: str | None,
    as_json: bool,
) -> None:
    """Approve, edit, reject or take back the draft with the number DRAFT.

    \b
      approve      publish it when the time to undo is over, or hand the text over
      edit         give it a new text; without --text an editor opens
      reject       say nothing; wants --reason
      undo         take an approval back while it can be
      posted       you posted it by hand, or found it at the platform
      not-posted   you looked, and it is not at the platform
      acknowledge  send a short "we have it, we answer by …" first; the answer is drafted once that is out
      full-answer  send no such acknowledgement; the answer is drafted at once

    Where somebody was faster nothing changes, and you are told who it was and when.

    \b
    Examples:
      ohlas decide 12 approve
      ohlas decide 12 edit --text "Dobrý deň, mrzí nás to."
      ohlas decide 12 edit --text-file reply.txt --as Jana
      ohlas decide 12 reject --reason "answered by phone"
    """
    from monitor.people import deciders, people_of

    config = setup.config()
    with reading(config) as store:
        before = store.drafts.get(draft)
        decision = Decision(
            draft_id=draft,
            rev=rev or before.rev,
            action=cast(Action, action.replace("-", "_")),
            actor=person or deciders(people_of(config))[0],
            via="terminal",
            text=_text(before, text, text_file) if action == "edit" else "",
            reason=reason or (_asked("Why?") if action == "reject" else ""),
            override=override,
        )
        after, link = asyncio.run(_decide(config, store, decision))
    if as_json:
        echo_json({"draft": of_draft(after)})
    else:
        _show(after, link)
        if action == "full-answer":
            click.echo("The answer is drafted by the running service: ohlas inbox")


def _text(draft: Draft, text: str | None, text_file: IO[str] | None) -> str:
    if text_file is not None:
        return _read(text_file)
    if text == "-":
        return _read(TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig"))
    if text is not None:
        return text
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    edited = click.edit(draft.text, extension=".txt")
    if edited is None or edited.strip() == draft.text.strip():
        raise OhlasError("the text is as it was; nothing was changed")
    return edited


def _read(file: IO[str]) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise OhlasError("the new text is not UTF-8; save it as UTF-8") from None


def _asked(question: str) -> str:
    if not sys.stdin.isatty():
        return ""
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer


async def _decide(config: Config, store: SqliteStore, decision: Decision) -> tuple[Draft, str]:
    """The draft afterwards, and where a person posts it. Only the draft's own source is opened; it knows the rules."""
    from monitor.classify.choosing import SteadyClassifier
    from monitor.deciding import rules_of
    from monitor.desk import Desk
    from responders.approval import decide

    source = store.views.matter(decision.draft_id).mention.source
    async with connected(config, source) as connectors:
        desk = Desk(config, SteadyClassifier(config), connectors)
        rules = rules_of(desk, store)
        after = decide(store.drafts, decision, rules, now())
        return after, _link(store, after, connectors)


def _link(store: SqliteStore, draft: Draft, connectors: Mapping[str, Connector]) -> str:
    mention = store.views.matter(draft.id).mention
    connector = connectors.get(mention.source)
    return connector.reply_link(mention) if isinstance(connector, CanConfirm) else mention.url


def _show(draft: Draft, link: str) -> None:
    click.echo(f"Draft {draft.id} ({draft.reference}) is {draft.state}, revision {draft.rev}.")
    if draft.state is DraftState.APPROVED and draft.manual:
        where = on_one_line(link) or "where the customer wrote"
        click.echo(f"Post this at {where}, then: ohlas decide {draft.id} posted\n")
        click.echo(paragraphs(draft.text, indent=""))
    elif draft.state is DraftState.APPROVED and draft.publish_after:
        at = f"{draft.publish_after.astimezone():%H:%M:%S}"
        click.echo(f"It is published after {at}. Until then: ohlas decide {draft.id} undo")
    elif draft.state is DraftState.PENDING:
        if draft.purpose == "acknowledgement":
            click.echo(paragraphs(draft.text))
        for finding in draft.findings:
            click.echo(f"  {on_one_line(f'{finding.severity}: {finding.message} ({finding.rule})')}")
        click.echo(f"It waits for a yes: ohlas decide {draft.id} approve")
