"""Models of the hub: both engines, every way in which one cannot be used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.classify import choosing, huggingface
from monitor.classify.evaluate import evaluate
from monitor.classify.transformer import TransformerClassifier
from monitor.errors import ModelUnusable
from monitor.model import LABELS, Utterance
from monitor.options import ClassifierOptions, Config, ServiceOptions
from tests import tiny_models
from tests.terminal import ROOT, answer, environment, ohlas

TRUTH = [("complaint", "neutral", "praise")[label] for label in tiny_models.TRUTH]
UTTERANCES = [Utterance(text=text) for text in tiny_models.TEXTS]


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.bag_of_words(tmp_path_factory.mktemp("bag"))


@pytest.fixture(scope="session")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.xlm_roberta(tmp_path_factory.mktemp("tensors"))


@pytest.fixture(scope="session")
def int8(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.export(tmp_path_factory.mktemp("int8"), tensors)


@pytest.fixture
def mine(bag: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(bag, tmp_path / "mine"))


def config(model: Path | str, base: Path, **options: Any) -> Config:
    return Config(
        classifier=ClassifierOptions(model=str(model), **options),
        service=ServiceOptions(state=base / "state"),
        base=base,
    )


def load(model: Path, **options: Any) -> TransformerClassifier:
    return choosing.configured(config(model, model.parent, **options))


def labels(classifier: TransformerClassifier) -> list[str]:
    return [verdict.label for verdict in classifier.classify(UTTERANCES)]


def edit(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize("kind", ["bag", "tensors", "int8"])
def test_judges_as_it_was_taught(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    classifier = load(folder)
    verdicts = classifier.classify(UTTERANCES)
    assert [verdict.label for verdict in verdicts] == TRUTH
    assert {verdict.model for verdict in verdicts} == {classifier.name}
    assert classifier.name.startswith(f"{folder.name}@")
    assert classifier.repository.weights.engine == ("torch" if kind == "tensors" else "onnx")
    assert verdicts[0].language == "sk"
    chances = classifier.probabilities(UTTERANCES)
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(UTTERANCES)), abs=1e-5)
    assert [verdict.confidence for verdict in verdicts] == pytest.approx(chances.max(axis=1).tolist())


def test_eight_bits_say_what_the_whole_weights_say(tensors: Path, int8: Path) -> None:
    whole, rounded = load(tensors).probabilities(UTTERANCES), load(int8).probabilities(UTTERANCES)
    assert rounded == pytest.approx(whole, abs=0.15)


@pytest.mark.parametrize("kind", ["bag", "tensors", "int8"])
def test_company_does_not_change_a_verdict(kind: str, request: pytest.FixtureRequest) -> None:
    classifier = load(request.getfixturevalue(kind))
    alone = np.concatenate([classifier.probabilities([utterance]) for utterance in UTTERANCES])
    # eight bits are scaled by what stands in the batch
    assert classifier.probabilities(UTTERANCES) == pytest.approx(alone, abs=0.05 if kind == "int8" else 1e-5)


def test_stars_weigh_in_and_threads_share(bag: Path) -> None:
    classifier = load(bag)
    worst, best = classifier.classify([Utterance(text="", rating=1), Utterance(text="", rating=5)])
    assert (worst.label, best.label) == ("complaint", "praise")
    (silent,) = classifier.classify([Utterance(text=" \n")])
    assert silent.label == "neutral"
    assert classifier.classify([]) == [] and classifier.probabilities([]).shape == (0, len(LABELS))
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(labels(classifier))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TRUTH] * 4


@pytest.mark.parametrize("text", ["\ud800 rozbité", "x" * 100_000, "\x00\x1b[2J", "😡" * 3000, "a " * 9000 + "hrozné"])
@pytest.mark.parametrize("kind", ["bag", "tensors"])
def test_takes_any_text(kind: str, text: str, request: pytest.FixtureRequest) -> None:
    chances = load(request.getfixturevalue(kind)).probabilities([Utterance(text=text)])
    assert np.isfinite(chances).all()


def test_explains_short_texts_by_their_words(bag: Path) -> None:
    classifier = load(bag)
    utterance = Utterance(text="Balík neprišiel, hrozná skúsenosť.", rating=1.0, language="sk")
    (verdict,) = classifier.classify([utterance])
    explained = classifier.explain(utterance, verdict)
    assert [reason.code for reason in explained.reasons] == ["words", "stars"]
    assert set(explained.reasons[0].detail.split(", ")) & {"neprišiel", "hrozná"}
    assert "delivery" in [aspect.name for aspect in explained.aspects]
    assert (explained.label, explained.confidence) == (verdict.label, verdict.confidence)
    long = Utterance(text="Objednal som v pondelok. " * 20)
    assert classifier.explain(long, verdict).reasons == ()


def test_stars_and_two_labels(tmp_path: Path) -> None:
    two = load(tiny_models.bag_of_words(tmp_path / "two", names=("NEGATIVE", "POSITIVE")))
    assert two.mapping.meanings == {"NEGATIVE": "complaint", "POSITIVE": "praise"}
    assert {labels(two)[0], labels(two)[-1]} == {"complaint", "praise"}
    swapped = load(tmp_path / "two", labels={"NEGATIVE": "praise", "POSITIVE": "complaint"})
    assert [labels(swapped)[0], labels(swapped)[-1]] == ["praise", "complaint"]


def test_a_model_of_inference_is_asked_with_sentences(bag: Path, tmp_path: Path) -> None:
    """The bag adds up what text and sentence weigh, so that the sentence closest to "negative" is entailed."""
    folder = Path(shutil.copytree(bag, tmp_path / "inference"))
    edit(folder, id2label={"0": "entailment", "1": "neutral", "2": "contradiction"})
    usual = load(folder)
    assert usual.mapping.entailment == 0
    assert usual.probabilities(UTTERANCES).sum(axis=1) == pytest.approx(np.ones(len(UTTERANCES)), abs=1e-5)
    leading = {"complaint": tiny_models.GOOD[0], "praise": tiny_models.BAD[0], "neutral": tiny_models.GOOD[1]}
    assert labels(load(folder, hypotheses=leading))[0] == "praise"


def test_prefers_eight_bits_then_whole_weights() -> None:
    def first(*files: str, torch: bool = True, gpu: bool = False) -> str:
        return huggingface.choose(files, torch=torch, gpu=gpu).files[0]

    assert first("onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/model_q4.onnx") == "onnx/model_quantized.onnx"
    assert first("onnx/model_fp16.onnx", "onnx/model.onnx", "onnx/model_int8.onnx") == "onnx/model_int8.onnx"
    assert first("model.onnx", "model.safetensors") == "model.onnx"
    assert first("model.onnx", "model.safetensors", gpu=True) == "model.safetensors"
    assert first("model.onnx", "model.safetensors", torch=False, gpu=True) == "model.onnx"
    sharded = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json")
    assert huggingface.choose(sharded, torch=True).files == sharded
    beside = huggingface.choose(("onnx/model.onnx", "onnx/model.onnx_data"), torch=False)
    assert beside.files == ("onnx/model.onnx", "onnx/model.onnx_data")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("model.safetensors",), r"pip install.*torch"),
        (("pytorch_model.bin",), "strangers' code"),
        (("model.pkl", "config.json"), "strangers' code"),
        (("../model.onnx", "onnx/../../x.onnx", "config.json"), "neither"),
        ((), "neither"),
    ],
)
def test_says_what_to_do_where_nothing_can_be_read(files: tuple[str, ...], told: str) -> None:
    with pytest.raises(ModelUnusable, match=told):
        huggingface.choose(files, torch=False)


def no_weights(folder: Path) -> None:
    (folder / "onnx/model_quantized.onnx").unlink()


def flipped(folder: Path) -> None:
    path = folder / "onnx/model_quantized.onnx"
    content = bytearray(path.read_bytes())
    content[40:80] = bytes(byte ^ 0xFF for byte in content[40:80])
    path.write_bytes(content)


def cut(folder: Path) -> None:
    path = folder / "onnx/model_quantized.onnx"
    path.write_bytes(path.read_bytes()[:500])


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def spoiled_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": 1}')


def no_settings(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def other_kind(folder: Path) -> None:
    edit(folder, architectures=["XLMRobertaForMaskedLM"])


def wrong_labels(folder: Path) -> None:
    edit(folder, id2label={"0": "negative", "1": "positive"})


def own_code(folder: Path) -> None:
    edit(folder, auto_map={"AutoModel": "modeling.Evil"})
    (folder / "modeling.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (no_weights, "neither an ONNX file nor safetensors"),
        (flipped, "damaged"),
        (cut, "damaged"),
        (no_tokenizer, "tokenizer"),
        (spoiled_tokenizer, "tokenizer"),
        (no_settings, r"config\.json is missing or damaged"),
        (other_kind, "XLMRobertaForMaskedLM"),
        (wrong_labels, "3 numbers a text"),
        (own_code, "runs no code of strangers"),
    ],
)
def test_what_cannot_be_used_is_said(spoil: Any, told: str, mine: Path) -> None:
    spoil(mine)
    with pytest.raises(ModelUnusable, match=told) as raised:
        load(mine)
    assert str(mine.name) in str(raised.value)
    assert not (mine / "ran").exists()


def test_damaged_safetensors_and_missing_heads_are_refused(tensors: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=tiny_models.NEEDS_TORCH)
    from safetensors.torch import load_file, save_file

    spoiled = Path(shutil.copytree(tensors, tmp_path / "spoiled"))
    path = spoiled / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelUnusable, match="damaged"):
        load(spoiled)
    weights = load_file(tensors / "model.safetensors")
    save_file({name: weight for name, weight in weights.items() if "classifier" not in name}, path, {"format": "pt"})
    with pytest.raises(ModelUnusable, match="not trained to classify"):
        load(spoiled)
    save_file({name: weight * torch.nan for name, weight in weights.items()}, path, {"format": "pt"})
    with pytest.raises(ModelUnusable, match="no numbers"):
        load(spoiled)


def test_a_folder_that_changed_by_itself_is_refused_until_a_person_says_so(mine: Path, tmp_path: Path) -> None:
    settings = config("mine", tmp_path)
    steady = choosing.SteadyClassifier(settings)
    assert steady.works()
    path = mine / "onnx/model_quantized.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # a bit in the middle of the weights: no reader would notice
    path.write_bytes(content)
    again = choosing.SteadyClassifier(settings)
    assert not again.works() and "model_quantized.onnx" in again.trouble
    assert "ohlas models pull mine" in again.trouble
    toml = tmp_path / "config.toml"
    toml.write_text('[classifier]\nmodel = "mine"\n')
    answer("models", "pull", "--json", config=toml)
    assert choosing.SteadyClassifier(settings).works()


def test_a_named_revision_is_held(mine: Path, tmp_path: Path) -> None:
    revision = choosing.found(config("mine", tmp_path)).revision
    assert choosing.found(config("mine", tmp_path, revision=revision[:12])).revision == revision
    with pytest.raises(ModelUnusable, match=r"classifier\.revision says 0123456"):
        choosing.found(config("mine", tmp_path, revision="0123456"))


def test_a_name_that_was_not_pulled_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"ohlas models pull shop/moods --revision v1"):
        choosing.found(config("shop/moods", tmp_path, revision="v1"))
    with pytest.raises(ModelUnusable, match="there is no folder"):
        choosing.found(config("./nowhere", tmp_path))


def test_the_gpu_is_asked_for_in_vain(tensors: Path) -> None:
    torch = pytest.importorskip("torch", reason=tiny_models.NEEDS_TORCH)
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ModelUnusable, match="sees no GPU"):
        load(tensors, device="cuda")


def test_commands_use_the_model(mine: Path, tmp_path: Path) -> None:
    toml = tmp_path / "config.toml"
    toml.write_text('[classifier]\nmodel = "mine"\n')
    lines = "\n".join(tiny_models.TEXTS)
    answers = ohlas("classify", config=toml, stdin=lines).stdout.splitlines()
    assert [json.loads(line)["label"] for line in answers] == TRUTH
    labelled = tmp_path / "labelled.jsonl"
    entries = [{"text": text, "label": label} for text, label in zip(tiny_models.TEXTS, TRUTH, strict=True)]
    labelled.write_text("\n".join(json.dumps(entry) for entry in entries))
    with_option = answer("evaluate", str(labelled), "--model", str(mine), "--json")
    assert with_option == answer("evaluate", str(labelled), "--json", config=toml)
    assert with_option["files"]["labelled.jsonl"]["macro_f1"] == 1.0
    assert evaluate(labelled, load(mine))["macro_f1"] == 1.0
    checked = answer("check", "--offline", "--json", config=toml)
    assert "negative -> complaint" in checked["classifier"]["labels"]

    flipped(mine)
    found = ohlas("classify", config=toml, stdin="Hrozné!")
    assert found.exit_code == 0 and json.loads(found.stdout)["label"] == "complaint"
    assert "the embedded one stands in" in found.stderr
    assert ohlas("evaluate", str(labelled), config=toml).exit_code == 1
    checked_again = ohlas("check", "--offline", "--json", config=toml)
    assert checked_again.exit_code == 1 and "damaged" in json.loads(checked_again.stdout)["classifier"]["problem"]


def test_the_embedded_default_imports_none_of_it(tmp_path: Path) -> None:
    code = (
        "import sys, monitor.service, monitor.commands.models, monitor.classify.choosing as c;"
        "from monitor.options import Config; from monitor.model import Utterance;"
        "c.SteadyClassifier(Config()).classify([Utterance(text='Dobre')]);"
        "print([n for n in ('torch', 'transformers', 'onnxruntime', 'huggingface_hub', 'tokenizers', 'safetensors') "
        "if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
