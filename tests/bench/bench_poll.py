"""Costs 1 and 2: what polling feeds takes over a bare loop of GETs. Run: python -m tests.bench.bench_poll

1. The whole poll path at 90 % 304, in polls a second: at least 0.5x the bare loop.
2. A poll that finds an unchanged body under 200, in time: at most 1.25x a bare GET.

The feeds come from a second process, so that serving them does not slow the loop that is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp

from connectors.rss import ACCEPT, Settings, connect
from monitor.contract import Connector
from monitor.http import Http
from monitor.polling import Poller
from monitor.service import utc_now
from monitor.store.sqlite import SqliteStore

FEEDS = 500
AT_ONCE = 16
ROUNDS = 5
ENTRIES = 10

Round = Callable[[], Awaitable[None]]  # one poll of every feed
Side = Callable[[str, str], AbstractAsyncContextManager[Round]]


# ---- the server


def feed(fresh: object, entries: int) -> bytes:
    items = "".join(
        f"<item><guid>{fresh}-{n}</guid><title>Príspevok {n}</title><link>https://forum.example/{n}</link>"
        f"<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;{'Balík prišiel neskoro. ' * 8}"
        f"&lt;/p&gt;</description></item>"
        for n in range(entries)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()


def answer(path: str, conditional: bool, fresh: Iterable[int], entries: int) -> bytes:
    """Every tenth feed under /mixed/ is new each time; the others, and all under /same/, never change."""
    number = int(path.rpartition("/")[2])
    changes = path.startswith("/mixed/") and number % 10 == 0
    if path.startswith("/mixed/") and conditional and not changes:
        return b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
    body = feed(next(iter(fresh)) if changes else 0, entries)
    return b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n%b' % (len(body), body)


async def serve(entries: int) -> None:
    fresh = count(1)
    unchanged = {"/same/": answer("/same/0", False, fresh, entries)}

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                ready = unchanged.get(path[:6])
                writer.write(ready or answer(path, "if-none-match" in head.lower(), fresh, entries))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def serving(entries: int) -> AsyncIterator[str]:
    command = (sys.executable, "-m", "tests.bench.bench_poll", "serve", str(entries))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


# ---- the two loops


@asynccontextmanager
async def bare(origin: str, kind: str) -> AsyncIterator[Round]:
    headers = {"Accept": ACCEPT} | ({"If-None-Match": '"1"'} if kind == "mixed" else {})
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=4)) as session:

        async def poll(number: int) -> None:
            async with session.get(f"{origin}/{kind}/{number}", headers=headers) as response:
                await response.read()

        yield lambda: in_lanes(poll)


@asynccontextmanager
async def polled(origin: str, kind: str) -> AsyncIterator[Round]:
    """The connector alone: what a poll takes before there is anything to save."""
    async with Http(allow_private=["127.0.0.1"]) as session:
        feeds = [
            connect(Settings(kind="rss", name=f"feed-{n}", url=f"{origin}/{kind}/{n}"), session) for n in range(FEEDS)
        ]
        cursors = [""] * FEEDS

        async def poll(number: int) -> None:
            cursors[number] = (await feeds[number].poll(cursors[number])).cursor

        yield lambda: in_lanes(poll)
        await asyncio.gather(*(connector.close() for connector in feeds))


async def in_lanes(poll: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(FEEDS))

    async def lane() -> None:
        for number in numbers:
            await poll(number)

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))


@asynccontextmanager
async def whole(origin: str, kind: str) -> AsyncIterator[Round]:
    """The service's own poller with a real store: claim, fetch, parse, dedupe, insert, plan the next poll."""
    names = [f"feed-{n}" for n in range(FEEDS)]
    with tempfile.TemporaryDirectory() as folder:
        async with Http(allow_private=["127.0.0.1"]) as session:
            feeds: dict[str, Connector] = {
                name: connect(Settings(kind="rss", name=name, url=f"{origin}/{kind}/{number}"), session)
                for number, name in enumerate(names)
            }
            store = SqliteStore(Path(folder) / "ohlas.db")
            store.sources.configure(dict.fromkeys(names, "rss"), utc_now())
            poller = Poller(
                store=store,
                connectors=feeds,
                intervals=dict.fromkeys(names, 86400.0),
                clock=utc_now,
                arrived=lambda _count: None,
                concurrency=AT_ONCE,
            )

            async def one_round() -> None:
                store.sources.reschedule(dict.fromkeys(names, utc_now()))
                await poller.read_due()

            yield one_round
            await asyncio.gather(*(connector.close() for connector in feeds.values()))
            store.close()


@dataclass(frozen=True)
class Cost:
    """Seconds for one poll of every feed: by the clock, and of this process' computing."""

    clock: float
    computing: float


async def timed(one_round: Round) -> Cost:
    clock, computing = time.perf_counter(), time.process_time()
    await one_round()
    return Cost(time.perf_counter() - clock, time.process_time() - computing)


async def compare(kind: str, entries: int, path: Side) -> tuple[Cost, Cost]:
    """Medians of the bare loop and of ours; the rounds alternate, so that a busy machine slows both."""
    async with serving(entries) as origin, bare(origin, kind) as theirs, path(origin, kind) as ours:
        await theirs()
        await ours()  # the first poll of every feed parses it; what repeats is what costs
        rounds = [(await timed(theirs), await timed(ours)) for _ in range(ROUNDS)]
    return median(a for a, _ in rounds), median(b for _, b in rounds)


def median(costs: Iterable[Cost]) -> Cost:
    kept = list(costs)
    return Cost(statistics.median(c.clock for c in kept), statistics.median(c.computing for c in kept))


async def main() -> None:
    for entries in (1, ENTRIES, 50):
        theirs, ours = await compare("mixed", entries, whole)
        print(
            f"cost 1: {theirs.clock / ours.clock:.2f}x by the clock, {theirs.computing / ours.computing:.2f}x computing"
            f" (target >= 0.5x); 90 % 304, the rest new with {entries} entries, {kib(entries)} KiB;"
            f" bare {FEEDS / theirs.clock:.0f}/s, whole {FEEDS / ours.clock:.0f}/s"
        )
    for entries in (ENTRIES, 200):
        theirs, ours = await compare("same", entries, polled)
        print(
            f"cost 2: {ours.clock / theirs.clock:.2f}x by the clock, {ours.computing / theirs.computing:.2f}x computing"
            f" (target <= 1.25x); unchanged body of {kib(entries)} KiB;"
            f" bare {theirs.clock / FEEDS * 1e6:.0f} us, poll {ours.clock / FEEDS * 1e6:.0f} us"
        )


def kib(entries: int) -> str:
    return f"{len(feed(0, entries)) / 1024:.1f}"


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[2])) if sys.argv[1:2] == ["serve"] else main())
