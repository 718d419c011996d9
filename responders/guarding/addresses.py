"""Where the customer lives is not repeated in public."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.model import Finding
from responders.cues import occurs, spans
from responders.guarding.case import Case, error
from responders.guarding.people import same_name
from responders.names import product_name

_NAME = r"[^\W\d_]+"
_NUMBER = r"\d{1,4}[a-z]?"
_BEFORE = re.compile(rf"(?<!\w)(?=({_NAME})(?:\s+{_NAME})?,?\s+({_NUMBER})\b)")
_BEHIND = re.compile(rf"\b({_NUMBER})\s+({_NAME})")
_FEWEST_LETTERS = 4


def home_address(case: Case) -> Iterator[Finding]:
    """A name with a number that the customer gave as where they live: "Okružná 14"."""
    if case.playbook is None or case.mention is None:
        return
    cues = case.playbook.guard.addresses
    theirs = {
        place
        for text in (case.mention.title, case.mention.text)
        for span in spans(text)
        if occurs(cues, span)
        for place in _places(span.text)
    }
    product = product_name(case.mention)
    for name, number in _places(case.public):
        told = any(number == other and same_name(name, place) for place, other in theirs)
        if told and number not in product.split():
            yield error("private_data", "Where the customer lives; leave it out.", f"{name} {number}")


def _places(text: str) -> set[tuple[str, str]]:
    """Names that stand beside a number, and that number."""
    found = [*_BEFORE.findall(text), *((name, number) for number, name in _BEHIND.findall(text))]
    return {(name, number) for name, number in found if len(name) >= _FEWEST_LETTERS and name[0].isupper()}
