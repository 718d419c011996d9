"""Columns of `draft` that say whose it is and when somebody has to be asked again: none of them is a state.

Every change is one compare-and-set on a draft that waits; each leaves a line in the audit list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.errors import NoSuchDraft, StaleDecision
from monitor.model import Draft
from monitor.store.audit import OHLAS, write_decision
from monitor.store.codec import load_draft
from monitor.store.engine import Engine, Row, moment, seconds

WAITS = "state IN ('pending', 'failed')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whose a draft is. `assignee` is one person, "" where any of `team` may take it.

    A claim holds until `claimed_until`. `level` counts escalations: 0 none, 1 reminded, 2 the next person, 3 the
    channel. `timer` is when the clock looks at it again, `answer_by` when the answer is due.
    """

    draft: Draft
    assignee: str
    team: tuple[str, ...]
    claimed_by: str
    claimed_until: datetime | None
    snoozed_until: datetime | None
    watched: bool  # snoozed until something changes
    level: int
    timer: datetime | None
    answer_by: datetime | None
    routed: bool


class AskingRows:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, draft_id: int) -> Asking:
        """Raises NoSuchDraft."""
        row = self._engine.row("SELECT * FROM draft WHERE id = ?", (draft_id,))
        if row is None:
            raise NoSuchDraft(f"there is no draft {draft_id}")
        return load_asking(row)

    def unrouted(self, limit: int = 50) -> list[Asking]:
        """Drafts that wait and that nobody has been asked about."""
        rows = self._engine.rows(
            f"SELECT * FROM draft INDEXED BY idx_draft_unrouted WHERE {WAITS} AND NOT routed LIMIT ?", (limit,)
        )
        return [load_asking(row) for row in rows]

    def waiting(self, limit: int) -> list[Asking]:
        """Routed drafts that wait, the newest ones first."""
        rows = self._engine.rows(f"SELECT * FROM draft WHERE {WAITS} AND routed ORDER BY id DESC LIMIT ?", (limit,))
        return [load_asking(row) for row in rows]

    def route(
        self, draft: Draft, assignee: str, team: Sequence[str], timer: datetime | None, answer_by: datetime | None
    ) -> bool:
        """Say whose it is. False where somebody was faster."""
        with self._engine.writing() as connection:
            changed = connection.execute(
                f"UPDATE draft SET routed = 1, assignee = ?, team = ?, timer = ?, answer_by = coalesce(answer_by, ?)"
                f" WHERE id = ? AND NOT routed AND {WAITS}",
                (assignee, json.dumps(list(team)), seconds(timer), seconds(answer_by), draft.id),
            )
            return changed.rowcount == 1

    def assign(
        self, draft_id: int, person: str, *, actor: str, via: str, now: datetime, rev: int | None = None
    ) -> Draft:
        """Hand it to one person, "" for nobody; a claim ends. With `rev`, only where that is still the newest one.

        Raises NoSuchDraft, StaleDecision.
        """
        values = (person,)
        changes = "assignee = ?, claimed_by = '', claimed_until = NULL"
        return self._change(draft_id, changes, values, "assign", actor, via, now, person, rev)

    def claim(self, draft_id: int, person: str, until: datetime, *, via: str, now: datetime) -> Draft:
        """Take it for a while, so that two do not work on one. Raises NoSuchDraft, StaleDecision with who has it."""
        with self._engine.writing(durable=True) as connection:
            row = connection.execute(
                f"UPDATE draft SET claimed_by = ?, claimed_until = ? WHERE id = ? AND {WAITS}"
                " AND (claimed_by IN ('', ?) OR claimed_until <= ?) RETURNING *",
                (person, until.timestamp(), draft_id, person, now.timestamp()),
            ).fetchone()
            if row is None:
                raise _refused(connection, draft_id)
            return load_draft(row)

    def release(self, draft_id: int, person: str) -> None:
        """Give a claim back; nothing where it is somebody else's by now."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE draft SET claimed_by = '', claimed_until = NULL WHERE id = ? AND claimed_by = ?",
                (draft_id, person),
            )

    def snooze(self, draft_id: int, until: datetime | None, *, actor: str, via: str, now: datetime) -> Draft:
        """Put it away until then; with None, until something changes about it. Raises NoSuchDraft, StaleDecision."""
        values = (seconds(until), until is None, seconds(until))
        told = until.isoformat(timespec="minutes") if until else "until something changes"
        return self._change(
            draft_id, "snoozed_until = ?, watched = ?, timer = ?", values, "snooze", actor, via, now, told
        )

    def wake(
        self,
        draft_id: int,
        timer: datetime | None,
        *,
        now: datetime,
        why: str = "",
        actor: str = OHLAS,
        via: str = "service",
    ) -> Draft:
        """Bring it back. Raises NoSuchDraft, StaleDecision."""
        changes = "snoozed_until = NULL, watched = 0, timer = ?"
        return self._change(draft_id, changes, (seconds(timer),), "wake", actor, via, now, why)

    def timers_due(self, now: datetime, limit: int = 50) -> list[Asking]:
        rows = self._engine.rows(
            f"SELECT * FROM draft INDEXED BY idx_draft_timer WHERE timer <= ? AND {WAITS} ORDER BY timer LIMIT ?",
            (now.timestamp(), limit),
        )
        return [load_asking(row) for row in rows]

    def escalate(
        self,
        asking: Asking,
        level: int,
        timer: datetime | None,
        *,
        actor: str = OHLAS,
        via: str = "service",
        now: datetime,
        told: str,
        team: Sequence[str] = (),
    ) -> bool:
        """One step up, and who joins those who are asked. False where somebody decided or escalated meanwhile."""
        joined = json.dumps(list(dict.fromkeys((*asking.team, *team))))
        with self._engine.writing() as connection:
            row = connection.execute(
                f"UPDATE draft SET level = ?, timer = ?, team = ? WHERE id = ? AND rev = ? AND level = ?"
                f" AND {WAITS} RETURNING *",
                (level, seconds(timer), joined, asking.draft.id, asking.draft.rev, asking.level),
            ).fetchone()
            if row is None:
                return False
            write_decision(
                connection, row, "escalate" if level > 1 else "remind", actor=actor, via=via, at=now, reason=told
            )
            return True

    def set_timer(self, asking: Asking, timer: datetime | None) -> None:
        with self._engine.writing() as connection:
            connection.execute(
                f"UPDATE draft SET timer = ? WHERE id = ? AND rev = ? AND level = ? AND {WAITS}",
                (seconds(timer), asking.draft.id, asking.draft.rev, asking.level),
            )

    def hasten(self, draft_id: int, timer: datetime | None, answer_by: datetime | None) -> None:
        """Look at it, and be due, at these times, or sooner where that was said before."""
        with self._engine.writing() as connection:
            connection.execute(
                f"UPDATE draft SET timer = min(timer, coalesce(?, timer)), answer_by = min(answer_by, coalesce(?,"
                f" answer_by)) WHERE id = ? AND routed AND {WAITS}",
                (seconds(timer), seconds(answer_by), draft_id),
            )

    def next_timer(self) -> datetime | None:
        row = self._engine.row(
            f"SELECT min(timer) FROM draft INDEXED BY idx_draft_timer WHERE timer IS NOT NULL AND {WAITS}"
        )
        return moment(row[0]) if row else None

    def _change(
        self,
        draft_id: int,
        changes: str,
        values: Sequence[object],
        action: str,
        actor: str,
        via: str,
        now: datetime,
        reason: str,
        rev: int | None = None,
    ) -> Draft:
        with self._engine.writing(durable=True) as connection:
            row = connection.execute(
                f"UPDATE draft SET {changes} WHERE id = ? AND {WAITS} AND rev = coalesce(?, rev) RETURNING *",
                (*values, draft_id, rev),
            ).fetchone()
            if row is None:
                raise _refused(connection, draft_id)
            write_decision(connection, row, action, actor=actor, via=via, at=now, reason=reason)
            return load_draft(row)


def _refused(connection: Connection, draft_id: int) -> NoSuchDraft | StaleDecision:
    row = connection.execute("SELECT * FROM draft WHERE id = ?", (draft_id,)).fetchone()
    if row is None:
        return NoSuchDraft(f"there is no draft {draft_id}")
    by = row["claimed_by"] or row["decided_by"] or ""
    return StaleDecision(
        f"draft {draft_id} is {row['state']}" + (f", and {by} has it" if by else ""),
        state=row["state"],
        rev=row["rev"],
        by=by,
        at=moment(row["decided_at"]),
    )


def load_asking(row: Row) -> Asking:
    return Asking(
        draft=load_draft(row),
        assignee=row["assignee"],
        team=tuple(json.loads(row["team"])),
        claimed_by=row["claimed_by"],
        claimed_until=moment(row["claimed_until"]),
        snoozed_until=moment(row["snoozed_until"]),
        watched=bool(row["watched"]),
        level=row["level"],
        timer=moment(row["timer"]),
        answer_by=moment(row["answer_by"]),
        routed=bool(row["routed"]),
    )
