"""The poller with connectors that keep and break their contract, on a real store and with the clock in our hand."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor import polling
from monitor.contract import Connector, Page
from monitor.errors import AuthError, PermanentError, SourceError, TemporaryError
from monitor.polling import Poller
from monitor.schedule import Status
from monitor.store.sources import PollRecord, SourceState
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, mention

INTERVAL = 900.0


@dataclass
class Told:
    """A source that does what the test tells it: one answer a poll, the last one for ever."""

    answers: list[Page | Exception | Callable[[], None]]
    cursors: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def poll(self, cursor: str) -> Page:
        self.cursors.append(cursor)
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Page):
            return answer
        await self.never.wait()
        return Page()

    async def close(self) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db", busy_timeout=0.01)
    yield opened
    opened.close()


class Bench:
    """A poller over told sources."""

    def __init__(self, store: SqliteStore, **sources: Told) -> None:
        self.now = NOON
        self.store = store
        self.arrived: list[int] = []
        connectors: dict[str, Connector] = dict(sources)
        store.sources.configure(dict.fromkeys(sources, "told"), NOON)
        self.poller = Poller(
            store=store,
            connectors=connectors,
            intervals=dict.fromkeys(sources, INTERVAL),
            clock=lambda: self.now,
            arrived=self.arrived.append,
        )

    async def read(self, forward: float = 0.0) -> None:
        self.now += timedelta(seconds=forward)
        await self.poller.read_due()

    def state(self, name: str) -> SourceState:
        return next(state for state in self.store.sources.all() if state.name == name)

    def due(self, name: str) -> datetime:
        due = self.state(name).due
        assert due is not None
        return due


async def test_what_came_is_saved_with_its_cursor_and_the_next_poll_planned(store: SqliteStore) -> None:
    source = Told([Page(mentions=(mention(1),), cursor="c1"), Page(cursor="c1")])
    bench = Bench(store, shop=source)
    await bench.read()
    assert (store.mentions.count(), bench.arrived, bench.state("shop").cursor) == (1, [1], "c1")
    pause = (bench.due("shop") - NOON).total_seconds()
    assert INTERVAL <= pause <= INTERVAL * 1.1
    await bench.read(INTERVAL * 1.2)
    assert source.cursors == ["", "c1"]
    assert bench.state("shop").last_ok == bench.now, "a poll that brought nothing is written down too"


async def test_nothing_is_read_before_its_time(store: SqliteStore) -> None:
    source = Told([Page(cursor="c")])
    bench = Bench(store, shop=source)
    await bench.read()
    await bench.read(INTERVAL / 2)
    assert len(source.cursors) == 1


async def test_another_page_is_read_soon(store: SqliteStore) -> None:
    pages = [Page(mentions=(mention(n),), cursor=str(n), more=n < 3) for n in (1, 2, 3)]
    source = Told([*pages])
    bench = Bench(store, shop=source)
    for _ in range(3):
        await bench.read(2)
    assert (source.cursors, store.mentions.count()) == (["", "1", "2"], 3)


async def test_what_is_told_while_a_source_is_read_is_looked_for_at_once(store: SqliteStore) -> None:
    source = Told([lambda: None, Page(cursor="c")])
    bench = Bench(store, shop=source)
    reading = asyncio.create_task(bench.read())
    await source.asked.wait()
    for _ in range(3):  # deliveries
        store.sources.pull_forward("shop", bench.now)
    assert bench.due("shop") > bench.now, "nobody reads it a second time meanwhile"
    source.never.set()
    await reading
    assert source.cursors == ["", ""] and bench.due("shop") > bench.now + timedelta(seconds=INTERVAL / 2)


async def test_what_is_told_does_not_shorten_the_pause_after_a_failure(store: SqliteStore) -> None:
    bench = Bench(store, shop=Told([Page()]))
    store.sources.claim_due(NOON, NOON + timedelta(minutes=8), 1)
    store.sources.pull_forward("shop", NOON)
    later = NOON + timedelta(minutes=2)
    failed = PollRecord(source="shop", status="failing", failures=1, refusals=0, due=later, at=NOON, error="503")
    store.sources.record(failed)
    assert bench.due("shop") == later


@pytest.mark.parametrize("error", [TemporaryError("503"), ZeroDivisionError("a bug")])
async def test_a_failure_and_a_bug_cost_only_that_source_and_only_for_a_while(
    store: SqliteStore, error: Exception
) -> None:
    broken, good = Told([error, Page(mentions=(mention(1),), cursor="c")]), Told([Page(cursor="g")])
    bench = Bench(store, broken=broken, good=good)
    await bench.read()
    assert (bench.state("broken").status, bench.state("good").status) == (Status.FAILING, Status.OK)
    assert bench.state("broken").failures == 1
    await bench.read(120)
    assert (bench.state("broken").status, bench.state("broken").last_error) == (Status.OK, "")
    assert store.mentions.count() == 1


async def test_each_trouble_is_told_once_and_its_end_once(store: SqliteStore) -> None:
    troubles: list[Page | Exception | Callable[[], None]] = [TemporaryError("down")] * 4
    bench = Bench(store, shop=Told([*troubles, Page(cursor="c"), Page(cursor="c")]))
    for _ in range(7):
        await bench.read(7200)
    assert [notice.code for notice in reversed(store.sources.notices())] == ["unreachable", "recovered"]


async def test_retry_after_is_kept_to_the_second(store: SqliteStore) -> None:
    source = Told([TemporaryError("429", retry_after=5000.0), Page(cursor="c")])
    bench = Bench(store, shop=source)
    await bench.read()
    await bench.read(4999)
    assert len(source.cursors) == 1
    await bench.read(600)
    assert len(source.cursors) == 2


@pytest.mark.parametrize(("error", "polls"), [(AuthError("401"), 1), (PermanentError("410"), 5)])
async def test_what_a_person_has_to_mend_stops_the_source(store: SqliteStore, error: SourceError, polls: int) -> None:
    source = Told([error])
    bench = Bench(store, shop=source)
    for _ in range(9):
        await bench.read(7200)
    assert (bench.state("shop").status, bench.state("shop").due, len(source.cursors)) == (Status.STOPPED, None, polls)
    assert [notice.code for notice in store.sources.notices()].count("stopped") == 1


async def test_a_poll_that_hangs_is_given_up(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "POLL_LIMIT", 0.01)
    bench = Bench(store, shop=Told([lambda: None]))
    await bench.read()
    assert "no answer" in bench.state("shop").last_error


async def test_a_locked_database_makes_a_page_late_not_lost(store: SqliteStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ohlas.db", isolation_level=None)
    source = Told([Page(mentions=(mention(1),), cursor="c1")])
    bench = Bench(store, shop=source)
    read = source.poll

    async def locked(cursor: str) -> Page:
        page = await read(cursor)
        if len(source.cursors) == 1:
            other.execute("BEGIN EXCLUSIVE")
        return page

    source.poll = locked  # type: ignore[method-assign]
    first = await bench.poller._start_due()
    assert first > 0
    while bench.poller._running:
        await bench.poller._wait(0.05)
    assert await bench.poller._start_due() == polling.PAUSE_WHEN_BUSY, "polling pauses"
    other.execute("ROLLBACK")
    other.close()
    assert store.mentions.count() == 0
    await bench.read(0)
    await bench.read(120)
    assert (store.mentions.count(), source.cursors) == (1, ["", ""])


async def test_a_clock_set_back_by_a_day_does_not_silence_a_source(store: SqliteStore) -> None:
    source = Told([Page(cursor="c")])
    bench = Bench(store, shop=source)
    bench.now = NOON + timedelta(days=1)
    await bench.read()
    bench.now = NOON
    await bench.poller._mend_clock()
    await bench.read(INTERVAL * 1.2)
    assert len(source.cursors) == 2


async def test_many_sources_take_turns(store: SqliteStore) -> None:
    sources = {f"s{n}": Told([Page(mentions=(mention(n, source=f"s{n}"),), cursor="c")]) for n in range(300)}
    bench = Bench(store, **sources)
    await bench.read()
    assert {len(source.cursors) for source in sources.values()} == {1}
    assert store.mentions.count() == 300


async def test_stopping_cancels_what_is_under_way_and_the_next_start_repeats_it(store: SqliteStore) -> None:
    source = Told([lambda: None, Page(cursor="c")])
    bench = Bench(store, shop=source)
    running = asyncio.create_task(bench.poller.run())
    await source.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    store.sources.configure({"shop": "told"}, bench.now)
    await bench.read()
    assert len(source.cursors) == 2
