"""Does the reply show in public what is private, or lead to somewhere that is not the company's?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from monitor.model import Finding, Mention
from responders.cues import fold
from responders.guarding.case import REFERENCE, Case, digits, error
from responders.guarding.people import named_staff
from responders.guarding.promises import MONEY
from responders.names import product_name

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
# written so that robots do not see it: "jana (at) firma.sk", "jana[zavináč]firma.sk"
_HIDDEN_EMAIL = re.compile(r"[\w.+-]{1,64}\s?[(\[]\s?(?:at|ät|zavináč|zavinac|kukac|małpa|malpa)\s?[)\]]", re.I)
# Endings in small letters only: "mrzí.To" is a missing space. Those that are words need a path behind.
LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>()]+"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.(?-i:com|net|org|info|eu|sk|cz|hu|de|pl|at|io|co|shop|biz|app|me|ly|gl|gle|gd|gy|cc"
    r"|link|page|store|online|site|xyz|club)\b(?:/[^\s<>()]*)?"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.(?-i:to|be|it|us|uk|ru|ua|fr|ro|ch|tv|in|is|im)/[^\s<>()]+",
    re.I,
)
_HANDLE = re.compile(r"(?<![\w@./])@[\w][\w.]{1,40}")
_REFERENCE = re.compile(REFERENCE)
_PHONE = re.compile(r"\+?\(?\d(?:[\s()./-]{0,2}\d){8,30}")
_DATE = re.compile(
    r"\b\d{1,2}\.\s?\d{1,2}\.(?:\s?\d{4})?|\b\d{4}-\d\d-\d\d\b|\b\d{4}\.\s?\d{1,2}\.\s?\d{1,2}\.?|\b\d{1,2}/\d{1,2}/\d{4}\b"
)
_NUMBER = re.compile(r"\b[A-Za-z]{0,6}-?\d[\dA-Za-z-]{3,40}")
_SPACED = re.compile(r"\b\d(?:[ .\u00a0/-]{1,2}\d|\d){4,20}\b")


def private_data(case: Case) -> Iterator[Finding]:
    text = _REFERENCE.sub(" ", case.public)
    for match in (*EMAIL.finditer(text), *_HIDDEN_EMAIL.finditer(text)):
        yield error("private_data", "An e-mail address that is not the company's contact.", match[0])
    text = EMAIL.sub(" ", text).replace(case.company.website.strip() or "\n", " ")
    text = _DATE.sub(" ; ", LINK.sub(" ", text))
    for match in _PHONE.finditer(text):
        if not _is_our_number(match[0], case):
            yield error("private_data", "A phone or account number that is not the company's contact.", match[0])
    text = MONEY.sub(" ; ", _PHONE.sub(" ; ", text))
    for match in _NUMBER.finditer(text):
        if _is_private_number(match[0], case.mention):
            yield error("private_data", "A number of an order or the like; ask for it in private instead.", match[0])
    yield from _numbers_in_pieces(text, case.mention)
    yield from named_staff(case)


def _is_our_number(number: str, case: Case) -> bool:
    """The company's own number, written with other spaces."""
    return any(digits(number)[-9:] in digits(line) for line in (case.company.contact, *case.known))


def _is_private_number(number: str, mention: Mention | None) -> bool:
    """Five digits and more are never quoted; four only where they are the customer's own and no year."""
    count = sum(letter.isdigit() for letter in number)
    if mention is None or count < 4:
        return count >= 5
    if number in product_name(mention):
        return False  # a model number is no secret
    if count >= 5:
        return True
    return number in f"{mention.title} {mention.text}" and not re.fullmatch(r"(?:19|20)\d\d", number)


def _numbers_in_pieces(text: str, mention: Mention | None) -> Iterator[Finding]:
    """The customer's own number, taken apart by spaces or dashes: "44 17 82"."""
    if mention is None:
        return
    theirs = {digits(run) for run in _SPACED.findall(_DATE.sub(" ; ", f"{mention.title} {mention.text}"))}
    product = digits(product_name(mention))
    for match in _SPACED.finditer(text):
        number = digits(match[0])
        if number != match[0] and number not in product and any(number in own for own in theirs):
            yield error("private_data", "A number that the customer gave; ask for it in private instead.", match[0])


def unknown_link(case: Case) -> Iterator[Finding]:
    own = _host(case.company.website)
    text = EMAIL.sub(" ", case.without(case.known))
    for match in LINK.finditer(text):
        link = match[0].rstrip(".,;:!?)")
        host = _host(link)
        if case.own_links and link.startswith(case.own_links):
            continue
        if link.lower() == case.company.contact.strip().lower() or fold(link) in fold(case.company.name):
            continue
        if not own or (host != own and not host.endswith(f".{own}")):
            yield error("unknown_link", "The text links to somewhere else than the company's website.", link)
    for match in _HANDLE.finditer(LINK.sub(" ", text)):
        if not _is_known_handle(match[0].rstrip("."), case):
            yield error(
                "unknown_link", "The text points to an account that is neither ours nor the customer's.", match[0]
            )


def _is_known_handle(handle: str, case: Case) -> bool:
    own = (case.company.contact, case.company.name, *case.company.own_names)
    author = (case.mention.author,) if case.mention is not None else ()
    return any(fold(handle).lstrip("@") in fold(name) for name in (*own, *author))


def _host(link: str) -> str:
    address = link.strip() if "//" in link else f"//{link.strip()}"
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:  # e.g. a bracket that urlsplit takes for IPv6
        return ""
    return host.removeprefix("www.")


def masked(text: str, keep: Sequence[str] = ()) -> str:
    """`text` without addresses, links, accounts, phone numbers and numbers of orders: "…" stands for each, but not for
    the lines `keep`, such as the company's own contact."""
    known = sorted((line.strip() for line in keep if line.strip()), key=len, reverse=True)
    if not known:
        return _masked(text)
    pieces = re.split(f"({'|'.join(map(re.escape, known))})", text)
    return "".join(piece if piece in known else _masked(piece) for piece in pieces)


def _masked(text: str) -> str:
    for pattern in (EMAIL, _HIDDEN_EMAIL, LINK, _HANDLE, _PHONE):
        text = pattern.sub("…", text)
    return _NUMBER.sub(_mask_number, text)


def _mask_number(match: re.Match[str]) -> str:
    return "…" if sum(letter.isdigit() for letter in match[0]) >= 5 else match[0]
