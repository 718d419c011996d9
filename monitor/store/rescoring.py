"""Which mentions another model judged, and how the configured one fares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.store.audit import OHLAS
from monitor.store.engine import Engine

WINDOW = 2000  # mentions looked at in one go
_WORKS = ("model_works_again", "", "")
_TROUBLE = "model_trouble"  # the name of that setting
_SOURCE = "classifier"  # the source of notices that come from none


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBack:
    """`moved` mentions are to be judged again; go on with those before row `before`, None where none is left."""

    moved: int
    before: int | None


class Rescoring:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def send_back(self, model: str, before: int | None, limit: int) -> SentBack:
        """Let at most `limit` mentions that another model than `model` judged be judged again, the newest first.

        What `model` judged begins with that name; what it had learned by then may follow. A mention whose draft a
        person has touched (typed in, or decided about) is left as it is, and so is one that was answered, or whose
        draft is settled.
        """
        with self._engine.writing() as connection:
            window = connection.execute(
                f"SELECT id, {_DIFFERS} AND {_UNTOUCHED} AS again FROM mention"
                " WHERE id < :before ORDER BY id DESC LIMIT :window",
                {"model": model, "ohlas": OHLAS, "before": before or 2**62, "window": WINDOW},
            ).fetchall()
            found = [row["id"] for row in window if row["again"]][:limit]
            connection.executemany("UPDATE mention SET stage = 'new' WHERE id = ?", [(row_id,) for row_id in found])
        if len(found) == limit:
            return SentBack(moved=limit, before=found[-1])
        return SentBack(moved=len(found), before=window[-1]["id"] if len(window) == WINDOW else None)

    def note(self, trouble: str, now: datetime) -> bool:
        """Keep why the configured model does not judge, "" where it does. True, and a notice, where that is news."""
        with self._engine.writing() as connection:
            known = connection.execute("SELECT value FROM setting WHERE name = ?", (_TROUBLE,)).fetchone()
            if trouble == (known["value"] if known else ""):
                return False
            connection.execute(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_TROUBLE, trouble),
            )
            connection.execute(
                "INSERT INTO notice (at, source, code, text, cause) VALUES (?, ?, ?, ?, ?)",
                (now.timestamp(), _SOURCE, *(("model_unusable", trouble, "model") if trouble else _WORKS)),
            )
        return True

    def trouble(self) -> str:
        """Why the configured model did not judge when the service last looked; "" where it did."""
        row = self._engine.row("SELECT value FROM setting WHERE name = ?", (_TROUBLE,))
        return row["value"] if row else ""


_DIFFERS = (
    "(stage = 'done' AND replied_at IS NULL AND erased_at IS NULL"
    " AND substr(coalesce(json_extract(verdict, '$.model'), ''), 1, length(:model)) <> :model)"
)
_UNTOUCHED = (
    "NOT EXISTS (SELECT 1 FROM draft WHERE mention_id = mention.id"
    " AND ((author <> 'playbook' AND author NOT LIKE 'llm:%')"
    " OR state NOT IN ('pending', 'superseded')"
    " OR EXISTS (SELECT 1 FROM decision WHERE draft_id = draft.id AND actor <> :ohlas)))"
)
