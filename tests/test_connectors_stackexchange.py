"""The connector of Stack Exchange, against an API on 127.0.0.1 with its quota, its backoff and its own errors."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import stackexchange
from monitor.contract import CanFetch, CanReply
from monitor.errors import AuthError, BudgetSpent, PermanentError, SourceError, TemporaryError
from monitor.http import Http
from tests.connecting import connecting, mistake, numbers, poll, sharing
from tests.contract import JsonContract
from tests.loopback import Answer, Asked
from tests.made import NOON

NOW = int(NOON.timestamp())
KEY = "key-canary-1111"


class TestStackExchangeContract(JsonContract):
    kind = "stackexchange"
    settings = {"query": "svrcina", "key": KEY}
    secrets = (KEY,)
    recording = (
        b'{"items": [{"question_id": 79000002, "title": "Svr&#269;ina tent &amp; rain", "body": "<p>my tent leaks</p>",'
        b' "owner": {"display_name": "Eva"}, "link": "https://superuser.com/q/79000002", "creation_date": 1795200000},'
        b'{"question_id": 79000001, "title": "Kettle", "body": "<p>The kettle sings.</p>",'
        b' "owner": {"user_type": "gone"}, "link": "https://superuser.com/q/1", "creation_date": 1795100000}],'
        b' "has_more": false, "quota_max": 10000, "quota_remaining": 9950}'
    )
    entry = rb'\{"question_id": .*?\d\}'
    bad_entry = b'{"question_id": "x", "title": 5}'
    phrase = b"my tent leaks"
    nonsense = {"list": b"[]", "none": b'{"items": 7}', "inner": b'{"items": [5, null, {"question_id": true}]}'}


def question(number: int, ago: int, **more: Any) -> dict[str, Any]:
    owner = {"owner": {"display_name": "Eva"}}
    return {"question_id": number, "title": f"T{number}", "body": "b", "creation_date": NOW - ago, **owner, **more}


@dataclass
class Site:
    """`left` is the quota of this day."""

    questions: list[dict[str, Any]] = field(default_factory=list)
    left: int = 300
    backoff: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query))
        self.asked.append(query)
        if query.get("key", KEY) != KEY:
            return refused("bad_parameter", "`key` doesn't match a known application")
        if not self.left:
            return refused(
                "throttle_violation", "too many requests from this IP, more requests available in 4321 seconds"
            )
        self.left -= 1
        assert query["filter"] == "withbody" and query["site"] == "stackoverflow"
        if url.path != "/2.3/search/advanced":
            number = int(url.path.removeprefix("/2.3/questions/"))
            return self._said([one for one in self.questions if one["question_id"] == number], False)
        first, last = int(query.get("fromdate", 0)), int(query.get("todate", NOW))
        found = sorted(
            (one for one in self.questions if first <= one["creation_date"] <= last),
            key=lambda one: -one["creation_date"],
        )
        size = int(query["pagesize"])
        return self._said(found[:size], len(found) > size)

    def _said(self, items: list[dict[str, Any]], more: bool) -> Answer:
        body = {"items": items, "has_more": more, "quota_max": 300, "quota_remaining": self.left}
        if self.backoff:
            body["backoff"] = self.backoff
        packed = gzip.compress(json.dumps(body).encode())
        return Answer(packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


def refused(name: str, message: str = "") -> Answer:
    document = {"error_id": 502, "error_name": name, "error_message": message}
    return Answer(json.dumps(document).encode(), 400, {"Content-Type": "application/json"})


connected = connecting("stackexchange", "so", query="svrcina")


@pytest.mark.parametrize("options", [{"query": ""}, {"query": "ab", "site": "a b"}, {"query": "ab", "interval": 60}])
def test_settings_refuse_what_cannot_be(options: dict[str, Any]) -> None:
    assert mistake("stackexchange", **options)


async def test_what_a_question_becomes() -> None:
    asked = question(8, 60, title="Tent &amp; rain", body="<p>It <b>leaks</b>.</p>", link="https://so.example/q/8")
    async with connected(Site([asked])) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
        assert isinstance(source, CanFetch) and not isinstance(source, CanReply)
    assert (mention.id, mention.title, mention.text) == ("8", "Tent & rain", "It leaks.")
    assert (mention.author, mention.url, mention.raw) == ("Eva", "https://so.example/q/8", {"site": "stackoverflow"})


async def test_pages_since_the_last_time_with_an_overlap() -> None:
    platform = Site([question(n, 200_000 + 60 * n) for n in range(1, 201)])
    async with connected(platform) as source:
        first = await poll(source)
        assert len(numbers(first)) == 100, "the first time the newest page is enough"
        platform.questions += [question(1000 + n, 40_000 - 100 * n) for n in range(250)]
        platform.questions.append(question(2000, 200_000 + 1800))  # found late
        later = await poll(source, first[-1].cursor)
        assert {*range(1000, 1250), 2000} <= set(numbers(later))
        assert set(numbers(await poll(source, later[-1].cursor))) <= {*range(1200, 1250)}


async def test_many_of_one_second_end_all_the_same() -> None:
    platform = Site([question(1, 500)])
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        platform.questions += [question(100 + n, 300) for n in range(150)]
        assert len(await poll(source, cursor)) == 2


async def test_what_others_leave_of_the_quota_is_known_to_all_without_a_key() -> None:
    options = {"query": "svrcina"}
    several = (options, options, options | {"key": KEY})
    async with sharing("stackexchange", Site([], left=3), *several) as (_, (source, other, known)):
        for one in (source, other, source):
            await poll(one)
        for one in (source, other):
            with pytest.raises(BudgetSpent) as caught:
                await poll(one)
            assert caught.value.until == datetime(2026, 11, 22, tzinfo=UTC)
        with pytest.raises(TemporaryError, match="throttle"):  # asked: a key has a quota of its own
            await poll(known)


async def test_backoff_is_kept_to() -> None:
    async with connected(Site([], backoff=1800)) as source:
        (page,) = await poll(source)
        assert page.wait == 1800
        with pytest.raises(BudgetSpent) as caught:
            await poll(source)
    assert caught.value.retry_after == 1800


async def test_a_quota_that_is_used_up() -> None:
    async with connected(Site(left=0)) as source:
        with pytest.raises(TemporaryError) as caught:
            await source.poll("")
    assert caught.value.retry_after == 4321


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("bad_parameter", "no site found for name `nosuch`"), PermanentError),
        (refused("Odd <b>words</b>"), PermanentError),
        (refused("temporarily_unavailable"), TemporaryError),
        (refused("access_denied"), AuthError),
        (Answer(b"{}", 400), PermanentError),
    ],
)
async def test_refusals(answer: Answer, error: type[SourceError]) -> None:
    async with connected(answer) as source:
        with pytest.raises(error) as caught:
            await source.poll("")
    assert "<" not in str(caught.value)


async def test_a_wrong_key() -> None:
    async with connected(Site(), key="wrong") as source:
        with pytest.raises(AuthError):
            await source.poll("")


async def test_own_questions_are_left_out() -> None:
    own = question(1, 5, owner={"display_name": "Svr&#269;ina"})
    async with connected(Site([own, question(2, 5)]), own_names=("Svrčina",)) as source:
        assert numbers(await poll(source)) == [2]


async def test_the_original_is_read_again() -> None:
    platform = Site([question(8, 60)])
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
        assert await source.fetch(mention) == mention
        platform.questions.clear()
        assert await source.fetch(mention) is None
        platform.questions.append(question(8, 60, body=None, title=None))
        with pytest.raises(TemporaryError):
            await source.fetch(mention)


NAMES = ["question_id", "title", "body", "owner", "link", "creation_date"]
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([{}]) | st.just({"a": 1})


@given(
    st.dictionaries(st.sampled_from(NAMES), ODD), st.dictionaries(st.sampled_from(["backoff", "quota_remaining"]), ODD)
)
def test_nothing_that_an_answer_holds_breaks_the_reading(item: dict[str, Any], quota: dict[str, Any]) -> None:
    settings = stackexchange.Settings(kind="stackexchange", query="ab")
    source = stackexchange.StackExchange(settings, Http())
    page = source._page([item, 5], NOON)
    assert len(page.mentions) + len(page.skipped) == 2
    source._heed(quota)
    assert 0 <= source._requests.left() <= 300 and 0 <= stackexchange._backoff(quota) <= 86400
