"""Which mentions are answered, how soon, and why. Pure: facts and the time in, a value out."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from monitor.model import Label, Mention, Priority, Reason, Triage, Verdict, text_hash
from monitor.options import TriageOptions
from monitor.text import fold
from monitor.urgency import urgent_word

# What each code says in English; the page's catalogues translate it. The detail is shown beside it, as it is.
REASON_CODES: dict[str, str] = {
    "own_post": "Written by the company itself",
    "nothing_written": "Neither text nor stars",
    "already_answered": "Already answered",
    "same_text": "The same customer wrote the same text elsewhere; one answer is being drafted already",
    "too_old": "Too old to be answered; age in days",
    "urgent_safety": "Somebody may be in danger; word that says so",
    "urgent_legal": "Law, authorities or fraud are mentioned; word that says so",
    "urgent_media": "The press is mentioned; word that says so",
    "complaint": "A complaint",
    "complaint_despite_stars": "The text complains though the stars are good; stars",
    "low_stars": "Few stars though the text does not complain; stars",
    "only_low_stars": "Few stars and no text; stars",
    "only_stars": "Stars without a text; stars",
    "unsure": "Not clear; treated as a complaint so that none is missed; confidence",
    "praise": "Praise",
    "praise_with_question": "Praise that asks something",
    "question": "A question",
    "neutral": "Neither complaint nor praise",
    "not_wanted": "The configuration wants no answer to these; kind of mention",
}

_FEW_STARS = 2.5  # at most: the customer is not content, whatever the text sounds like
_MANY_STARS = 3.5  # at least: the customer is content on the whole
_SHORTEST_TEXT = 20  # letters; "Super obchod!" is written by many people of one name

# Folded. Platforms put these where a customer gave no name: equal names then do not mean the same person.
_NOBODY = re.compile(
    r"anonym\w*|(overeny|spokojny|neznamy)?(zakaznik|zakaznicka|uzivatel|pouzivatel|kupujici|kupujuci|spotrebitel)"
    r"|nevtelen\w*|(ellenorzott|ismeretlen)?(vasarlo|felhasznalo|vevo)|(verified|unknown)?(customer|buyer|user|purchaser)"
    r"|(a)?googleuser|guest|host|vendeg|unknown|neznamy|ismeretlen|deleted(user)?|smazano|zmazane|na|none|null"
)


def triage(
    mention: Mention,
    verdict: Verdict,
    *,
    options: TriageOptions,
    own_names: Collection[str],
    now: datetime,
    already: Literal["", "answered", "same_text"] = "",
) -> Triage:
    """What is done with a mention. `own_names` are those of the company on this source; `already` is what the
    mention's case has had so far."""
    return (
        _set_aside(mention, own_names, already)
        or _too_old(mention, options, now)
        or _only_stars(mention, options)
        or _judged(mention, verdict, options)
    )


def label_for_reply(mention: Mention, verdict: Verdict) -> Label:
    """How an answer has to sound. Few stars ask for the tone of a complaint, whatever the words sound like.

    In doubt the plain tone is the safe one: to apologise to somebody who only asks is as odd as to thank a complaint.
    """
    if verdict.corrected:
        return verdict.label
    if _has_few_stars(mention):
        return "complaint"
    if verdict.unsure and not _has_many_stars(mention):
        return "complaint" if verdict.label == "complaint" and not _asks(mention) else "neutral"
    return verdict.label


def case_key(mention: Mention) -> str:
    """Equal for the same text of the same author, on whatever source; "" where that would prove nothing."""
    author, text = fold(mention.author), fold(mention.text)
    if not author or _NOBODY.fullmatch(author) or len(text) < _SHORTEST_TEXT:
        return ""
    return text_hash(f"{author}\x1f{text}")


def is_own(author: str, own_names: Collection[str]) -> bool:
    """Names are compared without case, diacritics, spaces and signs: "@kvety_pupava" is "Kvety Púpava"."""
    folded = fold(author)
    return folded != "" and folded in {fold(name) for name in own_names}


