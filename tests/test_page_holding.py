"""Queues on the page, and taking, handing on, snoozing and escalating a draft."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.people import Person
from tests.made import mention
from tests.page_place import Place, Reader, Seen

PEOPLE = {
    "Eva": Person(name="Eva", role="agent"),
    "Peter": Person(name="Peter", role="agent", languages=("cs",)),
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


@pytest.fixture
async def peter(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("Peter")


def names(seen: Seen) -> list[str]:
    return [name for name in ("One", "Two", "Three") if name in seen.text]


def three(place: Place) -> tuple[int, int, int]:
    one, two, three = (place.draft(mention(n, author=name)) for n, name in enumerate(("One", "Two", "Three")))
    for number, assignee in ((one, "Eva"), (two, "Peter"), (three, "")):
        place.store.asking.route(place.store.drafts.get(number), assignee, ("Eva", "Peter"), None, place.now)
    return one, two, three


async def test_everybody_begins_with_the_own_queue(place: Place, eva: Reader, peter: Reader) -> None:
    three(place)
    assert names(await eva.get("/")) == ["One", "Three"]
    assert names(await peter.get("/")) == ["Two", "Three"]
    page = await eva.get("/?tab=others")
    assert names(page) == ["Two"] and "for Peter" in page.text
    assert "My queue 2 Waiting for others 1 Snoozed 0 All waiting 3" in page.text
    assert "for Eva, Peter" in (await eva.get("/")).text
    async with Reader(place) as rita:
        await rita.sign_in("Rita")
        page = await rita.get("/")
        assert names(page) == ["One", "Two", "Three"] and "My queue" not in page.text


async def test_what_others_do_is_not_ones_own_work(place: Place, eva: Reader, peter: Reader) -> None:
    one, two, _ = three(place)
    seen = await eva.send(one, "approve")
    assert seen.headers["Location"] == f"/drafts/3?after={one}"  # and not Peter's
    await eva.send(3, "reject", suggestion="no_reply")
    page = await eva.get("/")
    assert "Nothing waits for you" in page.text and "1 draft waits for others, or was snoozed." in page.text
    assert place.state(two) == "pending"


async def test_opening_the_edit_form_claims_the_draft(place: Place, eva: Reader, peter: Reader) -> None:
    draft = place.draft()
    page = await eva.get(f"/drafts/{draft}")
    assert "<textarea" not in page.html and "I let it go" not in page.text
    seen = await eva.send(draft, "claim", then="edit")
    assert (seen.status, seen.headers["Location"]) == (303, f"/drafts/{draft}?edit=1#text")
    page = await eva.get(f"/drafts/{draft}?edit=1")
    assert "<textarea" in page.html and "Eva is working on it until 16:15" in page.text and "I let it go" in page.text
    assert "Eva is working on it until 16:15" in (await peter.get("/?tab=others")).text

    refused = await peter.send(draft, "claim", then="edit")
    assert refused.status == 409 and "Somebody else is working on it already." in refused.text
    assert f"/drafts/{draft}?edit=1#text" in refused.html
    assert "<textarea" in (await peter.get(f"/drafts/{draft}?edit=1")).html

    place.now += timedelta(minutes=16)
    assert (await peter.send(draft, "claim")).headers["Location"] == f"/drafts/{draft}"
    assert "Peter is working on it" in (await eva.get(f"/drafts/{draft}")).text
    await eva.send(draft, "release")
    assert place.store.asking.get(draft).claimed_by == "Peter"
    await peter.send(draft, "release")
    assert place.store.asking.get(draft).claimed_by == ""


async def test_handing_a_draft_on(place: Place, eva: Reader, peter: Reader) -> None:
    one, _, last = three(place)
    seen = await eva.send(one, "assign", person="Peter")
    assert seen.headers["Location"] == f"/drafts/{last}?after={one}"
    assert "OH-00001 : handed to Peter." in (await eva.get(seen.headers["Location"])).text
    assert names(await peter.get("/")) == ["One", "Two", "Three"]
    assert (await eva.send(last, "assign", person="Eva")).headers["Location"] == f"/drafts/{last}?after={last}"
    assert (await eva.send(last, "assign", person="")).status == 303
    for nobody in ("Rita", "Stranger"):
        assert (await eva.send(last, "assign", person=nobody)).status == 403
    assert place.store.asking.get(last).assignee == ""


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"rest": "hour"}, "snoozed until Sat 21 Nov 17:00"),
        ({"rest": "tomorrow"}, "snoozed until Mon 23 Nov 08:00"),  # a Saturday
        ({"rest": "change"}, "snoozed until something changes"),
        ({"day": "2026-12-01"}, "snoozed until Tue 1 Dec 08:00"),
        ({"day": "2026-11-28"}, "snoozed until Mon 30 Nov 08:00"),
    ],
)
async def test_snoozing_and_waking(place: Place, eva: Reader, fields: dict[str, str], shown: str) -> None:
    one, _, last = three(place)
    seen = await eva.fill(one, "snooze", fields)
    assert seen.headers["Location"] == f"/drafts/{last}?after={one}"
    assert f"OH-00001 : {shown}." in (await eva.get(seen.headers["Location"])).text
    assert names(await eva.get("/")) == ["Three"]
    away = await eva.get("/?tab=snoozed")
    assert names(away) == ["One"] and shown in away.text
    assert shown in (await eva.get(f"/drafts/{one}")).text
    await eva.send(one, "wake")
    assert names(await eva.get("/")) == ["One", "Three"]
    assert place.store.asking.get(one).timer is not None


@pytest.mark.parametrize("day", ["", "yesterday", "2026-11-21", "2020-01-01", "9999-12-31"])
async def test_days_that_do_not_lie_ahead(place: Place, eva: Reader, day: str) -> None:
    draft = place.draft()
    seen = await eva.send(draft, "snooze", day=day)
    assert seen.status == 422 and "Please choose a day that lies ahead." in seen.text
    assert place.store.asking.get(draft).snoozed_until is None


async def test_escalating_by_hand_makes_the_next_step_due(place: Place, eva: Reader) -> None:
    draft = place.draft()
    seen = await eva.send(draft, "escalate")
    assert "Escalated." in (await eva.get(seen.headers["Location"])).text
    asking = place.store.asking.get(draft)
    assert (asking.level, asking.timer) == (1, place.now)


async def test_handled_another_way(place: Place, eva: Reader) -> None:
    draft = place.draft()
    await eva.send(draft, "handled", reason="zavolala som")
    assert place.state(draft) == "superseded"
    page = await eva.get(f"/drafts/{draft}")
    assert "marked as handled zavolala som" in page.text and "I take it" not in page.text


async def test_what_is_decided_cannot_be_taken(place: Place, eva: Reader, peter: Reader) -> None:
    draft = place.draft()
    await peter.send(draft, "approve")
    for what in ("claim", "assign", "snooze", "escalate"):
        seen = await eva.send(draft, what, person="Eva", rest="hour")
        assert seen.status == 409 and "somebody was faster" in seen.text, what


async def test_every_action_has_a_key_of_its_own(place: Place, eva: Reader) -> None:
    first, _ = place.draft(), place.draft()
    await eva.send(first, "claim")
    await eva.send(first, "snooze", rest="hour")
    for path, wanted in ((f"/drafts/{first}", "acefhiklnrtwxz"), ("/", "ims")):
        keys = re.findall(r'accesskey="(.)"', (await eva.get(path)).html)
        assert len(keys) == len(set(keys)) and set(wanted) <= set(keys), path


async def test_readers_hold_nothing_and_visits_change_nothing(place: Place, eva: Reader) -> None:
    draft = place.draft()
    async with Reader(place) as rita:
        await rita.sign_in("Rita")
        for what in ("claim", "release", "assign", "snooze", "wake", "escalate"):
            assert (await rita.send(draft, what, rest="hour", person="Eva")).status == 403, what
            for method in ("GET", "HEAD"):
                assert (await eva.ask(method, f"/drafts/{draft}/{what}")).status == 303
            assert (await eva.ask("POST", f"/drafts/{draft}/{what}", data={"rest": "hour"})).status == 403
    assert (await eva.send(draft, "claim")).status == 303
    csrf = (await eva.get("/")).hidden("csrf")
    assert (await eva.ask("POST", "/drafts/999/claim", data={"csrf": csrf})).status == 404
    assert [entry.action for entry in place.store.views.matter(draft).history] == []
