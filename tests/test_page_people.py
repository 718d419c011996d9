"""Who gets in, by a mailed link, and who may do what: readers, agents, managers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.people import Person
from monitor.store.messages import Message
from responders.inviting import token_for
from responders.page.often import KEYS, Often
from tests.made import APOLOGY, NOON, mention
from tests.page_place import PROMISE, Place, Reader, Seen

PEOPLE = {
    "Eva": Person(name="Eva", mail="eva@shop.example", role="manager"),
    "Adam": Person(name="Adam", mail="Adam@shop.example", role="agent"),
    "Rita": Person(name="Rita", mail="rita@shop.example", role="reader"),
    "Nomail": Person(name="Nomail", role="agent"),
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, people=dict(PEOPLE), mails=True) as place:
        yield place


@pytest.fixture
async def stranger(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield reader


async def ask(reader: Reader, who: str, **more: object) -> Seen:
    return await reader.ask("POST", "/sign-in", data={"who": who}, **more)


def letters(place: Place) -> list[Message]:
    return place.store.messages.due("mail", place.now, 100)


async def test_a_link_is_mailed_to_who_is_on_the_list(place: Place, stranger: Reader) -> None:
    for who in ("Rita", " RITA@shop.example "):
        seen = await ask(stranger, who)
        assert (seen.status, seen.headers["Location"]) == (303, "/sign-in?sent")
    assert "Look into your mail" in (await stranger.get("/sign-in?sent")).text
    first, second = letters(place)
    assert (first.kind, first.recipient, first.person, first.body) == ("sign_in", "rita@shop.example", "Rita", "")
    token = token_for(second, place.store, place.now)
    for method in ("GET", "HEAD", "GET"):
        assert (await stranger.ask(method, f"/sign-in?token={token}")).status == 200
    entered = await stranger.ask("POST", "/sign-in", data={"token": token})
    assert (entered.status, entered.headers["Location"]) == (303, "/")
    assert (await stranger.get("/")).status == 200
    async with Reader(place) as other:
        assert (await other.ask("POST", "/sign-in", data={"token": token})).status == 403


async def test_a_mailed_link_lives_for_half_an_hour(place: Place, stranger: Reader) -> None:
    await ask(stranger, "Eva")
    token = token_for(letters(place)[0], place.store, place.now)
    place.now += timedelta(minutes=31)
    seen = await stranger.ask("POST", "/sign-in", data={"token": token})
    assert seen.status == 403 and "does not work any more" in seen.text and "Mail me a link" in seen.text


async def test_nobody_learns_who_is_on_the_list(place: Place, stranger: Reader) -> None:
    answers = [await ask(stranger, who) for who in ("Eva", "Nobody", "Nomail", "x@evil.example", "<b>" * 200)]
    assert {(seen.status, seen.headers["Location"], seen.html) for seen in answers} == {(303, "/sign-in?sent", "")}
    assert [letter.person for letter in letters(place)] == ["Eva"]


async def test_three_links_an_hour_are_enough_for_one_person(place: Place, stranger: Reader) -> None:
    for _ in range(7):
        assert (await ask(stranger, "Eva")).status == 303
    assert len(letters(place)) == 3
    place.now += timedelta(hours=1)
    await ask(stranger, "eva")
    assert len(letters(place)) == 4


async def test_one_address_cannot_ask_for_ever(place: Place, stranger: Reader) -> None:
    statuses = [(await ask(stranger, f"name {number}")).status for number in range(22)]
    assert statuses == [303] * 20 + [429] * 2
    assert "Try again in an hour" in (await ask(stranger, "Eva")).text
    behind_a_proxy = {"X-Forwarded-For": "1.1.1.1, 192.0.2.7"}
    assert (await ask(stranger, "Eva", headers=behind_a_proxy)).status == 303
    assert (await ask(stranger, "Eva", headers={"X-Forwarded-For": "made up"})).status == 429
    place.now += timedelta(hours=1)
    assert (await ask(stranger, "Eva")).status == 303


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    often = Often(1, timedelta(hours=1))
    for number in range(KEYS + 50):
        assert not often.too_often(str(number), NOON)
    assert often.too_often(str(KEYS + 49), NOON) and not often.too_often("0", NOON)


async def test_asking_from_another_site_or_without_mail_does_nothing(place: Place, stranger: Reader) -> None:
    assert (await ask(stranger, "Eva", headers={"Origin": "https://evil.example"})).status == 403
    assert (await ask(stranger, "")).status == 400
    assert letters(place) == []


async def test_without_mail_only_the_console_helps(tmp_path: Path) -> None:
    async with Place(tmp_path, people=dict(PEOPLE)) as place, Reader(place) as reader:
        page = await reader.get("/sign-in")
        assert "Mail me a link" not in page.text and "ohlas link NAME" in page.text
        assert (await ask(reader, "Eva")).status == 400


# --- roles


@pytest.fixture
async def rita(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("Rita")


async def test_readers_see_everything_and_decide_nothing(place: Place, rita: Reader) -> None:
    draft = place.draft()
    page = await rita.get(f"/drafts/{draft}")
    assert APOLOGY in page.text and "You may read, but not decide." in page.text
    assert page.html.count("<form") == 2  # the menu: language, signing out
    assert "Draft it anyway" not in (await rita.get("/aside")).text
    csrf = page.hidden("csrf")
    for action in ("approve", "edit", "reject", "handled", "rewrite", "acknowledge"):
        form = {"csrf": csrf, "rev": "1", "text": "x", "suggestion": "no_reply", "fault": "ours"}
        seen = await rita.ask("POST", f"/drafts/{draft}/{action}", data=form)
        assert seen.status == 403 and "You may not decide this" in seen.text, action
    form = {"csrf": csrf, "seen": mention(1).content_hash, "label": "praise"}
    assert (await rita.ask("POST", f"/drafts/{draft}/correct", data=form)).status == 403
    assert "You may read, but not decide." in (await rita.ask("POST", "/aside/1/draft", data={"csrf": csrf})).text
    assert (place.state(draft), place.store.drafts.get(draft).rev) == ("pending", 1)


async def test_only_managers_overrule_the_check(place: Place) -> None:
    draft = place.draft(text=f"We give {PROMISE}.")
    async with Reader(place) as adam, Reader(place) as eva:
        await adam.sign_in("Adam")
        await eva.sign_in("Eva")
        page = await adam.get(f"/drafts/{draft}")
        assert 'name="override"' not in page.html and "who may approve it all the same: Eva" in page.text
        seen = await adam.send(draft, "approve", override="unapproved_promise")
        assert (seen.status, place.state(draft)) == (403, "pending")
        assert 'name="override"' in (await eva.get(f"/drafts/{draft}")).html
        assert (await eva.send(draft, "approve", override="unapproved_promise")).status == 303


async def test_one_may_not_approve_ones_own_text_where_that_is_forbidden(tmp_path: Path) -> None:
    async with Place(tmp_path, people=dict(PEOPLE), own_edits=False) as place, Reader(place) as adam:
        draft = place.draft()
        await adam.sign_in("Adam")
        await adam.send(draft, "edit", text="Vlastnými slovami.")
        page = await adam.get(f"/drafts/{draft}")
        assert "somebody else has to approve it" in page.text and "/approve" not in page.html


async def test_what_two_have_to_approve_shows_who_did(tmp_path: Path) -> None:
    async with (
        Place(tmp_path, people=dict(PEOPLE), two=lambda _draft: True) as place,
        Reader(place) as adam,
        Reader(place) as eva,
    ):
        draft = place.draft()
        await adam.sign_in("Adam")
        await eva.sign_in("Eva")
        seen = await adam.send(draft, "approve")
        assert "Adam said yes; a second person has to." in (await adam.get(seen.headers["Location"])).text
        page = await adam.get(f"/drafts/{draft}")
        assert "Adam said yes" in page.text and "/approve" not in page.html
        await eva.send(draft, "approve")
        assert place.state(draft) == "approved"
