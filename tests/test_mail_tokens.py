"""Marks that come back in replies, and the words that decide there."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.errors import StoreError
from responders.mail.keywords import KEYWORDS, Asked, asked, shown_keyword
from responders.mail.tokens import (
    LENGTH,
    PURPOSES,
    VALID,
    Token,
    TokenError,
    find_tokens,
    key_of,
    make_token,
    plus_address,
    read_token,
)
from responders.words import LANGUAGES
from tests.made import NOON

KEY = bytes(range(32))
TOKEN = Token(draft_id=42, rev=3, person="Zuzana Kráľová", purpose="decide", expires=NOON + VALID)
NAMES = ("you", "Zuzana Kráľová")


@given(
    draft=some.integers(1, 2**40 - 1),
    rev=some.integers(0, 2**16 - 1),
    person=some.sampled_from(NAMES),
    purpose=some.sampled_from(PURPOSES),
)
def test_what_is_written_is_read(draft: int, rev: int, person: str, purpose: str) -> None:
    token = replace(TOKEN, draft_id=draft, rev=rev, person=person, purpose=purpose)
    made = make_token(KEY, token)
    assert len(made) == LENGTH and made.isalnum() and made == made.lower()
    assert read_token(KEY, made, NAMES, NOON) == token
    assert read_token(KEY, made.upper(), NAMES, NOON) == token


def test_no_letter_of_it_can_be_changed() -> None:
    made = make_token(KEY, TOKEN)
    for place, letter in enumerate(made):
        changed = made[:place] + ("a" if letter != "a" else "b") + made[place + 1 :]
        with pytest.raises(TokenError):
            read_token(KEY, changed, NAMES, NOON)


@pytest.mark.parametrize("text", ["", "abc", "a" * LENGTH, "ž" * LENGTH, "a" * LENGTH + "\n", "0" * LENGTH])
def test_junk_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read_token(KEY, text, NAMES, NOON)


def test_it_ends_with_its_time_its_person_and_its_key() -> None:
    made = make_token(KEY, TOKEN)
    assert read_token(KEY, made, NAMES, NOON + VALID - timedelta(seconds=1)) == TOKEN
    with pytest.raises(TokenError, match="too old"):
        read_token(KEY, made, NAMES, NOON + VALID)
    with pytest.raises(TokenError, match="not in config"):
        read_token(KEY, made, ("you",), NOON)
    with pytest.raises(TokenError, match="not made here"):
        read_token(KEY[::-1], made, NAMES, NOON)


def test_a_number_that_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        make_token(KEY, replace(TOKEN, draft_id=2**40))


def test_it_is_found_again_wherever_it_stands() -> None:
    made = make_token(KEY, TOKEN)
    address = plus_address("ohlas@shop.example", made)
    assert address == f"ohlas+{made}@shop.example" and len(address.partition("@")[0]) <= 64
    assert find_tokens(address.upper(), f"<draft-42@x> <{made}.mark@shop.example>", "> Značka: " + made) == [made]
    assert find_tokens("a" * 64, "") == []


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: key_of(state), range(32)))
    assert len(keys) == 1 and len(keys.pop()) == 32
    assert stat.S_IMODE((state / "mail.key").stat().st_mode) == 0o600
    assert [file.name for file in state.iterdir()] == ["mail.key"]


@pytest.mark.parametrize("written", ["", "abcd", "no hex"])
def test_a_damaged_key_is_told(tmp_path: Path, written: str) -> None:
    (tmp_path / "mail.key").write_text(written)
    with pytest.raises(StoreError, match=r"mail\.key.*delete the file"):
        key_of(tmp_path)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("schváliť", Asked(wanted="approve")),
        ("SCHVALIT!", Asked(wanted="approve")),
        ("  Schváliť.  ", Asked(wanted="approve")),
        ("„Jóváhagy“", Asked(wanted="approve")),
        ("jovahagyom", Asked(wanted="approve")),
        ("*Approve*", Asked(wanted="approve")),
        ("hagyja   jóvá", Asked(wanted="approve")),
        ("Zamietnuť: volala som jej", Asked(wanted="reject", rest="volala som jej")),
        ("zamítám – už vyřízeno", Asked(wanted="reject", rest="už vyřízeno")),
        ("elutasít", Asked(wanted="reject")),
        ("upraviť:", Asked(wanted="edit")),
        ("schváliť, ale až zajtra", None),
        ("neschváliť", None),
        ("do not approve", None),
        ("nem hagyom jóvá", None),
        ("approve and reject", None),
        ("schváliť zamietnuť", None),
        ("áno", None),
        ("", None),
        ("> schváliť", None),
    ],
)
def test_only_a_keyword_alone_decides(line: str, wanted: Asked | None) -> None:
    assert asked(line) == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_words(language: str) -> None:
    for wanted, words in KEYWORDS[language].items():
        assert shown_keyword(wanted, language) == words[0]
        for word in words:
            assert asked(word) == asked(word.upper()) == Asked(wanted=wanted)
