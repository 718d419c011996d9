"""Making confidence mean what it says: of the verdicts with 0.8, about 80 % should be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

FEWEST_SAMPLES = 150  # a language with fewer kept-out samples gets the temperature of all
ANY_LANGUAGE = ""
# Never below 1: customers write less like the training texts than the kept-out texts do.
_GRID = np.geomspace(1.0, 4.0, 41)


def temperature(logits: NDArray[np.float32], labels: NDArray[np.int64], worth: NDArray[np.float32]) -> float:
    """What to divide logits by so that the log-loss on samples that were kept out of training is least."""
    return float(min(_GRID, key=lambda heat: _loss(logits / heat, labels, worth)))


def temperatures(
    logits: NDArray[np.float32], labels: NDArray[np.int64], worth: NDArray[np.float32], languages: Sequence[str]
) -> dict[str, float]:
    """One temperature a language with enough samples, and one for ANY_LANGUAGE."""
    of = np.array(languages)
    found = {ANY_LANGUAGE: temperature(logits, labels, worth)}
    for code in sorted(set(languages)):
        mine = of == code
        if mine.sum() >= FEWEST_SAMPLES:
            found[code] = temperature(logits[mine], labels[mine], worth[mine])
    return found


def _loss(logits: NDArray[np.float32], labels: NDArray[np.int64], worth: NDArray[np.float32]) -> float:
    top = logits.max(axis=1)
    log_sum = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float((worth * (log_sum - logits[np.arange(len(labels)), labels])).sum())


def expected_error(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over `bins` equal bins, 0 to 1."""
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = 0.0
    for number in range(bins):
        mine = bin_of == number
        if mine.any():
            gap += float(mine.mean()) * abs(float(confidence[mine].mean()) - float(right[mine].mean()))
    return gap


def reliability(
    confidence: NDArray[np.float32], right: NDArray[np.bool_], edges: Sequence[float] = (0.33, 0.5, 0.6, 0.7, 0.8, 0.9)
) -> list[Mapping[str, float]]:
    """Rows of a reliability table: from, n, confidence, accuracy."""
    rows: list[Mapping[str, float]] = []
    for low, high in zip(edges, [*edges[1:], 1.01], strict=True):
        mine = (confidence >= low) & (confidence < high)
        if mine.any():
            rows.append(
                {
                    "from": low,
                    "n": float(mine.sum()),
                    "confidence": float(confidence[mine].mean()),
                    "accuracy": float(right[mine].mean()),
                }
            )
    return rows
