"""Rows of `cases`, `case_apart`, `case_line` and `mention_joined`: one customer's matter, in however many places.

Every change is one transaction. What a person puts together or takes apart holds: two cases that were split are never
put together again but by a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.errors import CannotJoin, NoSuchCase, StaleDecision
from monitor.linking import Join, Linker, Traits
from monitor.model import DraftState, Mention, Reason, case_reference
from monitor.store.audit import OHLAS, write_decision
from monitor.store.elsewhere import Elsewhere, others_of
from monitor.store.engine import Engine, Row, instant, placeholders
from monitor.store.handling import give_way, is_untouched, release, renumber
from monitor.store.marks import candidates, key_of, marks_of, save_marks

_OPEN = ("pending", "failed", "approved", "publishing", "unknown")
_ON_ITS_WAY = (DraftState.APPROVED, DraftState.PUBLISHING, DraftState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOfMention:
    """The customer's matter that a mention belongs to; `why` it was joined to one that was known, None for its own."""

    case_id: int
    why: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """What somebody did with a case: "merge", "split", "link", "unlink". `other_id` is the other case, 0 for none."""

    at: datetime
    action: str
    case_id: int
    other_id: int
    mention_id: int
    actor: str
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who does something with a case, through what, and when."""

    actor: str
    via: str
    at: datetime


class Cases:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def assign(self, mentions: Mapping[int, Mention], linker: Linker, now: datetime) -> dict[int, CaseOfMention]:
        """Give each mention (by row id) its case: one that is known, or one of its own. It keeps it for ever, unless a
        person, or an order number, says otherwise."""
        read = {row_id: linker.traits(mention) for row_id, mention in mentions.items()}
        with self._engine.writing() as connection:
            key = key_of(connection)
            return {
                row_id: _assign(connection, row_id, mention, read[row_id], linker, key, now)
                for row_id, mention in mentions.items()
            }

    def find(self, case_id: int) -> int:
        """The number of a case now: that of the one into which it was merged. Raises NoSuchCase."""
        row = self._engine.row("SELECT coalesce(merged_into, id) FROM cases WHERE id = ?", (case_id,))
        if row is None:
            raise NoSuchCase(f"there is no case {case_reference(case_id)}")
        return int(row[0])

    def merge(self, one: int, other: int, deed: Deed) -> int:
        """Put two cases together; the older number stays, and the other one leads there. Returns it.

        Raises NoSuchCase, StaleDecision where they are one already, CannotJoin where both have an answer on its way.
        """
        with self._engine.writing(durable=True) as connection:
            for case_id in (one, other):
                _check_stands(connection, case_id)
            keep, gone = sorted((one, other))
            if keep == gone:
                raise CannotJoin(f"{case_reference(one)} cannot be put together with itself", code="itself")
            connection.execute(
                "DELETE FROM case_apart WHERE case_id IN (?1, ?2) AND other_id IN (?1, ?2)", (one, other)
            )
            _unite(connection, keep, gone, deed)
            return keep

    def split(self, mention_id: int, case_id: int, deed: Deed) -> int:
        """Give the mention a case of its own, for it is not the matter of `case_id`. Returns the new one.

        Raises NoSuchCase, StaleDecision where it is in another case by now, CannotJoin where it is the only one.
        """
        with self._engine.writing(durable=True) as connection:
            row = connection.execute("SELECT case_id FROM mention WHERE id = ?", (mention_id,)).fetchone()
            if row is None or row["case_id"] is None:
                raise NoSuchCase(f"there is no mention {mention_id}")
            if row["case_id"] != case_id:
                raise _moved(row["case_id"])
            return _split(connection, mention_id, case_id, deed)

    def of(self, mention_id: int) -> int:
        """The case of a mention. Raises NoSuchCase."""
        row = self._engine.row("SELECT case_id FROM mention WHERE id = ?", (mention_id,))
        if row is None or row["case_id"] is None:
            raise NoSuchCase(f"there is no mention {mention_id}, or it was not judged yet")
        return int(row["case_id"])

    def look(self, case_id: int) -> tuple[Elsewhere, ...]:
        """The mentions of a case, in the order in which they came."""
        return others_of(self._engine, case_id, 0)

    def lines(self, case_id: int) -> list[CaseLine]:
        """What was done with a case, oldest first."""
        rows = self._engine.rows("SELECT * FROM case_line WHERE case_id = ?1 OR other_id = ?1 ORDER BY id", (case_id,))
        return [_line(row) for row in rows]


def _assign(
    connection: Connection,
    row_id: int,
    mention: Mention,
    traits: Traits | None,
    linker: Linker,
    key: bytes,
    now: datetime,
) -> CaseOfMention:
    own: int | None = connection.execute("SELECT case_id FROM mention WHERE id = ?", (row_id,)).fetchone()[0]
    join = _join(connection, row_id, mention, traits, linker, key, own) if traits else None
    if own is not None and join is None:
        return CaseOfMention(case_id=own)
    case_id = own or (join.case_id if join else _open_case(connection, now))
    if own is None:
        connection.execute("UPDATE mention SET case_id = ? WHERE id = ?", (case_id, row_id))
        if join:
            _write_why(connection, row_id, join.row_id, join.reason, now)
    for other in join.also if join else ():
        case_id = _unite_if_untouched(connection, case_id, other, now)
    return CaseOfMention(case_id=case_id, why=join.reason if join and own is None else None)


def _join(
    connection: Connection,
    row_id: int,
    mention: Mention,
    traits: Traits,
    linker: Linker,
    key: bytes,
    own: int | None,
) -> Join | None:
    shared = marks_of(traits, key)
    changed = save_marks(connection, row_id, shared, first=own is None)
    if own is not None and not changed:
        return None  # judged again, with the same words
    return linker.join(traits, candidates(connection, row_id, mention, traits, shared, linker), own)


def _open_case(connection: Connection, now: datetime) -> int:
    opened = connection.execute("INSERT INTO cases (key, opened_at) VALUES ('', ?)", (now.timestamp(),))
    return int(opened.lastrowid or 0)


def _write_why(connection: Connection, row_id: int, to_id: int | None, reason: Reason, now: datetime) -> None:
    connection.execute(
        "INSERT INTO mention_joined (mention_id, to_id, code, detail, told, at) VALUES (?, ?, ?, ?, '', ?)"
        " ON CONFLICT (mention_id) DO NOTHING",
        (row_id, to_id, reason.code, reason.detail, now.timestamp()),
    )


def _check_stands(connection: Connection, case_id: int) -> None:
    row = connection.execute("SELECT merged_into FROM cases WHERE id = ?", (case_id,)).fetchone()
    if row is None:
        raise NoSuchCase(f"there is no case {case_reference(case_id)}")
    if row["merged_into"] is not None:
        raise _moved(row["merged_into"])


def _moved(case_id: int) -> StaleDecision:
    return StaleDecision(f"somebody was faster: it belongs to {case_reference(case_id)} now", state="", rev=0)


def _unite_if_untouched(connection: Connection, one: int, other: int, now: datetime) -> int:
    """Two cases that a shared order number shows to be one; left as they are where a person would lose work, or took
    apart what a third one would put together again."""
    keep, gone = sorted((one, other))
    if connection.execute("SELECT 1 FROM case_apart WHERE case_id = ? AND other_id = ?", (keep, gone)).fetchone():
        return one
    drafts = [draft for case_id in (keep, gone) for draft in _open_drafts(connection, case_id)]
    if len(drafts) > 1 and not all(is_untouched(connection, draft) for draft in drafts):
        return one
    _unite(connection, keep, gone, Deed(actor=OHLAS, via="service", at=now))
    return keep


def _unite(connection: Connection, keep: int, gone: int, deed: Deed) -> None:
    _leave_one_open(connection, keep, gone, deed)
    by = Reason(code="by_hand", detail=deed.actor) if deed.actor != OHLAS else Reason(code="same_order")
    for row in connection.execute("SELECT id FROM mention WHERE case_id = ?", (gone,)).fetchall():
        _write_why(connection, row["id"], None, by, deed.at)
    connection.execute("UPDATE mention SET case_id = ? WHERE case_id = ?", (keep, gone))
    connection.execute("UPDATE draft SET case_id = ? WHERE case_id = ?", (keep, gone))
    connection.execute("UPDATE cases SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", (keep, gone))
    for column in ("case_id", "other_id"):
        connection.execute(f"UPDATE OR IGNORE case_apart SET {column} = ? WHERE {column} = ?", (keep, gone))
    connection.execute("DELETE FROM case_apart WHERE case_id = ?1 OR other_id = ?1 OR case_id = other_id", (gone,))
    write_line(connection, "merge", keep, gone, 0, deed)


def _leave_one_open(connection: Connection, keep: int, gone: int, deed: Deed) -> None:
    """Of the drafts of both cases the one that is on its way stays open, else the older one."""
    ours, theirs = _open_drafts(connection, keep), _open_drafts(connection, gone)
    on_their_way = [draft for draft in (*ours, *theirs) if draft["state"] in _ON_ITS_WAY]
    if len(on_their_way) > 1:
        raise CannotJoin(
            f"{case_reference(keep)} and {case_reference(gone)} both have an answer on its way;"
            " take one approval back, or wait until they are out",
            code="both_on_their_way",
        )
    if not (ours or theirs):
        return
    stays = (on_their_way or sorted((*ours, *theirs), key=lambda draft: draft["id"]))[0]
    losers = theirs if stays["case_id"] == keep else ours
    for draft in losers:
        give_way(connection, draft, "merged", deed.actor, deed.via, deed.at, case_reference(keep))
    joined = gone if stays["case_id"] == keep else keep
    write_decision(
        connection, stays, "joined", actor=deed.actor, via=deed.via, at=deed.at, reason=case_reference(joined)
    )


def _open_drafts(connection: Connection, case_id: int) -> list[Row]:
    return connection.execute(
        f"SELECT * FROM draft WHERE case_id = ? AND state IN ({placeholders(len(_OPEN))}) ORDER BY id",
        (case_id, *_OPEN),
    ).fetchall()


def _split(connection: Connection, mention_id: int, case_id: int, deed: Deed) -> int:
    rest = connection.execute(
        "SELECT 1 FROM mention WHERE case_id = ? AND id <> ? LIMIT 1", (case_id, mention_id)
    ).fetchone()
    if rest is None:
        raise CannotJoin(
            f"{case_reference(case_id)} has this one mention only; there is nothing to split", code="alone"
        )
    new = _open_case(connection, deed.at)
    connection.execute("UPDATE mention SET case_id = ? WHERE id = ?", (new, mention_id))
    connection.execute("UPDATE draft SET case_id = ? WHERE mention_id = ?", (new, mention_id))
    connection.execute("DELETE FROM mention_joined WHERE mention_id = ?", (mention_id,))
    connection.execute("INSERT INTO case_apart (case_id, other_id) VALUES (?1, ?2), (?2, ?1)", (new, case_id))
    write_line(connection, "split", case_id, new, mention_id, deed)
    _quote_the_new_number(connection, mention_id, case_id, new, deed.at)
    for draft in _open_drafts(connection, new):
        write_decision(
            connection, draft, "split", actor=deed.actor, via=deed.via, at=deed.at, reason=case_reference(case_id)
        )
    for draft in _open_drafts(connection, case_id):
        write_decision(
            connection, draft, "split", actor=deed.actor, via=deed.via, at=deed.at, reason=case_reference(new)
        )
    release(connection, new, deed.at)
    release(connection, case_id, deed.at)
    return new


def _quote_the_new_number(connection: Connection, mention_id: int, case_id: int, new: int, now: datetime) -> None:
    """In answers that are not out: by the number that they name, a customer would be taken for the other one."""
    rows = connection.execute("SELECT id FROM cases WHERE id = ?1 OR merged_into = ?1", (case_id,)).fetchall()
    renumber(connection, mention_id, [case_reference(row["id"]) for row in rows], case_reference(new), now)


def write_line(connection: Connection, action: str, case_id: int, other_id: int, mention_id: int, deed: Deed) -> None:
    connection.execute(
        "INSERT INTO case_line (at, action, case_id, other_id, mention_id, actor, via) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (deed.at.timestamp(), action, case_id, other_id, mention_id, deed.actor, deed.via),
    )


def _line(row: Row) -> CaseLine:
    return CaseLine(
        at=instant(row["at"]),
        action=row["action"],
        case_id=row["case_id"],
        other_id=row["other_id"],
        mention_id=row["mention_id"],
        actor=row["actor"],
        via=row["via"],
    )
