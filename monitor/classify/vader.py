"""VADER, the word list that English opinion mining is measured against, as a classifier. Needs `vaderSentiment`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.model import LABELS, Utterance

NEUTRAL_WITHIN = 0.05  # of the compound score, as VADER's authors recommend


class Vader:
    def __init__(self) -> None:
        """Raises ModuleNotFoundError where `vaderSentiment` is not installed."""
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

        self._analyzer = SentimentIntensityAnalyzer()

    def probabilities(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """No probabilities, but the largest is VADER's verdict."""
        chances = np.full((len(utterances), len(LABELS)), NEUTRAL_WITHIN - 1e-6, np.float32)
        for row, utterance in enumerate(utterances):
            compound = self._analyzer.polarity_scores(utterance.text)["compound"]
            chances[row, LABELS.index("praise")] = max(compound, 0.0)
            chances[row, LABELS.index("complaint")] = max(-compound, 0.0)
        return chances
