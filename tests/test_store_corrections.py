"""What people correct: never lost, never paired with other words, and drafted anew where nobody decided yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.contract import Page
from monitor.errors import NoSuchDraft, StaleDecision
from monitor.model import Decision, DraftState, Label, Mention, Reason, Transition, Utterance
from monitor.store.corrections import Correction, Lesson, corrected
from monitor.store.drafts import Judged
from monitor.store.sqlite import SqliteStore
from tests.made import COMPLAINT, NOON, NOTE, REPLY, arrive, cases_alone, composition, draft_all, mention

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ohlas.db")
    yield store
    store.close()


def correct(store: SqliteStore, wrote: Mention, label: Label, row_id: int = 1, actor: str = "jana") -> None:
    store.corrections.correct(
        Correction(mention_id=row_id, content_hash=wrote.content_hash, label=label, actor=actor, via="page", at=LATER)
    )


def judge_again(store: SqliteStore, *, reply: bool = True, text: str = "Ďakujeme!") -> list[int]:
    """What the pipeline does with corrected mentions."""
    judged = []
    for one in store.mentions.unjudged(10):
        assert one.label is not None
        case = cases_alone(store, [one], LATER)[one.row_id]
        judged.append(
            Judged(
                row_id=one.row_id,
                content_hash=one.mention.content_hash,
                case_id=case.case_id,
                verdict=corrected(COMPLAINT, one.label, one.said_by),
                triage=REPLY if reply else NOTE,
                composition=composition(text) if reply else None,
                corrected=True,
            )
        )
    return store.drafts.save_judged(judged, LATER)


def decide(store: SqliteStore, draft_id: int, target: DraftState, *, text: str | None = None) -> None:
    draft = store.drafts.get(draft_id)
    action = "edit" if text else "approve"
    decision = Decision(draft_id=draft_id, rev=draft.rev, action=action, actor="peter", via="page")  # type: ignore[arg-type]
    store.drafts.apply(
        Transition(decision=decision, sources=frozenset({draft.state}), target=target, at=LATER, text=text)
    )


def test_a_correction_fixes_the_verdict_at_once_and_waits_to_be_drafted_anew(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    correct(store, mention(1), "praise")
    verdict = store.views.matter(draft_id).verdict
    assert (verdict.label, verdict.confidence, verdict.unsure, verdict.corrected) == ("praise", 1.0, False, True)
    assert verdict.reasons == (Reason(code="corrected", detail="jana"),)
    [waiting] = store.mentions.unjudged(10)
    assert (waiting.label, waiting.said_by) == ("praise", "jana")
    [entry] = store.views.matter(draft_id).history
    assert (entry.action, entry.actor, entry.via, entry.reason) == ("correct", "jana", "page", "label complaint praise")


def test_the_draft_is_written_anew_where_nobody_decided(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    correct(store, mention(1), "praise")
    assert judge_again(store) == [draft_id]
    draft = store.drafts.get(draft_id)
    assert (draft.rev, draft.state, draft.text) == (2, "pending", "Ďakujeme!")
    assert [entry.action for entry in store.views.matter(draft_id).history] == ["correct", "redrafted"]
    assert store.views.matter(draft_id).history[-1].reason == "label_corrected"
    assert store.mentions.unjudged(10) == []


def test_a_draft_that_is_not_needed_comes_back_when_it_is(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    correct(store, mention(1), "neutral")
    assert judge_again(store, reply=False) == []
    assert store.drafts.get(draft_id).state is DraftState.SUPERSEDED
    correct(store, mention(1), "complaint", actor="peter")
    assert judge_again(store, text="Mrzí nás to.") == [draft_id]
    assert (store.drafts.get(draft_id).state, store.drafts.get(draft_id).text) == ("pending", "Mrzí nás to.")


def test_a_mention_without_a_draft_gets_one(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store)
    arrive(store, mention(2))
    [one] = store.mentions.unjudged(10)
    case = cases_alone(store, [one])[one.row_id]
    neutral = replace(COMPLAINT, label="neutral")
    store.drafts.save_judged(
        [
            Judged(
                row_id=one.row_id,
                content_hash=one.mention.content_hash,
                case_id=case.case_id,
                verdict=neutral,
                triage=NOTE,
            )
        ],
        NOON,
    )
    found = store.corrections.find("shop", "m2")
    assert found is not None and found[1].text == mention(2).text
    correct(store, found[1], "complaint", found[0])
    [draft_id] = judge_again(store)
    assert store.drafts.get(draft_id).mention_id == one.row_id


@pytest.mark.parametrize("text", ["Vlastný text.", None])
def test_what_a_person_touched_is_left_as_it_is(store: SqliteStore, text: str | None) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    decide(store, draft_id, DraftState.PENDING if text else DraftState.APPROVED, text=text)
    before = store.drafts.get(draft_id)
    correct(store, mention(1), "praise")
    assert judge_again(store) == []
    after = store.drafts.get(draft_id)
    assert (after.text, after.rev, after.state) == (before.text, before.rev, before.state)
    assert store.views.matter(draft_id).verdict.label == "praise"


def test_words_that_changed_are_not_corrected_by_a_word_on_the_old_ones(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store)
    edited = replace(mention(1), text="Napokon prišlo všetko v poriadku.")
    store.mentions.save_page("shop", Page(mentions=(edited,)), None, LATER)
    with pytest.raises(StaleDecision, match="has changed the text"):
        correct(store, mention(1), "praise")
    assert store.corrections.lessons(10) == []


def test_a_correction_does_not_outlive_the_words_that_it_was_about(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store)
    correct(store, mention(1), "praise")
    edited = replace(mention(1), text="Napokon neprišlo nič.")
    store.mentions.save_page("shop", Page(mentions=(edited,)), None, LATER)
    [waiting] = store.mentions.unjudged(10)
    assert waiting.label is None
    assert store.corrections.lessons(10) == []
    store.mentions.save_page("shop", Page(mentions=(mention(1),)), None, LATER)  # and back again
    [lesson] = store.corrections.lessons(10)
    assert (lesson.utterance.text, lesson.label, lesson.origin) == (mention(1).text, "praise", "corrected")


def test_the_newest_correction_holds_and_the_older_one_is_kept(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store)
    correct(store, mention(1), "praise")
    correct(store, mention(1), "neutral", actor="peter")
    [lesson] = store.corrections.lessons(10)
    assert lesson.label == "neutral"
    assert store._engine.rows("SELECT count(*) FROM correction")[0][0] == 2


def test_erasing_the_words_erases_the_lesson(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store)
    correct(store, mention(1), "praise")
    with store._engine.writing() as connection:
        connection.execute("UPDATE mention_text SET text = '', title = ''")
    assert store.corrections.lessons(10) == []
    columns = str([tuple(row) for row in store._engine.rows("SELECT * FROM correction")])
    assert "rozbitý" not in columns and "Zuzana" not in columns


def test_an_answer_approved_as_drafted_confirms_the_label(store: SqliteStore) -> None:
    arrive(store, *(mention(n) for n in (1, 2, 3)))
    first, second, _ = draft_all(store)
    decide(store, first, DraftState.APPROVED)
    decide(store, second, DraftState.PENDING, text="Vlastný text.")
    decide(store, second, DraftState.APPROVED)
    [lesson] = store.corrections.lessons(10)
    assert (lesson.utterance, lesson.label, lesson.origin) == (
        Utterance(text=mention(1).text, rating=1.0, language="sk"),
        "complaint",
        "confirmed",
    )


def test_imported_texts_are_kept_once(store: SqliteStore) -> None:
    def lesson(text: str, label: Label) -> Lesson:
        return Lesson(utterance=Utterance(text=text, language="cs"), label=label, at=NOON, origin="imported")

    both = [lesson("Balík nedorazil.", "complaint"), lesson("Super!", "praise")]
    assert store.corrections.take(both, actor="jana", via="terminal") == 2
    assert store.corrections.take(both, actor="jana", via="terminal") == 0
    assert store.corrections.take([lesson("Super!", "neutral")], actor="jana", via="terminal") == 1
    assert {(one.utterance.text, one.label) for one in store.corrections.lessons(10)} == {
        ("Balík nedorazil.", "complaint"),
        ("Super!", "neutral"),
    }
    assert store.mentions.count() == 0


def test_there_has_to_be_a_mention(store: SqliteStore) -> None:
    with pytest.raises(NoSuchDraft):
        correct(store, mention(1), "praise", 99)
    assert store.corrections.find("shop", "none") is None
