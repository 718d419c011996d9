"""Takes what people replied: the same one decision function as everywhere, and one answer to every reply.

A mail is remembered after everything that it caused, so that a crash in between leaves it to be taken again; what was
done already by then is recognised by what stands in the database, and every answer has a key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.errors import DecisionRefused, NoSuchDraft
from monitor.model import Decision, Draft, DraftState
from monitor.people import Person
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.mail import answers
from responders.mail.incoming import Incoming
from responders.mail.letters import shows_all_of
from responders.mail.refusals import refusal_notices
from responders.mail.replies import NobodyWrote, NotOurs, Told, Wish, outcome
from responders.mail.tokens import Token, read_token
from responders.words import Words

log = logging.getLogger(__name__)

VIA: Final = "mail"
ANSWERS_AN_HOUR = 5  # to one address; a robot that nobody recognised gets no more
CONFIRMED_AN_HOUR = 30  # edited texts of one person; so many only a robot writes
_HOUR = timedelta(hours=1)
_APPROVED = (DraftState.APPROVED, DraftState.PUBLISHING, DraftState.PUBLISHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """`key` signs the marks in our letters; `channel` is where Slack hears of mails that come back, "" where there is
    no Slack."""

    store: SqliteStore
    rules: Rules
    key: bytes
    zone: ZoneInfo
    clock: Callable[[], datetime]
    channel: str = ""

    async def take(self, incoming: Incoming) -> bool:
        """Whether the mail is about a letter of ours, and done with. Raises StoreBusy."""
        return await self.store.run(self._take, incoming)

    def _take(self, incoming: Incoming) -> bool:
        now = self.clock()
        people = self.rules.people
        found = outcome(
            incoming, lambda mark: read_token(self.key, mark, people, now), people, self._answered(incoming)
        )
        if isinstance(found, NotOurs):
            log.debug("a mail is left alone: %s", found.why)
            return False
        if not self.store.messages.received(incoming.key):
            self._act(found, incoming, now)
            self.store.messages.receive(incoming.key, now)
        return True

    def _answered(self, incoming: Incoming) -> str:
        """Whom the letter was for that this mail follows, "" where we sent none of those."""
        found = (self.store.messages.find(VIA, one) for one in incoming.answers)
        return next((message.person for message in found if message is not None), "")

    def _act(self, found: NobodyWrote | Told | Wish, incoming: Incoming, now: datetime) -> None:
        match found:
            case NobodyWrote(person_name, bounced=bounced) if bounced:
                log.warning("a mail to %s came back: %s", person_name, bounced)
                people = self.rules.people
                notices = refusal_notices(person_name, bounced, now, channel=self.channel, people=people)
                self.store.messages.put(notices, now)
            case NobodyWrote(person_name, why):
                log.info("no person wrote the answer to the mail for %s (%s); it is passed over", person_name, why)
            case Told(person, why, token):
                # a stranger's subject is no business of the person whose name he used
                known = replace(incoming, subject="") if why in ("forged", "unverified") else incoming
                self._answer(person, token, answers.undecided(why, self._words(person)), known, now)
            case Wish(action="edit"):
                self._edit(found, incoming, now)
            case Wish():
                self._decide(found, incoming, now)

    def _decide(self, wish: Wish, incoming: Incoming, now: datetime) -> None:
        words = self._words(wish.person)
        try:
            if wish.action == "approve" and not shows_all_of(self.store.drafts.get(wish.token.draft_id).text):
                text = answers.undecided("only_page", words)
            else:
                text = answers.done(wish.action, self._done(wish, now), words)
        except DecisionRefused as error:
            text = answers.refused(error, words)
            text += self._as_it_stands(wish.token, words)
        self._answer(wish.person, wish.token, text, incoming, now)

    def _edit(self, wish: Wish, incoming: Incoming, now: datetime) -> None:
        """A new text is never published for the mail that brought it: it is shown again, and that letter can be
        answered with the keyword."""
        words = self._words(wish.person)
        if self._is_flooded(wish.person, "confirm", CONFIRMED_AN_HOUR, now):
            log.warning("%s sends too many edited texts by mail; they are not taken for now", wish.person.name)
            return
        try:
            if self._stands_already(wish):
                text = answers.undecided("same_text", words)
            else:
                self._show_again(self._done(wish, now), wish.person, incoming, now)
                return
        except DecisionRefused as error:
            text = answers.refused(error, words)
            text += self._as_it_stands(wish.token, words)
        self._answer(wish.person, wish.token, text, incoming, now)

    def _done(self, wish: Wish, now: datetime) -> Draft:
        """The draft once the wish is fulfilled, by this very mail before a crash or now. Raises DecisionRefused."""
        decision = Decision(
            draft_id=wish.token.draft_id,
            rev=wish.token.rev,
            action=wish.action,
            actor=wish.person.name,
            via=VIA,
            text=wish.text,
            reason=wish.reason,
        )
        try:
            return decide(self.store.drafts, decision, self.rules, now)
        except DecisionRefused:
            draft = self.store.drafts.get(wish.token.draft_id)
            if _is_fulfilled(wish, draft):
                return draft
            raise

    def _stands_already(self, wish: Wish) -> bool:
        draft = self.store.drafts.get(wish.token.draft_id)
        return draft.rev == wish.token.rev and draft.text.split() == wish.text.split()

    def _show_again(self, draft: Draft, person: Person, incoming: Incoming, now: datetime) -> None:
        message = NewMessage(
            key=f"mail-confirm-{draft.id}-{draft.rev}-{person.name}",
            medium="mail",
            recipient=person.mail,
            person=person.name,
            kind="confirm",
            due=now,
            draft_id=draft.id,
            rev=draft.rev,
            body=_body(incoming),
        )
        self.store.messages.put([message], now)

    def _answer(self, person: Person, token: Token | None, text: str, incoming: Incoming, now: datetime) -> None:
        """To the configured address, whatever the mail says. The draft stands in the body alone: an answer goes out
        even where that draft no longer waits."""
        if self._is_flooded(person, "answer", ANSWERS_AN_HOUR, now):
            log.warning("%s gets no more answers by mail within this hour", person.name)
            return
        message = NewMessage(
            key=f"mail-answer-{incoming.key}",
            medium="mail",
            recipient=person.mail,
            person=person.name,
            kind="answer",
            due=now,
            body=_body(incoming, text=text, draft=token.draft_id if token else None),
        )
        self.store.messages.put([message], now)

    def _as_it_stands(self, token: Token, words: Words) -> str:
        """The present text, where it is not the one that the person saw."""
        try:
            draft = self.store.drafts.get(token.draft_id)
        except NoSuchDraft:
            return ""
        head = words.say("The text is now:")
        return f"\n\n{head}\n\n{draft.text}" if draft.rev != token.rev else ""

    def _is_flooded(self, person: Person, kind: str, most: int, now: datetime) -> bool:
        return self.store.messages.written_since(person.mail, kind, now - _HOUR) >= most

    def _words(self, person: Person) -> Words:
        return Words(person.language, self.zone)


def _is_fulfilled(wish: Wish, draft: Draft) -> bool:
    me, seen = wish.person.name, wish.token.rev
    mine = draft.decided_by == me and draft.decided_via == VIA
    if wish.action == "approve":
        return draft.rev == seen and (me in draft.approvals or (mine and draft.state in _APPROVED))
    if wish.action == "reject":
        return draft.rev == seen and mine and draft.state is DraftState.REJECTED
    return draft.rev == seen + 1 and draft.author == me and draft.text == wish.text.strip()


def _body(incoming: Incoming, **more: object) -> str:
    """What the letter needs: that it is an answer to that mail, and the words."""
    return json.dumps({"in_reply_to": incoming.message_id, "subject": incoming.subject, **more}, ensure_ascii=False)
