"""What a mail server says in the same breath in which it begins to IDLE: real ones do when a mail comes just then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.store.sqlite import SqliteStore
from responders.mail.imap import Account, Reader
from responders.mail.incoming import Incoming

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MAIL = b"From: anna@shop.test\r\nTo: ohlas@shop.test\r\nSubject: hello\r\n\r\nhello\r\n"


class Mailbox:
    """Speaks as much IMAP as one reader asks for (RFC 3501, RFC 2177). The one mail comes when `begin` is sent."""

    def __init__(self, begin: bytes) -> None:
        self.begin = begin
        self.come = False

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        idling = b""
        try:
            async for line in reader:
                tag, _, command = line.strip().partition(b" ")
                if command == b"IDLE":
                    idling, self.come = tag, True
                    writer.write(self.begin)
                elif line == b"DONE\r\n":
                    writer.write(idling + b" OK done\r\n")
                else:
                    writer.write(self.answer(command) + tag + b" OK done\r\n")
        finally:
            writer.close()

    def answer(self, command: bytes) -> bytes:
        answers: dict[bytes, Callable[[], bytes]] = {
            b"CAPABILITY": lambda: b"* CAPABILITY IMAP4rev1 IDLE\r\n",
            b"LIST": lambda: b'* LIST () "/" "INBOX"\r\n',
            b"SELECT": lambda: b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
            b"UID SEARCH": lambda: b"* SEARCH 1\r\n" if self.come else b"* SEARCH\r\n",
            b"UID FETCH": lambda: b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%s)\r\n" % (len(MAIL), MAIL),
        }
        return next((answer() for name, answer in answers.items() if command.startswith(name)), b"")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    found = SqliteStore(tmp_path / "ohlas.sqlite")
    yield found
    found.close()


@asynccontextmanager
async def served(mailbox: Mailbox) -> AsyncIterator[int]:
    server = await asyncio.start_server(mailbox.talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"+ idling\r\n* 1 EXISTS\r\n", id="together"),
        pytest.param(b"+ idling\r\n* 1 EXISTS\r\n* 1 RECENT\r\n", id="two lines more"),
        pytest.param(b"* 1 EXISTS\r\n+ idling\r\n", id="before it"),
    ],
)
async def test_a_mail_that_comes_as_idling_begins_is_read_at_once(store: SqliteStore, begin: bytes) -> None:
    taken = asyncio.Event()

    async def take(_mail: Incoming) -> bool:
        taken.set()
        return False

    async with served(Mailbox(begin)) as port:
        account = Account(
            host="127.0.0.1",
            port=port,
            security="none",
            user="ohlas",
            password="made-up",
            mailbox="ohlas@shop.test",
        )
        reader = Reader(account=account, store=store, take=take, clock=lambda: NOW, first_pause=0.05)
        task = asyncio.create_task(reader.run())
        try:
            await asyncio.wait_for(taken.wait(), 10)
        finally:
            task.cancel()
            await asyncio.wait({task})
