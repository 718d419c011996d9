"""`ohlas show DRAFT`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from monitor.commands.numbers import DRAFT
from monitor.commands.opening import Setup, pass_setup, reading
from monitor.commands.shapes import of_matter
from monitor.commands.terminal import echo_json, moment, on_one_line, paragraphs
from monitor.linking import JOINED_BY

if TYPE_CHECKING:
    from monitor.model import Verdict
    from monitor.store.views import Matter


@click.command()
@click.argument("draft", type=DRAFT)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, draft: int, as_json: bool) -> None:
    """Show one draft: what the customer wrote, our reply, why it is so, and what happened to it.

    DRAFT is its number, the first column of `ohlas inbox`.

    \b
    Examples:
      ohlas show 12
      ohlas show 12 --json
    """
    with reading(setup.config()) as store:
        matter = store.views.matter(draft)
    if as_json:
        echo_json(of_matter(matter))
        return
    for line in _lines(matter):
        click.echo(line)


def _lines(matter: Matter) -> Iterator[str]:
    draft = matter.draft
    by_hand = ", posted by hand" if draft.manual else ""
    yield f"Draft {draft.id} ({draft.reference}) is {draft.state}, revision {draft.rev}{by_hand}"
    yield from _purpose(matter)
    yield from _mention(matter)
    note = f" ({draft.model_note.replace('_', ' ')})" if draft.model_note else ""
    yield f"Our reply, in {draft.language}, by {on_one_line(f'{draft.author}{note}')}"
    yield paragraphs(draft.text)
    yield ""
    yield from _verdict(matter)
    yield from _findings(matter)
    yield from _history(matter)


def _purpose(matter: Matter) -> Iterator[str]:
    draft = matter.draft
    if draft.purpose == "acknowledgement":
        promised = f" by {moment(draft.promised)}" if draft.promised else ""
        yield f"An acknowledgement that promises an answer{promised}; the answer is drafted once it is out"
    elif draft.answer_by:
        yield f"Due by {moment(draft.answer_by)}"
    for other in matter.drafts:
        yield f"The {other.purpose.replace('_', ' ')} is draft {other.id}: {other.state}"


def _mention(matter: Matter) -> Iterator[str]:
    mention = matter.mention
    stars = "" if mention.rating is None else f", {mention.rating:g} of 5 stars"
    yield on_one_line(f"{mention.author or 'Somebody'} on {mention.source}, {moment(mention.created_at)}{stars}")
    if mention.url:
        yield on_one_line(mention.url)
    if matter.gone_at:
        yield f"Deleted at the source, {moment(matter.gone_at)}"
    if mention.title:
        yield paragraphs(mention.title)
    yield paragraphs(mention.text)
    for edit in matter.edits:
        yield f"Until {moment(edit.at)} it said"
        yield paragraphs(edit.text)
    yield ""
    yield from _elsewhere(matter)


def _elsewhere(matter: Matter) -> Iterator[str]:
    """Where else it is, who handles it there, and what the customer wrote before."""
    if (handling := matter.handling) is not None:
        where = on_one_line(f"{handling.source} {handling.url}".strip())
        yield f"Already being handled in {where}: draft {handling.draft_id}, {handling.state}"
    for other in matter.others:
        said = other.mention
        why = JOINED_BY.get(other.why.code, other.why.code)
        because = f" ({' '.join(part for part in (why, other.why.detail) if part)})" if why else ""
        yield on_one_line(
            f"Also on {said.source}, {moment(said.created_at)}, mention {other.row_id}{because} {said.url}"
        )
        yield paragraphs(said.text)
    for one in matter.earlier:
        answer = f"draft {one.draft_id} is {one.state}" if one.draft_id else "no draft"
        yield on_one_line(f"Earlier, {moment(one.at)} on {one.source}: {one.reference}, {answer}")
    if matter.handling or matter.others or matter.earlier:
        yield ""


def _verdict(matter: Matter) -> Iterator[str]:
    verdict, draft = matter.verdict, matter.draft
    unsure = ", unsure" if verdict.unsure else ""
    yield f"Verdict: {verdict.label} ({verdict.confidence:.0%}{unsure}); priority {draft.priority.name.lower()}"
    for reason in (draft.reason, *verdict.reasons):
        if reason.code:
            detail = f": {reason.detail}" if reason.detail else ""
            code = reason.code.replace("_", " ")
            yield f"  {on_one_line(f'{code}{detail}')}"
    yield from _read(verdict)


def _read(verdict: Verdict) -> Iterator[str]:
    """What the text is about, what makes it urgent, and its tone."""
    for heading, found in (("about", verdict.aspects), ("urgent", verdict.urgency), ("tone", (verdict.tone,))):
        told = ", ".join(f"{one.name} ({', '.join(one.words)})" if one.words else one.name for one in found)
        if told and told != "plain":
            yield f"  {on_one_line(f'{heading}: {told}')}"


def _findings(matter: Matter) -> Iterator[str]:
    if matter.draft.findings:
        yield "The guard says"
    for finding in matter.draft.findings:
        excerpt = f' "{finding.excerpt}"' if finding.excerpt else ""
        yield f"  {on_one_line(f'{finding.severity}: {finding.message}{excerpt} ({finding.rule})')}"


def _history(matter: Matter) -> Iterator[str]:
    if matter.history:
        yield "What happened"
    for entry in matter.history:
        reason = f": {entry.reason}" if entry.reason else ""
        what = f"{moment(entry.at)}  {entry.action} by {entry.actor} ({entry.via}), revision {entry.rev}{reason}"
        yield f"  {on_one_line(what)}"
    if (publication := matter.publication) is not None:
        error = f": {publication.error}" if publication.error else ""
        yield f"  {on_one_line(f'{moment(publication.at)}  publication {publication.state} {publication.url}{error}')}"
