"""Corrections of a model of the hub are learned on what that model sees, in both engines, and serve no other model."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.classify import choosing, onnx_graph
from monitor.classify.batching import pooled
from monitor.classify.learned import Follower, Shelf
from monitor.classify.learning import Learned, Taught, learn
from monitor.classify.transformer import TransformerClassifier
from monitor.model import LABELS, Label, Utterance
from monitor.options import ClassifierOptions, Config, ServiceOptions
from tests import tiny_models
from tests.made import NOON
from tests.terminal import ohlas

WIDTH = 48
UTTERANCES = [Utterance(text=text) for text in tiny_models.TEXTS]
# The model tells questions from statements, and both are neutral to it. To this team a question is a complaint: it has
# heard too many of them.
NAMES = ("anger", "neutral", "joy", "curiosity")
TRUTH = [3 if text.endswith("?") else label for text, label in zip(tiny_models.TEXTS, tiny_models.TRUTH, strict=True)]
QUESTIONS = tuple(text for text in tiny_models.PLAIN if text.endswith("?"))
STATEMENTS = tuple(text for text in tiny_models.PLAIN if not text.endswith("?"))
ASKED = Utterance(text=f"{QUESTIONS[0]} {QUESTIONS[2]}")


def lessons() -> list[Taught]:
    """Every two of a kind."""
    named: tuple[tuple[Label, tuple[str, ...]], ...] = (("complaint", QUESTIONS), ("neutral", STATEMENTS))
    said = [(" ".join(pair), label) for label, sentences in named for pair in product(sentences, sentences)]
    return [Taught(Utterance(text=text), label, NOON) for text, label in said if text != ASKED.text]


@pytest.fixture(scope="module")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.xlm_roberta(tmp_path_factory.mktemp("tensors"), names=NAMES, truth=TRUTH)


@pytest.fixture(scope="module")
def int8(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.export(tmp_path_factory.mktemp("int8"), tensors)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.bag_of_words(tmp_path_factory.mktemp("bag"))


def load(model: Path, **options: Any) -> TransformerClassifier:
    service = ServiceOptions(state=model / "state")
    return choosing.configured(Config(classifier=ClassifierOptions(model=str(model), **options), service=service))


def taught(classifier: TransformerClassifier) -> Learned:
    return learn(classifier, lessons(), NOON)


@pytest.mark.parametrize("kind", ["tensors", "int8"])
def test_corrections_help_where_the_model_sees_a_difference(kind: str, request: pytest.FixtureRequest) -> None:
    classifier = load(request.getfixturevalue(kind))
    assert classifier.sees.startswith("states-") and classifier.sees.endswith(f"-{WIDTH}")
    found = taught(classifier)
    assert found.better and found.after.macro_f1 > found.before.macro_f1 + 0.2
    assert found.head.sees == classifier.sees
    assert found.head.weights.shape == (1 + len(LABELS) + WIDTH, len(LABELS))


def test_both_engines_see_the_same(tensors: Path, int8: Path) -> None:
    whole, rounded = load(tensors).judged(UTTERANCES)[1], load(int8).judged(UTTERANCES)[1]
    assert whole.shape == (len(UTTERANCES), WIDTH)
    assert rounded == pytest.approx(whole, abs=0.1)


def test_the_states_are_those_of_the_last_layer(tensors: Path) -> None:
    torch = pytest.importorskip("torch", reason=tiny_models.NEEDS_TORCH)
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    batch = AutoTokenizer.from_pretrained(tensors)(list(tiny_models.TEXTS), padding=True, return_tensors="pt")
    with torch.inference_mode():
        model = AutoModelForSequenceClassification.from_pretrained(tensors).eval()
        states = model(**batch, output_hidden_states=True).hidden_states[-1]
    wanted = pooled(states.numpy(), batch["attention_mask"].numpy())
    assert load(tensors).judged(UTTERANCES)[1] == pytest.approx(wanted, abs=1e-4)


def test_a_file_that_names_its_states_is_taken_at_its_word(int8: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason=tiny_models.NEEDS_ONNX)
    named = Path(shutil.copytree(int8, tmp_path / "named"))
    path = named / "onnx/model_quantized.onnx"
    model = onnx.load(path)
    (states, *_) = onnx_graph.candidates(path.read_bytes(), "logits")
    model.graph.node.append(onnx.helper.make_node("Identity", [states], ["last_hidden_state"]))
    model.graph.output.append(onnx.ValueInfoProto(name="last_hidden_state"))
    onnx.save(model, path)
    assert load(named).judged(UTTERANCES)[1] == pytest.approx(load(int8).judged(UTTERANCES)[1], abs=1e-5)


def test_a_model_without_states_is_learned_on_by_its_answers(bag: Path) -> None:
    classifier = load(bag)
    assert classifier.sees.startswith("logits-") and classifier.sees.endswith("-3")
    assert classifier.judged(UTTERANCES)[1].shape == (len(UTTERANCES), 3)
    assert np.isfinite(taught(classifier).head.weights).all()


def test_nothing_said_is_nothing_seen(tensors: Path) -> None:
    classifier = load(tensors)
    assert [part.shape for part in classifier.judged([])] == [(0, len(LABELS)), (0, WIDTH)]
    (empty, spoken) = classifier.judged([Utterance(text=" \n"), UTTERANCES[0]])[1]
    assert not empty.any() and spoken.any()


@pytest.mark.parametrize(("kind", "width"), [("tensors", WIDTH), ("bag", 9)])
def test_a_model_of_inference_sees_too(kind: str, width: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(kind), tmp_path / "inference"))
    settings = json.loads((folder / "config.json").read_text())
    names = ("entailment", "neutral", "contradiction", "other")
    settings["id2label"] = {number: names[int(number)] for number in settings["id2label"]}
    (folder / "config.json").write_text(json.dumps(settings))
    classifier = load(folder)
    chances, seen = classifier.judged(UTTERANCES)
    assert seen.shape == (len(UTTERANCES), width)
    assert chances == pytest.approx(classifier.probabilities(UTTERANCES), abs=1e-5)


def test_a_running_model_judges_with_what_was_learned_in_one_pass(int8: Path, tmp_path: Path) -> None:
    classifier = load(int8)
    before = classifier.classify([ASKED])[0]
    assert before.label == "neutral"
    shelf = Shelf(tmp_path)
    shelf.put(taught(classifier).head)
    Follower(shelf).follow(classifier)
    batches = classifier._batcher.batches
    after = classifier.classify([ASKED])[0]
    assert classifier._batcher.batches == batches + 1
    assert (after.label, after.model.partition("+")[0]) == ("complaint", before.model)
    assert classifier.explain(ASKED, after).reasons[-1].code == "learned"


def test_what_one_model_learned_serves_no_other(tensors: Path, int8: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(taught(load(tensors)).head)
    swapped = {"anger": "praise", "joy": "complaint"}
    for other, told in ((load(int8), "let it learn again"), (load(tensors, labels=swapped), "as it was used then")):
        follower = Follower(shelf)
        follower.follow(other)
        assert other.learned is None and told in follower.trouble
    follower = Follower(shelf)
    follower.follow(same := load(tensors))
    assert same.learned is not None and not follower.trouble


def test_who_wants_states_and_who_does_not_share_a_batch(int8: Path) -> None:
    classifier = load(int8)
    rows = [*classifier._rows(["Hrozné!"], embedded=True), *classifier._rows(["Skvelé!"], embedded=False)]
    assert [len(found) for found in classifier._run(rows)] == [len(NAMES) + WIDTH, len(NAMES)]


def test_the_command_says_what_it_learned_from(tensors: Path, bag: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "labelled.jsonl"
    entries = [{"text": one.utterance.text, "label": one.label} for one in lessons()]
    labelled.write_text("\n".join(json.dumps(entry) for entry in entries))
    for folder, told in ((tensors, "last layer sees in a text (48 numbers)"), (bag, "its answer (3 numbers)")):
        toml = tmp_path / f"{folder.name}.toml"
        toml.write_text(f'[classifier]\nmodel = "{folder}"\n[service]\nstate = "{folder.name}"\n')
        said = ohlas("learn", str(labelled), config=toml)
        assert said.exit_code == 0 and told in said.output, said.output


def test_an_output_more_is_merged_into_the_file(int8: Path) -> None:
    onnx = pytest.importorskip("onnx", reason=tiny_models.NEEDS_ONNX)
    whole = (int8 / "onnx/model_quantized.onnx").read_bytes()
    names = onnx_graph.candidates(whole, "logits")
    assert names
    merged = onnx.load_from_string(whole + onnx_graph.more_outputs(names))
    assert [output.name for output in merged.graph.output] == ["logits", *names]
    assert len(merged.graph.node) == len(onnx.load_from_string(whole).graph.node)
    assert onnx_graph.candidates(whole, "nothing of this name") == []


@given(st.binary(max_size=200))
def test_what_is_no_model_is_refused_or_empty(content: bytes) -> None:
    try:
        assert isinstance(onnx_graph.candidates(content, "logits"), list)
    except ValueError:
        pass


@pytest.mark.parametrize("content", [b"\x3a\x05ab", b"\x3b", b"\xff" * 11, b"\x3a"])
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"field|number"):
        onnx_graph.candidates(content, "logits")
