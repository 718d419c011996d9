"""The local web page: where a person reads what customers say and decides what is answered.

Plain forms, no JavaScript. GET and HEAD only show; a decision is a POST that carries the session's token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.errors import StoreBusy
from responders.digest_links import PATH as OFF
from responders.page import (
    afterwards,
    aside,
    cases,
    correcting,
    digests,
    drafts,
    holding,
    inbox,
    lately,
    replies,
    reports,
    sign_in,
    sources,
    together,
    voting,
)
from responders.page.context import PageContext, Visit, see_other
from responders.page.forms import Form, read_form
from responders.page.rendering import STATIC
from responders.page.security import (
    KEPT_FOR_EVER,
    NEVER_KEPT,
    SAFE_METHODS,
    cross_site,
    for_machines,
    host_allowed,
    same_token,
)
from responders.page.security import protect as put_under_protection
from responders.page.session import open_visit
from responders.satisfaction import PATH

__all__ = ["PageContext", "application"]

View = Callable[[Visit], Awaitable[web.StreamResponse]]
Decide = Callable[[Visit, Form], Awaitable[web.StreamResponse]]


def application(page: PageContext) -> web.Application:
    """The page as an application to run, or to add more routes to; those for machines keep their own rules."""
    app = web.Application(middlewares=[_protection(page)])
    app.router.add_get("/sign-in", _open(page, sign_in.show))
    app.router.add_post("/sign-in", _entering(page, sign_in.enter))
    app.router.add_post("/sign-out", _writing(page, sign_in.leave))
    app.router.add_post("/language", _writing(page, sign_in.speak))
    app.router.add_get("/", _reading(page, inbox.show))
    app.router.add_get("/together", _reading(page, inbox.back))
    app.router.add_post("/together", _writing(page, together.act))
    app.router.add_get("/lately", _open(page, lately.show_list))
    app.router.add_get("/drafts/{id:[0-9]{1,12}}/lately", _open(page, lately.show_draft))
    app.router.add_get("/drafts/{id:[0-9]{1,12}}", _reading(page, drafts.show))
    app.router.add_get("/drafts/{id:[0-9]{1,12}}/{action}", _reading(page, drafts.back_to_draft))
    app.router.add_post("/drafts/{id:[0-9]{1,12}}/correct", _writing(page, correcting.correct))
    app.router.add_post(
        f"/drafts/{{id:[0-9]{{1,12}}}}/{{what:{'|'.join(holding.STEPS)}}}", _writing(page, holding.hold)
    )
    app.router.add_post(f"/drafts/{{id:[0-9]{{1,12}}}}/{{what:{'|'.join(cases.STEPS)}}}", _writing(page, cases.change))
    app.router.add_post("/drafts/{id:[0-9]{1,12}}/{action}", _writing(page, drafts.take_decision))
    app.router.add_get("/aside", _reading(page, aside.show))
    app.router.add_get("/aside/{id:[0-9]{1,12}}/draft", _reading(page, aside.back))
    app.router.add_post("/aside/{id:[0-9]{1,12}}/draft", _writing(page, aside.draft))
    app.router.add_get("/replies", _reading(page, replies.show))
    app.router.add_get("/afterwards", _reading(page, afterwards.show))
    app.router.add_get("/digest", _reading(page, digests.show))
    app.router.add_post("/digest", _writing(page, digests.switch))
    app.router.add_get(OFF + "{mark}", _open(page, digests.show_by_link))
    app.router.add_post(OFF + "{mark}", _entering(page, digests.switch_by_link))
    app.router.add_get("/reports", _reading(page, reports.show))
    app.router.add_get("/sources", _reading(page, sources.show))
    app.router.add_get(PATH + "{mark}", _open(page, voting.show))
    app.router.add_post(PATH + "{mark}", _entering(page, voting.vote))
    app.router.add_static("/static", STATIC)
    return app


def _open(page: PageContext, view: View) -> Handler:
    """For everybody."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await view(await open_visit(page, request))

    return handle


def _reading(page: PageContext, view: View) -> Handler:
    """For those who are signed in."""

    async def handle(request: web.Request) -> web.StreamResponse:
        visit = await open_visit(page, request)
        if visit.session is None:
            return _ask_to_sign_in(visit)
        return await view(visit)

    return handle


def _entering(page: PageContext, view: Decide) -> Handler:
    """A form of somebody who has no session: the token that comes with it is what protects it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await view(await open_visit(page, request), await read_form(request))

    return handle


def _writing(page: PageContext, view: Decide) -> Handler:
    """A form of those who are signed in, sent from one of our own pages."""

    async def handle(request: web.Request) -> web.StreamResponse:
        visit, form = await open_visit(page, request), await read_form(request)
        if visit.session is None or not same_token(visit.session.csrf, form.line("csrf")):
            return visit.show("refused.html", status=403, typed=form.text("text"))
        return await view(visit, form)

    return handle


def _ask_to_sign_in(visit: Visit) -> web.Response:
    """A link in a mail is opened from another site, and the strict cookie stays at home: the page asks once more."""
    request = visit.request
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and "again" not in request.query:
        return visit.show("again.html", address=str(request.rel_url.update_query(again="1")))
    return see_other("/sign-in")


def _protection(page: PageContext) -> Middleware:
    @web.middleware
    async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
        if for_machines(request.path):
            return await handler(request)
        response = await _answer(page, request, handler)
        put_under_protection(response)
        kept = request.path.startswith("/static/") and response.status in (200, 304)
        response.headers["Cache-Control"] = KEPT_FOR_EVER if kept else NEVER_KEPT
        return response

    return protect


async def _answer(page: PageContext, request: web.Request, handler: Handler) -> web.StreamResponse:
    if not host_allowed(request.host, page.options):
        text = "This address is not the page's own. Set page.url in config.toml to the one that people use.\n"
        return web.Response(status=421, text=text)
    try:
        return await _handled(page, request, handler)
    except StoreBusy:
        text = "The database is busy or the disk is full. Nothing was changed; try again in a moment.\n"
        return web.Response(status=503, text=text, headers={"Retry-After": "5"})


async def _handled(page: PageContext, request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or a page in the reader's language that says why there is none."""
    try:
        if request.method not in SAFE_METHODS and cross_site(request, page.options):
            raise web.HTTPForbidden
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            return error
        visit = await open_visit(page, request)
        return visit.show("error.html", error.status, status_code=error.status)
