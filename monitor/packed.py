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


class PairTable:
    """Weights of many features for two columns, int8: half the memory of a `PackedTable` of as many features.

    Few rows may be added to each other before `widened`, any number after.
    """

    def __init__(self, weights: NDArray[np.int8]) -> None:
        """`weights` has one row a column, which keeps the order of a file."""
        self._packed = np.empty(weights.shape[1], np.int32)
        for start in range(0, len(self._packed), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._packed[part] = weights[0, part] + (weights[1, part].astype(np.int32) << 16)

    def rows(self, features: NDArray[np.intp]) -> NDArray[np.int32]:
        """Packed weights of these features: up to 256 rows have room in one sum."""
        return self._packed.take(features)

    def widened(self, sums: NDArray[np.int32]) -> NDArray[np.int64]:
        """The same with room for sums of millions of rows."""
        wide = sums.astype(np.int64)
        wide += ((wide + 0x8000) >> 16) * 0xFFFF0000  # what stood at the 16th bit moves to the 32nd
        return wide

    def unpacked(self, sums: NDArray[np.int64]) -> NDArray[np.float32]:
        """One row a widened sum, one column a weight."""
        found = np.empty((len(sums), 2), np.float32)
        high = (sums + 0x80000000) >> 32
        found[:, 0] = sums - (high << 32)
        found[:, 1] = high
        return found
