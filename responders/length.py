"""How long a text is, as the platforms count."""

from __future__ import annotations

from collections.abc import Callable

import regex

from monitor.model import LengthUnit

_GRAPHEME = regex.compile(r"\X")


def measure(unit: LengthUnit) -> Callable[[str], int]:
    """The function that counts a text in `unit`. "bytes" are those of UTF-8."""
    if unit == "graphemes":
        return _graphemes
    if unit == "bytes":
        return _bytes
    return len


def _graphemes(text: str) -> int:
    return len(_GRAPHEME.findall(text))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
