"""Only processes text: cleaned, cut, compared, and addresses that are safe to show. All input is untrusted."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, quote, urlsplit, urlunsplit

import regex

from monitor.nesting import shallow

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

LIMIT = 20_000  # characters of one text; reviews and posts are far shorter

# Controls, bidi overrides and isolates, invisible fillers, tag letters (they smuggle hidden words), halves of
# surrogate pairs (SQLite and UTF-8 refuse them) and non-characters. The joiners U+200C and U+200D stay: emoji and
# Persian need them.
_INVISIBLE = regex.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS = regex.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = regex.compile(r"[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_ENDS = regex.compile(r" ?\n ?")
_GAPS = regex.compile(r"\n{3,}")
# Normalising a long run of combining marks takes time that grows with its square.
_MARKS = regex.compile(r"(\p{M}{10})\p{M}+")


def clean(text: str, limit: int = LIMIT) -> str:
    """Readable plain text of at most `limit` characters; paragraphs stay apart, everything invisible goes."""
    text = _INVISIBLE.sub("", text[: 4 * limit])
    text = _SPACES.sub(" ", _BREAKS.sub("\n", text))
    text = _GAPS.sub("\n\n", _LINE_ENDS.sub("\n", text)).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub(r"\1", text))
    return clip(text, limit)


def clip(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something was cut."""
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    while end and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip() + "…"


def one_line(text: str, limit: int = 300) -> str:
    """`clean` for names and titles."""
    return clip(" ".join(clean(text, 4 * limit).split()), limit)


_DROPPED = ["script", "style", "noscript", "template", "head", "svg", "object", "iframe", "textarea", "select"]
_BLOCKS = (
    "address,article,aside,blockquote,dd,div,dl,dt,fieldset,figcaption,figure,footer,form,h1,h2,h3,h4,h5,h6,header,"
    "li,main,nav,ol,p,pre,section,table,tr,ul"
)
_PARAGRAPHS = {"p", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
# Stand for breaks while the white space of the source, which means nothing, is being folded.
_LINE, _BR, _PARAGRAPH = "\x1d", "\x1e", "\x1f"
_RUN = regex.compile(r"[\s\x1d-\x1f]+")


def html_to_text(html: str, limit: int = LIMIT) -> str:
    """What a reader of the HTML would see, one line a block. Never fails, however broken the HTML is."""
    if "<" not in html and "&" not in html:
        return clean(html, limit)
    tree = _parsed(html[: 10 * limit])
    for node in tree.css("br,hr"):
        node.replace_with(_BR)
    for node in tree.css(_BLOCKS):
        mark = _PARAGRAPH if node.tag in _PARAGRAPHS else _LINE
        node.insert_before(mark)
        node.insert_after(mark)
    for node in tree.css("td,th"):
        node.insert_after(" ")
    return clean(_RUN.sub(_white_space, tree.body.text(separator="") if tree.body else ""), limit)


def _white_space(run: regex.Match[str]) -> str:
    if _PARAGRAPH in run[0] or run[0].count(_BR) > 1:
        return "\n\n"
    return "\n" if _BR in run[0] or _LINE in run[0] else " "


def _parsed(html: str) -> LexborHTMLParser:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(shallow(html).encode("utf-8", "replace").decode())
    tree.strip_tags(_DROPPED)
    return tree


_TRACKING = regex.compile(r"(utm_[^=]*|fbclid|gclid|dclid|msclkid|yclid|mc_[ce]id|igshid)(=|$)", regex.IGNORECASE)
_GOOGLE = regex.compile(r"(www\.)?google\.[a-z]{2,3}(\.[a-z]{2})?")
_URL_LENGTH = 2_000


def canonical_url(url: str) -> str:
    """The address as it may be stored, compared and linked to; "" for everything but http and https.

    Tracking parameters and credentials are dropped, Google's redirecting links are unwrapped.
    """
    parts = _split(url)
    if parts is None:
        return ""
    if _GOOGLE.fullmatch(parts.hostname or "") and parts.path == "/url":
        target = _split(_wrapped(parts))
        parts = target or parts
    query = "&".join(pair for pair in parts.query.split("&") if not _TRACKING.match(pair))
    result = urlunsplit((parts.scheme, _authority(parts), _quoted(parts.path), _quoted(query), _quoted(parts.fragment)))
    return result if len(result) <= _URL_LENGTH else ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit("".join(_INVISIBLE.sub("", url[: 4 * _URL_LENGTH]).split()))
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _wrapped(parts: SplitResult) -> str:
    try:
        fields = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return ""
    return (fields.get("url") or fields.get("q") or [""])[0]


def _authority(parts: SplitResult) -> str:
    host = _quoted(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in (None, default) else f"{host}:{parts.port}"


_UNSAFE = regex.compile(r"[\s\"'<>\\^`{|}]")


def _quoted(text: str) -> str:
    # Letters of any script stay readable; whatever could end an attribute or a Markdown link does not.
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), text)


_KEY_LIKE = regex.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_~.:=-]{20,}")


def masked_url(url: str) -> str:
    """The address for logs and errors: without credentials, values of the query, or path segments like a key."""
    parts = _split(url)
    if parts is None:
        return "(an address that is not http or https)"
    path = "/".join("***" if _KEY_LIKE.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = "&".join(
        f"{pair.partition('=')[0]}=***" if "=" in pair else "***" for pair in parts.query.split("&") if pair
    )
    return clip(urlunsplit((parts.scheme, _authority(parts), _quoted(path), _quoted(query), "")), 300)


def fold(text: str) -> str:
    """Letters and digits alone, without case and diacritics: equal where two people would say "the same text"."""
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower()))
    plain = unicodedata.normalize("NFKD", _MARKS.sub(r"\1", text.casefold()))
    return "".join(filter(str.isalnum, plain))


def _plain_letters() -> dict[int, str]:
    """One letter for one, so that a place in the folded text is the same place in the text."""
    table = {code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFKD", chr(code).lower())[0]
        if base.isascii() and base.isalpha():
            table[code] = base
    odd = zip("łŁđĐøØßẞæÆœŒ’‘´`ʼ", "llddoossaaoo'''''", strict=True)
    return table | {ord(letter): plain for letter, plain in odd}


_PLAIN = _plain_letters()


def plain(text: str) -> str:
    """Lower case without diacritics, each character at its place."""
    return text.translate(_PLAIN)
