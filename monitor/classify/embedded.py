"""The classifier that ships with Ohlas: a linear model over hashed features, no account and no download."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitor.classify import features
from monitor.classify.doubt import Doubt
from monitor.classify.judging import Judge
from monitor.classify.modelfile import LEANING, SHIPPED, ModelFile
from monitor.model import LABELS, Utterance, Verdict
from monitor.packed import PairTable

NAME = "embedded-1"

# What a star rating adds to the log-odds of complaint, praise and neutral. One and five stars nearly decide;
# three stars lean to "neither", and leave the word to the text.
STAR_ODDS = np.array(
    [[4.0, -3.5, -1.0], [1.8, -1.8, 0.1], [0.3, -0.4, 0.5], [-1.0, 1.0, 0.0], [-2.8, 3.0, -0.7]], np.float32
)
NOTHING_SAID = np.array([-0.7, -0.7, 0.7], np.float32)  # logits of a text without a single feature

_CHUNK = 256  # texts at once; more needs memory and gains nothing
_LONGEST_EXPLAINED = 60  # words
_LEAST_PULL = 0.015  # of probability, for a word to be named as a reason
_MOST_REASONS = 4
_WORDS = re.compile(r"\S+")

Floats = NDArray[np.float32]


class EmbeddedClassifier(Judge):
    """Judges texts by words and pieces of words that it has seen in labelled texts. Safe to share between threads."""

    def __init__(self, model: ModelFile, *, languages: Sequence[str], doubt: Doubt | None = None) -> None:
        base = f"{NAME}-{zlib.crc32(np.ascontiguousarray(model.weights).data):08x}"
        super().__init__(NAME, base, languages=languages, doubt=doubt or Doubt())
        self._table = PairTable(model.weights)
        self._scale = np.float32(model.scale)
        self._bias = model.bias
        self._temperatures = dict(model.temperatures)

    @classmethod
    def load(cls, path: Path | None = None, *, languages: Sequence[str], doubt: Doubt | None = None) -> Self:
        """The shipped model, or the one at `path`. Raises ModelUnusable where it cannot be read."""
        return cls(ModelFile.load(path or SHIPPED), languages=languages, doubt=doubt)

    def _bare_chances(self, utterances: Sequence[Utterance], languages: Sequence[str]) -> Floats:
        parts = [
            self._logits([utterance.text for utterance in utterances[start : start + _CHUNK]])
            for start in range(0, len(utterances), _CHUNK)
        ]
        usual = self._temperatures[""]
        heat = np.array([self._temperatures.get(code, usual) for code in languages], np.float32)
        return _softmax(np.concatenate(parts) / heat[:, None] + _star_odds(utterances))

    def _logits(self, texts: Sequence[str]) -> Floats:
        found = features.extract(texts)
        rows = self._table.rows
        sums = rows(found.grams[0])
        for grams in found.grams[1:]:
            sums += rows(grams)
        tokens = rows(found.tokens[0])
        for kind in found.tokens[1:]:
            tokens += rows(kind)
        sums[found.token_at] += tokens
        marks = self._table.widened(rows(found.marks).sum(axis=0, dtype=np.int32))
        totals = np.add.reduceat(self._table.widened(sums), found.starts) + marks
        logits = np.zeros((len(texts), len(LABELS)), np.float32)
        logits[:, :LEANING] = self._table.unpacked(totals) * (self._scale / np.sqrt(found.letters))[:, None]
        logits += self._bias
        return np.where(found.spoken[:, None], logits, NOTHING_SAID)

    def _pulling_words(self, utterance: Utterance, verdict: Verdict) -> list[str]:
        """Words without which the text would be judged so with less confidence, the weightiest first."""
        spans = [match.span() for match in _WORDS.finditer(utterance.text)][:_LONGEST_EXPLAINED]
        text = utterance.text
        without = [text[:start] + text[end:] for start, end in spans]
        heat = self._temperatures.get(verdict.language, self._temperatures[""])
        column = LABELS.index(verdict.label)
        chances = _softmax(self._logits([text, *without]) / np.float32(heat))[:, column]
        pulls = (chances[0] - chances[1:]).tolist()
        ranked = sorted(zip(pulls, spans, strict=True), key=lambda pull: -pull[0])
        return _named((text[start:end] for pull, (start, end) in ranked if pull >= _LEAST_PULL), _MOST_REASONS)


def _named(words: Iterable[str], most: int) -> list[str]:
    """Words without the punctuation around them, each once."""
    found: dict[str, str] = {}
    for word in words:
        bare = word.strip(".,;:!?…\"'„“”‚‘’()[]*_-") or word
        found.setdefault(bare.lower(), bare)
    return list(found.values())[:most]


def _star_odds(utterances: Sequence[Utterance]) -> Floats:
    odds = np.zeros((len(utterances), len(LABELS)), np.float32)
    for row, utterance in enumerate(utterances):
        if utterance.rating is not None:
            odds[row] = star_odds(utterance.rating)
    return odds


def star_odds(rating: float) -> Floats:
    """What `rating` (1 to 5; anything beyond counts as the nearest) adds to the log-odds of each label."""
    place = min(max(rating, 1.0), 5.0) - 1.0
    low = min(int(place), len(STAR_ODDS) - 2)
    share = np.float32(place - low)
    odds: Floats = STAR_ODDS[low] * (1 - share) + STAR_ODDS[low + 1] * share
    return odds


def _softmax(logits: Floats) -> Floats:
    lifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = lifted / lifted.sum(axis=1, keepdims=True)
    return chances
