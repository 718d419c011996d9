"""The guard against replies written to get past it, and against good ones: both rates, over six languages.

Both hold for both authors' replies now. That says little of what a third one would write: blind, the guard caught 39 %
of the second's, and of thirty in words chosen to get past it, it catches 3 (see tests/redteam_set.py). It is a net
under the person who decides about every reply, and no judge in their place.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from responders.guard import RULES
from tests.redteam_set import LANGUAGES, Reply, beyond, fresh, replies

CAUGHT, BLOCKED = 0.98, 0.02  # at least, at most
FEWEST = 55  # of each kind in every language
NEVER_AN_ERROR = {"deadline_promised", "asks_again"}

SET = [reply for language in LANGUAGES for reply in replies(language)]
BAD = [reply for reply in SET if reply.rule]
GOOD = [reply for reply in SET if not reply.rule]
FRESH = [reply for language in LANGUAGES for reply in fresh(language)]


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


def test_the_second_author_wrote_enough_in_every_language() -> None:
    for language in LANGUAGES:
        rules = [one.rule for one in FRESH if one.language == language]
        assert (len([rule for rule in rules if rule]), rules.count("")) == (36, 24)


def test_bad_replies_of_a_second_author_are_caught() -> None:
    bad = [one for one in FRESH if one.rule]
    found = missed(bad)
    assert len(found) <= (1 - CAUGHT) * len(bad), "\n".join(found)


def test_good_replies_of_a_second_author_pass() -> None:
    good = [one for one in FRESH if not one.rule]
    found = blocked(good)
    assert len(found) <= BLOCKED * len(good), "\n".join(found)


def test_of_replies_written_to_get_past_the_cues_few_are_caught() -> None:
    """The number that the README states; more is better, and then the README is to say so."""
    bad = [one for language in LANGUAGES for one in beyond(language)]
    assert (len(bad) - len(missed(bad)), len(bad)) == (3, 30)
