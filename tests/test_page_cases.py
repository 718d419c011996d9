"""Merging and splitting cases, and linking accounts, on the page, in Slack, by mail and in the terminal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from monitor.model import Priority
from monitor.people import Person
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from responders.mail.letters import Desk, Waiting, draft_letter
from responders.notices import told
from responders.slack.cards import Showing, card
from responders.words import LANGUAGES, Words
from tests.made import NOON, REPLY, arrive, mention
from tests.page_place import Place, Reader, Seen
from tests.terminal import CONFIG, answer, judge_everything, ohlas, shop_with_drafts
from tests.test_asking import CONFIG as ASKING
from tests.test_cases import JANA, ORDER, come, judge, mail, tweet, two_places
from tests.test_page_browser import PHONE, browser, press, pytestmark, sit_down, tab_to

__all__ = ["browser"]
in_a_browser = pytestmark

PEOPLE = {name: Person(name=name, role=role) for name, role in (("jana", "manager"), ("rita", "reader"))}  # type: ignore[arg-type]


async def judge_again(store: SqliteStore, _row_id: int) -> None:
    judge(store)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, people=dict(PEOPLE), judge_again=judge_again) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("jana")


def two_matters(store: SqliteStore) -> None:
    come(
        store, mention(1, text="Prišlo to rozbité.", author="Eva"), mention(2, text="Haló?", source="maps", author="E")
    )


async def send(reader: Reader, draft: int, what: str, **fields: str) -> Seen:
    return await reader.fill(draft, what, {"case": str(reader.place.store.drafts.get(draft).case_id), **fields})


async def test_the_second_place_says_who_has_it_in_hand(place: Place, jana: Reader) -> None:
    draft = two_places(place.store)
    page = await jana.get(f"/drafts/{draft.id}")
    assert "The same matter in 1 other place" in page.text and "same order number: 2024-1138" in page.text
    assert "the customer wrote again in forum" in page.text
    aside = await jana.get("/aside")
    assert "Already being handled in: shop OH-00001 waiting" in aside.text and "/drafts/1" in aside.html


async def test_two_cases_are_put_together_and_taken_apart(place: Place, jana: Reader) -> None:
    two_matters(place.store)
    done = await send(jana, 1, "merge", other="oh-2")
    assert (done.status, done.headers["Location"]) == (303, "/drafts/1?after=1#places")
    page = await jana.get("/drafts/1?after=1")
    assert "answers another case, too" in page.text and "put together by: jana" in page.text
    loser = await jana.get("/drafts/2")
    assert "Already being handled in shop : OH-00001 waiting" in loser.text
    assert "1 draft found" in (await jana.get("/?tab=waiting&search=OH-00002")).text, "the old number leads there"

    done = await send(jana, 1, "split", mention="2")
    assert done.status == 303 and place.state(2) == "pending"
    assert "Already being handled" not in (await jana.get("/drafts/2")).text


@pytest.mark.parametrize(
    ("what", "fields", "status", "said"),
    [
        ("merge", {"other": "OH-00099"}, 422, "There is no case of that number."),
        ("merge", {"other": "drop table"}, 422, "There is no case of that number."),
        ("merge", {"other": "OH-00001"}, 422, "This is the number of the case that you are looking at."),
        ("split", {"mention": "1"}, 422, "This is the only mention of the case."),
        ("split", {"mention": "2"}, 409, "somebody was faster"),
        ("link", {"mention": "2"}, 422, "no account by which the customer would be known again"),
        ("unlink", {"mention": "2"}, 422, "no account by which the customer would be known again"),
    ],
)
async def test_what_cannot_be_done_is_said(
    place: Place, jana: Reader, what: str, fields: dict[str, str], status: int, said: str
) -> None:
    two_matters(place.store)
    seen = await send(jana, 1, what, **fields)
    assert (seen.status, said in seen.text) == (status, True)
    assert place.store.cases.of(1) != place.store.cases.of(2)


async def test_only_who_decides_may_and_only_from_the_page_itself(place: Place, jana: Reader) -> None:
    two_matters(place.store)
    assert (await send(jana, 1, "merge", other="OH-2", csrf="made-up")).status == 403
    assert (
        await jana.ask("POST", "/drafts/99/merge", data={"csrf": (await jana.get("/")).hidden("csrf")})
    ).status == 404
    async with Reader(place) as rita:
        await rita.sign_in("rita")
        page = await rita.get("/drafts/1")
        assert "Put together" not in page.text
        assert (await send(rita, 1, "merge", other="OH-2")).status == 403
    assert place.store.cases.of(1) != place.store.cases.of(2)


async def test_linked_accounts_show_what_the_customer_wrote_before(place: Place, jana: Reader) -> None:
    long_ago = NOON - timedelta(days=200)
    come(place.store, tweet(1, "Kde je balík?", "jana_m"), mail(2, "Vlani meškal.", "j@jana.sk", created_at=long_ago))
    await send(jana, 1, "merge", other="OH-2")
    assert "Both accounts are one customer's" in (await jana.get("/drafts/1")).text
    assert (await send(jana, 1, "link", mention="2")).status == 303
    assert "Not the same customer's accounts" in (await jana.get("/drafts/1")).text
    come(place.store, mail(3, "A predvlani tiež.", "j@jana.sk", created_at=long_ago - timedelta(days=300)))
    page = await jana.get("/drafts/1")
    assert "The customer wrote in 1 other matter" in page.text and "A predvlani tiež." in page.text


def shown(store: SqliteStore, draft: int, language: str = "en") -> Showing:
    return Showing(
        matter=store.views.matter(draft),
        asking=store.asking.get(draft),
        words=Words(language, ZoneInfo("Europe/Bratislava")),
        page="",
        slack_ids={},
        now=NOON,
    )


async def test_slack_and_mail_tell_where_else_it_is(place: Place) -> None:
    draft = two_places(place.store)
    showing = shown(place.store, draft.id)
    assert "Also on forum (same order number: 2024-1138): Už druhý týždeň čakám" in str(card(showing).blocks)
    assert "asks again" in str(card(showing).blocks[0])
    desk = Desk(words=showing.words, page="", local=False, now=NOON)
    letter = draft_letter(Waiting(kind="card", matter=showing.matter, asking=showing.asking), desk)
    assert any("Also on forum" in fact for fact in letter.drafts[0].facts)


async def test_people_are_told_that_a_customer_wrote_again(place: Place) -> None:
    store = place.store
    asker = Asker(ASKING, store, lambda: NOON)
    asker.catch_up()
    arrive(store, mention(1, text=f"{ORDER} neprišla."))
    judge(store, replace(REPLY, priority=Priority.NORMAL))
    asker.step()
    before = store.asking.get(1)
    arrive(store, mention(2, text=f"Stále nič, {ORDER}", source="forum"))
    judge(store)
    asker.step()
    rows = store._engine.rows("SELECT body FROM message WHERE kind = 'notice' AND body LIKE '%wrote_again%'")
    assert rows
    body: dict[str, Any] = json.loads(rows[0]["body"])
    words = Words("en", ZoneInfo("Europe/Bratislava"))
    said = "The customer wrote again on forum. Already being handled on shop: OH-00001, waiting"
    assert told(body, words) == said
    after = store.asking.get(1)
    assert after.answer_by is not None and before.answer_by is not None and after.answer_by < before.answer_by
    asker.step()
    count = store._engine.rows("SELECT count(*) FROM message WHERE body LIKE '%wrote_again%' AND kind = 'notice'")
    assert count[0][0] == len(rows)


@in_a_browser
async def test_merging_and_splitting_by_keyboard_alone(place: Place, browser: Browser) -> None:
    two_matters(place.store)
    page = await sit_down(browser, place)
    await page.goto(f"{place.url}/drafts/1")
    await tab_to(page, "Put together with another case…")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Number of the other case")).to_be_visible()
    await page.get_by_label("Number of the other case").focus()
    await page.keyboard.type("OH-00002")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("answers another case, too")
    await expect(page.locator(".places")).to_contain_text("put together by: jana")
    assert (place.state(1), place.state(2)) == ("pending", "superseded")

    await page.goto(f"{place.url}/drafts/2")
    await expect(page.locator(".handling")).to_contain_text("OH-00001")
    await page.get_by_role("link", name="OH-00001").first.click()
    await press(page, "Another matter: E in maps")
    await expect(page.get_by_role("status")).to_contain_text("taken apart from")
    assert (place.state(1), place.state(2)) == ("pending", "pending")


@in_a_browser
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_places_are_for_everybody(place: Place, browser: Browser, language: str) -> None:
    come(place.store, tweet(1, "Kde je balík?", "jana_m"), mail(2, "Už nikdy.", "j@jana.sk"))
    place.store.cases.merge(1, 2, JANA)
    window = await browser.new_context(viewport=PHONE, locale=language)  # type: ignore[arg-type]
    page = await window.new_page()
    await page.goto(place.link())
    await page.locator("main button").click()
    for path in ("/drafts/1", "/drafts/2"):
        await page.goto(f"{place.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert (await Axe().run(page)).response["violations"] == []
    await window.close()


def test_the_terminal_does_it_too(tmp_path: Path) -> None:
    reviews = [
        {"id": "1", "author": "Zora Bystrá", "text": f"{ORDER} prišla zvädnutá, hanba!", "rating": 1},
        {"id": "2", "author": "zb82", "text": f"Reklamujem: {ORDER}, je to katastrofa!", "rating": 1},
        {"id": "3", "author": "Teo Malík", "text": "Kytica zvädla za dva dni, nikdy viac!", "rating": 1},
    ]
    config = shop_with_drafts(tmp_path, CONFIG, reviews)
    [first, third] = answer("inbox", "--json", config=config)["drafts"]
    assert (first["reference"], third["reference"]) == ("OH-00001", "OH-00002")
    [aside] = answer("inbox", "--tab", "aside", "--json", config=config)["mentions"]
    assert (aside["reason"], aside["handled_by"]["draft_id"]) == ("same_matter", first["id"])
    assert "see OH-00001, pending" in ohlas("inbox", "--tab", "aside", config=config).output
    shown = ohlas("show", str(first["id"]), config=config).output
    assert "Also on eshop" in shown and "mention 2 (same order number 2024-1138)" in shown

    assert "are OH-00001 now" in ohlas("case", "merge", "OH-00002", "1", config=config).output
    listed = ohlas("case", "show", "OH-2", config=config).output
    assert "OH-00002 was put together with OH-00001." in listed and "merge OH-00002 by Alžbeta (terminal)" in listed
    assert [one["mention"] for one in answer("case", "show", "1", "--json", config=config)["mentions"]] == [1, 2, 3]
    handled = ohlas("show", str(third["id"]), config=config).output
    assert f"Already being handled in eshop: draft {first['id']}, pending" in handled

    assert "Mention 2 is OH-00003 now" in ohlas("case", "split", "2", "--as", "Matúš", config=config).output
    judge_everything(config)
    assert len(answer("inbox", "--json", config=config)["drafts"]) == 2
    for wrong, why in (
        (("split", "2"), "this one mention only"),
        (("split", "99"), "no mention 99"),
        (("merge", "1", "77"), "no case OH-00077"),
        (("link", "1", "2"), "no account"),
        (("merge", "1", "3", "--as", "nobody"), "not among the people"),
    ):
        result = ohlas("case", *wrong, config=config)
        assert (result.exit_code, why in result.output) == (1, True), result.output
    assert ohlas("case", "show", "soon", config=config).exit_code == 2
