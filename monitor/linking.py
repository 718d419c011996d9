"""Whether a mention belongs to a matter that is known already, and why. Pure: facts in, a decision out.

Of two mistakes the worse one is to take two people for one: the second would get no answer. So a name alone proves
nothing, short texts prove nothing, and what too many people share proves nothing either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor import authors
from monitor.case_options import CaseOptions, JoinBy
from monitor.model import Mention, Reason
from monitor.similarity import bands, similarity, words
from monitor.text import fold

# Why two mentions are one matter, in English; the page's catalogues translate it. The detail is shown beside it.
JOINED_BY: dict[str, str] = {
    "same_order": "same order number",
    "same_account": "same account",
    "linked_accounts": "accounts that one of you linked",
    "same_thread": "same name in the same conversation",
    "same_text": "same text",
    "near_text": "nearly the same text; how much of it",
    "by_hand": "put together by",
}
SAME_WORDS = ("same_text", "near_text")  # of these the customer said nothing new

_SHORTEST_TEXT = 20  # letters; "Super obchod!" is written by many people of one name
_SHORTEST_ALIKE = 40  # letters of nearly the same text
_SHORTEST_OF_FIRST_NAMES = 60  # letters; many a Jana writes "All went well, fast delivery"
_SHORTEST_OF_OTHERS = 120  # letters of a text that somebody of another name posted elsewhere
_ALIKE, _ALIKE_OF_OTHERS = 0.8, 0.92
_MOST_OF_ONE_ORDER = 8  # names; an "order number" of more people is a number of something else
_MOST_OF_ONE_ACCOUNT = 3  # names; an address of more people is that of a form or of an office


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What in a mention tells whose matter it is. `author` is folded, "" where it is nobody's name; `first_name`
    says that it is a single word. `orders` maps comparable order numbers to what was written, `said` is the text as
    `similarity.words` gives it."""

    source: str
    platform: str
    id: str
    thread: str
    author: str
    first_name: bool
    handle: str
    accounts: frozenset[str]
    orders: Mapping[str, str]
    said: str
    at: datetime

    @property
    def letters(self) -> int:
        return len(self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An earlier mention that shares something with the one at hand. `apart`: cases that a person keeps apart from
    this one's; `linked`: a person said that both accounts are one customer's."""

    row_id: int
    case_id: int
    traits: Traits
    apart: frozenset[int] = frozenset()
    linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """The case that a mention belongs to, because of the mention `row_id`; `also` are cases that this mention shows
    to be the same matter."""

    case_id: int
    row_id: int
    reason: Reason
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linker:
    """Reads traits and decides. `kinds` are those of the sources, by name; `is_own` says whether the company wrote."""

    options: CaseOptions = field(default_factory=CaseOptions)
    kinds: Mapping[str, str] = field(default_factory=dict)
    is_own: Callable[[Mention], bool] = lambda _mention: False

    def traits(self, mention: Mention) -> Traits | None:
        """None where nothing may be joined by it: it is the company's own."""
        if self.is_own(mention):
            return None
        kind = self.kinds.get(mention.source, "")
        nobody = authors.is_nobody(mention.author)
        text = mention.text or mention.title
        return Traits(
            source=mention.source,
            platform=authors.platform(mention, kind),
            id=mention.id,
            thread=mention.thread,
            author="" if nobody else fold(mention.author),
            first_name=len(mention.author.split()) == 1 and mention.author.isalpha(),
            handle=authors.handle(mention, kind),
            accounts=authors.accounts(mention, kind) if "account" in self.options.join_by else frozenset(),
            orders=self._orders(mention),
            said=words(text) if "text" in self.options.join_by else "",
            at=mention.created_at,
        )

    def _orders(self, mention: Mention) -> Mapping[str, str]:
        if "order" not in self.options.join_by:
            return {}
        # imported late: its expressions take 7 ms to compile, and the first mention needs them, not the page
        from monitor.orders import order_numbers

        written = f"{mention.title}\n{mention.text}"
        return order_numbers(written, mention.raw, self.options.order_number)

    def join(self, new: Traits, candidates: Sequence[Candidate], own: int | None = None) -> Join | None:
        return decide(new, candidates, self.options, own)


def decide(new: Traits, candidates: Sequence[Candidate], options: CaseOptions, own: int | None = None) -> Join | None:
    """The case that `new` joins, None for one of its own. Candidates may come in any order.

    `own` is the case that `new` has already, after an edit; then only its order numbers say something new.
    """
    near = [one for one in candidates if abs(one.traits.at - new.at) <= timedelta(days=options.join_days)]
    found = [(one, reason) for one in near if (reason := _evidence(new, one, near, options.join_by))]
    if own is not None:
        found = [(one, reason) for one, reason in found if reason.code == "same_order" and own not in one.apart]
    contrary = _of_other_orders(new, near)
    kept = [(one, why) for one, why in found if why.code == "same_order" or one.case_id not in contrary]
    if not kept:
        return None
    best, reason = min(kept, key=lambda pair: (_STRENGTH[pair[1].code], pair[0].case_id, pair[0].row_id))
    case_id = own if own is not None else best.case_id
    return Join(case_id=case_id, row_id=best.row_id, reason=reason, also=_also(case_id, new, kept))


def marks(traits: Traits) -> dict[str, tuple[str, ...]]:
    """What equal mentions have in common, by kind: "order", "account", "text" or "band". Personal: to be hashed."""
    same = (f"{traits.author}\x1f{traits.said}",) if traits.author and traits.letters >= _SHORTEST_TEXT else ()
    alike = bands(traits.said) if traits.letters >= _SHORTEST_ALIKE else ()
    return {
        "order": tuple(traits.orders),
        "account": tuple(sorted(traits.accounts)),
        "text": same,
        "band": tuple(map(str, alike)),
    }


_STRENGTH = {code: place for place, code in enumerate(JOINED_BY)}


def _also(case_id: int, new: Traits, found: Iterable[tuple[Candidate, Reason]]) -> tuple[int, ...]:
    """Only a shared order number is reason enough to put two known cases together, and none that a person split. Where
    it is public everybody can type it, so it has to be the same customer who did: else somebody who lists the numbers
    of others would leave all of them but one without an answer."""
    by_order = [one for one, reason in found if reason.code == "same_order" and one.case_id != case_id]
    return tuple(
        sorted({one.case_id for one in by_order if case_id not in one.apart and _is_the_same_writer(new, one)})
    )


def _is_the_same_writer(new: Traits, old: Candidate) -> bool:
    one, other = new, old.traits
    if old.linked or one.accounts & other.accounts:
        return True
    return one.author != "" and one.author == other.author and not _are_strangers(one, other)


def _of_other_orders(new: Traits, candidates: Iterable[Candidate]) -> set[int]:
    """Cases that are about other orders than the one at hand."""
    numbers: defaultdict[int, set[str]] = defaultdict(set)
    for one in candidates:
        numbers[one.case_id].update(one.traits.orders)
    return {case for case, orders in numbers.items() if new.orders and orders and not orders & set(new.orders)}


def _evidence(new: Traits, old: Candidate, all_: Sequence[Candidate], by: Collection[JoinBy]) -> Reason | None:
    """The strongest reason to take both for one matter."""
    for kind, look in _LOOKS.items():
        if kind in by and (reason := look(new, old, all_)):
            return reason
    return None


def _by_order(new: Traits, old: Candidate, all_: Sequence[Candidate]) -> Reason | None:
    for number, written in new.orders.items():
        if number in old.traits.orders:
            names = {one.traits.author for one in all_ if number in one.traits.orders} | {new.author}
            return Reason(code="same_order", detail=written) if len(names) <= _MOST_OF_ONE_ORDER else None
    return None


def _by_account(new: Traits, old: Candidate, all_: Sequence[Candidate]) -> Reason | None:
    shared = new.accounts & old.traits.accounts
    if shared:
        names = {one.traits.author for one in all_ if shared & one.traits.accounts} | {new.author}
        shown = min(shared).partition(":")[2]
        return Reason(code="same_account", detail=shown) if len(names) <= _MOST_OF_ONE_ACCOUNT else None
    return Reason(code="linked_accounts") if old.linked else None


def _by_thread(new: Traits, old: Candidate, _all: Sequence[Candidate]) -> Reason | None:
    one, other = new, old.traits
    together = one.source == other.source and (
        one.thread == other.id or other.thread == one.id or one.thread == other.thread != ""
    )
    named = one.author != "" and one.author == other.author and not _are_strangers(one, other)
    return Reason(code="same_thread") if together and named else None


def _are_strangers(one: Traits, other: Traits) -> bool:
    """Whether they wrote from different accounts of one platform."""
    same_kind = {name.partition(":")[0] for name in one.accounts} & {name.partition(":")[0] for name in other.accounts}
    return bool(same_kind) and not one.accounts & other.accounts


def _by_text(new: Traits, old: Candidate, all_: Sequence[Candidate]) -> Reason | None:
    one, other = new, old.traits
    shorter = min(one.letters, other.letters)
    same_name = one.author != "" and one.author == other.author
    same_handle = one.handle != "" and one.handle == other.handle and one.platform != other.platform
    if _are_strangers(one, other) or shorter < _SHORTEST_TEXT:
        return None
    if same_name and one.said == other.said and shorter >= (_SHORTEST_OF_FIRST_NAMES if one.first_name else 0):
        return Reason(code="same_text")
    if same_handle or (same_name and not one.first_name):
        return _alike(one, other, _SHORTEST_ALIKE, _ALIKE)
    if one.platform == other.platform or same_name:
        return None
    found = _alike(one, other, _SHORTEST_OF_OTHERS, _ALIKE_OF_OTHERS)
    return None if found and _is_campaign(one, all_) else found


def _alike(one: Traits, other: Traits, shortest: int, least: float) -> Reason | None:
    if min(one.letters, other.letters) < shortest:
        return None
    share = similarity(one.said, other.said, least)
    if share == 1.0:
        return Reason(code="same_text")
    return Reason(code="near_text", detail=f"{int(share * 100)} %") if share else None


def _is_campaign(one: Traits, all_: Sequence[Candidate]) -> bool:
    """Whether the text goes from hand to hand: several people posted it on one platform."""
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for traits in (one, *(candidate.traits for candidate in all_)):
        writer = traits.author or traits.id
        if writer not in writers[traits.platform] and similarity(traits.said, one.said, _ALIKE):
            writers[traits.platform].add(writer)
            if len(writers[traits.platform]) > 1:
                return True
    return False


_LOOKS: dict[JoinBy, Callable[[Traits, Candidate, Sequence[Candidate]], Reason | None]] = {
    "order": _by_order,
    "account": _by_account,
    "thread": _by_thread,
    "text": _by_text,
}
