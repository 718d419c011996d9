"""What just happened, said once at the top of the next page.

The address only names a draft. What is said is read from the audit list, so a made-up address cannot claim that
something was approved when it was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from monitor.errors import NoSuchDraft
from monitor.model import Draft
from monitor.store.views import HistoryEntry
from responders.page.context import Visit
from responders.page.forms import whole_number

FRESH = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    draft: Draft
    entry: HistoryEntry


async def read_news(visit: Visit) -> News | None:
    """The reader's own last decision about the draft that the address names, if it is fresh."""
    draft_id = whole_number(visit.request.query.get("after", ""), 10**11)
    if not draft_id:
        return None
    try:
        matter = await visit.page.store.run(visit.page.store.views.matter, draft_id)
    except NoSuchDraft:
        return None
    own = [entry for entry in matter.history if entry.actor == visit.person and visit.now - entry.at < FRESH]
    return News(draft=matter.draft, entry=own[-1]) if own else None
