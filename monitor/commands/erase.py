"""`ohlas erase --author NAME`"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.customers import Customer, Sought, as_shapes, checked, found, listed, row_ids, whom
from monitor.commands.opening import Setup, database, now, pass_setup, writing
from monitor.commands.terminal import echo_json, on_one_line
from monitor.errors import NotAllowed, OhlasError

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.store.sqlite import SqliteStore

BATCH = 20  # mentions in one transaction
TRIES = 20  # to have the database for oneself, while a service runs beside
PAUSE = 0.5  # seconds between two of them
NAMED = 10  # mentions of others that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What goes: counts of rows. `mails` stand in mailboxes too, where nobody but their owners can delete them, as do
    `digests`, which may quote them; `named_by` are mentions of others, which stay."""

    mentions: int
    drafts: int
    published: int
    cards: int
    mails: int
    digests: int
    backups: int
    named_by: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    erased: int = 0
    held_up: list[int] = field(default_factory=list)
    finished: bool = True


@click.command()
@whom
@click.option("--finish", is_flag=True, help="Only go on with what was interrupted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--as", "person", default=None, metavar="PERSON", help="Who does it. [default: first who may]")
@click.option("--json", "as_json", is_flag=True, help="For programs; needs --yes.")
@pass_setup
def command(
    setup: Setup,
    author: str,
    sources: tuple[str, ...],
    mention: str,
    everyone: bool,
    finish: bool,
    yes: bool,
    person: str | None,
    as_json: bool,
) -> None:
    """Erase what a customer wrote, and everything that was written about it.

    Words, names, links, drafts and answers go from the database, its search index, its log and its backups. What is
    counted stays: source, day, stars, and what it was about. The same mention does not come back with the next poll.
    The running Ohlas empties cards in Slack; mails that were sent stand in mailboxes, delete them there. What stands
    at the source itself is the customer's, and your published answers there are yours to delete.

    You are shown what goes, and asked. Where several people have the name, you choose. May be called again at any
    time, also after it was interrupted.

    \b
    Examples:
      ohlas erase --author "Jana Nováková"
      ohlas erase --author "Jana Nováková" --source heureka --yes
      ohlas erase --author @jana_n --all
      ohlas erase --mention eshop/r-81
    """
    if as_json and not (yes or finish):
        raise click.UsageError("--json needs --yes: nobody could be asked")
    if finish and (author or mention):
        raise click.UsageError("--finish stands alone")
    sought = Sought(author=author, sources=sources, mention=mention, everyone=everyone)
    config = setup.config()
    who = _person(config, person)
    with writing(config) as store:
        customers = [] if finish else _sought(store, config, checked(sought), as_json)
        extent = extent_of(store, customers)
        if customers and not yes:
            _show(customers, extent)
            _confirm()
        store.erasing.ask(row_ids(customers), actor=who, via="terminal", why="asked", now=now())
        outcome = _erase(store)
    _finish(config, outcome)
    if as_json:
        echo_json(_document(customers, extent, outcome))
    else:
        click.echo("\n".join(_told(extent, outcome)))


def _person(config: Config, person: str | None) -> str:
    from monitor.people import deciders, people_of

    people = deciders(people_of(config))
    if person is not None and person not in people:
        raise NotAllowed(f"{person} is not among the people who may decide; in config.toml: {', '.join(people)}")
    return person or people[0]


def _sought(store: SqliteStore, config: Config, sought: Sought, as_json: bool) -> list[Customer]:
    """Nobody is left where an erasure was cut off after its last mention: that one is finished all the same."""
    try:
        return found(store, config, sought)
    except OhlasError:
        if not any(one.why == "asked" for one in store.erasing.unfinished()):
            raise
        if not as_json:
            click.echo("Going on with an erasure that was interrupted.")
        return []


def extent_of(store: SqliteStore, customers: list[Customer]) -> Extent:
    from monitor.store.backups import holding

    ids = row_ids(customers)
    known = store.customers.known_of(ids)
    messages = Counter(
        message["medium"]
        for mention in known
        for draft in mention["drafts"]
        for message in draft["messages"]
        if message["state"] in ("sent", "unknown", "sending")
    )
    first = min((each.seen_at for one in customers for each in one.written), default=None)
    return Extent(
        mentions=len(ids),
        drafts=sum(len(mention["drafts"]) for mention in known),
        published=sum(one["state"] == "published" for mention in known for one in mention["publications"]),
        cards=messages["slack"],
        mails=messages["mail"],
        digests=store.messages.out_since("digest", first) if first else 0,
        backups=len(holding(store.backups.all(), first)) if first else 0,
        named_by=tuple(store.customers.naming(list(_telling_names(customers)), set(ids))),
    )


