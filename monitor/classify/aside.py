"""Spam, adverts and the like: texts that no customer wrote to be answered, each with the words that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from monitor.classify.terms import Found, Spoken
from monitor.language import identify
from monitor.model import Reason

_OFFERS = 2  # different ones, beside a link
_VACANCIES = 2
_WORDS_OF_A_LANGUAGE = 5  # shorter texts are too easily taken for another one

_LINK = re.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|net|org|info|biz|xyz|top|shop|online|site|club|io|ly|me)/\w")
_AMOUNT = r"\d[\d .,]*"
_PRICE = re.compile(
    rf"[€$£]\s*{_AMOUNT}|{_AMOUNT}\s*(?:€|,-|\$|£|kc\b|korun|eur\b|euro\b|ft\b|huf\b|forint|zl\b|pln\b|czk\b|usd\b|gbp\b)"
)
# told apart from the configured languages; more would only take longer
_OTHERS = ("ar", "bg", "cs", "de", "en", "es", "fr", "hr", "hu", "it", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr")


def judged(spoken: Spoken, hits: Sequence[Found]) -> Reason | None:
    """Why the text is set aside, with the words; None where a customer may have written it."""
    if not hits:
        return None
    named: dict[str, list[Found]] = {}
    for hit in hits:
        named.setdefault(hit.name, []).append(hit)
    if spam := named.get("spam"):
        return _reason("spam", spoken, spam)
    if "prize" in named and "join" in named:
        return _reason("giveaway", spoken, (*named["prize"][:1], *named["join"]))
    if _is_job(named):
        return _reason("job_advert", spoken, (*named.get("job", ()), *named.get("vacancy", ())))
    return _classified(spoken, named) or _advert(spoken, named)


def foreign(spoken: Spoken) -> Reason | None:
    """For a text that is in no configured language: which it is in, None where that is not clear."""
    if len(spoken.words) < _WORDS_OF_A_LANGUAGE and spoken.text.isascii():
        return None
    code = identify(spoken.text, _OTHERS)
    return Reason(code="foreign_language", detail=code) if code else None


def _is_job(named: dict[str, list[Found]]) -> bool:
    return "job" in named or len(_different(named.get("vacancy", ()))) > _VACANCIES


def _classified(spoken: Spoken, named: dict[str, list[Found]]) -> Reason | None:
    """ "Prodám vařič, jako nový, 900 Kč": begins with what the writer wants, and has a price or the usual details."""
    opening = _first_words(spoken)
    leads = [hit for hit in named.get("seller", ()) if hit.start in opening]
    if not leads:
        return None
    price = _PRICE.search(spoken.folded)
    details = named.get("detail", ())
    if price is None and len(_different(details)) < 2:
        return None
    if price is None:
        return _reason("classified_advert", spoken, (*leads[:1], *details))
    return _reason("classified_advert", spoken, leads[:1], spoken.written(*price.span()))


def _first_words(spoken: Spoken) -> set[int]:
    """Where the title begins, and the text after it."""
    place = spoken.text.find("\n")
    starts = [start for _, start, _ in spoken.words]
    return {*starts[:1], *[start for start in starts if start > place >= 0][:1]}


def _advert(spoken: Spoken, named: dict[str, list[Found]]) -> Reason | None:
    offers = named.get("offer", ())
    if len(_different(offers)) < _OFFERS or not _LINK.search(spoken.folded):
        return None
    return _reason("advert", spoken, offers)


def _different(hits: Iterable[Found]) -> set[str]:
    return {hit.stem for hit in hits}


def _reason(code: str, spoken: Spoken, hits: Iterable[Found], *more: str) -> Reason:
    written = dict.fromkeys((*(spoken.written(hit.start, hit.end) for hit in hits), *more))
    return Reason(code=code, detail=", ".join(list(written)[:3]))
