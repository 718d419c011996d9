"""A text made ready for looking terms up, with the way back to what was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from monitor.text import plain

# What is no letter of its own, or another shape of one: accents apart, fillers, full-width and mathematical letters.
# Written so that it can stand in a class of `re` and of RE2 alike.
ODD = (
    "\xad\u0300-\u036f\u061c\u180e\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\u20d0-\u20ff\ufe20-\ufe2f\ufeff\uff01-\uff5e\U0001d400-\U0001d7ff"
)
_ODD = re.compile(f"[{ODD}]")
_FILLER = "Cf"
_DROPPED = frozenset({"Mn", "Me", "Mc", _FILLER})
_WORD = re.compile(r"[^\W_]+")
_WORD_AT = re.compile(r"(?<![^\W_])[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """Folded, with its place in the readable text."""

    folded: str
    start: int
    end: int


class Readable:
    """`composed` is the text with accents on their letters and nothing invisible in it, `folded` the same in lower case
    without accents, place for place."""

    def __init__(self, text: str) -> None:
        self._places: list[tuple[int, int]] | None = None
        self.composed = text
        if not text.isascii() and _ODD.search(text):
            self.composed, self._places = _composed(text)
        ascii_only = self.composed.isascii()
        self.folded = self.composed.lower().replace("`", "'") if ascii_only else plain(self.composed)

    def word_at(self, start: int) -> Word | None:
        """The one that begins just there."""
        found = _WORD_AT.match(self.folded, start)
        return Word(found[0], start, found.end()) if found else None

    def word_from(self, start: int) -> Word | None:
        """The first one at `start` or behind it."""
        found = _WORD.search(self.folded, start)
        return Word(found[0], found.start(), found.end()) if found else None

    def words(self) -> Iterator[Word]:
        for found in _WORD.finditer(self.folded):
            yield Word(found[0], found.start(), found.end())

    @cached_property
    def has_accents(self) -> bool:
        return any(not letter.isascii() and letter.isalpha() for letter in self.composed)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the readable text's `start` to `end` (which is later) stand in the text as it was given."""
        if self._places is None:
            return start, end
        return self._places[start][0], self._places[end - 1][1]


def _composed(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Letter by letter, each with its place; accents go to the letter before them."""
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category not in _DROPPED:
            letters.append(unicodedata.normalize("NFKC", character)[:1] if _ODD.match(character) else character)
            places.append((place, place + 1))
        elif letters and category != _FILLER:
            letters[-1] = _with_accent(letters[-1], character)
            places[-1] = (places[-1][0], place + 1)
    return "".join(letters), places


def _with_accent(letter: str, accent: str) -> str:
    whole = unicodedata.normalize("NFC", letter + accent)
    return whole if len(whole) == 1 else letter
