"""What 50, 100 and 200 corrections teach: `python -m tests.bench.bench_learn [SEEDS]`.

The labels are drawn from ../shared/data/dev, used here and kept nowhere; scores are those of the rest of the file, the
mean of several draws with its spread. "elsewhere" is what the same heads change on Czech posts: what is forgotten.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.classify.embedded import EmbeddedClassifier
from monitor.classify.evaluate import read
from monitor.classify.head import Judged
from monitor.classify.learning import Scores, Taught, learn, measured
from monitor.model import LABELS

DEV = Path(__file__).parents[3] / "shared/data/dev"
FILES = ("airline.all.jsonl", "complaints_acl19.all.jsonl")
ELSEWHERE = "cs_facebook.all.jsonl"
AMOUNTS = (50, 100, 200)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Texts:
    taught: list[Taught]
    seen: Judged
    labels: NDArray[np.int64]


def texts_of(name: str, classifier: EmbeddedClassifier) -> Texts:
    labelled = read(DEV / name)
    taught = [Taught(entry.utterance, entry.label, NOW) for entry in labelled]
    labels = np.array([LABELS.index(entry.label) for entry in labelled])
    return Texts(taught, Judged(*classifier.judged([entry.utterance for entry in labelled])), labels)


def drawn(
    texts: Texts, elsewhere: Texts, classifier: EmbeddedClassifier, amount: int, seed: int
) -> tuple[Scores, Scores, float, bool]:
    """Scores of the rest before and after, what changes elsewhere, and whether it would have been put in force."""
    order = np.random.default_rng(seed).permutation(len(texts.labels))
    kept = np.ones(len(order), np.bool_)
    kept[order[:amount]] = False
    found = learn(classifier, [texts.taught[place] for place in order[:amount]], NOW)
    rest = texts.seen.take(kept)
    before = measured(rest.chances, texts.labels[kept])
    after = measured(found.head.adjusted(rest.chances, rest.seen), texts.labels[kept])
    there = found.head.adjusted(elsewhere.seen.chances, elsewhere.seen.seen)
    change = measured(there, elsewhere.labels).macro_f1 - measured(elsewhere.seen.chances, elsewhere.labels).macro_f1
    return before, after, change, found.better


def row(name: str, amount: int, runs: list[tuple[Scores, Scores, float, bool]], seconds: float) -> str:
    before = 100 * np.array([run[0].macro_f1 for run in runs])
    after = 100 * np.array([run[1].macro_f1 for run in runs])
    gain = after - before
    recall = [100 * np.mean([run[side].recall or 0.0 for run in runs]) for side in (0, 1)]
    return (
        f"{name:18} {amount:4} {before.mean():6.1f} -> {after.mean():5.1f}  {gain.mean():+5.1f} ± {gain.std():3.1f}"
        f"  least {gain.min():+5.1f}  complaints found {recall[0]:4.1f} -> {recall[1]:4.1f}"
        f"  elsewhere {100 * np.mean([run[2] for run in runs]):+5.1f}"
        f"  switched {sum(run[3] for run in runs)} of {len(runs)}  {seconds:4.2f} s"
    )


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    classifier = EmbeddedClassifier.load(languages=("sk", "cs", "hu", "en"))
    elsewhere = texts_of(ELSEWHERE, classifier)
    print("set            labels  macro-F1 before -> after  gain and spread ...")
    for name in FILES:
        texts = texts_of(name, classifier)
        for amount in AMOUNTS:
            begun = time.perf_counter()
            runs = [drawn(texts, elsewhere, classifier, amount, seed) for seed in range(seeds)]
            print(row(name.partition(".")[0], amount, runs, (time.perf_counter() - begun) / seeds), flush=True)


if __name__ == "__main__":
    if not DEV.exists():
        sys.exit(f"there is no {DEV}: the benchmark needs its labelled texts")
    main()
