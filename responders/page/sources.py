"""How the sources fare."""

from __future__ import annotations

from aiohttp import web

from responders.page.context import Visit


async def show(visit: Visit) -> web.Response:
    store = visit.page.store
    return visit.show("sources.html", sources=await store.run(store.sources.all))
