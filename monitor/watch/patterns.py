"""Regular expressions of the configuration, run by RE2: no pattern can make it try again and again."""

from __future__ import annotations

from functools import cache
from typing import Any

from monitor.text import plain

# RE2 takes steps in proportion to the text times the program at worst, whatever the pattern.
_LARGEST = 1_000  # instructions of a program
_MEMORY = 4 << 20  # bytes that RE2 may take for one pattern; with less it gets slower, not wrong


class Pattern:
    """Runs on the folded text: lower case, no diacritics. `text` is the pattern as it was written."""

    def __init__(self, text: str) -> None:
        """Raises ValueError that says what is wrong with `text`."""
        self.text = text
        self._compiled = _compiled(text)

    def span(self, folded: str) -> tuple[int, int] | None:
        """The first place where something fits; None where nothing does."""
        found = self._compiled.search(folded)
        return found.span() if found and found.end() > found.start() else None


@cache
def _compiled(text: str) -> Any:
    import re2  # only who writes patterns needs it

    try:
        compiled = re2.compile(_folded(text), _options(re2))
    except re2.error as error:
        raise ValueError(_hint(str(error.args[0], "utf-8", "replace") if error.args else "")) from None
    if compiled.programsize > _LARGEST:
        raise ValueError("is too large; make it shorter, or its repetitions smaller")
    if compiled.search(""):
        raise ValueError("fits a text without any letter, so it would take everything")
    return compiled


def _options(re2: Any) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def _folded(text: str) -> str:
    r"""Letters without their accents; ASCII stays, for \W is not \w."""
    return "".join(letter if letter.isascii() else plain(letter) for letter in text)


def _hint(message: str) -> str:
    if "perl operator" in message or "escape sequence" in message:
        return f"{message}; look-arounds and references back are not known here, for they can stall"
    return message or "is no regular expression"
