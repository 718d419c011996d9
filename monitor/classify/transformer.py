"""Judging with a model of the Hugging Face hub: its own tokenizer, either engine, our labels."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from monitor.classify import huggingface
from monitor.classify.batching import Batcher, Limits, Row, padded
from monitor.classify.doubt import Doubt
from monitor.classify.embedded import NOTHING_SAID, star_odds
from monitor.classify.judging import Judge
from monitor.classify.label_mapping import label_names, map_labels
from monitor.classify.zero_shot import pairs
from monitor.errors import ModelUnusable
from monitor.model import LABELS, Utterance, Verdict
from monitor.options import ClassifierOptions

_LONGEST = 512  # tokens, where the model does not say what it can take
_HEAD, _TAIL = 3000, 1000  # characters of a very long text that are read: verdicts stand at its ends
_LEAST_CHANCE = 1e-4  # of a label that the model does not know, so that stars can still speak for it
_EXPLAINED = 12  # words; leaving each out of a longer text would cost more than the verdicts of a whole batch
_LEAST_PULL = 0.3  # of the log-odds, for a word to be named: a model that is quite sure moves them, not its probability
_MOST_REASONS = 4
_WORDS = re.compile(r"\S+")
_PROBE = Utterance(text="Balík prišiel v poriadku.")

Floats = NDArray[np.float32]


class Engine(Protocol):
    @property
    def padding(self) -> int:
        """Tokens of it that cost about as much as one more call."""
        ...

    def logits(self, columns: Mapping[str, NDArray[np.int64]]) -> Floats:
        """`input_ids`, `attention_mask` and `token_type_ids` of shape (texts, tokens) -> (texts, labels)."""
        ...

    def seen(self, columns: Mapping[str, NDArray[np.int64]]) -> tuple[Floats, Floats | None]:
        """Logits, and the mean state of each text's tokens in the last layer; None where the model gives none."""
        ...


class TransformerClassifier(Judge):
    """Any model of the hub that classifies texts, or of inference (zero-shot). Safe to share between threads."""

    def __init__(
        self,
        repository: huggingface.Repository,
        engine: Engine,
        *,
        options: ClassifierOptions,
        languages: Sequence[str],
    ) -> None:
        settings = huggingface.settings_of(repository.folder)
        super().__init__(repository.title, repository.title, languages=languages, doubt=Doubt.of(options))
        self.repository = repository
        self.engine = engine
        self.mapping = map_labels(label_names(settings), options.labels)
        self._tokenizer = _tokenizer(repository.folder)
        self._longest = _longest(settings, self._tokenizer)
        self._several = settings.get("problem_type") == "multi_label_classification"
        self._options = options
        self._labels = len(label_names(settings))
        self._batcher = Batcher(self._run, Limits(padding=engine.padding, wait=options.max_wait))
        self._sees = ""

    @classmethod
    def load(cls, repository: huggingface.Repository, *, options: ClassifierOptions, languages: Sequence[str]) -> Self:
        """What loads has judged a text. Raises ModelUnusable where anything is missing, damaged or of another kind."""
        _hush()
        found = cls(repository, _engine(repository, options), options=options, languages=languages)
        chances = found.probabilities([_PROBE])
        if chances.shape != (1, len(LABELS)) or not np.isfinite(chances).all():
            raise ModelUnusable("its weights are damaged: what it answers are no numbers")
        return found

    @property
    def sees(self) -> str:
        """`states` are the means of the last layer; where the model gives none, its `logits` are all there is."""
        if not self._sees:
            width = self.judged([_PROBE])[1].shape[1]
            rows = 1 if self.mapping.entailment is None else len(LABELS)
            kind = "logits" if width == rows * self._labels else "states"
            self._sees = f"{kind}-{self._mark()}-{width}"
        return self._sees

    def _mark(self) -> str:
        """Differs where the same repository is asked otherwise, or read from another of its files."""
        how = (self.repository.weights.files[0], self.mapping.described(), sorted(self._options.hypotheses.items()))
        return f"{zlib.crc32(repr(how).encode()):08x}"

    def _bare_chances(self, utterances: Sequence[Utterance], codes: Sequence[str]) -> Floats:
        return self._of_answers(utterances, self._answers(utterances, codes, embedded=False)[:, :, : self._labels])

    def _judged(self, utterances: Sequence[Utterance], languages: Sequence[str]) -> tuple[Floats, Floats]:
        if not utterances:
            width = int(self.sees.rpartition("-")[2])
            return np.zeros((0, len(LABELS)), np.float32), np.zeros((0, width), np.float32)
        answers = self._answers(utterances, languages, embedded=True)
        logits, states = answers[:, :, : self._labels], answers[:, :, self._labels :]
        seen = states.mean(axis=1) if states.shape[2] else logits.reshape(len(logits), -1)
        seen[[not utterance.text.strip() for utterance in utterances]] = 0
        return self._of_answers(utterances, logits), seen

    def _answers(self, utterances: Sequence[Utterance], codes: Sequence[str], *, embedded: bool) -> Floats:
        """What the model says of each text and, for a model of inference, each hypothesis: (texts, times asked, …).

        The last axis holds the logits and, where `embedded` and the model has them, the states.
        """
        texts = [_readable(utterance.text) for utterance in utterances]
        if self.mapping.entailment is None:
            answers = self._batcher(self._rows(texts, embedded=embedded))
        else:
            asked = pairs(texts, codes, self._options.hypotheses)
            sentences = [sentence for _, sentence in asked]
            answers = self._batcher(self._rows([text for text, _ in asked], sentences, embedded=embedded))
        return answers.reshape(len(texts), -1, answers.shape[1])

    def _of_answers(self, utterances: Sequence[Utterance], logits: Floats) -> Floats:
        if self.mapping.entailment is None:
            said = self._of_labels(logits[:, 0])
        else:
            said = _softmax(logits[:, :, self.mapping.entailment]) + np.float32(_LEAST_CHANCE)
        # where nothing was said, a model would make something of the nothing
        said[[not utterance.text.strip() for utterance in utterances]] = _softmax(NOTHING_SAID[None])
        odds = np.log(said)
        for number, utterance in enumerate(utterances):
            if utterance.rating is not None:
                odds[number] += star_odds(utterance.rating)
        return _softmax(odds)

    def _of_labels(self, logits: Floats) -> Floats:
        each = 1 / (1 + np.exp(-logits)) if self._several else _softmax(logits)
        chances = np.full((len(logits), len(LABELS)), _LEAST_CHANCE, np.float32)
        for place, column in enumerate(self.mapping.columns()):
            chances[:, column] += each[:, place]
        return chances

    def _rows(self, texts: list[str], sentences: list[str] | None = None, *, embedded: bool) -> list[Row]:
        # of a pair only the text is cut; the hypothesis is short
        cut = True if sentences is None else "only_first"
        found = self._tokenizer(texts, sentences, truncation=cut, max_length=self._longest)
        types = found.get("token_type_ids") or [()] * len(texts)
        return [Row(ids, kinds, embedded) for ids, kinds in zip(found["input_ids"], types, strict=True)]

    def _run(self, rows: list[Row]) -> Sequence[Floats]:
        columns = padded(rows, self._tokenizer.pad_token_id or 0)
        if not any(row.embedded for row in rows):
            return list(self._checked(self.engine.logits(columns)))
        logits, states = self.engine.seen(columns)
        self._checked(logits)
        wide = logits if states is None else np.concatenate((logits, states), axis=1)
        return [found if row.embedded else found[: self._labels] for found, row in zip(wide, rows, strict=True)]

    def _checked(self, logits: Floats) -> Floats:
        named = len(self.mapping.columns()) if self.mapping.entailment is None else self._labels
        if logits.shape[1:] != (named,):
            given = logits.shape[1] if logits.ndim > 1 else 1
            raise ModelUnusable(f"it gives {given} numbers a text, but config.json names {named} labels")
        return logits

    def _pulling_words(self, utterance: Utterance, verdict: Verdict) -> list[str]:
        """Words without which the text would be judged so with less confidence, the weightiest first."""
        text = utterance.text
        spans = [match.span() for match in _WORDS.finditer(text)]
        if not 1 < len(spans) <= _EXPLAINED:
            return []
        variants = [text, *(text[:start] + text[end:] for start, end in spans)]
        asked = [Utterance(text=variant) for variant in variants]
        chances = self._chances(asked, [verdict.language] * len(asked))[:, LABELS.index(verdict.label)]
        odds = np.log(chances + 1e-6) - np.log(1 - chances + 1e-6)
        pulls = sorted(zip((odds[0] - odds[1:]).tolist(), spans, strict=True), reverse=True)
        named = (text[start:end].strip(".,;:!?…\"'„“”()") for pull, (start, end) in pulls if pull >= _LEAST_PULL)
        return list(dict.fromkeys(word for word in named if word))[:_MOST_REASONS]


