"""The race table of a human's yes, with Slack, page and terminal mixed, through the running service."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from monitor.errors import DecisionRefused
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from tests.loopback import Loopback
from tests.made import people
from tests.platform import SECRET, Platform, delivery
from tests.running import Running
from tests.slack_platform import APP_TOKEN, BOT_TOKEN, Posted, Slack
from tests.test_service import until

EVA, OTA = "U0EVA", "U0OTA"
CONFIG = """
[company]
name = "Svrčina"
contact = "pomoc@svrcina.example"

[drafting]
acknowledge_first = []

[approval]
grace = {grace}
look_up_after = 1

[people.eva]
slack = "U0EVA"
role = "manager"

[people.ota]
slack = "U0OTA"
role = "manager"

[page]
port = 0

[service]
allow_private = ["127.0.0.0/8"]

[slack]
bot_token = "$SLACK_BOT_TOKEN"
app_token = "$SLACK_APP_TOKEN"
channel = "C0DRAFTS"
api = "{slack}"

[sources.reviews]
kind = "webhook"
secret = "$OHLAS_TEST_SECRET"
reply_url = "{platform}/replies"
lookup_url = "{platform}/replies/{{id}}"
"""
ENVIRONMENT = {"OHLAS_TEST_SECRET": SECRET, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
RULES = Rules(people=people("eva", "ota"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())


class Place:
    """A platform, a Slack, and the folder of a service between them."""

    def __init__(self, folder: Path, platform: Platform, server: Loopback, slack: Slack, grace: int) -> None:
        self.folder, self.platform, self.slack = folder, platform, slack
        config = CONFIG.format(grace=grace, slack=slack.api, platform=server.origin)
        (folder / "config.toml").write_text(config, encoding="utf-8")

    def run(self) -> Running:
        return Running(self.folder, ENVIRONMENT)

    async def deliver(self, service: Running, number: int = 1) -> None:
        review = {
            "id": f"r{number}",
            "text": f"Objednávka {number} prišla rozbitá a nikto nedvíha telefón. Hrôza.",
            "author": f"Zákazník Číslo{number}",
            "rating": 1,
            "language": "sk",
            "url": f"https://shop.example/reviews/{number}",
            "created_at": datetime.now(UTC).isoformat(),
        }
        body, headers = delivery(review)
        async with aiohttp.ClientSession() as client:
            async with client.post(f"{service.url}/in/reviews", data=body, headers=headers) as response:
                assert response.status == 202

    async def card(self, number: int = 1) -> Posted:
        """The card of the draft, once it is out."""
        await self.slack.until(lambda: any(_draft(one) == number for one in self.slack.posted))
        return self.slack.card(number)

    async def connected(self) -> None:
        await self.slack.connected.wait()


def _draft(posted: Posted) -> object:
    return posted.metadata.get("event_payload", {}).get("draft")


@asynccontextmanager
async def opened(folder: Path, grace: int = 0) -> AsyncIterator[Place]:
    platform = Platform()
    async with Loopback(platform) as server, Slack() as slack:
        yield Place(folder, platform, server, slack, grace)


async def test_from_a_review_to_a_card_to_a_yes_to_an_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.run() as service:
        await place.connected()
        await place.deliver(service)
        card = await place.card()
        assert await place.slack.click(card, "approve", EVA) == {}
        await until(lambda: bool(place.platform.posts), service)
        await place.slack.until(lambda: "published" in place.slack.card(1).words)
        assert place.slack.card(1).buttons() == {} and "eva" in place.slack.card(1).words
        assert await service.stop() == 0
    assert place.slack.refused == []


async def test_of_twenty_decisions_in_slack_page_and_terminal_one_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, grace=3600) as place, place.run() as service:
        await place.connected()
        await place.deliver(service)
        card = await place.card()
        store = service.store()
        outcomes = await asyncio.gather(
            *(_in_slack(place, card, (EVA, OTA)[n % 2]) for n in range(7)),
            *(_on_the_page(service, store, ("eva", "ota")[n % 2]) for n in range(7)),
            *(asyncio.to_thread(_in_the_terminal, store, ("eva", "ota")[n % 2]) for n in range(6)),
        )
        assert len(outcomes) == 20
        await place.slack.until(lambda: len(place.slack.ephemerals) == 7)
        decided = [entry for entry in store.views.matter(1).history if entry.action in ("approve", "reject")]
        assert len(decided) == 1, Counter(entry.via for entry in decided)
        store.close()
        await service.stop()


async def _in_slack(place: Place, card: Posted, user: str) -> str:
    await place.slack.click(card, "approve", user)
    return "slack"


async def _on_the_page(service: Running, store: SqliteStore, person: str) -> str:
    """A browser of its own, signed in by a link of its own."""
    token = store.sign_ins.offer(person, datetime.now(UTC))
    origin = {"Origin": service.url}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=origin) as browser:
        async with browser.post(f"{service.url}/sign-in", data={"token": token}) as response:
            assert response.status == 200
        async with browser.get(f"{service.url}/drafts/1") as response:
            csrf = (await response.text()).partition('name="csrf" value="')[2].partition('"')[0]
        form = {"csrf": csrf, "rev": "1", "suggestion": "no_reply"}
        async with browser.post(f"{service.url}/drafts/1/reject", data=form) as response:
            assert response.status in (200, 409)
    return "page"


def _in_the_terminal(store: SqliteStore, person: str) -> str:
    decision = Decision(draft_id=1, rev=1, action="approve", actor=person, via="terminal")
    try:
        decide(store.drafts, decision, RULES, datetime.now(UTC))
    except DecisionRefused:
        return "refused"
    return "terminal"


async def test_killed_between_the_click_and_the_answer_it_is_posted_once(tmp_path: Path) -> None:
    async with opened(tmp_path, grace=1) as place:
        async with place.run() as service:
            await place.connected()
            await place.deliver(service)
            card = await place.card()
            await place.slack.click(card, "approve", EVA)
            service.kill()  # in the second in which it can be undone
        store = SqliteStore(tmp_path / "state" / "ohlas.db")
        assert store.drafts.get(1).state is DraftState.APPROVED
        store.close()
        assert place.platform.posts == []
        place.slack.connected.clear()
        async with place.run() as service:
            await until(lambda: bool(place.platform.posts), service)
            await place.slack.until(lambda: "published" in place.slack.card(1).words)
            await service.stop()
    assert len(place.platform.posts) == 1
    cards = [one for one in place.slack.posted if not one.thread_ts]
    assert len(cards) == 1, "lines of its history, as far as they went out before the stop, stand below it"


async def test_with_slack_away_the_work_goes_on_and_the_cards_come_later(tmp_path: Path) -> None:
    async with opened(tmp_path, grace=3600) as place:
        place.slack.fault = lambda method, _n: "500" if method.startswith("chat.") else ""
        async with place.run() as service:
            for number in range(1, 4):
                await place.deliver(service, number)
            store = service.store()
            await until(lambda: store.views.counts().tabs["waiting"] == 3, service)
            await until(lambda: place.slack.calls["chat.postMessage"] > 0, service)
            store.close()
            place.slack.fault = lambda _method, _n: ""
            for number in range(1, 4):
                assert await place.card(number)
            await service.stop()


@pytest.mark.parametrize("text", ["Iný, lepší text. Ospravedlňujeme sa a ozveme sa Vám."])
async def test_a_card_meets_an_edit_on_the_page(tmp_path: Path, text: str) -> None:
    async with opened(tmp_path, grace=3600) as place, place.run() as service:
        await place.connected()
        await place.deliver(service)
        old = place.slack.clicked(card := await place.card(), card.buttons()["approve"], EVA)
        store = service.store()
        edit = Decision(draft_id=1, rev=1, action="edit", actor="ota", via="page", text=text)
        decide(store.drafts, edit, RULES, datetime.now(UTC))
        await place.slack.deliver("interactive", old)
        await place.slack.until(lambda: bool(place.slack.ephemerals))
        assert store.drafts.get(1).state is DraftState.PENDING
        await place.slack.until(lambda: text in place.slack.card(1).words)
        store.close()
        await service.stop()
