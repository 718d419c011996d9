"""Order numbers in what customers write, and in what platforms say of a review. Only processes text.

A number counts where the words before it say so, in the six languages of the playbooks, or where it has the form that
the shop gives (`cases.order_number`). Phone numbers, dates, years, prices, amounts and accounts do not count.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import regex

from monitor.model import GivenOrder, Mention
from monitor.text import fold, plain

log = logging.getLogger(__name__)

PATIENCE = 0.05  # seconds that a shop's own pattern may take on one text
_MOST = 10  # numbers of one mention
_ROOM = 60  # characters between the word and its number
_LEAST_DIGITS, _LEAST_BARE = 4, 5  # where "no." stands before the number, and where it does not

# Folded names of fields and columns that hold nothing else.
_FIELDS = frozenset(
    "order orderid ordernumber orderno ordercode orderref orderreference referenceid objednavka cisloobjednavky"
    " kodobjednavky rendelesszam rendelesiszam rendelesazonosito bestellnummer bestellnr auftragsnummer zamowienie"
    " numerzamowienia nrzamowienia".split()
)

# On text without diacritics, in lower case.
_WORD = regex.compile(
    r"\b(?:(?P<saying>(?:cisl\w+|c\.?|kod\w*|numer\w*|nr\.?|number of (?:my |the |our )?|nummer (?:der|meiner) )\s*)?"
    r"(?:(?P<whole>objednav[kc]\w*|(?:meg)?rendeles\w*|order(?:id)?|orders|bestellung\w*|bestell|bestell-?(?:nummer|nr)"
    r"|auftrag\w*|zamowieni\w*)|(?P<short>obj|zam|best)\b))(?=\W|$)"
)
_COMPOUND = regex.compile(r"\w*(?:szam\w*|azonosito\w*|nummer|nr|orderid)")
_MARK = r"(?:#|№|no|nr|num|number|numbers|numer\w*|nummer|c|cisl\w*|szam\w*|azonosito\w*|kod\w*|code|id|ref|reference)"
_FILLER = (
    r"(?:s|so|se|ze|mojej|moja|moje|moju|my|our|nasej|nase|z|zo|with|mit|der|die|meine|meiner|o|the|je|is|was|it|ist"
    r"|war|lautet|to|jest|byla|bola|bolo|bylo|a|az|pod|unter|under|that|mai|tegnapi)"
)
_BETWEEN = regex.compile(rf"(?:[\s.,:;()\[\]„“”\"'=–—-]|\b{_FILLER}(?=\s)|(?P<mark>(?<!\w){_MARK}(?!\w)|#|№))*")
_NUMBER = regex.compile(r"(?<!\w)[A-Za-z0-9](?:[A-Za-z0-9]|[-/_.](?=[A-Za-z0-9]))*+(?![@\w])")
_NEXT = regex.compile(r"\s*(?:,|\ba\b|\baj\b|\bi\b|\bes\b|\band\b|\bund\b|\boraz\b|&)\s*(?=[\w#])#?")
_BEFORE = regex.compile(  # "a 12345-ös számú rendelés"
    r"(?<![\w@/+.,-])(?P<number>[a-z0-9][a-z0-9/_.-]*?)(?:-[a-z]{1,4})?\s+(?:szamu|sz\.|azonositoju|sorszamu)\s+"
    r"(?:meg)?rendeles"
)
_SUFFIX = regex.compile(r"(?<=\d)-\p{Ll}{1,5}$")  # Hungarian: 12345-öt
_UNITS = regex.compile(
    r"\s*(?:€|\$|£|%|,-|eur\b|euro\w*|kc\b|czk\b|kor\w*|ft\b|huf\b|forint\w*|zl\b|zlot\w*|pln\b|usd\b|gbp\b"
    r"|ks\b|kus\w*|db\b|darab\w*|pcs\b|pieces?\b|items?\b|stuck\b|szt\w*|kg\b|gr?\b|ml\b|l\b|cm\b|mm\b|m\b|x\b"
    r"|dni\b|dny\b|days?\b|nap\w*|tage\w*|hod\w*|hour\w*|min\w*|ludi\b|lidi\b|people\b|follow\w*)"
)
_DATE = regex.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}\.\d{1,2}")
_MONTH = regex.compile(r"(?:19|20)\d\d[./-]\d{1,2}")
_DIGIT = regex.compile(r"\d")
_LETTERS_FIRST = regex.compile(r"[A-Za-z]{1,4}[-/]\d{4,}")
_YEAR = regex.compile(r"(?:19|20)\d\d|(?:1[5-9]|20)\d\d[-/](?:1[5-9]|20)\d\d")  # or from one to another
_ACCOUNT = regex.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,}")
_PRICE = regex.compile(r"\d+\.\d{2}")
_GROUPS = regex.compile(r"[ \xa0]\d{2,4}(?!\d)")  # the next group of a phone number, or of a price
_CENTS = regex.compile(r"[.,]\d{1,2}(?!\d)")


def order_numbers(text: str, raw: Mapping[str, Any], pattern: str = "") -> dict[str, str]:
    """Comparable form -> as it is written, in the order in which they stand; those of `raw` first.

    `pattern` is the shop's own form of numbers; where it is given, nothing else in the text counts.
    """
    found: dict[str, str] = {}
    written = (*_in_fields(raw), *(_of_form(text, pattern) if pattern else _told(text)))
    for number in written:
        found.setdefault(comparable(number), number)
    return dict(list(found.items())[:_MOST])


def given_order(mention: Mention, beside: Iterable[Mention] = (), pattern: str = "") -> GivenOrder:
    """What is known of the order, by the mention and by what else the customer wrote in the matter."""
    own = _of_mention(mention, pattern)
    known = bool(own) or any(_of_mention(one, pattern) for one in beside)
    return GivenOrder(known, next(iter(own.values())) if len(own) == 1 else "")


def _of_mention(mention: Mention, pattern: str) -> dict[str, str]:
    return order_numbers(f"{mention.title}\n{mention.text}", mention.raw, pattern)


def comparable(number: str) -> str:
    """2024-1138, 2024/1138 and #20241138 are one number."""
    return "".join(filter(str.isalnum, number)).upper()


