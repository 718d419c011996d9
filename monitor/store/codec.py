"""Values of the model as JSON columns, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from monitor.model import Aspect, Choice, Draft, DraftState, Finding, Mention, Priority, Reason, Tone, Urgency, Verdict
from monitor.store.engine import Row, instant, moment
from monitor.store.tombstones import legible


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def dump_verdict(verdict: Verdict) -> str:
    return dump(asdict(verdict))


def load_verdict(text: str | None) -> Verdict | None:
    if not text:
        return None
    fields = json.loads(text)
    fields["reasons"] = tuple(Reason(**reason) for reason in fields["reasons"])
    fields["aspects"] = tuple(Aspect(name=aspect["name"], words=tuple(aspect["words"])) for aspect in fields["aspects"])
    fields["urgency"] = tuple(Urgency(name=one["name"], words=tuple(one["words"])) for one in fields.get("urgency", ()))
    if tone := fields.get("tone"):  # verdicts of older versions have none
        fields["tone"] = Tone(name=tone["name"], words=tuple(tone["words"]))
    if aside := fields.get("aside"):
        fields["aside"] = Reason(**aside)
    return Verdict(**fields)


def dump_findings(findings: tuple[Finding, ...]) -> str:
    return dump([asdict(finding) for finding in findings])


def load_reason(text: str | None) -> Reason:
    return Reason(**json.loads(text)) if text else Reason(code="")


def dump_reason(reason: Reason) -> str:
    return dump(asdict(reason))


def dump_raw(raw: Mapping[str, Any]) -> str:
    return dump(dict(raw)) if raw else ""


def load_mention(row: Row) -> Mention:
    """From a join of `mention` and `mention_text`."""
    return Mention(
        source=row["source"],
        id=row["external_id"],
        url=row["url"] or "",
        author=row["author"],
        title=row["title"],
        text=row["text"],
        rating=row["rating"],
        language=row["language"] or "",
        created_at=instant(row["created_at"]),
        thread=row["thread"] or "",
        reply=row["reply"],
        raw=json.loads(row["raw"]) if row["raw"] else {},
    )


def dump_choices(choices: Iterable[Choice]) -> str:
    return dump([asdict(choice) for choice in choices])


def load_choices(text: str) -> tuple[Choice, ...]:
    return tuple(Choice(**one | {"why": tuple(one["why"])}) for one in json.loads(text))


def load_draft(row: Row) -> Draft:
    return Draft(
        id=row["id"],
        case_id=row["case_id"],
        mention_id=row["mention_id"],
        rev=row["rev"],
        state=DraftState(row["state"]),
        language=row["language"],
        text=legible(row["text"]),
        parts=json.loads(row["parts"]),
        author=row["author"],
        findings=tuple(Finding(**finding) for finding in json.loads(row["findings"])),
        priority=Priority(row["priority"]),
        reason=load_reason(row["reason"]),
        manual=bool(row["manual"]),
        created_at=instant(row["created_at"]),
        updated_at=instant(row["updated_at"]),
        publish_after=moment(row["publish_after"]),
        approved_hash=row["approved_hash"] or "",
        decided_by=row["decided_by"] or "",
        decided_at=moment(row["decided_at"]),
        decided_via=row["decided_via"] or "",
        choices=load_choices(row["choices"]),
        purpose=row["purpose"],
        promised=moment(row["promised"]),
        answer_by=moment(row["answer_by"]),
        approvals=tuple(json.loads(row["approvals"])),
        model_note=row["llm_note"] if row["llm_rev"] == row["rev"] else "",
    )
