"""How drafts fare with people, on a real database and through the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model import Choice, Composition, Decision
from monitor.store.counting import Accepted
from monitor.store.drafts import Judged
from monitor.store.sqlite import SqliteStore
from responders.acceptance import acceptance
from responders.approval import Rules, decide
from tests.made import COMPLAINT, NOON, REPLY, arrive, cases_alone, mention, people
from tests.terminal import answer, ohlas

RULES = Rules(people=people("jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
SORRY = "Mrzí nás to a ospravedlňujeme sa."
CARE = "Chceme zistiť, čo sa stalo."
MEND = "Všetko preveríme a navrhneme Vám riešenie."
DRAFTED = Composition(
    language="sk",
    text=f"Dobrý deň, {SORRY} {CARE} {MEND}",
    parts={"apology": SORRY, "interest": CARE, "solution": MEND},
    choices=(
        Choice(part="apology", text=SORRY, why=("general",), template=SORRY),
        Choice(part="interest", text=CARE, why=("general",), template=CARE),
        Choice(
            part="solution", text=MEND, why=("general",), template="Všetko preveríme a navrhneme [Vám|ti] riešenie."
        ),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "state" / "ohlas.db")
    yield opened
    opened.close()


def drafted(store: SqliteStore, count: int, composition: Composition = DRAFTED) -> list[int]:
    start = store.mentions.count()
    arrive(store, *(mention(start + number) for number in range(count)))
    batch = store.mentions.unjudged(1000)
    cases = cases_alone(store, batch)
    judged = [
        Judged(
            row_id=one.row_id,
            content_hash=one.mention.content_hash,
            case_id=cases[one.row_id].case_id,
            verdict=COMPLAINT,
            triage=REPLY,
            composition=composition,
        )
        for one in batch
    ]
    return store.drafts.save_judged(judged, NOON)


def do(store: SqliteStore, draft: int, action: str, **more: object) -> None:
    rev = store.drafts.get(draft).rev
    decision = Decision(draft_id=draft, rev=rev, action=action, actor="jana", via="page", **more)  # type: ignore[arg-type]
    decide(store.drafts, decision, RULES, NOON)


def decided(store: SqliteStore) -> None:
    """Two taken as they are, two with another solution, one rejected, one still waiting."""
    drafts = drafted(store, 6)
    for draft in drafts[:2]:
        do(store, draft, "approve")
    for draft in drafts[2:4]:
        do(store, draft, "edit", text=f"Dobrý deň, {SORRY} {CARE} Všetko preveríme a ozveme sa Vám ešte dnes.")
        do(store, draft, "approve")
    do(store, drafts[4], "reject", reason="wrong_tone")


def test_each_part_is_counted_by_what_became_of_it(store: SqliteStore) -> None:
    decided(store)
    found = acceptance(store.edits.since(NOON - timedelta(days=1)))
    assert found.drafts == 5
    assert found.tallies[("sk", "playbook", "")] == Accepted(as_is=2, edited=2, rejected=1)
    assert found.tallies[("sk", "playbook", "apology")] == Accepted(as_is=4, rejected=1)
    assert found.tallies[("sk", "playbook", "solution")] == Accepted(as_is=2, edited=2, rejected=1)
    assert found.reasons == (("wrong_tone", 1),)


def test_a_sentence_that_people_keep_changing_is_named_as_the_playbook_has_it(store: SqliteStore) -> None:
    decided(store)
    [worst] = acceptance(store.edits.since(NOON - timedelta(days=1))).sentences
    assert worst.sentence == "Všetko preveríme a navrhneme [Vám|ti] riešenie."
    assert (worst.part, worst.used, worst.changed) == ("solution", 5, 2)
    assert worst.instead == ("Všetko preveríme a ozveme sa Vám ešte dnes.",)


def test_a_comma_is_no_change_and_a_sentence_taken_out_has_no_successor(store: SqliteStore) -> None:
    drafts = drafted(store, 2)
    for draft in drafts:
        do(store, draft, "edit", text=f"Dobrý deň. {SORRY} {MEND.replace(' a ', ', a ')}")
        do(store, draft, "approve")
    [worst] = acceptance(store.edits.since(NOON - timedelta(days=1))).sentences
    assert (worst.part, worst.instead) == ("interest", ())


def test_what_a_model_wrote_is_counted_apart(store: SqliteStore) -> None:
    [draft] = drafted(store, 1, replace(DRAFTED, author="llm:small"))
    do(store, draft, "approve")
    assert set(acceptance(store.edits.since(NOON - timedelta(days=1))).tallies) == {
        ("sk", "llm", part) for part in ("", "apology", "interest", "solution")
    }


def test_only_what_was_decided_since_then_is_looked_at(store: SqliteStore) -> None:
    decided(store)
    assert store.edits.since(NOON + timedelta(seconds=1)) == []


def test_the_terminal_tells_it(store: SqliteStore, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    assert "Nobody has decided" in ohlas("drafts", "report", config=config).stdout
    decided(store)
    told = ohlas("drafts", "report", "--days", "3650", config=config).stdout
    assert "sk solution, 2 of 5 times: Všetko preveríme a navrhneme [Vám|ti] riešenie." in told
    assert (
        json.dumps(answer("drafts", "report", "--days", "3650", "--json", config=config)["sentences"]).count("used")
        == 1
    )