def _in_fields(raw: Mapping[str, Any]) -> Iterator[str]:
    for name, value in raw.items():
        if fold(name) in _FIELDS and isinstance(value, str | int) and not isinstance(value, bool):
            number = str(value).strip()
            digits = [sign for sign in number if sign.isdigit()]
            if len(digits) >= 3 and len(set(digits)) > 1 and len(number) <= 50:  # "0", "-" and "11111" are everybody's
                yield number


def _of_form(text: str, pattern: str) -> Iterator[str]:
    """Each whole number that has the shop's form; a group in the pattern says which part of it counts."""
    form = regex.compile(rf"(?<!\w)(?:{pattern})(?!\w)", regex.IGNORECASE)
    try:
        for match in form.finditer(text, timeout=PATIENCE):
            number = match[1] if form.groups else match[0]
            if number and any(sign.isdigit() for sign in number):
                yield number
    except TimeoutError:
        log.warning("cases.order_number took too long on a text; write it without nested repetitions")


def _told(text: str) -> Iterator[str]:
    """Numbers that the words around them call order numbers."""
    if len(_DIGIT.findall(text)) < _LEAST_DIGITS:
        return
    folded = plain(text)
    for word in _WORD.finditer(folded):
        yield from _after(text, folded, word)
    for before in _BEFORE.finditer(folded):
        start, end = before.span("number")
        if _is_number(text, start, end, _LEAST_DIGITS):
            yield text[start:end]


def _after(text: str, folded: str, word: regex.Match[str]) -> Iterator[str]:
    """The number that follows the word, and those listed after it."""
    between = _BETWEEN.match(folded, word.end(), word.end() + _ROOM)
    place = between.end() if between else word.end()
    marked = _is_marked(word, between)
    if not marked and (word["short"] or word["whole"] == "orders"):
        return
    least = _LEAST_DIGITS if marked else _LEAST_BARE
    while number := _NUMBER.match(text, place):
        end = number.end() - len(_suffix(number[0]))
        needed = _LEAST_DIGITS if _LETTERS_FIRST.fullmatch(text[number.start() : end]) else least
        if not _is_number(text, number.start(), end, needed) or not (
            marked or _is_plausible(text[number.start() : end])
        ):
            return
        yield text[number.start() : end]
        following = _NEXT.match(folded, number.end())
        if following is None:
            return
        place = following.end()


def _is_marked(word: regex.Match[str], between: regex.Match[str] | None) -> bool:
    """Whether "number", "no.", "#" stands before or after the word, or within it."""
    if word["saying"] or (word["whole"] and _COMPOUND.fullmatch(word["whole"])):
        return True
    return between is not None and between["mark"] is not None


def _suffix(number: str) -> str:
    found = _SUFFIX.search(number)
    return found[0] if found else ""


def _is_number(text: str, start: int, end: int, least: int) -> bool:
    token = text[start:end]
    if sum(sign.isdigit() for sign in token) < least or len(token) > 30:
        return False
    if any(kind.fullmatch(token) for kind in (_DATE, _YEAR, _ACCOUNT, _PRICE)):
        return False
    following = plain(text[end : end + 12])
    in_groups = len(token) <= 4 and _GROUPS.match(following)
    return not (in_groups or _UNITS.match(following) or _CENTS.match(following))


def _is_plausible(token: str) -> bool:
    """Without "no." before it, what may as well be a phone number or a year with its month is none."""
    digits = "".join(filter(str.isdigit, token))
    like_a_phone = digits == token and (len(digits) in (9, 12) or token.startswith("0"))
    return not (like_a_phone or _MONTH.fullmatch(token))
