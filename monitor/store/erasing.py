"""Rows of `erasure` and `erasing`: what is to be erased, and that it is, all of it, whatever happens meanwhile.

Who asks writes down the mentions first. They lose their words a few at a time, so that nobody waits for long, and one
whose answer is being posted at this moment waits until it is known what became of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Literal

from monitor.model import DraftState
from monitor.store import personal, tombstones
from monitor.store.audit import write_decision
from monitor.store.engine import Engine, Row, instant, moment, placeholders
from monitor.store.handling import release

Why = Literal["asked", "gone", "retention"]  # a person asked; deleted at its source; kept for long enough

_CLOSED = (DraftState.PENDING, DraftState.FAILED, DraftState.APPROVED)  # their customer is not answered any more
_UNDER_WAY = "('publishing', 'unknown')"
_MENTIONS_AT_ONCE = 500  # written down in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A line of the list of erasures, which knows no names. `finished_at` is None while bytes may be left."""

    id: int
    at: datetime
    actor: str
    via: str
    why: Why
    mentions: int
    since: datetime  # when the first of them came to us: backups from before do not hold them
    finished_at: datetime | None
    waiting: int  # mentions whose turn has not come


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTexts:
    """Mentions that were kept for long enough; `reached` is where the next look goes on, None at the end."""

    ids: tuple[int, ...]
    reached: tuple[float, int] | None


