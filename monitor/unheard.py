"""How many unhappy customers said nothing: an estimate, and always to be called one. Pure.

Surveys of Technical Assistance Research Programs (TARP: "Consumer Complaint Handling in America", for the White House
Office of Consumer Affairs, 1979 and 1986) are where the well-known number comes from that businesses hear from about
4 of 100 dissatisfied customers. It depends on the trade, on the price and on how easy it is to write; nobody measured
it for this shop. So it is never given alone, but with what 10 of 100 and 2 of 100 would mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

SHARE: Final = 0.04  # of the unhappy who write
MOST_SHARE: Final = 0.10
LEAST_SHARE: Final = 0.02
FEWEST: Final = 5  # complaints; from fewer nothing can be estimated
SOURCE: Final = "TARP 1979, 1986"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """`about` so many did not write, between `least` and `most`; rounded to two digits, for it is a guess."""

    about: int
    least: int
    most: int


def unheard(complaints: int) -> Unheard | None:
    """None where there are too few complaints to say anything."""
    if complaints < FEWEST:
        return None
    about, least, most = (_silent(complaints, share) for share in (SHARE, MOST_SHARE, LEAST_SHARE))
    return Unheard(about=about, least=least, most=most)


def _silent(complaints: int, share: float) -> int:
    number = complaints / share - complaints
    return int(round(number, 1 - math.floor(math.log10(number))))
