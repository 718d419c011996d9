"""Whom a mail is from, and whether a person wrote it: its headers as facts. Pure.

Nothing in here raises, whatever the bytes are: who writes to an address may write anything.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser

REPORT = "multipart/report"  # what mail servers write when a mail could not be delivered
_FIELD = 4_000  # characters of one header field


def one_kind_of_line_ends(raw: bytes) -> bytes:
    """Mail servers end a line at CR LF; Python also at a lone CR, behind which a field could be hidden from them."""
    return re.sub(rb"\r(?!\n)", b" ", raw)


def parsed(raw: bytes) -> Message:
    try:
        return BytesParser().parsebytes(raw)
    except RecursionError:  # parts within parts within parts
        return Message()


def values_of(message: Message, name: str) -> list[str]:
    """Unfolded, top first."""
    return [re.sub(r"\r?\n[ \t]*", " ", str(value))[:_FIELD] for value in message.get_all(name, [])]


def value_of(message: Message, name: str) -> str:
    return next(iter(values_of(message, name)), "").strip()


def decoded(value: str) -> str:
    """A header with encoded words, as a person reads it."""
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError, TypeError):  # an encoding nobody knows, or broken base64
        return value


def text_of(message: Message, name: str) -> str:
    """A header as a person reads it: with encoded words, or in bare bytes, as many a shop's form writes it."""
    found = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    raw = re.sub(r"\r?\n[ \t]*", " ", found)[:_FIELD].encode("utf-8", "surrogateescape")
    try:
        return decoded(raw.decode()).strip()
    except UnicodeDecodeError:
        return decoded(raw.decode("cp1250", "replace")).strip()


# who

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ADDRESS = re.compile(r"[^\s<>@(),:;\\\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def sender_of(headers: Message) -> str:
    """Read strictly: what our server's check and we might read differently is nobody's address."""
    fields = values_of(headers, "From")
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


def automatic(headers: Message, sender: str, mailbox: str) -> str:
    """Why no person wrote it: a robot that is answered answers again."""
    for name in ("Auto-Submitted", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id", "X-Loop"):
        if (value := value_of(headers, name)) and _says_so(name, value):
            return name
    if value_of(headers, "Precedence").lower() in _PRECEDENCE:
        return "Precedence"
    if headers.get("Return-Path") is not None and value_of(headers, "Return-Path").strip("<> ") == "":
        return "Return-Path"
    if headers.get_content_type() in (REPORT, "message/delivery-status"):
        return REPORT
    if sender.casefold() == mailbox.casefold() or _ROBOTS.match(sender):
        return "From"
    return "Subject" if _AWAY.match(text_of(headers, "Subject")) else ""


def _says_so(name: str, value: str) -> bool:
    word = value.partition(";")[0].partition("(")[0].strip().lower()
    return word not in ("no", "none", "") if name == "Auto-Submitted" else word not in ("no", "none", "false")
