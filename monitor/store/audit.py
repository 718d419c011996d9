"""Rows of `decision`: who did what with which text, when, through what. Only ever added to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from sqlite3 import Connection

from monitor.model import DraftState, text_hash
from monitor.store.engine import Row, placeholders

OHLAS = "ohlas"  # the actor of what happens without a person


def write_decision(
    connection: Connection,
    draft: Row,
    action: str,
    *,
    actor: str = OHLAS,
    via: str = "service",
    at: datetime,
    reason: str = "",
    cause: str = "",
) -> None:
    """Add a line about `draft`, the row as it is after the change. `cause` is the code of an English `reason`."""
    connection.execute(
        "INSERT INTO decision (draft_id, rev, action, actor, via, at, text_hash, reason, cause, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            draft["id"],
            draft["rev"],
            action,
            actor,
            via,
            at.timestamp(),
            text_hash(draft["text"]),
            reason,
            cause,
            draft["state"],
        ),
    )


def move_draft(
    connection: Connection,
    mention_id: int,
    sources: Collection[DraftState],
    target: DraftState,
    action: str,
    at: datetime,
) -> None:
    """Move the drafts that answer a mention, where they are in one of `sources`, and write down why."""
    drafts = connection.execute(
        "UPDATE draft SET state = ?, updated_at = ?, publish_after = NULL, approved_hash = ''"
        f" WHERE mention_id = ? AND state IN ({placeholders(len(sources))}) RETURNING *",
        (target, at.timestamp(), mention_id, *sources),
    ).fetchall()
    for draft in drafts:
        write_decision(connection, draft, action, at=at)


def newest_draft(connection: Connection, mention_id: int) -> Row | None:
    """The answer rather than the acknowledgement that came before it."""
    row: Row | None = connection.execute(
        "SELECT * FROM draft WHERE mention_id = ? ORDER BY id DESC LIMIT 1", (mention_id,)
    ).fetchone()
    return row
