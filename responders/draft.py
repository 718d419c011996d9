"""Makes a reply out of a playbook's sentences. Pure: the same mention gives the same text, for ever."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model import Composition, Mention, ReplyRules, Verdict
from monitor.options import CompanyOptions, DraftingOptions, PolicyOptions
from responders.length import measure
from responders.names import given_name, greeted, product_name
from responders.playbook import Playbook, Sentence

_PARAGRAPHS_FROM = 600  # below this length a reply is one paragraph
_VARIANTS_TRIED = 4  # of each part, while looking for a combination that fits
_COMBINATIONS_WEIGHED = 256
_LONGEST_PRODUCT = 60
_UNQUOTABLE = re.compile(r"[{}\[\]<>@\n]|https?:|www\.|\d{5,}")

Bank = Mapping[str, tuple[Sentence, ...]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One place in the text and the sentences that may stand there, best first; `best` of them suit this mention."""

    name: str
    variants: tuple[str, ...]
    best: int = 1
    dropped_at: int = 99  # the step of shortening that leaves this piece out


@dataclass(frozen=True, slots=True)
class _Layout:
    separator: str
    small_letter: str
    rules: ReplyRules
    count: Callable[[str], int] = field(default=len)


def compose(
    mention: Mention,
    verdict: Verdict,
    *,
    playbook: Playbook,
    company: CompanyOptions,
    policy: PolicyOptions,
    rules: ReplyRules,
    reference: str = "",
) -> Composition:
    """Draft the reply to `mention` in the playbook's language, within `rules.max_length` where that is possible.

    Shortens by leaving out the reference, the sign-off, the second sentence of the solution and the greeting, then by
    shorter sentences; it never cuts. Where even the shortest complete reply is too long, the guard says so.
    """
    writer = _Writer(mention, verdict, playbook, company, policy, reference)
    layout = _Layout(
        "\n\n" if rules.max_length >= _PARAGRAPHS_FROM else "\n",
        playbook.greeting.small_letter_after_comma,
        rules,
        measure(rules.unit),
    )
    chosen = _fitting(writer.pieces(), layout)
    return Composition(language=playbook.language, text=_text(chosen, layout), parts=_parts(chosen, layout))


def language_for(verdict: Verdict, mention: Mention, drafting: DraftingOptions) -> str:
    """The language to answer in: what was recognised, else what the source says, else the configured fallback."""
    for language in (verdict.language, mention.language):
        if language in drafting.languages:
            return language
    return drafting.fallback_language


