"""Drafts in Slack: a Slack on loopback that refuses what Slack refuses, our own parts, a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor.model import Decision, DraftState, Finding, Mention, Priority
from monitor.options import Config, PersonOptions, SlackOptions
from monitor.people import people_of
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.slack.desk import SlackDesk, slack_desk
from tests.made import APOLOGY, NOON, arrive, draft_all, mention
from tests.slack_platform import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Fault, Posted, Slack

EVA, OTA, IDA, STRANGER = "U0EVA", "U0OTA", "U0IDA", "U0NOBODY"
CHANNEL, NOTICES = "C0DRAFTS", "C0NOTICES"
PROMISE = "PROMISE"


def check(_draft: object, text: str, _actor: str) -> tuple[Finding, ...]:
    return (Finding(rule="unapproved_promise", severity="error", message="no"),) if PROMISE in text else ()


class Place:
    """A Slack, a database with drafts, and Ohlas between them; `now` is everybody's clock."""

    def __init__(self, folder: Path, slack: Slack, mode: str = "socket") -> None:
        self.slack = slack
        self.store = SqliteStore(folder / "ohlas.db")
        self.now: datetime = NOON
        self.config = Config(
            people={
                "eva": PersonOptions(slack=EVA, language="sk", role="manager"),
                "ota": PersonOptions(slack=OTA),
                "ida": PersonOptions(slack=IDA, role="reader"),
            },
            slack=SlackOptions(
                bot_token=BOT_TOKEN,  # type: ignore[arg-type]
                app_token=APP_TOKEN,  # type: ignore[arg-type]
                signing_secret=SIGNING_SECRET,  # type: ignore[arg-type]
                mode=mode,  # type: ignore[arg-type]
                channel=CHANNEL,
                notices=NOTICES,
                api=slack.api,
            ),
        )
        self.rules = Rules(people=people_of(self.config), grace=timedelta(seconds=45), check=check)
        self.asker = Asker(self.config, self.store, lambda: self.now)
        self.corrected: list[int] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SlackDesk]:
        assert self.config.slack is not None

        async def judge_again(row_id: int) -> None:
            self.corrected.append(row_id)

        async with slack_desk(
            self.config,
            self.config.slack,
            store=self.store,
            rules=self.rules,
            times=self.asker.times,
            clock=lambda: self.now,
            judge_again=judge_again,
        ) as desk:
            self.desk = desk
            self.asker.catch_up()
            await desk.sender.step()  # from here on it follows the audit list
            yield desk

    async def draft(self, number: int = 1, text: str = APOLOGY, wrote: Mention | None = None, **more: Any) -> int:
        """One mention comes in, is drafted, and its card goes out."""
        arrive(self.store, wrote or mention(number))
        [draft_id] = draft_all(self.store, text=text, now=self.now, **more)
        await self.step()
        return draft_id

    async def step(self, forward: timedelta = timedelta()) -> None:
        self.now += forward
        self.slack.now = self.now.timestamp()
        self.asker.step()
        await self.desk.sender.step()

    def decide(self, draft: int, action: str, actor: str = "ota", **more: Any) -> None:
        """Somebody decides on the page."""
        rev = more.pop("rev", self.store.drafts.get(draft).rev)
        decision = Decision(draft_id=draft, rev=rev, action=action, actor=actor, via="page", **more)  # type: ignore[arg-type]
        decide(self.store.drafts, decision, self.rules, self.now)

    def state(self, draft: int) -> DraftState:
        return self.store.drafts.get(draft).state

    async def press(self, card: Posted, action: str, user: str = EVA, **more: Any) -> None:
        await self.desk.clicks.handle(self.slack.clicked(card, card.buttons()[action], user, **more))

    @property
    def told(self) -> str:
        return self.slack.ephemerals[-1].text


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Slack() as slack:
        place = Place(tmp_path, slack)
        async with place.open():
            yield place
        place.store.close()
        assert slack.refused == [], "every call kept Slack's limits"


async def test_a_card_says_everything_that_a_decision_needs(place: Place) -> None:
    draft = await place.draft(wrote=mention(1, title="Sklamanie", author="Zuzana Kráľová"))
    card = place.slack.card(draft)
    for words in ("Sklamanie", "Balík číslo 1 prišiel rozbitý", "Zuzana Kráľová", APOLOGY, "shop", "OH-00001", "★"):
        assert words in card.words
    assert {"approve", "edit", "reject", "claim", "more"} == set(card.buttons())
    assert card.buttons()["approve"]["confirm"]["text"]["text"]


