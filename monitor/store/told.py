"""Rows of `told`: what deliveries named and did not hold, until it is read."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from monitor.contract import Page
from monitor.store.engine import Engine, instant

_SOONEST, _LATEST = 600.0, 86_400.0  # seconds after which what could not be read is told again


class ToldRows:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, source: str, now: datetime, limit: int = 100) -> dict[str, datetime]:
        """Names, those that wait for longest first, and when each was told."""
        rows = self._engine.rows(
            "SELECT name, at FROM told WHERE source = ? AND due <= ? ORDER BY due LIMIT ?",
            (source, now.timestamp(), limit),
        )
        return {row["name"]: instant(row["at"]) for row in rows}


def note_told(connection: Connection, source: str, page: Page, now: datetime, begun: datetime) -> None:
    """Part of the transaction that saves `page`, which began to be read at `begun`: what was told again since then is
    read again. What is put off is due again when it waits for twice as long."""
    moment, since = now.timestamp(), begun.timestamp()
    connection.executemany(
        "INSERT INTO told (source, name, at, due) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (source, name) DO UPDATE SET due = excluded.due",
        [(source, name, moment, moment) for name in page.told],
    )
    connection.executemany(
        "DELETE FROM told WHERE source = ? AND name = ? AND due <= ?", [(source, name, since) for name in page.read]
    )
    connection.executemany(
        "UPDATE told SET due = ?1 + min(max(?1 - at, ?2), ?3) WHERE source = ?4 AND name = ?5 AND due <= ?6",
        [(moment, _SOONEST, _LATEST, source, name, since) for name in page.put_off],
    )
