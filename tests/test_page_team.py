"""Several people at the page, in a real browser with scripts off: signing in, roles, queues, conflicts, bulk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from monitor.model import Choice, Composition, Draft
from monitor.people import Person
from responders.approval import Rewritten
from responders.inviting import token_for
from tests.made import mention
from tests.page_place import PROMISE, Place
from tests.test_page_browser import PHONE, browser, examine, press, pytestmark, sit_down, tab_to

__all__ = ["browser", "pytestmark"]

PEOPLE = {
    "Eva": Person(name="Eva", mail="eva@shop.example", role="manager"),
    "Adam": Person(name="Adam", mail="adam@shop.example", role="agent"),
    "Rita": Person(name="Rita", mail="rita@shop.example", role="reader"),
}


def rewrite(draft: Draft, fault: str, actor: str) -> Rewritten:
    text = "Dobrý deň, mrzí nás to."
    choices = (Choice(part="apology", text=text, why=(fault, "delivery"), template=text),)
    made = Composition(language="sk", text=text, parts={"apology": text}, choices=choices)
    return Rewritten(composition=made, findings=())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, people=dict(PEOPLE), mails=True, refresh=1, rewrite=rewrite) as place:
        yield place


async def test_signing_in_by_a_mailed_link_with_the_keyboard(place: Place, browser: Browser) -> None:
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    await page.goto(place.url)
    await page.get_by_label("Your name or e-mail address").focus()
    await page.keyboard.type("RITA@shop.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("a sign-in link is on its way")
    [letter] = place.store.messages.due("mail", place.now)
    await page.goto(f"{place.url}/sign-in?token={token_for(letter, place.store, place.now)}")
    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{place.url}/")
    await expect(page.get_by_role("banner")).to_contain_text("Rita")


async def test_each_role_sees_what_it_may_do(place: Place, browser: Browser) -> None:
    draft = place.draft(text=f"We give {PROMISE}.")
    for person, hint, boxes in (
        ("Rita", "You may read, but not decide.", 0),
        ("Adam", "who may approve it all the same: Eva", 0),
        ("Eva", "tick what you have looked at", 1),
    ):
        page = await sit_down(browser, place, person)
        assert await page.get_by_role("checkbox").count() == (1 if person == "Eva" else 0)
        await page.goto(f"{place.url}/drafts/{draft}")
        await expect(page.get_by_text(hint)).to_be_visible()
        assert await page.locator("[name=override]").count() == boxes
        assert await page.get_by_role("button", name="I take it").count() == (0 if person == "Rita" else 1)


async def test_a_draft_moves_from_queue_to_queue(place: Place, browser: Browser) -> None:
    draft = place.draft(mention(1, author="Customer"))
    eva, adam = await sit_down(browser, place, "Eva"), await sit_down(browser, place, "Adam")
    await adam.goto(f"{place.url}/drafts/{draft}")
    await tab_to(adam, "Hand it to somebody")
    await adam.keyboard.press("Enter")
    await adam.get_by_label("To whom?").select_option("Eva")
    await press(adam, "Hand it on")
    await expect(adam.get_by_role("status")).to_contain_text("handed to Eva")
    await adam.goto(place.url)
    await expect(adam.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    await adam.get_by_role("link", name="Waiting for others 1").click()
    await expect(adam.locator(".row")).to_contain_text("for Eva")
    await eva.goto(f"{place.url}/drafts/{draft}")
    await tab_to(eva, "Snooze…")
    await eva.keyboard.press("Enter")
    await press(eva, "Snooze until tomorrow morning")
    await eva.goto(f"{place.url}/?tab=snoozed")
    await expect(eva.locator(".row")).to_contain_text("snoozed until Mon 23 Nov 08:00")
    await eva.get_by_role("link", name="Customer").click()
    await press(eva, "Wake it up")
    await expect(eva.get_by_role("status")).to_contain_text("woken")


async def test_two_who_edit_at_once_see_each_other_and_lose_nothing(place: Place, browser: Browser) -> None:
    draft = place.draft()
    eva, adam = await sit_down(browser, place, "Eva"), await sit_down(browser, place, "Adam")
    await adam.goto(f"{place.url}/drafts/{draft}")
    await eva.goto(f"{place.url}/drafts/{draft}")
    await press(eva, "Edit")
    await eva.get_by_label("Text of the reply").fill("Text of Eva")
    bar = adam.frame_locator(".lately")
    await expect(bar.get_by_role("status")).to_contain_text("Eva is working on it until 16:15")  # by itself
    await press(adam, "Edit")
    await expect(adam.get_by_role("alert")).to_contain_text("Somebody else is working on it already")
    await adam.get_by_role("link", name="Edit it all the same").click()
    await adam.get_by_label("Text of the reply").fill("Text of Adam")
    await press(adam, "Save as a new revision")
    await expect(eva.frame_locator(".lately").get_by_role("status")).to_contain_text("Adam: edited")
    await expect(eva.get_by_label("Text of the reply")).to_have_value("Text of Eva")  # still there
    await press(eva, "Save as a new revision")
    await expect(eva.get_by_role("alert")).to_contain_text("somebody was faster. Adam decided on")
    await expect(eva.get_by_label("Text of the reply")).to_have_value("Text of Eva")
    assert place.store.drafts.get(draft).text == "Text of Adam"
    await press(eva, "Save as a new revision")
    assert (place.store.drafts.get(draft).text, place.store.drafts.get(draft).rev) == ("Text of Eva", 3)


async def test_the_list_tells_of_new_drafts_and_keeps_the_ticks(place: Place, browser: Browser) -> None:
    place.draft(mention(1, author="First"))
    eva = await sit_down(browser, place, "Eva")
    await eva.get_by_label("Tick OH-00001").check()
    await eva.get_by_text("With all that are ticked…").click()
    await eva.get_by_label("In your own words").fill("typed")
    place.draft(mention(2, author="Second"))
    bar = eva.frame_locator(".lately")
    await expect(bar.get_by_role("status")).to_contain_text("1 new")
    await expect(eva.get_by_label("Tick OH-00001")).to_be_checked()
    await expect(eva.get_by_label("In your own words")).to_have_value("typed")
    await bar.get_by_role("link", name="Show").click()
    await expect(eva.get_by_role("link", name="Second")).to_be_visible()


async def test_rejecting_many_with_the_keyboard(place: Place, browser: Browser) -> None:
    drafts = [place.draft(mention(number)) for number in (1, 2, 3)]
    eva = await sit_down(browser, place, "Eva")
    for reference in ("OH-00001", "OH-00003"):
        await eva.get_by_label(f"Tick {reference}").focus()
        await eva.keyboard.press("Space")
    await tab_to(eva, "With all that are ticked…")
    await eva.keyboard.press("Enter")
    for _ in range(2):
        await eva.keyboard.press("Tab")
    await eva.keyboard.type("all spam")
    await eva.keyboard.press("Enter")
    await expect(eva.get_by_role("status")).to_contain_text("2 of 2 drafts rejected.")
    assert [place.state(draft) for draft in drafts] == ["rejected", "pending", "rejected"]
    await eva.get_by_role("link", name="Back to the list").click()
    await expect(eva.locator(".row")).to_have_count(1)


async def test_writing_anew_for_another_fault(place: Place, browser: Browser) -> None:
    draft = place.draft()
    eva = await sit_down(browser, place, "Eva")
    await eva.goto(f"{place.url}/drafts/{draft}")
    await eva.get_by_text("Write it anew").click()
    await press(eva, "not our fault")
    await eva.get_by_text("Why each sentence was chosen").click()
    await expect(eva.locator(".chosen")).to_contain_text("apology: not our fault, delivery")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(tmp_path: Path, browser: Browser, scheme: str) -> None:
    async with Place(tmp_path, people=dict(PEOPLE), mails=True, rewrite=rewrite) as place:
        await look_at_everything(place, browser, scheme)


async def look_at_everything(place: Place, browser: Browser, scheme: str) -> None:
    one, two = place.draft(mention(1, author="A" * 80)), place.draft()
    place.store.asking.route(place.store.drafts.get(one), "", ("Eva", "Adam", "Rita", "x" * 60), None, place.now)
    place.store.asking.claim(two, "Adam", place.now.replace(hour=23), via="page", now=place.now)
    window = await browser.new_context(color_scheme=scheme, viewport=PHONE)  # type: ignore[arg-type]
    page = await window.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    for address in ("/sign-in", "/sign-in?sent"):
        await page.goto(place.url + address)
        await examine(page, address, problems)
    await page.goto(place.link("Eva"))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{place.url}/drafts/{one}")
    await page.get_by_text("Write it anew").click()
    await press(page, "our fault")
    for address in ("/", "/?tab=others", f"/drafts/{one}?edit=1", f"/drafts/{two}", "/replies"):
        await page.goto(place.url + address)
        await page.evaluate("document.querySelectorAll('main details').forEach(details => { details.open = true })")
        await examine(page, address, problems)
    await page.goto(place.url)
    await page.get_by_text("With all that are ticked…").click()
    await press(page, "Reject them")
    await examine(page, "nothing ticked", problems)
    await page.goto(f"{place.url}/?tab=others")
    await page.get_by_label("Tick OH-00002").check()
    await page.get_by_text("With all that are ticked…").click()
    await press(page, "Reject them")
    await examine(page, "no reason", problems)
    await page.get_by_label("In your own words").fill("so")
    await press(page, "Reject them")
    await examine(page, "rejected", problems)
    assert problems == []