async def test_a_yes_in_slack_is_a_yes_and_the_card_keeps_who_said_it(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "approve")
    assert place.state(draft) is DraftState.APPROVED
    [entry] = place.store.views.matter(draft).history
    assert (entry.actor, entry.via) == ("eva", "slack")
    card = place.slack.card(draft)
    assert "eva" in card.words and set(card.buttons()) == {"undo"}
    assert "approved" in place.told or "schválen" in place.told.lower()


async def test_a_second_click_changes_nothing_and_is_told(place: Place) -> None:
    draft = await place.draft()
    card = place.slack.card(draft)
    pressed = place.slack.clicked(card, card.buttons()["approve"], OTA)
    for _ in range(3):
        await place.desk.clicks.handle(pressed)
    assert len(place.store.views.matter(draft).history) == 1
    assert [one.user for one in place.slack.ephemerals] == [OTA, OTA, OTA]
    assert "somebody was faster" in place.told


@pytest.mark.parametrize("user", [STRANGER, IDA])
async def test_who_may_not_decide_is_told_so_and_nothing_happens(place: Place, user: str) -> None:
    draft = await place.draft()
    for action in ("approve", "reject", "claim"):
        await place.press(place.slack.card(draft), action, user)
    await place.press(place.slack.card(draft), "more", user, selected=f"handled:{draft}:1")
    assert place.state(draft) is DraftState.PENDING
    assert len(place.slack.ephemerals) == 4
    assert place.slack.views == {}


async def test_an_old_button_meets_the_newer_text(place: Place) -> None:
    draft = await place.draft()
    old = place.slack.clicked(place.slack.card(draft), place.slack.card(draft).buttons()["approve"], EVA)
    place.decide(draft, "edit", text="Iný text.")
    await place.desk.clicks.handle(old)
    assert (place.state(draft), place.store.drafts.get(draft).rev) == (DraftState.PENDING, 2)
    assert "Iný text." in place.slack.card(draft).words


async def test_what_is_decided_elsewhere_is_seen_on_the_card(place: Place) -> None:
    draft = await place.draft()
    place.decide(draft, "reject", reason="no_reply")
    await place.step()
    card = place.slack.card(draft)
    assert "ota" in card.words and card.buttons() == {}
    assert len(card.versions) == 2


async def test_one_card_a_draft_whatever_becomes_of_it(place: Place) -> None:
    draft = await place.draft()
    place.decide(draft, "edit", text="Druhý text.")
    await place.step()
    place.decide(draft, "approve")
    await place.step()
    place.decide(draft, "undo")
    await place.step(timedelta(seconds=1))
    card = place.slack.card(draft)
    assert [one for one in place.slack.posted if one.thread_ts != card.ts] == [card]
    assert "Druhý text." in card.words


async def test_what_was_done_stands_under_the_card_line_by_line(place: Place) -> None:
    draft = await place.draft()
    place.decide(draft, "edit", text="Druhý text.")
    await place.step()
    place.decide(draft, "reject", reason="wrong_tone: príliš chladné")
    await place.step()
    lines = [one.words for one in place.slack.thread(place.slack.card(draft))]
    assert len(lines) == 2 and "ota: edited" in lines[0] and "príliš chladné" in lines[1]


async def test_what_happened_while_slack_was_away_stands_there_in_one_message(place: Place) -> None:
    draft = await place.draft()
    place.slack.fault = lambda _method, _n: "internal_error"
    for action in ("approve", "undo", "approve"):
        place.decide(draft, action)
        await place.step(timedelta(seconds=1))
    place.slack.fault = lambda _method, _n: ""
    for _ in range(4):
        await place.step(timedelta(minutes=6))
    [told] = place.slack.thread(place.slack.card(draft))
    assert told.words.count("ota:") == 3


async def test_editing_opens_a_form_and_saves_a_revision(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "edit")
    [(view_id, view)] = place.slack.views.items()
    assert view["blocks"][0]["element"]["initial_value"] == APOLOGY
    answer = await place.desk.clicks.handle(place.slack.submitted(view, {"text": "Lepší text."}, EVA))
    assert (answer, place.store.drafts.get(draft).text) == ({}, "Lepší text.")
    assert "Lepší text." in place.slack.card(draft).words
    assert view_id


async def test_an_edit_that_comes_too_late_keeps_what_was_typed(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "edit")
    [view] = place.slack.views.values()
    place.decide(draft, "edit", text="Rýchlejší text.")
    answer = await place.desk.clicks.handle(place.slack.submitted(view, {"text": "Môj text."}, EVA))
    assert answer["response_action"] == "errors" and "text" in answer["errors"]
    assert place.store.drafts.get(draft).text == "Rýchlejší text."


