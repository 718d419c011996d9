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
from monitor.store.asking import Asking
from monitor.store.follow_ups import CHANGED, VOTED
from monitor.store.messages import Change, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.addressing import channel_of
from responders.alerting import Alerter
from responders.clocks import CHANNEL, REMINDED, Clock, holders, next_step

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between two looks; what is looked for has indexes of its own
CAUGHT_UP = 500  # drafts at most; who has more waiting looks at the page
LOUD = ("publication_failed", "publication_refused", "publication_unknown")  # of the audit list: told at once
UNTOLD = ("remind", "escalate", "wake")  # of the audit list: messages of their own tell of them, or nobody need know
WAKING = (
    "wrote_again",
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
    alerter: Alerter = field(init=False)

    def __post_init__(self) -> None:
        self.people = people_of(self.config)
        self.times = Clock(
            hours=self.config.hours,
            zone=ZoneInfo(self.config.page.timezone),
            times=self.config.approval.answer_within,
            remind_at=self.config.approval.remind_at,
        )
        self.alerter = Alerter(self.config, self.store, self.people, self.times.zone)

    async def run(self) -> None:
        """Until cancelled."""
        await self.store.run(self.catch_up)
        while True:
            await self.store.run(self.step)
            await asyncio.sleep(TICK)

    def catch_up(self) -> None:
        """At start: drafts that waited before Slack or mail were connected are asked about, too."""
        now = self.clock()
        self.alerter.catch_up()
        for asking in reversed(self.store.asking.waiting(CAUGHT_UP)):
            self.store.messages.put([*self._cards(asking.draft, asking.team, now)], now)

    def step(self) -> None:
        """Everything that is due now; blocks on the database."""
        now = self.clock()
        for asking in self.store.asking.unrouted():
            self._route(asking, now)
        for asking in self.store.asking.timers_due(now):
            self._run_out(asking, now)
        self._follow(now)
        self.alerter.step(now)

    def _route(self, asking: Asking, now: datetime) -> None:
        """Messages first: their keys make a second try harmless, and a draft that nobody hears of would be lost."""
        draft = asking.draft
        matter = self.store.views.matter(draft.id)
        topic = topic_of(matter.mention, matter.verdict, draft.language)
        found = route(topic, self.config.routing, self.people, now.astimezone(self.times.zone).date())
        messages = [*self._cards(draft, found.team, now)]
        if draft.priority is Priority.URGENT:
            messages.extend(self.alerter.notices(f"urgent-{draft.id}", "urgent", now, draft_id=draft.id))
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
        """What was decided since the last look: some of it is told, and what was waited for wakes a draft."""
        changes = self.store.messages.changes("asker")
        messages: list[NewMessage] = []
        for change in changes:
            messages.extend(self._heard(change, now))
            if change.action == "wrote_again":
                messages.extend(self._wrote_again(change, now))
            if change.action in WAKING:
                messages.extend(self._changed(change.draft_id, now))
            if change.action == "assign":
                messages.extend(self._handed_on(change, now))
            messages.extend(self._history(change, now))
        if changes:
            self.store.messages.put(messages, now)
            self.store.messages.advance("asker", str(changes[-1].id))

    def _heard(self, change: Change, now: datetime) -> Iterator[NewMessage]:
        """What the channel hears of: replies that went wrong at once, what customers say of our answers as alerts."""
        key, action = f"{change.action}-{change.id}", change.action
        if action in LOUD:
            cause = change.cause.partition(": ")[0]
            yield from self.alerter.notices(key, action, now, draft_id=change.draft_id, text="", cause=cause)
        elif action == CHANGED:
            yield from self.alerter.alerts(key, action, now, draft_id=change.draft_id, text=change.reason)
        elif (action, change.reason) == (VOTED, "bad"):
            yield from self.alerter.alerts(key, action, now, draft_id=change.draft_id, text="")

    def _wrote_again(self, change: Change, now: datetime) -> Iterator[NewMessage]:
        """In another place: no draft of its own, so that the one there is has to be sooner, and people have to know."""
        draft = self.store.drafts.get(change.draft_id)
        due = self.times.due(draft.priority, draft.created_at)
        self.store.asking.hasten(draft.id, self.times.reminder(draft.priority, draft.created_at), due)
        handled_in = self.store.views.matter(draft.id).mention.source
        told = {"source": change.reason, "handled_in": handled_in, "reference": draft.reference, "state": draft.state}
        key = f"wrote-again-{change.id}"
        if draft.priority is Priority.URGENT:
            yield from self.alerter.notices(key, change.action, now, draft_id=draft.id, **told)
        else:
            yield from self.alerter.alerts(key, change.action, now, draft_id=draft.id, at=None, **told)

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
        line |= {"cause": change.cause} if change.cause else {}
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
            channel = channel_of(self.config)
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
