"""`ohlas inbox`"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import click

from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.shapes import of_aside, of_inbox_row
from monitor.commands.terminal import age, echo_json, table
from monitor.model import LABELS, Draft

if TYPE_CHECKING:
    from monitor.store.aside import Aside
    from monitor.store.views import InboxRow, Tab

SHOWN = 50  # rows of a table where nobody asks for more; programs get all
ASIDE_HEADS = ("why", "age", "source", "label", "author", "text")
HEADS = ("no", "priority", "age", "source", "language", "label", "author", "text")


@click.command()
@click.option(
    "--tab",
    type=click.Choice(["waiting", "approved", "unknown", "done", "all", "aside"]),
    default="waiting",
    show_default=True,
    help="Which drafts; 'unknown' are those that may be out and need a look, 'aside' are mentions without one.",
)
@click.option("--source", default="", metavar="NAME", help="Of this source only.")
@click.option("--language", default="", metavar="CODE", help="In this language only, e.g. sk.")
@click.option("--label", type=click.Choice(LABELS), default=None, help="With this verdict only.")
@click.option("--search", default="", metavar="WORDS", help="With these words in title, text or author.")
@click.option("--limit", type=click.IntRange(min=1), default=None, metavar="N", help=f"At most; {SHOWN} in a table.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(
    setup: Setup,
    tab: Tab | Literal["aside"],
    source: str,
    language: str,
    label: str | None,
    search: str,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the drafts that wait for a person, the most urgent first.

    The number in the first column is what `ohlas show` and `ohlas decide` take. A "?" behind a label means unsure.

    \b
    Examples:
      ohlas inbox
      ohlas inbox --label complaint --language sk
      ohlas inbox --tab aside
      ohlas inbox --tab done --search "stan rohac"
      ohlas inbox --json
    """
    from monitor.store.views import InboxFilter

    if tab == "aside":
        if source or language or label or search:
            raise click.UsageError("--tab aside lists all mentions without a draft; it takes only --limit and --json")
        _aside(setup, limit, as_json)
        return
    most = limit or (-1 if as_json else SHOWN)  # -1 is SQL's way to say "all"
    wanted = InboxFilter(
        tab=tab, source=source, language=language, label=label or "", search=search, limit=most, offset=0
    )
    with reading(setup.config()) as store:
        inbox = store.views.inbox(wanted)
    if as_json:
        echo_json({"drafts": [of_inbox_row(row) for row in inbox.rows]})
    else:
        at = now()
        _show(HEADS, [_row(row, at) for row in inbox.rows], inbox.total)


def _aside(setup: Setup, limit: int | None, as_json: bool) -> None:
    with reading(setup.config()) as store:
        found = store.aside.look(limit=limit or (-1 if as_json else SHOWN))
    if as_json:
        echo_json({"mentions": [of_aside(row) for row in found.rows]})
        return
    at = now()
    _show(ASIDE_HEADS, [_aside_row(row, at) for row in found.rows], found.total, more=found.more)


def _aside_row(row: Aside, at: datetime) -> tuple[str, ...]:
    why = ": ".join(part for part in (row.reason.code.replace("_", " "), row.reason.detail) if part)
    if row.handling:
        why = f"see {row.handling.reference}, {row.handling.state}"
    text = " - ".join(part for part in (row.mention.title, row.mention.text) if part)
    judged = row.verdict.label if row.verdict.model else "–"  # what does not concern the company is not judged
    return (why, age(row.mention.created_at, at), row.mention.source, judged, row.mention.author, text)


def _show(heads: Sequence[str], rows: list[tuple[str, ...]], total: int, *, more: bool = False) -> None:
    if not rows:
        click.echo("Nothing here.")
        return
    for line in table(heads, rows):
        click.echo(line)
    if len(rows) < total:
        click.echo(f"{len(rows)} of {total}{' or more' if more else ''}; see more with --limit {total}", err=True)


def _row(row: InboxRow, at: datetime) -> tuple[str, ...]:
    draft, mention = row.draft, row.mention
    return (
        str(draft.id),
        draft.priority.name.lower(),
        age(mention.created_at, at),
        mention.source,
        draft.language,
        f"{row.verdict.label}{'?' if row.verdict.unsure else ''}",
        mention.author,
        f"{_mark(draft)}{' - '.join(part for part in (mention.title, mention.text) if part)}",
    )


def _mark(draft: Draft) -> str:
    if draft.purpose == "acknowledgement":
        return "[acknowledgement; the answer follows] "
    return f"[due {draft.answer_by.astimezone():%d.%m. %H:%M}] " if draft.answer_by else ""
