"""The embedded classifier's own features, folded into few columns: what it sees in a text, for a head to learn on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.classify import features

Floats = NDArray[np.float32]

DIMENSIONS = 4096  # more gains nothing where there are some hundred texts
HASHED_TEXT = f"text-{DIMENSIONS}"
_CHUNK = 256  # texts at once

# What a feature of each kind counts: n-grams of letters, exact tokens, tokens, pairs, tokens under negation.
_GRAM, _TOKENS = 0.3, (0.5, 1.0, 0.5, 0.7)


def hashed_text(texts: Sequence[str]) -> Floats:
    """A row of a Euclidean length of 1 for each; zeros where nothing was said."""
    parts = [_hashed(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.float32)


def _hashed(texts: Sequence[str]) -> Floats:
    found = features.extract(texts)
    text_of = np.searchsorted(found.starts, np.arange(len(found.grams[0])), side="right") - 1
    of_token = text_of[found.token_at]
    rows = [*(text_of for _ in found.grams[:3]), *(of_token for _ in found.tokens)]
    buckets = np.concatenate([*found.grams[:3], *found.tokens])
    worth = [np.full(len(text_of), _GRAM)] * len(found.grams[:3])
    worth += [np.full(len(of_token), weight) for weight in _TOKENS]
    row, value = np.concatenate(rows), np.concatenate(worth)
    hashes = buckets.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    column = ((hashes >> np.uint64(40)) % np.uint64(DIMENSIONS)).astype(np.intp)
    value[(hashes >> np.uint64(20)) & np.uint64(1) == 0] *= -1  # two features in one column cancel out on average
    value[buckets == 0] = 0
    sums = np.bincount(row * DIMENSIONS + column, value, minlength=len(texts) * DIMENSIONS)
    matrix = sums.reshape(len(texts), DIMENSIONS).astype(np.float32)
    length = np.sqrt((matrix * matrix).sum(axis=1, keepdims=True))
    scaled: Floats = matrix / np.maximum(length, np.float32(1e-6))
    return scaled
