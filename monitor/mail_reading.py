"""What a person wrote in a mail: the text above the quotation, whatever program wrote it. Pure, and never fails.

It need not be perfect: only a word on the first line decides, and everything else is shown again before it goes out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email.message import Message

from monitor.nesting import shallow
from monitor.text import clean, html_to_text

LIMIT = 200_000  # characters of a body that are looked at; what people type is far shorter
DEPTH = 12  # parts within parts
PARTS = 100

Part = Message  # of the old kind: the newer one of the standard library fails on broken mails


def written(message: Part) -> str:
    """The new text of a mail as the person sees it, line by line; quotations, and what stands below them, are cut."""
    return clean(above_the_quotation(_body(message)))


def whole(message: Part) -> str:
    """Everything in it that can be read, quotations included."""
    return "\n".join(_decoded(part) for part in _leaves(message) if _kind(part) in ("text/plain", "text/html"))[:LIMIT]


def _body(message: Part) -> str:
    """The first plain text that says something, or else what a reader of the HTML would see."""
    leaves = [part for part in _leaves(message) if not _attached(part)]
    for part in leaves:
        if _kind(part) == "text/plain" and (text := _plain(part)).strip():
            return text
    for part in leaves:
        if _kind(part) == "text/html" and (text := _html(_decoded(part))).strip():
            return text
    return ""


def _leaves(message: Part, depth: int = 0) -> Iterator[Part]:
    """Parts that hold text, in order. Mails inside the mail are somebody else's words."""
    parts = message.get_payload()
    if not isinstance(parts, list):
        yield message
        return
    if depth < DEPTH and not _kind(message).startswith("message/"):
        for part in parts[:PARTS]:
            if isinstance(part, Message):
                yield from _leaves(part, depth + 1)


def _kind(part: Part) -> str:
    return part.get_content_type()


def _attached(part: Part) -> bool:
    return str(part.get("Content-Disposition", "")).strip().lower().startswith("attachment")


# characters


# what programs call an encoding and what they then write
_MEANT = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8", "ansi": "cp1250"}
_CZECHOSLOVAK = "cp1250"  # what is left when nothing else fits, in this part of the world


def _decoded(part: Part) -> str:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError):  # an encoding with a broken name
        return ""
    return _characters(payload, _parameter(part, "charset"))[:LIMIT] if isinstance(payload, bytes) else ""


def _characters(payload: bytes, name: str) -> str:
    payload = payload[: 4 * LIMIT]
    declared = _MEANT.get(name, name).replace("cp-", "cp")
    for encoding in (declared, "utf-8"):
        try:
            return payload.decode(codecs.lookup(encoding).name)
        except (LookupError, ValueError, TypeError):  # TypeError: a codec that is none of characters, e.g. "hex"
            continue
    return payload.decode("utf-8" if _cut_off(payload) else _CZECHOSLOVAK, "replace")


def _cut_off(payload: bytes) -> bool:
    """Whether it is UTF-8 but for a letter at the very end, of which the rest was not read."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(payload) - 3
    return True


def _parameter(part: Part, name: str) -> str:
    try:
        value = part.get_param(name, "")
    except (ValueError, IndexError, TypeError, LookupError):  # a broken RFC 2231 continuation
        return ""
    return (value[2] if isinstance(value, tuple) else value or "").strip().strip("\"'").lower()


def _plain(part: Part) -> str:
    text = _decoded(part)
    flowed = _parameter(part, "format") == "flowed"
    return _unflowed(text, joined=_parameter(part, "delsp") == "yes") if flowed else text


def _unflowed(text: str, *, joined: bool) -> str:
    """Lines of RFC 3676 put together again: one that ends in a space goes on in the next of the same depth."""
    lines: list[str] = []
    depth, goes_on = 0, False
    for raw in text.splitlines():
        body = raw.lstrip(">")
        now = len(raw) - len(body)
        body = body.removeprefix(" ")
        signature = body in ("-- ", "--")
        if goes_on and body and now == depth and not signature:
            lines[-1] += body
        else:
            lines.append(f"{'>' * now} {body}" if now else body)
        depth, goes_on = now, body.endswith(" ") and not signature
        if goes_on and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


# HTML

# where the quotation starts in mails of Gmail, Apple, Thunderbird, Outlook, Yahoo, Proton and Seznam
_QUOTES = (
    "blockquote, .gmail_quote, .gmail_attr, .moz-cite-prefix, .yahoo_quoted, .protonmail_quote, #divRplyFwdMsg,"
    " #appendonsend, #x_divRplyFwdMsg, .OutlookMessageHeader, hr#stopSpelling, div[style*='border-top:solid'],"
    " div[style*='border-top: solid'], div[style*='border:none;border-top'], aside[data-email], .szn-quote"
)
_SIGNATURES = ".gmail_signature, .moz-signature, #Signature, .protonmail_signature_block, #ms-outlook-mobile-signature"
# stand for places in the HTML while it is still HTML; no mail keeps characters like these
_QUOTED, _SIGNED = "\x1b", "\x1c"


def _html(text: str) -> str:
    """As text, with a line `>` where a quotation starts, and `--` where a signature does."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(shallow(text.translate({0x1B: None, 0x1C: None})).encode("utf-8", "replace").decode())
    for selector, mark in ((_QUOTES, _QUOTED), (_SIGNATURES, _SIGNED)):
        for node in tree.css(selector):
            node.insert_before(mark)
    html = (tree.html or "").replace(_QUOTED, "<p>&gt;</p>").replace(_SIGNED, "<p>--</p>")
    return html_to_text(html, LIMIT)


