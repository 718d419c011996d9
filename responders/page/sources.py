"""How the sources fare, and the company's own channels."""

from __future__ import annotations

from aiohttp import web

from monitor.budgets import Budget, Rolling, Standing, standing
from monitor.store.budgets import BudgetRow
from responders.page.context import Visit


async def show(visit: Visit) -> web.Response:
    store = visit.page.store
    return visit.show(
        "sources.html",
        sources=await store.run(store.sources.all),
        budgets=_budgets(visit, await store.run(store.budgets.all)),
        channels=await store.run(store.channels.standing),
    )


def _budgets(visit: Visit, rows: list[BudgetRow]) -> list[tuple[Budget, Standing, tuple[str, ...]]]:
    """Those of a day or a month; shorter ones are new again before anybody looks."""
    now = visit.page.clock()
    return [
        (row.budget, standing(row.budget, row.spending, now), row.sources)
        for row in rows
        if not isinstance(row.budget.window, Rolling)
    ]
