"""Taking a draft, letting it go, handing it on, snoozing and escalating it: the forms beside the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import cast, get_args

from aiohttp import web

from monitor.errors import DecisionRefused, NoSuchDraft, StoreBusy
from responders.approval import deciding
from responders.holding import Rest, bring_forward, hand_on, morning, rested, wake
from responders.page.context import Visit, see_other
from responders.page.drafts import STATUSES, Refusal, draft_id, following, show_draft
from responders.page.forms import Form, filter_query, read_filter

VIA = "page"
MOVING_ON = ("snooze", "assign")  # after these it is not one's own any more


class NoDay(DecisionRefused):
    """A snooze came without a day that lies ahead."""


async def hold(visit: Visit, form: Form) -> web.Response:
    """Leads on to the next draft where this one has left one's queue."""
    what = visit.request.match_info["what"]
    try:
        await visit.page.store.run(STEPS[what], visit, form)
    except NoSuchDraft:
        raise web.HTTPNotFound from None
    except (DecisionRefused, StoreBusy) as error:
        refusal = Refusal(error=error, action=what, form=form)
        return await show_draft(visit, status=STATUSES.get(type(error), 422), refusal=refusal)
    return see_other(await _onwards(visit, form, what))


async def _onwards(visit: Visit, form: Form, what: str) -> str:
    here, wanted = draft_id(visit), read_filter(visit)
    if what in MOVING_ON and form.line("person") != visit.person:
        return await following(visit, wanted, here)
    if what == "claim" and form.line("then") == "edit":
        return f"/drafts/{here}{filter_query(wanted, edit=1)}#text"
    return f"/drafts/{here}{filter_query(wanted, after='' if what in ('claim', 'release') else here)}"


def _claim(visit: Visit, form: Form) -> None:
    page = visit.page
    page.store.asking.claim(draft_id(visit), visit.person, visit.now + page.lease, via=VIA, now=visit.now)


def _release(visit: Visit, form: Form) -> None:
    visit.page.store.asking.release(draft_id(visit), visit.person)


def _assign(visit: Visit, form: Form) -> None:
    page, to = visit.page, form.line("person")
    hand_on(page.store, page.rules.people, draft_id(visit), to, actor=visit.person, via=VIA, now=visit.now)


def _snooze(visit: Visit, form: Form) -> None:
    rest, times = form.line("rest"), visit.page.times
    if rest in get_args(Rest):
        until = rested(cast(Rest, rest), visit.now, times)
    else:
        until = morning(_day(visit, form), times)
    visit.page.store.asking.snooze(draft_id(visit), until, actor=visit.person, via=VIA, now=visit.now)


def _day(visit: Visit, form: Form) -> date:
    try:
        day = date.fromisoformat(form.line("day"))
    except ValueError:
        raise NoDay("no day was given") from None
    today = visit.now.astimezone(visit.page.times.zone).date()
    if not today < day or day.year > today.year + 1:
        raise NoDay(f"{day} does not lie ahead")
    return day


def _wake(visit: Visit, form: Form) -> None:
    wake(visit.page.store, draft_id(visit), visit.page.times, actor=visit.person, via=VIA, now=visit.now)


def _escalate(visit: Visit, form: Form) -> None:
    bring_forward(visit.page.store, draft_id(visit), actor=visit.person, via=VIA, now=visit.now)


def _by_who_may(step: Callable[[Visit, Form], None]) -> Callable[[Visit, Form], None]:
    def checked(visit: Visit, form: Form) -> None:
        deciding(visit.page.rules.people, visit.person)
        step(visit, form)

    return checked


STEPS: Mapping[str, Callable[[Visit, Form], None]] = {
    "claim": _by_who_may(_claim),
    "release": _by_who_may(_release),
    "assign": _by_who_may(_assign),
    "snooze": _by_who_may(_snooze),
    "wake": _by_who_may(_wake),
    "escalate": _by_who_may(_escalate),
}
