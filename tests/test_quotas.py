"""What headers say of quotas."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from monitor.quotas import pause, too_many, until_reset
from tests.made import NOON

EPOCH = str(int(NOON.timestamp()) + 90)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("2026-11-21T12:01:30.000000Z", 90.0),
        ("2026-11-21T12:01:30", 90.0),
        (EPOCH, 90.0),
        ("90", 90.0),
        ("2026-11-21T11:00:00Z", 1.0),
        ("99999999999", 86400.0),
        ("soon", None),
        ("", None),
    ],
)
def test_every_way_of_writing_a_reset(reset: str, seconds: float | None) -> None:
    assert until_reset(CIMultiDict({"X-RateLimit-Reset": reset}), NOON) == seconds
    assert until_reset(CIMultiDict({"RateLimit-Reset": reset}), NOON) == seconds


def test_a_pause_only_where_nothing_is_left() -> None:
    assert pause(CIMultiDict({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": EPOCH}), NOON) == 0
    assert pause(CIMultiDict({"RateLimit-Remaining": "0", "RateLimit-Reset": EPOCH}), NOON) == 90
    assert pause(CIMultiDict({"RateLimit-Remaining": "0"}), NOON) == 0
    assert pause(CIMultiDict(), NOON) == 0


def test_retry_after_comes_first() -> None:
    headers = CIMultiDict({"Retry-After": "7", "X-RateLimit-Reset": EPOCH})
    assert too_many("It", headers, NOON).retry_after == 7
    del headers["Retry-After"]
    assert too_many("It", headers, NOON).retry_after == 90
    assert too_many("It", CIMultiDict(), NOON).retry_after is None
