"""Is the reply whole, in order, in the right language, short enough, filled in, and said for the first time?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from monitor.model import Finding, Label
from responders.cues import Span, occurs, said, spans
from responders.guarding.case import Case, error, warning
from responders.guarding.private import EMAIL, LINK
from responders.length import measure
from responders.playbook import Playbook

_SLOT = re.compile(
    r"\{[^{}\n]{0,40}\}|\[[^\[\]\n]*[^\W\d_][^\[\]\n]*\]|<[^\W\d_][^<>\n]{0,40}>|\b[Xx]{3,}\b|\bTODO\b|_{3,}|%[sd]\b|\$\w+\b(?<!\d)"
    r"|\.{6,}|\(\s*\?\s*\)|\?{3,}"
)
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_LETTERS_TO_JUDGE = 25  # a shorter text says too little about its language
_WORDS_OF_A_SENTENCE = 4  # shorter ones ("Pekný deň.") stand in many replies
_SAME = 0.8  # share of words that two sentences have in common when the second repeats the first
_Make = Callable[[str, str, str], Finding]


def too_long(case: Case) -> Iterator[Finding]:
    rules = case.rules
    for unit, most in ((rules.unit, rules.max_length), ("bytes", rules.max_bytes)):
        length = measure(unit)(case.text) if most else 0
        if length > most:
            message = f"{length} {unit}, but the platform takes {most}: {length - most} too many."
            yield error("too_long", message)


def too_many_cashtags(case: Case) -> Iterator[Finding]:
    most, found = case.rules.max_cashtags, _CASHTAG.findall(case.text)
    if most is not None and len(found) > most:
        message = f"The platform takes {most} mark like $EUR in an answer, and here are {len(found)}."
        yield error("too_many_cashtags", message, found[most])


def missing_part(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for part, finding in _WANTED[case.label]:
        if not _places(case, case.playbook, part):
            yield finding("missing_part", f"The text has no {part}; a reply to a {case.label} needs one.", part)


def part_order(case: Case) -> Iterator[Finding]:
    if case.playbook is None or case.label != "complaint":
        return
    playbook = case.playbook
    apology, interest, solution = (_places(case, playbook, part) for part in ("apology", "interest", "solution"))
    if not (apology and interest and solution):
        return
    if apology[0] > solution[-1] or _begins_with_the_solution(case, playbook, apology[0]):
        message = "The apology comes after the solution; begin with it."
        yield error("part_order", message, _sentence_at(case, apology[0]))
    elif apology[0] > interest[-1] or interest[0] > solution[-1]:
        message = "Apologise first, then show interest, then offer a solution."
        yield warning("part_order", message, _sentence_at(case, interest[0]))


def _begins_with_the_solution(case: Case, playbook: Playbook, apology: int) -> bool:
    """A whole sentence of solution, and of nothing else, before the first word of apology."""
    cues = playbook.guard.parts
    before = [span for span in case.spans if span.start < apology]
    return any(occurs(cues.solution, span) and not occurs(cues.interest, span) for span in before)


def _places(case: Case, playbook: Playbook, part: str) -> list[int]:
    """Where sentences of that part stand: those the draft was made of, and those that read like it."""
    written = (span.text for span in spans(case.parts.get(part, "")))
    known = (case.text.find(sentence) for sentence in written)
    cues: tuple[str, ...] = getattr(playbook.guard.parts, part)
    asked = (span.start for span in case.spans if part == "interest" and span.text.endswith("?"))  # whoever asks cares
    found = (span.start for span in said(cues, case.spans))
    return sorted({*(place for place in known if place >= 0), *asked, *found})


def _sentence_at(case: Case, start: int) -> str:
    return next((span.text for span in case.spans if span.start >= start), "")


def wrong_language(case: Case) -> Iterator[Finding]:
    words = LINK.sub(" ", EMAIL.sub(" ", case.text))
    if case.identify is None or sum(letter.isalpha() for letter in words) < _LETTERS_TO_JUDGE:
        return
    found = case.identify(words)
    if found and found != case.language:
        message = f'The text reads like "{found}", but the customer is answered in "{case.language}".'
        finding = warning if _may_be_a_neighbour(case, found, words.lower()) else error
        yield finding("wrong_language", message, "")


def _may_be_a_neighbour(case: Case, found: str, words: str) -> bool:
    """Slovak and Czech are easily taken for each other; the letters that only one of them has settle it."""
    if case.playbook is None:
        return False
    cues = case.playbook.guard
    own = any(letter in words for letter in cues.letters)
    theirs = cues.neighbours.get(found, "")
    return own or (theirs != "" and not any(letter in words for letter in theirs))


def unfilled_slot(case: Case) -> Iterator[Finding]:
    for match in _SLOT.finditer(case.text):
        yield error("unfilled_slot", "A placeholder was left in the text.", match[0])


def repetition(case: Case) -> Iterator[Finding]:
    """The text, or most of its sentences, stood in one of the last replies to the same people."""
    sentences = _telling(case.text)
    for earlier in case.earlier:
        said_then = _telling(earlier)
        again = [span for span in sentences if any(_alike(span, old) for old in said_then)]
        if case.text.strip() == earlier.strip() or (again and 2 * len(again) > len(sentences)):
            message = "This repeats an earlier reply in the same conversation; say it in other words."
            yield error("repetition", message, again[0].text if again else case.text)
            return


def _telling(text: str) -> list[Span]:
    return [span for span in spans(text) if len(span.words) >= _WORDS_OF_A_SENTENCE]


def _alike(one: Span, other: Span) -> bool:
    words, others = set(one.words), set(other.words)
    return len(words & others) >= _SAME * len(words | others)


_WANTED: dict[Label, tuple[tuple[str, _Make], ...]] = {
    "complaint": (("apology", error), ("interest", error), ("solution", error)),
    "praise": (("thanks", error), ("personal", warning), ("invitation", warning)),
    "neutral": (),
}
