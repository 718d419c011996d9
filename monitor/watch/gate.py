"""Finds out soon that a text holds none of the terms: one automaton for all of them, run once over the text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from string import ascii_lowercase
from typing import Any

from monitor.watch.readable import ODD

_MEMORY = 64 << 20  # bytes that RE2 may take at most; it takes what it meets
_ACCENTED = r"\x{c0}-\x{24f}\x{1e00}-\x{1eff}"  # all that monitor.text.plain makes a plain letter of
_BEFORE = r"(?:^|[^A-Za-z\x{c0}-\x{24f}])"  # no letter of ours; a class of all letters would be far larger
_LETTERS = 6  # of a stem; more would make the automaton larger and let hardly less in


class Gate:
    """For texts as they are, which need not be folded then."""

    def __init__(self, stems: Collection[str], exact: Collection[str]) -> None:
        shapes = sorted({"".join(map(_in_any_shape, stem[:_LETTERS])) for stem in stems})
        ways = [*([f"{_BEFORE}(?:{'|'.join(shapes)})"] if shapes else []), *map(_escaped, exact)]
        self._compiled = _compiled("|".join([f"[{ODD}]", *ways])) if ways else None

    def lets_in(self, text: str) -> bool:
        """False where surely nothing is to be found."""
        return self._compiled is not None and self._compiled.search(text) is not None


def starts(stems: Collection[str]) -> Callable[[str], Iterator[int]]:
    """Tells where in a folded text words with one of these beginnings may begin: there, or one letter later."""
    if not stems:
        return lambda _folded: iter(())
    beginnings = sorted({_escaped(stem[:_LETTERS]) for stem in stems})
    compiled = _compiled(f"{_BEFORE}(?:{'|'.join(beginnings)})")

    return lambda folded: (hit.start() for hit in compiled.finditer(folded))


def _compiled(pattern: str) -> Any:
    import re2  # only who watches for something needs it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)


def _in_any_shape(letter: str) -> str:
    """The letter, or any that may be one with an accent; to tell which would make the automaton ten times as large."""
    accented = _ACCENTED if letter in ascii_lowercase else ""
    return f"[{_escaped(letter)}{_escaped(letter.upper()) if accented else ''}{accented}]"


def _escaped(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter == " " else f"\\x{{{ord(letter):x}}}" for letter in text)
