"""What comes after an acknowledgement: its mention goes back to the pipeline, and the answer is drafted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from sqlite3 import Connection

from monitor.model import Draft, DraftState
from monitor.store.audit import OHLAS, move_draft
from monitor.store.codec import load_draft
from monitor.store.engine import Engine, Row
from monitor.text import fold

OPEN = {DraftState.PENDING, DraftState.FAILED, DraftState.APPROVED, DraftState.PUBLISHING, DraftState.UNKNOWN}
SETTLED = {DraftState.PUBLISHED, DraftState.REJECTED, DraftState.EXPIRED}  # the answer comes next
_SHORTEST_BEGINNING = 40  # letters by which a text that a platform cut is recognised


class Acknowledgements:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self) -> list[Draft]:
        """Those that wait for a person and that nobody has touched."""
        rows = self._engine.rows(
            # by name: SQLite would rather read all the drafts that wait, every few seconds
            "SELECT * FROM draft INDEXED BY idx_draft_acknowledging"
            " WHERE purpose = 'acknowledgement' AND state = 'pending' AND author = 'playbook'"
            " AND NOT EXISTS (SELECT 1 FROM decision WHERE draft_id = draft.id AND actor <> ?"
            " AND action NOT IN ('correct', 'acknowledge'))",
            (OHLAS,),
        )
        return [load_draft(row) for row in rows]

    def send_back(self, drafts: Iterable[Draft]) -> None:
        """Let them be drafted anew, where they still wait as they are."""
        with self._engine.writing() as connection:
            connection.executemany(
                "UPDATE mention SET stage = 'new' WHERE id = (SELECT mention_id FROM draft WHERE id = ? AND rev = ?"
                " AND purpose = 'acknowledgement' AND state = 'pending')",
                [(draft.id, draft.rev) for draft in drafts],
            )


def hand_on(connection: Connection, draft: Row) -> None:
    """Where `draft`, the row as it is after a change, is an acknowledgement that is settled now: in the same
    transaction its mention goes back to the pipeline, so that no crash loses the answer."""
    if draft["purpose"] == "acknowledgement" and draft["state"] in SETTLED:
        connection.execute(
            "UPDATE mention SET stage = 'new' WHERE id = ? AND gone_at IS NULL AND replied_at IS NULL"
            " AND erased_at IS NULL",
            (draft["mention_id"],),
        )


def seen_out(connection: Connection, mention_id: int, reply: str, now: datetime) -> bool:
    """Whether the reply that a source shows is our acknowledgement; if so it is out, and the case stays open. So it
    does where our first answer is seen only after the customer made other words of his."""
    if _is_the_first_answer(connection, mention_id, reply):
        return True
    draft = connection.execute(
        "SELECT * FROM draft WHERE mention_id = ? AND purpose = 'acknowledgement'", (mention_id,)
    ).fetchone()
    if draft is None or not _is_text_of(draft["text"], reply):
        return False
    if draft["state"] in OPEN:
        move_draft(connection, mention_id, OPEN, DraftState.PUBLISHED, "reply_seen", now)
        row = connection.execute("SELECT * FROM draft WHERE id = ?", (draft["id"],)).fetchone()
        hand_on(connection, row)
    return True


def _is_the_first_answer(connection: Connection, mention_id: int, reply: str) -> bool:
    """Whether it is that, while the second one is not out. One that was posted by hand may have been touched up."""
    first = connection.execute(
        "SELECT text, manual FROM draft WHERE mention_id = ? AND purpose = 'answer' AND state = 'published' AND EXISTS"
        " (SELECT 1 FROM draft second WHERE second.mention_id = draft.mention_id AND second.purpose = 'second_answer'"
        " AND second.state IN ('pending', 'approved', 'failed'))",
        (mention_id,),
    ).fetchone()
    return first is not None and (bool(first["manual"]) or _is_text_of(first["text"], reply))


def _is_text_of(ours: str, shown: str) -> bool:
    """Platforms change spaces and signs, and some cut the end."""
    ours, shown = fold(ours), fold(shown)
    return ours == shown or (len(shown) >= _SHORTEST_BEGINNING and ours.startswith(shown))
