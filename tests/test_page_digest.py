"""Ending the digests and having them again: on the page, by the link in a mail, by a mail program of its own accord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from responders.digest_links import DigestLinks, LinkError
from tests.made import people
from tests.page_place import Place, Reader

LINKS = DigestLinks(b"k" * 32)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, mails=True, digests=LINKS, people=people("jana", mail="jana@shop.example")) as place:
        yield place


def wanted(place: Place) -> bool:
    return place.store.digests.subscription("jana", place.now).on


async def test_a_mail_program_ends_them_with_one_request(place: Place) -> None:
    address = LINKS.address(place.url, "jana")
    async with Reader(place) as program:
        looked = await program.get(address)  # a scanner that opens the link ends nothing
        assert looked.status == 200 and "jana gets digests by mail." in looked.html and wanted(place)
        done = await program.ask("POST", address, data={"List-Unsubscribe": "One-Click"})
        assert done.status == 200 and "jana gets no digests by mail." in done.html and not wanted(place)
        again = await program.ask("POST", address, data={"wanted": "yes"})
        assert "jana gets digests by mail." in again.html and wanted(place)


async def test_another_site_ends_nothing(place: Place) -> None:
    async with Reader(place, **{"Sec-Fetch-Site": "cross-site"}) as browser:
        seen = await browser.ask("POST", LINKS.address(place.url, "jana"), data={"List-Unsubscribe": "One-Click"})
        assert seen.status == 403 and wanted(place)


@pytest.mark.parametrize("mark", ["made-up", LINKS.address("", "jana")[:-1].rpartition("/")[2], "x" * 5000])
async def test_links_that_are_not_ours(place: Place, mark: str) -> None:
    async with Reader(place) as reader:
        assert (await reader.get(f"/digest/off/{mark}")).status == 404
        assert (await reader.ask("POST", f"/digest/off/{mark}", data={})).status == 404
    assert wanted(place)


def test_a_link_of_somebody_who_left() -> None:
    mark = LINKS.address("", "jana").rpartition("/")[2]
    assert LINKS.person(mark, ["jana"]) == "jana"
    with pytest.raises(LinkError, match="not in config"):
        LINKS.person(mark, ["peter"])
    with pytest.raises(LinkError, match="not made here"):
        DigestLinks(b"other key").person(mark, ["jana"])


async def test_on_the_page_after_a_sign_in(place: Place) -> None:
    async with Reader(place) as reader:
        assert (await reader.get("/digest")).headers["Location"] == "/sign-in"
        await reader.sign_in()
        page = await reader.get("/digest")
        assert "Send none any more" in page.html and 'href="/digest"' in page.html
        refused = await reader.ask("POST", "/digest", data={"wanted": "no"})
        assert refused.status == 403 and wanted(place)
        done = await reader.ask("POST", "/digest", data={"wanted": "no", "csrf": page.hidden("csrf")})
        assert (done.status, done.headers["Location"], wanted(place)) == (303, "/digest", False)
        assert "Send them again" in (await reader.get("/digest")).html


async def test_who_has_no_address_is_told_so(tmp_path: Path) -> None:
    async with Place(tmp_path, mails=True) as place, Reader(place) as reader:
        await reader.sign_in()
        assert "names no address" in (await reader.get("/digest")).html
        assert (await reader.get(LINKS.address("", "jana"))).status == 404  # no mail, no link
