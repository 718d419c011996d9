"""When each kept mention was looked at last: those whose turn it is, and those that were not for too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection

from monitor.store.engine import Engine

# What was never looked at again was so when it came.
STEPS = (
    "ALTER TABLE mention ADD COLUMN looked_at FLOAT",
    "CREATE INDEX idx_mention_looked ON mention(source, coalesce(looked_at, seen_at))"
    " WHERE erased_at IS NULL AND gone_at IS NULL",
)
_KEPT = (
    "FROM mention INDEXED BY idx_mention_looked WHERE source = ? AND coalesce(looked_at, seen_at) <= ?"
    " AND erased_at IS NULL AND gone_at IS NULL"
)
_WELL = "(SELECT status FROM source WHERE name = ?) IN ('new', 'ok', 'waiting')"
_LONGEST_AGO = "ORDER BY coalesce(looked_at, seen_at) LIMIT ?"


class Looks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, source: str, before: datetime, limit: int) -> list[str]:
        """Ids at the source of what was not looked at since then, longest ago first; none while it cannot be read."""
        rows = self._engine.rows(
            f"SELECT external_id {_KEPT} AND {_WELL} {_LONGEST_AGO}", (source, before.timestamp(), source, limit)
        )
        return [row["external_id"] for row in rows]

    def overdue(self, source: str, before: datetime, limit: int) -> list[int]:
        """Mentions that were not looked at since then."""
        rows = self._engine.rows(f"SELECT id {_KEPT} {_LONGEST_AGO}", (source, before.timestamp(), limit))
        return [row["id"] for row in rows]


def create(connection: Connection) -> None:
    for step in STEPS:
        connection.execute(step)


def note_looked(connection: Connection, source: str, ids: Sequence[str], now: datetime) -> None:
    """Part of the transaction that saves a page."""
    connection.executemany(
        "UPDATE mention SET looked_at = ? WHERE source = ? AND external_id = ?",
        [(now.timestamp(), source, one) for one in ids],
    )
