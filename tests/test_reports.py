"""Reports: the same numbers in the terminal, in files and on the page, with charts that can be read without seeing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from monitor.contract import Page, Receipt
from monitor.model import Decision
from monitor.reports import BYS, WIDE, By, answer_bars, cells, mention_bars, report
from monitor.store.sqlite import SqliteStore
from responders.approval import decide
from responders.words import LANGUAGES
from tests.made import NOON, PRAISE, arrive, draft_all, mention, people
from tests.page_place import Place, Reader
from tests.terminal import ohlas, shop
from tests.test_erasing import RULES, act, erase
from tests.test_page_browser import PHONE, browser, pytestmark

__all__ = ["browser"]
in_a_browser = pytestmark

BRATISLAVA = ZoneInfo("Europe/Bratislava")
MONDAY = date(2026, 11, 16)  # NOON is the Saturday after it


def fill(store: SqliteStore) -> None:
    """Three complaints and a praise in this week and the last; one complaint is answered after an hour."""
    arrive(store, mention(1), mention(2, source="fórum", language="cs"))
    arrive(store, mention(3, created_at=NOON - timedelta(days=7)))
    first, *_ = draft_all(store)
    act(store, first, "approve")
    draft = store.publications.due(NOON)[0]
    publication = store.publications.begin(draft, ["Jana"], NOON)
    assert publication is not None
    store.publications.finish(publication, Receipt(id="r"), None, NOON + timedelta(hours=1))
    arrive(store, mention(4, source="fórum"))
    draft_all(store, verdict=PRAISE)


def of(store: SqliteStore, by: By) -> dict[str, tuple[int, int]]:
    """By key: mentions, and how many were answered."""
    found = report(store, by, MONDAY - timedelta(days=7), MONDAY + timedelta(days=6), BRATISLAVA)
    return {line.key: (line.mentions, line.answers.answered if line.answers else 0) for line in found.lines}


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    opened = SqliteStore(tmp_path / "state" / "ohlas.db")
    fill(opened)
    return opened


def test_each_way_of_counting(store: SqliteStore) -> None:
    assert of(store, "week") == {"2026-11-09": (1, 0), "2026-11-16": (3, 1)}
    assert of(store, "source") == {"shop": (2, 1), "fórum": (2, 0)}
    assert of(store, "language") == {"sk": (4, 1)}  # as judged
    assert of(store, "aspect") == {}
    assert of(store, "person") == {"Jana": (0, 1)}
    erase(store, 1, 2, 3, 4)
    assert of(store, "source") == {"shop": (2, 1), "fórum": (2, 0)}, "erased ones count as before"


def test_days_are_those_of_the_time_zone(store: SqliteStore) -> None:
    late = mention(9, created_at=datetime(2026, 11, 15, 23, 30, tzinfo=UTC))  # half past midnight on the Monday
    store.mentions.save_page("shop", Page(mentions=(late,)), None, NOON)
    draft_all(store)
    found = report(store, "week", MONDAY, MONDAY, BRATISLAVA)
    assert [(line.key, line.mentions) for line in found.lines] == [("2026-11-16", 1)]
    for wrong in ((MONDAY, MONDAY - timedelta(days=1)), (date(1990, 1, 1), MONDAY)):
        with pytest.raises(ValueError, match=r"before the first one|more than 10 years"):
            report(store, "week", *wrong, BRATISLAVA)


def test_bars_are_as_long_as_their_numbers(store: SqliteStore) -> None:
    found = report(store, "week", MONDAY - timedelta(days=7), MONDAY, BRATISLAVA)
    shorter, longer = mention_bars(found.lines)
    assert sum(piece.width for piece in longer.pieces) <= WIDE + 0.01
    assert [piece.kind for piece in shorter.pieces] == ["complaint"]
    assert answer_bars(found.lines)[0].pieces == ()
    assert mention_bars(()) == ()


def test_what_became_of_it_and_how_many_said_nothing(tmp_path: Path, store: SqliteStore) -> None:
    better = replace(mention(1), rating=4.0, text="Napokon to vybavili, ďakujem.")
    store.mentions.save_page("shop", Page(mentions=(better,)), None, NOON + timedelta(hours=2))
    case_id = store.drafts.get(1).case_id
    assert store.follow_ups.vote(case_id, "good", "", since=NOON, now=NOON + timedelta(hours=3))
    arrive(store, *(mention(number) for number in range(20, 26)))
    draft_all(store)
    config = shop(tmp_path)
    days = ("--from", "2026-11-16", "--to", "2026-11-22")
    shape = json.loads(ohlas("report", *days, "--json", config=config).stdout)
    after = shape["afterwards"]  # of one nothing can be told but that there was one
    assert (after["raised"], after["rated"], after["changed_stars"]) == (1, 1, None)
    assert (after["good"], after["satisfaction"]) == (1, None)
    assert shape["estimate"]["unheard"] == {"about": 190, "least": 72, "most": 390}
    said = ohlas("report", *days, config=config).stdout
    assert "1 of 1 answered reviews have more stars now\n" in said
    assert "1 customers said how it was handled; 1 well\n" in said
    assert "1 of 8 complaints are answered" in said and "estimate, not counted: about 190 more" in said
    page = ohlas("report", *days, "--html", config=config).stdout
    assert "What became of it" in page and "This is an estimate, nobody counted them" in page and "TARP" in page


def answered(store: SqliteStore, number: int, source: str, person: str, stars: float) -> int:
    """An answered review; returns its case."""
    wrote = mention(number, source=source, rating=stars)
    store.mentions.save_page(source, Page(mentions=(wrote,)), None, NOON)
    [draft_id] = draft_all(store)
    approve = Decision(
        draft_id=draft_id, rev=store.drafts.get(draft_id).rev, action="approve", actor=person, via="page"
    )
    decide(store.drafts, approve, replace(RULES, people=people("Jana", "Peter")), NOON)
    publication = store.publications.begin(store.drafts.get(draft_id), [person], NOON)
    assert publication is not None
    store.publications.finish(publication, Receipt(id="r"), None, NOON)
    return store.drafts.get(draft_id).case_id


@pytest.fixture
def voted(tmp_path: Path) -> SqliteStore:
    """Ten whom Jana answered in the shop, nine of them content; one whom Petra answered in the forum is not."""
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    for number in range(10):
        case = answered(store, 100 + number, "shop", "Jana", 1.0)
        assert store.follow_ups.vote(case, "good" if number else "neutral", "", since=NOON, now=NOON)
    case = answered(store, 200, "fórum", "Peter", 2.0)
    assert store.follow_ups.vote(case, "bad", "", since=NOON, now=NOON)
    raised = replace(mention(100, source="shop", rating=5.0), text="Už je to v poriadku.")
    store.mentions.save_page("shop", Page(mentions=(raised,)), None, NOON + timedelta(hours=1))
    return store


@pytest.mark.parametrize(("by", "most", "other"), [("source", "shop", "fórum"), ("person", "Jana", "Peter")])
def test_how_content_customers_are_is_told_by_who_answered_them(
    tmp_path: Path, voted: SqliteStore, by: str, most: str, other: str
) -> None:
    config = shop(tmp_path)
    days = ("--by", by, "--from", "2026-11-16", "--to", "2026-11-22")
    shape = json.loads(ohlas("report", *days, "--json", config=config).stdout)
    rows = {row[by]: row for row in shape["rows"]}
    assert [rows[most][name] for name in ("voted_good", "voted_neutral", "voted_bad")] == [9, 1, 0]
    assert (rows[most]["satisfaction"], rows[most]["rated"], rows[most]["raised"]) == (0.9, 10, 1)
    assert (rows[other]["voted_bad"], rows[other]["satisfaction"], rows[other]["raised_share"]) == (1, None, None)
    assert (shape["total"]["voted_good"], shape["total"]["satisfaction"]) == (9, 0.82)
    text = ohlas("report", *days, "--csv", config=config).stdout
    sheet = {row[by]: row for row in csv.DictReader(io.StringIO(text))}
    assert (sheet[most]["satisfaction"], sheet[other]["satisfaction"], sheet[other]["voted_bad"]) == ("0.9", "", "1")
    said = ohlas("report", *days, config=config).stdout
    [beside] = [line for line in said.splitlines() if line.startswith(other) and "%" not in line][1:]
    assert "90%" in said and beside.split() == [other, "1", "0", "0", "1", "1", "0"]
    page = ohlas("report", *days, "--html", config=config).stdout
    assert "How content customers are" in page and 'class="voted_good"' in page and "90%" in page
    assert f"{other}: badly 1" in page and "Shares are told from 10 on" in page


def test_satisfaction_by_language_and_nothing_of_it_by_week(voted: SqliteStore) -> None:
    days = (MONDAY, MONDAY + timedelta(days=6), BRATISLAVA)
    [line] = report(voted, "language", *days).satisfied
    assert line.satisfaction is not None and (line.key, line.satisfaction.votes, line.satisfaction.rated) == (
        "sk",
        11,
        11,
    )
    for by in ("week", "aspect"):
        found = report(voted, by, *days)
        assert found.satisfied == () and all(cells(line)["voted_good"] is None for line in found.lines)
        assert cells(found.total)["voted_good"] == 9


def test_files_hold_the_same_numbers_and_no_formula(tmp_path: Path, store: SqliteStore) -> None:
    evil = mention(7, source="=1+2")
    store.mentions.save_page("=1+2", Page(mentions=(evil,)), None, NOON)
    draft_all(store)
    config = shop(tmp_path)
    days = ("--from", "2026-11-09", "--to", "2026-11-22")
    shape = json.loads(ohlas("report", "--by", "source", *days, "--json", config=config).stdout)
    assert {row["source"]: row["mentions"] for row in shape["rows"]} == {"shop": 2, "fórum": 2, "=1+2": 1}
    assert shape["total"]["mentions"] == 5 and shape["total"]["median_hours"] == 1.0
    assert (shape["from"], shape["to"], shape["drafts"]["as_is"]) == ("2026-11-09", "2026-11-22", 1)
    assert shape["complaints"] == {"written": 4, "answered": 1}  # one of the five is praise
    assert (shape["afterwards"]["rated"], shape["afterwards"]["changed_stars"]) == (1, None)
    assert shape["afterwards"]["satisfaction"] is None and shape["estimate"] is None
    rows = list(csv.reader(io.StringIO(ohlas("report", "--by", "source", *days, "--csv", config=config).stdout)))
    assert {row[0] for row in rows} == {"source", "shop", "fórum", "'=1+2", "total"}
    sheet = tmp_path / "report.csv"
    assert ohlas("report", "--by", "source", *days, "--excel", "--out", str(sheet), config=config).exit_code == 0
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbfsource;mentions;")
    local = {row["source"]: row for row in csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig")), delimiter=";")}
    assert local["shop"]["mentions"] == "2" and local["fórum"]["median_hours"] == ""
    assert ohlas("report", *days, "--excel", "--json", config=config).exit_code == 2
    out = tmp_path / "report.html"
    assert ohlas("report", "--by", "source", *days, "--html", "--out", str(out), config=config).exit_code == 0
    page = out.read_text("utf-8")
    assert "<svg" in page and "fórum" in page and "<script" not in page
    assert "shop" in ohlas("report", "--by", "source", *days, config=config).stdout
    for wrong, why in (
        (("2026-11-22", "2026-11-01"), "before the first one"),
        (("0001-01-01", "0001-01-03"), "from 1990 to 2100"),
        (("9999-12-30", "9999-12-31"), "from 1990 to 2100"),
    ):
        refused = ohlas("report", "--from", wrong[0], "--to", wrong[1], config=config)
        assert refused.exit_code == 1 and why in refused.output


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path) as place:
        fill(place.store)
        voted = place.store.follow_ups.vote(place.store.drafts.get(1).case_id, "bad", "", since=NOON, now=NOON)
        assert voted
        hostile = mention(8, source="<script>alert(1)</script>")
        place.store.mentions.save_page(hostile.source, Page(mentions=(hostile,)), None, NOON)
        draft_all(place.store)
        yield place


async def test_the_page_counts_what_the_address_asks_for(place: Place) -> None:
    async with Reader(place) as jana:
        await jana.sign_in()
        for by in BYS:
            seen = await jana.get(f"/reports?by={by}&from=2026-11-09&to=2026-11-22")
            assert seen.status == 200 and f'value="{by}" selected' in seen.html
            assert "style=" not in seen.html and "<script" not in seen.html
            drawn = re.findall(r'<svg[^>]*aria-labelledby="(\S+) (\S+)"', seen.html)
            assert all(
                f'<{tag} id="{mark}"' in seen.html
                for pair in drawn
                for tag, mark in zip(("title", "desc"), pair, strict=True)
            )
        assert "complaint 4" in (await jana.get("/reports?from=2026-11-09&to=2026-11-22&by=language")).text
        for odd in ("?by=moon&from=x&to=9999-99-99", "?from=2026-11-22&to=2020-01-01", "?from=0001-01-01"):
            assert (await jana.get(f"/reports{odd}")).status == 200
    async with Reader(place) as nobody:
        assert (await nobody.get("/reports")).status in (303, 401, 403)


@in_a_browser
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_and_nothing_scrolls_sideways(place: Place, browser: Browser, language: str) -> None:
    token = place.store.sign_ins.offer("jana", place.now)
    context = await browser.new_context(viewport=PHONE, java_script_enabled=True, locale=language)
    page = await context.new_page()
    try:
        await page.goto(f"{place.url}/sign-in?token={token}")
        await page.locator("main button").first.click()
        await page.goto(f"{place.url}/reports?from=2026-11-09&to=2026-11-22")
        assert await page.locator("html").get_attribute("lang") == language
        assert await page.locator("svg[role=img]").count() == 2
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.goto(f"{place.url}/reports?by=person&from=2026-11-09&to=2026-11-22")
        assert await page.locator("svg[role=img]").count() == 2  # answers and votes
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        await context.close()
