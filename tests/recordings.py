"""Answers that others recorded. They lie beside the project and are no part of it: without them a test is skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.loopback import Answer

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"


def recorded(name: str) -> bytes:
    """`name` is its path below the recordings."""
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"there is no recording {path}")
    return path.read_bytes()


def replayed(name: str, part: str = "", method: str = "") -> list[Answer]:
    """The answers on a cassette, of YAML or JSON, to requests with `part` in their address and of that `method`, if
    any; with what they tell of quotas."""
    cassette = recorded(name)
    tape: dict[str, Any] = json.loads(cassette) if name.endswith(".json") else yaml.safe_load(cassette)
    wanted = [one for one in tape["interactions"] if part in one["request"]["uri"]]
    return [_answer(one["response"]) for one in wanted if method in ("", one["request"]["method"])]


def _answer(response: dict[str, Any]) -> Answer:
    quotas = {name: values[0] for name, values in response["headers"].items() if "rate" in name.lower()}
    return Answer(response["body"]["string"].encode(), response["status"]["code"], quotas)
