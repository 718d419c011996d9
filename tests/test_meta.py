"""What Meta's Graph API says of its limits, its pages and its refusals, and what it asks before it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from multidict import CIMultiDict, CIMultiDictProxy

from connectors import facebook
from monitor import meta, meta_refusals
from monitor.contract import Page
from monitor.errors import AuthError, BudgetSpent, NotFound, PermanentError, SourceError, TemporaryError
from monitor.http import DAY, Http, Response
from monitor.store.sqlite import SqliteStore
from tests.listening import listening
from tests.loopback import Answer, Loopback, LoopbackHttp
from tests.meta_platform import NOON, PAGE, SIGNED, TOKEN, VERIFY, MetaPlatform, delivery, refused

OPTIONS = meta.MetaOptions(kind="facebook", name="fb", **SIGNED)  # type: ignore[arg-type]


def answer(said: Answer, **headers: str) -> Response:
    return Response(said.status, meta.GRAPH, CIMultiDictProxy(CIMultiDict(headers)), said.body)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (refused(190, 401, subcode=463), AuthError, "its time is over"),
        (refused(190, 400, subcode=460), AuthError, "password"),
        (refused(190), AuthError, "not good any more"),
        (refused(102), AuthError, "token"),
        (refused(10, 403), AuthError, "permission"),
        (refused(200, 403), AuthError, "permission"),
        (refused(299), AuthError, "permission"),
        (refused(4), TemporaryError, "too often"),
        (refused(17), TemporaryError, "too often"),
        (refused(32), TemporaryError, "too often"),
        (refused(613), TemporaryError, "too often"),
        (refused(80001), TemporaryError, "too often"),
        (refused(1, 500), TemporaryError, "disturbed"),
        (refused(2, 503), TemporaryError, "disturbed"),
        (refused(100, is_transient=True), TemporaryError, "disturbed"),
        (refused(100, subcode=33), NotFound, "deleted"),
        (refused(803, 404), NotFound, "deleted"),
        (refused(12), PermanentError, "updated"),
        (refused(100), PermanentError, "options"),
        (
            refused(100, message="API calls from the server require an appsecret_proof argument"),
            AuthError,
            "app_secret",
        ),
        (refused(999), PermanentError, "400"),
        (Answer(b"<html>", 403), AuthError, "403"),
        (Answer(b"<html>", 502), TemporaryError, "502"),
    ],
)
def test_what_refusals_mean(said: Answer, error: type[SourceError], words: str) -> None:
    found = meta_refusals.refusal(answer(said), "Facebook")
    assert type(found) is error and words in str(found) and "canary" not in str(found)


def test_who_is_blocked_waits_a_day_to_read() -> None:
    found = meta_refusals.refusal(answer(refused(368)), "Facebook")
    assert isinstance(found, TemporaryError) and found.retry_after == DAY


def usage(**shares: int) -> str:
    return json.dumps({"call_count": 1, "total_time": 1, "total_cputime": 1, **shares})


@pytest.mark.parametrize(
    ("headers", "seconds", "free"),
    [
        ({}, 0, 1.0),
        ({"X-App-Usage": usage(total_time=89)}, 0, 0.11),
        ({"X-App-Usage": usage(total_cputime=92)}, 600, 0.08),
        ({"X-App-Usage": usage(call_count=100)}, 3600, 0.0),
        ({"X-Business-Use-Case-Usage": f'{{"1": [{usage()}], "2": [{usage(call_count=95)}]}}'}, 600, 0.05),
        ({"X-Business-Use-Case-Usage": f'{{"1": [{usage(estimated_time_to_regain_access=19)}]}}'}, 1140, 0.0),
        ({"X-Business-Use-Case-Usage": f'{{"1": [{usage(estimated_time_to_regain_access=9999)}]}}'}, DAY, 0.0),
        ({"X-App-Usage": "{", "X-Business-Use-Case-Usage": "[[5]]"}, 0, 1.0),
        ({"X-App-Usage": '{"call_count": "many", "x": [5, {"call_count": 1e400}]}'}, 0, 1.0),
    ],
)
def test_how_near_the_limits_are(headers: dict[str, str], seconds: float, free: float) -> None:
    assert meta_refusals.pause(headers) == (seconds, pytest.approx(free))
    busy = meta_refusals.refusal(answer(refused(32), **headers), "Facebook")
    assert isinstance(busy, TemporaryError) and busy.retry_after == (seconds or None)


async def test_near_a_limit_the_rest_is_shared_and_beyond_it_nothing_is_asked() -> None:
    platform = MetaPlatform()
    async with Loopback(platform) as server, LoopbackHttp(server.origin) as http:
        one, other = (meta.GraphApi(http, OPTIONS, name) for name in ("Facebook", "Instagram"))
        platform.usage = {"X-App-Usage": usage(call_count=99)}
        await one.get(f"{PAGE}/feed", "id")
        platform.usage = {}
        assert one.wait == 600
        await other.get(f"{PAGE}/feed", "id")
        with pytest.raises(BudgetSpent):
            await other.get(f"{PAGE}/feed", "id")  # a hundredth of 200 requests is left, and an answer may need it
        with pytest.raises(NotFound):
            await other.get("5_51", "id", for_answer=True)
        with pytest.raises(BudgetSpent):
            await one.post("5_51/comments", message="Ďakujeme")


async def test_what_meta_asks_for_is_waited_by_all() -> None:
    platform = MetaPlatform()
    async with Loopback(platform) as server, LoopbackHttp(server.origin) as http:
        one, other = (meta.GraphApi(http, OPTIONS, name) for name in ("Facebook", "Instagram"))
        full = {"X-Business-Use-Case-Usage": f'{{"1": [{usage(estimated_time_to_regain_access=5)}]}}'}
        platform.faults.append(Answer(refused(32).body, 400, full))
        with pytest.raises(TemporaryError):
            await one.post("5/comments", message="Ďakujeme")
        with pytest.raises(BudgetSpent) as caught:
            await other.post("5/comments", message="Ďakujeme")
    assert caught.value.retry_after and 290 < caught.value.retry_after <= 300
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("paging", "expected"),
    [
        ({}, {}),
        ({"cursors": {"after": "a"}}, {}),
        ({"cursors": {"after": "a"}, "next": "https://elsewhere.example/?after=b&access_token=t"}, {"after": "a"}),
        (
            {"next": "https://graph.facebook.com/v26.0/4/posts?access_token=t&until=9&__paging_token=p&limit=5"},
            {"until": "9", "__paging_token": "p"},
        ),
        ({"next": "https://[bad"}, {}),
        ({"next": 5, "cursors": []}, {}),
    ],
)
def test_only_cursors_are_taken_from_a_next_page(paging: dict[str, Any], expected: dict[str, str]) -> None:
    assert meta.following({"data": [{}], "paging": paging}) == expected
    assert meta.following({"data": [], "paging": {"cursors": {"after": "a"}}}, without_link=True) == {}


# ---- before it sends


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    store = SqliteStore(tmp_path / "ohlas.db")
    async with Http() as http:
        settings = facebook.Settings(kind="facebook", name="fb", page=PAGE, verify_token=VERIFY, **SIGNED)  # type: ignore[arg-type]
        reading = facebook.Settings(kind="facebook", name="other", page=PAGE, **SIGNED)  # type: ignore[arg-type]
        sources = {"fb": facebook.connect(settings, http), "other": facebook.connect(reading, http)}
        async with listening(store, **sources) as opened:
            yield opened
    store.close()


ASKED = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}


async def test_the_question_before_is_answered(client: TestClient[web.Request, web.Application]) -> None:
    async with client.get("/in/fb", params=ASKED) as response:
        assert (response.status, await response.text()) == (200, "1158201444")
        assert response.content_type == "text/plain"


@pytest.mark.parametrize(
    ("source", "asked", "status"),
    [
        ("fb", {}, 403),
        ("fb", ASKED | {"hub.verify_token": "guess"}, 403),
        ("fb", ASKED | {"hub.verify_token": "š"}, 403),
        ("fb", ASKED | {"hub.mode": "unsubscribe"}, 403),
        ("fb", ASKED | {"hub.challenge": "<script>"}, 403),
        ("fb", ASKED | {"hub.challenge": "1" * 201}, 403),
        ("other", ASKED, 405),
        ("none", ASKED, 405),
    ],
)
async def test_others_are_not_answered(
    client: TestClient[web.Request, web.Application], source: str, asked: dict[str, str], status: int
) -> None:
    async with client.get(f"/in/{source}", params=asked) as response:
        assert response.status == status
        assert VERIFY not in await response.text() and "<" not in await response.text()


async def test_a_delivery_is_taken_with_the_only_answer_that_counts(
    client: TestClient[web.Request, web.Application],
) -> None:
    gone = {"item": "comment", "verb": "remove", "post_id": f"{PAGE}_5", "comment_id": "5_51", "from": {"id": "eva"}}
    body, headers = delivery("page", PAGE, ("feed", gone))
    async with client.post("/in/fb", data=body, headers=headers) as response:
        assert response.status == 200
    async with client.post("/in/fb", data=body) as response:
        assert response.status == 401


@pytest.mark.parametrize("item", ["like", "reaction"])
async def test_a_like_that_is_taken_back_deletes_no_comment(item: str) -> None:
    async with Http() as http:
        settings = facebook.Settings(kind="facebook", name="fb", page=PAGE, verify_token=VERIFY, **SIGNED)  # type: ignore[arg-type]
        source = facebook.connect(settings, http)
        liked = {"item": item, "post_id": f"{PAGE}_5", "comment_id": "5_51", "from": {"id": "eva"}}
        body, headers = delivery("page", PAGE, ("feed", liked | {"verb": "remove"}), ("feed", liked | {"verb": "add"}))
        assert isinstance(source, facebook.ListeningFacebook)
        assert source.receive(headers, body, NOON) == Page()
