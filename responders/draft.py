"""Makes a reply out of a playbook's sentences. Pure: the same mention gives the same text, for ever."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cache

import xxhash

from monitor.contract import ReplyRules
from monitor.model import NOT_GIVEN, Composition, GivenOrder, Mention, Verdict
from monitor.options import CompanyOptions, DraftingOptions, PolicyOptions
from responders.fitting import KEPT, Layout, Piece, Variant, fitted
from responders.names import gender, given_name, greeted, product_name
from responders.playbook import FACT, Playbook, Sentence
from responders.policy import Allowed, allowance
from responders.situation import Situation, understand

_LONGEST_PRODUCT = 60
_UNQUOTABLE = re.compile(r"[{}\[\]<>@\n]|https?:|www\.|\d{5,}")

# At which step of shortening something is left out. A letter keeps its signature as long as it can.
_REFERENCE, _SIGN_OFF, _EXTRA, _SOLUTION, _EXPLANATION, _GREETING, _SIGN_OFF_OF_MAIL = range(1, 8)

Bank = Mapping[str, tuple[Sentence, ...]]
Picked = tuple[Sentence, str]  # and the bank's word


def compose(
    mention: Mention,
    verdict: Verdict,
    *,
    playbook: Playbook,
    company: CompanyOptions,
    policy: PolicyOptions,
    rules: ReplyRules,
    reference: str = "",
    facts: Mapping[str, str] | None = None,
    fault: str = "",
    actor: str = "",
    avoid: Collection[str] = (),
    feedback: str = "",
    order: GivenOrder = NOT_GIVEN,
) -> Composition:
    """Draft the reply to `mention` in the playbook's language, within `rules.max_length` where that is possible.

    Shortens by leaving out the reference, the sign-off, what is offered on top, the second sentence of the solution
    and the greeting, then by shorter sentences; it never cuts. Where even the shortest complete reply is too long, the
    guard says so. `fault` is a person's word on who erred, one of FAULTS; `actor` approves it, where that is known;
    `avoid` are replies that the customer has read already; `feedback` is a link by which a customer who alone reads the
    reply says how he was treated. He is not asked for an `order` number that is known. Raises ValueError where `fault`
    is none.
    """
    situation = understand(mention, verdict, playbook=playbook, rules=rules, fault=fault, order=order)
    allowed = allowance(policy, situation.aspects, actor)
    values = _values(
        mention, situation, playbook, company, {"reference": reference, "voucher": _gift(allowed, company)}
    )
    in_private = situation.channel == "mail"
    values["feedback"] = feedback if in_private else ""
    values["order"] = order.number if in_private else ""
    values.update({f"{FACT}{key}": fact for key, fact in (facts or {}).items()})
    writer = _Writer(mention, situation, playbook, allowed, values)
    return fitted(writer.reply(policy.extra), Layout.of(playbook, rules), playbook.language, avoid)


def acknowledge(
    mention: Mention,
    verdict: Verdict,
    *,
    playbook: Playbook,
    company: CompanyOptions,
    rules: ReplyRules,
    reference: str,
    answer_by: str,
) -> Composition:
    """The short "we have it": greeting, apology and interest where it is a complaint, then the promise to answer.

    `answer_by` says in the playbook's language when, e.g. "by 16:00 on Monday"; "" where nothing is promised.
    The promise is the part "solution". Where the playbook has no usable promise, the text does without one.
    """
    situation = understand(mention, verdict, playbook=playbook, rules=rules)
    values = _values(mention, situation, playbook, company, {"reference": reference, "answer_by": answer_by})
    writer = _Writer(mention, situation, playbook, Allowed(), values)
    return fitted(writer.acknowledgement(), Layout.of(playbook, rules), playbook.language)


def language_for(verdict: Verdict, mention: Mention, drafting: DraftingOptions) -> str:
    """The language to answer in: what was recognised, else what the source says, else the configured fallback."""
    for language in (verdict.language, mention.language):
        if language in drafting.languages:
            return language
    return drafting.fallback_language


def _values(
    mention: Mention, situation: Situation, playbook: Playbook, company: CompanyOptions, given: Mapping[str, str]
) -> dict[str, str]:
    """What the slots are filled with; "" where there is nothing."""
    name = given_name(mention.author, playbook.language)
    forms = {word: getattr(form, gender(name)) for word, form in playbook.forms.items()}
    topics = (playbook.topics[aspect] for aspect in _topical(situation, playbook))
    return {
        **forms,
        "name": greeted(name, playbook.language),
        "company": company.name.strip(),
        "contact": company.contact.strip(),
        "signature": company.signature.strip(),
        "website": company.website.strip(),
        "product": _quotable_product(mention),
        "topics": f" {playbook.topics['and']} ".join(topics),
        "waiting": situation.waiting,
        **given,
    }


def _topical(situation: Situation, playbook: Playbook) -> list[str]:
    return [aspect for aspect in situation.aspects if aspect in playbook.topics][:2]


def _promised(sentence: Sentence) -> int:
    """How much a promise tells: when is more than under which number."""
    return 2 * ("answer_by" in sentence.slots) + ("reference" in sentence.slots)


def _gift(allowed: Allowed, company: CompanyOptions) -> str:
    """The largest gift, e.g. "10 €"; "" where the policy allows none."""
    if "voucher" not in allowed.may_offer or allowed.voucher_limit <= 0:
        return ""
    return f"{allowed.voucher_limit:g} {company.currency}".strip()


class _Writer:
    """Knows what may be said to this customer, and picks the sentences for it."""

    def __init__(
        self,
        mention: Mention,
        situation: Situation,
        playbook: Playbook,
        allowed: Allowed,
        values: Mapping[str, str],
    ) -> None:
        self._key = f"{mention.source}\x1f{mention.id}"
        self._situation = situation
        self._words = situation.words
        self._playbook = playbook
        self._offers = frozenset(allowed.may_offer)
        self._gift = values.get("voucher", "")
        self._values = values
        self._topics = _topical(situation, playbook)
        self._facts = {slot for slot in values if slot.startswith(FACT)}
        self._told = {"contact", "product", "waiting", "order"} | ({"topics"} if len(self._topics) > 1 else set())

    def reply(self, extra: bool) -> tuple[Piece, ...]:
        """`extra`: whether the policy lets us do more than put it right."""
        label = self._situation.label
        if label == "complaint":
            return self._framed(self._complaint(extra))
        return self._framed(self._praise() if label == "praise" else self._neutral())

    def acknowledgement(self) -> tuple[Piece, ...]:
        bank = self._playbook.complaint
        promises = [one for one in self._playbook.acknowledgement.promise if self._may_use(one)]
        most = max(map(_promised, promises), default=0)
        promise = self._piece("solution", [one for one in promises if _promised(one) == most])
        if self._situation.label != "complaint":
            return self._framed((promise,) if promise.best else self._neutral())
        return self._framed((self._part("apology", bank.apology), self._part("interest", bank.interest), promise))

    def _framed(self, middle: Iterable[Piece]) -> tuple[Piece, ...]:
        found = (self._greeting(), *middle, self._sign_off())
        return tuple(piece for piece in found if piece.best)

    def _complaint(self, extra: bool) -> tuple[Piece, ...]:
        bank = self._playbook.complaint
        generous = extra and self._situation.fault == "ours" and self._gift != ""
        gift = self._piece("solution", bank.extra if generous else (), dropped_at=_EXTRA, why="ours")
        if gift.best:
            self._offers -= {"voucher"}  # one is enough
        return (
            self._part("apology", bank.apology),
            self._part("interest", bank.interest),
            self._part("explanation", bank.explanation, named="solution", dropped_at=_EXPLANATION),
            self._part("ask", bank.ask, named="solution"),
            self._part("solution", bank.solution, dropped_at=_SOLUTION),
            gift,
            self._piece("solution", bank.reference, dropped_at=_REFERENCE),
            self._piece("solution", bank.feedback, dropped_at=_REFERENCE),
        )

    def _praise(self) -> tuple[Piece, ...]:
        bank = self._playbook.praise
        return (
            self._part("thanks", bank.thanks),
            self._part("personal", bank.personal),
            self._part("invitation", bank.invitation),
        )

    def _neutral(self) -> tuple[Piece, ...]:
        return (self._part("body", self._playbook.neutral.body),)

    def _greeting(self) -> Piece:
        greeting = self._playbook.greeting
        named = self._piece("greeting", greeting.named, dropped_at=_GREETING)
        return named if named.best else self._piece("greeting", greeting.plain, dropped_at=_GREETING)

    def _sign_off(self) -> Piece:
        sign_off = self._playbook.sign_off
        step = _SIGN_OFF_OF_MAIL if self._situation.channel == "mail" else _SIGN_OFF
        personal = self._piece("sign_off", sign_off.personal, dropped_at=step)
        return personal if personal.best else self._piece("sign_off", sign_off.team, dropped_at=step)

    def _part(self, part: str, bank: Bank, named: str = "", dropped_at: int = KEPT) -> Piece:
        """Of the first bank that has usable sentences for this situation those that say most; then the rest of it."""
        word, best = self._first_usable(part, bank)
        found = [(sentence, word) for sentence in best]
        if len(self._topics) > 1 and word in self._topics:
            found += [one for one in self._general(part, bank) if "topics" in one[0].slots]
        told = self._told | self._facts if part == "explanation" else self._told
        chosen = [self._variant(one) for one in _most_individual(found, told)]
        others = cache(lambda: tuple(map(self._variant, (*found, *self._general(part, bank)))))
        return Piece(named or part, tuple(chosen), others, dropped_at)

    def _piece(self, name: str, sentences: Iterable[Sentence], dropped_at: int = KEPT, why: str = "general") -> Piece:
        variants = tuple(self._variant((sentence, why)) for sentence in self._ordered(name, sentences))
        return Piece(name, variants, dropped_at=dropped_at)

    def _general(self, part: str, bank: Bank) -> list[Picked]:
        sentences = bank.get("general", ()) if part != "explanation" else ()
        return [(sentence, "general") for sentence in self._ordered(part, sentences)]

    def _first_usable(self, part: str, bank: Bank) -> tuple[str, tuple[Sentence, ...]]:
        for word in self._situation.order(part):
            if found := self._ordered(part, bank.get(word, ())):
                return word, found
        return "general", ()

    def _ordered(self, part: str, sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
        """The sentences that may be used, in an order that is this mention's own."""
        usable = (sentence for sentence in sentences if self._may_use(sentence))
        return tuple(sorted(usable, key=lambda sentence: self._rank(part, sentence.text)))

    def _may_use(self, sentence: Sentence) -> bool:
        return (
            all(self._values.get(slot) for slot in sentence.slots)
            and self._offers.issuperset(sentence.offers)
            and self._words.issuperset(sentence.when)
            and self._words.isdisjoint(sentence.unless)
        )

    def _variant(self, picked: Picked) -> Variant:
        sentence, word = picked
        if not (sentence.slots or sentence.when):
            return Variant(sentence.text, (word,), sentence.text)
        topics = self._topics if "topics" in sentence.slots else ()
        waiting = ("waiting",) if "waiting" in sentence.slots else ()
        why = dict.fromkeys((word, *sentence.when, *topics, *waiting))
        return Variant(sentence.fill(self._values), tuple(why), sentence.text)

    def _rank(self, part: str, text: str) -> int:
        key = f"{self._key}\x1f{part}\x1f{text}"
        return xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogatepass"))


def _most_individual(found: Sequence[Picked], told: Set[str]) -> list[Picked]:
    """Those that say most about this matter: where to turn, which product, how long it took, both things that it is
    about; of explanations those that name a fact."""
    most = max((len(sentence.slots & told) for sentence, _ in found), default=0)
    return [one for one in found if len(one[0].slots & told) == most]


def _quotable_product(mention: Mention) -> str:
    """The product's name where it can stand in a sentence, else nothing."""
    product = product_name(mention)
    return "" if len(product) > _LONGEST_PRODUCT or _UNQUOTABLE.search(product) else product
