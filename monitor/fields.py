"""Reads fields of answers that others wrote: what is missing, or of another type than expected, counts as empty.

Several names are names of one thing; the first that holds something is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def string(thing: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := thing.get(name), str) and value), "")


def inner(thing: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return next((value for name in names if isinstance(value := thing.get(name), dict)), {})


def rows(thing: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """The objects of a list; whatever else it holds is left out."""
    found = next((value for name in names if isinstance(value := thing.get(name), list) and value), [])
    return [one for one in found if isinstance(one, dict)]


def things(found: object) -> list[dict[str, Any]]:
    """The entries of a list; one that is no object counts as empty, so that it is not overlooked."""
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def json_object(body: bytes) -> dict[str, Any]:
    """{} where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def strings(thing: Mapping[str, Any], *names: str) -> list[str]:
    """The texts of a list; whatever else it holds is left out."""
    found = next((value for name in names if isinstance(value := thing.get(name), list) and value), [])
    return [one for one in found if isinstance(one, str)]
