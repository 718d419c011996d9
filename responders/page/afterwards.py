"""What customers did after our answers: changed stars, wrote again, said how we handled it."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from responders.page.context import Visit

DAYS = 30


async def show(visit: Visit) -> web.Response:
    store, since = visit.page.store, visit.now - timedelta(days=DAYS)
    found = await store.run(store.follow_ups.newest, since)
    aftermath = await store.run(store.follow_ups.aftermath, since, visit.now)
    return visit.show("afterwards.html", found=found, aftermath=aftermath, days=DAYS)
