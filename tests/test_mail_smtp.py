"""Mails on their way: a real Postfix, and a scripted server for what Postfix never does on demand."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.smtp import Busy, Server
from tests.mail_servers import ANNA, BORIS, NOBODY, OHLAS, PASSWORDS, MailServers
from tests.scripted_smtp import HANG_UP, ScriptedSmtp


def server(mail: MailServers, security: str = "starttls") -> Server:
    ports = {"starttls": "submission", "tls": "smtps", "none": "smtp"}
    return Server(
        sender=OHLAS,
        host=mail.host,
        port=mail.ports[ports[security]],
        security=security,
        user=OHLAS if security != "none" else "",
        password=PASSWORDS[OHLAS],
        ca=mail.ca,
    )


def scripted(smtp: ScriptedSmtp) -> Server:
    return Server(sender=OHLAS, host="127.0.0.1", port=smtp.port, security="none")


def mail(text: str = "Ahoj") -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"], found["Message-ID"] = OHLAS, ANNA, "Návrh", "<1@example.test>"
    found.set_content(text)
    return found


async def send(to: Server, recipient: str = ANNA, text: str = "Ahoj") -> None:
    async with to.connected() as connection:
        await connection.send(mail(text), recipient)


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_mail_arrives(mail_servers: MailServers, security: str) -> None:
    text = "Prvý riadok\n.\n.. bodky\n\n.koniec\n"
    await send(server(mail_servers, security), text=text)
    [found] = mail_servers.mails(ANNA)
    assert found.get_content() == text and found["Subject"] == "Návrh"
    assert found["Return-Path"] == f"<{OHLAS}>"


async def test_one_connection_takes_several_and_a_refused_one_spoils_none(mail_servers: MailServers) -> None:
    async with server(mail_servers).connected() as connection:
        await connection.send(mail(), ANNA)
        with pytest.raises(PermanentError, match="550"):
            await connection.send(mail(), NOBODY)
        await connection.send(mail(), BORIS)
        assert connection.usable
    assert len(mail_servers.mails(ANNA)) == len(mail_servers.mails(BORIS)) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_strange_certificate_is_refused(mail_servers: MailServers, security: str) -> None:
    with pytest.raises(TemporaryError, match="is not trusted"):
        await send(replace(server(mail_servers, security), ca=mail_servers.strange_ca))
    with pytest.raises(TemporaryError, match=r"is not trusted.*name the authority's certificate in mail\.ca"):
        await send(replace(server(mail_servers, security), ca=None))
    assert mail_servers.mails(ANNA, 0) == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_bad_password_is_told_without_it(mail_servers: MailServers, security: str) -> None:
    with pytest.raises(AuthError, match="535") as caught:
        await send(replace(server(mail_servers, security), password="wrong-secret"))
    assert "wrong-secret" not in str(caught.value)
    assert "wrong-secret" not in repr(replace(server(mail_servers), password="wrong-secret"))


async def test_encryption_is_never_left_out(mail_servers: MailServers) -> None:
    plain = mail_servers.ports["imap"]  # no SMTP at all, which looks like a server that does not answer
    with pytest.raises(SourceError):
        await send(replace(server(mail_servers), port=plain))
    async with ScriptedSmtp() as smtp:
        with pytest.raises(PermanentError, match="offers no STARTTLS"):
            await send(replace(scripted(smtp), security="starttls"))
        with pytest.raises(TemporaryError, match="does not speak TLS"):
            await send(replace(scripted(smtp), security="tls"))
        assert smtp.mails == []


async def test_nobody_there_and_no_certificate_there(tmp_path: Path) -> None:
    async with ScriptedSmtp() as smtp:
        gone = scripted(smtp)
        with pytest.raises(PermanentError, match=r"mail\.ca: .*ca\.crt cannot be read"):
            await send(replace(gone, security="tls", ca=tmp_path / "ca.crt"))
        with pytest.raises(PermanentError, match="no way to log in"):
            await send(replace(gone, user=OHLAS, password="x"))
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await send(gone)


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [
        ("CONNECT", "421 too many", Busy),
        ("CONNECT", "554 not you", PermanentError),
        ("CONNECT", HANG_UP, TemporaryError),
        ("MAIL", "451 later", TemporaryError),
        ("MAIL", "553 not your address", AuthError),
        ("MAIL", "530 log in first", AuthError),
        ("MAIL", HANG_UP, TemporaryError),
        ("RCPT", "450 greylisted", TemporaryError),
        ("RCPT", "421 closing", Busy),
        ("RCPT", "550 nobody", PermanentError),
        ("RCPT", HANG_UP, TemporaryError),
        ("DATA", "451 later", TemporaryError),
        ("DATA", "554 spam", PermanentError),
        ("DATA", HANG_UP, TemporaryError),
        ("END", "452 full", TemporaryError),
        ("END", "554 spam", PermanentError),
        ("END", HANG_UP, OutcomeUnknown),
    ],
)
async def test_errors_say_what_to_do_next(step: str, answer: str, error: type[SourceError]) -> None:
    async with ScriptedSmtp(answers={step: answer}) as smtp:
        with pytest.raises(error) as caught:
            await send(scripted(smtp))
        assert type(caught.value) is error
        assert len(smtp.mails) == (step == "END")


async def test_what_a_server_says_cannot_move_the_cursor() -> None:
    async with ScriptedSmtp(answers={"RCPT": "550 \x1b[2Jno\x07"}) as smtp:
        with pytest.raises(PermanentError) as caught:
            await send(scripted(smtp))
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("address", ["jožo@example.test", "a@" + "x" * 70 + ".test"])
async def test_an_address_that_mail_cannot_hold(address: str) -> None:
    async with ScriptedSmtp() as smtp:
        with pytest.raises(PermanentError, match="letters that mail servers do not take"):
            await send(scripted(smtp), address)
        await send(scripted(smtp), "anna@pošta.test")
        assert "RCPT TO:<anna@xn--pota-h6a.test>" in smtp.commands
