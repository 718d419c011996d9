"""Why each sentence was chosen, writing a reply anew for another fault, and how drafts fare."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model import Choice, Composition, Draft, Finding
from responders.approval import Rewritten
from responders.words import LANGUAGES
from tests.made import COMPLAINT, PRAISE, mention
from tests.page_place import Place, Reader

SORRY, ASK, SOLVE = "Dobrý deň, mrzí nás to.", "Chceme vedieť, čo sa stalo.", "Napíšte nám a napravíme to."
PARTS = {"apology": SORRY, "interest": ASK, "solution": SOLVE}


def written_for(fault: str) -> Composition:
    choices = tuple(
        Choice(part=part, text=text, why=(fault, "delivery"), template=text) for part, text in PARTS.items()
    )
    return Composition(language="sk", text=f"{' '.join(PARTS.values())} ({fault})", parts=PARTS, choices=choices)


def rewrite(draft: Draft, fault: str, actor: str) -> Rewritten | None:
    if draft.reason.code == "praise":
        return None
    found = (Finding(rule="too_long", severity="warning", message=f"for {actor}"),)
    return Rewritten(composition=written_for(fault), findings=found)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, rewrite=rewrite) as place:
        yield place


@pytest.fixture
async def jana(place: Place) -> AsyncIterator[Reader]:
    async with Reader(place) as reader:
        yield await reader.sign_in()


async def test_a_reply_is_written_anew_for_a_fault(place: Place, jana: Reader) -> None:
    draft = place.draft()
    assert "Why each sentence was chosen" not in (await jana.get(f"/drafts/{draft}")).text
    sent = await jana.send(draft, "rewrite", fault="not_ours")
    assert (sent.status, sent.headers["Location"]) == (303, f"/drafts/{draft}?after={draft}")
    now = place.store.drafts.get(draft)
    assert (now.rev, now.state, now.author, now.text) == (2, "pending", "playbook", written_for("not_ours").text)
    assert [finding.message for finding in now.findings] == ["for jana"]
    assert (now.decided_by, now.choices) == ("jana", written_for("not_ours").choices)
    shown = await jana.get(sent.headers["Location"])
    assert "written anew for not our fault" in shown.text
    assert f"{SORRY} apology : not our fault, delivery" in shown.text


async def test_what_was_rewritten_still_counts_as_drafted(place: Place, jana: Reader) -> None:
    draft = place.draft()
    await jana.send(draft, "rewrite", fault="ours")
    await jana.send(draft, "approve")
    [edit] = place.store.edits.since(place.now - timedelta(days=1))
    assert edit.as_is and edit.drafted == written_for("ours").text


async def test_an_old_button_writes_nothing(place: Place, jana: Reader) -> None:
    draft = place.draft()
    await jana.send(draft, "edit", text="Vlastnými slovami.")
    late = await jana.send(draft, "rewrite", rev=1, fault="ours")
    assert late.status == 409 and place.store.drafts.get(draft).text == "Vlastnými slovami."


@pytest.mark.parametrize("fault", ["", "mine", "ours; drop table"])
async def test_other_faults_are_refused(place: Place, jana: Reader, fault: str) -> None:
    draft = place.draft()
    assert (await jana.send(draft, "rewrite", fault=fault)).status == 400
    assert place.store.drafts.get(draft).rev == 1


async def test_praise_knows_no_fault(place: Place, jana: Reader) -> None:
    draft = place.draft(mention(1, rating=5.0), verdict=PRAISE)
    assert "Whose fault is it?" not in (await jana.get(f"/drafts/{draft}")).text


async def test_how_drafts_fare(place: Place, jana: Reader) -> None:
    assert "Nothing to count yet" in (await jana.get("/replies")).text
    for number in range(3):
        draft = place.draft(mention(number))
        await jana.send(draft, "rewrite", fault="ours")
        if number < 2:
            changed = written_for("ours").text.replace(ASK, "Radi by sme vedeli, čo sa <presne> stalo.")
            await jana.send(draft, "edit", text=changed)
        await jana.send(draft, "approve")
    await jana.send(place.draft(mention(9)), "reject", suggestion="wrong_tone", reason="chladné")
    seen = await jana.get("/replies")
    assert 'aria-current="page"' in seen.html and "4 drafts were decided about in the last 30 days." in seen.text
    assert "Slovak the playbook whole text 1 2 1 25%" in seen.text
    assert "Slovak the playbook interest 1 2 0 33%" in seen.text
    assert f"{ASK} Slovak · interest · changed 2 of 3 times" in seen.text
    assert "Radi by sme vedeli, čo sa <presne> stalo." in seen.text
    assert "1× The draft has the wrong tone: chladné" in seen.text


async def test_the_words_of_a_situation_are_said_in_every_language(place: Place, jana: Reader) -> None:
    draft = place.draft(verdict=replace(COMPLAINT))
    await jana.send(draft, "rewrite", fault="misunderstanding")
    said = {"en": "a misunderstanding", "sk": "nedorozumenie", "cs": "nedorozumění", "hu": "félreértés"}
    page = await jana.get("/replies")
    for language in LANGUAGES:
        await jana.ask("POST", "/language", data={"csrf": page.hidden("csrf"), "language": language})
        assert said[language] in (await jana.get(f"/drafts/{draft}")).text
        assert (await jana.get("/replies")).status == 200
