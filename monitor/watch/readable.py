"""A text made ready for looking terms up, with the way back to what was written."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import regex

from monitor.text import plain

# what is no letter of its own, or another shape of one: combining marks, fillers, full-width and mathematical letters
_ODD = regex.compile(
    r"[\p{M}--[\ufe00-\ufe0f]]|[\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    r"|[\uff01-\uff5e\U0001d400-\U0001d7ff]",
    regex.V1,
)
_FILLER = "Cf"
_DROPPED = frozenset({"Mn", "Me", "Mc", _FILLER})
_WORD = regex.compile(r"[^\W_]+")


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
        self.folded = plain(self.composed)

    @cached_property
    def words(self) -> list[Word]:
        return [Word(found[0], found.start(), found.end()) for found in _WORD.finditer(self.folded)]

    @cached_property
    def heads(self) -> set[str]:
        """The first letters of the words, to see soon that there is nothing to find."""
        return {word[:3] for word in _WORD.findall(self.folded)}

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
