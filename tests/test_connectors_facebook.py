"""The connector of Facebook pages, against a Graph API that speaks its contract."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import facebook
from monitor.contract import (
    Ability,
    CanFetch,
    CanHandshake,
    CanLookUp,
    CanReadTold,
    CanReceive,
    CanReply,
    CanVouch,
    Page,
)
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.connecting import connecting, poll
from tests.contract import JsonContract
from tests.loopback import Answer, Loopback, LoopbackHttp
from tests.meta_platform import (
    APP,
    NOON,
    PAGE,
    SECRET,
    SIGNED,
    TOKEN,
    VERIFY,
    MetaPlatform,
    at,
    comment,
    delivery,
    post,
    refused,
)
from tests.odd import odd, spoiled
from tests.recordings import recorded

TEXT = "Mrzí nás to & vymeníme ho."


class TestFacebookContract(JsonContract):
    kind = "facebook"
    settings = {"page": PAGE, **SIGNED}
    secrets = (TOKEN, SECRET)
    recording = (
        b'{"data": [{"id": "111000111_5", "message": "New tents", "from": {"id": "111000111"}, "comments": {"data": ['
        b'{"id": "5_52", "message": "the tent leaks", "created_time": "2026-11-20T10:00:00+0000", "can_comment": true},'
        b'{"id": "5_51", "message": "mine too", "created_time": "2026-11-20T09:00:00+0000", "can_comment": true}]}}],'
        b' "paging": {"cursors": {"before": "a", "after": "b"}}}'
    )
    entry = rb'\{"id": "5_.*?"can_comment": true\}'
    bad_entry = b'{"id": 5, "message": []}'
    phrase = b"the tent leaks"
    nonsense = {"list": b"[]", "data": b'{"data": 7}', "posts": b'{"data": [5, null, {"id": {}}]}'}
    names = ("permalink_url", "parent", "is_hidden")


connected = connecting("facebook", "fb", page=PAGE, **SIGNED)


def read(pages: list[Page]) -> dict[str, Mention]:
    return {mention.id: mention for page in pages for mention in page.mentions}


def page_of(*comments: dict[str, Any], number: int = 5, **more: Any) -> MetaPlatform:
    return MetaPlatform([post(number, "Nové stany", comments=list(comments), **more)])


# ---- what is read


async def test_what_comments_and_posts_of_visitors_become() -> None:
    platform = page_of(
        comment("5_51", "Stan <b> tečie", 900),
        comment("5_52", "Hneď to riešime", 800, PAGE, parent={"id": "5_51"}),
        comment("5_53", "Aj mne", 700, "jan", parent={"id": "5_51"}, can_comment=False),
        comment("5_54", "", 600),
        comment("5_55", "Krásne", 500, PAGE),
    )
    platform.posts.append(post(6, "Kde je môj balík?", 300, "zuzana", comments=[comment("6_61", "Pošleme", 60, PAGE)]))
    async with connected(platform, language="sk") as source:
        assert all(isinstance(source, ability) for ability in (CanReply, CanLookUp, CanFetch))
        assert not isinstance(source, CanReceive | CanHandshake)
        found = read(await poll(source))
    assert set(found) == {"5_51", "5_53", f"{PAGE}_6"}
    assert found["5_51"] == Mention(
        source="fb",
        id="5_51",
        text="Stan <b> tečie",
        created_at=NOON - timedelta(seconds=900),
        url=f"https://www.facebook.com/{PAGE}/posts/5/?comment_id=51",
        author="Eva",
        language="sk",
        thread=f"{PAGE}_5",
        reply="Hneď to riešime",
        raw={
            "post": f"{PAGE}_5",
            "parent": "",
            "writer": "eva",
            "elsewhere": False,
            "closed": False,
            "hidden": False,
        },
    )
    assert (found["5_53"].thread, found["5_53"].reply) == ("5_51", "")
    assert (found[f"{PAGE}_6"].reply, found[f"{PAGE}_6"].thread) == ("Pošleme", "")


async def test_without_the_permission_nobody_has_a_name() -> None:
    platform = page_of(comment("5_51"), comment("5_52", "Ďakujeme", 5, PAGE, parent={"id": "5_51"}))
    platform.shows_names = False
    async with connected(platform) as source:
        (mention,) = read(await poll(source)).values()
    assert (mention.author, mention.reply) == ("", "Ďakujeme")


async def test_own_names_are_left_out() -> None:
    async with connected(page_of(comment("5_51", by="jana z obchodu")), own_names=("Jana z obchodu",)) as source:
        assert not read(await poll(source))


async def test_posts_of_others_that_name_the_page_are_a_persons_to_answer() -> None:
    platform = page_of()
    platform.tagged = [
        post(7, "Pozor na @Púpava", by="ivan", id="222_7"),
        post(5, "Nové stany"),
        post(8, "Moja recenzia", by="eva"),
    ]
    async with connected(platform) as source:
        pages = await poll(source)
        (mention,) = read(pages).values()
        assert (
            source.reply_rules_for(mention).kind == "manual"
            and "not on your page" in source.reply_rules_for(mention).note
        )
        with pytest.raises(PermanentError):
            await source.reply(mention, TEXT, "k")
        assert await source.fetch(mention) == mention
        again = await poll(source, pages[-1].cursor, NOON + timedelta(days=2))
        assert not any(page.gone for page in again)
    async with connected(platform, tagged=False) as source:
        assert not read(await poll(source))


async def test_every_page_of_posts_and_comments_is_read_and_no_link_followed() -> None:
    comments = [comment(f"5_{n}", ago=10_000 - n) for n in range(100, 350)]
    platform = MetaPlatform([post(n, "Novinka", 90_000 * (n - 4)) for n in range(6, 100)])
    platform.posts.append(post(5, comments=comments))
    platform.posts[-2]["comments"] = [comment("99_1", "Pod starým príspevkom")]
    async with connected(platform) as source:
        pages = await poll(source)
        assert set(read(pages)) == {one["id"] for one in comments}, "the old post is beyond thirty days"
        feed = [query for _, path, query in platform.asked if path.endswith("/feed")]
        assert len(feed) == 3 and not any("canary" in str(query) for query in feed)
        platform.asked.clear()
        platform.posts[-1]["comments"].append(comment("5_999", "Nový", -80_000))
        later = await poll(source, pages[-1].cursor, NOON + timedelta(days=1))
        assert "5_999" in read(later)
        # a day is read again, because comments may be edited
        assert [path for _, path, _ in platform.asked if path.endswith("_5/comments")] == [f"{PAGE}_5/comments"] * 3
        platform.asked.clear()
        await poll(source, later[-1].cursor, NOON + timedelta(days=3))
        assert not [path for _, path, _ in platform.asked if path.endswith("_5/comments")]


async def test_less_is_asked_for_where_it_was_too_much() -> None:
    platform = page_of(comment("5_51"))
    platform.heavy = 200
    async with connected(platform) as source:
        pages = await poll(source)
    assert "5_51" in read(pages)
    assert [query["limit"] for _, path, query in platform.asked if path.endswith("/feed")] == ["25", "12", "6"]
    platform.heavy = 1
    async with connected(platform) as source:
        with pytest.raises(TemporaryError, match="too much"):
            await poll(source)


async def test_a_post_that_is_deleted_while_its_comments_are_read() -> None:
    platform = page_of(*[comment(f"5_{n}") for n in range(100, 160)])
    async with connected(platform) as source:
        with time_machine.travel(NOON, tick=False):
            first = await source.poll("")
            platform.posts.clear()
        rest = await poll(source, first.cursor)
    assert len(read([first, *rest])) == 25


# ---- what was edited, deleted, or answered


async def test_what_was_edited_and_deleted_is_found_out() -> None:
    platform = page_of(comment("5_51"), comment("5_52", "Aj mne"))
    async with connected(platform) as source:
        pages = await poll(source)
        platform.posts[0]["comments"] = [comment("5_52", "Už je to dobré")]
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(days=2))
        assert [one.text for page in pages for one in page.mentions][-1] == "Už je to dobré"
        assert [page.gone for page in pages if page.gone] == [("5_51",)]
        platform.posts[0]["comments"].clear()
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(days=9))
        assert [page.gone for page in pages if page.gone] == [("5_52",)]


async def test_where_everything_is_gone_a_permission_is_missing() -> None:
    platform = page_of(comment("5_51"), comment("5_52"))
    async with connected(platform) as source:
        pages = await poll(source)
        platform.posts.clear()
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(days=2))
    assert not any(page.gone for page in pages)


async def test_an_answer_to_an_older_comment_is_seen_too() -> None:
    platform = page_of(comment("5_51", ago=100_000))
    async with connected(platform) as source:
        pages = await poll(source)
        platform.posts[0]["comments"].append(comment("5_52", "Vymenili sme", -3000, PAGE, parent={"id": "5_51"}))
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(hours=1))
        assert read(pages)["5_51"].reply == "Vymenili sme"
        again = await poll(source, pages[-1].cursor, NOON + timedelta(hours=2))
        assert not read(again), "it is looked at once"


# ---- answers


@asynccontextmanager
async def answering(platform: MetaPlatform, number: str = "5_51") -> AsyncIterator[tuple[Any, Mention]]:
    async with connected(platform) as source:
        yield source, read(await poll(source))[number]


@pytest.mark.parametrize("number", ["5_51", f"{PAGE}_6"])
async def test_an_answer_stands_below_and_is_found(number: str) -> None:
    platform = page_of(comment("5_51", can_comment=True))
    platform.posts.append(post(6, "Kde je môj balík?", by="zuzana"))
    async with answering(platform, number) as (source, mention):
        assert await source.find_reply(mention, TEXT, "k") is None
        receipt = await source.reply(mention, TEXT, "k")
        assert receipt.url.startswith(f"https://www.facebook.com/{PAGE}/posts/")
        assert await source.find_reply(mention, TEXT, "k") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo iné", "k")
        again = await source.fetch(mention)
        assert (again.reply, again.content_hash, again.raw) == (TEXT, mention.content_hash, mention.raw)


async def test_who_answers_an_answer_answers_its_thread() -> None:
    platform = page_of(comment("5_51"), comment("5_53", "Aj mne", by="jan", parent={"id": "5_51"}, can_comment=False))
    async with answering(platform, "5_53") as (source, mention):
        await source.reply(read(await poll(source))["5_51"], "Eve píšeme.", "k0")
        assert await source.find_reply(mention, TEXT, "k") is None, "that answer is to somebody else"
        receipt = await source.reply(mention, TEXT, "k")
        assert await source.find_reply(mention, TEXT, "k") == receipt
    assert platform.posts[0]["comments"][-1]["parent"] == {"id": "5_51"}


async def test_what_may_not_be_answered_is_a_persons() -> None:
    platform = page_of(comment("5_51", can_comment=False), comment("5_52", is_hidden=True))
    async with answering(platform) as (source, closed):
        assert source.reply_rules_for(closed).kind == "manual"
        hidden = source.reply_rules_for(read(await poll(source))["5_52"])
        assert hidden.kind == "create" and "hidden" in hidden.note
    async with connected(platform, replies="manual") as source:
        assert source.reply_rules_for(closed).kind == source.reply_rules.kind == "manual"


async def test_the_original_is_gone() -> None:
    platform = page_of(comment("5_51"))
    async with answering(platform) as (source, mention):
        platform.posts[0]["comments"].clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.reply(mention, TEXT, "k")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b"{}"), OutcomeUnknown),
        (Answer(b"<html>"), OutcomeUnknown),
        (Answer(status=503), OutcomeUnknown),
        (refused(1), OutcomeUnknown),
        (refused(100, is_transient=True), OutcomeUnknown),
        (refused(506), OutcomeUnknown),
        (refused(32), TemporaryError),
        (refused(80001), TemporaryError),
        (refused(200, 403), AuthError),
        (refused(190, 401, subcode=460), AuthError),
        (refused(368), PermanentError),
        (refused(100), PermanentError),
    ],
)
async def test_answers_that_are_not_taken(fault: Answer, error: type[Exception]) -> None:
    platform = page_of(comment("5_51"))
    async with answering(platform) as (source, mention):
        platform.faults.append(fault)
        with pytest.raises(error) as caught:
            await source.reply(mention, TEXT, "k")
    assert "canary" not in str(caught.value)


# ---- webhooks


@pytest.fixture
async def listening() -> AsyncIterator[Any]:
    async with connected(page_of(), verify_token=VERIFY) as source:
        assert isinstance(source, CanReceive) and isinstance(source, CanHandshake)
        yield source


def told(verb: str = "add", **more: Any) -> tuple[str, dict[str, Any]]:
    known = {"item": "comment", "verb": verb, "post_id": f"{PAGE}_5", "comment_id": "5_51", "parent_id": f"{PAGE}_5"}
    who = {"from": {"id": "eva", "name": "Eva"}, "message": "Stan tečie", "created_time": 1_763_700_000}
    return "feed", {**known, **who, **more}


async def test_a_delivery_is_read_as_a_poll_reads_it(listening: Any) -> None:
    platform = page_of(comment("5_51"), comment("5_52", parent={"id": "5_51"}))
    async with connected(platform) as source:
        polled = read(await poll(source))
    body, headers = delivery("page", PAGE, told(), told(comment_id="5_52", parent_id="5_51"))
    page = listening.receive(headers, body, NOON)
    for mention in page.mentions:
        same = polled[mention.id]
        assert (mention.content_hash, mention.thread, mention.raw) == (same.content_hash, same.thread, same.raw)
    first, second = page.mentions
    assert first.url == polled["5_51"].url and second.url.endswith("?comment_id=51&reply_comment_id=52")
    assert not page.more


async def test_edits_deletions_and_what_is_not_meant(listening: Any) -> None:
    wall = {"item": "status", "comment_id": "", "parent_id": ""}
    body, headers = delivery(
        "page",
        PAGE,
        told("edited", message="Už netečie"),
        told("remove", comment_id="5_52"),
        told(**wall, post_id=f"{PAGE}_6", message="Kde je balík?"),
        told("remove", **wall, post_id=f"{PAGE}_7"),
        told("hide", comment_id="5_53"),
        told(comment_id="", post_id=f"{PAGE}_5", **{"from": {"id": PAGE}}),
        ("feed", {"item": "like", "verb": "add", "post_id": f"{PAGE}_5", "from": {"id": "eva"}}),
        ("conversations", {"thread_id": "1"}),
    )
    page = listening.receive(headers, body, NOON)
    assert {one.id: one.text for one in page.mentions} == {"5_51": "Už netečie", f"{PAGE}_6": "Kde je balík?"}
    assert page.gone == ("5_52", f"{PAGE}_7") and not page.more
    body, headers = delivery("page", PAGE, told(**{"from": {"id": PAGE}}))
    assert listening.receive(headers, body, NOON) == Page(told=(f"{PAGE}_5",), more=True), "a colleague has answered"
    body, headers = delivery("page", "999", told())
    assert listening.receive(headers, body, NOON) == Page(), "another page of the same app"


async def test_what_a_colleague_answers_below_an_old_post_is_seen() -> None:
    old = comment("5_51", ago=90 * 86_400)
    platform = MetaPlatform(posts=[post(5, "Nový stan", 91 * 86_400, comments=[old])])
    async with connected(platform, verify_token=VERIFY) as source:
        assert isinstance(source, CanReadTold)
        pages = await poll(source)
        old["message"] = "Stan stále tečie"
        platform.posts[0]["comments"].append(comment("5_60", "Vymeníme ho.", 60, PAGE, parent={"id": "5_51"}))
        body, headers = delivery("page", PAGE, told(comment_id="5_60", parent_id="5_51", **{"from": {"id": PAGE}}))
        names = source.receive(headers, body, NOON).told
        with time_machine.travel(NOON, tick=False):
            page = await source.poll_told(pages[-1].cursor, dict.fromkeys(names, NOON))
        found = read(await poll(source, page.cursor))
    assert (names, page.read) == (("5_51",), ("5_51",)) and found["5_51"].reply == "Vymeníme ho."


async def test_what_was_told_and_may_not_be_seen_does_not_stop_the_source() -> None:
    platform = MetaPlatform(posts=[post(5, "Nový stan", comments=[comment("5_51"), comment("5_52")])], closed="9_51")
    async with connected(platform, verify_token=VERIFY) as source:
        assert isinstance(source, CanReadTold)
        page = await source.poll_told("", {"9_51": NOON, "5_52": NOON})
        pages = await poll(source, page.cursor)
        assert "9_51" not in pages[-1].cursor
        platform.closed = "5_51"
        with pytest.raises(AuthError):
            await poll(source, pages[-1].cursor, NOON + timedelta(days=2))


async def test_recommendations_are_a_persons_to_answer(listening: Any) -> None:
    known = {
        "item": "rating",
        "verb": "add",
        "reviewer_id": "eva",
        "reviewer_name": "Eva",
        "created_time": 1_763_700_000,
    }
    good = {**known, "open_graph_story_id": "71", "recommendation_type": "positive", "review_text": "Výborný obchod"}
    bad = {**known, "open_graph_story_id": "72", "recommendation_type": "negative"}
    comment_there = {**known, "item": "comment", "open_graph_story_id": "73", "comment_id": "73_1"}
    body, headers = delivery(
        "page",
        PAGE,
        ("ratings", good),
        ("ratings", bad),
        ("ratings", comment_there),
        ("ratings", bad | {"verb": "remove"}),
    )
    page = listening.receive(headers, body, NOON)
    assert [(one.id, one.text, one.rating, one.author) for one in page.mentions] == [
        ("71", "Výborný obchod", 5.0, "Eva"),
        ("72", "★☆☆☆☆", 1.0, "Eva"),
    ]
    assert page.gone == ("72",)
    rules = listening.reply_rules_for(page.mentions[0])
    assert rules.kind == "manual" and "recommendations" in rules.note


async def test_only_meta_is_listened_to(listening: Any) -> None:
    body, headers = delivery("page", PAGE, told())
    for wrong in ({}, dict.fromkeys(headers, ""), dict.fromkeys(headers, "sha256=š")):
        with pytest.raises(AuthError):
            listening.receive(wrong, body, NOON)
    with pytest.raises(AuthError):
        listening.receive(headers, body + b" ", NOON)
    for nonsense in (b"{}", b"[]", b"<"):
        _, signed = delivery("page", PAGE)
        signature = facebook.handshake.__globals__["_hmac"](listening._settings.app_secret, nonsense)
        with pytest.raises(PermanentError):
            listening.receive(signed | {"x-hub-signature-256": f"sha256={signature}"}, nonsense, NOON)


# ---- tokens and options


async def test_a_token_that_ends_soon_is_warned_of_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    platform = page_of()
    platform.expires = {"expires_at": 0, "data_access_expires_at": int((NOON + timedelta(days=10)).timestamp())}
    async with connected(platform, app_id=APP) as source:
        pages = await poll(source)
        await poll(source, pages[-1].cursor, NOON + timedelta(hours=2))
    assert [one.message for one in caplog.records] == ["the token of source fb ends on 2026-12-01; make a new one"]
    assert caplog.records[0].levelno == logging.WARNING
    platform.expires = {"expires_at": 0, "data_access_expires_at": 0}
    caplog.clear()
    async with connected(platform, app_id=APP) as source:
        await poll(source)
    assert not caplog.records


SCOPES = ["pages_read_engagement", "pages_read_user_content", "pages_manage_engagement"]


async def test_what_the_token_can_do() -> None:
    platform = page_of()
    platform.scopes, platform.expires = SCOPES, {"expires_at": 1_796_100_000, "data_access_expires_at": 0}
    async with connected(platform) as source:
        assert isinstance(source, CanVouch)
        found = await source.abilities()
        assert (found.reads, found.replies) == (Ability("yes"), Ability("yes", "as Púpava"))
    async with connected(platform, app_id=APP) as source:
        assert (await source.abilities()).reads == Ability("yes", "until 2026-12-01")
        platform.scopes = SCOPES[:1]
        found = await source.abilities()
        assert (found.reads.state, found.replies.state) == ("no", "no")
        assert "pages_read_user_content" in found.reads.why and "pages_manage_engagement" in found.replies.why
    async with connected(platform, app_id=APP, replies="manual") as source:
        assert (await source.abilities()).replies.state == "manual"
    platform.whose = "999"
    async with connected(platform) as source:
        assert "not of the page" in (await source.abilities()).replies.why


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"page": "mojobchod"}, "pattern"),
        ({"app_secret": None, "app_id": APP}, "app_secret"),
        ({"app_secret": None, "verify_token": VERIFY}, "app_secret"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint) as caught:
        facebook.Settings(**{"kind": "facebook", "page": PAGE, **SIGNED, **options})
    assert TOKEN not in str(caught.value)


# ---- odd and real answers


POST = {"id": f"{PAGE}_5", "message": "Nové stany", "comments": {"data": [comment("5_51")], "paging": {}}}


@given(st.lists(spoiled(POST, TestFacebookContract.names), max_size=4))
async def test_nothing_that_a_post_holds_breaks_the_reading(posts: list[dict[str, Any]]) -> None:
    async with connected(Answer(json.dumps({"data": posts}).encode())) as source:
        page = await source.poll("")
    assert all(mention.id and mention.text for mention in page.mentions)


TOLD = ["item", "verb", "comment_id", "post_id", "parent_id", "from", "message", "created_time", "open_graph_story_id"]
JSON = odd(["from", "id", "item"], ["5_1"])


@given(st.sampled_from(["feed", "ratings"]), st.dictionaries(st.sampled_from(TOLD), JSON), JSON)
def test_nothing_that_a_delivery_holds_breaks_the_reading(field: str, value: dict[str, Any], other: Any) -> None:
    settings = facebook.Settings(kind="facebook", page=PAGE, verify_token=VERIFY, **SIGNED)
    source = facebook.ListeningFacebook(settings, LoopbackHttp("http://127.0.0.1:9"))
    body, headers = delivery("page", PAGE, (field, {"verb": "add", "comment_id": "5_51", **value}), (field, other))
    assert all(mention.id and mention.text for mention in source.receive(headers, body, NOON).mentions)


@pytest.mark.parametrize(
    ("name", "count"), [("feeds_default_fields_p1.json", 5), ("feed_fields_p2.json", 5), ("comment_info.json", 1)]
)
async def test_real_answers(name: str, count: int) -> None:
    body = recorded(f"facebook-instagram/{name}")
    found = json.loads(body)
    body = (
        body if "data" in found else json.dumps({"data": [{"id": f"{PAGE}_5", "comments": {"data": [found]}}]}).encode()
    )
    async with Loopback(Answer(body)) as server, LoopbackHttp(server.origin) as http:
        settings = facebook.Settings(kind="facebook", page="4", **SIGNED)
        page = await facebook.connect(settings, http).poll("")
    assert len(page.mentions) == count and not page.skipped
    assert all(mention.text and mention.created_at.year == 2021 for mention in page.mentions)


async def test_a_real_refusal() -> None:
    async with connected(Answer(recorded("facebook-instagram/error_data.json"), 400)) as source:
        with pytest.raises(PermanentError, match="options of this source"):
            await source.poll("")


def test_dates_are_as_the_platform_writes_them() -> None:
    assert facebook.moment(at(0), NOON - timedelta(days=1)) == NOON
