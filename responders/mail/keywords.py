"""The words that decide when they stand on the first line of a reply: pure.

Libraries that tell a reply from what it quotes fail for Slovak, Czech and Hungarian, so nothing but the first line is
read, and it has to be a word of this list and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Wanted = Literal["approve", "reject", "edit"]

# by language; the first word of each is the one that mails name. They are looked for without case and diacritics.
KEYWORDS: Final[Mapping[str, Mapping[Wanted, tuple[str, ...]]]] = {
    "en": {
        "approve": ("approve", "approved", "i approve"),
        "reject": ("reject", "rejected", "i reject"),
        "edit": ("edit", "change"),
    },
    "sk": {
        "approve": ("schváliť", "schváľ", "schváľte", "schvaľujem", "schválené", "schvaľ", "schvaľte"),
        "reject": ("zamietnuť", "zamietni", "zamietnite", "zamietam", "zamietnuté", "odmietnuť", "odmietam"),
        "edit": ("upraviť", "uprav", "upravte", "upravujem", "zmeniť"),
    },
    "cs": {
        "approve": ("schválit", "schval", "schvalte", "schvaluji", "schvaluju", "schváleno"),
        "reject": ("zamítnout", "zamítni", "zamítněte", "zamítám", "zamítnuto", "odmítnout", "odmítám"),
        "edit": ("upravit", "uprav", "upravte", "upravuji", "upravuju", "změnit"),
    },
    "hu": {
        "approve": ("jóváhagy", "jóváhagyom", "jóváhagyni", "jóváhagyva", "hagyd jóvá", "hagyja jóvá"),
        "reject": ("elutasít", "elutasítom", "elutasítani", "elutasítva", "utasítsd el", "utasítsa el"),
        "edit": ("szerkeszt", "szerkesztem", "szerkeszteni", "szerkeszd", "módosít", "módosítom", "módosítani"),
    },
}

_SEPARATED = re.compile(r"\s*[:;,\-\u2013\u2014]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a first line asks for; `rest` is what stands after the keyword, e.g. the reason of a rejection."""

    wanted: Wanted
    rest: str = ""


def shown_keyword(wanted: Wanted, language: str) -> str:
    """The word that a mail in that language names."""
    return KEYWORDS.get(language, KEYWORDS["en"])[wanted][0]


def asked(line: str) -> Asked | None:
    """What the first line of a reply asks for, in any of the languages; None where it is anything but a keyword.

    An approval stands alone: "schváliť, ale až zajtra" approves nothing. A rejection may tell why after a colon, comma
    or dash.
    """
    before, *after = _SEPARATED.split(line.strip(), maxsplit=1)
    wanted = _WANTED.get(_folded(before))
    rest = after[0].strip() if after else ""
    if wanted is None or (rest and wanted != "reject"):
        return None
    return Asked(wanted=wanted, rest=rest)


def _folded(text: str) -> str:
    """Without case, diacritics, quotes and the full stop or exclamation mark at the end."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(plain.strip(" \t\xa0.!\"'„“”‚‘’*_").split())


_WANTED: Final[Mapping[str, Wanted]] = {
    _folded(word): wanted for words in KEYWORDS.values() for wanted, forms in words.items() for word in forms
}
