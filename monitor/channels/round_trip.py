"""Sends a small mail to the mailbox, looks for it there, and deletes it: the surest look at a mailbox."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from monitor.channel_options import MailboxCheck
from monitor.channels.mailbox import of_answer
from monitor.errors import AuthError, OutcomeUnknown, SourceError
from monitor.liveness import WORKS, Seen
from monitor.mailbox import Account, in_thread
from monitor.options import MailOptions
from monitor.smtp import server_of

if TYPE_CHECKING:
    from imap_tools import BaseMailBox

# Seconds between two looks for the mail; three minutes in all, after which it is tried anew.
PAUSES: Sequence[float] = (1, 2, 3, 5, 10, 20, 30, 50, 60)
MARK = "X-Ohlas-Look"


@dataclass(slots=True)
class RoundTrip:
    mail: MailOptions
    pauses: Sequence[float] = PAUSES

    async def look(self, check: MailboxCheck) -> Seen:
        account = account_of(check, self.mail)
        message = letter(self.mail.sender, check.address)
        sent = await self._send(message, check.address)
        return sent if sent.verdict != "works" else await self._find(account, check, str(message["Message-ID"]))

    async def _send(self, message: EmailMessage, address: str) -> Seen:
        try:
            async with server_of(self.mail).connected() as connection:
                answer = of_answer(*await connection.asked(address))
                if answer.verdict == "works":
                    await connection.send(message, address)
                return answer
        except OutcomeUnknown:
            return WORKS  # the mailbox tells
        except SourceError:
            return Seen("unsure", "mail_server_silent", again=True)

    async def _find(self, account: Account, check: MailboxCheck, message_id: str) -> Seen:
        for pause in (*self.pauses, 0):
            try:
                found = await in_thread(account, lambda box: _taken(box, check.folder, self.mail.sender, message_id))
            except AuthError:
                return Seen("unsure", "imap_refused")
            except SourceError:
                return Seen("unsure", "imap_silent", again=True)
            if found:
                return WORKS if found == check.folder else Seen("warning", "mail_is_spam", found)
            await asyncio.sleep(pause)
        return Seen("broken", "mail_not_arrived")


def account_of(check: MailboxCheck, mail: MailOptions) -> Account:
    """Where the mail is looked for; what [channels.mailbox] leaves out is as in [mail]."""
    own = bool(check.imap_host)
    password = check.imap_password if own else (check.imap_password or mail.imap_password or mail.password)
    return Account(
        host=check.imap_host or mail.imap_host,
        port=check.imap_port if own else mail.imap_port,
        security=check.imap_security if own else mail.imap_security,
        user=check.imap_user or (check.address if own else mail.imap_user or mail.user),
        password=password.get_secret_value() if password else "",
        ca=mail.ca,
    )


def letter(sender: str, address: str) -> EmailMessage:
    """It asks for no answer, and Ohlas's own reading of the mailbox passes it over."""
    found = EmailMessage()
    found["From"], found["To"] = sender, address
    found["Subject"] = "Ohlas: is this mailbox alive?"
    found["Date"] = format_datetime(datetime.now(UTC))
    found["Message-ID"] = f"<look-{secrets.token_hex(16)}@{sender.rpartition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"
    found["X-Auto-Response-Suppress"] = "All"
    found[MARK] = "1"
    found.set_content("Ohlas wrote this mail to see whether mails arrive here. It is deleted within minutes.\n")
    return found


def _taken(box: BaseMailBox, folder: str, sender: str, message_id: str) -> str:
    """The folder that the mail arrived in, "" where it did not. It is deleted, and what an earlier look left, too."""
    for name in (folder, *_spam_folders(box)):
        box.folder.set(name)
        ours = list(box.uids(f'FROM "{sender}" HEADER {MARK} ""', charset=None))
        arrived = bool(box.uids(f'HEADER Message-ID "{message_id}"', charset=None))
        _delete(box, ours)
        if arrived:
            return name
    return ""


def _spam_folders(box: BaseMailBox) -> Iterator[str]:
    for one in box.folder.list():
        if any(flag.lower() in ("\\junk", "\\spam") for flag in one.flags):
            yield one.name


def _delete(box: BaseMailBox, uids: Sequence[str]) -> None:
    """These alone: EXPUNGE without UIDs would take along what a person has marked and not yet thrown away."""
    if uids:
        box.client.uid("STORE", ",".join(uids), "+FLAGS.SILENT", r"(\Deleted \Seen)")
        with contextlib.suppress(box.client.error):  # a server without UIDPLUS: the mail stays marked as deleted
            box.client.uid("EXPUNGE", ",".join(uids))
