"""Feeds that nobody here wrote, through the rss connector. They lie beside the project and are only read."""

import asyncio
import re
from pathlib import Path

import pytest

from connectors.rss import FeedAddress, FeedFile, Settings, connect
from monitor.contract import Page
from monitor.errors import SourceError
from monitor.http import Http
from monitor.model import Mention
from tests.loopback import Answer, Loopback

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"
FEEDS = sorted(path for path in RECORDINGS.glob("feeds-*/**/*") if path.is_file() and path.suffix in (".xml", ".json"))

pytestmark = pytest.mark.skipif(not FEEDS, reason=f"there are no recorded feeds in {RECORDINGS}")

_HEADER = re.compile(rb"^Header:\s*([\w-]+):\s*(.*?)\s*$", re.MULTILINE)


def answer(path: Path) -> Answer:
    """The file, with the headers that its own leading comment asks for."""
    body = path.read_bytes()
    headers = {name.decode(): value.decode("latin-1") for name, value in _HEADER.findall(body[:2000])}
    meant = {name: value for name, value in headers.items() if name.lower() in ("content-type", "content-location")}
    return Answer(body, headers=meant | {"ETag": f'"{len(body)}"'})


Polled = Page | SourceError


@pytest.fixture(scope="module")
def polls() -> dict[Path, tuple[Polled, Polled, Polled]]:
    """Every recording polled afresh, once more afresh, and then with the first poll's cursor."""
    return asyncio.run(_polls())


async def _polls() -> dict[Path, tuple[Polled, Polled, Polled]]:
    polls = {}
    async with Loopback() as server, Http(allow_private=["127.0.0.1"]) as session:
        feed = connect(Settings(kind="rss", name="recorded", url=server.url("/feed")), session)
        for path in FEEDS:
            server.answer = answer(path)
            first, again = await polled(feed, ""), await polled(feed, "")
            polls[path] = first, again, await polled(feed, first.cursor if isinstance(first, Page) else "")
        await feed.close()
    return polls


async def polled(feed: FeedAddress | FeedFile, cursor: str) -> Polled:
    try:
        return await feed.poll(cursor)
    except SourceError as error:
        return error


def test_only_what_is_no_feed_is_refused(polls: dict[Path, tuple[Polled, Polled, Polled]]) -> None:
    refused = {path.name: str(first) for path, (first, _, _) in polls.items() if isinstance(first, SourceError)}
    for name, said in refused.items():
        assert "no RSS, Atom or JSON feed" in said, name
    assert len(refused) < len(FEEDS) / 20


def test_every_mention_has_an_id_and_words(polls: dict[Path, tuple[Polled, Polled, Polled]]) -> None:
    mentions = 0
    for path, (first, _, _) in polls.items():
        if isinstance(first, Page):
            ids = [mention.id for mention in first.mentions]
            assert all(ids) and len(set(ids)) == len(ids), path
            assert all(mention.text or mention.title for mention in first.mentions), path
            mentions += len(ids)
    assert mentions > len(FEEDS) / 3


def test_a_second_pass_finds_nothing_new(polls: dict[Path, tuple[Polled, Polled, Polled]]) -> None:
    for path, (first, again, later) in polls.items():
        assert type(first) is type(again) is type(later), path
        if isinstance(first, Page) and isinstance(again, Page) and isinstance(later, Page):
            assert [fingerprint(m) for m in again.mentions] == [fingerprint(m) for m in first.mentions], path
            assert not later.mentions, path


def fingerprint(mention: Mention) -> tuple[str, str]:
    return mention.id, mention.content_hash
