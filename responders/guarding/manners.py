"""Does the reply insult, blame, mock, slander, or say what the lawyers forbid?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.model import Finding
from responders.cues import Span, occurs, said, unless_negated, words_of
from responders.guarding.case import Case, error, same_word, warning
from responders.playbook import GuardCues

_LONGEST_ENDING = {"hu": 8}  # letters that a word's ending may have; Hungarian puts several on end
_USUAL_ENDING = 3
_QUOTED = re.compile(r"[„“”\"»«‚]([^„“”\"»«‚‘]{1,60})[“”\"«»‘]|(?<!\w)'([^']{1,60})'(?!\w)")


def insult_or_blame(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    cues = case.playbook.guard
    for span in said(cues.insults, _own_words(case, cues)):
        yield error("insult_or_blame", "This insults the customer, or may be read so.", span.text)
    for span in unless_negated(cues.blame, cues.negations, case.spans):
        yield error("insult_or_blame", "This puts the blame on the customer.", span.text)


def _own_words(case: Case, cues: GuardCues) -> Iterator[Span]:
    """The sentences without what they quote of the customer's words."""
    for span in case.spans:
        if _QUOTED.search(span.text) and occurs(cues.quoting, span):
            yield Span(span.start, span.text, words_of(_QUOTED.sub(" ", span.text)))
        else:
            yield span


def sarcasm(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for span in said(case.playbook.guard.sarcasm, case.spans):
        yield error("sarcasm", "This mocks the customer or answers back, or may be read so.", span.text)


def slander(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    cues = case.playbook.guard
    for span in case.spans:
        if not any(_says(case, span, name) for name in case.company.competitors):
            continue
        if occurs(cues.slander, span):
            yield error("slander", "This speaks ill of a competitor.", span.text)
        elif cues.impartial and not occurs(cues.impartial, span):
            message = "This speaks of a competitor; say no more than that it is another company."
            yield error("slander", message, span.text)


def admission(case: Case) -> Iterator[Finding]:
    if case.playbook is None or case.policy.may_admit:
        return
    cues = case.playbook.guard
    for span in unless_negated(cues.admissions, cues.negations, case.spans):
        yield error("admission", "This admits liability in the law's words; the policy forbids it.", span.text)


def forbidden_words(case: Case) -> Iterator[Finding]:
    for phrase in case.policy.never_say:
        for span in case.spans:
            if _says(case, span, phrase):
                yield error("forbidden_words", f'The policy says never to write "{phrase}".', span.text)


def _says(case: Case, span: Span, phrase: str) -> bool:
    """Whether the words of `phrase` stand there one after the other, with whatever endings."""
    wanted = words_of(phrase)
    longest = _LONGEST_ENDING.get(case.language, _USUAL_ENDING)
    return bool(wanted) and any(
        all(same_word(span.words[at + step], word, longest) for step, word in enumerate(wanted))
        for at in range(len(span.words) - len(wanted) + 1)
    )


def asks_again(case: Case) -> Iterator[Finding]:
    """Nobody likes to be asked for what he has said already."""
    if case.playbook is None or not case.order.known:
        return
    for span in said(case.playbook.guard.asks_order, case.spans):
        yield warning("asks_again", "This asks for the order number, which the customer has given already.", span.text)
