"""The words of Ohlas: what is read, judged, drafted, decided and published.

Everything here is an immutable value made of the standard library only, so that any floor may import it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal, Protocol

Label = Literal["complaint", "praise", "neutral"]
LABELS: tuple[Label, ...] = ("complaint", "praise", "neutral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Something a customer published. All text is untrusted plain text, never markup.

    `id` is the source's own and never changes; `(source, id)` is unique for ever.
    `rating` is on a scale of 1 (worst) to 5 (best) stars; sources with another scale convert.
    `language` is what the source says ("" where it says nothing), an ISO 639-1 code.
    `thread` is the id of what this one answers; `reply` is the company's own answer as the source shows it.
    """

    source: str
    id: str
    text: str
    created_at: datetime
    url: str = ""
    author: str = ""
    title: str = ""
    rating: float | None = None
    language: str = ""
    thread: str = ""
    reply: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise ValueError("Mention.created_at must be aware")

    @property
    def content_hash(self) -> str:
        """Changes when the customer edits what he wrote; blind to everything else."""
        stars = None if self.rating is None else float(self.rating)  # 5 and 5.0 are the same, and the store gives 5.0
        said = f"{self.title}\x1f{self.text}\x1f{stars}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# acknowledgement: "we have it, we answer by …"; the answer follows. second_answer: to what the customer made of his
# words after our answer was out
Purpose = Literal["answer", "acknowledgement", "second_answer"]


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """Whether a customer has given an order number; `number` is the only one of the mention itself, as it is written,
    else "": which of several is meant nobody knows, and those of other places may be read by others."""

    known: bool = False
    number: str = ""


NOT_GIVEN = GivenOrder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was judged so: `code` is translated where it is shown, `detail` is shown as it is."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """What a mention is about, and the words that say so."""

    name: str  # delivery, product, price, staff, refund, web, communication, availability
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """What makes a mention urgent, and the words that say so."""

    name: str  # safety, legal, media, money, deadline, repeated
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """How a mention sounds, and the words that say so."""

    name: str = "plain"  # or rude, offended, know_it_all, undecided
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What the classifier is asked about. `language` is a hint, "" where nothing is known; `rating` in stars 1 to 5."""

    text: str
    rating: float | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`confidence` is the calibrated probability, 0 to 1, that `label` is right; `unsure` asks a person to look."""

    label: Label
    confidence: float
    unsure: bool
    language: str  # "" where no configured language fits
    reasons: tuple[Reason, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    model: str = ""  # which model judged, so that its verdicts can be found again
    urgency: tuple[Urgency, ...] = ()  # gravest first
    tone: Tone = Tone()
    aside: Reason | None = None  # why this needs no answer from us: spam, an advert, ...

    @property
    def corrected(self) -> bool:
        """Whether a person gave the label; nothing else may overrule it then."""
        return any(reason.code == CORRECTED for reason in self.reasons)


CORRECTED = "corrected"  # the code of the reason in a verdict whose label a person gave; its detail says who


class Classifier(Protocol):
    name: str

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        """One verdict each, in order, without reasons."""
        ...

    def explain(self, utterance: Utterance, verdict: Verdict) -> Verdict:
        """The same verdict with reasons and aspects, for a person to read."""
        ...


class Priority(IntEnum):
    URGENT = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """Whether a mention is answered ("reply"), only kept ("note") or set aside ("skip"), how soon, and why."""

    action: Literal["reply", "note", "skip"]
    priority: Priority
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Why a sentence stands in a draft: which words of the situation it was picked for, most telling first.

    `why` holds the situation's words (an aspect, "ours", "rude", "general", …), or "llm". `template` is the sentence
    as the playbook has it, so that one that people keep changing is found there.
    """

    part: str
    text: str
    why: tuple[str, ...] = ()
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A drafted text. `parts` maps a part's name (apology, interest, solution, thanks, personal, invitation,
    or body) to its sentences, in the order in which they stand in `text`."""

    language: str
    text: str
    parts: Mapping[str, str]
    author: str = "playbook"
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the guard has against a text. An "error" blocks approval, a "warning" is only shown."""

    rule: str
    severity: Literal["error", "warning"]
    message: str
    excerpt: str = ""


