"""Why an answer is not out, or is not known to be: what is kept of an error beside the English words. Pure.

The same cause asks for something else of who answers than of who reads: where a source is looked at for its options,
an answer is looked at for its text.
"""

from __future__ import annotations

from monitor.errors import SourceError, TemporaryError, cause_of
from monitor.store.publications import Setback

# causes of sources, as answers have them
_OF_ANSWERS = {"lasting": "not_taken", "rejected": "not_taken", "not_there": "original_gone"}

ABSENT = Setback(message="looked up: it is not there; trying again", cause="absent")
HARMLESS = Setback(message="the platform takes a repetition for the same answer; trying again", cause="harmless")
NO_LOOK_UP = Setback(message="this source cannot be asked whether the answer is there; please look", cause="no_look_up")


def setback(error: BaseException) -> Setback:
    """Of a try that Ohlas follows up by itself, or that needs nothing but what the error says."""
    if not isinstance(error, SourceError):
        name = type(error).__name__
        return Setback(message=f"unexpected {name}", cause=f"bug: {name}")
    return Setback(message=str(error), cause=cause_of(error, _OF_ANSWERS.get(error.cause, error.cause)))


def last_setback(error: BaseException, cause: str) -> Setback:
    """Of the last try. What passes by itself is nothing that Ohlas waits for any more; `cause` stands for it then."""
    if isinstance(error, TemporaryError):
        return Setback(message=str(error), cause=cause_of(error, cause))
    return setback(error)


def unread(error: BaseException) -> Setback:
    """The original could not be read for so long that nothing was posted."""
    words = cause_of(error, "unread") if isinstance(error, SourceError) else "unread"
    return Setback(message=f"the original cannot be read: {error}", cause=words)


def by_hand(source: str) -> Setback:
    return Setback(message=f"source {source} cannot reply any more; post it by hand", cause="by_hand")


def moderated(reason: str) -> Setback:
    """The platform accepted it, looked at it and took it back."""
    return Setback(message=reason or "refused by the platform", cause=f"moderated: {reason}" if reason else "moderated")
