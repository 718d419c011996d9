"""What got no draft is listed with the reason, and gets one when a person wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import Page
from monitor.desk import Desk
from monitor.model import Priority
from monitor.options import CompanyOptions, Config
from monitor.pipeline import Pipeline
from monitor.store import aside as store_aside
from monitor.store.sqlite import SqliteStore
from responders.page import aside as page_aside
from responders.words import LANGUAGES
from tests.made import NOON, arrive, mention
from tests.page_place import Place, Reader
from tests.terminal import answer, ohlas, shop_with_drafts
from tests.test_page_browser import PHONE, browser, pytestmark

__all__ = ["browser"]
in_a_browser = pytestmark

ADVERT = "Predám nepoužitý varič, cena 20 €, osobný odber v Žiline."
URGENT = "Už tretíkrát vám píšem, vy idioti. Peniaze strhli, tovar nikde a kuriér sa neozval."


def pipeline(store: SqliteStore) -> Pipeline:
    config = Config(company=CompanyOptions(name="Púpava", signature="Jana", contact="pomoc@pupava.example"))
    desk = Desk(config, EmbeddedClassifier.load(languages=config.drafting.languages), {})
    return Pipeline(store, desk, lambda: datetime(2026, 11, 21, 15, tzinfo=UTC))


async def judge_again(store: SqliteStore, row_id: int) -> None:
    await pipeline(store).again(row_id)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, judge_again=judge_again) as place:
        arrive(
            place.store,
            mention(1, text=ADVERT, rating=None, author="Ivo <b>Predajca</b>"),
            mention(2, text=URGENT, rating=None),
            mention(3, text="", rating=5.0),
        )
        await pipeline(place.store).step()
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in()


async def want(reader: Reader, row_id: int, **changed: str) -> tuple[int, str]:
    page = await reader.get("/aside")
    form = {"csrf": page.hidden("csrf"), **changed}
    sent = await reader.ask("POST", f"/aside/{row_id}/draft", data=form)
    return sent.status, sent.headers.get("Location", "")


async def test_what_has_no_draft_is_listed_with_the_reason(jana: Reader) -> None:
    page = await jana.get("/aside")
    assert "Somebody sells or looks for something; words that say so: Predám, 20 €" in page.text
    assert "Stars without a text; stars: 5" in page.text
    assert "tretíkrát" not in page.text
    assert "<b>Predajca" not in page.html and "Ivo <b>Predajca</b>" in page.text
    assert 'href="/aside"' in (await jana.get("/")).html


async def test_the_list_can_be_narrowed_to_one_reason(jana: Reader) -> None:
    page = await jana.get("/aside?reason=only_stars")
    assert "Stars without a text" in page.text and "osobný odber" not in page.text
    assert "Nothing is set aside" in (await jana.get("/aside?reason=none_such&page=7")).text


async def test_one_that_is_wanted_gets_a_draft_and_keeps_it(place: Place, jana: Reader) -> None:
    status, where = await want(jana, 1)
    assert (status, where) == (303, "/drafts/2")
    page = await jana.get(where)
    assert "Drafted because a person wanted it: jana" in page.text
    assert "osobný odber" not in (await jana.get("/aside")).text

    again = mention(1, text=f"{ADVERT} Ešte stále!", rating=None)
    place.store.mentions.save_page("shop", Page(mentions=(again,)), None, NOON)
    await pipeline(place.store).step()
    assert place.state(2) == "pending"


async def test_wanting_twice_or_what_has_a_draft_changes_nothing(place: Place, jana: Reader) -> None:
    assert await want(jana, 1) == await want(jana, 1)
    assert place.store.drafts.get(1).priority is Priority.URGENT
    assert await want(jana, 2) == (303, "/drafts/1")
    assert place.store.drafts.get(1).rev == 1


async def test_only_the_page_itself_can_want(place: Place, jana: Reader) -> None:
    assert (await want(jana, 1, csrf="made-up"))[0] == 403
    assert (await want(jana, 99))[0] == 404
    assert (await jana.get("/aside/1/draft")).headers["Location"] == "/aside"
    async with Reader(place) as stranger:
        assert (await stranger.get("/aside")).headers["Location"] == "/sign-in"


async def test_urgency_and_tone_are_shown_with_their_words(jana: Reader) -> None:
    page = await jana.get("/drafts/1")
    assert "Urgency money taken ( Peniaze strhli" in page.text and "asks again ( tretíkrát vám píšem )" in page.text
    assert "Tone rude ( idioti )" in page.text
    assert "delivery ( kuriér )" in page.text
    assert "Money was taken and nothing came for it; words that say so: Peniaze strhli" in page.text
    assert '<span class="label urgent">money taken</span>' in (await jana.get("/")).html


@in_a_browser
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_list_is_for_everybody(place: Place, browser: Browser, language: str) -> None:
    window = await browser.new_context(viewport=PHONE, locale=language)  # type: ignore[arg-type]
    page = await window.new_page()
    await page.goto(place.link())
    await page.locator("main button").click()
    for path in ("/aside", "/drafts/1"):
        await page.goto(f"{place.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert (await Axe().run(page)).response["violations"] == []
    await window.close()


def test_the_terminal_lists_them_too(tmp_path: Path) -> None:
    reviews = [{"id": "1", "author": "Ivo", "text": ADVERT}, {"id": "2", "author": "Eva", "text": URGENT}]
    config = shop_with_drafts(tmp_path, reviews=reviews)
    [found] = answer("inbox", "--tab", "aside", "--json", config=config)["mentions"]
    assert (found["reason"], found["reason_detail"], found["id"]) == ("classified_advert", "Predám, 20 €", "1")
    assert "classified advert: Pred" in ohlas("inbox", "--tab", "aside", config=config).stdout
    [row] = answer("inbox", "--json", config=config)["drafts"]
    assert (row["urgency"], row["tone"]) == (["money", "repeated"], "rude")
    shown = ohlas("show", str(row["id"]), config=config).stdout
    assert "repeated (tretíkrát vám píšem)" in shown and "tone: rude (idioti)" in shown
    verdict = answer("show", str(row["id"]), "--json", config=config)["verdict"]
    assert verdict["tone"] == {"name": "rude", "words": ["idioti"]} and verdict["aside"] is None


async def test_very_many_are_counted_up_to_a_number(
    place: Place, jana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, and leads on to what is beyond that number."""
    for module in (store_aside, page_aside):
        monkeypatch.setattr(module, "MOST_COUNTED", 20)
    arrive(place.store, *(mention(n, text="", rating=5.0) for n in range(100, 130)))
    await pipeline(place.store).step()
    await pipeline(place.store).step()
    found = place.store.aside.look("only_stars")
    assert (found.total, found.more, found.reasons["only_stars"], len(found.rows)) == (20, True, 20, 31)
    assert not place.store.aside.look("classified_advert").more
    page = await jana.get("/aside?reason=only_stars")
    assert "(20+)" in page.text and "page 1 of 2+" in page.text
    second = await jana.get("/aside?reason=only_stars&page=2")
    assert second.html.count("Stars without a text") == 1 + 6 and 'rel="next"' not in second.html
