"""What a text is about: delivery, product, price, staff, refund, web, communication or availability."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from pathlib import Path

from monitor.model import Aspect

LEXICON = Path(__file__).with_name("aspects.toml")
_WORD = re.compile(r"\w+")
_MOST_WORDS = 4  # of one aspect


def find(text: str, language: str = "") -> tuple[Aspect, ...]:
    """Aspects in the order in which the text names them, each with the words that say so.

    Words are compared by their beginnings, without diacritics; all lexicons are tried where `language` has none.
    """
    lexicon = _lexicon()
    stems = lexicon.get(language) or lexicon[""]
    found: dict[str, dict[str, None]] = {}
    for word in _WORD.findall(text):
        name = _aspect_of(fold(word), stems)
        if name:
            found.setdefault(name, {}).setdefault(word.lower())
    return tuple(Aspect(name=name, words=tuple(words)[:_MOST_WORDS]) for name, words in found.items())


def fold(text: str) -> str:
    """Lower case without diacritics."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in plain if not unicodedata.combining(character))


def _aspect_of(word: str, stems: dict[str, str]) -> str:
    """The longest stem that the word begins with decides; a stem that ends in "." stands for the whole word."""
    whole = stems.get(word + ".")
    if whole is not None:
        return whole
    for length in range(len(word), 2, -1):
        name = stems.get(word[:length])
        if name is not None:
            return name
    return ""


@functools.cache
def _lexicon() -> dict[str, dict[str, str]]:
    """Stem to aspect for each language, and for all of them together under ""."""
    with LEXICON.open("rb") as file:
        tables = tomllib.load(file)
    lexicon: dict[str, dict[str, str]] = {"": {}}
    for language, aspects in tables.items():
        stems = {fold(stem): name for name, listed in aspects.items() for stem in listed}
        lexicon[language] = stems
        lexicon[""] = {**stems, **lexicon[""]}
    return lexicon
