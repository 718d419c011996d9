"""What became of drafted texts: each beside the text that a person let out, or the reason why none did. Only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.model import Choice
from monitor.store.codec import load_choices
from monitor.store.engine import Engine, Row, instant

Outcome = Literal["approved", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """`drafted` is the last text of a machine, `final` the one that was approved; the same where it is "approved" as
    it was. `parts` and `choices` are those of the drafted text."""

    draft_id: int
    language: str
    label: str
    author: str
    outcome: Outcome
    drafted: str
    final: str
    parts: Mapping[str, str]
    choices: tuple[Choice, ...]
    reason: str
    at: datetime

    @property
    def as_is(self) -> bool:
        return self.outcome == "approved" and self.final.strip() == self.drafted.strip()


class Edits:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since(self, start: datetime, limit: int = 100_000) -> list[Edit]:
        """Drafts that were approved or rejected since `start`, the newest first, at most `limit` of them."""
        rows = self._engine.rows(f"{_EDITS} ORDER BY draft.decided_at DESC LIMIT ?", (start.timestamp(), limit))
        return [_load(row) for row in rows]


# A machine is called "playbook", or "llm:" and the name of its model.
_EDITS = """
    SELECT draft.id, draft.language, mention.label, machine.author, draft.state, draft.text, draft.decided_at,
           machine.text AS drafted, machine.parts AS drafted_parts, machine.choices AS drafted_choices,
           (SELECT reason FROM decision WHERE decision.draft_id = draft.id AND action = 'reject'
            ORDER BY decision.id DESC LIMIT 1) AS reason
      FROM draft INDEXED BY idx_draft_decided
      JOIN mention ON mention.id = draft.mention_id
      JOIN draft_rev AS machine ON machine.draft_id = draft.id AND machine.rev =
           (SELECT max(rev) FROM draft_rev WHERE draft_id = draft.id
             AND (author = 'playbook' OR author LIKE 'llm:%'))
     WHERE draft.decided_at >= ?
       AND draft.state IN ('approved', 'publishing', 'published', 'failed', 'unknown', 'rejected')
       AND (draft.state = 'rejected' OR EXISTS (SELECT 1 FROM decision WHERE decision.draft_id = draft.id
            AND action IN ('approve', 'posted')))
"""


def _load(row: Row) -> Edit:
    return Edit(
        draft_id=row["id"],
        language=row["language"],
        label=row["label"] or "",
        author=row["author"],
        outcome="rejected" if row["state"] == "rejected" else "approved",
        drafted=row["drafted"],
        final=row["text"],
        parts=json.loads(row["drafted_parts"]),
        choices=load_choices(row["drafted_choices"]),
        reason=row["reason"] or "",
        at=instant(row["decided_at"]),
    )
