"""Mails: what customers write to the shop's address, and what Heureka, Google and others tell of reviews.

Read over IMAP, in a thread, since its library blocks; mails stay as they are, unread. Which notifications there are,
and where the review stands in them, say rules in imap.toml beside this file. Customers are answered by mail; what a
notification tells of is answered by a person, where it leads to.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP as WIRE
from email.utils import format_datetime, parseaddr, parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import PermanentError, TemporaryError
from monitor.http import Http
from monitor.mail_headers import automatic, one_kind_of_line_ends, parsed, sender_of, text_of, value_of
from monitor.mail_reading import written
from monitor.mailbox import Account, fetch, in_thread, opened, search
from monitor.model import Mention
from monitor.options import Security, SourceOptions
from monitor.review_mails import Rule, review_in, rules_in
from monitor.smtp import Server
from monitor.text import one_line
from monitor.vouching import expected

if TYPE_CHECKING:
    from imap_tools import BaseMailBox

QUOTA = "what your mail provider allows"
COST = "free"
MOST = 50  # mails in one poll
LIMIT = 300_000  # bytes of a mail that are looked at; attachments make mails large, not what people type
_RULES = Path(__file__).with_suffix(".toml")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_ADDRESS = r"^[^@\s<>\"]+@[^@\s<>\"]+$"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_ANSWERED = re.compile(r"(?:(?:re|aw|odp|odpoveď|odpověď|vá|fwd?|fw)\s*:\s*)+", re.IGNORECASE)
_NO_WAY = "this mail names no address that an answer could go to"


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "imap"`."""

    interval: float = Field(default=300.0, ge=30.0, le=7 * 86400.0, description="seconds between two polls")
    host: str = Field(min_length=1, description="IMAP server")
    port: int = Field(default=993, ge=1, le=65535, description="IMAP port")
    security: Security = Field(default="tls", description="tls (993), starttls (143), or none")
    user: str = Field(min_length=1, description="user of the mailbox")
    password: SecretStr = Field(description="its password, for many servers one made for apps: '$NAME'")
    ca: Path | None = Field(default=None, description="certificate of an own authority that the servers are checked by")
    address: str = Field(default="", pattern=_ADDRESS[:-1] + "$|^$", description="its address; empty: the user")
    folder: str = Field(default="INBOX", description="folder that is read")
    first_days: int = Field(default=7, ge=1, le=365, description="days that are read back the first time")
    read: Literal["all", "customers", "notifications"] = Field(
        default="all", description="which mails are read: customers' own, notifications of reviews, or both"
    )
    rules: Path | None = Field(
        default=None, description="a file like connectors/imap.toml with rules for more notifications, or better ones"
    )
    smtp_host: str = Field(default="", description="SMTP server for answers; empty: a person sends them")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="SMTP port")
    smtp_security: Security = Field(default="starttls", description="tls (usually port 465), starttls (587), or none")
    smtp_user: str = Field(default="", description="SMTP user; empty: as for IMAP, or nobody where security is none")
    smtp_password: SecretStr | None = Field(default=None, description="SMTP password; absent: the same as for IMAP")
    sent: str = Field(default="Sent", description="folder in which answers are looked for, beside the one that is read")

    @field_validator("host", "smtp_host")
    @classmethod
    def _has_no_port(cls, value: str) -> str:
        if re.fullmatch(r"[^:]+:\d*", value):
            raise ValueError("is the server's name alone; its port is an option of its own")
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if not re.fullmatch(_ADDRESS, self.mailbox):
            raise ValueError("set address, since the user is no e-mail address")
        try:
            self.notifications  # noqa: B018 - reading them is what checks them
        except OSError as error:
            raise ValueError(f"rules: the file cannot be read ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
            raise ValueError(f"rules: {one_line(str(error))}") from None
        return self

    @property
    def mailbox(self) -> str:
        return self.address or self.user

    @cached_property
    def notifications(self) -> dict[str, Rule]:
        """The own ones first; one with a shipped name replaces it."""
        own = rules_in(self.base / self.rules) if self.rules else {}
        return own | {name: rule for name, rule in rules_in(_RULES).items() if name not in own}

    @property
    def account(self) -> Account:
        return Account(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=self.password.get_secret_value(),
            ca=self.base / self.ca if self.ca else None,
        )

    @property
    def server(self) -> Server:
        password = self.smtp_password or self.password
        return Server(
            sender=self.mailbox,
            host=self.smtp_host,
            port=self.smtp_port,
            security=self.smtp_security,
            user=self.smtp_user or ("" if self.smtp_security == "none" else self.user),
            password=password.get_secret_value(),
            ca=self.base / self.ca if self.ca else None,
            options="smtp_",
        )

    def is_own(self, sender: str) -> bool:
        """Whether the company itself wrote it: from the mailbox, or from an address or a domain in own_names."""
        own = {name.casefold().lstrip("@") for name in self.own_names} | {self.mailbox.casefold()}
        return sender.casefold() in own or sender.rpartition("@")[2].casefold() in own


def connect(settings: Settings, http: Http) -> Mailbox:
    return AnsweringMailbox(settings) if settings.smtp_host else Mailbox(settings)


class _State(Cursor):
    """The cursor."""

    validity: int = 0
    uid: int = 0  # everything up to here is read


class Mailbox:
    """Reads. A mail that is moved or deleted in the mailbox is not taken back: its customer knows nothing of that."""

    reply_rules = ReplyRules(kind="manual", channel="mail")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def poll(self, cursor: str) -> Page:
        state = _State.parse(cursor)
        return await in_thread(self._settings.account, lambda box: self._poll(box, state))

    async def close(self) -> None:
        pass

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        if mention.raw.get("service"):
            return ReplyRules(kind="manual")
        note = "" if mention.raw.get("reply_to") else _NO_WAY
        return replace(self.reply_rules, kind="manual" if note else self.reply_rules.kind, note=note)

    def reply_link(self, mention: Mention) -> str:
        rule = self._settings.notifications.get(str(mention.raw.get("service", "")))
        return mention.url or (rule.place if rule else "")

    def _poll(self, box: BaseMailBox, state: _State) -> Page:
        now = datetime.now(UTC)
        validity = opened(box, self._settings.folder)
        if state.validity == validity:
            # a server answers "n:*" with its newest mail even where that is older than n
            new = [uid for uid in search(box, f"UID {state.uid + 1}:*") if uid > state.uid]
        else:
            since = now - timedelta(days=self._settings.first_days)
            new = search(box, f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}")
        last = state.uid if state.validity == validity else 0
        page = read_mails((fetch(box, uid, LIMIT) for uid in new[:MOST]), self._settings, now)
        after = _State(validity=validity, uid=max(new[:MOST], default=last))
        return replace(page, cursor=after.model_dump_json(), more=len(new) > MOST)


class AnsweringMailbox(Mailbox):
    """Answers customers by mail as well, with a copy to the mailbox: it shows later whether an answer went out."""

    reply_rules = ReplyRules(kind="create", max_length=10_000, channel="mail")

    async def abilities(self) -> Abilities:
        async with self._settings.server.connected():
            return expected(self, self._settings.mailbox)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        if self.reply_rules_for(mention).kind == "manual":
            raise PermanentError(
                "An answer to this is given where the notification leads to, not by mail.", cause="by_hand"
            )
        try:
            mail = _answer(mention, text, key, self._settings, datetime.now(UTC))
        except (MessageError, ValueError):
            raise PermanentError(
                "The customer's address cannot be written into a mail; a person has to answer.",
                cause="bad_recipient",
            ) from None
        async with self._settings.server.connected() as connection:
            await connection.send(mail, str(mention.raw["reply_to"]), self._settings.mailbox)
        return Receipt(id=message_id(key, self._settings.mailbox))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """By its Message-ID. Where it is not found, nothing is sure: a mail may be under way for hours."""
        number = message_id(key, self._settings.mailbox)
        if not await in_thread(self._settings.account, lambda box: _is_there(box, number, self._settings)):
            raise TemporaryError(f"no copy of the answer is in the mailbox or in {self._settings.sent}")
        return Receipt(id=number)


def message_id(key: str, mailbox: str) -> str:
    """The same for every try of one approval, so that programs take a second mail for the first."""
    return f"<{hashlib.sha256(f'{mailbox} {key}'.encode()).hexdigest()[:32]}@{mailbox.rpartition('@')[2]}>"


def _answer(mention: Mention, text: str, key: str, settings: Settings, now: datetime) -> EmailMessage:
    """Nothing that a customer wrote can become a header of its own: what does not fit into one is left out."""
    mail = EmailMessage(policy=WIRE)
    mail["From"] = Address(addr_spec=settings.mailbox)
    mail["To"] = Address(addr_spec=str(mention.raw["reply_to"]))
    mail["Subject"] = f"Re: {one_line(mention.title, 200)}".strip()
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(key, settings.mailbox)
    if _MESSAGE_ID.fullmatch(asked := str(mention.raw.get("message_id", ""))):
        mail["In-Reply-To"] = mail["References"] = asked
    mail.set_content(text, cte="quoted-printable")
    return mail


# mails


def read_mails(mails: Iterable[bytes], settings: Settings, now: datetime) -> Page:
    """`now` stands in for a date that a mail does not have."""
    mentions: dict[str, Mention] = {}
    skipped: list[str] = []
    for raw in mails:
        try:
            mention = _mention(raw, settings, now)
        except ValueError as error:
            skipped.append(str(error))
        else:
            if mention is not None:
                mentions.setdefault(mention.id, mention)
    return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))


