"""What a platform itself makes of an answer: who may post it there, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.contract import ReplyRules
from monitor.model import Finding
from responders.guarding.case import warning
from responders.guarding.private import LINK


def remarks(text: str, rules: ReplyRules) -> Iterator[Finding]:
    """Nothing of this stops an approval; a person should know it before."""
    if rules.note:
        yield warning("posted_by_hand", f"{rules.note}.")
    if rules.link_cost and (link := LINK.search(text)):
        yield warning("link_costs", f"An answer with a link costs {rules.link_cost} there.", link[0])
