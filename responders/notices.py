"""What the channel, or the managers, are told beside drafts: a notice's code and numbers as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responders.words import Words


def told(body: Mapping[str, Any], words: Words) -> str:
    """A notice in a sentence, in the reader's language."""
    code = str(body.get("code", ""))
    if code == "spike":
        return _spike(body, words)
    found = (words.code("notice", code), str(body.get("source", "")), str(body.get("text", "")))
    return ": ".join(part for part in found if part)


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
    return f"{said}; {words.say('%(number)s of them about: %(aspect)s', number=share, aspect=about)}."
