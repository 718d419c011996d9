"""Post what a person approved: at most once per approval, looked up where the outcome is not known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from monitor.contract import (
    CanFetch,
    CanLookUp,
    CanModerate,
    CanReply,
    CanReplyTo,
    Connector,
    Moderated,
    Page,
    Receipt,
    ReplyRules,
)
from monitor.errors import OutcomeUnknown, SourceError, TemporaryError
from monitor.model import Draft, Mention, Publication
from monitor.store.publications import Moderating, UnknownPublication
from monitor.store.sqlite import SqliteStore
from responders import setbacks
from responders.setbacks import last_setback, setback

log = logging.getLogger(__name__)
T = TypeVar("T")

NO_REPLY = ReplyRules(kind="manual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the publisher waits. `settle` is longer than any request lives, so that what is not there then
    will not appear later; `key_lives` is how long a platform remembers an idempotency key (Mastodon: one hour)."""

    request: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(seconds=90)
    key_lives: timedelta = timedelta(minutes=50)
    first_retry: timedelta = timedelta(seconds=30)
    longest_retry: timedelta = timedelta(hours=1)
    tries: int = 8
    lookups: int = 10
    unread: timedelta = timedelta(hours=1)  # for which an approval waits for what cannot be read
    moderations: int = 40  # times that a platform is asked whether it shows an answer, about two weeks in all

    def retry(self, count: int) -> timedelta:
        """Doubled with every try."""
        doublings: int = 2 ** min(count, 16)
        return min(self.longest_retry, self.first_retry * doublings)

    def moderation(self, asked: int) -> timedelta:
        """Ten minutes at first, then less and less often, down to twice a day."""
        doublings: int = 2 ** min(asked, 10)
        return min(timedelta(hours=12), timedelta(minutes=10) * doublings)


class Clock(Protocol):
    def __call__(self) -> datetime: ...


def reply_rules(connector: Connector | None, mention: Mention | None = None) -> ReplyRules:
    """How a source takes answers, to `mention` where that makes a difference; by hand where it is gone or cannot."""
    if mention is not None and isinstance(connector, CanReplyTo):
        return connector.reply_rules_for(mention)
    return getattr(connector, "reply_rules", NO_REPLY)


