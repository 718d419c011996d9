"""What every model of ours does alike once it has odds: name the language, doubt, apply what a team taught, explain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor import language
from monitor.classify.adjusting import Adjust
from monitor.classify.doubt import Doubt
from monitor.classify.hashed import HASHED_TEXT, hashed_text
from monitor.classify.reading import added_to
from monitor.model import LABELS, Reason, Utterance, Verdict

Floats = NDArray[np.float32]


class Judge(ABC):
    """Fulfils `monitor.model.Classifier`; a model adds its own odds and the words that moved it."""

    def __init__(self, name: str, base: str, *, languages: Sequence[str], doubt: Doubt) -> None:
        self.name = name
        self.base = base
        self.learned: Adjust | None = None  # what a team's corrections add; see monitor/classify/learned.py
        self._languages = tuple(languages)
        self._doubt = doubt

    @abstractmethod
    def _bare_chances(self, utterances: Sequence[Utterance], languages: Sequence[str]) -> Floats:
        """Probabilities before anything was learned from corrections: a row an utterance, columns as `LABELS`."""

    @property
    def sees(self) -> str:
        """See Learns in monitor/classify/adjusting.py: hashed text, where a model has no embeddings of its own."""
        return HASHED_TEXT

    def judged(self, utterances: Sequence[Utterance]) -> tuple[Floats, Floats]:
        """See Learns in monitor/classify/adjusting.py."""
        return self._judged(utterances, self._identified(utterances))

    def _judged(self, utterances: Sequence[Utterance], languages: Sequence[str]) -> tuple[Floats, Floats]:
        bare = self._bare_chances(utterances, languages) if utterances else np.zeros((0, len(LABELS)), np.float32)
        return bare, hashed_text([utterance.text for utterance in utterances])

    @abstractmethod
    def _pulling_words(self, utterance: Utterance, verdict: Verdict) -> list[str]:
        """Words without which the text would be judged so with less confidence, the weightiest first."""

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        """One verdict each, in order. Reasons and aspects cost more than the verdict itself: `explain` adds them."""
        if not utterances:
            return []
        languages = self._identified(utterances)
        chances = self._chances(utterances, languages)
        winners = chances.argmax(axis=1).tolist()
        confidences = chances.max(axis=1).tolist()
        complaints = chances[:, LABELS.index("complaint")].tolist()
        return [
            Verdict(
                label=LABELS[winner],
                confidence=confidence,
                unsure=self._doubt(LABELS[winner], confidence, complaint),
                language=code,
                model=self.name,
            )
            for winner, confidence, complaint, code in zip(winners, confidences, complaints, languages, strict=True)
        ]

    def probabilities(self, utterances: Sequence[Utterance]) -> Floats:
        """One row an utterance, columns in the order of `LABELS`."""
        if not utterances:
            return np.zeros((0, len(LABELS)), np.float32)
        return self._chances(utterances, self._identified(utterances))

    def explain(self, utterance: Utterance, verdict: Verdict) -> Verdict:
        """The same verdict with the words that pulled most towards it, the stars, and what the text is about."""
        reasons = []
        if pulling := self._pulling_words(utterance, verdict):
            reasons.append(Reason(code="words", detail=", ".join(pulling)))
        if utterance.rating is not None:
            reasons.append(Reason(code="stars", detail=f"{utterance.rating:g}"))
        if self.learned is not None:
            reasons += self.learned.reasons(utterance, self._bare_chances([utterance], [verdict.language]), verdict)
        return added_to(replace(verdict, reasons=tuple(reasons)), utterance.text)

    def _identified(self, utterances: Sequence[Utterance]) -> list[str]:
        texts = [utterance.text for utterance in utterances]
        return language.identify_many(texts, self._languages, [utterance.language for utterance in utterances])

    def _chances(self, utterances: Sequence[Utterance], languages: Sequence[str]) -> Floats:
        learned = self.learned  # may be exchanged at any moment
        return (
            self._bare_chances(utterances, languages)
            if learned is None
            else learned(*self._judged(utterances, languages))
        )
