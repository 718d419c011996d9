"""How alike two texts are, and what finds the texts that may be alike among very many. Pure.

MinHash: of a text's runs of three words, hashed, the least under eight permutations, two by two. Texts that share
nine tenths of such runs share at least one pair in 999 of 1,000 cases, texts that share a tenth in four of 100.
"""

from __future__ import annotations

import re

from xxhash import xxh3_64_intdigest

from monitor.text import plain

_WORDS = re.compile(r"\w+")
_MOST_WORDS = 300  # of one text; longer ones that begin alike are alike
_RUN = 3  # words
_ROWS, _BANDS = 2, 4
_SIXTY_FOUR = 2**64 - 1
# odd numbers, so that multiplying by them only permutes the hashes; they must never change: the store keeps results
_PERMUTATIONS = tuple(xxh3_64_intdigest(f"ohlas {number}".encode()) | 1 for number in range(_ROWS * _BANDS))


def words(text: str) -> str:
    """The words alone, without case, diacritics and signs, one space between two."""
    return " ".join(_WORDS.findall(plain(text))[:_MOST_WORDS])


def bands(said: str) -> tuple[int, ...]:
    """Numbers below 2**64 of which alike texts share at least one; `said` comes from `words`. None for short texts."""
    runs = said.split(" ")
    if len(runs) < 2 * _RUN:
        return ()
    hashes = {xxh3_64_intdigest(" ".join(runs[place : place + _RUN]).encode()) for place in range(len(runs) - _RUN + 1)}
    least = [min([one * factor & _SIXTY_FOUR for one in hashes]) for factor in _PERMUTATIONS]
    return tuple(
        xxh3_64_intdigest(f"{band}:{least[band * _ROWS : (band + 1) * _ROWS]}".encode()) for band in range(_BANDS)
    )


def similarity(one: str, other: str, at_least: float) -> float:
    """From 0 to 1, of two texts from `words`; 0.0 where they are less alike than `at_least`."""
    if one == other:
        return 1.0
    from rapidfuzz.fuzz import ratio  # imported late: most commands compare nothing

    return ratio(one, other, score_cutoff=100 * at_least) / 100
