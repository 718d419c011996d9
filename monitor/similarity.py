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
# Odd numbers, so that multiplying by them only permutes. They must never change: the store keeps what comes of them.
_PLACES = [xxh3_64_intdigest(f"place {number}".encode()) | 1 for number in range(_RUN)]
_PERMUTATIONS = [xxh3_64_intdigest(f"ohlas {number}".encode()) | 1 for number in range(_ROWS * _BANDS)]


def words(text: str) -> str:
    """The words alone, without case, diacritics and signs, one space between two."""
    return " ".join(_WORDS.findall(plain(text))[:_MOST_WORDS])


def bands(said: str) -> tuple[int, ...]:
    """Numbers below 2**64 of which alike texts share at least one; `said` comes from `words`. None for short texts."""
    found = said.split(" ")
    if len(found) < 2 * _RUN:
        return ()
    import numpy as np  # imported late: most commands compare nothing

    hashes = np.array([xxh3_64_intdigest(word.encode()) for word in found], dtype=np.uint64)
    count = len(hashes) - _RUN + 1
    places = np.array(_PLACES, dtype=np.uint64)
    runs = sum(hashes[place : place + count] * places[place] for place in range(_RUN))
    mixed = (runs ^ (runs >> np.uint64(31))) * places[0]  # sums of products alone would keep some order
    least = (mixed * np.array(_PERMUTATIONS, dtype=np.uint64)[:, None]).min(axis=1).reshape(_BANDS, _ROWS)
    return tuple(xxh3_64_intdigest(bytes([band]) + row.tobytes()) for band, row in enumerate(least))


def similarity(one: str, other: str, at_least: float) -> float:
    """From 0 to 1, of two texts from `words`; 0.0 where they are less alike than `at_least`."""
    if one == other:
        return 1.0
    from rapidfuzz.fuzz import ratio  # imported late: most commands compare nothing

    return ratio(one, other, score_cutoff=100 * at_least) / 100
