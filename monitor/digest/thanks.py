"""Whom of the team customers name in their praise. Pure.

Names are bent at their end in Slovak, Czech, Hungarian and Polish ("Janke", "Janou", "Évának"), and often written
without diacritics; a name is one only with a capital letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.store.highlights import Praise
from monitor.text import plain

MOST: Final = 5
_SHORTEST: Final = 3  # letters
_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL = re.compile(r"\b[A-ZÁČĎÉĚÍĹĽŇÓÔŐÖŘŔŠŤÚŮŰÜÝŽŁŚŻŹĆÄ][^\W\d_]+")
_HUNGARIAN = r"t|nak|nek|val|vel|hoz|hez|tol|rol|ra|re|ert|nal|nel|e|ek|ban|ben"
_AFTER_A = rf"a|y|i|ie|e|u|ou|o|om|am|in\w{{0,3}}|k(?:a|y|e|u|ou|o)|a(?:{_HUNGARIAN}|s)"  # Janka, too
_AFTER_O = rf"o|a|ovi|om|em|u|o(?:{_HUNGARIAN})"
_AFTER_E = rf"e|i|ie|iu|im|ii|u|e(?:{_HUNGARIAN}|s)"
_AFTER_CONSONANT = rf"|a|ovi|u|om|em|e|i|y|ie|iem|owi|ov\w{{0,3}}|s|[oea]?(?:{_HUNGARIAN})"
_AFTER_I = rf"|ho|mu|m|s|(?:{_HUNGARIAN})"


def worth_sharing(praise: Sequence[Praise], team: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """The numbers of at most MOST mentions and whom each names: those that name somebody first, then those that say
    most."""
    names = {name: _Name.of(name) for name in team}
    found = [(one, tuple(_named(one, names))) for one in praise]
    found.sort(key=lambda pair: (not pair[1], -_worth(pair[0].text)))
    return {one.mention_id: named for one, named in found[:MOST]}


def team_names(people: Iterable[str], signature: str) -> tuple[str, ...]:
    """Of those who decide, and of the one who signs: the first word of "Jana zo Svrčiny"."""
    signed = _WORD.findall(signature)[:1]
    return tuple(dict.fromkeys(name for name in (*people, *signed) if name != "you"))


@dataclass(frozen=True, slots=True)
class _Name:
    """`given` is what a customer of the same name is called, `forms` every word of it, bent."""

    given: str
    beginnings: frozenset[str]
    forms: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, name: str) -> _Name:
        words = [word for word in (plain(word) for word in _WORD.findall(name)) if len(word) >= _SHORTEST]
        return cls(
            given=words[0] if words else "",
            beginnings=frozenset(word[:2] for word in words),
            forms=tuple(_forms(word) for word in words),
        )

    def is_in(self, words: Iterable[str]) -> bool:
        likely = [word for word in words if word[:2] in self.beginnings]
        return any(form.fullmatch(word) for word in likely for form in self.forms)


def _named(one: Praise, names: Mapping[str, _Name]) -> Iterator[str]:
    """Customers sign with names, too: their own is not ours."""
    own = {plain(word) for word in _WORD.findall(one.author)}
    capital = {plain(word) for word in _CAPITAL.findall(f"{one.title}\n{one.text}")}
    return (name for name, known in names.items() if known.given not in own and known.is_in(capital))


def _forms(name: str) -> re.Pattern[str]:
    """`name` in lower case without diacritics."""
    stem = re.escape(name[:-1])
    if name.endswith("a"):
        return re.compile(f"{stem}(?:{_AFTER_A})")
    if name.endswith("o"):
        return re.compile(f"{stem}(?:{_AFTER_O})")
    if name.endswith("e"):
        return re.compile(f"{stem}(?:{_AFTER_E})")
    if name[-1] in "iy":
        return re.compile(f"{re.escape(name)}(?:{_AFTER_I})")
    doubled = f"{name[-1]}(?:al|el)"  # Péterrel
    bent = f"{re.escape(name)}(?:{_AFTER_CONSONANT}|{doubled})"
    if re.search(r"[^aeiouy]e[klrc]$", name):  # Marek, Pavel, Peter lose their e
        bent += f"|{re.escape(name[:-2] + name[-1])}(?:a|ovi|u|om|em|e|i|iem|owi)"
    return re.compile(bent)


def _worth(text: str) -> float:
    """A few sentences say more than "super", and are read sooner than a page."""
    length = len(text)
    return min(length, 160) - max(0, length - 400) / 4