class Erasing:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, mention_ids: Sequence[int], *, actor: str, via: str, why: Why, now: datetime) -> int:
        """Write down that these mentions are to lose their words; returns the number of the erasure, 0 for none.

        What is erased already, or written down already, is left out.
        """
        with self._engine.writing(durable=True) as connection:
            wanted = _wanted(connection, mention_ids)
            if not wanted:
                return 0
            opened = connection.execute(
                "INSERT INTO erasure (at, actor, via, why, mentions, since) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (now.timestamp(), actor, via, why, len(wanted), min(row["seen_at"] for row in wanted)),
            ).fetchone()
            connection.executemany(
                "INSERT INTO erasing (mention_id, erasure_id) VALUES (?, ?)",
                [(row["id"], opened["id"]) for row in wanted],
            )
            return int(opened["id"])

    def step(self, limit: int, now: datetime) -> int:
        """Erase at most `limit` of those that are written down; returns how many, 0 where none is left that may go."""
        with self._engine.writing() as connection:
            rows = connection.execute(
                "SELECT mention_id, erasure_id, actor, via, why FROM erasing CROSS JOIN erasure"
                f" ON erasure.id = erasing.erasure_id WHERE NOT {_BEING_ANSWERED} ORDER BY mention_id LIMIT ?",
                (limit,),
            ).fetchall()
            for erasure_id in dict.fromkeys(row["erasure_id"] for row in rows):
                _erase(connection, [row for row in rows if row["erasure_id"] == erasure_id], now)
            return len(rows)

    def held_up(self) -> list[int]:
        """Drafts whose publication has to end before their mention can be erased."""
        rows = self._engine.rows(
            "SELECT draft.id FROM erasing CROSS JOIN draft ON draft.mention_id = erasing.mention_id"
            f" WHERE draft.state IN {_UNDER_WAY} ORDER BY draft.id"
        )
        return [row["id"] for row in rows]

    def unfinished(self) -> list[Erasure]:
        """Those whose bytes may still stand somewhere, oldest first."""
        rows = self._engine.rows(f"{_ERASURES} WHERE finished_at IS NULL ORDER BY erasure.id")
        return [_load(row) for row in rows]

    def newest(self, limit: int) -> list[Erasure]:
        return [_load(row) for row in self._engine.rows(f"{_ERASURES} ORDER BY erasure.id DESC LIMIT ?", (limit,))]

    def finish(self, erasure_ids: Sequence[int], now: datetime) -> None:
        """Their last bytes are gone."""
        with self._engine.writing(durable=True) as connection:
            connection.executemany(
                "UPDATE erasure SET finished_at = ? WHERE id = ? AND finished_at IS NULL",
                [(now.timestamp(), one) for one in erasure_ids],
            )

    def old_texts(
        self,
        answered_before: datetime | None,
        unanswered_before: datetime | None,
        after: tuple[float, int] | None,
        limit: int,
    ) -> OldTexts:
        """Mentions that came, were changed and were worked on before then last; None keeps them for ever.

        What is approved or being posted is left alone. `after` is where the last look ended.
        """
        cuts = [one.timestamp() for one in (answered_before, unanswered_before) if one]
        if not cuts:
            return OldTexts(ids=(), reached=None)
        values = {
            "newest": max(cuts),
            "answered": answered_before.timestamp() if answered_before else 0.0,
            "unanswered": unanswered_before.timestamp() if unanswered_before else 0.0,
            "seen_at": after[0] if after else 0.0,
            "id": after[1] if after else 0,
            "limit": limit,
        }
        rows = self._engine.rows(_OLD, values)
        reached = (rows[-1]["seen_at"], rows[-1]["id"]) if len(rows) == limit else None
        return OldTexts(ids=tuple(row["id"] for row in rows if row["old"]), reached=reached)

    def gone(self, source: str, before: datetime, limit: int) -> list[int]:
        """Mentions of a source that were found deleted there before then."""
        rows = self._engine.rows(
            "SELECT id FROM mention INDEXED BY idx_mention_gone WHERE gone_at <= ? AND gone_at IS NOT NULL"
            " AND erased_at IS NULL AND source = ? ORDER BY gone_at LIMIT ?",
            (before.timestamp(), source, limit),
        )
        return [row["id"] for row in rows]

    def gone_sources(self) -> list[str]:
        """Sources that have such mentions."""
        rows = self._engine.rows(
            "SELECT DISTINCT source FROM mention INDEXED BY idx_mention_gone WHERE gone_at IS NOT NULL"
            " AND erased_at IS NULL"
        )
        return [row["source"] for row in rows]

    def wipe_old_drafts(self, before: datetime, limit: int, now: datetime) -> int:
        """Take the words out of drafts that were settled before then; returns how many."""
        with self._engine.writing() as connection:
            rows = connection.execute(
                "SELECT id FROM draft INDEXED BY idx_draft_kept WHERE updated_at < ? AND erased_at IS NULL"
                " AND state IN ('published', 'rejected', 'expired', 'superseded') ORDER BY updated_at LIMIT ?",
                (before.timestamp(), limit),
            ).fetchall()
            if rows:
                personal.wipe_drafts(connection, tombstones.key_of(connection), [row["id"] for row in rows], now)
            return len(rows)

    def wipe_old_messages(self, before: datetime, limit: int) -> int:
        """Empty messages that were sent, or given up, before then; returns how many."""
        with self._engine.writing() as connection:
            rows = connection.execute(
                "SELECT id FROM message INDEXED BY idx_message_kept WHERE at < ? AND body <> ''"
                " AND state NOT IN ('due', 'sending') ORDER BY at LIMIT ?",
                (before.timestamp(), limit),
            ).fetchall()
            personal.wipe_messages(connection, [row["id"] for row in rows])
            return len(rows)

    def delete_old_decisions(self, before: datetime, limit: int) -> int:
        """Delete the oldest lines of the audit list; returns how many. Its ids grow with time, so no index is read.

        The newest one stays: up to its id the list was read, and another one must not get it.
        """
        with self._engine.writing() as connection:
            oldest = connection.execute(
                "SELECT id, at FROM decision WHERE id < (SELECT max(id) FROM decision) ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
            old = [(row["id"],) for row in oldest if row["at"] < before.timestamp()]
            connection.executemany("DELETE FROM decision WHERE id = ?", old)
            return len(old)


_BEING_ANSWERED = (
    f"EXISTS (SELECT 1 FROM draft WHERE draft.mention_id = erasing.mention_id AND draft.state IN {_UNDER_WAY})"
)
_ERASURES = "SELECT *, (SELECT count(*) FROM erasing WHERE erasure_id = erasure.id) AS waiting FROM erasure"
# An acknowledgement that is out promises an answer, which may still wait.
_ANSWERED = (
    "((replied_at IS NOT NULL OR EXISTS (SELECT 1 FROM draft WHERE mention_id = mention.id AND state = 'published'))"
    " AND NOT EXISTS (SELECT 1 FROM draft WHERE mention_id = mention.id AND state IN ('pending', 'failed')))"
)
_OLD = f"""
SELECT id, seen_at,
       coalesce(edited_at, 0) < before AND coalesce(replied_at, 0) < before AND seen_at < before
       AND NOT EXISTS (SELECT 1 FROM draft WHERE mention_id = seen.id AND (updated_at >= before
                       OR state IN ('approved', 'publishing', 'unknown'))) AS old
  FROM (SELECT id, seen_at, edited_at, replied_at,
               CASE WHEN {_ANSWERED} THEN :answered ELSE :unanswered END AS before
          FROM mention INDEXED BY idx_mention_kept
         WHERE erased_at IS NULL AND seen_at < :newest AND (seen_at, id) > (:seen_at, :id)
         ORDER BY seen_at, id LIMIT :limit) AS seen"""


def _wanted(connection: Connection, mention_ids: Sequence[int]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(mention_ids), _MENTIONS_AT_ONCE):
        chunk = tuple(mention_ids[start : start + _MENTIONS_AT_ONCE])
        found += connection.execute(
            f"SELECT id, seen_at FROM mention WHERE id IN ({placeholders(len(chunk))}) AND erased_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM erasing WHERE mention_id = mention.id)",
            chunk,
        ).fetchall()
    return found


def _erase(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Mentions of one erasure."""
    ids, first = [row["mention_id"] for row in rows], rows[0]
    _close(connection, ids, first, now)
    digests = personal.wipe(connection, tombstones.key_of(connection), ids, now)
    tombstones.bury(connection, digests, first["erasure_id"], now)
    connection.executemany("DELETE FROM erasing WHERE mention_id = ?", [(one,) for one in ids])
    if first["why"] != "retention":  # then the rest of the matter is as old
        _hand_over(connection, ids, now)


def _hand_over(connection: Connection, mention_ids: Sequence[int], now: datetime) -> None:
    """What was only noted, since an erased mention's draft answered it as well, is answered now."""
    rows = connection.execute(
        f"SELECT DISTINCT case_id FROM mention WHERE id IN ({placeholders(len(mention_ids))}) AND case_id IS NOT NULL",
        tuple(mention_ids),
    ).fetchall()
    for row in rows:
        release(connection, row["case_id"], now)


def _close(connection: Connection, mention_ids: Sequence[int], erasure: Row, now: datetime) -> None:
    """Drafts that wait are needed no more. Where a person asked, every draft says so: cards in Slack follow that."""
    marks = placeholders(len(mention_ids))
    closed = connection.execute(
        "UPDATE draft SET state = 'superseded', rev = rev + 1, updated_at = ?, publish_after = NULL, approved_hash = ''"
        f" WHERE mention_id IN ({marks}) AND state IN ({placeholders(len(_CLOSED))}) RETURNING id",
        (now.timestamp(), *mention_ids, *_CLOSED),
    ).fetchall()
    told = {row["id"] for row in closed}
    if erasure["why"] != "retention":
        told |= set(personal.drafts_of(connection, mention_ids))
    for draft_id in sorted(told):
        draft = connection.execute("SELECT * FROM draft WHERE id = ?", (draft_id,)).fetchone()
        write_decision(connection, draft, "erased", actor=erasure["actor"], via=erasure["via"], at=now)


def _load(row: Row) -> Erasure:
    return Erasure(
        id=row["id"],
        at=instant(row["at"]),
        actor=row["actor"],
        via=row["via"],
        why=row["why"],
        mentions=row["mentions"],
        since=instant(row["since"]),
        finished_at=moment(row["finished_at"]),
        waiting=row["waiting"],
    )