def _mention(raw: bytes, settings: Settings, now: datetime) -> Mention | None:
    """None for what is no customer's voice: own mails, those of programs, newsletters. Raises ValueError."""
    mail = parsed(one_kind_of_line_ends(raw[:LIMIT]))
    sender, subject = sender_of(mail), one_line(text_of(mail, "Subject"))
    if not sender:
        raise ValueError("a mail that does not say whom it is from")
    common = Mention(
        source=settings.name,
        id=_id(mail, sender, raw),
        text="",
        title=_ANSWERED.sub("", subject).strip(),
        created_at=_date(mail, now),
        language=settings.language,
    )
    for name, rule in settings.notifications.items():
        if rule.fits(sender, subject):
            return review_in(mail, common, name, rule) if settings.read != "customers" else None
    return _letter(mail, common, sender, settings) if settings.read != "notifications" else None


def _letter(mail: Message, common: Mention, sender: str, settings: Settings) -> Mention | None:
    asked = _reply_to(mail)
    writer = asked if asked and not settings.is_own(asked) else sender
    by_form = settings.is_own(sender)  # it sends in the shop's name, and names the customer in Reply-To
    if settings.is_own(writer) or automatic(mail, writer, settings.mailbox) or mail.get("List-Unsubscribe"):
        return None
    text = written(mail)
    if not text and not common.title:
        raise ValueError("a mail without a word")
    name = "" if by_form else one_line(parseaddr(text_of(mail, "From"))[0], 100)
    return replace(
        common,
        text=text,
        author=name or writer,
        thread=one_line(value_of(mail, "In-Reply-To"), 200),
        raw={"reply_to": writer if writer.isascii() else "", "message_id": one_line(value_of(mail, "Message-ID"), 300)},
    )


def _id(mail: Message, sender: str, raw: bytes) -> str:
    """With the sender, so that nobody can write over another one's mail."""
    number = value_of(mail, "Message-ID")
    known = f"{number}\x1f{sender}".encode("utf-8", "replace") if number else raw
    return hashlib.sha256(known).hexdigest()[:32]


def _date(mail: Message, now: datetime) -> datetime:
    try:
        found = parsedate_to_datetime(value_of(mail, "Date"))
        return min((found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return now


def _reply_to(mail: Message) -> str:
    found = parseaddr(value_of(mail, "Reply-To"))[1]
    return found if re.fullmatch(_ADDRESS, found) and found.isascii() else ""


# the mailbox


def _is_there(box: BaseMailBox, number: str, settings: Settings) -> bool:
    for folder in (settings.folder, settings.sent):
        if folder and box.folder.exists(folder):
            opened(box, folder)
            if search(box, f'HEADER Message-ID "{number}"'):
                return True
    return False