def _hush() -> None:
    """transformers is for people at a notebook: bars, advice, and threads that take every core."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    try:
        from transformers.utils.logging import disable_progress_bar, set_verbosity_error
    except ImportError as error:
        raise ModelUnusable("it needs transformers, which is not installed: pip install transformers") from error
    set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bar()  # type: ignore[no-untyped-call]


def _engine(repository: huggingface.Repository, options: ClassifierOptions) -> Engine:
    first = repository.folder / repository.weights.files[0]
    if repository.weights.engine == "onnx":
        from monitor.classify.onnx import OnnxEngine

        return OnnxEngine(first, device=options.device, threads=options.threads)
    from monitor.classify.torch_model import TorchEngine

    return TorchEngine(repository.folder, device=options.device, threads=options.threads)


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in huggingface.VOCABULARIES):
        raise ModelUnusable(f"there is no tokenizer in {folder}")  # transformers would make an empty one
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged tokenizer.json comes as a bare Exception
        raise ModelUnusable(f"the tokenizer in {folder} is missing or damaged") from error
    if found is None or not callable(found):
        raise ModelUnusable(f"the tokenizer in {folder} is missing or damaged")
    return found


def _longest(settings: Mapping[str, Any], tokenizer: Any) -> int:
    """Tokens that the model can take. Models of RoBERTa's family count positions from behind their padding token."""
    positions = settings.get("max_position_embeddings")
    limits = [_LONGEST, tokenizer.model_max_length]
    if isinstance(positions, int) and positions > 2:
        offset = 2 if "roberta" in str(settings.get("model_type", "")).replace("-", "") or positions == 514 else 0
        limits.append(positions - offset)
    return int(min(limits))


def _readable(text: str) -> str:
    """Without halves of characters, which tokenizers refuse, and of very long texts both ends."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} … {text[-_TAIL:]}"
    return text.encode("utf-8", "replace").decode("utf-8")


def _softmax(logits: Floats) -> Floats:
    lifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = (lifted / lifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return chances
