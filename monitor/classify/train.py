"""Train the embedded classifier: `python -m monitor.classify.train DATA_DIR [--out MODEL] [--keep-out DIR]`."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor import language_model
from monitor.classify import calibration, corpus, regression
from monitor.classify.corpus import Sample
from monitor.classify.modelfile import SHIPPED, ModelFile
from monitor.model import LABELS

SETTINGS = regression.Settings()
KEPT_FOR_CALIBRATION = 10  # one text in so many
MOST_TEXTS_OF_A_LANGUAGE = 9000  # to learn the look of a language from
TOO_EASY = frozenset({"ud_neutral"})  # told by its style alone: confidence in it means nothing
NOT_A_LANGUAGE = frozenset({"", "hi"})  # Hindi tweets are mostly English or romanised: no lesson in a language


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options().parse_args(arguments)
    keep_out = corpus.texts_of(options.keep_out) if options.keep_out else set()
    samples = corpus.read(options.data, keep_out)
    _report(f"{len(samples)} texts from {len({sample.source for sample in samples})} sources")
    languages = train_languages(samples)
    languages.save(options.languages_out)
    train(samples).save(options.out)
    _report(f"wrote {options.out} and {options.languages_out}")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.classify.train", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of .jsonl files with text, label and lang")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the classifier's model goes")
    parser.add_argument(
        "--languages-out", type=Path, default=language_model.SHIPPED, help="where the language model goes"
    )
    parser.add_argument("--keep-out", type=Path, metavar="DIR", help="folder of .jsonl files whose texts are not used")
    return parser


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")


def train(samples: Sequence[Sample], settings: regression.Settings = SETTINGS) -> ModelFile:
    """Fit without a tenth of the texts to learn how far confidence can be believed, then fit on all of them."""
    samples = [sample for sample in samples if sample.worth]
    design = regression.design([sample.text for sample in samples])
    labels = np.array([LABELS.index(sample.label) for sample in samples], np.int64)
    worth = np.array([sample.worth for sample in samples], np.float32)
    heat = _temperatures(samples, design, labels, worth, settings)
    fitted = regression.fit(design, labels, worth, settings, _report)
    return ModelFile.rounded(fitted.weights, fitted.bias, heat)


def _temperatures(
    samples: Sequence[Sample],
    design: regression.Design,
    labels: NDArray[np.int64],
    worth: NDArray[np.float32],
    settings: regression.Settings,
) -> dict[str, float]:
    kept = np.array([_is_kept(sample) for sample in samples], np.bool_)
    fitted = regression.fit(design, labels, np.where(kept, np.float32(0), worth), settings)
    logits = regression.logits(design, fitted)[kept]
    languages = [sample.language for sample, mine in zip(samples, kept, strict=True) if mine]
    return calibration.temperatures(logits, labels[kept], worth[kept], languages)


def _is_kept(sample: Sample) -> bool:
    """One text in ten of the sources whose labels are real judgements."""
    return sample.source not in TOO_EASY and _draw(sample.text) % KEPT_FOR_CALIBRATION == 0


def _draw(text: str) -> int:
    """A number that is the same for the same text, in whatever order texts come."""
    return int(corpus.digest(corpus.key(text)), 16)


def train_languages(samples: Sequence[Sample]) -> language_model.LanguageModel:
    chosen: dict[str, list[str]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: _draw(sample.text)):
        if sample.language not in NOT_A_LANGUAGE and len(chosen[sample.language]) < MOST_TEXTS_OF_A_LANGUAGE:
            chosen[sample.language].append(sample.text)
    texts = [text for mine in chosen.values() for text in mine]
    return language_model.fit(texts, [code for code, mine in chosen.items() for _ in mine])


if __name__ == "__main__":
    sys.exit(main())
