"""Rows of `message` and `received`: what goes out to people in Slack and by mail, and what came in from them.

A message is written down before it is sent, once per key, and its row says what became of it: after a crash in the
middle it is "unknown" and is never sent blindly again. What a service delivers twice is recognised by `received`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Literal

from monitor.store.engine import Engine, Row, instant, moment

Medium = Literal["slack", "mail"]
MessageState = Literal["due", "sending", "sent", "unknown", "failed", "dropped"]
KEPT = timedelta(days=30)  # for which a delivery is recognised when it comes again


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`recipient` is a channel or an address, `person` whom it is for ("" for a channel). `kind` is one of
    card, reminder, escalation, notice, sign_in, confirm, answer, digest. `shown` tells what the message shows now, so
    that one that shows something old is found; `external_id` and `thread_id` are the medium's own."""

    id: int
    key: str
    medium: Medium
    recipient: str
    person: str
    kind: str
    draft_id: int | None
    rev: int
    body: str  # JSON of what the kind needs, "" where the draft says it all
    state: MessageState
    due: datetime | None
    attempts: int
    external_id: str
    thread_id: str
    shown: str
    error: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """`key` is the same for the same message, however often it is asked for."""

    key: str
    medium: Medium
    recipient: str
    kind: str
    due: datetime
    person: str = ""
    draft_id: int | None = None
    rev: int = 0
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A line of the audit list, for those who act on it once."""

    id: int
    draft_id: int
    rev: int
    action: str
    actor: str
    reason: str
    cause: str = ""  # of an English reason, as a code


class Messages:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, messages: list[NewMessage], now: datetime) -> int:
        """Write them down to be sent; those whose key is known already are not written again. Returns how many were."""
        with self._engine.writing(durable=True) as connection:
            return sum(put_message(connection, one, now) for one in messages)

    def due(self, medium: Medium, now: datetime, limit: int = 20) -> list[Message]:
        rows = self._engine.rows(
            "SELECT * FROM message WHERE medium = ? AND state = 'due' AND due <= ? ORDER BY due, id LIMIT ?",
            (medium, now.timestamp(), limit),
        )
        return [_load(row) for row in rows]

    def next_due(self, medium: Medium) -> datetime | None:
        row = self._engine.row("SELECT min(due) FROM message WHERE medium = ? AND state = 'due'", (medium,))
        return moment(row[0]) if row else None

    def begin(self, message: Message, now: datetime) -> bool:
        """Take it for sending, durably, before the request. False where somebody else took it or it was dropped."""
        with self._engine.writing(durable=True) as connection:
            changed = connection.execute(
                "UPDATE message SET state = 'sending', attempts = attempts + 1, at = ? WHERE id = ? AND state = 'due'",
                (now.timestamp(), message.id),
            )
            return changed.rowcount == 1

    def sent(self, message: Message, now: datetime, *, external_id: str, thread_id: str = "", shown: str = "") -> None:
        self._end(message, "sent", now, external_id=external_id, thread_id=thread_id, shown=shown)

    def postpone(self, message: Message, error: str, until: datetime, now: datetime) -> None:
        """It surely did not go out; it may at `until`."""
        self._end(message, "due", now, error=error, due=until)

    def fail(self, message: Message, error: str, now: datetime) -> None:
        """It surely did not go out, and trying again will not help."""
        self._end(message, "failed", now, error=error)

    def lose_sight(self, message: Message, error: str, now: datetime) -> None:
        """It may have gone out; it is not sent again blindly."""
        self._end(message, "unknown", now, error=error)

    def drop(self, message: Message, why: str, now: datetime) -> None:
        """It is not needed any more, e.g. since the draft was decided elsewhere."""
        self._end(message, "dropped", now, error=why)

    def out_since(self, kind: str, since: datetime) -> int:
        """How many of a kind went out since then, or may have. Reads all messages."""
        row = self._engine.row(
            "SELECT count(*) FROM message WHERE kind = ? AND at >= ? AND state IN ('sending', 'sent', 'unknown')",
            (kind, since.timestamp()),
        )
        return int(row[0]) if row else 0

    def recover(self, medium: Medium, now: datetime) -> list[Message]:
        """At start: whatever a crash left in "sending" may be out. Returns those that are unknown since."""
        with self._engine.writing(durable=True) as connection:
            rows = connection.execute(
                "UPDATE message SET state = 'unknown', error = 'stopped while sending', at = ?"
                " WHERE state = 'sending' AND medium = ? RETURNING *",
                (now.timestamp(), medium),
            ).fetchall()
        return [_load(row) for row in rows]

    def showing(self, draft_id: int, medium: Medium) -> list[Message]:
        """Cards of a draft that are out there."""
        rows = self._engine.rows(
            "SELECT * FROM message WHERE draft_id = ? AND medium = ? AND kind = 'card' AND state = 'sent'",
            (draft_id, medium),
        )
        return [_load(row) for row in rows]

    def told(self, draft_id: int, medium: Medium) -> list[Message]:
        """Lines about a draft that stand below its cards."""
        rows = self._engine.rows(
            "SELECT * FROM message WHERE draft_id = ? AND medium = ? AND kind = 'history' AND state = 'sent'",
            (draft_id, medium),
        )
        return [_load(row) for row in rows]

    def shows(self, message: Message, shown: str, now: datetime) -> None:
        """A card was redrawn."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE message SET shown = ?, at = ? WHERE id = ?", (shown, now.timestamp(), message.id)
            )

    def find(self, medium: Medium, external_id: str) -> Message | None:
        """By the medium's own id, e.g. a Message-ID or Slack's timestamp."""
        row = self._engine.row("SELECT * FROM message WHERE medium = ? AND external_id = ?", (medium, external_id))
        return _load(row) if row else None

    def changes(self, reader: str, limit: int = 200) -> list[Change]:
        """Lines of the audit list since `reader` last advanced, oldest first; a new reader begins at the end."""
        if (last := self.cursor(reader)) == "":
            row = self._engine.row("SELECT coalesce(max(id), 0) FROM decision")
            self.advance(reader, str(row[0] if row else 0))
            return []
        rows = self._engine.rows(
            "SELECT id, draft_id, rev, action, actor, reason, cause FROM decision WHERE id > ? ORDER BY id LIMIT ?",
            (int(last), limit),
        )
        return [_change(row) for row in rows]

    def cursor(self, reader: str) -> str:
        row = self._engine.row("SELECT value FROM reader WHERE name = ?", (reader,))
        return row["value"] if row else ""

    def advance(self, reader: str, value: str) -> None:
        with self._engine.writing() as connection:
            connection.execute(
                "INSERT INTO reader (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (reader, value),
            )

    def receive(self, key: str, now: datetime) -> bool:
        """Remember a delivery; False where it has come before."""
        with self._engine.writing(durable=True) as connection:
            connection.execute("DELETE FROM received WHERE at < ?", ((now - KEPT).timestamp(),))
            new = connection.execute(
                "INSERT INTO received (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, now.timestamp())
            )
            return new.rowcount == 1

    def received(self, key: str) -> bool:
        """Whether that delivery has come before; nothing is remembered."""
        return self._engine.row("SELECT 1 FROM received WHERE key = ?", (key,)) is not None

    def written_since(self, recipient: str, kind: str, since: datetime) -> int:
        """How many of that kind were written or sent to an address, so that no two robots answer each other."""
        row = self._engine.row(
            "SELECT count(*) FROM message WHERE recipient = ? AND kind = ? AND at > ?",
            (recipient, kind, since.timestamp()),
        )
        return int(row[0]) if row else 0

    def _end(
        self,
        message: Message,
        state: MessageState,
        now: datetime,
        *,
        external_id: str = "",
        thread_id: str = "",
        shown: str = "",
        error: str = "",
        due: datetime | None = None,
    ) -> None:
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "UPDATE message SET state = ?, external_id = ?, thread_id = ?, shown = ?, error = ?, due = ?, at = ?"
                " WHERE id = ?",
                (
                    *(state, external_id, thread_id, shown, error),
                    *(due.timestamp() if due else None, now.timestamp(), message.id),
                ),
            )


