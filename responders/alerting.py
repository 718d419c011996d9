"""Tells people what goes on beside drafts: more complaints than usual, a post that spreads, promises that were broken,
sources that fail. What is told goes into the outbox, for the channel or, without Slack, by mail to the managers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor import spreading
from monitor.alert_options import AlertKind
from monitor.alerts import cools_down, is_held_back, tell_at
from monitor.model import case_reference
from monitor.options import Config
from monitor.people import People
from monitor.spikes import LATE, STEP, WEEKS, WINDOW, Spike, late_spike, spike
from monitor.store.alerts import Conversation, telling
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from responders.addressing import addressed, channel_of

LOOK_EVERY = STEP  # for what is counted

Facts = str | float


@dataclass(slots=True)
class Alerter:
    config: Config
    store: SqliteStore
    people: People
    zone: ZoneInfo
    _looked_at: datetime | None = field(default=None, init=False)

    def catch_up(self) -> None:
        """At start: what happened to sources before anybody listened is no news."""
        if not self.store.messages.cursor("notices"):
            newest = self.store.sources.notices(1)
            self.store.messages.advance("notices", str(newest[0].id if newest else 0))

    def step(self, now: datetime) -> None:
        self._tell_of_sources(now)
        if self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY:
            return
        self._looked_at = now
        looks: dict[AlertKind, Callable[[datetime], None]] = {
            "spike": self._tell_of_spikes,
            "spreading": self._tell_of_spreading,
            "overdue": self._tell_of_broken_promises,
        }
        for kind, look in looks.items():
            if kind not in self.config.alerts.off:
                look(now)

    def notices(
        self, key: str, code: str, due: datetime, *, draft_id: int | None = None, **facts: Facts
    ) -> Iterator[NewMessage]:
        """One notice for everybody whom it is for. `facts` are what it tells, see responders/notices.py."""
        body = json.dumps({"code": code, **facts}, ensure_ascii=False)
        channel = channel_of(self.config)
        people = self.people if self.config.mail is not None else {}
        yield from addressed(key, body, due, channel=channel, people=people, draft_id=draft_id)

    def alerts(
        self,
        key: str,
        code: str,
        now: datetime,
        *,
        draft_id: int | None = None,
        at: datetime | None = None,
        **facts: Facts,
    ) -> Iterator[NewMessage]:
        """The same for what may wait: for others, and for the end of muted hours. `at`: when it was, if not now."""
        due = tell_at(now, self.config.alerts, self.zone)
        if at is None and is_held_back(now, due, self.config.alerts):
            at = now
        if at is not None:
            facts["at"] = at.isoformat()
        yield from self.notices(key, code, due, draft_id=draft_id, **facts)

    def goes_on(
        self,
        kind: str,
        subject: str,
        now: datetime,
        *,
        draft_id: int | None = None,
        at: datetime | None = None,
        **facts: Facts,
    ) -> None:
        """Tell of something that goes on, once in a while. The messages come first: a crash between tells it again
        under the same key, and so not twice."""
        told = self.store.alerts.told(kind, subject)
        if cools_down(told.at, now, self.config.alerts, self.zone):
            return
        key = f"{telling(kind, subject)}{told.times + 1}"
        self.store.messages.put([*self.alerts(key, kind, now, draft_id=draft_id, at=at, **facts)], now)
        self.store.alerts.tell(kind, subject, told, tell_at(now, self.config.alerts, self.zone))

    def _tell_of_spikes(self, now: datetime) -> None:
        """More complaints than usual, with the aspect that most of them are about."""
        views = self.store.views
        complaints = views.complaints(now - (WEEKS + 1) * timedelta(weeks=1))
        started = views.counted_since() or now
        if found := spike(complaints, started, now):
            self._tell_of_spike(found, now)
            return
        arrived = views.arrived_complaints(now - 2 * LOOK_EVERY, now - LATE)
        if found := late_spike(arrived, complaints, started, now):
            self._tell_of_spike(found, now, at=found.since + WINDOW)

    def _tell_of_spike(self, found: Spike, now: datetime, at: datetime | None = None) -> None:
        aspect, share = self.store.views.main_aspect(found.since, found.since + WINDOW)
        usual = round(found.usual, 2)
        self.goes_on("spike", "", now, at=at, count=found.count, usual=usual, aspect=aspect, share=share)

    def _tell_of_spreading(self, now: datetime) -> None:
        for found in self.store.alerts.conversations(now - spreading.WINDOW, spreading.LEAST):
            past, until = now - spreading.PAST, now - spreading.WINDOW
            usual = self.store.alerts.usual_people(found, past, until, spreading.WINDOW)
            if spreading.spreads(found.people, usual):
                self._spreads(found, max(1.0, usual), now)

    def _spreads(self, found: Conversation, usual: float, now: datetime) -> None:
        newest = self.store.mentions.get(found.newest)
        self.goes_on(
            "spreading",
            f"{found.source}\x1f{found.root}",
            now,
            source=found.source,
            people=found.people,
            complaints=found.complaints,
            usual=round(usual, 1),
            url=newest.url if newest else "",
        )

    def _tell_of_broken_promises(self, now: datetime) -> None:
        broken = self.store.alerts.broken_promises(now)
        if broken:
            oldest = broken[0]
            self.goes_on(
                "overdue",
                "",
                now,
                draft_id=oldest.draft_id,
                count=len(broken),
                reference=case_reference(oldest.case_id),
                promised=oldest.promised.isoformat(),
            )

    def _tell_of_sources(self, now: datetime) -> None:
        rows = self.store.sources.notices_after(int(self.store.messages.cursor("notices")))
        if not rows:
            return
        due = tell_at(now, self.config.alerts, self.zone)
        messages = [
            message
            for row in rows
            for message in self.notices(
                f"source-{row.id}", row.code, due, text=row.text, cause=row.cause, source=row.source
            )
        ]
        self.store.messages.put(messages, now)
        self.store.messages.advance("notices", str(rows[-1].id))
