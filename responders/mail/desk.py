"""Mail as a whole: its parts put together out of the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.digest.gathering import Gatherer
from monitor.digest.thanks import team_names
from monitor.options import Config, MailOptions
from monitor.people import people_of
from monitor.smtp import server_of
from monitor.store.sqlite import SqliteStore
from responders.addressing import channel_of
from responders.approval import Rules
from responders.digest_links import DigestLinks
from responders.mail.composing import Composer
from responders.mail.digesting import Digests, Press
from responders.mail.imap import Reader, account_of
from responders.mail.receiver import Receiver
from responders.mail.sender import Sender
from responders.mail.tokens import key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDesk:
    """`reader` is there where replies are read."""

    sender: Sender
    digests: Digests
    links: DigestLinks
    reader: Reader | None = None

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why mails do not go out, or do not come in."""
        return tuple(one for one in (self.sender.trouble, self.reader.trouble if self.reader else "") if one)


@asynccontextmanager
async def mail_desk(
    config: Config, mail: MailOptions, *, store: SqliteStore, rules: Rules, clock: Callable[[], datetime]
) -> AsyncIterator[MailDesk]:
    """Raises StoreError where the key of the marks in replies cannot be read."""
    state, zone = config.service.state, ZoneInfo(config.page.timezone)
    key = await store.run(key_of, state)
    people = people_of(config)
    gatherer, links = gatherer_of(config, store), DigestLinks(key)
    composer = Composer(
        store=store,
        people=people,
        zone=zone,
        clock=clock,
        sender=mail.sender,
        key=key,
        page=lambda: page_address(config.page.url, state),
        local=not config.page.url,
        replies=bool(mail.imap_host),
        press=Press(gatherer, links, local=not config.page.url),
    )
    channel = channel_of(config)
    sender = Sender(store=store, server=server_of(mail), composer=composer, clock=clock, channel=channel)
    receiver = Receiver(store=store, rules=rules, key=key, zone=zone, clock=clock, channel=channel)
    account = account_of(mail)
    reader = Reader(account, store, receiver.take, clock) if account is not None else None
    yield MailDesk(sender=sender, reader=reader, digests=Digests(store, people, gatherer, clock), links=links)


def gatherer_of(config: Config, store: SqliteStore) -> Gatherer:
    """With the names that customers' praise may be for."""
    return Gatherer(store=store, team=team_names(people_of(config), config.company.signature))


def page_address(url: str, state: Path) -> str:
    """As configured, else as the running service knows it, "" where neither is there."""
    if url:
        return url.rstrip("/")
    try:
        return (state / "page.url").read_text().strip().rstrip("/")
    except OSError:
        return ""
