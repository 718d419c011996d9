"""Looks at every channel when its time has come. A row in the store is the clock, as it is for sources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.channels.listing import Channel, channels_of
from monitor.errors import StoreBusy
from monitor.liveness import Health, Standing, judge
from monitor.options import Config
from monitor.store.channels import ChannelState, LookRecord
from monitor.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from monitor.channels.looking import Looker

log = logging.getLogger(__name__)

AT_ONCE = 4  # looks
LEASE = timedelta(minutes=10)  # longer than any look takes; after a crash it is looked at again then
LONGEST_PAUSE = 60.0  # seconds between two looks at the clock
BUSY = 5.0  # seconds, while the database is locked or the disk is full


@dataclass(slots=True)
class Watcher:
    """`configure` once at a start, then `run` until cancelled."""

    store: SqliteStore
    config: Config
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    channels: Mapping[str, Channel] = field(init=False)
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.channels = channels_of(self.config.channels)
        self.zone = ZoneInfo(self.config.page.timezone)

    async def run(self) -> None:
        # imported late: most installations have no channels to look at
        from monitor.channels.looking import looking

        async with looking(self.config, self.clock) as looker:
            while True:
                pause = await self.step(looker)
                await asyncio.sleep(pause)

    async def configure(self) -> None:
        """Also where there are no channels any more."""
        rows = {key: (channel.kind, channel.name) for key, channel in self.channels.items()}
        await self.store.run(self.store.channels.configure, rows, self.clock())

    async def step(self, looker: Looker) -> float:
        """Look at what is due; returns the seconds until something may be due again."""
        now = self.clock()
        try:
            due = await self.store.run(self.store.channels.claim_due, now, now + LEASE, AT_ONCE)
            ends = await asyncio.gather(*(self._look(looker, state) for state in due), return_exceptions=True)
            following = await self.store.run(self.store.channels.next_due)
        except StoreBusy as error:
            log.warning("looking at channels pauses: %s", error)
            return BUSY
        for state, end in zip(due, ends, strict=True):
            if isinstance(end, Exception):  # of one channel, which keeps the others from nothing; its lease runs out
                log.error("the look at %s failed", state.name, exc_info=end)
        if following is None:
            return LONGEST_PAUSE
        return min(LONGEST_PAUSE, max(0.0, (following - self.clock()).total_seconds()))

    async def _look(self, looker: Looker, state: ChannelState) -> None:
        seen = await looker.look(self.channels[state.key])
        online = not seen.network or await self.store.run(self.store.channels.online)
        now = self.clock()
        plan = judge(_standing(state), seen, now, state.key, self.zone, online=online)
        after = plan.standing
        if after.health != state.health:
            log.info("channel %s is %s: %s %s", state.name, after.health, after.code, after.detail)
        record = LookRecord(
            key=state.key,
            name=state.name,
            health=after.health,
            failures=after.failures,
            tries=after.tries,
            since=after.since,
            code=after.code,
            detail=after.detail,
            warned=after.warned,
            due=plan.due,
            at=now,
            works=seen.verdict in ("works", "warning"),
            notices=plan.notices,
        )
        await self.store.run(self.store.channels.record, record)


def _standing(state: ChannelState) -> Standing:
    return Standing(
        health=Health(state.health),
        failures=state.failures,
        tries=state.tries,
        since=state.since,
        code=state.code,
        detail=state.detail,
        warned=state.warned,
    )
