"""Look again at what is kept, as some platforms demand: what people delete there is deleted here too.

It goes on beside the polls, a request a minute for each source, and never holds one of them up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.contract import CanLookAgain, Connector, Page
from monitor.errors import BudgetSpent, SourceError, StoreBusy, TemporaryError
from monitor.polling import page_or_error
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

TICK = 60.0  # seconds between two requests to one source
PAUSE = timedelta(hours=1)  # at least, after one that failed


@dataclass(slots=True)
class Looker:
    """`edited` is called with the number of mentions to judge again, `save_spending` before what was paid for."""

    store: SqliteStore
    connectors: Mapping[str, Connector]
    clock: Callable[[], datetime]
    edited: Callable[[int], None]
    save_spending: Callable[[], Awaitable[None]]
    _away: dict[str, datetime] = field(default_factory=dict)  # until when a source is left alone

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
            except StoreBusy as error:
                log.warning("looking again pauses: %s", error)
            await asyncio.sleep(TICK)

    async def step(self) -> None:
        """One request for every source of which something is due."""
        for name, connector in self.connectors.items():
            if isinstance(connector, CanLookAgain) and self._is_there(name):
                await self._look(name, connector)

    def _is_there(self, name: str) -> bool:
        away = self._away.get(name)
        return away is None or not self.clock() < away <= self.clock() + 366 * timedelta(days=1)

    async def _look(self, name: str, connector: CanLookAgain) -> None:
        before = self.clock() - connector.look_every
        ids = await self.store.run(self.store.looks.due, name, before, connector.looks_at_once)
        if not ids:
            return
        self._away[name] = self.clock() + PAUSE  # where this ends as no connector may, the others have their turn
        outcome = await page_or_error(connector.look_again(ids))
        if isinstance(outcome, SourceError):
            self._put_off(name, outcome)
            return
        await self._save(name, outcome)
        del self._away[name]

    def _put_off(self, name: str, error: SourceError) -> None:
        if isinstance(error, BudgetSpent):
            self._away[name] = error.until
            return
        asked_for = error.retry_after if isinstance(error, TemporaryError) else None
        self._away[name] = self.clock() + max(PAUSE, timedelta(seconds=asked_for or 0.0))
        log.warning("source %s: what is kept could not be looked at again: %s", name, error)

    async def _save(self, name: str, page: Page) -> None:
        await self.save_spending()
        saved = await self.store.run(self.store.mentions.save_page, name, page, None, self.clock())
        if saved.gone or saved.edited:
            log.info("source %s: %d deleted there, %d edited", name, saved.gone, saved.edited)
        if saved.edited:
            self.edited(saved.edited)