def put_message(connection: Connection, one: NewMessage, now: datetime) -> int:
    """Part of the caller's transaction; 0 where its key is known already."""
    return connection.execute(
        "INSERT INTO message (key, medium, recipient, person, kind, draft_id, rev, body, state, due,"
        " attempts, external_id, thread_id, shown, error, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'due', ?, 0, '', '', '', '', ?) ON CONFLICT (key) DO NOTHING",
        (
            *(one.key, one.medium, one.recipient, one.person, one.kind, one.draft_id, one.rev, one.body),
            *(one.due.timestamp(), now.timestamp()),
        ),
    ).rowcount


def _change(row: Row) -> Change:
    return Change(
        id=row["id"],
        draft_id=row["draft_id"],
        rev=row["rev"],
        action=row["action"],
        actor=row["actor"],
        reason=row["reason"] or "",
        cause=row["cause"],
    )


def _load(row: Row) -> Message:
    return Message(
        id=row["id"],
        key=row["key"],
        medium=row["medium"],
        recipient=row["recipient"],
        person=row["person"],
        kind=row["kind"],
        draft_id=row["draft_id"],
        rev=row["rev"],
        body=row["body"],
        state=row["state"],
        due=moment(row["due"]),
        attempts=row["attempts"],
        external_id=row["external_id"],
        thread_id=row["thread_id"],
        shown=row["shown"],
        error=row["error"],
        at=instant(row["at"]),
    )
