"""Words that make a complaint urgent: somebody may be hurt, go to law, or tell the press.

Terms are compared with whole words, without case and diacritics. Those that mean something harmless as well
are left out or narrowed: `police` is a Czech shelf, `sud` a keg, `otravný` merely annoying, `hospitality` no hospital.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from monitor.text import fold, one_line

Danger = Literal["safety", "legal", "media"]

# One term after the other; "*" stands for any ending, "_" for a space, brackets hold the endings of a word.
# Slovak and Czech share their lists: short texts are easily taken for the other language.
_TERMS: dict[str, dict[Danger, str]] = {
    "sk cs": {
        "safety": """
            uraz(u|om|em|y)? (po)?zranen* (po)?zrani(l|la|lo|li|t) poranen* porani(l|t)* otrav(a|y|u|ou) alergick*
            nemocnic* pohotovost* pozi?ar* vzplan* vzniet(il|en)* vznit(il|ila|ilo|it) (vy)?buch(ol|la|lo|l|nut*)
            explod* popalen* popali(l|t)* [sz]krat(u|om|em|oval*)? nebezpecn* ohroz* plesniv* salmonel* udusi(l|t)*
        """,
        "legal": """
            pravni(k|ka|kovi|kom|kem|ci) advokat* na_sud* sudn(ou|u)_cestou? soud(u|em|y|ne|ni)? zalob* zalu(jem|ji|ju)*
            zazal(oval|ova|uj)* na_polici[iu] polici(a|ou|iu|ii) policajt* trestn(e|i)_ozn* podvod(u|y|om|em)?
            podvodni* podvadza* podvadi inspekc* [sc]oi ochran*_spotrebitel* gdpr ombudsman*
        """,
        "media": "novinar* redakci* reporter* zurnalist* do_(televizie|televize|novin|medii) dtest*",
    },
    "hu": {
        "safety": """
            baleset* korhaz* mergez* kigyullad* tuzveszely* (fel)?robban* megeget* allergias* (elet)?veszelyes*
            aramutes* penesz* szalmonell* megsebes* fullad(as|t)* rosszul_lett*
        """,
        "legal": """
            ugyved* birosag* (be)?perel* jogi_(ut|lepes)* jogasz* feljelent* rendorseg* fogyasztoved*
            csal(as|asa|o|ok|oknak) bekelteto* hatosag* gdpr
        """,
        "media": "ujsagir* sajto(hoz|nak|ban|val)? riporter*",
    },
    "en": {
        "safety": """
            injur(y|ed|ies|ing) hospitals? hospitali[sz]ed (food_)?poison(ed|ing|ous) allergic (exploded|explosion)
            (caught|on)_fire electric_shock electrocuted dangerous(ly)? unsafe hazard* chok(ed|ing) salmonella burnt?_my
        """,
        "legal": """
            lawyers? solicitors? attorney lawsuit sue suing (to|in)_court legal_action police fraud*
            scam(s|med|mer|mers)? trading_standards small_claims ombudsman gdpr
        """,
        "media": "journalists? newspapers? reporters? (the|to)_press watchdog",
    },
}


@dataclass(frozen=True, slots=True)
class UrgentWord:
    """`written` is how the customer wrote it, so that people see why."""

    danger: Danger
    written: str


def urgent_word(text: str, language: str) -> UrgentWord | None:
    """The gravest urgent word of a text. All languages are tried where `language` ("sk", …) is not a known one."""
    words = [(word, folded) for word in text.split() if (folded := fold(word))]
    folded_text = " ".join(folded for _, folded in words)
    for danger, pattern in _patterns(language):
        if match := pattern.search(folded_text):
            first, last = folded_text.count(" ", 0, match.start()), folded_text.count(" ", 0, match.end())
            return UrgentWord(danger, _shown([word for word, _ in words[first : last + 1]]))
    return None


def _shown(words: list[str]) -> str:
    return one_line(" ".join(words).strip(".,;:!?()[]\"'„“”…-"), 40)


def _patterns(language: str) -> list[tuple[Danger, re.Pattern[str]]]:
    return _COMPILED.get(language) or _ALL


def _compiled(lists: list[dict[Danger, str]]) -> list[tuple[Danger, re.Pattern[str]]]:
    """Gravest first."""
    dangers: tuple[Danger, ...] = ("safety", "legal", "media")
    return [(danger, _pattern(" ".join(terms[danger] for terms in lists))) for danger in dangers]


def _pattern(terms: str) -> re.Pattern[str]:
    either = "|".join(terms.split()).replace("*", r"\w*").replace("_", " ")
    return re.compile(rf"\b(?:{either})\b")


_COMPILED = {language: _compiled([terms]) for names, terms in _TERMS.items() for language in names.split()}
_ALL = _compiled(list(_TERMS.values()))
