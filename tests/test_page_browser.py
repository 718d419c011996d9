"""The page in a real browser: Debian's Chromium, driven by Playwright, judged by axe."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from monitor.model import Aspect, Priority, Reason
from monitor.store.publications import Setback
from tests.made import COMPLAINT, PRAISE, mention
from tests.page_place import PROMISE, Place

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}; install it or set CHROMIUM to its path"
)
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path) as place:
        yield place


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        await started.close()


async def sit_down(browser: Browser, place: Place, person: str = "jana", **options: Any) -> Page:
    """A signed-in person's window. Scripts are off: the page has to do without."""
    window: BrowserContext = await browser.new_context(java_script_enabled=False, **options)
    page = await window.new_page()
    page.set_default_timeout(15_000)
    await page.goto(place.link(person))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{place.url}/")
    return page


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()


async def test_a_morning_at_the_inbox(place: Place, browser: Browser) -> None:
    first, second, third = (place.draft(mention(n, author=f"Customer {n}")) for n in (1, 2, 3))
    page = await sit_down(browser, place)
    await page.get_by_role("link", name="Customer 1").click()
    await press(page, "Approve and publish")
    await expect(page.get_by_role("status")).to_contain_text("approved. It goes out at")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Customer 2")
    assert place.state(first) == "approved"

    await press(page, "Undo")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Customer 1")
    assert place.state(first) == "pending"

    await page.get_by_text("Edit", exact=True).click()
    await page.get_by_label("Text of the reply").fill("Dobrý deň, ozveme sa Vám.")
    await press(page, "Save as a new revision")
    await expect(page.get_by_role("status")).to_contain_text("saved as revision 2")
    assert place.store.drafts.get(first).text == "Dobrý deň, ozveme sa Vám."

    await page.goto(f"{place.url}/drafts/{second}")
    await page.get_by_text("Reject", exact=True).click()
    await press(page, "Reject this draft")
    await expect(page.get_by_role("alert")).to_contain_text("choose a reason")
    await page.get_by_label("Handled another way").check()
    await page.get_by_label("In your own words").fill("phoned")
    await press(page, "Reject this draft")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Customer 3")
    assert (place.state(second), place.state(third)) == ("rejected", "pending")
    await page.goto(f"{place.url}/drafts/{second}")
    await expect(page.locator(".history")).to_contain_text("Handled another way: phoned")


async def test_two_browsers_at_once(place: Place, browser: Browser) -> None:
    draft = place.draft()
    jana, peter = [await sit_down(browser, place, person) for person in ("jana", "peter")]
    for page in (jana, peter):
        await page.goto(f"{place.url}/drafts/{draft}")
    await press(jana, "Edit")
    await expect(jana.get_by_label("Text of the reply")).to_be_focused()
    await press(peter, "Approve and publish")
    await jana.get_by_label("Text of the reply").fill("typed too late")
    await press(jana, "Save as a new revision")
    await expect(jana.get_by_role("alert")).to_contain_text("somebody was faster. peter decided on")
    await expect(jana.get_by_label("What you typed")).to_have_value("typed too late")
    assert place.store.drafts.get(draft).decided_by == "peter"


