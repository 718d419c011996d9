"""Rows of `source` and `notice`: when each source is polled next, and how it fares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.store.engine import Engine, Row, instant, moment, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is known of a source between two polls. `due` is None once it was stopped."""

    name: str
    kind: str
    cursor: str
    due: datetime | None
    status: str  # new, ok, waiting, failing, stopped
    failures: int
    refusals: int
    last_ok: datetime | None
    last_error: str  # of a waiting one: why it waits
    error_at: datetime | None
    cause: str = ""  # of the last error: "code", or "code: what is quoted"
    mentions: int = 0
    silent_since: datetime | None = None  # longer than usual


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """How a poll ended and when the next one is due; None stops the source until a person acts.

    `cursor` None keeps the old one.
    """

    source: str
    status: str
    failures: int
    refusals: int
    due: datetime | None
    at: datetime
    cursor: str | None = None
    error: str = ""
    cause: str = ""
    notice: str = ""  # code of what people are told, once
    begun: datetime | None = None  # None: at `at`


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """Something a person is told once: a source stopped, or came back."""

    id: int
    at: datetime
    source: str
    code: str
    text: str
    cause: str = ""


class Sources:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def configure(self, kinds: Mapping[str, str], now: datetime) -> None:
        """Make the table match config.toml (name -> kind), at a start, while nobody else polls.

        A stopped source gets a new chance, and one whose poll a crash cut off is read again at once.
        """
        with self._engine.writing() as connection:
            connection.execute("UPDATE source SET configured = 0")
            for name, kind in kinds.items():
                connection.execute(
                    "INSERT INTO source (name, kind, configured, cursor, due, status, failures, refusals, last_error)"
                    " VALUES (:name, :kind, 1, '', :now, 'new', 0, 0, '')"
                    " ON CONFLICT (name) DO UPDATE SET configured = 1,"
                    " cursor = CASE WHEN kind = :kind THEN cursor ELSE '' END, kind = :kind,"
                    " status = CASE WHEN status = 'stopped' THEN 'failing' ELSE status END, refusals = 0,"
                    " due = CASE WHEN due IS NULL OR leased_at IS NOT NULL THEN :now ELSE due END, leased_at = NULL,"
                    " pulled = 0",
                    {"name": name, "kind": kind, "now": now.timestamp()},
                )

    def claim_due(self, now: datetime, lease: datetime, limit: int) -> list[SourceState]:
        """Sources whose time has come. Their `due` becomes `lease` first, so a crash makes them late, never lost."""
        with self._engine.writing() as connection:
            rows = connection.execute(
                "UPDATE source SET due = ?, leased_at = ? WHERE name IN"
                " (SELECT name FROM source WHERE configured AND due <= ? ORDER BY due LIMIT ?) RETURNING *",
                (lease.timestamp(), now.timestamp(), now.timestamp(), limit),
            ).fetchall()
        return [_state(row) for row in rows]

    def next_due(self) -> datetime | None:
        row = self._engine.row("SELECT min(due) FROM source WHERE configured")
        return moment(row[0]) if row else None

    def reschedule(self, dues: Mapping[str, datetime]) -> None:
        """Mend due times that a clock jump made absurd."""
        with self._engine.writing() as connection:
            connection.executemany(
                "UPDATE source SET due = ? WHERE name = ?", [(due.timestamp(), name) for name, due in dues.items()]
            )

    def pull_forward(self, name: str, now: datetime) -> None:
        """Read this one now, and one that is being read once more at once; unless it stays away after a failure, or
        waits for a person."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE source SET due = CASE WHEN leased_at IS NULL THEN :now ELSE due END,"
                " pulled = leased_at IS NOT NULL WHERE name = :name AND due > :now AND status IN ('new', 'ok')",
                {"name": name, "now": now.timestamp()},
            )

    def record(self, *polls: PollRecord) -> None:
        """How polls ended that brought nothing; all of them in one transaction."""
        with self._engine.writing() as connection:
            for poll in polls:
                record_poll(connection, poll)

    def all(self) -> list[SourceState]:
        return [
            _state(row, row["mentions"])
            for row in self._engine.rows(
                "SELECT *, (SELECT count(*) FROM mention WHERE mention.source = source.name) AS mentions"
                " FROM source WHERE configured ORDER BY name"
            )
        ]

    def names(self) -> list[str]:
        """Every source that ever brought a mention or is configured, for filters."""
        return [row[0] for row in self._engine.rows("SELECT name FROM source ORDER BY name")]

    def removed(self) -> dict[str, str]:
        """The kind of each source that is no longer in config.toml, by its name."""
        rows = self._engine.rows("SELECT name, kind FROM source WHERE NOT configured")
        return {row["name"]: row["kind"] for row in rows}

    def notices(self, limit: int = 20) -> list[NoticeRow]:
        """The newest, newest first."""
        return [_notice(row) for row in self._engine.rows("SELECT * FROM notice ORDER BY id DESC LIMIT ?", (limit,))]

    def notices_after(self, last: int, limit: int = 100) -> list[NoticeRow]:
        """Those with a higher id, oldest first."""
        rows = self._engine.rows("SELECT * FROM notice WHERE id > ? ORDER BY id LIMIT ?", (last, limit))
        return [_notice(row) for row in rows]


def _notice(row: Row) -> NoticeRow:
    return NoticeRow(
        id=row["id"],
        at=instant(row["at"]),
        source=row["source"],
        code=row["code"],
        text=row["text"],
        cause=row["cause"],
    )


def record_poll(connection: Connection, poll: PollRecord) -> None:
    """Part of the transaction that saves a page, or a transaction of its own."""
    connection.execute(
        "UPDATE source SET status = :status, failures = :failures, refusals = :refusals,"
        " due = CASE WHEN pulled AND :status = 'ok' THEN :at ELSE :due END, pulled = 0, leased_at = NULL,"
        " cursor = coalesce(:cursor, cursor),"
        " last_ok = CASE WHEN :error = '' THEN :at ELSE last_ok END,"
        " last_error = :error, cause = :cause,"
        " error_at = CASE WHEN :error = '' OR :status = 'waiting' THEN error_at ELSE :at END WHERE name = :source",
        {
            "source": poll.source,
            "status": poll.status,
            "failures": poll.failures,
            "refusals": poll.refusals,
            "due": seconds(poll.due),
            "cursor": poll.cursor,
            "at": poll.at.timestamp(),
            "error": poll.error,
            "cause": poll.cause,
        },
    )
    if poll.notice:
        connection.execute(
            "INSERT INTO notice (at, source, code, text, cause) VALUES (?, ?, ?, ?, ?)",
            (poll.at.timestamp(), poll.source, poll.notice, poll.error, poll.cause),
        )


def _state(row: Row, mentions: int = 0) -> SourceState:
    return SourceState(
        name=row["name"],
        kind=row["kind"],
        cursor=row["cursor"],
        due=moment(row["due"]),
        status=row["status"],
        failures=row["failures"],
        refusals=row["refusals"],
        last_ok=moment(row["last_ok"]),
        last_error=row["last_error"] or "",
        error_at=moment(row["error_at"]),
        cause=row["cause"],
        mentions=mentions,
        silent_since=moment(row["silent_since"]),
    )
