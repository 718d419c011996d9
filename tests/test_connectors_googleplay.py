"""The connector of Google Play, against one on 127.0.0.1 that pages, forgets pages, and keeps its rules of replies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine

from connectors import googleplay
from monitor.contract import CanFetch, CanLookUp, CanModerate, CanReply, Receipt
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, ids, mistake, poll
from tests.contract import SignedInContract
from tests.google_platform import GooglePlatform, refused, service_account
from tests.loopback import Answer, Asked
from tests.made import NOON
from tests.recordings import recorded

APP = "sk.pupava.app"
KEYS = {"app": APP, "service_account": service_account()}
NOW = int(NOON.timestamp())
TEXT = "Dobrý deň, mrzí nás to a opravíme to."


class TestGooglePlayContract(SignedInContract):
    kind = "googleplay"
    settings = KEYS
    secrets = (json.loads(service_account())["private_key"], "ya29.token")
    recording = (
        b'{"reviews": [{"reviewId": "gp:AOb", "authorName": "Eva", "comments": [{"userComment": {"text":'
        b' "\\tit crashes when I pay", "lastModified": {"seconds": "1795200000"}, "starRating": 1}}]},'
        b'{"reviewId": "gp:AOa", "authorName": "Jan", "comments": [{"userComment": {"text": "Nice\\tand quick",'
        b' "lastModified": {"seconds": "1795100000", "nanos": 5}, "starRating": 5, "reviewerLanguage": "en_GB"}}]}],'
        b' "pageInfo": {"totalResults": 2}}'
    )
    entry = rb'\{"reviewId": .*?\}\}\]\}'
    bad_entry = b'{"reviewId": "gp:AOc", "comments": []}'
    phrase = b"it crashes when I pay"
    uncounted = "^/token$"  # is asked of accounts.google.com
    nonsense = {"list": b"[]", "reviews": b'{"reviews": [5, null, {"reviewId": []}]}', "none": b'{"reviews": 7}'}
    names = ("developerComment",)

    def platform(self) -> Callable[[Asked], Answer]:
        return Play().google


def review(number: int, ago: int, text: str = "\tPadá to.", **more: Any) -> dict[str, Any]:
    said = {"text": text, "lastModified": {"seconds": str(NOW - ago)}, "starRating": 2, "reviewerLanguage": "sk"}
    return {"reviewId": f"gp:{number}", "authorName": "Eva", "comments": [{"userComment": said | more}]}


@dataclass
class Play:
    """Reviews lie about in no order. `lost` replies are taken, and their receipt is not."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    forgotten: bool = False
    lost: bool = False

    def __post_init__(self) -> None:
        self.google = GooglePlatform(scope=googleplay.SCOPE, serve=self.serve)

    def serve(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        base = f"/androidpublisher/v3/applications/{APP}/reviews"
        assert url.path.startswith(base)
        wanted = unquote(url.path.removeprefix(base).strip("/"))
        if not wanted:
            return self._list(parse_qs(url.query))
        found = next((one for one in self.reviews if one["reviewId"] == wanted.removesuffix(":reply")), None)
        if found is None:
            return refused(404, "reviewNotFound")
        if asked.method == "GET":
            return Answer(json.dumps(found).encode())
        assert asked.method == "POST" and wanted.endswith(":reply")
        return self._reply(found, json.loads(asked.body)["replyText"])

    def _list(self, query: dict[str, list[str]]) -> Answer:
        if "token" in query and self.forgotten:
            return refused(400, "invalidPageToken")
        size, start = int(query["maxResults"][0]), int(query.get("token", ["p0"])[0][1:])
        said = [one["comments"][0]["userComment"]["lastModified"]["seconds"] for one in self.reviews]
        newest = [one for _, one in sorted(zip(said, self.reviews, strict=True), key=lambda pair: pair[0])][::-1]
        document: dict[str, Any] = {"reviews": newest[start : start + size]} if newest else {}
        if len(newest) > start + size:
            document["tokenPagination"] = {"nextPageToken": f"p{start + size}"}
        return Answer(json.dumps(document).encode())

    def _reply(self, found: dict[str, Any], text: str) -> Answer:
        if len(text) > 350:
            return refused(400, "replyTextTooLong")
        shown = re.sub(r"<[^>]*>", "", text)
        found["comments"][1:] = [{"developerComment": {"text": shown, "lastModified": {"seconds": str(NOW)}}}]
        if self.lost:
            return Answer(status=503)
        return Answer(json.dumps({"result": {"replyText": shown, "lastEdited": {"seconds": str(NOW)}}}).encode())


connected = connecting("googleplay", "play", **KEYS)


@pytest.mark.parametrize("options", [{"app": "pupava"}, {"app": "../x.y"}, {"service_account": "secret-canary"}])
def test_settings_refuse_what_cannot_be(options: dict[str, Any]) -> None:
    told = mistake("googleplay", **{**KEYS, **options})
    assert "canary" not in told


async def test_what_a_review_becomes() -> None:
    play = Play([review(7, 60, "Hanba\tPlatba padá.", appVersionName="2.1")])
    play.reviews[0]["comments"].append({"developerComment": {"text": "Už je to opravené."}})
    async with connected(play.google) as source:
        mention = await first(source)
        for ability in (CanReply, CanLookUp, CanFetch):
            assert isinstance(source, ability)
        assert not isinstance(source, CanModerate)
    assert mention == Mention(
        source="play",
        id="gp:7",
        text="Platba padá.",
        title="Hanba",
        created_at=datetime.fromtimestamp(NOW - 60, UTC),
        url="https://play.google.com/store/apps/details?id=sk.pupava.app&reviewId=gp%3A7",
        author="Eva",
        rating=2.0,
        language="sk",
        reply="Už je to opravené.",
        raw={"version": "2.1"},
    )


async def test_translated_reviews_are_read_as_they_were_written() -> None:
    play = Play([review(1, 5, "It crashes", originalText="Padá to")])
    async with connected(play.google, language="sk") as source:
        assert (await first(source)).text == "Padá to"


async def test_pages_until_what_was_read_before() -> None:
    play = Play([review(n, 100_000 + 60 * n) for n in range(250)])
    async with connected(play.google) as source:
        pages = await poll(source)
        assert len(set(ids(pages))) == 250, "all that Google still has, for it is a week at most"
        assert [page.wait for page in pages] == [20.0, 20.0, 0.0]
        play.reviews += [review(1000 + n, 50 + n) for n in range(120)]
        later = await poll(source, pages[-1].cursor)
        assert len(later) == 2 and {f"gp:{1000 + n}" for n in range(120)} <= set(ids(later))
        assert len(await poll(source, later[-1].cursor)) == 2, "an hour is read again"
        play.reviews = []
        assert ids(await poll(source, later[-1].cursor)) == []


async def test_pages_that_google_forgot_are_begun_anew() -> None:
    play = Play([review(n, n) for n in range(150)])
    async with connected(play.google) as source:
        with time_machine.travel(NOON, tick=False):
            page = await source.poll("")
            play.forgotten = True
            again = await source.poll(page.cursor)
        assert ids([again]) == ids([page])


async def test_reply() -> None:
    play = Play([review(7, 60)])
    async with connected(play.google) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        assert await source.find_reply(mention, "🙏", "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert receipt == Receipt(id="gp:7", url=mention.url) == await source.find_reply(mention, TEXT, "key")
        assert (await first(source)).reply == TEXT
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo celkom iné.", "key")
        assert await source.find_reply(await first(source), "Niečo celkom iné.", "key") is None, "known, and replaced"
        await source.reply(mention, "Radi <b>pomôžeme</b>.", "key")
        assert await source.find_reply(mention, "Radi <b>pomôžeme</b>.", "key") == receipt
        assert (await first(source)).reply == "Radi pomôžeme."
        with pytest.raises(PermanentError, match="the answer"):
            await source.reply(mention, "a" * 351, "key")
    assert source.reply_rules.max_length == 350


async def test_a_lost_receipt_is_looked_up() -> None:
    play = Play([review(7, 60)], lost=True)
    async with connected(play.google) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert await source.find_reply(mention, TEXT, "key")


async def test_no_right_to_reply() -> None:
    play = Play([review(7, 60)])
    async with connected(play.google) as source:
        mention = await first(source)
        play.google.fault = refused(403, "permissionDenied")
        with pytest.raises(AuthError, match="Google Play"):
            await source.reply(mention, TEXT, "key")


async def test_the_original_is_read_again() -> None:
    play = Play([review(7, 60)])
    async with connected(play.google) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        play.reviews[0]["comments"][0]["userComment"]["text"] = "Už to ide."
        edited = await source.fetch(mention)
        assert edited and edited.text == "Už to ide."
        play.reviews.clear()
        assert await source.fetch(mention) is None
        for odd in (b"[]", b"{}", b'{"reviewId": "gp:8"}'):
            play.google.fault = Answer(odd)
            with pytest.raises(TemporaryError):
                await source.fetch(mention)


def test_addresses_and_names_are_those_of_the_published_contract() -> None:
    contract = json.loads(recorded("google-discovery/androidpublisher.v3.json"))
    methods = contract["resources"]["reviews"]["methods"]
    assert contract["rootUrl"] + methods["list"]["path"] == f"{googleplay.API}/{{packageName}}/reviews"
    assert methods["reply"]["path"].endswith("/reviews/{reviewId}:reply") and methods["reply"]["httpMethod"] == "POST"
    assert {"maxResults", "token"} <= set(methods["list"]["parameters"])
    assert methods["list"]["scopes"] == [googleplay.SCOPE]
    known = review(1, 1, originalText="", appVersionName="")["comments"][0]["userComment"]
    assert set(known) <= set(contract["schemas"]["UserComment"]["properties"])
    assert set(contract["schemas"]["ReviewsReplyRequest"]["properties"]) == {"replyText"}
    assert set(contract["schemas"]["Review"]["properties"]) == set(review(1, 1))
