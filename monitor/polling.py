"""Read every source when its time has come. One loop serves them all; a row in the store is the clock."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor import schedule
from monitor.errors import SourceError, StoreBusy, TemporaryError
from monitor.model import Connector, Page
from monitor.store.mentions import SavedPage
from monitor.store.sources import PollRecord, SourceState
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

POLL_LIMIT = 120.0  # seconds that one poll may take, parsing included
IDLE = 5.0  # seconds between two looks at the clock when nothing is due: finds sources that were pulled forward
CLOCK_JUMP = 60.0  # seconds that the clock may be set back without anybody minding
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
    polls: int = 0
    failures: int = 0
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled; polls under way are cancelled too, and are late next time, not lost."""
        offset = self._offset()
        await self._mend_clock()
        try:
            while True:
                await self._wait(await self._start_due())
                if offset - self._offset() > CLOCK_JUMP:
                    offset = self._offset()
                    await self._mend_clock()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _start_due(self) -> float:
        """Start what is due; returns the seconds until something may be due again."""
        try:
            return await self._claim()
        except StoreBusy as error:
            log.warning("polling pauses: %s", error)
            return PAUSE_WHEN_BUSY

    async def _claim(self) -> float:
        now = self.clock()
        free = self.concurrency - len(self._running)
        if free:
            lease = schedule.lease(now, POLL_LIMIT)
            for state in await self.store.run(self.store.sources.claim_due, now, lease, free):
                task = asyncio.create_task(self._poll(state), name=f"poll {state.name}")
                self._running.add(task)
                task.add_done_callback(self._finished)
        due = await self.store.run(self.store.sources.next_due)
        return IDLE if due is None else min(IDLE, max(0.0, (due - self.clock()).total_seconds()))

    async def _wait(self, pause: float) -> None:
        """Until `pause` seconds are over or, where every place is taken, one becomes free."""
        if len(self._running) >= self.concurrency:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED, timeout=IDLE)
        else:
            await asyncio.sleep(pause)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """A bug or a full disk while one source is saved stops neither the others nor that source for good."""
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreBusy):
            log.warning("%s could not be saved and is read again later: %s", task.get_name(), error)
        elif error is not None:
            log.error("%s failed; it is tried again later", task.get_name(), exc_info=error)

    async def _poll(self, state: SourceState) -> None:
        outcome = await self._read(state)
        self.polls += 1
        self.failures += isinstance(outcome, SourceError)
        now = self.clock()
        page = outcome if isinstance(outcome, Page) else Page()
        record = self._record(state, outcome, now)
        saved = await self.store.run(self.store.mentions.save_page, state.name, page, record, now)
        self._report(state, page, saved)

    async def _read(self, state: SourceState) -> Page | SourceError:
        """The page, or why there is none. What a connector raises beyond its contract is a bug: logged, and retried."""
        task = asyncio.create_task(self.connectors[state.name].poll(state.cursor))
        try:
            done, _ = await asyncio.wait({task}, timeout=POLL_LIMIT)
        finally:
            task.cancel()
        if not done:
            return TemporaryError(f"no answer within {POLL_LIMIT:.0f} s")
        error = task.exception()
        if error is None:
            return task.result()
        if not isinstance(error, SourceError):
            log.error("connector of %s failed", state.name, exc_info=error)
            return TemporaryError(f"unexpected {type(error).__name__}; see the log")
        return error

    def _record(self, state: SourceState, outcome: Page | SourceError, now: datetime) -> PollRecord:
        before = schedule.Standing(schedule.Status(state.status), state.failures, state.refusals)
        happened = (
            schedule.Failed(outcome)
            if isinstance(outcome, SourceError)
            else schedule.Polled(more=outcome.more, wait=outcome.wait)
        )
        spread = random.random()  # noqa: S311 - jitter, not a secret
        plan = schedule.plan(now, self.intervals[state.name], happened, before, spread)
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
            notice=notice.code if notice else "",
        )

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


def _planned_at(state: SourceState) -> datetime | None:
    return max((at for at in (state.last_ok, state.error_at) if at), default=None)
