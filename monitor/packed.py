"""Tables of small weights, three to a 64-bit number, so that one addition sums three of them.

Summing hashed features is most of what a linear model does; this makes it three times as quick.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FIELD = 21  # bits of one weight in a sum: room for 8,192 weights of 127
_PER_NUMBER = 3
_CHUNK = 1 << 13


class PackedTable:
    """Weights of many features for a few columns; `weights` has one row a feature, int8."""

    def __init__(self, weights: NDArray[np.int8]) -> None:
        features, self._columns = weights.shape
        self._packed = np.zeros((features, -(-self._columns // _PER_NUMBER)), np.int64)
        for start in range(0, features, _CHUNK):  # large temporary arrays would stay in the process for good
            part = slice(start, start + _CHUNK)
            for column in range(self._columns):
                shift = _FIELD * (column % _PER_NUMBER)
                self._packed[part, column // _PER_NUMBER] += weights[part, column].astype(np.int64) << shift

    def rows(self, features: NDArray[np.intp]) -> NDArray[np.int64]:
        """Packed weights of these features. Rows may be added to each other before `unpacked` reads the sum."""
        return self._packed.take(features, axis=0)

    def unpacked(self, sums: NDArray[np.int64]) -> NDArray[np.float32]:
        """One row a sum, one column a weight: each field is read with its sign and taken off before the next."""
        found = np.empty((len(sums), self._packed.shape[1] * _PER_NUMBER), np.float32)
        half, whole = 1 << (_FIELD - 1), 1 << _FIELD
        for place in range(_PER_NUMBER):
            low = ((sums + half) & (whole - 1)) - half
            found[:, place::_PER_NUMBER] = low
            sums = (sums - low) >> _FIELD
        return found[:, : self._columns]
