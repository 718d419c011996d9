"""Finds out soon that a text holds none of the terms: one automaton for all of them, run once over the text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

from monitor.text import plain
from monitor.watch.readable import ODD

_MEMORY = 256 << 20  # bytes that RE2 may take at most; it takes what it meets
_LETTERS = 6  # of a stem; more would make the automaton larger and let hardly less in


class Gate:
    """For texts as they are, which need not be folded then."""

    def __init__(self, stems: Collection[str], exact: Collection[str]) -> None:
        beginnings = sorted({stem[:_LETTERS] for stem in stems})
        ways = [*(rf"(?:^|[^\pL])(?:{''.join(map(_in_any_shape, one))})" for one in beginnings), *map(_escaped, exact)]
        self._compiled = _compiled("|".join([f"[{ODD}]", *ways])) if ways else None

    def lets_in(self, text: str) -> bool:
        """False where surely nothing is to be found."""
        return self._compiled is not None and self._compiled.search(text) is not None


def starts(stems: Collection[str]) -> Callable[[str], Iterator[int]]:
    """Tells where in a folded text words with one of these beginnings may begin: there, or one letter later."""
    if not stems:
        return lambda _folded: iter(())
    beginnings = sorted({_escaped(stem[:_LETTERS]) for stem in stems})
    compiled = _compiled(rf"(?:^|[^\pL])(?:{'|'.join(beginnings)})")

    def found(folded: str) -> Iterator[int]:
        place = 0
        while hit := compiled.search(folded, place):
            yield hit.start()
            place = hit.start() + 1

    return found


def _compiled(pattern: str) -> Any:
    import re2  # only who watches for something needs it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)


def _in_any_shape(letter: str) -> str:
    """A class of all letters that fold to this one."""
    return f"[{_escaped(letter)}{_shapes().get(letter, '')}]"


@cache
def _shapes() -> dict[str, str]:
    shapes: dict[str, str] = {}
    for code in (*range(ord("A"), ord("Z") + 1), *range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        if (folded := plain(chr(code))) != chr(code):
            shapes[folded] = shapes.get(folded, "") + chr(code)
    return shapes


def _escaped(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter == " " else f"\\x{{{ord(letter):x}}}" for letter in text)
