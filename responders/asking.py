"""Asks people: routes new drafts, runs their clocks, and writes down every message that has to go out.

What is written down is sent by the media themselves (responders/slack, responders/mail). Every step is one
compare-and-set, every message has a key, so that any step may run twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.errors import DecisionRefused
from monitor.model import Draft, Priority
from monitor.options import Config
from monitor.people import People, people_of
from monitor.routing import route, topic_of
from monitor.spikes import WEEKS, spike
from monitor.store.asking import Asking
from monitor.store.messages import Change, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.clocks import CHANNEL, REMINDED, Clock, holders, next_step

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between two looks; what is looked for has indexes of its own
COUNT_EVERY = timedelta(minutes=10)  # complaints, for spikes
QUIET_AFTER = timedelta(hours=6)  # in which one spike is told once
CAUGHT_UP = 500  # drafts at most; who has more waiting looks at the page
LOUD = (
    "publication_failed",
    "publication_refused",
    "publication_unknown",
)  # of the audit list: the channel hears of them
UNTOLD = ("remind", "escalate", "wake")  # of the audit list: messages of their own tell of them, or nobody need know
WAKING = (
    "mention_edited",
    "redrafted",
    "model_drafted",
    "correct",
    "publication_failed",
    "publication_refused",
    "approval_withdrawn",
    "mention_gone",
)


@dataclass(slots=True)
class Asker:
    config: Config
    store: SqliteStore
    clock: Callable[[], datetime]
    people: People = field(init=False)
    times: Clock = field(init=False)
    _counted_at: datetime | None = None  # when complaints were last counted

    def __post_init__(self) -> None:
        self.people = people_of(self.config)
        self.times = Clock(
            hours=self.config.hours,
            zone=ZoneInfo(self.config.page.timezone),
            times=self.config.approval.answer_within,
            remind_at=self.config.approval.remind_at,
        )

    async def run(self) -> None:
        """Until cancelled."""
        await self.store.run(self.catch_up)
        while True:
            await self.step()
            await asyncio.sleep(TICK)

    def catch_up(self) -> None:
        """At start: drafts that waited before Slack or mail were connected are asked about, too. What happened to
        sources before anybody listened is no news."""
        now = self.clock()
        if not self.store.messages.cursor("notices"):
            newest = self.store.sources.notices(1)
            self.store.messages.advance("notices", str(newest[0].id if newest else 0))
        for asking in reversed(self.store.asking.waiting(CAUGHT_UP)):
            self.store.messages.put([*self._cards(asking.draft, asking.team, now)], now)

    async def step(self) -> None:
        await self.store.run(self._step)

    def _step(self) -> None:
        now = self.clock()
        for asking in self.store.asking.unrouted():
            self._route(asking, now)
        for asking in self.store.asking.timers_due(now):
            self._run_out(asking, now)
        self._follow(now)
        self._tell_of_sources(now)
        self._tell_of_spikes(now)

    def _route(self, asking: Asking, now: datetime) -> None:
        """Messages first: their keys make a second try harmless, and a draft that nobody hears of would be lost."""
        draft = asking.draft
        matter = self.store.views.matter(draft.id)
        topic = topic_of(matter.mention, matter.verdict, draft.language)
        found = route(topic, self.config.routing, self.people, now.astimezone(self.times.zone).date())
        messages = [*self._cards(draft, found.team, now)]
        if draft.priority is Priority.URGENT:
            messages.extend(self._notice(f"urgent-{draft.id}", "urgent", now, draft_id=draft.id))
        self.store.messages.put(messages, now)
        timer = self.times.reminder(draft.priority, draft.created_at)
        self.store.asking.route(
            draft, found.assignee, found.team, timer, self.times.due(draft.priority, draft.created_at)
        )

    def _run_out(self, asking: Asking, now: datetime) -> None:
        step = next_step(asking, self.times, self.people, self.config.approval.escalate_to, now)
        if step.wake:
            self._wake(asking.draft.id, step.timer, now, "the time is over")
            return
        # messages first, as in _route; should somebody decide at this very moment, the sender finds that out
        kind = "reminder" if step.level == REMINDED else "escalation"
        self.store.messages.put([*self._calls(asking, kind, step.level, step.people, now)], now)
        told = ", ".join(step.people) or "channel"
        self.store.asking.escalate(asking, step.level, step.timer, now=now, told=told, team=step.people)

    def _wake(self, draft_id: int, timer: datetime | None, now: datetime, why: str) -> None:
        try:
            self.store.asking.wake(draft_id, timer, now=now, why=why)
        except DecisionRefused as refused:  # decided meanwhile, so there is nothing to wake
            log.debug("draft %d stays asleep: %s", draft_id, refused)

    def _follow(self, now: datetime) -> None:
        """What was decided since the last look: the loud ones are told, and what was waited for wakes a draft."""
        changes = self.store.messages.changes("asker")
        messages: list[NewMessage] = []
        for change in changes:
            if change.action in LOUD:
                messages.extend(
                    self._notice(f"{change.action}-{change.id}", change.action, now, draft_id=change.draft_id)
                )
            if change.action in WAKING:
                messages.extend(self._changed(change.draft_id, now))
            if change.action == "assign":
                messages.extend(self._handed_on(change, now))
            messages.extend(self._history(change, now))
        if changes:
            self.store.messages.put(messages, now)
            self.store.messages.advance("asker", str(changes[-1].id))

    def _changed(self, draft_id: int, now: datetime) -> Iterator[NewMessage]:
        """A draft that was written anew is asked about anew, by mail; cards are redrawn where they are."""
        asking = self.store.asking.get(draft_id)
        if asking.watched or asking.snoozed_until is not None:
            self._wake(draft_id, self.times.reminder(asking.draft.priority, now), now, "something changed")
        if asking.routed and asking.draft.state in ("pending", "failed"):
            yield from self._mails(asking.draft, asking.team, now)

    def _handed_on(self, change: Change, now: datetime) -> Iterator[NewMessage]:
        """Whoever was handed a draft hears of it at once; its reason names that person."""
        person = self.people.get(change.reason)
        if self.config.mail is None or person is None or not person.mail or person.name == change.actor:
            return
        yield NewMessage(
            key=f"mail-assigned-{change.id}",
            medium="mail",
            recipient=person.mail,
            person=person.name,
            kind="card",
            due=now,
            draft_id=change.draft_id,
            rev=change.rev,
        )

    def _history(self, change: Change, now: datetime) -> Iterator[NewMessage]:
        """What was done stands in the card's thread, line by line, for ever."""
        if self.config.slack is None or change.action in UNTOLD:
            return
        line = {"action": change.action, "actor": change.actor, "rev": change.rev, "reason": change.reason}
        yield NewMessage(
            key=f"slack-history-{change.id}",
            medium="slack",
            recipient=self.config.slack.channel,
            kind="history",
            due=now,
            draft_id=change.draft_id,
            rev=change.rev,
            body=json.dumps(line, ensure_ascii=False),
        )

    def _cards(self, draft: Draft, team: tuple[str, ...], now: datetime) -> Iterator[NewMessage]:
        if self.config.slack is not None:
            key = f"slack-card-{draft.id}"
            yield NewMessage(
                key=key,
                medium="slack",
                recipient=self.config.slack.channel,
                kind="card",
                due=now,
                draft_id=draft.id,
                rev=draft.rev,
            )
        yield from self._mails(draft, team, now)

    def _mails(self, draft: Draft, team: tuple[str, ...], now: datetime) -> Iterator[NewMessage]:
        """Only what still waits after a while is mailed; what is urgent is mailed at once."""
        if self.config.mail is None:
            return
        urgent = draft.priority is Priority.URGENT
        pause = timedelta() if urgent else timedelta(minutes=self.config.mail.after)
        for name in team:
            if (address := self.people[name].mail if name in self.people else "") != "":
                yield NewMessage(
                    key=f"mail-card-{draft.id}-{draft.rev}-{name}",
                    medium="mail",
                    recipient=address,
                    person=name,
                    kind="card",
                    due=now + pause,
                    draft_id=draft.id,
                    rev=draft.rev,
                )

    def _calls(
        self, asking: Asking, kind: str, level: int, people: tuple[str, ...], now: datetime
    ) -> Iterator[NewMessage]:
        """A reminder or an escalation: in the card's thread and by mail to those meant; the last one to the channel."""
        draft = asking.draft
        body = json.dumps({"level": level, "people": people or holders(asking)})
        if self.config.slack is not None:
            channel = self.config.slack.notices or self.config.slack.channel
            yield NewMessage(
                key=f"slack-{kind}-{draft.id}-{draft.rev}-{level}",
                medium="slack",
                recipient=channel if level == CHANNEL else self.config.slack.channel,
                kind=kind,
                due=now,
                draft_id=draft.id,
                rev=draft.rev,
                body=body,
            )
        if self.config.mail is not None:
            for name in people:
                if name in self.people and self.people[name].mail:
                    yield NewMessage(
                        key=f"mail-{kind}-{draft.id}-{draft.rev}-{level}-{name}",
                        medium="mail",
                        recipient=self.people[name].mail,
                        person=name,
                        kind=kind,
                        due=now,
                        draft_id=draft.id,
                        rev=draft.rev,
                        body=body,
                    )

    def _notice(
        self, key: str, code: str, now: datetime, *, draft_id: int | None = None, **more: str | float
    ) -> Iterator[NewMessage]:
        """For the channel, or, where there is no Slack, by mail to the managers. `more` is what the notice tells."""
        body = json.dumps({"code": code, **more}, ensure_ascii=False)
        if self.config.slack is not None:
            channel = self.config.slack.notices or self.config.slack.channel
            yield NewMessage(
                key=f"slack-{key}",
                medium="slack",
                recipient=channel,
                kind="notice",
                due=now,
                draft_id=draft_id,
                body=body,
            )
        elif self.config.mail is not None:
            for name, person in self.people.items():
                if person.role == "manager" and person.mail:
                    yield NewMessage(
                        key=f"mail-{key}-{name}",
                        medium="mail",
                        recipient=person.mail,
                        person=name,
                        kind="notice",
                        due=now,
                        draft_id=draft_id,
                        body=body,
                    )

    def _tell_of_spikes(self, now: datetime) -> None:
        """More complaints than usual, with the aspect that most of them are about."""
        if self._counted_at is not None and now - self._counted_at < COUNT_EVERY:
            return
        self._counted_at = now
        views = self.store.views
        found = spike(views.complaints(now - (WEEKS + 1) * timedelta(weeks=1)), views.counted_since() or now, now)
        if found is None:
            return
        aspect, share = views.main_aspect(found.since)
        key = f"spike-{int(now.timestamp() // QUIET_AFTER.total_seconds())}"
        usual = round(found.usual, 2)
        told = self._notice(key, "spike", now, count=found.count, usual=usual, aspect=aspect, share=share)
        self.store.messages.put([*told], now)

    def _tell_of_sources(self, now: datetime) -> None:
        rows = self.store.sources.notices_after(int(self.store.messages.cursor("notices")))
        if not rows:
            return
        messages = [
            message
            for row in rows
            for message in self._notice(f"source-{row.id}", row.code, now, text=row.text, source=row.source)
        ]
        self.store.messages.put(messages, now)
        self.store.messages.advance("notices", str(rows[-1].id))
