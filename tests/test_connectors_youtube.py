"""The connector of YouTube, against a Data API on 127.0.0.1 that pages, counts units and checks who asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from pydantic import ValidationError

from connectors import youtube
from monitor.contract import CanFetch, CanLookAgain, CanLookUp, CanReply, MustLookAgain, Page
from monitor.errors import AuthError, BudgetSpent, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.contract import JsonContract
from tests.google_platform import CLIENT, REFRESH, SECRET, GooglePlatform, refused
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.recordings import recorded

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = "AIzaCanaryCanaryCanaryCanary01"
CHANNEL, VIDEO, OTHER = f"UC{'p' * 22}", "abcdefghij1", "abcdefghij2"
OAUTH = {"client_id": CLIENT, "client_secret": SECRET, "refresh_token": REFRESH}


class TestYouTubeContract(JsonContract):
    kind = "youtube"
    settings = {"channel": CHANNEL, "key": KEY}
    secrets = (KEY,)
    recording = (
        b'{"kind": "youtube#commentThreadListResponse", "items": ['
        b'{"id": "Ugx0000000001", "snippet": {"topLevelComment": {"id": "Ugx0000000001", "snippet": {"textDisplay":'
        b' "the tent leaks", "authorDisplayName": "@eva", "publishedAt": "2026-11-20T10:00:00Z"}}, "canReply": true}},'
        b'{"id": "Ugx0000000002", "snippet": {"topLevelComment": {"id": "Ugx0000000002", "snippet": {"textDisplay":'
        b' "mine too", "authorDisplayName": "@jan", "publishedAt": "2026-11-20T09:00:00Z"}}, "canReply": true}}]}'
    )
    entry = rb'\{"id": "Ugx\d+", "snippet": \{"topL.*?"canReply": true\}\}'
    bad_entry = b'{"id": "Ugx0000000001", "snippet": {"topLevelComment": {"id": 5}, "canReply": true}}'
    phrase = b"the tent leaks"
    nonsense = {"list": b"[]", "items": b'{"items": [5, null, {"id": []}]}', "none": b'{"items": 7}'}
    names = ("textOriginal", "authorChannelId", "videoId", "replies", "comments")


def comment(number: str, text: str = "Stan tečie", ago: float = 3600, by: str = "eva", **more: Any) -> dict[str, Any]:
    written = (NOON - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z")
    writer = {"authorDisplayName": f"@{by}", "authorChannelId": {"value": CHANNEL if by == "pupava" else f"UC-{by}"}}
    return {"id": number, "snippet": {"textDisplay": text, "publishedAt": written, **writer, **more}}


def number(n: int) -> str:
    return f"Ugx{n:010d}"


@dataclass
class Comments:
    """`threads` are pairs of a comment and the answers to it, by video."""

    threads: dict[str, list[tuple[dict[str, Any], list[dict[str, Any]]]]] = field(default_factory=dict)
    units: int = 0
    limit: int = 10_000
    closed: bool = False
    fault: Answer | None = None  # of an answer
    asked: list[dict[str, str]] = field(default_factory=list)

    def add(self, top: dict[str, Any], *answers: dict[str, Any], video: str = VIDEO) -> None:
        self.threads.setdefault(video, []).append((top, list(answers)))

    @property
    def all(self) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
        return [(video, *pair) for video, pairs in self.threads.items() for pair in pairs]

    def with_key(self, asked: Asked) -> Answer:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if headers.get("x-goog-api-key") != KEY:
            return refused(400, "keyInvalid")
        assert asked.method == "GET"
        return self.serve(asked)

    def serve(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query))
        self.units += 50 if asked.method == "POST" else 1
        if self.units > self.limit:
            return refused(403, "quotaExceeded")
        self.asked.append(query)
        if asked.method == "POST":
            return self._insert(json.loads(asked.body)["snippet"])
        assert query["textFormat"] == "plainText" and not ("id" in query and "maxResults" in query)
        if url.path == "/youtube/v3/comments":
            return self._comments(query)
        assert url.path == "/youtube/v3/commentThreads"
        return self._threads(query)

    def _threads(self, query: dict[str, str]) -> Answer:
        found = self.all
        if "videoId" in query:
            if query["videoId"] not in self.threads:
                return refused(404, "videoNotFound")
            if not self.threads[query["videoId"]]:
                return refused(403, "commentsDisabled")
            found = [one for one in found if one[0] == query["videoId"]]
        elif "id" in query:
            found = [one for one in found if one[1]["id"] == query["id"]]
        else:
            assert query["allThreadsRelatedToChannelId"] == CHANNEL and query["order"] == "time"
        found = sorted(found, key=lambda one: one[1]["snippet"]["publishedAt"], reverse=True)
        start, size = int(query.get("pageToken", "0")), int(query.get("maxResults", "20"))
        items = [self._shown(*one) for one in found[start : start + size]]
        following = {"nextPageToken": str(start + size)} if len(found) > start + size else {}
        return listed(items, **following)

    def _shown(self, video: str, top: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
        snippet = {"videoId": video, "topLevelComment": top, "canReply": not self.closed}
        return {"id": top["id"], "snippet": snippet, "replies": {"comments": answers}}

    def _comments(self, query: dict[str, str]) -> Answer:
        if "parentId" in query:
            answers = next(answers for _, top, answers in self.all if top["id"] == query["parentId"])
            start = int(query.get("pageToken", "0"))
            following = {"nextPageToken": str(start + 2)} if len(answers) > start + 2 else {}
            return listed(answers[start : start + 2], **following)
        wanted = query["id"].split(",")
        return listed([one for _, top, answers in self.all for one in (top, *answers) if one["id"] in wanted])

    def _insert(self, snippet: dict[str, str]) -> Answer:
        thread = next((one for one in self.all if one[1]["id"] == snippet["parentId"]), None)
        if thread is None:
            return refused(404, "parentCommentNotFound")
        if len(snippet["textOriginal"]) > 10_000:
            return refused(400, "commentTextTooLong")
        made = comment(f"{snippet['parentId']}.answer{len(thread[2]):06d}", snippet["textOriginal"], 0, "pupava")
        thread[2].append(made)
        return self.fault or Answer(json.dumps(made).encode())


def listed(items: list[dict[str, Any]], **more: Any) -> Answer:
    return Answer(json.dumps({"kind": "youtube#list", "items": items, **more}).encode())


@asynccontextmanager
async def connected(platform: Comments, **options: Any) -> AsyncIterator[youtube.YouTube]:
    """With a key, or with what the owner granted."""
    granted = "client_id" in options
    answers: Any = GooglePlatform(scope="", serve=platform.serve) if granted else platform.with_key
    known = {"kind": "youtube", "name": "yt", "channel": CHANNEL, "key": KEY}
    async with Loopback(answers) as server, LoopbackHttp(server.origin, total=4.0) as http:
        yield youtube.connect(youtube.Settings(**known | options), http)


async def poll(source: youtube.YouTube, cursor: str = "", at: datetime = NOON) -> list[Page]:
    pages: list[Page] = []
    with time_machine.travel(at, tick=False):
        while not pages or pages[-1].more:
            pages.append(await source.poll(cursor))
            cursor = pages[-1].cursor
    return pages


def read(pages: list[Page]) -> dict[str, Mention]:
    return {mention.id: mention for page in pages for mention in page.mentions}


# ---- what is read


async def test_what_a_comment_becomes() -> None:
    platform = Comments()
    answers = [
        comment(f"{number(1)}.{'a' * 12}", "A kedy?", 60, "jan"),
        comment(f"{number(1)}.{'b' * 12}", "Hneď", 90, "pupava"),
    ]
    platform.add(comment(number(1), "Stan <b> tečie"), *answers)
    platform.add(comment(number(2), "Novinka!", by="pupava"))
    async with connected(platform) as source:
        assert isinstance(source, CanFetch) and not isinstance(source, CanReply)
        found = read(await poll(source))
    first, second = found.values()
    assert (first.text, first.author, first.reply, first.thread) == ("Stan <b> tečie", "@eva", "Hneď", "")
    assert first.url == f"https://www.youtube.com/watch?v={VIDEO}&lc={number(1)}"
    assert first.created_at == NOON - timedelta(hours=1)
    assert (second.text, second.thread) == ("A kedy?", number(1))


async def test_own_names_are_left_out() -> None:
    platform = Comments()
    platform.add(comment(number(1), by="jana_shop"))
    async with connected(platform, own_names=("@jana_shop",)) as source:
        assert not read(await poll(source))


async def test_pages_since_the_last_time() -> None:
    platform = Comments()
    for n in range(250):
        platform.add(comment(number(n), ago=90_000 + 100 * n))
    async with connected(platform) as source:
        first = await poll(source)
        assert len(read(first)) == 100, "the first time the newest page is enough"
        for n in range(1000, 1250):
            platform.add(comment(number(n), ago=80_000 - 60 * (n - 1000)))
        later = await poll(source, first[-1].cursor)
        assert {number(n) for n in range(1000, 1250)} <= set(read(later)) and len(later) == 3
        assert len(await poll(source, later[-1].cursor)) == 1


async def test_videos_of_others_and_one_that_cannot_be_read() -> None:
    platform = Comments({OTHER: []})
    platform.add(comment(number(1)))
    async with connected(platform, channel="", videos=(VIDEO, OTHER, "zzzzzzzzzzz")) as source:
        pages = await poll(source)
    assert list(read(pages)) == [number(1)]
    skipped = [why for page in pages for why in page.skipped]
    assert "switched off" in skipped[0] and "no such video" in skipped[1]
    async with connected(platform, channel="", videos=("zzzzzzzzzzz",)) as source:
        with pytest.raises(NotFound):
            await source.poll("")


async def test_what_is_kept_is_refreshed() -> None:
    """A unit for fifty comments."""
    platform = Comments()
    for n in range(50):
        platform.add(comment(number(n)))
    kept = [number(n) for n in range(50)]
    async with connected(platform) as source:
        assert isinstance(source, CanLookAgain) and isinstance(source, MustLookAgain)
        assert source.looks_at_once == 50 and source.look_within == timedelta(days=30)
        found = read(await poll(source))
        platform.units = 0
        page = await source.look_again(kept)
        assert platform.units == 1 and page.looked == tuple(kept) and not page.gone
        assert all(one.content_hash == found[one.id].content_hash for one in page.mentions)
        assert {(one.url, len(one.raw)) for one in page.mentions} == {("", 0)}, "what is known of that stays"
        platform.threads[VIDEO][1] = (comment(number(1), "Už je suchý"), [])
        del platform.threads[VIDEO][0]
        page = await source.look_again([*kept, "1990000000000000001?"])
    assert page.gone == (number(0),) and page.mentions[0].text == "Už je suchý" and len(page.looked) == 51


async def test_what_is_not_there_is_gone_where_others_are() -> None:
    platform, kept = Comments(), [number(1), number(2)]
    async with connected(platform) as source:
        with pytest.raises(TemporaryError, match="nothing of what is kept"):
            await source.look_again(kept)
        platform.add(comment(number(9)))
        assert (await source.look_again(kept)).gone == tuple(kept)


async def test_looks_take_a_tenth_of_the_units_at_most() -> None:
    platform = Comments()
    platform.add(comment(number(1)))
    async with connected(platform, daily_units=200) as source:
        with time_machine.travel(NOON, tick=False):
            for _ in range(20):
                await source.look_again([number(1)])
            with pytest.raises(BudgetSpent, match="20 rechecks"):
                await source.look_again([number(1)])
        assert platform.units == 20 and await poll(source)
        assert source._units.left(writing=True) == 200 - platform.units


# ---- units


async def test_sources_with_the_same_key_share_the_units_of_a_day() -> None:
    platform = Comments(limit=180)
    platform.add(comment(number(1)))
    late = datetime(2026, 11, 22, 7, 59, tzinfo=UTC)  # a minute before midnight in California, nothing spread any more
    async with connected(platform, daily_units=200) as one:
        other = youtube.connect(one._settings.model_copy(update={"name": "other"}), one._http)
        for turn in range(180):
            await poll(other if turn % 2 else one, at=late)
        for source in (one, other):
            with time_machine.travel(late, tick=False), pytest.raises(BudgetSpent, match="200 units a day") as caught:
                await source.poll("")
            assert caught.value.until == late + timedelta(minutes=1)
        assert platform.units == 180, "the rest is kept for answers"
        platform.units = 0
        assert await poll(one, at=late + timedelta(minutes=1))


async def test_used_up_units_are_waited_for() -> None:
    platform = Comments(limit=0)
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False), pytest.raises(TemporaryError, match="used up") as caught:
            await source.poll("")
    assert caught.value.retry_after == 20 * 3600


async def test_answers_and_looks_are_counted() -> None:
    platform = Comments()
    platform.add(comment(number(1)))
    async with connected(platform, **OAUTH) as source:
        assert isinstance(source, youtube.AnsweringYouTube)
        [page] = await poll(source)
        with time_machine.travel(NOON, tick=False):
            await source.reply(page.mentions[0], "Ďakujeme.", "key-1")
            await source.find_reply(page.mentions[0], "Ďakujeme.", "key-1")
        [page] = await poll(source, page.cursor)
        with time_machine.travel(NOON, tick=False):
            left = source._units.left(writing=True)
    assert 10_000 - left == platform.units == 1 + 50 + 1 + 1


# ---- keys


@pytest.mark.parametrize("options", [{"key": "AIzaWrongCanary0001"}, {**OAUTH, "refresh_token": "wrong-canary"}])
async def test_what_is_refused_is_the_keys(options: dict[str, Any]) -> None:
    async with connected(Comments(), **options) as source:
        with pytest.raises(AuthError) as caught:
            await source.poll("")
    assert "anary" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"key": None}, "set a key"),
        ({"channel": ""}, "channel or videos"),
        ({**OAUTH, "channel": "", "videos": (VIDEO,)}, "in whose name"),
        ({"client_id": CLIENT}, "needs all of"),
        ({"videos": ("https://youtu.be/x",)}, "no ID of a video"),
        ({"channel": "@pupava"}, "pattern"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        youtube.Settings(**{"kind": "youtube", "channel": CHANNEL, "key": KEY, **options})


# ---- answers


@asynccontextmanager
async def answering(platform: Comments) -> AsyncIterator[tuple[youtube.AnsweringYouTube, Mention]]:
    platform.add(comment(number(1)), comment(f"{number(1)}.{'a' * 12}", "Aj mne", 60, "jan"))
    async with connected(platform, **OAUTH) as source:
        assert isinstance(source, youtube.AnsweringYouTube) and isinstance(source, CanReply | CanLookUp)
        yield source, read(await poll(source))[number(1)]


async def test_an_answer_stands_below_its_comment_and_is_found() -> None:
    async with answering(Comments()) as (source, mention):
        assert await source.find_reply(mention, "Ďakujeme, ozveme sa.", "key-1") is None
        receipt = await source.reply(mention, "Ďakujeme, ozveme sa.", "key-1")
        assert receipt.url == f"https://www.youtube.com/watch?v={VIDEO}&lc={receipt.id}"
        assert await source.find_reply(mention, "Ďakujeme, ozveme sa.", "key-1") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo iné", "key-2")
        again = await source.fetch(mention)
        assert again and again.reply == "Ďakujeme, ozveme sa." and again.content_hash == mention.content_hash


async def test_who_answers_an_answer_answers_its_thread() -> None:
    platform = Comments()
    async with answering(platform) as (source, _):
        inside = read(await poll(source))[f"{number(1)}.{'a' * 12}"]
        receipt = await source.reply(inside, "Ďakujeme.", "key-1")
        assert receipt.id.startswith(f"{number(1)}.")
        again = await source.fetch(inside)
        assert again and again.text == "Aj mne" and again.url == inside.url


async def test_the_original_is_gone() -> None:
    platform = Comments()
    async with answering(platform) as (source, mention):
        platform.threads.clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.reply(mention, "Ďakujeme.", "key-1")


async def test_closed_threads_are_a_persons() -> None:
    async with answering(Comments(closed=True)) as (source, mention):
        assert source.reply_rules_for(mention).kind == "manual"
        with pytest.raises(PermanentError):
            await source.reply(mention, "Ďakujeme.", "key-1")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b"{}"), OutcomeUnknown),
        (Answer(b"<html>"), OutcomeUnknown),
        (Answer(status=503), OutcomeUnknown),
        (Answer(hang=True), OutcomeUnknown),
        (refused(403, "quotaExceeded"), TemporaryError),
        (refused(403, "forbidden"), AuthError),
        (refused(400, "commentTextTooLong"), PermanentError),
    ],
)
async def test_answers_that_are_not_taken(fault: Answer, error: type[Exception]) -> None:
    async with answering(Comments(fault=fault)) as (source, mention):
        with pytest.raises(error):
            await source.reply(mention, "Ďakujeme.", "key-1")


# ---- odd and real answers


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("comment_thread_single.json", 1),
        ("comment_threads_all_to_me.json", 4),
        ("comment_threads_by_channel.json", 2),
        ("comment_threads_by_video_paged_1.json", 5),
        ("comment_threads_by_video_paged_2.json", 5),
        ("comment_threads_multi.json", 2),
    ],
)
async def test_real_threads(name: str, count: int) -> None:
    async with Loopback(Answer(recorded(f"youtube/{name}"))) as server, LoopbackHttp(server.origin) as http:
        settings = youtube.Settings(kind="youtube", channel=CHANNEL, key=KEY)
        page = await youtube.connect(settings, http).poll("")
    assert len(page.mentions) >= count and not page.skipped
    assert all(mention.text and mention.author and mention.created_at.year < 2026 for mention in page.mentions)


async def test_a_real_refusal() -> None:
    async with (
        Loopback(Answer(recorded("youtube/error_response.json"), 400)) as server,
        LoopbackHttp(server.origin) as http,
    ):
        settings = youtube.Settings(kind="youtube", channel=CHANNEL, key=KEY)
        with pytest.raises(AuthError, match="key"):
            await youtube.connect(settings, http).poll("")
