"""A playbook small enough to see in a test which sentence was picked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.contract import ReplyRules
from monitor.model import Aspect, Composition, Label, Mention, Tone, Urgency, Verdict
from monitor.options import CompanyOptions, PolicyOptions
from responders.draft import compose
from responders.playbook import Playbook

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COMPANY = CompanyOptions(name="Lipka", signature="Jana", contact="help@lipka.example")

_TABLES: dict[str, Any] = {
    "language": "en",
    "greeting": {"named": ["Hello {name},"], "plain": ["Hello,"]},
    "sign_off": {"personal": ["Yours, {signature}"]},
    "topics": {"and": "and", "delivery": "with the delivery", "price": "with the price"},
    "complaint": {
        "apology": {"general": ["Sorry."]},
        "interest": {"general": ["Tell us."]},
        "ask": {"general": ["Write to us."]},
        "solution": {"general": ["We will solve it."]},
        "reference": ["Number {reference}."],
    },
    "praise": {
        "thanks": {"general": ["Thanks."]},
        "personal": {"general": ["Joy."]},
        "invitation": {"general": ["Bye."]},
    },
    "neutral": {"body": {"general": ["Noted."]}},
    "guard": {
        "parts": {part: [] for part in ("apology", "interest", "solution", "thanks", "personal", "invitation")},
        "promises": {},
    },
}


def playbook(**tables: Any) -> Playbook:
    """The small one with tables changed: `complaint={"ask": {...}}` adds banks to those of complaint.ask."""
    return Playbook.model_validate(_merged(_TABLES, tables), context={"forms": tuple(tables.get("forms", ()))})


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def mention(text: str = "…", **changes: Any) -> Mention:
    fields: dict[str, Any] = {"source": "shop", "id": "1", "text": text, "author": "", "created_at": NOW}
    return Mention(**(fields | changes))


def verdict(label: Label = "complaint", *aspects: str, tone: str = "plain", urgency: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        label=label,
        confidence=0.9,
        unsure=False,
        language="en",
        aspects=tuple(Aspect(name=name) for name in aspects),
        tone=Tone(name=tone),
        urgency=tuple(Urgency(name=name) for name in urgency),
    )


def reply(
    of: Playbook,
    about: Mention | None = None,
    judged: Verdict | None = None,
    *,
    policy: PolicyOptions | None = None,
    rules: ReplyRules | None = None,
    company: CompanyOptions = COMPANY,
    **wishes: Any,
) -> Composition:
    """`wishes` are what else `compose` takes: fault, facts, actor, avoid, reference."""
    return compose(
        about or mention(),
        judged or verdict(),
        playbook=of,
        company=company,
        policy=policy or PolicyOptions(),
        rules=rules or ReplyRules(),
        **wishes,
    )
