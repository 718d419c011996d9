"""Rows of `digest`: which edition for which day was written to whom, and what it covered; and who wants none.

The row is written together with the mail's own, before that is sent, once for each (person, edition, day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from sqlite3 import Connection
from typing import Final, Literal

from monitor.store.engine import Engine, instant
from monitor.store.messages import NewMessage, put_message

Edition = Literal["daily", "weekly", "monthly"]
IS_OUT: Final = "message.state IN ('sending', 'sent', 'unknown')"  # or may be
# a mail that surely did not go out covered nothing; neither did one that still waits on another day
_COVERED = f"(message_key = '' OR {IS_OUT} OR (message.state = 'due' AND day = ?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition for one local day, about the days from `first` to `last`, both included. `missed` are the days on
    which one was due and none went out, so that this one stands for those too."""

    person: str
    edition: Edition
    day: date
    first: date
    last: date
    missed: tuple[date, ...] = ()

    @property
    def key(self) -> str:
        return f"digest:{self.edition}:{self.day.isoformat()}:{self.person}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """`since` is when Ohlas first thought of writing digests to this person: nothing was due before."""

    since: datetime
    on: bool = True


class Digests:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def subscription(self, person: str, now: datetime) -> Subscription:
        """How things stand with a person; whoever is new is on from `now`, and so is one who was new at a time that
        has not come yet, when a clock was wrong."""
        row = self._engine.row("SELECT * FROM digest_reader WHERE person = ?", (person,))
        if row is None or row["since"] > now.timestamp():
            with self._engine.writing() as connection:
                connection.execute(
                    "INSERT INTO digest_reader (person, since, off_at) VALUES (?, ?, NULL)"
                    " ON CONFLICT (person) DO UPDATE SET since = min(since, excluded.since)",
                    (person, now.timestamp()),
                )
            return Subscription(since=now, on=row is None or row["off_at"] is None)
        return Subscription(since=instant(row["since"]), on=row["off_at"] is None)

    def switch(self, person: str, on: bool, now: datetime) -> None:
        """This person wants digests, or none. Nothing that was due while they were off is made up for."""
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "INSERT INTO digest_reader (person, since, off_at) VALUES (:person, :now, :off)"
                " ON CONFLICT (person) DO UPDATE SET off_at = :off,"
                " since = CASE WHEN off_at IS NULL THEN since ELSE :now END",
                {"person": person, "now": now.timestamp(), "off": None if on else now.timestamp()},
            )
            if not on:
                _withdraw(connection, person, "", "this person wants no digests any more", now)

    def last(self, person: str, edition: Edition, today: date) -> Issue | None:
        """The newest issue that covered its days: one that is out, may be out, or was not needed. One of a day after
        `today` was written by a clock that was wrong, and stands for nothing until its day has come."""
        row = self._engine.row(
            "SELECT digest.* FROM digest LEFT JOIN message ON message.key = message_key"
            f" WHERE digest.person = ? AND edition = ? AND day <= ? AND {_COVERED} ORDER BY day DESC LIMIT 1",
            (person, edition, today.isoformat(), today.isoformat()),
        )
        if row is None:
            return None
        days = (date.fromisoformat(row[name]) for name in ("day", "first_day", "last_day"))
        day, first, last = days
        return Issue(person=person, edition=edition, day=day, first=first, last=last)

    def is_taken(self, issue: Issue) -> bool:
        """Whether it was written down before, whatever became of the mail."""
        row = self._engine.row(
            "SELECT 1 FROM digest WHERE person = ? AND edition = ? AND day = ?",
            (issue.person, issue.edition, issue.day.isoformat()),
        )
        return row is not None

    def take(self, issue: Issue, message: NewMessage | None, now: datetime) -> bool:
        """Write down that this issue goes out as `message`, or, with None, that it is not needed. False where that was
        written down before, by whomever. An older one that still waits to be sent is withdrawn: this one covers it."""
        with self._engine.writing(durable=True) as connection:
            taken = connection.execute(
                "INSERT INTO digest (person, edition, day, first_day, last_day, message_key, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    *(issue.person, issue.edition, issue.day.isoformat()),
                    *(issue.first.isoformat(), issue.last.isoformat()),
                    *(message.key if message else "", now.timestamp()),
                ),
            ).rowcount
            if not taken:
                return False
            _withdraw(connection, issue.person, issue.edition, "the next digest covers it", now)
            if message is not None:
                put_message(connection, message, now)
            return True


def _withdraw(connection: Connection, person: str, edition: str, why: str, now: datetime) -> None:
    connection.execute(
        "UPDATE message SET state = 'dropped', error = ?, due = NULL, at = ? WHERE state = 'due' AND key IN"
        " (SELECT message_key FROM digest WHERE person = ? AND ? IN ('', edition) AND message_key <> '')",
        (why, now.timestamp(), person, edition),
    )
