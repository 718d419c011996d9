"""Rows of `draft` and `draft_rev`: what the pipeline judged and wrote, and what people decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sqlite3 import Connection

from monitor.errors import NoSuchDraft, StaleDecision
from monitor.model import (
    Composition,
    Decision,
    Draft,
    DraftState,
    Finding,
    Purpose,
    Transition,
    Triage,
    Verdict,
    text_hash,
)
from monitor.store.acknowledgements import hand_on
from monitor.store.audit import OHLAS, write_decision
from monitor.store.codec import dump, dump_choices, dump_findings, dump_reason, dump_verdict, load_draft
from monitor.store.engine import Engine, Row, moment, seconds
from monitor.store.follow_ups import note_wrote
from monitor.store.handling import GAVE_WAY, gave_way, is_handled, own_draft, release, second_place

WAITING = (DraftState.PENDING, DraftState.FAILED)
NOT_NEEDED = "no_reply_needed"
NOTHING_TO_ANSWER = ("no_reply", "handled", "not_ours")  # reasons of a rejection
PLAYBOOK, MODEL = "playbook", "llm:"
KEPT_AS_TYPED = ("text", "language", "parts", "author", "findings", "choices", "promised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the pipeline made of a mention. `content_hash` is that of the words it looked at."""

    row_id: int
    content_hash: str
    case_id: int
    verdict: Verdict
    triage: Triage
    composition: Composition | None = None
    findings: tuple[Finding, ...] = ()
    manual: bool = False
    corrected: bool = False  # a person said what it is
    purpose: Purpose = "answer"
    promised: datetime | None = None  # by when this acknowledgement says that the answer comes
    answer_by: datetime | None = None  # by when this answer was promised
    acknowledgement: DraftState | None = None  # of the mention's acknowledgement as it was then; another: judge again


class Drafts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save_judged(self, batch: Sequence[Judged], now: datetime) -> list[int]:
        """Save verdicts and drafts; returns the ids of drafts that are new or changed.

        A mention that was edited meanwhile is left for the next round. May run twice: the second time does nothing.
        """
        with self._engine.writing() as connection:
            saved = (_save_judged(connection, judged, now) for judged in batch)
            return [draft_id for draft_id in saved if draft_id]

    def get(self, draft_id: int) -> Draft:
        """Raises NoSuchDraft."""
        row = self._engine.row("SELECT * FROM draft WHERE id = ?", (draft_id,))
        if row is None:
            raise NoSuchDraft(f"there is no draft {draft_id}")
        return load_draft(row)

    def apply(self, transition: Transition) -> Draft:
        """The one compare-and-set behind every decision. Raises NoSuchDraft, or StaleDecision with who was faster."""
        decision = transition.decision
        with self._engine.writing(durable=True) as connection:
            row = _compare_and_set(connection, transition)
            if row is None:
                raise _stale(connection, decision.draft_id)
            if transition.text is not None:
                write_revision(connection, row, transition.at)
            write_decision(
                connection,
                row,
                decision.action,
                actor=decision.actor,
                via=decision.via,
                at=transition.at,
                reason=_reason(transition),
            )
            _settle_publication(connection, row, transition)
            if not _ends_the_matter(decision):
                hand_on(connection, row)
            return load_draft(row)


def _ends_the_matter(decision: Decision) -> bool:
    """Whether the reason of a rejection says that nothing is to be answered at all."""
    return decision.action == "reject" and decision.reason.partition(":")[0] in NOTHING_TO_ANSWER


