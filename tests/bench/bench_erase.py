"""How long others wait while many mentions are erased, and how long the file is written anew.

    python -m tests.bench.bench_erase [mentions]

A second process writes a row every 5 ms into the same file, as a poll does, and keeps the longest time that one took:
first alone, then while all mentions are erased as the service does it, while the file is written anew, and while as
many rows of old messages are deleted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.contract import Page
from monitor.retention import Keeper
from monitor.retention_options import RetentionOptions
from monitor.store.compacting import scour
from monitor.store.engine import Engine
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, draft_all, mention

EVERY = 0.005  # seconds between two writes of the other process
PAGE = 500


def fill(store: SqliteStore, mentions: int) -> None:
    for start in range(0, mentions, PAGE):
        page = tuple(
            mention(n, text=f"{mention(n).text} " + "Čakám už tri týždne. " * (n % 20))
            for n in range(start, start + PAGE)
        )
        store.mentions.save_page("shop", Page(mentions=page), None, NOON)
    while draft_all(store):
        pass


def send(store: SqliteStore, messages: int) -> None:
    """Long ago, and emptied since."""
    with store._engine.writing() as connection:
        connection.executemany(
            "INSERT INTO message (key, medium, recipient, person, kind, rev, body, state, attempts, external_id, at)"
            " VALUES ('mail-' || ?1, 'mail', 'jana@shop.example', 'jana', 'notice', 0, '', 'sent', 1, '<' || ?1, ?2)",
            [(f"source-{number}-jana@shop.example", NOON.timestamp()) for number in range(messages)],
        )


def write(path: Path, stop: Event, ready: Event, result: multiprocessing.Queue[tuple[float, float, int]]) -> None:
    engine = Engine(path, busy_timeout=120.0)
    took: list[float] = []
    ready.set()
    while not stop.is_set():
        began = time.perf_counter()
        with engine.writing() as connection:
            connection.execute("INSERT INTO notice (at, source, code, text) VALUES (0, 'bench', '', '')")
        took.append(time.perf_counter() - began)
        time.sleep(EVERY)
    took.sort()
    result.put((took[-1], took[int(len(took) * 0.99)], len(took)))
    engine.close()


def beside(path: Path, work: Callable[[], object]) -> tuple[float, float, float]:
    """Seconds that the work took; the longest write of the other process, and that which 99 % were not above."""
    stop, ready = multiprocessing.Event(), multiprocessing.Event()
    result: multiprocessing.Queue[tuple[float, float, int]] = multiprocessing.Queue()
    other = multiprocessing.Process(target=write, args=(path, stop, ready, result))
    other.start()
    ready.wait()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    stop.set()
    longest, most, _ = result.get()
    other.join()
    return took, longest, most


def main(mentions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ohlas.db"
        store = SqliteStore(path)
        fill(store, mentions)
        size = path.stat().st_size / 1e6
        now = NOON + timedelta(days=900)
        keeper = Keeper(store, RetentionOptions(), {}, ZoneInfo("Europe/Bratislava"), lambda: now)
        alone = beside(path, lambda: time.sleep(3))
        erasing = beside(path, lambda: asyncio.run(keeper.step()))
        left = store._engine.rows("SELECT count(*) FROM mention WHERE erased_at IS NULL")[0][0]
        assert left == 0, left
        anew = beside(path, lambda: scour(path, store.erasing.unfinished(), now))
        send(store, mentions)
        again = Keeper(store, RetentionOptions(), {}, ZoneInfo("Europe/Bratislava"), lambda: now)
        deleting = beside(path, lambda: asyncio.run(again.step()))
        assert store._engine.rows("SELECT count(*) FROM message")[0][0] == 0
        store.close()
    print(f"{mentions} mentions with drafts, {size:.0f} MB")
    for name, (took, longest, most) in (
        ("alone", alone),
        ("erasing all", erasing),
        ("writing anew", anew),
        ("deleting rows", deleting),
    ):
        print(
            f"{name:>14}: {took:7.2f} s; a write beside it: longest {longest * 1e3:8.1f} ms, 99 % {most * 1e3:6.1f} ms"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
