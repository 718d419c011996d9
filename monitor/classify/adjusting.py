"""The seam between a classifier and what a team's corrections add to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from monitor.model import Reason, Utterance, Verdict

if TYPE_CHECKING:  # numpy is not needed by those who only choose a model
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Adjust(Protocol):
    @property
    def name(self) -> str: ...

    def __call__(self, chances: Floats, seen: Floats) -> Floats:
        """The classifier's probabilities, one row an utterance, as the team sees them; `seen` as `Learns.judged`."""
        ...

    def reasons(self, utterance: Utterance, chances: Floats, verdict: Verdict) -> list[Reason]:
        """What to tell a person where the verdict would be another one without the corrections."""
        ...


class Learns(Protocol):
    """A classifier that can be adjusted. `base` names it without what was learned, down to its very weights."""

    name: str
    base: str
    learned: Adjust | None

    @property
    def sees(self) -> str:
        """What its features are, and after the last "-" how many; what was learned on others is of no use to it."""
        ...

    def judged(self, utterances: Sequence[Utterance]) -> tuple[Floats, Floats]:
        """Probabilities without what was learned, and features: a row an utterance, zeros where nothing was said."""
        ...

    def probabilities(self, utterances: Sequence[Utterance]) -> Floats:
        """One row an utterance, columns in the order of `LABELS`."""
        ...
