"""What a team's own corrections add to a classifier: a small linear head over features of the text.

The head only shifts the odds that the classifier gives, and is drawn hard towards shifting nothing, so that fifty
texts teach it something and a thousand do not make it forget what the classifier knew.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitor.classify import features
from monitor.errors import ModelUnusable
from monitor.model import LABELS, Utterance

Floats = NDArray[np.float32]

FORMAT = 1
DIMENSIONS = 4096  # of the hashed features; more gains nothing where there are some hundred texts
ODDS_SCALE = 1.0  # how easily the head learns to trust the classifier's own odds more, or less
_LEAST_CHANCE = 1e-6
_CHUNK = 256  # texts at once
_PULL = 0.3  # towards no shift at all
_STEPS = 200
_POWER_STEPS = 30
_MOST_WEIGHT = 4.0  # of a text with a rare label
_COMPLAINT_WORTH = 1.4  # a complaint missed costs more than praise misread
_KNOWN_WORTH = 0.2  # of a text that holds the head back, beside one that it learns from
_NEVER = np.float32(-60.0)  # odds

# What a feature of each kind counts: n-grams of letters, exact tokens, tokens, pairs, tokens under negation.
_GRAM, _TOKENS = 0.3, (0.5, 1.0, 0.5, 0.7)


class HashedText:
    """The embedded classifier's own features, folded into few columns; for every model that offers none itself."""

    def features(self, utterances: Sequence[Utterance]) -> Floats:
        parts = [_hashed(utterances[start : start + _CHUNK]) for start in range(0, len(utterances), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.float32)


def _hashed(utterances: Sequence[Utterance]) -> Floats:
    found = features.extract([utterance.text for utterance in utterances])
    text_of = np.searchsorted(found.starts, np.arange(len(found.grams[0])), side="right") - 1
    of_token = text_of[found.token_at]
    rows = [*(text_of for _ in found.grams[1:]), *(of_token for _ in found.tokens)]
    buckets = np.concatenate([*found.grams[1:], *found.tokens])
    worth = [np.full(len(text_of), _GRAM)] * len(found.grams[1:])
    worth += [np.full(len(of_token), weight) for weight in _TOKENS]
    row, value = np.concatenate(rows), np.concatenate(worth)
    hashes = buckets.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    column = ((hashes >> np.uint64(40)) % np.uint64(DIMENSIONS)).astype(np.intp)
    value[(hashes >> np.uint64(20)) & np.uint64(1) == 0] *= -1  # two features in one column cancel out on average
    value[buckets == 0] = 0
    sums = np.bincount(row * DIMENSIONS + column, value, minlength=len(utterances) * DIMENSIONS)
    matrix = sums.reshape(len(utterances), DIMENSIONS).astype(np.float32)
    length = np.sqrt((matrix * matrix).sum(axis=1, keepdims=True))
    scaled: Floats = matrix / np.maximum(length, np.float32(1e-6))
    return scaled


@dataclass(frozen=True, slots=True)
class Head:
    """`weights` has one row for the bias, one for each of the classifier's odds and one a feature; a column a label.

    `base` is the name of the classifier that it was learned on, `made_at` when (ISO 8601), `lessons` from how many
    texts.
    """

    weights: Floats
    base: str
    made_at: str
    lessons: int

    @property
    def name(self) -> str:
        return self.made_at.replace("-", "").replace(":", "")[:15]

    def adjusted(self, chances: Floats, seen: Floats) -> Floats:
        """The classifier's probabilities as the team sees them; where nothing was said they stay as they are."""
        odds = _odds(chances)
        shifted = softmax(odds + _columns(odds, seen) @ self.weights)
        return np.where(seen.any(axis=1, keepdims=True), shifted, chances)

    def save(self, path: Path) -> None:
        header = {"format": FORMAT, "base": self.base, "made_at": self.made_at, "lessons": self.lessons}
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez(file, header=text, weights=self.weights)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ModelUnusable where the file is missing, damaged, or of another version."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                weights = file["weights"]
            head = cls(weights, str(header["base"]), str(header["made_at"]), int(header["lessons"]))
            usable = header["format"] == FORMAT and _is_sound(weights)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelUnusable(f"what was learned in {path.name} is missing or damaged") from error
        if not usable:
            raise ModelUnusable(f"what was learned in {path.name} was learned by another version of Ohlas")
        return head


def _is_sound(weights: Floats) -> bool:
    return (
        weights.dtype == np.float32
        and weights.ndim == 2
        and weights.shape[0] > 1 + len(LABELS)
        and weights.shape[1] == len(LABELS)
        and bool(np.isfinite(weights).all())
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Texts as the classifier sees them: what it says of each, and their features."""

    chances: Floats
    seen: Floats

    def take(self, chosen: NDArray[np.bool_]) -> Judged:
        return Judged(self.chances[chosen], self.seen[chosen])


def compact(*parts: Judged) -> tuple[Floats, list[Judged]]:
    """The same texts with as many features as there are texts, and the basis that leads back: `weights_back`.

    A turn of the features changes nothing about what `fit` finds, and makes it many times quicker.
    """
    everything = np.concatenate([part.seen for part in parts])
    if len(everything) >= everything.shape[1]:
        return np.eye(everything.shape[1], dtype=np.float32), list(parts)
    basis, turned = np.linalg.qr(everything.T)
    ends = np.cumsum([len(part.seen) for part in parts])[:-1]
    split = np.split(turned.T.astype(np.float32), ends)
    return basis.astype(np.float32), [Judged(part.chances, seen) for part, seen in zip(parts, split, strict=True)]


def weights_back(weights: Floats, basis: Floats) -> Floats:
    """Weights for the features as they were before `compact`."""
    own = 1 + len(LABELS)
    full: Floats = np.concatenate((weights[:own], basis @ weights[own:]))
    return full


def fit(lessons: Judged, labels: NDArray[np.int64], known: Judged) -> Floats:
    """Weights of a head. `known` are texts about which the classifier shall say what it says now.

    Regularised logistic regression with the classifier's odds as offset, by accelerated gradient steps from zero:
    the same texts in the same order always give the same weights. A label that no lesson has is neither learned nor
    unlearned: lessons are only asked which of the others it is.
    """
    odds = np.concatenate((_odds(lessons.chances), _odds(known.chances)))
    design = _columns(odds, np.concatenate((lessons.seen, known.seen)))
    absent = np.bincount(labels, minlength=len(LABELS)) == 0
    odds[: len(labels), absent] = _NEVER
    wanted = np.concatenate((np.eye(len(LABELS), dtype=np.float32)[labels], known.chances))
    worth = np.concatenate((_worth(labels), np.full((len(known.chances), 1), _KNOWN_WORTH, np.float32)))
    rate = np.float32(1 / (0.5 * _largest_square(design * np.sqrt(worth)) + _PULL))
    now = ahead = np.zeros((design.shape[1], len(LABELS)), np.float32)
    momentum = 1.0
    for _ in range(_STEPS):
        slope = design.T @ ((softmax(odds + design @ ahead) - wanted) * worth) + np.float32(_PULL) * ahead
        moved = ahead - rate * slope
        following = (1 + np.sqrt(1 + 4 * momentum * momentum)) / 2
        ahead = moved + np.float32((momentum - 1) / following) * (moved - now)
        now, momentum = moved, following
    return now


def _worth(labels: NDArray[np.int64]) -> Floats:
    """Rare labels count more: a team that corrects mostly complaints still wants praise to be told."""
    amounts = np.bincount(labels, minlength=len(LABELS))
    even = len(labels) / max(int((amounts > 0).sum()), 1)
    lift = np.minimum(even / np.maximum(amounts, 1), _MOST_WEIGHT)
    lift[LABELS.index("complaint")] *= _COMPLAINT_WORTH
    worth: Floats = lift[labels].astype(np.float32)[:, None]
    return worth


def _largest_square(matrix: Floats) -> float:
    """The square of the largest singular value, from above, by power steps."""
    vector = np.ones(matrix.shape[1], np.float32)
    for _ in range(_POWER_STEPS):
        vector = vector / np.linalg.norm(vector)
        vector = matrix.T @ (matrix @ vector)
    return 1.1 * float(np.linalg.norm(vector))


def _odds(chances: Floats) -> Floats:
    logs = np.log(chances + np.float32(_LEAST_CHANCE))
    centred: Floats = (logs - logs.mean(axis=1, keepdims=True)).astype(np.float32)
    return centred


def _columns(odds: Floats, seen: Floats) -> Floats:
    return np.concatenate((np.ones((len(odds), 1), np.float32), ODDS_SCALE * odds, seen), axis=1).astype(np.float32)


def softmax(odds: Floats) -> Floats:
    lifted = np.exp(odds - odds.max(axis=1, keepdims=True))
    chances: Floats = lifted / lifted.sum(axis=1, keepdims=True)
    return chances