def _set_aside(mention: Mention, own_names: Collection[str], already: str) -> Triage | None:
    if is_own(mention.author, own_names):
        return _skip("own_post", mention.author)
    if not (_is_written(mention) or mention.rating is not None):
        return _skip("nothing_written")
    if mention.reply.strip() or already == "answered":
        return _note("already_answered")
    return _note("same_text") if already == "same_text" else None


def _too_old(mention: Mention, options: TriageOptions, now: datetime) -> Triage | None:
    days = (now - mention.created_at).total_seconds() / 86_400
    return _note("too_old", f"{days:.0f}") if days > options.oldest_days else None


def _only_stars(mention: Mention, options: TriageOptions) -> Triage | None:
    if _is_written(mention):
        return None
    if _has_few_stars(mention):
        return _answer("complaint", Priority.NORMAL, Reason(code="only_low_stars", detail=_stars(mention)), options)
    return _note("only_stars", _stars(mention))


def _judged(mention: Mention, verdict: Verdict, options: TriageOptions) -> Triage:
    label = label_for_reply(mention, verdict)
    if label != "praise" and (urgent := _urgent(mention, verdict, options)):
        return urgent
    if label == "complaint" or verdict.unsure:
        return _answer("complaint", *_grievance(mention, verdict), options)
    if label == "praise":
        asks = _asks(mention)
        code, priority = ("praise_with_question", Priority.NORMAL) if asks else ("praise", Priority.LOW)
        return _answer("praise", priority, Reason(code=code), options)
    return _neutral(mention, options)


def _urgent(mention: Mention, verdict: Verdict, options: TriageOptions) -> Triage | None:
    """An urgent word makes a person look at a neutral mention too: a journalist's question sounds polite."""
    word = urgent_word(f"{mention.title} {mention.text}", verdict.language or mention.language)
    if word is None:
        return None
    complains = label_for_reply(mention, verdict) == "complaint" and not verdict.unsure
    priority = Priority.URGENT if complains else Priority.HIGH
    return _answer("complaint", priority, Reason(code=f"urgent_{word.danger}", detail=word.written), options)


def _grievance(mention: Mention, verdict: Verdict) -> tuple[Priority, Reason]:
    if verdict.label == "complaint" and _has_many_stars(mention):
        return Priority.NORMAL, Reason(code="complaint_despite_stars", detail=_stars(mention))
    if verdict.label == "complaint" and not verdict.unsure:
        return Priority.HIGH, Reason(code="complaint")
    if _has_few_stars(mention):
        return Priority.HIGH, Reason(code="low_stars", detail=_stars(mention))
    priority = Priority.HIGH if verdict.label == "complaint" else Priority.NORMAL
    return priority, Reason(code="unsure", detail=f"{verdict.confidence:.0%}")


def _neutral(mention: Mention, options: TriageOptions) -> Triage:
    asks = _asks(mention)
    reason = Reason(code="question" if asks else "neutral")
    if "neutral" in options.reply_to:
        return Triage(action="reply", priority=Priority.NORMAL, reason=reason)
    return Triage(action="note", priority=Priority.NORMAL if asks else Priority.LOW, reason=reason)


def _answer(label: Label, priority: Priority, reason: Reason, options: TriageOptions) -> Triage:
    if label not in options.reply_to:
        return Triage(action="note", priority=priority, reason=Reason(code="not_wanted", detail=label))
    return Triage(action="reply", priority=priority, reason=reason)


def _note(code: str, detail: str = "") -> Triage:
    return Triage(action="note", priority=Priority.LOW, reason=Reason(code=code, detail=detail))


def _skip(code: str, detail: str = "") -> Triage:
    return Triage(action="skip", priority=Priority.LOW, reason=Reason(code=code, detail=detail))


def _is_written(mention: Mention) -> bool:
    return any(not character.isspace() for character in mention.title + mention.text)


def _asks(mention: Mention) -> bool:
    return any(mark in mention.text or mark in mention.title for mark in "?？")


def _has_few_stars(mention: Mention) -> bool:
    return mention.rating is not None and mention.rating <= _FEW_STARS


def _has_many_stars(mention: Mention) -> bool:
    return mention.rating is not None and mention.rating >= _MANY_STARS


def _stars(mention: Mention) -> str:
    return "" if mention.rating is None else f"{mention.rating:g}"
