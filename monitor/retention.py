"""How long things are kept, and what is erased when: old words a few at a time, what was asked for at once.

Nothing here holds the database for long, but for writing its file anew, which is done at night unless a person asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from monitor.contract import Connector, MustForget, MustLookAgain
from monitor.errors import ConfigError
from monitor.retention_options import RetentionOptions
from monitor.settings import connector_module
from monitor.store.audit import OHLAS
from monitor.store.backups import outlived
from monitor.store.compacting import scour
from monitor.store.erasing import Why
from monitor.store.leftovers import RULES, Deadline, Rule
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

TICK = 30.0  # seconds between two looks whether somebody asked for something
DAILY = timedelta(hours=24)
BATCH = 20  # mentions erased in one transaction: a few milliseconds each
ROWS = 200  # deleted in one transaction: 20 to 50 microseconds each
WINDOW = 1000  # mentions looked at in one go
CATCHING_UP = timedelta(hours=1)  # after a start, in which what is kept is looked at again before it is erased for that
NIGHT = (2, 5)  # hours, in the page's time zone, between which the file is written anew
REST = 1.0  # of the time that a step took, so that others have their turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """What came, or was changed last, before these moments is erased; None: never."""

    answered: datetime | None
    unanswered: datetime | None
    drafts: datetime | None
    messages: datetime | None
    audit: datetime | None
    backups: datetime | None

    def of(self, deadline: Deadline) -> datetime | None:
        return self.messages if deadline == "messages" else self.audit


def deadlines(options: RetentionOptions, now: datetime) -> Deadlines:
    from dateutil.relativedelta import relativedelta  # imported late: the page is up without it

    def ago(months: int) -> datetime | None:
        return now - relativedelta(months=months) if months else None

    return Deadlines(
        answered=ago(options.answered),
        unanswered=ago(options.unanswered),
        drafts=ago(options.drafts),
        messages=ago(options.messages),
        audit=ago(options.audit),
        backups=ago(options.backup_age),
    )


def gone_before(options: RetentionOptions, connector: Connector | None, now: datetime) -> datetime | None:
    """Mentions of a source that were found deleted before then are erased; None: never."""
    if isinstance(connector, MustForget):
        return now - connector.forget_within
    return now - timedelta(days=options.gone) if options.gone else None


def look_within(kind: str) -> timedelta | None:
    """For how long sources of that kind may keep what they do not look at again; None: for as long as they like."""
    try:
        module = connector_module(kind)
    except ConfigError:
        return None  # one that Ohlas no longer has
    own = (one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__)
    return min((one.look_within for one in own if isinstance(one, MustLookAgain)), default=None)


def is_night(now: datetime, zone: ZoneInfo) -> bool:
    return NIGHT[0] <= now.astimezone(zone).hour < NIGHT[1]


@dataclass(slots=True)
class Keeper:
    """Erases what was asked for, what was deleted at its source, and what was kept for long enough."""

    store: SqliteStore
    options: RetentionOptions
    connectors: Mapping[str, Connector]
    zone: ZoneInfo
    clock: Callable[[], datetime]
    _aged_at: datetime | None = field(default=None)  # when old words were looked for last
    _begun: datetime | None = field(default=None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(TICK)

    async def step(self) -> None:
        now = self.clock()
        await self._ask_for_gone(now)
        self._begun = self._begun or now
        if now - self._begun >= CATCHING_UP:
            await self._ask_for_overdue(now)
        if self._aged_at is None or abs(now - self._aged_at) >= DAILY:
            await self._age(now)
            self._aged_at = now
        await self._erase()
        await self._clean(now)

    async def _ask_for_gone(self, now: datetime) -> None:
        erasing = self.store.erasing
        for source in await self.store.run(erasing.gone_sources):
            before = gone_before(self.options, self.connectors.get(source), now)
            while before and (ids := await self.store.run(erasing.gone, source, before, WINDOW)):
                if not await self._ask(ids, "gone", now):
                    break  # these wait already

    async def _ask_for_overdue(self, now: datetime) -> None:
        """What may not be kept without a look at the original, and could not be looked at."""
        for source, connector in self.connectors.items():
            if isinstance(connector, MustLookAgain):
                await self._ask_for_unseen(source, now - connector.look_within, now)

    async def _ask_for_removed(self, now: datetime) -> None:
        """The same of sources that are no longer in config.toml, which nobody looks at."""
        for source, kind in (await self.store.run(self.store.sources.removed)).items():
            if (within := look_within(kind)) and source not in self.connectors:
                await self._ask_for_unseen(source, now - within, now)

    async def _ask_for_unseen(self, source: str, before: datetime, now: datetime) -> None:
        while ids := await self.store.run(self.store.looks.overdue, source, before, WINDOW):
            if not await self._ask(ids, "retention", now):
                break  # these wait already

    async def _age(self, now: datetime) -> None:
        """Once a day, everything that was kept for long enough."""
        due, erasing = deadlines(self.options, now), self.store.erasing
        after: tuple[float, int] | None = (0.0, 0)
        while after is not None:
            old = await self.store.run(erasing.old_texts, due.answered, due.unanswered, after, WINDOW)
            await self._ask(old.ids, "retention", now)
            after = old.reached
        if due.drafts:
            await self._repeat(partial(erasing.wipe_old_drafts, due.drafts, BATCH, now))
        if due.messages:
            await self._repeat(partial(erasing.wipe_old_messages, due.messages, BATCH))
        if due.audit:
            await self._repeat(partial(erasing.delete_old_decisions, due.audit, BATCH))
        for rule in RULES:
            if before := due.of(rule.deadline) if rule.deadline else now:
                await self._sweep(rule, before, now)
        await self._remove_backups(due)
        await self._ask_for_removed(now)

    async def _sweep(self, rule: Rule, before: datetime, now: datetime) -> None:
        """Once through a table, with rests like `_repeat`."""
        after: int | None = 0
        while after is not None:
            began = time.monotonic()
            swept = await self.store.run(self.store.leftovers.delete, rule, before, now, after, ROWS)
            after = swept.reached
            await asyncio.sleep((time.monotonic() - began) * REST)

    async def _remove_backups(self, due: Deadlines) -> None:
        backups = await self.store.run(self.store.backups.all)
        if old := outlived(backups, self.options.backups, due.backups):
            await self.store.run(self.store.backups.remove, old)
            log.info("%d backups were deleted, they are older than [retention] allows", len(old))

    async def _ask(self, ids: Sequence[int], why: Why, now: datetime) -> int:
        ask = partial(self.store.erasing.ask, ids, actor=OHLAS, via="service", why=why, now=now)
        return await self.store.run(ask) if ids else 0

    async def _erase(self) -> None:
        erased = await self._repeat(partial(self.store.erasing.step, BATCH, self.clock()))
        if erased:
            log.info("%d mentions were erased", erased)

    async def _repeat(self, step: Callable[[], int]) -> int:
        """Until nothing is left, with a rest after every step as long as the step: others write meanwhile."""
        total = 0
        while True:
            began = time.monotonic()
            done = await self.store.run(step)
            total += done
            if not done:
                return total
            await asyncio.sleep((time.monotonic() - began) * REST)

    async def _clean(self, now: datetime) -> None:
        """Their last bytes: at once where a person asked, else at night."""
        ready = [one for one in await self.store.run(self.store.erasing.unfinished) if not one.waiting]
        asked = any(one.why == "asked" for one in ready)
        if ready and (asked or is_night(now, self.zone)):
            await asyncio.to_thread(scour, self.store.path, ready, now)
