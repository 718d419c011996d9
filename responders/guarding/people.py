"""Names of people who work for the company do not belong into a public reply to a complaint about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.model import Finding
from responders.cues import fold, word_matches
from responders.guarding.case import Case, error, warning
from responders.names import given_name, product_name

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_PAIR = re.compile(r"(?<![^\s(])([^\W\d_]+) (?=([^\W\d_]+))")
_ENDED = re.compile(r"([^\W\d_]+)\.")
_ABBREVIATED = re.compile(r"ing|mgr|mag|bc|dr|doc|prof|mudr|judr|phdr|rndr|paeddr", re.IGNORECASE)
_LONGEST_SHORT_TITLE = 3
_FEWEST_LETTERS = 3
_GREETING = 6  # words at the beginning in which the customer himself is named


@dataclass(frozen=True, slots=True)
class _Named:
    """A word that is somebody's name; `at` counts the words before it."""

    name: str
    at: int


def named_staff(case: Case) -> Iterator[Finding]:
    """An error where a complaint names somebody and the reply does so again; else something to look at."""
    if case.playbook is None or case.mention is None:
        return
    titles, after = case.playbook.guard.titles, case.playbook.guard.titles_after
    written = f"{case.mention.title} . {case.mention.text}"
    theirs = [*(one.name for one in _titled(written, titles, after)), *_full_names(written, case.language)]
    harmless = _harmless_names(case)
    again = [
        one
        for one in _capitals(case.text)
        if any(same_name(one.name, name) for name in theirs) and not _is(one, harmless)
    ]
    for one in again[:1]:
        finding = error if case.label == "complaint" else warning
        yield finding("private_data", "The name of somebody whom the customer wrote about; leave it out.", one.name)
    for one in _titled(case.text, titles, after):
        if not again and one.at >= _GREETING and not _is(one, harmless):
            yield warning("private_data", "This may be the name of a colleague; does it belong here?", one.name)
            return


def _harmless_names(case: Case) -> list[str]:
    """Names that may stand there: the customer's own, and the company's."""
    mention, company = case.mention, case.company
    said = (mention.author, product_name(mention)) if mention is not None else ()
    return _WORD.findall(" ".join((*said, company.name, company.signature, company.contact, *company.competitors)))


def _is(one: _Named, names: list[str]) -> bool:
    return any(same_name(one.name, name) for name in names)


def _titled(text: str, titles: tuple[str, ...], after: tuple[str, ...]) -> Iterator[_Named]:
    """The words that stand with "pani", "Herr", "Mr", or before "úr"."""
    words = [(match[0], match.start(), match.end()) for match in _WORD.finditer(text)]
    for at, (word, _, end) in enumerate(words):
        folded = fold(word)
        for other in (at + 1, at + 2) if word_matches(titles, folded) else ():
            if other < len(words) and _is_a_name(words[other][0]) and _close(word, text[end : words[other][1]]):
                yield _Named(words[other][0], other)
        if at and word_matches(after, folded) and _is_a_name(words[at - 1][0]):
            yield _Named(words[at - 1][0], at - 1)


def _full_names(text: str, language: str) -> Iterator[str]:
    """Both words of "Dave Rudkin" and of "Varga Norbert": a given name known as one, and a family name beside it."""
    family_first = language == "hu"
    for first, second in _PAIR.findall(text):
        given, family = (second, first) if family_first else (first, second)
        if given_name(given, language) and _is_a_name(family):
            yield from (given, family)


def _close(title: str, between: str) -> bool:
    """No sentence ends between a title and a name: a point there is that of an abbreviation ("p. Novák", "Mgr.")."""
    ended = _ENDED.findall(between)
    short = len(title) <= _LONGEST_SHORT_TITLE or not between.startswith(".")
    return short and not re.search(r"[,;:!?\n]", between) and all(_ABBREVIATED.fullmatch(word) for word in ended)


def _capitals(text: str) -> Iterator[_Named]:
    for at, match in enumerate(_WORD.finditer(text)):
        if _is_a_name(match[0]):
            yield _Named(match[0], at)


def _is_a_name(word: str) -> bool:
    return len(word) >= _FEWEST_LETTERS and word[0].isupper() and not word.isupper()


def same_name(one: str, other: str) -> bool:
    """The same name with other endings: "Kováčovou" is "Kováčová", "Novákom" is "Novák"."""
    first, second = fold(one), fold(other)
    shared = next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    longest_rest = max(len(first), len(second)) - shared
    return (
        first == second
        or (shared >= 4 and longest_rest <= 4)
        or (shared == 3 == min(len(first), len(second)) and longest_rest <= 3)
    )
