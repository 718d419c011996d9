"""Learning from corrections: it helps, it forgets little, it is the same every time, and bad files do no harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.classify.choosing import SteadyClassifier
from monitor.classify.choosing import shelf as shelf_of
from monitor.classify.embedded import EmbeddedClassifier
from monitor.classify.hashed import DIMENSIONS, hashed_text
from monitor.classify.head import Frame, Head, Judged
from monitor.classify.learned import MOST_KEPT, Follower, Shelf
from monitor.classify.learning import Scores, Taught, known_phrases, learn
from monitor.errors import ModelUnusable, OhlasError
from monitor.model import LABELS, Reason, Utterance
from monitor.options import Config, ServiceOptions
from tests.lessons import PLACES, taught
from tests.made import NOON
from tests.running import ROOT

NEW = Utterance(text=f"Today in {PLACES[0]} and the mill: we screamed in horror, terribly scary!", language="en")


@pytest.fixture(scope="module")
def bare() -> EmbeddedClassifier:
    return EmbeddedClassifier.load(languages=("sk", "cs", "hu", "en"))


@pytest.fixture
def classifier(bare: EmbeddedClassifier) -> EmbeddedClassifier:
    bare.learned, bare.name = None, "embedded-1"
    return bare


@pytest.fixture(scope="module")
def head(bare: EmbeddedClassifier) -> Head:
    bare.learned = None
    return learn(bare, taught(), NOON).head


def test_words_of_the_trade_are_learned(classifier: EmbeddedClassifier) -> None:
    found = learn(classifier, taught(), NOON)
    assert found.better
    assert found.after.macro_f1 > found.before.macro_f1 + 0.2
    assert found.after.recall is not None and found.before.recall is not None
    assert found.after.recall >= found.before.recall
    assert (found.head.lessons, found.head.base) == (120, classifier.base)


def test_learning_twice_gives_the_same_bytes(classifier: EmbeddedClassifier, head: Head, tmp_path: Path) -> None:
    again = learn(classifier, list(reversed(taught())), NOON).head
    head.save(tmp_path / "one.npz")
    again.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_what_the_model_knew_is_hardly_forgotten(classifier: EmbeddedClassifier, head: Head) -> None:
    phrases = [Utterance(text=text) for text in known_phrases()]
    before, seen = classifier.judged(phrases)
    after = head.adjusted(before, seen)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).mean() > 0.9


def test_a_label_that_nobody_used_is_not_unlearned(classifier: EmbeddedClassifier) -> None:
    two = [lesson for lesson in taught() if lesson.label != "praise"]
    found = learn(classifier, two, NOON)
    thanks = [Utterance(text="Vielen Dank, alles super!"), Utterance(text="Skvelé, ďakujem, všetko v poriadku!")]
    before, seen = classifier.judged(thanks)
    after = found.head.adjusted(before, seen)
    assert [LABELS[place] for place in before.argmax(axis=1)] == [LABELS[place] for place in after.argmax(axis=1)]


@pytest.mark.parametrize(
    ("lessons", "told"),
    [
        (taught(10), "there are 10 texts to learn from, and at least 20"),
        ([], "there are 0 texts"),
        ([replace(lesson, label="praise") for lesson in taught()], "labelled praise"),
        ([Taught(Utterance(text="!!!"), "praise", NOON)] * 50, "there are 0 texts"),
    ],
)
def test_too_little_is_refused(classifier: EmbeddedClassifier, lessons: list[Taught], told: str) -> None:
    with pytest.raises(OhlasError, match=told):
        learn(classifier, lessons, NOON)


def test_the_newest_word_on_a_text_holds(classifier: EmbeddedClassifier) -> None:
    older = [replace(lesson, label="neutral") for lesson in taught()]
    assert np.array_equal(
        learn(classifier, [*taught(), *older], NOON).head.weights, learn(classifier, taught(), NOON).head.weights
    )


def test_what_misses_complaints_is_not_better() -> None:
    before = Scores(texts=50, accuracy=0.6, macro_f1=0.6, recall=0.8)
    assert replace(before, macro_f1=0.7).beats(before)
    assert not replace(before, macro_f1=0.7, recall=0.7).beats(before)
    assert not replace(before, accuracy=0.9).beats(before)


def test_a_head_in_force_is_compared_on_newer_texts(classifier: EmbeddedClassifier, head: Head) -> None:
    later = [replace(lesson, at=NOON + timedelta(days=1)) for lesson in taught()]
    found = learn(classifier, later, NOON + timedelta(days=2), head)
    assert found.present is not None and found.after_present is not None
    assert found.present.accuracy > found.before.accuracy
    assert learn(classifier, taught(), NOON + timedelta(days=2), head).present is None


def test_features_have_one_length_and_are_nothing_for_nothing() -> None:
    seen = hashed_text([NEW.text, "", " \n", NEW.text])
    assert seen.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(seen, axis=1), [1, 0, 0, 1], atol=1e-5)
    assert np.array_equal(seen[0], seen[3])
    assert hashed_text([]).shape == (0, DIMENSIONS)


def test_features_of_any_size_are_framed_and_weights_lead_back() -> None:
    chance = np.random.default_rng(1)
    seen = (chance.normal(size=(60, 20)) * np.geomspace(0.5, 30, 20) + 8).astype(np.float32)
    chances = np.full((60, len(LABELS)), 1 / len(LABELS), np.float32)
    frame = Frame.of(seen)
    framed = frame(Judged(chances, seen))
    assert np.linalg.norm(framed.seen, axis=1).mean() == pytest.approx(2, abs=0.3)
    weights = chance.normal(size=(1 + len(LABELS) + 20, len(LABELS))).astype(np.float32)
    told = Head(weights, "", "", 0).adjusted(chances, framed.seen)
    assert Head(frame.back(weights), "", "", 0).adjusted(chances, seen) == pytest.approx(told, abs=1e-3)


def test_the_classifier_judges_with_what_was_learned(
    classifier: EmbeddedClassifier, head: Head, tmp_path: Path
) -> None:
    before = classifier.classify([NEW])[0]
    assert before.label != "praise"
    shelf = Shelf(tmp_path / "learned")
    follower = Follower(shelf)
    follower.follow(classifier)
    assert classifier.learned is None
    shelf.put(head)
    follower.follow(classifier)
    after = classifier.classify([NEW])[0]
    assert (after.label, after.model) == ("praise", f"embedded-1+{head.name}")
    reason = classifier.explain(NEW, after).reasons[-1]
    assert reason.code == "learned" and reason.detail.endswith(f"{after.confidence:.0%}")
    assert np.allclose(classifier.probabilities([NEW]).sum(), 1, atol=1e-5)
    shelf.back()
    follower.follow(classifier)
    assert classifier.classify([NEW])[0] == before
    assert Reason(code="learned") not in classifier.explain(NEW, before).reasons


def test_heads_are_kept_and_one_can_go_back(head: Head, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert (shelf.names(), shelf.in_force(), shelf.stamp()) == ([], None, (0, 0))
    first = shelf.put(head)
    second = shelf.put(replace(head, lessons=999))
    assert first != second and shelf.names() == [first, second]
    found = shelf.in_force()
    assert found is not None and found.lessons == 999
    assert (shelf.back(), shelf.back()) == (first, "")
    with pytest.raises(OhlasError, match="nothing to go back from"):
        shelf.back()


def test_only_the_newest_heads_are_kept(head: Head, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for _ in range(MOST_KEPT + 3):
        shelf.put(head)
    assert len(shelf.names()) == len(list(tmp_path.glob("*.npz"))) == MOST_KEPT
    assert {path.stem for path in tmp_path.glob("*.npz")} == set(shelf.names())


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04nothing", b"\x93NUMPY", os.urandom(500)])
def test_a_damaged_head_is_left_out(
    classifier: EmbeddedClassifier,
    head: Head,
    tmp_path: Path,
    damage: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf(tmp_path)
    name = shelf.put(head)
    (tmp_path / f"{name}.npz").write_bytes(damage)
    follower = Follower(shelf)
    follower.follow(classifier)
    follower.follow(classifier)
    assert classifier.learned is None and "judges without it" in follower.trouble
    assert len(caplog.records) == 1
    assert classifier.classify([NEW])[0].model == "embedded-1"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"heads": "x"}', '{"heads": ["../../etc/passwd"]}', '{"heads": [1]}', "\x00"]
)
def test_a_damaged_list_is_left_out_and_written_anew(head: Head, tmp_path: Path, text: str) -> None:
    shelf = Shelf(tmp_path)
    (tmp_path / "heads.json").write_text(text)
    with pytest.raises(ModelUnusable, match=r"heads\.json is damaged"):
        shelf.in_force()
    name = shelf.put(head)
    assert shelf.names() == [name]


def test_pickles_are_not_opened(head: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    np.savez(path, header=np.array([{"format": 1}], dtype=object), weights=head.weights)
    with pytest.raises(ModelUnusable):
        Head.load(path)


def test_a_head_of_another_shape_is_refused(head: Head, tmp_path: Path) -> None:
    for number, weights in enumerate((head.weights[:, :2], head.weights[:3], head.weights * np.float32("nan"))):
        path = tmp_path / f"{number}.npz"
        replace(head, weights=weights).save(path)
        with pytest.raises(ModelUnusable, match="another version"):
            Head.load(path)


def test_a_head_of_another_model_is_not_used(classifier: EmbeddedClassifier, head: Head, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    follower = Follower(shelf)
    for other, told in (
        (replace(head, base="embedded-0"), "fits the model embedded-0"),
        (replace(head, sees=f"states-0123abcd-{DIMENSIONS}"), "as it was used then"),
    ):
        shelf.put(other)
        follower.follow(classifier)
        assert classifier.learned is None
        assert told in follower.trouble and "ohlas learn" in follower.trouble


def test_a_head_of_before_it_said_what_it_sees_still_serves(head: Head, tmp_path: Path) -> None:
    text = json.dumps({"format": 1, "base": head.base, "made_at": head.made_at, "lessons": 120})
    np.savez(tmp_path / "head.npz", header=np.frombuffer(text.encode(), np.uint8), weights=head.weights)
    assert Head.load(tmp_path / "head.npz").sees == head.sees


def test_the_file_holds_no_words(head: Head, tmp_path: Path) -> None:
    head.save(tmp_path / "head.npz")
    with zipfile.ZipFile(tmp_path / "head.npz") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"scary" not in everything and b"cellar" not in everything


SWITCHING = """
import sys
from pathlib import Path
from monitor.classify.head import Head
from monitor.classify.learned import Shelf
shelf, head = Shelf(Path(sys.argv[1])), Head.load(Path(sys.argv[2]))
print("begun", flush=True)
while True:
    shelf.put(head)
"""


def test_a_switch_survives_a_kill_at_any_moment(head: Head, tmp_path: Path) -> None:
    head.save(tmp_path / "given.npz")
    shelf = Shelf(tmp_path / "learned")
    for number in range(6):
        started = subprocess.Popen(
            [sys.executable, "-c", SWITCHING, str(shelf.folder), str(tmp_path / "given.npz")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert started.stdout is not None
        started.stdout.readline()
        for _ in range(number * 2000):
            shelf.stamp()
        started.kill()
        started.communicate()
        found = shelf.in_force()
        assert found is None or np.array_equal(found.weights, head.weights)
    left = {path.stem for path in shelf.folder.glob("*.npz")}
    assert set(shelf.names()) <= left


def test_a_running_service_takes_up_a_newer_head_by_itself(head: Head, tmp_path: Path) -> None:
    running = SteadyClassifier(Config(service=ServiceOptions(state=tmp_path)))
    assert running.classify([NEW])[0].label != "praise"
    shelf_of(running.config).put(head)
    assert running.classify([NEW])[0].label == "praise"
    shelf_of(running.config).back()
    assert running.classify([NEW])[0].label != "praise"
