"""The forms that open in Slack: edit, reject, hand on. Pure. The draft and the revision travel in private_metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.model import Draft
from responders.codes import REJECTION_REASONS
from responders.slack.blocks import INPUT, Block, choice_input, context, modal, section, text_input
from responders.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which draft a form is about, and the revision that its opener has read."""

    draft: int
    rev: int

    @classmethod
    def of_value(cls, value: str) -> Target:
        """Raises ValueError where a button's value is none of ours."""
        draft, _, rev = value.partition(":")
        return cls(draft=int(draft), rev=int(rev))

    @classmethod
    def of_metadata(cls, metadata: str) -> Target:
        """Raises ValueError."""
        try:
            given = json.loads(metadata)
            return cls(draft=int(given["draft"]), rev=int(given["rev"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not a form of ours") from error

    @property
    def metadata(self) -> str:
        return json.dumps({"draft": self.draft, "rev": self.rev})


def fits_a_form(draft: Draft) -> bool:
    """Longer replies are edited on the page: Slack's text field would cut them."""
    return len(draft.text) <= INPUT


def edit_form(draft: Draft, words: Words, typed: str = "", trouble: str = "") -> Block:
    """`typed` and `trouble`: what the person wrote before and why it was not saved."""
    fields = [text_input("text", words.say("Text of the reply"), value=typed or draft.text, long=True)]
    hint = context(words.say("Saving publishes nothing; you approve afterwards."))
    blocks = [*([section(trouble)] if trouble else []), *fields, hint]
    target = Target(draft=draft.id, rev=draft.rev)
    return _modal("edit", words.say("Edit"), words.say("Save"), blocks, target, words)


def reject_form(draft: Draft, words: Words) -> Block:
    reasons = [(code, words.code("why", code)) for code in REJECTION_REASONS]
    blocks = [
        choice_input("suggestion", words.say("Why is this not answered?"), reasons) | {"optional": True},
        text_input("reason", words.say("In your own words"), optional=True),
    ]
    target = Target(draft=draft.id, rev=draft.rev)
    return _modal("reject", words.say("Reject"), words.say("Reject"), blocks, target, words)


def assign_form(draft: Draft, people: Iterable[str], words: Words) -> Block:
    blocks = [choice_input("person", words.say("To whom?"), [(name, name) for name in people])]
    target = Target(draft=draft.id, rev=draft.rev)
    return _modal("assign", words.say("Hand it on"), words.say("Hand it on"), blocks, target, words)


def values_of(view: Mapping[str, Any]) -> dict[str, str]:
    """What a person filled in, by field; "" for what was left empty."""
    found: dict[str, str] = {}
    for fields in view.get("state", {}).get("values", {}).values():
        for name, given in fields.items():
            chosen = given.get("selected_option") or {}
            found[name] = str(given.get("value") or chosen.get("value") or "")
    return found


def _modal(callback: str, title: str, submit: str, blocks: list[Block], target: Target, words: Words) -> Block:
    return modal(callback, title, submit, words.say("Cancel"), blocks, target.metadata)
