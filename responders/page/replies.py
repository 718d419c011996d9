"""How drafts fare with people: what is taken as it is, what is changed, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from monitor.store.counting import Accepted
from responders.acceptance import ALL, Acceptance, acceptance
from responders.page.context import Visit

DAYS = 30
PARTS = (ALL, "apology", "interest", "solution", "thanks", "personal", "invitation", "body")
SENTENCES = 50  # more are not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table; `part` is "" for the whole text."""

    language: str
    author: str
    part: str
    tally: Accepted


async def show(visit: Visit) -> web.Response:
    found = await visit.page.store.run(_look, visit)
    return visit.show("replies.html", found=found, rows=_rows(found), days=DAYS, sentences=found.sentences[:SENTENCES])


def _look(visit: Visit) -> Acceptance:
    return acceptance(visit.page.store.edits.since(visit.now - timedelta(days=DAYS)))


def _rows(found: Acceptance) -> list[Row]:
    rows = [Row(language=key[0], author=key[1], part=key[2], tally=tally) for key, tally in found.tallies.items()]
    order = {part: number for number, part in enumerate(PARTS)}
    return sorted(rows, key=lambda row: (row.language, row.author, order.get(row.part, len(order))))
