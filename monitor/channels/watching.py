"""Looks at every channel when its time has come. A row in the store is the clock, as it is for sources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.channel_options import FormCheck, MailboxCheck, PageCheck
from monitor.channels.certificates import noting
from monitor.channels.listing import Channel, channels_of
from monitor.channels.mailbox import MailExchange, ask_own_server, is_own_server
from monitor.channels.pages import Visitor
from monitor.errors import StoreBusy
from monitor.http import Http
from monitor.liveness import Health, Seen, Standing, judge
from monitor.networks import network
from monitor.options import Config
from monitor.store.channels import ChannelState, LookRecord
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

AT_ONCE = 4  # looks
LEASE = timedelta(minutes=10)  # longer than any look takes; after a crash it is looked at again then
LONGEST_PAUSE = 60.0  # seconds between two looks at the clock
BUSY = 5.0  # seconds, while the database is locked or the disk is full
TOTAL = 20.0  # seconds for one answer
LARGEST = 5 * 2**20  # bytes of a page


@dataclass(slots=True)
class Looker:
    """Looks once at one channel, and says what it saw."""

    config: Config
    visitor: Visitor
    exchange: MailExchange

    async def look(self, channel: Channel) -> Seen:
        match channel.check:
            case PageCheck() if channel.kind == "profile":
                return await self.visitor.profile(channel.name)
            case PageCheck() as page:
                return await self.visitor.page(page)
            case FormCheck() as form:
                return await self.visitor.form(form)
            case MailboxCheck() as mailbox:
                return await self._mailbox(mailbox)

    async def _mailbox(self, check: MailboxCheck) -> Seen:
        mail = self.config.mail
        if check.send and mail is not None:
            # imported late, with the IMAP library
            from monitor.channels.round_trip import RoundTrip

            return await RoundTrip(mail).look(check)
        if mail is not None and is_own_server(check, mail):
            return await ask_own_server(check, mail)
        return await self.exchange.ask(check.address)


@asynccontextmanager
async def looking(config: Config, clock: Callable[[], datetime]) -> AsyncIterator[Looker]:
    """A network session of its own: one connection a host, and it notes when certificates end."""
    ends: MutableMapping[str, datetime] = {}
    allowed = config.service.allow_private
    async with Http(allow_private=allowed, total=TOTAL, max_body=LARGEST, per_host=1, trust=noting(ends)) as http:
        exchange = MailExchange(tuple(network(text) for text in allowed))
        yield Looker(config, Visitor(http, ends, clock), exchange)


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
