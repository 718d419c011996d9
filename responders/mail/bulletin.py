"""What stands in a digest, in words, before it becomes HTML or plain text. Everything here is text, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responders.mail.letters import Link

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One matter of a list. `quoted` is the customer's, in `language` ("" where that is not known)."""

    title: str
    address: str = ""  # where the title leads to
    facts: tuple[str, ...] = ()
    quoted: str = ""
    language: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table of numbers; the first of them is the period's own."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A bar: shares of the longest one, in whole percent, of complaints, praise and the rest; `said` says it."""

    name: str
    said: str
    complaint: int
    praise: int
    neutral: int

    @property
    def rest(self) -> int:
        return 100 - self.complaint - self.praise - self.neutral


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`lines` come first, then whatever there is of the rest, then `more`."""

    title: str
    lines: tuple[tuple[str, Tone], ...] = ()
    table: Table | None = None
    stacks: tuple[Stack, ...] = ()
    entries: tuple[Entry, ...] = ()
    more: Link | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """`legend` names what bars are made of: complaints, praise, the rest. `preview` stands beside the subject."""

    language: str
    subject: str
    heading: str
    preview: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    legend: tuple[str, str, str]
    button: Link | None = None
    footer: tuple[Link | str, ...] = ()


def stacked(names: Sequence[str], said: Sequence[str], tallies: Sequence[tuple[float, float, float]]) -> list[Stack]:
    """Bars that share a scale. What there is of something is always seen, however little it is."""
    longest = max((sum(tally) for tally in tallies), default=0) or 1
    found = []
    for name, words, tally in zip(names, said, tallies, strict=True):
        parts = [_share(number, longest) for number in tally]
        while sum(parts) > 100:  # rounding
            parts[parts.index(max(parts))] -= 1
        found.append(Stack(name=name, said=words, complaint=parts[0], praise=parts[1], neutral=parts[2]))
    return found


def _share(number: float, longest: float) -> int:
    return max(1, round(100 * number / longest)) if number else 0
