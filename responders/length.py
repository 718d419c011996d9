"""How long a text is, as the platforms count."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from types import ModuleType

import regex

from monitor.contract import LengthUnit

_GRAPHEME = regex.compile(r"\X")
_WORTH_COUNTING = 700  # characters; a longer text is too long for X anyway, and looking for links in it takes long


def measure(unit: LengthUnit) -> Callable[[str], int]:
    """The function that counts a text in `unit`. "bytes" are those of UTF-8, "utf16" is how Telegram counts: emoji 2;
    "weighted" is how X counts: most letters 1, Chinese ones and emoji 2, a link 23 however long it is."""
    if unit == "graphemes":
        return _graphemes
    if unit == "bytes":
        return _bytes
    if unit == "utf16":
        return _utf16
    if unit == "weighted":
        return _weighted
    return len


def _graphemes(text: str) -> int:
    return len(_GRAPHEME.findall(text))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _utf16(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


def _weighted(text: str) -> int:
    if len(text) > _WORTH_COUNTING or any("\ud800" <= letter <= "\udfff" for letter in text):
        return len(text)
    return int(_twitter_text().parse_tweet(text).weightedLength)


@lru_cache(maxsize=1)
def _twitter_text() -> ModuleType:
    """The library reads one file of its own through pkg_resources, which setuptools does not bring any more."""
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_string = _resource  # type: ignore[attr-defined]
    real = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        import twitter_text
    finally:
        if real is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = real
    found: ModuleType = twitter_text
    return found


def _resource(module: str, name: str) -> bytes:
    return (resources.files(module.rpartition(".")[0]) / name).read_bytes()
