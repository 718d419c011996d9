"""What a text is about: delivery, product, price, staff, refund, web, communication or availability."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from monitor.classify.terms import Found, Spoken, lexicon
from monitor.model import Aspect

NAMES = ("delivery", "product", "price", "staff", "refund", "web", "communication", "availability")
NOTHING = "nothing"  # words that look like those of an aspect, and are none
_MOST_WORDS = 4  # of one aspect


def find(text: str, language: str = "") -> tuple[Aspect, ...]:
    """Aspects in the order in which the text names them, each with the words that say so.

    All lexicons are tried where `language` has none.
    """
    spoken = Spoken(text)
    return gathered(spoken, lexicon(("aspects",), language).find(spoken))


def gathered(spoken: Spoken, hits: Iterable[Found]) -> tuple[Aspect, ...]:
    """Of those that begin at the same word, the longest decides; words inside of it are not counted again."""
    longest: dict[int, Found] = {}
    for hit in hits:
        before = longest.get(hit.start)
        if before is None or _length(hit) > _length(before):
            longest[hit.start] = hit
    found: dict[str, dict[str, None]] = {}
    end = 0
    for hit in longest.values():
        if hit.start < end:
            continue
        end = hit.end
        if hit.name != NOTHING:
            found.setdefault(hit.name, {}).setdefault(spoken.written(hit.start, hit.end).lower())
    return tuple(Aspect(name=name, words=tuple(words)[:_MOST_WORDS]) for name, words in found.items())


def _length(hit: Found) -> tuple[int, int]:
    return hit.end - hit.start, len(hit.stem)


def fold(text: str) -> str:
    """Lower case without diacritics."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in plain if not unicodedata.combining(character))
