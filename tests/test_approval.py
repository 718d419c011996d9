"""Every race of a human's yes, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.contract import Page, Receipt
from monitor.errors import (
    DecisionRefused,
    GuardRefused,
    NoSuchDraft,
    NotAllowed,
    ReasonNeeded,
    StaleDecision,
    TextNeeded,
)
from monitor.model import Action, Decision, Draft, DraftState, Finding, text_hash
from monitor.store.publications import Setback
from monitor.store.sqlite import SqliteStore
from responders.approval import MOVES, Rules, decide
from tests.made import NOON, arrive, draft_all, mention, people

GRACE = timedelta(seconds=45)


def no_findings(_draft: Draft, text: str, _actor: str) -> tuple[Finding, ...]:
    if "PROMISE" in text:
        return (Finding(rule="unapproved_promise", severity="error", message="a refund is not allowed"),)
    return ()


RULES = Rules(people=people("jana", "peter"), grace=GRACE, check=no_findings)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    arrive(opened, *(mention(n) for n in range(1, 6)))
    draft_all(opened)
    yield opened
    opened.close()


def ask(
    store: SqliteStore, action: Action, *, draft: int = 1, rev: int = 1, actor: str = "jana", **more: object
) -> Draft:
    decision = Decision(draft_id=draft, rev=rev, action=action, actor=actor, via="terminal", **more)  # type: ignore[arg-type]
    return decide(store.drafts, decision, RULES, NOON)


def test_an_approval_names_the_text_and_waits_for_the_grace_period(store: SqliteStore) -> None:
    draft = ask(store, "approve")
    assert (draft.state, draft.approved_hash) == (DraftState.APPROVED, text_hash(draft.text))
    assert draft.publish_after == NOON + GRACE
    assert store.publications.due(NOON) == []
    assert [due.id for due in store.publications.due(NOON + GRACE)] == [1]


def test_the_second_decision_hears_who_was_faster(store: SqliteStore) -> None:
    ask(store, "approve")
    with pytest.raises(StaleDecision) as refused:
        ask(store, "reject", actor="peter", reason="nie")
    assert (refused.value.by, refused.value.at, refused.value.state) == ("jana", NOON, "approved")


def test_an_old_button_does_not_approve_a_newer_text(store: SqliteStore) -> None:
    ask(store, "edit", text="Lepší text.")
    with pytest.raises(StaleDecision) as refused:
        ask(store, "approve", rev=1)
    assert refused.value.rev == 2
    assert ask(store, "approve", rev=2).text == "Lepší text."


def test_of_two_edits_one_wins_and_both_texts_are_known(store: SqliteStore) -> None:
    ask(store, "edit", text="prvý")
    with pytest.raises(StaleDecision):
        ask(store, "edit", actor="peter", text="druhý")
    assert [revision.text for revision in store.views.matter(1).revisions][-1] == "prvý"


@pytest.mark.parametrize(
    ("action", "more", "error"),
    [
        ("reject", {}, ReasonNeeded),
        ("reject", {"reason": "  "}, ReasonNeeded),
        ("edit", {"text": " \n"}, TextNeeded),
        ("approve", {"actor": "somebody"}, NotAllowed),
        ("undo", {}, StaleDecision),
        ("posted", {}, StaleDecision),
        ("approve", {"draft": 99}, NoSuchDraft),
    ],
)
def test_a_refused_decision_changes_nothing(
    store: SqliteStore, action: Action, more: dict[str, object], error: type[DecisionRefused]
) -> None:
    before = store.views.matter(1)
    with pytest.raises(error):
        ask(store, action, **more)  # type: ignore[arg-type]
    assert store.views.matter(1) == before


def asked_of(
    store: SqliteStore, rules: Rules, actor: str, action: Action = "approve", rev: int = 1, **more: object
) -> Draft:
    decision = Decision(draft_id=1, rev=rev, action=action, actor=actor, via="page", **more)  # type: ignore[arg-type]
    return decide(store.drafts, decision, rules, NOON)


def test_who_may_only_read_decides_nothing(store: SqliteStore) -> None:
    rules = replace(RULES, people=people("ida", role="reader"))
    for action in ("approve", "edit", "reject", "handled"):
        with pytest.raises(NotAllowed, match="may read, but not decide"):
            asked_of(store, rules, "ida", action)  # type: ignore[arg-type]


def test_only_a_manager_approves_against_the_guard(store: SqliteStore) -> None:
    rules = replace(RULES, people=people("jana", role="agent") | people("eva"))
    asked_of(store, rules, "jana", "edit", text="PROMISE: vrátime vám peniaze.")
    with pytest.raises(NotAllowed, match="only a manager"):
        asked_of(store, rules, "jana", rev=2, override=("unapproved_promise",))
    assert asked_of(store, rules, "eva", rev=2, override=("unapproved_promise",)).state is DraftState.APPROVED


def test_with_four_eyes_nobody_approves_his_own_words(store: SqliteStore) -> None:
    rules = replace(RULES, own_edits=False)
    asked_of(store, rules, "jana", "edit", text="Lepší text.")
    with pytest.raises(NotAllowed, match="rewrote this text"):
        asked_of(store, rules, "jana", rev=2)
    assert asked_of(store, rules, "peter", rev=2).state is DraftState.APPROVED


def test_a_grave_matter_takes_two_people(store: SqliteStore) -> None:
    rules = replace(RULES, two=lambda _draft: True)
    first = asked_of(store, rules, "jana")
    assert (first.state, first.approvals, first.approved_hash) == (DraftState.PENDING, ("jana",), "")
    with pytest.raises(NotAllowed, match="second person"):
        asked_of(store, rules, "jana")
    second = asked_of(store, rules, "peter")
    assert (second.state, second.approved_hash) == (DraftState.APPROVED, text_hash(second.text))


def test_a_first_yes_is_for_the_text_that_was_read(store: SqliteStore) -> None:
    rules = replace(RULES, two=lambda _draft: True)
    asked_of(store, rules, "jana")
    assert asked_of(store, rules, "peter", "edit", text="Iný text.").approvals == ()
    assert asked_of(store, rules, "peter", rev=2).state is DraftState.PENDING


def test_what_was_settled_elsewhere_is_handled_and_never_posted(store: SqliteStore) -> None:
    assert ask(store, "handled", reason="volali sme").state is DraftState.SUPERSEDED
    assert store.publications.due(NOON + timedelta(days=9)) == []


def test_an_undo_inside_the_grace_period_takes_the_approval_back(store: SqliteStore) -> None:
    ask(store, "approve")
    draft = ask(store, "undo")
    assert (draft.state, draft.approved_hash, draft.publish_after) == (DraftState.PENDING, "", None)
    assert store.publications.due(NOON + timedelta(days=1)) == []


def test_an_undo_after_the_request_started_comes_too_late(store: SqliteStore) -> None:
    draft = ask(store, "approve")
    assert store.publications.begin(draft, RULES.people, NOON + GRACE) is not None
    with pytest.raises(StaleDecision) as refused:
        ask(store, "undo")
    assert refused.value.state == "publishing"


def test_a_forbidden_text_is_approved_only_against_the_rule_by_name(store: SqliteStore) -> None:
    ask(store, "edit", text="PROMISE: vrátime vám peniaze.")
    with pytest.raises(GuardRefused) as refused:
        ask(store, "approve", rev=2)
    assert refused.value.rules == ("unapproved_promise",)
    assert ask(store, "approve", rev=2, override=("unapproved_promise",)).state is DraftState.APPROVED
    assert "overrides unapproved_promise" in store.views.matter(1).history[-1].reason


def test_an_approver_who_left_the_list_has_not_approved(store: SqliteStore) -> None:
    draft = ask(store, "approve")
    assert store.publications.begin(draft, ("peter",), NOON + GRACE) is None
    assert store.drafts.get(1).state is DraftState.PENDING
    assert store.views.matter(1).history[-1].action == "approval_withdrawn"


def test_a_text_that_is_not_the_approved_one_never_goes_out(store: SqliteStore) -> None:
    draft = ask(store, "approve")
    store._engine.rows("UPDATE draft SET text = 'podvrhnutý' WHERE id = 1")
    assert store.publications.begin(draft, RULES.people, NOON + GRACE) is None
    assert store.drafts.get(1).state is DraftState.PENDING


def test_a_mention_edited_after_the_approval_is_not_answered_with_the_old_text(store: SqliteStore) -> None:
    ask(store, "approve")
    arrive(store, mention(1, text="Opravujem: chyba bola na mojej strane."))
    assert store.drafts.get(1).state is DraftState.PENDING
    assert store.publications.due(NOON + timedelta(days=1)) == []


def test_a_typed_text_survives_an_edit_of_the_mention(store: SqliteStore) -> None:
    ask(store, "edit", text="Poctivo napísané rukou.")
    arrive(store, mention(1, text="Doplnenie zákazníčky."))
    draft_all(store, text="Stroj to napísal znova.")
    draft = store.drafts.get(1)
    assert (draft.rev, draft.text, draft.author) == (3, "Poctivo napísané rukou.", "jana")


def test_the_audit_list_says_who_when_how_and_which_text(store: SqliteStore) -> None:
    ask(store, "edit", text="Lepší text.")
    ask(store, "approve", rev=2, actor="peter")
    history = store.views.matter(1).history
    assert [(entry.action, entry.actor, entry.via, entry.rev) for entry in history] == [
        ("edit", "jana", "terminal", 2),
        ("approve", "peter", "terminal", 2),
    ]
    assert history[-1].text_hash == text_hash("Lepší text.")


def test_twenty_at_once_make_one_decision(store: SqliteStore, tmp_path: Path) -> None:
    """Each with its own connection, as separate processes have."""

    def one(number: int) -> str:
        mine = SqliteStore(tmp_path / "ohlas.db")
        try:
            if number % 2:
                return ask(mine, "approve", actor="peter").state
            return ask(mine, "reject", reason="netreba").state
        except StaleDecision:
            return "late"
        finally:
            mine.close()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(one, range(20)))
    assert outcomes.count("late") == 19
    assert len(store.views.matter(1).history) == 1


def test_what_a_person_found_or_did_not_find_settles_an_unknown_outcome(store: SqliteStore) -> None:
    for number, action, state in ((1, "posted", DraftState.PUBLISHED), (2, "not_posted", DraftState.PENDING)):
        publication = store.publications.begin(ask(store, "approve", draft=number), RULES.people, NOON + GRACE)
        assert publication is not None
        store.publications.lose_sight(publication, Setback(message="the connection broke"), None, NOON)
        assert ask(store, action, draft=number).state is state  # type: ignore[arg-type]
    again = store.publications.begin(ask(store, "approve", draft=2), RULES.people, NOON + GRACE)
    assert again is not None
    assert again.attempts == 2


class DraftLife(RuleBasedStateMachine):
    """Any order of what people, the publisher and the source may do. At most one answer goes out per approval."""

    @initialize()
    def open(self) -> None:
        self.store = SqliteStore(Path(":memory:"))
        self.now = NOON
        arrive(self.store, mention(1))
        draft_all(self.store)
        self.begun: list[tuple[int, str]] = []
        self.open_publication = None
        self.approvals = 0
        self.edits = 0

    def draft(self) -> Draft:
        return self.store.drafts.get(1)

    @rule(
        action=st.sampled_from(sorted(MOVES)),
        actor=st.sampled_from(["jana", "peter", "stranger"]),
        lag=st.integers(0, 1),
        text=st.sampled_from(["", "Iný text.", "PROMISE"]),
        reason=st.sampled_from(["", "duplicita"]),
    )
    def decide(self, action: Action, actor: str, lag: int, text: str, reason: str) -> None:
        before = self.draft()
        decision = Decision(
            draft_id=1, rev=before.rev - lag, action=action, actor=actor, via="page", text=text, reason=reason
        )
        try:
            after = decide(self.store.drafts, decision, RULES, self.now)
        except DecisionRefused:
            assert self.draft() == before
            return
        assert before.state in MOVES[action][0]
        assert after.state is MOVES[action][1]
        assert lag == 0
        assert actor != "stranger"
        self.approvals += action == "approve"

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def begin(self) -> None:
        for draft in self.store.publications.due(self.now):
            publication = self.store.publications.begin(draft, RULES.people, self.now)
            if publication:
                assert text_hash(publication.text) == draft.approved_hash
                self.open_publication = publication

    @precondition(lambda self: self.open_publication is not None)
    @rule(outcome=st.sampled_from(["finish", "fail", "postpone", "lose_sight", "crash"]))
    def end(self, outcome: str) -> None:
        ledger, publication = self.store.publications, self.open_publication
        assert publication is not None
        match outcome:
            case "finish":
                ledger.finish(publication, Receipt(id="r"), None, self.now)
            case "fail":
                ledger.fail(publication, "refused", self.now)
            case "postpone":
                ledger.postpone(publication, "busy", self.now + GRACE, self.now)
            case "lose_sight":
                ledger.lose_sight(publication, "broke", self.now, self.now)
            case "crash":
                ledger.recover(self.now, self.now)
        self.open_publication = None

    @rule(found=st.booleans())
    def look_up(self, found: bool) -> None:
        for unknown in self.store.publications.unknown_due(self.now):
            if found:
                self.store.publications.finish(unknown.publication, Receipt(), None, self.now)
            else:
                self.store.publications.postpone(unknown.publication, Setback(message="absent"), self.now, self.now)

    @precondition(lambda self: self.edits < 3)
    @rule()
    def customer_edits(self) -> None:
        self.edits += 1
        arrive(self.store, mention(1, text=f"Zmenené {self.edits} razy."))
        draft_all(self.store, text=f"Odpoveď {self.edits}.")

    @precondition(lambda self: self.edits < 3)
    @rule()
    def customer_deletes(self) -> None:
        self.store.mentions.save_page("shop", Page(gone=("m1",)), None, self.now)

    @invariant()
    def nothing_goes_out_without_an_approval(self) -> None:
        attempts = self.store._engine.rows("SELECT rev, started_at FROM attempt")
        approvals = self.store._engine.rows("SELECT rev, at FROM decision WHERE action = 'approve'")
        for attempt in attempts:
            assert any(
                approval["rev"] == attempt["rev"] and approval["at"] <= attempt["started_at"] for approval in approvals
            )

    @invariant()
    def an_approved_draft_is_approved_for_this_text(self) -> None:
        draft = self.draft()
        if draft.state in (DraftState.APPROVED, DraftState.PUBLISHING):
            assert draft.approved_hash == text_hash(draft.text)

    @invariant()
    def published_is_final(self) -> None:
        outcomes = [row["outcome"] for row in self.store._engine.rows("SELECT outcome FROM attempt ORDER BY id")]
        assert outcomes.count("published") <= 1
        if "published" in outcomes:
            assert outcomes[-1] == "published"

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


TestDraftLife = DraftLife.TestCase
TestDraftLife.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
