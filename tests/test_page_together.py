"""Rejecting and handing on many drafts at once: managers only, each draft by itself, each told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import MultiDict

from monitor.people import Person
from tests.made import mention
from tests.page_place import Place, Reader, Seen

PEOPLE = {
    "Eva": Person(name="Eva", role="manager"),
    "Lea": Person(name="Lea", role="manager"),
    "Adam": Person(name="Adam", role="agent"),
    "Rita": Person(name="Rita", role="reader"),
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, people=dict(PEOPLE)) as place:
        yield place


@pytest.fixture
async def eva(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("Eva")


async def together(reader: Reader, what: str, *picks: str, **fields: str) -> Seen:
    csrf = (await reader.get("/")).hidden("csrf")
    form = MultiDict([("csrf", csrf), ("do", what), *fields.items(), *(("pick", pick) for pick in picks)])
    return await reader.ask("POST", "/together", data=form)


async def test_each_is_rejected_by_itself_at_the_revision_that_was_shown(place: Place, eva: Reader) -> None:
    drafts = [place.draft(mention(number)) for number in range(1, 5)]
    page = await eva.get("/")
    assert [f'name="pick" value="{draft}:1"' in page.html for draft in drafts] == [True] * 4
    async with Reader(place) as adam:
        await adam.sign_in("Adam")
        await adam.send(drafts[1], "edit", text="Medzitým iný text.")
        await adam.send(drafts[2], "approve")
    seen = await together(eva, "reject", "1:1", "2:1", "3:1", "4:1", "99:1", suggestion="not_ours", reason="<spam>")
    assert seen.status == 200 and "2 of 5 drafts rejected." in seen.text
    assert [place.state(draft) for draft in drafts] == ["rejected", "pending", "approved", "rejected"]
    assert "OH-00002 waiting Nothing was changed: somebody was faster. Adam decided on" in seen.text
    assert "OH-00003 approved Nothing was changed: somebody was faster." in seen.text
    assert "There is no such draft any more." in seen.text
    [entry] = place.store.views.matter(drafts[0]).history
    assert (entry.action, entry.actor, entry.via, entry.reason) == ("reject", "Eva", "page", "not_ours: <spam>")


async def test_without_a_reason_nothing_is_rejected_and_the_ticks_stay(place: Place, eva: Reader) -> None:
    first, second = place.draft(), place.draft()
    seen = await together(eva, "reject", f"{first}:1", f"{second}:1")
    assert seen.status == 422 and "choose a reason" in seen.text
    assert all(f'name="pick" value="{draft}:1"' in seen.html for draft in (first, second))
    assert (place.state(first), place.state(second)) == ("pending", "pending")
    seen = await together(eva, "reject", suggestion="no_reply")
    assert seen.status == 422 and "No draft was ticked" in seen.text


async def test_many_are_handed_on(place: Place, eva: Reader) -> None:
    first, second = place.draft(), place.draft()
    seen = await together(eva, "assign", f"{first}:1", f"{second}:7", person="Adam")
    assert "1 of 2 drafts handed on." in seen.text and "handed to Adam" in seen.text
    assert [place.store.asking.get(draft).assignee for draft in (first, second)] == ["Adam", ""]
    seen = await together(eva, "assign", f"{second}:1", person="Rita")
    assert "0 of 1 draft handed on." in seen.text and "You may not decide this" in seen.text


@pytest.mark.parametrize("person", ["Adam", "Rita"])
async def test_only_managers_decide_about_many(place: Place, person: str) -> None:
    draft = place.draft()
    async with Reader(place) as reader:
        await reader.sign_in(person)
        assert 'name="pick"' not in (await reader.get("/")).html
        assert (await together(reader, "reject", f"{draft}:1", suggestion="no_reply")).status == 403
    assert place.state(draft) == "pending"


async def test_nonsense_is_refused(place: Place, eva: Reader) -> None:
    draft = place.draft()
    assert (await together(eva, "approve", f"{draft}:1")).status == 400
    assert (await together(eva, "reject", "x:1", "-1:1", ":", "٣:1", suggestion="no_reply")).status == 422
    assert (await eva.ask("POST", "/together", data={"do": "reject", "pick": f"{draft}:1"})).status == 403
    assert (await eva.get("/together?tab=all")).headers["Location"] == "/?tab=all"
    assert place.state(draft) == "pending"


async def test_what_is_done_has_no_ticks(place: Place, eva: Reader) -> None:
    await eva.send(place.draft(), "reject", suggestion="no_reply")
    for tab in ("done", "all", "approved"):
        assert 'name="pick"' not in (await eva.get(f"/?tab={tab}")).html


async def test_two_managers_at_once_decide_each_draft_once(place: Place, eva: Reader) -> None:
    picks = [f"{place.draft(mention(number))}:1" for number in range(1, 11)]
    async with Reader(place) as lea:
        await lea.sign_in("Lea")
        pages = await asyncio.gather(
            together(eva, "reject", *picks, suggestion="no_reply"), together(lea, "reject", *picks, reason="nie")
        )
    done = [page.text.partition(" of 10")[0].rpartition(" ")[2] for page in pages]
    assert sum(map(int, done)) == 10
    for pick in picks:
        assert len(place.store.views.matter(int(pick.partition(":")[0])).history) == 1
