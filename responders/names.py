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
    r"\b(?:ing|mgr|bc|mudr|judr|phdr|rndr|dr|prof|doc|phd|csc|mr|mrs|ms|herr|frau|mag|pani|pán|paní|pan)\b\.?,?",
    re.IGNORECASE,
)
_PRODUCT_KEYS = ("product", "product_name", "produkt", "výrobok", "výrobek", "termék")  # as sources name it
_WITH_VOCATIVE = ("cs", "pl")
_REGIONS = {"": "", "de": "_in_german", "pl": "_in_polish"}  # and what the tables of names.toml are called after
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\.?")

Gender = Literal["woman", "man", "other"]


@dataclass(frozen=True, slots=True)
class _Spelled:
    """Names of one region; `by_fold` finds "Tomáš" by "tomas"."""

    known: frozenset[str]
    by_fold: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, names: frozenset[str]) -> _Spelled:
        by_fold: dict[str, tuple[str, ...]] = {}
        for name in sorted(names):
            by_fold[_fold(name)] = (*by_fold.get(_fold(name), ()), name)
        return cls(names, by_fold)

    def find(self, word: str) -> str:
        """The name as the list spells it; without diacritics it is found where only one name can be meant."""
        if word in self.known:
            return word
        candidates = self.by_fold.get(_fold(word), ())
        return candidates[0] if len(candidates) == 1 and word.isascii() else ""


@dataclass(frozen=True, slots=True)
class _Names:
    """`region` has the names of German and of Polish, and under "" those of the other languages; `vocatives` the names
    that change when greeted, by language."""

    region: dict[str, _Spelled]
    everybody: _Spelled
    women: frozenset[str]
    men: frozenset[str]
    vocatives: dict[str, dict[str, str]]


def given_name(author: str, language: str) -> str:
    """The given name, e.g. "Jana" of "Jana Nováková", "Nováková Jana" or "Kovács Jana".

    Returns "" for handles, firms and whatever else is not surely a person's name.
    """
    words = _words(author)
    found = [(at, name) for at, word in enumerate(words) if (name := _known(word, language))]
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


def _known(word: str, language: str) -> str:
    """The names of the language's own region come first: "Lukas" is Lukáš in Slovak, and Lukas in German."""
    names = _names()
    own = names.region.get(language, names.region[""])
    return own.find(word) or names.everybody.find(word)


@lru_cache(maxsize=1)
def _names() -> _Names:
    text = (resources.files("responders.playbooks") / "names.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    vocatives = {"cs": dict(tables["men_in_czech"]), "pl": dict(tables["men_in_polish"])}
    women = {region: frozenset(tables[f"women{table}"]) for region, table in _REGIONS.items()}
    men = {
        "": frozenset(tables["men"]).union(vocatives["cs"]),
        "de": frozenset(tables["men_in_german"]),
        "pl": frozenset(vocatives["pl"]),
    }
    for language, forms in tables["vocatives"].items():
        vocatives[language] = {**vocatives.get(language, {}), **forms}
    all_women, all_men = frozenset().union(*women.values()), frozenset().union(*men.values())
    region = {name: _Spelled.of(women[name] | men[name]) for name in _REGIONS}
    return _Names(region, _Spelled.of(all_women | all_men), all_women, all_men, vocatives)


def _fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold().replace("ł", "l")
