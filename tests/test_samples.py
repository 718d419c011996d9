"""The shipped samples: what a first start shows must be worth looking at, for years."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors import file, heureka, rss
from monitor.contract import Page
from monitor.http import Http
from monitor.language import identify_many
from monitor.model import Mention
from monitor.text import fold
from tests.loopback import LoopbackHttp

COUNTS = {"reviews.csv": 29, "heureka.xml": 15, "forum.rss": 16}
LETTERS = {"sk": "ľĺŕôä", "cs": "ěřů", "hu": "őű"}


def source(name: str, http: Http) -> Any:
    path = {"path": f"sample:{name}", "name": "sample"}
    if name.endswith(".csv"):
        return file.connect(file.Settings(kind="file", **path), http)
    if name.endswith(".xml"):
        return heureka.connect(heureka.Settings(kind="heureka", country="sk", **path), http)
    return rss.connect(rss.Settings(kind="rss", **path), http)


async def poll(name: str, cursor: str = "") -> Page:
    async with LoopbackHttp("http://127.0.0.1:9") as http:
        connector = source(name, http)
        page: Page = await connector.poll(cursor)
        await connector.close()
        return page


async def everything() -> list[Mention]:
    return [mention for name in COUNTS for mention in (await poll(name)).mentions]


@pytest.mark.parametrize("name", COUNTS)
async def test_every_entry_is_usable_and_read_once(name: str) -> None:
    page = await poll(name)
    assert (len(page.mentions), page.skipped, page.more) == (COUNTS[name], (), False)
    assert all(mention.text and "\ufffd" not in mention.text for mention in page.mentions)
    assert not (await poll(name, page.cursor)).mentions


async def test_years_later_they_are_still_fresh() -> None:
    today = await everything()
    with time_machine.travel(datetime(2031, 5, 17, 6, 0, tzinfo=UTC), tick=True):
        later = await everything()
    assert [(m.id, m.content_hash) for m in later] == [(m.id, m.content_hash) for m in today]
    ages = [datetime(2031, 5, 17, 6, 0, tzinfo=UTC) - mention.created_at for mention in later]
    assert timedelta() < min(ages) < timedelta(days=2)
    assert max(ages) < timedelta(days=45)


async def test_all_four_languages_speak() -> None:
    mentions = await everything()
    texts, hints = [mention.text for mention in mentions], [mention.language for mention in mentions]
    found = Counter(identify_many(texts, ("sk", "cs", "hu", "en"), hints))
    assert set(found) == {"sk", "cs", "hu", "en"} and min(found.values()) >= 8, found


async def test_variety() -> None:
    mentions = await everything()
    texts = [mention.text for mention in mentions]
    for language, letters in LETTERS.items():
        assert any(set(text) & set(letters) for text in texts), language
    assert min(map(len, texts)) <= 5 and max(map(len, texts)) > 900
    assert sum(text.isascii() for text in texts) >= 7  # English, and those who type without diacritics
    assert any("👍" in text for text in texts)
    assert any(re.search(r"2026-\d{6}", text) for text in texts)
    assert sum(bool(mention.reply) for mention in mentions) == 1
    assert {mention.rating for mention in mentions} >= {None, 1, 2, 2.5, 3, 4, 4.5, 5}


async def test_one_customer_wrote_the_same_in_two_places() -> None:
    written = Counter((fold(mention.author), fold(mention.text)) for mention in await everything())
    assert [author for (author, _), times in written.items() if times > 1] == ["zuzanakollarova"]


def test_reviews_have_the_habits_of_excel() -> None:
    body = (Path(file.__file__).parent / "samples" / "reviews.csv").read_bytes()
    assert body.startswith(b"sep=;\r\n") and b";4,5;" in body
    with pytest.raises(UnicodeDecodeError):
        body.decode()
