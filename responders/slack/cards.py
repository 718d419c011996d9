"""What a draft looks like in Slack: pure, from what is known to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.model import LABELS, DraftState, text_hash
from monitor.store.asking import Asking
from monitor.store.codec import dump
from monitor.store.views import Matter
from responders.approval import WAITING
from responders.places import handled_elsewhere, said_elsewhere
from responders.slack.blocks import (
    Block,
    actions,
    button,
    confirm,
    context,
    cut,
    escaped,
    link,
    menu,
    rich_text,
    section,
)
from responders.words import Words

_ORIGINAL, _REPLY = 1800, 2600  # characters shown; the rest is on the page
_FINDINGS = 6
_PLACES = 4  # the newest ones
HOUR, TOMORROW, CHANGE = "snooze-hour", "snooze-tomorrow", "snooze-change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`text` is what notifications show. `shown` changes whenever the card would look different."""

    blocks: list[Block]
    text: str

    @property
    def shown(self) -> str:
        return text_hash(dump([self.blocks, self.text]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Everything that a card tells. `slack_ids` are members' ids by person, "" where that person is not in Slack."""

    matter: Matter
    asking: Asking
    words: Words
    page: str  # address of the page, "" where nobody can reach it from elsewhere
    slack_ids: Mapping[str, str]
    now: datetime

    @property
    def value(self) -> str:
        """What a button carries: which draft, and which revision the person has read."""
        return f"{self.matter.draft.id}:{self.matter.draft.rev}"

    @property
    def address(self) -> str:
        return f"{self.page}/drafts/{self.matter.draft.id}" if self.page else ""


def card(showing: Showing) -> Card:
    draft = showing.matter.draft
    if showing.matter.erased_at is not None:
        return erased(showing)
    blocks = [
        context(_headline(showing), _whose(showing)),
        rich_text("rich_text_quote", _original(showing), _ORIGINAL),
        *_places(showing),
        *_verdict(showing),
        rich_text("rich_text_section", draft.text, _REPLY),
        *_findings(showing),
        context(_where(showing)),
        *_standing(showing),
        *_buttons(showing),
    ]
    if showing.address:
        blocks.append(link(showing.words.say("Open on the page"), showing.address))
    text = f"{draft.reference}: {showing.words.code('state', draft.state)}. {cut(_original(showing), 300)}"
    return Card(blocks=blocks, text=escaped(text))


def erased(showing: Showing) -> Card:
    """What is left where the customer's words were."""
    words, matter = showing.words, showing.matter
    day = words.day(matter.erased_at or showing.now)
    text = words.say("Erased on %(day)s; only what is counted was kept.", day=day)
    return Card(blocks=[context(matter.draft.reference, text)], text=escaped(text))


def _headline(showing: Showing) -> str:
    words, matter = showing.words, showing.matter
    stars = "" if matter.mention.rating is None else "★" * round(matter.mention.rating)
    urgencies = [words.code("urgency", one.name) for one in matter.verdict.urgency[:2]]
    kind = words.say("acknowledgement; the answer follows") if matter.draft.purpose == "acknowledgement" else ""
    found = (
        matter.draft.reference,
        words.code("label", matter.verdict.label),
        words.say("unsure") if matter.verdict.unsure else "",
        words.code("priority", str(matter.draft.priority.value)),
        *urgencies,
        words.code("urgency", "repeated") if _asks_again(matter) else "",
        stars,
        matter.mention.source,
        matter.mention.author or words.say("no name"),
        kind,
    )
    return " · ".join(part for part in found if part)


def _asks_again(matter: Matter) -> bool:
    """Whether the customer said something new elsewhere; what he said in the text itself is told already."""
    told = any(one.name == "repeated" for one in matter.verdict.urgency[:2])
    return not told and any(entry.action == "wrote_again" for entry in matter.history)


def _whose(showing: Showing) -> str:
    asking, words = showing.asking, showing.words
    if showing.matter.draft.state not in WAITING:
        return ""
    if asking.claimed_by and asking.claimed_until and asking.claimed_until > showing.now:
        return words.say("%(person)s is working on it", person=asking.claimed_by)
    return words.say("for %(people)s", people=", ".join([asking.assignee] if asking.assignee else asking.team))


def _original(showing: Showing) -> str:
    mention = showing.matter.mention
    return "\n".join(part for part in (mention.title, mention.text) if part)


def _places(showing: Showing) -> Iterator[Block]:
    """Where else the customer wrote, and who handles it if not this draft."""
    words, matter = showing.words, showing.matter
    lines = [said_elsewhere(other, words) for other in matter.others[-_PLACES:]]
    if matter.handling:
        lines.insert(0, handled_elsewhere(matter.handling, words))
    if lines:
        yield context(cut("\n".join(lines), 1200))


def _verdict(showing: Showing) -> Iterator[Block]:
    verdict, words = showing.matter.verdict, showing.words
    why = [f"{words.code('verdict', reason.code)}: {reason.detail}" for reason in verdict.reasons if reason.detail]
    about = [words.code("aspect", aspect.name) for aspect in verdict.aspects]
    found = [*(words.say("About") + ": " + ", ".join(about) for _ in about[:1]), *why]
    if found:
        yield context(cut(" · ".join(found), 600))


def _findings(showing: Showing) -> Iterator[Block]:
    words = showing.words
    lines = [
        f"{words.say('Error') if one.severity == 'error' else words.say('Warning')}: {words.finding(one)}"
        + (f" „{words.code('part', one.excerpt)}“" if one.excerpt else "")
        for one in showing.matter.draft.findings[:_FINDINGS]
    ]
    if lines and showing.matter.draft.state in WAITING:
        yield section("\n".join(lines))


def _where(showing: Showing) -> str:
    words, matter = showing.words, showing.matter
    if matter.draft.manual:
        where = words.say("You post it on %(source)s by hand.", source=matter.mention.source)
    else:
        where = words.say("It will appear on %(source)s.", source=matter.mention.source)
    parts = (words.say("revision %(rev)s", rev=matter.draft.rev), words.written(matter.draft))
    return f"{where} {' · '.join(part for part in parts if part)}"


def _standing(showing: Showing) -> Iterator[Block]:
    """Who decided what, for ever: a card must never forget it."""
    words, matter = showing.words, showing.matter
    lines = [
        f"{words.moment(entry.at)} {entry.actor}: {words.code('action', entry.action)}"
        + (f" ({words.why(entry.reason, entry.cause)})" if entry.reason else "")
        for entry in matter.history
        if entry.action in _TOLD
    ]
    draft = matter.draft
    if draft.approvals and draft.state in WAITING:
        lines.append(words.say("%(people)s said yes; a second person has to.", people=", ".join(draft.approvals)))
    if draft.state is DraftState.APPROVED and draft.publish_after:
        lines.append(words.say("It goes out at %(clock)s.", clock=words.clock(draft.publish_after)))
    if draft.state not in WAITING:
        lines.append(words.code("state", draft.state))
    if matter.publication and matter.publication.error and draft.state in ("failed", "unknown"):
        lines.append(words.cause(matter.publication.cause, matter.publication.error))
    if lines:
        yield context(cut("\n".join(lines[-8:]), 1500))


_TOLD = (
    *("approve", "edit", "reject", "undo", "posted", "not_posted", "handled", "mention_edited", "mention_gone"),
    "reply_seen",
    *("merged", "joined", "yielded", "split", "returned", "wrote_again"),
    "approval_withdrawn",
    "publication_published",
    "publication_failed",
    "publication_refused",
    "publication_unknown",
)


def _buttons(showing: Showing) -> Iterator[Block]:
    state, words, value = showing.matter.draft.state, showing.words, showing.value
    if state in WAITING:
        yield actions(_block(showing), *_deciding(showing), menu("more", words.say("More…"), _more(showing)))
    elif state is DraftState.APPROVED:
        posted = button("posted", words.say("I posted it"), value, "primary")
        undo = button("undo", words.say("Take the approval back"), value)
        yield actions(_block(showing), *([posted] if showing.matter.draft.manual else []), undo)
    elif state is DraftState.UNKNOWN:
        yield actions(
            _block(showing),
            button("posted", words.say("It is there"), value, "primary"),
            button("not_posted", words.say("It is not there"), value),
        )


def _block(showing: Showing) -> str:
    """Another one after every change: a menu that keeps its block would not take the same choice twice."""
    return f"decide-{showing.matter.draft.rev}-{len(showing.matter.history)}"


def _deciding(showing: Showing) -> Iterator[Block]:
    words, draft = showing.words, showing.matter.draft
    label = words.say("Approve") if draft.manual else words.say("Approve and publish")
    asked = confirm(
        label,
        words.say(
            "Exactly the text of revision %(rev)s goes to %(source)s.",
            rev=draft.rev,
            source=showing.matter.mention.source,
        ),
        words.say("Approve"),
        words.say("Cancel"),
    )
    yield button("approve", label, showing.value, "primary", asked)
    yield button("edit", words.say("Edit"), showing.value)
    yield button("reject", words.say("Reject"), showing.value, "danger")
    yield button("claim", words.say("I take it"), showing.value)


def _more(showing: Showing) -> Iterator[tuple[str, str]]:
    """Values carry the draft and revision as the buttons do."""
    words, value, verdict = showing.words, showing.value, showing.matter.verdict
    yield f"assign:{value}", words.say("Hand it to somebody…")
    yield f"{HOUR}:{value}", words.say("Snooze for an hour")
    yield f"{TOMORROW}:{value}", words.say("Snooze until tomorrow morning")
    yield f"{CHANGE}:{value}", words.say("Snooze until something changes")
    yield f"escalate:{value}", words.say("Escalate")
    yield f"handled:{value}", words.say("Mark as handled")
    if showing.matter.draft.purpose == "acknowledgement":
        yield f"full_answer:{value}", words.say("Write the full answer instead")
    elif verdict.label == "complaint":
        yield f"acknowledge:{value}", words.say("Send a short acknowledgement first")
    for label in LABELS:
        if verdict.unsure or label != verdict.label:
            yield f"label-{label}:{value}", words.code("it_is", label)
