"""Training the shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monitor.classify import calibration, corpus, regression, train
from monitor.classify.embedded import EmbeddedClassifier
from monitor.errors import OhlasError
from monitor.model import LABELS, Utterance

OWN_LANGUAGES = {"sk", "cs", "hu", "en", "de", "pl"}
SHARED = Path(__file__).parents[2] / "shared" / "data"


def write(folder: Path, name: str, *entries: tuple[str, str, str]) -> None:
    folder.mkdir(exist_ok=True)
    lines = [json.dumps({"text": text, "label": label, "lang": lang}) for text, label, lang in entries]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    moods = [("zlé", "negative"), ("pekné", "positive"), ("modré", "neutral")]
    entries = [(f"je to {mood} vec {number}", label, "sk") for number in range(60) for mood, label in moods]
    write(tmp_path / "train", "made.jsonl", *entries)
    return tmp_path / "train"


def test_the_same_texts_give_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(corpus, "PHRASES", tmp_path / "none")
    made = []
    for number in range(2):
        out, languages = tmp_path / f"{number}.npz", tmp_path / f"languages{number}.npz"
        assert train.main([str(folder), "--out", str(out), "--languages-out", str(languages)]) == 0
        made.append((out.read_bytes(), languages.read_bytes()))
    assert made[0] == made[1]
    classifier = EmbeddedClassifier.load(tmp_path / "0.npz", languages=("sk",))
    labels = [
        verdict.label
        for verdict in classifier.classify(
            [Utterance(text="je to zlé"), Utterance(text="je to pekné"), Utterance(text="je to modré")]
        )
    ]
    assert labels == list(LABELS)
    assert "180 texts" in capsys.readouterr().err


def test_texts_to_keep_out_are_kept_out(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "dev", "held.jsonl", ("Je to ZLÉ: vec 7!", "negative", "sk"))
    kept = corpus.read(folder, corpus.texts_of(tmp_path / "dev"))
    texts = {sample.text for sample in kept}
    assert "je to zlé vec 7" not in texts
    assert "je to zlé vec 8" in texts


def test_each_text_counts_once_per_source(tmp_path: Path) -> None:
    write(
        tmp_path / "t",
        "made.jsonl",
        ("Dobré!", "positive", "sk"),
        ("dobre", "positive", "sk"),
        ("dobré", "neutral", "sk"),
    )
    made = [sample.text for sample in corpus.read(tmp_path / "t") if sample.source == "made"]
    assert made == ["Dobré!", "dobre"]


def test_vietnamese_chatter_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "t", "uci_sentences.all.jsonl", ("Bạn ơi", "positive", "en"), ("Great café", "positive", "en"))
    assert [sample.text for sample in corpus.read(tmp_path / "t") if sample.source == "uci_sentences"] == ["Great café"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 has no text"),
        ('{"text": "x", "label": "angry"}', "label 'angry' is none of"),
    ],
)
def test_says_which_line_cannot_be_used(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "bad.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(OhlasError, match=message):
        corpus.read(tmp_path)


def test_a_folder_without_texts(tmp_path: Path) -> None:
    with pytest.raises(OhlasError, match=r"no \.jsonl files"):
        corpus.read(tmp_path)


def test_own_phrases_are_well_formed_and_distinct() -> None:
    phrases = list(corpus.own_phrases())
    assert {sample.language for sample in phrases} == OWN_LANGUAGES
    for language in OWN_LANGUAGES:
        mine = [sample for sample in phrases if sample.language == language]
        assert len(mine) >= 4000
        assert {sample.label for sample in mine} == set(LABELS)
        assert len({corpus.key(sample.text) for sample in mine if corpus.key(sample.text)}) >= 0.98 * len(mine)


@pytest.mark.skipif(not SHARED.exists(), reason="the folder of labelled texts is not here")
def test_nothing_that_is_measured_on_is_learned_from() -> None:
    measured = corpus.texts_of(SHARED / "dev")
    learned = corpus.read(SHARED / "train")
    assert len(learned) > 200_000
    assert not measured & {corpus.key(sample.text) for sample in learned}


def test_a_sample_that_weighs_nothing_teaches_nothing() -> None:
    design = regression.design(["zlé", "zlé", "pekné", "pekné"])
    labels = np.array([0, 0, 1, 1])
    worth = np.array([1, 1, 0, 0], np.float32)
    fitted = regression.fit(design, labels, worth, regression.Settings(epochs=5))
    chances = regression.softmax(regression.logits(design, fitted))
    assert (chances.argmax(axis=1) == 0).all()


def test_temperature_cools_what_is_too_sure() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 4000)
    honest = random.normal(size=(4000, 3)).astype(np.float32)
    honest[np.arange(4000), truth] += 1
    worth = np.ones(4000, np.float32)
    fair = calibration.temperature(honest, truth, worth)
    assert calibration.temperature(honest * 3, truth, worth) == pytest.approx(3 * fair, rel=0.1)


def test_a_small_language_takes_the_temperature_of_all() -> None:
    logits = np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (200, 1))
    found = calibration.temperatures(
        logits, np.zeros(200, np.int64), np.ones(200, np.float32), ["sk"] * 190 + ["hu"] * 10
    )
    assert set(found) == {"", "sk"}


def test_expected_error_of_known_cases() -> None:
    sure = np.full(10, 0.95, np.float32)
    assert calibration.expected_error(sure, np.ones(10, np.bool_)) == pytest.approx(0.05, abs=1e-6)
    assert calibration.expected_error(sure, np.zeros(10, np.bool_)) == pytest.approx(0.95, abs=1e-6)
    rows = calibration.reliability(sure, np.ones(10, np.bool_))
    assert [(row["from"], row["n"], row["accuracy"]) for row in rows] == [(0.9, 10, 1.0)]
