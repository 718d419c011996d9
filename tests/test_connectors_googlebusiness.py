"""The connector of Google Business Profile, against one on 127.0.0.1 that pages, translates and refuses answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from connectors import googlebusiness
from monitor.contract import CanFetch, CanLookUp, CanModerate, CanReply, Moderated, Receipt
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, ids, mistake, poll
from tests.contract import SignedInContract
from tests.google_platform import CLIENT, REFRESH, SECRET, GooglePlatform, refused
from tests.loopback import Answer, Asked
from tests.made import NOON

KEYS = {
    "account": "1122334455",
    "location": "5544332211",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "refresh_token": REFRESH,
}
TEXT = "Dobrý deň, mrzí nás to a ozveme sa."
PLACE = "/v4/accounts/1122334455/locations/5544332211/reviews"


class TestGoogleBusinessContract(SignedInContract):
    kind = "googlebusiness"
    settings = KEYS
    secrets = (SECRET, REFRESH, "ya29.token")
    recording = (
        b'{"reviews": [{"reviewId": "AbFv_2", "reviewer": {"displayName": "Eva"}, "starRating": "ONE", "comment":'
        b' "they never called back", "createTime": "2026-11-20T10:00:00.045123456Z",'
        b' "updateTime": "2026-11-20T10:00:00Z"},'
        b'{"reviewId": "AbFv_1", "reviewer": {"displayName": "A Google user", "isAnonymous": true}, "starRating":'
        b' "FIVE", "createTime": "2026-11-19T10:00:00Z", "updateTime": "2026-11-19T10:00:00Z"}],'
        b' "averageRating": 3, "totalReviewCount": 2}'
    )
    entry = rb'\{"reviewId": .*?"updateTime": "[^"]*"\}'
    bad_entry = b'{"reviewId": "AbFv_3", "starRating": "STAR_RATING_UNSPECIFIED"}'
    phrase = b"they never called back"
    uncounted = "^/token$"  # is asked of accounts.google.com
    nonsense = {"list": b"[]", "reviews": b'{"reviews": [5, null, {"reviewId": []}]}', "none": b'{"reviews": 7}'}
    names = ("reviewReply", "comment")

    def platform(self) -> Callable[[Asked], Answer]:
        return Profile().google


def ago(hours: float) -> str:
    return (NOON - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def review(number: int, hours: float, **more: Any) -> dict[str, Any]:
    return {
        "name": f"{PLACE[4:]}/r{number}",
        "reviewId": f"r{number}",
        "reviewer": {"displayName": "Eva", "profilePhotoUrl": "https://photos.example/eva"},
        "starRating": "TWO",
        "comment": "Nikto sa neozval.",
        "createTime": ago(hours),
        "updateTime": ago(hours),
        **more,
    }


@dataclass
class Profile:
    """`lost` answers are taken, and their receipt is not."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    forgotten: bool = False
    lost: bool = False

    def __post_init__(self) -> None:
        self.google = GooglePlatform(scope="", serve=self.serve)

    def serve(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        assert url.path.startswith(PLACE)
        number, _, what = url.path.removeprefix(PLACE).strip("/").partition("/")
        if not number:
            return self._list(parse_qs(url.query))
        found = next((one for one in self.reviews if one["reviewId"] == number), None)
        if found is None:
            return refused(404)
        if asked.method == "PUT" and what == "reply":
            return self._reply(found, json.loads(asked.body))
        assert asked.method == "GET" and not what
        return Answer(json.dumps(found).encode())

    def _list(self, query: dict[str, list[str]]) -> Answer:
        assert query["orderBy"] == ["updateTime desc"] and int(query["pageSize"][0]) <= 50
        if "pageToken" in query and self.forgotten:
            return refused(400)
        start = int(query.get("pageToken", ["p0"])[0][1:])
        newest = sorted(self.reviews, key=lambda one: str(one["updateTime"]), reverse=True)
        document: dict[str, Any] = {"reviews": newest[start : start + 50]} if newest else {}
        if len(newest) > start + 50:
            document["nextPageToken"] = f"p{start + 50}"
        return Answer(json.dumps(document).encode())

    def _reply(self, found: dict[str, Any], sent: dict[str, Any]) -> Answer:
        assert set(sent) == {"comment"}
        if len(sent["comment"].encode()) > 4096:
            return refused(400)
        found["reviewReply"] = {"comment": sent["comment"], "updateTime": ago(0), "reviewReplyState": "PENDING"}
        return Answer(status=503) if self.lost else Answer(json.dumps(found["reviewReply"]).encode())


connected = connecting("googlebusiness", "maps", **KEYS)


@pytest.mark.parametrize("options", [{"account": "accounts/1"}, {"location": "../7"}, {"client_id": "? canary"}])
def test_settings_refuse_what_cannot_be(options: dict[str, Any]) -> None:
    told = mistake("googlebusiness", **{**KEYS, **options})
    assert "canary" not in told


async def test_what_a_review_becomes() -> None:
    edited = review(7, 30, updateTime=ago(2), reviewReply={"comment": "Už sme volali."})
    edited["reviewReplyUrl"] = "https://business.google.com/reply?r=7"
    async with connected(Profile([edited]).google) as source:
        for ability in (CanReply, CanLookUp, CanFetch, CanModerate):
            assert isinstance(source, ability)
        mention = await first(source)
    assert mention == Mention(
        source="maps",
        id="r7",
        text="Nikto sa neozval.",
        created_at=NOON - timedelta(hours=30),
        url="https://business.google.com/reply?r=7",
        author="Eva",
        rating=2.0,
        reply="Už sme volali.",
    )


async def test_stars_alone_are_a_review_and_anonymous_people_have_no_name() -> None:
    silent = review(7, 1, starRating="ONE", reviewer={"displayName": "A Google user", "isAnonymous": True})
    del silent["comment"]
    async with connected(Profile([silent]).google) as source:
        mention = await first(source)
    assert (mention.text, mention.rating, mention.author) == ("★☆☆☆☆", 1.0, "")


@pytest.mark.parametrize(
    "text",
    [
        "Nikto sa neozval.",
        "(Translated by Google) Nobody called back.\n\n(Original)\nNikto sa neozval.",
        "Nikto sa neozval.\n\n(Translated by Google)\nNobody called back.",
    ],
)
async def test_translations_are_left_out(text: str) -> None:
    async with connected(Profile([review(7, 1, comment=text, reviewReply={"comment": text})]).google) as source:
        mention = await first(source)
        assert (mention.text, mention.reply) == ("Nikto sa neozval.", "Nikto sa neozval.")
        assert await source.find_reply(mention, "Nikto sa neozval.", "key")


def test_a_translation_without_its_original_is_better_than_nothing() -> None:
    assert googlebusiness._as_written("(Translated by Google) Nice shop.").strip() == "Nice shop."


async def test_pages_since_the_last_time() -> None:
    profile = Profile([review(n, 100 + n) for n in range(120)])
    async with connected(profile.google) as source:
        pages = await poll(source)
        assert len(ids(pages)) == 50, "the first time the newest page is enough"
        profile.reviews += [review(1000 + n, n / 10) for n in range(70)]
        profile.reviews[110]["updateTime"] = ago(1)
        later = await poll(source, pages[-1].cursor)
        assert len(later) == 2 and {*(f"r{1000 + n}" for n in range(70)), "r110"} <= set(ids(later))
        assert len(await poll(source, later[-1].cursor)) == 1
        profile.reviews = []
        assert ids(await poll(source, later[-1].cursor)) == []


async def test_pages_that_google_forgot_are_begun_anew() -> None:
    profile = Profile([review(1, 100)])
    async with connected(profile.google) as source:
        cursor = (await poll(source))[-1].cursor
        profile.reviews += [review(10 + n, n / 10) for n in range(90)]
        with time_machine.travel(NOON, tick=False):
            page = await source.poll(cursor)
            assert page.more
            profile.forgotten = True
            assert ids([await source.poll(page.cursor)]) == ids([page])


async def test_answers_are_looked_at_by_google() -> None:
    profile = Profile([review(7, 1)])
    async with connected(profile.google) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        assert await source.find_reply(mention, "🙏", "key") is None
        with pytest.raises(TemporaryError):
            await source.moderation(mention, Receipt())
        receipt = await source.reply(mention, TEXT, "key")
        assert receipt == Receipt(id="r7", url=mention.url) == await source.find_reply(mention, TEXT, "key")
        assert await source.moderation(mention, receipt) == Moderated(state="pending")
        assert (await first(source)).reply == TEXT
        answer = profile.reviews[0]["reviewReply"]
        for state in ("APPROVED", "STATE_UNSPECIFIED", "SOMETHING_NEW"):
            answer["reviewReplyState"] = state
            assert await source.moderation(mention, receipt) == Moderated(state="visible")
        answer |= {"reviewReplyState": "REJECTED", "policyViolation": "OFF_TOPIC"}
        assert (await source.moderation(mention, receipt)).reason == "Google refuses the answer: off topic"
        assert (await first(source)).reply == "", "nobody sees it"
        answer["policyViolation"] = {"reason": "<script>"}
        refusal = await source.moderation(mention, receipt)
        assert refusal.state == "refused" and refusal.reason.endswith("not say why")


async def test_another_answer_is_a_persons() -> None:
    profile = Profile([review(7, 1)])
    async with connected(profile.google) as source:
        mention = await first(source)
        await source.reply(mention, "Ozveme sa do piatka.", "key")
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, TEXT, "key")
        assert await source.find_reply(await first(source), TEXT, "key") is None, "known, and replaced"
        await source.reply(mention, "ž" * 2048, "key")
        with pytest.raises(PermanentError, match="the answer"):
            await source.reply(mention, "ž" * 2049, "key")
    rules = source.reply_rules
    assert (rules.kind, rules.max_length, rules.unit, rules.moderated) == ("overwrite", 4096, "bytes", True)


async def test_a_lost_receipt_is_looked_up() -> None:
    async with connected(Profile([review(7, 1)], lost=True).google) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert await source.find_reply(mention, TEXT, "key")


async def test_a_grant_that_was_taken_back() -> None:
    async with connected(Profile().google, refresh_token="another") as source:
        with pytest.raises(AuthError, match="refresh token"):
            await source.poll("")


async def test_the_original_is_read_again() -> None:
    profile = Profile([review(7, 1)])
    async with connected(profile.google) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        profile.reviews[0]["comment"] = "Už sa ozvali."
        edited = await source.fetch(mention)
        assert edited and edited.text == "Už sa ozvali."
        profile.reviews.clear()
        assert await source.fetch(mention) is None
        for odd in (b"[]", b"{}", b'{"reviewId": "r8", "starRating": "ONE"}'):
            profile.google.fault = Answer(odd)
            with pytest.raises(TemporaryError):
                await source.fetch(mention)
