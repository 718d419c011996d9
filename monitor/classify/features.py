"""Texts to hashed features, a whole batch at once.

A text becomes a bag of buckets: character n-grams inside words, and tokens (words, emoji, runs of punctuation) alone,
in pairs and under negation. Everything is numpy arithmetic on code points, so that the hash is the same in every
process and on every platform, and thirty-two texts cost little more than one.

Each kind of feature has buckets of its own, so that features of different kinds never share one: first those of
n-grams of letters, then those made of tokens.
Bucket 0 means "no feature here"; its weight is always zero.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# How many buckets a kind has, as a power of 2: a little more than the features that training texts have of it would
# fill, or as much as the size of the file allows.
_GRAM_BITS = {3: 17, 4: 19, 5: 19, 6: 19}  # by length
_TOKEN_BITS = {"exact": 18, "folded": 18, "pair": 19, "negated": 17, "mark": 10}
GRAMS = tuple(_GRAM_BITS)
GRAM_BUCKETS = 1 + sum(1 << bits for bits in _GRAM_BITS.values())  # where those made of tokens begin
BUCKETS = GRAM_BUCKETS + sum(1 << bits for bits in _TOKEN_BITS.values())
LONGEST_TEXT = 1400  # characters; more adds nothing
HEAD = 900  # of a longer text the beginning and the end are read: that is where a verdict stands
NEGATION_REACH = 3  # tokens

Codes = NDArray[np.uint32]
Positions = NDArray[np.intp]

_LINK = re.compile(r"(?:https?://|www\.)\S*|\bhttps?\b")
_HANDLE = re.compile(r"@\w+")
_DROPPED = {0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, *range(0x300, 0x370), *range(0xFE00, 0xFE10)}
_FOLDS_WITHOUT_DECOMPOSITION = {
    "ł": "l",
    "đ": "d",
    "ø": "o",
    "ħ": "h",
    "ı": "i",
    "’": "'",
    "‘": "'",
    "´": "'",
    "`": "'",
}
_WORD, _MARK = 1, 2

NEGATORS = (
    # Slovak and Czech; verbs carry their own "ne-", which the n-grams see, but reach into what follows as well
    "nie nikdy ani nebol nebola nebolo neboli nebyl nebyla nebylo nebyli nemam nema nemaju nemaji nejsou neni nejsem "
    "niesu nieje nemozem nemuzu nemuze nemoze nevie nevi nebude nebudu nebudem zadny zadna zadne ziadny ziadna ziadne "
    "ziadnu zadnou bez malo "
    # Hungarian
    "nem ne sem se nincs nincsen nincsenek sincs sehol soha semmi nelkul senki "
    # English
    "not no never don't didn't doesn't isn't wasn't aren't weren't can't cannot couldn't won't wouldn't shouldn't "
    "haven't hasn't hadn't ain't nothing nobody without hardly barely neither nor dont didnt doesnt isnt wasnt cant "
    "wont "
    # German and Polish
    "nicht kein keine keinen keiner nie niemals ohne nichts brak bez zaden zadnych"
).split()


@dataclass(frozen=True, slots=True)
class Extraction:
    """Features of a batch.

    `grams` has one array of buckets per n-gram length, one entry per code point. `tokens` has one array of buckets
    per kind of token feature, one entry per token, and `token_at` says at which code point each token begins.
    `marks` holds buckets of whole-text features, one row a kind, one column a text. `starts` is the code point at
    which each text begins, `letters` how many characters it has besides spaces (at least 1 is said), and `spoken` is
    False for a text that has none.
    """

    grams: tuple[Positions, ...]
    tokens: tuple[Positions, ...]
    token_at: Positions
    marks: Positions
    starts: Positions
    letters: NDArray[np.float32]
    spoken: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Tables:
    lower: Codes  # code point to lower case
    fold: Codes  # code point to lower case without diacritics
    kind: NDArray[np.uint8]  # 0 space, _WORD, _MARK
    dropped: NDArray[np.bool_]
    counted: NDArray[np.int64]  # packed counts: "!" | "?" | capital | letter
    negator: NDArray[np.bool_]  # by the low 16 bits of a token's hash


def _fold(character: str) -> str:
    lowered = character.lower()[:1]
    return _FOLDS_WITHOUT_DECOMPOSITION.get(lowered) or unicodedata.normalize("NFKD", lowered)[:1].strip() or lowered


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] in "LNM" or character in "'’‘´`_":
        return _WORD
    return 0 if category[0] in "ZC" else _MARK


def _counted(character: str) -> int:
    return (
        (character == "!")
        | (character == "?") << 16
        | character.isupper() << 32
        | (unicodedata.category(character)[0] == "L") << 48
    )


@functools.cache
def _tables() -> _Tables:
    """Scripts beyond U+2C00 keep their code points: they have neither case nor diacritics that matter here."""
    characters = [chr(code) for code in range(0x2C00)]
    identity = np.arange(1 << 16, dtype=np.uint32)
    lower, fold = identity.copy(), identity.copy()
    lower[: len(characters)] = [ord(character.lower()[0]) for character in characters]
    fold[: len(characters)] = [ord(_fold(character)) for character in characters]
    kind = np.full(1 << 16, _WORD, np.uint8)
    kind[: len(characters)] = [_kind(character) for character in characters]
    kind[0x3000:0x3020] = _MARK
    counted = np.zeros(1 << 16, np.int64)
    counted[: len(characters)] = [_counted(character) for character in characters]
    dropped = np.zeros(1 << 16, np.bool_)
    dropped[list(_DROPPED)] = True
    negator = np.zeros(1 << 16, np.bool_)
    negator[[_hash_of(word) & 0xFFFF for word in NEGATORS]] = True
    return _Tables(lower, fold, kind, dropped, counted, negator)


def extract(texts: Sequence[str]) -> Extraction:
    """Features of every text, in order. A text of no characters has no features."""
    raw, starts = _code_points(texts)
    tables = _tables()
    low = raw & 0xFFFF
    plane = raw > 0xFFFF
    astral = bool(plane.any())
    fold, kind = tables.fold[low], tables.kind[low]
    if astral:
        fold, kind = np.where(plane, raw, fold), np.where(plane, np.uint8(_MARK), kind)
    counts = np.add.reduceat(tables.counted[low], starts)
    keep, stretched = _kept(fold, kind, tables.dropped[low], starts)
    stretches = np.add.reduceat(stretched, starts, dtype=np.int64)
    lower = np.where(plane, raw, tables.lower[low])[keep] if astral else tables.lower[low][keep]
    fold, kind = fold[keep], kind[keep]
    starts = (np.cumsum(keep) - 1)[starts]
    tokens, token_at, reached = _tokens(fold, lower, kind, starts)
    grams = _grams(fold, kind, reached)
    letters = np.add.reduceat(kind != 0, starts, dtype=np.int64)
    marks = _marks(counts, stretches)
    return Extraction(grams, tokens, token_at, marks, starts, np.maximum(letters, 1).astype(np.float32), letters > 0)


def _clean(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        text = f"{text[:HEAD]} {text[HEAD - LONGEST_TEXT + 1 :]}"
    if "http" in text or "www." in text:
        text = _LINK.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    return text


def _code_points(texts: Sequence[str]) -> tuple[Codes, Positions]:
    """All texts in one array. Each begins with a space of its own, which also closes the one before it."""
    cleaned = [_clean(text) for text in texts]
    joined = f" {' '.join(cleaned)} "
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, cleaned), np.intp, len(cleaned)) + 1
    starts = np.zeros(len(cleaned), np.intp)
    np.cumsum(lengths[:-1], out=starts[1:])
    return raw, starts


def _kept(
    fold: Codes, kind: NDArray[np.uint8], dropped: NDArray[np.bool_], starts: Positions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which code points stay: invisible ones go, "sooooo" becomes "soo", spaces in a row become one."""
    same = np.zeros(len(fold), np.bool_)
    np.equal(fold[1:], fold[:-1], out=same[1:])
    stretched = same.copy()
    stretched[1:] &= same[:-1]
    space = kind == 0
    drop = dropped | stretched
    drop[1:] |= space[1:] & space[:-1]
    drop[starts] = False
    drop[-1] = False
    return ~drop, stretched & ~space


