"""One look at one channel, over a network session of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from monitor.channel_options import FormCheck, MailboxCheck, PageCheck
from monitor.channels.certificates import noting
from monitor.channels.listing import Channel
from monitor.channels.mailbox import MailExchange, ask_own_server, is_own_server
from monitor.channels.pages import Visitor
from monitor.http import Http
from monitor.liveness import Seen
from monitor.networks import network
from monitor.options import Config

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
