"""What people do in Slack, as decisions: the same one function as on the page, and an answer to every click."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

from monitor.errors import DecisionRefused, StoreBusy
from monitor.model import Action, Decision, Draft, Label
from monitor.people import Person, with_slack
from monitor.store.sqlite import SqliteStore
from responders import answers
from responders.approval import Rules, decide, deciding
from responders.clocks import Clock
from responders.codes import REJECTION_REASONS
from responders.correction import correct
from responders.holding import Rest, bring_forward, hand_on, rested
from responders.slack.api import Api
from responders.slack.cards import CHANGE, HOUR, TOMORROW
from responders.slack.forms import Target, assign_form, edit_form, fits_a_form, reject_form, values_of
from responders.words import Words

log = logging.getLogger(__name__)

VIA = "slack"
RESTS: Mapping[str, Rest] = {HOUR: "hour", TOMORROW: "tomorrow", CHANGE: "change"}
Payload = Mapping[str, Any]
Response = dict[str, Any]  # what goes back with the acknowledgement; empty where there is nothing to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """`redraw` brings a draft's card up to date at once; `judge_again` triages a mention whose label was corrected."""

    store: SqliteStore
    rules: Rules
    api: Api
    zone: ZoneInfo
    times: Clock
    lease: timedelta
    clock: Callable[[], datetime]
    redraw: Callable[[int], Awaitable[None]]
    judge_again: Callable[[int], Awaitable[None]]
    page: str = ""
    language: str = "en"

    def opens_a_form(self, payload: Payload) -> bool:
        """Triggers live three seconds, so such clicks go before all others."""
        return self._wanted(payload)[0] in ("edit", "reject", "assign")

    async def handle(self, payload: Payload) -> Response:
        """Do what a click or a form asks for. Raises nothing that a click can cause."""
        person = with_slack(self.rules.people, str(payload.get("user", {}).get("id", "")))
        words = self._words(person)
        if person is None:
            await self._tell(payload, answers.stranger(words))
            return {}
        try:
            if payload.get("type") == "view_submission":
                return await self._submitted(payload, person, words)
            await self._clicked(payload, person, words)
        except DecisionRefused as error:
            await self._tell(payload, answers.refused(error, words))
            await self._redraw(payload)
        except StoreBusy:
            await self._tell(payload, words.say("The database is busy or the disk is full. Try again in a moment."))
        except ValueError:
            await self._tell(payload, words.say("This button is none of ours any more. Use the newest card."))
        return {}

    async def _clicked(self, payload: Payload, person: Person, words: Words) -> None:
        """Raises DecisionRefused, StoreBusy, ValueError."""
        name, target = self._wanted(payload)
        if name in ("edit", "reject", "assign"):
            await self._open(name, target, payload, person, words)
        elif name in get_args(Action):
            after = await self._decide(name, target, person)
            await self._tell(payload, answers.done(name, after, words))
            await self.redraw(target.draft)
        else:
            await self._tell(payload, await self._other(name, target, person, words))
            await self.redraw(target.draft)

    def _wanted(self, payload: Payload) -> tuple[str, Target]:
        """The action of a click and what it is about; a menu's value holds both. Raises ValueError."""
        [action, *_] = payload.get("actions") or [{}]
        chosen = (action.get("selected_option") or {}).get("value", "")
        name, _, value = chosen.partition(":") if chosen else (action.get("action_id", ""), "", action.get("value", ""))
        return name, Target.of_value(value)

    async def _decide(self, name: str, target: Target, person: Person, text: str = "", reason: str = "") -> Draft:
        decision = Decision(
            draft_id=target.draft,
            rev=target.rev,
            action=cast(Action, name),
            actor=person.name,
            via=VIA,
            text=text,
            reason=reason,
        )
        return await self.store.run(decide, self.store.drafts, decision, self.rules, self.clock())

    async def _other(self, name: str, target: Target, person: Person, words: Words) -> str:
        """Whose it is and when it is asked about again. Returns what the person is told."""
        deciding(self.rules.people, person.name)
        asking, now = self.store.asking, self.clock()
        if name == "claim":
            await self.store.run(asking.claim, target.draft, person.name, now + self.lease, via=VIA, now=now)
            return words.say("It is yours until %(clock)s.", clock=words.clock(now + self.lease))
        if name in RESTS:
            until = rested(RESTS[name], now, self.times)
            await self.store.run(asking.snooze, target.draft, until, actor=person.name, via=VIA, now=now)
            return (
                words.say("Snoozed until %(moment)s.", moment=words.minute(until))
                if until
                else words.say("Snoozed until something changes.")
            )
        if name == "escalate":
            return await self._escalate(target, person, words)
        if name.startswith("label-"):
            return await self._correct(name.removeprefix("label-"), target, person, words)
        raise ValueError(name)

    async def _escalate(self, target: Target, person: Person, words: Words) -> str:
        now = self.clock()
        await self.store.run(bring_forward, self.store, target.draft, actor=person.name, via=VIA, now=now)
        return words.say("Escalated.")

    async def _correct(self, label: str, target: Target, person: Person, words: Words) -> str:
        matter = await self.store.run(self.store.views.matter, target.draft)
        row_id = await self.store.run(
            correct,
            self.store,
            target.draft,
            cast(Label, label),
            seen=matter.mention.content_hash,
            actor=person.name,
            via=VIA,
            people=self.rules.people,
            now=self.clock(),
        )
        await self.judge_again(row_id)
        return f"{matter.draft.reference}: {words.code('action', 'correct')}."

    async def _open(self, name: str, target: Target, payload: Payload, person: Person, words: Words) -> None:
        """Nothing slow before it: the trigger lives three seconds."""
        deciding(self.rules.people, person.name)
        draft = await self.store.run(self.store.drafts.get, target.draft)
        if name == "edit" and not fits_a_form(draft):
            where = f" {self.page}/drafts/{draft.id}" if self.page else ""
            await self._tell(payload, words.say("The text is too long for Slack. Edit it on the page:") + where)
            return
        forms = {
            "edit": lambda: edit_form(draft, words),
            "reject": lambda: reject_form(draft, words),
            "assign": lambda: assign_form(
                draft, [one.name for one in self.rules.people.values() if one.decides], words
            ),
        }
        if not await self.api.open_form(str(payload.get("trigger_id", "")), forms[name]()):
            await self._tell(payload, words.say("Slack did not open the form in time. Please click again."))

    async def _submitted(self, payload: Payload, person: Person, words: Words) -> Response:
        """A form that cannot be taken stays open with what was typed, and says why. Raises StoreBusy, ValueError."""
        view = payload["view"]
        target, given = Target.of_metadata(str(view.get("private_metadata", ""))), values_of(view)
        name = str(view.get("callback_id", ""))
        try:
            if name == "assign":
                await self._assign(target, given.get("person", ""), person)
            elif name in ("edit", "reject"):
                await self._decide(name, target, person, text=given.get("text", ""), reason=_reason(given))
            else:
                raise ValueError(name)
        except DecisionRefused as error:
            field_name = {"edit": "text", "reject": "reason", "assign": "person"}.get(name, "text")
            return {"response_action": "errors", "errors": {field_name: answers.refused(error, words)}}
        await self.redraw(target.draft)
        return {}

    async def _assign(self, target: Target, to: str, person: Person) -> None:
        people, now = self.rules.people, self.clock()
        await self.store.run(hand_on, self.store, people, target.draft, to, actor=person.name, via=VIA, now=now)

    async def _tell(self, payload: Payload, text: str) -> None:
        """To the one who clicked, and nobody else."""
        channel = str(payload.get("channel", {}).get("id", ""))
        user = str(payload.get("user", {}).get("id", ""))
        await self.api.whisper(str(payload.get("response_url", "")), channel, user, text)

    async def _redraw(self, payload: Payload) -> None:
        try:
            await self.redraw(self._wanted(payload)[1].draft)
        except ValueError:
            return

    def _words(self, person: Person | None) -> Words:
        return Words(person.language if person else self.language, self.zone)


def _reason(given: Mapping[str, str]) -> str:
    suggestion = given.get("suggestion", "")
    known = suggestion if suggestion in REJECTION_REASONS else ""
    return ": ".join(part for part in (known, given.get("reason", "").strip()) if part)
