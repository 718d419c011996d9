"""The classifier that ships with Ohlas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.classify import features
from monitor.classify.doubt import Doubt
from monitor.classify.embedded import STAR_ODDS, EmbeddedClassifier, star_odds
from monitor.classify.modelfile import SHIPPED, ModelFile
from monitor.errors import ModelUnusable
from monitor.model import LABELS, Label, Utterance
from monitor.packed import PackedTable, PairTable

HOME = ("sk", "cs", "hu", "en")


@pytest.fixture(scope="module")
def classifier() -> EmbeddedClassifier:
    return EmbeddedClassifier.load(languages=HOME)


@pytest.mark.parametrize(
    ("text", "label", "language"),
    [
        ("Hrozná skúsenosť, balík nikdy nedorazil a nikto nedvíha telefón.", "complaint", "sk"),
        ("Výborný obchod, rýchle dodanie, všetkým odporúčam!", "praise", "sk"),
        ("Strašná obsluha, jídlo studené a drahé, už nikdy.", "complaint", "cs"),
        ("Naprosto skvělé, moc děkuji, doporučuji všem.", "praise", "cs"),
        ("Szörnyű kiszolgálás, soha többet nem rendelek innen.", "complaint", "hu"),
        ("Nagyon gyors szállítás, kiváló minőség, köszönöm!", "praise", "hu"),
        ("Worst service ever, my order never arrived and nobody answers.", "complaint", "en"),
        ("Fantastic shop, quick delivery, thank you so much!", "praise", "en"),
        ("What time do you open on Saturday?", "neutral", "en"),
    ],
)
def test_tells_complaint_from_praise(classifier: EmbeddedClassifier, text: str, label: str, language: str) -> None:
    (verdict,) = classifier.classify([Utterance(text=text)])
    assert (verdict.label, verdict.language, verdict.model) == (label, language, "embedded-1")
    assert verdict.confidence == pytest.approx(1, abs=0.66)


def test_confidence_is_the_probability_of_the_label(classifier: EmbeddedClassifier) -> None:
    utterances = [Utterance(text="Skvelé, ďakujem!"), Utterance(text="Kedy máte otvorené?")]
    chances = classifier.probabilities(utterances)
    assert chances.sum(axis=1) == pytest.approx([1, 1])
    for verdict, row in zip(classifier.classify(utterances), chances, strict=True):
        assert verdict.confidence == pytest.approx(row[LABELS.index(verdict.label)])
        assert verdict.confidence == pytest.approx(row.max())


def test_the_threshold_marks_what_is_unsure() -> None:
    utterances = [Utterance(text="Prišlo to v utorok."), Utterance(text="Super, ďakujem, odporúčam!")]
    strict = EmbeddedClassifier.load(languages=HOME, doubt=Doubt(unsure_below=0.999)).classify(utterances)
    lenient = EmbeddedClassifier.load(languages=HOME, doubt=Doubt(unsure_below=0.34, complaint_from=1.0)).classify(
        utterances
    )
    assert [verdict.unsure for verdict in strict] == [True, True]
    assert [verdict.unsure for verdict in lenient] == [verdict.confidence < 0.34 for verdict in lenient]


@pytest.mark.parametrize(
    ("label", "confidence", "complaint", "doubted"),
    [
        ("complaint", 0.7, 0.7, False),
        ("complaint", 0.5, 0.5, True),
        ("praise", 0.9, 0.05, False),
        ("praise", 0.7, 0.25, True),
        ("neutral", 0.8, 0.2, True),
    ],
)
def test_a_slight_suspicion_of_a_complaint_is_doubted(
    label: Label, confidence: float, complaint: float, doubted: bool
) -> None:
    assert Doubt(unsure_below=0.6, complaint_from=0.2)(label, confidence, complaint) is doubted


def test_fewer_complaints_are_missed_where_the_threshold_is_lower() -> None:
    utterances = [Utterance(text=text) for text in ("Prišlo to v utorok.", "Ujde.", "Čakám.", "Kedy otvárate?")]
    doubted = [
        sum(verdict.unsure for verdict in classifier.classify(utterances))
        for classifier in (
            EmbeddedClassifier.load(languages=HOME, doubt=Doubt(unsure_below=0.34, complaint_from=bound))
            for bound in (0.01, 0.3, 1.0)
        )
    ]
    assert doubted == sorted(doubted, reverse=True) and doubted[0] > doubted[-1]


@pytest.mark.parametrize("text", ["ok", "Ok.", "dobre", "fajn"])
def test_one_star_is_a_complaint_whatever_little_is_written(classifier: EmbeddedClassifier, text: str) -> None:
    assert classifier.classify([Utterance(text=text, rating=1)])[0].label == "complaint"


@pytest.mark.parametrize("text", ["", "Objednal som v pondelok.", "Obal bol modrý."])
def test_stars_weigh_in(classifier: EmbeddedClassifier, text: str) -> None:
    worst, best = classifier.classify([Utterance(text=text, rating=1), Utterance(text=text, rating=5)])
    assert (worst.label, best.label) == ("complaint", "praise")


def test_more_stars_never_mean_more_complaint(classifier: EmbeddedClassifier) -> None:
    ratings = np.linspace(1, 5, 17).tolist()
    chances = classifier.probabilities([Utterance(text="Kúpil som to.", rating=rating) for rating in ratings])
    assert (np.diff(chances[:, 0]) < 0).all()
    assert (np.diff(chances[:, 1]) > 0).all()


@pytest.mark.parametrize(("rating", "row"), [(1, 0), (3, 2), (5, 4), (0, 0), (10, 4), (-3, 0)])
def test_stars_beyond_the_scale_count_as_the_nearest(rating: float, row: int) -> None:
    assert star_odds(rating) == pytest.approx(STAR_ODDS[row])


def test_an_empty_text_is_nothing_said(classifier: EmbeddedClassifier) -> None:
    (verdict,) = classifier.classify([Utterance(text="  \n ")])
    assert (verdict.label, verdict.language) == ("neutral", "")
    assert classifier.classify([]) == []
    assert classifier.probabilities([]).shape == (0, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=9))
def test_company_does_not_change_a_verdict(texts: list[str]) -> None:
    model = EmbeddedClassifier.load(languages=HOME) if not _SHARED else _SHARED[0]
    _SHARED[:] = [model]
    together = model.probabilities([Utterance(text=text) for text in texts])
    alone = np.concatenate([model.probabilities([Utterance(text=text)]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)


_SHARED: list[EmbeddedClassifier] = []


def test_more_than_one_chunk(classifier: EmbeddedClassifier) -> None:
    texts = [f"Balík číslo {number} nedorazil." for number in range(300)]
    verdicts = classifier.classify([Utterance(text=text) for text in texts])
    assert verdicts[299] == classifier.classify([Utterance(text=texts[299])])[0]


def test_a_very_long_text_is_read_at_both_ends(classifier: EmbeddedClassifier) -> None:
    padding = "a potom sme išli ďalej " * 4000
    (verdict,) = classifier.classify([Utterance(text=padding + "Hrozné, podvod, hanba, nikdy viac, neodporúčam!!!")])
    (calm,) = classifier.classify([Utterance(text=padding)])
    assert classifier.probabilities([Utterance(text=padding)]).shape == (1, 3)
    assert verdict != calm


def test_explains_with_the_words_that_pulled(classifier: EmbeddedClassifier) -> None:
    utterance = Utterance(text="Kuriér bol hrozný, nikdy viac.", rating=1, language="sk")
    (verdict,) = classifier.classify([utterance])
    explained = classifier.explain(utterance, verdict)
    words, stars = explained.reasons
    assert words.code == "words" and "hrozný" in words.detail.split(", ")
    assert (stars.code, stars.detail) == ("stars", "1")
    assert [aspect.name for aspect in explained.aspects] == ["delivery"]
    assert (explained.label, explained.confidence) == (verdict.label, verdict.confidence)


def test_explaining_an_empty_text(classifier: EmbeddedClassifier) -> None:
    utterance = Utterance(text="")
    (verdict,) = classifier.classify([utterance])
    assert classifier.explain(utterance, verdict).reasons == ()


def test_features_are_the_same_in_every_process() -> None:
    code = (
        "from monitor.classify.features import rows_and_buckets as f; import hashlib;"
        "print(hashlib.sha256(f(['Žltý kôň 😡 NIE!!', 'soooo good :)'])[1].tobytes()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1 and len(seen.pop().strip()) == 64


def test_classifying_loads_nothing_that_takes_much_memory() -> None:
    code = (
        "import sys; from monitor.classify.embedded import EmbeddedClassifier; from monitor.model import Utterance; "
        "EmbeddedClassifier.load(languages=('sk',)).classify([Utterance(text='ok')]); "
        "print(sorted({'pydantic', 'scipy', 'sklearn', 'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_stretched_words_and_spaces_count_once() -> None:
    short, long = features.extract(["soo  good"]), features.extract(["sooooooo good"])
    assert [grams.tolist() for grams in short.grams] == [grams.tolist() for grams in long.grams]
    assert short.marks.tolist() != long.marks.tolist()


def test_negation_reaches_the_words_that_follow() -> None:
    plain, negated = features.extract(["je dobre tu"]), features.extract(["nie dobre tu"])
    assert not plain.tokens[3].any()
    assert negated.tokens[3].tolist()[0] == 0 and all(negated.tokens[3].tolist()[1:])
    stopped = features.extract(["nie, dobre tu"])
    assert not stopped.tokens[3].any()


def test_packed_sums_are_exact() -> None:
    random = np.random.default_rng(5)
    weights = random.integers(-127, 128, (500, 4), np.int64).astype(np.int8)
    table = PackedTable(weights)
    chosen = random.integers(0, 500, 8000)
    exact = weights[chosen].astype(np.int64).sum(axis=0)
    assert table.unpacked(table.rows(chosen).sum(axis=0)[None])[0].tolist() == exact.tolist()
    extremes = PackedTable(np.array([[-127, 127, -127]], np.int8))
    assert extremes.unpacked(extremes.rows(np.zeros(8192, np.intp)).sum(axis=0)[None])[0].tolist() == [
        -127 * 8192,
        127 * 8192,
        -127 * 8192,
    ]


def test_the_shipped_model_is_small() -> None:
    assert SHIPPED.stat().st_size + SHIPPED.parents[1].joinpath("language.npz").stat().st_size <= 9_000_000


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    whole = SHIPPED.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for number, spoiled in enumerate((b"", whole[:100], whole[:-5000], bytes(flipped), b"PK" + b"\0" * 500)):
        path = tmp_path / f"model{number}.npz"
        path.write_bytes(spoiled)
        with pytest.raises(ModelUnusable, match="missing or damaged"):
            EmbeddedClassifier.load(path, languages=HOME)
    with pytest.raises(ModelUnusable, match="missing or damaged"):
        EmbeddedClassifier.load(tmp_path / "nowhere.npz", languages=HOME)


def test_pairs_add_up_exactly() -> None:
    random = np.random.default_rng(6)
    weights = random.integers(-127, 128, (2, 500), np.int64).astype(np.int8)
    weights[:, 0], weights[:, 1] = (-127, 127), (127, -127)
    table = PairTable(weights)
    for chosen in (random.integers(0, 500, (4, 3000)), np.zeros((4, 3000), np.intp), np.ones((4, 3000), np.intp)):
        few = table.rows(chosen).sum(axis=0, dtype=np.int32)
        exact = weights[:, chosen].astype(np.int64).sum(axis=(1, 2))
        assert table.unpacked(table.widened(few).sum()[None])[0].tolist() == exact.tolist()


def test_a_model_for_other_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    ModelFile(np.zeros((2, 8), np.int8), 1.0, np.zeros(3, np.float32), {"": 1.0}).save(path)
    with pytest.raises(ModelUnusable, match="another version"):
        EmbeddedClassifier.load(path, languages=HOME)


def test_a_model_may_hold_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, header=np.array([{"format": 1}], object))
    with pytest.raises(ModelUnusable):
        EmbeddedClassifier.load(path, languages=HOME)
