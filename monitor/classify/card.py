"""The model card: everything measured about the embedded classifier, as Markdown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor import language_model
from monitor.classify import calibration, corpus, evaluate
from monitor.classify.doubt import Doubt
from monitor.classify.embedded import EmbeddedClassifier
from monitor.classify.modelfile import SHIPPED, ModelFile
from monitor.model import LABELS, Utterance

TEMPLATE = Path(__file__).with_name("card.md")
BARS = 20  # characters of the longest bar
COVERAGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SUSPICIONS = (0.05, 0.1, 0.15, 0.2, 0.3, 1.0)
ENOUGH = 100  # texts of a language, for a row of its own

# What each source is, and its licence.
SOURCES = {
    corpus.OWN: ("Ohlas' own texts (`phrases/`)", "MIT, that of Ohlas"),
    "csrest_m": ("Czech restaurant reviews", "MIT"),
    "xlmt": ("XLM-T: tweets in eight languages", "Apache-2.0; rights of the tweets unclear"),
    "husst": ("HuSST: Hungarian film sentences, translated", "CC BY-SA 4.0"),
    "tweeteval": ("TweetEval (SemEval 2013-16): English tweets", "CC BY 3.0; rights of the tweets unclear"),
    "uci_sentences": ("UCI: English reviews; Vietnamese chatter left out", "CC BY 4.0"),
    "xfincorp": ("tweets to banks; its neutral is mostly finance talk", "MIT"),
    "rt_polarity": ("English film sentences", "CC BY 4.0"),
    "ud_neutral": ("Universal Dependencies: editorial sk, cs, pl, presumed neutral", "CC BY-SA 4.0"),
    "goemotions": ("GoEmotions: English forum comments", "CC BY 4.0"),
    "xed": ("XED: subtitles in 18 languages, noisy; for telling languages only", "CC BY 4.0"),
}

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measured:
    """One set: texts, what is right (indices of LABELS), and what the classifier says."""

    name: str
    labelled: Sequence[evaluate.Labelled]
    truth: NDArray[np.int64]
    chances: Floats

    @property
    def three_way(self) -> bool:
        """Only there is a probability comparable with the share of right verdicts."""
        return len(set(self.truth.tolist())) == len(LABELS)


def card(paths: Sequence[Path], classifier: EmbeddedClassifier, rivals: dict[str, evaluate.Judge]) -> str:
    """Raises OhlasError where a file cannot be used."""
    sets = [_measured(path, classifier) for path in paths]
    parts = {
        "sizes": _sizes(),
        "speed": _speed(classifier, [one.utterance for found in sets for one in found.labelled]),
        "own": _own(),
        "sources": _sources(),
        "scores": _scores(sets, rivals),
        "reliability": _reliability(sets),
        "languages": _languages(sets),
        "coverage": _coverage(sets),
        "complaints": _complaints(sets),
        "doubt": f"{Doubt().unsure_below:.2f}",
        "suspicion": f"{Doubt().complaint_from:.2f}",
    }
    text = TEMPLATE.read_text("utf-8")
    for name, found in parts.items():
        text = text.replace(f"{{{{{name}}}}}", found)
    return text


def _measured(path: Path, classifier: EmbeddedClassifier) -> Measured:
    labelled = evaluate.read(path)
    truth = np.array([LABELS.index(entry.label) for entry in labelled])
    return Measured(path.stem, labelled, truth, classifier.probabilities([entry.utterance for entry in labelled]))


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _sizes() -> str:
    paths = (SHIPPED, language_model.SHIPPED)
    return ", ".join(f"`{path.name}` {path.stat().st_size / 1e6:.1f} MB" for path in paths)


def _speed(classifier: EmbeddedClassifier, utterances: Sequence[Utterance]) -> str:
    sample = [utterance for utterance in utterances if len(utterance.text) < 150][:2048]
    batches = [sample[start : start + 32] for start in range(0, len(sample), 32)]
    singles = [[utterance] for utterance in sample[:500]]
    rows = [("in batches of 32", _pace(classifier, batches)), ("one by one", _pace(classifier, singles))]
    return _table(("", "texts/s"), ((name, f"{pace:,.0f}") for name, pace in rows))


def _pace(classifier: EmbeddedClassifier, batches: Sequence[list[Utterance]]) -> float:
    """Texts per second of CPU time on one core, the best of three passes."""
    paces = []
    for _ in range(3):
        begun = time.process_time()
        for batch in batches:
            classifier.classify(batch)
        paces.append(sum(map(len, batches)) / max(time.process_time() - begun, 1e-9))
    return max(paces)


def _own() -> str:
    counts = Counter((sample.language, sample.label) for sample in corpus.own_phrases())
    codes = sorted({code for code, _ in counts})
    rows = ((code, *(counts[code, label] for label in LABELS)) for code in codes)
    return _table(("language", *LABELS), rows)


def _sources() -> str:
    rows = ((name, what, licence, corpus.SOURCE_WORTH[name]) for name, (what, licence) in SOURCES.items())
    return _table(("source", "what", "licence", "worth of a text"), rows)


def _scores(sets: Sequence[Measured], rivals: dict[str, evaluate.Judge]) -> str:
    head = ("set", "language", "n", "macro-F1", "macro-recall", "accuracy", *(f"{name} macro-F1" for name in rivals))
    return _table(head, (row for found in sets for row in _score_rows(found, rivals)))


def _score_rows(found: Measured, rivals: dict[str, evaluate.Judge]) -> Iterator[tuple[object, ...]]:
    occurring = sorted(set(found.truth.tolist()))
    utterances = [entry.utterance for entry in found.labelled]
    guess = evaluate.guesses(found.chances, occurring)
    others = [evaluate.guesses(rival.probabilities(utterances), occurring) for rival in rivals.values()]
    codes = np.array([entry.language for entry in found.labelled])
    distinct = sorted(set(codes.tolist()))
    everything = np.ones(len(codes), np.bool_)
    yield _score_row(found.name, "/".join(distinct), found.truth, [guess, *others], everything)
    if len(distinct) > 1:
        for code in distinct:
            yield _score_row("", code, found.truth, [guess, *others], codes == code)


def _score_row(
    name: str, code: str, truth: NDArray[np.int64], guesses: Sequence[NDArray[np.int64]], mine: NDArray[np.bool_]
) -> tuple[object, ...]:
    first, *others = (evaluate.scores(truth[mine], guess[mine]) for guess in guesses)
    percents = [first["macro_f1"], first["macro_recall"], first["accuracy"], *(other["macro_f1"] for other in others)]
    return (name, code, first["n"], *(f"{100 * share:.1f}" for share in percents))


@dataclass(frozen=True, slots=True)
class _Pool:
    """Verdicts on the texts of all sets with three labels."""

    confidence: Floats
    right: NDArray[np.bool_]
    code: NDArray[Any]

    def of(self, mine: NDArray[np.bool_]) -> _Pool:
        return _Pool(self.confidence[mine], self.right[mine], self.code[mine])


def _pool(sets: Sequence[Measured]) -> _Pool:
    chosen = [found for found in sets if found.three_way]
    if not chosen:
        return _Pool(np.zeros(0, np.float32), np.zeros(0, np.bool_), np.zeros(0, str))
    return _Pool(
        np.concatenate([found.chances.max(axis=1) for found in chosen]),
        np.concatenate([found.chances.argmax(axis=1) == found.truth for found in chosen]),
        np.array([entry.language for found in chosen for entry in found.labelled]),
    )


def _reliability(sets: Sequence[Measured]) -> str:
    pool = _pool(sets)
    rows = (
        (
            f"{row['from']:.2f}",
            f"{row['n']:.0f}",
            f"{row['confidence']:.2f}",
            f"{row['accuracy']:.2f}",
            f"`{_bar(row['confidence'], '░')}`<br>`{_bar(row['accuracy'], '█')}`",
        )
        for row in calibration.reliability(pool.confidence, pool.right)
    )
    return _table(("confidence from", "n", "mean confidence", "right", "confidence ░ right █"), rows)


def _bar(share: float, sign: str) -> str:
    return (sign * round(share * BARS)).ljust(BARS, "·")


def _by_language(pool: _Pool) -> Iterator[tuple[str, _Pool]]:
    for code in sorted(set(pool.code.tolist())):
        mine = pool.code == code
        if mine.sum() >= ENOUGH:
            yield code, pool.of(mine)


def _languages(sets: Sequence[Measured]) -> str:
    temperatures = ModelFile.load(SHIPPED).temperatures
    rows = (
        (
            code or "?",
            len(part.right),
            f"{part.confidence.mean():.2f}",
            f"{part.right.mean():.2f}",
            f"{calibration.expected_error(part.confidence, part.right):.3f}",
            f"{temperatures.get(code, temperatures['']):.2f}",
        )
        for code, part in _by_language(_pool(sets))
    )
    return _table(("language", "n", "mean confidence", "right", "ECE", "temperature"), rows)


def _coverage(sets: Sequence[Measured]) -> str:
    """Of the verdicts with at least so much confidence: how many there are, and how many of them are right."""
    pool = _pool(sets)
    parts = [("all", pool), *_by_language(pool)]
    return _table(
        ("confidence at least", *(code for code, _ in parts)),
        ((f"{bound:.1f}", *(_covered(part, bound) for _, part in parts)) for bound in COVERAGES),
    )


def _covered(part: _Pool, bound: float) -> str:
    sure = part.confidence >= bound
    return f"{part.right[sure].mean():.0%} of {sure.mean():.0%}" if sure.any() else "none"


def _complaints(sets: Sequence[Measured]) -> str:
    """For each threshold: complaints found, complaints found or flagged, and what that costs."""
    complaint = LABELS.index("complaint")
    truth = np.concatenate([found.truth for found in sets]) == complaint
    chances = np.concatenate([found.chances for found in sets])
    found = chances.argmax(axis=1) == complaint
    return _table(
        ("`complaint_from`", "complaints judged so", "or flagged", "of all texts: judged complaint", "flagged"),
        (_complaint_row(bound, truth, found, _doubted(chances, bound)) for bound in SUSPICIONS),
    )


def _doubted(chances: Floats, bound: float) -> NDArray[np.bool_]:
    doubt = Doubt(complaint_from=bound)
    rows = chances.tolist()
    return np.array([doubt(LABELS[int(np.argmax(row))], max(row), row[LABELS.index("complaint")]) for row in rows])


def _complaint_row(
    bound: float, truth: NDArray[np.bool_], found: NDArray[np.bool_], doubted: NDArray[np.bool_]
) -> tuple[str, ...]:
    share: Callable[[NDArray[np.bool_]], str] = lambda mine: f"{mine.mean():.0%}"  # noqa: E731
    flagged = doubted & ~found
    return (f"{bound:.2f}", share(found[truth]), share((found | doubted)[truth]), share(found), share(flagged))
