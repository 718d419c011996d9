"""What a person who decided is told, in Slack or of many drafts at once: every click gets an answer. Pure."""

from __future__ import annotations

from monitor.errors import (
    CannotJoin,
    DecisionRefused,
    GuardRefused,
    NoSuchDraft,
    NotAllowed,
    ReasonNeeded,
    StaleDecision,
    TextNeeded,
)
from monitor.model import Draft, DraftState
from responders.words import Words


def refused(error: DecisionRefused, words: Words) -> str:
    match error:
        case StaleDecision():
            return " ".join(_stale(error, words))
        case GuardRefused():
            rules = ", ".join(words.code("rule", rule) for rule in error.rules)
            broken = words.say("The text breaks: %(rules)s. Edit it, or approve it on the page.", rules=rules)
            return f"{words.say('Not approved.')} {broken}"
        case NotAllowed():
            return f"{words.say('Nothing was changed.')} {words.say('You may not decide this; somebody else has to.')}"
        case ReasonNeeded():
            return words.say("Please choose a reason or write one: the next drafts learn from it.")
        case TextNeeded():
            return words.say("The text is empty. To say nothing, reject the draft.")
        case CannotJoin():
            return f"{words.say('Nothing was changed.')} {words.code('cannot_join', error.code)}"
        case NoSuchDraft():
            return words.say("There is no such draft any more.")
        case _:
            return words.say("Nothing was changed.")


def _stale(error: StaleDecision, words: Words) -> list[str]:
    found = [words.say("Nothing was changed: somebody was faster.")]
    if error.by and error.at:
        found.append(words.say("%(person)s decided on %(moment)s.", person=error.by, moment=words.moment(error.at)))
    state = words.code("state", error.state)
    found.append(words.say("The draft is now: %(state)s, revision %(rev)s.", state=state, rev=error.rev))
    return found


def done(action: str, draft: Draft, words: Words) -> str:
    if draft.state is DraftState.APPROVED and draft.publish_after is not None:
        return words.say("approved. It goes out at %(clock)s.", clock=words.clock(draft.publish_after))
    if draft.state is DraftState.APPROVED:
        return words.say("approved. Now post it: copy the text, then say that you posted it.")
    if draft.approvals:
        return words.say("%(people)s said yes; a second person has to.", people=", ".join(draft.approvals))
    if action == "edit":
        return words.say("saved as revision %(rev)s.", rev=draft.rev)
    return f"{draft.reference}: {words.code('action', action)}."


def stranger(words: Words) -> str:
    return words.say("Ohlas does not know you. Your member ID has to stand in config.toml, under [people.NAME] slack.")
