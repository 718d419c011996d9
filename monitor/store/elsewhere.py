"""The other places of a matter, who handles it, and what the same customer wrote before. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.model import Draft, DraftState, Label, Mention, Reason, case_reference
from monitor.store.codec import load_draft, load_mention, load_reason
from monitor.store.engine import Engine, Row, instant, placeholders
from monitor.store.handling import answering, has_same_words
from monitor.store.marks import account_hashes, accounts_of_customer

_MOST_PLACES, _MOST_EARLIER = 20, 10
_MOST_SEEN = 200  # mentions of one customer that are looked through


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another mention of the same matter. `why` it is the same; `draft` is its own newest one, None where it has none.

    `linkable`: both come from accounts, which a person may say are one customer's; `linked`: somebody did.
    """

    row_id: int
    mention: Mention
    why: Reason
    noted: Reason  # why it is answered, or not
    draft: Draft | None = None
    linkable: bool = False
    linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """The draft that answers a mention although it was written for another one, on `source` at `url`."""

    draft_id: int
    case_id: int
    state: DraftState
    source: str
    url: str

    @property
    def reference(self) -> str:
        return case_reference(self.case_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the same customer wrote in another matter; `draft_id` and `state` are of our answer, None for none."""

    row_id: int
    case_id: int
    source: str
    at: datetime
    label: Label | None
    text: str
    draft_id: int | None
    state: DraftState | None

    @property
    def reference(self) -> str:
        return case_reference(self.case_id)


def others_of(engine: Engine, case_id: int, mention_id: int) -> tuple[Elsewhere, ...]:
    """The other mentions of a case, in the order in which they came."""
    with engine.reading() as connection:
        rows = connection.execute(
            "SELECT * FROM mention JOIN mention_text USING (id) WHERE case_id = ? AND mention.id <> ?"
            " ORDER BY mention.id LIMIT ?",
            (case_id, mention_id, _MOST_PLACES),
        ).fetchall()
        own = account_hashes(connection, mention_id) if rows else []
        return tuple(_elsewhere(connection, row, mention_id, own) for row in rows)


def handling_of(engine: Engine, mention_id: int) -> Handling | None:
    """Where a mention is being handled, or was, if not by a draft of its own."""
    with engine.reading() as connection:
        row = connection.execute("SELECT case_id, created_at FROM mention WHERE id = ?", (mention_id,)).fetchone()
        if row is None or row["case_id"] is None:
            return None
        same_words = has_same_words(connection, mention_id)
        draft = answering(connection, row["case_id"], mention_id, row["created_at"], same_words=same_words)
        return _handling(connection, draft) if draft else None


def earlier_of(engine: Engine, mention_id: int, case_id: int) -> tuple[Earlier, ...]:
    """Other matters of the one who wrote this, from the same account or a linked one; the newest first."""
    with engine.reading() as connection:
        accounts = accounts_of_customer(connection, account_hashes(connection, mention_id))
        if not accounts:
            return ()
        rows = connection.execute(
            "SELECT mention.id, mention.case_id, source, created_at, label, text FROM"
            f" (SELECT DISTINCT mention_id FROM mention_mark WHERE hash IN ({placeholders(len(accounts))})"
            " ORDER BY mention_id DESC LIMIT ?) JOIN mention ON mention.id = mention_id"
            " JOIN mention_text USING (id) WHERE case_id IS NOT NULL AND case_id <> ? AND gone_at IS NULL"
            " ORDER BY created_at DESC LIMIT ?",
            (*accounts, _MOST_SEEN, case_id, _MOST_EARLIER),
        ).fetchall()
        return tuple(_earlier(connection, row) for row in rows)


def _elsewhere(connection: Connection, row: Row, mention_id: int, own: list[int]) -> Elsewhere:
    joined = connection.execute(
        "SELECT code, detail FROM mention_joined WHERE mention_id IN (?, ?) ORDER BY mention_id = ? DESC",
        (row["id"], mention_id, row["id"]),
    ).fetchone()
    draft = connection.execute(
        "SELECT * FROM draft WHERE mention_id = ? ORDER BY id DESC LIMIT 1", (row["id"],)
    ).fetchone()
    theirs = account_hashes(connection, row["id"])
    return Elsewhere(
        row_id=row["id"],
        mention=load_mention(row),
        why=Reason(code=joined["code"], detail=joined["detail"]) if joined else Reason(code=""),
        noted=load_reason(row["reason"]),
        draft=load_draft(draft) if draft else None,
        linkable=bool(own and theirs and not set(own) & set(theirs)),
        linked=bool(set(accounts_of_customer(connection, own)) & set(theirs) - set(own)) if own else False,
    )


def _handling(connection: Connection, draft: Row) -> Handling:
    row = connection.execute("SELECT source, url FROM mention WHERE id = ?", (draft["mention_id"],)).fetchone()
    return Handling(
        draft_id=draft["id"],
        case_id=draft["case_id"],
        state=DraftState(draft["state"]),
        source=row["source"],
        url=row["url"] or "",
    )


def _earlier(connection: Connection, row: Row) -> Earlier:
    draft = connection.execute(
        "SELECT id, state FROM draft WHERE case_id = ? ORDER BY state = 'superseded', id DESC LIMIT 1",
        (row["case_id"],),
    ).fetchone()
    return Earlier(
        row_id=row["id"],
        case_id=row["case_id"],
        source=row["source"],
        at=instant(row["created_at"]),
        label=row["label"],
        text=row["text"],
        draft_id=draft["id"] if draft else None,
        state=DraftState(draft["state"]) if draft else None,
    )
