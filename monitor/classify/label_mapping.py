"""Which of our labels each label of somebody else's model means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.classify.aspects import fold
from monitor.errors import ModelUnusable
from monitor.model import LABELS, Label

# Beginnings of folded label names, in the languages that models on the hub are labelled in.
_MEANINGS: tuple[tuple[Label, str], ...] = (
    ("neutral", r"neu\b|neutr|neither|mixed|none\b|no emotion|semleges|other\b|question|surpris|curio|confus|realiz"),
    ("complaint", r"neg\b|negat|very neg|complain|staznost|stiznost|panasz|bad\b|poor\b|terrib|unsatisf|dissatisf"),
    ("complaint", r"ang[er]|annoy|sad|disgust|fear|disap|frustrat|grief|remorse|worry"),
    ("praise", r"pos\b|posit|pozit|very pos|prais|compliment|pochval|dicser|good\b|great|excell|satisf"),
    ("praise", r"joy|happ|lov|admir|grat|approv|amus|excite|optimis|pride|relief|caring|trust"),
)
_STARS = re.compile(r"([1-5])\s*(?:stars?|hviezd\w*|hvezd\w*|csillag\w*|sterne?)?")
_NUMBERED = re.compile(r"label[_ ]?(\d+)")
_OF_STARS: tuple[Label, ...] = ("complaint", "complaint", "neutral", "praise", "praise")
# What the numbers mean where a model gives its labels no names, by how many there are: the order in which most of
# the published sentiment models are trained (worst first).
_BY_NUMBER: Mapping[int, tuple[Label, ...]] = {
    2: ("complaint", "praise"),
    3: ("complaint", "neutral", "praise"),
    5: _OF_STARS,
}


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """`meanings` maps each of the model's labels, in the order of its logits, to one of ours.

    `entailment` is the place of that logit in a model of inference, which is asked with sentences instead; else None.
    `assumed` tells that the names said nothing, so that the usual order was taken.
    """

    meanings: Mapping[str, Label]
    entailment: int | None = None
    assumed: bool = False

    def columns(self) -> list[int]:
        """For each of the model's labels, where ours stands in `LABELS`."""
        return [LABELS.index(label) for label in self.meanings.values()]

    def described(self) -> str:
        """For people: "negative -> complaint, …"."""
        if self.entailment is not None:
            return "a model of inference; it is asked whether the text entails a sentence"
        pairs = ", ".join(f"{name} -> {label}" for name, label in self.meanings.items())
        return f"{pairs} (assumed from their order)" if self.assumed else pairs


def map_labels(names: Sequence[str], wanted: Mapping[str, Label] | None = None) -> LabelMapping:
    """What `names`, a model's labels in the order of its logits, mean; `wanted` (name -> ours) wins over the guess.

    Raises ModelUnusable where a name means nothing to us, or where no label would mean a complaint or praise.
    """
    wanted = {key.casefold(): label for key, label in (wanted or {}).items()}
    if strange := wanted.keys() - {name.casefold() for name in names}:
        raise ModelUnusable(
            f"classifier.labels names {_listed(sorted(strange))}, but the model's labels are {_listed(names)}"
        )
    if not wanted and (place := _entailment(names)) is not None:
        return LabelMapping({}, entailment=place)
    numbered = _by_number(names)
    guessed = numbered or {name: meaning_of(name) for name in names}
    found = {name: wanted.get(name.casefold()) or guessed[name] for name in names}
    meanings = {name: label for name, label in found.items() if label is not None}
    _check(names, meanings)
    return LabelMapping(meanings, assumed=bool(numbered) and not wanted)


def label_names(settings: Mapping[str, Any]) -> list[str]:
    """From a model's config.json, in the order of the logits. Raises ModelUnusable where it does not classify texts."""
    kinds = settings.get("architectures") or ["…ForSequenceClassification"]
    if not any("ForSequenceClassification" in str(kind) for kind in kinds):
        raise ModelUnusable(f"it is a {kinds[0]}, and no model that classifies texts (…ForSequenceClassification)")
    count = settings.get("num_labels", 2)  # what transformers assumes where nothing stands
    unnamed = {str(number): f"LABEL_{number}" for number in range(count if isinstance(count, int) else 2)}
    try:
        named = sorted((int(number), str(name)) for number, name in (settings.get("id2label") or unnamed).items())
    except (AttributeError, ValueError) as error:
        raise ModelUnusable("its config.json is damaged: id2label is no table of names") from error
    return [name for _, name in named]


def meaning_of(name: str) -> Label | None:
    """What the name of one label means, None where it says nothing."""
    folded = re.sub(r"[_\-.]+", " ", fold(name)).strip()
    if stars := _STARS.fullmatch(folded):
        return _OF_STARS[int(stars[1]) - 1]
    if re.match(r"(not?|non|un) ", folded):
        return None
    return next((label for label, pattern in _MEANINGS if re.match(pattern, folded)), None)


def _entailment(names: Sequence[str]) -> int | None:
    folded = [fold(name).replace("-", "_") for name in names]
    if not any(name.startswith(("contradict", "not_entail")) for name in folded):
        return None
    return next((place for place, name in enumerate(folded) if name.startswith("entail")), None)


def _by_number(names: Sequence[str]) -> dict[str, Label | None]:
    matches = [_NUMBERED.fullmatch(name.lower()) for name in names]
    order = _BY_NUMBER.get(len(names))
    if order is None or not all(matches):
        return {}
    return {name: order[int(match[1])] for name, match in zip(names, matches, strict=True) if match}


def _check(names: Sequence[str], meanings: Mapping[str, Label]) -> None:
    unknown = [name for name in names if name not in meanings]
    if unknown:
        line = ", ".join(f'{_quoted(name)} = "{meanings.get(name, "neutral")}"' for name in names)
        raise ModelUnusable(
            f"what the model's labels {_listed(unknown)} mean cannot be guessed; say it in [classifier], e.g. "
            f"labels = {{ {line} }}"
        )
    if missing := {"complaint", "praise"} - set(meanings.values()):
        raise ModelUnusable(
            f"none of the model's labels {_listed(names)} means {' or '.join(sorted(missing))}, so it cannot tell "
            "complaint from praise; choose a model of sentiment, or say what they mean in classifier.labels"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in names[:12]) + (", …" if len(names) > 12 else "")


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
