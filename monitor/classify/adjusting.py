"""The seam between a classifier and what a team's corrections add to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from monitor.model import Reason, Utterance, Verdict

if TYPE_CHECKING:  # numpy is not needed by those who only choose a model
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Adjust(Protocol):
    @property
    def name(self) -> str: ...

    def __call__(self, utterances: Sequence[Utterance], chances: Floats) -> Floats:
        """The classifier's probabilities, one row an utterance, as the team sees them."""
        ...

    def reasons(self, utterance: Utterance, chances: Floats, verdict: Verdict) -> list[Reason]:
        """What to tell a person where the verdict would be another one without the corrections."""
        ...


class Learns(Protocol):
    """A classifier that can be adjusted. `base` names it without what was learned, down to its very weights."""

    name: str
    base: str
    learned: Adjust | None

    def probabilities(self, utterances: Sequence[Utterance]) -> Floats:
        """One row an utterance, columns in the order of `LABELS`."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """A classifier that can say what it sees in a text."""

    def features(self, utterances: Sequence[Utterance]) -> Floats:
        """One row of a fixed length for each, of a Euclidean length of about 1; zeros where nothing was said."""
        ...
