"""Values that no platform would send, for tests of what reads its answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import or_
from typing import Any

from hypothesis import strategies as st


def odd(names: Iterable[str], values: Iterable[Any] = ()) -> st.SearchStrategy[Any]:
    """Anything that JSON can hold, preferably with those names and values."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    return st.recursive(
        plain | st.sampled_from([*values, "7", 1e99, "\ud800"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(names)), inner, max_size=4),
        max_leaves=12,
    )


def spoiled(thing: Any, names: Iterable[str] = ()) -> st.SearchStrategy[Any]:
    """Things of the same shape of which parts are missing, are something else, or came in addition."""
    held = list(_held(thing))
    known = {*names, *(name for name, _ in held)}
    return _spoiled(thing, known, odd(known, (value for _, value in held)))


def _spoiled(thing: Any, names: set[str], anything: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if isinstance(thing, list):
        return st.lists(st.one_of([anything, *(_spoiled(one, names, anything) for one in thing)]), max_size=3)
    if not isinstance(thing, dict):
        return st.one_of(st.just(thing), st.just(thing), anything)
    parts = {name: _spoiled(value, names, anything) for name, value in thing.items()}
    whole = st.builds(or_, st.just(thing), st.fixed_dictionaries({}, optional=parts))
    added = st.dictionaries(st.sampled_from(sorted(names)), anything, max_size=2)
    return st.builds(or_, st.fixed_dictionaries({}, optional=parts) | whole, added)


def _held(thing: Any) -> Iterator[tuple[str, Any]]:
    """Every name in it, and the plain values below them."""
    for name, value in thing.items() if isinstance(thing, dict) else ():
        if isinstance(value, dict | list):
            yield name, None
            for one in value if isinstance(value, list) else [value]:
                yield from _held(one)
        else:
            yield name, value