async def test_working_by_keyboard_alone(place: Place, browser: Browser) -> None:
    draft = place.draft(mention(1, author="Customer"))
    page = await sit_down(browser, place)
    keys = page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await keys.press("Enter")
    await tab_to(page, "Customer")
    await keys.press("Enter")
    await expect(page).to_have_url(f"{place.url}/drafts/{draft}")
    await tab_to(page, "Approve and publish")
    await keys.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("approved")
    await tab_to(page, "Undo")
    await keys.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("approval taken back")
    await tab_to(page, "Reject")
    await keys.press("Enter")
    await expect(page.get_by_label("It needs no reply")).to_be_visible()
    assert place.state(draft) == "pending"


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the thing that begins with `name` is focused."""
    wanted = page.locator(":focus").filter(has_text=re.compile(rf"^\s*{re.escape(name)}"))
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await wanted.count():
            return
    pytest.fail(f"Tab never came to {name}")


async def test_posting_by_hand(place: Place, browser: Browser) -> None:
    draft = place.draft(manual=True)
    page = await sit_down(browser, place)
    await page.goto(f"{place.url}/drafts/{draft}")
    await press(page, "Approve")
    await expect(page.get_by_label("Copy this text:")).to_have_value(place.store.drafts.get(draft).text)
    await press(page, "I posted it")
    await expect(page.get_by_role("status")).to_contain_text("marked as posted")
    assert place.state(draft) == "published"


async def test_the_language_switch(place: Place, browser: Browser) -> None:
    place.draft()
    page = await sit_down(browser, place)
    await page.goto(f"{place.url}/drafts/1")
    await page.locator(".me summary").click()
    await press(page, "Magyar")
    await expect(page).to_have_url(f"{place.url}/drafts/1")
    await expect(page.get_by_role("button", name="Jóváhagyás és közzététel")).to_be_visible()


async def test_a_link_from_another_site_still_finds_the_session(place: Place, browser: Browser, tmp_path: Path) -> None:
    draft = place.draft()
    page = await sit_down(browser, place)
    await page.route(
        "http://mail.example/**",
        lambda route: route.fulfill(body=f"<a href='{place.url}/drafts/{draft}'>draft</a>", content_type="text/html"),
    )
    await page.goto("http://mail.example/")
    await page.get_by_role("link", name="draft").click()
    await expect(page.get_by_role("button", name="Approve and publish")).to_be_visible()


def furnish(place: Place) -> dict[str, str]:
    """One address of every kind of page."""
    aspects = (Aspect(name="delivery", words=("meškalo",)),)
    verdict = replace(COMPLAINT, unsure=True, aspects=aspects, reasons=(Reason(code="words", detail="praskol"),))
    long_word = mention(1, text="nekonečné" * 60, title="T" * 150, author="A" * 80, source="s" * 60)
    plain = place.draft(long_word, verdict=verdict, priority=Priority.URGENT)
    errors = place.draft(text=f"We give {PROMISE}. " + "x" * 300)
    manual = place.draft(manual=True)
    unknown = place.draft(mention(9), verdict=PRAISE, priority=Priority.LOW)
    place.source_fails("forum", "stopped", "401 " + "k" * 200)
    return {
        "inbox": "/",
        "nothing found": "/?search=none",
        "all": "/?tab=all",
        "draft": f"/drafts/{plain}",
        "errors": f"/drafts/{errors}",
        "by hand": f"/drafts/{manual}",
        "unknown": f"/drafts/{unknown}",
        "sources": "/sources",
        "missing": "/missing",
    }


async def settle(place: Place, page: Page, addresses: dict[str, str]) -> None:
    for kind in ("by hand", "unknown"):
        await page.goto(place.url + addresses[kind])
        await page.locator(".approve .primary").click()
    place.now += timedelta(minutes=1)
    draft = place.store.drafts.get(int(addresses["unknown"].rpartition("/")[2]))
    publication = place.store.publications.begin(draft, place.people, place.now)
    assert publication is not None
    place.store.publications.lose_sight(publication, Setback(message="cut off"), None, place.now)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_nothing_scrolls_sideways(place: Place, browser: Browser, scheme: str) -> None:
    addresses = furnish(place)
    await settle(place, await sit_down(browser, place), addresses)
    window = await browser.new_context(color_scheme=scheme, viewport=PHONE)  # type: ignore[arg-type]
    page = await window.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    await page.goto(place.link())
    await examine(page, "sign-in", problems)
    await page.get_by_role("button", name="Sign in").click()
    for kind, address in addresses.items():
        await page.goto(place.url + address)
        await page.evaluate("document.querySelectorAll('main details').forEach(details => { details.open = true })")
        await examine(page, kind, problems)
    await page.goto(f"{place.url}/drafts/1")
    await page.locator(".me summary").click()
    await examine(page, "menu", problems)
    await window.clear_cookies()
    await page.goto(place.url)
    await examine(page, "signed out", problems)
    assert problems == []


async def examine(page: Page, kind: str, problems: list[str]) -> None:
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        over = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            problems.append(f"{kind} at {size['width']}: {over} px too wide")
        found = (await Axe().run(page)).response["violations"]
        problems += [f"{kind} at {size['width']}: {violation['id']}" for violation in found]


@pytest.mark.parametrize("language", ["en", "sk", "cs", "hu"])
async def test_the_bar_is_one_line_on_a_phone(place: Place, browser: Browser, language: str) -> None:
    page = await sit_down(browser, place, viewport=PHONE)
    await page.locator(".me summary").click()
    await page.locator(f"button[name=language][value={language}]").click()
    await page.goto(f"{place.url}/sources")
    bar = await page.locator(".bar").bounding_box()
    assert bar and bar["height"] < 60
    await expect(page.locator(".me summary")).to_have_accessible_name(re.compile("jana"))
