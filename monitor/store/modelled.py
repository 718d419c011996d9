"""Drafts that a language model writes anew: which wait for it, what it wrote, or why the playbook's text stands.

Every change is one compare-and-set on a draft that waits, untouched, at the revision that was looked at. Each revision
is tried once: `draft.llm_rev` is the newest that was, `draft.llm_note` tells why its text is not the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.model import Composition, Draft, Finding, Label
from monitor.store.audit import OHLAS, write_decision
from monitor.store.codec import dump, dump_choices, dump_findings, load_draft
from monitor.store.drafts import write_revision
from monitor.store.engine import Engine

ASKED = "asked"  # the note while the model is writing
INTERRUPTED = "interrupted"

# Word for word as in the index: thousands of drafts may wait that were tried already, and nobody looks at those.
_WAITS = (
    "draft.state = 'pending' AND draft.purpose = 'answer' AND draft.author = 'playbook' AND draft.llm_rev < draft.rev"
)
_UNTOUCHED = (
    "draft.state = 'pending' AND draft.purpose = 'answer' AND draft.author = 'playbook' AND draft.approvals = '[]'"
    " AND (draft.claimed_by = '' OR draft.claimed_until <= :now)"
    f" AND NOT EXISTS (SELECT 1 FROM decision WHERE draft_id = draft.id AND actor <> '{OHLAS}' AND action <> 'correct')"
)
# whose words are those that the model was shown
_SAME_WORDS = (
    "EXISTS (SELECT 1 FROM mention WHERE mention.id = draft.mention_id AND content_hash = :content_hash"
    " AND stage = 'done' AND gone_at IS NULL)"
)


class ModelledDrafts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, limit: int, now: datetime) -> list[Draft]:
        """The most urgent first."""
        rows = self._engine.rows(
            f"SELECT * FROM draft INDEXED BY idx_draft_unasked WHERE {_WAITS} AND {_UNTOUCHED}"
            " ORDER BY priority, created_at LIMIT :limit",
            {"now": now.timestamp(), "limit": limit},
        )
        return [load_draft(row) for row in rows]

    def take(self, draft: Draft, now: datetime) -> bool:
        """Whether this revision is ours to try; it is nobody's again, whatever comes of it."""
        with self._engine.writing(durable=True) as connection:
            changed = connection.execute(
                f"UPDATE draft SET llm_rev = rev, llm_note = :note WHERE id = :id AND rev = :rev AND {_WAITS}"
                f" AND {_UNTOUCHED}",
                {"id": draft.id, "rev": draft.rev, "note": ASKED, "now": now.timestamp()},
            )
            return changed.rowcount == 1

    def replace(
        self, draft: Draft, content_hash: str, composition: Composition, findings: Sequence[Finding], now: datetime
    ) -> Draft | None:
        """The model's text as a new revision; None where the draft was touched, or the customer's words changed."""
        values = {
            "id": draft.id,
            "rev": draft.rev,
            "content_hash": content_hash,
            "text": composition.text,
            "parts": dump(dict(composition.parts)),
            "author": composition.author,
            "choices": dump_choices(composition.choices),
            "findings": dump_findings(tuple(findings)),
            "now": now.timestamp(),
        }
        with self._engine.writing(durable=True) as connection:
            row = connection.execute(
                "UPDATE draft SET rev = rev + 1, llm_rev = rev + 1, llm_note = '', text = :text, parts = :parts,"
                " author = :author, choices = :choices, findings = :findings, updated_at = :now"
                f" WHERE id = :id AND rev = :rev AND {_UNTOUCHED} AND {_SAME_WORDS} RETURNING *",
                values,
            ).fetchone()
            if row is None:
                return None
            write_revision(connection, row, now)
            write_decision(connection, row, "model_drafted", at=now)
            return load_draft(row)

    def note(self, draft: Draft, note: str) -> None:
        """Why the text of this revision is not the model's; nothing where there is a newer revision."""
        with self._engine.writing() as connection:
            connection.execute(
                "UPDATE draft SET llm_note = ? WHERE id = ? AND rev = ? AND llm_rev = rev AND author = 'playbook'",
                (note, draft.id, draft.rev),
            )

    def recover(self) -> int:
        """At start: what was being written when Ohlas stopped is not asked for again."""
        with self._engine.writing() as connection:
            return connection.execute("UPDATE draft SET llm_note = ? WHERE llm_note = ?", (INTERRUPTED, ASKED)).rowcount

    def examples(self, language: str, label: Label, limit: int) -> list[str]:
        """Answers in that language to that kind of mention which people approved, the newest first."""
        rows = self._engine.rows(
            "SELECT draft.text FROM draft JOIN mention ON mention.id = draft.mention_id"
            " WHERE draft.state IN ('published', 'approved') AND draft.purpose = 'answer' AND draft.language = ?"
            " AND mention.label = ? AND draft.erased_at IS NULL ORDER BY draft.decided_at DESC, draft.id DESC LIMIT ?",
            (language, label, limit),
        )
        return [row["text"] for row in rows]
