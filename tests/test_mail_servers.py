"""The mail servers that other tests rely on."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest

from tests.mail_servers import ANNA, NOBODY, OHLAS, PASSWORDS, MailServers


def letter(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ANNA, to, "áno"
    message.set_content("schváliť\n")
    return message


def test_a_plus_address_arrives(mail_servers: MailServers) -> None:
    mail_servers.deliver(letter("ohlas+abc@example.test"), to="ohlas+abc@example.test")
    found = mail_servers.mails(OHLAS)
    assert found[0].get_content() == "schváliť\n" and found[0]["To"] == "ohlas+abc@example.test"


@pytest.mark.parametrize("port", ["imaps", "imap"])
def test_it_is_empty_at_the_start(mail_servers: MailServers, port: str) -> None:
    with mail_servers.mailbox(OHLAS, port=port) as box:
        assert box.uids() == []


def test_login_over_both_kinds_of_encryption(mail_servers: MailServers) -> None:
    with smtplib.SMTP(mail_servers.host, mail_servers.ports["submission"], "here", timeout=10) as connection:
        connection.starttls(context=mail_servers.trusting())
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            connection.login(OHLAS, "wrong")
    with smtplib.SMTP_SSL(
        mail_servers.host, mail_servers.ports["smtps"], "here", timeout=10, context=mail_servers.trusting()
    ) as connection:
        connection.login(OHLAS, PASSWORDS[OHLAS])
        connection.send_message(letter(ANNA))
    assert len(mail_servers.mails(ANNA)) == 1


def test_refusals_hold_from_the_next_connection_on(mail_servers: MailServers) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="550"):
        mail_servers.deliver(letter(NOBODY), to=NOBODY)
    mail_servers.refuse(ANNA, 450, "4.2.0 later")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="450"):
        mail_servers.deliver(letter(ANNA), to=ANNA)
    mail_servers.refuse_nobody()
    mail_servers.deliver(letter(ANNA), to=ANNA)
    assert len(mail_servers.mails(ANNA)) == 1


def test_dovecot_down_loses_nothing(mail_servers: MailServers) -> None:
    mail_servers.stop_dovecot()
    mail_servers.start_dovecot()
    mail_servers.deliver(letter(OHLAS))
    assert len(mail_servers.mails(OHLAS)) == 1
