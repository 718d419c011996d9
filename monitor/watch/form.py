"""A part of a word that stays the same, and what may follow it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """All folded: lower case, no diacritics. `stem` has three letters at least where there are endings.

    `lengthens`: Hungarian makes the stem's last vowel long before these endings (Alza, Alzát).
    `ends_short`: the vowel at the end of these endings is never long (of Mila "mily", and not "milý").
    """

    stem: str
    endings: frozenset[str]
    lengthens: bool = False
    ends_short: bool = False

    def fits(self, word: str) -> bool:
        return word.startswith(self.stem) and word[len(self.stem) :] in self.endings


ITSELF = frozenset({""})