def _save_judged(connection: Connection, judged: Judged, now: datetime) -> int | None:
    saved = connection.execute(
        "UPDATE mention SET stage = 'done', label = ?, confidence = ?, unsure = ?, language = ?, verdict = ?,"
        " action = ?, priority = ?, reason = ?, case_id = coalesce(case_id, ?) WHERE id = ? AND stage = 'new'"
        " AND content_hash = ? AND (SELECT state FROM draft WHERE mention_id = mention.id"
        " AND purpose = 'acknowledgement') IS ? RETURNING case_id",
        (
            judged.verdict.label,
            judged.verdict.confidence,
            judged.verdict.unsure,
            judged.verdict.language,
            dump_verdict(judged.verdict),
            judged.triage.action,
            judged.triage.priority,
            dump_reason(judged.triage.reason),
            judged.case_id,
            judged.row_id,
            judged.content_hash,
            judged.acknowledgement,
        ),
    ).fetchone()
    if saved is None:
        return None
    judged = replace(judged, case_id=saved["case_id"])  # somebody may have merged or split it meanwhile
    if judged.triage.action != "skip":
        note_wrote(connection, judged.row_id, judged.case_id, judged.verdict.label, now)
    existing = own_draft(connection, judged.row_id, judged.purpose)
    if existing is not None and gave_way(existing):
        return _return(connection, existing, judged, now)
    if existing is not None:
        return _redraft(connection, existing, judged, now)
    if judged.composition is None or _is_answered_elsewhere(connection, judged, now):
        return None
    return _insert_draft(connection, judged, now)


def _is_answered_elsewhere(connection: Connection, judged: Judged, now: datetime) -> bool:
    """Whether a draft for another mention of the case answers this one, too."""
    place = second_place(connection, judged.row_id, judged.case_id, judged.content_hash, judged.triage)
    return is_handled(connection, place, now)


def _return(connection: Connection, existing: Row, judged: Judged, now: datetime) -> int | None:
    """A draft that gave way comes back only where nothing else answers its matter any more."""
    if judged.composition is None or _is_answered_elsewhere(connection, judged, now):
        return None
    found = _redraft(connection, existing, judged, now)
    if found is None:
        release(connection, judged.case_id, now)
    return found


def _insert_draft(connection: Connection, judged: Judged, now: datetime) -> int | None:
    """None where the case has an open draft already: one matter, one answer."""
    row = connection.execute(
        "INSERT INTO draft (case_id, mention_id, rev, state, language, text, parts, author, findings, priority,"
        " reason, manual, choices, created_at, updated_at, approved_hash, purpose, promised, answer_by)"
        " VALUES (:case_id, :mention_id, 1, 'pending',"
        " :language, :text, :parts, :author, :findings, :priority, :reason, :manual, :choices, :now,"
        " :now, '', :purpose, :promised, :answer_by)"
        " ON CONFLICT DO NOTHING RETURNING *",
        _draft_values(judged, now),
    ).fetchone()
    if row is None:
        return None
    write_revision(connection, row, now)
    return int(row["id"])


def _redraft(connection: Connection, existing: Row, judged: Judged, now: datetime) -> int | None:
    """The mention was edited, its label corrected, or another model judged it. A text that a person typed is kept; the
    new revision makes old buttons stale. Where the words are the same, a draft that a person has touched is left as
    it is, and one that says the same is no new revision."""
    edited = _is_edited_since(connection, existing)
    if (judged.corrected or not edited) and _is_touched(connection, existing):
        return None
    if existing["state"] not in WAITING and not _may_return(connection, existing, judged):
        return None
    if judged.composition is None:
        row = connection.execute(
            "UPDATE draft SET state = 'superseded', rev = rev + 1, updated_at = ? WHERE id = ? RETURNING *",
            (now.timestamp(), existing["id"]),
        ).fetchone()
        write_decision(connection, row, NOT_NEEDED, at=now, reason=judged.triage.reason.code)
        release(connection, row["case_id"], now)
        return None
    if not edited and not judged.corrected and _says_the_same(connection, existing, judged.composition):
        _rejudge(connection, existing, judged)
        return None
    typed = not _by_machine(existing)
    values = _draft_values(judged, now) | {"id": existing["id"]}
    if typed:
        values |= {name: existing[name] for name in KEPT_AS_TYPED}
    row = connection.execute(
        "UPDATE draft SET state = 'pending', rev = rev + 1, language = :language, text = :text, parts = :parts,"
        " author = :author, choices = :choices, findings = :findings, priority = :priority,"
        " reason = :reason, updated_at = :now, promised = :promised, answer_by = coalesce(:answer_by, answer_by),"
        " publish_after = NULL, approved_hash = '', approvals = '[]' WHERE id = :id RETURNING *",
        values,
    ).fetchone()
    write_revision(connection, row, now)
    write_decision(connection, row, "redrafted", at=now, reason=_why_again(existing, judged, edited))
    return int(row["id"])


