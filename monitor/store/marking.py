"""Marks for mentions that an earlier version took in, which wrote none, or which wrote other ones."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from monitor.linking import Linker
from monitor.store.codec import load_mention
from monitor.store.engine import Engine, Row
from monitor.store.marks import key_of, marks_of

_MARKED = "marked"  # the name of that setting


class Marking:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def marked(self) -> str:
        """For what all mentions have their marks, as `finish` was told last; "" before that."""
        row = self._engine.row("SELECT value FROM setting WHERE name = ?", (_MARKED,))
        return row["value"] if row else ""

    def finish(self, marked: str) -> None:
        with self._engine.writing() as connection:
            connection.execute(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_MARKED, marked),
            )

    def mark(self, linker: Linker, since: datetime, before: int | None, limit: int) -> int | None:
        """Give at most `limit` mentions that were written since then the marks that they lack, the newest first.

        `before` is the row to go on below, None at the newest. Returns where the next call goes on, None at the end.
        What has no case yet gets its marks together with that.
        """
        with self._engine.writing() as connection:
            rows = connection.execute(
                "SELECT * FROM mention JOIN mention_text USING (id) WHERE id < ? ORDER BY id DESC LIMIT ?",
                (before or 2**62, limit),
            ).fetchall()
            _add(connection, [row for row in rows if _joins(row, since)], linker)
        # rows are in the order in which they came, and what came before `since` was written before it, too
        more = len(rows) == limit and any(row["seen_at"] >= since.timestamp() for row in rows)
        return int(rows[-1]["id"]) if more else None


def _joins(row: Row, since: datetime) -> bool:
    written_since = row["created_at"] >= since.timestamp()
    return written_since and row["case_id"] is not None and row["erased_at"] is None


def _add(connection: Connection, rows: list[Row], linker: Linker) -> None:
    """Nothing is taken away: an account that has no mark any more is no longer linked to others."""
    key = key_of(connection)
    traits = ((row["id"], linker.traits(load_mention(row))) for row in rows)
    connection.executemany(
        "INSERT OR IGNORE INTO mention_mark (hash, mention_id, kind) VALUES (?, ?, ?)",
        [(mark.hash, row_id, mark.kind) for row_id, found in traits if found for mark in marks_of(found, key)],
    )