class _Writer:
    """Knows what may be said to this customer, and picks the sentences for it."""

    def __init__(
        self,
        mention: Mention,
        verdict: Verdict,
        playbook: Playbook,
        company: CompanyOptions,
        policy: PolicyOptions,
        reference: str,
    ) -> None:
        self._mention = mention
        self._label = verdict.label
        self._playbook = playbook
        self._policy = policy
        self._aspects = [aspect.name for aspect in verdict.aspects if aspect.name in playbook.topics][:2]
        self._values = {
            "name": greeted(given_name(mention.author, playbook.language), playbook.language),
            "company": company.name.strip(),
            "contact": company.contact.strip(),
            "signature": company.signature.strip(),
            "website": company.website.strip(),
            "reference": reference,
            "product": _quotable_product(mention),
            "topics": f" {playbook.topics['and']} ".join(playbook.topics[name] for name in self._aspects),
        }

    def pieces(self) -> tuple[_Piece, ...]:
        middle = {"complaint": self._complaint, "praise": self._praise, "neutral": self._neutral}[self._label]()
        found = (self._greeting(), *middle, self._sign_off())
        return tuple(piece for piece in found if piece.variants)

    def _complaint(self) -> tuple[_Piece, ...]:
        bank = self._playbook.complaint
        return (
            self._part("apology", bank.apology),
            self._part("interest", bank.interest),
            self._part("solution", bank.ask),
            self._part("solution", bank.solution, dropped_at=3),
            self._piece("solution", bank.reference, dropped_at=1),
        )

    def _praise(self) -> tuple[_Piece, ...]:
        bank = self._playbook.praise
        return (
            self._part("thanks", bank.thanks),
            self._part("personal", bank.personal),
            self._part("invitation", bank.invitation),
        )

    def _neutral(self) -> tuple[_Piece, ...]:
        return (self._part("body", self._playbook.neutral.body),)

    def _greeting(self) -> _Piece:
        greeting = self._playbook.greeting
        named = self._piece("greeting", greeting.named, dropped_at=4)
        return named if self._values["name"] else self._piece("greeting", greeting.plain, dropped_at=4)

    def _sign_off(self) -> _Piece:
        sign_off = self._playbook.sign_off
        personal = self._piece("sign_off", sign_off.personal, dropped_at=2)
        return personal if personal.variants else self._piece("sign_off", sign_off.team, dropped_at=2)

    def _part(self, name: str, bank: Bank, dropped_at: int = 99) -> _Piece:
        """Sentences on the first aspect that has some come before the general ones."""
        special = next((bank[situation] for situation in self._situations() if situation in bank), ())
        if len(self._aspects) > 1:
            special = (*special, *(sentence for sentence in bank["general"] if "topics" in sentence.slots))
        best = self._ordered(name, special)
        general = self._ordered(name, bank["general"])
        if len(best) == 0:
            best, general = general, ()
        chosen = self._most_individual(best)
        rest = [text for text in (*best, *general) if text not in chosen]
        filled = tuple(dict.fromkeys(self._fill(sentence) for sentence in (*chosen, *rest)))
        return _Piece(name, filled, best=len(chosen), dropped_at=dropped_at)

    def _piece(self, name: str, sentences: Iterable[Sentence], dropped_at: int) -> _Piece:
        filled = tuple(self._fill(sentence) for sentence in self._ordered(name, sentences))
        return _Piece(name, filled, best=len(filled), dropped_at=dropped_at)

    def _situations(self) -> Iterator[str]:
        if self._label == "neutral" and "?" in f"{self._mention.title} {self._mention.text}":
            yield "question"
        yield from self._aspects

    def _ordered(self, name: str, sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
        """The sentences that may be used, in an order that is this mention's own."""
        usable = (sentence for sentence in sentences if self._may_use(sentence))
        return tuple(sorted(usable, key=lambda sentence: self._rank(name, sentence.text)))

    def _may_use(self, sentence: Sentence) -> bool:
        filled = all(self._values[slot] for slot in sentence.slots)
        return filled and all(offer in self._policy.may_offer for offer in sentence.offers)

    def _most_individual(self, sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
        """Those that say most about this matter: where to turn, which product, both things that it is about."""
        wanted = {"contact", "product"} | ({"topics"} if len(self._aspects) > 1 else set())
        most = max((len(sentence.slots & wanted) for sentence in sentences), default=0)
        return tuple(sentence for sentence in sentences if len(sentence.slots & wanted) == most)

    def _fill(self, sentence: Sentence) -> str:
        return sentence.fill(self._values)

    def _rank(self, name: str, text: str) -> bytes:
        key = "\x1f".join((self._mention.source, self._mention.id, name, text))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _quotable_product(mention: Mention) -> str:
    """The product's name where it can stand in a sentence, else nothing."""
    product = product_name(mention)
    return "" if len(product) > _LONGEST_PRODUCT or _UNQUOTABLE.search(product) else product


Chosen = tuple[tuple[str, str], ...]


def _fitting(pieces: tuple[_Piece, ...], layout: _Layout) -> Chosen:
    """The most complete and most individual combination that fits; the shortest one where none does."""
    for suiting in (True, False):
        for step in range(5):
            kept = tuple(piece for piece in pieces if step < piece.dropped_at)
            combinations = _combinations(kept, layout, suiting)
            fitting = (
                chosen for chosen in combinations if layout.count(_text(chosen, layout)) <= layout.rules.max_length
            )
            if chosen := _least_repetitive(itertools.islice(fitting, _COMBINATIONS_WEIGHED)):
                return chosen
    return tuple((piece.name, min(piece.variants, key=layout.count)) for piece in pieces if piece.dropped_at > 4)


def _least_repetitive(candidates: Iterator[Chosen]) -> Chosen | None:
    """The first that does not say the same three words twice, else the first of those that do so least."""
    best: Chosen | None = None
    fewest = 0
    for chosen in candidates:
        repeated = _repeated(chosen)
        if repeated == 0:
            return chosen
        if best is None or repeated < fewest:
            best, fewest = chosen, repeated
    return best


def _repeated(chosen: Chosen) -> int:
    words = [re.findall(r"\w+", text.lower()) for _, text in chosen]
    triples = [triple for sentence in words for triple in zip(sentence, sentence[1:], sentence[2:], strict=False)]
    return len(triples) - len(set(triples))


def _combinations(pieces: tuple[_Piece, ...], layout: _Layout, suiting: bool) -> Iterator[Chosen]:
    """In order of preference; those that are surely too long are passed over without being put together."""
    room = layout.rules.max_length - (len(pieces) - 1)
    sized = [[(text, layout.count(text)) for text in _tried(piece, layout, suiting)] for piece in pieces]
    if sum(min(size for _, size in variants) for variants in sized) > room:
        return
    for combination in itertools.product(*sized):
        if sum(size for _, size in combination) <= room:
            yield tuple((piece.name, text) for piece, (text, _) in zip(pieces, combination, strict=True))


def _tried(piece: _Piece, layout: _Layout, suiting: bool) -> tuple[str, ...]:
    variants = piece.variants[: piece.best] if suiting else piece.variants
    shortest = min(variants, key=layout.count)
    return tuple(dict.fromkeys((*variants[:_VARIANTS_TRIED], shortest)))


def _text(chosen: Chosen, layout: _Layout) -> str:
    sentences = _sentences(chosen, layout)
    greeting = [text for name, text in sentences if name == "greeting"]
    body = " ".join(text for name, text in sentences if name not in ("greeting", "sign_off"))
    sign_off = [text for name, text in sentences if name == "sign_off"]
    if layout.separator == "\n":
        return "\n".join([" ".join([*greeting, body]), *sign_off])
    return layout.separator.join([*greeting, body, *sign_off])


def _parts(chosen: Chosen, layout: _Layout) -> dict[str, str]:
    parts: dict[str, str] = {}
    for name, text in _sentences(chosen, layout):
        if name not in ("greeting", "sign_off"):
            parts[name] = f"{parts[name]} {text}" if name in parts else text
    return parts


def _sentences(chosen: Chosen, layout: _Layout) -> Chosen:
    """As they stand in the text: after "Dobrý deň," Slovak and Czech go on with a small letter."""
    wanted = layout.small_letter == "always" or (layout.small_letter == "same_line" and layout.separator == "\n")
    if not wanted or len(chosen) < 2 or chosen[0][0] != "greeting" or not chosen[0][1].endswith(","):
        return chosen
    name, text = chosen[1]
    return (chosen[0], (name, text[:1].lower() + text[1:]), *chosen[2:])
