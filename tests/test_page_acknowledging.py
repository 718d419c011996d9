"""Acknowledgements on the page and in the terminal: what a draft is, by when it is due, what may be done instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model import Composition, Draft, Priority, Urgency
from responders.approval import Acknowledged
from responders.words import LANGUAGES
from tests.made import COMPLAINT, NOON, PRAISE, mention
from tests.page_place import Place, Reader
from tests.terminal import REVIEWS, answer, ohlas, shop_with_drafts
from tests.test_page_correcting import judge_again

WE_HAVE_IT = "Dobrý deň, mrzí nás to. Zisťujeme, čo sa stalo. Odpovieme v utorok 24. novembra do 9.00."
DUE = NOON + timedelta(days=2, hours=20)
LAWYER = replace(COMPLAINT, urgency=(Urgency(name="legal", words=("právnik",)),))


def acknowledge(draft: Draft) -> Acknowledged | None:
    composition = Composition(language=draft.language, text=WE_HAVE_IT, parts={"solution": WE_HAVE_IT})
    return Acknowledged(composition=composition, findings=(), promised=DUE)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, judge_again=judge_again, acknowledge=acknowledge) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in()


async def test_a_draft_is_turned_into_an_acknowledgement_and_back_into_an_answer(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, text="Balík prišiel rozbitý, vec je u právnika.", rating=1.0), verdict=LAWYER)
    before = await jana.get(f"/drafts/{draft}")
    assert "Send a short acknowledgement first" in before.text and "Write the full answer instead" not in before.text
    sent = await jana.send(draft, "acknowledge")
    assert (sent.status, sent.headers["Location"]) == (303, f"/drafts/{draft}?after={draft}")
    shown = await jana.get(f"/drafts/{draft}")
    assert WE_HAVE_IT in shown.text and "acknowledgement; the answer follows" in shown.text
    assert "It promises the answer by Tue 24 Nov 09:00." in shown.text
    assert "an acknowledgement was wanted first" in shown.text
    assert "acknowledgement; the answer follows" in (await jana.get("/")).text

    sent = await jana.send(draft, "full_answer")
    assert (sent.status, sent.headers["Location"]) == (303, f"/drafts/{draft + 1}?after={draft}")
    answer = place.store.drafts.get(draft + 1)
    assert (answer.purpose, answer.state, place.state(draft)) == ("answer", "pending", "rejected")
    shown = await jana.get(sent.headers["Location"])
    assert "The acknowledgement of this matter" in shown.text and "Send a short" not in shown.text
    assert "The answer to this matter" in (await jana.get(f"/drafts/{draft}")).text


async def test_a_rejected_acknowledgement_leaves_an_answer_in_the_inbox(place: Place, jana: Reader) -> None:
    draft = place.draft(verdict=LAWYER)
    await jana.send(draft, "acknowledge")
    await jana.send(draft, "reject", suggestion="wrong_tone")
    assert [row.draft.purpose for row in place.store.views.inbox(_waiting()).rows] == ["answer"]


async def test_an_old_button_turns_nothing(place: Place, jana: Reader) -> None:
    draft = place.draft()
    await jana.send(draft, "edit", text="Vlastnými slovami.")
    late = await jana.send(draft, "acknowledge", rev=1)
    assert late.status == 409 and "somebody was faster" in late.text
    assert place.store.drafts.get(draft).text == "Vlastnými slovami."


async def test_praise_is_not_acknowledged(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, rating=5.0), verdict=PRAISE, priority=Priority.LOW)
    assert "Send a short acknowledgement first" not in (await jana.get(f"/drafts/{draft}")).text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_promised_answer_says_by_when_in_every_language(place: Place, jana: Reader, language: str) -> None:
    draft = place.draft(verdict=LAWYER)
    place.store._engine.rows("UPDATE draft SET answer_by = ? WHERE id = ?", (DUE.timestamp(), draft))
    page = await jana.get("/")
    await jana.ask("POST", "/language", data={"csrf": page.hidden("csrf"), "language": language, "back": "/"})
    due = {"en": "due by Tue 24 Nov", "sk": "termín ut 24. 11.", "cs": "termín út 24. 11.", "hu": "határidő: nov. 24."}
    late = {"en": "overdue since", "sk": "po termíne od", "cs": "po termínu od", "hu": "lejárt:"}
    for address in ("/", f"/drafts/{draft}"):
        assert due[language] in (await jana.get(address)).text
    place.now = DUE
    assert late[language] in (await jana.get("/")).text


def _waiting() -> object:
    from monitor.store.views import InboxFilter

    return InboxFilter()


def test_in_the_terminal(tmp_path: Path) -> None:
    legal = "Kytica prišla zvädnutá, peniaze nevrátili. Dávam to právnikovi a podám žalobu na súd!"
    reviews = [{**REVIEWS[0], "text": legal}, REVIEWS[1]]
    config = shop_with_drafts(tmp_path, reviews=reviews)
    [first] = answer("inbox", "--label", "complaint", "--json", config=config)["drafts"]
    number = str(first["id"])
    assert first["purpose"] == "acknowledgement" and first["promised"] and first["answer_by"] is None
    assert "[acknowledgement; the answer follows]" in ohlas("inbox", config=config).stdout
    shown = ohlas("show", number, config=config).stdout
    assert "An acknowledgement that promises an answer by" in shown
    assert "is an acknowledgement already" in ohlas("decide", number, "acknowledge", config=config).output

    said = ohlas("decide", number, "full-answer", config=config).stdout
    assert "The answer is drafted by the running service" in said
    [waiting] = answer("inbox", "--label", "complaint", "--tab", "done", "--json", config=config)["drafts"]
    assert (waiting["id"], waiting["state"]) == (first["id"], "rejected")


def test_any_complaint_may_be_acknowledged_from_the_terminal(tmp_path: Path) -> None:
    config = shop_with_drafts(tmp_path)
    [first] = answer("inbox", "--label", "complaint", "--json", config=config)["drafts"]
    assert first["purpose"] == "answer"
    turned = answer("decide", str(first["id"]), "acknowledge", "--json", config=config)["draft"]
    assert (turned["purpose"], turned["rev"], turned["guard"]) == ("acknowledgement", 2, [])
    assert turned["reference"] in turned["draft"] and turned["promised"]
    [praise] = answer("inbox", "--label", "praise", "--json", config=config)["drafts"]
    refused = ohlas("decide", str(praise["id"]), "acknowledge", config=config)
    assert refused.exit_code != 0 and "only a complaint" in refused.output
