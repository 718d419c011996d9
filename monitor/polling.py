"""Read every source when its time has come. One loop serves them all; a row in the store is the clock."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from monitor import budgets, schedule
from monitor.budgets import Budget, CanBudget, Key, Sharing
from monitor.contract import CanReadTold, Connector, Page
from monitor.errors import BudgetSpent, SourceError, StoreBusy, TemporaryError, cause_of
from monitor.ledger import Ledger
from monitor.store.mentions import SavedPage
from monitor.store.sources import PollRecord, SourceState
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

POLL_LIMIT = 120.0  # seconds that one poll may take, parsing included
IDLE = 5.0  # seconds between two looks at the clock when nothing is due: finds sources that were pulled forward
QUEUE = 4  # times as many sources are claimed at once as are read at once
SHORT = 0.2  # the same while polls are under way, for their ends are written down then
PAUSE_WHEN_BUSY = 5.0  # seconds, while the database is locked or the disk is full


@dataclass(slots=True)
class Poller:
    """`arrived` is called with the number of mentions to judge, after they are saved."""

    store: SqliteStore
    connectors: Mapping[str, Connector]
    intervals: Mapping[str, float]
    clock: Callable[[], datetime]
    arrived: Callable[[int], None]
    concurrency: int = 16
    ledger: Ledger = field(default_factory=Ledger)  # of the connectors' `Http`
    polls: int = 0
    failures: int = 0
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _unwritten: list[PollRecord] = field(default_factory=list)  # of polls that brought nothing
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _places: asyncio.Semaphore = field(init=False)
    sharing: Sharing = field(init=False)
    _wanted: Mapping[Key, float] = field(init=False)
    _once: Mapping[Key, float] = field(init=False)
    _rounds: dict[Key, float] = field(default_factory=lambda: defaultdict(float))  # what they should have taken

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.concurrency)
        shares = {name: one.budgets for name, one in self.connectors.items() if isinstance(one, CanBudget)}
        self.sharing = Sharing(shares, self.intervals)
        self._wanted, self._once = self.sharing.wanted(), self.sharing.once()

    async def run(self) -> None:
        """Until cancelled; polls under way are cancelled too, and are late next time, not lost."""
        offset = self._offset()
        await self._mend_clock()
        try:
            while True:
                await self._wait(await self._start_due())
                if schedule.clock_jump(self._offset(), offset) < 0:
                    offset = self._offset()
                    await self._mend_clock()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await asyncio.shield(self._write_down())

    async def read_due(self) -> None:
        """Everything that is due now, once."""
        pause = await self._start_due()
        while not pause or self._running or self._unwritten:
            await self._wait(pause)
            pause = await self._start_due()

    async def _start_due(self) -> float:
        """Start what is due; returns the seconds until something may be due again."""
        try:
            return await self._claim()
        except StoreBusy as error:
            log.warning("polling pauses: %s", error)
            return PAUSE_WHEN_BUSY

    async def _write_down(self) -> None:
        """Most polls bring nothing: what is known of them is written together. A crash before that repeats them."""
        await self.save_spending()
        if self._unwritten:
            records = tuple(self._unwritten)
            await self.store.run(self.store.sources.record, *records)
            del self._unwritten[: len(records)]  # kept until then: the database may be busy

    async def save_spending(self) -> None:
        """Before the polls that it paid for: a crash may repeat a poll, but must not forget what it cost."""
        async with self._saving:  # what is under way already must not be added twice
            if booked := self.ledger.unwritten():
                await self.store.run(self.store.budgets.record, booked, self.clock())
                self.ledger.written(booked)

    async def _claim(self) -> float:
        await self._write_down()
        now = self.clock()
        free = self.concurrency * QUEUE - len(self._running)
        lease = schedule.lease(now, POLL_LIMIT * QUEUE)
        claimed = await self.store.run(self.store.sources.claim_due, now, lease, free)
        for state in claimed:
            task = asyncio.create_task(self._poll(state), name=f"poll {state.name}")
            self._running.add(task)
            task.add_done_callback(partial(self._finished, state))
        self._room.clear()
        if len(claimed) == free:
            return IDLE  # more may be due; `_finished` says when there is room for it
        due = await self.store.run(self.store.sources.next_due)
        longest = SHORT if self._running or self._unwritten else IDLE
        return longest if due is None else min(longest, max(0.0, (due - self.clock()).total_seconds()))

    async def _wait(self, pause: float) -> None:
        """Until `pause` seconds are over, or until few polls are left of those that were claimed."""
        try:
            async with asyncio.timeout(pause):  # wait_for of Python 3.11 may swallow a cancellation
                await self._room.wait()
        except TimeoutError:
            return

    def _finished(self, state: SourceState, task: asyncio.Task[None]) -> None:
        """What a connector raises beyond its contract is a bug; it stops neither the others nor this one for good."""
        self._running.discard(task)
        if len(self._running) in (0, self.concurrency):
            self._room.set()
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if isinstance(error, StoreBusy):
            why = TemporaryError(f"what it brought could not be saved, so it is read again: {error}", cause="not_saved")
        else:
            log.error("source %s failed", state.name, exc_info=error)
            why = TemporaryError(
                f"unexpected {type(error).__name__}; see the log", cause="bug", words=type(error).__name__
            )
        self._unwritten.append(self._record(state, why, self.clock()))

    async def _poll(self, state: SourceState) -> None:
        async with self._places:
            begun = self.clock()
            outcome = await self._read(state, begun)
        self.polls += 1
        self.failures += isinstance(outcome, SourceError) and not isinstance(outcome, BudgetSpent)
        now = self.clock()
        record = replace(self._record(state, outcome, now), begun=begun)
        if isinstance(outcome, Page) and _is_kept(outcome, state.cursor):
            await self.save_spending()
            saved = await self.store.run(self.store.mentions.save_page, state.name, outcome, record, now)
            self._report(state, outcome, saved)
        else:
            self._unwritten.append(record)

    async def _read(self, state: SourceState, now: datetime) -> Page | SourceError:
        connector = self.connectors[state.name]
        if isinstance(connector, CanReadTold):
            told = await self.store.run(self.store.told.due, state.name, now)
            return await page_or_error(connector.poll_told(state.cursor, told))
        return await page_or_error(connector.poll(state.cursor))

    def _record(self, state: SourceState, outcome: Page | SourceError, now: datetime) -> PollRecord:
        before = schedule.Standing(schedule.Status(state.status), state.failures, state.refusals)
        happened = _happened(outcome)
        spread = random.random()  # noqa: S311 - jitter, not a secret
        plan = schedule.plan(now, self._interval(state.name, happened, now), happened, before, spread)
        notice = schedule.notice(before, plan.standing, happened)
        if notice:
            log.warning("source %s: %s %s", state.name, schedule.NOTICE_CODES[notice.code], notice.detail)
        return PollRecord(
            source=state.name,
            status=plan.standing.status,
            failures=plan.standing.failures,
            refusals=plan.standing.refusals,
            due=plan.due,
            at=now,
            cursor=outcome.cursor if isinstance(outcome, Page) else None,
            error=str(outcome) if isinstance(outcome, SourceError) else "",
            cause=cause_of(outcome) if isinstance(outcome, SourceError) else "",
            notice=notice.code if notice else "",
        )

    def _interval(self, name: str, happened: schedule.Outcome, now: datetime) -> float:
        """Seconds; longer where a budget would not last."""
        usual = self.intervals[name]
        if not isinstance(happened, schedule.Polled) or happened.more:
            return usual
        shares = {budget: amount for budget, amount in self.sharing.shares.get(name, {}).items() if amount}
        for budget, amount in shares.items():
            self._rounds[budget.key] += amount
        lasting = [
            budgets.interval(budget, self.ledger.spending(budget), self._wants(budget), usual, now) for budget in shares
        ]
        return max([usual, *lasting])

    def _wants(self, budget: Budget) -> float:
        """What all who share it would spend in a second, with what rounds really took: news and answers take more.

        One round of everybody is taken for what it should be, as at first many rounds are begun and few are over.
        """
        key, once = budget.key, self._once[budget.key]
        return self._wanted[key] * max(1.0, (self.ledger.taken(budget) + once) / (self._rounds[key] + once))

    def _report(self, state: SourceState, page: Page, saved: SavedPage) -> None:
        for reason in page.skipped[:5]:
            log.info("source %s: left out %s", state.name, reason)
        if saved.new or saved.edited:
            log.info("source %s: %d new, %d edited", state.name, saved.new, saved.edited)
            self.arrived(saved.new + saved.edited)

    def _offset(self) -> float:
        """How far the wall clock is from the monotonic one; changes only when somebody sets the clock."""
        return self.clock().timestamp() - asyncio.get_running_loop().time()

    async def _mend_clock(self) -> None:
        """After the clock was set back, due times may lie days away."""
        now = self.clock()
        states = await self.store.run(self.store.sources.all)
        sane = {
            state.name: schedule.sane_due(state.due, _planned_at(state), now, self.intervals[state.name])
            for state in states
            if state.due and state.name in self.intervals
        }
        moved = {state.name: sane[state.name] for state in states if sane.get(state.name, state.due) != state.due}
        if moved:
            await self.store.run(self.store.sources.reschedule, moved)


async def page_or_error(reading: Awaitable[Page]) -> Page | SourceError:
    """What a connector reads, or why it did not within POLL_LIMIT."""
    try:
        async with asyncio.timeout(POLL_LIMIT):
            return await reading
    except SourceError as error:
        return error
    except TimeoutError:
        return TemporaryError(f"no answer within {POLL_LIMIT:.0f} s", cause="slow")


def _is_kept(page: Page, cursor: str) -> bool:
    """Whether there is more to save than that the poll went well."""
    return bool(page.mentions or page.gone or page.read or page.put_off) or page.cursor != cursor


def _happened(outcome: Page | SourceError) -> schedule.Outcome:
    match outcome:
        case BudgetSpent():
            return schedule.Waited(outcome.until)
        case SourceError():
            return schedule.Failed(outcome)
    return schedule.Polled(more=outcome.more, wait=outcome.wait)


def _planned_at(state: SourceState) -> datetime | None:
    return max((at for at in (state.last_ok, state.error_at) if at), default=None)
