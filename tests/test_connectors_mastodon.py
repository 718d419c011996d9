"""The connector of Mastodon: against an instance that speaks its contract, and against what others recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from connectors import mastodon
from monitor.contract import CanFetch, CanLookUp, CanReply, CanReplyTo
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, first, mistake, numbers, poll
from tests.contract import JsonContract
from tests.loopback import Answer
from tests.made import NOON
from tests.mastodon_platform import ACCOUNT, INSTANCE, KEYS, TOKEN, MastodonPlatform, said, status
from tests.odd import spoiled
from tests.recordings import replayed

TEXT = "Mrzí nás to & ozveme se."
TAG_ONLY = {"access_token": None, "mentions": False, "hashtags": ("zahrada",)}


class TestMastodonContract(JsonContract):
    kind = "mastodon"
    settings = KEYS
    secrets = (TOKEN,)
    recording = (
        b'[{"id": "32", "type": "mention", "status": {"id": "902", "created_at": "2026-11-20T10:00:00.000Z",'
        b' "account": {"acct": "eva@jinde.example", "display_name": "Eva"}, "mentions": [{"acct": "pupava"}],'
        b' "visibility": "public", "content": "<p>@pupava my parcel never came</p>", "url": "https://jinde.example/2"}},'
        b'{"id": "31", "type": "mention", "status": {"id": "901", "created_at": "2026-11-20T09:00:00.000Z",'
        b' "account": {"acct": "jan", "display_name": ""}, "mentions": [{"acct": "pupava"}],'
        b' "visibility": "unlisted", "content": "<p>the vase broke, @pupava</p>", "url": "https://social.example/1"}}]'
    )
    entry = rb'\{"id": "3.*?\}\}'
    bad_entry = b'{"id": "33", "type": "mention", "status": {"id": 5}}'
    phrase = b"the vase broke"
    nonsense = {"number": b"5", "object": b"{}", "inner": b'[5, null, {"status": 7}]'}
    names = ("spoiler_text", "language")


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"access_token": None}, "mentions = false"),
        ({"access_token": None, "mentions": False}, "hashtags or a query"),
        ({"account": ""}, "set account"),
        ({"hashtags": ("#zahrada",)}, "without the #"),
        ({"instance": "social.example"}, "pattern"),
        ({"instance": "https://social.example/@pupava"}, "pattern"),
        ({"account": "@pupava"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("mastodon", **{**KEYS, **options})
    assert hint in told and TOKEN not in told


# ---- an instance


@pytest.fixture
def platform() -> MastodonPlatform:
    return MastodonPlatform([status(902, "@pupava Kde je můj balík?"), status(901, "Púpava kvete. #zahrada")])


connected = connecting("mastodon", "m", **KEYS)


async def test_what_a_post_becomes(platform: MastodonPlatform) -> None:
    platform.posts[0] |= {"spoiler_text": "reklamace", "in_reply_to_id": "77", "content": "<p>@pupava <b>Kde</b></p>"}
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source) if page.mentions]
    assert (mention.id, mention.title, mention.text, mention.language) == ("902", "reklamace", "@pupava Kde", "cs")
    assert (mention.author, mention.url, mention.thread) == ("Eva", "https://jinde.example/@eva/902", "77")
    assert mention.raw == {"acct": "eva@jinde.example", "visibility": "public", "addressed": True}


async def test_mentions_hashtags_and_search_in_turn(platform: MastodonPlatform) -> None:
    async with connected(platform, hashtags=("zahrada",), query="Púpava") as source:
        pages = await poll(source)
    assert [len(page.mentions) for page in pages] == [1, 2, 2, 0]
    assert [path for path, _ in platform.asked] == [
        "/api/v1/notifications",
        "/api/v1/timelines/tag/zahrada",
        "/api/v2/search",
        "/api/v2/instance",
    ]


async def test_hashtags_need_no_account(platform: MastodonPlatform) -> None:
    async with connected(platform, **TAG_ONLY, account="") as source:
        assert numbers(await poll(source)) == [902, 901]
        assert not isinstance(source, CanReply)


@pytest.mark.parametrize("options", [{}, {"mentions": False, "query": "Púpava"}, TAG_ONLY])
async def test_pages_since_the_last_time(platform: MastodonPlatform, options: dict[str, Any]) -> None:
    async with connected(platform, **options) as source:
        first = await poll(source)
        platform.posts += [status(1000 + n, f"@pupava {n}") for n in range(25)]
        platform.size = 10
        later = await poll(source, first[-1].cursor)
        assert sorted(numbers(later)) == [*range(1000, 1025)]
        assert numbers(await poll(source, later[-1].cursor)) == []
        assert numbers(await poll(source, first[-1].cursor)) == numbers(later), "nothing is kept between polls"


async def test_the_first_time_the_newest_page_is_enough(platform: MastodonPlatform) -> None:
    platform.size = 10
    platform.posts += [status(1000 + n, f"@pupava {n}") for n in range(30)]
    async with connected(platform) as source:
        assert len(numbers(await poll(source))) == 10


async def test_nothing_that_came_after_an_empty_page_is_left_out(platform: MastodonPlatform) -> None:
    platform.posts, platform.size = [], 10
    async with connected(platform) as source:
        empty = await poll(source)
        platform.posts += [status(1000 + n, f"@pupava {n}") for n in range(30)]
        assert len(numbers(await poll(source, empty[-1].cursor))) == 30


async def test_own_posts_are_left_out(platform: MastodonPlatform) -> None:
    platform.posts += [status(910, "My!", ACCOUNT.title()), status(911, "I my!", "Shop@jinde.example")]
    async with connected(platform, **TAG_ONLY, own_names=("shop@jinde.example",)) as source:
        assert numbers(await poll(source)) == [902, 901]


async def test_what_few_people_may_read_is_left_out_unless_it_is_wanted(platform: MastodonPlatform) -> None:
    platform.posts += [status(910, "@pupava tajně", visibility="direct"), status(911, "@p", visibility="private")]
    async with connected(platform) as source:
        assert numbers(await poll(source)) == [902]
    async with connected(platform, private=True) as source:
        pages = await poll(source)
        assert numbers(pages) == [910, 902]
        await source.reply(pages[0].mentions[0], TEXT, "key")
    assert platform.sent[0]["visibility"] == "direct"


async def test_notifications_whose_post_was_deleted(platform: MastodonPlatform) -> None:
    document = [{"id": "5", "type": "mention", "status": None}, {"id": "4", "type": "mention"}]
    async with connected(said(document)) as source:
        page = (await poll(source))[0]
    assert not page.mentions and not page.skipped and json.loads(page.cursor)["since"] == {"mentions": "5"}


@given(st.lists(spoiled(status(901, "Púpava kvete."), TestMastodonContract.names), max_size=5))
async def test_nothing_that_a_post_with_a_hashtag_holds_breaks_the_reading(posts: list[dict[str, Any]]) -> None:
    async with connected(said(posts), **TAG_ONLY) as source:
        page = await source.poll("")
    assert all(mention.id and (mention.text or mention.title) for mention in page.mentions)


# ---- quotas, errors


async def test_waits_for_the_next_window(platform: MastodonPlatform) -> None:
    platform.left = 1
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            page = await source.poll("")
            assert page.wait == 120
            with pytest.raises(TemporaryError) as caught:
                await source.poll(page.cursor)
            assert caught.value.retry_after == 120
            assert len(platform.asked) == 1, "nothing is asked that would be refused"
            with pytest.raises(TemporaryError) as caught:
                await source.reply(page.mentions[0], TEXT, "key")
            assert caught.value.retry_after == 120


async def test_a_wrong_token(platform: MastodonPlatform) -> None:
    async with connected(platform, access_token="wrong") as source:
        with pytest.raises(AuthError):
            await source.poll("")


# ---- deletions and edits


async def test_deleted_posts_are_reported_and_edited_ones_read_anew(platform: MastodonPlatform) -> None:
    platform.posts.append(status(903, "@pupava ahoj"))
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        assert [page.gone for page in await poll(source, cursor)] == [()]
        del platform.posts[0]
        platform.posts[-1]["content"] = "<p>@pupava už je to dobré</p>"
        tomorrow = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
        pages = await poll(source, cursor, at=tomorrow)
        assert [page.gone for page in pages if page.gone] == [("902",)]
        assert [m.text for page in pages for m in page.mentions] == ["@pupava už je to dobré"]
        assert not [page for page in await poll(source, pages[-1].cursor, at=tomorrow) if page.gone or page.mentions]


async def test_no_checks_where_none_are_wanted(platform: MastodonPlatform) -> None:
    async with connected(platform, recheck_days=0) as source:
        cursor = (await poll(source))[-1].cursor
        platform.posts.clear()
        pages = await poll(source, cursor, at=datetime(2026, 11, 25, tzinfo=UTC))
        assert not [page for page in pages if page.gone]


# ---- answers


async def test_abilities_follow_the_keys(platform: MastodonPlatform) -> None:
    for options, answers in (({}, True), ({"replies": "manual"}, False), (TAG_ONLY, False)):
        async with connected(platform, **options) as source:
            for ability in (CanReply, CanReplyTo, CanLookUp, CanFetch):
                assert isinstance(source, ability) == answers
            assert (source.reply_rules.kind == "key") == answers and source.reply_rules.channel == "post"
            assert TOKEN not in repr(vars(source))


async def test_reply(platform: MastodonPlatform) -> None:
    async with connected(platform, visibility="unlisted") as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        receipt = await source.reply(mention, TEXT, "key")
        assert await source.reply(mention, TEXT, "key") == receipt, "the same key is the same answer"
        assert await source.find_reply(mention, TEXT, "key") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Něco docela jiného.", "key")
    assert len(platform.keys) == 1 and receipt.id == "903"
    sent = {"status": f"@eva@jinde.example {TEXT}", "in_reply_to_id": "902", "visibility": "unlisted"}
    assert platform.sent == [sent | {"language": "cs"}] * 2


async def test_a_lost_receipt_is_found(platform: MastodonPlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        assert (await source.find_reply(mention, TEXT, "key")).id == "903"


async def test_only_those_who_mention_the_account_are_answered(platform: MastodonPlatform) -> None:
    async with connected(platform, mentions=False, hashtags=("zahrada",)) as source:
        addressing, other = (await poll(source))[0].mentions
        assert [source.reply_rules_for(one).kind for one in (addressing, other)] == ["key", "manual"]
        assert "mention the account" in source.reply_rules_for(other).note
        with pytest.raises(PermanentError, match="mention the account"):
            await source.reply(other, TEXT, "key")
        assert not platform.sent
    async with connected(platform, mentions=False, hashtags=("zahrada",), replies="all") as source:
        assert (await source.reply(other, TEXT, "key")).id


@pytest.mark.parametrize("limit", [500, 5000])
async def test_the_length_is_that_of_the_instance(platform: MastodonPlatform, limit: int) -> None:
    platform.limit = limit
    async with connected(platform) as source:
        pages = await poll(source)
        mention, cursor = pages[0].mentions[0], pages[-1].cursor
        most = source.reply_rules_for(mention).max_length
        assert most == limit - len("@eva ") - 11
        await source.reply(mention, "a" * most, "long")
        await source.reply(mention, "https://a.sk ".ljust(most, "a"), "with a link that counts as a longer one")
        with pytest.raises(PermanentError):
            await source.reply(mention, "a" * (limit + 1), "longer")
    async with connected(platform) as source:
        await source.poll(cursor)
        assert source.reply_rules.max_length == limit, "known from the cursor"


async def test_an_instance_that_does_not_say_its_limit(platform: MastodonPlatform) -> None:
    platform.has_instance = False
    async with connected(platform) as source:
        await poll(source)
        assert source.reply_rules.max_length == 500


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (said({}, 401), AuthError),
        (said({}, 404), NotFound),
        (said({}, 422), PermanentError),
        (Answer(status=429, headers={"Retry-After": "5"}), TemporaryError),
    ],
)
async def test_refused_replies(platform: MastodonPlatform, fault: Answer, error: type[SourceError]) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = fault
        with pytest.raises(error):
            await source.reply(mention, TEXT, "key")
    assert not platform.keys


async def test_accepted_is_accepted_whatever_it_says(platform: MastodonPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        for body in (b"", b"[]", b'{"id": 5}'):
            platform.fault = Answer(body)
            assert (await source.reply(mention, TEXT, "key")).id == ""


async def test_the_original_is_read_again(platform: MastodonPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        platform.fault = said([])
        with pytest.raises(TemporaryError):
            await source.fetch(mention)
        platform.posts.clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.find_reply(mention, TEXT, "key")


# ---- what others recorded


@pytest.mark.parametrize(
    ("name", "path", "options"),
    [
        ("test_notifications", "v1/notifications", {}),
        ("test_notifications_exclude_and_types", "exclude_types%5B%5D=follow_request", {}),
        ("test_entity_notification", "v1/notifications", {}),
        ("test_hashtag_tl", "timelines/tag", {"mentions": False, "hashtags": ("hoot",)}),
        ("test_search", "type=statuses", {"mentions": False, "query": "a"}),
        ("test_get_pagination_info", "/statuses?limit=5", {"mentions": False, "hashtags": ("a",)}),
    ],
)
async def test_recorded_timelines(name: str, path: str, options: dict[str, Any]) -> None:
    answer = next(one for one in replayed(f"mastodon/{name}.yaml", path, "GET") if one.body.startswith((b"[{", b'{"')))
    async with connected(answer, **options) as source:
        page = (await poll(source))[0]
    found = json.loads(answer.body)
    entries = found["statuses"] if isinstance(found, dict) else found
    posts = [one.get("status") if "type" in one else one for one in entries]
    public = [one["id"] for one in posts if one and one["visibility"] in ("public", "unlisted")]
    assert [mention.id for mention in page.mentions] == list(dict.fromkeys(public))
    assert not page.skipped and page.wait == 0


async def test_recorded_conversation() -> None:
    (answer,) = replayed("mastodon/test_entity_context.yaml", "/context", "GET")
    (post,) = json.loads(answer.body)["descendants"]
    raw = {"acct": "someone@else.example", "addressed": True}
    mention = Mention(source="m", id=post["in_reply_to_id"], text="a", created_at=NOON, raw=raw)
    async with connected(answer, account=post["account"]["acct"]) as source:
        found = await source.find_reply(mention, mastodon.html_to_text(post["content"]), "key")
        assert found.id == post["id"]
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, TEXT, "key")


async def test_recorded_limit(platform: MastodonPlatform) -> None:
    (answer,) = replayed("mastodon/test_hashtag_tl.yaml", "v2/instance", "GET")
    async with connected(platform) as source:
        page = await source.poll("")
        platform.fault = answer
        cursor = json.loads((await source.poll(page.cursor)).cursor)
    said = json.loads(answer.body)["configuration"]["statuses"]["max_characters"]
    assert cursor["limit"] == said and cursor["limit_at"] > 0
    assert INSTANCE not in json.dumps(cursor)
