"""The other places of a matter, in a line each, for Slack and mail. Pure."""

from __future__ import annotations

from monitor.store.elsewhere import Elsewhere, Handling
from monitor.text import one_line
from responders.words import Words

_SAID = 160  # characters of what the customer wrote there


def said_elsewhere(other: Elsewhere, words: Words) -> str:
    """Where else the customer wrote, why it is the same matter, and the beginning of it."""
    where = words.say("Also on %(source)s", source=other.mention.source)
    why = words.reason("joined", other.why)
    said = one_line(other.mention.text or other.mention.title, _SAID)
    return f"{where}{f' ({why})' if why else ''}: {said or '–'}"


def handled_elsewhere(handling: Handling, words: Words) -> str:
    state = words.code("state", handling.state.value)
    return f"{words.say('Already being handled in')} {handling.source}: {handling.reference}, {state}"
