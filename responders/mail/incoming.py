"""An e-mail's bytes as facts: who wrote it, to which letter of ours, what, and whether a person did. Pure.

Nothing in here raises, whatever the bytes are: who writes to an address may write anything.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser

from monitor.text import one_line
from responders.mail.authentication import Dmarc, dmarc_of
from responders.mail.reading import whole, written
from responders.mail.tokens import find_tokens

LIMIT = 1_000_000  # bytes of a mail that are looked at; attachments make mails large, not what people type
_CANDIDATES = 50  # tokens at most that are tried for one mail
_THREAD = 20  # mails before it that are looked for
REPORT = "multipart/report"  # what mail servers write when a mail could not be delivered
_FIELD = 4_000  # characters of one header field


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
    raw = _one_kind_of_line_ends(raw[:LIMIT])
    headers = BytesHeaderParser().parsebytes(raw)
    body = _parsed(raw)
    text = written(body)
    marked = _marked_addresses(headers, mailbox)
    sender = _sender(headers)
    dmarc = dmarc_of(_fields(headers, "Authentication-Results"), authserv_id)
    message_id = _first(headers, "Message-ID")
    return Incoming(
        message_id=message_id,
        sender=sender,
        subject=one_line(decoded(_first(headers, "Subject"))),
        tokens=_tokens(headers, raw, body, marked),
        to_us=bool(marked),
        answers=_answered(headers),
        first_line=text.partition("\n")[0].strip(),
        text=text,
        automatic=_automatic(headers, sender, mailbox),
        bounced=_bounced(headers, raw),
        dmarc=dmarc,
        key=_key(message_id, sender, dmarc, raw),
    )


def _one_kind_of_line_ends(raw: bytes) -> bytes:
    """Mail servers end a line at CR LF; Python also at a lone CR, behind which a field could be hidden from them."""
    return re.sub(rb"\r(?!\n)", b" ", raw)


def _parsed(raw: bytes) -> Message:
    try:
        return BytesParser().parsebytes(raw)
    except RecursionError:  # parts within parts within parts
        return Message()


def _fields(message: Message, name: str) -> list[str]:
    """Unfolded, top first."""
    return [re.sub(r"\r?\n[ \t]*", " ", str(value))[:_FIELD] for value in message.get_all(name, [])]


def _first(message: Message, name: str) -> str:
    return next(iter(_fields(message, name)), "").strip()


def _key(message_id: str, sender: str, dmarc: Dmarc, raw: bytes) -> str:
    """By Message-ID; with who sent it and how sure that is, so that a stranger who uses another mail's is not
    taken for it."""
    known = "\x1f".join((message_id, sender, dmarc.result, dmarc.domain)).encode("utf-8", "replace")
    return f"mail-in-{hashlib.sha256(known if message_id else raw).hexdigest()[:32]}"


# who

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ADDRESS = re.compile(r"[^\s<>@(),:;\\\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def _sender(headers: Message) -> str:
    """Read strictly: what our server's check and we might read differently is nobody's address."""
    fields = _fields(headers, "From")
    if len(fields) != 1:
        return ""
    value = _QUOTED.sub(" ", fields[0]).strip()
    name, bracket, rest = value.partition("<")
    address, closing, after = rest.partition(">")
    if not bracket:
        address, name, closing = value, "", ">"
    if not closing or after.strip() or set(name) & set("@<>,;:()"):
        return ""
    return address.strip() if _ADDRESS.fullmatch(address.strip()) else ""


# to which letter

_PLACES = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Delivered-To", "Resent-To")


def _marked_addresses(headers: Message, mailbox: str) -> list[str]:
    """What stands behind the plus in addresses of ours."""
    local, _, domain = mailbox.partition("@")
    ours = re.compile(rf"(?<![\w.+-]){re.escape(local)}\+([^\s@<>,;\"]{{1,200}})@{re.escape(domain)}\b", re.IGNORECASE)
    return [found for name in _PLACES for value in _fields(headers, name) for found in ours.findall(value)]


def _answered(headers: Message) -> tuple[str, ...]:
    """The mail that it answers first, then those before it."""
    fields = [value for name in ("In-Reply-To", "References") for value in reversed(_fields(headers, name))]
    found = [one for value in fields for one in reversed(re.findall(r"<[^<>\s]{1,300}>", value))]
    return tuple(dict.fromkeys(found))[:_THREAD]


def _tokens(headers: Message, raw: bytes, body: Message, marked: list[str]) -> tuple[str, ...]:
    """The plus-address first, then References, then what is quoted of our letter."""
    threads = (value for name in ("In-Reply-To", "References") for value in reversed(_fields(headers, name)))
    quoted = raw.decode("ascii", "ignore") if headers.get_content_type() == REPORT else whole(body)
    return tuple(find_tokens(*marked, *threads, quoted)[:_CANDIDATES])


# by hand or not

_PRECEDENCE = ("bulk", "junk", "list", "auto_reply")
_ROBOTS = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|daemon)([+=.-].*)?@", re.IGNORECASE)
# programs of today say it in Auto-Submitted; these are for those that do not
_AWAY = re.compile(
    r"(?:automatick[áé] odpove[ďd]|automatická odpověď|automatikus válasz|automatic reply|auto(?:matic)?[ -]?response"
    r"|autoreply|auto:|out of (?:the )?office|mimo kancel[áa]ri[ue]|mimo kancelář|nepr[íi]tomnos[ťt]|nepřítomnost"
    r"|házon kívül|nem vagyok az irodában|szabadságon vagyok|szabadság miatt|abwesenheit|undeliver(?:ed|able)"
    r"|mail delivery (?:failed|failure)|delivery status notification|failure notice|nedoručiteľn|nedoručiteln"
    r"|kézbesíthetetlen|returned mail)",
    re.IGNORECASE,
)


def _automatic(headers: Message, sender: str, mailbox: str) -> str:
    """Why no person wrote it: a robot that is answered answers again."""
    for name in ("Auto-Submitted", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id", "X-Loop"):
        if (value := _first(headers, name)) and _says_so(name, value):
            return name
    if _first(headers, "Precedence").lower() in _PRECEDENCE:
        return "Precedence"
    if headers.get("Return-Path") is not None and _first(headers, "Return-Path").strip("<> ") == "":
        return "Return-Path"
    if headers.get_content_type() in (REPORT, "message/delivery-status"):
        return REPORT
    if sender.casefold() == mailbox.casefold() or _ROBOTS.match(sender):
        return "From"
    return "Subject" if _AWAY.match(decoded(_first(headers, "Subject"))) else ""


# what mail servers say of a mail that they gave up; one that is only late says "delayed"
_FAILED = re.compile(rb"^action:[ \t]*failed\b", re.IGNORECASE | re.MULTILINE)
_DIAGNOSIS = re.compile(rb"^(?:diagnostic-code|status):(.{1,300})$", re.IGNORECASE | re.MULTILINE)


def _bounced(headers: Message, raw: bytes) -> str:
    if headers.get_content_type() != REPORT or not _FAILED.search(raw):
        return ""
    found = [one.decode("ascii", "replace") for one in _DIAGNOSIS.findall(raw)]
    return one_line(max(found, key=len, default="")) or "not delivered"


def _says_so(name: str, value: str) -> bool:
    word = value.partition(";")[0].partition("(")[0].strip().lower()
    return word not in ("no", "none", "") if name == "Auto-Submitted" else word not in ("no", "none", "false")


def decoded(value: str) -> str:
    """A header with encoded words, as a person reads it."""
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError, TypeError):  # an encoding nobody knows, or broken base64
        return value
