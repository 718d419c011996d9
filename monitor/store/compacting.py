"""Bytes that rows leave behind when they lose their words: in the search index, in the log, in gaps between rows.

SQLite's own `secure_delete` overwrites what is deleted, but not what was moved from one page to another before: of
1,000 mentions erased among 20,000, 15 to 30 left something in such a gap. Only rewriting the file is sure.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from monitor.errors import StoreBusy
from monitor.store.backups import Backups, holding
from monitor.store.engine import Engine
from monitor.store.erasing import Erasing, Erasure
from monitor.store.tombstones import buried

log = logging.getLogger(__name__)

MERGE_PAGES = 64  # of the search index that one step writes anew
_INDEX = "mention_text_fts"


class Compacting:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def merge_index(self, first: bool) -> bool:
        """One short step of writing the search index anew without what was deleted. True while there is more."""
        with self._engine.writing() as connection:
            before = connection.total_changes
            # a negative number makes one piece of all pieces, the positive ones after it go on with that
            pages = -MERGE_PAGES if first else MERGE_PAGES
            connection.execute(f"INSERT INTO {_INDEX} ({_INDEX}, rank) VALUES ('merge', ?)", (pages,))
            return first or connection.total_changes - before >= 2

    def forget_in_cursors(self) -> None:
        """Some connectors remember which posts they look at again; erased ones they look at no more."""
        with self._engine.writing() as connection:
            for row in connection.execute("SELECT name, cursor FROM source WHERE cursor <> ''").fetchall():
                cursor = _without_erased(connection, row["name"], row["cursor"])
                if cursor != row["cursor"]:
                    connection.execute("UPDATE source SET cursor = ? WHERE name = ?", (cursor, row["name"]))

    def rewrite(self) -> None:
        """Write the whole file anew. Others may read meanwhile, but not write: about a second per 100 MB.

        Raises StoreBusy where somebody writes just now, or where there is no room for a second copy.
        """
        self._engine.rewrite()

    def empty_log(self) -> bool:
        """Put what the log holds into the file and cut the log to nothing. False where somebody reads just now."""
        return int(self._engine.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]) == 0


def scour(path: Path, erasures: Sequence[Erasure], now: datetime) -> bool:
    """Let no byte of what was erased be left in the database's file, its log or its backups.

    Blocks, on a connection of its own, so that others read meanwhile. False where somebody reads or writes just now:
    it is to be tried again. May run twice.
    """
    engine = Engine(path)
    try:
        _scour(engine, erasures)
        if not Compacting(engine).empty_log():
            return False
        Erasing(engine).finish([one.id for one in erasures], now)
        return True
    except StoreBusy as busy:
        log.warning("the database cannot be written anew yet; this is tried again: %s", busy)
        return False
    finally:
        engine.close()


def _scour(engine: Engine, erasures: Sequence[Erasure]) -> None:
    compacting, backups = Compacting(engine), Backups(engine)
    first = True
    while compacting.merge_index(first):
        first = False
    compacting.forget_in_cursors()
    compacting.rewrite()
    asked = [one.since for one in erasures if one.why == "asked"]
    if asked and (old := holding(backups.all(), min(asked))):
        backups.remove(old)
        backups.make("after-erasing")


def _without_erased(connection: Connection, source: str, cursor: str) -> str:
    try:
        known = json.loads(cursor)
    except ValueError:
        return cursor
    names = buried(connection, source, _names(known))
    return json.dumps(_less(known, names), ensure_ascii=False, separators=(",", ":")) if names else cursor


def _names(known: Any) -> set[str]:
    """Keys and members of lists: what a cursor says of single posts."""
    if isinstance(known, dict):
        return set(known) | {name for value in known.values() for name in _names(value)}
    if isinstance(known, list):
        return {one if isinstance(one, str) else "" for one in known} | {name for one in known for name in _names(one)}
    return set()


def _less(known: Any, names: dict[str, str]) -> Any:
    if isinstance(known, dict):
        return {key: _less(value, names) for key, value in known.items() if key not in names}
    if isinstance(known, list):
        return [_less(one, names) for one in known if not (isinstance(one, str) and one in names)]
    return known
