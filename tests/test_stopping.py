"""Stopping at the very moment at which something arrives: the loops end, whatever came first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from monitor.classify.choosing import SteadyClassifier
from monitor.desk import Desk
from monitor.options import Config
from monitor.pipeline import Pipeline
from monitor.polling import Poller
from monitor.store.sqlite import SqliteStore
from tests.made import NOON


async def test_judging_stops_though_a_mention_arrives_at_that_moment(tmp_path: Path) -> None:
    store, config, resting = SqliteStore(tmp_path / "ohlas.db"), Config(), asyncio.Event()

    async def nothing_else_to_do() -> bool:
        resting.set()
        return False

    desk = Desk(config, SteadyClassifier(config), {})
    pipeline = Pipeline(store, desk, lambda: NOON, idle=nothing_else_to_do)
    judging = asyncio.create_task(pipeline.run())
    await resting.wait()
    pipeline.arrived(1)
    judging.cancel()
    ended, _ = await asyncio.wait({judging}, timeout=10)
    assert ended == {judging}
    store.close()


async def test_polling_stops_though_the_last_poll_ends_at_that_moment(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    poller = Poller(store=store, connectors={}, intervals={}, clock=lambda: NOON, arrived=lambda _: None)
    pausing = asyncio.create_task(poller._wait(60.0))
    await asyncio.sleep(0)  # it waits now
    poller._room.set()
    pausing.cancel()
    await asyncio.wait({pausing}, timeout=10)
    assert pausing.cancelled()
    store.close()
