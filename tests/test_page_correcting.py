"""Correcting a label on the page: one press, drafted anew, kept with who did it; and nothing behind anybody's back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from monitor.contract import Page
from monitor.desk import Desk
from monitor.model import Reason
from monitor.options import CompanyOptions, Config
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from responders.words import LANGUAGES
from tests.made import COMPLAINT, NOON, mention
from tests.page_place import Place, Reader
from tests.test_page_browser import DESKTOP, PHONE, browser, pytestmark, sit_down, tab_to

__all__ = ["browser"]
in_a_browser = pytestmark


async def judge_again(store: SqliteStore, row_id: int) -> None:
    """As the service does it, with its own classifier, triage and playbooks."""
    from monitor.classify.embedded import EmbeddedClassifier

    config = Config(company=CompanyOptions(name="Púpava", signature="Jana", contact="pomoc@pupava.example"))
    desk = Desk(config, EmbeddedClassifier.load(languages=config.drafting.languages), {})
    await Pipeline(store, desk, lambda: datetime(2026, 11, 21, 15, tzinfo=UTC)).again(row_id)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, judge_again=judge_again) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in()


async def correct(reader: Reader, draft_id: int, said: str, **changed: str) -> tuple[int, str]:
    page = await reader.get(f"/drafts/{draft_id}")
    form = {"csrf": page.hidden("csrf"), "seen": page.hidden("seen"), "label": said, **changed}
    answer = await reader.ask("POST", f"/drafts/{draft_id}/correct", data=form)
    return answer.status, answer.headers.get("Location", "") or answer.text


async def test_a_corrected_draft_is_written_anew_at_once(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, rating=None))
    assert await correct(jana, draft, "praise") == (303, f"/drafts/{draft}?after={draft}")
    shown = await jana.get(f"/drafts/{draft}?after={draft}")
    assert "label corrected." in shown.text
    assert "praise, said by a person" in shown.text and "Corrected by jana" in shown.text
    assert "complaint → praise" in shown.text
    now = place.store.drafts.get(draft)
    assert (now.rev, now.state, "thanks" in now.parts, "apology" in now.parts) == (2, "pending", True, False)
    assert [entry.action for entry in place.store.views.matter(draft).history] == ["correct", "redrafted"]


async def test_only_other_labels_are_offered_unless_the_model_is_unsure(place: Place, jana: Reader) -> None:
    sure = await jana.get(f"/drafts/{place.draft()}")
    assert "Wrong label?" in sure.text
    assert [f'value="{label}"' in sure.html for label in ("complaint", "praise", "neutral")] == [False, True, True]
    unsure = await jana.get(f"/drafts/{place.draft(verdict=replace(COMPLAINT, unsure=True))}")
    assert "Is the label right?" in unsure.text
    assert all(f'value="{label}"' in unsure.html for label in ("complaint", "praise", "neutral"))


async def test_what_needs_no_answer_is_closed(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, rating=None))
    await correct(jana, draft, "neutral")
    assert place.state(draft) == "superseded"
    assert "Wrong label?" in (await jana.get(f"/drafts/{draft}")).text  # it can be taken back
    await correct(jana, draft, "complaint")
    assert place.state(draft) == "pending"


async def test_a_decided_draft_stays_as_it_is(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, rating=None))
    await jana.send(draft, "edit", text="Vlastnými slovami.")
    await correct(jana, draft, "praise")
    now = place.store.drafts.get(draft)
    assert (now.text, now.rev, now.state) == ("Vlastnými slovami.", 2, "pending")
    assert place.store.views.matter(draft).verdict.label == "praise"


async def test_words_that_the_person_did_not_see_are_not_corrected(place: Place, jana: Reader) -> None:
    wrote = mention(1)
    draft = place.draft(wrote)
    page = await jana.get(f"/drafts/{draft}")
    place.store.mentions.save_page("shop", Page(mentions=(replace(wrote, text="Už je to v poriadku."),)), None, NOON)
    status, said = await correct(jana, draft, "praise", seen=page.hidden("seen"))
    assert status == 409 and "the customer has edited the text since" in said
    assert place.store.corrections.lessons(10) == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"csrf": "wrong"}, 403), ({"label": "angry"}, 400), ({"label": ""}, 400), ({"seen": ""}, 409)],
)
async def test_forms_that_nobody_sent_are_refused(
    place: Place, jana: Reader, changed: dict[str, str], status: int
) -> None:
    draft = place.draft()
    assert (await correct(jana, draft, "praise", **changed))[0] == status
    assert place.store.corrections.lessons(10) == []


async def test_strangers_and_missing_drafts(place: Place, jana: Reader) -> None:
    draft = place.draft()
    page = await jana.get(f"/drafts/{draft}")
    form = {"csrf": page.hidden("csrf"), "seen": page.hidden("seen"), "label": "praise"}
    assert (await jana.ask("POST", "/drafts/99/correct", data=form)).status == 404
    elsewhere = {"Origin": "https://evil.example"}
    assert (await jana.ask("POST", f"/drafts/{draft}/correct", data=form, headers=elsewhere)).status == 403
    assert (await jana.get(f"/drafts/{draft}/correct")).status == 303
    async with Reader(place) as stranger:
        assert (await stranger.ask("POST", f"/drafts/{draft}/correct", data=form)).status == 403
    assert place.store.corrections.lessons(10) == []


async def test_learned_reasons_are_shown_in_every_language(place: Place, jana: Reader) -> None:
    learned = replace(COMPLAINT, reasons=(Reason(code="learned", detail="31% → 74%"),))
    draft = place.draft(verdict=learned)
    said = {"en": "Learned from your", "sk": "Naučené z vašich", "cs": "Naučeno z vašich", "hu": "Az Önök javításaiból"}
    page = await jana.get(f"/drafts/{draft}")
    for language in LANGUAGES:
        form = {"csrf": page.hidden("csrf"), "language": language, "back": "/"}
        await jana.ask("POST", "/language", data=form)
        shown = await jana.get(f"/drafts/{draft}")
        assert said[language] in shown.text and "31% → 74%" in shown.text


@in_a_browser
async def test_correcting_by_keyboard(place: Place, browser: Browser) -> None:
    draft = place.draft(mention(1, rating=None))
    page = await sit_down(browser, place)
    await page.goto(f"{place.url}/drafts/{draft}")
    await tab_to(page, "Wrong label?")
    await page.keyboard.press("Enter")
    await tab_to(page, "This is praise")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("label corrected")
    await expect(page.locator(".judged")).to_contain_text("said by a person")
    await expect(page.locator(".answer")).to_contain_text("ďakujeme za pochvalu")


@in_a_browser
async def test_axe_finds_nothing(place: Place, browser: Browser) -> None:
    draft = place.draft(verdict=replace(COMPLAINT, unsure=True))
    window = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = await window.new_page()
    await page.goto(place.link())
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{place.url}/drafts/{draft}")
    await page.get_by_text("Is the label right?").click()
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert (await Axe().run(page)).response["violations"] == []
    await window.close()
