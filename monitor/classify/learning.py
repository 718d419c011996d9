"""Learning from what a team corrected: fit a head, and measure it on texts that it has not seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.classify import corpus
from monitor.classify.adjusting import Learns
from monitor.classify.evaluate import guesses, scores
from monitor.classify.hashed import HASHED_TEXT
from monitor.classify.head import Floats, Frame, Head, Judged, compact, fit, weights_back
from monitor.errors import OhlasError
from monitor.model import LABELS, Label, Utterance

FEWEST = 20  # lessons; fewer say nothing about texts that are still to come
FOLDS = 10
KNOWN_OF_A_LANGUAGE = 60  # of the project's own phrases, which hold the head back from forgetting
LEAST_RECALL = 0.02  # of complaints that a head may lose where it is better on the whole
_COMPLAINT = LABELS.index("complaint")


@dataclass(frozen=True, slots=True)
class Taught:
    """A text, and what a person said at `at` that it is."""

    utterance: Utterance
    label: Label
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Shares from 0 to 1; `recall` is that of complaints, None where no text is one."""

    texts: int
    accuracy: float
    macro_f1: float
    recall: float | None

    def beats(self, other: Scores) -> bool:
        """What finds fewer complaints is not better, whatever else it gains."""
        lost = (other.recall or 0.0) - (self.recall or 0.0)
        return self.macro_f1 > other.macro_f1 and lost <= LEAST_RECALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A head with what it is worth: `before` is the classifier alone, `after` it with a head new to the text.

    `present` and `after_present` compare with the head in force, on texts that are newer than that; None where those
    are too few to tell.
    """

    head: Head
    before: Scores
    after: Scores
    present: Scores | None = None
    after_present: Scores | None = None

    @property
    def better(self) -> bool:
        if self.present and self.after_present and self.present.beats(self.after_present):
            return False
        return self.after.beats(self.before)


def learn(classifier: Learns, taught: Sequence[Taught], now: datetime, present: Head | None = None) -> Learned:
    """Fit a head on all lessons; each tenth of them in turn is kept out to measure. The same lessons give the same.

    `present` is the head in force. Raises OhlasError where the lessons are too
    few, or all of one label.
    """
    lessons = _distinct(taught)
    _refuse_too_few(lessons)
    seen = Judged(*classifier.judged([lesson.utterance for lesson in lessons]))
    labels = np.array([LABELS.index(lesson.label) for lesson in lessons], np.int64)
    known = Judged(*classifier.judged([Utterance(text=text) for text in known_phrases()]))
    # hashed text is sparse, and of a length of 1 as it comes
    frame = None if classifier.sees == HASHED_TEXT else Frame.of(np.concatenate((seen.seen, known.seen)))
    basis, (texts, known) = compact(seen, known) if frame is None else compact(frame(seen), frame(known))
    weights = weights_back(fit(texts, labels, known), basis)
    unseen = _unseen(texts, labels, known, np.array([_fold(lesson.utterance.text) for lesson in lessons]))
    found = Learned(
        head=Head(
            weights if frame is None else frame.back(weights),
            classifier.base,
            now.isoformat(timespec="seconds"),
            len(lessons),
            classifier.sees,
        ),
        before=measured(texts.chances, labels),
        after=measured(unseen, labels),
    )
    newer = np.array([present is not None and lesson.at.isoformat() > present.made_at for lesson in lessons])
    if present is None or not present.fits(classifier) or newer.sum() < FEWEST:
        return found
    part = seen.take(newer)
    return replace(
        found,
        present=measured(present.adjusted(part.chances, part.seen), labels[newer]),
        after_present=measured(unseen[newer], labels[newer]),
    )


def known_phrases() -> list[str]:
    """Some of the project's own phrases in every language, the same ones every time."""
    chosen: dict[str, list[str]] = defaultdict(list)
    for phrase in sorted(corpus.own_phrases(), key=lambda phrase: corpus.digest(phrase.text)):
        if len(chosen[phrase.language]) < KNOWN_OF_A_LANGUAGE:
            chosen[phrase.language].append(phrase.text)
    return [text for code in sorted(chosen) for text in chosen[code]]


def measured(chances: Floats, labels: NDArray[np.int64]) -> Scores:
    guess = guesses(chances, sorted(set(labels.tolist())))
    found = scores(labels, guess)
    complaints = labels == _COMPLAINT
    recall = float((guess[complaints] == _COMPLAINT).mean()) if complaints.any() else None
    return Scores(texts=len(labels), accuracy=found["accuracy"], macro_f1=found["macro_f1"], recall=recall)


def _distinct(taught: Sequence[Taught]) -> list[Taught]:
    """The first of each text, so that the newest word on it holds; in an order of their own."""
    first: dict[str, Taught] = {}
    for lesson in taught:
        first.setdefault(corpus.key(lesson.utterance.text), lesson)
    first.pop("", None)
    return [first[key] for key in sorted(first)]


def _refuse_too_few(lessons: Sequence[Taught]) -> None:
    amounts = Counter(lesson.label for lesson in lessons)
    if len(lessons) < FEWEST:
        raise OhlasError(
            f"there are {len(lessons)} texts to learn from, and at least {FEWEST} are needed; correct labels on the "
            "page, or give a file of labelled texts"
        )
    if len(amounts) < 2:
        raise OhlasError(
            f"all {len(lessons)} texts to learn from are labelled {next(iter(amounts))}; others are needed to compare"
        )


def _fold(text: str) -> int:
    """The same for the same text, however many others there are."""
    return int(corpus.digest(corpus.key(text)), 16) % FOLDS


def _unseen(texts: Judged, labels: NDArray[np.int64], known: Judged, fold: NDArray[np.int64]) -> Floats:
    """What heads say that were fitted without the text."""
    found = texts.chances.copy()
    for number in range(FOLDS):
        kept = fold == number
        if kept.any() and not kept.all():
            weights = fit(texts.take(~kept), labels[~kept], known)
            part = texts.take(kept)
            found[kept] = Head(weights, "", "", 0).adjusted(part.chances, part.seen)
    return found
