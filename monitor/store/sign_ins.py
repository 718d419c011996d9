"""Rows of `sign_in` and `session`: one-time links, and who is signed in on the page. Only hashes of tokens are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import text_hash
from monitor.store.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in person; `csrf` must come back with every form."""

    person: str
    csrf: str
    language: str


class SignIns:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def offer(self, person: str, now: datetime, valid: timedelta = timedelta(hours=12)) -> str:
        """A token for a link that signs `person` in, once."""
        token = secrets.token_urlsafe(24)
        with self._engine.writing() as connection:
            connection.execute("DELETE FROM sign_in WHERE expires_at < ?", (now.timestamp(),))
            connection.execute(
                "INSERT INTO sign_in (token_hash, person, expires_at) VALUES (?, ?, ?)",
                (text_hash(token), person, (now + valid).timestamp()),
            )
        return token

    def redeem(self, token: str, now: datetime, valid: timedelta = timedelta(days=14)) -> str | None:
        """Use the token up and open a session; returns the session's id for the cookie, None for a bad token."""
        session_id = secrets.token_urlsafe(24)
        with self._engine.writing() as connection:
            row = connection.execute(
                "UPDATE sign_in SET used_at = ? WHERE token_hash = ? AND used_at IS NULL AND expires_at >= ?"
                " RETURNING person",
                (now.timestamp(), text_hash(token), now.timestamp()),
            ).fetchone()
            if row is None:
                return None
            connection.execute("DELETE FROM session WHERE expires_at < ?", (now.timestamp(),))
            connection.execute(
                "INSERT INTO session (id_hash, person, csrf, language, expires_at) VALUES (?, ?, ?, '', ?)",
                (text_hash(session_id), row["person"], secrets.token_urlsafe(24), (now + valid).timestamp()),
            )
        return session_id

    def session(self, session_id: str, now: datetime) -> Session | None:
        row = self._engine.row(
            "SELECT * FROM session WHERE id_hash = ? AND expires_at >= ?", (text_hash(session_id), now.timestamp())
        )
        if row is None:
            return None
        return Session(person=row["person"], csrf=row["csrf"], language=row["language"] or "")

    def speak(self, session_id: str, language: str) -> None:
        """Remember the language in which this person reads the page."""
        with self._engine.writing() as connection:
            connection.execute("UPDATE session SET language = ? WHERE id_hash = ?", (language, text_hash(session_id)))

    def sign_out(self, session_id: str) -> None:
        with self._engine.writing() as connection:
            connection.execute("DELETE FROM session WHERE id_hash = ?", (text_hash(session_id),))
