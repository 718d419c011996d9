"""The connector of Discourse: against a forum that speaks its contract, and against what others recorded."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from connectors import discourse
from monitor.contract import CanFetch, CanLookUp, CanReply
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, mistake, numbers, poll
from tests.contract import JsonContract
from tests.discourse_platform import FORUM, KEY, KEYS, NAME, DiscoursePlatform, post, said
from tests.loopback import Answer
from tests.made import NOON
from tests.recordings import recorded

TOMORROW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
TEXT = "Mrzí nás to, **ozveme se**. Více na https://pupava.example/"


class TestDiscourseContract(JsonContract):
    kind = "discourse"
    settings = KEYS
    secrets = (KEY,)
    recording = (
        b'{"latest_posts": [{"id": 22, "username": "eva", "cooked": "<p>my parcel never came</p>", "post_number": 2,'
        b' "topic_id": 8, "topic_slug": "a", "created_at": "2026-11-20T10:00:00Z"},'
        b'{"id": 21, "username": "jan", "cooked": "<p>the vase broke</p>", "post_number": 1,'
        b' "topic_id": 8, "topic_title": "Vases", "created_at": "2026-11-20T09:00:00Z"}]}'
    )
    entry = rb'\{"id": 2.*?00Z"\}'
    bad_entry = b'{"id": "x", "cooked": 5}'
    phrase = b"the vase broke"
    nonsense = {"list": b"[]", "number": b"5", "inner": b'{"latest_posts": [5, null, {"id": true}]}'}
    names = ("name", "user_id", "hidden")


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"username": ""}, "needs a username"),
        ({"query": "a", "categories": (4,)}, "#category"),
        ({"url": "https://forum.example/"}, "pattern"),
        ({"url": "forum.example"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("discourse", **{**KEYS, **options})
    assert hint in told and KEY not in told


# ---- a forum


@pytest.fixture
def platform() -> DiscoursePlatform:
    return DiscoursePlatform([post(22, "Kde je můj balík?"), post(21, "Stan teče.", 1, "jan")])


connected = connecting("discourse", "d", **KEYS)


async def test_what_a_post_becomes(platform: DiscoursePlatform) -> None:
    quoted = '</p><aside class="quote" data-username="jan"><blockquote>Stan teče.</blockquote></aside><p>'
    platform.posts[0]["cooked"] = f"<p>{quoted}Mně <b>také</b>.</p>"
    async with connected(platform) as source:
        ((answer, opening),) = [page.mentions for page in await poll(source)]
    assert (answer.text, answer.title, answer.thread, answer.author) == ("Mně také.", "", "topic 8", "Eva")
    assert answer.url == f"{FORUM}/t/stany/8/2" and answer.raw == {"topic": 8, "place": 2, "username": "eva"}
    assert (opening.id, opening.text, opening.title, opening.thread) == ("21", "Stan teče.", "Stany a déšť", "")


def test_quotes_in_quotes_are_left_out_and_cannot_take_long() -> None:
    nested = 'a<aside class="quote">b<aside class="quote">c</aside>d</aside>e<aside>never closed'
    assert discourse._own_words(nested) == "ae"
    started = time.process_time()
    discourse._own_words('<aside class="quote"' * 10_000)
    discourse._own_words('<aside class="quote">' * 9_000)
    assert time.process_time() - started < 2


async def test_a_forum_that_anybody_may_read(platform: DiscoursePlatform) -> None:
    async with connected(platform, api_key=None) as source:
        assert numbers(await poll(source)) == [22, 21]
    platform.open_to_all = False
    async with connected(platform, api_key=None) as source:
        with pytest.raises(AuthError):
            await source.poll("")


async def test_pages_since_the_last_time(platform: DiscoursePlatform) -> None:
    async with connected(platform) as source:
        first = await poll(source)
        platform.posts += [post(100 + n, f"Nové {n}") for n in range(25)]
        platform.size = 10
        later = await poll(source, first[-1].cursor)
        assert [number for number in numbers(later) if number > 22] == [*range(124, 99, -1)] and len(later) == 3
        assert len(await poll(source, later[-1].cursor)) == 1


async def test_the_first_time_the_newest_page_is_enough(platform: DiscoursePlatform) -> None:
    platform.size = 10
    platform.posts += [post(100 + n, f"Nové {n}") for n in range(30)]
    async with connected(platform) as source:
        assert len(numbers(await poll(source))) == 10


async def test_nothing_that_came_after_an_empty_page_is_left_out(platform: DiscoursePlatform) -> None:
    platform.posts, platform.size = [], 10
    async with connected(platform) as source:
        empty = await poll(source)
        platform.posts += [post(100 + n, f"Nové {n}") for n in range(30)]
        assert len(numbers(await poll(source, empty[-1].cursor))) == 30


async def test_only_some_categories(platform: DiscoursePlatform) -> None:
    platform.posts.append(post(23, "Jinde", category_id=5))
    async with connected(platform, categories=(5,)) as source:
        assert numbers(await poll(source)) == [23]


async def test_what_a_search_finds_is_read_whole(platform: DiscoursePlatform) -> None:
    platform.posts[1]["cooked"] = platform.posts[1]["raw"] = "Stan teče a nikdo se neozývá. " * 20
    async with connected(platform, query="Púpava") as source:
        first = await poll(source)
        assert numbers(first) == [22, 21]
        opening = first[-1].mentions[0]
        assert opening.text == platform.posts[1]["raw"].strip() and opening.title == "Stany a déšť"
        assert await source.fetch(opening) == opening
        platform.posts += [post(100 + n, f"Nové {n}") for n in range(25)]
        platform.size, platform.unreadable = 10, {105}
        del platform.posts[10]
        later = await poll(source, first[-1].cursor)
        assert sorted(numbers(later)) == sorted({*range(100, 125)} - {105, 108})
        assert len(await poll(source, later[-1].cursor)) == 1
    asked = [query["q"] for path, query in platform.asked if path == "/search.json"]
    assert asked[0] == "Púpava order:latest" and asked[-1] == "Púpava after:2026-11-19 order:latest"


async def test_a_post_that_is_gone_before_it_is_read(platform: DiscoursePlatform) -> None:
    async with connected(platform, query="Púpava") as source:
        with time_machine.travel(NOON, tick=False):
            page = await source.poll("")
            platform.posts.clear()
            while page.more:
                page = await source.poll(page.cursor)
                assert not page.mentions and not page.skipped


@pytest.mark.parametrize("document", [[], {"posts": 5, "grouped_search_result": 7}, {}])
async def test_something_that_is_no_search(platform: DiscoursePlatform, document: Any) -> None:
    async with connected(said(document), query="Púpava") as source:
        with pytest.raises(TemporaryError):
            await source.poll("")


async def test_a_search_without_results(platform: DiscoursePlatform) -> None:
    async with connected(said({"posts": [], "grouped_search_result": None}), query="Púpava") as source:
        assert not (await poll(source))[0].skipped


async def test_what_is_left_out(platform: DiscoursePlatform) -> None:
    platform.posts += [
        post(30, "My!", username=NAME.title()),
        post(31, "I my!", username="eshop"),
        post(32, "Vítejte", username="system", user_id=-1),
        post(33, "uzamčeno", post_type=3),
    ]
    async with connected(platform, own_names=("Eshop",)) as source:
        assert numbers(await poll(source)) == [22, 21]


# ---- limits, deletions


async def test_too_many_requests(platform: DiscoursePlatform) -> None:
    platform.left = 1
    async with connected(platform) as source:
        mention = await first(source)
        for request in (source.poll(""), source.reply(mention, TEXT, "key")):
            with pytest.raises(TemporaryError) as caught:
                await request
            assert caught.value.retry_after == pytest.approx(33, abs=5)


async def test_deleted_and_hidden_posts_are_reported(platform: DiscoursePlatform) -> None:
    platform.posts.append(post(23, "Sedlo taky"))
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        assert [page.gone for page in await poll(source, cursor)] == [()]
        del platform.posts[0]
        platform.posts[0]["user_deleted"] = True
        platform.unreadable = {23}
        pages = await poll(source, cursor, at=TOMORROW)
        assert set(pages[0].gone) | set(pages[1].gone) == {"21", "22"}
        assert not [page.gone for page in await poll(source, pages[-1].cursor, at=TOMORROW) if "22" in page.gone]


# ---- answers


async def test_abilities_follow_the_key(platform: DiscoursePlatform) -> None:
    for options, answers in (({}, True), ({"replies": "manual"}, False), ({"api_key": None}, False)):
        async with connected(platform, **options) as source:
            for ability in (CanReply, CanLookUp, CanFetch):
                assert isinstance(source, ability) == answers
            assert (source.reply_rules.kind == "create") == answers and source.reply_rules.channel == "post"
            assert KEY not in repr(vars(source))


async def test_reply(platform: DiscoursePlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert (receipt.id, receipt.url) == ("23", f"{FORUM}/t/-/8/3")
        assert platform.posts[-1]["reply_to_post_number"] == 2
        platform.posts[-1]["cooked"] = "<p>looks <strong>otherwise</strong></p>"
        assert await source.find_reply(mention, TEXT, "key") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Něco docela jiného.", "key")
        with pytest.raises(PermanentError, match="posted before"):
            await source.reply(mention, TEXT, "key")


async def test_an_answer_among_many(platform: DiscoursePlatform) -> None:
    platform.posts += [post(100 + n, f"a {n}", 10 + n, reply_to_post_number=2) for n in range(45)]
    async with connected(platform) as source:
        mention = await source.fetch(Mention(source="d", id="22", text="a", created_at=NOON))
        receipt = await source.reply(mention, TEXT, "key")
        assert await source.find_reply(mention, TEXT, "key") == receipt
        platform.posts += [post(200 + n, f"b {n}", 100 + n, reply_to_post_number=2) for n in range(100)]
        with pytest.raises(PermanentError, match="so many"):
            await source.find_reply(mention, "Něco docela jiného.", "key")


async def test_a_lost_receipt_is_found(platform: DiscoursePlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert (await source.find_reply(mention, TEXT, "key")).id == "23"


async def test_an_answer_that_waits_for_a_moderator(platform: DiscoursePlatform) -> None:
    platform.moderated = True
    async with connected(platform) as source:
        assert (await source.reply(await first(source), TEXT, "key")).id == ""


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (said({}, 403), PermanentError),
        (said({"errors": ["Body is too short"]}, 422), PermanentError),
        (said({}, 401), AuthError),
        (Answer(status=429, headers={"Retry-After": "5"}), TemporaryError),
    ],
)
async def test_refused_replies(platform: DiscoursePlatform, fault: Answer, error: type[SourceError]) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = fault
        with pytest.raises(error):
            await source.reply(mention, TEXT, "key")
        with pytest.raises(PermanentError, match="which post"):
            await source.reply(Mention(source="d", id="22", text="a", created_at=NOON), TEXT, "key")
    assert len(platform.posts) == 2


async def test_accepted_is_accepted_whatever_it_says(platform: DiscoursePlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        for body in (b"", b"[]", b'{"id": "5"}'):
            platform.fault = Answer(body)
            assert (await source.reply(mention, TEXT, "key")).id == ""


async def test_the_original_is_read_again(platform: DiscoursePlatform) -> None:
    async with connected(platform) as source:
        for mention in (await poll(source))[0].mentions:
            assert await source.fetch(mention) == mention
        platform.fault = said([])
        with pytest.raises(TemporaryError):
            await source.fetch(mention)
        platform.posts[1]["deleted_at"] = "2026-11-21T10:00:00Z"
        assert await source.fetch(mention) is None
        platform.posts.clear()
        assert await source.fetch(mention) is None


# ---- what others recorded


async def test_recorded_posts(platform: DiscoursePlatform) -> None:
    body = recorded("discourse/posts.json")
    people = [one for one in json.loads(body)["latest_posts"] if one["user_id"] > 0]
    async with connected(Answer(body)) as source:
        page = (await poll(source))[0]
    assert numbers([page]) == [one["id"] for one in people] and not page.skipped
    assert [mention.text for mention in page.mentions] == [one["raw"] for one in people]
