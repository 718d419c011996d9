"""How drafts fare with people: taken as they are, edited or rejected, by part and language, and which sentences people
keep changing. Pure: it tells where a playbook wants mending."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from monitor.store.counting import Accepted
from monitor.store.edits import Edit
from monitor.text import fold
from responders.cues import spans

ALL = ""  # the whole text, beside its parts
_SAME_SENTENCE = 0.5  # share of letters in common from which a new sentence is taken for the old one's successor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSentence:
    """A sentence of a playbook that people took out or rewrote; `instead` is what they wrote, most frequent first."""

    language: str
    part: str
    sentence: str
    used: int
    changed: int
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """`tallies` by (language, author kind, part); part "" is the whole text."""

    tallies: Mapping[tuple[str, str, str], Accepted] = field(default_factory=dict)
    sentences: tuple[ChangedSentence, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    drafts: int = 0


def acceptance(edits: Iterable[Edit], at_least: int = 2) -> Acceptance:
    """Sentences that were changed fewer than `at_least` times are left out: once is a matter of the case."""
    edits = list(edits)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for edit in edits:
        counts.update((edit.language, author_kind(edit.author), part, fate) for part, fate in _fates(edit))
    keys = sorted({key[:3] for key in counts})
    return Acceptance(
        tallies={
            key: Accepted(**{fate: counts[(*key, fate)] for fate in ("as_is", "edited", "rejected")}) for key in keys
        },
        sentences=tuple(_changed(edits, at_least)),
        reasons=tuple(Counter(edit.reason for edit in edits if edit.outcome == "rejected").most_common()),
        drafts=len(edits),
    )


def author_kind(author: str) -> str:
    return "llm" if author.startswith("llm:") else "playbook"


def _fates(edit: Edit) -> Iterator[tuple[str, str]]:
    """What became of the text and of each part of it."""
    if edit.outcome == "rejected":
        yield from ((part, "rejected") for part in (ALL, *edit.parts))
        return
    yield ALL, "as_is" if edit.as_is else "edited"
    for part, text in edit.parts.items():
        kept = all(_stands(span.text, edit.final) for span in spans(text))
        yield part, "as_is" if edit.as_is or kept else "edited"


def _stands(sentence: str, text: str) -> bool:
    """Folded, so that a comma or a capital letter is no change worth telling."""
    return fold(sentence) in fold(text)


def _changed(edits: list[Edit], at_least: int) -> Iterator[ChangedSentence]:
    used: Counter[tuple[str, str, str]] = Counter()
    instead: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for edit in edits:
        for choice in edit.choices:
            key = (edit.language, choice.part, choice.template or choice.text)
            used[key] += 1
            if edit.outcome == "approved" and not _stands(choice.text, edit.final):
                instead[key].append(_successor(choice.text, edit))
    worst = sorted(instead, key=lambda key: (-len(instead[key]), -len(instead[key]) / used[key], key))
    for language, part, sentence in worst:
        written = instead[(language, part, sentence)]
        if len(written) >= at_least:
            most = tuple(text for text, _ in Counter(text for text in written if text).most_common(3))
            times = used[(language, part, sentence)]
            yield ChangedSentence(
                language=language, part=part, sentence=sentence, used=times, changed=len(written), instead=most
            )


def _successor(sentence: str, edit: Edit) -> str:
    """The sentence of the final text that stands for one of the draft, "" where it was just taken out."""
    new = {span.text for span in spans(edit.final) if not _stands(span.text, edit.drafted)}
    likeness = {text: difflib.SequenceMatcher(None, sentence, text, autojunk=False).ratio() for text in new}
    best = max(likeness, key=lambda text: (likeness[text], text), default="")
    return best if best and likeness[best] >= _SAME_SENTENCE else ""
