"""`ohlas guard`: a reply in, findings as JSON out, with or without a config.toml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import COMPLAINT, answer, ohlas

MENTION = {"source": "web", "id": "7", "author": "Eva Malá", "text": COMPLAINT, "url": ""}
GOOD = "Dobrý deň, veľmi nás to mrzí. Chceme zistiť, čo sa stalo. Ozvite sa nám, prosím, a vyriešime to."


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without config.toml, and with a mention."""
    monkeypatch.chdir(tmp_path)
    Path("mention.json").write_text(json.dumps(MENTION), encoding="utf-8")


def guard(text: str, *more: str) -> Any:
    return answer("guard", "--mention", "mention.json", *more, stdin=text)


def rules(answered: Any) -> set[str]:
    return {finding["rule"] for finding in answered["findings"] if finding["severity"] == "error"}


def test_a_good_reply_has_nothing_against_it() -> None:
    answered = guard(GOOD)
    assert set(answered) == {"blocks", "findings", "language", "length", "verdict"}
    assert (answered["blocks"], answered["findings"], answered["language"]) == (False, [], "sk")
    assert answered["length"] == {"count": len(GOOD), "unit": "characters", "most": 5000}


def test_a_bad_one_is_blocked_with_rule_and_excerpt() -> None:
    answered = guard(f"{GOOD} Peniaze Vám vrátime.")
    assert answered["blocks"] and rules(answered) == {"unapproved_promise"}
    assert answered["findings"][0]["excerpt"] == "Peniaze Vám vrátime."


def test_earlier_replies_and_another_language_are_told() -> None:
    Path("before.txt").write_text(GOOD, encoding="utf-8")
    assert rules(guard(GOOD, "--earlier", "before.txt")) == {"repetition"}
    assert "wrong_language" in rules(guard(GOOD, "--language", "hu"))


def test_an_empty_reply_is_a_finding() -> None:
    assert rules(guard("\n")) == {"empty"}


def test_the_policy_of_the_configuration_counts() -> None:
    Path("config.toml").write_text('[policy]\nmay_offer = ["refund"]\n', encoding="utf-8")
    assert rules(guard(f"{GOOD} Peniaze Vám vrátime.")) == set()


@pytest.mark.parametrize(("body", "told"), [(b"\xff", "not UTF-8"), (b"[]", "one JSON object"), (b"{", "not JSON")])
def test_mistakes_are_told(body: bytes, told: str) -> None:
    Path("mention.json").write_bytes(body)
    result = ohlas("guard", "--mention", "mention.json", stdin=GOOD)
    assert result.exit_code == 2 and told in result.stderr
