"""kill -9, thirty times at random moments: nothing lost, nothing published twice, ready again within seconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from statistics import median

import aiohttp
import pytest

from monitor.errors import DecisionRefused
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from responders.approval import Rules, decide
from tests.loopback import Answer, Asked, Loopback
from tests.made import people
from tests.platform import SECRET, Fault, Platform, delivery
from tests.running import Running

KILLS = 30
REVIEWS = 60  # delivered by the platform; their answers go back to it
POSTS = 40  # read from a feed that grows
RULES = Rules(people=people("you"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())

CONFIG = """
[company]
name = "Svrčina"
contact = "pomoc@svrcina.example"

[approval]
grace = 0
look_up_after = 1

[page]
port = 0

[service]
allow_private = ["127.0.0.0/8"]

[sources.reviews]
kind = "webhook"
secret = "$OHLAS_TEST_SECRET"
reply_url = "{platform}/replies"
lookup_url = "{platform}/replies/{{id}}"

[sources.feed]
kind = "rss"
url = "{feed}/feed.xml"
interval = 1
"""


def review(number: int) -> dict[str, object]:
    return {
        "id": f"r{number}",
        "text": f"Objednávka {number} prišla rozbitá, reklamáciu zamietli a nikto nedvíha telefón. Hrôza.",
        "author": f"Zákazník Číslo{number}",
        "rating": 1,
        "language": "sk",
        "url": f"https://shop.example/reviews/{number}",
        "created_at": datetime.now(UTC).isoformat(),
    }


@dataclass
class Feed:
    """Grows by three posts with every request."""

    length: int = 0
    trip: Callable[[], None] = lambda: None

    def __call__(self, _asked: Asked) -> Answer:
        self.length = min(POSTS, self.length + 3)
        self.trip()
        items = "".join(
            f"<item><guid>p{n}</guid><title>Skúsenosť {n}</title><link>https://forum.example/{n}</link>"
            f"<description>Balík {n} meškal dva týždne.</description>"
            f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate></item>"
            for n in range(1, self.length + 1)
        )
        body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Fórum</title>{items}</channel></rss>'
        return Answer(body.encode(), headers={"Content-Type": "application/rss+xml"})


@dataclass
class Chaos:
    """Kills the service at the n-th event of a round, n by dice: mostly in the middle of a request of its own."""

    dice: random.Random
    service: Running | None = None
    left: int = 0
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self, service: Running) -> None:
        self.service, self.left = service, self.dice.randint(1, 9)
        self.struck.clear()

    def trip(self) -> None:
        self.left -= 1
        if self.left == 0 and self.service is not None:
            self.service.kill()
            self.struck.set()

    async def strike(self) -> None:
        """At the chosen event; where it does not come, anyhow."""
        try:
            await asyncio.wait_for(self.struck.wait(), 2.0)
        except TimeoutError:
            if self.service is not None:
                self.service.kill()


async def deliver(url: str, outstanding: set[int], trip: Callable[[], None] = lambda: None) -> None:
    """As a sender does: what was not answered with 202 stays outstanding."""
    async with aiohttp.ClientSession() as client:
        for number in sorted(outstanding):
            body, headers = delivery(review(number))
            try:
                async with client.post(f"{url}/in/reviews", data=body, headers=headers) as response:
                    trip()
                    if response.status == 202:
                        outstanding.discard(number)
            except aiohttp.ClientError:
                return


def approve_all(store: SqliteStore) -> int:
    """As a person in a hurry does, in another process; returns how many waited."""
    waiting = store.views.inbox(InboxFilter(source="reviews", limit=200)).rows
    for row in waiting:
        decision = Decision(draft_id=row.draft.id, rev=row.draft.rev, action="approve", actor="you", via="terminal")
        try:
            decide(store.drafts, decision, RULES, datetime.now(UTC))
        except DecisionRefused:
            continue
    return len(waiting)


async def settle(service: Running, platform: Platform, outstanding: set[int]) -> None:
    """Nobody kills any more: deliver the rest, approve it, and wait until every answer is out."""
    store = service.store()
    done = InboxFilter(tab="done", source="reviews")
    while store.views.inbox(done).total < REVIEWS or store.mentions.count() < REVIEWS + POSTS:
        await deliver(service.url, outstanding)
        await asyncio.to_thread(approve_all, store)
        assert service.process.returncode is None, service.log()[-3000:]
    store.close()


@pytest.mark.timeout(300)
async def test_random_kills_lose_nothing_and_publish_nothing_twice(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chaos = Chaos(random.Random(20261121))
    faults: tuple[Fault, ...] = ("", "", "", "500", "drop after accepting", "500 after accepting")
    platform, feed = Platform(keeps_keys=False), Feed(trip=chaos.trip)

    def fault(_number: int) -> Fault:
        chaos.trip()
        return chaos.dice.choice(faults)

    platform.fault = fault
    outstanding = set(range(1, REVIEWS + 1))
    starts: list[float] = []
    async with Loopback(platform) as replies, Loopback(feed) as posts:
        (tmp_path / "config.toml").write_text(CONFIG.format(platform=replies.origin, feed=posts.origin))
        secret = {"OHLAS_TEST_SECRET": SECRET}
        loop = asyncio.get_running_loop()
        for kill in range(KILLS):
            started = loop.time()
            async with Running(tmp_path, secret) as service:
                starts.append(loop.time() - started)
                chaos.arm(service)
                some = set(sorted(outstanding)[: 2 + kill % 3])
                rest = outstanding - some
                busy = asyncio.create_task(deliver(service.url, some, chaos.trip))
                store = service.store()
                striking = asyncio.create_task(chaos.strike())
                while not striking.done():
                    await asyncio.to_thread(approve_all, store)
                    await asyncio.wait({striking}, timeout=0.02)
                await striking
                await busy
                store.close()
                outstanding = some | rest
        chaos.service = None
        platform.fault = lambda _number: ""
        async with Running(tmp_path, secret) as service:
            await settle(service, platform, outstanding)
            assert await service.stop() == 0
            store = service.store()

    published = [post[0] for post in platform.posts]
    states = [row.draft.state for row in store.views.inbox(InboxFilter(tab="all", source="reviews", limit=500)).rows]
    mentions = store.mentions.count()
    crashes = store._engine.rows("SELECT count(*) FROM attempt WHERE outcome = 'crashed'")[0][0]
    attempts = store._engine.rows("SELECT count(*) FROM attempt")[0][0]
    store.close()
    record_property("kills", KILLS)
    record_property("attempts cut off by a kill", crashes)
    record_property("usual and slowest start in seconds", (round(median(starts), 2), round(max(starts), 2)))
    assert sorted(published) == sorted(f"r{n}" for n in range(1, REVIEWS + 1)), "each published, none twice"
    assert states == [DraftState.PUBLISHED] * REVIEWS
    assert mentions == REVIEWS + POSTS
    assert attempts >= platform.requests, "no request without its attempt row"
    assert median(starts) <= 5.0
