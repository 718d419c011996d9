"""Cost 7: what an idle Ohlas takes, against a process that only imports aiohttp.web.

    python -m tests.bench.bench_idle

Everything is measured in one run: start and memory of a service that has seen the samples already, memory at 10,000
feeds against 10, and the share of a core that 10,000 waiting drafts take. A start counts in processor time, which
depends less on what else the machine does.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from monitor.store.sqlite import SqliteStore
from tests.made import arrive, draft_all, mention
from tests.running import ROOT, Running

REPEATS = 5
WATCHED = 20.0  # seconds over which an idle service's work is counted
MiB = 2**20


def bare() -> tuple[float, float]:
    """Processor seconds and MiB of a process that imports aiohttp.web and ends; the median of several."""
    script = "import aiohttp.web, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    runs = []
    for _ in range(REPEATS):
        before = spent_by_children()
        shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        runs.append((spent_by_children() - before, int(shown.stdout) / 1024))
    return median(run[0] for run in runs), median(run[1] for run in runs)


def median(values: Iterator[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


async def started(folder: Path) -> float:
    """Processor seconds until the page is up."""
    before = spent_by_children()
    async with Running(folder) as service:
        service.kill()
    return spent_by_children() - before


def spent_by_children() -> float:
    """Processor seconds of all that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def resident(folder: Path, watched: float = 0.0) -> tuple[float, float]:
    """MiB once the service has nothing to do, and the share of a core it takes over `watched` seconds after that."""
    async with Running(folder) as service:
        process = psutil.Process(service.process.pid)
        await rested(process)
        before = cpu(process)
        await asyncio.sleep(watched)
        spent = cpu(process) - before
        memory = process.memory_info().rss / MiB
        await service.stop()
    return memory, spent / watched if watched else 0.0


async def rested(process: psutil.Process) -> None:
    """Until a whole second took less than a twentieth of a core."""
    while True:
        before = cpu(process)
        await asyncio.sleep(1.0)
        if cpu(process) - before < 0.05:
            return


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@contextmanager
def place(config: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_text(config)
        yield Path(folder)


def feeds(number: int) -> str:
    """Feeds of a folder beside config.toml that are never due again within a run: files need no network."""
    return "[page]\nport = 0\n" + "".join(
        f'[sources.s{n}]\nkind = "rss"\npath = "sample:forum.rss"\ninterval = 86400\n' for n in range(number)
    )


async def memory_of_feeds(number: int) -> float:
    """Sources that were read before and wait for their next time."""
    with place(feeds(number)) as folder:
        store = SqliteStore(folder / "state" / "ohlas.db")
        from datetime import UTC, datetime, timedelta

        now = datetime.now(UTC)
        names = {f"s{n}": "rss" for n in range(number)}
        store.sources.configure(names, now)
        store.sources.reschedule({name: now + timedelta(hours=12) for name in names})
        store.close()
        memory, _ = await resident(folder)
        return memory


async def cost_of_waiting(drafts: int) -> float:
    with place("[page]\nport = 0\n") as folder:
        store = SqliteStore(folder / "state" / "ohlas.db")
        for start in range(0, drafts, 1000):
            arrive(store, *(mention(n) for n in range(start, start + 1000)))
            draft_all(store)
        store.close()
        _, share = await resident(folder, WATCHED)
        return share


async def main() -> None:
    bare_start, bare_memory = bare()
    print(f"import aiohttp.web: {bare_start:.2f} s, {bare_memory:.0f} MiB")
    with place((ROOT / "config.toml").read_text().replace("port = 8080", "port = 0")) as folder:
        await resident(folder)  # the samples are read, judged and drafted
        start = median(iter([await started(folder) for _ in range(REPEATS)]))
        memory, _ = await resident(folder)
    print(f"cost 7, start: {start / bare_start:.2f}x ({start:.2f} s; target <= 2x)")
    print(f"cost 7, memory: {memory / bare_memory:.2f}x ({memory:.0f} MiB; target <= 2.5x)")
    few, many = await memory_of_feeds(10), await memory_of_feeds(10_000)
    print(f"cost 7, 10,000 feeds: {many / few:.2f}x the memory of 10 ({many:.0f} MiB; target <= 1.5x)")
    share = await cost_of_waiting(10_000)
    print(f"cost 7, 10,000 drafts waiting: {share:.2%} of a core (target < 0.5 %)")


if __name__ == "__main__":
    asyncio.run(main())
