"""How much of a text fits into a mail: counted in bytes of HTML, for Gmail cuts off what is longer than 102 kB."""

from __future__ import annotations

from typing import Final

from monitor.text import one_line

_WEIGHT: Final = {"&": 5, "<": 4, ">": 4, '"': 5, "'": 5, "\n": 6}


def line(text: str, room: int) -> str:
    """One line, in at most `room` bytes of HTML."""
    return fitting(one_line(text, room), room)[0]


def fitting(text: str, room: int) -> tuple[str, bool]:
    """As much of the text as takes at most `room` bytes of HTML, and whether that is all of it."""
    taken = 0
    for place, letter in enumerate(text):
        taken += _WEIGHT.get(letter) or len(letter.encode(errors="replace"))
        if taken > room:
            return text[:place].rstrip() + "…", False
    return text, True
