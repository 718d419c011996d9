"""Mentions that were judged and got no draft: why, and that a person wants one all the same."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Mention, Reason, Verdict
from monitor.store.codec import load_mention, load_reason
from monitor.store.elsewhere import Handling, handling_of
from monitor.store.engine import Engine
from monitor.store.views import verdict_of

_CODE = "json_extract(reason, '$.code')"
_ASIDE = (  # deleted ones cannot be answered
    "mention WHERE action IN ('note', 'skip') AND stage = 'done' AND gone_at IS NULL AND erased_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM draft WHERE draft.mention_id = mention.id)"
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
    """`total` counts all that have the reason, `reasons` how many have which."""

    rows: tuple[Aside, ...]
    total: int
    reasons: dict[str, int]


class AsideMentions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look(self, reason: str = "", limit: int = 50, offset: int = 0) -> AsideList:
        """Newest first; `reason` is the code of the only one that is wanted, a `limit` of -1 gives all."""
        with self._engine.reading() as connection:
            reasons = dict(
                connection.execute(f"SELECT {_CODE}, count(*) FROM {_ASIDE} GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
            )
            found = connection.execute(
                f"SELECT id FROM {_ASIDE} AND (? = '' OR {_CODE} = ?) ORDER BY created_at DESC, id LIMIT ? OFFSET ?",
                (reason, reason, limit, offset),
            ).fetchall()
        rows = tuple(self._row(row["id"]) for row in found)
        return AsideList(rows=rows, total=reasons.get(reason, 0) if reason else sum(reasons.values()), reasons=reasons)

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
