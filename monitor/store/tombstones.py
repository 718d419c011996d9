"""Rows of `tombstone`: what was erased, by keyed hashes of what its source calls it.

They keep the next poll, or an old file that is imported again, from bringing it back. Without the key, which stands in
this database alone, nobody can tell from a hash which review it was.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from monitor.store.engine import placeholders

ERASED: Final = "erased:"  # before the hash that stands where an id or a text was
_KEY = "erasure_key"  # the name of that setting
_CHUNK = 500


def create(connection: Connection) -> None:
    """The tables of erasing. Part of a step of the schema."""
    for statement in _TABLES:
        connection.execute(statement)


_TABLES = (
    # what was asked for: the audit list of erasing, without a name
    "CREATE TABLE erasure (id INTEGER PRIMARY KEY, at FLOAT NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL,"
    " why TEXT NOT NULL, mentions INTEGER NOT NULL, since FLOAT NOT NULL, finished_at FLOAT)",
    "CREATE INDEX idx_erasure_unfinished ON erasure(id) WHERE finished_at IS NULL",
    # mentions whose turn has not come, so that nothing stops half-way
    "CREATE TABLE erasing (mention_id INTEGER PRIMARY KEY REFERENCES mention(id),"
    " erasure_id INTEGER NOT NULL REFERENCES erasure(id))",
    "CREATE TABLE tombstone (digest TEXT PRIMARY KEY, at FLOAT NOT NULL, erasure_id INTEGER NOT NULL) WITHOUT ROWID",
    "ALTER TABLE mention ADD COLUMN erased_at FLOAT",
    "CREATE INDEX idx_mention_kept ON mention(seen_at) WHERE erased_at IS NULL",
    "CREATE INDEX idx_mention_gone ON mention(gone_at) WHERE gone_at IS NOT NULL AND erased_at IS NULL",
    "CREATE INDEX idx_message_kept ON message(at) WHERE body <> ''",
    "CREATE INDEX idx_mention_edit_of ON mention_edit(mention_id)",
    "ALTER TABLE draft ADD COLUMN erased_at FLOAT",
    "CREATE INDEX idx_draft_kept ON draft(updated_at) WHERE erased_at IS NULL",
)


def key_of(connection: Connection) -> bytes:
    """The key of this database's hashes, made when it is asked for first; part of a write transaction."""
    connection.execute("INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (_KEY, _new_key()))
    return bytes.fromhex(connection.execute("SELECT value FROM setting WHERE name = ?", (_KEY,)).fetchone()[0])


def _new_key() -> str:
    return secrets.token_hex(32)


def stand_in(key: bytes, *parts: str) -> str:
    """What stands where `parts` were: equal for equal ones, and nothing that leads back to them."""
    said = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return f"{ERASED}{hmac.digest(key, said, 'sha256').hex()[:32]}"


def legible(text: str) -> str:
    """A text, or "" where only the hash of one is left."""
    return "" if text.startswith(ERASED) else text


def bury(connection: Connection, digests: Iterable[str], erasure_id: int, now: datetime) -> None:
    connection.executemany(
        "INSERT INTO tombstone (digest, at, erasure_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(digest, now.timestamp(), erasure_id) for digest in digests],
    )


def buried(connection: Connection, source: str, ids: Collection[str]) -> dict[str, str]:
    """Those of a source's ids that were erased, each with what stands in its place."""
    if not ids or connection.execute("SELECT 1 FROM tombstone LIMIT 1").fetchone() is None:
        return {}
    key = key_of(connection)
    digests = {stand_in(key, source, one): one for one in ids}
    wanted = list(digests)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        rows = connection.execute(f"SELECT digest FROM tombstone WHERE digest IN ({placeholders(len(chunk))})", chunk)
        found.update((digests[row[0]], row[0]) for row in rows)
    return found
