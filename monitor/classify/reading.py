"""All that is read in a text beyond its label: what it is about, how urgent, in which tone, and whether it is for us.

Every classifier's `explain` adds the same reading, so that it does not depend on which model judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.classify import aside as asides
from monitor.classify import aspects
from monitor.classify.terms import Found, Spoken, languages, lexicon
from monitor.language import identify
from monitor.model import Aspect, Reason, Tone, Urgency, Verdict

KINDS = ("aspects", "urgency", "tone", "aside")
URGENCIES = ("safety", "legal", "media", "money", "deadline", "repeated")  # gravest first
TONES = ("rude", "offended", "know_it_all", "undecided")  # the first that is found is told
_MOST_WORDS = 3  # for one urgency, and for a tone


@dataclass(frozen=True, slots=True)
class Reading:
    """`aside` says why no customer wrote this; None where one may have."""

    aspects: tuple[Aspect, ...]
    urgency: tuple[Urgency, ...]
    tone: Tone
    aside: Reason | None


def read(text: str, language: str = "") -> Reading:
    """`language` is the verdict's: "" where no configured one fits, then the text itself tells whose words to look for.

    All languages are tried where it is none that the lists know.
    """
    spoken = Spoken(text)
    theirs = language or identify(spoken.text, sorted(languages("urgency")))
    hits: dict[str, list[Found]] = {kind: [] for kind in KINDS}
    for hit in lexicon(KINDS, theirs).find(spoken):
        hits[hit.kind].append(hit)
    return Reading(
        aspects=aspects.gathered(spoken, hits["aspects"]),
        urgency=_urgency(spoken, hits["urgency"]),
        tone=_tone(spoken, hits["tone"]),
        aside=asides.judged(spoken, hits["aside"]) or (None if language else asides.foreign(spoken)),
    )


def added_to(verdict: Verdict, text: str) -> Verdict:
    """The same verdict with what `read` finds."""
    found = read(text, verdict.language)
    return replace(verdict, aspects=found.aspects, urgency=found.urgency, tone=found.tone, aside=found.aside)


def _urgency(spoken: Spoken, hits: Sequence[Found]) -> tuple[Urgency, ...]:
    found = _by_name(spoken, hits)
    return tuple(Urgency(name=name, words=found[name]) for name in URGENCIES if name in found)


def _tone(spoken: Spoken, hits: Sequence[Found]) -> Tone:
    found = _by_name(spoken, hits)
    return next((Tone(name=name, words=found[name]) for name in TONES if name in found), Tone())


def _by_name(spoken: Spoken, hits: Iterable[Found]) -> dict[str, tuple[str, ...]]:
    """The words of each, as they were written, the longest of those that overlap."""
    found: dict[str, list[Found]] = {}
    for hit in hits:
        others = found.setdefault(hit.name, [])
        if others and hit.start < others[-1].end:
            others[-1] = max(others[-1], hit, key=lambda one: one.end - one.start)
        else:
            others.append(hit)
    return {name: _written(spoken, chosen) for name, chosen in found.items()}


def _written(spoken: Spoken, hits: Iterable[Found]) -> tuple[str, ...]:
    words = {aspects.fold(word): word for hit in hits if (word := spoken.written(hit.start, hit.end))}
    return tuple(words.values())[:_MOST_WORDS]
