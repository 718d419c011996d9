"""What the program itself answers, and whether a platform shows the original, or the answer, that is meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.contract import ReplyRules
from monitor.errors import PermanentError, TemporaryError
from monitor.model import Mention
from monitor.text import fold


def only_addressed(rules: ReplyRules, replies: str, mention: Mention, why: str) -> ReplyRules:
    """Those who addressed the account are answered by `rules`, others only where the option `replies` is "all": a
    person does it, and is told `why`."""
    allowed = replies == "all" or mention.raw.get("addressed") is True
    return rules if allowed else replace(rules, kind="manual", note=why)


def refuse_manual(rules: ReplyRules) -> None:
    """Raises PermanentError where a person has to post the answer."""
    if rules.kind == "manual":
        raise PermanentError(rules.note or "a person posts the answers of this source", cause="by_hand")


def original(number: str, found: Iterable[Mention | None], who: str) -> Mention:
    """The one with that id, as `who` shows it now. Raises TemporaryError where it is not among those: it may be there
    all the same."""
    for mention in found:
        if mention is not None and mention.id == number:
            return mention
    raise TemporaryError(f"{who} does not show the original at the moment", cause="passing", words=who)


def is_shown(shown: str, text: str, *, before: str = "") -> bool:
    """Whether an answer stands there and is `text`. Raises PermanentError where it is neither that nor the one that
    stood there `before`."""
    if shown and fold(shown) == fold(text):
        return True
    if shown and fold(shown) != fold(before):
        raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
    return False
