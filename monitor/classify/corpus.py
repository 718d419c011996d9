"""Reading what the classifier learns from: a folder of JSON Lines, and the project's own phrases."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.errors import OhlasError
from monitor.model import Label

PHRASES = Path(__file__).with_name("phrases")
OWN = "phrases"

LABEL_OF: dict[str, Label] = {
    "complaint": "complaint",
    "negative": "complaint",
    "praise": "praise",
    "positive": "praise",
    "neutral": "neutral",
}

# How much one text of each source counts, by the beginning of its file's name, and of its language where named.
# Editorial sentences are only presumably neutral. Subtitles are labelled by the scene rather than by the words: they
# teach nothing about verdicts, but much about what languages look like.
SOURCE_WORTH = {
    OWN: 0.5,
    "csrest_m": 1.0,
    "xlmt": 1.0,
    "husst": 0.66,
    "tweeteval": 0.33,
    "uci_sentences": 0.33,
    "xfincorp": 0.23,
    "rt_polarity": 0.2,
    "ud_neutral": 0.1,
    "ud_neutral.sk": 0.03,  # little else is Slovak: more would make every unknown Slovak word neutral
    "goemotions": 0.05,
    "xed": 0.0,
}
OWN_WORDS_WORTH = 0.25  # of a list of words, each of which says less than a sentence
# Slovak has next to nothing else; Hungarian has films, which have a way of speaking of their own.
OWN_WORTH_OF = {"sk": 1.5, "hu": 0.6, "en": 1.5}
# Most of what is published is neither complaint nor praise, and most ways to be neither stand in no list. English has
# other sources for that.
OWN_NEUTRAL_LIFT = 2.2
OWN_NEUTRAL_LIFT_OF = {"en": 1.0, "sk": 1.2, "cs": 3.0}
OTHER_WORTH = 0.17
EVEN_OUT = 0.7  # 0 leaves the labels of a source as frequent as they are, 1 makes them weigh the same
MOST_EVENING = 3.0

# Digests of keys of training texts that also stand in sets that we measure on (see `--keep-out` for other sets).
MEASURED_ON = frozenset({"e24d2b3dae02ff1e"})

# uci_sentences holds chatter in Vietnamese among its English sentences.
_VIETNAMESE = re.compile("[ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that the classifier learns from; `worth` is how much it counts."""

    text: str
    label: Label
    language: str
    source: str
    worth: float


def key(text: str) -> str:
    """What two texts have in common when they differ in punctuation, spaces and case only."""
    return "".join(character for character in text.lower() if character.isalnum())


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def texts_of(folder: Path) -> set[str]:
    """Keys of all texts in a folder of JSON Lines, to keep them out of training."""
    return {key(str(entry["text"])) for path in sorted(folder.glob("*.jsonl")) for entry in _lines(path)}


def read(folder: Path, keep_out: Iterable[str] = ()) -> list[Sample]:
    """Samples of `folder` and of the project's phrases: each text once per source, none whose key is in `keep_out`.

    Raises OhlasError where the folder holds no training texts or a line of it cannot be read.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise OhlasError(f"{folder} holds no .jsonl files; give the folder of labelled training texts.")
    found = [*(sample for path in files for sample in _samples(path)), *own_phrases()]
    return _evened_out(_distinct(found, frozenset(keep_out)))


def own_phrases() -> Iterator[Sample]:
    """The project's own sentences: files named after their language, each line a label, a tab and a text."""
    for path in sorted(PHRASES.glob("*.tsv")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            name, tab, text = line.partition("\t")
            if not tab or name not in LABEL_OF or not text.strip():
                raise OhlasError(f"{path.name}, line {number}: write a label, a tab and a text.")
            language, label = path.name.split(".")[0], LABEL_OF[name]
            yield Sample(text.strip(), label, language, OWN, _own_worth(path, language, label))


def _own_worth(path: Path, language: str, label: Label) -> float:
    worth = OWN_WORDS_WORTH if ".words." in path.name else SOURCE_WORTH[OWN]
    lift = OWN_NEUTRAL_LIFT_OF.get(language, OWN_NEUTRAL_LIFT) if label == "neutral" else 1.0
    return worth * OWN_WORTH_OF.get(language, 1.0) * lift


def _lines(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise OhlasError(f"{path.name}, line {number} is not JSON: {error}") from error
            if not isinstance(entry, dict) or "text" not in entry:
                raise OhlasError(f"{path.name}, line {number} has no text.")
            yield entry


def _samples(path: Path) -> Iterator[Sample]:
    source = path.name.split(".")[0]
    for number, entry in enumerate(_lines(path), 1):
        label = LABEL_OF.get(str(entry.get("label")))
        if label is None:
            raise OhlasError(f"{path.name}, line {number}: label {entry.get('label')!r} is none of {list(LABEL_OF)}.")
        language = str(entry.get("lang", ""))
        sample = Sample(str(entry["text"]), label, language, source, _worth(source, language))
        if _usable(sample):
            yield sample


def _worth(source: str, language: str) -> float:
    return SOURCE_WORTH.get(f"{source}.{language}", SOURCE_WORTH.get(source, OTHER_WORTH))


def _usable(sample: Sample) -> bool:
    return not (sample.source == "uci_sentences" and _VIETNAMESE.search(sample.text))


def _distinct(samples: Iterable[Sample], keep_out: frozenset[str]) -> list[Sample]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for sample in samples:
        mark = (sample.source, key(sample.text))
        if mark[1] and mark not in seen and mark[1] not in keep_out and digest(mark[1]) not in MEASURED_ON:
            seen.add(mark)
            kept.append(sample)
    return kept


def _evened_out(samples: list[Sample]) -> list[Sample]:
    """Rare labels of a source count more, so that no source teaches that everything is a complaint."""
    amounts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sample in samples:
        amounts[sample.source, sample.language][sample.label] += 1
    return [
        replace(sample, worth=sample.worth * _lift(amounts[sample.source, sample.language], sample.label))
        for sample in samples
    ]


def _lift(amounts: Counter[str], label: str) -> float:
    even = sum(amounts.values()) / len(amounts)
    return float(min((even / amounts[label]) ** EVEN_OUT, MOST_EVENING))
