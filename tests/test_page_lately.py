"""The bar that says what is new since a page was opened, beside whatever is typed there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from tests.made import mention
from tests.page_place import Place, Reader, Seen


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("jana")


@pytest.fixture
async def peter(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("peter")


def bar(page: Seen) -> str:
    found = re.search(r'<iframe class="lately" src="([^"]+)"', page.html)
    assert found
    return unescape(found[1])


async def test_the_list_tells_what_is_new_and_what_others_changed(place: Place, jana: Reader, peter: Reader) -> None:
    first, second = place.draft(), place.draft()
    address = bar(await jana.get("/?source=shop"))
    seen = await jana.get(address)
    assert "Nothing new; looked at 16:00" in seen.text and seen.headers["Refresh"] == "20"
    place.draft()
    await peter.send(first, "approve")
    await peter.send(first, "undo")
    await jana.send(second, "edit", text="Vlastnými slovami.")  # one's own doing is no news
    seen = await jana.get(address)
    assert "1 new, 1 changed by others Show" in seen.text and 'href="/?source=shop" target="_top"' in seen.html
    assert "Nothing new" in (await jana.get(bar(await jana.get("/")))).text


async def test_only_what_belongs_to_the_list_is_new_in_it(place: Place, jana: Reader) -> None:
    address = bar(await jana.get("/"))
    done = bar(await jana.get("/?tab=done"))
    for assignee in ("jana", "peter"):
        draft = place.store.drafts.get(place.draft())
        place.store.asking.route(draft, assignee, (assignee,), None, place.now)
    assert "1 new" in (await jana.get(address)).text
    assert "Nothing new" in (await jana.get(done)).text


async def test_a_draft_tells_what_others_do_with_it(place: Place, jana: Reader, peter: Reader) -> None:
    draft = place.draft()
    page = await jana.get(f"/drafts/{draft}?edit=1")
    address = bar(page)
    assert "Nothing new" in (await jana.get(address)).text
    await peter.send(draft, "claim")
    assert "peter is working on it until 16:15" in (await jana.get(address)).text
    assert "Nothing new" in (await peter.get(bar(await peter.get(f"/drafts/{draft}")))).text
    await peter.send(draft, "assign", person="peter")
    assert "peter : handed to peter (16:00) Show the present state" in (await jana.get(address)).text
    await peter.send(draft, "approve")
    seen = await jana.get(address)
    assert "peter : approved (16:00) Show the present state" in seen.text
    assert 'target="_blank"' in seen.html  # so that what is typed stays
    assert 'target="_top"' in (await jana.get(address.replace("&edit=1", ""))).html


async def test_only_the_bar_may_be_framed_and_only_by_us(place: Place, jana: Reader) -> None:
    draft = place.draft()
    for path in ("/", f"/drafts/{draft}", "/sources", "/replies", "/aside"):
        headers = (await jana.get(path)).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert ("frame-src 'self'" in headers["Content-Security-Policy"]) == (path in ("/", f"/drafts/{draft}"))
    for path in ("/lately", f"/drafts/{draft}/lately"):
        headers = (await jana.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy and "form-action 'none'" in policy and "frame-src" not in policy
        assert headers["X-Frame-Options"] == "SAMEORIGIN" and headers["Cache-Control"] == "no-store"


async def test_nothing_is_told_to_strangers_and_made_up_addresses_are_harmless(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, author="Secret Name"))
    async with Reader(place) as stranger:
        for path in ("/lately?draft=0", f"/drafts/{draft}/lately"):
            seen = await stranger.get(path)
            assert seen.text.endswith("You are not signed in any more.") and "Refresh" not in seen.headers
    assert (await jana.get("/drafts/999/lately")).status == 404
    for query in ("draft=x&line=-1", "draft=99999999999999999999", "tab=nonsense", "lang=%00"):
        assert (await jana.get(f"/lately?{query}")).status == 200
    place.now += timedelta(days=15)
    assert "not signed in" in (await jana.get("/lately")).text
