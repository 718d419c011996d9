"""A `Letter` as a message that a mail server takes: headers, plain text and HTML. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from monitor.text import one_line
from responders.mail.letters import DraftPart, Letter
from responders.mail.markup import compiled, writable
from responders.mail.printing import Printed

_LONGEST_DOMAIN: Final = 30
_ID: Final = re.compile(r"<[!-;=?-~]{1,72}>")


class _OnOneLine(UnstructuredHeader):
    """An address that Python would break, or write in a way that only mail programs' text fields understand."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _OnOneLine)  # type: ignore[arg-type] # it becomes one there
_POLICY: Final = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """`references` are message ids of the thread, the root first, `answers` is the one that this replies to;
    `reply_to` is "" where replies are not read."""

    sender: str
    recipient: str
    person: str
    language: str
    message_id: str
    date: datetime
    reply_to: str = ""
    references: tuple[str, ...] = ()
    answers: str = ""
    unsubscribe: str = ""  # address that ends mails of this kind, "" where there is none


def message_id(keys: Sequence[str], sender: str) -> str:
    """The same for the same rows of the outbox, so that a mail that arrives twice is recognised."""
    return f"<{uuid5(NAMESPACE_URL, ' '.join(('ohlas', *sorted(keys)))).hex}@{_domain(sender)}>"


def thread_id(draft_id: int, key: bytes, sender: str) -> str:
    """What all mails about a draft refer to. The key keeps two installations with one address apart."""
    mark = hashlib.sha256(b"thread" + key).hexdigest()[:12]
    return f"<draft-{draft_id}.{mark}@{_domain(sender)}>"


def safe_id(found: str) -> str:
    """A message id that somebody else made, "" where it is none that fits into a header."""
    return found if _ID.fullmatch(found) else ""


def token_id(token: str, sender: str) -> str:
    """A token as a message id: mail programs send References back even where they ignore Reply-To."""
    return f"<{token}@{_domain(sender)}>"


def message(letter: Letter | Printed, envelope: Envelope) -> EmailMessage:
    """Plain text and HTML of the letter; nothing in it can become a header or markup."""
    shown = letter if isinstance(letter, Printed) else printed_letter(letter, envelope.language)
    found = EmailMessage(policy=_POLICY)
    found["From"] = Address(display_name="Ohlas", addr_spec=envelope.sender)
    found["To"] = Address(display_name=one_line(envelope.person, 60), addr_spec=envelope.recipient)
    found["Subject"] = one_line(shown.subject, 200)
    found["Date"] = format_datetime(envelope.date)
    found["Message-ID"] = envelope.message_id
    if envelope.reply_to:
        found["Reply-To"] = Address(display_name="Ohlas", addr_spec=envelope.reply_to)
    if envelope.answers:
        found["In-Reply-To"] = envelope.answers
    if envelope.references:
        found["References"] = " ".join(envelope.references)
    # no automatic answer to this, please: it would only come back to us
    found["Auto-Submitted"] = "auto-generated"
    found["X-Auto-Response-Suppress"] = "All"
    if envelope.unsubscribe:
        found["List-Unsubscribe"] = f"<{envelope.unsubscribe}>"
        if envelope.unsubscribe.startswith("https:"):  # RFC 8058 wants that of what mail programs do by themselves
            found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    found.set_content(shown.plain)
    found.add_alternative(shown.html, subtype="html")
    found["Content-Language"] = envelope.language  # last: whoever sets the content takes such fields away
    return found


def printed_letter(letter: Letter, language: str) -> Printed:
    return Printed(subject=letter.subject, plain=writable(plain(letter)), html=html(letter, language))


def plain(letter: Letter) -> str:
    lines = [letter.heading, "", *letter.lines]
    if letter.button:
        lines += ["", f"{letter.button.text}: {letter.button.address}"]
    for part in letter.drafts:
        lines += ["", *_plain_part(part)]
    if letter.instructions:
        lines += ["", *letter.instructions]
    return "\n".join([*lines, "", "-- ", *letter.footer, ""]).replace("\n\n\n", "\n\n")


def html(letter: Letter, language: str) -> str:
    return compiled("letter.mjml", letter=letter, language=language, subject=letter.subject)


def _plain_part(part: DraftPart) -> Iterator[str]:
    yield f"== {part.title}"
    yield from part.facts
    yield from ("", part.original_title, *_quoted(part.original), "", *part.why)
    yield from ("", part.reply_title, *_quoted(part.reply), "")
    yield from (f"* {finding.text}" for finding in part.findings)
    if part.note:
        yield part.note
    if part.link:
        yield f"{part.link.text}: {part.link.address}"


def _quoted(text: str) -> Iterator[str]:
    return (f"> {line}".rstrip() for line in text.split("\n"))


def _domain(sender: str) -> str:
    """Of message ids, where it need not exist: in a long one Python's folding of header lines would get lost."""
    domain = sender.rpartition("@")[2]
    return domain if len(domain) <= _LONGEST_DOMAIN and domain.isascii() else "ohlas.invalid"
