"""Multinomial logistic regression on hashed features, fitted with AdaGrad in numpy.

Every sum runs in one fixed order on one thread, so that the same samples and seed give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.classify import features

Floats = NDArray[np.float32]

FIRST = 1e-5  # where the sums of squared gradients begin: more would slow the rare features down


@dataclass(frozen=True, slots=True)
class Design:
    """Samples as features: those of sample i are `buckets[bounds[i]:bounds[i + 1]]`, each worth `value[i]`."""

    buckets: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    value: Floats

    def take(self, samples: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Buckets of these samples one after another, and for each bucket the place of its sample."""
        lengths = self.bounds[samples + 1] - self.bounds[samples]
        ends = np.cumsum(lengths)
        offset = np.repeat(self.bounds[samples] - (ends - lengths), lengths)
        return self.buckets[offset + np.arange(ends[-1])], np.repeat(np.arange(len(samples)), lengths)


@dataclass(frozen=True, slots=True)
class Fit:
    """`weights` has one row a bucket, `bias` and the columns one entry a label."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    epochs: int = 2
    rate: float = 0.05
    decay: float = 0.0  # pull of every weight towards zero, per sample
    token_scale: float = 3.0  # tokens say more than n-grams of letters
    rarest: int = 2  # a bucket seen less often carries no weight
    batch: int = 512
    seed: int = 1
    orders: int = 2  # so many fits, each over the samples in another order, are averaged


def design(texts: Sequence[str], chunk: int = 256) -> Design:
    buckets, counts, letters = [], [], []
    for start in range(0, len(texts), chunk):
        part = texts[start : start + chunk]
        row, bucket, letter = features.rows_and_buckets(part)
        buckets.append(bucket)
        counts.append(np.bincount(row, minlength=len(part)))
        letters.append(letter)
    bounds = np.concatenate(([0], np.cumsum(np.concatenate(counts))))
    return Design(np.concatenate(buckets), bounds, (1 / np.sqrt(np.concatenate(letters))).astype(np.float32))


def fit(
    samples: Design,
    labels: NDArray[np.int64],
    worth: Floats,
    settings: Settings,
    report: Callable[[str], None] = lambda _: None,
) -> Fit:
    """`labels` are 0, 1, 2; `worth` is how much each sample counts."""
    scale = _scale(samples, worth, settings)
    fits = [
        _fit(samples, labels, worth, scale, replace(settings, seed=settings.seed + number), report)
        for number in range(settings.orders)
    ]
    weights = sum((each.weights for each in fits[1:]), fits[0].weights) / np.float32(len(fits))
    bias = sum((each.bias for each in fits[1:]), fits[0].bias) / np.float32(len(fits))
    return Fit(weights * scale[:, None], bias)


def _fit(
    samples: Design,
    labels: NDArray[np.int64],
    worth: Floats,
    scale: Floats,
    settings: Settings,
    report: Callable[[str], None],
) -> Fit:
    state = _State(Fit(np.zeros((features.BUCKETS, 3), np.float32), np.zeros(3, np.float32)))
    order = np.random.Generator(np.random.PCG64(settings.seed))
    for epoch in range(settings.epochs):
        shuffled = order.permutation(len(labels))
        loss = 0.0
        for start in range(0, len(labels), settings.batch):
            chosen = shuffled[start : start + settings.batch]
            loss += state.step(samples, chosen, labels[chosen], worth[chosen], scale, settings)
        report(f"epoch {epoch + 1} of {settings.epochs}: loss {loss / float(worth.sum()):.4f}")
    return state.now


def _scale(samples: Design, worth: Floats, settings: Settings) -> Floats:
    scale = np.ones(features.BUCKETS, np.float32)
    scale[features.GRAM_BUCKETS :] = settings.token_scale
    counting = np.repeat(worth > 0, np.diff(samples.bounds))
    scale[np.bincount(samples.buckets[counting], minlength=features.BUCKETS) < settings.rarest] = 0
    return scale


class _State:
    """Weights with the sums of squared gradients that AdaGrad keeps of them."""

    def __init__(self, now: Fit) -> None:
        self.now = now
        self._seen = Fit(np.full_like(now.weights, FIRST), np.full_like(now.bias, FIRST))

    def step(
        self,
        samples: Design,
        chosen: NDArray[np.int64],
        labels: NDArray[np.int64],
        worth: Floats,
        scale: Floats,
        settings: Settings,
    ) -> float:
        """One batch; returns its weighted loss."""
        buckets, row = samples.take(chosen)
        touched, place = np.unique(buckets, return_inverse=True)
        value = scale[buckets] * samples.value[chosen][row]
        weights = self.now.weights[touched]
        chance = softmax(_sums(row, weights[place] * value[:, None], len(chosen)) + self.now.bias)
        picked = (np.arange(len(chosen)), labels)
        loss = -float((worth * np.log(chance[picked] + 1e-9)).sum())
        chance[picked] -= 1
        chance *= worth[:, None]
        slope = _sums(place, chance[row] * value[:, None], len(touched)) + settings.decay * len(chosen) * weights
        self._move(touched, slope, chance.sum(axis=0), settings.rate)
        return loss

    def _move(self, touched: NDArray[np.uint32], slope: Floats, bias_slope: Floats, rate: float) -> None:
        seen = self._seen.weights[touched] + slope * slope
        self._seen.weights[touched] = seen
        self.now.weights[touched] -= rate * slope / np.sqrt(seen)
        self._seen.bias[:] += bias_slope * bias_slope
        self.now.bias[:] -= rate * bias_slope / np.sqrt(self._seen.bias)


def _sums(row: NDArray[np.int64], values: Floats, rows: int) -> Floats:
    columns = [np.bincount(row, values[:, column], minlength=rows) for column in range(values.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32)


def logits(samples: Design, fitted: Fit) -> Floats:
    row = np.repeat(np.arange(len(samples.value)), np.diff(samples.bounds))
    sums = _sums(row, fitted.weights[samples.buckets], len(samples.value))
    result: Floats = sums * samples.value[:, None] + fitted.bias
    return result


def softmax(logits: Floats) -> Floats:
    lifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance: Floats = lifted / lifted.sum(axis=1, keepdims=True)
    return chance
