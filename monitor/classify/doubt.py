"""When a person should look at a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from monitor.model import Label

if TYPE_CHECKING:  # pydantic takes 12 MiB, which those who only classify can do without
    from monitor.options import ClassifierOptions

UNSURE_BELOW = 0.60
COMPLAINT_FROM = 0.20


@dataclass(frozen=True, slots=True)
class Doubt:
    """A complaint missed costs more than praise misread, so a slight suspicion of one is enough to doubt."""

    unsure_below: float = UNSURE_BELOW  # confidence
    complaint_from: float = COMPLAINT_FROM  # probability that a text judged praise or neutral is a complaint

    @classmethod
    def of(cls, options: ClassifierOptions) -> Self:
        return cls(options.unsure_below, options.complaint_from)

    def __call__(self, label: Label, confidence: float, complaint: float) -> bool:
        return confidence < self.unsure_below or (label != "complaint" and complaint >= self.complaint_from)
