"""The mailbox that replies arrive in: a real Postfix and Dovecot, the whole way from a letter to a decision."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from monitor.model import DraftState
from monitor.options import MailOptions
from responders.mail.imap import FOLDER, Reader, account_of
from responders.mail.incoming import Incoming, read
from tests.mail_replying import reply
from tests.mail_servers import ANNA, AUTHSERV_ID, BORIS, OHLAS, PASSWORDS, MailServers
from tests.test_mail_receiver import Place

PATIENCE = 60.0  # seconds; a Dovecot that stops keeps a session open for ten of them, all else takes one
FOR_EVER = 600.0
SOON = 10.0  # seconds: it takes a second, and far longer where something is waited for to its end


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.store.close()


def options(mail_servers: MailServers, **changes: object) -> MailOptions:
    given: dict[str, object] = {
        "sender": OHLAS,
        "host": mail_servers.host,
        "user": OHLAS,
        "password": PASSWORDS[OHLAS],
        "ca": mail_servers.ca,
        "imap_host": mail_servers.host,
        "imap_port": mail_servers.ports["imaps"],
        "authserv_id": AUTHSERV_ID,
    }
    return MailOptions.model_validate(given | changes)


def reader_of(place: Place, mail_servers: MailServers, **changes: object) -> Reader:
    account = account_of(options(mail_servers, **changes))
    assert account is not None
    # IDLE for as long as a test may take, so that nothing is found by looking again
    return Reader(
        account=account,
        store=place.store,
        take=place.receiver.take,
        clock=lambda: place.now,
        idle_for=FOR_EVER,
        first_pause=0.05,
    )


@asynccontextmanager
async def reading(reader: Reader) -> AsyncIterator[None]:
    task = asyncio.create_task(reader.run())
    try:
        await until(lambda: reader.listening.is_set() or task.done())
        yield
    finally:
        started = time.monotonic()
        task.cancel()
        await asyncio.wait({task})
        assert time.monotonic() - started < SOON, "nothing keeps it from stopping"
        assert task.cancelled() or task.result() is None


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - servers outside this process change it
            await asyncio.sleep(0.01)


def folders(mail_servers: MailServers) -> dict[str, list[bool]]:
    """Per folder, whether each mail in it was seen."""
    with mail_servers.mailbox(OHLAS) as box:
        found = {}
        for folder in ("INBOX", FOLDER):
            if box.folder.exists(folder):
                box.folder.set(folder)
                found[folder] = ["\\Seen" in mail.flags for mail in box.fetch(mark_seen=False)]
        return found


async def deliver(mail_servers: MailServers, mail: EmailMessage) -> None:
    await asyncio.to_thread(mail_servers.deliver, mail, str(mail["To"]))


async def lay(mail_servers: MailServers, *mails: EmailMessage) -> None:
    """Into the folder while nobody reads it; returns when they are there: Postfix hands on what it has taken."""
    before = len(await asyncio.to_thread(mail_servers.mails, OHLAS, 0))
    for mail in mails:
        await deliver(mail_servers, mail)
    await asyncio.to_thread(mail_servers.mails, OHLAS, before + len(mails))


async def test_a_reply_approves_and_is_put_away(place: Place, mail_servers: MailServers) -> None:
    await lay(mail_servers, reply(place.token(), "schváliť"))
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.APPROVED
        assert place.outbox()[0].recipient == ANNA
    assert await asyncio.to_thread(folders, mail_servers) == {"INBOX": [], FOLDER: [True]}


async def test_idle_reacts_at_once(place: Place, mail_servers: MailServers) -> None:
    """The folder is looked through again only after ten minutes, so only a push can have told of the mail."""
    async with reading(reader_of(place, mail_servers)):
        started = time.monotonic()
        await deliver(mail_servers, reply(place.token(), "schváliť"))
        await until(lambda: place.draft.state is DraftState.APPROVED)
        assert time.monotonic() - started < PATIENCE
        await deliver(mail_servers, reply(place.token(), "ešte raz?"))
        await until(lambda: len(place.outbox()) == 2)


@pytest.mark.parametrize(("security", "port"), [("tls", "imaps"), ("starttls", "imap"), ("none", "imap")])
async def test_every_kind_of_connection(place: Place, mail_servers: MailServers, security: str, port: str) -> None:
    await lay(mail_servers, reply(place.token(), "schváliť"))
    async with reading(reader_of(place, mail_servers, imap_security=security, imap_port=mail_servers.ports[port])):
        assert place.draft.state is DraftState.APPROVED


async def test_mails_of_others_stay_as_they_are(place: Place, mail_servers: MailServers) -> None:
    """Also those that somebody marked as deleted: they are not ours to delete for good."""
    await lay(mail_servers, reply("", "Do you sell shoes?", sender=BORIS))
    await lay(mail_servers, reply("", "Old.", sender=BORIS))
    await asyncio.to_thread(mark_deleted, mail_servers)
    await lay(mail_servers, reply(place.token(), "schváliť"))
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.APPROVED
    assert await asyncio.to_thread(folders, mail_servers) == {"INBOX": [False, False], FOLDER: [True]}


def mark_deleted(mail_servers: MailServers) -> None:
    with mail_servers.mailbox(OHLAS) as box:
        box.client.uid("STORE", list(box.uids())[-1], "+FLAGS", r"(\Deleted)")


async def test_a_large_mail_is_read_as_far_as_people_write(place: Place, mail_servers: MailServers) -> None:
    mail = reply(place.token(), "schváliť")
    mail.add_attachment(b"\x00" * 1_200_000, maintype="application", subtype="octet-stream", filename="photo.raw")
    await lay(mail_servers, mail)
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.APPROVED
    assert await asyncio.to_thread(folders, mail_servers) == {"INBOX": [], FOLDER: [True]}


async def test_many_mails_at_once_are_each_taken(place: Place, mail_servers: MailServers) -> None:
    """Pushed while others are being taken: what the server tells in between is not forgotten."""
    async with reading(reader_of(place, mail_servers)):
        for number in range(20):
            mail = reply(place.token(), "schváliť, alebo nie", message_id=f"<{number}@example.test>")
            await deliver(mail_servers, mail)
        keys = [key_of(number) for number in range(20)]
        await until(lambda: all(place.store.messages.received(key) for key in keys))


def key_of(number: int) -> str:
    mail = reply("", "", message_id=f"<{number}@example.test>")
    return read(mail.as_bytes(), mailbox=OHLAS, authserv_id=AUTHSERV_ID).key


async def test_robots_and_forgers(place: Place, mail_servers: MailServers) -> None:
    """An answer of the mail server's own that somebody is away, and a From that is not the sender's."""
    away = reply(place.token(), "schváliť", Auto_Submitted="auto-replied", message_id="<away@example.test>")
    forged = reply(place.token(), "schváliť", authenticated=f"{AUTHSERV_ID}; dmarc=fail header.from=example.test")
    no_results = reply(place.token(), "schváliť", authenticated="", message_id="<bare@example.test>")
    await lay(mail_servers, away, forged, no_results)
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.PENDING
        assert [one.recipient for one in place.outbox()] == [ANNA, ANNA]
    assert await asyncio.to_thread(folders, mail_servers) == {"INBOX": [], FOLDER: [True, True, True]}


async def test_a_bounce_is_put_away_and_not_answered(place: Place, mail_servers: MailServers) -> None:
    raw = reply(place.token(), "schváliť").as_bytes()
    await asyncio.to_thread(mail_servers.deliver, raw, f"ohlas+{place.token()}@example.test", "")  # envelope from <>
    await asyncio.to_thread(mail_servers.mails, OHLAS, 1)
    async with reading(reader_of(place, mail_servers)):
        assert (place.draft.state, place.outbox()) == (DraftState.PENDING, [])
    assert await asyncio.to_thread(folders, mail_servers) == {"INBOX": [], FOLDER: [True]}


async def test_what_came_while_nobody_read_is_read_once(place: Place, mail_servers: MailServers) -> None:
    async with reading(reader_of(place, mail_servers)):
        pass
    await lay(mail_servers, reply(place.token(), "Nový text pre zákazníka."))
    for _ in range(2):
        async with reading(reader_of(place, mail_servers)):
            assert place.draft.rev == 2


async def test_a_server_that_goes_away_comes_back(place: Place, mail_servers: MailServers) -> None:
    reader = reader_of(place, mail_servers)
    async with reading(reader):
        await asyncio.to_thread(mail_servers.stop_dovecot)
        try:
            await until(lambda: reader.trouble != "")
            assert PASSWORDS[OHLAS] not in reader.trouble
        finally:
            await asyncio.to_thread(mail_servers.start_dovecot)
        await deliver(mail_servers, reply(place.token(), "schváliť"))
        await until(lambda: place.draft.state is DraftState.APPROVED)
        assert reader.trouble == ""


async def test_a_session_that_the_server_ends_is_begun_again(place: Place, mail_servers: MailServers) -> None:
    async with reading(reader_of(place, mail_servers)):
        await asyncio.to_thread(mail_servers.kick, OHLAS)
        await deliver(mail_servers, reply(place.token(), "schváliť"))
        await until(lambda: place.draft.state is DraftState.APPROVED)


async def test_a_wrong_password_is_named_and_not_shown(place: Place, mail_servers: MailServers) -> None:
    reader = reader_of(place, mail_servers, imap_password="made-up-and-wrong")
    task = asyncio.create_task(reader.run())
    await until(lambda: reader.trouble != "")
    task.cancel()
    await asyncio.wait({task})
    assert reader.trouble == "imap: the mail server refuses imap_user or imap_password"


async def test_a_server_of_an_unknown_authority_is_not_talked_to(place: Place, mail_servers: MailServers) -> None:
    reader = reader_of(place, mail_servers, ca=mail_servers.strange_ca)
    task = asyncio.create_task(reader.run())
    await until(lambda: reader.trouble != "")
    task.cancel()
    await asyncio.wait({task})
    assert "certificate" in reader.trouble.lower()


async def test_a_folder_that_was_numbered_anew_is_read_again_and_nothing_done_twice(
    place: Place, mail_servers: MailServers
) -> None:
    await lay(mail_servers, reply(place.token(), "schváliť"))
    reader = reader_of(place, mail_servers)
    async with reading(reader):
        pass
    place.decide("undo")
    place.store.messages.advance(reader.account.reader, "1:1")  # as if this were another UIDVALIDITY
    await asyncio.to_thread(bring_back, mail_servers)
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.PENDING
        assert len(place.outbox()) == 1


def bring_back(mail_servers: MailServers) -> None:
    with mail_servers.mailbox(OHLAS) as box:
        box.folder.set(FOLDER)
        box.move(box.uids(), "INBOX")


async def test_it_stops_while_a_mail_is_being_taken(place: Place, mail_servers: MailServers) -> None:
    """What was cut off is taken again at the next start, and then once."""
    begun = asyncio.Event()

    async def never(_mail: Incoming) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    await lay(mail_servers, reply(place.token(), "schváliť"))
    reader = reader_of(place, mail_servers)
    reader.take = never
    task = asyncio.create_task(reader.run())
    await asyncio.wait_for(begun.wait(), PATIENCE)
    started = time.monotonic()
    task.cancel()
    await asyncio.wait({task})
    assert time.monotonic() - started < SOON
    async with reading(reader_of(place, mail_servers)):
        assert place.draft.state is DraftState.APPROVED


async def test_a_bug_in_taking_is_raised_and_not_taken_for_the_network(place: Place, mail_servers: MailServers) -> None:
    async def broken(_mail: Incoming) -> bool:
        raise ZeroDivisionError

    await lay(mail_servers, reply(place.token(), "schváliť"))
    reader = reader_of(place, mail_servers)
    reader.take = broken
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(reader.run(), PATIENCE)
