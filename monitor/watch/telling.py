"""Why a mention was taken, or set aside, in words for people."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Mention, Reason
from monitor.text import clip, one_line
from monitor.watch.terms import Found, Look, Terms

_AROUND = 30  # characters of the text on either side of what was found
_SHOWN = 3  # terms that are told with their place
_LONGEST = 200  # characters of a list of terms


def searched(mention: Mention) -> str:
    return f"{mention.title}\n{mention.text}" if mention.title else mention.text


def not_ours(mention: Mention, terms: Terms) -> Reason | None:
    """Why the mention does not concern the company; None where it does. What has stars is a review, and whoever reads
    reviews reads those of the company: they rarely name it."""
    if mention.rating is not None:
        return None
    return _why_not(terms.look(searched(mention)), terms)


def named(mention: Mention, terms: Terms) -> Reason | None:
    """Which terms the mention holds, and where."""
    text = searched(mention)
    if not (found := terms.look(text).found):
        return None
    return Reason(code="named", detail="; ".join(_told(one, text) for one in _first_of_each(found)))


def _why_not(look: Look, terms: Terms) -> Reason | None:
    if look.found:
        return None
    if look.excluded:
        return Reason(code="excluded", detail=_listed([one.term for one in look.excluded]))
    return Reason(code="not_named", detail=_listed(terms.wanted))


def _first_of_each(found: Sequence[Found]) -> list[Found]:
    by_term: dict[str, Found] = {}
    for one in found:
        by_term.setdefault(one.term, one)
    return list(by_term.values())[:_SHOWN]


def _told(one: Found, text: str) -> str:
    """`Svrčina: “…kúpil som v Svrčine kabát…”`"""
    start, end = max(0, one.start - _AROUND), min(len(text), one.end + _AROUND)
    around = one_line(text[start:end])
    return f"{one.term}: “{'…' if start else ''}{around}{'…' if end < len(text) else ''}”"


def _listed(terms: Sequence[str]) -> str:
    return clip(", ".join(dict.fromkeys(terms)), _LONGEST)