def _why_again(existing: Row, judged: Judged, edited: bool) -> str:
    if judged.corrected:
        return "label_corrected"
    if edited:
        return "mention_edited"
    return "judged_again" if judged.promised == moment(existing["promised"]) else "promise_renewed"


def _rejudge(connection: Connection, existing: Row, judged: Judged) -> None:
    """The text stays; what the verdict says of it is new."""
    connection.execute(
        "UPDATE draft SET priority = ?, reason = ?, findings = ?, promised = ? WHERE id = ?",
        (
            judged.triage.priority,
            dump_reason(judged.triage.reason),
            dump_findings(judged.findings) if existing["author"] == PLAYBOOK else existing["findings"],
            seconds(judged.promised),
            existing["id"],
        ),
    )


def _is_edited_since(connection: Connection, draft: Row) -> bool:
    """Whether the customer changed his words after the draft was written."""
    mention = connection.execute("SELECT edited_at FROM mention WHERE id = ?", (draft["mention_id"],)).fetchone()
    return mention["edited_at"] is not None and mention["edited_at"] >= draft["updated_at"]


def _says_the_same(connection: Connection, draft: Row, composition: Composition) -> bool:
    """Whether the playbook has nothing new to say; where a model wrote in its place, its own last text counts."""
    text = draft["text"]
    if draft["author"].startswith(MODEL):
        last = connection.execute(
            "SELECT text FROM draft_rev WHERE draft_id = ? AND author = ? ORDER BY rev DESC LIMIT 1",
            (draft["id"], PLAYBOOK),
        ).fetchone()
        text = last["text"] if last else None
    found = draft["state"], text, draft["language"]
    return found == (DraftState.PENDING, composition.text, composition.language)


def _is_touched(connection: Connection, draft: Row) -> bool:
    """Whether a person did anything with the draft beyond correcting the label."""
    decided = connection.execute(
        "SELECT 1 FROM decision WHERE draft_id = ? AND actor <> ? AND action NOT IN ('correct', 'acknowledge')",
        (draft["id"], OHLAS),
    ).fetchone()
    return not _by_machine(draft) or decided is not None


def _by_machine(draft: Row) -> bool:
    """Whether no person typed the text: a machine is called "playbook", or "llm:" and the name of its model."""
    author: str = draft["author"]
    return author == PLAYBOOK or author.startswith(MODEL)


def _may_return(connection: Connection, draft: Row, judged: Judged) -> bool:
    """A draft that was not needed is needed after all, and its case has no other one."""
    if judged.composition is None or draft["state"] != DraftState.SUPERSEDED:
        return False
    last = connection.execute(
        "SELECT action FROM decision WHERE draft_id = ? AND action <> 'correct' ORDER BY id DESC LIMIT 1",
        (draft["id"],),
    ).fetchone()
    other = connection.execute(
        "SELECT 1 FROM draft WHERE case_id = ? AND id <> ?"
        " AND state IN ('pending', 'approved', 'publishing', 'unknown')",
        (draft["case_id"], draft["id"]),
    ).fetchone()
    return last is not None and last["action"] in (NOT_NEEDED, *GAVE_WAY) and other is None


def _draft_values(judged: Judged, now: datetime) -> dict[str, object]:
    composition = judged.composition
    if composition is None:
        raise ValueError("nothing was composed")
    return {
        "case_id": judged.case_id,
        "mention_id": judged.row_id,
        "language": composition.language,
        "text": composition.text,
        "parts": dump(dict(composition.parts)),
        "author": composition.author,
        "findings": dump_findings(judged.findings),
        "priority": judged.triage.priority,
        "reason": dump_reason(judged.triage.reason),
        "manual": judged.manual,
        "choices": dump_choices(composition.choices),
        "purpose": judged.purpose,
        "promised": seconds(judged.promised),
        "answer_by": seconds(judged.answer_by),
        "now": now.timestamp(),
    }


