"""What a rule of the guard looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.contract import ReplyRules
from monitor.model import NOT_GIVEN, Finding, GivenOrder, Label, Mention
from monitor.options import CompanyOptions, PolicyOptions
from responders.cues import Span, fold, spans
from responders.playbook import Playbook

REFERENCE = r"\bOH-\d+\b"  # the number of a customer's matter; everybody may see it


class Allowed(Protocol):
    """What may be promised in one matter by one person: the policy itself, or something narrower."""

    @property
    def may_offer(self) -> Sequence[str]: ...

    @property
    def voucher_limit(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Case:
    """A text and everything that it is held against. `known` are lines that the company lets everybody know."""

    text: str
    language: str
    label: Label
    rules: ReplyRules
    company: CompanyOptions
    policy: PolicyOptions
    allowed: Allowed
    parts: Mapping[str, str]
    mention: Mention | None
    identify: Callable[[str], str] | None
    playbook: Playbook | None
    earlier: Sequence[str]
    known: Sequence[str]
    own_links: str = ""
    order: GivenOrder = NOT_GIVEN

    @property
    def spans(self) -> tuple[Span, ...]:
        return spans(self.text)

    def without(self, known: Iterable[str]) -> str:
        """The text without those lines."""
        text = self.text
        for line in sorted((line.strip() for line in known), key=len, reverse=True):
            text = text.replace(line, " ") if line else text
        return text

    @property
    def public(self) -> str:
        """The text without what the company lets everybody know, and in a letter without the customer's own order
        number."""
        own_order = (self.order.number,) if self.rules.channel == "mail" else ()
        return self.without((self.company.contact, *self.known, *own_order))


def error(rule: str, message: str, excerpt: str = "") -> Finding:
    return Finding(rule=rule, severity="error", message=message, excerpt=_short(excerpt))


def warning(rule: str, message: str, excerpt: str = "") -> Finding:
    return Finding(rule=rule, severity="warning", message=message, excerpt=_short(excerpt))


def _short(excerpt: str) -> str:
    return excerpt if len(excerpt) <= 120 else f"{excerpt[:119]}…"


def digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def same_word(written: str, meant: str, longest_ending: int = 3) -> bool:
    """Whether `written` is `meant` with another ending, whatever case and diacritics: "žalobou" is "žaloba"."""
    word, wanted = fold(written), fold(meant)
    if word == wanted or len(wanted) < 3:
        return word == wanted
    stem = wanted.rstrip("aeiouy") if len(wanted) > 3 else wanted
    if len(stem) < 4:
        longest_ending = min(longest_ending, 2)
    return any(
        word.startswith(form) and len(word) - len(form) <= longest_ending
        for form in (stem, *_changed(stem))
        if len(form) >= 3
    )


def _changed(stem: str) -> Iterator[str]:
    """What an ending does to the end of a stem: "pozew" is "pozwem", "max" is "maksie", "kąt" is "kącie"."""
    if len(stem) > 4 and stem[-2] == "e":
        yield stem[:-2] + stem[-1]
    for last, becomes in _SOFTENED.items():
        if stem.endswith(last):
            yield stem.removesuffix(last) + becomes


_SOFTENED = {"x": "ks", "t": "ci", "d": "dzi", "k": "ce", "g": "dz", "r": "rz"}
