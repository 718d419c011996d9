"""The connector of Hacker News, against a search on 127.0.0.1 that filters and cuts pages as Algolia does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.contract import CanFetch, CanReply
from monitor.errors import TemporaryError
from tests.connecting import connecting, mistake, numbers, poll
from tests.contract import JsonContract
from tests.loopback import Answer, Asked
from tests.made import NOON

NOW = int(NOON.timestamp())


class TestHackerNewsContract(JsonContract):
    kind = "hackernews"
    settings = {"query": '"Svrčina"'}
    recording = (
        b'{"hits": [{"objectID": "46000002", "author": "eva", "comment_text": "their tent leaks &amp; nobody answers",'
        b' "parent_id": 46000001, "story_id": 46000001, "story_title": "Tents", "created_at_i": 1795200000},'
        b'{"objectID": "46000001", "author": "jan", "title": "A kettle that sings", "story_text": null,'
        b' "url": "https://svrcina.example", "created_at_i": 1795100000}], "nbHits": 2, "page": 0, "nbPages": 1}'
    )
    entry = rb'\{"objectID": .*?\d\}'
    bad_entry = b'{"objectID": "46000003", "comment_text": 5}'
    phrase = b"their tent leaks"
    nonsense = {"list": b"[]", "hits": b'{"hits": [5, null, {"objectID": []}]}', "none": b'{"hits": 7}'}


def story(number: int, ago: int, **more: Any) -> dict[str, Any]:
    return {"objectID": str(number), "author": "eva", "title": f"Tent {number}", "created_at_i": NOW - ago, **more}


@dataclass
class Algolia:
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        if item := re.fullmatch(r"/api/v1/items/(\d+)", url.path):
            return self._item(item[1])
        assert url.path == "/api/v1/search_by_date"
        query = parse_qs(url.query)
        self.asked.append(query)
        found = sorted(self.posts, key=lambda post: -post["created_at_i"])
        for limit in query["numericFilters"][0].split(","):
            name, sign, value = re.findall(r"(\w+?)(<=|>)(\d+)", limit)[0]
            found = [one for one in found if (one[name] > int(value) if sign == ">" else one[name] <= int(value))]
        return Answer(json.dumps({"hits": found[: int(query["hitsPerPage"][0])]}).encode())

    def _item(self, number: str) -> Answer:
        found = next((post for post in self.posts if post["objectID"] == number), None)
        if found is None:
            return Answer(status=404)
        renamed = {"comment_text": "text", "story_text": "text"}
        item = {renamed.get(name, name): value for name, value in found.items() if name != "objectID"}
        return Answer(json.dumps(item | {"id": int(number), "children": []}).encode())


connected = connecting("hackernews", "hn", query='"Svrčina"')


def test_a_query_is_needed() -> None:
    assert mistake("hackernews", query="")


async def test_what_a_comment_becomes() -> None:
    comment = {"comment_text": "<p>It &quot;leaks&quot;", "title": None, "parent_id": 7, "story_title": "Tents"}
    async with connected(Algolia([story(8, 60, **comment)])) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
        assert isinstance(source, CanFetch) and not isinstance(source, CanReply)
    assert (mention.text, mention.title, mention.thread, mention.language) == ('It "leaks"', "", "7", "en")
    assert (mention.url, mention.raw) == ("https://news.ycombinator.com/item?id=8", {"story": "Tents"})


async def test_pages_since_the_last_time_with_an_overlap() -> None:
    platform = Algolia([story(n, 100_000 + n) for n in range(300)])
    async with connected(platform) as source:
        first = await poll(source)
        assert len(numbers(first)) == 100, "the first time the newest page is enough"
        platform.posts += [story(1000 + n, 40_000 - 100 * n) for n in range(250)]
        platform.posts.append(story(2000, 100_000 + 1800))  # found late
        later = await poll(source, first[-1].cursor)
        assert len(later) == 6 and {*range(1000, 1250), 2000} <= set(numbers(later))
        assert set(numbers(await poll(source, later[-1].cursor))) <= {*range(1200, 1250)}
    assert platform.asked[0]["query"] == ['"Svrčina"']


async def test_many_of_one_second_end_all_the_same() -> None:
    platform = Algolia([story(1, 500)])
    async with connected(platform) as source:
        cursor = (await poll(source))[-1].cursor
        platform.posts += [story(100 + n, 300) for n in range(150)]
        assert len(await poll(source, cursor)) == 2


async def test_own_posts_are_left_out() -> None:
    async with connected(Algolia([story(1, 5, author="svrcina"), story(2, 5)]), own_names=("Svrčina",)) as source:
        assert numbers(await poll(source)) == [2]


async def test_the_original_is_read_again() -> None:
    platform = Algolia([story(8, 60, comment_text="It leaks", title=None, parent_id=7)])
    async with connected(platform) as source:
        ((mention,),) = [page.mentions for page in await poll(source)]
        again = await source.fetch(mention)
        assert again and (again.id, again.content_hash) == (mention.id, mention.content_hash)
        platform.posts[0] |= {"comment_text": None, "author": None}
        assert await source.fetch(mention) is None
        platform.posts.clear()
        assert await source.fetch(mention) is None
    async with connected(Answer(b"[]")) as source:
        with pytest.raises(TemporaryError):
            await source.fetch(mention)
