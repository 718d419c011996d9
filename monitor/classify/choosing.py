"""Which classifier judges: the one that config.toml names, the embedded one where it names none or that one fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitor.classify.adjusting import Learns
from monitor.classify.doubt import Doubt
from monitor.classify.learned import Follower, Shelf
from monitor.errors import ModelUnusable
from monitor.model import Classifier, Utterance, Verdict
from monitor.options import Config

if TYPE_CHECKING:
    from monitor.classify.embedded import EmbeddedClassifier
    from monitor.classify.huggingface import Repository
    from monitor.classify.transformer import TransformerClassifier

log = logging.getLogger(__name__)

RETRY = 300.0  # seconds until a model that failed is tried again


class Model(Classifier, Learns, Protocol):
    """A classifier that can also be measured, and learn."""


def models_folder(config: Config) -> Path:
    """Where pulled models are kept."""
    return config.service.state / "models"


def shelf(config: Config) -> Shelf:
    """Where what was learned from corrections is kept."""
    return Shelf(config.service.state / "learned")


def load(config: Config) -> Model:
    """The classifier that config.toml names. Raises ModelUnusable; nothing costly is imported for the embedded one."""
    return configured(config) if config.classifier.model else embedded(config)


def with_model(config: Config, model: str) -> Config:
    """The same configuration with another model, "" for the embedded one; labels are those of the one it names."""
    classifier = config.classifier
    if model != classifier.model:
        classifier = classifier.model_copy(update={"model": model, "revision": "", "labels": {}})
    return config.model_copy(update={"classifier": classifier})


def embedded(config: Config) -> EmbeddedClassifier:
    # imported late: numpy and the model take longer to load than all the rest
    from monitor.classify.embedded import EmbeddedClassifier

    return EmbeddedClassifier.load(languages=config.drafting.languages, doubt=Doubt.of(config.classifier))


def configured(config: Config) -> TransformerClassifier:
    """The model that `classifier.model` names. Raises ModelUnusable, with the name and what to do."""
    options = config.classifier
    try:
        repository = found(config)
        from monitor.classify.transformer import TransformerClassifier

        return TransformerClassifier.load(repository, options=options, languages=config.drafting.languages)
    except ModelUnusable as error:
        raise ModelUnusable(f"the model {options.model} cannot be used: {error}") from error


def found(config: Config) -> Repository:
    """Its files, checked, not loaded. Raises ModelUnusable."""
    from monitor.classify import huggingface

    options = config.classifier
    gpu = options.device == "cuda" or (options.device == "auto" and huggingface.sees_gpu())
    return huggingface.find(options.model, options.revision, base=config.base, models=models_folder(config), gpu=gpu)


@dataclass
class SteadyClassifier:
    """Judges with the configured model, and with the embedded one for as long as that fails.

    Loads on first use, in the thread that needs it, so that the page is up at once. A stand-in's verdicts carry the
    embedded model's name, so that they are found again. `trouble` says why it stands in, "" where it does not;
    `changed` is told every change of that, once.
    """

    config: Config
    changed: Callable[[str], None] = lambda _trouble: None
    clock: Callable[[], float] = time.monotonic
    retry: float = RETRY
    trouble: str = ""
    _configured: Model | None = None
    _embedded: Model | None = None
    _tried: float | None = None
    _loading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._follower = Follower(shelf(self.config))
        self.name = self.config.classifier.model or "embedded"  # what the model calls itself is known once it is loaded

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        model = self._wanted()
        if model is not None:
            try:
                return model.classify(utterances)
            except ModelUnusable as error:
                self._failed(error)
        return self._stand_in().classify(utterances)

    def explain(self, utterance: Utterance, verdict: Verdict) -> Verdict:
        """By the model that judged."""
        model = self._configured
        if model is not None and verdict.model.startswith(model.base):
            try:
                return model.explain(utterance, verdict)
            except ModelUnusable as error:
                self._failed(error)
                from monitor.classify.reading import added_to  # imported late, like the models, which bring it

                return added_to(replace(verdict, reasons=()), utterance.text)
        return self._stand_in().explain(utterance, verdict)

    @property
    def base(self) -> str:
        """What the configured model calls itself, whatever it has learned since; "" while it does not judge."""
        return self._configured.base if self._configured else ""

    def works(self) -> bool:
        """Whether the configured model judges; tries one that failed again where it is time."""
        return self._wanted() is not None

    def _wanted(self) -> Model | None:
        """The configured model, loaded; None while the embedded one stands in or is all that is wanted."""
        if not self.config.classifier.model:
            return None
        with self._loading:
            if self._configured is None and self._is_due():
                self._load()
            if self.trouble or self._configured is None:
                return None
            self._follower.follow(self._configured)
            self.name = self._configured.name
            return self._configured

    def _is_due(self) -> bool:
        return self._tried is None or self.clock() - self._tried >= self.retry

    def _load(self) -> None:
        from monitor.classify import huggingface

        self._tried = self.clock()
        try:
            model = configured(self.config)
            huggingface.remember(model.repository)
        except ModelUnusable as error:
            self._say(str(error))
            return
        self._configured, self.name = model, model.name
        self._say("")

    def _failed(self, error: ModelUnusable) -> None:
        with self._loading:
            self._configured, self._tried = None, self.clock()
            self._say(f"the model {self.config.classifier.model} failed: {error}")

    def _say(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if trouble and not before:
            log.warning("%s; the embedded one stands in, and what it judges is judged again later", trouble)
        elif before and not trouble:
            log.info("the model %s judges again", self.config.classifier.model)
        if trouble != before:
            self.changed(trouble)

    def _stand_in(self) -> Model:
        if self._embedded is None:
            self._embedded = embedded(self.config)
        if not self.config.classifier.model:  # what was learned for another model is of no use to a stand-in
            self._follower.follow(self._embedded)
        return self._embedded
