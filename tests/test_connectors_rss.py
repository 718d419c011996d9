import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import rss
from connectors.rss import Settings, connect, parse
from monitor.contract import CanReply, Page
from monitor.errors import AuthError, PermanentError, TemporaryError
from monitor.http import Http
from tests.contract import ConnectorContract, FileContract
from tests.loopback import Answer, Asked, Loopback

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Fórum Varešky</title><link>https://forum.vareska.example/</link><description>Príspevky</description>
<language>sk-SK</language>
<item><title>Rozbitý hrniec</title><link>https://forum.vareska.example/t/1?utm_source=rss</link>
<guid isPermaLink="false">t-1</guid><pubDate>Fri, 20 Nov 2026 10:00:00 +0100</pubDate>
<dc:creator>Ľudmila Čierna</dc:creator>
<description>&lt;p&gt;Hrniec prišiel rozbitý.&lt;/p&gt;&lt;p&gt;Nikto neodpovedá.&lt;/p&gt;</description></item>
<item><title>Spokojnosť</title><link>https://forum.vareska.example/t/2</link>
<guid isPermaLink="false">t-2</guid><pubDate>Thu, 19 Nov 2026 10:00:00 +0100</pubDate>
<description>Rýchle doručenie, ďakujem.</description></item>
</channel></rss>""".encode()

ATOM = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="cs"><title>Poradna</title><id>tag:poradna.example,2026:1</id>
<updated>2026-11-20T10:00:00Z</updated>
<entry><id>tag:poradna.example,2026:10</id><title type="text">Bota &lt;b&gt;se rozlepila</title>
<link rel="alternate" href="https://poradna.example/10"/><updated>2026-11-20T10:00:00Z</updated>
<author><name>Bořivoj Ř.</name></author><content type="html">&lt;p&gt;Po týdnu se rozlepila.&lt;/p&gt;</content></entry>
<entry><id>tag:poradna.example,2026:11</id><title>Díky</title><link href="https://poradna.example/11"/>
<updated>2026-11-19T10:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Skvělý <i>přístup</i> obsluhy.</div></content></entry>
</feed>""".encode()

JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Vélemények",
        "language": "hu",
        "items": [
            {
                "id": 41,
                "url": "https://bolt.example/v/41",
                "content_html": "<p>Későn érkezett.</p>",
                "date_published": "2026-11-20T10:00:00+01:00",
                "authors": [{"name": "Őze Ágnes"}],
            },
            {"id": "42", "content_text": "Minden rendben volt.", "author": {"name": "Gál Pál"}},
        ],
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()

WRONG_TYPES = {
    "numbers": b'{"version": "https://jsonfeed.org/version/1.1", "items": [5, null, "x", [], {"id": {}, "title": 7}]}',
    "shapes": b'{"items": [{"authors": {"name": 1}, "content_html": ["a"], "url": 5, "date_published": 12}]}',
    "no feed": b"<?xml version='1.0'?><catalogue><book>1</book></catalogue>",
    "deep": b'{"items":' + b"[" * 100_000,
}


class OverHttp(ConnectorContract):
    kind = "rss"
    settings = {"url": "https://jana:heslo-9@forum.vareska.example/feed.xml?token=tajny-kluc-1"}
    secrets = ("heslo-9", "tajny-kluc-1")
    nonsense = WRONG_TYPES
    exempt = {"deleted": "feeds announce no deletions: old entries just drop out"}


class TestRss(OverHttp):
    recording = RSS
    headers = {"Content-Type": "application/rss+xml", "ETag": '"1"'}
    entry = rb"<item>.*?</item>"
    bad_entry = b"<item><guid>t-1</guid></item>"
    phrase = "Nikto neodpovedá.".encode()


class TestAtom(OverHttp):
    recording = ATOM
    entry = rb"<entry>.*?</entry>"
    bad_entry = b"<entry><id>tag:poradna.example,2026:10</id></entry>"
    phrase = "Po týdnu se rozlepila.".encode()


class TestJsonFeed(OverHttp):
    recording = JSON_FEED
    entry = rb'\{"id":.*?\}(?=,\{"id"|\]\}$)'
    separator = b","
    bad_entry = b'{"id":41}'
    phrase = "Későn érkezett.".encode()


class TestRssFile(FileContract):
    kind = "rss"
    file = "feed.xml"
    settings = {"path": "feed.xml"}
    recording = RSS
    entry = TestRss.entry
    bad_entry = TestRss.bad_entry
    phrase = TestRss.phrase
    nonsense = WRONG_TYPES
    exempt = OverHttp.exempt


# ---- one poll after another


@pytest.fixture
async def feed(server: Loopback, session: Http) -> AsyncIterator[rss.FeedAddress]:
    connector = connect(Settings(kind="rss", name="forum", url=server.url("/feed")), session)
    assert isinstance(connector, rss.FeedAddress)
    yield connector
    await connector.close()


