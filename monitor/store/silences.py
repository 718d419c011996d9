"""When the mentions of each source were written, and since when a source is silent for longer than usual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.store.engine import Engine, instant, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The mention of a source that was written last, and when it was seen. `silent_since`: people were told of a
    silence that began then; None: they were not, or it is over."""

    source: str
    written: datetime
    seen: datetime
    silent_since: datetime | None


class Silences:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, now: datetime) -> list[Newest]:
        """Of every source that was read well at its last poll; files are read when somebody changes them. Some feeds
        date a post into the future: it says nothing until then."""
        rows = self._engine.rows(
            "SELECT source.name, source.silent_since, mention.created_at, mention.seen_at FROM source JOIN mention"
            " ON mention.id = (SELECT id FROM mention INDEXED BY idx_mention_written WHERE source = source.name"
            " AND created_at <= ? ORDER BY created_at DESC LIMIT 1)"
            " WHERE source.configured AND source.status = 'ok' AND kind <> 'file'",
            (now.timestamp(),),
        )
        return [
            Newest(
                source=row["name"],
                written=instant(row["created_at"]),
                seen=instant(row["seen_at"]),
                silent_since=moment(row["silent_since"]),
            )
            for row in rows
        ]

    def written(self, source: str, most: int, now: datetime) -> list[datetime]:
        """When the newest `most` mentions were written up to now, oldest first."""
        rows = self._engine.rows(
            "SELECT created_at FROM mention INDEXED BY idx_mention_written WHERE source = ?"
            " AND created_at <= ? ORDER BY created_at DESC LIMIT ?",
            (source, now.timestamp(), most),
        )
        return [instant(row[0]) for row in reversed(rows)]

    def fall_silent(self, source: str, since: datetime, text: str, now: datetime) -> bool:
        """Note it, and tell people once. False where somebody was faster."""
        with self._engine.writing() as connection:
            changed = connection.execute(
                "UPDATE source SET silent_since = ? WHERE name = ? AND silent_since IS NULL",
                (since.timestamp(), source),
            ).rowcount
            if changed:
                connection.execute(
                    "INSERT INTO notice (at, source, code, text) VALUES (?, ?, 'source_silent', ?)",
                    (now.timestamp(), source, text),
                )
        return bool(changed)

    def speak_again(self, source: str, now: datetime) -> None:
        with self._engine.writing() as connection:
            changed = connection.execute(
                "UPDATE source SET silent_since = NULL WHERE name = ? AND silent_since IS NOT NULL", (source,)
            ).rowcount
            if changed:
                connection.execute(
                    "INSERT INTO notice (at, source, code, text) VALUES (?, ?, 'source_heard', '')",
                    (now.timestamp(), source),
                )
