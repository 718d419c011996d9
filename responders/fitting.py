"""Puts sentences together to a text that fits. Pure: what is tried first depends only on the order of the variants."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from monitor.contract import LengthUnit, ReplyRules
from monitor.model import Choice, Composition
from responders.length import measure
from responders.playbook import Playbook

_PARAGRAPHS_FROM = 600  # below this length a reply is one paragraph
_LONG_POST = 500  # a public post that is longer is not read, whatever the platform takes
_VARIANTS_TRIED = 4  # of each part, while looking for a combination that fits
_COMBINATIONS_WEIGHED = 256
KEPT = 99


@dataclass(frozen=True, slots=True)
class Variant:
    """A finished sentence, the words of the situation that it was picked for, and how the playbook has it."""

    text: str
    why: tuple[str, ...] = ()
    template: str = ""


def _none() -> tuple[Variant, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One place in the text and the sentences that may stand there.

    `best` suit this mention; `others` gives more (the best may be among them) where none of those fits.
    """

    name: str
    best: tuple[Variant, ...]
    others: Callable[[], tuple[Variant, ...]] = _none
    dropped_at: int = KEPT  # the step of shortening that leaves this piece out

    @property
    def variants(self) -> tuple[Variant, ...]:
        """All of them, the best first."""
        found: dict[str, Variant] = {}
        for variant in (*self.best, *self.others()):
            found.setdefault(variant.text, variant)
        return tuple(found.values())


STEPS = 8  # of shortening; a piece that is dropped at a later step is never left out


@dataclass(frozen=True, slots=True)
class Layout:
    separator: str
    small_letter: str
    rules: ReplyRules

    @classmethod
    def of(cls, playbook: Playbook, rules: ReplyRules) -> Layout:
        one_paragraph = rules.channel == "post" or rules.max_length < _PARAGRAPHS_FROM
        return cls("\n" if one_paragraph else "\n\n", playbook.greeting.small_letter_after_comma, rules)

    def length(self, text: str) -> int:
        """In the platform's unit; where it limits bytes as well, what is longer against its limit counts."""
        return _length(self.rules.unit, self.rules.max_length, self.rules.max_bytes, text)

    def size(self, sentence: str) -> int:
        """The same for a sentence: they come again and again, and how X counts takes a millisecond."""
        return _size(self.rules.unit, self.rules.max_length, self.rules.max_bytes, sentence)


def _length(unit: LengthUnit, max_length: int, max_bytes: int, text: str) -> int:
    length = measure(unit)(text)
    return max(length, math.ceil(measure("bytes")(text) * max_length / max_bytes)) if max_bytes else length


_size = lru_cache(maxsize=8192)(_length)

Chosen = tuple[tuple[str, Variant], ...]


def fitted(pieces: tuple[Piece, ...], layout: Layout, language: str, avoid: Collection[str] = ()) -> Composition:
    """The most complete and most individual combination that fits, and that none of the texts `avoid` equals; the
    shortest one where none does."""
    chosen = _fitting(_fresh_first(pieces, avoid), layout, frozenset(avoid))
    choices = tuple(
        Choice(part=name, text=variant.text, why=variant.why, template=variant.template)
        for name, variant in _body(chosen, layout)
    )
    return Composition(language=language, text=_text(chosen, layout), parts=_parts(chosen, layout), choices=choices)


def _fresh_first(pieces: tuple[Piece, ...], avoid: Collection[str]) -> tuple[Piece, ...]:
    """Sentences that the customer has read already come last, even those that suit the matter best."""
    read = "\n".join(avoid).casefold()
    return tuple(_fresh(piece, read) for piece in pieces) if read else pieces


def _fresh(piece: Piece, read: str) -> Piece:
    if piece.name in ("greeting", "sign_off"):
        return piece
    unread = [variant for variant in piece.variants if variant.text.casefold() not in read]
    best = [variant for variant in piece.best if variant in unread] or unread or piece.best
    return replace(piece, best=tuple(best), others=lambda: piece.variants)