async def test_an_expired_trigger_is_told(place: Place) -> None:
    draft = await place.draft()
    card = place.slack.card(draft)
    pressed = place.slack.clicked(card, card.buttons()["edit"], OTA)
    place.slack.now += 4
    await place.desk.clicks.handle(pressed)
    assert "click again" in place.told
    place.slack.refused.clear()


async def test_a_long_reply_is_edited_on_the_page(place: Place) -> None:
    draft = await place.draft(text="Ospravedlňujeme sa. " * 300)
    await place.press(place.slack.card(draft), "edit", OTA)
    assert place.slack.views == {} and "on the page" in place.told


async def test_a_rejection_needs_a_reason_and_keeps_it(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "reject")
    [view] = place.slack.views.values()
    answer = await place.desk.clicks.handle(place.slack.submitted(view, {}, EVA))
    assert answer["response_action"] == "errors"
    answer = await place.desk.clicks.handle(
        place.slack.submitted(view, {"suggestion": "wrong_tone", "reason": "príliš chladné"}, EVA)
    )
    assert (answer, place.state(draft)) == ({}, DraftState.REJECTED)
    assert place.store.views.matter(draft).history[-1].reason == "wrong_tone: príliš chladné"


async def test_handing_on_claiming_snoozing_handling_and_relabelling(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "claim", OTA)
    assert place.store.asking.get(draft).claimed_by == "ota"
    await place.press(place.slack.card(draft), "claim", EVA)
    assert "ota" in place.slack.card(draft).words and place.store.asking.get(draft).claimed_by == "ota"
    await place.press(place.slack.card(draft), "more", selected=f"assign:{draft}:1")
    [view] = place.slack.views.values()
    await place.desk.clicks.handle(place.slack.submitted(view, {"person": "eva"}, OTA))
    assert place.store.asking.get(draft).assignee == "eva"
    await place.press(place.slack.card(draft), "more", selected=f"snooze-hour:{draft}:1")
    assert place.store.asking.get(draft).snoozed_until == place.now + timedelta(hours=1)
    await place.press(place.slack.card(draft), "more", selected=f"snooze-tomorrow:{draft}:1")
    assert place.store.asking.get(draft).snoozed_until == datetime.fromisoformat("2026-11-23T07:00:00+00:00")
    await place.press(place.slack.card(draft), "more", selected=f"label-praise:{draft}:1")
    assert place.corrected == [1]
    await place.press(place.slack.card(draft), "more", selected=f"handled:{draft}:1")
    assert place.state(draft) is DraftState.SUPERSEDED


async def test_escalating_by_hand_asks_the_next_person(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "more", OTA, selected=f"escalate:{draft}:1")
    await place.step()
    first, second = place.store.views.matter(draft).history
    assert (first.action, first.actor, second.action, second.actor) == ("remind", "ota", "escalate", "ohlas")


@pytest.mark.parametrize("value", ["", "x", "1", "1:x", "999:1", "1:1:1"])
async def test_a_button_that_is_none_of_ours_is_answered(place: Place, value: str) -> None:
    draft = await place.draft()
    card = place.slack.card(draft)
    await place.desk.clicks.handle(place.slack.clicked(card, card.buttons()["approve"] | {"value": value}, EVA))
    assert len(place.slack.ephemerals) == 1 and place.state(draft) is DraftState.PENDING


async def test_what_customers_write_is_never_markup(place: Place) -> None:
    evil = "<!channel> *bold* <https://evil.example|klik> `code` & <@U0EVA>\n```x```" + "A" * 9000
    draft = await place.draft(wrote=mention(1, text=evil, author="<!here>", title="*t*"))
    card = place.slack.card(draft)
    assert not [one for one in _all(card.blocks) if one.get("type") == "mrkdwn"]
    assert "<!channel>" not in card.text and "&lt;!channel&gt;" in card.text


async def test_reminders_stand_under_the_card_and_name_the_person(place: Place) -> None:
    place.now = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
    draft = await place.draft(wrote=mention(1, created_at=place.now))
    await place.step(timedelta(hours=2))
    [reminder, *_] = place.slack.thread(place.slack.card(draft))
    assert {EVA, OTA} <= {one["user_id"] for one in _all(reminder.blocks) if one.get("type") == "user"}


