"""The shapes that other programs read with `--json`. What is here may gain keys, and never loses one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from monitor.model import Draft, Finding, Mention, Verdict

if TYPE_CHECKING:
    from monitor.store.aside import Aside
    from monitor.store.elsewhere import Elsewhere
    from monitor.store.views import InboxRow, Matter


def of_mention(mention: Mention) -> dict[str, Any]:
    return {
        "source": mention.source,
        "id": mention.id,
        "author": mention.author,
        "title": mention.title,
        "text": mention.text,
        "rating": mention.rating,
        "language": mention.language,
        "url": mention.url,
        "created_at": mention.created_at,
        "thread": mention.thread,
        "reply": mention.reply,
    }


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "label": verdict.label,
        "confidence": round(verdict.confidence, 4),
        "unsure": verdict.unsure,
        "language": verdict.language,
        "reasons": list(verdict.reasons),
        "aspects": list(verdict.aspects),
        "urgency": list(verdict.urgency),
        "tone": verdict.tone,
        "aside": verdict.aside,
        "model": verdict.model,
    }


def of_findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"rule": one.rule, "severity": one.severity, "message": one.message, "excerpt": one.excerpt} for one in findings
    ]


def of_draft(draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "reference": draft.reference,
        "rev": draft.rev,
        "state": draft.state,
        "priority": int(draft.priority),
        "language": draft.language,
        "draft": draft.text,
        "parts": dict(draft.parts),
        "written_by": draft.author,
        "model_note": draft.model_note,
        "guard": of_findings(draft.findings),
        "reason": draft.reason.code,
        "reason_detail": draft.reason.detail,
        "manual": draft.manual,
        "purpose": draft.purpose,
        "promised": draft.promised,
        "answer_by": draft.answer_by,
        "drafted_at": draft.created_at,
        "updated_at": draft.updated_at,
        "publish_after": draft.publish_after,
        "decided_by": draft.decided_by,
        "decided_at": draft.decided_at,
        "decided_via": draft.decided_via,
    }


def of_inbox_row(row: InboxRow) -> dict[str, Any]:
    """One object with everything that a list needs; `text` is the customer's, `draft` is ours."""
    mention, verdict = row.mention, row.verdict
    return {
        **of_draft(row.draft),
        "source": mention.source,
        "mention_id": mention.id,
        "author": mention.author,
        "title": mention.title,
        "text": mention.text,
        "rating": mention.rating,
        "url": mention.url,
        "created_at": mention.created_at,
        "label": verdict.label,
        "confidence": round(verdict.confidence, 4),
        "unsure": verdict.unsure,
        "urgency": [urgency.name for urgency in verdict.urgency],
        "tone": verdict.tone.name,
    }


def of_aside(row: Aside) -> dict[str, Any]:
    """A mention without a draft, and why it has none."""
    return {
        **of_mention(row.mention),
        "verdict": of_verdict(row.verdict),
        "reason": row.reason.code,
        "reason_detail": row.reason.detail,
        "handled_by": row.handling,
    }


def of_elsewhere(other: Elsewhere) -> dict[str, Any]:
    """Another mention of the same matter; `mention` is the number that `ohlas case` takes."""
    return {
        **of_mention(other.mention),
        "mention": other.row_id,
        "why": other.why.code,
        "why_detail": other.why.detail,
        "draft_id": other.draft.id if other.draft else None,
        "draft_state": other.draft.state if other.draft else None,
    }


def of_matter(matter: Matter) -> dict[str, Any]:
    return {
        "draft": of_draft(matter.draft),
        "mention": {**of_mention(matter.mention), "seen_at": matter.seen_at, "gone_at": matter.gone_at},
        "verdict": of_verdict(matter.verdict),
        "history": list(matter.history),
        "revisions": list(matter.revisions),
        "edits": list(matter.edits),
        "others": [of_elsewhere(other) for other in matter.others],
        "handled_by": matter.handling,
        "earlier": list(matter.earlier),
        "drafts": [of_draft(other) for other in matter.drafts],
        "publication": matter.publication,
    }
