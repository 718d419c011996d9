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
_END = re.compile(r"[.!?…]+(?=\s|$)|\n+")

Steps = tuple[tuple[str, ...], ...]  # for each of the words in a row, the beginnings that it may have


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
    return all(_stands(steps, span.words) for steps in _read(cue))


def _stands(steps: Steps, words: tuple[str, ...]) -> bool:
    """Whether there are words right after one another that begin as `steps` say."""
    for at in range(len(words) - len(steps) + 1):
        if all(any(_begins(words[at + ahead], stem) for stem in stems) for ahead, stems in enumerate(steps)):
            return True
    return False


def _begins(word: str, stem: str) -> bool:
    if stem == "#":
        return word[0].isdigit()
    return word == stem[:-1] if stem.endswith("!") else word.startswith(stem)


@lru_cache(maxsize=4096)
def _read(cue: str) -> tuple[Steps, ...]:
    return tuple(
        tuple(tuple(fold(stem) for stem in step.split("/") if stem) for step in group.split("_"))
        for group in cue.split()
    )


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
