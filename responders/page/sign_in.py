"""Coming and going: the one-time link, signing out, and the language one reads in."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from responders.page.context import Visit, see_other
from responders.page.forms import Form
from responders.page.session import cookie_name, end_session, start_session
from responders.words import LANGUAGES


async def show(visit: Visit) -> web.Response:
    """Shows a button and changes nothing: mail scanners open every link."""
    token = visit.request.query.get("token", "")
    return visit.show("sign_in.html", token=token[:200], refused=False)


async def enter(visit: Visit, form: Form) -> web.Response:
    store = visit.page.store
    session_id = await store.run(store.sign_ins.redeem, form.line("token"), visit.now)
    if session_id is None:
        # the link in one's terminal is clicked again the next day: whoever is in already just goes on
        return see_other("/") if visit.session else visit.show("sign_in.html", status=403, token="", refused=True)
    response = see_other("/")
    start_session(visit.page, visit.request, response, session_id)
    return response


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
