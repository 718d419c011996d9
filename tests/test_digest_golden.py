"""Digests as people see them: golden files in six languages, a real browser, and customers who mean no good.

The files are made anew with: python -m tests.digest_gallery
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright
from selectolax.lexbor import LexborHTMLParser

from monitor.model import Priority
from responders.mail.bulletin import stacked
from responders.mail.digest_customers import complaints, numbers
from responders.mail.letters import Desk
from responders.mail.printing import LARGEST
from responders.words import Words
from tests.digest_gallery import BRATISLAVA, CASES, GOLDEN, LANGUAGES, daily, gallery, highlight, hostile, show
from tests.test_page_browser import CHROMIUM, PHONE, examine

GMAIL = 102_000  # bytes that it shows


def test_golden_files() -> None:
    found = gallery()
    written = {file.name: file.read_text("utf-8") for file in GOLDEN.glob("digest_*")}
    assert sorted(written) == sorted(found), "make them anew: python -m tests.digest_gallery"
    assert {name for name in found if found[name] != written[name]} == set(), "look at them, and make them anew"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_in_the_readers_language(language: str) -> None:
    """What is English in another language was forgotten in its catalogue; codes of sources and customers' words are
    none of ours."""
    shown, english = show(language, daily()), show("en", daily())
    same = set(shown.plain.splitlines()) & set(english.plain.splitlines())
    ours = {line for line in same if re.search(r"[a-z]{3}", line) and not re.search(r"^ +>|^\*|https?:|heureka", line)}
    assert language == "en" or not ours


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("sk", "3 čakajú, 2 sťažnosti, 5 pochvál – Ohlas, nedeľa 22. novembra"),
        ("cs", "3 čekají, 2 stížnosti, 5 pochval – Ohlas, neděle 22. listopadu"),
        ("hu", "3 vár, 2 panasz, 5 dicséret – Ohlas, november 22., vasárnap"),
        ("en", "3 wait, 2 complaints, 5 words of praise – Ohlas, Sunday, 22 November"),
        ("de", "3 warten, 2 Beschwerden, 5-mal Lob – Ohlas, Sonntag, 22. November"),
        ("pl", "3 czekają, 2 skargi, 5 pochwał – Ohlas, niedziela, 22 listopada"),
    ],
)
def test_the_subject_says_the_essence(language: str, subject: str) -> None:
    assert show(language, daily()).subject == subject


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("sk", {1: "čaká", 2: "čakajú", 5: "čaká", 22: "čaká"}),
        ("cs", {1: "čeká", 4: "čekají", 5: "čeká"}),
        ("pl", {1: "czeka", 3: "czekają", 5: "czeka", 12: "czeka", 22: "czekają"}),
        ("de", {1: "wartet", 2: "warten"}),
        ("hu", {1: "vár", 7: "vár"}),
        ("en", {1: "waits", 2: "wait"}),
    ],
)
def test_plural_forms(language: str, forms: dict[int, str]) -> None:
    words = Words(language, BRATISLAVA)
    assert {number: words.count("%(number)s waits", "%(number)s wait", number).split()[1] for number in forms} == forms


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_any_mail_program_can_show_it(language: str, case: str) -> None:
    shown = show(language, CASES[case]())
    assert len(shown.html.encode()) < LARGEST < GMAIL
    tree = LexborHTMLParser(shown.html)
    assert not tree.css("script, img, svg, link, iframe, object, form, input, i, w")  # what customers typed is text
    assert "url(" not in shown.html and "@import" not in shown.html
    links = [node.attributes["href"] or "" for node in tree.css("a")]
    assert links and all(link.startswith(("https://ohlas.svrcina.example/", "https://shop.example/")) for link in links)
    bars = tree.css("table[role=img]")
    assert all(bar.attributes["aria-label"] for bar in bars) and (bars or case == "quiet")
    invisible = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
    assert not invisible.search(tree.body.text() if tree.body else "") and not invisible.search(shown.plain)
    assert max(len(line) for line in shown.plain.splitlines()) < 900  # mail servers take 998


@pytest.mark.parametrize(
    ("state", "tone"), [("pending", "bad"), ("published", "good"), ("superseded", ""), ("rejected", ""), ("", "bad")]
)
def test_an_urgent_complaint_that_is_settled_is_no_alarm(state: str, tone: str) -> None:
    digest = replace(daily(), complaints=(highlight(1, priority=Priority.URGENT, state=state),))
    section = complaints(digest, Desk(words=Words("sk", BRATISLAVA), page="", local=True, now=digest.now))
    assert section is not None and [one.tone for one in section.entries] == [tone]


def test_too_much_of_everything_still_fits() -> None:
    """A source of errors and names in signs that take six bytes each: lists are halved until all is shown."""
    found = hostile()
    rows = tuple(replace(one, text="&" * 1000, author="'" * 300, title="<" * 300) for one in found.complaints)
    many = replace(
        found,
        complaints=rows * 40,
        waiting=replace(found.waiting, shown=rows * 40),
        thanks=found.thanks * 40,
        sources=found.sources * 5,
    )
    shown = show("pl", many)
    assert len(shown.html.encode()) < GMAIL
    assert "5000" in shown.html.replace("\xa0", "")


def test_without_a_page_nothing_leads_nowhere() -> None:
    shown = show("sk", daily(), page="")
    assert "/drafts/" not in shown.html and "config.toml" in shown.plain
    assert "https://shop.example/reviews/1" in shown.html  # what customers wrote is still there


def test_bars_share_a_scale_and_show_the_least() -> None:
    [tall, low, none] = stacked(["a", "b", "c"], ["", "", ""], [(200, 700, 100), (1, 0, 0), (0, 0, 0)])
    assert (tall.complaint, tall.praise, tall.neutral, tall.rest) == (20, 70, 10, 0)
    assert (low.complaint, low.rest) == (1, 99) and none.rest == 100
    [odd] = stacked(["a"], [""], [(1, 1, 1000)])
    assert odd.complaint == odd.praise == 1 and odd.rest == 0


def test_how_long_something_took() -> None:
    said = {language: Words(language, BRATISLAVA) for language in LANGUAGES}
    assert said["sk"].length(timedelta(minutes=80)) == "1 h 20 min"
    assert said["sk"].length(timedelta(days=2, hours=5)) == "2 dni 5 h"
    assert said["de"].length(timedelta(days=12, hours=5)) == "12 Tage"
    assert said["hu"].length(timedelta(hours=2)) == "2 óra"
    assert said["pl"].length(timedelta(seconds=1)) == "1 minuta"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        await started.close()


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}; install it or set CHROMIUM")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Browser, scheme: Any) -> None:
    window = await browser.new_context(color_scheme=scheme, viewport=PHONE)  # type: ignore[arg-type]
    page = await window.new_page()
    problems: list[str] = []
    for case, language in (("daily", "hu"), ("weekly", "de"), ("hostile", "sk"), ("quiet", "pl")):
        await page.set_content(show(language, CASES[case]()).html)
        await examine(page, f"{case} in {language}", problems)
    # landmarks are those of the mail program, which shows the mail inside of them
    assert [one for one in problems if not one.endswith((": landmark-one-main", ": region"))] == []


@pytest.mark.parametrize(
    ("language", "days", "head"),
    [
        ("sk", (date(2026, 10, 30), date(2026, 11, 1)), "30._10._– 1._11."),
        ("hu", (date(2026, 10, 26), date(2026, 11, 1)), "okt._26._– nov._1."),
        ("cs", (date(2026, 11, 15), date(2026, 11, 21)), "15.–21. 11."),
        ("sk", (date(2026, 11, 21), date(2026, 11, 21)), "so 21. 11."),
        ("sk", (date(2026, 10, 1), date(2026, 10, 31)), "október 2026"),
        ("sk", (date(2026, 10, 1), date(2026, 10, 28)), "1._– 28._10."),
    ],
)
def test_days_at_the_head_of_a_column(language: str, days: tuple[date, date], head: str) -> None:
    """On a phone they are broken behind the dash; and four weeks are no month."""
    digest = replace(daily(), issue=replace(daily().issue, first=days[0], last=days[1]))
    table = numbers(digest, Words(language, BRATISLAVA)).table
    assert table is not None and table.columns[0].replace("\u00a0", "_") == head
