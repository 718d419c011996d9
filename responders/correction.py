"""A person's word on what a mention is, through page, terminal or whatever else asks people."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from monitor.model import Draft, Label
from monitor.people import People
from monitor.store.corrections import Correction
from responders.approval import deciding


class Drafts(Protocol):
    def get(self, draft_id: int) -> Draft:
        """Raises NoSuchDraft."""
        ...


class Corrections(Protocol):
    def correct(self, correction: Correction) -> None:
        """Raises NoSuchDraft, StaleDecision."""
        ...


class Store(Protocol):
    """What correcting needs of the store."""

    @property
    def drafts(self) -> Drafts: ...

    @property
    def corrections(self) -> Corrections: ...


def correct(
    store: Store,
    draft_id: int,
    label: Label,
    *,
    seen: str,
    actor: str,
    via: str,
    people: People,
    now: datetime,
) -> int:
    """Correct the label of what a draft answers; `seen` is the content hash of the words that the person looked at.

    Returns the row id of the mention, to be judged again. Raises NotAllowed, NoSuchDraft, StaleDecision. Blocks for
    as long as SQL takes.
    """
    deciding(people, actor)
    mention_id = store.drafts.get(draft_id).mention_id
    store.corrections.correct(
        Correction(mention_id=mention_id, content_hash=seen, label=label, actor=actor, via=via, at=now)
    )
    return mention_id
