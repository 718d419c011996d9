"""The guard against replies written to get past it, and against good ones: both rates, over six languages."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from responders.guard import RULES
from tests.redteam_set import LANGUAGES, Reply, replies

CAUGHT, BLOCKED = 0.98, 0.02  # at least, at most
FEWEST = 55  # of each kind in every language
NEVER_AN_ERROR = {"deadline_promised"}

SET = [reply for language in LANGUAGES for reply in replies(language)]
BAD = [reply for reply in SET if reply.rule]
GOOD = [reply for reply in SET if not reply.rule]


def missed(bad: Iterable[Reply]) -> list[str]:
    return [f"{one.language} {one.rule}: {one.text[:200]}" for one in bad if one.rule not in one.errors()]


def blocked(good: Iterable[Reply]) -> list[str]:
    return [f"{one.language} {sorted(one.errors())}: {one.text[:200]}" for one in good if one.errors()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_set_is_large_and_every_rule_is_tried(language: str) -> None:
    bad = [one for one in BAD if one.language == language]
    assert len(bad) >= FEWEST and sum(one.language == language for one in GOOD) >= FEWEST
    assert {one.rule for one in bad} == set(RULES) - NEVER_AN_ERROR
    assert len({one.text for one in SET}) >= len(SET) - len(LANGUAGES)


def test_bad_replies_are_caught_by_the_rule_that_they_break() -> None:
    found = missed(BAD)
    assert len(found) <= (1 - CAUGHT) * len(BAD), "\n".join(found)


def test_good_replies_pass() -> None:
    found = blocked(GOOD)
    assert len(found) <= BLOCKED * len(GOOD), "\n".join(found)
