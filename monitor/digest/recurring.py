"""What complaints keep coming back to, and which of them says it best. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from monitor.spikes import chance
from monitor.store.highlights import Highlight

LEAST: Final = 2  # complaints about the same; one is no pattern
MOST: Final = 4  # aspects
_UNLIKELY: Final = 0.05  # that chance brings so many
_READABLE: Final = 140  # characters of a good quotation


def recurring(counts: Mapping[str, int], usual: Mapping[str, float] | None) -> list[tuple[str, bool]]:
    """Aspects worth naming, and whether they rise: those that rise first, then by number.

    `counts` are complaints of the period by aspect, `usual` the mean of periods before, None where it is not known.
    """
    named = [aspect for aspect, count in counts.items() if count >= LEAST]
    rising = {aspect: usual is not None and _rises(counts[aspect], usual.get(aspect, 0.0)) for aspect in named}
    named.sort(key=lambda aspect: (not rising[aspect], -counts[aspect], aspect))
    return [(aspect, rising[aspect]) for aspect in named[:MOST]]


def _rises(count: int, usual: float) -> bool:
    """Half a complaint more than usual, so that the first two of a kind are no alarm."""
    return count > LEAST and chance(count, usual + 0.5) < _UNLIKELY


def quotation(candidates: Sequence[Highlight], taken: frozenset[int] = frozenset()) -> Highlight | None:
    """The one that reads best beside a number: neither a word nor a novel, and not quoted before."""
    said = [one for one in candidates if one.text.strip() and one.mention_id not in taken]
    return min(said, key=lambda one: abs(len(one.text) - _READABLE), default=None)
