"""What a person who replied is told: every reply of a person's gets one answer. Pure."""

from __future__ import annotations

from monitor.errors import DecisionRefused, ReasonNeeded
from monitor.model import Draft, DraftState
from responders import answers
from responders.mail.keywords import shown_keyword
from responders.mail.replies import LONGEST, Why
from responders.words import Words


def done(action: str, draft: Draft, words: Words) -> str:
    if draft.state is DraftState.APPROVED and draft.publish_after is not None:
        moment = words.moment(draft.publish_after)
        return words.say("You approved it. It goes out on %(moment)s; until then it can be undone.", moment=moment)
    if draft.state is DraftState.APPROVED:
        return words.say("You approved it. Now somebody has to post it by hand: the page has the text and the link.")
    if draft.approvals:
        return words.say("%(people)s said yes; a second person has to.", people=", ".join(draft.approvals))
    if action == "reject":
        return words.say("You rejected it. Nothing goes out.")
    return f"{draft.reference}: {words.code('action', action)}."


def refused(error: DecisionRefused, words: Words) -> str:
    """As everywhere, but for what only somebody who writes a mail can do."""
    if isinstance(error, ReasonNeeded):
        example = f"{shown_keyword('reject', words.language)}: …"
        return words.say("A rejection needs a reason. Write it behind the word: %(example)s", example=example)
    return answers.refused(error, words)


def undecided(why: Why, words: Words) -> str:
    """Why a reply decided nothing, and what to do instead."""
    approve, reject = (shown_keyword(wanted, words.language) for wanted in ("approve", "reject"))
    told = {
        "unverified": lambda: words.say(
            "Your mail server does not say whether this reply came from you, so it decides nothing. Use the page."
        ),
        "forged": lambda: words.say(
            "A reply came in your name, but it could not be proven that you sent it, so it decides nothing."
            " Was it you? Then use the page."
        ),
        "too_old": lambda: words.say("The mail that you answered is too old to decide anything. Use the page."),
        "not_yours": lambda: words.say(
            "The mail that you answered was written to somebody else, so your reply decides nothing. Use the page."
        ),
        "no_mark": lambda: words.say(
            "The mail that you answered is about several drafts or about none, so your reply decides nothing."
            " Use the page."
        ),
        "only_page": lambda: words.say(
            "The mail did not show all of the text, so it can be approved only on the page."
        ),
        "nothing_written": lambda: words.say(
            "No text was found above the quotation, so nothing was changed. Write on the first line: %(approve)s,"
            " %(reject)s with a reason, or a new text.",
            approve=approve,
            reject=reject,
        ),
        "mixed": lambda: words.say(
            "It is not clear what you want, so nothing was changed. To approve, send only the word %(approve)s;"
            " to reject, %(reject)s: and the reason; to change the text, send only the new text.",
            approve=approve,
            reject=reject,
        ),
        "too_long": lambda: words.say(
            "The text has more than %(number)s characters, so nothing was changed.", number=words.number(LONGEST)
        ),
        "same_text": lambda: words.say(
            "This is the text as it stands, so nothing was changed. To approve it, send only the word %(approve)s.",
            approve=approve,
        ),
    }
    return told[why]()
