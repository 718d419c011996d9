"""Whether mail for the company's mailbox is taken: a real Postfix and Dovecot, and a name server of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pydantic import SecretStr

from monitor.channel_options import MailboxCheck
from monitor.channels.mailbox import MailExchange, ask_own_server, is_own_server, of_answer
from monitor.channels.round_trip import MARK, RoundTrip
from monitor.liveness import Seen
from monitor.networks import network
from monitor.options import MailOptions
from responders.channel_codes import CHANNEL_CODES
from tests.mail_servers import ANNA, NOBODY, OHLAS, PASSWORDS, MailServers

LOOPBACK = (network("127.0.0.0/8"),)


def mail_of(servers: MailServers) -> MailOptions:
    return MailOptions(
        sender=OHLAS,
        host=servers.host,
        port=servers.ports["submission"],
        user=OHLAS,
        password=SecretStr(PASSWORDS[OHLAS]),
        ca=servers.ca,
        imap_host=servers.host,
        imap_port=servers.ports["imaps"],
    )


def check_of(servers: MailServers, address: str) -> MailboxCheck:
    return MailboxCheck(
        address=address,
        send=True,
        imap_host=servers.host,
        imap_port=servers.ports["imaps"],
        imap_password=SecretStr(PASSWORDS.get(address, "made-up-none")),
    )


def said(seen: Seen) -> tuple[str, str]:
    assert not seen.code or seen.code in CHANNEL_CODES["channel_why"]
    return seen.verdict, seen.code


@pytest.mark.parametrize(
    ("code", "words", "verdict"),
    [
        (250, "2.1.5 Ok", ("works", "")),
        (550, "5.1.1 <a@b>: Recipient address rejected: User unknown", ("broken", "mailbox_unknown")),
        (550, "No such user here", ("broken", "mailbox_unknown")),
        (550, "5.2.1 The account is disabled", ("broken", "mailbox_unknown")),
        (552, "5.2.2 Over quota", ("broken", "mailbox_full")),
        (452, "4.2.2 Mailbox full", ("broken", "mailbox_full")),
        (450, "4.2.0 Greylisted, see https://example.test", ("unsure", "mail_later")),
        (451, "Try again later", ("unsure", "mail_later")),
        (554, "5.7.1 Relay access denied", ("broken", "mail_not_here")),
        (550, "5.7.1 Service unavailable; client host blocked using a list", ("unsure", "mail_refused")),
        (550, "Your IP has a bad reputation", ("unsure", "mail_refused")),
        (530, "Must issue a STARTTLS command first", ("unsure", "mail_refused")),
    ],
)
def test_what_a_server_answers_is_understood(code: int, words: str, verdict: tuple[str, str]) -> None:
    assert said(of_answer(code, words)) == verdict


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (0, "", ("works", "")),
        (550, "5.1.1 no such mailbox", ("broken", "mailbox_unknown")),
        (450, "4.2.0 greylisted", ("unsure", "mail_later")),
        (452, "4.2.2 over quota", ("broken", "mailbox_full")),
    ],
)
async def test_the_own_server_is_asked_and_nothing_is_sent(
    mail_servers: MailServers, code: int, text: str, verdict: tuple[str, str]
) -> None:
    if code:
        mail_servers.refuse(ANNA, code, text)
    assert said(await ask_own_server(MailboxCheck(address=ANNA), mail_of(mail_servers))) == verdict
    assert mail_servers.mails(ANNA, 0) == []


class NameServer(asyncio.DatagramProtocol):
    """Answers with the MX records of its `zone`: a domain that is not in it does not exist."""

    def __init__(self, zone: dict[str, list[str]]) -> None:
        self.zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        name = query.question[0].name.to_text(omit_final_dot=True)
        if name not in self.zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif self.zone[name]:
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "MX", *self.zone[name]))
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def exchange(port: int, **zone: list[str]) -> AsyncIterator[MailExchange]:
    served = {name.replace("_", "."): records for name, records in zone.items()}
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(served), local_addr=("127.0.0.1", 0)
    )
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    try:
        yield MailExchange(LOOPBACK, port, resolver)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        (ANNA, ("works", "")),
        (NOBODY, ("broken", "mailbox_unknown")),
        ("info@none.test", ("broken", "no_host")),
        ("info@null.test", ("broken", "no_mail_server")),
    ],
)
async def test_the_server_that_the_domain_names_is_asked(
    mail_servers: MailServers, address: str, verdict: tuple[str, str]
) -> None:
    zone = {"example_test": ["10 127.0.0.1."], "null_test": ["0 ."]}
    async with exchange(mail_servers.ports["smtp"], **zone) as asked:
        assert said(await asked.ask(address)) == verdict


async def test_a_server_in_a_private_network_and_one_that_is_silent_tell_nothing() -> None:
    async with exchange(9, example_test=["10 127.0.0.1."]) as asked:
        assert said(await asked.ask(ANNA)) == ("unsure", "mail_server_silent")
        asked.allowed = ()
        assert said(await asked.ask(ANNA)) == ("unsure", "private")


async def test_a_mail_makes_its_way_and_is_deleted_and_others_stay(mail_servers: MailServers) -> None:
    mail_servers.deliver(b"From: zakaznik@example.test\r\nSubject: reklamacia\r\n\r\nahoj\r\n", ANNA)
    assert len(mail_servers.mails(ANNA)) == 1
    trip = RoundTrip(mail_of(mail_servers), pauses=(0.05,) * 200)
    assert said(await trip.look(check_of(mail_servers, ANNA))) == ("works", "")
    left = mail_servers.mails(ANNA, 0)
    assert [one["Subject"] for one in left] == ["reklamacia"] and not any(one[MARK] for one in left)


async def test_a_mail_that_is_taken_and_does_not_arrive_is_told_of(mail_servers: MailServers) -> None:
    """It goes to another mailbox than the one that is read."""
    check = check_of(mail_servers, OHLAS).model_copy(update={"address": ANNA, "imap_user": OHLAS})
    trip = RoundTrip(mail_of(mail_servers), pauses=())
    assert said(await trip.look(check)) == ("broken", "mail_not_arrived")


async def test_an_unknown_mailbox_and_a_wrong_password(mail_servers: MailServers) -> None:
    trip = RoundTrip(mail_of(mail_servers), pauses=())
    assert said(await trip.look(check_of(mail_servers, NOBODY))) == ("broken", "mailbox_unknown")
    wrong = check_of(mail_servers, ANNA).model_copy(update={"imap_password": SecretStr("made-up-wrong")})
    assert said(await trip.look(wrong)) == ("unsure", "imap_refused")


def test_the_server_of_mail_is_asked_where_it_is_the_mailboxs_own() -> None:
    mail = MailOptions(sender=OHLAS, host="127.0.0.1")
    assert is_own_server(MailboxCheck(address=ANNA), mail)
    assert is_own_server(MailboxCheck(address="info@shop.example", ask="mail"), mail)
    assert not is_own_server(MailboxCheck(address="info@shop.example"), mail)
    assert not is_own_server(MailboxCheck(address=ANNA, ask="mx"), mail)
    assert not is_own_server(MailboxCheck(address=ANNA), None)
