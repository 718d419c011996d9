"""Which mentions are answered, how soon, and why. Pure: facts and the time in, a value out."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from functools import cache

from monitor.model import Label, Mention, Priority, Reason, Triage, Verdict
from monitor.options import TriageOptions
from monitor.text import fold, plain

# What each code says in English; the page's catalogues translate it. The detail is shown beside it, as it is.
REASON_CODES: dict[str, str] = {
    "own_post": "Written by the company itself",
    "nothing_written": "Neither text nor stars",
    "already_answered": "Already answered",
    "same_text": "The same text stands elsewhere, where it is being answered",
    "same_matter": "Already being handled in",
    "wrote_again": "The customer wrote again in",
    "too_old": "Too old to be answered; age in days",
    "urgent_safety": "Somebody may be in danger; word that says so",
    "urgent_legal": "Law, authorities or fraud are mentioned; word that says so",
    "urgent_media": "The press is mentioned; word that says so",
    "urgent_money": "Money was taken and nothing came for it; words that say so",
    "urgent_deadline": "Needed by a certain time, or a period is over; words that say so",
    "urgent_repeated": "Not the first time that the customer asks; words that say so",
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
    "spam": "Spam; words that say so",
    "advert": "An advert with a link; words that say so",
    "classified_advert": "Somebody sells or looks for something; words that say so",
    "giveaway": "A giveaway; words that say so",
    "job_advert": "A job advert; words that say so",
    "off_topic": "The name means something else here; words that say so",
    "not_named": "Does not mention you; none of these is in it",
    "excluded": "Holds words that you excluded",
    "foreign_language": "In none of the configured languages; it is in",
    "wanted": "Drafted because a person wanted it",
    "promised": "An answer was promised to the customer",
    "changed_since": "The customer changed his words after our answer",
    "not_wanted": "The configuration wants no answer to these; kind of mention",
}

_FEW_STARS = 2.5  # at most: the customer is not content, whatever the text sounds like
_MANY_STARS = 3.5  # at least: the customer is content on the whole
_GRAVE = ("safety", "legal", "media")  # urgent alone; of the others it takes two
_SENTENCES = re.compile(r"[.!?…]+(?=\s)|\n")
_AS_LIKELY_AS_NOT = 0.4  # of verdicts "complaint, unsure" below it a third were complaints, from it on a half


def triage(
    mention: Mention,
    verdict: Verdict,
    *,
    options: TriageOptions,
    own_names: Collection[str],
    now: datetime,
    not_ours: Reason | None = None,
) -> Triage:
    """What is done with a mention. `own_names` are those of the company on this source; `not_ours` is why the mention
    does not concern the company, by the terms that are watched."""
    return (
        _set_aside(mention, own_names)
        or _unnamed(verdict, not_ours)
        or _too_old(mention, options, now)
        or _only_stars(mention, options)
        or _not_for_us(mention, verdict, options)
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
        sounds = verdict.label == "complaint" and verdict.confidence >= _AS_LIKELY_AS_NOT
        return "complaint" if sounds and not _asks(mention) else "neutral"
    return verdict.label


def is_own(author: str, own_names: Collection[str]) -> bool:
    """Names are compared without case, diacritics, spaces and signs: "@kvety_pupava" is "Kvety Púpava"."""
    folded = fold(author)
    return folded != "" and folded in {fold(name) for name in own_names}


def _set_aside(mention: Mention, own_names: Collection[str]) -> Triage | None:
    if is_own(mention.author, own_names):
        return _skip("own_post", mention.author)
    if not (_is_written(mention) or mention.rating is not None):
        return _skip("nothing_written")
    return _note("already_answered") if mention.reply.strip() else None


def _unnamed(verdict: Verdict, not_ours: Reason | None) -> Triage | None:
    """Who says what a mention is wants it looked at."""
    if not_ours is None or verdict.corrected:
        return None
    return Triage(action="skip", priority=Priority.LOW, reason=not_ours)


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


def _not_for_us(mention: Mention, verdict: Verdict, options: TriageOptions) -> Triage | None:
    """Never a review with few stars, a danger, a threat, or what a person judged: a complaint missed costs the most."""
    grave = any(urgency.name in _GRAVE for urgency in verdict.urgency)
    if verdict.corrected or _has_few_stars(mention) or grave:
        return None
    if mention.rating is None and (words := off_topic(f"{mention.title}\n{mention.text}", options)):
        return _skip("off_topic", words)
    if verdict.aside is None:
        return None
    return _skip(verdict.aside.code, verdict.aside.detail)


def off_topic(text: str, options: TriageOptions) -> str:
    """The words that give the brand's name another meaning: one in every line or sentence that has the name.

    "" where a sentence has the name alone, or where nothing is configured.
    """
    if not (options.brand and options.off_topic):
        return ""
    brand, others = _phrases(options.brand), _phrases(options.off_topic)
    named = [part for part in _SENTENCES.split(plain(text)) if brand.search(part)]
    found = [others.search(part) for part in named]
    told = dict.fromkeys(match[0] for match in found if match)
    return ", ".join(told) if named and all(found) else ""


@cache
def _phrases(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words, in any case, with or without diacritics."""
    words = (r"\W+".join(map(re.escape, plain(phrase).split())) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{'|'.join(filter(None, words))})(?!\w)")


def _urgent(mention: Mention, verdict: Verdict, options: TriageOptions) -> Triage | None:
    """What is urgent makes a person look at a neutral mention too: a journalist's question sounds polite."""
    complains = label_for_reply(mention, verdict) == "complaint" and not verdict.unsure
    sure = complains or verdict.unsure
    urgencies = [urgency for urgency in verdict.urgency if sure or urgency.name != "deadline"]  # many just ask in time
    if not urgencies:
        return None
    graver = urgencies[0].name in _GRAVE or len(urgencies) > 1
    reason = Reason(code=f"urgent_{urgencies[0].name}", detail=", ".join(urgencies[0].words))
    return _answer("complaint", Priority.URGENT if complains and graver else Priority.HIGH, reason, options)


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
