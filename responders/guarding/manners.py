"""Does the reply insult, blame, mock, slander, or say what the lawyers forbid?"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.model import Finding
from responders.cues import Span, said, unless_negated, words_of
from responders.guarding.case import Case, error, same_word

_LONGEST_ENDING = {"hu": 8}  # letters that a word's ending may have; Hungarian puts several on end
_USUAL_ENDING = 3


def insult_or_blame(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    cues = case.playbook.guard
    for span in said(cues.insults, case.spans):
        yield error("insult_or_blame", "This insults the customer, or may be read so.", span.text)
    for span in unless_negated(cues.blame, cues.negations, case.spans):
        yield error("insult_or_blame", "This puts the blame on the customer.", span.text)


def sarcasm(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for span in said(case.playbook.guard.sarcasm, case.spans):
        yield error("sarcasm", "This mocks the customer or answers back, or may be read so.", span.text)


def slander(case: Case) -> Iterator[Finding]:
    if case.playbook is None:
        return
    for span in said(case.playbook.guard.slander, case.spans):
        if any(_says(case, span, name) for name in case.company.competitors):
            yield error("slander", "This speaks ill of a competitor.", span.text)


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
