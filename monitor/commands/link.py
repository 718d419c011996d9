"""`ohlas link [PERSON]`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from monitor.commands.opening import Setup, now, pass_setup, writing
from monitor.commands.running import is_running, page_url
from monitor.errors import NotAllowed

if TYPE_CHECKING:
    from monitor.options import Config


@click.command()
@click.argument("person", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, person: str | None, as_json: bool) -> None:
    """Print a link that signs PERSON in on the page, once, within 12 hours.

    PERSON is one of approval.people in config.toml; the first of them where none is named. Hand the link to nobody
    else: whoever opens it first is that person.

    \b
    Examples:
      ohlas link
      ohlas link Jana
    """
    from monitor.commands.terminal import echo_json
    from monitor.people import people_of

    config = setup.config()
    name = person or next(iter(people_of(config)))
    _check(name, config)
    with writing(config) as store:
        token = store.sign_ins.offer(name, now())
    address = f"{page_url(config)}/sign-in?token={token}"
    if as_json:
        echo_json({"person": name, "url": address})
    else:
        click.echo(address)
    if not is_running(config.service.state):
        click.echo("The page is not there yet; start it with: ohlas run", err=True)


def _check(person: str, config: Config) -> None:
    from monitor.people import people_of

    if person not in (people := people_of(config)):
        raise NotAllowed(f"{person} is not among the people of config.toml; there are: {', '.join(people)}")
