"""What kind of case a mention is, in the words that a playbook's sentences are picked by. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.contract import Channel, ReplyRules
from monitor.model import NOT_GIVEN, GivenOrder, Label, Mention, Verdict
from responders.cues import occurs, spans
from responders.playbook import ASPECTS, CUSTOMERS, FAULTS, Playbook, Recognise
from responders.waiting import in_words, waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`aspects` stand in the order in which the customer names them, `urgencies` gravest first. `customer` is "" for
    one who is none of the difficult kinds. `stars`: he gave only stars, no words. `waiting` is for how long he says
    that he has waited, as the reply would write it ("3 týždne"), else "". `given_order` is what he has said of his
    order."""

    label: Label
    aspects: tuple[str, ...] = ()
    fault: str = "maybe_ours"
    customer: str = ""
    urgencies: tuple[str, ...] = ()
    channel: Channel = "review"
    question: bool = False
    stars: bool = False
    waiting: str = ""
    given_order: GivenOrder = NOT_GIVEN

    @property
    def words(self) -> frozenset[str]:
        """Everything that holds, as `when` and `unless` of a sentence name it."""
        told = {"general", self.fault, self.channel, *self.aspects, *self.urgencies}
        marks = {"question": self.question, "stars": self.stars, "waiting": self.waiting, self.customer: self.customer}
        marks["order_known"] = self.given_order.known
        return frozenset({*told, *(word for word, holds in marks.items() if holds)})

    def order(self, part: str) -> tuple[str, ...]:
        """By which words a sentence of `part` is looked for: the first bank that has a usable one is taken."""
        words = tuple(word for word in _ORDERS[part](self) if word)
        return (*dict.fromkeys(words), "general") if part != "explanation" else words


def understand(
    mention: Mention,
    verdict: Verdict,
    *,
    playbook: Playbook,
    rules: ReplyRules,
    fault: str = "",
    order: GivenOrder = NOT_GIVEN,
) -> Situation:
    """The situation of a mention that is answered from `playbook`; `fault` is a person's word, "" where nobody said.

    Raises ValueError where `fault` is none of FAULTS.
    """
    if fault and fault not in FAULTS:
        raise ValueError(f'fault: "{fault}" is not one of {", ".join(FAULTS)}')
    said = f"{mention.title}\n{mention.text}"
    complaint = verdict.label == "complaint"
    time = waited(said, playbook.waiting) if complaint else None
    return Situation(
        label=verdict.label,
        aspects=tuple(dict.fromkeys(one.name for one in verdict.aspects if one.name in ASPECTS)),
        fault=fault or (_recognised(said, playbook.recognise) if complaint else "maybe_ours"),
        customer=verdict.tone.name if verdict.tone.name in CUSTOMERS else "",
        urgencies=tuple(urgency.name for urgency in verdict.urgency),
        channel=rules.channel,
        question="?" in said or "？" in said,
        stars=mention.rating is not None and not said.strip(),
        waiting=in_words(time, playbook.waiting, playbook.language) if time else "",
        given_order=order,
    )


def _recognised(said: str, cues: Recognise) -> str:
    """Whose fault it surely is by the customer's own words; where they speak for two, nobody's surely."""
    found = [
        fault
        for fault in ("ours", "not_ours", "misunderstanding")
        if any(occurs(getattr(cues, fault), span) for span in spans(said))
    ]
    return found[0] if len(found) == 1 else "maybe_ours"


def _fault(situation: Situation, *faults: str) -> str:
    return situation.fault if situation.fault in faults else ""


def _apology(one: Situation) -> tuple[str, ...]:
    customer = one.customer if one.customer in ("rude", "offended") else ""
    waiting = "waiting" if one.waiting else ""
    elsewhere = _fault(one, "not_ours", "misunderstanding")
    return (_stars(one), elsewhere, *one.urgencies, customer, waiting, _fault(one, "ours"), *one.aspects)


def _interest(one: Situation) -> tuple[str, ...]:
    return (_stars(one), *one.urgencies, one.customer, *one.aspects)


def _explanation(one: Situation) -> tuple[str, ...]:
    fault = _fault(one, "not_ours", "misunderstanding")
    customer = one.customer if one.customer == "know_it_all" else ""
    return (fault, customer, *one.aspects) if fault or customer else ()


def _ask(one: Situation) -> tuple[str, ...]:
    return ("mail" if one.channel == "mail" else "", _stars(one), *one.urgencies, *one.aspects)


def _solution(one: Situation) -> tuple[str, ...]:
    fault = _fault(one, "misunderstanding", "not_ours")
    return (*one.urgencies, fault, *one.aspects, one.customer)


def _praise(one: Situation) -> tuple[str, ...]:
    return (_stars(one), *one.aspects, one.channel)


def _neutral(one: Situation) -> tuple[str, ...]:
    return ("question" if one.question else "", *one.aspects)


def _stars(one: Situation) -> str:
    return "stars" if one.stars else ""


_ORDERS = {
    "apology": _apology,
    "interest": _interest,
    "explanation": _explanation,
    "ask": _ask,
    "solution": _solution,
    "thanks": _praise,
    "personal": _praise,
    "invitation": _praise,
    "body": _neutral,
}
