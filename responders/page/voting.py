"""Where a customer says how his case was handled. Open to everybody who has the link; a look at it votes nothing."""

from __future__ import annotations

from aiohttp import web

from monitor.store.follow_ups import SCORES
from responders.page.context import Visit
from responders.page.forms import Form
from responders.satisfaction import LinkError, Questions

LONGEST = 2000  # characters of what the customer adds


async def show(visit: Visit) -> web.Response:
    _case(visit)
    return visit.show("vote.html", scores=SCORES, score="", longest=LONGEST)


async def vote(visit: Visit, form: Form) -> web.Response:
    questions, case_id = _case(visit)
    score, said = form.line("score"), form.text("said").strip()[:LONGEST]
    if score not in SCORES:
        raise web.HTTPBadRequest
    store = visit.page.store
    since = visit.now - questions.valid
    if not await store.run(store.follow_ups.vote, case_id, score, said, since=since, now=visit.now):
        return visit.show("vote.html", status=410, scores=(), score="", longest=LONGEST)
    return visit.show("vote.html", scores=SCORES, score=score, longest=LONGEST)


def _case(visit: Visit) -> tuple[Questions, int]:
    questions = visit.page.questions
    if questions is None:
        raise web.HTTPNotFound
    try:
        return questions, questions.case(visit.request.match_info["mark"])
    except LinkError as error:
        raise web.HTTPNotFound from error
