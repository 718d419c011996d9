"""Which drafts belong to which list: one's own queue, the others', what is put away, what is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Literal

from monitor.model import DraftState

Tab = Literal["mine", "others", "snoozed", "waiting", "approved", "unknown", "done", "all"]

# "waiting" is all that waits: "mine", "others" and "snoozed" together
TABS: dict[Tab, tuple[DraftState, ...]] = {
    "mine": (DraftState.PENDING, DraftState.FAILED),
    "others": (DraftState.PENDING, DraftState.FAILED),
    "snoozed": (DraftState.PENDING, DraftState.FAILED),
    "waiting": (DraftState.PENDING, DraftState.FAILED),
    "approved": (DraftState.APPROVED, DraftState.PUBLISHING),
    "unknown": (DraftState.UNKNOWN,),
    "done": (DraftState.PUBLISHED, DraftState.REJECTED, DraftState.EXPIRED, DraftState.SUPERSEDED),
    "all": tuple(DraftState),
}

OF_SOMEBODY: tuple[Tab, ...] = ("mine", "others", "snoozed")  # these depend on who looks, and when
_NO_NAME = "\0"  # nobody is called so
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Whose queues are looked at, and when. `languages` and `sources` are what this person answers, empty for all."""

    name: str = ""
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    now: datetime = _LONG_AGO


NOBODY = Viewer()

_SNOOZED = "(draft.watched OR coalesce(draft.snoozed_until, 0) > :now)"
_TAKEN = "(draft.claimed_by <> '' AND draft.claimed_until > :now)"
_MY_KIND = (
    "(:languages = '[]' OR draft.language IN (SELECT value FROM json_each(:languages)))"
    " AND (:sources = '[]' OR (SELECT source FROM mention WHERE mention.id = draft.mention_id)"
    " IN (SELECT value FROM json_each(:sources)))"
)
# As responders.clocks.holders has it: the claimer, else the assignee, else anybody who was asked. Whoever was called
# by an escalation has it, too; what nobody was asked about yet is everybody's who answers such things.
_MINE = (
    f"CASE WHEN {_TAKEN} THEN draft.claimed_by = :me"
    " WHEN draft.assignee = :me THEN 1"
    " WHEN draft.assignee = '' OR draft.level >= 2 THEN"
    f" CASE WHEN draft.routed THEN instr(draft.team, :quoted) > 0 ELSE {_MY_KIND} END"
    " ELSE 0 END"
)
_OF_TAB: dict[str, str] = {
    "mine": f"NOT {_SNOOZED} AND {_MINE}",
    "others": f"NOT {_SNOOZED} AND NOT {_MINE}",
    "snoozed": _SNOOZED,
}


def belongs(tab: Tab) -> str:
    """The condition on `draft` for `tab`. The states stand in the text, so that partial indexes are found."""
    states = f"draft.state IN ({', '.join(repr(state.value) for state in TABS[tab])})"
    return f"{states} AND {_OF_TAB[tab]}" if tab in _OF_TAB else states


def looking(viewer: Viewer) -> Mapping[str, object]:
    """The values for `belongs`."""
    return {
        "me": viewer.name or _NO_NAME,
        "quoted": json.dumps(viewer.name or _NO_NAME),  # as it stands in `team`
        "languages": json.dumps(viewer.languages),
        "sources": json.dumps(viewer.sources),
        "now": viewer.now.timestamp(),
    }


def count_tabs(connection: Connection, viewer: Viewer) -> dict[str, int]:
    states = dict(connection.execute("SELECT state, count(*) FROM draft GROUP BY state").fetchall())
    counts: dict[str, int] = {tab: sum(states.get(state, 0) for state in members) for tab, members in TABS.items()}
    away, mine = connection.execute(
        f"SELECT coalesce(sum({_SNOOZED}), 0), coalesce(sum({_OF_TAB['mine']}), 0) FROM draft"
        f" WHERE {belongs('waiting')}",
        looking(viewer),
    ).fetchone()
    return counts | {"mine": mine, "snoozed": away, "others": counts["waiting"] - away - mine}
