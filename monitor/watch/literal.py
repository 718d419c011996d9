"""A literal term: its words, each in any case form, and what may stand between them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from monitor.text import plain
from monitor.watch.form import ITSELF, Form
from monitor.watch.hungarian import hungarian
from monitor.watch.readable import Readable, Word
from monitor.watch.slavic import slavic

_SHORT = 3  # letters; endings make common words out of what has no more
_JOINED = 5  # letters; what has fewer is not looked for written together
_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile("[a-z]")
_CZECH_LOCATIVE = re.compile("[bdfmnptv]ě", re.IGNORECASE)  # v Zásilkovně; short, for all its accent
_SIGNS_AFTER = re.compile("^[+#]*")
_QUOTES = r"\s\"'„“”‚«»()\[\]"
_IN_A_WORD = re.compile(r"[\w@]")
_HANDLE_GOES_ON = re.compile(r"[_@]|\.[^\W_]")


@dataclass(frozen=True, slots=True)
class _Part:
    """One word of a term. `strict`: the very letters, with their accents or in capitals."""

    written: str
    forms: tuple[Form, ...]
    strict: bool = False

    def fits(self, read: Readable, word: Word) -> bool:
        return any(form.fits(word.folded) and self._as_written(read, word, form) for form in self.forms)

    def _as_written(self, read: Readable, word: Word, form: Form) -> bool:
        if self.strict:
            letters = read.composed[word.start : word.end]
            return letters.lower() == self.written.lower() or letters.isupper()
        if form.lengthens:
            return not read.has_accents or not read.composed[word.start + len(form.stem) - 1].isascii()
        if form.ends_short:
            end = read.composed[word.end - 2 : word.end]
            return end[-1].isascii() or _CZECH_LOCATIVE.fullmatch(end) is not None
        return True


@dataclass(frozen=True, slots=True)
class Literal:
    term: str
    parts: tuple[_Part, ...]
    gaps: tuple[re.Pattern[str], ...]  # between the parts
    before: str = ""  # a sign that has to stand right before it: @ or #
    after: str = ""  # signs that have to stand right after it, as in "Disney+"

    @property
    def stems(self) -> set[str]:
        """What its first word begins with."""
        return {form.stem for form in self.parts[0].forms}

    def span(self, read: Readable, first: Word) -> tuple[int, int] | None:
        """Where it stands, if it begins with the word `first`."""
        if not self.parts[0].fits(read, first):
            return None
        words = _as_many(read, first, len(self.parts))
        if len(words) < len(self.parts) or not self._fits(read, words):
            return None
        start, end = words[0].start, words[-1].end
        if self.before and not self._is_whole_handle(read.folded, start, end):
            return None
        if not read.folded.startswith(self.after, end):
            return None
        return start - len(self.before), end + len(self.after)

    def _fits(self, read: Readable, words: Sequence[Word]) -> bool:
        if not all(part.fits(read, word) for part, word in zip(self.parts[1:], words[1:], strict=True)):
            return False
        between = zip(self.gaps, words, words[1:], strict=False)
        return all(gap.fullmatch(read.folded, left.end, right.start) for gap, left, right in between)

    def _is_whole_handle(self, folded: str, start: int, end: int) -> bool:
        sign = start - 1
        begins = sign >= 0 and folded[sign] == self.before and (sign == 0 or not _IN_A_WORD.match(folded[sign - 1]))
        return begins and not _HANDLE_GOES_ON.match(folded, end)


def _as_many(read: Readable, first: Word, count: int) -> list[Word]:
    """So many words from `first` on, or fewer where the text ends."""
    words = [first]
    while len(words) < count and (following := read.word_from(words[-1].end)):
        words.append(following)
    return words


def literal(term: str, languages: Sequence[str]) -> Iterator[Literal]:
    """The ways in which `term` is written: as it stands, and in one word where it has several.

    Raises ValueError where it has no letter or digit.
    """
    written = unicodedata.normalize("NFC", term).strip()
    words = list(_WORD.finditer(written))
    if not words:
        raise ValueError("has no letter or digit that could be looked for")
    whole = "".join(word[0] for word in words)
    between = [written[left.end() : right.start()] for left, right in pairwise(words)]
    before = written[: words[0].start()][-1:]
    kind = _Kind(
        languages,
        anchored=len(words) > 1,
        strict=len(whole) <= _SHORT or (len(words) == 1 and _is_acronym(whole)),
        handle=before == "@",
    )
    parts = tuple(_part(word[0], kind) for word in words)
    signs = (before if before in "@#" else "", _SIGNS_AFTER.findall(written[words[-1].end() :])[0])
    yield Literal(term, parts, tuple(map(_gap, between)), *signs)
    if len(words) > 1 and len(whole) >= _JOINED and not any(sign in "&+" for sign in "".join(between)):
        yield Literal(term, (_joined(whole, parts[-1]),), (), *signs)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all words of a term have in common."""

    languages: Sequence[str]
    anchored: bool  # there are other words that have to be there too
    strict: bool
    handle: bool


def _part(word: str, kind: _Kind) -> _Part:
    folded = plain(word)
    if kind.strict or kind.handle or _is_acronym(word) or len(folded) < _SHORT or not _LATIN.fullmatch(folded[-1]):
        return _Part(word, (Form(folded, ITSELF),), strict=kind.strict and len(word) <= _SHORT)
    return _Part(word, tuple(_merged(_forms(word.lower(), folded, kind))))


def _forms(lower: str, folded: str, kind: _Kind) -> Iterator[Form]:
    yield Form(folded, ITSELF)
    if "sk" in kind.languages or "cs" in kind.languages:
        yield from slavic(lower, folded, anchored=kind.anchored)
    if "hu" in kind.languages:
        yield from hungarian(lower, folded)


def _merged(forms: Iterator[Form]) -> Iterator[Form]:
    """One form for each stem and rule."""
    merged: dict[Form, frozenset[str]] = {}
    for form in forms:
        key = replace(form, endings=ITSELF)
        merged[key] = _together(merged.get(key, frozenset()), form.endings)
    return (replace(key, endings=endings) for key, endings in merged.items() if endings)


@cache
def _together(some: frozenset[str], more: frozenset[str]) -> frozenset[str]:
    """Kept once for all words that are declined alike: there are few such sets, and they are large."""
    return some | more


def _joined(whole: str, last: _Part) -> _Part:
    """All in one word, which takes the endings of the last one: `drmax`, `zlatejhusi`."""
    head = plain(whole)[: -len(last.written)]
    return _Part(whole, tuple(replace(form, stem=head + form.stem) for form in last.forms))


def _is_acronym(word: str) -> bool:
    return len(word) > 1 and word.isupper()


@cache
def _gap(between: str) -> re.Pattern[str]:
    """What may stand in a text where the term has `between`."""
    signs = "".join(plain(between).split())
    if not signs.strip("-–‐_'/"):
        apart = r"\s?'\s?" if "'" in signs else rf"[{_QUOTES}_‐‑–-]{{1,3}}"
        return re.compile(apart)
    if set(signs) == {"."}:
        return re.compile(r"\.\s?|\s|[-_]")
    return re.compile(rf"\s?{re.escape(signs)}\s?")
