"""Recognises what a sentence says by the beginnings of its words, as the [guard] table of a playbook lists them.

A cue is one or more word beginnings, all of which have to occur in one sentence, in any order: "vrátime peniaz".
"a/b" means either of them, "#" a number, "sorry!" exactly that word. Case and diacritics do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_END = re.compile(r"[.!?…]+(?=\s|$)|\n+")


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence: `start` is its place in the text, `words` are folded."""

    start: int
    text: str
    words: tuple[str, ...]


@lru_cache(maxsize=64)
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


def first(cues: Iterable[str], found: Iterable[Span]) -> Span | None:
    """The first sentence in which one of the cues occurs."""
    return next(said(cues, found), None)


def said(cues: Iterable[str], found: Iterable[Span]) -> Iterator[Span]:
    wanted = tuple(cues)
    return (span for span in found if any(occurs(cue, span) for cue in wanted))


def occurs(cue: str, span: Span) -> bool:
    return all(any(_begins(word, stem) for word in span.words for stem in stems) for stems in _stems(cue))


def _begins(word: str, stem: str) -> bool:
    if stem == "#":
        return word[0].isdigit()
    return word == stem[:-1] if stem.endswith("!") else word.startswith(stem)


@lru_cache(maxsize=4096)
def _stems(cue: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(fold(stem) for stem in word.split("/") if stem) for word in cue.split())


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
