"""Mentions that were judged and got no draft: why, and that a person wants one all the same."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from monitor.model import Mention, Reason, Verdict
from monitor.store.codec import load_mention, load_reason
from monitor.store.elsewhere import Handling, handling_of
from monitor.store.engine import Engine
from monitor.store.views import verdict_of

MOST_COUNTED = 2_000  # of one reason: nobody turns 80 pages, and counting them all took half a second
# the index of these words is only found by these words
_CODE = "CASE WHEN json_valid(reason) THEN json_extract(reason, '$.code') END"
_OPEN = "action IN ('note', 'skip') AND stage = 'done' AND gone_at IS NULL AND erased_at IS NULL"
_ASIDE = f"{_OPEN} AND NOT EXISTS (SELECT 1 FROM draft WHERE draft.mention_id = mention.id)"
_BY_TIME, _BY_REASON = "mention INDEXED BY idx_mention_aside", "mention INDEXED BY idx_mention_aside_reason"
# from each reason to the next one, so that no row is read but those that are counted
_COUNTED = f"""
WITH RECURSIVE found (code) AS (
  SELECT min({_CODE}) FROM {_BY_REASON} WHERE {_OPEN}
  UNION ALL
  SELECT (SELECT min({_CODE}) FROM {_BY_REASON} WHERE {_OPEN} AND {_CODE} > code) FROM found WHERE code IS NOT NULL)
SELECT code, (SELECT count(*) FROM (SELECT 1 FROM {_BY_REASON} WHERE {_ASIDE} AND {_CODE} = code LIMIT ?)) AS mentions
  FROM found WHERE code IS NOT NULL"""


def by_reason(connection: Connection) -> None:
    """The index in which each reason's mentions stand together, newest first. Part of a step of the schema."""
    connection.execute(
        f"CREATE INDEX idx_mention_aside_reason ON mention(({_CODE}), created_at DESC, id) WHERE {_OPEN}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A mention without a draft, and why; `row_id` is the store's number."""

    row_id: int
    mention: Mention
    verdict: Verdict
    reason: Reason
    handling: Handling | None = None  # the draft that answers it in another place


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideList:
    """`reasons` tells how many mentions have which, most first; MOST_COUNTED stands for that many or more. `total`
    counts those that were asked for, and with `more` there are others behind them."""

    rows: tuple[Aside, ...]
    total: int
    reasons: dict[str, int]
    more: bool = False


class AsideMentions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look(self, reason: str = "", limit: int = 50, offset: int = 0) -> AsideList:
        """Newest first; `reason` is the code of the only one that is wanted, a `limit` of -1 gives all."""
        with self._engine.reading() as connection:
            reasons = _reasons(connection)
            found = _listed(connection, reason, limit, offset)
        counted = [reasons.get(reason, 0)] if reason else list(reasons.values())
        return AsideList(
            rows=tuple(self._row(row_id) for row_id in found),
            total=sum(counted),
            reasons=reasons,
            more=MOST_COUNTED in counted,
        )

    def want(self, row_id: int, person: str) -> None:
        """`person` wants this one drafted, whatever the triage says; it is judged anew for that."""
        with self._engine.writing(durable=True) as connection:
            connection.execute(
                "UPDATE mention SET wanted = ?, stage = 'new' WHERE id = ? AND stage = 'done'"
                " AND action IN ('note', 'skip') AND gone_at IS NULL AND erased_at IS NULL",
                (person, row_id),
            )

    def answered_by(self, row_id: int) -> int | None:
        """The draft that answers this mention: its own, or the newest of its case."""
        row = self._engine.row(
            "SELECT draft.id FROM draft JOIN mention ON mention.id = ? WHERE draft.mention_id = mention.id"
            " OR draft.case_id = mention.case_id ORDER BY draft.mention_id = mention.id DESC, draft.id DESC LIMIT 1",
            (row_id,),
        )
        return row["id"] if row else None

    def _row(self, row_id: int) -> Aside:
        row = self._engine.rows("SELECT * FROM mention JOIN mention_text USING (id) WHERE id = ?", (row_id,))[0]
        return Aside(
            row_id=row_id,
            mention=load_mention(row),
            verdict=verdict_of(row),
            reason=load_reason(row["reason"]),
            handling=handling_of(self._engine, row_id),
        )


def _reasons(connection: Connection) -> dict[str, int]:
    rows = connection.execute(_COUNTED, (MOST_COUNTED,)).fetchall()
    return {
        row["code"]: row["mentions"]
        for row in sorted(rows, key=lambda row: (-row["mentions"], row["code"]))
        if row["mentions"]
    }


def _listed(connection: Connection, reason: str, limit: int, offset: int) -> list[int]:
    order = "ORDER BY created_at DESC, id LIMIT ? OFFSET ?"
    if reason:
        sql = f"SELECT id FROM {_BY_REASON} WHERE {_ASIDE} AND {_CODE} = ? {order}"
        rows = connection.execute(sql, (reason, limit, offset))
    else:
        rows = connection.execute(f"SELECT id FROM {_BY_TIME} WHERE {_ASIDE} {order}", (limit, offset))
    return [row["id"] for row in rows]