def is_manual(connector: Connector | None, mention: Mention | None = None) -> bool:
    return not isinstance(connector, CanReply) or reply_rules(connector, mention).kind == "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    store: SqliteStore
    connectors: Mapping[str, Connector]
    people: Collection[str]
    clock: Clock
    patience: Patience = field(default_factory=Patience)

    async def recover(self) -> int:
        """At start, before anything else: what a crash left half-done is looked up once it has settled."""
        now = self.clock()
        return await self.store.run(self.store.publications.recover, now + self.patience.settle, now)

    async def publish_due(self) -> int:
        """Post every approved draft whose grace period is over; returns how many requests were made."""
        drafts = await self.store.run(self.store.publications.due, self.clock())
        return sum([await self._publish(draft) for draft in drafts])

    async def moderate_due(self) -> int:
        """Ask what became of answers that platforms look at before they show them; returns how many were asked for."""
        waiting = await self.store.run(self.store.publications.moderated_due, self.clock())
        for one in waiting:
            await self._moderate(one)
        return len(waiting)

    async def look_up_due(self) -> int:
        """Settle unknown outcomes; returns how many were looked up."""
        unknown = await self.store.run(self.store.publications.unknown_due, self.clock())
        for one in unknown:
            await self._look_up(one)
        return len(unknown)

    async def _publish(self, draft: Draft) -> int:
        if not await self._is_as_it_was(draft):
            return 0
        publication = await self.store.run(self.store.publications.begin, draft, self.people, self.clock())
        if publication is None:
            return 0
        connector = self.connectors.get(publication.mention.source)
        if not isinstance(connector, CanReply):
            source = publication.mention.source
            await self._save(self.store.publications.fail, publication, setbacks.by_hand(source))
            return 0
        outcome = await self._outcome(
            connector.reply(publication.mention, publication.text, publication.key), publication
        )
        await self._settle(publication, outcome)
        return 1

    async def _is_as_it_was(self, draft: Draft) -> bool:
        """Look at the original again where that is possible: what was edited, deleted or answered by a colleague since
        the approval goes back to a person, because saving what is there now takes the approval away."""
        mention = await self.store.run(self.store.mentions.get, draft.mention_id)
        connector = self.connectors.get(mention.source) if mention else None
        if mention is None or not isinstance(connector, CanFetch):
            return True
        match await self._read(connector.fetch(mention), mention.source):
            case Mention() as current:
                page = Page(mentions=(current,))
            case None:
                page = Page(gone=(mention.id,))
            case error:
                await self._put_off(draft, error)
                return False
        await self.store.run(self.store.mentions.save_page, mention.source, page, None, self.clock())
        return True

    async def _put_off(self, draft: Draft, error: BaseException) -> None:
        """The original could not be read: not posted now, and after a while left to a person."""
        now, publications, pause = self.clock(), self.store.publications, _asked_for(error)
        waited = now - draft.decided_at if draft.decided_at else timedelta()
        if max(waited, pause) > self.patience.unread:
            await self.store.run(publications.give_back, draft, setbacks.unread(error), now)
            log.warning("draft %d was not published, the original cannot be read: %s", draft.id, error)
            return
        await self.store.run(publications.put_off, draft, now + max(self.patience.first_retry, pause))

    async def _moderate(self, waiting: Moderating) -> None:
        publication, now = waiting.publication, self.clock()
        connector = self.connectors.get(publication.mention.source)
        if not isinstance(connector, CanModerate):
            await self.store.run(self.store.publications.moderated, publication, None, now)
            return
        request = connector.moderation(publication.mention, waiting.receipt)
        match await self._read(request, publication.mention.source):
            case Moderated(state="refused", reason=reason):
                await self._save(self.store.publications.refuse, publication, setbacks.moderated(reason))
                log.warning("the platform refuses to show the answer of draft %d", publication.draft_id)
            case Moderated(state="visible"):
                await self.store.run(self.store.publications.moderated, publication, None, now)
            case answer:  # still looked at, or the platform could not be asked
                more = waiting.asked + 1 < self.patience.moderations
                later = now + max(self.patience.moderation(waiting.asked), _asked_for(answer)) if more else None
                await self.store.run(self.store.publications.moderated, publication, later, now)

    async def _read(self, request: Awaitable[T], source: str) -> T | SourceError:
        """What reading came to; a bug in a connector counts as a source that cannot be read."""
        task = asyncio.ensure_future(request)
        await asyncio.wait({task}, timeout=self.patience.request.total_seconds())
        if not task.done():
            task.cancel()
            return TemporaryError("no answer in time", cause="slow")
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, SourceError):
            return error
        log.error("connector of %s failed while reading", source, exc_info=error)
        return TemporaryError(f"unexpected {type(error).__name__}", cause="bug", words=type(error).__name__)

    async def _outcome(self, request: Awaitable[T], publication: Publication) -> T | BaseException:
        """What a request to a platform came to. A task, so that whatever it raises is a value here."""
        task = asyncio.ensure_future(request)
        try:
            done, _ = await asyncio.wait({task}, timeout=self.patience.request.total_seconds())
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            return OutcomeUnknown(f"no answer within {self.patience.request.total_seconds():.0f} s")
        error = task.exception()
        if error is None:
            return task.result()
        if not isinstance(error, SourceError):
            log.error("connector of %s failed while replying", publication.mention.source, exc_info=error)
        return error

    async def _settle(self, publication: Publication, outcome: Receipt | BaseException) -> None:
        publications, now = self.store.publications, self.clock()
        match outcome:
            case Receipt():
                await self._save(publications.finish, publication, outcome, self._look_at(publication, now))
                log.info("published the answer of draft %d", publication.draft_id)
            case TemporaryError() if publication.attempts < self.patience.tries:
                pause = max(self.patience.retry(publication.attempts - 1), _asked_for(outcome))
                await self._save(publications.postpone, publication, setback(outcome), now + pause)
            case SourceError() if not isinstance(outcome, OutcomeUnknown):
                await self._save(publications.fail, publication, last_setback(outcome, "given_up"))
                log.warning("draft %d was not published: %s", publication.draft_id, outcome)
            case _:
                # A bug in a connector may strike after the request went out, so it counts as unknown too.
                why = setback(outcome)
                await self._save(publications.lose_sight, publication, why, now + self.patience.settle)
                log.warning("draft %d may be published or not: %s", publication.draft_id, why.message)

    def _look_at(self, publication: Publication, now: datetime) -> datetime | None:
        """When the platform is asked whether it shows the answer; None where there is nothing to ask."""
        connector = self.connectors.get(publication.mention.source)
        moderated = isinstance(connector, CanModerate) and reply_rules(connector, publication.mention).moderated
        return now + self.patience.moderation(0) if moderated else None

    async def _look_up(self, unknown: UnknownPublication) -> None:
        publication = unknown.publication
        connector = self.connectors.get(publication.mention.source)
        if not isinstance(connector, CanLookUp):
            await self._without_look_up(unknown, reply_rules(connector, publication.mention))
            return
        mention, text, key = publication.mention, publication.text, publication.key
        outcome = await self._outcome(connector.find_reply(mention, text, key), publication)
        match outcome:
            case Receipt():
                asked_at = self._look_at(publication, self.clock())
                await self._save(self.store.publications.finish, publication, outcome, asked_at)
                log.info("the answer of draft %d is out after all", publication.draft_id)
            case None:
                await self._save(self.store.publications.postpone, publication, setbacks.ABSENT, self.clock())
            case _:
                await self._look_again(unknown, outcome)

    async def _without_look_up(self, unknown: UnknownPublication, rules: ReplyRules) -> None:
        """Only what the platform itself makes harmless is repeated; the rest is a person's to look at."""
        fresh = self.clock() - unknown.attempted_at < self.patience.key_lives
        if rules.kind == "overwrite" or (rules.kind == "key" and fresh):
            await self._save(self.store.publications.postpone, unknown.publication, setbacks.HARMLESS, self.clock())
            return
        await self.store.run(self.store.publications.look_again, unknown.publication, setbacks.NO_LOOK_UP, None)

    async def _look_again(self, unknown: UnknownPublication, error: BaseException) -> None:
        pause = _asked_for(error)
        more = unknown.lookups + 1 < self.patience.lookups and pause <= self.patience.unread
        at = self.clock() + max(self.patience.retry(unknown.lookups), pause) if more else None
        why = setback(error) if at else last_setback(error, "not_found_out")
        await self.store.run(self.store.publications.look_again, unknown.publication, why, at)

    async def _save(self, operation: Callable[..., None], publication: Publication, *values: object) -> None:
        """Shielded: once a request was made, what became of it is written down even while Ohlas stops."""
        await asyncio.shield(self.store.run(operation, publication, *values, self.clock()))


def _asked_for(outcome: object) -> timedelta:
    """For how long the platform, or a budget that is used up, wants nothing to be asked."""
    return timedelta(seconds=outcome.retry_after or 0) if isinstance(outcome, TemporaryError) else timedelta()