async def test_a_reminder_about_what_was_decided_meanwhile_is_not_sent(place: Place) -> None:
    draft = await place.draft()
    body = '{"level": 1, "people": ["eva"]}'
    late = NewMessage(
        key="late", medium="slack", recipient=CHANNEL, kind="reminder", due=place.now, draft_id=draft, rev=1, body=body
    )
    place.decide(draft, "approve")
    place.store.messages.put([late], place.now)
    await place.step()
    [history] = place.slack.thread(place.slack.card(draft))
    assert "ota: approved" in history.words


async def test_hours_without_slack_lose_nothing_and_end_in_no_flood(place: Place) -> None:
    place.slack.fault = lambda method, _n: "500" if method != "conversations.history" else "internal_error"
    for number in range(1, 6):
        await place.draft(number, priority=Priority.URGENT)
    assert place.slack.posted == []
    place.slack.fault = lambda _method, _n: ""
    for _ in range(8):
        await place.step(timedelta(minutes=6))
    cards = [one for one in place.slack.posted if one.channel == CHANNEL and not one.thread_ts]
    assert len(cards) == 5
    assert len([one for one in place.slack.posted if one.channel == NOTICES]) <= 2


async def test_slack_is_given_the_time_that_it_asks_for(place: Place) -> None:
    place.slack.rate_limited = True
    for number in range(1, 4):
        arrive(place.store, mention(number))
    draft_all(place.store, now=place.now)
    await place.step()
    assert len(place.slack.posted) == 1 and place.desk.sender.rested_until is not None
    for _ in range(6):
        await place.step(timedelta(seconds=1))
    assert len({one.metadata["event_payload"]["draft"] for one in place.slack.posted}) == 3
    assert len(place.slack.posted) == 3


@pytest.mark.parametrize("fault", ["drop after accepting", "drop"])
async def test_a_card_that_may_be_out_is_looked_for_before_it_is_sent_again(place: Place, fault: Fault) -> None:
    first = {"done": False}

    def once(method: str, _n: int) -> Fault:
        if method == "chat.postMessage" and not first["done"]:
            first["done"] = True
            return fault
        return ""

    place.slack.fault = once
    draft = await place.draft()
    await place.step(timedelta(minutes=1))
    assert place.slack.card(draft)


async def test_after_a_crash_in_the_middle_the_card_is_found_or_sent(place: Place) -> None:
    arrive(place.store, mention(1))
    [draft] = draft_all(place.store, now=place.now)
    place.asker.step()
    [message] = place.store.messages.due("slack", place.now)
    place.store.messages.begin(message, place.now)  # and here the power went
    await place.desk.sender.recover()
    await place.step(timedelta(minutes=1))
    assert place.slack.card(draft)


async def test_a_refused_token_is_trouble_that_people_can_see(place: Place) -> None:
    place.slack.fault = lambda _method, _n: "invalid_auth"
    await place.draft()
    assert "refuses the token" in place.desk.sender.trouble
    assert BOT_TOKEN not in place.desk.sender.trouble
    place.slack.fault = lambda _method, _n: ""
    await place.step(timedelta(minutes=10))
    assert (len(place.slack.posted), place.desk.sender.trouble) == (1, "")


async def test_a_card_that_was_deleted_by_hand_stops_nothing(place: Place) -> None:
    first, second = await place.draft(1), await place.draft(2)
    place.slack.posted.remove(place.slack.card(first))
    for draft in (first, second):
        place.decide(draft, "approve")
    await place.step()
    assert set(place.slack.card(second).buttons()) == {"undo"}
    place.slack.refused.clear()


async def test_missing_scopes_are_named(place: Place) -> None:
    place.slack.scopes = "chat:write"
    assert await place.desk.sender.api.missing_scopes() == ("channels:history", "groups:history")


# ---- over the socket, as Slack delivers


async def listening(place: Place) -> asyncio.Task[None]:
    assert place.desk.socket is not None
    task = asyncio.create_task(place.desk.socket.run())
    await place.slack.connected.wait()
    return task


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def test_clicks_come_over_the_socket_and_are_acknowledged(place: Place) -> None:
    draft = await place.draft()
    task = await listening(place)
    assert await place.slack.click(place.slack.card(draft), "approve", EVA) == {}
    await place.slack.until(lambda: bool(place.slack.ephemerals))
    assert place.state(draft) is DraftState.APPROVED
    await stopped(task)
    assert place.slack.unacknowledged == 0


