"""Shops from the review to an answer that is known to be out, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors import shoptet, trustpilot, zbozi
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from responders.approval import decide
from responders.publish import Publisher
from tests import shoptet_platform, trustpilot_platform, zbozi_platform
from tests.loopback import Answer, Loopback, LoopbackHttp
from tests.made import APOLOGY, NOON, draft_all
from tests.test_publish import RULES, SetClock


@dataclass
class Shop:
    """A platform with one review. `answer` is what stands under it, `colleague` writes something else there."""

    settings: Any
    connect: Callable[[Any, Any], Any]
    platform: Any
    review: dict[str, Any]
    reviews: list[dict[str, Any]]

    @property
    def answer(self) -> str | None:
        reply = self.review.get("companyReply") or {}
        found: str | None = self.review.get("shopReaction") or self.review.get("reaction", {}).get("reactionText")
        return found or reply.get("text")

    def sent(self) -> int:
        return sum(method in ("PUT", "PATCH", "POST") for method, _, _ in self.platform.asked)

    def colleague(self, text: str) -> None:
        if "reaction" in self.review:
            self.review["reaction"]["reactionText"] = text
        elif "companyReply" in self.review:
            self.review["companyReply"] = {"text": text}
        else:
            self.review |= {"shopReaction": text, "shopReactionState": "new"}


def on_shoptet(reviews: str) -> Shop:
    platform = shoptet_platform.ShoptetPlatform()
    stored = platform.project if reviews == "shop" else platform.products
    stored.append(shoptet_platform.review(7, 1))
    keys = {"kind": "shoptet", "name": "shop", "token": shoptet_platform.TOKEN, "reviews": reviews}
    return Shop(shoptet.Settings.model_validate(keys), shoptet.connect, platform, stored[0], stored)


def on_zbozi() -> Shop:
    platform = zbozi_platform.ZboziPlatform([zbozi_platform.review(7, 1)])
    keys = {
        "kind": "zbozi",
        "name": "shop",
        "premise_id": zbozi_platform.PREMISE,
        "refresh_token": zbozi_platform.KEY,
    }
    return Shop(zbozi.Settings.model_validate(keys), zbozi.connect, platform, platform.reviews[0], platform.reviews)


def on_trustpilot() -> Shop:
    platform = trustpilot_platform.TrustpilotPlatform([trustpilot_platform.review(7, 1)])
    keys = {
        "kind": "trustpilot",
        "name": "shop",
        "business_unit": trustpilot_platform.UNIT,
        "key": trustpilot_platform.KEY,
        "secret": trustpilot_platform.SECRET,
        "user": trustpilot_platform.USER,
    }
    settings = trustpilot.Settings.model_validate(keys)
    return Shop(settings, trustpilot.connect, platform, platform.reviews[0], platform.reviews)


SHOPS = {
    "shop": lambda: on_shoptet("shop"),
    "products": lambda: on_shoptet("product"),
    "zbozi": on_zbozi,
    "trustpilot": on_trustpilot,
}


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(zbozi, "PACE", 0.0)
    return SHOPS[request.param]()


@dataclass
class Place:
    store: SqliteStore
    publisher: Publisher
    clock: SetClock

    async def settle(self, times: int = 6) -> DraftState:
        for _ in range(times):
            self.clock.forward(timedelta(minutes=10))
            await self.publisher.publish_due()
            await self.publisher.look_up_due()
            await self.publisher.moderate_due()
        draft = self.store.drafts.get(1)
        assert draft
        return draft.state


@asynccontextmanager
async def approved(shop: Shop, folder: Path) -> AsyncIterator[Place]:
    """With the review read, and a draft for it approved."""
    store, clock = SqliteStore(folder / "ohlas.db"), SetClock()
    async with Loopback(shop.platform) as server, LoopbackHttp(server.origin) as http:
        connector = shop.connect(shop.settings, http)
        with time_machine.travel(NOON, tick=False):
            store.mentions.save_page("shop", await connector.poll(""), None, NOON)
        assert draft_all(store) == [1]
        decide(store.drafts, Decision(draft_id=1, rev=1, action="approve", actor="jana", via="page"), RULES, NOON)
        publisher = Publisher(store=store, connectors={"shop": connector}, people=RULES.people, clock=clock)
        yield Place(store, publisher, clock)
    store.close()


async def test_what_an_answer_needs_may_use_what_is_kept_for_answers(shop: Shop) -> None:
    async with Loopback(shop.platform) as server, LoopbackHttp(server.origin) as http:
        source: Any = shop.connect(shop.settings, http)
        with time_machine.travel(NOON, tick=False):
            mention = (await source.poll("")).mentions[0]
            for budget in getattr(source, "budgets", {}):
                meter = http.ledger.meter(budget)
                while meter.left() >= 1:
                    meter.take(meter.left())  # by reading
            assert (await source.fetch(mention)).id == mention.id
            assert await source.find_reply(mention, APOLOGY, "key") is None


@pytest.mark.parametrize("lost", [False, True])
async def test_an_answer_is_out_and_sent_once(shop: Shop, lost: bool, tmp_path: Path) -> None:
    async with approved(shop, tmp_path) as place:
        shop.platform.drops_receipt = lost
        assert await place.settle() is DraftState.PUBLISHED
    assert shop.answer == APOLOGY
    assert shop.sent() == 1


async def test_an_answer_that_got_lost_on_its_way_is_sent_again(shop: Shop, tmp_path: Path) -> None:
    async with approved(shop, tmp_path) as place:
        shop.platform.loses = 1
        assert await place.settle() is DraftState.PUBLISHED
    assert shop.answer == APOLOGY
    assert shop.sent() == 2


async def test_while_the_platform_cannot_be_read_nothing_is_sent(shop: Shop, tmp_path: Path) -> None:
    async with approved(shop, tmp_path) as place:
        shop.platform.faults = [Answer(b"<html>", 503)] * 2
        assert await place.settle(2) is DraftState.APPROVED
        assert await place.settle() is DraftState.PUBLISHED


async def test_a_review_that_is_gone_is_not_answered(shop: Shop, tmp_path: Path) -> None:
    async with approved(shop, tmp_path) as place:
        shop.reviews.clear()
        assert await place.settle() is DraftState.SUPERSEDED
    assert shop.answer is None


async def test_what_a_colleague_answered_meanwhile_stays(shop: Shop, tmp_path: Path) -> None:
    async with approved(shop, tmp_path) as place:
        shop.colleague("Už sme sa ozvali.")
        assert await place.settle() is not DraftState.PUBLISHED
    assert shop.answer == "Už sme sa ozvali."


@pytest.mark.parametrize(("state", "becomes"), [("approved", DraftState.PUBLISHED), ("denied", DraftState.FAILED)])
async def test_what_zbozi_makes_of_an_answer(
    state: str, becomes: DraftState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zbozi, "PACE", 0.0)
    shop = on_zbozi()
    async with approved(shop, tmp_path) as place:
        assert await place.settle() is DraftState.PUBLISHED
        shop.review["shopReactionState"] = state
        place.clock.forward(timedelta(days=1))
        assert await place.settle() is becomes
