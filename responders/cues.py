"""Recognises what a sentence says by the beginnings of its words, as the [guard] table of a playbook lists them.

A cue is one or more word beginnings, all of which have to occur in one sentence, in any order: "vrátime peniaz".
"a/b" means either of them, "a_b" one right after the other, "a..b" one not far behind the other, "a_b|c" either phrase,
"#" a number, "sorry!" exactly that word, "-ing" a word with that end, "~a" that it must not occur. Case and diacritics
do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BEFORE, _BEHIND = 6, 3  # words before and behind a cue in which a negation is looked for
_BETWEEN = r"(?: \S+){0,7} "  # words that ".." lets stand between
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
        words = words_of(piece)
        if words:
            yield Span(start + len(piece) - len(piece.lstrip()), piece.strip(), words)
        start = end


def words_of(text: str) -> tuple[str, ...]:
    return tuple(fold(word).replace("’", "'") for word in _WORD.findall(text))


def said(cues: tuple[str, ...], found: Iterable[Span]) -> Iterator[Span]:
    """The sentences in which one of the cues occurs."""
    return (span for span in found if occurs(cues, span))


def occurs(cues: tuple[str, ...], span: Span) -> bool:
    return next(_places(cues, _line(span.words)), None) is not None


def unless_negated(cues: tuple[str, ...], negations: tuple[str, ...], found: Iterable[Span]) -> Iterator[Span]:
    """The sentences in which one of the cues occurs without a negation just before or behind it."""
    return (span for span in found if any(not _negated(place, negations) for place in _words_around(cues, span)))


def _words_around(cues: tuple[str, ...], span: Span) -> Iterator[tuple[str, ...]]:
    line = _line(span.words)
    for start, end in _places(cues, line):
        before, last = line.count(" ", 0, start + 1) - 1, line.count(" ", 0, end)
        yield span.words[max(0, before - _BEFORE) : last + _BEHIND]


def _negated(words: tuple[str, ...], negations: tuple[str, ...]) -> bool:
    return bool(negations) and next(_places(negations, _line(words)), None) is not None


def pieces(span: Span, refusals: tuple[str, ...], but: tuple[str, ...]) -> Iterator[Span]:
    """What a sentence says without refusing it: it is cut at "but", and pieces with a refusal are left out."""
    if not refusals or not occurs(refusals, span):
        yield span
        return
    for words in _cut_at(span.words, but):
        piece = Span(span.start, span.text, words)
        if not occurs(refusals, piece):
            yield piece


def _cut_at(words: tuple[str, ...], but: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    start = 0
    for at, word in enumerate(words):
        if word_matches(but, word):
            yield words[start:at]
            start = at
    yield words[start:]


def word_matches(cues: tuple[str, ...], folded: str) -> bool:
    """Whether one of the cues, of a single word each, is that word."""
    return bool(cues) and next(_places(cues, f" {folded} "), None) is not None


def _line(words: tuple[str, ...]) -> str:
    return " ".join(("", *words, ""))


@dataclass(frozen=True, slots=True)
class _Cue:
    """Patterns that all have to be found, and those that none may be."""

    wanted: tuple[re.Pattern[str], ...]
    unwanted: tuple[re.Pattern[str], ...] = ()


def _places(cues: tuple[str, ...], line: str) -> Iterator[tuple[int, int]]:
    """Where in the line a cue occurs, its last group where it has several; for each cue that does."""
    for cue in _compiled(cues):
        if len(cue.wanted) == 1 and not cue.unwanted:
            yield from (match.span() for match in cue.wanted[0].finditer(line))
            continue
        hits = [match for group in cue.wanted if (match := group.search(line))]
        if hits and len(hits) == len(cue.wanted) and not any(group.search(line) for group in cue.unwanted):
            yield max(match.span() for match in hits)  # what is said last is what a negation beside it speaks of


@lru_cache(maxsize=512)
def _compiled(cues: tuple[str, ...]) -> tuple[_Cue, ...]:
    """One for each cue; the many cues of a single group share one pattern."""
    split = [cue.split() for cue in cues]
    single = "|".join(_pattern(groups[0]) for groups in split if len(groups) == 1)
    several = [_cue(groups) for groups in split if len(groups) > 1]
    return tuple([_Cue((re.compile(single),)), *several] if single else several)


def _cue(groups: list[str]) -> _Cue:
    wanted = tuple(re.compile(_pattern(group)) for group in groups if not group.startswith("~"))
    unwanted = tuple(re.compile(_pattern(group[1:])) for group in groups if group.startswith("~"))
    return _Cue(wanted, unwanted)


def _pattern(group: str) -> str:
    """Matches in a line in which a space stands before and after every word."""
    return f"(?: (?:{'|'.join(_phrase(phrase) for phrase in group.split('|') if phrase)})(?= ))"


def _phrase(phrase: str) -> str:
    return _BETWEEN.join(" ".join(_step(step) for step in run.split("_")) for run in phrase.split(".."))


def _step(step: str) -> str:
    return f"(?:{'|'.join(_stem(stem) for stem in step.split('/') if stem)})"


def _stem(stem: str) -> str:
    if stem == "#":
        return r"\d\S*"
    if stem.startswith("-"):
        return rf"\S+{re.escape(fold(stem[1:]))}"
    folded = re.escape(fold(stem.removesuffix("!")))
    return folded if stem.endswith("!") else rf"{folded}\S*"


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return plain.casefold().replace("ł", "l")  # which Unicode does not take apart
