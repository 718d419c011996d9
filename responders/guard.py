"""Says what speaks against publishing a text. Pure, and the same for texts of machines and of people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from monitor.contract import ReplyRules
from monitor.model import NOT_GIVEN, Finding, GivenOrder, Label, Mention
from monitor.options import CompanyOptions, PolicyOptions
from responders.guarding import addresses, manners, private, promises, shape
from responders.guarding.case import Allowed, Case, error
from responders.playbook import Playbook, shipped
from responders.shipped import shipped_languages

RULES: dict[str, str] = {
    "empty": "there is no text",
    "too_long": "longer than the platform takes",
    "too_many_cashtags": "more marks like $EUR than the platform takes in one answer",
    "missing_part": "a part of a good reply is missing",
    "part_order": "the parts stand in another order than apology, interest, solution",
    "wrong_language": "another language than the customer's",
    "unapproved_promise": "promises what the policy does not allow",
    "deadline_promised": "promises to be done by a certain time",
    "private_data": "shows something private in public",
    "unknown_link": "links to somewhere else than the company's website",
    "unfilled_slot": "a placeholder was left in",
    "insult_or_blame": "insults or blames the customer",
    "sarcasm": "mocks the customer or answers back",
    "slander": "speaks ill of a competitor",
    "admission": "admits liability in the law's words",
    "forbidden_words": "holds words that the policy forbids",
    "repetition": "repeats an earlier reply in the same conversation",
    "asks_again": "asks for the order number, which the customer has given",
}


def check(
    text: str,
    *,
    language: str,
    label: Label,
    rules: ReplyRules,
    company: CompanyOptions,
    policy: PolicyOptions,
    allowed: Allowed | None = None,
    parts: Mapping[str, str] | None = None,
    mention: Mention | None = None,
    identify: Callable[[str], str] | None = None,
    playbook: Playbook | None = None,
    earlier: Sequence[str] = (),
    known: Sequence[str] = (),
    own_links: str = "",
    order: GivenOrder = NOT_GIVEN,
) -> tuple[Finding, ...]:
    """Everything that speaks against `text`, in the order of RULES; never raises, whatever the text.

    `allowed` is what may be promised in this matter, where that is something else than `policy` says. `parts` are the
    sentences that a draft was made of; those that still stand in the text need not be recognised. `identify` says in
    which language a text is, "" where it cannot tell. Without a `playbook` the shipped one is asked. `earlier` are the
    last replies in the same conversation, and `known` lines that the company lets everybody know, such as its facts.
    `own_links` is how links to a page of ours begin, "" where there is none. `order` is what the customer has said
    of his order.
    """
    if not text.strip():
        return (error("empty", "There is no text to publish."),)
    if playbook is None and language in shipped_languages():
        playbook = shipped(language)
    case = Case(
        text=text,
        language=language,
        label=label,
        rules=rules,
        company=company,
        policy=policy,
        allowed=allowed or policy,
        parts=parts or {},
        mention=mention,
        identify=identify,
        playbook=playbook,
        earlier=earlier,
        known=known,
        own_links=own_links,
        order=order,
    )
    return tuple(finding for rule in _CHECKS for finding in rule(case))


_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    shape.too_long,
    shape.too_many_cashtags,
    shape.missing_part,
    shape.part_order,
    shape.wrong_language,
    promises.unapproved_promise,
    promises.deadline_promised,
    private.private_data,
    addresses.home_address,
    private.unknown_link,
    shape.unfilled_slot,
    manners.insult_or_blame,
    manners.sarcasm,
    manners.slander,
    manners.admission,
    manners.forbidden_words,
    shape.repetition,
    manners.asks_again,
)
