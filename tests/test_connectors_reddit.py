"""The connector of Reddit: against a platform that speaks its contract, and against what others recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import reddit
from monitor.contract import CanFetch, CanLookAgain, CanLookUp, CanReply, CanReplyTo
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, ids, mistake, poll
from tests.contract import SignedInContract
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.made import NOON
from tests.recordings import replayed
from tests.reddit_platform import KEYS, NAME, PASSWORD, SECRET, RedditPlatform, comment, post

NOW = NOON.timestamp()
TEXT = "Mrzí nás to & ozveme se."


class TestRedditContract(SignedInContract):
    kind = "reddit"
    settings = {**KEYS, "inbox": False, "query": "Púpava"}
    secrets = (SECRET, PASSWORD)
    recording = (
        b'{"kind": "Listing", "data": {"after": null, "children": ['
        b'{"kind": "t1", "data": {"name": "t1_b", "author": "eva", "body": "u/pupava my parcel never came",'
        b' "created_utc": 1795000000.0, "permalink": "/r/a/comments/x/y/b/", "parent_id": "t3_x"}},'
        b'{"kind": "t3", "data": {"name": "t3_a", "author": "jan", "title": "Vases", "selftext": "the vase broke",'
        b' "created_utc": 1794990000.0, "permalink": "/r/a/comments/a/"}}]}}'
    )
    entry = rb'\{"kind": "t.*?\}\}'
    bad_entry = b'{"kind": "t3", "data": {"name": 5}}'
    phrase = b"the vase broke"
    nonsense = {"list": b"[]", "number": b"5", "inner": b'{"data": {"children": [5, null, {"data": []}]}}'}
    names = ("link_id", "subreddit")

    def platform(self) -> Callable[[Asked], Answer]:
        return RedditPlatform({"search": []})


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"password": None}, "inbox = false"),
        ({"inbox": False}, "subreddits or a query"),
        ({"subreddits": ["r/zahrada"]}, "without r/"),
        ({"client_id": "?"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("reddit", **{**KEYS, **options})
    assert hint in told and SECRET not in told


# ---- a platform


@pytest.fixture
def platform() -> RedditPlatform:
    things = {
        "message/inbox": [comment("i1", "u/pupava kde je můj balík?", NOW - 3600, context="/r/zahrada/i1/?context=3")],
        "r/zahrada+kvety/new": [post("p1", "Púpava?", NOW - 7200, "Kupovali jste tam někdo?")],
        "r/zahrada+kvety/comments": [comment("c1", "Já ano, bez potíží.", NOW - 5000, author="olga")],
    }
    return RedditPlatform(things=things)


connected = connecting("reddit", "r", **KEYS)


async def test_what_a_comment_becomes(platform: RedditPlatform) -> None:
    del platform.things["message/inbox"][0]["data"]["permalink"]  # as it is in the inbox
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
    assert mention == Mention(
        source="r",
        id="t1_i1",
        text="u/pupava kde je můj balík?",
        created_at=datetime.fromtimestamp(NOW - 3600, UTC),
        url="https://www.reddit.com/r/zahrada/i1/?context=3",
        author="eva",
        thread="t3_abc",
        raw={"subreddit": "zahrada", "addressed": True},
    )


async def test_inbox_and_subreddits_in_turn(platform: RedditPlatform) -> None:
    platform.things["message/inbox"].insert(0, {"kind": "t4", "data": {"name": "t4_x", "body": "soukromé"}})
    platform.things["r/zahrada+kvety/comments"].insert(0, comment("mine", "Díky!", NOW, author="Pupava"))
    async with connected(platform, subreddits=["zahrada", "kvety"]) as source:
        pages = await poll(source)
        assert [ids([page]) for page in pages] == [["t1_i1"], ["t3_p1"], ["t1_c1"]]
        assert [one.raw["addressed"] for page in pages for one in page.mentions] == [True, False, False]
        assert not any(page.skipped for page in pages)
    assert platform.tokens == 1
    assert platform.asked[1][2] == {"limit": "100", "raw_json": "1"}


async def test_search(platform: RedditPlatform) -> None:
    platform.things = {"search": [post("s1", "Púpava", NOW)], "r/zahrada/search": [post("s2", "Púpava", NOW)]}
    for subreddits, found in (((), ["t3_s1"]), (("zahrada",), ["t3_s2"])):
        async with connected(platform, inbox=False, password=None, query="Púpava", subreddits=subreddits) as source:
            assert ids(await poll(source)) == found
    assert [query.get("restrict_sr") for _, _, query in platform.asked] == [None, "1"]
    assert all((query["q"], query["sort"]) == ("Púpava", "new") for _, _, query in platform.asked)


async def test_pages_until_what_was_read_before(platform: RedditPlatform) -> None:
    inbox = platform.things["message/inbox"]
    platform.size = 10
    async with connected(platform) as source:
        first = await poll(source)
        inbox[:0] = [comment(f"n{n}", "u/pupava", NOW + n) for n in range(25, 0, -1)]
        later = await poll(source, first[-1].cursor, at=datetime(2026, 11, 21, 13, tzinfo=UTC))
        assert ids(later) == [f"t1_n{n}" for n in range(25, 0, -1)] + ["t1_i1"]
        assert [query.get("after") for _, _, query in platform.asked[1:]] == [None, "t1_n16", "t1_n6"]
        assert len(await poll(source, later[-1].cursor, at=datetime(2026, 11, 21, 14, tzinfo=UTC))) == 1


async def test_an_anchor_that_was_deleted_hides_nothing(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        platform.things["message/inbox"] = [comment("n1", "u/pupava haló", NOW)]
        assert ids(await poll(source, cursor)) == ["t1_n1"]


async def test_deleted_posts_and_authors_are_reported(platform: RedditPlatform) -> None:
    platform.things["r/zahrada+kvety/comments"] = [
        comment("d1", "[deleted]", NOW, author="[deleted]"),
        comment("d2", "Slova zůstala, autor ne.", NOW, author=None),
        comment("d3", "[removed]", NOW),
    ]
    async with connected(platform, inbox=False, subreddits=["zahrada", "kvety"]) as source:
        pages = await poll(source)
    assert pages[1].gone == ("t1_d1", "t1_d2", "t1_d3") and not pages[1].mentions


async def test_known_posts_are_looked_at_again(platform: RedditPlatform) -> None:
    kept = ["t3_p1", "t1_c1", "t1_i1"]
    async with connected(platform, subreddits=["zahrada", "kvety"]) as source:
        assert isinstance(source, CanLookAgain)
        read = {mention.id: mention for page in await poll(source) for mention in page.mentions}
        page = await source.look_again([*kept, "199000"])
        assert page.gone == () and page.looked == (*kept, "199000")
        assert {one.id: one.content_hash for one in page.mentions} == {one: read[one].content_hash for one in kept}
        platform.deleted = {"t3_p1"}
        assert (await source.look_again(kept)).gone == ("t3_p1",)
        platform.hidden = {"t1_i1", "t1_c1"}
        assert (await source.look_again(kept)).gone == tuple(kept)
        platform.hidden.add("t3_p1")
        with pytest.raises(TemporaryError, match="nothing of what is kept"):
            await source.look_again(kept)
        platform.hidden.remove("t1_i1")
        assert (await source.look_again(kept[:2])).gone == tuple(kept[:2]), "something else is there"


# ---- quotas, tokens, errors


async def test_waits_for_the_next_window(platform: RedditPlatform) -> None:
    platform.left = 1.0
    async with connected(platform) as source:
        (page,) = await poll(source)
        assert page.wait == 240
        platform.fault = Answer(status=429, headers={"x-ratelimit-reset": "33"})
        with pytest.raises(TemporaryError) as caught:
            await source.poll("")
    assert caught.value.retry_after == 33


async def test_a_token_that_reddit_forgot_is_renewed_once(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        await poll(source)
        platform.valid = "another"
        assert ids(await poll(source)) == ["t1_i1"]
        assert platform.tokens == 2
        platform.valid = "another"
        mention = (await poll(source))[0].mentions[0]
        platform.valid = "another"
        await source.reply(mention, TEXT, "key")
    assert len(platform.things[f"user/{NAME}/comments"]) == 1


async def test_wrong_keys(platform: RedditPlatform) -> None:
    async with connected(platform, client_secret="wrong-secret") as source:
        with pytest.raises(AuthError):
            await source.poll("")
    platform.wrong_password = True
    async with connected(platform) as source:
        with pytest.raises(AuthError, match="password"):
            await source.poll("")


async def test_no_such_subreddit(platform: RedditPlatform) -> None:
    async with connected(platform, inbox=False, subreddits=["nowhere"]) as source:
        with pytest.raises(NotFound, match="no such subreddit"):
            await source.poll("")


@pytest.mark.parametrize("body", [b"", b"5", b"[]", b"{}", b"<html>", b'{"access_token": []}'])
async def test_a_token_that_is_none(body: bytes) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(body)

    async with Loopback(answer) as server, LoopbackHttp(server.origin) as http:
        source = reddit.connect(reddit.Settings(kind="reddit", name="r", **KEYS), http)
        with pytest.raises(TemporaryError):
            await source.poll("")
        assert len(server.asked) == 1


async def test_no_token_at_the_moment() -> None:
    async with Loopback(Answer(status=503)) as server, LoopbackHttp(server.origin) as http:
        source: Any = reddit.connect(reddit.Settings(kind="reddit", name="r", **KEYS), http)
        mention = Mention(source="r", id="t1_a", text="?", created_at=NOON, raw={"addressed": True})
        with pytest.raises(TemporaryError, match="no token"):
            await source.reply(mention, TEXT, "key")


async def test_one_thread_at_a_time(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        pages = await asyncio.gather(*(source.poll("") for _ in range(8)))
    assert ids(pages) == ["t1_i1"] * 8 and platform.tokens == 1


# ---- answers


async def test_abilities_follow_the_settings(platform: RedditPlatform) -> None:
    reads = {"inbox": False, "password": None, "query": "a"}
    for options, answers in (({}, True), ({"replies": "manual"}, False), (reads, False)):
        async with connected(platform, **options) as source:
            for ability in (CanReply, CanReplyTo, CanLookUp, CanFetch):
                assert isinstance(source, ability) == answers
            assert (source.reply_rules.kind == "create") == answers
            assert SECRET not in repr(vars(source)) and PASSWORD not in repr(vars(source))


async def test_reply(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert (receipt.id, receipt.url) == ("t1_own0", "https://www.reddit.com/r/zahrada/comments/abc/kytky/own0/")
        assert await source.find_reply(mention, TEXT, "key") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Něco docela jiného.", "key")
    sent = next(query for method, _, query in platform.asked if method == "POST")
    assert (sent["thing_id"], sent["text"]) == ("t1_i1", TEXT)


async def test_unasked_answers_are_a_persons(platform: RedditPlatform) -> None:
    async with connected(platform, inbox=False, subreddits=["zahrada", "kvety"]) as source:
        mention = await first(source)
        assert source.reply_rules_for(mention).kind == "manual" and source.reply_rules_for(mention).note
        requests = len(platform.asked)
        with pytest.raises(PermanentError, match="a person"):
            await source.reply(mention, TEXT, "key")
        assert len(platform.asked) == requests
    async with connected(platform, inbox=False, subreddits=["zahrada", "kvety"], replies="all") as source:
        assert (await source.reply(mention, TEXT, "key")).id


def said(*errors: list[str]) -> Answer:
    return Answer(json.dumps({"json": {"errors": errors}}).encode())


@pytest.mark.parametrize(
    ("fault", "error", "hint", "pause"),
    [
        (said(["RATELIMIT", "Take a break for 9 minutes before going on.", "ratelimit"]), TemporaryError, "break", 540),
        (said(["RATELIMIT", "Take a break for 3 seconds.", "ratelimit"]), TemporaryError, "break", 3),
        (said(["RATELIMIT", "?", "ratelimit"]), TemporaryError, "break", 600),
        (said(["THREAD_LOCKED", "Comments are locked.", "parent"]), PermanentError, "THREAD_LOCKED", None),
        (said(["<script>", "", ""]), PermanentError, r"\?", None),
        (Answer(b'{"json": {"errors": 5}}'), PermanentError, r"\?", None),
        (Answer(b'{"json": {"errors": [], "data": {"things": []}}}'), OutcomeUnknown, "does not say", None),
        (Answer(b"{"), OutcomeUnknown, "understood", None),
        (Answer(status=403), PermanentError, "let this account", None),
        (Answer(status=429, headers={"Retry-After": "7"}), TemporaryError, "429", 7),
    ],
)
async def test_refused_replies(
    platform: RedditPlatform, fault: Answer, error: type[SourceError], hint: str, pause: float | None
) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        requests = len(platform.asked)
        platform.fault = fault
        with pytest.raises(error, match=hint) as caught:
            await source.reply(mention, TEXT, "key")
        assert getattr(caught.value, "retry_after", None) == pause
    assert len(platform.asked) == requests + 1, "praw tries nothing again"


async def test_a_lost_receipt_is_looked_up_not_repeated(platform: RedditPlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert (await source.find_reply(mention, TEXT, "key")).id == "t1_own0"
    assert len(platform.things[f"user/{NAME}/comments"]) == 1


async def test_too_many_own_comments_are_a_persons(platform: RedditPlatform) -> None:
    platform.things[f"user/{NAME}/comments"] = [comment(f"o{n}", "Díky", NOW, NAME) for n in range(60)]
    platform.size = 10
    async with connected(platform) as source:
        with pytest.raises(PermanentError, match="so much"):
            await source.find_reply(await first(source), TEXT, "key")


async def test_the_original_is_read_again(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert (await source.fetch(mention)).content_hash == mention.content_hash
        platform.things["message/inbox"][0]["data"]["body"] = "u/pupava už přišel"
        edited = await source.fetch(mention)
        assert (edited.text, edited.raw["addressed"]) == ("u/pupava už přišel", True)
        platform.deleted = {mention.id}
        assert await source.fetch(mention) is None
        platform.hidden = {mention.id}
        with pytest.raises(TemporaryError):
            await source.fetch(mention)


# ---- what others recorded

LISTINGS = [
    "TestInbox.test_mentions",
    "TestInbox.test_unread",
    "TestInbox.test_comment_replies",
    "TestSubredditListings.test_new",
    "TestSubredditListings.test_comments",
    "TestDomainListing.test_new",
]


@pytest.mark.parametrize("name", LISTINGS)
async def test_recorded_listings(platform: RedditPlatform, name: str) -> None:
    answer = replayed(f"reddit/{name}.json", "oauth.reddit.com")[0]
    async with connected(platform) as source:
        platform.fault = answer
        page = (await poll(source))[0]
    children = json.loads(answer.body)["data"]["children"]
    found = {mention.id for mention in page.mentions} | set(page.gone)
    assert found == {one["data"]["name"] for one in children if one["kind"] != "t4"} and found
    for mention in page.mentions:
        assert (
            (mention.text or mention.title)
            and mention.author
            and mention.url.startswith(("https://www.reddit.com/r/", "https://www.reddit.com/comments/"))
        )


async def test_recorded_answers_to_replies(platform: RedditPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = replayed("reddit/TestComment.test_reply.json", "api/comment")[0]
        assert (await source.reply(mention, TEXT, "key")).id.startswith("t1_")
        platform.fault = replayed("reddit/TestComment.test_reply__none.json", "api/comment")[0]
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        for name in ("TestObjector.test_raise_api_exception", "TestReddit.test_username_available_exception"):
            platform.fault = replayed(f"reddit/{name}.json", "oauth.reddit.com")[0]
            with pytest.raises(SourceError):
                await source.reply(mention, TEXT, "key")
