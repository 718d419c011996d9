"""Rows of `mention_mark`: what a mention shares with others of the same matter, as keyed hashes, and who shares it.

A mark is an order number, an account, a text of an author, or a band of a text (monitor/similarity.py). Nothing of it
can be read; it goes with the words of its mention, by a trigger on `mention_text`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from sqlite3 import Connection

from monitor.linking import Candidate, Linker, Traits, marks
from monitor.model import Mention
from monitor.store.codec import load_mention
from monitor.store.engine import Row, placeholders

KINDS = {"order": 1, "account": 2, "text": 3, "band": 4}
_MOST = 20  # newest mentions that share one mark; what more share says little
_KEY = "mark_key"  # the name of that setting
_LONGEST_TALK = 200  # newest mentions of one conversation that are looked through for one author


@dataclass(frozen=True, slots=True)
class Mark:
    kind: int
    hash: int  # signed, of 64 bits


def key_of(connection: Connection) -> bytes:
    """The key of this database, made at first use. Part of a write transaction."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (_KEY,)).fetchone()
    if row is None:
        connection.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (_KEY, secrets.token_hex(16)))
        return key_of(connection)
    return bytes.fromhex(row["value"])


def marks_of(traits: Traits, key: bytes) -> list[Mark]:
    return [Mark(KINDS[kind], _hash(kind, value, key)) for kind, values in marks(traits).items() for value in values]


def save_marks(connection: Connection, row_id: int, new: Iterable[Mark], *, first: bool) -> bool:
    """Let the mention have these marks and no others; whether that changed anything. `first`: it had none before."""
    after = {mark.hash: mark for mark in new}
    rows = connection.execute("SELECT hash FROM mention_mark WHERE mention_id = ?", (row_id,)) if not first else ()
    before = {row["hash"] for row in rows}
    added = [(mark.hash, row_id, mark.kind) for mark in after.values() if mark.hash not in before]
    # what is added comes first: an account that nobody has any more is no longer linked
    connection.executemany("INSERT INTO mention_mark (hash, mention_id, kind) VALUES (?, ?, ?)", added)
    if removed := [(one, row_id) for one in before - set(after)]:
        connection.executemany("DELETE FROM mention_mark WHERE hash = ? AND mention_id = ?", removed)
    return bool(added or removed)


def candidates(
    connection: Connection, row_id: int, mention: Mention, traits: Traits, shared: Iterable[Mark], linker: Linker
) -> list[Candidate]:
    """Earlier mentions, within the days that may lie between, that may be of the same matter."""
    shared = list(shared)
    linked = _linked(connection, shared)
    found = _sharing(connection, [mark.hash for mark in shared]) | linked
    if traits.author and "thread" in linker.options.join_by:
        found.update(_talking(connection, mention))
    found.discard(row_id)
    window = timedelta(days=linker.options.join_days).total_seconds()
    rows = _loaded(connection, found, mention.created_at.timestamp(), window) if found else []
    apart = {row["case_id"]: _apart(connection, row["case_id"]) for row in rows}
    return [
        Candidate(
            row_id=row["id"],
            case_id=row["case_id"],
            traits=known,
            apart=apart[row["case_id"]],
            linked=row["id"] in linked,
        )
        for row in rows
        if (known := linker.traits(load_mention(row))) is not None
    ]


def account_hashes(connection: Connection, row_id: int) -> list[int]:
    rows = connection.execute(
        "SELECT hash FROM mention_mark WHERE mention_id = ? AND kind = ?", (row_id, KINDS["account"])
    )
    return [row["hash"] for row in rows]


def accounts_of_customer(connection: Connection, accounts: Iterable[int]) -> list[int]:
    """These accounts, and those that people linked with them."""
    known = list(accounts)
    rows = connection.execute(
        "SELECT other.account FROM linked_account one JOIN linked_account other USING (customer)"
        f" WHERE one.account IN ({placeholders(len(known))})",
        known,
    ).fetchall()
    return list(dict.fromkeys((*known, *(row["account"] for row in rows))))


def _hash(kind: str, value: str, key: bytes) -> int:
    digest = blake2b(f"{kind}\x1f{value}".encode("utf-8", "replace"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big", signed=True)


def _sharing(connection: Connection, marks: Sequence[int]) -> set[int]:
    """The newest mentions with each of these marks; one statement, for this is asked about every mention."""
    if not marks:
        return set()
    one = f"SELECT * FROM (SELECT mention_id FROM mention_mark WHERE hash = ? ORDER BY mention_id DESC LIMIT {_MOST})"
    rows = connection.execute(" UNION ALL ".join([one] * len(marks)), marks)
    return {row["mention_id"] for row in rows}


def _linked(connection: Connection, shared: Iterable[Mark]) -> set[int]:
    """Mentions from other accounts of the same customer."""
    own = [mark.hash for mark in shared if mark.kind == KINDS["account"]]
    return _sharing(connection, list(set(accounts_of_customer(connection, own)) - set(own))) if own else set()


def _talking(connection: Connection, mention: Mention) -> set[int]:
    """What the same name said in the same conversation."""
    found: set[int] = set()
    wanted = [("thread", mention.id)]  # what answers it
    if mention.thread:
        wanted += [("thread", mention.thread), ("external_id", mention.thread)]
    for column, value in wanted:
        rows = connection.execute(
            f"SELECT talk.id FROM (SELECT id FROM mention WHERE source = ? AND {column} = ? AND {column} <> ''"
            " ORDER BY id DESC LIMIT ?) talk JOIN mention_text USING (id) WHERE author = ? LIMIT ?",
            (mention.source, value, _LONGEST_TALK, mention.author, _MOST),
        )
        found.update(row["id"] for row in rows)
    return found


def _loaded(connection: Connection, row_ids: Iterable[int], at: float, window: float) -> list[Row]:
    ids = list(row_ids)
    return connection.execute(
        f"SELECT * FROM mention JOIN mention_text USING (id) WHERE id IN ({placeholders(len(ids))})"
        " AND case_id IS NOT NULL AND created_at BETWEEN ? AND ?",
        (*ids, at - window, at + window),
    ).fetchall()


def _apart(connection: Connection, case_id: int) -> frozenset[int]:
    rows = connection.execute("SELECT other_id FROM case_apart WHERE case_id = ?", (case_id,))
    return frozenset(row["other_id"] for row in rows)