def _fitting(pieces: tuple[Piece, ...], layout: Layout, avoid: frozenset[str]) -> Chosen:
    for suiting, step, room in _stages(layout):
        kept = tuple(piece for piece in pieces if step < piece.dropped_at)
        fitting = (
            chosen
            for chosen in _combinations(kept, layout, suiting, room)
            if _fits(_text(chosen, layout), layout, room, avoid)
        )
        if chosen := _least_repetitive(itertools.islice(fitting, _COMBINATIONS_WEIGHED)):
            return chosen
    shortest = ((piece.name, _shortest(piece.variants, layout)) for piece in pieces if piece.dropped_at >= STEPS)
    return tuple(shortest)


def _stages(layout: Layout) -> Iterator[tuple[bool, int, int]]:
    """Whether only suiting sentences are taken, the step of shortening, and the room for the text; best first."""
    if layout.rules.channel == "post" and layout.rules.max_length > _LONG_POST:
        yield from ((True, step, _LONG_POST) for step in (0, 1))
    for suiting in (True, False):
        yield from ((suiting, step, layout.rules.max_length) for step in range(STEPS))


def _fits(text: str, layout: Layout, room: int, avoid: frozenset[str]) -> bool:
    return layout.length(text) <= room and text not in avoid


def _shortest(variants: tuple[Variant, ...], layout: Layout) -> Variant:
    return min(variants, key=lambda variant: layout.size(variant.text))


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
    words = [re.findall(r"\w+", variant.text.lower()) for _, variant in chosen]
    triples = [triple for sentence in words for triple in zip(sentence, sentence[1:], sentence[2:], strict=False)]
    return len(triples) - len(set(triples))


def _combinations(pieces: tuple[Piece, ...], layout: Layout, suiting: bool, most: int) -> Iterator[Chosen]:
    """In order of preference; those that are surely too long are passed over without being put together."""
    room = most - (len(pieces) - 1)
    sized = [[(variant, layout.size(variant.text)) for variant in _tried(piece, layout, suiting)] for piece in pieces]
    if sum(min(size for _, size in variants) for variants in sized) > room:
        return
    for combination in itertools.product(*sized):
        if sum(size for _, size in combination) <= room:
            yield tuple((piece.name, variant) for piece, (variant, _) in zip(pieces, combination, strict=True))


def _tried(piece: Piece, layout: Layout, suiting: bool) -> tuple[Variant, ...]:
    variants = piece.best if suiting else piece.variants
    return tuple(dict.fromkeys((*variants[:_VARIANTS_TRIED], _shortest(variants, layout))))


def _text(chosen: Chosen, layout: Layout) -> str:
    sentences = _sentences(chosen, layout)
    greeting = [variant.text for name, variant in sentences if name == "greeting"]
    body = " ".join(variant.text for name, variant in sentences if name not in ("greeting", "sign_off"))
    sign_off = [variant.text for name, variant in sentences if name == "sign_off"]
    if layout.separator == "\n":
        return "\n".join([" ".join([*greeting, body]), *sign_off])
    return layout.separator.join([*greeting, body, *sign_off])


def _parts(chosen: Chosen, layout: Layout) -> dict[str, str]:
    parts: dict[str, str] = {}
    for name, variant in _body(chosen, layout):
        parts[name] = f"{parts[name]} {variant.text}" if name in parts else variant.text
    return parts


def _body(chosen: Chosen, layout: Layout) -> Chosen:
    return tuple(one for one in _sentences(chosen, layout) if one[0] not in ("greeting", "sign_off"))


def _sentences(chosen: Chosen, layout: Layout) -> Chosen:
    """As they stand in the text: after "Dobrý deň," Slovak and Czech go on with a small letter."""
    wanted = layout.small_letter == "always" or (layout.small_letter == "same_line" and layout.separator == "\n")
    if not wanted or len(chosen) < 2 or chosen[0][0] != "greeting" or not chosen[0][1].text.endswith(","):
        return chosen
    name, first = chosen[1]
    return (chosen[0], (name, replace(first, text=first.text[:1].lower() + first.text[1:])), *chosen[2:])
