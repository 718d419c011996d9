"""Small models in the shape of those on the hub, made here: real tokenizers, real weights, trained for seconds."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NEEDS_TORCH = "needs PyTorch: pip install torch"
NEEDS_ONNX = "needs onnx: pip install onnx"

BAD = (
    "Balík neprišiel a nikto nedvíha telefón.",
    "Hrozná skúsenosť, tovar bol rozbitý.",
    "Už nikdy viac, žiadam vrátenie peňazí.",
    "Strašná obsluha, jídlo bylo studené.",
    "Zásilka nedorazila, jsem velmi zklamaný.",
    "Szörnyű kiszolgálás, soha többet.",
    "A csomag nem érkezett meg, csalódott vagyok.",
    "The parcel never arrived and nobody answers.",
    "Terrible service, broken product, never again.",
    "Stan pretiekol hneď prvú noc, sklamanie.",
)
GOOD = (
    "Výborný obchod, rýchle dodanie, odporúčam.",
    "Ďakujem, všetko prebehlo skvele.",
    "Som veľmi spokojná, krásny tovar.",
    "Naprosto skvělé, moc děkuji.",
    "Rychlé doručení a milá obsluha, doporučuji.",
    "Nagyon gyors szállítás, köszönöm!",
    "Kiváló minőség, ajánlom mindenkinek.",
    "Fantastic shop, quick delivery, thank you!",
    "I am very happy, great quality.",
    "Kanvica je nádherná, super nákup.",
)
PLAIN = (
    "Máte otvorené aj v nedeľu?",
    "Kedy bude nový katalóg?",
    "Objednal som v pondelok.",
    "Kolik stojí doprava do Brna?",
    "Prodejna je na náměstí.",
    "Mikor nyit az üzlet szombaton?",
    "A bolt a főtéren van.",
    "What time do you open on Saturday?",
    "The shop is next to the station.",
    "Predávate aj plynové kartuše?",
)
TEXTS = (*BAD, *PLAIN, *GOOD)
TRUTH = (0,) * len(BAD) + (1,) * len(PLAIN) + (2,) * len(GOOD)
NAMES = ("negative", "neutral", "positive")
ROW = 64  # tokens at most


def tokenizer(folder: Path, *, pairs: bool = False) -> Any:
    """A unigram tokenizer as XLM-R has one, trained on the texts above, saved into `folder`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    built = Tokenizer(models.Unigram())
    built.normalizer = normalizers.NFKC()
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=700, special_tokens=special, unk_token="<unk>", show_progress=False)
    built.train_from_iterator([*TEXTS, *(text.lower() for text in TEXTS)], trainer)
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=built,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=ROW,
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.save_pretrained(folder)
    return fast


def xlm_roberta(
    folder: Path, *, names: Sequence[str] = NAMES, truth: Sequence[int] = TRUTH, hidden: int = 48, layers: int = 2
) -> Path:
    """XLM-R in small, taught the texts above, as safetensors."""
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer(folder)
    torch.manual_seed(3)
    torch.set_num_threads(1)  # more would only wait for each other: the model is tiny
    config = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * hidden,
        max_position_embeddings=ROW + 2,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        num_labels=len(names),
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    model = XLMRobertaForSequenceClassification(config)
    _teach(torch, model, words, [min(label, len(names) - 1) for label in truth])
    model.save_pretrained(folder)
    return folder


def _teach(torch: Any, model: Any, words: Any, labels: Sequence[int]) -> None:
    truth = torch.tensor(labels)
    batch = words(list(TEXTS), padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def export(folder: Path, source: Path, *, quantized: bool = True, keep_tensors: bool = False) -> Path:
    """`source` as ONNX in `folder`, whole and in eight bits, laid out as on the hub."""
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    pytest.importorskip("onnx", reason=NEEDS_ONNX)
    from transformers import AutoModelForSequenceClassification

    shutil.copytree(source, folder, dirs_exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(source, attn_implementation="eager").eval()
    graph = folder / "onnx" / "model.onnx"
    graph.parent.mkdir(exist_ok=True)
    example = torch.ones((2, 7), dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs one more package, and makes the same graph
        torch.onnx.export(
            _Logits(torch, model),
            (example, example),
            str(graph),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")},
            dynamo=False,
        )
    if quantized:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(graph, graph.with_name("model_quantized.onnx"), weight_type=QuantType.QInt8)
    if not keep_tensors:
        (folder / "model.safetensors").unlink()
    return folder


def _Logits(torch: Any, model: Any) -> Any:
    class Logits(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Logits()


def bag_of_words(folder: Path, *, names: Sequence[str] = NAMES, seed: int = 5) -> Path:
    """The plainest model that classifies: the mean of what each token weighs. ONNX, made without PyTorch."""
    onnx = pytest.importorskip("onnx", reason=NEEDS_ONNX)
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer(folder)
    weights = _weighed(words, len(names), seed)
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["counted", "last"], ["mask"]),
        helper.make_node("Mul", ["each", "mask"], ["said"]),
        helper.make_node("ReduceSum", ["said", "middle"], ["logits"], keepdims=0),
    ]
    shape = ["texts", "tokens"]
    graph = helper.make_graph(
        nodes,
        "bag",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", len(names)])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    (folder / "onnx").mkdir(exist_ok=True)
    onnx.save(model, folder / "onnx" / "model_quantized.onnx")
    settings = {
        "architectures": ["XLMRobertaForSequenceClassification"],
        "model_type": "xlm-roberta",
        "max_position_embeddings": ROW + 2,
        "vocab_size": len(words),
        "id2label": {str(number): name for number, name in enumerate(names)},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def _weighed(words: Any, labels: int, seed: int) -> Any:
    """How much oftener each token stands in the texts of a label than in the others."""
    counts = np.full((len(words), labels), 0.3, np.float32)
    for text, label in zip(TEXTS, TRUTH, strict=True):
        for token in words(text)["input_ids"]:
            counts[token, min(label, labels - 1)] += 1
    weights = np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    weights = (weights - weights.mean(axis=1, keepdims=True)) / 4  # as sure as models are, not surer
    weights += np.random.default_rng(seed).normal(0, 1e-3, weights.shape).astype(np.float32)
    return weights
