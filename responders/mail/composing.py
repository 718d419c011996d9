"""Which letters come of the rows of the outbox that are due: one to a person, and nothing about what is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from monitor.errors import NoSuchDraft
from monitor.people import People, Person
from monitor.store.asking import Asking
from monitor.store.messages import Message
from monitor.store.sqlite import SqliteStore
from responders.approval import WAITING
from responders.inviting import VALID as SIGN_IN_VALID
from responders.inviting import token_for
from responders.mail.digesting import Press, is_too_late, issue_of
from responders.mail.envelope import Envelope, message_id, safe_id, thread_id, token_id
from responders.mail.letters import (
    MOST_DRAFTS,
    Desk,
    Kind,
    Letter,
    Waiting,
    answer_letter,
    draft_letter,
    round_letter,
    sign_in_letter,
)
from responders.mail.printing import Printed
from responders.mail.tokens import VALID, Purpose, Token, make_token, plus_address
from responders.notices import told
from responders.words import Words

_ALONE: Final = ("sign_in", "confirm", "answer", "digest")  # kinds that are no part of a letter about drafts
_GRAVITY: Final = {"card": 0, "reminder": 1, "escalation": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A letter, and the rows of the outbox that are done with once it is sent."""

    batch: tuple[Message, ...]
    letter: Letter | Printed
    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """`key` signs the marks in replies; `replies` says whether replies are read. `page` is asked when it is needed,
    since the port is known only when the service runs; `local` says that only this machine reaches it."""

    store: SqliteStore
    people: People
    zone: ZoneInfo
    clock: Callable[[], datetime]
    sender: str
    key: bytes
    page: Callable[[], str]
    local: bool
    replies: bool
    press: Press

    def compose(self, batch: Sequence[Message]) -> Post | None:
        """What to send for rows that go to one person together; None where none of them is needed any more, and they
        are dropped."""
        now, person = self.clock(), self.people.get(batch[0].person)
        if person is None or not person.mail:
            self._drop(batch, "this person has no address in config.toml any more", now)
            return None
        desk = Desk(words=Words(person.language, self.zone), page=self.page().rstrip("/"), local=self.local, now=now)
        if batch[0].kind == "sign_in":
            return self._sign_in(batch[0], person, desk)
        if batch[0].kind == "answer":
            return self._answer(batch[0], person, desk)
        if batch[0].kind == "digest":
            return self._digest(batch[0], person, desk)
        return self._about_drafts(batch, person, desk)

    def _sign_in(self, message: Message, person: Person, desk: Desk) -> Post | None:
        if desk.now - message.at > SIGN_IN_VALID:
            self._drop([message], "nobody waits for this link any more", desk.now)
            return None
        letter = sign_in_letter(person.name, token_for(message, self.store, desk.now), SIGN_IN_VALID, desk)
        return self._post([message], letter, person, desk)

    def _answer(self, message: Message, person: Person, desk: Desk) -> Post:
        body = _body(message)
        draft = body.get("draft")
        letter = answer_letter(
            str(body.get("subject", "")), str(body.get("text", "")), desk, draft if isinstance(draft, int) else None
        )
        return self._post([message], letter, person, desk)

    def _digest(self, message: Message, person: Person, desk: Desk) -> Post | None:
        issue = issue_of(message)
        if is_too_late(issue, person, desk.now):
            self._drop([message], "the next digest covers it", desk.now)
            return None
        post = self._post([message], self.press.issue(person, issue, desk), person, desk)
        return replace(post, envelope=replace(post.envelope, unsubscribe=self.press.unsubscribe(person, desk)))

    def _about_drafts(self, batch: Sequence[Message], person: Person, desk: Desk) -> Post | None:
        found: dict[int, tuple[Kind, Asking]] = {}
        notices: list[Message] = []
        needed: list[Message] = []
        for message in batch:
            if message.kind == "notice":
                notices.append(message)
            elif (asking := self._asking(message, desk.now)) is not None:
                kind = _kind(message)
                before = found.get(asking.draft.id)
                found[asking.draft.id] = (_graver(kind, before[0]) if before else kind, asking)
                needed.append(message)
        needed += notices
        if not needed:
            return None
        order = sorted(found.values(), key=lambda one: (one[1].draft.priority, one[1].draft.created_at))
        # that a matter is urgent is said by the letter about it
        lines = [
            told(_body(notice), desk.words)
            for notice in notices
            if not (notice.draft_id in found and _body(notice).get("code") == "urgent")
        ]
        if len(order) == 1 and not lines:
            return self._about_one(needed, self._waiting(*order[0]), person, desk)
        shown = [self._waiting(*one) for one in order[:MOST_DRAFTS]]
        return self._post(needed, round_letter(shown, len(order), lines, desk), person, desk)

    def _about_one(self, batch: Sequence[Message], waiting: Waiting, person: Person, desk: Desk) -> Post:
        token = self._token(waiting, person, desk.now) if self.replies and person.decides else ""
        letter = draft_letter(waiting, desk, token)
        return self._post(batch, letter, person, desk, token, waiting.matter.draft.id)

    def _token(self, waiting: Waiting, person: Person, now: datetime) -> str:
        draft = waiting.matter.draft
        purpose: Purpose = "confirm" if waiting.kind == "confirm" else "decide"
        return make_token(
            self.key,
            Token(draft_id=draft.id, rev=draft.rev, person=person.name, purpose=purpose, expires=now + VALID),
        )

    def _post(
        self,
        batch: Sequence[Message],
        letter: Letter | Printed,
        person: Person,
        desk: Desk,
        token: str = "",
        draft_id: int | None = None,
    ) -> Post:
        answers = safe_id(str(_body(batch[0]).get("in_reply_to", ""))) if batch[0].kind in _ALONE else ""
        thread = thread_id(draft_id, self.key, self.sender) if draft_id is not None else ""
        references = (thread, token_id(token, self.sender) if token else "", answers)
        envelope = Envelope(
            sender=self.sender,
            recipient=person.mail,
            person=person.name,
            language=person.language,
            message_id=message_id([message.key for message in batch], self.sender),
            date=desk.now,
            reply_to=plus_address(self.sender, token) if token else "",
            references=tuple(one for one in references if one),
            answers=answers or thread,
        )
        return Post(batch=tuple(batch), letter=letter, envelope=envelope)

    def _asking(self, message: Message, now: datetime) -> Asking | None:
        if message.draft_id is None:
            return None
        try:
            asking = self.store.asking.get(message.draft_id)
        except NoSuchDraft:
            self._drop([message], "there is no such draft any more", now)
            return None
        if why := outdated(message, asking, now):
            self._drop([message], why, now)
            return None
        return asking

    def _waiting(self, kind: Kind, asking: Asking) -> Waiting:
        return Waiting(kind=kind, matter=self.store.views.matter(asking.draft.id), asking=asking)

    def _drop(self, batch: Sequence[Message], why: str, now: datetime) -> None:
        for message in batch:
            self.store.messages.drop(message, why, now)


