"""`ohlas case merge | split | link | unlink | show`"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.terminal import echo_json, moment, on_one_line
from monitor.linking import JOINED_BY
from monitor.model import case_reference

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.store.cases import Deed
    from monitor.store.sqlite import SqliteStore

_REFERENCE = re.compile(r"(?:OH-)?0*([0-9]{1,12})", re.IGNORECASE)
_AS = click.option("--as", "person", default=None, metavar="PERSON", help="Who does it. [default: first who may]")


class Case(click.ParamType[int]):
    """A case as people write it."""

    name = "case"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _REFERENCE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no number of a case; they look like OH-00012", param, ctx)
        return int(found[1])


CASE = Case()


@click.group()
def command() -> None:
    """Say which mentions are one customer's matter, and which are not.

    A case is a matter, such as OH-00012: one customer, one answer, in however many places he wrote. Mentions have the
    numbers that `ohlas show` and `ohlas case show` tell.

    \b
    Examples:
      ohlas case show OH-00012
      ohlas case merge OH-00012 OH-00015
      ohlas case split 57
      ohlas case link 57 60
    """


@command.command()
@click.argument("case", type=CASE)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def show(setup: Setup, case: int, as_json: bool) -> None:
    """List the mentions of a case, and what was done with it."""
    with reading(setup.config()) as store:
        here = store.cases.find(case)
        if as_json:
            echo_json(_shape(store, here))
            return
        for line in _lines(store, case, here):
            click.echo(line)


@command.command()
@click.argument("one", type=CASE)
@click.argument("other", type=CASE)
@_AS
@pass_setup
def merge(setup: Setup, one: int, other: int, person: str | None) -> None:
    """Put two cases together; the older number stays.

    Of two open drafts the older one stays open. The other one keeps its text and is no longer needed.
    """
    config = setup.config()
    with reading(config) as store:
        kept = store.cases.merge(one, other, _deed(config, person))
    click.echo(f"{case_reference(one)} and {case_reference(other)} are {case_reference(kept)} now.")


@command.command()
@click.argument("mention", type=click.IntRange(min=1))
@_AS
@pass_setup
def split(setup: Setup, mention: int, person: str | None) -> None:
    """Give a mention a case, and a draft, of its own; the two are never put together again by themselves."""
    config = setup.config()
    with reading(config) as store:
        new = store.cases.split(mention, store.cases.of(mention), _deed(config, person))
    click.echo(
        f"Mention {mention} is {case_reference(new)} now. Where it has no draft, the running service writes one."
    )


@command.command()
@click.argument("one", type=click.IntRange(min=1))
@click.argument("other", type=click.IntRange(min=1))
@_AS
@pass_setup
def link(setup: Setup, one: int, other: int, person: str | None) -> None:
    """Say that two mentions were written by one customer, from two accounts; from now on Ohlas knows."""
    config = setup.config()
    with reading(config) as store:
        store.linked.link(one, other, _deed(config, person))
    click.echo("These accounts are one customer's from now on. To merge what he wrote so far: ohlas case merge")


@command.command()
@click.argument("mention", type=click.IntRange(min=1))
@_AS
@pass_setup
def unlink(setup: Setup, mention: int, person: str | None) -> None:
    """Say that the account which wrote a mention belongs to nobody else."""
    config = setup.config()
    with reading(config) as store:
        store.linked.unlink(mention, _deed(config, person))
    click.echo("The account is linked to no other any more.")


def _deed(config: Config, person: str | None) -> Deed:
    """Raises NotAllowed where that person may not decide."""
    from monitor.people import deciders, people_of
    from monitor.store.cases import Deed
    from responders.approval import deciding

    people = people_of(config)
    actor = person or deciders(people)[0]
    deciding(people, actor)
    return Deed(actor=actor, via="terminal", at=now())


def _lines(store: SqliteStore, asked: int, here: int) -> Iterator[str]:
    if asked != here:
        yield f"{case_reference(asked)} was put together with {case_reference(here)}."
    yield case_reference(here)
    for one in store.cases.look(here):
        why = JOINED_BY.get(one.why.code, "")
        because = f"; {why} {one.why.detail}".rstrip() if why else ""
        draft = f"draft {one.draft.id} is {one.draft.state}" if one.draft else one.noted.code.replace("_", " ")
        said = one.mention
        written = f"{said.author or 'somebody'} on {said.source}, {moment(said.created_at)}"
        yield f"  {on_one_line(f'mention {one.row_id}: {written}: {draft}{because}')}"
        yield f"    {on_one_line(said.text)[:200]}"
    for line in store.cases.lines(here):
        other = f" {case_reference(line.other_id)}" if line.other_id else ""
        about = f", mention {line.mention_id}" if line.mention_id else ""
        yield f"  {moment(line.at)}  {line.action}{other}{about} by {on_one_line(line.actor)} ({line.via})"


def _shape(store: SqliteStore, case: int) -> dict[str, object]:
    from monitor.commands.shapes import of_elsewhere

    return {
        "case": case_reference(case),
        "mentions": [of_elsewhere(one) for one in store.cases.look(case)],
        "lines": store.cases.lines(case),
    }
