"""The connector of Bluesky: against a server that speaks its contract, and against what others recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from connectors import bluesky
from monitor.contract import CanFetch, CanLookAgain, CanLookUp, CanReply, CanReplyTo
from monitor.errors import AuthError, BudgetSpent, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.bluesky_platform import DID, KEYS, NOON, PASSWORD, BlueskyPlatform, post, said, uri
from tests.connecting import connecting, first, ids, mistake, poll, sharing, used
from tests.contract import SignedInContract
from tests.loopback import Answer, Asked
from tests.recordings import recorded

TEXT = "Mrzí nás to. Více na https://pupava.example/reklamace, ozveme se."


class TestBlueskyContract(SignedInContract):
    kind = "bluesky"
    settings = {**KEYS, "mentions": False, "query": "Púpava", "replies": "all"}
    secrets = (PASSWORD, "access-1", "refresh-1")
    recording = (
        b'{"posts": [{"uri": "at://did:plc:eva/app.bsky.feed.post/3kb", "cid": "c2", "author":'
        b' {"did": "did:plc:eva", "handle": "eva.example"}, "record": {"text": "@pupava my parcel never came"},'
        b' "reason": "mention", "indexedAt": "2026-11-20T10:00:00.000Z"},'
        b'{"uri": "at://did:plc:jan/app.bsky.feed.post/3ka", "cid": "c1", "author":'
        b' {"did": "did:plc:jan", "handle": "jan.example"}, "record": {"text": "the vase broke", "langs": ["en"]},'
        b' "reason": "reply", "indexedAt": "2026-11-20T09:00:00.000Z"}], "cursor": "c"}'
    )
    entry = rb'\{"uri": "at:.*?00Z"\}'
    bad_entry = b'{"uri": "at://nobody", "record": {"text": 5}}'
    phrase = b"the vase broke"
    nonsense = {"list": b"[]", "number": b"5", "inner": b'{"posts": [5, null, {"record": []}]}'}
    names = ("facets", "features", "uri", "did")

    def platform(self) -> Callable[[Asked], Answer]:
        return BlueskyPlatform()


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"mentions": False}, "mentions = true or a query"),
        ({"handle": "@pupava.example"}, "pattern"),
        ({"service": "bsky.social"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("bluesky", **{**KEYS, **options})
    assert hint in told and PASSWORD not in told


# ---- a server


@pytest.fixture
def platform() -> BlueskyPlatform:
    return BlueskyPlatform([post(2, "@pupava Kde je můj balík?", 60), post(1, "Púpava kvete.", 90, "did:plc:jan")])


connected = connecting("bluesky", "b", **KEYS)


async def test_what_a_post_becomes(platform: BlueskyPlatform) -> None:
    root, parent = {"uri": uri(7, DID), "cid": "c7"}, {"uri": uri(8, DID), "cid": "c8"}
    platform.posts[0]["record"]["reply"] = {"root": root, "parent": parent}
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
    assert (mention.id, mention.text, mention.language) == (uri(2), "@pupava Kde je můj balík?", "cs")
    assert (mention.author, mention.url) == ("Eva", "https://bsky.app/profile/eva.example/post/3k000002")
    assert mention.thread == uri(8, DID) and mention.raw == {"cid": "cid2", "root": root, "addressed": True}


async def test_mentions_and_search_in_turn(platform: BlueskyPlatform) -> None:
    async with connected(platform, query="Púpava") as source:
        pages = await poll(source)
    assert [len(page.mentions) for page in pages] == [1, 2]


@pytest.mark.parametrize("options", [{}, {"mentions": False, "query": "Púpava"}])
async def test_pages_since_the_last_time(platform: BlueskyPlatform, options: dict[str, Any]) -> None:
    async with connected(platform, **options) as source:
        first = await poll(source)
        platform.posts[:0] = [post(100 + n, f"@pupava {n}", -60 - n) for n in range(25, 0, -1)]
        platform.size = 10
        later = await poll(source, first[-1].cursor, at=datetime(2026, 11, 21, 16, 0, tzinfo=UTC))
        assert {uri(100 + n) for n in range(1, 26)} <= set(ids(later)) and len(later) == 3


async def test_the_first_time_the_newest_page_is_enough(platform: BlueskyPlatform) -> None:
    platform.size = 10
    platform.posts[:0] = [post(100 + n, f"@pupava {n}", 30) for n in range(30)]
    async with connected(platform) as source:
        assert len(ids(await poll(source))) == 10


async def test_what_is_found_late_is_found(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        platform.posts.insert(1, post(3, "@pupava pozdě", 100))
        assert uri(3) in ids(await poll(source, cursor))


async def test_own_posts_are_left_out(platform: BlueskyPlatform) -> None:
    platform.posts[:0] = [post(5, "@my jsme Púpava", did=DID), post(6, "@i my", did="did:plc:shop")]
    async with connected(platform, own_names=("shop.example",)) as source:
        assert ids(await poll(source)) == [uri(2)]


# ---- the session, quotas, errors


def methods(platform: BlueskyPlatform) -> list[str]:
    return [method.rpartition(".")[2] for method, _ in platform.asked]


async def test_one_session_serves_many_requests(platform: BlueskyPlatform) -> None:
    async with connected(platform, query="Púpava") as source:
        await poll(source)
        await poll(source)
    assert methods(platform).count("createSession") == 1


async def test_sources_of_one_account_share_its_session(platform: BlueskyPlatform) -> None:
    async with sharing("bluesky", platform, *[KEYS] * 40) as (ledger, sources):
        await asyncio.gather(*(poll(source) for source in sources))
        assert methods(platform).count("createSession") == used(ledger, sources[0], "sign-ins") == 1
        platform.forget_token()
        await asyncio.gather(*(poll(source) for source in sources))
    assert methods(platform).count("createSession") == methods(platform).count("refreshSession") == 1


async def test_nobody_signs_in_more_often_than_thirty_times_in_five_minutes(platform: BlueskyPlatform) -> None:
    platform.refuses_refresh = True
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            for _ in range(30):
                await source.poll("")
                platform.forget_token()
            with pytest.raises(BudgetSpent, match="30 repeated sign-ins"):
                await source.poll("")
    assert methods(platform).count("createSession") == 30


@pytest.mark.parametrize(("name", "limit"), [("points", 5_000), ("daily points", 35_000)])
async def test_the_points_of_an_hour_and_of_a_day_are_kept_to(platform: BlueskyPlatform, name: str, limit: int) -> None:
    async with sharing("bluesky", platform, KEYS, KEYS) as (ledger, (source, other)):
        mention = await first(source)
        budget = next(one for one in source.budgets if one.name == name)
        with time_machine.travel(NOON, tick=False):
            ledger.meter(budget).take(limit - 3)
            await source.reply(mention, TEXT, "key")
            with pytest.raises(BudgetSpent, match=f"{limit:,} {name}"):
                await other.reply(mention, TEXT, "other key")
    assert len(platform.records) == 1


async def test_a_token_that_is_too_old_is_renewed(platform: BlueskyPlatform) -> None:
    async with sharing("bluesky", platform, KEYS) as (ledger, (source,)):
        await poll(source)
        platform.forget_token()
        assert len(ids(await poll(source))) == 1
        assert methods(platform)[-3:] == ["listNotifications", "refreshSession", "listNotifications"]
        platform.forget_token()
        platform.refuses_refresh = True
        mention = (await poll(source))[0].mentions[0]
        assert methods(platform)[-3:] == ["refreshSession", "createSession", "listNotifications"]
        platform.forget_token()
        await source.reply(mention, TEXT, "key")
        assert used(ledger, source, "requests") == len(platform.asked)
    assert len(platform.records) == 1


async def test_many_at_once_sign_in_once(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        await asyncio.gather(*(source.poll("") for _ in range(5)))
    assert methods(platform).count("createSession") == 1


async def test_a_wrong_password(platform: BlueskyPlatform) -> None:
    async with connected(platform, app_password="wrong-canary") as source:
        with pytest.raises(AuthError, match="app password") as caught:
            await source.poll("")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b"<html>", 503), TemporaryError),
        (Answer(status=429, headers={"RateLimit-Reset": "30"}), TemporaryError),
        (said([]), TemporaryError),
        (said({"did": DID}), TemporaryError),
    ],
)
async def test_when_nobody_is_let_in(platform: BlueskyPlatform, fault: Answer, error: type[SourceError]) -> None:
    platform.fault = fault
    async with connected(platform) as source:
        with pytest.raises(error):
            await source.poll("")


async def test_waits_for_the_next_window(platform: BlueskyPlatform) -> None:
    platform.left = 1
    async with connected(platform) as source:
        (page,) = await poll(source)
        assert page.wait == 120
        with time_machine.travel(NOON, tick=False), pytest.raises(TemporaryError) as caught:
            await source.poll(page.cursor)
    assert caught.value.retry_after == 120


@pytest.mark.parametrize(
    ("fault", "error", "hint"),
    [
        (said({"error": "BadQueryString"}, 400), PermanentError, "BadQueryString"),
        (said({"error": "<b>"}, 400), PermanentError, "does not say"),
        (said({"error": "AccountTakedown"}, 400), AuthError, "closed"),
        (said({"error": "AuthMissing"}, 401), AuthError, "401"),
    ],
)
async def test_refusals(platform: BlueskyPlatform, fault: Answer, error: type[SourceError], hint: str) -> None:
    async with connected(platform) as source:
        await poll(source)
        platform.fault = fault
        with pytest.raises(error, match=hint):
            await source.poll("")


# ---- deletions


async def test_deleted_posts_are_reported(platform: BlueskyPlatform) -> None:
    platform.posts.append(post(3, "@pupava ahoj"))
    kept = [uri(3), uri(2), "t3_abc"]
    async with connected(platform) as source:
        assert isinstance(source, CanLookAgain) and source.looks_at_once == 25
        assert (await source.look_again(kept)).gone == ()
        platform.posts = [one for one in platform.posts if one["uri"] != uri(2)]
        page = await source.look_again(kept)
    assert page.gone == (uri(2),) and page.looked == tuple(kept)


async def test_an_answer_without_any_posts_is_not_believed(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        kept, platform.posts = [one["uri"] for one in platform.posts], []
        with pytest.raises(TemporaryError, match="nothing of what is kept"):
            await source.look_again(kept)
        platform.posts.append(post(9, "@pupava ahoj"))
        assert (await source.look_again(kept)).gone == tuple(kept), "other posts are there"


# ---- answers


async def test_abilities_follow_the_options(platform: BlueskyPlatform) -> None:
    for options, answers in (({}, True), ({"replies": "manual"}, False)):
        async with connected(platform, **options) as source:
            await poll(source)
            for ability in (CanReply, CanReplyTo, CanLookUp, CanFetch):
                assert isinstance(source, ability) == answers
            rules = source.reply_rules
            assert (rules.kind == "key") == answers
            assert (rules.max_length, rules.unit, rules.max_bytes, rules.channel) == (300, "graphemes", 3000, "post")
            assert not [secret for secret in (PASSWORD, "access-", "refresh-") if secret in repr(vars(source))]


async def test_reply(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert await source.reply(mention, TEXT, "key") == receipt, "a repetition is harmless"
        assert await source.find_reply(mention, TEXT, "key") == receipt
        assert await source.find_reply(mention, TEXT, "another key") is None
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Něco docela jiného.", "key")
    ((key, record),) = platform.records.items()
    assert receipt.url == f"https://bsky.app/profile/{DID}/post/{key}"
    parent = {"uri": uri(2), "cid": "cid2"}
    assert (record["text"], record["langs"], record["reply"]) == (TEXT, ["cs"], {"root": parent, "parent": parent})
    (facet,) = record["facets"]
    places = facet["index"]
    assert TEXT.encode()[places["byteStart"] : places["byteEnd"]] == b"https://pupava.example/reklamace"
    assert facet["features"][0]["uri"] == "https://pupava.example/reklamace"


async def test_an_answer_in_a_thread_names_its_root(platform: BlueskyPlatform) -> None:
    root = {"uri": uri(7, DID), "cid": "c7"}
    platform.posts[0]["record"]["reply"] = {"root": root, "parent": {"uri": uri(8), "cid": "c8"}}
    async with connected(platform) as source:
        await source.reply(await first(source), TEXT, "key")
    (record,) = platform.records.values()
    assert record["reply"] == {"root": root, "parent": {"uri": uri(2), "cid": "cid2"}}


async def test_a_lost_receipt_is_found(platform: BlueskyPlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert (await source.find_reply(mention, TEXT, "key")).id in {
            f"at://{DID}/{bluesky.POST}/{k}" for k in platform.records
        }


async def test_only_those_who_addressed_the_account_are_answered(platform: BlueskyPlatform) -> None:
    named = {"facets": [{"features": [{"$type": "app.bsky.richtext.facet#mention", "did": DID}]}]}
    answering = {"reply": {"parent": {"uri": uri(9, DID), "cid": "c"}}}
    platform.posts = [post(3, "s jmenem", **named), post(4, "odpověď", **answering), post(5, "o nás")]
    async with connected(platform, mentions=False, query="a") as source:
        *addressing, other = (await poll(source))[0].mentions
        assert [source.reply_rules_for(one).kind for one in (*addressing, other)] == ["key", "key", "manual"]
        assert "quote the account" in source.reply_rules_for(other).note
        with pytest.raises(PermanentError, match="quote the account"):
            await source.reply(other, TEXT, "key")
        assert not platform.records
    async with connected(platform, mentions=False, query="a", replies="all") as source:
        assert (await source.reply(other, TEXT, "key")).id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (said({"error": "InvalidRequest"}, 400), PermanentError),
        (said({"error": "AuthMissing"}, 401), AuthError),
        (said({"error": "InvalidSwap"}, 409), PermanentError),
        (said({}, 429), TemporaryError),
    ],
)
async def test_refused_replies(platform: BlueskyPlatform, fault: Answer, error: type[SourceError]) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = fault
        with pytest.raises(error):
            await source.reply(mention, TEXT, "key")
    assert not platform.records


async def test_accepted_is_accepted_whatever_it_says(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        for body in (b"", b"[]", b'{"uri": 5}'):
            platform.fault = Answer(body)
            assert (await source.reply(mention, TEXT, "key")).id == ""


async def test_the_original_is_read_again(platform: BlueskyPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        platform.fault = said({})
        with pytest.raises(TemporaryError):
            await source.fetch(mention)
        platform.posts.clear()
        assert await source.fetch(mention) is None


# ---- what others recorded


async def test_recorded_thread(platform: BlueskyPlatform) -> None:
    view = json.loads(recorded("bluesky/thread_view_post_with_embed_media.json"))["thread"]["post"]
    written = {**view, "record": view["record"] | {"text": "an answer"}}
    async with connected(platform) as source:
        await poll(source)
        platform.fault = said({"notifications": [view, written]})
        page = await source.poll("")
    (mention,) = page.mentions
    assert len(page.skipped) == 1, "pictures alone say nothing"
    assert (mention.id, mention.author, mention.language) == (view["uri"], "Python SDK", "en")
    assert mention.created_at.isoformat() == "2023-09-28T12:49:36.735000+00:00"


@pytest.mark.parametrize("name", ["post_record", "extended_post_record"])
async def test_recorded_answer_of_ones_own(platform: BlueskyPlatform, name: str) -> None:
    found = json.loads(recorded(f"bluesky/{name}.json"))
    mention = Mention(source="b", id=uri(1), text="a", created_at=NOON)
    async with connected(platform) as source:
        await poll(source)
        platform.fault = said(found)
        receipt = await source.find_reply(mention, found["value"]["text"], "key")
    assert receipt.id == found["uri"]


@pytest.mark.parametrize("name", ["searchPosts", "listNotifications"])
def test_what_is_asked_for_is_in_the_official_schema(name: str) -> None:
    schema = json.loads(recorded(f"bluesky/{name}.json"))
    feeds = bluesky.Settings(kind="bluesky", query="a", **KEYS).feeds.values()
    ((listed, query),) = [(listed, query) for method, listed, query in feeds if method == schema["id"]]
    main = schema["defs"]["main"]
    known = main["parameters"]["properties"]
    assert {name for name, _ in query} | {"limit", "cursor"} <= set(known)
    assert listed in main["output"]["schema"]["required"] and known["limit"]["maximum"] == bluesky.MOST


async def test_an_answer_is_in_the_official_schema(platform: BlueskyPlatform) -> None:
    schema = json.loads(recorded("bluesky/post.json"))["defs"]["main"]
    async with connected(platform) as source:
        await source.reply(await first(source), TEXT, "key")
    (record,) = platform.records.values()
    assert schema["key"] == "tid" and set(schema["record"]["required"]) <= set(record)
    assert set(record) - {"$type"} <= set(schema["record"]["properties"])
    rules = schema["record"]["properties"]["text"]
    assert (rules["maxGraphemes"], rules["maxLength"]) == (300, 3000)
