"""Cost 6: what judging through Ohlas takes, against a bare forward loop of the same model on the same texts.

    python -m tests.bench.bench_transformers

The bare loop is what one would write: tokenize 32 texts as they come, pad to the longest, run, take the next 32. Both
have one thread, take turns, and start from text. Needs PyTorch and onnx, for the model is made here.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monitor.classify import choosing
from monitor.classify.transformer import TransformerClassifier
from monitor.model import Utterance
from monitor.options import ClassifierOptions, Config, ServiceOptions
from tests import tiny_models

BATCH = 32
ROUNDS = 7
TARGET = 0.9


def texts(count: int, seed: int = 11) -> list[str]:
    """One to eight sentences each, as reviews are: most are short."""
    chance = random.Random(seed)
    return [
        " ".join(chance.choices(tiny_models.TEXTS, k=min(8, 1 + int(chance.expovariate(0.6))))) for _ in range(count)
    ]


def bare_onnx(folder: Path, wanted: Sequence[str]) -> Callable[[], None]:
    import onnxruntime
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "onnx/model_quantized.onnx"), options)

    def loop() -> None:
        for start in range(0, len(wanted), BATCH):
            batch = tokenizer(list(wanted[start : start + BATCH]), padding=True, truncation=True, return_tensors="np")
            session.run(["logits"], {name: batch[name].astype(np.int64) for name in ("input_ids", "attention_mask")})

    return loop


def bare_torch(folder: Path, wanted: Sequence[str]) -> Callable[[], None]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def loop() -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            for start in range(0, len(wanted), BATCH):
                batch = tokenizer(
                    list(wanted[start : start + BATCH]), padding=True, truncation=True, return_tensors="pt"
                )
                model(**batch).logits.numpy()

    return loop


def through_ohlas(folder: Path, wanted: Sequence[str]) -> Callable[[], None]:
    classifier = loaded(folder)
    utterances = [Utterance(text=text) for text in wanted]

    def loop() -> None:
        for start in range(0, len(utterances), 8 * BATCH):
            classifier.classify(utterances[start : start + 8 * BATCH])

    return loop


def one_batch_at_a_time(folder: Path, wanted: Sequence[str]) -> Callable[[], None]:
    """Handed over in the same 32 as the bare loop: no text can go with others of its length."""
    classifier = loaded(folder)
    utterances = [Utterance(text=text) for text in wanted]

    def loop() -> None:
        for start in range(0, len(utterances), BATCH):
            classifier.classify(utterances[start : start + BATCH])

    return loop


def loaded(folder: Path) -> TransformerClassifier:
    options = ClassifierOptions(model=str(folder))
    return choosing.configured(Config(classifier=options, service=ServiceOptions(state=folder / "state")))


def best(loops: Sequence[Callable[[], None]]) -> list[float]:
    """Seconds of the quickest of several rounds, in which the loops take turns."""
    found = [float("inf")] * len(loops)
    for _ in range(ROUNDS):
        for number, loop in enumerate(loops):
            start = time.perf_counter()
            loop()
            found[number] = min(found[number], time.perf_counter() - start)
    return found


def measured(folder: Path, hidden: int, layers: int, count: int) -> dict[str, Any]:
    """Ratios (above 1: Ohlas is quicker) for both engines on a model of this size."""
    tensors = tiny_models.xlm_roberta(folder / "tensors", hidden=hidden, layers=layers)
    int8 = tiny_models.export(folder / "int8", tensors)
    wanted = texts(count)
    ratios: dict[str, Any] = {}
    for engine, bare, place in (("onnx int8", bare_onnx, int8), ("torch", bare_torch, tensors)):
        start = time.perf_counter()
        loaded(place)
        loading = time.perf_counter() - start
        plain, ours, small = best([f(place, wanted) for f in (bare, through_ohlas, one_batch_at_a_time)])
        ratios[engine] = (plain / ours, plain / small, count / ours, loading)
    return ratios


def main() -> None:
    for hidden, layers, count in ((384, 6, 256), (48, 2, 2048)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"XLM-R with {layers} layers of {hidden}, {count} texts")
            for engine, (ratio, small, speed, loading) in measured(Path(folder), hidden, layers, count).items():
                print(
                    f"cost 6, {engine}: {ratio:.2f}x a bare forward loop, {small:.2f}x in batches of {BATCH}"
                    f" (target >= {TARGET}x); {speed:,.0f} texts/s, loaded in {loading:.2f} s"
                )


if __name__ == "__main__":
    main()
