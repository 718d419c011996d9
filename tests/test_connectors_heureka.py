"""The Heureka connector: exports in every state, and a key that is never seen."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors import heureka
from monitor.contract import CanConfirm, CanReply, Page
from monitor.errors import PermanentError, SourceError, TemporaryError
from tests.contract import ConnectorContract, FileContract
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.recordings import recorded

KEY = "c0ffee00c0ffee00c0ffee00ca9a12ab"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SHOP = """<?xml version="1.0" encoding="UTF-8"?>
<reviews>
 <review><rating_id>71</rating_id><name><![CDATA[Žofia]]></name><unix_timestamp>1795000000</unix_timestamp>
  <total_rating>0.5</total_rating><pros><![CDATA[- rýchle dodanie
- milá pani & kolegyňa]]></pros><cons><![CDATA[poškodený obal
]]></cons><summary><![CDATA[Škatuľa prišla mokrá]]></summary><order_id>2026-77</order_id></review>
 <review><rating_id>72</rating_id><unix_timestamp>1795000100</unix_timestamp><total_rating>4.5</total_rating>
  <summary>Super</summary><reaction><![CDATA[Ďakujeme!]]></reaction></review>
 <review><rating_id>73</rating_id><unix_timestamp>1795000200</unix_timestamp><total_rating>2</total_rating></review>
