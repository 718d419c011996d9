"""Which language a text is in: naive Bayes over hashed letter n-grams, a whole batch at once.

The shipped model weighs 1.3 MB and knows the languages of the training texts; it costs a few microseconds a text.
"""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelUnusable
from monitor.packed import PackedTable

BUCKETS = 1 << 16
LONGEST_GRAM = 4
LONGEST_TEXT = 400  # characters; a language shows itself sooner
SHIPPED = Path(__file__).with_name("language.npz")


class LanguageModel:
    """`languages` are ISO 639-1 codes; `weights` are log-likelihoods, one row a bucket, one column a language."""

    def __init__(self, languages: tuple[str, ...], weights: NDArray[np.int8], scale: float) -> None:
        self.languages = languages
        self._weights = weights
        self._scale = np.float32(scale)
        here = (np.arange(len(weights)) > 0).astype(np.int8)  # counts the n-grams along with their weights
        self._table = PackedTable(np.column_stack((weights, here)))

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Log-likelihood of each text in each language, one row a text; zeros for a text without letters.

        The n-grams of a text overlap and repeat each other, so the sum is divided by the square root of their number.
        """
        if not texts:
            return np.zeros((0, len(self.languages)), np.float32)
        grams, starts = hashed_grams(texts)
        totals = self._table.unpacked(np.add.reduceat(self._table.rows(grams), starts, axis=0))
        count = np.maximum(totals[:, -1:], 1)
        return (totals[:, :-1] * (self._scale / np.sqrt(count))).astype(np.float32)

    def save(self, path: Path) -> None:
        np.savez(
            path, languages=np.array(self.languages, "U2"), weights=self._weights, scale=np.array(self._scale, "f4")
        )

    @classmethod
    def load(cls, path: Path) -> LanguageModel:
        """Raises ModelUnusable where the file is missing or damaged."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                languages = tuple(str(code) for code in file["languages"])
                weights, scale = file["weights"], float(file["scale"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ModelUnusable(f"The language model {path.name} cannot be read; reinstall Ohlas.") from error
        if weights.shape != (BUCKETS, len(languages)) or weights.dtype != np.int8:
            raise ModelUnusable(f"The language model {path.name} has the wrong shape; reinstall Ohlas.")
        return cls(languages, weights, scale)


@functools.cache
def shipped() -> LanguageModel:
    return LanguageModel.load(SHIPPED)


def hashed_grams(texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Buckets of all n-grams of 1 to LONGEST_GRAM letters, text after text, and where each text begins.

    Bucket 0 means "none here": what has no letter in it, or would reach across two words.
    """
    lowered = [text[:LONGEST_TEXT].lower() for text in texts]
    codes = np.frombuffer(f" {' '.join(lowered)}    ".encode("utf-32-le", "surrogatepass"), np.uint32)
    letter = _letters()[codes & 0xFFFF] & (codes < 0x10000)
    mixed = np.where(letter, codes, np.uint32(32)) * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    length = len(codes) - LONGEST_GRAM
    found = np.zeros((length, LONGEST_GRAM), np.intp)
    rolling, valid = np.zeros(length, np.uint32), np.ones(length, np.bool_)
    for size in range(1, LONGEST_GRAM + 1):
        rolling = rolling * np.uint32(0x01000193) + mixed[size - 1 : size - 1 + length]
        if size > 2:
            valid = valid & letter[size - 2 : size - 2 + length]
        usable = valid & (letter[:length] | letter[size - 1 : size - 1 + length]) if size < 3 else valid
        bucket = ((rolling ^ np.uint32(size)) * np.uint32(0x85EBCA6B)) >> np.uint32(32 - 16)
        found[:, size - 1] = np.where(usable, np.maximum(bucket, np.uint32(1)), np.uint32(0))
    starts = np.zeros(len(texts), np.intp)
    np.cumsum([len(text) + 1 for text in lowered[:-1]], out=starts[1:])
    return found.ravel(), starts * LONGEST_GRAM


@functools.cache
def _letters() -> NDArray[np.bool_]:
    return np.array([chr(code).isalpha() for code in range(1 << 16)], np.bool_)


def fit(texts: Sequence[str], languages: Sequence[str], *, smoothing: float = 0.3) -> LanguageModel:
    """Count n-grams per language; every language weighs the same however much of it there is."""
    known = tuple(sorted(set(languages)))
    column = {code: number for number, code in enumerate(known)}
    counts = np.zeros((len(known), BUCKETS))
    for start in range(0, len(texts), 256):
        grams, starts = hashed_grams(texts[start : start + 256])
        codes = np.array([column[code] for code in languages[start : start + 256]])
        of_gram = np.repeat(codes, np.diff(starts, append=len(grams)))
        counts += np.bincount(of_gram * BUCKETS + grams, minlength=counts.size).reshape(counts.shape)
    return _model(known, counts, smoothing)


def _model(languages: tuple[str, ...], counts: NDArray[Any], smoothing: float) -> LanguageModel:
    counts[:, 0] = 0
    # As if every language had the same amount of text, so that a small one is not all smoothing.
    counts *= np.median(counts.sum(axis=1)) / counts.sum(axis=1, keepdims=True)
    likelihood = np.log(counts + smoothing) - np.log((counts + smoothing).sum(axis=1, keepdims=True))
    likelihood -= likelihood.mean(axis=0, keepdims=True)
    likelihood[:, 0] = 0
    scale = float(np.abs(likelihood).max() / 127) or 1.0  # one language alone has nothing to tell apart
    weights = np.rint(likelihood.T / scale).astype(np.int8)
    return LanguageModel(languages, np.ascontiguousarray(weights), scale)
