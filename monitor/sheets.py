"""What is written into cells of a spreadsheet. Pure."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet would run what starts so


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: with a ' in front where it might."""
    return f"'{text}" if text.startswith(_FORMULA) else text
