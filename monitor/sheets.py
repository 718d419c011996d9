"""What is written into cells of a spreadsheet. Pure.

Spreadsheets take the separator of their user's country, whatever the file was written with: Excel in Slovakia ends a
cell of a file with commas at each semicolon, and a row at each line break, for a quote that stands within such a cell
quotes nothing. So a text is looked through for whatever might begin a cell there.
"""

from __future__ import annotations

import re
from typing import Final

BOM: Final = b"\xef\xbb\xbf"  # Excel reads the file as UTF-8 then
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet would run what starts so
_BEHIND_SEPARATOR = re.compile(r"(?<=[;,\t\r\n])(?=[ \"]*[=+\-@])")
_ACTS = "(|!["  # signs without which a formula calls nothing and reads nothing from elsewhere: "100,- Kč", ";-)"


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula, or for several: with a ' in front where it might."""
    within = max(text.rfind(sign) for sign in _ACTS) + 1
    disarmed = _BEHIND_SEPARATOR.sub("'", text[:within]) + text[within:]
    return f"'{disarmed}" if text.startswith(_FORMULA) else disarmed


def cell(value: object, excel: bool) -> str:
    """A plain value as text; `excel` writes numbers as they are written around here, with a decimal comma."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.10g}".replace(".", "," if excel else ".")
    return harmless(str(value))
