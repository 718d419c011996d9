"""What is wrong with a playbook, as a person would say it: place, mistake and what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pydantic import ValidationError


def problems(error: ValidationError, keys: tuple[str, ...]) -> Iterator[str]:
    """One line each; `keys` are all that a playbook knows."""
    for detail in error.errors(include_url=False):
        yield f"{_place(detail['loc'])}: {_hint(detail['type'], detail['msg'], str(detail['loc'][-1]), keys)}"


def _place(path: tuple[int | str, ...]) -> str:
    """As a person would point at it: "complaint.solution.product, sentence 5: offers"."""
    at = next((place for place, step in enumerate(path) if isinstance(step, int)), None)
    if at is None:
        return ".".join(str(step) for step in path)
    inner = "" if path[at + 1 :] in ((), ("text",)) else f": {path[at + 1]}"
    return f"{'.'.join(str(step) for step in path[:at])}, sentence {int(path[at]) + 1}{inner}"


def _hint(kind: str, message: str, key: str, keys: tuple[str, ...]) -> str:
    if kind == "extra_forbidden":
        return f"is not known here{meant(key, keys)}"
    if kind == "missing":
        return "is missing; copy it from the shipped playbook of this language"
    return message.removeprefix("Value error, ")


def meant(word: str, words: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
