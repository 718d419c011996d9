"""Rows of `channel`: how the company's own pages, profiles, form and mailbox fare, and when each is looked at next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.engine import Engine, Row, instant, moment, seconds

_FARTHEST = timedelta(days=2)  # a look that is planned later was planned before the clock was set back
_LOCAL = "('file', 'webhook')"  # kinds of sources that are read without a network


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What is known of a channel between two looks. `code` and `detail` say why it is as it is, "" where it is fine;
    `since` is when the trouble was first seen, None where there is none."""

    key: str
    kind: str  # page, profile, form, mailbox
    name: str  # its address, as people are shown it
    health: str  # new, ok, warning, unknown, failing, broken
    failures: int
    tries: int
    since: datetime | None
    code: str
    detail: str
    warned: str
    due: datetime
    checked_at: datetime | None
    ok_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRecord:
    """How a look ended. `notices` are codes of what people are told of the channel `name`, once."""

    key: str
    name: str
    health: str
    failures: int
    tries: int
    since: datetime | None
    code: str
    detail: str
    warned: str
    due: datetime
    at: datetime
    works: bool
    notices: Sequence[str] = ()


class Channels:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def configure(self, channels: Mapping[str, tuple[str, str]], now: datetime) -> None:
        """Make the table match config.toml (key -> kind and name) at a start. What was found is kept; what is not
        fine is looked at again at once, since whoever starts Ohlas may have mended it."""
        with self._engine.writing() as connection:
            connection.execute("UPDATE channel SET configured = 0")
            for key, (kind, name) in channels.items():
                connection.execute(
                    "INSERT INTO channel (key, kind, name, configured, due, health, failures, tries, code, detail,"
                    " warned) VALUES (:key, :kind, :name, 1, :now, 'new', 0, 0, '', '', '')"
                    " ON CONFLICT (key) DO UPDATE SET configured = 1, kind = :kind, name = :name,"
                    " due = CASE WHEN health IN ('broken', 'warning') THEN min(due, :now) ELSE due END",
                    {"key": key, "kind": kind, "name": name, "now": now.timestamp()},
                )

    def claim_due(self, now: datetime, lease: datetime, limit: int) -> list[ChannelState]:
        """Those whose time has come. Their `due` becomes `lease` first, so a crash makes them late, never lost."""
        with self._engine.writing() as connection:
            rows = connection.execute(
                "UPDATE channel SET due = :lease WHERE key IN (SELECT key FROM channel"
                " WHERE (due <= :now OR due > :farthest) AND configured ORDER BY due LIMIT :limit) RETURNING *",
                {
                    "lease": lease.timestamp(),
                    "now": now.timestamp(),
                    "farthest": (now + _FARTHEST).timestamp(),
                    "limit": limit,
                },
            ).fetchall()
        return [_state(row) for row in rows]

    def next_due(self) -> datetime | None:
        row = self._engine.row("SELECT due FROM channel WHERE configured ORDER BY due LIMIT 1")
        return moment(row["due"]) if row else None

    def record(self, look: LookRecord) -> None:
        """How a look ended, and what people are told of it, in one transaction."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE channel SET health = :health, failures = :failures, tries = :tries, since = :since,"
                " code = :code, detail = :detail, warned = :warned, due = :due, checked_at = :at,"
                " ok_at = CASE WHEN :works THEN :at ELSE ok_at END WHERE key = :key",
                {
                    "key": look.key,
                    "health": look.health,
                    "failures": look.failures,
                    "tries": look.tries,
                    "since": seconds(look.since),
                    "code": look.code,
                    "detail": look.detail,
                    "warned": look.warned,
                    "due": look.due.timestamp(),
                    "at": look.at.timestamp(),
                    "works": look.works,
                },
            )
            why = ": ".join(part for part in (look.code, look.detail) if part)
            connection.executemany(
                "INSERT INTO notice (at, source, code, text) VALUES (?, ?, ?, ?)",
                [(look.at.timestamp(), look.name, code, why) for code in look.notices],
            )

    def standing(self) -> list[ChannelState]:
        """All that are configured: broken ones first, and of these the longest broken."""
        rows = self._engine.rows(
            "SELECT * FROM channel WHERE configured ORDER BY health <> 'broken', health <> 'warning',"
            " coalesce(since, 0), kind, name"
        )
        return [_state(row) for row in rows]

    def online(self) -> bool:
        """Whether anything that is read over a network could be read at its last poll; True where nothing is."""
        row = self._engine.row(
            "SELECT count(*) AS known, total(status NOT IN ('failing', 'stopped')) AS well FROM source"
            f" WHERE configured AND status <> 'new' AND kind NOT IN {_LOCAL}"
        )
        return row is None or not row["known"] or row["well"] > 0


def _state(row: Row) -> ChannelState:
    return ChannelState(
        key=row["key"],
        kind=row["kind"],
        name=row["name"],
        health=row["health"],
        failures=row["failures"],
        tries=row["tries"],
        since=moment(row["since"]),
        code=row["code"],
        detail=row["detail"],
        warned=row["warned"],
        due=instant(row["due"]),
        checked_at=moment(row["checked_at"]),
        ok_at=moment(row["ok_at"]),
    )
