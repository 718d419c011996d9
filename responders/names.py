"""Names that a reply may use: the customer's given name, and that of the product which a review is about."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from monitor.model import Mention

_TITLES = re.compile(
    r"\b(?:ing|mgr|bc|mudr|judr|phdr|rndr|dr|prof|doc|phd|csc|mr|mrs|ms|pani|pán|paní|pan)\b\.?,?", re.IGNORECASE
)
_PRODUCT_KEYS = ("product", "product_name", "produkt", "výrobok", "výrobek", "termék")  # as sources name it
_WITH_VOCATIVE = ("cs", "pl")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\.?")

Gender = Literal["woman", "man", "other"]


@dataclass(frozen=True, slots=True)
class _Names:
    """`by_fold` finds "Tomáš" by "tomas"; `vocatives` has the names that change when greeted, by language."""

    known: frozenset[str]
    by_fold: dict[str, tuple[str, ...]]
    women: frozenset[str]
    men: frozenset[str]
    vocatives: dict[str, dict[str, str]]


def given_name(author: str, language: str) -> str:
    """The given name, e.g. "Jana" of "Jana Nováková", "Nováková Jana" or "Kovács Jana".

    Returns "" for handles, firms and whatever else is not surely a person's name.
    """
    words = _words(author)
    found = [(at, name) for at, word in enumerate(words) if (name := _known(word))]
    if not found:
        return ""
    if language == "hu" and len(words) > 1 and any(at > 0 for at, _ in found):
        return next(name for at, name in found if at > 0)  # the family name comes first
    return found[0][1]


def greeted(name: str, language: str) -> str:
    """The name as a greeting has it: Czech and Polish have a vocative, the others greet in the nominative."""
    names = _names()
    if vocative := names.vocatives.get(language, {}).get(name):
        return vocative
    if language in _WITH_VOCATIVE and name in names.women and name.endswith("a"):
        return f"{name[:-1]}o"
    return name


def gender(name: str) -> Gender:
    """Whose name it is; "other" where the list does not know it, or knows it of both."""
    woman, man = name in _names().women, name in _names().men
    return "other" if woman == man else "woman" if woman else "man"


def product_name(mention: Mention) -> str:
    """The product that a product review is about, as the source names it; "" where it names none."""
    named = next((mention.raw[key] for key in _PRODUCT_KEYS if mention.raw.get(key)), "")
    return " ".join(named.split()) if isinstance(named, str) else ""


def _words(author: str) -> list[str]:
    """The words of what may be a person's name, else nothing: "jana.k", "user123" and "Jana | e-shop" are no names."""
    plain = _TITLES.sub(" ", unicodedata.normalize("NFC", author)).replace(",", " ").split()
    if not 1 <= len(plain) <= 4 or not all(_WORD.fullmatch(word) and not word[0].islower() for word in plain):
        return []
    if len(plain) == 1 and len(plain[0]) > 1 and plain[0].isupper():
        return []
    return [word.capitalize() if word.isupper() and len(word) > 2 else word for word in plain]


def _known(word: str) -> str:
    """The name as the list spells it; written without diacritics it is found where only one name can be meant."""
    names = _names()
    if word in names.known:
        return word
    candidates = names.by_fold.get(_fold(word), ())
    return candidates[0] if len(candidates) == 1 and word.isascii() else ""


@lru_cache(maxsize=1)
def _names() -> _Names:
    text = (resources.files("responders.playbooks") / "names.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    bent = {"cs": dict(tables["men_in_czech"]), "pl": dict(tables.get("men_in_polish", {}))}
    women, men = frozenset(tables["women"]), frozenset(tables["men"]).union(*bent.values())
    for language, forms in tables.get("vocatives", {}).items():
        bent[language] = {**bent.get(language, {}), **forms}
    known = women | men
    by_fold: dict[str, tuple[str, ...]] = {}
    for name in sorted(known):
        by_fold[_fold(name)] = (*by_fold.get(_fold(name), ()), name)
    return _Names(known, by_fold, women, men, bent)


def _fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
