"""Sends by mail what was written down for it. What may have gone out is never sent again: two letters that ask for the
same decision are harmless, but a server that breaks down after every mail would make it a flood."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from typing import Final

from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.smtp import Busy, Connection, Server
from monitor.store.messages import Message, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.mail.composing import Composer, Post, together
from responders.mail.envelope import message
from responders.mail.refusals import REFUSED, refusal_notices

log = logging.getLogger(__name__)

MEDIUM: Final = "mail"
TICK = 0.5  # seconds between two looks
AT_ONCE = 500  # rows of the outbox in one round; those of one person become one letter
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)  # of one mail
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=10)  # of all of them
MOST_ATTEMPTS = 30  # over more than a day
LAST_MAIL = 10.0  # seconds that a mail under way may still take while Ohlas stops


@dataclass(slots=True)
class Sender:
    """`channel` is where Slack hears of mails that a server refuses, "" where there is no Slack."""

    store: SqliteStore
    server: Server
    composer: Composer
    clock: Callable[[], datetime]
    channel: str = ""
    rested_until: datetime | None = None  # the server cannot be used
    trouble: str = ""  # why nothing goes out, for /healthz
    _failures: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        await self.recover()
        while True:
            await self.step()
            await asyncio.sleep(TICK)

    async def recover(self) -> None:
        """What a crash left in the middle may be out. Nobody can be asked, so it stays unknown; reminders, Slack and
        the page go on without it."""
        for lost in await self.store.run(self.store.messages.recover, MEDIUM, self.clock()):
            log.warning("a mail to %s (%s) may be out or not; it is not sent again", lost.person, lost.kind)

    async def step(self) -> None:
        now = self.clock()
        if self.rested_until is not None and now < self.rested_until:
            return
        self.rested_until = None
        posts = [
            post
            for batch in together(await self.store.run(self.store.messages.due, MEDIUM, now, AT_ONCE))
            if (post := await self.store.run(self.composer.compose, batch)) is not None
        ]
        if posts:
            await self._send_all(posts)

    async def _send_all(self, posts: Sequence[Post]) -> None:
        """Over one connection. What is left when it breaks is due still."""
        try:
            async with self.server.connected() as connection:
                self._failures, self.trouble = 0, ""
                for post in posts:
                    await _to_its_end(self._send(connection, post))
                    if self.rested_until is not None or not connection.usable:
                        break
        except SourceError as error:
            self._rest(error)

    async def _send(self, connection: Connection, post: Post) -> None:
        try:
            mail = message(post.letter, post.envelope)
        except (MessageError, ValueError) as error:
            await self._fail(post.batch, PermanentError(f"the address cannot be written into a mail: {error}"))
            return
        now = self.clock()
        begun = [one for one in post.batch if await self.store.run(self.store.messages.begin, one, now)]
        if not begun:
            return
        try:
            await connection.send(mail, post.envelope.recipient)
        except SourceError as error:
            await self._settle(begun, error)
            return
        for one in begun:
            await self.store.run(self._save_sent, one, post)

    def _save_sent(self, one: Message, post: Post) -> None:
        thread = post.envelope.references[0] if post.envelope.references else ""
        self.store.messages.sent(one, self.clock(), external_id=post.envelope.message_id, thread_id=thread)

    async def _settle(self, batch: Sequence[Message], error: SourceError) -> None:
        now, messages = self.clock(), self.store.messages
        if isinstance(error, OutcomeUnknown):
            log.warning("a mail to %s may be out or not; it is not sent again: %s", batch[0].person, error)
            for one in batch:
                await self.store.run(messages.lose_sight, one, str(error), now)
            return
        if isinstance(error, PermanentError) or max(one.attempts for one in batch) >= MOST_ATTEMPTS:
            await self._fail(batch, error)
            return
        for one in batch:
            await self.store.run(messages.postpone, one, str(error), now + _pause(error, one.attempts), now)
        if isinstance(error, AuthError | Busy):
            self._rest(error)

    async def _fail(self, batch: Sequence[Message], error: SourceError) -> None:
        now = self.clock()
        log.error("a mail to %s is not sent: %s", batch[0].person, error)
        for one in batch:
            await self.store.run(self.store.messages.fail, one, str(error), now)
        if not any(_is_about_mail(one) for one in batch):
            told = list(self._told(batch[0], str(error), now))
            await self.store.run(self.store.messages.put, told, now)

    def _told(self, failed: Message, why: str, now: datetime) -> list[NewMessage]:
        return refusal_notices(failed.person, why, now, channel=self.channel, people=self.composer.people)

    def _rest(self, error: SourceError) -> None:
        doublings: int = 2 ** min(self._failures, 10)
        self.rested_until = self.clock() + min(LONGEST_REST, FIRST_REST * doublings)
        self._failures += 1
        self.trouble = f"mail: {error}"
        log.warning("no mail goes out until %s: %s", self.rested_until.isoformat(timespec="seconds"), error)


async def _to_its_end(sending: Coroutine[object, object, None]) -> None:
    """Let a mail under way arrive before Ohlas stops: one that is cut off might be out, and would never be sent
    again."""
    task = asyncio.ensure_future(sending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=LAST_MAIL)
        task.cancel()
        raise


def _pause(error: SourceError, attempts: int) -> timedelta:
    asked = error.retry_after if isinstance(error, TemporaryError) else None
    doublings: int = 2 ** min(attempts, 10)
    return timedelta(seconds=asked) if asked is not None else min(LONGEST_RETRY, FIRST_RETRY * doublings)


def _is_about_mail(one: Message) -> bool:
    return one.kind == "notice" and json.loads(one.body).get("code") == REFUSED
