"""Replies to letters of ours, as mail programs write them."""

from __future__ import annotations

from email.message import EmailMessage

from responders.mail.tokens import plus_address
from tests.mail_servers import ANNA, AUTHSERV_ID, OHLAS


def results(dmarc: str, sender: str = ANNA, authserv_id: str = AUTHSERV_ID) -> str:
    return f"{authserv_id}; dmarc={dmarc} header.from={sender.partition('@')[2]}"


def reply(
    token: str,
    text: str,
    *,
    sender: str = ANNA,
    authenticated: str | None = None,
    message_id: str = "",
    **headers: str,
) -> EmailMessage:
    """`authenticated` is what our server's Authentication-Results says, "" for none; DMARC passes where it is left
    out."""
    mail = EmailMessage()
    said = results("pass", sender) if authenticated is None else authenticated
    if said:
        mail["Authentication-Results"] = said
    mail["From"] = f"Made-up Person <{sender}>"
    mail["To"] = plus_address(OHLAS, token) if token else OHLAS
    mail["Subject"] = "Re: #1"
    mail["Message-ID"] = message_id or f"<{abs(hash((token, text, sender)))}@{sender.partition('@')[2]}>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"{text}\n\nOn Sat, Nov 21, 2026 at 1:34 PM Ohlas <{OHLAS}> wrote:\n\n> A draft is waiting.\n")
    return mail