def outdated(message: Message, asking: Asking, now: datetime) -> str:
    """Why a letter about this draft is not needed any more, "" where it is."""
    if asking.draft.state not in WAITING:
        return "decided meanwhile"
    if asking.draft.rev != message.rev:
        return "the text changed meanwhile"
    if message.kind == "confirm":
        return ""
    if asking.watched or (asking.snoozed_until is not None and asking.snoozed_until > now):
        return "snoozed meanwhile"
    if message.kind == "card":
        return _somebody_has_it(message, asking, now)
    level = _body(message).get("level", 0)
    return "escalated further meanwhile" if asking.level > level else ""


def together(messages: Sequence[Message]) -> list[list[Message]]:
    """What goes out at once: everything that waits for one person is one letter, but for answers to that person."""
    batches: list[list[Message]] = []
    of_person: dict[str, list[Message]] = {}
    for message in messages:
        if message.kind in _ALONE:
            batches.append([message])
        elif message.person in of_person:
            of_person[message.person].append(message)
        else:
            batches.append(of_person.setdefault(message.person, [message]))
    return batches


def _somebody_has_it(message: Message, asking: Asking, now: datetime) -> str:
    claimed = asking.claimed_until is not None and asking.claimed_until > now
    if claimed and asking.claimed_by not in ("", message.person):
        return f"{asking.claimed_by} is working on it"
    return f"handed to {asking.assignee}" if asking.assignee not in ("", message.person) else ""


def _kind(message: Message) -> Kind:
    kinds: dict[str, Kind] = {"reminder": "reminder", "escalation": "escalation", "confirm": "confirm"}
    return kinds.get(message.kind, "card")


def _graver(one: Kind, other: Kind) -> Kind:
    return max(one, other, key=lambda kind: _GRAVITY.get(kind, 0))


def _body(message: Message) -> dict[str, Any]:
    found = json.loads(message.body) if message.body else {}
    return found if isinstance(found, dict) else {}
