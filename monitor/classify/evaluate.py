"""How well a classifier judges labelled texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.classify.corpus import LABEL_OF
from monitor.errors import OhlasError
from monitor.model import LABELS, Label, Utterance

_COLUMNS = ("n", "accuracy", "macro_f1", "macro_recall")


class Judge(Protocol):
    def probabilities(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """One row an utterance, columns in the order of `LABELS`."""
        ...


@dataclass(frozen=True, slots=True)
class Labelled:
    utterance: Utterance
    label: Label
    language: str


def evaluate(path: Path, classifier: Judge) -> dict[str, Any]:
    """Scores of one file of JSON Lines {text, label, lang?, rating?}, and of each language in it.

    -> {n, accuracy, macro_f1, macro_recall, labels, languages: {code: {n, accuracy, macro_f1, macro_recall}}}, where
    scores are shares from 0 to 1. Raises OhlasError where a line cannot be used.
    """
    labelled = read(path)
    truth = np.array([LABELS.index(entry.label) for entry in labelled])
    occurring = sorted(set(truth.tolist()))
    chances = classifier.probabilities([entry.utterance for entry in labelled])
    guess = guesses(chances, occurring)
    languages = np.array([entry.language for entry in labelled])
    return {
        **scores(truth, guess),
        "labels": [LABELS[label] for label in occurring],
        "languages": {
            code: scores(truth[languages == code], guess[languages == code])
            for code in sorted(set(languages.tolist()) - {""})
        },
    }


def evaluate_files(
    paths: Iterable[Path], classifier: Judge, rivals: Mapping[str, Judge] | None = None
) -> dict[str, Any]:
    """-> {"files": {file name: what `evaluate` says of it}}, for each file also {"beside": {rival: the same}}."""
    files = {}
    for path in paths:
        files[path.name] = evaluate(path, classifier)
        if rivals:
            files[path.name]["beside"] = {name: evaluate(path, rival) for name, rival in rivals.items()}
    return {"files": files}


def rivals() -> dict[str, Judge]:
    """What is installed to compare with."""
    from monitor.classify.vader import Vader

    try:
        return {"VADER": Vader()}
    except ModuleNotFoundError:
        return {}


def read(path: Path) -> list[Labelled]:
    """Raises OhlasError where the file is missing, empty, or a line of it cannot be used."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OhlasError(f"{path} cannot be read: {error}") from error
    found = [_labelled(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise OhlasError(f"{path.name} holds no texts.")
    return found


def _labelled(line: str, where: str) -> Labelled:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise OhlasError(f"{where} is not JSON: {error}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise OhlasError(f"{where} has no text; each line is an object with text and label.")
    label = LABEL_OF.get(str(entry.get("label")))
    if label is None:
        raise OhlasError(f"{where}: label {entry.get('label')!r} is none of {', '.join(LABEL_OF)}.")
    rating = entry.get("rating")
    if rating is not None and not isinstance(rating, int | float):
        raise OhlasError(f"{where}: rating {rating!r} is not a number of stars.")
    language = str(entry.get("lang") or "")
    return Labelled(Utterance(text=entry["text"], rating=rating), label, language)


def guesses(chances: NDArray[np.float32], occurring: Sequence[int]) -> NDArray[np.int64]:
    """The likeliest of the labels that occur; a file of complaints and the rest asks only "a complaint or not"."""
    complaint, neutral = LABELS.index("complaint"), LABELS.index("neutral")
    if list(occurring) == [complaint, neutral]:
        return np.where(chances.argmax(axis=1) == complaint, complaint, neutral)
    likeliest: NDArray[np.int64] = np.array(occurring)[chances[:, list(occurring)].argmax(axis=1)]
    return likeliest


def scores(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> dict[str, Any]:
    """Means over the labels that occur in `truth`."""
    labels = sorted(set(truth.tolist()))
    return {
        "n": len(truth),
        "accuracy": round(float((truth == guess).mean()), 4),
        "macro_f1": round(float(np.mean([_f1(truth == label, guess == label) for label in labels])), 4),
        "macro_recall": round(float(np.mean([(guess[truth == label] == label).mean() for label in labels])), 4),
    }


def _f1(truth: NDArray[np.bool_], guess: NDArray[np.bool_]) -> float:
    both = int((truth & guess).sum())
    return 2 * both / max(int(truth.sum()) + int(guess.sum()), 1)


def table(result: dict[str, Any]) -> str:
    """What `evaluate_files` found, in columns for people; several languages of a file stand under it."""
    others = sorted({rival for found in result["files"].values() for rival in found.get("beside", {})})
    rows: list[tuple[str, ...]] = [("set", *_COLUMNS, *(f"{rival} macro_f1" for rival in others))]
    for name, found in result["files"].items():
        beside = [found.get("beside", {}).get(rival) for rival in others]
        rows.append((name, *_cells(found), *map(_rival_cell, beside)))
        if len(found["languages"]) > 1:
            for code, part in found["languages"].items():
                cells = (_rival_cell(other and other["languages"][code]) for other in beside)
                rows.append((f"  {code}", *_cells(part), *cells))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    return (str(found["n"]), *(f"{100 * found[column]:.1f}" for column in _COLUMNS[1:]))


def _rival_cell(found: dict[str, Any] | None) -> str:
    return f"{100 * found['macro_f1']:.1f}" if found else ""


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = (
        cell.ljust(width) if not place else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *rest])
