"""Looks now and then whether a source has been silent for longer than it ever is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.errors import StoreBusy
from monitor.silence import MOST, SHORTEST, silence
from monitor.store.silences import Newest
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

LOOK_EVERY = 600.0  # seconds
AGAIN = timedelta(hours=1)  # until a source that is silent, but not unusually, is looked at again
LIVE = timedelta(days=7)  # what was seen later after it was written was fetched from the past, and tells no rhythm


@dataclass(slots=True)
class Listener:
    store: SqliteStore
    zone: ZoneInfo
    clock: Callable[[], datetime]
    _looked_at: dict[str, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(LOOK_EVERY)

    async def step(self) -> None:
        try:
            now = self.clock()
            for newest in await self.store.run(self.store.silences.newest, now):
                await self._look(newest, now)
        except StoreBusy as error:
            log.warning("listening pauses: %s", error)

    async def _look(self, newest: Newest, now: datetime) -> None:
        if newest.silent_since is not None:
            if newest.written > newest.silent_since:
                log.info("source %s speaks again", newest.source)
                await self.store.run(self.store.silences.speak_again, newest.source, now)
            return
        if now - newest.written < SHORTEST or newest.seen - newest.written > LIVE or not self._is_time(newest, now):
            return
        self._looked_at[newest.source] = now
        written = await self.store.run(self.store.silences.written, newest.source, MOST, now)
        found = await asyncio.to_thread(silence, written, now, self.zone)
        if found is not None:
            text = f"{found.since.isoformat()} {found.expected} {found.longest.total_seconds():.0f}"
            log.warning("source %s is silent for longer than usual: %s", newest.source, text)
            await self.store.run(self.store.silences.fall_silent, newest.source, found.since, text, now)

    def _is_time(self, newest: Newest, now: datetime) -> bool:
        looked = self._looked_at.get(newest.source)
        return looked is None or not looked <= now < looked + AGAIN
