"""Puts a language model's parts where the playbook's stood. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.contract import ReplyRules
from monitor.model import Choice, Composition, Draft, Finding
from responders.length import measure

AUTHOR = "llm:"  # and the model's name
_REFERENCE = "{reference}"
_LONGEST = 700  # characters of the parts together; longer replies are not read
_LONGEST_POST = 450
_SHORTEST = 120


def room(draft: Draft, rules: ReplyRules) -> int:
    """Characters that the parts may take in the place of the playbook's."""
    before, after = _frame(draft)
    frame = sum(measure(rules.unit)(piece) for piece in (before, after))
    left = rules.max_length - frame
    if rules.max_bytes:
        left = min(left, rules.max_bytes - len((before + after).encode()))
    if rules.unit == "bytes" or rules.max_bytes:
        left = left * 4 // 5  # some letters take two
    longest = _LONGEST_POST if rules.channel == "post" else _LONGEST
    return max(_SHORTEST, min(longest, left))


def composed(draft: Draft, parts: Mapping[str, str], model: str, rules: ReplyRules) -> Composition:
    """The model's `parts` between the greeting and the sign-off of the playbook's `draft`, with its reference to the
    case where there is room; what does not fit is left out as the playbook does."""
    before, after = _frame(draft)
    fits = measure(rules.unit)
    found = [(_text(before, chosen, after), chosen) for chosen in _with_and_without(draft, parts)]
    text, chosen = next((one for one in found if fits(one[0]) <= rules.max_length), found[-1])
    return Composition(
        language=draft.language, text=text, parts=_joined(chosen), author=f"{AUTHOR}{model}", choices=chosen
    )


def example_of(draft: Draft) -> dict[str, str]:
    """The playbook's own parts, without the case's number: that is added to whatever the model writes."""
    return _joined([choice for choice in draft.choices if _REFERENCE not in choice.template])


def errors_of(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The rules that the guard sees broken, each once."""
    return tuple(dict.fromkeys(finding.rule for finding in findings if finding.severity == "error"))


def _frame(draft: Draft) -> tuple[str, str]:
    """What stands before and after the parts."""
    body = _body(draft)
    before, found, after = draft.text.partition(body)
    return (before, after) if body and found else ("", "")


def _body(draft: Draft) -> str:
    return " ".join(choice.text for choice in draft.choices) or " ".join(draft.parts.values())


def _with_and_without(draft: Draft, parts: Mapping[str, str]) -> Iterator[tuple[Choice, ...]]:
    own = tuple(Choice(part=name, text=text, why=("llm",)) for name, text in _begun(draft, parts).items())
    reference = tuple(choice for choice in draft.choices if _REFERENCE in choice.template and choice.part in parts)
    yield (*own, *reference)
    yield own


def _begun(draft: Draft, parts: Mapping[str, str]) -> dict[str, str]:
    """After "Dobrý deň," some languages go on with a small letter, as the playbook's draft does."""
    first, *_ = parts
    small = _body(draft)[:1].islower()
    word, space, rest = parts[first].partition(" ")
    begun = word[:1].lower() + word[1:] if small and not word.isupper() else word
    return {**parts, first: f"{begun}{space}{rest}"}


def _text(before: str, choices: Sequence[Choice], after: str) -> str:
    return f"{before}{' '.join(choice.text for choice in choices)}{after}"


def _joined(choices: Sequence[Choice]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for choice in choices:
        parts[choice.part] = f"{parts[choice.part]} {choice.text}" if choice.part in parts else choice.text
    return parts