# quotations

_WROTE = (
    r"wrote|writes|napísala?|napísal\(a\)|píše|napsala?|napsal\(a\)|írta|ezt írta|a következőt írta|schrieb|geschrieben"
    r"|napisał\(?a?\)?"
)
_ATTRIBUTION = re.compile(rf"(?=.*(?:\d|@)).*\b(?:{_WROTE})\b.{{0,80}}:$", re.IGNORECASE)
# how one begins that goes on in the next line
_BEGINNING = re.compile(r"(?:on|dňa|dne|am|v dňa|dnia|w dniu)\b|.*[\d@<]", re.IGNORECASE)
_DASHES = re.compile(
    r"[-–—_*>= ]*\s*(?:original message|pôvodná správa|povodna sprava|původní zpráva|původní e-mail|eredeti üzenet"
    r"|ursprüngliche nachricht|forwarded message|preposlaná správa|přeposlaná zpráva|továbbított üzenet"
    r"|oryginalna wiadomość|begin forwarded message)\s*[-–—_*:= ]*",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_]{8,}|[-]{20,}|[=]{20,}")
_FROM = re.compile(r"\W{0,3}(?:from|od|feladó|von)\W{0,3}:\W{0,3}\s*\S", re.IGNORECASE)
_MORE = re.compile(
    r"\W{0,3}(?:sent|date|to|subject|odoslané|odoslane|dátum|datum|odesláno|komu|predmet|předmět|küldve|elküldve|küldés"
    r"|címzett|tárgy|gesendet|an|betreff)\W{0,3}[^:]{0,12}:",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"--\s?")
_BY_PHONE = re.compile(
    r"(?:sent from|odoslané z|odoslane z|odeslané z|odesláno z|posláno z|poslané z|küldve az|elküldve|get outlook|"
    r"získajte outlook|získejte outlook|získať outlook|outlook beszerzése|az? (?:iphone|android)\S*\b.*küldve|"
    r"az (?:outlook|en) .*let[öő]lt).{0,80}",
    re.IGNORECASE,
)
_FROM_A_PHONE = re.compile(r".{0,40}\biphone-omról küldve\b.{0,20}|.{0,20}\bküldve .{0,30}\biphone\S*", re.IGNORECASE)


def above_the_quotation(text: str) -> str:
    lines = [line.strip() for line in text[:LIMIT].splitlines()]
    end = next((number for number in range(len(lines)) if _ends_here(lines, number)), len(lines))
    return "\n".join(lines[:end]).strip()


def _ends_here(lines: list[str], number: int) -> bool:
    line = lines[number]
    if not line:
        return False
    if line.startswith(">") or _RULE.fullmatch(line) or _DASHES.fullmatch(line[:200]) or _SIGNATURE.fullmatch(line):
        return True
    return _is_by_phone(line) or _is_attribution(lines, number) or _is_header(lines, number)


def _is_by_phone(line: str) -> bool:
    return len(line) <= 120 and bool(_BY_PHONE.fullmatch(line) or _FROM_A_PHONE.fullmatch(line))


def _is_attribution(lines: list[str], number: int) -> bool:
    """`On …, Jana wrote:`, which programs break into up to three lines; the quotation follows."""
    for length in (1, 2, 3):
        several = lines[number : number + length]
        joined = " ".join(several)
        if not all(several) or len(joined) > 400:
            return False
        if _ATTRIBUTION.fullmatch(joined):
            return length == 1 or bool(_BEGINNING.match(several[0]))
    return False


def _is_header(lines: list[str], number: int) -> bool:
    """The block `From: … Sent: … To: …` that Outlook puts above what it quotes."""
    if not _FROM.match(lines[number][:200]):
        return False
    following = [line for line in lines[number + 1 : number + 6] if line][:3]
    return any(_MORE.match(line[:200]) for line in following)