async def test_a_form_that_is_refused_says_so_in_its_acknowledgement(place: Place) -> None:
    draft = await place.draft()
    task = await listening(place)
    await place.slack.click(place.slack.card(draft), "edit", EVA)
    await place.slack.until(lambda: bool(place.slack.calls["views.open"]) and bool(place.slack.views))
    [view_id] = place.slack.views
    answer = await place.slack.submit(view_id, {"text": "   "}, EVA)
    assert answer is not None and answer["response_action"] == "errors"
    await stopped(task)


async def test_an_envelope_that_comes_twice_is_done_once(place: Place) -> None:
    draft = await place.draft()
    task = await listening(place)
    card = place.slack.card(draft)
    pressed = place.slack.clicked(card, card.buttons()["approve"], EVA)
    for attempt in range(3):
        assert await place.slack.deliver("interactive", pressed, envelope="e-same", attempt=attempt) == {}
    await stopped(task)
    assert len(place.slack.ephemerals) == 1


async def test_a_cut_connection_is_made_again_and_ghosts_are_noticed(place: Place) -> None:
    draft = await place.draft()
    task = await listening(place)
    await place.slack.drop_sockets(ghosts=True)
    await place.slack.connected.wait()
    assert place.desk.socket is not None
    for _ in range(12):  # some go to the ghost; clicking again is harmless
        await place.slack.click(place.slack.card(draft), "approve", EVA)
        if place.state(draft) is DraftState.APPROVED:
            break
    assert place.state(draft) is DraftState.APPROVED
    assert place.desk.socket.connections == 2
    await stopped(task)


# ---- over HTTP, signed


@asynccontextmanager
async def http(tmp_path: Path) -> AsyncIterator[tuple[Place, str]]:
    async with Slack() as slack:
        place = Place(tmp_path, slack, "http")
        async with place.open() as desk:
            application = web.Application()
            assert desk.endpoint is not None and desk.socket is None
            desk.endpoint.add_to(application)
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            slack.now = place.now.timestamp()
            yield place, f"http://127.0.0.1:{runner.addresses[0][1]}/slack"
            await runner.cleanup()
        place.store.close()


async def test_signed_clicks_are_taken(tmp_path: Path) -> None:
    async with http(tmp_path) as (place, address):
        draft = await place.draft()
        card = place.slack.card(draft)
        assert (await place.slack.post_signed(address, place.slack.clicked(card, card.buttons()["approve"], EVA)))[
            0
        ] == 200
        assert place.state(draft) is DraftState.APPROVED


@pytest.mark.parametrize(
    ("secret", "headers"),
    [
        ("another-secret", {}),
        (SIGNING_SECRET, {"stamp": "1"}),
        (SIGNING_SECRET, {"stamp": "junk"}),
        (SIGNING_SECRET, {"X-Slack-Signature": "v0=ä"}),
        (SIGNING_SECRET, {"X-Slack-Signature": ""}),
    ],
)
async def test_what_is_not_signed_by_slack_is_not_taken(tmp_path: Path, secret: str, headers: dict[str, str]) -> None:
    async with http(tmp_path) as (place, address):
        draft = await place.draft()
        card = place.slack.card(draft)
        pressed = place.slack.clicked(card, card.buttons()["approve"], EVA)
        assert (await place.slack.post_signed(address, pressed, secret, **headers))[0] == 401
        assert place.state(draft) is DraftState.PENDING


# ---- races, the same as on the page


async def test_of_twenty_people_at_once_one_decides(place: Place) -> None:
    draft = await place.draft()
    card = place.slack.card(draft)
    pressed = [place.slack.clicked(card, card.buttons()["approve"], (EVA, OTA)[n % 2]) for n in range(20)]
    await asyncio.gather(*(place.desk.clicks.handle(one) for one in pressed))
    assert [entry.action for entry in place.store.views.matter(draft).history] == ["approve"]
    assert len(place.slack.ephemerals) == 20


async def test_a_removed_person_decides_nothing_even_with_an_old_card(place: Place) -> None:
    draft = await place.draft()
    await place.press(place.slack.card(draft), "approve")
    place.decide(draft, "undo")
    fewer = {name: person for name, person in place.rules.people.items() if name != "eva"}
    clicks = replace(place.desk.clicks, rules=replace(place.rules, people=fewer))
    card = place.slack.card(draft)
    await place.step()
    card = place.slack.card(draft)
    await clicks.handle(place.slack.clicked(card, card.buttons()["approve"], EVA))
    assert place.state(draft) is DraftState.PENDING


def _all(value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [value] if isinstance(value, dict) else []
    inner: list[Any] = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return found + [one for part in inner for one in _all(part)]
