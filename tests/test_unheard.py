"""The estimate of those who were unhappy and did not write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.unheard import FEWEST, LEAST_SHARE, MOST_SHARE, SHARE, Unheard, unheard


def test_one_of_twenty_five_writes() -> None:
    assert unheard(100) == Unheard(about=2_400, least=900, most=4_900)
    assert unheard(153) == Unheard(about=3_700, least=1_400, most=7_500)


@pytest.mark.parametrize("complaints", range(FEWEST))
def test_from_a_few_nothing_is_estimated(complaints: int) -> None:
    assert unheard(complaints) is None


@given(st.integers(FEWEST, 10_000_000))
def test_it_is_within_its_range_and_near_what_the_shares_say(complaints: int) -> None:
    found = unheard(complaints)
    assert found is not None and found.least < found.about < found.most
    for number, share in ((found.least, MOST_SHARE), (found.about, SHARE), (found.most, LEAST_SHARE)):
        assert number == pytest.approx(complaints / share - complaints, rel=0.05)
        assert len(str(number).rstrip("0")) <= 2, "a guess of four digits would pretend to know"
