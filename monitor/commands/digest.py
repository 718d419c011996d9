"""`ohlas digest --preview`"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from monitor.commands.opening import Setup, now, pass_setup, reading, writing
from monitor.commands.running import is_running, page_url
from monitor.errors import NotAllowed, OhlasError

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.people import Person
    from monitor.store.digests import Edition, Issue
    from monitor.store.sqlite import SqliteStore
    from responders.mail.printing import Printed


@click.command()
@click.option("--preview", is_flag=True, help="Show it; nothing is sent.")
@click.option("--send", is_flag=True, help="Have it mailed now, unless this one was mailed already.")
@click.option("--for", "name", metavar="PERSON", help="Whose digest; by default that of the first person.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Morning of which day; by default today.")
@click.option(
    "--edition",
    type=click.Choice(["daily", "weekly", "monthly"]),
    default="daily",
    show_default=True,
    help="Which one.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="File for the preview.")
@click.option("--text", "as_text", is_flag=True, help="The part in plain text instead of HTML.")
@pass_setup
def command(
    setup: Setup,
    preview: bool,
    send: bool,
    name: str | None,
    day: datetime | None,
    edition: Literal["daily", "weekly", "monthly"],
    out: Path | None,
    as_text: bool,
) -> None:
    """Show the digest that a person gets in the morning, or have it mailed now.

    What was written is counted for the days that the digest of that date is about; what waits is as it is now.

    \b
    Examples:
      ohlas digest --preview --out digest.html
      ohlas digest --preview --for Eva --date 2026-11-23 --text
      ohlas digest --preview --edition monthly --out month.html
      ohlas digest --send --for Eva
    """
    if preview == send:
        raise click.UsageError("say either --preview or --send")
    if preview and out is None and not as_text:
        raise click.UsageError("name a file with --out digest.html, or have it as text with --text")
    config = setup.config()
    person = _person(name, config)
    issue = _issue(person, edition, day)
    if send:
        _send(config, person, issue)
        return
    with reading(config) as store:
        shown = _printed(config, store, person, issue)
    _hand_over(shown, out, as_text)


def _person(name: str | None, config: Config) -> Person:
    from monitor.people import people_of

    people = people_of(config)
    wanted = name or next(iter(people))
    if wanted not in people:
        raise NotAllowed(f"{wanted} is not among the people of config.toml; there are: {', '.join(people)}")
    return people[wanted]


def _issue(person: Person, edition: Edition, day: datetime | None) -> Issue:
    from zoneinfo import ZoneInfo

    from monitor.digest.periods import YEARS, today
    from monitor.digest.schedule import imagined

    if day and day.year not in YEARS:
        raise OhlasError(f"there is no digest of {day:%Y-%m-%d}; write a day from {YEARS[0]} to {YEARS[-1]}")
    return imagined(person, edition, day.date() if day else today(now(), ZoneInfo(person.zone)))


def _check_day(person: Person, issue: Issue) -> None:
    """What is too old is never sent, and one of a day to come would stand for that day. Raises OhlasError."""
    from zoneinfo import ZoneInfo

    from monitor.digest.periods import today
    from monitor.digest.schedule import is_stale

    zone = ZoneInfo(person.zone)
    why = "has not come yet" if issue.day > today(now(), zone) else "is over" if is_stale(issue, now(), zone) else ""
    if why:
        raise OhlasError(
            f"{issue.day} {why}, so its digest is not mailed; leave out --date, or look at it with --preview"
        )


def _printed(config: Config, store: SqliteStore, person: Person, issue: Issue) -> Printed:
    from zoneinfo import ZoneInfo

    from responders.digest_links import DigestLinks
    from responders.mail.desk import gatherer_of
    from responders.mail.digesting import Press
    from responders.mail.letters import Desk
    from responders.words import Words

    local = not config.page.url
    words = Words(person.language, ZoneInfo(person.zone))
    desk = Desk(words=words, page=page_url(config).rstrip("/"), local=local, now=now())
    # the link that ends digests is made with a key that no file on the way should hold; here it leads nowhere
    press = Press(gatherer_of(config, store), DigestLinks(b"preview"), local)
    return press.issue(person, issue, desk)


def _hand_over(shown: Printed, out: Path | None, as_text: bool) -> None:
    from monitor.commands.terminal import paragraphs

    if out is None:
        click.echo(f"{shown.subject}\n\n{paragraphs(shown.plain)}")
        return
    try:
        out.write_text(shown.plain if as_text else shown.html, encoding="utf-8")
    except OSError as error:
        raise OhlasError(f"{out} cannot be written ({error.strerror})") from error
    click.echo(f"{out}: {shown.subject}")


def _send(config: Config, person: Person, issue: Issue) -> None:
    from monitor.digest.schedule import by_hand
    from responders.mail.digesting import letter

    if config.mail is None:
        raise OhlasError("mail is not set up; fill in [mail] in config.toml")
    if not person.mail:
        raise OhlasError(f"{person.name} has no address; write people.{person.name}.mail in config.toml")
    _check_day(person, issue)
    with writing(config) as store:
        issue = by_hand(issue, store.digests.last(person.name, issue.edition, issue.day))
        if not store.digests.take(issue, letter(person, issue, now()), now()):
            raise OhlasError(f"the {issue.edition} digest of {issue.day} was written to {person.name} already")
    click.echo(f"the {issue.edition} digest of {issue.day} goes to {person.mail}")
    if not is_running(config.service.state):
        click.echo("It is sent once Ohlas runs: ohlas run", err=True)
