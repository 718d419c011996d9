"""The connector of the App Store: against an App Store Connect and against feeds on 127.0.0.1."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from monitor.contract import CanFetch, CanLookUp, CanModerate, CanReply, Moderated, Receipt
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.appstore_platform import APP, ISSUER, KEY_ID, AppStoreConnect, failed, private_key, review
from tests.connecting import connecting, first, ids, mistake, poll
from tests.contract import JsonContract
from tests.loopback import Answer, Asked
from tests.made import NOON
from tests.odd import odd, spoiled

KEYS = {"app": APP, "key_id": KEY_ID, "issuer_id": ISSUER, "private_key": private_key()}
TEXT = "Dobrý deň, mrzí nás to a opravíme to."


class TestAppStoreContract(JsonContract):
    kind = "appstore"
    settings = KEYS
    secrets = (private_key(), private_key().splitlines()[1])
    recording = (
        b'{"data": [{"type": "customerReviews", "id": "00000041-6a2f", "attributes": {"rating": 1, "title": "Sad",'
        b' "body": "it crashes when I pay", "reviewerNickname": "eva", "createdDate": "2026-11-20T03:14:15-07:00",'
        b' "territory": "SVK"}},'
        b'{"type": "customerReviews", "id": "00000041-6a2e", "attributes": {"rating": 5, "body": "quick",'
        b' "createdDate": "2026-11-19T03:14:15-07:00"}}], "links": {}, "meta": {"paging": {"total": 2}}}'
    )
    entry = rb'\{"type": "customerReviews".*?\}\}'
    bad_entry = b'{"type": "customerReviews", "id": "00000041-6a2d", "attributes": {"rating": 3}}'
    phrase = b"it crashes when I pay"
    nonsense = {"list": b"[]", "reviews": b'{"data": [5, null, {"id": []}]}', "none": b'{"data": 7}'}
    names = ("label", "relationships", "content", "data")


class TestAppStoreFeedContract(JsonContract):
    kind = "appstore"
    settings = {"app": APP, "countries": ("sk",)}
    recording = (
        b'{"feed": {"author": {"name": {"label": "iTunes Store"}}, "entry": [{"author": {"name": {"label": "eva"}},'
        b' "id": {"label": "90000002"}, "title": {"label": "Sad"}, "content": {"label": "it crashes when I pay"},'
        b' "im:rating": {"label": "1"}, "im:version": {"label": "2.1"}, "updated": {"label":'
        b' "2026-11-20T03:14:15-07:00"}, "end": 1},{"author": {"name": {"label": "jan"}}, "id": {"label": "90000001"},'
        b' "title": {"label": "Quick"}, "content": {"label": "nice"}, "im:rating": {"label": "5"}, "end": 1}]}}'
    )
    entry = rb'\{"author": \{"name": \{"label": "[a-z]+"\}\}, .*?"end": 1\}'
    bad_entry = b'{"author": {"name": {"label": "ola"}}, "id": {"label": 5}}'
    phrase = b"it crashes when I pay"
    nonsense = {"list": b"[]", "feed": b'{"feed": 5}', "none": b'{"feed": {}}', "entry": b'{"feed": {"entry": [5]}}'}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"app": "sk.pupava.app"}, "pattern"),
        ({"private_key": "secret-canary"}, ".p8 file"),
        ({"private_key": None}, "none of them"),
        ({"key_id": ""}, "none of them"),
        ({"countries": ("Slovakia",)}, "pattern"),
        ({"countries": ()}, "at least 1"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("appstore", **{**KEYS, **options})
    assert hint in told and "canary" not in told


connected = connecting("appstore", "ios", **KEYS)


def ago(hours: float) -> str:
    return (NOON - timedelta(hours=hours)).isoformat()


# ---- with a key


async def test_what_a_review_becomes() -> None:
    platform = AppStoreConnect([review(7, "2026-11-21T03:00:00-07:00")])
    async with connected(platform) as source:
        for ability in (CanReply, CanLookUp, CanFetch, CanModerate):
            assert isinstance(source, ability)
        mention = await first(source)
        assert mention == Mention(
            source="ios",
            id="r-7",
            text="Padá to.",
            title="Hanba",
            created_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
            url="https://apps.apple.com/sk/app/id1234567890?see-all=reviews",
            author="eva77",
            rating=1.0,
            raw={"country": "sk"},
        )
        await source.reply(mention, TEXT, "key")
        assert (await first(source)).reply == TEXT


async def test_a_key_of_a_person_has_no_issuer() -> None:
    async with connected(AppStoreConnect([review(7, ago(1))], issuer=""), issuer_id="") as source:
        assert ids(await poll(source)) == ["r-7"]


async def test_a_key_in_one_line() -> None:
    one_line = private_key().replace("\n", "\\n")
    async with connected(AppStoreConnect([review(7, ago(1))]), private_key=one_line) as source:
        assert ids(await poll(source)) == ["r-7"]


async def test_pages_since_the_last_time_with_an_overlap() -> None:
    platform = AppStoreConnect([review(n, ago(100 + n)) for n in range(100)], size=40)
    async with connected(platform) as source:
        pages = await poll(source)
        assert len(ids(pages)) == 40, "the first time the newest page is enough"
        platform.reviews[:0] = [review(1000 + n, ago(n / 10)) for n in range(100)]
        platform.reviews.insert(101, review(2000, ago(120)))
        later = await poll(source, pages[-1].cursor)
        assert len(later) == 4 and {*(f"r-{1000 + n}" for n in range(100)), "r-2000"} <= set(ids(later))
        assert len(await poll(source, later[-1].cursor)) == 3


async def test_pages_that_apple_forgot_are_begun_anew() -> None:
    platform = AppStoreConnect([review(n, ago(n / 10)) for n in range(100)], size=40)
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            page = await source.poll((await source.poll("")).cursor)
            assert page.more
            platform.forgotten = True
            assert ids([await source.poll(page.cursor)]) == ids([page])


async def test_what_is_left_of_the_quota_lasts_for_an_hour() -> None:
    platform = AppStoreConnect([review(1, ago(1))], left=3601)
    async with connected(platform) as source:
        assert (await source.poll("")).wait == 1.0
        platform.left = 61
        assert (await source.poll("")).wait == 60.0
        platform.left = 1
        assert (await source.poll("")).wait == 3600.0


async def test_answers_are_shown_later() -> None:
    platform = AppStoreConnect([review(7, ago(1))])
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        assert await source.find_reply(mention, "🙏", "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert receipt == Receipt(id="a-r-7", url=mention.url) == await source.find_reply(mention, TEXT, "key")
        assert await source.moderation(mention, receipt) == Moderated(state="pending")
        platform.answers["r-7"]["attributes"]["state"] = "PUBLISHED"
        assert await source.moderation(mention, receipt) == Moderated(state="visible")
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo celkom iné.", "key")
        assert await source.find_reply(await first(source), "Niečo celkom iné.", "key") is None, "known, and replaced"
        platform.answers.clear()
        with pytest.raises(TemporaryError):
            await source.moderation(mention, receipt)
    rules = source.reply_rules
    assert (rules.kind, rules.max_length, rules.moderated) == ("overwrite", 5970, True)


async def test_a_lost_receipt_is_looked_up() -> None:
    async with connected(AppStoreConnect([review(7, ago(1))], lost=True)) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert await source.find_reply(mention, TEXT, "key")


@pytest.mark.parametrize(
    ("fault", "error", "hint"),
    [
        (failed(409, "ENTITY_ERROR.ATTRIBUTE.INVALID"), PermanentError, "ENTITY_ERROR.ATTRIBUTE.INVALID"),
        (failed(409, "<script>"), PermanentError, "not say why"),
        (Answer(b"<html>", 400), PermanentError, "not say why"),
        (Answer(b"[]", 422), PermanentError, "not say why"),
        (failed(403, "FORBIDDEN_ERROR"), AuthError, "Customer Support"),
        (failed(401, "NOT_AUTHORIZED"), AuthError, "401"),
        (failed(429, "RATE_LIMIT_EXCEEDED"), TemporaryError, "429"),
    ],
)
async def test_refused_replies(fault: Answer, error: type[SourceError], hint: str) -> None:
    platform = AppStoreConnect([review(7, ago(1))])
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = fault
        with pytest.raises(error, match=hint) as caught:
            await source.reply(mention, TEXT, "key")
    assert "canary" not in str(caught.value) and not platform.answers


async def test_an_odd_receipt_is_a_receipt() -> None:
    platform = AppStoreConnect([review(7, ago(1))])
    async with connected(platform) as source:
        mention = await first(source)
        for odd in (b"", b"[]", b"{}", b'{"data": 5}'):
            platform.fault = Answer(odd, 201)
            assert await source.reply(mention, TEXT, "key") == Receipt(url=mention.url)


async def test_keys_that_are_refused() -> None:
    platform = AppStoreConnect(issuer="another")
    async with connected(platform) as source:
        with pytest.raises(AuthError):
            await source.poll("")
    damaged = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"
    async with connected(AppStoreConnect(), private_key=damaged) as source:
        with pytest.raises(AuthError, match="damaged") as caught:
            await source.poll("")
    assert "canary" not in str(caught.value)
    async with connected(AppStoreConnect(), app="9999999999") as source:
        with pytest.raises(NotFound):
            await source.poll("")


async def test_the_original_is_read_again() -> None:
    platform = AppStoreConnect([review(7, ago(1))])
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        await source.reply(mention, TEXT, "key")
        assert (await source.fetch(mention)).reply == TEXT
        platform.reviews.clear()
        assert await source.fetch(mention) is None
        for odd in (b"[]", b"{}", b'{"data": [5]}', b'{"data": {"id": "r-8", "attributes": {"body": "?"}}}'):
            platform.fault = Answer(odd)
            with pytest.raises(TemporaryError):
                await source.fetch(mention)


# ---- without one


def entry(number: int, **more: Any) -> dict[str, Any]:
    labels = {"id": str(number), "title": "Hanba", "content": "Padá to.", "im:rating": "1", "updated": ago(1), **more}
    return {"author": {"name": {"label": "eva"}}} | {name: {"label": value} for name, value in labels.items()}


class Feeds:
    """By country; only the addresses of `form` hold something."""

    def __init__(self, form: int = 0, **entries: Any) -> None:
        self.form = form
        self.entries = entries
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked.path)
        forms = r"page=1/id=\d+/sortby=mostrecent/json", r"id=\d+/sortBy=mostRecent/json"
        country = asked.path.split("/")[1]
        good = re.fullmatch(rf"/{country}/rss/customerreviews/{forms[self.form]}", asked.path)
        found = {"entry": self.entries[country]} if good and country in self.entries else {}
        return Answer(json.dumps({"feed": {"author": {}, **found}}).encode())


def feeds(platform: Feeds, **options: Any) -> Any:
    return connected(platform, **{"key_id": "", "issuer_id": "", "private_key": None, **options})


@pytest.mark.parametrize("form", [0, 1])
async def test_feeds_of_several_countries(form: int) -> None:
    app = {"im:name": {"label": "Púpava"}, "id": {"label": "https://apps.apple.com/app"}}
    async with feeds(Feeds(form, sk=[app, entry(1), entry(2)], cz=entry(3))) as source:
        (page,) = await poll(source)
        assert not isinstance(source, CanReply) and source.reply_rules.kind == "manual" and source.reply_rules.note
    assert ids([page]) == ["1", "2", "3"] and not page.skipped
    mention = page.mentions[2]
    assert (mention.url, mention.rating) == ("https://apps.apple.com/cz/app/id1234567890?see-all=reviews", 1.0)
    assert (mention.created_at, mention.author) == (NOON - timedelta(hours=1), "eva")


async def test_feeds_without_anything_are_broken() -> None:
    platform = Feeds()
    async with feeds(platform) as source:
        with pytest.raises(TemporaryError, match="empty"):
            await source.poll("")
    assert len(platform.asked) == 6, "three countries, and two addresses each"


ANSWER = {"type": "customerReviewResponses", "id": "a-1", "attributes": {"responseBody": "Opravíme to."}}


@given(
    st.lists(spoiled(ANSWER), max_size=3), odd(["self", "next"], ["https://api.appstoreconnect.apple.com/v1?cursor=7"])
)
async def test_nothing_beside_the_reviews_breaks_the_reading(answers: list[dict[str, Any]], links: Any) -> None:
    answered = review(7, ago(1)) | {"relationships": {"response": {"data": {"id": "a-1"}}}}
    body = json.dumps({"data": [answered], "included": answers, "links": links}).encode()
    async with connected(Answer(body)) as source:
        page = await source.poll("")
    assert ids([page]) == ["r-7"] and not page.skipped
