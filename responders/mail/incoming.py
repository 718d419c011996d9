"""An e-mail's bytes as facts: who wrote it, to which letter of ours, what, and whether a person did. Pure.

Nothing in here raises, whatever the bytes are: who writes to an address may write anything.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from monitor.mail_headers import (
    REPORT,
    automatic,
    decoded,
    one_kind_of_line_ends,
    parsed,
    sender_of,
    value_of,
    values_of,
)
from monitor.mail_reading import whole, written
from monitor.text import one_line
from responders.mail.authentication import Dmarc, dmarc_of
from responders.mail.tokens import find_tokens

LIMIT = 1_000_000  # bytes of a mail that are looked at; attachments make mails large, not what people type
_CANDIDATES = 50  # tokens at most that are tried for one mail
_THREAD = 20  # mails before it that are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """`sender` is the one address in From, "" where there is none or more than one. `tokens` are what may be a mark
    of ours, the likeliest first; `to_us`: it went to an address with one. `answers` are the ids of mails that it
    follows. `first_line` and `text` are new, not quoted. `automatic` says why nobody wrote this by hand, "" where
    somebody did; `bounced` is why a mail of ours was not delivered, where this says so. `key` is the same whenever
    this mail comes again, and no mail of somebody else has it."""

    message_id: str
    sender: str
    subject: str
    tokens: tuple[str, ...]
    to_us: bool
    answers: tuple[str, ...]
    first_line: str
    text: str
    automatic: str
    bounced: str
    dmarc: Dmarc
    key: str

    @property
    def verified(self) -> bool:
        """Whether our own server says that the owner of From's domain sent it."""
        domain = self.sender.rpartition("@")[2].casefold()
        return self.dmarc.result == "pass" and bool(domain) and self.dmarc.domain in ("", domain)


def read(raw: bytes, *, mailbox: str, authserv_id: str) -> Incoming:
    """`mailbox` is the address that Ohlas writes from: replies come to it, or to it with a token after a plus."""
    raw = one_kind_of_line_ends(raw[:LIMIT])
    headers = BytesHeaderParser().parsebytes(raw)
    body = parsed(raw)
    text = written(body)
    marked = _marked_addresses(headers, mailbox)
    sender = sender_of(headers)
    dmarc = dmarc_of(values_of(headers, "Authentication-Results"), authserv_id)
    message_id = value_of(headers, "Message-ID")
    return Incoming(
        message_id=message_id,
        sender=sender,
        subject=one_line(decoded(value_of(headers, "Subject"))),
        tokens=_tokens(headers, raw, body, marked),
        to_us=bool(marked),
        answers=_answered(headers),
        first_line=text.partition("\n")[0].strip(),
        text=text,
        automatic=automatic(headers, sender, mailbox),
        bounced=_bounced(headers, raw),
        dmarc=dmarc,
        key=_key(message_id, sender, dmarc, raw),
    )


def _key(message_id: str, sender: str, dmarc: Dmarc, raw: bytes) -> str:
    """By Message-ID; with who sent it and how sure that is, so that a stranger who uses another mail's is not
    taken for it."""
    known = "\x1f".join((message_id, sender, dmarc.result, dmarc.domain)).encode("utf-8", "replace")
    return f"mail-in-{hashlib.sha256(known if message_id else raw).hexdigest()[:32]}"


# to which letter

_PLACES = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Delivered-To", "Resent-To")


def _marked_addresses(headers: Message, mailbox: str) -> list[str]:
    """What stands behind the plus in addresses of ours."""
    local, _, domain = mailbox.partition("@")
    ours = re.compile(rf"(?<![\w.+-]){re.escape(local)}\+([^\s@<>,;\"]{{1,200}})@{re.escape(domain)}\b", re.IGNORECASE)
    return [found for name in _PLACES for value in values_of(headers, name) for found in ours.findall(value)]


def _answered(headers: Message) -> tuple[str, ...]:
    """The mail that it answers first, then those before it."""
    fields = [value for name in ("In-Reply-To", "References") for value in reversed(values_of(headers, name))]
    found = [one for value in fields for one in reversed(re.findall(r"<[^<>\s]{1,300}>", value))]
    return tuple(dict.fromkeys(found))[:_THREAD]


def _tokens(headers: Message, raw: bytes, body: Message, marked: list[str]) -> tuple[str, ...]:
    """The plus-address first, then References, then what is quoted of our letter."""
    threads = (value for name in ("In-Reply-To", "References") for value in reversed(values_of(headers, name)))
    quoted = raw.decode("ascii", "ignore") if headers.get_content_type() == REPORT else whole(body)
    return tuple(find_tokens(*marked, *threads, quoted)[:_CANDIDATES])


# what mail servers say of a mail that they gave up; one that is only late says "delayed"
_FAILED = re.compile(rb"^action:[ \t]*failed\b", re.IGNORECASE | re.MULTILINE)
_DIAGNOSIS = re.compile(rb"^(?:diagnostic-code|status):(.{1,300})$", re.IGNORECASE | re.MULTILINE)


def _bounced(headers: Message, raw: bytes) -> str:
    if headers.get_content_type() != REPORT or not _FAILED.search(raw):
        return ""
    found = [one.decode("ascii", "replace") for one in _DIAGNOSIS.findall(raw)]
    return one_line(max(found, key=len, default="")) or "not delivered"
