"""Does the reply promise more than the policy allows: things, amounts, times?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.model import Finding
from responders.cues import pieces, said, spans
from responders.guarding.case import Case, error, warning
from responders.playbook import GuardCues

MONEY = re.compile(
    r"(?P<before>€|£|\$|\beur\b|\bpln\b|\bczk\b|\bhuf\b)\s?(?P<one>\d[\d\s.,]{0,15})"
    r"|(?P<two>\d[\d\s.,]{0,15}?)\s?-?(?:,-|,—)?\s?"
    r"(?:€|£|\$|(?:eur\w*|kč|kc|czk|ft|huf|forint\w*|korun\w*|pounds?|dollars?|pln|zł|zl|złot\w*|zlot\w*|pfund|kronen)\b)",
    re.I,
)
_PERCENT = re.compile(
    r"(\d{1,6}(?:[.,]\d{1,4})?)[\s-]?(?:%|percent|per\scent|perc|százalék|szazalek|procent|prozent)", re.I
)
_OFFERS = ("refund", "replacement", "voucher", "discount", "call_back", "manager")
_GIFTS = {"voucher", "discount"}
_WAIVERS = {"refund", "discount"}


def unapproved_promise(case: Case) -> Iterator[Finding]:
    if case.playbook is not None:
        yield from _unapproved_offers(case, case.playbook.guard)
    yield from _unapproved_amounts(case)
    yield from _unapproved_percentages(case)


def _unapproved_offers(case: Case, cues: GuardCues) -> Iterator[Finding]:
    # what the sentence refuses ("vrátiť peniaze, žiaľ, nemôžeme, ale …") promises nothing
    told = spans(case.without(case.known))
    offered = [piece for span in told for piece in pieces(span, cues.refusals, cues.but)]
    for offer in _OFFERS:
        if offer in case.allowed.may_offer:
            continue
        for span in said(getattr(cues.promises, offer), offered):
            message = f'This promises "{offer}", which the policy does not allow.'
            yield error("unapproved_promise", message, span.text)
    if not _WAIVERS & set(case.allowed.may_offer):
        for span in said(cues.promises.waivers, told):
            yield error(
                "unapproved_promise", "This lets the customer off paying; the policy does not allow it.", span.text
            )
    if not _GIFTS & set(case.allowed.may_offer):
        for span in said(cues.promises.amounts, offered):
            yield error("unapproved_promise", "This names an amount, in words; the policy allows none.", span.text)


def _unapproved_amounts(case: Case) -> Iterator[Finding]:
    quoted = _numbers_of_the_customer(case)
    limit = case.allowed.voucher_limit if _GIFTS & set(case.allowed.may_offer) else 0.0
    for match in MONEY.finditer(case.without(case.known)):
        if _amount(match["one"] or match["two"]) <= limit:
            continue
        repeated = re.findall(r"\d+", match[0])[0] in quoted
        message = f"The text names an amount of money; the policy allows {f'{limit:g}' if limit else 'none'}."
        yield (warning if repeated else error)("unapproved_promise", message, match[0])


def _unapproved_percentages(case: Case) -> Iterator[Finding]:
    quoted = _numbers_of_the_customer(case)
    for match in _PERCENT.finditer(case.without(case.known)):
        if match[1] not in ("100", "0") and match[1] not in quoted and "discount" not in case.allowed.may_offer:
            yield error("unapproved_promise", "The text names a percentage; the policy allows no discount.", match[0])


def _numbers_of_the_customer(case: Case) -> set[str]:
    return set(re.findall(r"\d+", case.mention.text)) if case.mention is not None else set()


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


def deadline_promised(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for span in said(case.playbook.guard.promises.deadline, case.spans):
        yield warning("deadline_promised", "This promises a time; make sure that it can be kept.", span.text)
