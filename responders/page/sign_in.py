"""Coming and going: the one-time link, asking for one by mail, signing out, and the language one reads in."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from responders.inviting import VALID, invite, invited
from responders.page.context import Visit, see_other
from responders.page.forms import Form
from responders.page.security import client_address
from responders.page.session import cookie_name, end_session, start_session
from responders.words import LANGUAGES


async def show(visit: Visit) -> web.Response:
    """Shows a button and changes nothing: mail scanners open every link."""
    token = visit.request.query.get("token", "")
    return _shown(visit, token=token[:200], sent="sent" in visit.request.query)


async def enter(visit: Visit, form: Form) -> web.Response:
    if "token" not in form.fields:
        return await _ask(visit, form.line("who"))
    store = visit.page.store
    session_id = await store.run(store.sign_ins.redeem, form.line("token"), visit.now)
    if session_id is None:
        # the link in one's terminal is clicked again the next day: whoever is in already just goes on
        return see_other("/") if visit.session else _shown(visit, status=403, refused=True)
    response = see_other("/")
    start_session(visit.page, visit.request, response, session_id)
    return response


async def _ask(visit: Visit, who: str) -> web.Response:
    """Whether somebody is on the list is nobody's business: the answer is the same."""
    page = visit.page
    if not page.mails or not who:
        raise web.HTTPBadRequest
    if page.asked.too_often(client_address(visit.request), visit.now):
        return _shown(visit, status=429, busy=True)
    if (person := invited(page.rules.people, who[:200])) is not None:
        await page.store.run(invite, page.store, person, visit.now)
    return see_other("/sign-in?sent")


def _shown(
    visit: Visit, *, status: int = 200, token: str = "", refused: bool = False, sent: bool = False, busy: bool = False
) -> web.Response:
    return visit.show("sign_in.html", status=status, token=token, refused=refused, sent=sent, busy=busy, valid=VALID)


async def leave(visit: Visit, form: Form) -> web.Response:
    store = visit.page.store
    if cookie := visit.request.cookies.get(cookie_name(visit.page, visit.request)):
        await store.run(store.sign_ins.sign_out, cookie)
    response = see_other("/sign-in")
    end_session(visit.page, visit.request, response)
    return response


async def speak(visit: Visit, form: Form) -> web.Response:
    store = visit.page.store
    cookie = visit.request.cookies.get(cookie_name(visit.page, visit.request), "")
    if (language := form.line("language")) in LANGUAGES:
        await store.run(store.sign_ins.speak, cookie, language)
    return see_other(local_path(form.line("back")))


def local_path(wanted: str) -> str:
    """`wanted` if it is an address on this page, else the inbox: a form never leads to another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    plain = wanted.isprintable() and "\\" not in wanted and not wanted.startswith("//")
    return wanted if plain and wanted.startswith("/") and not parts.netloc else "/"
