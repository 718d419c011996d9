"""The suffixes that a name takes in Hungarian, written together with it. After a hyphen anything may follow.

All is folded. Vowel harmony is kept to, or `Mark` would match "market".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from monitor.watch.form import Form


@dataclass(frozen=True, slots=True)
class _Harmony:
    """The suffixes of one kind of words; `t_links` stand before a t, and likewise with n, and with k and s."""

    cases: str
    low: str  # -val, -vel
    t_links: str
    n_links: str
    links: str


_BACK = _Harmony("nak ban ba bol ra rol nal hoz tol", "a", t_links="oa", n_links="o", links="oa")
_FRONT = _Harmony("nek ben be bol re rol nel hez tol", "e", t_links="e", n_links="e", links="e")
_ROUNDED = _Harmony("nek ben be bol re rol nel hoz tol", "e", t_links="oe", n_links="o", links="oe")  # ö is o here

_VOWELS = "aeiouy"
_BACK_VOWELS, _FRONT_VOWELS, _ROUNDED_VOWELS = "aáoóuú", "eéiíyöőüű", "öőüű"
_DIGRAPHS = ("sz", "cs", "gy", "ny", "ly", "ty", "zs")
_NO_LINK_AFTER = frozenset("lrnjsz")  # Auchan: Auchant
_LONG_ENOUGH = 5  # letters of a word to which a bare t is added; "Star" is not meant by "start"
_SINGLE = frozenset("tnks")


def hungarian(word: str, folded: str) -> Iterator[Form]:
    """`word` is as it was written, in lower case."""
    harmonies, last = _harmonies(word), folded[-1]
    if last in _VOWELS:
        yield Form(folded, _after_vowel(harmonies))
        if last != "e":  # after an e that nobody says there is a hyphen, and "apples" are something else
            yield Form(folded, _SINGLE, lengthens=last in "ao")
    if last not in _VOWELS or last == "y":
        bare_t = len(folded) >= _LONG_ENOUGH and last in _NO_LINK_AFTER
        yield Form(folded, _after_consonant(harmonies, folded[-2:]) | ({"t"} if bare_t else set()))
    if folded.endswith(_DIGRAPHS):  # Pagony: Pagonnyal
        yield Form(folded[:-2], frozenset(f"{folded[-2]}{folded[-2:]}{one.low}l" for one in harmonies))


def _harmonies(word: str) -> tuple[_Harmony, ...]:
    vowels = [letter for letter in word if letter in _BACK_VOWELS + _FRONT_VOWELS]
    if not vowels:
        return (_BACK, _FRONT)
    front = _ROUNDED if vowels[-1] in _ROUNDED_VOWELS else _FRONT
    if not any(letter in _BACK_VOWELS for letter in vowels):
        return (front,)
    return (_BACK, front) if vowels[-1] in _FRONT_VOWELS else (_BACK,)


@cache
def _after_vowel(harmonies: tuple[_Harmony, ...]) -> frozenset[str]:
    found = {"e", "ei"}  # Alzáé
    for one in harmonies:
        found |= {*_cases(one), f"v{one.low}l", *_owned(one)}
        for middle in ("k", "s", "ek", f"s{one.low}k", f"s{one.links[0]}k"):  # Alzák, Alzás, Alzáék, Alzások
            found |= _declined(one, middle)
    return frozenset(found - _SINGLE)


@cache
def _after_consonant(harmonies: tuple[_Harmony, ...], tail: str) -> frozenset[str]:
    found = {"ei"}  # an é alone is rather the end of "staré"
    for one in harmonies:
        found |= {*_after(one, tail), *_owned(one), *_declined(one, "ek")}
        for link in one.links:
            for middle in ("k", "s", f"s{link}k"):  # Malloké, Mallos, Mallosok
                found |= _declined(one, f"{link}{middle}")
    return frozenset(found)


def _declined(one: _Harmony, middle: str) -> set[str]:
    return {middle, *(f"{middle}{case}" for case in _after(one, middle[-2:]))}


def _after(one: _Harmony, tail: str) -> set[str]:
    """Cases of what ends in the consonant(s) `tail`: with a linking vowel, or with its v made like the consonant."""
    linked = {*(f"{link}t" for link in one.t_links), *(f"{link}n" for link in one.n_links)}
    return _cases(one) | linked | {f"{doubled}{one.low}l" for doubled in _doubled(tail)}


def _doubled(tail: str) -> tuple[str, ...]:
    """eMAG: eMAGgal; Mall: Mallal; Hervis, Bonprix: Hervisszel, Bonprixszel."""
    last = tail[-1]
    if len(tail) == 2 and tail[0] == last:
        return (last, "")
    return (last, "sz", "s") if last in "sx" else (last,)


def _cases(one: _Harmony) -> set[str]:
    return {"ert", "ig", "kent", *one.cases.split()}


def _owned(one: _Harmony) -> set[str]:
    """Az ország Alzája, az Alzáéhoz."""
    own, whose = f"j{one.low}", (f"e{case}" for case in (f"v{one.low}l", *_cases(one)))
    return {own, *whose, *(f"{own}{case}" for case in ("t", "n", f"v{one.low}l", *_cases(one)))}
