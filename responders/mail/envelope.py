"""A `Letter` as a message that a mail server takes: headers, plain text and HTML. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from monitor.text import one_line
from responders.mail.letters import DraftPart, Letter

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_LONGEST_DOMAIN: Final = 30
_ID: Final = re.compile(r"<[!-;=?-~]{1,72}>")
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # not in XML
TEMPLATES: Final = Path(__file__).parent / "templates"


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


def message(letter: Letter, envelope: Envelope) -> EmailMessage:
    """Plain text and HTML of the letter; nothing in it can become a header or markup."""
    found = EmailMessage(policy=SMTP)
    found["From"] = Address(display_name="Ohlas", addr_spec=envelope.sender)
    found["To"] = Address(display_name=one_line(envelope.person, 60), addr_spec=envelope.recipient)
    found["Subject"] = one_line(letter.subject, 200)
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
    found["Content-Language"] = envelope.language
    found.set_content(_UNWRITABLE.sub("", plain(letter)))
    found.add_alternative(html(letter, envelope.language), subtype="html")
    return found


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
    from mjml import mjml2html

    source = _environment().get_template("letter.mjml").render(letter=letter, language=language, subject=letter.subject)
    # no fonts from elsewhere: whoever serves them would learn when a mail is read
    return mjml2html(_UNWRITABLE.sub("", source), disable_comments=True, fonts={})


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


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    built = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    built.filters["lines"] = _lines
    return built


def _lines(text: str) -> Markup:
    """With line breaks that every mail program shows."""
    from markupsafe import Markup

    return Markup("<br />").join(text.split("\n"))


def _domain(sender: str) -> str:
    """Of message ids, where it need not exist: in a long one Python's folding of header lines would get lost."""
    domain = sender.rpartition("@")[2]
    return domain if len(domain) <= _LONGEST_DOMAIN and domain.isascii() else "ohlas.invalid"