def _mix(codes: Codes) -> Codes:
    mixed = codes * np.uint32(0x9E3779B1)
    return mixed ^ (mixed >> np.uint32(15))


@dataclass(frozen=True, slots=True)
class _Region:
    """`1 << bits` buckets from `first`."""

    first: int
    bits: int

    def bucket(self, hashes: Codes) -> Positions:
        """Spread hashes over the region."""
        bucket: Positions = ((hashes * np.uint32(0x85EBCA6B)) >> np.uint32(32 - self.bits)).astype(np.intp)
        bucket += self.first
        return bucket


def _regions(bits_of: Mapping[Any, int], first: int) -> dict[Any, _Region]:
    """One after another."""
    found = {}
    for kind, bits in bits_of.items():
        found[kind] = _Region(first, bits)
        first += 1 << bits
    return found


_OF_GRAMS = _regions(_GRAM_BITS, 1)
_OF_TOKENS = _regions(_TOKEN_BITS, GRAM_BUCKETS)
_NEGATED = np.uint32(0x7F4A7C15)


def _grams(fold: Codes, kind: NDArray[np.uint8], reached: Codes) -> tuple[Positions, ...]:
    """n-grams over words with their edges; none reaches across a space.

    `reached` is `_NEGATED` at the letters of words under negation: theirs are other n-grams than those of the same
    words elsewhere.
    """
    inside = kind != 0
    mixed = _mix(np.where(inside, fold, np.uint32(32)))
    rolling, valid = mixed, np.ones(len(mixed), np.bool_)
    found = []
    for length in range(2, max(GRAMS) + 1):
        rolling = rolling[:-1] * np.uint32(0x01000193) + mixed[length - 1 :]
        if length == 2:
            valid = inside[:-1] | inside[1:]
        else:
            valid = valid[:-1] & inside[length - 2 : -1]
        if length in GRAMS:
            salted = rolling ^ reached[1 : 1 + len(rolling)] ^ np.uint32(length * 0x27D4EB2F & 0xFFFFFFFF)
            bucket = np.zeros(len(mixed), np.intp)
            np.multiply(_OF_GRAMS[length].bucket(salted), valid, out=bucket[: len(valid)])
            found.append(bucket)
    return tuple(found)


