"""Rows of `correction`: what people say that a mention really is. None is lost; the newest one holds.

A correction points to its mention and keeps no words of its own, so that erasing a customer's text erases it here
too. Only texts that a file brought have no mention; they stand in `correction_text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sqlite3 import Connection
from typing import Literal

from monitor.errors import NoSuchDraft, StaleDecision
from monitor.model import CORRECTED, Label, Mention, Reason, Utterance, Verdict, text_hash
from monitor.store.audit import newest_draft, write_decision
from monitor.store.codec import dump_verdict, load_mention, load_verdict
from monitor.store.engine import Engine, Row, instant, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's word on what a mention is. `content_hash` is that of the words he looked at."""

    mention_id: int
    content_hash: str
    label: Label
    actor: str
    via: str  # "page", "terminal"
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A text whose label a person knows. "confirmed": he approved the drafted answer as it was."""

    utterance: Utterance
    label: Label
    at: datetime
    origin: Literal["corrected", "imported", "confirmed"]


class Corrections:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def correct(self, correction: Correction) -> None:
        """Write the correction down, fix the verdict, and leave the mention to be triaged and drafted anew.

        Raises NoSuchDraft where there is no such mention, StaleDecision where the customer changed the words.
        """
        with self._engine.writing(durable=True) as connection:
            row = connection.execute("SELECT * FROM mention WHERE id = ?", (correction.mention_id,)).fetchone()
            if row is None:
                raise NoSuchDraft(f"there is no mention {correction.mention_id}")
            if row["content_hash"] != correction.content_hash:
                raise _changed(connection, row)
            _insert(connection, correction, row["verdict"] or "")
            _fix_verdict(connection, correction, load_verdict(row["verdict"]))
            _write_audit(connection, correction, row["label"] or "")

    def take(self, lessons: Sequence[Lesson], *, actor: str, via: str) -> int:
        """Keep imported texts with their labels; a text that is known gets its new label. Returns how many changed."""
        with self._engine.writing() as connection:
            return sum(_take(connection, lesson, actor, via) for lesson in lessons)

    def lessons(self, limit: int) -> list[Lesson]:
        """The newest texts whose labels people gave or confirmed, newest first; one for each mention."""
        rows = self._engine.rows(f"{LESSONS} LIMIT ?", (limit,))
        return [_lesson(row) for row in rows]

    def find(self, source: str, external_id: str) -> tuple[int, Mention] | None:
        """A mention by what its source calls it, with the store's number."""
        row = self._engine.row(
            "SELECT * FROM mention JOIN mention_text USING (id) WHERE source = ? AND external_id = ?",
            (source, external_id),
        )
        return (row["id"], load_mention(row)) if row else None


def corrected(verdict: Verdict, label: Label, actor: str) -> Verdict:
    """What a person said, with the aspects that the classifier found: nothing is surer."""
    reason = Reason(code=CORRECTED, detail=actor)
    return replace(verdict, label=label, confidence=1.0, unsure=False, reasons=(reason,))


# The newest correction of the words that a mention has now.
HOLDS = (
    "correction.id = (SELECT max(newest.id) FROM correction newest WHERE newest.mention_id = mention.id"
    " AND newest.content_hash = mention.content_hash)"
)

# An answer approved as it was drafted confirms the label, unless stars or doubt set its tone (monitor/triage.py).
CONFIRMED = (
    "draft.state IN ('approved', 'publishing', 'published') AND draft.decided_by <> '' AND draft.author = 'playbook'"
    " AND draft.purpose = 'answer'"
    " AND NOT mention.unsure AND (mention.rating IS NULL OR mention.rating > 2.5 OR mention.label = 'complaint')"
)

LESSONS = f"""
SELECT 'corrected' AS origin, title, text, rating, mention.language, correction.label, correction.at, correction.id
  FROM correction JOIN mention ON mention.id = correction.mention_id JOIN mention_text ON mention_text.id = mention.id
  WHERE {HOLDS} AND title || text <> ''
UNION ALL
SELECT 'imported', '', text, rating, language, label, at, correction.id
  FROM correction JOIN correction_text USING (id)
UNION ALL
SELECT 'confirmed', title, mention_text.text, rating, mention.language, mention.label, decided_at, draft.id
  FROM draft JOIN mention ON mention.id = draft.mention_id JOIN mention_text ON mention_text.id = mention.id
  WHERE {CONFIRMED} AND title || mention_text.text <> ''
  AND NOT EXISTS (SELECT 1 FROM correction WHERE mention_id = mention.id AND content_hash = mention.content_hash)
ORDER BY at DESC, origin, 8 DESC"""


def _lesson(row: Row) -> Lesson:
    text = "\n".join(part for part in (row["title"], row["text"]) if part)
    return Lesson(
        utterance=Utterance(text=text, rating=row["rating"], language=row["language"] or ""),
        label=row["label"],
        at=instant(row["at"]),
        origin=row["origin"],
    )


def _insert(connection: Connection, correction: Correction, before: str) -> None:
    connection.execute(
        "INSERT INTO correction (mention_id, content_hash, label, verdict, actor, via, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            correction.mention_id,
            correction.content_hash,
            correction.label,
            before,
            correction.actor,
            correction.via,
            correction.at.timestamp(),
        ),
    )


def _fix_verdict(connection: Connection, correction: Correction, before: Verdict | None) -> None:
    """At once, so that whoever looks sees it; the pipeline does the rest from stage "new"."""
    plain = before or Verdict(label=correction.label, confidence=1.0, unsure=False, language="")
    fixed = corrected(plain, correction.label, correction.actor)
    connection.execute(
        "UPDATE mention SET stage = 'new', label = ?, confidence = 1, unsure = 0, verdict = ? WHERE id = ?",
        (fixed.label, dump_verdict(fixed), correction.mention_id),
    )


def _write_audit(connection: Connection, correction: Correction, before: str) -> None:
    draft = newest_draft(connection, correction.mention_id)
    if draft is None:
        return
    connection.execute(  # of a settled one it is when it was settled: what was written later is another matter
        "UPDATE draft SET updated_at = ? WHERE id = ? AND state NOT IN ('published', 'rejected', 'expired')",
        (correction.at.timestamp(), draft["id"]),
    )
    write_decision(
        connection,
        draft,
        "correct",
        actor=correction.actor,
        via=correction.via,
        at=correction.at,
        reason=f"label {before or '-'} {correction.label}",
    )


def _changed(connection: Connection, mention: Row) -> StaleDecision:
    draft = newest_draft(connection, mention["id"])
    return StaleDecision(
        "the customer has changed the text since; look at it again",
        state=draft["state"] if draft else "",
        rev=draft["rev"] if draft else 0,
        at=moment(mention["edited_at"]),
    )


def _take(connection: Connection, lesson: Lesson, actor: str, via: str) -> int:
    text = lesson.utterance.text
    saved = connection.execute(
        "INSERT INTO correction (content_hash, label, verdict, actor, via, at) VALUES (?, ?, '', ?, ?, ?)"
        " ON CONFLICT (content_hash) WHERE mention_id IS NULL DO UPDATE SET label = excluded.label,"
        " actor = excluded.actor, via = excluded.via, at = excluded.at WHERE label <> excluded.label RETURNING id",
        (text_hash(text), lesson.label, actor, via, lesson.at.timestamp()),
    ).fetchone()
    if saved is None:
        return 0
    connection.execute(
        "INSERT INTO correction_text (id, text, rating, language) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (saved["id"], text, lesson.utterance.rating, lesson.utterance.language),
    )
    return 1
