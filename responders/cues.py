"""Recognises what a sentence says by the beginnings of its words, as the [guard] table of a playbook lists them.

A cue is one or more word beginnings, all of which have to occur in one sentence, in any order: "vrátime peniaz".
"a/b" means either of them, "a_b" one right after the other, "#" a number, "sorry!" exactly that word. Case and
diacritics do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_END = re.compile(r"(?<![.!?…])[.!?…]+(?=\s|$)|\n+")


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence: `start` is its place in the text, `words` are folded."""

    start: int
    text: str
    words: tuple[str, ...]


@lru_cache(maxsize=16)
def spans(text: str) -> tuple[Span, ...]:
    """The sentences of `text`, in order."""
    return tuple(_cut(text))


def _cut(text: str) -> Iterator[Span]:
    start = 0
    for end in (*(match.end() for match in _END.finditer(text)), len(text)):
        piece = text[start:end]
        words = tuple(fold(word).replace("’", "'") for word in _WORD.findall(piece))
        if words:
            yield Span(start + len(piece) - len(piece.lstrip()), piece.strip(), words)
        start = end


def said(cues: tuple[str, ...], found: Iterable[Span]) -> Iterator[Span]:
    """The sentences in which one of the cues occurs."""
    return (span for span in found if occurs(cues, span))


def occurs(cues: tuple[str, ...], span: Span) -> bool:
    line = " ".join(("", *span.words, ""))
    return any(all(group.search(line) for group in cue) for cue in _compiled(cues))


@lru_cache(maxsize=256)
def _compiled(cues: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], ...], ...]:
    """For each cue the patterns that all have to be found; the many cues of a single group share one pattern."""
    groups = [[_pattern(group) for group in cue.split()] for cue in cues]
    single = "|".join(found[0] for found in groups if len(found) == 1)
    several = [tuple(re.compile(pattern) for pattern in found) for found in groups if len(found) > 1]
    return tuple([(re.compile(single),), *several] if single else several)


def _pattern(group: str) -> str:
    """Matches in a line in which a space stands before and after every word."""
    steps = ("|".join(_stem(stem) for stem in step.split("/") if stem) for step in group.split("_"))
    return f"(?: {' '.join(f'(?:{step})' for step in steps)} )"


def _stem(stem: str) -> str:
    if stem == "#":
        return r"\d\S*"
    folded = re.escape(fold(stem.removesuffix("!")))
    return folded if stem.endswith("!") else rf"{folded}\S*"


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
