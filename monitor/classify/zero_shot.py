"""Judging with a model of inference: does the text entail "This is a complaint."?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.model import LABELS, Label

# In the order of LABELS. A sentence in the language of the text is entailed more surely than an English one.
_HYPOTHESES: Mapping[str, tuple[str, str, str]] = {
    "en": (
        "This customer complains.",
        "This customer is satisfied and praises.",
        "This customer neither complains nor praises, but asks or reports something.",
    ),
    "sk": (
        "Tento zákazník sa sťažuje.",
        "Tento zákazník je spokojný a chváli.",
        "Tento zákazník sa nesťažuje ani nechváli, len sa pýta alebo niečo oznamuje.",
    ),
    "cs": (
        "Tento zákazník si stěžuje.",
        "Tento zákazník je spokojený a chválí.",
        "Tento zákazník si nestěžuje ani nechválí, jen se ptá nebo něco oznamuje.",
    ),
    "hu": (
        "Ez a vásárló panaszkodik.",
        "Ez a vásárló elégedett és dicsér.",
        "Ez a vásárló nem panaszkodik és nem is dicsér, csak kérdez vagy közöl valamit.",
    ),
    "de": (
        "Dieser Kunde beschwert sich.",
        "Dieser Kunde ist zufrieden und lobt.",
        "Dieser Kunde beschwert sich nicht und lobt nicht, sondern fragt oder berichtet etwas.",
    ),
    "pl": (
        "Ten klient się skarży.",
        "Ten klient jest zadowolony i chwali.",
        "Ten klient ani się nie skarży, ani nie chwali, tylko pyta lub o czymś informuje.",
    ),
}
_OTHERWISE = "en"


def hypotheses(language: str, own: Mapping[Label, str]) -> tuple[str, ...]:
    """One sentence for each of `LABELS`. `own` holds those of the configuration, which win in every language."""
    usual = _HYPOTHESES.get(language, _HYPOTHESES[_OTHERWISE])
    return tuple(own.get(label) or sentence for label, sentence in zip(LABELS, usual, strict=True))


def pairs(texts: Sequence[str], languages: Sequence[str], own: Mapping[Label, str]) -> list[tuple[str, str]]:
    """(text, hypothesis), as many for each text as there are labels, in the order of `LABELS`."""
    return [
        (text, sentence)
        for text, language in zip(texts, languages, strict=True)
        for sentence in hypotheses(language, own)
    ]
