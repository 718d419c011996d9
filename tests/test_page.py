"""The page over HTTP, as browsers, scanners and attackers meet it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from monitor.budgets import Budget, Day, Rolling
from monitor.contract import Page, Receipt
from monitor.ledger import Ledger
from monitor.model import Aspect, Priority, Reason
from monitor.options import PageOptions
from monitor.store.publications import Setback
from responders.page.rendering import site, web_address
from responders.page.security import host_allowed
from responders.page.sign_in import local_path
from responders.words import LANGUAGES, negotiate
from tests.made import APOLOGY, COMPLAINT, NOON, PRAISE, mention
from tests.page_place import PROMISE, Place, Reader

CANARY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{1234567*8}}"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("jana")


@pytest.fixture
async def peter(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in("peter")


# --- signing in


async def test_a_link_signs_in_once(place: Place) -> None:
    async with Reader(place) as reader:
        page = await reader.get(place.link())
        entered = await reader.ask("POST", "/sign-in", data={"token": page.hidden("token")})
        assert entered.status == 303
        cookie = entered.headers["Set-Cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/")) and "Secure" not in cookie
        assert (await reader.get("/")).status == 200
    async with Reader(place) as other:
        again = await other.ask("POST", "/sign-in", data={"token": page.hidden("token")})
        assert again.status == 403
        assert "ohlas link NAME" in again.text
        assert (await other.get("/")).headers["Location"] == "/sign-in"


async def test_scanners_that_open_a_sign_in_link_do_not_use_it_up(place: Place) -> None:
    link = place.link()
    async with Reader(place) as scanner:
        assert (await scanner.ask("HEAD", link)).status == 200
        assert (await scanner.get(link)).status == 200
    async with Reader(place) as reader:
        page = await reader.get(link)
        assert (await reader.ask("POST", "/sign-in", data={"token": page.hidden("token")})).status == 303


async def test_an_expired_link_says_how_to_get_a_new_one(place: Place) -> None:
    token = place.store.sign_ins.offer("jana", place.now)
    place.now += timedelta(hours=13)
    async with Reader(place) as reader:
        seen = await reader.ask("POST", "/sign-in", data={"token": token})
        assert seen.status == 403 and "does not work any more" in seen.text


async def test_an_old_link_does_not_stop_who_is_in_already(jana: Reader) -> None:
    seen = await jana.ask("POST", "/sign-in", data={"token": "long used"})
    assert (seen.status, seen.headers["Location"]) == (303, "/")


async def test_nothing_is_shown_to_those_who_are_not_signed_in(place: Place) -> None:
    draft = place.draft()
    async with Reader(place) as stranger:
        for path in ("/", f"/drafts/{draft}", "/sources", f"/drafts/{draft}/approve", "/?search=x"):
            seen = await stranger.get(path)
            assert (seen.status, seen.headers["Location"]) == (303, "/sign-in"), path


async def test_a_person_taken_off_the_list_is_out_at_once(place: Place, jana: Reader) -> None:
    del place.people["jana"]
    assert (await jana.get("/")).headers["Location"] == "/sign-in"


async def test_signing_out_ends_the_session_and_not_only_the_cookie(place: Place, jana: Reader) -> None:
    page = await jana.get("/")
    [cookie] = [cookie.value for cookie in jana.session.cookie_jar]
    seen = await jana.ask("POST", "/sign-out", data={"csrf": page.hidden("csrf")})
    assert seen.headers["Location"] == "/sign-in"
    assert place.store.sign_ins.session(cookie, place.now) is None


async def test_behind_https_the_cookie_is_bound_to_it(tmp_path: Path) -> None:
    async with Place(tmp_path, options=PageOptions(url="https://ohlas.example")) as place, Reader(place) as reader:
        token = place.store.sign_ins.offer("jana", place.now)
        seen = await reader.ask("POST", "/sign-in", data={"token": token}, headers={"Host": "ohlas.example"})
        assert seen.headers["Set-Cookie"].startswith("__Host-ohlas=") and "Secure" in seen.headers["Set-Cookie"]


async def test_a_link_in_a_mail_works_though_the_cookie_stays_at_home_at_first(place: Place) -> None:
    draft = place.draft()
    async with Reader(place, **{"Sec-Fetch-Site": "cross-site"}) as reader:
        first = await reader.get(f"/drafts/{draft}")
        assert first.status == 200 and f'url=/drafts/{draft}?again=1"' in first.html
        assert (await reader.get(f"/drafts/{draft}?again=1")).headers["Location"] == "/sign-in"


# --- what no visit may do


async def test_scanners_decide_nothing(place: Place, jana: Reader) -> None:
    draft = place.draft()
    for action in ("approve", "edit", "reject", "undo", "posted", "not_posted"):
        for method in ("GET", "HEAD"):
            seen = await jana.ask(method, f"/drafts/{draft}/{action}")
            assert (seen.status, seen.headers["Location"]) == (303, f"/drafts/{draft}")
    assert place.state(draft) == "pending"
    assert len((await jana.ask("HEAD", f"/drafts/{draft}")).html) == 0


async def test_a_form_without_the_token_is_refused_and_what_was_typed_is_shown(place: Place, jana: Reader) -> None:
    draft = place.draft()
    for token in ("", "wrong", "ř" * 20):
        seen = await jana.ask("POST", f"/drafts/{draft}/edit", data={"rev": "1", "csrf": token, "text": "typed <b>"})
        assert seen.status == 403 and "typed &lt;b&gt;" in seen.html
    assert (await jana.ask("POST", f"/drafts/{draft}/approve", data={"rev": "1"})).status == 403
    assert (await jana.ask("POST", "/sign-out")).status == 403
    assert (await jana.ask("POST", "/language", data={"language": "sk"})).status == 403
    assert place.state(draft) == "pending"


async def test_nobody_decides_with_another_ones_token(place: Place, jana: Reader, peter: Reader) -> None:
    draft = place.draft()
    token = (await peter.get("/")).hidden("csrf")
    seen = await jana.ask("POST", f"/drafts/{draft}/approve", data={"rev": "1", "csrf": token})
    assert (seen.status, place.state(draft)) == (403, "pending")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
async def test_forms_from_other_sites_are_refused(place: Place, jana: Reader, headers: dict[str, str]) -> None:
    draft = place.draft()
    token = (await jana.get("/")).hidden("csrf")
    fields = {"rev": "1", "csrf": token}
    assert (await jana.ask("POST", f"/drafts/{draft}/approve", data=fields, headers=headers)).status == 403
    assert place.state(draft) == "pending"
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    assert (await jana.ask("POST", f"/drafts/{draft}/approve", data=fields, headers=own)).status == 303


async def test_a_name_that_is_rebound_to_us_is_refused(place: Place, jana: Reader) -> None:
    for path in ("/", "/sign-in", "/static/page.css"):
        seen = await jana.get(path, headers={"Host": "evil.example"})
        assert seen.status == 421 and "page.url" in seen.text
    assert (await jana.get("/", headers={"Host": f"localhost:{place.port}"})).status == 200


def test_hosts() -> None:
    options = PageOptions(host="ohlas.lan", url="https://ohlas.example/")
    allowed = ("127.0.0.1:8080", "[::1]:8080", "LOCALHOST", "ohlas.lan:1", "OHLAS.example", "192.168.1.7", "localhost.")
    refused = (
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "[::1",
        "ohlas.example@evil.example",
        "0x7f.1",
    )
    assert all(host_allowed(host, options) for host in allowed)
    assert not [host for host in refused if host_allowed(host, options)]
    assert not host_allowed("", PageOptions())


async def test_every_answer_carries_the_headers(place: Place, jana: Reader) -> None:
    place.draft()
    for path in ("/", "/drafts/1", "/sources", "/sign-in", "/nothing", "/static/page.css", "/static/../app.py"):
        headers = (await jana.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert (headers["Referrer-Policy"], headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
        assert ("no-store" in headers["Cache-Control"]) == (path != "/static/page.css"), path


async def test_pages_hold_nothing_that_the_policy_would_stop(place: Place, jana: Reader) -> None:
    place.draft()
    for path in ("/", "/drafts/1", "/sources", "/sign-in"):
        html = (await jana.get(path)).html
        assert "<script" not in html and "style=" not in html and "http://" not in html.replace(place.url, "")


async def test_a_huge_form_is_refused(place: Place, jana: Reader) -> None:
    draft = place.draft()
    page = await jana.get(f"/drafts/{draft}")
    form = {"csrf": page.hidden("csrf"), "rev": "1", "text": "x" * 400_000}
    assert (await jana.ask("POST", f"/drafts/{draft}/edit", data=form)).status == 413


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=%ff%fe", b"rev=" + b"9" * 500, b"csrf=%00%ED%A0%80", b"--x\r\nbroken"], ids=repr
)
async def test_nonsense_bodies_are_refused_calmly(place: Place, jana: Reader, body: bytes) -> None:
    draft = place.draft()
    for kind in ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=klingon"):
        seen = await jana.ask("POST", f"/drafts/{draft}/approve", data=body, headers={"Content-Type": kind})
        assert seen.status in (400, 403)


async def test_addresses_that_do_not_exist(jana: Reader) -> None:
    for path in ("/nothing", "/drafts/999", "/drafts/x", "/drafts/999999999999", "/drafts/-1", "/drafts/٣"):
        assert (await jana.get(path)).status == 404, path
    page = await jana.get("/")
    form = {"csrf": page.hidden("csrf"), "rev": "1"}
    assert (await jana.ask("POST", "/drafts/999/approve", data=form)).status == 404
    assert (await jana.ask("POST", "/drafts/1/explode", data=form)).status == 404
    assert (await jana.ask("DELETE", "/")).status == 405


def test_forms_never_lead_away() -> None:
    for wanted in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "",
        "/a\r\nX: y",
        "//[",
    ):
        assert local_path(wanted) == "/"
    assert local_path("/drafts/3?tab=done") == "/drafts/3?tab=done"


def test_only_web_addresses_become_links() -> None:
    for url in ("javascript:alert(1)", "data:text/html,x", "//evil", "ftp://x.example", "http://[", "", "file:///etc"):
        assert web_address(url) == ""
    assert site("https://shop.example:8443/x") == "shop.example"


async def test_what_customers_write_is_never_markup(place: Place, jana: Reader) -> None:
    wrote = mention(1, author=CANARY, title=CANARY, text=CANARY, url=f'javascript:"{CANARY}', reply=CANARY)
    aspects = (Aspect(name=CANARY, words=(CANARY,)),)
    verdict = replace(COMPLAINT, reasons=(Reason(code=CANARY, detail=CANARY),), aspects=aspects, language="sk")
    draft = place.draft(wrote, text=CANARY, verdict=verdict)
    place.source_fails("<b>shop", "stopped", CANARY)
    for path in ("/", f"/drafts/{draft}", "/sources", f"/?search={CANARY}&source={CANARY}&label={CANARY}&tab={CANARY}"):
        seen = await jana.get(path)
        assert seen.status == 200
        assert "<script" not in seen.html and "<img src=x" not in seen.html and "javascript:" not in seen.html
        assert "9876536" not in seen.html
    shown = await jana.get(f"/drafts/{draft}")
    assert CANARY in shown.text and 'dir="auto"' in shown.html and 'lang="sk"' in shown.html
    refused = await jana.send(draft, "edit", rev=7, text=CANARY)
    assert refused.status == 409 and "<script" not in refused.html


# --- the inbox


async def test_the_inbox_shows_the_most_pressing_first(place: Place, jana: Reader) -> None:
    place.draft(mention(1, author="Low Praise"), verdict=PRAISE, priority=Priority.LOW)
    place.draft(mention(2, author="Urgent Case"), priority=Priority.URGENT)
    place.draft(mention(3, author="Old High", created_at=NOON - timedelta(hours=9)))
    place.draft(mention(4, author="New High"))
    text = (await jana.get("/")).text
    order = [text.index(name) for name in ("Urgent Case", "Old High", "New High", "Low Praise")]
    assert order == sorted(order)
    for word in ("Urgent", "complaint 93%", "praise", "1 of 5 stars", "3 hrs", "shop", APOLOGY[:40]):
        assert word in text or word in (await jana.get("/")).html


async def test_filters_and_search(place: Place, jana: Reader) -> None:
    place.draft(mention(1, author="Eva", text="Hrniec praskol"), verdict=PRAISE)
    place.draft(mention(2, author="Ján", text="Doručenie meškalo", source="forum"))
    place.draft(mention(3, author="Éva", text="Későn jött", source="forum"), language="hu")
    found = {
        "?label=praise": {1},
        "?source=forum": {2, 3},
        "?language=hu": {3},
        "?source=forum&language=sk": {2},
        "?search=dorucenia": set(),
        "?search=DORUC": {2},
        "?search=eva": {1, 3},
        "?search=eva praskol": {1},
        "?search=oh-00002": {2},
        "?search=%22%27*%28": set(),
        "?search=%00%ED%A0%80": set(),
        "?tab=done": set(),
        "?tab=all": {1, 2, 3},
        "?tab=nonsense&page=-4": {1, 2, 3},
        "?page=99999999999999999999": {1, 2, 3},
    }
    for query, drafts in found.items():
        seen = await jana.get("/" + query)
        shown = {number for number in (1, 2, 3) if f'href="/drafts/{number}' in seen.html}
        assert (seen.status, shown) == (200, drafts), query


async def test_pages_of_a_long_inbox(place: Place, jana: Reader) -> None:
    for _ in range(27):
        place.draft()
    first = await jana.get("/?source=shop")
    assert first.html.count('<li class="row') == 25 and "27 drafts found" in first.text and "page 1 of 2" in first.text
    assert "/?source=shop&amp;page=2" in first.html
    assert (await jana.get("/?source=shop&page=2")).html.count('<li class="row') == 2


async def test_empty_inboxes_help(place: Place, jana: Reader) -> None:
    assert "first drafts appear" in (await jana.get("/")).text
    draft = place.draft()
    assert "Try other words" in (await jana.get("/?search=nowhere")).text
    await jana.send(draft, "reject", suggestion="no_reply")
    assert "Nothing waits for you" in (await jana.get("/")).text


async def test_trouble_is_announced(place: Place, jana: Reader) -> None:
    place.source_fails("forum", "stopped", "401: the key is refused")
    draft = place.draft()
    await jana.send(draft, "approve")
    place.now += timedelta(minutes=5)
    publication = place.store.publications.begin(place.store.drafts.get(draft), place.people, place.now)
    assert publication is not None
    place.store.publications.lose_sight(publication, Setback(message="cut off"), None, place.now)
    text = (await jana.get("/")).text
    assert "forum (stopped)" in text and "1 reply may or may not have been posted" in text
    sources = (await jana.get("/sources")).text
    assert "401: the key is refused" in sources and "when a person acts" in sources


async def test_what_was_used_of_a_days_quota_is_shown(place: Place, jana: Reader) -> None:
    quota = Budget(account="youtube:1f2e", name="units", unit="units", limit=10_000, window=Day())
    brief = Budget(account="forum:1f2e", name="requests", limit=60, window=Rolling(60))
    place.store.budgets.configure({quota: ["videos", "channel"], brief: ["forum"]})
    ledger = Ledger(clock=lambda: place.now)
    ledger.meter(quota).take(8_100, writing=True)
    place.store.budgets.record(ledger.unwritten(), place.now)
    text = (await jana.get("/sources")).text
    assert "8,100 / 10,000 units a day" in text and "videos, channel" in text
    assert "forum:1f2e" not in text, "what is new again in a minute is of no use to anybody"


# --- decisions


async def test_an_approval_goes_on_to_the_next_draft_and_can_be_undone_from_there(place: Place, jana: Reader) -> None:
    first, second = place.draft(), place.draft()
    seen = await jana.send(first, "approve")
    assert seen.headers["Location"] == f"/drafts/{second}?after={first}"
    page = await jana.get(seen.headers["Location"])
    assert "OH-00001 : approved. It goes out at 16:00:45." in page.text
    undone = await jana.ask("POST", f"/drafts/{first}/undo", data={"csrf": page.hidden("csrf"), "rev": "1"})
    assert undone.headers["Location"] == f"/drafts/{first}?after={first}"
    assert place.state(first) == "pending"
    assert "approval taken back" in (await jana.get(undone.headers["Location"])).text


async def test_going_on_stays_within_the_filter(place: Place, jana: Reader) -> None:
    first = place.draft(mention(1, source="a"))
    place.draft(mention(2, source="b"))
    third = place.draft(mention(3, source="a"))
    page = await jana.get(f"/drafts/{first}?source=a")
    form = {"csrf": page.hidden("csrf"), "rev": "1", "suggestion": "handled"}
    seen = await jana.ask("POST", f"/drafts/{first}/reject?source=a", data=form)
    assert seen.headers["Location"] == f"/drafts/{third}?source=a&after={first}"
    last = await jana.ask("POST", f"/drafts/{third}/reject?source=a", data=form)
    assert last.headers["Location"] == f"/?source=a&after={third}"


async def test_an_address_cannot_claim_what_did_not_happen(place: Place, jana: Reader, peter: Reader) -> None:
    first, second = place.draft(), place.draft()
    for query in (f"after={first}", "after=999", "after=x", "said=approved"):
        assert 'role="status"' not in (await jana.get(f"/drafts/{second}?{query}")).html
    await peter.send(first, "approve")
    assert 'role="status"' not in (await jana.get(f"/?after={first}")).html
    place.now += timedelta(minutes=3)
    assert 'role="status"' not in (await peter.get(f"/?after={first}")).html


async def test_an_edit_makes_a_revision_that_is_approved_separately(place: Place, jana: Reader) -> None:
    draft = place.draft()
    seen = await jana.send(draft, "edit", text="Dobrý deň,\r\nozveme sa.")
    page = await jana.get(seen.headers["Location"])
    assert "saved as revision 2." in page.text and page.hidden("rev") == "2"
    saved = place.store.drafts.get(draft)
    assert (saved.text, saved.state, saved.author) == ("Dobrý deň,\nozveme sa.", "pending", "jana")
    assert "2 revisions of our reply" in page.text and APOLOGY in page.text


async def test_a_stale_edit_keeps_the_text_and_says_who_and_when(place: Place, jana: Reader, peter: Reader) -> None:
    draft = place.draft()
    await peter.send(draft, "edit", text="Peter's text")
    seen = await jana.send(draft, "edit", rev=1, text="Jana's <long> text")
    assert seen.status == 409
    assert "peter decided on 21 Nov 2026, 16:00:00." in seen.text and "waiting, revision 2" in seen.text
    assert "Jana&#39;s &lt;long&gt; text</textarea>" in seen.html and "Peter's text" in seen.text
    assert seen.hidden("rev") == "2"
    assert place.store.drafts.get(draft).text == "Peter's text"


async def test_a_stale_approval_shows_what_is_there_now(place: Place, jana: Reader, peter: Reader) -> None:
    draft = place.draft()
    await peter.send(draft, "reject", suggestion="handled", reason="zavolané <3")
    seen = await jana.send(draft, "approve", rev=1)
    assert seen.status == 409 and "peter decided on" in seen.text and "rejected, revision 1" in seen.text
    assert "Handled another way: zavolané <3" in seen.text
    lost = await jana.send(draft, "edit", rev=1, text="typed too late")
    assert lost.status == 409 and "typed too late</textarea>" in lost.html


async def test_of_twenty_clicks_at_once_exactly_one_wins(place: Place, jana: Reader, peter: Reader) -> None:
    draft = place.draft()
    forms = [{"csrf": (await reader.get("/")).hidden("csrf"), "rev": "1"} for reader in (jana, peter)]
    clicks = [
        reader.ask("POST", f"/drafts/{draft}/approve", data=form)
        for reader, form in zip((jana, peter), forms, strict=True)
        for _ in range(10)
    ]
    statuses = sorted([seen.status for seen in await asyncio.gather(*clicks)])
    assert statuses == [303] + [409] * 19
    assert [entry.action for entry in place.store.views.matter(draft).history] == ["approve"]


async def test_errors_of_the_guard_are_overridden_by_name_only(place: Place, jana: Reader) -> None:
    draft = place.draft(text=f"We give {PROMISE}.")
    page = await jana.get(f"/drafts/{draft}")
    assert "Error" in page.text and "the policy does not allow" in page.text
    refused = await jana.send(draft, "approve")
    assert (refused.status, place.state(draft)) == (422, "pending") and "tick each one" in refused.text
    assert (await jana.send(draft, "approve", override="too_long")).status == 422
    assert (await jana.send(draft, "approve", override="unapproved_promise")).status == 303
    assert "approved in spite of: promises what the policy does not allow" in (await jana.get(f"/drafts/{draft}")).text


async def test_missing_reasons_and_texts_are_asked_for(place: Place, jana: Reader) -> None:
    draft = place.draft()
    for fields in ({}, {"suggestion": "made_up"}, {"reason": "  "}):
        seen = await jana.send(draft, "reject", **fields)
        assert seen.status == 422 and "choose a reason" in seen.text and '<details class="reject" open>' in seen.html
    seen = await jana.send(draft, "edit", text=" \r\n ")
    assert seen.status == 422 and "The text is empty" in seen.text
    assert place.state(draft) == "pending"


async def test_assisted_publication(place: Place, jana: Reader) -> None:
    draft = place.draft(manual=True)
    approved = await jana.send(draft, "approve")
    page = await jana.get(approved.headers["Location"])
    assert "Copy this text:" in page.text and "Open shop.example" in page.text and "readonly" in page.html
    assert 'href="https://shop.example/reviews/1" rel="noopener noreferrer"' in page.html
    await jana.send(draft, "posted")
    assert place.state(draft) == "published"


async def test_an_unknown_publication_is_settled_by_looking(place: Place, jana: Reader) -> None:
    drafts = [place.draft(), place.draft()]
    for draft in drafts:
        await jana.send(draft, "approve")
    place.now += timedelta(minutes=1)
    for draft in drafts:
        publication = place.store.publications.begin(place.store.drafts.get(draft), place.people, place.now)
        assert publication is not None
        place.store.publications.lose_sight(publication, Setback(message="cut off"), None, place.now)
    assert "It is never sent twice blindly" in (await jana.get(f"/drafts/{drafts[0]}")).text
    await jana.send(drafts[0], "posted")
    await jana.send(drafts[1], "not_posted")
    assert [place.state(draft) for draft in drafts] == ["published", "pending"]


async def test_what_was_published_is_linked_and_what_failed_says_why(place: Place, jana: Reader) -> None:
    drafts = [place.draft(), place.draft()]
    for draft in drafts:
        await jana.send(draft, "approve")
    place.now += timedelta(minutes=1)
    ledger = place.store.publications
    out, bad = (ledger.begin(place.store.drafts.get(draft), place.people, place.now) for draft in drafts)
    assert out is not None and bad is not None
    ledger.finish(out, Receipt(id="r", url="https://shop.example/reply"), None, place.now)
    ledger.fail(bad, Setback(message="the review was closed"), place.now)
    assert "https://shop.example/reply" in (await jana.get(f"/drafts/{drafts[0]}")).html
    failed = (await jana.get(f"/drafts/{drafts[1]}")).text
    assert "the review was closed" in failed and "Approve it again" in failed


async def test_everything_about_a_mention_is_shown(place: Place, jana: Reader) -> None:
    place.draft(mention(1, text="First words", rating=3.0, title="Before"))
    edited = mention(1, text="Second words", rating=1.0, title="After")
    place.store.mentions.save_page("shop", Page(mentions=(edited,)), None, place.now)
    text = (await jana.get("/drafts/1")).text
    for words in ("The customer edited this once", "First words", "Second words", "Before", "After", "93% sure"):
        assert words in text


async def test_a_locked_database_loses_no_typing(tmp_path: Path) -> None:
    async with Place(tmp_path, busy_timeout=0.01) as place, Reader(place) as reader:
        await reader.sign_in()
        draft = place.draft()
        page = await reader.get(f"/drafts/{draft}")
        other = sqlite3.connect(tmp_path / "ohlas.db", isolation_level=None)
        try:
            other.execute("BEGIN EXCLUSIVE")
            form = {"csrf": page.hidden("csrf"), "rev": "1", "text": "typed meanwhile"}
            seen = await reader.ask("POST", f"/drafts/{draft}/edit", data=form)
        finally:
            other.close()
        assert seen.status == 503 and "typed meanwhile</textarea>" in seen.html


# --- languages


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_speaks_every_language(place: Place, jana: Reader, language: str) -> None:
    draft = place.draft(text=f"We give {PROMISE}.")
    place.draft()
    place.source_fails("forum", "failing", "503")
    page = await jana.get("/")
    await jana.ask("POST", "/language", data={"csrf": page.hidden("csrf"), "language": language, "back": "/"})
    inbox = {"en": "Inbox", "sk": "Doručené", "cs": "Doručené", "hu": "Beérkezett"}[language]
    for path in ("/", f"/drafts/{draft}", "/sources", "/?search=none", "/nothing"):
        seen = await jana.get(path, headers={"Accept-Language": "de"})
        assert f'<html lang="{language}">' in seen.html and inbox in seen.text
    await jana.send(draft, "reject", suggestion="wrong_tone")
    said = {"en": "wrong tone", "sk": "nevhodný tón", "cs": "nevhodný tón", "hu": "hangneme nem megfelelő"}[language]
    assert said in (await jana.get(f"/drafts/{draft}")).text


async def test_the_language_of_those_who_chose_none(place: Place, jana: Reader) -> None:
    assert "Doručené" in (await jana.get("/", headers={"Accept-Language": "sk-SK,sk;q=0.9"})).text
    assert "Prihlásiť" in (await jana.get("/sign-in?lang=sk&token=x")).text


def test_languages_are_negotiated_by_weight() -> None:
    assert negotiate("de,hu;q=0.5,cs;q=0.7", "en") == "cs"
    assert negotiate("cs-CZ", "en") == "cs"
    assert negotiate("", "sk") == "sk"
    assert negotiate("sk;q=0,hu;q=x,*", "en") == "en"


async def test_machines_are_asked_for_nothing_that_only_browsers_have(place: Place) -> None:
    async with aiohttp.ClientSession() as session, session.get(place.url + "/healthz", headers={"Host": "x"}) as answer:
        assert answer.status == 404 and "Content-Security-Policy" not in answer.headers


async def test_a_model_in_trouble_is_said(place: Place, jana: Reader) -> None:
    assert "cannot be used" not in (await jana.get("/")).text
    place.store.rescoring.note("the model <b>x</b> cannot be used: damaged", place.now)
    shown = await jana.get("/")
    assert "&lt;b&gt;x&lt;/b&gt; cannot be used: damaged" in shown.html
