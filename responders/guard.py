"""Says what speaks against publishing a text. Pure, and the same for texts of machines and of people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.model import Finding, Label, Mention, ReplyRules
from monitor.options import CompanyOptions, PolicyOptions
from responders.cues import Span, fold, occurs, said, spans
from responders.length import measure
from responders.names import product_name
from responders.playbook import Playbook, shipped, shipped_languages

RULES: dict[str, str] = {
    "empty": "there is no text",
    "too_long": "longer than the platform takes",
    "missing_part": "a part of a good reply is missing",
    "part_order": "the parts stand in another order than apology, interest, solution",
    "wrong_language": "another language than the customer's",
    "unapproved_promise": "promises what the policy does not allow",
    "deadline_promised": "promises to be done by a certain time",
    "private_data": "shows something private in public",
    "unknown_link": "links to somewhere else than the company's website",
    "unfilled_slot": "a placeholder was left in",
    "insult_or_blame": "insults or blames the customer",
}

_SLOT = re.compile(
    r"\{[^{}\n]{0,40}\}|\[[^\[\]\n]*[^\W\d_][^\[\]\n]*\]|<[^\W\d_][^<>\n]{0,40}>|\b[Xx]{3,}\b|\bTODO\b|_{3,}|%[sd]\b|\$\w+\b(?<!\d)"
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>()]+|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.(?:com|net|org|info|eu|sk|cz|hu|de|pl|at|io|co|shop|biz|app|me|ly|gl)\b(?:/[^\s<>()]*)?",
    re.I,
)
_REFERENCE = re.compile(r"\bOH-\d+\b")
_PHONE = re.compile(r"\+?\(?\d(?:[\s()./-]{0,2}\d){8,30}")
_DATE = re.compile(r"\b\d{1,2}\.\s?\d{1,2}\.(?:\s?\d{4})?|\b\d{4}-\d\d-\d\d\b")
_NUMBER = re.compile(r"\b[A-Za-z]{0,6}-?\d[\dA-Za-z-]{3,40}")
_MONEY = re.compile(
    r"(?P<before>€|£|\$|eur\b)\s?(?P<one>\d[\d\s.,]{0,15})"
    r"|(?P<two>\d[\d\s.,]{0,15}?)\s?(?:,-|,—)?\s?(?:€|£|\$|(?:eur\w*|kč|czk|ft|huf|forint\w*|korun\w*|pounds?|dollars?)\b)",
    re.I,
)
_PERCENT = re.compile(r"(\d{1,6}(?:[.,]\d{1,4})?)\s?(?:%|percent|perc|százalék|procent)", re.I)
_LETTERS_TO_JUDGE = 25  # a shorter text says too little about its language


@dataclass(frozen=True, slots=True)
class _Case:
    """A text and everything that it is held against."""

    text: str
    language: str
    label: Label
    rules: ReplyRules
    company: CompanyOptions
    policy: PolicyOptions
    parts: Mapping[str, str]
    mention: Mention | None
    identify: Callable[[str], str] | None
    playbook: Playbook | None

    @property
    def spans(self) -> tuple[Span, ...]:
        return spans(self.text)

    @property
    def public(self) -> str:
        """The text without what the company itself lets everybody know."""
        text = _REFERENCE.sub(" ", self.text)
        for known in (self.company.contact, self.company.website):
            text = text.replace(known.strip(), " ") if known.strip() else text
        return text


def check(
    text: str,
    *,
    language: str,
    label: Label,
    rules: ReplyRules,
    company: CompanyOptions,
    policy: PolicyOptions,
    parts: Mapping[str, str] | None = None,
    mention: Mention | None = None,
    identify: Callable[[str], str] | None = None,
    playbook: Playbook | None = None,
) -> tuple[Finding, ...]:
    """Everything that speaks against `text`, in the order of RULES; never raises, whatever the text.

    `parts` are the sentences that a draft was made of; one that still stands in the text need not be recognised.
    `identify` says in which language a text is, "" where it cannot tell. Without a `playbook` the shipped one is asked.
    """
    if not text.strip():
        return (Finding(rule="empty", severity="error", message="There is no text to publish."),)
    if playbook is None and language in shipped_languages():
        playbook = shipped(language)
    case = _Case(text, language, label, rules, company, policy, parts or {}, mention, identify, playbook)
    return tuple(finding for rule in _CHECKS for finding in rule(case))


def _too_long(case: _Case) -> Iterator[Finding]:
    length = measure(case.rules.unit)(case.text)
    if length > case.rules.max_length:
        most = case.rules.max_length
        message = f"{length} {case.rules.unit}, but the platform takes {most}: {length - most} too many."
        yield _error("too_long", message)


def _missing_part(case: _Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for part, finding in _WANTED[case.label]:
        if not _places(case, case.playbook, part):
            yield finding("missing_part", f"The text has no {part}; a reply to a {case.label} needs one.", part)


def _part_order(case: _Case) -> Iterator[Finding]:
    if case.playbook is None or case.label != "complaint":
        return
    playbook = case.playbook
    apology, interest, solution = (_places(case, playbook, part) for part in ("apology", "interest", "solution"))
    if not (apology and interest and solution):
        return
    if apology[0] > solution[-1]:
        message = "The apology comes after the solution; begin with it."
        yield _error("part_order", message, _sentence_at(case, apology[0]))
    elif apology[0] > interest[-1] or interest[0] > solution[-1]:
        message = "Apologise first, then show interest, then offer a solution."
        yield _warning("part_order", message, _sentence_at(case, interest[0]))


def _places(case: _Case, playbook: Playbook, part: str) -> list[int]:
    """Where sentences of that part stand: those the draft was made of, and those that read like it."""
    written = case.parts.get(part, "")
    known = [case.text.find(written)] if written and written in case.text else []
    cues: tuple[str, ...] = getattr(playbook.guard.parts, part)
    return sorted({*known, *(span.start for span in said(cues, case.spans))})


def _sentence_at(case: _Case, start: int) -> str:
    return next((_short(span.text) for span in case.spans if span.start >= start), "")


def _wrong_language(case: _Case) -> Iterator[Finding]:
    words = _LINK.sub(" ", _EMAIL.sub(" ", case.text))
    if case.identify is None or sum(letter.isalpha() for letter in words) < _LETTERS_TO_JUDGE:
        return
    found = case.identify(words)
    if found and found != case.language:
        message = f'The text reads like "{found}", but the customer is answered in "{case.language}".'
        finding = _warning if _may_be_a_neighbour(case, found, words.lower()) else _error
        yield finding("wrong_language", message)


def _may_be_a_neighbour(case: _Case, found: str, words: str) -> bool:
    """Slovak and Czech are easily taken for each other; the letters that only one of them has settle it."""
    if case.playbook is None:
        return False
    cues = case.playbook.guard
    own = any(letter in words for letter in cues.letters)
    theirs = cues.neighbours.get(found, "")
    return own or (theirs != "" and not any(letter in words for letter in theirs))


def _unapproved_promise(case: _Case) -> Iterator[Finding]:
    if case.playbook is None:
        yield from _unapproved_amounts(case)
        return
    promises = case.playbook.guard.promises
    for offer in ("refund", "replacement", "voucher", "discount", "call_back", "manager"):
        if offer in case.policy.may_offer:
            continue
        for span in said(getattr(promises, offer), case.spans):
            message = f'This promises "{offer}", which the policy does not allow.'
            yield _error("unapproved_promise", message, span.text)
    yield from _unapproved_amounts(case)


def _unapproved_amounts(case: _Case) -> Iterator[Finding]:
    quoted = set(re.findall(r"\d+", case.mention.text)) if case.mention is not None else set()
    for match in _MONEY.finditer(case.text):
        amount = _amount(match["one"] or match["two"])
        if amount <= case.policy.voucher_limit and {"voucher", "discount"} & set(case.policy.may_offer):
            continue
        repeated = re.findall(r"\d+", match[0])[0] in quoted
        limit = f"{case.policy.voucher_limit:g}" if case.policy.voucher_limit else "none"
        message = f"The text names an amount of money; the policy allows {limit}."
        yield (_warning if repeated else _error)("unapproved_promise", message, match[0])
    for match in _PERCENT.finditer(case.text):
        if match[1] not in ("100", "0") and match[1] not in quoted and "discount" not in case.policy.may_offer:
            yield _error("unapproved_promise", "The text names a percentage; the policy allows no discount.", match[0])


def _amount(written: str) -> float:
    """ "1 200,50" and "1.200" as people of the region write them; what cannot be read counts as too much."""
    digits = re.sub(r"\s", "", written).rstrip(".,")
    whole, _, cents = digits.replace(",", ".").rpartition(".")
    if len(cents) == 3 or not whole:
        whole, cents = whole + cents, "0"
    try:
        return float(f"{whole.replace('.', '')}.{cents}")
    except ValueError:
        return float("inf")


def _deadline_promised(case: _Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for span in said(case.playbook.guard.promises.deadline, case.spans):
        yield _warning("deadline_promised", "This promises a time; make sure that it can be kept.", span.text)


def _private_data(case: _Case) -> Iterator[Finding]:
    text = case.public
    for match in _EMAIL.finditer(text):
        yield _error("private_data", "An e-mail address that is not the company's contact.", match[0])
    text = _DATE.sub(" ; ", _LINK.sub(" ", _EMAIL.sub(" ", text)))
    own = _digits(case.company.contact)
    for match in _PHONE.finditer(text):
        if _digits(match[0])[-9:] in own:
            continue  # the company's own number, written with other spaces
        yield _error("private_data", "A phone or account number that is not the company's contact.", match[0])
    for match in _NUMBER.finditer(_MONEY.sub(" ", _PHONE.sub(" ", text))):
        if _is_private_number(match[0], case.mention):
            yield _error("private_data", "A number of an order or the like; ask for it in private instead.", match[0])


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _is_private_number(number: str, mention: Mention | None) -> bool:
    """Five digits and more are never quoted; four only where they are the customer's own and no year."""
    digits = sum(letter.isdigit() for letter in number)
    if mention is None or digits < 4:
        return digits >= 5
    if number in product_name(mention):
        return False  # a model number is no secret
    if digits >= 5:
        return True
    return number in f"{mention.title} {mention.text}" and not re.fullmatch(r"(?:19|20)\d\d", number)


