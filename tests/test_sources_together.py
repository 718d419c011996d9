"""A few seconds of what tests/bench/bench_sources.py measures: sources of all kinds on platforms that count."""

from __future__ import annotations

from tests.bench.bench_sources import measure


async def test_no_platform_is_asked_for_more_than_it_gives() -> None:
    found = await measure(seconds=5, share=0.03)
    assert found.over == {} and found.failures == []
    assert all(polls for polls in found.polls.values())
    assert {"mastodon", "x", "youtube", "discourse", "googleplay", "stackexchange"} <= found.requests.keys()