_STEPS = np.array([pow(0x5851F42D4C957F2D, power + 1, 1 << 32) | 1 for power in range(64)], np.uint32)


def _hash_of(word: str) -> int:
    """The hash that `_token_hashes` gives to a folded word."""
    codes = np.array([ord(character) for character in word], np.uint32)
    return int(np.add.reduce(_mix(codes) * _STEPS[np.arange(len(codes)) & 63], dtype=np.uint32))


def _token_hashes(codes: Codes, offsets: Positions, bounds: Positions) -> Codes:
    hashes: Codes = np.add.reduceat(_mix(codes) * _STEPS[offsets & 63], bounds, dtype=np.uint32)
    return hashes


def _tokens(
    fold: Codes, lower: Codes, kind: NDArray[np.uint8], starts: Positions
) -> tuple[tuple[Positions, ...], Positions, Codes]:
    """Tokens as they are, folded, in pairs, and under negation; where they begin; which letters negation reaches."""
    change = np.ones(len(kind), np.bool_)
    np.not_equal(kind[1:], kind[:-1], out=change[1:])
    bounds = np.flatnonzero(change)
    lengths = np.diff(bounds, append=len(kind))
    offsets = np.arange(len(kind)) - np.repeat(bounds, lengths)
    real = kind[bounds] != 0
    at = bounds[real]
    folded = _token_hashes(fold, offsets, bounds)[real]
    exact = _token_hashes(lower, offsets, bounds)[real]
    text_of = np.searchsorted(starts, at, side="right")
    is_mark = kind[at] == _MARK
    reached = _negated(folded, text_of, is_mark)
    features = (
        _OF_TOKENS["exact"].bucket(exact),
        _OF_TOKENS["folded"].bucket(folded),
        _pairs(folded, text_of),
        np.where(reached, _OF_TOKENS["negated"].bucket(folded), 0),
    )
    salts = np.zeros(len(bounds), np.uint32)
    salts[real] = reached * _NEGATED
    return features, at, np.repeat(salts, lengths)


def _pairs(folded: Codes, text_of: Positions) -> Positions:
    """A token with the one before it; the first of a text stands with the text's edge."""
    before = np.zeros(len(folded), np.uint32)
    before[1:] = np.where(text_of[1:] == text_of[:-1], folded[:-1], np.uint32(0))
    return _OF_TOKENS["pair"].bucket(before * np.uint32(0x01000193) ^ folded * np.uint32(0xC2B2AE35))


def _negated(folded: Codes, text_of: Positions, is_mark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which words follow a negator closely, with no punctuation between."""
    negator = _tables().negator[folded & np.uint32(0xFFFF)] & ~is_mark
    reached = np.zeros(len(folded), np.bool_)
    if negator.any():
        open_until = negator
        for _ in range(NEGATION_REACH):
            following = np.zeros(len(folded), np.bool_)
            following[1:] = open_until[:-1] & (text_of[1:] == text_of[:-1])
            following &= ~is_mark
            reached |= following
            open_until = following
    return reached


def _marks(counts: NDArray[np.int64], stretches: NDArray[np.int64]) -> Positions:
    """Whole-text features: how many exclamation and question marks, how much shouting and stretching."""
    field = 0xFFFF
    capitals, letters = (counts >> 32) & field, (counts >> 48) & field
    shouting = np.where(letters > 8, (4 * capitals) // np.maximum(letters, 1), 0)
    levels = np.stack(
        (
            np.minimum(counts & field, 3),
            4 + np.minimum((counts >> 16) & field, 3),
            8 + np.minimum(shouting, 3),
            12 + np.minimum(stretches, 2),
        )
    )
    return _OF_TOKENS["mark"].bucket(_mix((levels + 0x51ED2701).astype(np.uint32)))


def rows_and_buckets(texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.uint32], NDArray[np.float32]]:
    """Every feature of every text once, for training: the text's number, the bucket (both sorted), and `letters`."""
    found = extract(texts)
    text_at = np.searchsorted(found.starts, np.arange(len(found.grams[0])), side="right") - 1
    rows = [text_at] * len(found.grams) + [text_at[found.token_at]] * len(found.tokens)
    rows += [np.arange(len(texts))] * len(found.marks)
    row = np.concatenate(rows).astype(np.uint64)
    bucket = np.concatenate((*found.grams, *found.tokens, *found.marks))
    both = row[bucket > 0] << np.uint64(32) | bucket[bucket > 0].astype(np.uint64)
    both.sort()
    return (both >> np.uint64(32)).astype(np.intp), (both & np.uint64(0xFFFFFFFF)).astype(np.uint32), found.letters
