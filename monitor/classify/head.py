"""What a team's own corrections add to a classifier: a small linear head over what it sees in a text.

The head only shifts the odds that the classifier gives, and is drawn hard towards shifting nothing, so that fifty
texts teach it something and a thousand do not make it forget what the classifier knew.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from monitor.classify.hashed import HASHED_TEXT
from monitor.errors import ModelUnusable
from monitor.model import LABELS

if TYPE_CHECKING:
    from monitor.classify.adjusting import Learns

Floats = NDArray[np.float32]

FORMAT = 1
ODDS_SCALE = 1.0  # how easily the head learns to trust the classifier's own odds more, or less
_LEAST_CHANCE = 1e-6
_LEAST_SPREAD = 0.05  # of a feature, against the mean of all: those that hardly change say nothing
_LENGTH = 2.0  # of framed features, about: only a part of it tells texts apart, where words of hashed text all do
_PULL = 0.3  # towards no shift at all
_STEPS = 200
_POWER_STEPS = 30
_MOST_WEIGHT = 4.0  # of a text with a rare label
_COMPLAINT_WORTH = 1.4  # a complaint missed costs more than praise misread
# Of a text that holds the head back, beside one that it learns from. What a model sees carries a lesson also to texts
# that share no word with it, so that there is more to hold.
_KNOWN_WORTH, _KNOWN_WORTH_FRAMED = 0.2, 1.0
_NEVER = np.float32(-60.0)  # odds


@dataclass(frozen=True, slots=True)
class Head:
    """`weights` has one row for the bias, one for each of the classifier's odds and one a feature; a column a label.

    `base` is the name of the classifier that it was learned on, `sees` that of the features (see Learns in
    monitor/classify/adjusting.py), `made_at` when (ISO 8601), `lessons` from how many texts.
    """

    weights: Floats
    base: str
    made_at: str
    lessons: int
    sees: str = HASHED_TEXT

    @property
    def name(self) -> str:
        return self.made_at.replace("-", "").replace(":", "")[:15]

    def fits(self, classifier: Learns) -> bool:
        """Whether it was learned on this very classifier, and on what that sees now."""
        return self.base == classifier.base and self.sees == classifier.sees

    def adjusted(self, chances: Floats, seen: Floats) -> Floats:
        """The classifier's probabilities as the team sees them; where nothing was said they stay as they are."""
        odds = _odds(chances)
        shifted = softmax(odds + _columns(odds, seen) @ self.weights)
        return np.where(seen.any(axis=1, keepdims=True), shifted, chances)

    def save(self, path: Path) -> None:
        header = {"format": FORMAT, "base": self.base, "made_at": self.made_at, "lessons": self.lessons}
        header["sees"] = self.sees
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
            sees = str(header.get("sees", HASHED_TEXT))  # heads of before there was anything else
            head = cls(weights, str(header["base"]), str(header["made_at"]), int(header["lessons"]), sees)
            usable = header["format"] == FORMAT and _is_sound(weights, sees)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelUnusable(f"what was learned in {path.name} is missing or damaged") from error
        if not usable:
            raise ModelUnusable(f"what was learned in {path.name} was learned by another version of Ohlas")
        return head


def _is_sound(weights: Floats, sees: str) -> bool:
    return (
        weights.dtype == np.float32
        and weights.shape == (1 + len(LABELS) + int(sees.rpartition("-")[2]), len(LABELS))
        and bool(np.isfinite(weights).all())
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Texts as the classifier sees them: what it says of each, and their features, in a `Frame` or as they are."""

    chances: Floats
    seen: Floats
    framed: bool = False

    def take(self, chosen: NDArray[np.bool_]) -> Judged:
        return replace(self, chances=self.chances[chosen], seen=self.seen[chosen])


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
    return basis.astype(np.float32), [replace(part, seen=seen) for part, seen in zip(parts, split, strict=True)]


def weights_back(weights: Floats, basis: Floats) -> Floats:
    """Weights for the features as they were before `compact`."""
    own = 1 + len(LABELS)
    full: Floats = np.concatenate((weights[:own], basis @ weights[own:]))
    return full


@dataclass(frozen=True, slots=True)
class Frame:
    """Features as they are learned from: each moved to a mean of 0, and all of them made small together.

    What a model sees has some columns that are large in every text, which would drown what tells texts apart; and
    the pull towards no shift is made for features of a length of about 1.
    """

    middle: Floats
    spread: Floats

    @classmethod
    def of(cls, seen: Floats) -> Self:
        spread = seen.std(axis=0)
        floor = np.float32(_LEAST_SPREAD) * spread.mean() + np.float32(1e-6)
        return cls(seen.mean(axis=0), np.maximum(spread, floor) * np.float32(np.sqrt(seen.shape[1]) / _LENGTH))

    def __call__(self, judged: Judged) -> Judged:
        return Judged(judged.chances, ((judged.seen - self.middle) / self.spread).astype(np.float32), framed=True)

    def back(self, weights: Floats) -> Floats:
        """Weights that say of the features as they come what `weights` say of those in the frame."""
        own = 1 + len(LABELS)
        found = weights.copy()
        found[own:] /= self.spread[:, None]
        found[0] -= self.middle @ found[own:]
        return found


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
    held = np.float32(_KNOWN_WORTH_FRAMED if known.framed else _KNOWN_WORTH)
    worth = np.concatenate((_worth(labels), np.full((len(known.chances), 1), held)))
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
