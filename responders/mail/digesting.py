"""Digests: written down when they are due, once each, and put into words when they are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from monitor.digest.gathering import Gatherer
from monitor.digest.periods import today
from monitor.digest.schedule import due, editions, is_stale
from monitor.people import People, Person
from monitor.store.digests import Issue
from monitor.store.messages import Message, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.digest_links import DigestLinks
from responders.mail.digest_letter import digest_bulletin
from responders.mail.letters import Desk
from responders.mail.printing import Printed, printed
from responders.words import Words

KIND: Final = "digest"
TICK: Final = 20.0  # seconds between two looks at the clock
_LONG_AGO: Final = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Press:
    """Puts a digest into a person's words. `local` says that only this machine reaches the page."""

    gatherer: Gatherer
    links: DigestLinks
    local: bool

    def issue(self, person: Person, issue: Issue, desk: Desk) -> Printed:
        """For the person's own zone, whatever that of the page is."""
        own = Desk(
            words=Words(desk.words.language, ZoneInfo(person.zone)), page=desk.page, local=desk.local, now=desk.now
        )
        digest = self.gatherer.digest(person, issue, desk.now)
        return printed(digest_bulletin(digest, own, self.unsubscribe(person, desk)))

    def unsubscribe(self, person: Person, desk: Desk) -> str:
        """ "" where the page is only for this machine: a mail program cannot reach it."""
        return self.links.address(desk.page, person.name) if desk.page and not self.local else ""


@dataclass(frozen=True, slots=True)
class Digests:
    """Looks who is due a digest, and writes it down to be mailed."""

    store: SqliteStore
    people: People
    gatherer: Gatherer
    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(TICK)

    async def step(self) -> None:
        for person in self.people.values():
            if person.mail and editions(person):
                await self.store.run(self._look, person)

    def _look(self, person: Person) -> None:
        now = self.clock()
        subscription = self.store.digests.subscription(person.name, now)
        if not subscription.on or not due(person, _LONG_AGO, {}, now):
            return
        day = today(now, ZoneInfo(person.zone))
        last = {edition: self.store.digests.last(person.name, edition, day) for edition in editions(person)}
        for issue in due(person, subscription.since, last, now):
            # one whose mail waits or failed covers nothing and is due still, but it is gathered and written once
            if not self.store.digests.is_taken(issue):
                self._write(person, issue, now)

    def _write(self, person: Person, issue: Issue, now: datetime) -> None:
        needless = person.digest.quiet == "none" and self.gatherer.digest(person, issue, now).is_quiet
        self.store.digests.take(issue, None if needless else letter(person, issue, now), now)


def letter(person: Person, issue: Issue, now: datetime) -> NewMessage:
    """What it says is read when it is sent, so that a mail that had to wait tells how things are then."""
    said = {
        "edition": issue.edition,
        "day": issue.day.isoformat(),
        "first": issue.first.isoformat(),
        "last": issue.last.isoformat(),
        "missed": [day.isoformat() for day in issue.missed],
    }
    return NewMessage(
        key=issue.key,
        medium="mail",
        recipient=person.mail,
        person=person.name,
        kind=KIND,
        due=now,
        body=json.dumps(said),
    )


def issue_of(message: Message) -> Issue:
    said: dict[str, Any] = json.loads(message.body)
    return Issue(
        person=message.person,
        edition=said["edition"],
        day=date.fromisoformat(said["day"]),
        first=date.fromisoformat(said["first"]),
        last=date.fromisoformat(said["last"]),
        missed=tuple(date.fromisoformat(day) for day in said["missed"]),
    )


def is_too_late(issue: Issue, person: Person, now: datetime) -> bool:
    return is_stale(issue, now, ZoneInfo(person.zone))
