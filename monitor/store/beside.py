"""What a customer wrote beside one mention: in the same matter, or by the same name in the same conversation."""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection

from monitor.authors import is_nobody
from monitor.model import Mention
from monitor.store.codec import load_mention
from monitor.store.engine import Engine, Row

_MOST = 20
_LOOKED_AT = 200  # of a conversation: one that spreads has thousands, and each of them is looked up so
_THERE = "mention.id <> :id AND mention.gone_at IS NULL AND mention.erased_at IS NULL"
_OF_THE_CASE = f"SELECT mention.id FROM mention WHERE mention.case_id = :case_id AND {_THERE}"
_OF_THE_THREAD = f"""
UNION SELECT mention.id FROM mention JOIN mention_text USING (id)
 WHERE mention.source = :source AND mention.external_id = :thread AND author = :author AND {_THERE}
UNION SELECT id FROM (SELECT mention.id FROM mention WHERE mention.source = :source AND mention.thread = :thread
                       AND mention.thread <> '' AND {_THERE} ORDER BY mention.id DESC LIMIT {_LOOKED_AT})
                 JOIN mention_text USING (id) WHERE author = :author"""


class BesideRows:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, cases: Mapping[int, int]) -> dict[int, tuple[Mention, ...]]:
        """For the row ids of mentions, each with its case: what else their customers wrote, the newest first."""
        with self._engine.reading() as connection:
            return {row_id: _beside(connection, row_id, case_id) for row_id, case_id in cases.items()}


def _beside(connection: Connection, row_id: int, case_id: int) -> tuple[Mention, ...]:
    own = connection.execute(
        "SELECT source, thread, author FROM mention JOIN mention_text USING (id) WHERE id = ?", (row_id,)
    ).fetchone()
    if own is None:
        return ()
    in_thread = bool(own["thread"]) and not is_nobody(own["author"])
    rows: list[Row] = connection.execute(
        "SELECT * FROM mention JOIN mention_text USING (id)"
        f" WHERE id IN ({_OF_THE_CASE}{_OF_THE_THREAD if in_thread else ''}) ORDER BY id DESC LIMIT {_MOST}",
        {"id": row_id, "case_id": case_id, **dict(own)},
    ).fetchall()
    return tuple(load_mention(row) for row in rows)
