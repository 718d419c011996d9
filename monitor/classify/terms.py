"""Words and turns of phrase that are looked for in texts, as people write them down in the TOML files beside this one.

A term is compared without case and diacritics, and always begins where a word begins:

    refund        this word alone
    refund*       any word that begins so
    (a|b)         either; (a|) may be missing
    money back    one word after the other, in the same sentence
    money .. back with up to four words between them
    money <> back the same, in either order
    #             a number
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from monitor.text import one_line, plain

HERE = Path(__file__).parent
HEAD = 3  # letters by which terms are found; a beginning has to have as many
LONGEST_SHOWN = 60  # characters

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_NEXT = r"[^\w.!?\n]+"  # between neighbours
_GAP = r"(?:[^\w.!?\n]+\w+){0,4}[^\w.!?\n]+"


@dataclass(frozen=True)
class Spoken:
    """A text made ready for looking things up; `text` may be composed anew, so that accents are no characters."""

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", unicodedata.normalize("NFC", self.text))

    @cached_property
    def folded(self) -> str:
        return plain(self.text)

    @cached_property
    def words(self) -> list[tuple[str, int, int]]:
        """Folded words, where each begins and ends."""
        return [(match[0], match.start(), match.end()) for match in _WORD.finditer(self.folded)]

    def written(self, start: int, end: int) -> str:
        """As the customer wrote it."""
        return one_line(self.text[start:end], LONGEST_SHOWN)


@dataclass(frozen=True, slots=True)
class Term:
    """`rest` is the pattern of what has to follow the first word, "" where that is all."""

    kind: str  # which file
    name: str
    stem: str
    whole: bool
    rest: str

    def end(self, word: str, folded: str, at: int) -> int:
        """Where the term ends in `folded`, given that `word` ends at `at`; 0 where it does not fit."""
        if word != self.stem if self.whole else not word.startswith(self.stem):
            return 0
        if not self.rest:
            return at
        match = _following(self.rest).match(folded, at)
        return match.end() if match else 0


@cache
def _following(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: most never are, and all of them together take long."""
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class Found:
    kind: str
    name: str
    stem: str
    start: int
    end: int


class Lexicon:
    """All terms of a language. Safe to share between threads."""

    def __init__(self, listed: Iterable[tuple[str, str, str]]) -> None:
        """`listed`: file, name and term. Raises ValueError for a term that is none."""
        self._by_head: dict[str, list[Term]] = {}
        for term in _compiled(listed):
            self._by_head.setdefault(term.stem[:HEAD], []).append(term)

    def terms(self) -> Iterator[Term]:
        for terms in self._by_head.values():
            yield from terms

    def find(self, spoken: Spoken) -> Iterator[Found]:
        """In the order of the text."""
        by_head, folded = self._by_head, spoken.folded
        for word, start, at in spoken.words:
            for term in by_head.get(word[:HEAD], ()):
                if end := term.end(word, folded, at):
                    yield Found(term.kind, term.name, term.stem, start, end)


def _compiled(listed: Iterable[tuple[str, str, str]]) -> Iterator[Term]:
    rests: dict[tuple[str, str, str, bool], dict[str, None]] = {}
    for kind, name, term in listed:
        for first, rest in _ways(term):
            rests.setdefault((kind, name, first.rstrip("*"), not first.endswith("*")), {})[rest] = None
    for (kind, name, stem, whole), ways in rests.items():
        yield Term(kind, name, stem, whole, "" if "" in ways else "|".join(ways))


def _ways(term: str) -> Iterator[tuple[str, str]]:
    """Each first word that the term may begin with, and the pattern of what follows it. Raises ValueError."""
    wording = plain(term)
    one, either, other = wording.partition(" <> ")
    for tried in (f"{one} .. {other}", f"{other} .. {one}") if either else (wording,):
        for first, following in _beginnings(_parts(tried, term), term):
            stem = first.rstrip("*")
            if not _WORD.fullmatch(stem) or (first != stem and len(stem) < HEAD):
                raise ValueError(f'"{term}": a term begins with a word, or with at least {HEAD} letters of one and a *')
            yield first, _pattern(tuple(following), term)


def _parts(wording: str, term: str) -> list[str]:
    """Split at spaces outside of brackets. Raises ValueError for brackets without a partner."""
    parts, depth = [""], 0
    for character in wording:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == " " and not depth:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise ValueError(f'"{term}": a bracket has no partner')
    return [part for part in parts if part]


def _choices(inside: str) -> list[str]:
    """What stands between the strokes of "a|b(c|d)", not of those in further brackets."""
    choices, depth = [""], 0
    for character in inside:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            choices.append("")
        else:
            choices[-1] += character
    return choices


def _beginnings(parts: list[str], term: str) -> Iterator[tuple[str, list[str]]]:
    """First words, each with the parts after it."""
    if not parts:
        raise ValueError(f'"{term}": nothing in it has to be there')
    first, following = parts[0], parts[1:]
    if "(" not in first:
        yield first, following
        return
    before, _, rest = first.partition("(")
    inside, after = _closed(rest)
    for choice in _choices(inside):
        chosen = _parts(before + choice + after, term)
        yield from _beginnings([*chosen, *following], term)


def _closed(text: str) -> tuple[str, str]:
    """What stands before and after the bracket that closes the one just opened."""
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return text[:place], text[place + 1 :]
    return text, ""


@cache
def _pattern(parts: tuple[str, ...], term: str) -> str:
    pattern, between = "", _NEXT
    for part in parts:
        if part == "..":
            between = _GAP
            continue
        slot = _slot(part, between, term)
        pattern += slot
        between = between if slot.endswith("?") else _NEXT
    return pattern


def _slot(part: str, between: str, term: str) -> str:
    """The pattern of one word, or of brackets that hold several ways to say something."""
    inside, after = _closed(part[1:]) if part.startswith("(") else ("", part)
    if after or not inside:
        return f"{between}{_letters(part)}\\b"
    choices = _choices(inside)
    ways = [_pattern(tuple(_parts(choice, term)), term).removeprefix(_NEXT) for choice in choices if choice]
    return f"(?:{between}(?:{'|'.join(ways)}))" + ("?" if "" in choices else "")


_SIGNS = {"(": "(?:", "|": "|", ")": ")", "*": r"\w*", "#": r"\d+", " ": _NEXT}


def _letters(part: str) -> str:
    return "".join(_SIGNS.get(character) or re.escape(character) for character in part)


@cache
def lexicon(kinds: tuple[str, ...], language: str) -> Lexicon:
    """Of the files `kinds` for one language; of all languages together where the files do not know it."""
    known = [(kind, names, lists) for kind in kinds for names, lists in _tables(kind).items()]
    wanted = [one for one in known if language in one[1].split()] or known
    return Lexicon((kind, name, term) for kind, _, lists in wanted for name, terms in lists.items() for term in terms)


@cache
def languages(kind: str) -> frozenset[str]:
    """Codes that the file knows."""
    return frozenset(code for names in _tables(kind) for code in names.split())


@cache
def _tables(kind: str) -> Mapping[str, Mapping[str, list[str]]]:
    with (HERE / f"{kind}.toml").open("rb") as file:
        return tomllib.load(file)
