"""The cookie, and whose visit a request is."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from aiohttp import web

from monitor.store.sign_ins import Session
from responders.page.context import PageContext, Visit
from responders.page.security import https
from responders.words import LANGUAGES, Words, negotiate

LASTS = 14 * 86400  # seconds, as long as the store keeps a session


def cookie_name(page: PageContext, request: web.Request) -> str:
    """Cookies know no ports, so two of our pages on one machine would sign each other's people out."""
    port = request.url.port or 0
    return "__Host-ohlas" if https(page.options) else f"ohlas-{port}"


async def open_visit(page: PageContext, request: web.Request) -> Visit:
    """A person who is no longer on the list is not signed in, however long the cookie lasts."""
    now = page.clock()
    session: Session | None = None
    if cookie := request.cookies.get(cookie_name(page, request)):
        session = await page.store.run(page.store.sign_ins.session, cookie, now)
    if session and session.person not in page.rules.people:
        session = None
    language = _language(page, request, session)
    return Visit(
        page=page, request=request, words=Words(language, ZoneInfo(page.options.timezone)), now=now, session=session
    )


def _language(page: PageContext, request: web.Request, session: Session | None) -> str:
    for wanted in (session.language if session else "", request.query.get("lang", "")):
        if wanted in LANGUAGES:
            return wanted
    return negotiate(request.headers.get("Accept-Language", ""), page.options.language)


def start_session(page: PageContext, request: web.Request, response: web.Response, session_id: str) -> None:
    response.set_cookie(
        cookie_name(page, request),
        session_id,
        max_age=LASTS,
        path="/",
        secure=https(page.options),
        httponly=True,
        samesite="Strict",
    )


def end_session(page: PageContext, request: web.Request, response: web.Response) -> None:
    response.del_cookie(
        cookie_name(page, request), path="/", secure=https(page.options), httponly=True, samesite="Strict"
    )
