"""Google Play, Google Maps and the App Store, from the review to an answer that is known to be out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import appstore, googlebusiness, googleplay
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from responders.approval import decide
from responders.publish import Publisher
from tests import test_connectors_appstore as ios
from tests import test_connectors_googlebusiness as maps
from tests import test_connectors_googleplay as play
from tests.appstore_platform import AppStoreConnect
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.made import draft_all
from tests.test_publish import RULES, SetClock


@dataclass
class Shop:
    """One platform with one review, and how its answer reads there."""

    kind: Any  # the connector's module
    keys: dict[str, Any]
    platform: Any
    serve: Callable[[Asked], Answer]
    answer: Callable[[], str]
    publish: Callable[[str], None] = lambda state: None


def on_play() -> Shop:
    platform = play.Play([play.review(7, 60)])
    return Shop(
        googleplay,
        play.KEYS,
        platform,
        platform.google,
        answer=lambda: str(platform.reviews[0]["comments"][1]["developerComment"]["text"]),
    )


def on_maps() -> Shop:
    platform = maps.Profile([maps.review(7, 1)])
    return Shop(
        googlebusiness,
        maps.KEYS,
        platform,
        platform.google,
        answer=lambda: str(platform.reviews[0]["reviewReply"]["comment"]),
        publish=lambda state: platform.reviews[0]["reviewReply"].update(reviewReplyState=state),
    )


def on_ios() -> Shop:
    platform = AppStoreConnect([ios.review(7, ios.ago(1))])
    return Shop(
        appstore,
        ios.KEYS,
        platform,
        platform,
        answer=lambda: str(platform.answers["r-7"]["attributes"]["responseBody"]),
        publish=lambda state: platform.answers["r-7"]["attributes"].update(state="PUBLISHED"),
    )


@dataclass
class Place:
    store: SqliteStore
    publisher: Publisher
    clock: SetClock

    def approve(self) -> None:
        draft = self.store.drafts.get(1)
        decision = Decision(draft_id=1, rev=draft.rev, action="approve", actor="jana", via="page")
        decide(self.store.drafts, decision, RULES, self.clock())

    async def go_on(self, minutes: float) -> DraftState:
        self.clock.forward(timedelta(minutes=minutes))
        await self.publisher.publish_due()
        await self.publisher.look_up_due()
        await self.publisher.moderate_due()
        return self.store.drafts.get(1).state


@asynccontextmanager
async def at(shop: Shop, folder: Path) -> AsyncIterator[Place]:
    """With the review read, and a draft for it approved."""
    store, clock = SqliteStore(folder / "ohlas.db"), SetClock()
    async with Loopback(shop.serve) as server, LoopbackHttp(server.origin) as http:
        options = shop.kind.Settings(kind=shop.kind.__name__.partition(".")[2], name="shop", **shop.keys)
        connector = shop.kind.connect(options, http)
        store.mentions.save_page("shop", await connector.poll(""), None, clock())
        draft_all(store)
        publisher = Publisher(store=store, connectors={"shop": connector}, people=RULES.people, clock=clock)
        place = Place(store, publisher, clock)
        place.approve()
        yield place
    store.close()


SHOPS = pytest.mark.parametrize("open_shop", [on_play, on_maps, on_ios])


@SHOPS
@pytest.mark.parametrize("lost", [False, True])
async def test_an_answer_is_out_and_known_to_be(open_shop: Callable[[], Shop], lost: bool, tmp_path: Path) -> None:
    shop = open_shop()
    async with at(shop, tmp_path) as place:
        shop.platform.lost = lost
        states = [await place.go_on(10) for _ in range(4)]
        assert states[-1] is DraftState.PUBLISHED
        assert shop.answer() == place.store.drafts.get(1).text
        shop.publish("APPROVED")
        assert await place.go_on(24 * 60) is DraftState.PUBLISHED


@SHOPS
async def test_a_review_that_is_gone_is_not_answered(open_shop: Callable[[], Shop], tmp_path: Path) -> None:
    shop = open_shop()
    async with at(shop, tmp_path) as place:
        shop.platform.reviews.clear()
        assert await place.go_on(10) is DraftState.SUPERSEDED


async def test_an_answer_that_google_refuses_comes_back(tmp_path: Path) -> None:
    shop = on_maps()
    async with at(shop, tmp_path) as place:
        assert await place.go_on(10) is DraftState.PUBLISHED
        shop.publish("REJECTED")
        assert await place.go_on(24 * 60) is not DraftState.PUBLISHED
