"""Scores of labelled files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.classify.evaluate import evaluate, evaluate_files, rivals, table
from monitor.errors import OhlasError
from monitor.model import LABELS, Utterance


class Reader:
    """Judges a text by the probabilities that stand in it."""

    def probabilities(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        return np.array([json.loads(utterance.text) for utterance in utterances], np.float32)


def write(path: Path, *entries: tuple[list[float], str] | tuple[list[float], str, str]) -> Path:
    lines = []
    for entry in entries:
        language = {"lang": entry[2]} if len(entry) > 2 else {}
        lines.append(json.dumps({"text": json.dumps(entry[0]), "label": entry[1], **language}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_three_labels_in_either_vocabulary(tmp_path: Path) -> None:
    right = [([0.8, 0.1, 0.1], "negative"), ([0.1, 0.8, 0.1], "praise"), ([0.1, 0.1, 0.8], "neutral")]
    found = evaluate(write(tmp_path / "a.jsonl", *right), Reader())
    assert found == {
        "n": 3,
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "macro_recall": 1.0,
        "labels": ["complaint", "praise", "neutral"],
        "languages": {},
    }


def test_macro_scores_weigh_labels_the_same(tmp_path: Path) -> None:
    entries = [([0.8, 0.1, 0.1], "complaint")] * 3 + [([0.8, 0.1, 0.1], "praise")]
    found = evaluate(write(tmp_path / "a.jsonl", *entries), Reader())
    assert found["accuracy"] == 0.75
    assert found["macro_recall"] == 0.5
    assert found["macro_f1"] == pytest.approx((6 / 7) / 2, abs=1e-4)


def test_two_poles_are_not_punished_for_neutral(tmp_path: Path) -> None:
    entries = [([0.2, 0.1, 0.7], "negative"), ([0.1, 0.2, 0.7], "positive")]
    found = evaluate(write(tmp_path / "a.jsonl", *entries), Reader())
    assert (found["accuracy"], found["labels"]) == (1.0, ["complaint", "praise"])


def test_complaint_and_neutral_asks_for_complaint_or_the_rest(tmp_path: Path) -> None:
    entries = [([0.5, 0.3, 0.2], "complaint"), ([0.3, 0.6, 0.1], "neutral"), ([0.4, 0.1, 0.5], "neutral")]
    found = evaluate(write(tmp_path / "a.jsonl", *entries), Reader())
    assert (found["accuracy"], found["labels"]) == (1.0, ["complaint", "neutral"])


def test_languages_are_scored_apart(tmp_path: Path) -> None:
    entries = [([0.8, 0.1, 0.1], "complaint", "sk"), ([0.8, 0.1, 0.1], "praise", "cs")]
    found = evaluate(write(tmp_path / "a.jsonl", *entries), Reader())
    assert {code: part["accuracy"] for code, part in found["languages"].items()} == {"sk": 1.0, "cs": 0.0}


def test_files_and_table(tmp_path: Path) -> None:
    path = write(tmp_path / "shop.jsonl", ([0.8, 0.1, 0.1], "complaint", "sk"), ([0.1, 0.8, 0.1], "praise", "cs"))
    result = evaluate_files([path], Reader())
    assert list(result["files"]) == ["shop.jsonl"]
    lines = table(result).splitlines()
    assert lines[0].split() == ["set", "n", "accuracy", "macro_f1", "macro_recall"]
    assert lines[1].split() == ["shop.jsonl", "2", "100.0", "100.0", "100.0"]
    assert [line.split()[0] for line in lines[2:]] == ["cs", "sk"]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no texts"),
        ("{", "line 1 is not JSON"),
        ('{"label": "praise"}', "line 1 has no text"),
        ('{"text": "x", "label": "angry"}', "line 1: label 'angry' is none of"),
        ('{"text": "x", "label": "praise", "rating": "five"}', "line 1: rating 'five'"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(OhlasError, match=message):
        evaluate(path, Reader())


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OhlasError, match="cannot be read"):
        evaluate(tmp_path / "nowhere.jsonl", Reader())


def test_a_rival_stands_in_a_column_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ([0.8, 0.1, 0.1], "complaint", "sk"), ([0.1, 0.8, 0.1], "praise", "cs"))
    rows = table(evaluate_files([path], Reader(), {"other": Reader()})).splitlines()
    assert rows[0].endswith("other macro_f1")
    assert [row.split()[-1] for row in rows[1:]] == ["100.0", "100.0", "100.0"]


def test_vader_tells_complaint_from_praise_and_neither() -> None:
    pytest.importorskip("vaderSentiment")
    texts = ["This is terrible, I hate it.", "I love it, great!", "The parcel came on Monday."]
    chances = rivals()["VADER"].probabilities([Utterance(text=text) for text in texts])
    assert [LABELS[winner] for winner in chances.argmax(axis=1)] == ["complaint", "praise", "neutral"]