async def test_fields(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(RSS)
    first, second = (await feed.poll("")).mentions
    assert first.id == "t-1" and first.source == "forum" and first.author == "Ľudmila Čierna"
    assert first.text == "Hrniec prišiel rozbitý.\n\nNikto neodpovedá."
    assert first.url == "https://forum.vareska.example/t/1" and first.language == "sk"
    assert first.created_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert second.text == "Rýchle doručenie, ďakujem." and second.rating is None
    assert not isinstance(feed, CanReply)


async def test_atom_and_json_fields() -> None:
    first, second = parse({"headers": {}}, ATOM)["entries"]
    assert first["title"] == "Bota <b>se rozlepila", "a title of plain text is taken as it is written"
    assert first["text"] == "Po týdnu se rozlepila." and first["language"] == "cs" and first["author"] == "Bořivoj Ř."
    assert second["text"] == "Skvělý přístup obsluhy."
    first, second = parse({"headers": {}}, JSON_FEED)["entries"]
    assert first["id"] == "41" and first["author"] == "Őze Ágnes" and first["date"] == "2026-11-20T10:00:00+01:00"
    assert second["author"] == "Gál Pál" and second["language"] == "hu" and second["date"] == ""


async def test_conditional_get(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(RSS, headers={"ETag": '"a"', "Last-Modified": "Fri, 20 Nov 2026 09:00:00 GMT"})
    page = await feed.poll("")
    server.answer = Answer(status=304)
    unchanged = await feed.poll(page.cursor)
    assert unchanged == Page(cursor=page.cursor)
    assert server.asked[-1].headers["If-None-Match"] == '"a"'
    assert server.asked[-1].headers["If-Modified-Since"] == "Fri, 20 Nov 2026 09:00:00 GMT"


async def test_unchanged_body_is_not_parsed(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(RSS)
    page = await feed.poll("")
    server.answer = Answer(RSS, headers={"ETag": '"new"'})
    again = await feed.poll(page.cursor)
    assert not again.mentions and json.loads(again.cursor)["etag"] == '"new"'
    server.answer = Answer(RSS.replace(b"t-2", b"t-3"))
    assert [mention.id for mention in (await feed.poll(again.cursor)).mentions] == ["t-1", "t-3"]


@pytest.mark.parametrize("fault", [Answer(RSS, cut=True), Answer(b""), Answer(status=503), Answer(b"<html></html>")])
async def test_failure_leaves_the_old_cursor_good(server: Loopback, feed: rss.FeedAddress, fault: Answer) -> None:
    server.answer = Answer(RSS, headers={"ETag": '"a"'})
    page = await feed.poll("")
    server.answer = fault
    with pytest.raises((TemporaryError, PermanentError)):
        await feed.poll(page.cursor)


async def test_a_feed_that_ends_too_early_is_asked_for_whole(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(RSS[: RSS.index(b"</channel>")], headers={"ETag": '"a"'})
    page = await feed.poll("")
    assert len(page.mentions) == 2 and "etag" not in json.loads(page.cursor)


async def test_settings_of_another_address_do_not_reuse_its_cursor(server: Loopback, session: Http) -> None:
    server.answer = Answer(RSS, headers={"ETag": '"a"'})
    old = connect(Settings(kind="rss", name="forum", url=server.url("/old")), session)
    page = await old.poll("")
    new = connect(Settings(kind="rss", name="forum", url=server.url("/new")), session)
    assert (await new.poll(page.cursor)).mentions
    assert "If-None-Match" not in server.asked[-1].headers
    await asyncio.gather(old.close(), new.close())


async def test_permanent_redirect_is_remembered_until_it_fails(server: Loopback, feed: rss.FeedAddress) -> None:
    def moved(asked: Asked) -> Answer:
        return Answer(RSS) if asked.path == "/new" else Answer(status=301, headers={"Location": "/new"})

    server.answer = moved
    page = await feed.poll("")
    server.asked.clear()
    page = await feed.poll(page.cursor)
    assert [asked.path for asked in server.asked] == ["/new"]
    server.answer = lambda asked: Answer(RSS) if asked.path == "/feed" else Answer(status=404)
    page = await feed.poll(page.cursor)
    assert [asked.path for asked in server.asked] == ["/new", "/new", "/feed"]
    await feed.poll(page.cursor)
    assert server.asked[-1].path == "/feed" and len(server.asked) == 4


async def test_an_address_with_a_key_is_not_written_into_the_cursor(server: Loopback, session: Http) -> None:
    server.answer = lambda asked: (
        Answer(RSS) if asked.path.startswith("/b") else Answer(status=301, headers={"Location": "/b?key=tajny"})
    )
    feed = connect(Settings(kind="rss", name="forum", url=server.url("/a?key=tajny")), session)
    assert "tajny" not in (await feed.poll("")).cursor
    await feed.close()


async def test_gone(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(status=410)
    with pytest.raises(PermanentError, match="410 Gone"):
        await feed.poll("")


async def test_forbidden(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(status=403)
    with pytest.raises(AuthError):
        await feed.poll("")


async def test_web_page_instead_of_a_feed(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(b"<!DOCTYPE html><html><body><h1>Vitajte</h1></body></html>")
    with pytest.raises(PermanentError, match="look there for the address of its feed"):
        await feed.poll("")


async def test_windows_1250_named_by_the_header_alone(server: Loopback, feed: rss.FeedAddress) -> None:
    body = RSS.decode().replace(' encoding="UTF-8"', "").encode("windows-1250")
    server.answer = Answer(body, headers={"Content-Type": "text/xml; charset=windows-1250"})
    assert "Hrniec prišiel rozbitý." in (await feed.poll("")).mentions[0].text


async def test_sample(session: Http) -> None:
    sample = connect(Settings(kind="rss", name="forum", path="sample:forum.rss"), session)
    page = await sample.poll("")
    assert len(page.mentions) > 3 and not page.skipped
    assert not (await sample.poll(page.cursor)).mentions
    await sample.close()


async def test_without_a_date_the_content_hash_is_the_same(server: Loopback, feed: rss.FeedAddress) -> None:
    server.answer = Answer(RSS.replace(b"pubDate", b"nothing"))
    before = datetime.now(UTC)
    first, again = (await feed.poll("")).mentions[0], (await feed.poll("")).mentions[0]
    assert first.created_at >= before and first.content_hash == again.content_hash


async def test_hostile_feed_does_not_stop_the_next_one(server: Loopback, feed: rss.FeedAddress) -> None:
    attributes = " ".join(f'a{n}="&lt;"' for n in range(16_000))
    server.answer = Answer(f"<rss><channel><item {attributes}><title>".encode() + b"<!--" * 300_000)
    try:
        page = await feed.poll("")
    except (PermanentError, TemporaryError):
        pass
    else:
        assert len(page.mentions) <= 1
    server.answer = Answer(RSS)
    assert (await feed.poll("")).mentions


# ---- parsing alone


def feed_of(items: str) -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()


def parsed(items: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = parse({"headers": {}}, feed_of(items))["entries"]
    return entries


def test_identity_falls_back_to_link_then_to_title_and_date() -> None:
    by_link, by_title, other = parsed(
        "<item><link>https://a.example/1?utm_medium=rss</link><title>x</title></item>"
        "<item><title>x</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate></item>"
        "<item><title>x</title><pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate></item>"
    )
    assert by_link["id"] == "https://a.example/1"
    assert len(by_title["id"]) == 64 and by_title["id"] != other["id"]


def test_entries_without_any_mark_are_told_apart_by_their_text() -> None:
    assert len(parsed("<item><description>a</description></item><item><description>b</description></item>")) == 2


def test_a_thousand_entries_are_enough() -> None:
    items = "".join(f"<item><guid>{n}</guid><title>t {n}</title></item>" for n in range(30_000))
    result = parse({"headers": {}}, feed_of(items))
    assert len(result["entries"]) == rss.ENTRIES and result["entries"][-1]["id"] == "999"
    assert result["skipped"] == ["only the first 1000 entries are read"] and result["sound"]


def test_google_alerts() -> None:
    (entry,) = parse(
        {"headers": {}},
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:google.com,2013:googlealerts/feed:7</id>'
        b'<title type="html">&lt;b&gt;Vare\xc5\xa1ka&lt;/b&gt; sklamala</title>'
        b'<link href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://blog.example/a%3Fb%3D1&amp;ct=ga"/>'
        b'<published>2026-11-20T10:00:00Z</published><content type="html">Text &lt;b&gt;zl\xc3\xbd&lt;/b&gt;</content>'
        b"</entry></feed>",
    )["entries"]
    assert entry["title"] == "Vareška sklamala" and entry["url"] == "https://blog.example/a?b=1"
    assert entry["text"] == "Text zlý"


def test_address_of_the_author_is_not_kept() -> None:
    (entry,) = parsed("<item><title>x</title><author>jana@firma.example (Jana Malá)</author></item>")
    assert entry["author"] == "Jana Malá"


def test_scripts_links_and_markup_come_to_nothing() -> None:
    (entry,) = parsed(
        "<item><title>x</title><link>javascript:alert(1)</link>"
        "<description>&lt;script&gt;alert(1)&lt;/script&gt;Dobré&lt;img src=x onerror=alert(1)&gt;</description></item>"
    )
    assert entry["url"] == "" and entry["text"] == "Dobré"


def test_entities_do_not_reach_files() -> None:
    secret = Path(__file__).as_uri()
    body = (
        f'<!DOCTYPE r [<!ENTITY f SYSTEM "{secret}">]>'.encode() + feed_of("<item><title>a &f; b</title></item>")[21:]
    )
    for entry in parse({"headers": {}}, body)["entries"]:
        assert "import" not in entry["title"]


@pytest.mark.parametrize("places", [{}, {"url": "https://a.example", "path": "x"}, {"url": "ftp://a.example"}])
def test_settings_want_one_place(places: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(kind="rss", **places)
