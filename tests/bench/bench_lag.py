"""Cost 3: how long the event loop keeps others waiting while a hostile feed is parsed and a batch is judged.

    python -m tests.bench.bench_lag

The lag is what a timer of one millisecond is late. The bare loop does the same waiting with nothing else to do; then
with the service's own parts at work: the rss connector reading a feed that takes the parser more than a second, and
the pipeline judging and drafting batch after batch. Percentiles of one run each, in one process.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from connectors.rss import Settings, connect
from monitor.errors import SourceError
from monitor.http import Http
from monitor.options import Config
from monitor.service import SWITCH_INTERVAL, Service, responsive
from monitor.store.sqlite import SqliteStore
from tests.loopback import LOOPBACK, Answer, Loopback
from tests.made import arrive, mention

SECONDS = 6.0
TICK = 0.001
BATCHES = 40

Work = Callable[[], Awaitable[object]]


async def lags(work: Work) -> list[float]:
    """How late, in seconds, each tick came while `work` went on."""
    loop = asyncio.get_running_loop()
    busy = asyncio.ensure_future(work())
    late: list[float] = []
    while not busy.done():
        due = loop.time() + TICK
        await asyncio.sleep(TICK)
        late.append(loop.time() - due)
    await busy
    return sorted(late)


async def bare() -> None:
    await asyncio.sleep(SECONDS)


def hostile() -> bytes:
    """Small, and slow to parse: elements that are never closed, with attributes that are never used."""
    attributes = " ".join(f'a{n}="{n}"' for n in range(4000))
    unclosed = "<b><i><div " * 2000
    return (
        f'<rss version="2.0"><channel><title>x</title><item {attributes}><title>y</title>'
        f"<description><![CDATA[{unclosed}]]></description></item></channel></rss>"
    ).encode()


async def at_work(folder: Path) -> None:
    store = SqliteStore(folder / "ohlas.db")
    service = Service(Config(base=folder), store, {})
    for batch in range(BATCHES):
        arrive(store, *(mention(n) for n in range(batch * 128, (batch + 1) * 128)))
    reading = asyncio.ensure_future(read_hostile())
    while await service.pipeline.step():
        pass
    await reading
    store.close()


async def read_hostile() -> None:
    async with Loopback(Answer(hostile(), headers={"Content-Type": "application/rss+xml"})) as server:
        async with Http(allow_private=LOOPBACK) as http:
            source = connect(Settings(kind="rss", name="hostile", url=server.url("/feed")), http)
            try:
                await source.poll("")
            except SourceError as error:
                print(f"  (the hostile feed ended with: {error})")
            await source.close()


def percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] * 1000


async def main() -> None:
    responsive()
    idle = await lags(bare)
    with tempfile.TemporaryDirectory() as folder:
        busy = await lags(lambda: at_work(Path(folder)))
    print(f"threads take turns every {SWITCH_INTERVAL * 1000:.1f} ms; {len(idle)} and {len(busy)} ticks")
    for share, target in ((0.5, ""), (0.99, " (target <= 5x)"), (1.0, "")):
        calm, worked = percentile(idle, share), percentile(busy, share)
        name = "longest" if share == 1.0 else f"p{share * 100:.0f}"
        print(f"cost 3, lag {name}: {worked / calm:.2f}x the bare loop's{target}; {worked:.2f} against {calm:.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
