"""The connector of X: against a platform that speaks its contract, and against what others recorded."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given

from connectors import x
from monitor.contract import CanFetch, CanLookAgain, CanLookUp, CanReply, CanReplyTo
from monitor.errors import AuthError, BudgetSpent, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.x_posts import Reader
from tests.connecting import connecting, first, mistake, numbers, poll, sharing, used
from tests.contract import JsonContract
from tests.loopback import Answer
from tests.made import NOON
from tests.odd import odd
from tests.recordings import replayed
from tests.x_platform import ACCOUNT, BEARER, KEYS, NUMBER, XPlatform, post

TEXT = "Mrzí nás to & ozveme se."


def number(hours: float, extra: int = 0) -> int:
    """The id of a post that is so old at NOON."""
    return (int((NOON.timestamp() - hours * 3600 - 1_288_834_974.657) * 1000) << 22) + extra


OLD, NEW = number(30), number(20)
ONLY_READS = {"bearer_token": BEARER, "account_id": NUMBER, **dict.fromkeys(KEYS)}


class TestXContract(JsonContract):
    kind = "x"
    settings = {"account": ACCOUNT, "query": '"Púpava"', "mentions": False, **KEYS}
    secrets = tuple(KEYS.values())
    recording = (
        b'{"data": [{"id": "1990000000000000002", "text": "@pupava my parcel never came", "author_id": "11",'
        b' "entities": {"mentions": [{"username": "pupava"}]}, "created_at": "2026-11-20T10:00:00Z"},'
        b'{"id": "1990000000000000001", "text": "the vase broke", "author_id": "12",'
        b' "entities": {}, "created_at": "2026-11-20T09:00:00Z"}],'
        b'"includes": {"users": [{"id": "11", "name": "Eva", "username": "eva"}]},'
        b'"meta": {"newest_id": "1990000000000000002", "result_count": 2}}'
    )
    entry = rb'\{"id": "199.*?00Z"\}'
    bad_entry = b'{"id": 5, "text": []}'
    phrase = b"the vase broke"
    nonsense = {"list": b"[]", "number": b"5", "inner": b'{"data": [5, null], "meta": 3}', "types": b'{"data": 7}'}
    names = ("referenced_tweets", "note_tweet", "edit_history_tweet_ids", "type", "id")


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({}, "set bearer_token"),
        ({"bearer_token": BEARER}, "account_id"),
        ({"bearer_token": BEARER, "mentions": False}, "set a query"),
        ({"bearer_token": BEARER, "consumer_key": "x"}, "belong together"),
        ({"bearer_token": BEARER, "query": "a", "account": "@pupava"}, "pattern"),
        ({**KEYS, "monthly_cap": 0}, "greater than 0"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    told = mistake("x", **options)
    assert hint in told and all(secret not in told for secret in KEYS.values())


def test_the_account_is_known_by_its_token() -> None:
    assert x.Settings(kind="x", **KEYS).number == NUMBER


# ---- a platform


@pytest.fixture
def platform() -> XPlatform:
    return XPlatform(
        posts=[post(NEW, "@pupava Kde je můj balík?"), post(OLD, "Púpava kvete na louce i v obchodě.", author="12")]
    )


connected = connecting("x", "x", account=ACCOUNT, **KEYS)


async def test_what_a_post_becomes(platform: XPlatform) -> None:
    async with connected(platform) as source:
        (page,) = await poll(source)
    (mention,) = page.mentions
    assert (mention.id, mention.text, mention.language) == (str(NEW), "@pupava Kde je můj balík?", "cs")
    assert (mention.author, mention.url) == ("Eva 11", f"https://x.com/eva11/status/{NEW}")
    assert mention.raw == {"post": str(NEW), "username": "eva11", "addressed": True}


async def test_mentions_and_search_in_turn(platform: XPlatform) -> None:
    async with connected(platform, query='"Púpava"') as source:
        pages = await poll(source)
    assert [len(page.mentions) for page in pages] == [1, 2]
    assert [mention.raw["addressed"] for mention in pages[1].mentions] == [True, False]
    assert platform.asked[1][1]["query"] == f'("Púpava") -from:{ACCOUNT}'


@pytest.mark.parametrize("credentials", [{}, {"bearer_token": BEARER, **dict.fromkeys(KEYS)}])
async def test_pages_since_the_last_time(platform: XPlatform, credentials: dict[str, Any]) -> None:
    async with connected(platform, account_id=NUMBER, **credentials) as source:
        first = await poll(source)
        platform.posts[:0] = [post(NEW + n, f"@pupava {n}") for n in range(25, 0, -1)]
        platform.size = 10
        later = await poll(source, first[-1].cursor)
        assert numbers(later) == [NEW + n for n in range(25, 0, -1)]
        asked = [query for _, query in platform.asked[1:]]
        assert [query["since_id"] for query in asked] == [str(NEW)] * 3
        assert [query.get("pagination_token") for query in asked] == [None, "10", "20"]
        assert numbers(await poll(source, later[-1].cursor)) == []
        assert platform.asked[-1][1]["since_id"] == str(NEW + 25)


async def test_the_first_time_the_newest_page_is_enough(platform: XPlatform) -> None:
    platform.size = 10
    platform.posts[:0] = [post(NEW + n, f"@pupava {n}") for n in range(30, 0, -1)]
    async with connected(platform) as source:
        assert len(numbers(await poll(source))) == 10


async def test_nothing_that_came_after_an_empty_page_is_left_out(platform: XPlatform) -> None:
    fresh = number(-1)
    platform.posts, platform.size = [], 10
    async with connected(platform) as source:
        empty = await poll(source)
        platform.posts[:0] = [post(fresh + n, f"@pupava {n}") for n in range(30, 0, -1)]
        assert len(numbers(await poll(source, empty[-1].cursor))) == 30


async def test_a_token_that_x_has_forgotten(platform: XPlatform) -> None:
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        platform.posts[:0] = [post(NEW + n, f"@pupava {n}") for n in range(12, 0, -1)]
        platform.size, platform.forgets_tokens = 10, True
        pages = await poll(source, cursor)
        assert len(numbers(pages)) == 10 and not pages[-1].more
        platform.forgets_tokens = False
        assert len(set(numbers(await poll(source, pages[-1].cursor)))) == 12


async def test_since_id_is_never_older_than_the_search_reaches(platform: XPlatform) -> None:
    async with connected(platform, query="a", mentions=False) as source:
        cursor = (await poll(source))[-1].cursor
        await poll(source, cursor, at=datetime(2026, 12, 21, 12, 0, tzinfo=UTC))
    searched = [query for path, query in platform.asked if path.endswith("recent")]
    assert number(-24 * 23) - 2**40 < int(searched[1]["since_id"])


@pytest.mark.parametrize("new_names", [False, True])
async def test_both_ways_of_naming(platform: XPlatform, new_names: bool) -> None:
    long = {"text": "@pupava a tohle je teprve &lt;dlouhé&gt;"}
    answered = [{"type": "replied_to", "id": "5"}]
    passed_on = [{"type": "retweeted", "id": "6"}]
    platform.posts = [
        post(NEW + 2, "@pupava …", note_tweet=long, referenced_tweets=answered, edit_history_tweet_ids=[str(NEW)]),
        post(NEW + 1, "RT @pupava: sleva", referenced_tweets=passed_on),
    ]
    platform.new_names = new_names
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
    assert (mention.id, mention.thread, mention.text) == (str(NEW), "5", "@pupava a tohle je teprve <dlouhé>")
    assert mention.raw["post"] == str(NEW + 2)


async def test_own_posts_are_left_out(platform: XPlatform) -> None:
    platform.posts.insert(0, post(NEW + 1, "My jsme @pupava!", author=NUMBER))
    async with connected(platform) as source:
        assert numbers(await poll(source)) == [NEW]


@given(odd(["users", "id", "name", "username"], [str(NEW)]))
def test_nothing_that_is_told_of_authors_breaks_the_reading(includes: Any) -> None:
    reader = Reader(source="x", language="", account=ACCOUNT, number=NUMBER)
    document = {"data": [post(NEW, "Kde je balík?")], "includes": includes}
    (mention,) = reader.page(document, NOON, addressed=False).mentions
    assert mention.text == "Kde je balík?" and mention.url.endswith(f"/status/{NEW}")


# ---- quotas, money, errors


async def test_waits_for_the_next_window(platform: XPlatform) -> None:
    platform.left = 1
    async with connected(platform) as source:
        (page,) = await poll(source)
        assert page.wait == 86400
        with time_machine.travel(NOON, tick=False), pytest.raises(BudgetSpent) as caught:
            await source.poll(page.cursor)
    assert caught.value.retry_after == 86400 and len(platform.asked) == 1


def said(status: int, **words: str) -> Answer:
    return Answer(json.dumps(words).encode(), status, {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("fault", "error", "hint"),
    [
        (said(402, title="CreditsDepleted"), TemporaryError, "used up"),
        (said(429, title="UsageCapExceeded", type="https://x/usage-capped"), TemporaryError, "used up"),
        (said(403, title="Forbidden", reason="client-not-enrolled"), AuthError, "403"),
        (said(400, title="Invalid Request"), PermanentError, "400"),
        (said(200, title="x"), TemporaryError, "no list"),
        (Answer(b'{"errors": [{"title": "Authorization Error"}]}'), PermanentError, "Authorization Error"),
        (Answer(status=404), NotFound, "404"),
    ],
)
async def test_refusals(platform: XPlatform, fault: Answer, error: type[SourceError], hint: str) -> None:
    platform.fault = fault
    async with connected(platform) as source:
        with pytest.raises(error, match=hint):
            await source.poll("")


async def test_wrong_keys(platform: XPlatform) -> None:
    async with connected(platform, consumer_secret="wrong") as source:
        with pytest.raises(AuthError):
            await source.poll("")


async def test_partial_errors_take_nothing_away(platform: XPlatform) -> None:
    document = {"data": platform.posts[:1], "meta": {}, "errors": [{"resource_type": "user", "title": "Not Found"}]}
    async with connected(Answer(json.dumps(document).encode())) as source:
        (page,) = await poll(source)
    assert numbers([page]) == [NEW] and not page.gone and not page.skipped


@pytest.mark.parametrize("keys", [KEYS, ONLY_READS])
async def test_sources_of_one_app_never_spend_more_than_the_cap(platform: XPlatform, keys: dict[str, Any]) -> None:
    options = {"account": ACCOUNT, "query": "a", "monthly_cap": 0.5, **KEYS}
    async with sharing("x", platform, options, options | keys) as (ledger, (source, other)):
        cursors = {source: "", other: ""}
        with time_machine.travel(NOON, tick=False), pytest.raises(BudgetSpent, match=r"\$0.5 a month") as caught:
            for turn in range(100):
                platform.posts[:0] = [post(NEW + n, f"@pupava {n}", str(n)) for n in (2 * turn + 2, 2 * turn + 1)]
                page_of = (source, other)[turn % 2]
                cursors[page_of] = (await page_of.poll(cursors[page_of])).cursor
        assert caught.value.retry_after == 9.5 * 86400
        assert used(ledger, source, "money") == pytest.approx(platform.bill)
        assert 0.3 < platform.bill <= 0.475, "what is left buys not even a small page, or is kept for answers"
        assert await poll(source, cursors[source], at=datetime(2026, 12, 1, 0, 1, tzinfo=UTC))


async def test_other_apps_have_a_cap_of_their_own(platform: XPlatform) -> None:
    options = {"account": ACCOUNT, **KEYS}
    async with sharing("x", platform, options, options | {"app": "eshop"}) as (ledger, (source, other)):
        await poll(source)
        assert used(ledger, source, "money") == pytest.approx(0.011) and used(ledger, other, "money") == 0


async def test_an_answer_that_nobody_asked_for_costs_more(platform: XPlatform) -> None:
    platform.enterprise = True
    options = {"account": ACCOUNT, "query": "a", "mentions": False, "replies": "all", **KEYS}
    async with sharing("x", platform, options) as (ledger, (source,)):
        asked, unasked = (await poll(source))[0].mentions
        for one, price in ((asked, 0.010), (unasked, 0.015)):
            before = used(ledger, source, "money")
            await source.reply(one, f"{TEXT} {price}", "key")
            assert used(ledger, source, "money") - before == pytest.approx(price)
        assert used(ledger, source, "money") == pytest.approx(platform.bill)


async def test_the_last_money_buys_a_small_page(platform: XPlatform) -> None:
    async with connected(platform, monthly_cap=0.44) as source:
        await poll(source)
    assert platform.asked[0][1]["max_results"] == "19"


async def test_failed_polls_cost_nothing_and_answers_their_price(platform: XPlatform) -> None:
    async with sharing("x", platform, {"account": ACCOUNT, **KEYS}) as (ledger, (source,)):
        with time_machine.travel(NOON, tick=False):
            page = await source.poll("")
            platform.fault = Answer(b"<html>Over capacity</html>", 503)
            with pytest.raises(TemporaryError):
                await source.poll(page.cursor)
            await source.reply(page.mentions[0], "Více na https://pupava.example/", "key")
        assert used(ledger, source, "money") == pytest.approx(platform.bill) == 0.011 + 0.200


@pytest.mark.parametrize(
    "text",
    [
        "Více na https://pupava.example/",
        "Mehr auf pupava.de.",
        "Formularz: www.pupava.pl/reklamacje.",
        "Napíšte nám (pupava.ro/kontakt), vyriešime to.",
    ],
)
async def test_what_x_makes_a_link_of_is_paid_for_and_found_again(platform: XPlatform, text: str) -> None:
    async with sharing("x", platform, {"account": ACCOUNT, **KEYS}) as (ledger, (source,)):
        mention = (await source.poll("")).mentions[0]
        receipt = await source.reply(mention, text, "key")
        assert used(ledger, source, "money") == pytest.approx(platform.bill) == 0.011 + 0.200
        assert await source.find_reply(mention, text, "key") == receipt


async def test_an_answer_is_looked_for_with_little_money_as_well(platform: XPlatform) -> None:
    async with connected(platform, monthly_cap=0.2) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None


# ---- deletions


async def test_deleted_and_hidden_posts_are_reported(platform: XPlatform) -> None:
    kept = [str(NEW + n) for n in range(3)]
    platform.posts[:0] = [post(NEW + 2, "@pupava haló"), post(NEW + 1, "@pupava ahoj")]
    async with connected(platform) as source:
        assert isinstance(source, CanLookAgain) and source.looks_at_once == 100
        assert (await source.look_again(kept)).gone == ()
        platform.deleted, platform.hidden = {str(NEW)}, {str(NEW + 1)}
        page = await source.look_again([*kept, "t3_abc"])
    assert (page.gone, page.looked) == ((kept[0], kept[1]), (*kept, "t3_abc"))


async def test_edited_posts_are_read_again(platform: XPlatform) -> None:
    history = {"edit_history_tweet_ids": [str(OLD), str(NEW + 5)]}
    platform.posts = [post(NEW + 5, "@pupava už je tu", **history), post(OLD, "@pupava není tu", **history)]
    async with connected(platform) as source:
        (mention,) = (await source.look_again([str(OLD)])).mentions
        assert (mention.id, mention.text, mention.author) == (str(OLD), "@pupava už je tu", "Eva 11")
        source._api._money.take(source._api._money.left() - 0.012)
        page = await source.look_again([str(OLD)])
        assert page.looked == (str(OLD),) and not page.mentions, "there is no money for more"


async def test_looks_keep_to_their_share_of_the_money(platform: XPlatform) -> None:
    platform.posts = [post(NEW + n, f"@pupava {n}", str(n)) for n in range(500, 0, -1)]
    options = {"account": ACCOUNT, "monthly_cap": 30.0, "recheck_share": 0.5, **KEYS}
    async with sharing("x", platform, options, options | ONLY_READS) as (ledger, sources):
        looked, ids = 0, [str(NEW + n) for n in range(1, 500)]
        for source in (*sources, *sources):
            with time_machine.travel(NOON, tick=False):
                try:
                    looked += len((await source.look_again(ids[looked:][:100])).looked)
                except BudgetSpent as error:
                    assert error.until <= NOON + timedelta(hours=27) and "$0.5 for rechecks in 24 hours" in str(error)
        assert looked == 100 and platform.bill == pytest.approx(0.50) == used(ledger, sources[0], "money")
        with time_machine.travel(NOON + timedelta(hours=27), tick=False):
            assert (await sources[0].look_again(ids[:3])).looked
        for day in range(2, 26):
            with time_machine.travel(NOON + timedelta(hours=27 * day), tick=False), suppress(BudgetSpent):
                await sources[0].look_again(ids[:100])
    assert platform.bill <= 30 * 0.5


async def test_no_looks_where_none_are_wanted(platform: XPlatform) -> None:
    async with connected(platform, recheck_share=0) as source:
        assert source.looks_at_once == 0


# ---- answers


async def test_abilities_follow_the_keys(platform: XPlatform) -> None:
    for options, answers in (({}, True), ({"replies": "manual"}, False), (ONLY_READS, False)):
        async with connected(platform, **options) as source:
            for ability in (CanReply, CanReplyTo, CanLookUp, CanFetch):
                assert isinstance(source, ability) == answers
            assert (source.reply_rules.kind == "create") == answers
            assert all(secret not in repr(vars(source)) for secret in KEYS.values())


async def test_reply(platform: XPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        receipt = await source.reply(mention, TEXT, "key")
        assert platform.posts[0]["text"] == "@eva11 Mrzí nás to &amp; ozveme se."
        assert receipt.url == f"https://x.com/{ACCOUNT}/status/{platform.posts[0]['id']}"
        assert await source.find_reply(mention, TEXT, "key") == receipt


async def test_only_those_who_addressed_the_account_are_answered(platform: XPlatform) -> None:
    quote = {"urls": [{"expanded_url": "https://x.com/Pupava/status/1"}]}
    platform.posts.insert(0, post(NEW + 1, "Tohle je vtip?", entities=quote))
    async with connected(platform, query="a", mentions=False) as source:
        quoting, addressing, other = (await poll(source))[0].mentions
        kinds = [source.reply_rules_for(one).kind for one in (quoting, addressing, other)]
        assert kinds == ["create", "create", "manual"]
        assert "mention or quote" in source.reply_rules_for(other).note
        requests = len(platform.asked)
        with pytest.raises(PermanentError, match="mention or quote"):
            await source.reply(other, TEXT, "key")
        assert len(platform.asked) == requests
    async with connected(platform, query="a", mentions=False, replies="all") as source:
        assert source.reply_rules_for(other).kind == "create"
        with pytest.raises(PermanentError, match="does not take this answer"):
            await source.reply(other, TEXT, "key")


async def test_a_lost_receipt_is_looked_up_not_repeated(platform: XPlatform) -> None:
    platform.drops_receipt = True
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.find_reply(mention, TEXT, "key") is None
        with pytest.raises(OutcomeUnknown):
            await source.reply(mention, TEXT, "key")
        platform.drops_receipt = False
        with pytest.raises(OutcomeUnknown, match="posted before"):
            await source.reply(mention, TEXT, "key")
        assert (await source.find_reply(mention, TEXT, "key")).id == platform.posts[0]["id"]
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Něco docela jiného.", "key")


async def test_too_many_own_posts_are_a_persons(platform: XPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.posts[:0] = [post(NEW + n, f"Sleva {n}", author=NUMBER) for n in range(60, 0, -1)]
        platform.size = 10
        with pytest.raises(PermanentError, match="so much"):
            await source.find_reply(mention, TEXT, "key")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (said(402), TemporaryError),
        (said(429), TemporaryError),
        (said(401), AuthError),
        (said(403, detail="not configured with the appropriate oauth1 app permissions"), AuthError),
        (said(400), PermanentError),
    ],
)
async def test_refused_replies(platform: XPlatform, fault: Answer, error: type[SourceError]) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = fault
        with pytest.raises(error):
            await source.reply(mention, TEXT, "key")
    assert platform.posts[0]["id"] == str(NEW)


async def test_accepted_is_accepted_whatever_it_says(platform: XPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        for body in (b"", b"[]", b'{"data": 5}'):
            platform.fault = Answer(body, status=201)
            assert (await source.reply(mention, TEXT, "key")).id == ""


async def test_the_original_is_read_again(platform: XPlatform) -> None:
    async with connected(platform) as source:
        mention = await first(source)
        assert await source.fetch(mention) == mention
        versions = [str(NEW), str(NEW + 1)]
        platform.posts[0]["edit_history_tweet_ids"] = versions
        platform.posts.insert(0, post(NEW + 1, "@pupava Už přišel, díky.", edit_history_tweet_ids=versions))
        edited = await source.fetch(mention)
        assert (edited.id, edited.text, edited.raw["post"]) == (mention.id, "@pupava Už přišel, díky.", str(NEW + 1))
        platform.deleted = {str(NEW)}
        assert await source.fetch(mention) is None
        platform.deleted, platform.posts = set(), []
        with pytest.raises(TemporaryError):
            await source.fetch(mention)


# ---- what others recorded


@pytest.mark.parametrize(
    "name", ["search_recent_tweets", "search_all_tweets", "get_users_mentions", "get_users_tweets"]
)
async def test_recorded_timelines(name: str) -> None:
    answer = replayed(f"x/test_asyncclient_{name}.yaml")[0]
    async with connected(answer, account="", account_id="1") as source:
        page = (await poll(source))[0]
    posts = json.loads(answer.body)["data"]
    passed_on = [one for one in posts if any(ref["type"] == "retweeted" for ref in one.get("referenced_tweets", []))]
    assert [mention.id for mention in page.mentions] == [one["id"] for one in posts if one not in passed_on]
    assert all(mention.created_at < NOON and mention.text for mention in page.mentions) and not page.skipped


async def test_recorded_answer_to_a_reply(platform: XPlatform) -> None:
    answer = replayed("x/test_asyncclient_create_and_delete_tweet.yaml")[0]
    async with connected(platform) as source:
        mention = await first(source)
        platform.fault = answer
        receipt = await source.reply(mention, TEXT, "key")
    assert receipt.id == json.loads(answer.body)["data"]["id"]
