"""The connector of Shoptet, against a platform that speaks its contract."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors import shoptet
from monitor.contract import CanFetch, CanLookUp, CanReceive, CanReply, Page
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from tests.connecting import connecting, first, mistake, numbers, poll, sharing
from tests.contract import JsonContract
from tests.listening import listening
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.shoptet_platform import KEY, NOON, OAUTH, OAUTH_URL, TOKEN, ShoptetPlatform, review

TEXT = "Mrzí nás to & vymeníme ho."


class TestShoptetContract(JsonContract):
    kind = "shoptet"
    settings = {"token": TOKEN}
    secrets = (TOKEN, "jan.canary@posta.example")
    recording = (
        b'{"data": {"reviews": [{"id": 12, "date": "2026-11-20T09:00:00+0100", "orderCode": "2026000012", "rating": 1,'
        b' "description": "the tent leaks", "fullName": "Eva", "visible": true, "reaction": {"reactionText": null}},'
        b'{"id": 11, "date": "2026-11-19T09:00:00+0100", "orderCode": null, "rating": 5, "description": null,'
        b' "email": "jan.canary@posta.example", "visible": true, "reaction": {"reactionText": "Thanks"}}],'
        b' "paginator": {"totalCount": 2, "page": 1, "pageCount": 1, "itemsOnPage": 2, "itemsPerPage": 100}},'
        b' "errors": null}'
    )
    entry = rb'\{"id": .*?\}\}'
    bad_entry = b'{"id": "x", "reaction": {}}'
    phrase = b"the tent leaks"
    nonsense = {"list": b"[]", "data": b'{"data": []}', "reviews": b'{"data": {"reviews": [5, null, {"id": {}}]}}'}
    names = ("productName",)


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({}, "set either token"),
        ({"token": TOKEN, "oauth_token": OAUTH, "oauth_url": OAUTH_URL}, "set either token"),
        ({"oauth_token": OAUTH}, "belong together"),
        ({"token": TOKEN, "reviews": "all"}, "'shop' or 'product'"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("shoptet", **options)
    assert hint in told and TOKEN not in told and OAUTH not in told


# ---- a platform


@pytest.fixture
def platform() -> ShoptetPlatform:
    return ShoptetPlatform(project=[review(3, 1), review(2, 2), review(1, 3)])


connected = connecting("shoptet", "s", token=TOKEN)


async def test_what_a_review_becomes(platform: ShoptetPlatform) -> None:
    async with connected(platform, language="sk") as source:
        mention = await first(source)
        assert all(isinstance(source, ability) for ability in (CanReply, CanLookUp, CanFetch))
        assert not isinstance(source, CanReceive)
    assert mention == Mention(
        source="s",
        id="3",
        text="Stan prišiel deravý.",
        created_at=NOON - timedelta(days=1),
        author="Eva Malá",
        rating=2.0,
        language="sk",
        raw={"date": "2026-11-20T12:00:00+0000", "order_id": "2026000003", "customer": "", "visible": True},
    )
    assert "eva.canary" not in repr(mention)


async def test_stars_alone_and_what_the_shop_answered(platform: ShoptetPlatform) -> None:
    platform.products = [review(9, 1, None, productName="Stan Kôra", reaction={"reactionText": "Ďakujeme."})]
    async with connected(platform, reviews="product") as source:
        mention = await first(source)
    assert (mention.text, mention.title, mention.reply) == ("★★☆☆☆", "Stan Kôra", "Ďakujeme.")


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_reviews_of_the_shop_are_read_back_to_the_last_time(
    platform: ShoptetPlatform, oldest_first: bool
) -> None:
    platform.project = [review(100 - n, n * 10) for n in range(60)]
    platform.size, platform.oldest_first = 5, oldest_first
    async with connected(platform) as source:
        first = await poll(source)
        assert set(range(64, 101)) <= set(numbers(first)) and 50 not in numbers(first), "a year back"
        platform.project.insert(0, review(101, -0.5))
        platform.asked.clear()
        later = await poll(source, first[-1].cursor, NOON + timedelta(days=1))
        assert {101, 100, 99} <= set(numbers(later))
        assert len(platform.asked) <= 3


async def test_nothing_is_passed_over_where_a_review_is_deleted_between_two_pages(platform: ShoptetPlatform) -> None:
    platform.project, platform.size = [review(20 - n, n) for n in range(9)], 3
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            first = await source.poll("")
        del platform.project[0]
        rest = await poll(source, first.cursor)
    assert set(numbers([first, *rest])) == set(range(12, 21))


async def test_reviews_of_products_are_asked_for_by_their_change(platform: ShoptetPlatform) -> None:
    platform.products, platform.size = [review(9 - n, n * 20) for n in range(6)], 4
    async with connected(platform, reviews="product") as source:
        pages = await poll(source)
        assert sorted(numbers(pages)) == [4, 5, 6, 7, 8, 9]
        platform.products[5] |= {"updated": "2026-11-21T11:30:00+0000", "description": "Predsa len dobrý."}
        later = await poll(source, pages[-1].cursor)
    assert numbers(later) == [9, 4], "9 is from this very hour"
    assert platform.asked[-1][2]["changeTimeFrom"] == "2026-11-21T11:00:00+0000"


async def test_a_nearly_full_bucket_is_left_alone(platform: ShoptetPlatform) -> None:
    platform.filling = "190/200"
    async with connected(platform) as source:
        assert (await poll(source))[0].wait == 10.0


# ---- an add-on's tokens


async def test_an_add_on_gets_a_token_and_another_when_it_ends(platform: ShoptetPlatform) -> None:
    options = {"token": None, "oauth_token": OAUTH, "oauth_url": OAUTH_URL}
    async with connected(platform, **options) as source:
        mention = await first(source)
        await poll(source)
        assert platform.tokens == 1
        platform.valid = "another"
        await source.reply(mention, TEXT, "k")
        assert platform.tokens == 2
        assert [method for method, _, _ in platform.asked] == ["GET", "GET", "PATCH", "PATCH"]
    async with connected(platform, **options | {"oauth_token": "wrong"}) as source:
        with pytest.raises(AuthError):
            await source.poll("")


async def test_a_token_that_is_refused_again_is_not_asked_for_for_ever(platform: ShoptetPlatform) -> None:
    def never(asked: Asked) -> Answer:
        return platform(asked) if "OAuth" in asked.path else Answer(status=401)

    async with connected(never, token=None, oauth_token=OAUTH, oauth_url=OAUTH_URL) as source:  # type: ignore[arg-type]
        with pytest.raises(AuthError):
            await source.poll("")
    assert platform.tokens == 2
    async with connected(Answer(b"{}"), token=None, oauth_token=OAUTH, oauth_url=OAUTH_URL) as source:
        with pytest.raises(AuthError, match="no access token"):
            await source.poll("")


async def test_sources_of_one_add_on_share_its_token(platform: ShoptetPlatform) -> None:
    """No more than five may be valid at once."""
    options = {"oauth_token": OAUTH, "oauth_url": OAUTH_URL}
    async with sharing("shoptet", platform, *[options] * 4, options | {"reviews": "product"}) as (_, sources):
        await asyncio.gather(*(poll(source) for source in sources))
        assert platform.tokens == 1
        platform.valid = "another"
        await asyncio.gather(*(poll(source) for source in sources))
        assert platform.tokens == 2, "refused to five of them, and renewed once"
        assert OAUTH not in repr(sources[0]._session)


async def test_three_connections_with_one_token() -> None:
    async with Loopback(Answer(hang=True)) as server, LoopbackHttp(server.origin, total=60.0) as http:
        sources = [shoptet.connect(shoptet.Settings(kind="shoptet", name=n, token=TOKEN), http) for n in "abcde"]
        polls = [asyncio.create_task(source.poll("")) for source in sources]
        while len(server.asked) < 3:
            server.arrived.clear()
            await server.arrived.wait()
        assert sources[0]._session.connections.locked()
        for task in polls:
            task.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
    assert len(server.asked) == 3 and not sources[0]._session.connections.locked()


async def test_what_shoptet_will_switch_off_is_told_once(
    platform: ShoptetPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    def ending(asked: Asked) -> Answer:
        answer = platform(asked)
        return replace(answer, headers={**answer.headers, "Sunset": "Mon, 01 Mar 2027 00:00:00 GMT"})

    async with connected(ending) as source:  # type: ignore[arg-type]
        mention = await first(source)
        await poll(source)
        for one in (mention, replace(mention, id="2")):
            await source.reply(one, TEXT, "k")
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        f"Shoptet will switch off {what} on Mon, 01 Mar 2027 00:00:00 GMT; install a newer Ohlas before"
        for what in ("GET /api/reviews/project", "PATCH /api/reviews/project/…")
    ]


# ---- answers


@pytest.mark.parametrize("kind", ["shop", "product"])
async def test_an_answer_takes_the_place_of_an_earlier_one(platform: ShoptetPlatform, kind: str) -> None:
    platform.products = platform.project
    signed = {"answers_as": "Jana zo Svrčiny", "answers_mail": "pomoc@svrcina.example"}
    async with connected(platform, reviews=kind, **signed) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "k") is None
        for text in ("Máme to.", TEXT):
            assert (await source.reply(mention, text, "k")).id == "3"
        assert await source.find_reply(mention, TEXT, "k")
        assert await source.find_reply(mention, "Niečo iné.", "k") is None
        assert (await source.fetch(mention)).reply == TEXT
    reaction = platform.project[0]["reaction"]
    assert (reaction["reactionFullName"], reaction["reactionEmail"]) == tuple(signed.values())


async def test_an_answer_whose_receipt_is_lost_is_found(platform: ShoptetPlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k")
    assert "reactionFullName" not in json.dumps([one for one in platform.asked if one[0] == "PATCH"])


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Answer(b"{}", 423), TemporaryError, "still busy"),
        (Answer(b'{"errors": [{"errorCode": "missing-module"}]}', 422), PermanentError, "422 missing-module"),
        (Answer(b'{"errors": [{"errorCode": "<b>"}]}', 400), PermanentError, "answer: 400"),
        (Answer(b"<html>", 404), PermanentError, "404"),
        (Answer(b"", 403), AuthError, "403"),
        (Answer(b"", 429, {"Retry-After": "7"}), TemporaryError, "429"),
        (Answer(b"<html>fine</html>"), OutcomeUnknown, "does not show"),
        (Answer(b'{"data": {"review": {"reaction": []}}}'), OutcomeUnknown, "does not show"),
    ],
)
async def test_what_becomes_of_an_answer_that_is_not_taken(
    platform: ShoptetPlatform, fault: Answer, error: type[Exception], said: str
) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.faults = [fault]
        with pytest.raises(error) as caught:
            await source.reply(mention, TEXT, "k")
    assert type(caught.value) is error and said in str(caught.value)
    assert "<" not in str(caught.value)


@pytest.mark.parametrize("kind", ["shop", "product"])
@pytest.mark.parametrize("oldest_first", [False, True])
async def test_a_review_is_looked_for_where_it_must_be(kind: str, oldest_first: bool) -> None:
    reviews = [review(100 - n, n * 5) for n in range(90)]
    platform = ShoptetPlatform(project=reviews, products=reviews, size=5, oldest_first=oldest_first)
    async with connected(platform, reviews=kind) as source:
        mention = next(m for page in await poll(source) for m in page.mentions if m.id == "88")
        platform.asked.clear()
        assert await source.fetch(mention) == mention
        del reviews[12]
        assert await source.fetch(mention) is None
        assert len(platform.asked) <= 10
        with pytest.raises(NotFound):
            await source.find_reply(mention, TEXT, "k")


async def test_a_review_without_a_date_is_looked_for_everywhere_up_to_a_point(platform: ShoptetPlatform) -> None:
    platform.project = [review(n, 1, date=None) for n in range(1, 50)]
    platform.size = 1
    async with connected(platform) as source:
        mention = replace(await first(source), id="18")
        assert mention.raw["date"] == ""
        assert await source.fetch(mention)
        with pytest.raises(TemporaryError, match="too many"):
            await source.fetch(replace(mention, id="40"))


# ---- webhooks


def notification(event: str) -> bytes:
    told = {"eshopId": 1, "event": event, "eventCreated": "2026-11-21T13:00:00+0100", "eventInstance": "4"}
    return json.dumps(told).encode()


@pytest.mark.parametrize(("kind", "event"), [("shop", "projectReview:create"), ("product", "productReview:created")])
async def test_a_notification_asks_for_a_look(platform: ShoptetPlatform, kind: str, event: str) -> None:
    async with connected(platform, reviews=kind, webhook_key=KEY) as source:
        assert isinstance(source, CanReceive)
        for told, wanted in ((event, True), ("order:create", False)):
            body = notification(told)
            page = source.receive({"shoptet-webhook-signature": shoptet.sign(KEY, body)}, body, NOON)
            assert page == Page(more=wanted)


async def test_what_is_not_from_shoptet_is_refused(platform: ShoptetPlatform) -> None:
    body = notification("projectReview:create")
    async with connected(platform, webhook_key=KEY) as source:
        for given in ({}, {"shoptet-webhook-signature": "č"}, {"shoptet-webhook-signature": shoptet.sign("x", body)}):
            with pytest.raises(AuthError) as caught:
                source.receive(given, body, NOON)
            assert KEY not in str(caught.value)
        for nonsense in (b"", b"{", b"[]", b"\xff"):
            with pytest.raises(PermanentError):
                source.receive({"shoptet-webhook-signature": shoptet.sign(KEY, nonsense)}, nonsense, NOON)


async def test_a_notification_has_its_source_read_at_once(platform: ShoptetPlatform, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    later = NOON + timedelta(minutes=15)
    store.sources.configure({"s": "shoptet", "other": "rss"}, NOON)
    read = PollRecord(source="s", status="ok", failures=0, refusals=0, due=later, at=NOON)
    store.sources.record(read, replace(read, source="other"))
    async with connected(platform, webhook_key=KEY) as source, listening(store, s=source) as client:

        async def tell(event: str) -> dict[str, datetime | None]:
            body = notification(event)
            headers = {"Shoptet-Webhook-Signature": shoptet.sign(KEY, body)}
            async with client.post("/in/s", data=body, headers=headers) as response:
                assert response.status == 200, "Shoptet takes nothing else for a yes"
            return {state.name: state.due for state in store.sources.all()}

        assert await tell("order:create") == {"s": later, "other": later}
        assert await tell("projectReview:create") == {"s": NOON, "other": later}
        store.sources.record(replace(read, status="failing"))
        assert (await tell("projectReview:create"))["s"] == later, "a source that fails is left its pause"
    store.close()
