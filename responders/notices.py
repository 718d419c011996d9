"""What the channel, or the managers, are told beside drafts: a notice's code and numbers as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from responders.words import Words


def told(body: Mapping[str, Any], words: Words) -> str:
    """A notice in a sentence, in the reader's language; with its moment where it is told late."""
    code = str(body.get("code", ""))
    if code in _TELLING:
        said = _TELLING[code](body, words)
        return f"{words.minute(datetime.fromisoformat(str(body['at'])))}: {said}" if "at" in body else said
    why = words.cause(str(body.get("cause", "")), str(body.get("text", "")))
    found = (words.code("notice", code), str(body.get("source", "")), why)
    return ": ".join(part for part in found if part)


def _wrote_again(body: Mapping[str, Any], words: Words) -> str:
    """Where, and who has it in hand."""
    return words.say(
        "The customer wrote again on %(source)s. Already being handled on %(handled_in)s: %(reference)s, %(state)s",
        source=str(body["source"]),
        handled_in=str(body["handled_in"]),
        reference=str(body["reference"]),
        state=words.code("state", str(body["state"])),
    )


def _spike(body: Mapping[str, Any], words: Words) -> str:
    """With the numbers that are the reason to believe it."""
    said = words.say(
        "%(count)s complaints in two hours, where there are usually %(usual)s",
        count=words.number(int(body["count"])),
        usual=words.number(round(float(body["usual"]), 1)),
    )
    if not body.get("aspect"):
        return f"{said}."
    share = words.number(int(body["share"]))
    about = words.code("aspect", str(body["aspect"]))
    of_them = words.say("%(number)s of them about: %(aspect)s", number=share, aspect=about)
    return f"{said}; {of_them}."


def _spreading(body: Mapping[str, Any], words: Words) -> str:
    people = int(body["people"])
    said = words.count(
        "A post on %(source)s spreads: %(number)s person answered it in three hours, where usually %(usual)s do",
        "A post on %(source)s spreads: %(number)s people answered it in three hours, where usually %(usual)s do",
        people,
        source=str(body["source"]),
        usual=words.number(float(body["usual"])),
    )
    complaints = int(body["complaints"])
    if complaints:
        said += "; " + words.count(
            "%(number)s of the answers complains", "%(number)s of the answers complain", complaints
        )
    return f"{said}. {body['url']}".strip()


def _overdue(body: Mapping[str, Any], words: Words) -> str:
    said = words.count(
        "%(number)s customer has no answer though it was promised",
        "%(number)s customers have no answer though it was promised",
        int(body["count"]),
    )
    promised = words.minute(datetime.fromisoformat(str(body["promised"])))
    oldest = words.say("longest %(reference)s: by %(moment)s", reference=str(body["reference"]), moment=promised)
    return f"{said}; {oldest}."


def _went_wrong(body: Mapping[str, Any], words: Words) -> str:
    """Why, but nothing of what the platform said: that may repeat the customer, and stays where it was told when he is
    erased."""
    head, cause = words.code("notice", str(body["code"])), str(body.get("cause", ""))
    return head if cause in _SAID_ALREADY else f"{head}: {words.code('cause', cause)}."


def _channel(body: Mapping[str, Any], words: Words) -> str:
    """Which one, and what was seen."""
    head, why = words.code("notice", str(body["code"])), words.seen(str(body.get("text", "")))
    return ": ".join(part for part in (head, str(body["source"]), why) if part)


def _budget(body: Mapping[str, Any], words: Words) -> str:
    """Which sources live on it, and how large it is."""
    unit, _, limit = str(body.get("cause", "")).partition(": ")
    much = f"{words.number(float(limit))} {words.code('budget', unit)}" if limit else str(body.get("text", ""))
    found = (words.code("notice", str(body["code"])), str(body["source"]), much)
    return ": ".join(part for part in found if part)


def _silent(body: Mapping[str, Any], words: Words) -> str:
    """Since when, and the reasons to believe that it is not by chance."""
    since, expected, longest = str(body["text"]).split(" ")
    return words.say(
        "Nothing new from %(source)s since %(moment)s, where about %(number)s mentions were to be expected;"
        " the longest silence before was %(span)s",
        source=str(body["source"]),
        moment=words.minute(datetime.fromisoformat(since)),
        number=words.number(round(float(expected))),
        span=words.span(timedelta(seconds=float(longest))),
    )


_TELLING: Mapping[str, Callable[[Mapping[str, Any], Words], str]] = {
    "spike": _spike,
    "spreading": _spreading,
    "overdue": _overdue,
    "wrote_again": _wrote_again,
    "source_silent": _silent,
    "budget_low": _budget,
    "budget_spent": _budget,
    "channel_broken": _channel,
    "channel_works": _channel,
    "channel_warning": _channel,
    "publication_failed": _went_wrong,
    "publication_refused": _went_wrong,
    "publication_unknown": _went_wrong,
}
_SAID_ALREADY = ("", "not_known")
