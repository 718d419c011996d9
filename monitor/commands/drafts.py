"""`ohlas drafts report`"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.terminal import echo_json, on_one_line, table

if TYPE_CHECKING:
    from monitor.store.counting import Accepted
    from responders.acceptance import Acceptance

PARTS = ("", "apology", "interest", "solution", "thanks", "personal", "invitation", "body")


@click.group()
def command() -> None:
    """How drafts fare with the people who decide about them.

    \b
    Examples:
      ohlas drafts report
    """


@command.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far to look back.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def report(setup: Setup, days: int, as_json: bool) -> None:
    """Say how many drafts were taken as they were, edited or rejected, by language and part of the reply, and which
    sentences of the playbooks people keep changing, with what they write instead.

    \b
    Examples:
      ohlas drafts report
      ohlas drafts report --days 7 --json
    """
    from responders.acceptance import acceptance

    with reading(setup.config()) as store:
        found = acceptance(store.edits.since(now() - timedelta(days=days)))
    if as_json:
        echo_json(_shape(found))
    else:
        click.echo("\n".join(_lines(found, days)))


def _shape(found: Acceptance) -> dict[str, Any]:
    return {
        "drafts": found.drafts,
        "parts": [
            {"language": language, "author": author, "part": part or "all", **_counts(tally)}
            for (language, author, part), tally in found.tallies.items()
        ],
        "sentences": [
            {
                "language": one.language,
                "part": one.part,
                "sentence": one.sentence,
                "used": one.used,
                "changed": one.changed,
                "instead": list(one.instead),
            }
            for one in found.sentences
        ],
        "reasons": [{"reason": reason, "times": times} for reason, times in found.reasons],
    }


def _counts(tally: Accepted) -> dict[str, Any]:
    return {
        "as_is": tally.as_is,
        "edited": tally.edited,
        "rejected": tally.rejected,
        "acceptance": round(tally.acceptance, 3),
    }


def _lines(found: Acceptance, days: int) -> Iterator[str]:
    if not found.drafts:
        yield f"Nobody has decided about a draft in the last {days} days."
        return
    yield f"{found.drafts} drafts were decided about in the last {days} days."
    yield ""
    yield from table(
        ("language", "by", "part", "as it was", "edited", "rejected", "taken as it was"), list(_rows(found))
    )
    if found.sentences:
        yield ""
        yield "Sentences that people keep changing:"
    for one in found.sentences:
        yield f"  {one.language} {one.part}, {one.changed} of {one.used} times: {on_one_line(one.sentence)}"
        yield from (f"      instead: {on_one_line(text)}" for text in one.instead)
    if found.reasons:
        yield ""
        yield "Why drafts were rejected:"
    yield from (f"  {times}  {on_one_line(reason)}" for reason, times in found.reasons)


def _rows(found: Acceptance) -> Iterator[tuple[str, ...]]:
    order = {part: number for number, part in enumerate(PARTS)}
    for (language, author, part), tally in sorted(
        found.tallies.items(), key=lambda row: (row[0][0], row[0][1], order.get(row[0][2], len(order)))
    ):
        counts = (str(tally.as_is), str(tally.edited), str(tally.rejected))
        yield language, author, part or "whole text", *counts, f"{tally.acceptance:.0%}"
