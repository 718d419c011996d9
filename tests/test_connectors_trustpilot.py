"""The connector of Trustpilot, against a platform that speaks the contract of its API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors import trustpilot
from monitor.budgets import CanBudget
from monitor.contract import CanConfirm, CanFetch, CanLookUp, CanReceive, CanReply, Page
from monitor.errors import AuthError, BudgetSpent, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from monitor.store.sqlite import SqliteStore
from tests.connecting import connecting, first, mistake, poll, sharing, used
from tests.contract import JsonContract
from tests.listening import listening
from tests.loopback import Answer, Asked
from tests.trustpilot_platform import (
    HOOK,
    KEY,
    LOGIN,
    NOON,
    PASSWORD,
    QUOTA,
    SECRET,
    UNIT,
    USER,
    TrustpilotPlatform,
    notification,
    review,
)

TEXT = "Mrzí nás to & pošleme nový."
ANSWERING = {"secret": SECRET, "user": USER}
SIGNED_IN = {"secret": SECRET, "login": LOGIN, "password": PASSWORD}
CREATED, UPDATED, DELETED = (f"service-review-{what}" for what in ("created", "updated", "deleted"))


class TestTrustpilotContract(JsonContract):
    kind = "trustpilot"
    settings = {"business_unit": UNIT, "key": KEY}
    secrets = (KEY,)
    recording = (
        b'{"links": [], "reviews": [{"id": "00000000000000000000000c", "stars": 1, "title": "Leaks",'
        b' "text": "the tent leaks", "language": "en", "createdAt": "2026-11-20T09:00:00.000Z", "updatedAt": null,'
        b' "companyReply": null, "isVerified": false, "consumer": {"displayName": "Eva"}},'
        b'{"id": "00000000000000000000000b", "stars": 5, "title": "Quick", "text": "quick",'
        b' "createdAt": "2026-11-19T09:00:00.000Z", "companyReply": {"text": "Thanks"}, "consumer": {"id": "x"}}]}'
    )
    entry = rb'\{"id": "0.*?"consumer": \{.*?\}\}'
    bad_entry = b'{"id": "x", "consumer": {}}'
    phrase = b"the tent leaks"
    nonsense = {"list": b"[]", "reviews": b'{"reviews": [5, null, {"id": {}}]}', "none": b'{"reviews": {}}'}
    names = ("referenceId",)


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"user": USER}, "needs the secret"),
        ({"secret": SECRET, "login": LOGIN}, "belong together"),
        ({"webhook_secret": "short"}, "openssl rand"),
        ({"business_unit": "svrcina.example"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("trustpilot", **{"business_unit": UNIT, "key": KEY, **options})
    assert hint in told and KEY not in told and SECRET not in told


# ---- a platform


connected = connecting("trustpilot", "t", business_unit=UNIT, key=KEY)


def ids(pages: list[Page]) -> list[int]:
    return [int(mention.id, 16) for page in pages for mention in page.mentions]


async def test_what_a_public_review_becomes() -> None:
    async with connected(TrustpilotPlatform([review(3, 1)])) as source:
        mention = await first(source)
        assert isinstance(source, CanFetch) and isinstance(source, CanConfirm)
        assert not isinstance(source, CanReply) and not isinstance(source, CanReceive)
        assert source.reply_link(mention) == "https://businessapp.b2b.trustpilot.com/reviews/000000000000000000000003"
    assert mention == Mention(
        source="t",
        id="000000000000000000000003",
        text="Stan prišiel deravý.",
        created_at=NOON - timedelta(days=1),
        url="https://www.trustpilot.com/reviews/000000000000000000000003",
        author="Eva Malá",
        title="Sklamanie",
        rating=2.0,
        language="sk",
        raw={"order_id": "", "verified": True},
    )


async def test_the_secret_shows_the_number_of_the_order_and_no_address() -> None:
    async with connected(TrustpilotPlatform([review(3, 1)]), secret=SECRET) as source:
        mention = await first(source)
        assert not isinstance(source, CanReply)
    assert mention.raw["order_id"] == "2026000003"
    assert "eva.canary" not in repr(mention)


async def test_stars_or_a_title_alone_and_what_the_shop_answered() -> None:
    reply = {"text": "Ďakujeme.", "createdAt": "2026-11-21T08:00:00Z"}
    reviews = [review(3, 1, "", title=None, companyReply=reply), review(2, 2, ""), review(1, 3, createdAt="2099-01-01")]
    async with connected(TrustpilotPlatform(reviews)) as source:
        page = (await poll(source))[0]
    said = [(one.text, one.title, one.reply) for one in page.mentions]
    assert said == [
        ("Stan prišiel deravý.", "Sklamanie", ""),
        ("★★☆☆☆", "", "Ďakujeme."),
        ("Sklamanie", "", ""),
    ]
    assert page.mentions[0].created_at == NOON, "nothing was written in the future"


# ---- pages


@pytest.mark.parametrize("options", [{}, {"secret": SECRET}])
async def test_reviews_are_read_back_to_the_last_time(options: dict[str, str]) -> None:
    platform = TrustpilotPlatform([review(500 - n, n) for n in range(450)])
    async with connected(platform, **options) as source:
        first = await poll(source)
        assert set(ids(first)) >= set(range(136, 501)) and 49 not in ids(first), "a year back"
        platform.reviews.append(review(501, -0.5))
        platform.asked.clear()
        later = await poll(source, first[-1].cursor, NOON + timedelta(hours=13))
        assert {501, 500, 499} <= set(ids(later)) and len(platform.asked) == 1
    start = platform.asked[0][2].get("startDateTime")
    assert start == ("2026-11-19T12:00:00" if options else None)


async def test_what_arrives_between_two_pages_hides_nothing() -> None:
    platform = TrustpilotPlatform([review(500 - n, n / 2) for n in range(250)])
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            first = await source.poll("")
        platform.reviews.append(review(501, -0.1))
        rest = await poll(source, first.cursor, NOON + timedelta(hours=3))
        assert set(range(251, 501)) <= set(ids([first, *rest]))
        assert 501 in ids(await poll(source, rest[-1].cursor, NOON + timedelta(hours=4)))


async def test_changes_of_older_reviews_are_seen_within_a_day() -> None:
    platform = TrustpilotPlatform([review(1, 9, "Nič moc."), review(2, 1)])
    async with connected(platform, secret=SECRET) as source:
        first = await poll(source)
        platform.reviews[0] |= {"text": "Predsa len dobré.", "companyReply": {"text": "Ďakujeme."}}
        soon = await poll(source, first[-1].cursor, NOON + timedelta(hours=1))
        assert ids(soon) == [2]
        later = await poll(source, soon[-1].cursor, NOON + timedelta(days=1))
    changed = later[0].mentions[1]
    assert (changed.text, changed.reply) == ("Predsa len dobré.", "Ďakujeme.")


async def test_reviews_that_are_not_listed_any_more_are_asked_for_one_by_one() -> None:
    platform = TrustpilotPlatform([review(n, n) for n in range(1, 5)])
    async with connected(platform) as source:
        first = await poll(source)
        deleted = platform.reviews.pop(1)
        hidden = platform.reviews.pop(1)
        soon = await poll(source, first[-1].cursor, NOON + timedelta(hours=1))
        assert not [page.gone for page in soon if page.gone], "asked for once a day only"

        def unlisted(asked: Asked) -> Answer:
            if hidden["id"] in asked.path:
                return TrustpilotPlatform([hidden])(asked)
            return platform(asked)

    async with connected(unlisted) as source:
        later = await poll(source, soon[-1].cursor, NOON + timedelta(days=1))
        assert [page.gone for page in later] == [(), (), (deleted["id"],)]
        assert ids(later[1:]) == [3], "it is there all the same"
        assert len(await poll(source, later[-1].cursor, NOON + timedelta(days=1, hours=1))) == 1


async def test_too_many_requests() -> None:
    platform = TrustpilotPlatform([review(1, 1)], left=0)
    async with connected(platform) as source:
        with pytest.raises(TemporaryError, match="429") as caught:
            await source.poll("")
    assert caught.value.retry_after == 300


async def test_what_is_left_of_the_quota_is_for_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trustpilot.QUOTAS, "requests", (trustpilot.RESERVED + 3, 300.0))  # one is for a token
    platform = TrustpilotPlatform([review(1, 1)])
    with time_machine.travel(NOON, tick=False):
        async with connected(platform, **ANSWERING) as source:
            assert isinstance(source, CanBudget)
            mention = (await source.poll("")).mentions[0]
            await source.poll("")
            with pytest.raises(BudgetSpent):
                await source.poll("")
            assert await source.fetch(mention) == mention
            assert await source.reply(mention, TEXT, "k")
    assert len(platform.asked) == 4


# ---- tokens


async def test_a_token_serves_until_it_is_refused() -> None:
    platform = TrustpilotPlatform([review(1, 1)])
    async with connected(platform, **ANSWERING) as source:
        mention = await first(source)
        await source.fetch(mention)
        assert platform.tokens == ["client_credentials"]
        platform.valid = "another"
        await source.reply(mention, TEXT, "k")
    assert platform.tokens == ["client_credentials"] * 2
    assert [method for method, _, _ in platform.asked] == ["GET", "GET", "POST", "POST"]


async def test_a_login_gets_tokens_that_are_renewed() -> None:
    platform = TrustpilotPlatform([review(1, 1)])
    options = {"business_unit": UNIT, "key": KEY, **SIGNED_IN}
    async with sharing("trustpilot", platform, options) as (ledger, (source,)):
        mention = await first(source)
        for _ in range(2):
            platform.valid = "ended"
            assert await source.fetch(mention) == mention
        assert platform.tokens == ["password", "refresh_token", "refresh_token"]
        platform.valid, platform.renewal = "ended", "ended too"
        assert await source.fetch(mention) == mention
        assert platform.tokens[3:] == ["password"]
        await source.reply(mention, TEXT, "k")
        counted = {used(ledger, source, name) for name in ("requests", "calls")}
    assert platform.reviews[0]["companyReply"]["text"] == TEXT
    assert counted == {QUOTA - platform.left}, "requests for tokens, and those that are refused, count too"


@pytest.mark.parametrize("options", [{**ANSWERING, "secret": "canary-wrong"}, {**SIGNED_IN, "password": "canary-bad"}])
async def test_credentials_that_are_refused(options: dict[str, str]) -> None:
    async with connected(TrustpilotPlatform(), **options) as source:
        with pytest.raises(AuthError, match="check key and secret") as caught:
            await source.poll("")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("answer", [Answer(b"<html>", 502), Answer(b"[]"), Answer(b'{"access_token": 5}')])
async def test_no_token_at_the_moment(answer: Answer) -> None:
    async with connected(answer, secret=SECRET) as source:
        with pytest.raises(TemporaryError, match="token"):
            await source.poll("")


async def test_a_token_that_is_refused_again_is_not_asked_for_for_ever() -> None:
    platform = TrustpilotPlatform()

    def never(asked: Asked) -> Answer:
        return platform(asked) if "/oauth/" in asked.path else Answer(status=401)

    async with connected(never, secret=SECRET) as source:
        with pytest.raises(AuthError):
            await source.poll("")
    assert len(platform.tokens) == 2


# ---- answers


async def test_a_review_is_answered_once() -> None:
    platform = TrustpilotPlatform([review(1, 1)])
    async with connected(platform, **ANSWERING) as source:
        assert all(isinstance(source, ability) for ability in (CanReply, CanLookUp, CanFetch, CanConfirm))
        mention = await first(source)
        assert source.reply_rules_for(mention).kind == "create"
        assert await source.find_reply(mention, TEXT, "k") is None
        receipt = await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo iné.", "k")
        with pytest.raises(PermanentError, match="409"):
            await source.reply(mention, "Niečo iné.", "k")
        answered = await source.fetch(mention)
        assert answered.reply == TEXT
        assert "one answer" in source.reply_rules_for(answered).note
        assert source.reply_rules_for(answered).kind == "manual"


async def test_an_answer_whose_receipt_is_lost_is_found() -> None:
    platform = TrustpilotPlatform([review(1, 1)], drops_receipt=True)
    async with connected(platform, **ANSWERING) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k")
    assert sum(method == "POST" for method, _, _ in platform.asked) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b'{"message": "<b>"}', 422), PermanentError),
        (Answer(b"", 404), PermanentError),
        (Answer(b"", 403), AuthError),
        (Answer(b"", 429, {"Retry-After": "7"}), TemporaryError),
        (Answer(b"<html>", 500), OutcomeUnknown),
    ],
)
async def test_what_becomes_of_an_answer_that_is_not_taken(fault: Answer, error: type[Exception]) -> None:
    platform = TrustpilotPlatform([review(1, 1)])
    async with connected(platform, **ANSWERING) as source:
        mention = await first(source)
        platform.faults = [fault]
        with pytest.raises(error) as caught:
            await source.reply(mention, TEXT, "k")
    assert type(caught.value) is error and str(fault.status) in str(caught.value) and "<" not in str(caught.value)


async def test_a_review_that_is_gone_or_not_shown() -> None:
    platform = TrustpilotPlatform([review(1, 1)])
    async with connected(platform, **ANSWERING) as source:
        mention = await first(source)
        platform.faults = [Answer(b"[]")]
        with pytest.raises(TemporaryError, match="does not show"):
            await source.fetch(mention)
        platform.reviews.clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.find_reply(mention, TEXT, "k")


# ---- webhooks


async def test_what_was_written_changed_and_deleted_is_told() -> None:
    body = notification(
        (CREATED, review(1, 0)), (UPDATED, review(2, 90)), (DELETED, review(3, 5)), ("other", {**review(4, 1)})
    )
    async with connected(TrustpilotPlatform([review(1, 0)]), webhook_secret=HOOK, **ANSWERING) as source:
        assert isinstance(source, CanReceive) and isinstance(source, CanReply)
        page = source.receive({"x-ohlas-secret": HOOK}, body, NOON)
        assert (ids([page]), page.gone, page.more) == ([1, 2], (review(3, 5)["id"],), True)
        with time_machine.travel(NOON, tick=False):
            assert page.mentions[0] == await source.fetch(page.mentions[0])
        nothing = source.receive({"x-ohlas-secret": HOOK}, b'{"events": []}', NOON)
        assert nothing == Page()


async def test_what_is_not_from_trustpilot_is_refused() -> None:
    body = notification((CREATED, review(1, 0)))
    async with connected(TrustpilotPlatform(), webhook_secret=HOOK) as source:
        for given in ({}, {"x-ohlas-secret": ""}, {"x-ohlas-secret": "č"}, {"x-ohlas-secret": HOOK[:-1]}):
            with pytest.raises(AuthError) as caught:
                source.receive(given, body, NOON)
            assert HOOK not in str(caught.value)
        for nonsense in (b"", b"{", b"[]", b"\xff", b"{}", b'{"events": {}}'):
            with pytest.raises(PermanentError):
                source.receive({"x-ohlas-secret": HOOK}, nonsense, NOON)
        odd = b'{"events": [5, {"eventName": [], "eventData": 7}, {"eventName": "service-review-deleted"}]}'
        assert source.receive({"x-ohlas-secret": HOOK}, odd, NOON) == Page()


async def test_the_secret_may_stand_in_the_address(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    store.sources.configure({"t": "trustpilot"}, NOON)
    async with connected(TrustpilotPlatform(), webhook_secret=HOOK) as source, listening(store, t=source) as client:

        async def tell(address: str, body: bytes) -> int:
            async with client.post(address, data=body) as response:
                return response.status

        written, deleted = notification((CREATED, review(1, 0))), notification((DELETED, review(1, 0)))
        assert await tell("/in/t", written) == await tell("/in/t?secret=guess", written) == 401
        assert await tell(f"/in/t?secret={HOOK}", written) == await tell(f"/in/t?secret={HOOK}", deleted) == 202
    mention = store.mentions.get(1)
    assert mention is not None and mention.title == "Sklamanie"
    store.close()
