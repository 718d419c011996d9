"""Publishing through connectors to networks and forums that lose receipts: each answer is there once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors import bluesky, discourse, facebook, instagram, mastodon, reddit
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from monitor.text import html_to_text
from responders.approval import decide
from responders.publish import Publisher
from tests import bluesky_platform, discourse_platform, mastodon_platform, meta_platform, reddit_platform
from tests.loopback import Loopback, LoopbackHttp
from tests.made import APOLOGY, NOON, draft_all
from tests.test_publish import RULES, SetClock


@dataclass(frozen=True)
class Network:
    """`posted` says what visitors see of our answers."""

    module: Any
    keys: dict[str, str]
    platform: Any
    posted: Callable[[Any], list[str]]


def _mastodon() -> Network:
    platform = mastodon_platform.MastodonPlatform([mastodon_platform.status(902, "@pupava Kde je můj balík?")])
    return Network(
        mastodon,
        mastodon_platform.KEYS,
        platform,
        lambda one: [html_to_text(answer["content"]) for answer in one.keys.values()],
    )


def _bluesky() -> Network:
    platform = bluesky_platform.BlueskyPlatform([bluesky_platform.post(2, "@pupava Kde je můj balík?")])
    return Network(
        bluesky, bluesky_platform.KEYS, platform, lambda one: [record["text"] for record in one.records.values()]
    )


def _discourse() -> Network:
    platform = discourse_platform.DiscoursePlatform([discourse_platform.post(22, "Kde je můj balík?")])
    return Network(discourse, discourse_platform.KEYS, platform, lambda one: [p["raw"] for p in one.posts[1:]])


def _facebook() -> Network:
    page = meta_platform.post(5, "Nové stany", comments=[meta_platform.comment("5_51", "Kde je môj balík?")])
    keys = {"page": meta_platform.PAGE, **meta_platform.SIGNED}
    platform = meta_platform.MetaPlatform([page])
    return Network(facebook, keys, platform, lambda one: [p["message"] for q in one.posts for p in q["comments"][1:]])


def _instagram() -> Network:
    media = meta_platform.media(5, comments=[meta_platform.remark(51, "Kde je môj balík?")])
    keys = {"account": meta_platform.ACCOUNT, "username": meta_platform.NAME, **meta_platform.SIGNED}
    platform = meta_platform.MetaPlatform(posts=(posts := [media]), medias=posts)
    return Network(
        instagram,
        keys,
        platform,
        lambda one: [a["text"] for q in one.medias for p in q["comments"] for a in p["replies"]],
    )


NETWORKS = [_mastodon, _bluesky, _discourse, _facebook, _instagram]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


@pytest.fixture(params=NETWORKS, ids=[one.__name__.strip("_") for one in NETWORKS])
def network(request: pytest.FixtureRequest) -> Network:
    made: Network = request.param()
    return made


@pytest.fixture
async def connector(network: Network) -> AsyncIterator[Any]:
    async with Loopback(network.platform) as server, LoopbackHttp(server.origin) as http:
        kind = network.module.__name__.rpartition(".")[2]
        yield network.module.connect(network.module.Settings(kind=kind, name="net", **network.keys), http)


async def approved(store: SqliteStore, connector: Any) -> None:
    """The one mention, and an approved draft for it."""
    with time_machine.travel(NOON, tick=False):
        page = await connector.poll("")
    store.mentions.save_page("net", page, None, NOON)
    assert draft_all(store) == [1]
    approval = Decision(draft_id=1, rev=1, action="approve", actor="jana", via="page")
    decide(store.drafts, approval, RULES, NOON)


async def settle(store: SqliteStore, connector: Any) -> DraftState:
    clock = SetClock()
    publisher = Publisher(store=store, connectors={"net": connector}, people=RULES.people, clock=clock)
    for _ in range(10):
        await publisher.publish_due()
        await publisher.look_up_due()
        clock.forward(timedelta(minutes=10))
    draft = store.drafts.get(1)
    assert draft
    return draft.state


@pytest.mark.parametrize("drops_receipt", [False, True])
async def test_an_answer_is_there_once(
    store: SqliteStore, network: Network, connector: Any, drops_receipt: bool
) -> None:
    await approved(store, connector)
    network.platform.drops_receipt = drops_receipt
    assert await settle(store, connector) is DraftState.PUBLISHED
    (posted,) = network.posted(network.platform)
    assert posted.endswith(APOLOGY)
    publication = store.views.matter(1).publication
    assert publication is not None and publication.url.startswith("https://")


async def test_an_original_that_was_deleted_is_not_answered(
    store: SqliteStore, network: Network, connector: Any
) -> None:
    await approved(store, connector)
    network.platform.posts.clear()
    assert await settle(store, connector) is DraftState.SUPERSEDED
    assert not network.posted(network.platform)


def _reddit() -> Network:
    asked = reddit_platform.comment("i1", "u/pupava Kde je môj balík?", NOON.timestamp())
    platform = reddit_platform.RedditPlatform({"message/inbox": [asked]}, left=1_000.0)
    return Network(reddit, reddit_platform.KEYS, platform, lambda _: [])


@pytest.mark.parametrize("network", [*NETWORKS, _reddit], indirect=True, ids=lambda one: one.__name__.strip("_"))
async def test_what_an_answer_needs_may_use_what_is_kept_for_answers(network: Network) -> None:
    async with Loopback(network.platform) as server, LoopbackHttp(server.origin) as http:
        kind = network.module.__name__.rpartition(".")[2]
        source = network.module.connect(network.module.Settings(kind=kind, name="net", **network.keys), http)
        with time_machine.travel(NOON, tick=False):
            mention = (await source.poll("")).mentions[0]
            for budget in source.budgets:
                meter = http.ledger.meter(budget)
                while meter.left() >= 1:
                    meter.take(meter.left())  # by reading
            assert (await source.fetch(mention)).id == mention.id
            assert await source.find_reply(mention, APOLOGY, "key") is None