def _unknown_link(case: _Case) -> Iterator[Finding]:
    own = _host(case.company.website)
    for match in _LINK.finditer(_EMAIL.sub(" ", case.text)):
        link = match[0].rstrip(".,;:!?)")
        host = _host(link)
        if link.lower() == case.company.contact.strip().lower() or fold(link) in fold(case.company.name):
            continue
        if not own or (host != own and not host.endswith(f".{own}")):
            yield _error("unknown_link", "The text links to somewhere else than the company's website.", link)


def _host(link: str) -> str:
    address = link.strip() if "//" in link else f"//{link.strip()}"
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:  # e.g. a bracket that urlsplit takes for IPv6
        return ""
    return host.removeprefix("www.")


def _unfilled_slot(case: _Case) -> Iterator[Finding]:
    for match in _SLOT.finditer(case.text):
        yield _error("unfilled_slot", "A placeholder was left in the text.", match[0])


def _insult_or_blame(case: _Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    cues = case.playbook.guard
    for span in said(cues.insults, case.spans):
        yield _error("insult_or_blame", "This insults the customer, or may be read so.", span.text)
    for span in said(cues.blame, case.spans):
        if not occurs(cues.negations, span):
            yield _error("insult_or_blame", "This puts the blame on the customer.", span.text)


_CHECKS: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _too_long,
    _missing_part,
    _part_order,
    _wrong_language,
    _unapproved_promise,
    _deadline_promised,
    _private_data,
    _unknown_link,
    _unfilled_slot,
    _insult_or_blame,
)


def _error(rule: str, message: str, excerpt: str = "") -> Finding:
    return Finding(rule=rule, severity="error", message=message, excerpt=_short(excerpt))


def _warning(rule: str, message: str, excerpt: str = "") -> Finding:
    return Finding(rule=rule, severity="warning", message=message, excerpt=_short(excerpt))


_WANTED: dict[Label, tuple[tuple[str, Callable[[str, str, str], Finding]], ...]] = {
    "complaint": (("apology", _error), ("interest", _error), ("solution", _error)),
    "praise": (("thanks", _error), ("personal", _warning), ("invitation", _warning)),
    "neutral": (),
}


def _short(excerpt: str) -> str:
    return excerpt if len(excerpt) <= 120 else f"{excerpt[:119]}…"
