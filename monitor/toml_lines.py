"""Where a key stands in a TOML text, so that a mistake can be found without searching. Standard library only.

tomllib keeps no positions. This reads headers and keys line by line, which is enough to point at a line; the
values themselves always come from tomllib.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[{{1,2}}\s*(?P<path>{_PATH})\s*\]")
_KEY = re.compile(rf"\s*(?P<path>{_PATH})\s*=")
_MULTI_LINE = re.compile(r'"""|' + "'''")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Line (from 1) of the key at `path`, or of the nearest table around it; None where nothing of it is written."""
    wanted = tuple(part for part in path if isinstance(part, str))
    best: tuple[int, int] | None = None
    line = None
    for number, declared in _declarations(text):
        common = _common(declared, wanted)
        rank = (common, -len(declared))
        if common and (best is None or rank > best):
            best, line = rank, number
    return line


def _declarations(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    for number, line in _lines_outside_strings(text):
        if header := _HEADER.match(line):
            table = _parts(header["path"])
            yield number, table
        elif key := _KEY.match(line):
            yield number, table + _parts(key["path"])


def _lines_outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """Lines that begin outside a multi-line string: what looks like a key inside one is none."""
    opened = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not opened:
            yield number, line
        for mark in _MULTI_LINE.findall(line):
            if not opened:
                opened = mark
            elif mark == opened:
                opened = ""


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
