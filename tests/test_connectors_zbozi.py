"""The connector of Zboží.cz, against a platform that speaks the contract of Sklik's API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from connectors import zbozi
from monitor.contract import CanFetch, CanLookUp, CanModerate, CanReply, Moderated
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, ids, mistake, poll, sharing
from tests.contract import SignedInContract
from tests.loopback import Answer, Asked
from tests.zbozi_platform import KEY, NOON, PREMISE, ZboziPlatform, product_review, review

TEXT = "Mrzí nás to & pošleme novou."


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zbozi, "PACE", 0.0)


class TestZboziContract(SignedInContract):
    kind = "zbozi"
    settings = {"premise_id": PREMISE, "refresh_token": KEY}
    secrets = (KEY,)
    recording = (
        b'{"items": [{"shopReviewId": 12, "createDatetime": "2026-11-20T09:00:00Z", "positiveComment": "",'
        b' "negativeComment": "the kettle leaks", "orderId": "7", "userName": "Eva", "state": "approved",'
        b' "shopReaction": null, "satisfaction": {"overall": "no"}},'
        b'{"shopReviewId": 11, "createDatetime": "2026-11-19T09:00:00Z", "positiveComment": "quick",'
        b' "negativeComment": null, "satisfaction": {"overall": "yes"}}], "meta": {"count": 2}}'
    )
    entry = rb'\{"shopReviewId": .*?\}\}'
    bad_entry = b'{"shopReviewId": [], "satisfaction": {}}'
    phrase = b"the kettle leaks"
    nonsense = {"list": b"[]", "items": b'{"items": [5, null, {"shopReviewId": {}}]}', "none": b'{"items": {}}'}
    names = ("productReviewId", "text", "ratingStars", "productData", "shopReactionState")

    def platform(self) -> Callable[[Asked], Answer]:
        return ZboziPlatform()


# ---- settings


@pytest.mark.parametrize("options", [{"premise_id": 0}, {"refresh_token": "x"}, {"reviews": "all"}])
def test_settings_refuse_what_cannot_be(options: dict[str, Any]) -> None:
    told = mistake("zbozi", **{"premise_id": PREMISE, "refresh_token": KEY, **options})
    assert KEY not in told


# ---- a platform


connected = connecting("zbozi", "z", premise_id=PREMISE, refresh_token=KEY)


async def test_what_a_review_becomes() -> None:
    async with connected(ZboziPlatform([review(3, 1, "Rychlé dodání.")])) as source:
        mention = await first(source)
        assert all(isinstance(source, ability) for ability in (CanReply, CanLookUp, CanFetch, CanModerate))
    assert mention == Mention(
        source="z",
        id="3",
        text="Plusy: Rychlé dodání.\nMínusy: Přišlo rozbité.",
        created_at=NOON - timedelta(days=1),
        author="Olga",
        rating=1.0,
        raw={
            "order_id": "20260003",
            "state": "approved",
            "satisfaction": {"overall": "no", "deliveryDate": "yes", "deliveryQuality": "no"},
        },
    )


@pytest.mark.parametrize(("overall", "drawn"), [("yes", "★★★★★"), ("yes_but", "★★★☆☆"), ("no", "★☆☆☆☆")])
async def test_a_rating_alone(overall: str, drawn: str) -> None:
    async with connected(ZboziPlatform([review(3, 1, negative="", satisfaction={"overall": overall})])) as source:
        mention = await first(source)
    assert (mention.text, mention.language) == (drawn, "cs")


async def test_an_answer_that_zbozi_denied_is_not_shown() -> None:
    reviews = [
        review(n, 1, shopReaction="Děkujeme.", shopReactionState=state) for n, state in ((1, "denied"), (2, "new"))
    ]
    async with connected(ZboziPlatform(reviews)) as source:
        assert [mention.reply for mention in (await poll(source))[0].mentions] == ["", "Děkujeme."]


@pytest.mark.parametrize("counts", [True, False])
async def test_pages_keep_their_end(counts: bool) -> None:
    platform = ZboziPlatform([review(n, n / 10) for n in range(1, 251)], counts=counts)
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            first = await source.poll("")
        platform.reviews.insert(0, review(999, -0.01))
        rest = await poll(source, first.cursor, NOON + timedelta(hours=1))
        assert sorted(map(int, ids([first, *rest]))) == list(range(1, 251))
        assert {query["toDatetime"] for _, _, query in platform.asked} == {"2026-11-21T12:00:00Z"}
        later = await poll(source, rest[-1].cursor, NOON + timedelta(hours=2))
        assert "999" in ids(later) and "1" in ids(later)
    assert platform.asked[-1][2]["fromDatetime"] == "2026-10-22T12:00:00Z"
    assert platform.tokens == 1


async def test_reviews_of_products_are_read_in_windows_that_hold_them() -> None:
    platform = ZboziPlatform(products=[product_review(n, n / 2) for n in range(300)], most=1000)
    async with connected(platform, reviews="product") as source:
        assert len(ids(await poll(source))) == 300 and len(platform.asked) == 1
        mention = await first(source)
        assert not isinstance(source, CanReply)
    assert (mention.id, mention.title, mention.rating) == ("p0", "Konvice Pára", 4.0)


async def test_a_window_that_is_full_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zbozi.MOST, "product", 100)
    platform = ZboziPlatform(products=[product_review(n, n / 2) for n in range(300)])
    async with connected(platform, reviews="product") as source:
        assert len(set(ids(await poll(source)))) == 300
        platform.products = [product_review(n, 1) for n in range(300)]  # in one second
        assert len(set(ids(await poll(source)))) == 100


@pytest.mark.parametrize("cursor", ['{"windows": [[5, 1]]}', '{"windows": [[-1, 1]]}', '{"windows": [[0, 1e99]]}'])
async def test_a_cursor_with_windows_that_cannot_be(cursor: str) -> None:
    async with connected(ZboziPlatform([review(1, 1)])) as source:
        assert ids(await poll(source, cursor)) == ["1"]


# ---- tokens and the pace


@pytest.mark.parametrize("way", ["bearer", "form"])
async def test_both_ways_to_get_a_token_and_another_when_it_ends(way: Any) -> None:
    platform = ZboziPlatform([review(1, 1)], way=way)
    async with connected(platform) as source:
        mention = await first(source)
        platform.valid = "another"
        await source.reply(mention, TEXT, "k")
    assert platform.tokens == 2
    assert [method for method, _, _ in platform.asked] == ["GET", "PUT", "PUT"]


async def test_a_key_that_is_refused() -> None:
    async with connected(ZboziPlatform(), refresh_token="canary-wrong-key") as source:
        with pytest.raises(AuthError, match="refuses the key") as caught:
            await source.poll("")
    assert "canary" not in str(caught.value)


async def test_no_token_at_the_moment() -> None:
    async with connected(Answer(b"<html>", 502)) as source:
        with pytest.raises(TemporaryError, match="no token"):
            await source.poll("")


async def test_a_token_that_is_refused_again_is_not_asked_for_for_ever() -> None:
    platform = ZboziPlatform()

    def never(asked: Asked) -> Answer:
        return platform(asked) if asked.path.endswith("/token") else Answer(status=401)

    async with connected(never) as source:
        with pytest.raises(AuthError):
            await source.poll("")
    assert platform.tokens == 2


async def test_one_request_at_a_time_and_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = ZboziPlatform([review(1, 1)])
    async with connected(platform) as source:
        mention = await first(source)
        monkeypatch.setattr(zbozi, "PACE", 0.05)
        platform.pace, started = 0.04, time.monotonic()
        await source.fetch(mention)
        await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k")
        assert time.monotonic() - started >= 0.1


async def test_sources_with_one_key_take_turns_and_share_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    platform, options = ZboziPlatform([review(1, 1)]), {"premise_id": PREMISE, "refresh_token": KEY}
    async with sharing("zbozi", platform, options, options) as (_, sources):
        await sources[0].poll("")
        monkeypatch.setattr(zbozi, "PACE", 0.05)
        platform.pace = 0.04
        with time_machine.travel(NOON):
            pages = await asyncio.gather(*(source.poll("") for source in sources * 2))
    assert [ids([page]) for page in pages] == [["1"]] * 4 and platform.tokens == 1


# ---- answers


async def test_an_answer_is_looked_at_before_it_is_shown() -> None:
    platform = ZboziPlatform([review(1, 1)])
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "k") is None
        for text in ("Máme to.", TEXT):
            receipt = await source.reply(mention, text, "k")
        assert await source.find_reply(mention, TEXT, "k") == receipt
        assert await source.find_reply(mention, "Něco jiného.", "k") is None
        assert (await source.fetch(mention)).reply == TEXT
        states = {}
        for state in ("new", "approved", "denied", None):
            platform.reviews[0]["shopReactionState"] = state
            states[state] = (await source.moderation(mention, receipt)).state
        assert states == {"new": "pending", "approved": "visible", "denied": "refused", None: "pending"}
        platform.reviews[0]["shopReactionState"] = "denied"
        assert await source.moderation(mention, receipt) == Moderated(
            state="refused", reason="Zboží.cz does not show this answer"
        )


async def test_an_answer_whose_receipt_is_lost_is_found() -> None:
    platform = ZboziPlatform([review(1, 1)], drops_receipt=True)
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b'{"detail": "<b>"}', 422), PermanentError),
        (Answer(b"", 404), PermanentError),
        (Answer(b"", 403), AuthError),
        (Answer(b"", 429, {"Retry-After": "7"}), TemporaryError),
    ],
)
async def test_what_becomes_of_an_answer_that_is_not_taken(fault: Answer, error: type[Exception]) -> None:
    platform = ZboziPlatform([review(1, 1)])
    async with connected(platform) as source:
        mention = await first(source)
        platform.faults = [fault]
        with pytest.raises(error) as caught:
            await source.reply(mention, TEXT, "k")
    assert type(caught.value) is error and str(fault.status) in str(caught.value) and "<" not in str(caught.value)


async def test_a_review_that_is_gone_or_not_shown() -> None:
    platform = ZboziPlatform([review(1, 1)])
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        platform.faults = [Answer(b"[]")]
        with pytest.raises(TemporaryError, match="does not show"):
            await source.fetch(mention)
        platform.reviews.clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.find_reply(mention, TEXT, "k")
