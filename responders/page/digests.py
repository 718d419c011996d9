"""Whether one gets digests: switched by everybody for themselves, on the page or by the link in each digest.

Mail programs end a subscription with a POST of their own, without cookies (RFC 8058); what protects that is the mark
in the address. A look at the address changes nothing: mail scanners open every link.
"""

from __future__ import annotations

from aiohttp import web

from monitor.digest.schedule import editions
from monitor.people import Person
from responders.digest_links import LinkError
from responders.page.context import Visit, see_other
from responders.page.forms import Form


async def show(visit: Visit) -> web.Response:
    """One's own, after a sign-in."""
    return await _shown(visit, visit.reader, action="/digest")


async def switch(visit: Visit, form: Form) -> web.Response:
    await _switch(visit, visit.reader, form.line("wanted") == "yes")
    return see_other("/digest")


async def show_by_link(visit: Visit) -> web.Response:
    person = _person(visit)
    return await _shown(visit, person, action=visit.request.path)


async def switch_by_link(visit: Visit, form: Form) -> web.Response:
    """Off, as mail programs ask for it, unless our own form says that they are wanted again."""
    person = _person(visit)
    await _switch(visit, person, form.line("wanted") == "yes")
    return await _shown(visit, person, action=visit.request.path)


async def _switch(visit: Visit, person: Person, on: bool) -> None:
    store = visit.page.store
    await store.run(store.digests.switch, person.name, on, visit.now)


async def _shown(visit: Visit, person: Person, *, action: str) -> web.Response:
    store = visit.page.store
    subscription = await store.run(store.digests.subscription, person.name, visit.now)
    mailed = bool(visit.page.mails and person.mail and editions(person))
    return visit.show("digest.html", person=person, on=subscription.on, mailed=mailed, action=action)


def _person(visit: Visit) -> Person:
    if visit.page.digests is None:
        raise web.HTTPNotFound
    people = visit.page.rules.people
    try:
        return people[visit.page.digests.person(visit.request.match_info["mark"], people)]
    except LinkError as error:
        raise web.HTTPNotFound from error
