"""Rows of `publication` and `attempt`: the ledger that makes an answer go out at most once per approval.

The attempt is written, durably, before the request. Whatever a crash leaves in "attempting" may be out; it becomes
"unknown" and is looked up, never repeated blindly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from uuid import NAMESPACE_URL, uuid5

from monitor.contract import Receipt
from monitor.model import Draft, DraftState, Publication, text_hash
from monitor.store.acknowledgements import hand_on
from monitor.store.audit import write_decision
from monitor.store.codec import load_draft, load_mention
from monitor.store.engine import Engine, Row, instant


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPublication:
    """One whose outcome has to be looked up. `lookups` counts the times it was tried in vain."""

    publication: Publication
    attempted_at: datetime
    lookups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderating:
    """An answer that the platform accepted and may still refuse. `asked` counts the times it was asked about it."""

    publication: Publication
    receipt: Receipt
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """Why an answer is not out, or is not known to be: in English, and as "code" or "code: what is quoted"."""

    message: str
    cause: str = ""


_STOPPED = Setback(message="stopped while posting", cause="stopped")
_NONE = Setback(message="")


class Publications:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, now: datetime, limit: int = 20) -> list[Draft]:
        """Approved drafts whose grace period is over and that we post ourselves."""
        rows = self._engine.rows(
            "SELECT * FROM draft WHERE state = 'approved' AND NOT manual AND publish_after <= ?"
            " ORDER BY publish_after LIMIT ?",
            (now.timestamp(), limit),
        )
        return [load_draft(row) for row in rows]

    def begin(self, draft: Draft, people: Collection[str], now: datetime) -> Publication | None:
        """Write the attempt row. None where the approval no longer holds: undone, edited, or by one who may not.

        The caller may make one request, and none without this row.
        """
        with self._engine.writing(durable=True) as connection:
            row = connection.execute(
                "UPDATE draft SET state = 'publishing', updated_at = ? WHERE id = ? AND rev = ? AND state = 'approved'"
                " AND publish_after <= ? RETURNING *",
                (now.timestamp(), draft.id, draft.rev, now.timestamp()),
            ).fetchone()
            if row is None:
                return None
            if row["decided_by"] not in people or text_hash(row["text"]) != row["approved_hash"]:
                _withdraw(connection, row, now)
                return None
            return _begin(connection, row, now)

    def put_off(self, draft: Draft, until: datetime) -> None:
        """No request was made; the approval holds and is looked at again at `until`."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE draft SET publish_after = ? WHERE id = ? AND rev = ? AND state = 'approved'",
                (until.timestamp(), draft.id, draft.rev),
            )

    def give_back(self, draft: Draft, setback: Setback, now: datetime) -> None:
        """No request was made, and none will be: back to a person, with the reason."""
        with self._engine.writing(durable=True) as connection:
            row = connection.execute(
                "UPDATE draft SET state = 'failed', approved_hash = '', publish_after = NULL, updated_at = ?"
                " WHERE id = ? AND rev = ? AND state = 'approved' RETURNING *",
                (now.timestamp(), draft.id, draft.rev),
            ).fetchone()
            if row is not None:
                connection.execute(  # of a try before: what it says is not why any more
                    "UPDATE publication SET error = ?, cause = ? WHERE draft_id = ? AND state = 'waiting'",
                    (setback.message, setback.cause, row["id"]),
                )
                _note(connection, row, "publication_failed", setback, now)

    def finish(self, publication: Publication, receipt: Receipt, ask_at: datetime | None, now: datetime) -> None:
        """It is out. Also the end of a look-up that found it. `ask_at`: when to ask whether the platform shows it."""
        self._end(publication, "published", DraftState.PUBLISHED, now, receipt=receipt, due=ask_at)

    def moderated_due(self, now: datetime, limit: int = 20) -> list[Moderating]:
        rows = self._engine.rows(
            "SELECT * FROM publication WHERE state = 'published' AND due > 0 AND due <= ? ORDER BY due LIMIT ?",
            (now.timestamp(), limit),
        )
        return [
            Moderating(
                publication=_load(self._engine.connection, row),
                receipt=Receipt(id=row["receipt_id"] or "", url=row["receipt_url"] or ""),
                asked=row["lookups"],
            )
            for row in rows
        ]

    def moderated(self, publication: Publication, ask_at: datetime | None, now: datetime) -> None:
        """The platform shows it, or is asked again at `ask_at`."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE publication SET lookups = lookups + 1, due = ?, at = ? WHERE id = ? AND state = 'published'",
                (ask_at.timestamp() if ask_at else None, now.timestamp(), publication.id),
            )

    def refuse(self, publication: Publication, setback: Setback, now: datetime) -> None:
        """The platform took it back: to a person, with the reason. What he approves then is another try."""
        with self._engine.writing(durable=True) as connection:
            changed = connection.execute(
                "UPDATE publication SET state = 'failed', error = ?, cause = ?, due = NULL, at = ? WHERE id = ?"
                " AND state = 'published'",
                (setback.message, setback.cause, now.timestamp(), publication.id),
            )
            if changed.rowcount:
                draft = connection.execute(
                    "UPDATE draft SET state = 'failed', updated_at = ?, approved_hash = '' WHERE id = ?"
                    " AND state = 'published' RETURNING *",
                    (now.timestamp(), publication.draft_id),
                ).fetchone()
                _note(connection, draft, "publication_refused", setback, now)

    def fail(self, publication: Publication, setback: Setback, now: datetime) -> None:
        """It is surely not out, and trying again will not help: back to a person, with the reason."""
        self._end(publication, "failed", DraftState.FAILED, now, setback=setback)

    def postpone(self, publication: Publication, setback: Setback, until: datetime, now: datetime) -> None:
        """It is surely not out, and may be tried again at `until` under the same approval and key."""
        self._end(publication, "waiting", DraftState.APPROVED, now, setback=setback, publish_after=until)

    def lose_sight(
        self, publication: Publication, setback: Setback, look_up_at: datetime | None, now: datetime
    ) -> None:
        """It may be out. It is looked up at `look_up_at`; None leaves that to a person."""
        self._end(publication, "unknown", DraftState.UNKNOWN, now, setback=setback, due=look_up_at)

    def recover(self, look_up_at: datetime, now: datetime) -> int:
        """At start: whatever a crash left half-done may be out. Returns how many there were."""
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "UPDATE publication SET state = 'unknown', due = ?, error = ?, cause = ? WHERE state = 'attempting'",
                (look_up_at.timestamp(), _STOPPED.message, _STOPPED.cause),
            )
            connection.execute(
                "UPDATE attempt SET ended_at = ?, outcome = 'crashed' WHERE outcome = ''", (now.timestamp(),)
            )
            drafts = connection.execute(
                "UPDATE draft SET state = 'unknown', updated_at = ? WHERE state = 'publishing' RETURNING *",
                (now.timestamp(),),
            ).fetchall()
            for draft in drafts:
                _note(connection, draft, "outcome_unknown", _STOPPED, now)
            return len(drafts)

    def unknown_due(self, now: datetime, limit: int = 20) -> list[UnknownPublication]:
        rows = self._engine.rows(
            "SELECT * FROM publication WHERE state = 'unknown' AND due <= ? ORDER BY due LIMIT ?",
            (now.timestamp(), limit),
        )
        return [
            UnknownPublication(
                publication=_load(self._engine.connection, row), attempted_at=instant(row["at"]), lookups=row["lookups"]
            )
            for row in rows
        ]

    def look_again(self, publication: Publication, setback: Setback, at: datetime | None) -> None:
        """The look-up failed; try again `at`, or leave it to a person (None)."""
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "UPDATE publication SET lookups = lookups + 1, due = ?, error = ?, cause = ?"
                " WHERE id = ? AND state = 'unknown'",
                (at.timestamp() if at else None, setback.message, setback.cause, publication.id),
            )

    def next_due(self) -> datetime | None:
        """When the publisher has something to do next."""
        row = self._engine.row(
            "SELECT min(at) FROM (SELECT min(publish_after) AS at FROM draft WHERE state = 'approved' AND NOT manual"
            " UNION ALL SELECT min(due) FROM publication WHERE state = 'unknown')"
        )
        return instant(row[0]) if row and row[0] is not None else None

    def _end(
        self,
        publication: Publication,
        outcome: str,
        target: DraftState,
        now: datetime,
        *,
        receipt: Receipt | None = None,
        setback: Setback = _NONE,
        publish_after: datetime | None = None,
        due: datetime | None = None,
    ) -> None:
        receipt = receipt or Receipt()
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "UPDATE publication SET state = ?, receipt_id = ?, receipt_url = ?, error = ?, cause = ?, due = ?,"
                " at = ? WHERE id = ?",
                (
                    outcome,
                    receipt.id,
                    receipt.url,
                    setback.message,
                    setback.cause,
                    due.timestamp() if due else None,
                    now.timestamp(),
                    publication.id,
                ),
            )
            connection.execute(
                "UPDATE attempt SET ended_at = ?, outcome = ? WHERE publication_id = ? AND outcome = ''",
                (now.timestamp(), outcome, publication.id),
            )
            draft = connection.execute(
                "UPDATE draft SET state = ?, updated_at = ?, publish_after = ? WHERE id = ?"
                " AND state IN ('publishing', 'unknown') RETURNING *",
                (target, now.timestamp(), publish_after.timestamp() if publish_after else None, publication.draft_id),
            ).fetchone()
            if draft:
                _note(connection, draft, f"publication_{outcome}", setback, now)
                hand_on(connection, draft)


def _note(connection: Connection, draft: Row, action: str, setback: Setback, now: datetime) -> None:
    write_decision(connection, draft, action, at=now, reason=setback.message, cause=setback.cause)


def _withdraw(connection: Connection, row: Row, now: datetime) -> None:
    """The person who approved is no longer on the list, or the text is not the approved one: ask again."""
    draft = connection.execute(
        "UPDATE draft SET state = 'pending', approved_hash = '', publish_after = NULL WHERE id = ? RETURNING *",
        (row["id"],),
    ).fetchone()
    write_decision(connection, draft, "approval_withdrawn", at=now, reason="the approval does not hold any more")


def _begin(connection: Connection, draft: Row, now: datetime) -> Publication:
    mention = connection.execute("SELECT * FROM mention WHERE id = ?", (draft["mention_id"],)).fetchone()
    key = str(uuid5(NAMESPACE_URL, f"ohlas:{mention['source']}:{mention['external_id']}:{_series(connection, draft)}"))
    row = connection.execute(
        "INSERT INTO publication (source, external_id, purpose, mention_id, draft_id, rev, text, text_hash, key, state,"
        " attempts, lookups, error, at) VALUES (:source, :external_id, :purpose, :mention_id, :draft_id, :rev, :text,"
        " :text_hash, :key, 'attempting', 1, 0, '', :at) ON CONFLICT (source, external_id, purpose) DO UPDATE SET"
        " draft_id = :draft_id, rev = :rev,"
        " text = :text, text_hash = :text_hash, key = :key, state = 'attempting', attempts = attempts + 1,"
        " lookups = 0, error = '', cause = '', at = :at, due = NULL WHERE state IN ('waiting', 'failed') RETURNING *",
        {
            "source": mention["source"],
            "external_id": mention["external_id"],
            "purpose": draft["purpose"],
            "mention_id": mention["id"],
            "draft_id": draft["id"],
            "rev": draft["rev"],
            "text": draft["text"],
            "text_hash": draft["approved_hash"],
            "key": key,
            "at": now.timestamp(),
        },
    ).fetchone()
    if row is None:
        raise RuntimeError(f"draft {draft['id']} was approved though its mention has an answer already")
    connection.execute(
        "INSERT INTO attempt (publication_id, rev, started_at, outcome) VALUES (?, ?, ?, '')",
        (row["id"], draft["rev"], now.timestamp()),
    )
    return _load(connection, row)


def _series(connection: Connection, draft: Row) -> str:
    """What tells one approval of a mention's drafts from all others: platforms recognise repetitions by it.

    The first answer's is its revision alone, as it was before there were acknowledgements.
    """
    first = connection.execute("SELECT min(id) FROM draft WHERE mention_id = ?", (draft["mention_id"],)).fetchone()[0]
    if draft["purpose"] == "answer" and draft["id"] == first:
        return str(draft["rev"])
    return f"{draft['purpose']}:{draft['id']}:{draft['rev']}"


def _load(connection: Connection, row: Row) -> Publication:
    mention = connection.execute(
        "SELECT * FROM mention JOIN mention_text USING (id) WHERE id = ?", (row["mention_id"],)
    ).fetchone()
    return Publication(
        id=row["id"],
        draft_id=row["draft_id"],
        mention=load_mention(mention),
        text=row["text"],
        text_hash=row["text_hash"],
        key=row["key"],
        attempts=row["attempts"],
        purpose=row["purpose"],
    )
