"""One SQLite connection: opening, pragmas, transactions, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

Row = sqlite3.Row
SCHEMA_VERSION = 29  # how many steps monitor/store/schema.py has; kept in the file, so that most starts need not look
# beginnings of names, for SQLite's extended codes (SQLITE_IOERR_WRITE) start with the plain one
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "journal_size_limit=67108864",
    "secure_delete=ON",  # what is deleted is overwritten; some builds of SQLite do so anyway, others do not
)


class Engine:
    """The connection that every table's class shares. Safe to call from several threads, one at a time."""

    def __init__(self, path: Path, *, busy_timeout: float = 5.0) -> None:
        self.path = path
        self._lock = threading.RLock()
        with _named_errors():
            self.connection = sqlite3.connect(
                path, timeout=busy_timeout, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            self.connection.row_factory = sqlite3.Row
            for pragma in _PRAGMAS:
                self.connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction. `durable` survives a power cut too: decisions and the attempt ledger need it."""
        with self._lock, _named_errors():
            if durable:
                self.connection.execute("PRAGMA synchronous=FULL")
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self.connection
                    self.connection.execute("COMMIT")
                except BaseException:
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                    raise
            finally:
                if durable:
                    self.connection.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several SELECTs that see the same moment."""
        with self._lock, _named_errors():
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        with self._lock, _named_errors():
            return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def close(self) -> None:
        with self._lock:
            self.connection.close()

    def check(self) -> None:
        """Raise StoreError where the file is damaged."""
        found = self.rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise StoreError(f"{self.path} is damaged ({found}). Stop Ohlas and put back the newest of {self.backups}.")

    def rewrite(self) -> None:
        """Write the file anew, without a trace of what was deleted."""
        with self._lock, _named_errors():
            self.connection.execute("VACUUM")

    @property
    def backups(self) -> Path:
        return self.path.parent / "backups"

    @cached_property
    def database(self) -> Database:
        """The same connection through sqlite-utils, for what is not on the hot path."""
        # imported late: it costs as much time as all the rest of the store
        from sqlite_utils import Database

        return Database(self.connection, execute_plugins=False)

    def migrate(self) -> None:
        """Bring the tables up to date, one backed-up step at a time."""
        if self.rows("PRAGMA user_version")[0][0] == SCHEMA_VERSION:
            return
        from monitor.store import schema

        with _named_errors():
            schema.migrate(self.database, self.path, self.backup)
            self.connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def backup(self, why: str) -> Path:
        """Copy the whole database into `backups/`, consistently, while it is in use."""
        self.backups.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.backups / f"ohlas-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{why}.db"
        with self._lock, _named_errors():
            copy = sqlite3.connect(target)
            try:
                self.connection.backup(copy)
            finally:
                copy.close()
        return target


@contextmanager
def _named_errors() -> Iterator[None]:
    """Name SQLite's errors by what the caller does next: wait, or call a person."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(BUSY):
            raise StoreBusy(f"the database cannot be written just now: {error}") from error
        if code.startswith(DAMAGED):
            raise StoreError(f"the database cannot be used: {error}. Put back the newest backup.") from error
        raise


def placeholders(count: int) -> str:
    return ",".join("?" * count)


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def moment(value: float | None) -> datetime | None:
    return None if value is None else instant(value)


def instant(value: float) -> datetime:
    return datetime.fromtimestamp(value, UTC)
