"""What an entry of a platform says of the posts above it, by their ids: "root", "parent". Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

_SHORTEST: Final = 8  # letters of an id that is nothing else; "3" may count something


def pointers(raw: Mapping[str, Any]) -> Iterator[str]:
    """Whatever may be the id of another post."""
    for value in raw.values():
        for one in value.values() if isinstance(value, dict) else (value,):
            if isinstance(one, str) and len(one) >= _SHORTEST:
                yield one


def without(raw: Mapping[str, Any], posts: Collection[str]) -> dict[str, Any]:
    """The same without what points to one of these posts: an entry that is answered is then the first of its kind."""
    return {
        name: ({} if isinstance(value, dict) else "") if any(one in posts for one in pointers({name: value})) else value
        for name, value in raw.items()
    }
