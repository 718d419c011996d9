"""How long a customer says that he has waited: read from his words, and written in ours. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from responders.cues import Span, fold, occurs, spans, words_of
from responders.playbook import Units, Waiting

Unit = Literal["hour", "day", "week", "month"]
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month")
_HOURS: dict[Unit, int] = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}
_LONGEST = 3 * 365 * 24  # hours; more is a slip of the pen, or no waiting
_NEAR = 5  # words before and behind a time in which there has to be one about waiting
_CLASSES = ("zero", "one", "two", "few", "many", "other")  # as CLDR orders them
# "2-3 weeks" and "2,5 weeks" are one token, which is no number: better no time than one that he did not say
_TOKEN = re.compile(r"\d+(?:\s?[.,:/–-]\s?\d+)+|\d+\.|\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Waited:
    count: int
    unit: Unit


def waited(text: str, waiting: Waiting) -> Waited | None:
    """The time that stands near words about waiting; None where there is none, or where a sentence names two."""
    for span in spans(text):
        if occurs(waiting.cues, span):
            found = set(_times(span.text, waiting))
            if len(found) == 1:
                return found.pop()
    return None


def in_words(time: Waited, waiting: Waiting, language: str) -> str:
    """E.g. "3 týždne"; "" where the playbook has no words for that unit."""
    units: Units | None = getattr(waiting, time.unit)
    if units is None:
        return ""
    place = min(_plural_classes(language).index(_plural_class(language, time.count)), len(units.forms) - 1)
    return f"{time.count} {units.forms[place]}"


def _times(sentence: str, waiting: Waiting) -> Iterator[Waited]:
    tokens = _TOKEN.findall(sentence)
    for at, (before, word) in enumerate(itertools.pairwise(tokens)):
        unit, count = _unit(fold(word), waiting), _number(fold(before), waiting)
        if unit is None or not 0 < count * _HOURS[unit] < _LONGEST or (count == 1 and _is_plural(word, waiting, unit)):
            continue
        near = " ".join(tokens[max(0, at - _NEAR) : at + 2 + _NEAR])
        if occurs(waiting.cues, Span(0, near, words_of(near))):
            yield Waited(count, unit)


def _number(word: str, waiting: Waiting) -> int:
    """0 where `word` is no whole number."""
    if word.isascii() and word.isdigit():
        return int(word) if len(word) <= 4 else 0
    return _folded_numbers(tuple(waiting.numbers.items())).get(word, 0)


@lru_cache(maxsize=32)
def _folded_numbers(numbers: tuple[tuple[str, int], ...]) -> dict[str, int]:
    return {fold(word): number for word, number in numbers}


def _unit(word: str, waiting: Waiting) -> Unit | None:
    for unit in UNITS:
        units: Units | None = getattr(waiting, unit)
        if units is not None and any(_begins(word, cue) for cue in units.cues):
            return unit
    return None


def _is_plural(word: str, waiting: Waiting, unit: Unit) -> bool:
    """Where "už" stands for 1 as in "už týždeň", "už týždne" are more than one."""
    units: Units | None = getattr(waiting, unit)
    return units is not None and fold(word) in {fold(form) for form in units.forms[1:]} - {fold(units.forms[0])}


def _begins(word: str, cue: str) -> bool:
    stem = fold(cue.removesuffix("!"))
    return word == stem if cue.endswith("!") else word.startswith(stem)


@lru_cache(maxsize=1024)
def _plural_class(language: str, count: int) -> str:
    from babel import Locale, UnknownLocaleError  # lazily: most processes write no waiting time

    try:
        return str(Locale(language).plural_form(count))
    except UnknownLocaleError:  # somebody's own playbook
        return "one" if count == 1 else "other"


@lru_cache(maxsize=32)
def _plural_classes(language: str) -> tuple[str, ...]:
    """Those that whole numbers have in that language, e.g. one, few, other in Slovak."""
    had = {_plural_class(language, count) for count in range(1, 121)}
    return tuple(name for name in _CLASSES if name in had)