def write_revision(connection: Connection, draft: Row, at: datetime) -> None:
    connection.execute(
        "INSERT INTO draft_rev (draft_id, rev, language, text, parts, author, choices, purpose, at)"
        " SELECT id, rev, language, text, parts, author, choices, purpose, ? FROM draft WHERE id = ?",
        (at.timestamp(), draft["id"]),
    )


def _compare_and_set(connection: Connection, transition: Transition) -> Row | None:
    decision = transition.decision
    values: dict[str, object] = {
        "id": decision.draft_id,
        "rev": decision.rev,
        "target": transition.target,
        "text": transition.text,
        "actor": decision.actor,
        "author": transition.author or decision.actor,
        "choices": dump_choices(transition.choices),
        "purpose": transition.purpose,
        "promised": seconds(transition.promised),
        "parts": dump(dict(transition.parts)),
        "findings": dump_findings(transition.findings),
        "hash": transition.approved_hash,
        "publish_after": seconds(transition.publish_after),
        "at": transition.at.timestamp(),
        "via": decision.via,
        "approvals": dump(list(transition.approvals)),
    }
    changed = (
        ", text = :text, rev = rev + 1, author = :author, parts = :parts, choices = :choices, findings = :findings"
        if transition.text is not None
        else ""
    )
    if transition.purpose:
        changed += ", purpose = :purpose, promised = :promised"
    states = ",".join(f"'{state.value}'" for state in sorted(transition.sources))
    row: Row | None = connection.execute(
        "UPDATE draft SET state = :target, approved_hash = :hash, publish_after = :publish_after, updated_at = :at,"
        " approvals = :approvals,"
        f" decided_by = :actor, decided_at = :at, decided_via = :via{changed}"
        f" WHERE id = :id AND rev = :rev AND state IN ({states})"
        " AND NOT EXISTS (SELECT 1 FROM draft other WHERE other.mention_id = draft.mention_id"
        " AND other.id <> draft.id AND other.purpose = :purpose) RETURNING *",
        values,
    ).fetchone()
    return row


def _stale(connection: Connection, draft_id: int) -> NoSuchDraft | StaleDecision:
    row = connection.execute("SELECT * FROM draft WHERE id = ?", (draft_id,)).fetchone()
    if row is None:
        return NoSuchDraft(f"there is no draft {draft_id}")
    return StaleDecision(
        f"draft {draft_id} is {row['state']} at revision {row['rev']}"
        + (f" since {row['decided_by']} decided" if row["decided_by"] else ""),
        state=row["state"],
        rev=row["rev"],
        by=row["decided_by"] or "",
        at=moment(row["decided_at"]),
    )


def _reason(transition: Transition) -> str:
    decision = transition.decision
    overridden = f"overrides {', '.join(decision.override)}" if decision.override else ""
    return "; ".join(part for part in (decision.reason, overridden) if part)


def _settle_publication(connection: Connection, draft: Row, transition: Transition) -> None:
    """A person posted by hand, or looked at an unknown publication: the ledger says so too."""
    outcome = {"posted": "published", "not_posted": "failed"}.get(transition.decision.action)
    if outcome:
        connection.execute(
            "INSERT INTO publication (source, external_id, purpose, mention_id, draft_id, rev, text, text_hash, key,"
            " state, attempts, lookups, error, at) SELECT source, external_id, :purpose, mention.id, :draft, :rev,"
            " :text, :hash, 'by hand', :outcome, 0, 0, '', :at FROM mention WHERE mention.id = :mention"
            " ON CONFLICT (source, external_id, purpose) DO UPDATE SET draft_id = :draft, state = :outcome, due = NULL,"
            " at = :at",
            {
                "draft": draft["id"],
                "purpose": draft["purpose"],
                "rev": draft["rev"],
                "text": draft["text"],
                "hash": text_hash(draft["text"]),
                "mention": draft["mention_id"],
                "outcome": outcome,
                "at": transition.at.timestamp(),
            },
        )