def _telling_names(customers: list[Customer]) -> Iterator[str]:
    """Whole names and accounts; a given name alone may be anybody's."""
    for one in customers:
        yield from (name for name in one.names if len(name.split()) > 1)
        yield from (one.account,) if one.account else ()


def _show(customers: list[Customer], extent: Extent) -> None:
    click.echo("\n".join(listed(customers)))
    if any(len(one.written) > 1 and not one.account for one in customers):
        click.echo("A name without an account may be several people's: --mention SOURCE/ID picks one mention.")
    click.echo(
        f"\nThis goes: {extent.mentions} mentions, {extent.drafts} drafts and answers with all their versions,"
        f" {extent.cards} messages of Slack."
    )
    if extent.backups:
        click.echo(f"{extent.backups} backups hold them as well and are deleted; a new one is made.")
    if extent.named_by:
        click.echo(_named_by(extent.named_by))
    click.echo("It cannot be taken back. `ohlas export` with the same options writes all of it into a file first.")


def _named_by(mentions: Sequence[str]) -> str:
    shown = on_one_line(", ".join(mentions[:NAMED])) + (", …" if len(mentions) > NAMED else "")
    if len(mentions) == 1:
        return f"1 other mention names this customer and is kept: {shown}"
    return f"{len(mentions)} other mentions name this customer and are kept: {shown}"


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise OhlasError("nothing was erased: say --yes, for nobody can be asked here")
    if not click.confirm("Erase it?", default=False):
        raise OhlasError("nothing was erased")


def _erase(store: SqliteStore) -> Outcome:
    """A few at a time, with a rest as long as each step, so that a running service has its turn."""
    outcome = Outcome()
    while True:
        began = time.monotonic()
        done = store.erasing.step(BATCH, now())
        outcome.erased += done
        if not done:
            break
        time.sleep(time.monotonic() - began)
    outcome.held_up = store.erasing.held_up()
    return outcome


def _finish(config: Config, outcome: Outcome) -> None:
    """Their last bytes. Where somebody is at the database just now, it is tried again, and left to the service then."""
    from monitor.store.compacting import scour

    for _ in range(TRIES):
        with writing(config) as store:
            ready = [one for one in store.erasing.unfinished() if one.why == "asked" and not one.waiting]
        outcome.finished = not ready or scour(database(config), ready, now())
        if outcome.finished:
            return
        time.sleep(PAUSE)


def _told(extent: Extent, outcome: Outcome) -> Iterator[str]:
    many = "1 mention was" if outcome.erased == 1 else f"{outcome.erased} mentions were"
    yield f"{many} erased, with everything about them."
    if outcome.held_up:
        drafts = ", ".join(str(one) for one in outcome.held_up)
        yield (
            f"The answer of draft {drafts} is being posted, or nobody knows whether it is out (`ohlas decide"
            f" {outcome.held_up[0]} posted` or `not-posted` says so). Its mention is erased as soon as that is settled,"
            " by the running service or with: ohlas erase --finish"
        )
    if not outcome.finished:
        yield (
            "The database is busy: its file still has to be written anew, so that no byte is left. The running service"
            " does that within a minute; otherwise call: ohlas erase --finish"
        )
    if extent.mails:
        yield f"{extent.mails} mails about them were sent and stand in mailboxes; delete them there."
    if extent.digests:
        many = "1 digest was" if extent.digests == 1 else f"{extent.digests} digests were"
        yield f"{many} mailed since then and may quote them, too; delete those as well."
    if extent.cards:
        yield "The running Ohlas empties the cards in Slack."
    if extent.published:
        yield f"{extent.published} published answers stand at the source; delete them there if you want to."
    if extent.named_by:
        yield _named_by(extent.named_by)


def _document(customers: list[Customer], extent: Extent, outcome: Outcome) -> dict[str, Any]:
    return {
        "people": as_shapes(customers),
        "mentions": outcome.erased,
        "waiting_for_drafts": outcome.held_up,
        "finished": outcome.finished and not outcome.held_up,
        "mails_in_mailboxes": extent.mails,
        "digests_in_mailboxes": extent.digests,
        "answers_at_the_source": extent.published,
        "backups_deleted": extent.backups,
        "named_by_others": list(extent.named_by),
    }
