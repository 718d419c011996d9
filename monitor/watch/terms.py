"""Finds terms in texts in any case form, and what takes them back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.watch.gate import Gate, starts
from monitor.watch.literal import Literal, literal
from monitor.watch.patterns import Pattern
from monitor.watch.readable import Readable

HEAD = 3  # letters by which a literal is looked up


@dataclass(frozen=True, slots=True)
class Found:
    """`term` as it was configured, and where it stands in the text as it was given."""

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a text holds. `found` is empty where nothing concerns us; `excluded` is what took terms out of it."""

    found: tuple[Found, ...] = ()
    excluded: tuple[Found, ...] = ()


class Terms:
    """What is looked for, compiled. Safe to share between threads."""

    def __init__(
        self,
        terms: Sequence[str],
        *,
        exclude: Sequence[str] = (),
        patterns: Sequence[str] = (),
        languages: Sequence[str] = ("sk", "cs", "hu", "en"),
    ) -> None:
        """Raises ValueError for a term without a letter or digit, and for a pattern that cannot be used."""
        self.wanted = (*terms, *patterns)
        self._terms = _Lexicon(terms, languages)
        self._exclude = _Lexicon(exclude, languages)
        self._patterns = tuple(Pattern(pattern) for pattern in patterns)

    def look(self, text: str) -> Look:
        """An exclusion that holds a term only takes that place out; any other takes out the whole text."""
        if not self._patterns and not self._terms.gate.lets_in(text):
            return Look()
        read = Readable(text)
        found = [*self._terms.find(read), *(hit for pattern in self._patterns for hit in _hits(pattern, read))]
        if not found:
            return Look()
        excluded = list(self._exclude.find(read))
        elsewhere = any(not any(_overlap(one, other) for other in found) for one in excluded)
        left = [] if elsewhere else [one for one in found if not any(_overlap(one, other) for other in excluded)]
        return Look(_placed(left, read), _placed(excluded, read))

    def nearly(self, text: str) -> tuple[Found, ...]:
        """For each term that is not in the text the first word that it would be a part of, where there is one."""
        read = Readable(text)
        held = {one.term for one in self._terms.find(read)}
        return _placed((one for one in self._terms.nearly(read) if one.term not in held), read)


class _Lexicon:
    """Literals by the first letters of their first word."""

    def __init__(self, terms: Iterable[str], languages: Sequence[str]) -> None:
        terms = tuple(dict.fromkeys(terms))
        self._quoted = {term[1:-1]: term for term in terms if is_exact(term)}
        self._exact = _exactly(self._quoted)
        self._literals = [one for term in terms if not is_exact(term) for one in literal(term, languages)]
        self._by_head: dict[str, list[Literal]] = {}
        for one in self._literals:
            for head in {stem[:HEAD] for stem in one.stems}:
                self._by_head.setdefault(head, []).append(one)
        stems = {stem for one in self._literals for stem in one.stems}
        self.gate = Gate(stems, self._quoted)
        self._starts = starts(stems)

    def find(self, read: Readable) -> Iterator[Found]:
        if self._exact:
            for found in self._exact.finditer(read.composed):
                yield Found(self._quoted[found[0]], found.start(), found.end())
        for start in self._starts(read.folded):
            if word := read.word_at(start) or read.word_at(start + 1):
                for one in self._by_head.get(word.folded[:HEAD], ()):
                    if span := one.span(read, word):
                        yield Found(one.term, *span)

    def nearly(self, read: Readable) -> Iterator[Found]:
        """To be asked for a person only: it compares everything with everything."""
        for one in {one.term: one for one in self._literals}.values():
            near = (word for word in read.words() if any(stem in word.folded for stem in one.stems))
            if word := next(near, None):
                yield Found(one.term, word.start, word.end)


def is_exact(term: str) -> bool:
    return len(term) > 2 and term[0] == term[-1] == '"'


def _exactly(texts: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)") if longest_first else None


def _hits(pattern: Pattern, read: Readable) -> Iterator[Found]:
    if span := pattern.span(read.folded):
        yield Found(pattern.text, *span)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _placed(found: Iterable[Found], read: Readable) -> tuple[Found, ...]:
    """In the order of the text; of several in one place the longest."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(Found(one.term, *read.place(one.start, one.end)) for one in kept)
