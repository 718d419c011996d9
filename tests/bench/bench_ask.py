"""How soon people are asked, and what it costs while they do not answer.

    python -m tests.bench.bench_ask

From the delivery of a mention to its card in a Slack on loopback, one after the other; then the share of a core, the
threads and the memory of a service with 10,000 routed drafts that wait, Slack connected, over half a minute.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psutil

from monitor.store.sqlite import SqliteStore
from tests.bench.bench_idle import MiB, cpu, rested
from tests.made import NOON, arrive, draft_all, mention
from tests.test_races import Place, opened

MENTIONS = 200
DRAFTS = 10_000
SETTLED = 45.0  # seconds in which the cards of the newest drafts go out and old verdicts are looked at again
WATCHED = 30.0  # seconds


async def until_the_card(place: Place) -> list[float]:
    """Seconds from the moment before a delivery to the moment in which Slack has the card."""
    took: list[float] = []
    async with place.run() as service:
        await place.connected()
        for number in range(1, MENTIONS + 1):
            start = time.perf_counter()
            await place.deliver(service, number)
            await place.card(number)
            took.append(time.perf_counter() - start)
        await service.stop()
    return sorted(took)


async def waiting(place: Place) -> None:
    store = SqliteStore(place.folder / "state" / "ohlas.db")
    for start in range(0, DRAFTS, 1000):
        arrive(store, *(mention(n, source="reviews") for n in range(start, start + 1000)))
        draft_all(store)
    for asking in store.asking.unrouted(DRAFTS):
        store.asking.route(asking.draft, "", ("eva", "ota"), NOON.replace(year=2099), NOON.replace(year=2099))
    store.close()
    async with place.run() as service:
        process = psutil.Process(service.process.pid)
        await place.connected()
        await asyncio.sleep(SETTLED)
        await rested(process)
        before, threads, memory = cpu(process), process.num_threads(), process.memory_info().rss / MiB
        await asyncio.sleep(WATCHED)
        share = (cpu(process) - before) / WATCHED
        sys.stdout.write(
            f"{DRAFTS} drafts wait: {share:.2%} of a core, threads {threads} -> {process.num_threads()},"
            f" {memory:.0f} -> {process.memory_info().rss / MiB:.0f} MiB\n"
        )
        await service.stop()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder), grace=3600) as place:
            took = await until_the_card(place)
    middle, late = took[len(took) // 2], took[int(len(took) * 0.99)]
    sys.stdout.write(f"mention to card, {MENTIONS}: p50 {middle:.2f} s, p99 {late:.2f} s, longest {took[-1]:.2f} s\n")
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder), grace=3600) as place:
            await waiting(place)


if __name__ == "__main__":
    asyncio.run(main())