</reviews>""".encode()
PRODUCT = """<?xml version="1.0" encoding="windows-1250"?>
<products>
 <product><productno>9</productno><product_name><![CDATA[Hrnec Ďábel 5 l]]></product_name>
  <url><![CDATA[https://shop.example/hrnec?utm_source=x]]></url><order_id>55</order_id>
  <reviews><review><rating_id>5</rating_id><rating_id_type>product</rating_id_type>
   <unix_timestamp>1795000000</unix_timestamp><rating>4</rating><summary>Těžký, ale vaří výborně</summary></review>
  <review><rating_id>5</rating_id><rating_id_type>offer</rating_id_type><unix_timestamp>1795000300</unix_timestamp>
   <rating>1</rating><cons>ucho prasklo</cons></review></reviews></product>
 <product><product_name>Pánev</product_name><reviews></reviews></product>
</products>""".encode("windows-1250")


def settings(**options: Any) -> heureka.Settings:
    return heureka.Settings(**{"kind": "heureka", "name": "shop", "country": "sk", "path": "export.xml", **options})


def with_key(**options: Any) -> heureka.Settings:
    return settings(path="", key=KEY, **options)


def read(body: bytes, **options: Any) -> Page:
    return heureka.read_export(body, settings(**options), NOW, "The export")


class TestHeurekaContract(ConnectorContract):
    kind = "heureka"
    settings = {"country": "sk", "key": KEY}
    secrets = (KEY,)
    recording = SHOP
    entry = rb"<review>.*?</review>"
    bad_entry = b"<review><rating_id>71</rating_id><name>Eva</name></review>"
    phrase = "Škatuľa prišla mokrá".encode()
    nonsense = {"feed": b"<rss version='2.0'><channel/></rss>", "other": b"<products><product/></products>"}
    exempt = {"invisible": "covered below: inside CDATA nothing is unescaped"}


class TestSavedHeurekaContract(FileContract):
    kind = "heureka"
    file = "export.xml"
    settings = {"country": "cz", "reviews": "product", "path": "export.xml"}
    recording = PRODUCT.replace(b"windows-1250", b"utf-8").decode("windows-1250").encode()
    entry = rb"<review>.*?</review>"
    bad_entry = b"<review><rating_id>5</rating_id><rating>excellent</rating></review>"
    phrase = "vaří výborně".encode()


# ---- what a review says


def test_shop_review() -> None:
    first, second, third = read(SHOP).mentions
    assert first.text == "Škatuľa prišla mokrá\nPlusy: rýchle dodanie; milá pani & kolegyňa\nMínusy: poškodený obal"
    assert (first.id, first.author, first.rating, first.thread, first.reply) == ("71", "Žofia", 1.0, "", "")
    assert first.created_at == datetime.fromtimestamp(1_795_000_000, UTC)
    assert (second.author, second.rating, second.reply, second.language) == ("", 4.5, "Ďakujeme!", "")
    assert (third.text, third.language) == ("★★☆☆☆", "sk")


def test_order_number_is_in_raw_alone() -> None:
    first = read(SHOP).mentions[0]
    assert first.raw["order_id"] == "2026-77"
    assert "2026-77" not in first.text + first.title + first.url + first.id


def test_product_review() -> None:
    first, second = read(PRODUCT, reviews="product", country="cz").mentions
    assert (first.id, first.title, first.url) == ("5", "Hrnec Ďábel 5 l", "https://shop.example/hrnec")
    assert first.text == "Těžký, ale vaří výborně"
    assert (second.id, second.text) == ("offer-5", "Mínusy: ucho prasklo")


def test_reviews_without_an_id_keep_one() -> None:
    body = SHOP.replace(b"<rating_id>71</rating_id>", b"")
    assert read(body).mentions[0].id == read(body).mentions[0].id != read(SHOP).mentions[0].id


def test_of_two_with_one_id_the_newer_counts() -> None:
    body = SHOP.replace(b"<rating_id>72</rating_id>", b"<rating_id>71</rating_id>")
    assert [mention.text for mention in read(body).mentions] == ["Super", "★★☆☆☆"]


def test_missing_or_absurd_dates_and_ratings_lose_no_review() -> None:
    body = SHOP.replace(b"1795000000", b"99999999999999999999").replace(b">0.5<", b">five<").replace(b"1795000100", b"")
    first, second, _ = read(body).mentions
    assert (first.created_at, first.rating, second.created_at) == (NOW, None, NOW)


def test_empty_reviews_are_counted() -> None:
    body = SHOP.replace(b"</reviews>", b"<review><rating_id>1</rating_id></review><review/></reviews>")
    assert read(body).skipped == ("2 with neither a text nor stars",)


def test_invisible_characters_go() -> None:
    body = SHOP.replace("Škatuľa".encode(), "Ška\u202etu\u2066ľa".encode())
    assert read(body).mentions[0].text.startswith("Škatuľa prišla")


# ---- exports that are none


@pytest.mark.parametrize("body", [b"", b"\0\0\0", b"\xef\xbb\xbf\n", SHOP[:-30], SHOP[:200]])
def test_cut_off_is_temporary(body: bytes) -> None:
    with pytest.raises(TemporaryError):
        read(body)


@pytest.mark.parametrize(
    "body", [b"{}", b"<html><body>Prihl\xc3\xa1senie</body></html>", b"<!DOCTYPE html><p>", b"<a/>"]
)
def test_something_else_is_permanent(body: bytes) -> None:
    with pytest.raises(PermanentError, match="not an export of Heureka"):
        read(body)


def test_the_other_export_says_what_to_set() -> None:
    with pytest.raises(PermanentError, match='set reviews = "product"'):
        read(PRODUCT)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE reviews [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE reviews [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE reviews SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_and_documents_types_are_refused(declaration: str) -> None:
    with pytest.raises(SourceError):
        read(SHOP.replace(b"<reviews>", declaration.encode() + b"<reviews>").replace(b"Super", b"&x;&b;"))


def test_deep_and_crowded_exports_end_soon() -> None:
    with pytest.raises(SourceError):
        read(b"<reviews>" + b"<a>" * 500_000)
    with pytest.raises(PermanentError):
        read(b"<reviews>" + b"<review/>" * 200_000 + b"</reviews>")


@given(st.binary(max_size=300), st.integers(0, len(SHOP)))
def test_whatever_the_bytes_only_source_errors(junk: bytes, place: int) -> None:
    for body in (junk, SHOP[:place] + junk + SHOP[place:]):
        try:
            read(body)
        except SourceError as error:
            assert str(error)


# ---- settings


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"path": ""}, "key or path"),
        ({"key": KEY}, "key or path"),
        ({"path": "", "key": "short"}, "32 characters"),
        ({"path": "", "key": KEY, "interval": 60}, "21600"),
        ({"country": "hu"}, "cz"),
        ({"base_url": "ftp://x"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint) as caught:
        settings(**options)
    assert KEY not in str(caught.value) and KEY not in repr(caught.value)


def test_saved_export_may_be_looked_at_often() -> None:
    assert settings(interval=60).interval == 60
    assert with_key().interval == 6 * 3600


# ---- polling


async def poll(server: Loopback, cursor: str = "", **options: Any) -> Page:
    async with LoopbackHttp(server.origin) as http:
        return await heureka.connect(with_key(**options), http).poll(cursor)


@pytest.mark.parametrize("country", ["cz", "sk"])
async def test_address_shop(server: Loopback, country: str) -> None:
    server.answer = Answer(SHOP)
    await poll(server, country=country)
    assert server.asked[0].path == f"/direct/dotaznik/export-review.php?key={KEY}"


async def test_base_url(server: Loopback) -> None:
    server.answer = Answer(SHOP)
    await poll(server, base_url="https://proxy.example/heureka")
    assert server.asked[0].path == f"/heureka/direct/dotaznik/export-review.php?key={KEY}"


async def test_unchanged_export_is_not_parsed(server: Loopback) -> None:
    server.answer = Answer(SHOP)
    first = await poll(server)
    again = await poll(server, first.cursor)
    assert (again.mentions, again.cursor) == ((), first.cursor)
    server.answer = Answer(SHOP.replace(b"Super", b"Superne"))
    assert len((await poll(server, again.cursor)).mentions) == 3


def since_of(request: Asked) -> datetime:
    since = parse_qs(urlsplit(request.path).query)["from"][0]
    return datetime.strptime(since, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


async def test_products_are_asked_for_since_the_newest(server: Loopback) -> None:
    server.answer = Answer(PRODUCT)
    newest = int(time.time()) - 3600
    server.answer = Answer(PRODUCT.replace(b"1795000300", str(newest).encode()))
    first = await poll(server, reviews="product")
    await poll(server, first.cursor, reviews="product")
    assert "from" not in server.asked[0].path
    assert since_of(server.asked[1]) == datetime.fromtimestamp(newest, UTC) - heureka.OVERLAP


async def test_since_reaches_half_a_year_back_at_most(server: Loopback) -> None:
    server.answer = Answer(PRODUCT)
    await poll(server, '{"sha256": "", "newest": 1000000000}', reviews="product")
    assert 179 <= (datetime.now(UTC) - since_of(server.asked[0])).days <= 180


async def test_key_is_seen_nowhere(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    redirect = Answer(status=302, headers={"Location": f"/elsewhere?key={KEY}"})
    foreign = Answer(status=302, headers={"Location": f"ftp://{KEY}/"})
    answers = (
        Answer(status=404),
        Answer(status=500),
        Answer(status=403),
        Answer(b"{"),
        Answer(SHOP, cut=True),
        redirect,
        foreign,
    )
    for answer in answers:
        server.answer = answer
        with pytest.raises(SourceError) as caught:
            await poll(server)
        shown = "".join(map(str, (caught.value, repr(caught.value), caught.value.__cause__)))
        assert KEY not in shown
    async with LoopbackHttp(server.origin) as http:
        source = heureka.connect(with_key(), http)
        assert KEY not in repr(source) + repr(with_key()) + with_key().model_dump_json() + repr(vars(source))
    assert KEY not in caplog.text


# ---- saved exports


async def saved(folder: Path, body: bytes, cursor: str = "") -> Page:
    path = folder / "export.xml"
    path.write_bytes(body)
    os.utime(path, (1_790_000_000, 1_790_000_000))
    async with LoopbackHttp("http://127.0.0.1:9") as http:
        return await heureka.connect(settings(base=folder), http).poll(cursor)


async def test_saved_export_is_read_once(tmp_path: Path) -> None:
    first = await saved(tmp_path, SHOP)
    assert len(first.mentions) == 3
    assert not (await saved(tmp_path, SHOP, first.cursor)).mentions


async def test_damaged_saved_export_wants_a_person(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"export\.xml is damaged"):
        await saved(tmp_path, SHOP[:-40])


async def test_answers_are_given_in_the_administration(tmp_path: Path) -> None:
    async with LoopbackHttp("http://127.0.0.1:9") as http:
        for options in ({}, {"path": "", "key": SecretStr(KEY)}):
            source = heureka.connect(settings(**options), http)
            assert isinstance(source, CanConfirm) and not isinstance(source, CanReply)
            assert source.reply_rules.kind == "manual"
            assert source.reply_link(read(SHOP).mentions[0]) == "https://sluzby.heureka.sk/obchody/"


# ---- real exports


@pytest.mark.parametrize(
    ("name", "count", "skipped"),
    [
        ("eshop-reviews.xml", 5, 0),
        ("reviews.xml", 1, 1),
        ("reviews-blank.xml", 0, 0),
        ("product-reviews-blank.xml", 0, 0),
        ("product-reviews-null.xml", 1, 0),
        ("product-reviews.xml", None, 0),
        ("tests__Fixtures__data__product-reviews.xml", 1, 1),
    ],
)
def test_real_exports(name: str, count: int | None, skipped: int) -> None:
    page = read(recorded(f"heureka/{name}"), reviews="product" if "product" in name else "shop", country="cz")
    assert count is None or len(page.mentions) == count
    assert len(page.skipped) == skipped
    assert all(mention.id and mention.text and mention.created_at.year > 2010 for mention in page.mentions)
