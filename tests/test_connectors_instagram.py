"""The connector of Instagram, against a Graph API that speaks its contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pydantic import ValidationError

from connectors import instagram
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
from monitor.errors import AuthError, BudgetSpent, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from monitor.store.sqlite import SqliteStore
from tests.connecting import connecting, poll
from tests.contract import JsonContract
from tests.listening import killed, listening, read_due
from tests.loopback import Answer
from tests.meta_platform import (
    ACCOUNT,
    APP,
    NAME,
    NOON,
    SECRET,
    SIGNED,
    TOKEN,
    VERIFY,
    MetaPlatform,
    at,
    delivery,
    media,
    refused,
    remark,
)
from tests.recordings import recorded

KEYS = {"account": ACCOUNT, "username": NAME, **SIGNED}
TEXT = "Mrzí nás to & vymeníme ho."


class TestInstagramContract(JsonContract):
    kind = "instagram"
    settings = KEYS
    secrets = (TOKEN, SECRET)
    recording = (
        b'{"data": [{"id": "5", "permalink": "https://www.instagram.com/p/S5/", "comments": {"data": ['
        b'{"id": "52", "text": "the tent leaks", "timestamp": "2026-11-20T10:00:00+0000", "hidden": false},'
        b'{"id": "51", "text": "mine too", "timestamp": "2026-11-20T09:00:00+0000", "hidden": false}]}}]}'
    )
    entry = rb'\{"id": "5\d", .*?"hidden": false\}'
    bad_entry = b'{"id": 5, "text": []}'
    phrase = b"the tent leaks"
    nonsense = {"list": b"[]", "data": b'{"data": 7}', "posts": b'{"data": [5, null, {"id": {}}]}'}
    names = ("username", "from", "parent_id", "replies", "caption", "data")


connected = connecting("instagram", "ig", **KEYS)


def read(pages: list[Page]) -> dict[str, Mention]:
    return {mention.id: mention for page in pages for mention in page.mentions}


def below(*comments: dict[str, Any]) -> MetaPlatform:
    return MetaPlatform(medias=[media(5, comments=list(comments))])


# ---- what is read


async def test_what_comments_and_answers_to_them_become() -> None:
    inside = [
        remark(61, "Aj mne", 500, "jan_n", parent_id="51"),
        remark(62, "Hneď to riešime", 400, NAME, parent_id="51"),
        remark(63, "@jan_n Píšeme", 300, NAME, parent_id="51"),
    ]
    platform = below(remark(51, "Stan 👎 tečie", replies=inside), remark(52, "Krásne", by=NAME), remark(53, " "))
    async with connected(platform, language="sk") as source:
        assert all(isinstance(source, ability) for ability in (CanReply, CanLookUp, CanFetch))
        assert not isinstance(source, CanReceive | CanHandshake)
        found = read(await poll(source))
    assert set(found) == {"51", "61"}
    assert found["51"] == Mention(
        source="ig",
        id="51",
        text="Stan 👎 tečie",
        created_at=NOON - timedelta(seconds=600),
        url="https://www.instagram.com/p/S5/",
        author="eva_k",
        language="sk",
        reply="@jan_n Píšeme",
        raw={"way": "comment", "media": "5", "hidden": False},
    )
    assert (found["61"].thread, found["61"].reply, found["61"].author) == ("51", "", "jan_n")


async def test_every_page_of_posts_and_comments_is_read() -> None:
    comments = [remark(n, ago=10_000 - n) for n in range(100, 250)]
    platform = MetaPlatform(medias=[media(n, 90_000 * (n - 4)) for n in range(6, 60)])
    platform.medias.append(media(5, comments=comments))
    async with connected(platform) as source:
        pages = await poll(source)
        assert set(read(pages)) == {one["id"] for one in comments}
        assert len([1 for _, path, _ in platform.asked if path == "5/comments"]) == 2
        assert not any("canary" in str(query) for _, _, query in platform.asked)
        platform.medias[-1]["comments"].append(remark(999, "Nový", -80_000))
        later = await poll(source, pages[-1].cursor, NOON + timedelta(days=1))
        assert "999" in read(later)
        platform.asked.clear()
        await poll(source, later[-1].cursor, NOON + timedelta(days=3))
    assert not [path for _, path, _ in platform.asked if path == "5/comments"], "only one of them is from yesterday"


async def test_less_is_asked_for_where_it_was_too_much() -> None:
    platform = below(remark(51))
    platform.heavy = 400
    async with connected(platform) as source:
        assert "51" in read(await poll(source))
    platform.heavy = 1
    async with connected(platform) as source:
        with pytest.raises(TemporaryError, match="too much"):
            await poll(source)


async def test_posts_in_which_the_account_is_tagged_are_a_persons_to_answer() -> None:
    platform = below()
    platform.tags = [media(n, 60 * n, caption=f"Stan od @{NAME}", username="eva_k") for n in range(100, 130)]
    platform.tags.append(media(99, username=NAME))
    async with connected(platform) as source:
        pages = await poll(source)
        assert len(read(pages)) == 30, "Instagram links no next page of these"
        mention = read(pages)["100"]
        assert (mention.text, mention.author, mention.url) == (
            f"Stan od @{NAME}",
            "eva_k",
            "https://www.instagram.com/p/S100/",
        )
        assert source.reply_rules_for(mention).kind == "manual" and "tagged" in source.reply_rules_for(mention).note
        with pytest.raises(PermanentError, match="tagged"):
            await source.reply(mention, TEXT, "k")
        assert await source.fetch(mention) == mention
    async with connected(platform, tags=False) as source:
        assert not read(await poll(source))


async def test_what_was_edited_and_deleted_is_found_out() -> None:
    platform = below(remark(51), remark(52, "Aj mne"))
    async with connected(platform) as source:
        pages = await poll(source)
        platform.medias[0]["comments"] = [remark(52, " ")]
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(days=2))
        assert [page.gone for page in pages if page.gone] == [("51",)]
        platform.medias[0]["comments"].clear()
        pages = await poll(source, pages[-1].cursor, NOON + timedelta(days=9))
        assert [page.gone for page in pages if page.gone] == [("52",)]


# ---- answers


@asynccontextmanager
async def answering(platform: MetaPlatform, number: str = "51") -> AsyncIterator[tuple[Any, Mention]]:
    async with connected(platform) as source:
        yield source, read(await poll(source))[number]


async def test_an_answer_stands_below_and_is_found() -> None:
    platform = below(remark(51))
    async with answering(platform) as (source, mention):
        assert await source.find_reply(mention, TEXT, "k") is None
        receipt = await source.reply(mention, TEXT, "k")
        assert receipt.url == "https://www.instagram.com/p/S5/"
        assert await source.find_reply(mention, TEXT, "k") == receipt
        with pytest.raises(PermanentError, match="Another answer"):
            await source.find_reply(mention, "Niečo iné", "k")
        again = await source.fetch(mention)
        assert (again.reply, again.url, again.raw) == (TEXT, mention.url, mention.raw)


async def test_who_answers_an_answer_is_named_in_its_thread() -> None:
    platform = below(remark(51, replies=[remark(61, "Aj mne", by="jan_n", parent_id="51")]))
    async with answering(platform, "61") as (source, mention):
        assert source.reply_rules_for(mention).max_length == 2200 - len("@jan_n ")
        receipt = await source.reply(mention, TEXT, "k")
        assert platform.medias[0]["comments"][0]["replies"][-1]["text"] == f"@jan_n {TEXT}"
        assert await source.find_reply(mention, TEXT, "k") == receipt
        assert await source.find_reply(mention, "Niečo iné", "k") is None, "the other may be to somebody else"
        assert (await source.fetch(mention)).thread == "51"


async def test_hidden_comments_are_a_persons() -> None:
    async with answering(below(remark(51, hidden=True))) as (source, mention):
        assert source.reply_rules_for(mention).kind == "manual" and "hidden" in source.reply_rules_for(mention).note
        with pytest.raises(PermanentError):
            await source.reply(mention, TEXT, "k")
    async with connected(below(), replies="manual") as source:
        assert source.reply_rules.kind == "manual"


async def test_the_original_is_gone_or_says_nothing_any_more() -> None:
    platform = below(remark(51))
    async with answering(platform) as (source, mention):
        platform.medias[0]["comments"][0]["text"] = " "
        with pytest.raises(TemporaryError):
            await source.fetch(mention)
        platform.medias[0]["comments"].clear()
        assert await source.fetch(mention) is None
        with pytest.raises(NotFound):
            await source.reply(mention, TEXT, "k")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b"{}"), OutcomeUnknown),
        (Answer(status=503), OutcomeUnknown),
        (refused(2, 500), OutcomeUnknown),
        (refused(80002), TemporaryError),
        (refused(10, 403), AuthError),
        (refused(100, subcode=2_207_033), PermanentError),
    ],
)
async def test_answers_that_are_not_taken(fault: Answer, error: type[Exception]) -> None:
    platform = below(remark(51))
    async with answering(platform) as (source, mention):
        platform.faults.append(fault)
        with pytest.raises(error) as caught:
            await source.reply(mention, TEXT, "k")
    assert "canary" not in str(caught.value)


# ---- webhooks


def comment_told(number: int = 51, by: str = "eva_k") -> tuple[str, dict[str, Any]]:
    return "comments", {"id": f"{number}", "from": {"id": "igsid", "username": by}, "media": {"id": "5"}, "text": "x"}


@pytest.fixture
def platform() -> MetaPlatform:
    """With a comment below a post that is too old to be read by itself, and two mentions."""
    others = {"text": f"@{NAME} kde je balík?", "timestamp": at(60), "media": {"id": "800"}}
    post = {"caption": f"Nový stan od {NAME}", "timestamp": at(50), "username": "zuzana_h"}
    return MetaPlatform(
        medias=[media(5, 90 * 86_400, comments=[remark(51)])],
        mentioned={"71": {"id": "71", **others}},
        captions={"801": {"id": "801", **post}},
    )


async def poll_told(source: Any, told: tuple[str, ...], cursor: str = "", at: datetime = NOON) -> list[Page]:
    """As the service does it, which keeps what was told at noon."""
    pages, waiting = list[Page](), dict.fromkeys(told, NOON)
    with time_machine.travel(at, tick=False):
        while not pages or pages[-1].more:
            pages.append(await source.poll_told(pages[-1].cursor if pages else cursor, waiting))
            done = (*pages[-1].read, *pages[-1].put_off)
            waiting = {name: moment for name, moment in waiting.items() if name not in done}
    return pages


async def test_what_a_delivery_names_is_read_at_once(platform: MetaPlatform) -> None:
    async with connected(platform, verify_token=VERIFY) as source:
        assert isinstance(source, CanReceive) and isinstance(source, CanHandshake) and isinstance(source, CanReadTold)
        pages = await poll(source)
        first = comment_told()
        body, headers = delivery(
            "instagram",
            ACCOUNT,
            first,
            ("mentions", {"comment_id": "51", "media_id": "5"}),
            ("mentions", {"comment_id": "71", "media_id": "800"}),
            ("mentions", {"media_id": "801"}),
            comment_told(52, NAME),
            comment_told(404),
            ("story_insights", {"media_id": "5"}),
        )
        names = ("comment.51", "mentioned_comment.71", "mentioned_media.801", "comment.404")
        assert source.receive(headers, body, NOON) == Page(told=names, more=True)
        pages = await poll_told(source, names, pages[-1].cursor)
    found = read(pages)
    assert pages[0].read == names, "what is deleted meanwhile needs no reading either"
    assert {number: one.raw["way"] for number, one in found.items()} == {
        "51": "comment",
        "71": "mentioned_comment",
        "801": "mentioned_media",
    }
    assert found["51"].url == "https://www.instagram.com/p/S5/"
    assert (found["71"].author, found["801"].author, found["801"].text) == ("", "zuzana_h", f"Nový stan od {NAME}")


@pytest.mark.parametrize("number", ["71", "801"])
async def test_mentions_are_answered_where_they_stand(platform: MetaPlatform, number: str) -> None:
    async with connected(platform, verify_token=VERIFY) as source:
        mention = read(await poll_told(source, ("mentioned_comment.71", "mentioned_media.801")))[number]
        assert await source.fetch(mention) == mention
        assert (await source.reply(mention, TEXT, "k")).id
        with pytest.raises(PermanentError, match="posts of others"):
            await source.find_reply(mention, TEXT, "k")
        platform.mentioned.clear()
        platform.captions.clear()
        assert await source.fetch(mention) is None
    assert platform.answered == [(number, TEXT)]


@pytest.mark.parametrize("fault", [refused(10, 403), refused(2, 500), refused(100)])
async def test_what_cannot_be_read_is_put_off_and_stops_nothing(platform: MetaPlatform, fault: Answer) -> None:
    names = ("mentioned_media.801", "comment.51")
    async with connected(platform, verify_token=VERIFY) as source:
        platform.faults.append(fault)
        pages = await poll_told(source, names)
        assert list(read(pages)) == ["51"] and not any(page.skipped for page in pages)
        assert {name for page in pages for name in page.put_off} == {"mentioned_media.801"}
        platform.faults.append(fault)
        [last, *_] = await poll_told(source, names[:1], at=NOON + timedelta(days=31))
        assert last.read == names[:1] and "801" in last.skipped[0], "nobody can read it for a month"


async def test_what_is_read_while_the_quota_ends_is_kept(platform: MetaPlatform) -> None:
    ten = tuple(f"comment.{number}" for number in range(400, 410))
    async with connected(platform, verify_token=VERIFY) as source:
        with time_machine.travel(NOON, tick=False):
            source._graph._meter.observe(3.4, 3600.0)  # a tenth is kept for answers
            page = await source.poll_told("", dict.fromkeys(("comment.51", *ten), NOON))
            assert page.read == ("comment.51", *ten[:2]) and [one.id for one in page.mentions] == ["51"]
            with pytest.raises(BudgetSpent):
                await source.poll_told("", dict.fromkeys(ten, NOON))


async def test_many_are_read_in_turn_with_the_lists(platform: MetaPlatform) -> None:
    names = tuple(f"comment.{number}" for number in range(400, 425))
    async with connected(platform, verify_token=VERIFY) as source:
        pages = await poll_told(source, names)
    assert [len(page.read) for page in pages] == [10, 0, 0, 10, 0, 0, 5, 0, 0]
    assert [path for _, path, _ in platform.asked if path.endswith("/media")] == [f"{ACCOUNT}/media"] * 3


async def test_a_delivery_of_somebody_else_is_refused(platform: MetaPlatform) -> None:
    async with connected(platform, verify_token=VERIFY) as source:
        with pytest.raises(AuthError):
            source.receive({}, delivery("instagram", ACCOUNT, comment_told())[0], NOON)


async def test_what_was_told_survives_a_kill(platform: MetaPlatform, tmp_path: Path) -> None:
    body, headers = delivery("instagram", ACCOUNT, ("mentions", {"comment_id": "71", "media_id": "800"}))
    store = SqliteStore(tmp_path / "ohlas.db")
    store.sources.configure({"ig": "instagram"}, NOON)
    said: list[str] = []
    store._engine.connection.set_trace_callback(said.append)
    async with connected(platform, verify_token=VERIFY) as source, listening(store, ig=source) as client:
        async with client.post("/in/ig", data=body, headers=headers) as answer:
            assert answer.status == 200 and "PRAGMA synchronous=FULL" in said, "a power cut is survived, too"
        after = killed(store, tmp_path / "after")  # before the source is read
    after.sources.configure({"ig": "instagram"}, NOON)
    platform.faults.append(refused(2, 500))
    kept = []
    for minute in (0, 1, 2, 20):  # at first Instagram is disturbed
        async with connected(platform, verify_token=VERIFY) as source:
            await read_due(after, NOON + timedelta(minutes=minute), ig=source)
        told, saved = after.told.due("ig", NOON + timedelta(days=1)), {one["id"] for one in after.mentions.export()}
        kept.append((list(told), "71" in saved))
    assert kept == [*[(["mentioned_comment.71"], False)] * 3, ([], True)]
    after.close()


# ---- options, odd and real answers


async def test_what_the_token_can_do() -> None:
    platform = below()
    platform.scopes = ["instagram_basic", "pages_read_engagement"]
    async with connected(platform) as source:
        assert isinstance(source, CanVouch)
        assert (await source.abilities()).replies == Ability("yes", f"as @{NAME}")
    async with connected(platform, app_id=APP) as source:
        found = await source.abilities()
        assert (found.reads.state, found.replies.state) == ("yes", "no")
        assert "instagram_manage_comments" in found.replies.why
    async with connected(platform, username="nieco_ine") as source:
        assert f"@{NAME}" in (await source.abilities()).replies.why


@pytest.mark.parametrize(("options", "hint"), [({"account": NAME}, "account"), ({"username": "@pupava"}, "username")])
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        instagram.Settings(**{"kind": "instagram", **KEYS, **options})


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("testdata__instagram__apidata__medias__comments_p1.json", 2),
        ("testdata__instagram__apidata__medias__comments_p2.json", 2),
        ("replies.json", 1),
    ],
)
async def test_real_comments(name: str, count: int) -> None:
    async with connected(Answer(recorded(f"facebook-instagram/{name}"))) as source:
        state = instagram._State(job="posts", posts={"5": ("", {"after": "a"})}, begun=NOON.timestamp())
        page = await source.poll(state.model_dump_json())
    assert len(page.mentions) == count and not page.skipped
    assert all(mention.text and mention.created_at.year == 2020 for mention in page.mentions)


async def test_a_real_mention() -> None:
    async with connected(Answer(recorded("facebook-instagram/mentioned_media.json")), verify_token=VERIFY) as source:
        (mention,) = (await source.poll_told("", {"mentioned_media.17889114512354744": NOON})).mentions
    assert (mention.text, mention.created_at.year) == ("@ikroskun hey", 2021)