class DraftState(StrEnum):
    PENDING = "pending"  # waits for a person
    APPROVED = "approved"  # a person said yes; published when the grace period is over, or by hand
    PUBLISHING = "publishing"  # an attempt row is written, the request may be out
    PUBLISHED = "published"
    FAILED = "failed"  # surely not posted; the reason is shown
    UNKNOWN = "unknown"  # may be posted; looked up, never blindly repeated
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # the mention was edited or deleted, or the case is answered elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One answer to one case, at its newest revision. `mention_id` is the store's row, not the source's id."""

    id: int
    case_id: int
    mention_id: int
    rev: int
    state: DraftState
    language: str
    text: str
    parts: Mapping[str, str]
    author: str
    findings: tuple[Finding, ...]
    priority: Priority
    reason: Reason
    manual: bool  # a person posts it, we only hand over the text
    created_at: datetime
    updated_at: datetime
    publish_after: datetime | None = None  # end of the grace period
    approved_hash: str = ""  # sha256 of the text that was approved; nothing else may be published
    decided_by: str = ""
    decided_at: datetime | None = None
    decided_via: str = ""
    choices: tuple[Choice, ...] = ()  # of the text as it was drafted; empty once a person rewrote it
    purpose: Purpose = "answer"
    promised: datetime | None = None  # of an acknowledgement: by when it says that the answer comes
    answer_by: datetime | None = None  # when this is due; of an answer that was promised: by when
    approvals: tuple[str, ...] = ()  # who said yes to this revision so far, where two people have to
    model_note: str = ""  # why this is the playbook's text although a language model was asked: "code: detail"

    @property
    def reference(self) -> str:
        return case_reference(self.case_id)


def case_number(reference: str) -> int | None:
    """The case that a reference is the number of; None for what is none."""
    head, _, number = reference.partition("-")
    return int(number) if head == "OH" and number.isascii() and number.isdigit() else None


def case_reference(case_id: int) -> str:
    """The number of a customer's matter, for people: "OH-00042"."""
    return f"OH-{case_id:05d}"


# "posted": a person posted it by hand, or found it on the platform; "not_posted": he looked, and it is not there.
# "acknowledge": turn it into a short acknowledgement; "full_answer": no acknowledgement, write the answer at once.
# "handled": the customer was answered in some other way, e.g. by phone; nothing is posted.
# "rewrite": compose the answer anew for another fault, which the decision's `reason` names: "fault ours".
Action = Literal[
    "approve", "edit", "reject", "undo", "posted", "not_posted", "handled", "acknowledge", "full_answer", "rewrite"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person wants done with one revision of a draft, through page or terminal alike.

    `text` is the new text of an edit, `reason` is wanted for a rejection, `override` names the guard rules that
    the person approves against.
    """

    draft_id: int
    rev: int
    action: Action
    actor: str
    via: str  # "page", "terminal"
    text: str = ""
    reason: str = ""
    override: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What a decision does to a draft: one compare-and-set from (`rev`, one of `sources`) to `target`."""

    decision: Decision
    sources: frozenset[DraftState]
    target: DraftState
    at: datetime
    text: str | None = None  # the text of the new revision that an edit makes
    author: str = ""  # who wrote that text; "" the one who decided
    choices: tuple[Choice, ...] = ()
    purpose: Purpose | None = None  # where the new revision has another one
    promised: datetime | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    approved_hash: str = ""
    publish_after: datetime | None = None
    approvals: tuple[str, ...] = ()  # who has said yes so far; a second person has to


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The one answer that a mention gets, or its one acknowledgement. `attempts` counts the requests that were begun.

    `key` is the same for every try of one approval, so that a platform can recognise a repetition.
    """

    id: int
    draft_id: int
    mention: Mention
    text: str
    text_hash: str
    key: str
    attempts: int
    purpose: Purpose = "answer"
