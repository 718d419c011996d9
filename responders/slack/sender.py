"""Brings to Slack what was written down for it, and keeps every card as the draft is. One request at a time, so that
the limit of one message a second is kept without a queue of our own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from monitor.errors import AuthError, NoSuchDraft, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.people import People
from monitor.store.messages import Message
from monitor.store.sqlite import SqliteStore
from responders.approval import WAITING
from responders.slack.api import Api
from responders.slack.cards import Card, Showing, card, erased
from responders.slack.notices import call, history, notice
from responders.words import Words

log = logging.getLogger(__name__)

MEDIUM: Final = "slack"
READER = "slack"  # of the audit list
TICK = 0.5  # seconds between two looks
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(slots=True)
class Sender:
    """`page` is the address of the page, "" where people in Slack cannot reach it."""

    store: SqliteStore
    api: Api
    people: People
    words: Words
    clock: Callable[[], datetime]
    page: str = ""
    rested_until: datetime | None = None  # Slack asked to wait
    trouble: str = ""  # why nothing goes out, for /healthz
    _refused: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled."""
        await self.recover()
        while True:
            await self.step()
            await asyncio.sleep(TICK)

    async def recover(self) -> None:
        """What a crash left in the middle is looked for in the channel, and sent again only where it is not there."""
        for message in await self.store.run(self.store.messages.recover, MEDIUM, self.clock()):
            await self._look_for(message)

    async def step(self) -> None:
        now = self.clock()
        if self.rested_until is not None and now < self.rested_until:
            return
        self.rested_until = None
        await self._redraw_changed()
        for batch in _together(await self.store.run(self.store.messages.due, MEDIUM, now)):
            if self.rested_until is not None:
                return
            await self._send(batch)

    async def redraw(self, draft_id: int) -> None:
        """Bring the cards of a draft up to date; what fails now is done by the next look."""
        for message in await self.store.run(self.store.messages.showing, draft_id, MEDIUM):
            await self._redraw(message)

    async def _redraw_changed(self) -> None:
        changes = await self.store.run(self.store.messages.changes, READER)
        emptied = {change.draft_id for change in changes if change.action == "erased"}
        for draft_id in dict.fromkeys(change.draft_id for change in changes):
            await self.redraw(draft_id)
            if draft_id in emptied:
                await self._empty_thread(draft_id)
            if self.rested_until is not None:
                return  # the list is gone through again from where it was
        if changes:
            await self.store.run(self.store.messages.advance, READER, str(changes[-1].id))

    async def _empty_thread(self, draft_id: int) -> None:
        """People's reasons below a card may quote the customer who was erased."""
        for message in await self.store.run(self.store.messages.told, draft_id, MEDIUM):
            if (showing := await self._showing(message)) is not None and showing.matter.erased_at is not None:
                await self._show(message, erased(showing))

    async def _redraw(self, message: Message) -> None:
        found = await self._card(message)
        if found is not None:
            await self._show(message, found)

    async def _show(self, message: Message, found: Card) -> None:
        if found.shown == message.shown:
            return
        try:
            await self.api.redraw(message.recipient, message.external_id, found)
        except PermanentError as error:
            log.warning("a card in Slack cannot be redrawn: %s", error)  # deleted by hand, say
        except SourceError as error:
            self._rest(error, message.attempts)
            return
        await self.store.run(self.store.messages.shows, message, found.shown, self.clock())

    async def _send(self, batch: Sequence[Message]) -> None:
        """One message of Slack's for all of `batch`."""
        now, first = self.clock(), batch[0]
        found = await self._content(batch)
        if found is None:
            for message in batch:
                await self.store.run(self.store.messages.drop, message, "decided meanwhile", now)
            return
        thread = await self._thread(first)
        begun = [message for message in batch if await self.store.run(self.store.messages.begin, message, now)]
        if not begun:
            return
        try:
            ts = await self.api.post(first.recipient, found, key=_key(first), metadata=_metadata(first), thread=thread)
        except SourceError as error:
            await self._settle(begun, error)
            return
        self.trouble = ""
        for message in begun:
            await self._save_sent(message, ts, thread, found.shown)

    async def _save_sent(self, message: Message, ts: str, thread: str, shown: str) -> None:
        await asyncio.shield(
            self.store.run(
                self.store.messages.sent, message, self.clock(), external_id=ts, thread_id=thread, shown=shown
            )
        )

    async def _settle(self, batch: Sequence[Message], error: SourceError) -> None:
        now, messages = self.clock(), self.store.messages
        for message in batch:
            if isinstance(error, OutcomeUnknown):
                await self.store.run(messages.lose_sight, message, str(error), now)
            elif isinstance(error, TemporaryError | AuthError):
                until = now + self._pause(error, message.attempts)
                await self.store.run(messages.postpone, message, str(error), until, now)
            else:
                log.error("Slack refuses a message about draft %s: %s", message.draft_id, error)
                await self.store.run(messages.fail, message, str(error), now)
        if isinstance(error, OutcomeUnknown):
            for message in batch:
                await self._look_for(message)
        else:
            self._rest(error, batch[0].attempts)

    async def _look_for(self, message: Message) -> None:
        """Whether one that may be out is out. Where Slack cannot be asked, it is sent again: a card that stands twice
        is harmless, for both lead to the same one decision; a card that nobody sees is not."""
        now, messages = self.clock(), self.store.messages
        try:
            ts = await self.api.find(message.recipient, message.key, await self._thread(message))
        except SourceError as error:
            log.warning("Slack cannot be asked whether a message is there: %s", error)
            ts = ""
        if ts:
            await self.store.run(messages.sent, message, now, external_id=ts)
        else:
            await self.store.run(messages.postpone, message, "not found in the channel", now + FIRST_RETRY, now)

    def _rest(self, error: SourceError, attempts: int) -> None:
        if isinstance(error, TemporaryError | AuthError | OutcomeUnknown):
            self.rested_until = self.clock() + self._pause(error, attempts)
            self.trouble = f"slack: {error}"
            log.warning("nothing goes to Slack until %s: %s", self.rested_until.isoformat(timespec="seconds"), error)

    def _pause(self, error: SourceError, attempts: int) -> timedelta:
        asked = error.retry_after if isinstance(error, TemporaryError) else None
        doublings: int = 2 ** min(attempts, 10)
        return timedelta(seconds=asked) if asked is not None else min(LONGEST_RETRY, FIRST_RETRY * doublings)

    async def _content(self, batch: Sequence[Message]) -> Card | None:
        """None where it is not needed any more."""
        first = batch[0]
        if first.kind == "card":
            return await self._card(first)
        if first.kind == "notice":
            return notice(batch, self.words, self.page)
        if first.kind == "history":
            return history(batch, self.words) if await self._thread(first) else None
        return await self._call(first)

    async def _card(self, message: Message) -> Card | None:
        showing = await self._showing(message)
        if showing is None:
            return None
        never_shown = message.state != "sent"
        return None if never_shown and showing.matter.draft.state not in WAITING else card(showing)

    async def _call(self, message: Message) -> Card | None:
        """A reminder or an escalation; none about what was decided, or escalated further, meanwhile."""
        showing = await self._showing(message)
        given = json.loads(message.body)
        if showing is None or showing.matter.draft.state not in WAITING or showing.asking.level != given["level"]:
            return None
        return call(message.kind, given, showing)

    async def _showing(self, message: Message) -> Showing | None:
        if message.draft_id is None:
            return None
        try:
            matter = await self.store.run(self.store.views.matter, message.draft_id)
            asking = await self.store.run(self.store.asking.get, message.draft_id)
        except NoSuchDraft:
            return None
        ids: Mapping[str, str] = {name: person.slack for name, person in self.people.items()}
        return Showing(matter=matter, asking=asking, words=self.words, page=self.page, slack_ids=ids, now=self.clock())

    async def _thread(self, message: Message) -> str:
        """What is said about a draft stands under its card, where the card is in the same channel."""
        if message.kind not in ("reminder", "escalation", "history") or message.draft_id is None:
            return ""
        cards = await self.store.run(self.store.messages.showing, message.draft_id, MEDIUM)
        return next((one.external_id for one in cards if one.recipient == message.recipient), "")


def _together(messages: Sequence[Message]) -> list[list[Message]]:
    """Notices to one channel that are due at once are one message, and so is the history of one draft, so that hours
    without Slack end in no flood."""
    batches: list[list[Message]] = []
    joined: dict[tuple[str, str, int | None], list[Message]] = {}
    for message in messages:
        draft = message.draft_id if message.kind == "history" else None
        key = (message.kind, message.recipient, draft)
        if message.kind not in ("notice", "history"):
            batches.append([message])
        elif key in joined:
            joined[key].append(message)
        else:
            batches.append(joined.setdefault(key, [message]))
    return batches


def _key(message: Message) -> str:
    """The same for every try; Slack wants a UUID."""
    return str(uuid5(NAMESPACE_URL, f"ohlas:{message.key}"))


def _metadata(message: Message) -> dict[str, object]:
    found: dict[str, object] = {"key": message.key}
    if message.kind == "card" and message.draft_id is not None:
        found |= {"draft": message.draft_id}
    return found
