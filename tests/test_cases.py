"""One customer in several places: one case, one open draft; merged and split by people, and never lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.case_options import CaseOptions
from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import Page
from monitor.desk import Desk
from monitor.errors import CannotJoin, DecisionRefused, NoSuchCase, StaleDecision
from monitor.linking import Linker
from monitor.model import Decision, Draft, DraftState, Mention, Priority, Reason, Triage, case_reference
from monitor.options import Config
from monitor.pipeline import Pipeline
from monitor.store.cases import Deed
from monitor.store.corrections import Correction
from monitor.store.drafts import Judged
from monitor.store.elsewhere import earlier_of, handling_of, others_of
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from tests.made import APOLOGY, COMPLAINT, NOON, NOTE, PRAISE, REPLY, arrive, composition, mention, people
from tests.test_store_plans import SCANNED

KINDS = {"x": "x", "forum": "rss", "shop": "heureka", "maps": "googlebusiness", "mail": "imap", "talk": "reddit"}
LINKER = Linker(options=CaseOptions(), kinds=KINDS)
JANA = Deed(actor="jana", via="page", at=NOON)
THANKS = Triage(action="reply", priority=Priority.LOW, reason=Reason(code="praise"))
RULES = Rules(people=people("jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
ORDER = "Objednávka č. 2024-1138"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def judge(store: SqliteStore, triage: Triage = REPLY, *, text: str = APOLOGY) -> list[Draft]:
    """Give whatever is new its case and a draft; returns the drafts that are new or changed."""
    batch = store.mentions.unjudged(1000)
    cases = store.cases.assign({one.row_id: one.mention for one in batch}, LINKER, NOON)
    judged = [
        Judged(
            row_id=one.row_id,
            content_hash=one.mention.content_hash,
            case_id=cases[one.row_id].case_id,
            verdict=PRAISE if triage is THANKS else COMPLAINT,
            triage=replace(REPLY, reason=Reason(code="wanted")) if one.wanted else triage,
            composition=composition(text) if triage.action == "reply" or one.wanted else None,
        )
        for one in batch
    ]
    return [store.drafts.get(draft_id) for draft_id in store.drafts.save_judged(judged, NOON)]


def says(number: int, text: str, **changes: Any) -> Mention:
    return mention(number, text=text, **changes)


def come(store: SqliteStore, *mentions: Mention, triage: Triage = REPLY) -> list[Draft]:
    """One after the other, each judged before the next one comes."""
    found = []
    for one in mentions:
        arrive(store, one)
        found += judge(store, triage)
    return found


def case_of(store: SqliteStore, row_id: int) -> int:
    return store.cases.of(row_id)


def actions(store: SqliteStore, draft_id: int) -> list[str]:
    return [entry.action for entry in store.views.matter(draft_id).history]


def approve(store: SqliteStore, draft_id: int, action: str = "approve", **more: str) -> None:
    rev = store.drafts.get(draft_id).rev
    decision = Decision(draft_id=draft_id, rev=rev, action=action, actor="jana", via="page", **more)  # type: ignore[arg-type]
    decide(store.drafts, decision, RULES, NOON)


def two_places(store: SqliteStore) -> Draft:
    """The same order in two places; returns the one draft."""
    [draft] = come(
        store,
        says(1, f"{ORDER} neprišla."),
        says(2, f"Už druhý týždeň čakám, {ORDER.lower()}!", source="forum"),
    )
    return draft


def test_the_second_place_gets_no_draft_and_the_first_one_learns_of_it(store: SqliteStore) -> None:
    draft = two_places(store)
    assert case_of(store, 1) == case_of(store, 2)
    matter = store.views.matter(draft.id)
    [other] = matter.others
    assert (other.mention.source, other.why) == ("forum", Reason(code="same_order", detail="2024-1138"))
    assert actions(store, draft.id) == ["wrote_again"] and matter.history[0].reason == "forum"
    [aside] = store.aside.look().rows
    assert aside.reason == Reason(code="same_matter", detail="shop")
    assert aside.handling is not None
    assert (aside.handling.draft_id, aside.handling.source, aside.handling.state) == (draft.id, "shop", "pending")


def test_both_in_one_batch_are_one_matter_too(store: SqliteStore) -> None:
    arrive(store, says(1, f"{ORDER} neprišla."))
    arrive(store, says(2, f"Kde je {ORDER}?", source="forum"))
    assert len(judge(store)) == 1 and case_of(store, 1) == case_of(store, 2)


def test_who_asks_again_is_answered_sooner_but_is_not_told_twice(store: SqliteStore) -> None:
    normal = replace(REPLY, priority=Priority.NORMAL)
    [draft] = come(store, says(1, f"{ORDER} mešká."), says(2, f"Stále nič, {ORDER}", source="forum"), triage=normal)
    after = store.drafts.get(draft.id)
    assert (after.priority, after.reason) == (Priority.HIGH, Reason(code="wrote_again", detail="forum"))
    store._engine.connection.execute("UPDATE mention SET stage = 'new'")
    judge(store, normal)
    assert actions(store, draft.id).count("wrote_again") == 1


def test_the_same_text_elsewhere_is_no_second_cry(store: SqliteStore) -> None:
    text = "Kytica prišla zvädnutá a nikto mi nezdvihol telefón, čakám na vyjadrenie."
    [draft] = come(store, says(1, text, author="Zora Bystrá"), says(2, text, author="Zora Bystrá", source="forum"))
    assert actions(store, draft.id) == ["cross_posted"]
    assert store.drafts.get(draft.id).priority is Priority.HIGH
    assert store.aside.look().reasons == {"same_text": 1}


def test_a_complaint_is_not_answered_by_thanks(store: SqliteStore) -> None:
    [thanks] = come(store, says(1, f"{ORDER}: super!", rating=5.0), triage=THANKS)
    [answer] = come(store, says(2, f"{ORDER} sa po týždni rozpadla.", source="forum"))
    assert store.drafts.get(thanks.id).state is DraftState.SUPERSEDED
    assert (answer.state, actions(store, thanks.id)) == (DraftState.PENDING, ["yielded"])
    handling = store.views.matter(thanks.id).handling
    assert handling is not None and handling.draft_id == answer.id


@pytest.mark.parametrize("text", ["Prišlo to prasknuté.", "Výborný obchod, rýchle dodanie, vrelo neodporúčam!"])
def test_a_complaint_is_not_answered_by_thanks_that_are_out(store: SqliteStore, text: str) -> None:
    wrote = {"author": "Zuzana Kráľová", "raw": {"order": "70001"}}
    [thanks] = come(store, says(1, "Výborný obchod, rýchle dodanie, vrelo odporúčam!", **wrote), triage=THANKS)
    store._engine.connection.execute("UPDATE draft SET state = 'published', updated_at = updated_at + 60")
    [draft] = come(store, says(2, text, source="maps", **wrote))
    assert (draft.case_id, draft.state) == (thanks.case_id, DraftState.PENDING)
    assert come(store, says(3, "Vďaka!", source="forum", **wrote), triage=THANKS) == []


def test_thanks_that_a_person_typed_stay(store: SqliteStore) -> None:
    [thanks] = come(store, says(1, f"{ORDER}: super!", rating=5.0), triage=THANKS)
    approve(store, thanks.id, "edit", text="Ďakujeme, pani Zora!")
    assert come(store, says(2, f"{ORDER} sa rozpadla.", source="forum")) == []
    assert store.drafts.get(thanks.id).state is DraftState.PENDING
    assert store.drafts.get(thanks.id).priority is Priority.HIGH


def published(store: SqliteStore, draft_id: int) -> None:
    store._engine.connection.execute(
        "UPDATE draft SET state = 'published', updated_at = ? WHERE id = ?", (NOON.timestamp(), draft_id)
    )


def test_what_was_said_before_our_answer_is_answered_by_it(store: SqliteStore) -> None:
    [first] = come(store, says(1, f"{ORDER} neprišla."))
    published(store, first.id)
    earlier = says(2, f"{ORDER} stále nikde!", source="forum", created_at=NOON - timedelta(hours=2))
    assert come(store, earlier) == []
    [aside] = store.aside.look().rows
    assert aside.handling is not None and aside.handling.state is DraftState.PUBLISHED
    store.aside.want(2, "jana")
    [wanted] = judge(store)
    assert (wanted.state, wanted.case_id) == (DraftState.PENDING, first.case_id)


def test_who_wants_a_second_answer_waits_for_the_first(store: SqliteStore) -> None:
    draft = two_places(store)
    store.aside.want(2, "jana")
    assert judge(store) == [] and store.aside.answered_by(2) == draft.id
    assert [row.row_id for row in store.aside.look().rows] == [2], "it is still there to be wanted"
    published(store, draft.id)
    store.aside.want(2, "jana")
    assert [one.mention_id for one in judge(store)] == [2]


def test_the_pipeline_drafts_a_second_answer_that_is_wanted(store: SqliteStore) -> None:
    desk = Desk(Config(), EmbeddedClassifier.load(languages=("sk",)), {})
    pipeline = Pipeline(store, desk, lambda: NOON)
    arrive(store, says(1, f"{ORDER} neprišla, je to hanba!"))
    arrive(store, says(2, f"{ORDER}: podvodníci, nič neprišlo!", source="forum"))
    asyncio.run(pipeline.step())
    [aside] = store.aside.look().rows
    assert aside.handling is not None
    published(store, aside.handling.draft_id)
    store.aside.want(2, "jana")
    asyncio.run(pipeline.step())
    second = store.views.draft_of(2)
    assert second is not None and second.reason == Reason(code="wanted", detail="jana")


def test_new_words_after_our_answer_are_answered_and_the_same_ones_are_not(store: SqliteStore) -> None:
    text = "Kytica prišla zvädnutá a nikto mi nezdvihol telefón, čakám na vyjadrenie."
    [first] = come(store, says(1, text, author="Zora Bystrá", raw={"order_id": "777123"}))
    published(store, first.id)
    later = {"author": "Zora Bystrá", "created_at": NOON + timedelta(hours=2)}
    assert come(store, says(2, text, source="forum", **later)) == []
    again = says(3, "Vaša odpoveď mi nepomohla.", source="maps", raw={"order": "777123"}, **later)
    [second] = come(store, again)
    assert (second.case_id, second.state) == (first.case_id, DraftState.PENDING)


def test_a_label_corrected_after_our_answer_makes_no_old_words_of_new_ones(store: SqliteStore) -> None:
    [first] = come(store, says(1, f"{ORDER} neprišla."))
    published(store, first.id)
    store.corrections.correct(
        Correction(
            mention_id=1,
            content_hash=first_words(store).content_hash,
            label="question",
            actor="jana",
            via="page",
            at=NOON + timedelta(hours=3),
        )
    )
    later = says(2, f"Prišla rozbitá, {ORDER}!", source="forum", created_at=NOON + timedelta(hours=2))
    assert [one.mention_id for one in come(store, later)] == [2]


def first_words(store: SqliteStore) -> Mention:
    found = store.mentions.get(1)
    assert found is not None
    return found


def test_where_the_first_is_deleted_the_second_is_answered(store: SqliteStore) -> None:
    two_places(store)
    store.mentions.save_page("shop", Page(gone=("m1",)), None, NOON)
    [draft] = judge(store)
    assert (draft.mention_id, draft.state) == (2, DraftState.PENDING)


def test_splitting_gives_a_case_and_a_draft_and_holds(store: SqliteStore) -> None:
    draft = two_places(store)
    new = store.cases.split(2, draft.case_id, JANA)
    [own] = judge(store)
    assert (own.mention_id, own.case_id, own.state) == (2, new, DraftState.PENDING)
    assert store.drafts.get(draft.id).state is DraftState.PENDING and store.views.matter(draft.id).others == ()
    store._engine.connection.execute("UPDATE mention SET stage = 'new'")
    judge(store)
    arrive(store, says(2, f"Doplnenie: {ORDER}, a ešte 2024-1139, objednávka č. 2024-1139", source="forum"))
    judge(store)
    assert case_of(store, 2) == new, "an edit does not join it again"
    come(store, says(3, f"{ORDER}!!!", source="maps"))
    assert case_of(store, 3) in (draft.case_id, new) and case_of(store, 1) != case_of(store, 2)


def test_splitting_the_one_that_has_the_draft_away_lets_the_other_be_answered(store: SqliteStore) -> None:
    draft = two_places(store)
    store.cases.split(1, draft.case_id, JANA)
    [own] = judge(store)
    assert own.mention_id == 2 and store.drafts.get(draft.id).case_id != own.case_id


def quoting(store: SqliteStore, *mentions: Mention) -> list[Draft]:
    """Each with a draft that names its case."""
    found = []
    for number, one in enumerate(mentions, 1):
        arrive(store, one)
        found += judge(store, text=f"Mrzí nás to. Vaše číslo je {case_reference(number)}.")
    return found


def test_what_is_split_off_names_no_other_customer_s_case(store: SqliteStore) -> None:
    [draft] = quoting(store, says(1, f"{ORDER} neprišla."))
    come(store, says(2, f"A kde je moja? {ORDER}", source="forum"))
    approve(store, draft.id)
    new = store.cases.split(1, 1, JANA)
    after = store.drafts.get(draft.id)
    assert (after.state, after.text) == (DraftState.PENDING, f"Mrzí nás to. Vaše číslo je {case_reference(new)}.")
    assert actions(store, draft.id)[-2:] == ["approval_withdrawn", "split"]
    assert [one.text for one in store.views.matter(draft.id).revisions][-1] == after.text
    with pytest.raises(DecisionRefused):
        decide(store.drafts, Decision(draft_id=1, rev=1, action="approve", actor="jana", via="page"), RULES, NOON)


def test_what_was_merged_by_mistake_names_its_own_case_again(store: SqliteStore) -> None:
    first, second = quoting(store, says(1, "Nefunguje."), says(2, "Prišla iná farba.", source="forum"))
    store.cases.merge(first.case_id, second.case_id, JANA)
    new = store.cases.split(2, first.case_id, JANA)
    assert store.drafts.get(second.id).text.endswith(f"{case_reference(new)}.")
    assert store.drafts.get(first.id).text.endswith(f"{case_reference(1)}.")


def test_merging_keeps_the_older_draft_open_and_the_other_s_text(store: SqliteStore) -> None:
    one, other = come(store, says(1, "Prišlo to rozbité."), says(2, "Nikto sa neozval.", source="forum"))
    approve(store, other.id, "edit", text="Toto som písala pol hodiny.")
    kept = store.cases.merge(other.case_id, one.case_id, JANA)
    assert kept == one.case_id and store.cases.find(other.case_id) == kept
    assert store.drafts.get(one.id).state is DraftState.PENDING
    loser = store.views.matter(other.id)
    assert (loser.draft.state, loser.draft.text) == (DraftState.SUPERSEDED, "Toto som písala pol hodiny.")
    assert loser.revisions[-1].text == "Toto som písala pol hodiny."
    assert (actions(store, one.id), actions(store, other.id)) == (["joined"], ["edit", "merged"])
    [place] = store.views.matter(one.id).others
    assert place.draft is not None and place.draft.text == "Toto som písala pol hodiny."
    [line] = store.cases.lines(kept)
    assert (line.action, line.actor, line.via) == ("merge", "jana", "page")

    store.cases.split(2, kept, JANA)
    back = store.drafts.get(other.id)
    assert (back.state, back.text, back.rev) == (DraftState.PENDING, "Toto som písala pol hodiny.", 3)


def test_an_answer_on_its_way_stays_the_answer(store: SqliteStore) -> None:
    one, other = come(store, says(1, "Prišlo to rozbité."), says(2, "Nikto sa neozval.", source="forum"))
    approve(store, other.id)
    store.cases.merge(one.case_id, other.case_id, JANA)
    assert (store.drafts.get(one.id).state, store.drafts.get(other.id).state) == ("superseded", "approved")


def test_two_answers_on_their_way_are_not_merged(store: SqliteStore) -> None:
    one, other = come(store, says(1, "Prišlo to rozbité."), says(2, "Nikto sa neozval.", source="forum"))
    approve(store, one.id)
    approve(store, other.id)
    with pytest.raises(CannotJoin) as refused:
        store.cases.merge(one.case_id, other.case_id, JANA)
    assert refused.value.code == "both_on_their_way"
    assert case_of(store, 1) != case_of(store, 2)


def test_what_cannot_be_done_says_why(store: SqliteStore) -> None:
    [one] = come(store, says(1, "Prišlo to rozbité."))
    for work, error in (
        (lambda: store.cases.merge(one.case_id, 99, JANA), NoSuchCase),
        (lambda: store.cases.merge(one.case_id, one.case_id, JANA), CannotJoin),
        (lambda: store.cases.split(1, one.case_id, JANA), CannotJoin),
        (lambda: store.cases.split(1, 99, JANA), StaleDecision),
        (lambda: store.cases.split(99, 1, JANA), NoSuchCase),
        (lambda: store.linked.link(1, 1, JANA), CannotJoin),
    ):
        with pytest.raises(error):
            work()


def test_twenty_at_once_merge_and_split_once(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "ohlas.db")
    come(first, *(says(number, f"Sťažnosť číslo {number} o niečom inom.") for number in range(1, 3)))
    stores = [SqliteStore(tmp_path / "ohlas.db") for _ in range(4)]

    def attempt(work: Any) -> str:
        try:
            work()
        except DecisionRefused as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(20) as pool:
        merges = [lambda store=store: store.cases.merge(2, 1, JANA) for _ in range(5) for store in stores]
        assert sorted(pool.map(attempt, merges)) == ["StaleDecision"] * 19 + ["done"]
        splits = [lambda store=store: store.cases.split(2, 1, JANA) for _ in range(5) for store in stores]
        assert sorted(pool.map(attempt, splits)) == ["StaleDecision"] * 19 + ["done"]
    assert (case_of(first, 1), case_of(first, 2)) == (1, 3)
    assert [first.drafts.get(number).state.value for number in (1, 2)] == ["pending", "pending"]
    for store in (first, *stores):
        store.close()


def test_joining_reads_no_table_from_end_to_end(store: SqliteStore) -> None:
    come(store, tweet(1, f"{ORDER} neprišla", "jana_m"), mail(2, "Čo je s tým?", "j@jana.sk"))
    store.linked.link(1, 2, JANA)
    asked: list[str] = []
    store._engine.connection.set_trace_callback(asked.append)
    arrive(store, tweet(3, f"{ORDER}, haló?", "jana_m", thread="m1"))
    asked.clear()
    [one] = store.mentions.unjudged(10)
    store.cases.assign({3: one.mention}, LINKER, NOON)
    for look in (others_of, earlier_of):
        look(store._engine, 1, 1)
    handling_of(store._engine, 1)
    store._engine.connection.set_trace_callback(None)
    plans = {
        query: str(row["detail"])
        for query in asked
        if query.startswith(("SELECT", "UPDATE"))
        for row in store._engine.rows(f"EXPLAIN QUERY PLAN {query}")
    }
    assert len(plans) > 8
    assert {query: plan for query, plan in plans.items() if SCANNED.match(plan)} == {}


def test_a_merge_while_a_mention_is_being_judged_holds(store: SqliteStore) -> None:
    come(store, says(1, "Prišlo to rozbité."))
    arrive(store, says(2, "Nikto sa neozval.", source="forum"))
    [one] = store.mentions.unjudged(10)
    [found] = store.cases.assign({2: one.mention}, LINKER, NOON).values()
    store.cases.merge(1, found.case_id, JANA)
    judged = Judged(
        row_id=2,
        content_hash=one.mention.content_hash,
        case_id=found.case_id,
        verdict=COMPLAINT,
        triage=REPLY,
        composition=composition(),
    )
    assert store.drafts.save_judged([judged], NOON) == []
    assert case_of(store, 2) == 1


def tweet(number: int, text: str, name: str, **changes: Any) -> Mention:
    return mention(number, text=text, author="Jana", source="x", raw={"username": name}, **changes)


def mail(number: int, text: str, address: str, **changes: Any) -> Mention:
    return mention(number, text=text, author="Jana M.", source="mail", raw={"reply_to": address}, **changes)


def test_the_same_account_is_one_customer_and_linked_accounts_are_as_well(store: SqliteStore) -> None:
    come(store, tweet(1, "Kde je môj balík?", "jana_m"), mail(2, "Dobrý deň, čakám na vrátenie peňazí.", "j@jana.sk"))
    assert case_of(store, 1) != case_of(store, 2)
    store.linked.link(1, 2, JANA)
    long_ago = NOON - timedelta(days=300)
    come(store, tweet(3, "Už zase?", "jana_m"), mail(4, "Ešte stále nič.", "j@jana.sk"))
    assert case_of(store, 3) == case_of(store, 1)
    assert case_of(store, 4) == case_of(store, 2)
    come(store, mail(5, "Vlani to tiež meškalo.", "j@jana.sk", created_at=long_ago))
    assert case_of(store, 5) not in (case_of(store, 1), case_of(store, 2))
    draft = store.views.draft_of(1)
    assert draft is not None
    assert {one.row_id for one in store.views.matter(draft.id).earlier} == {2, 4, 5}
    store.linked.unlink(2, JANA)
    assert store.views.matter(draft.id).earlier == ()


def test_a_linked_account_joins_the_open_matter(store: SqliteStore) -> None:
    come(store, tweet(1, "Kde je môj balík?", "jana_m"))
    come(store, mail(2, "Vlani to meškalo tiež.", "j@jana.sk", created_at=NOON - timedelta(days=200)))
    store.linked.link(1, 2, JANA)
    come(store, mail(3, "Balík stále neprišiel.", "j@jana.sk"))
    assert case_of(store, 3) == case_of(store, 1)
    [other] = store.views.matter(1).others
    assert (other.why.code, other.linked) == ("linked_accounts", True)


def test_what_is_erased_is_not_found_by_any_longer(store: SqliteStore) -> None:
    come(store, tweet(1, f"{ORDER} neprišla", "jana_m"), mail(2, f"Čo je s {ORDER}?", "j@jana.sk"))
    store.linked.link(1, 2, JANA)
    connection = store._engine.connection
    whole = "\n".join(str(tuple(row)) for table in ("mention_mark", "linked_account") for row in _all(store, table))
    assert "jana" not in whole and "1138" not in whole
    connection.execute("UPDATE mention_text SET author = '', title = '', text = '', raw = '' WHERE id = 2")
    assert {row["mention_id"] for row in _all(store, "mention_mark")} == {1}
    assert _all(store, "mention_joined") == []
    assert len(_all(store, "linked_account")) == 1


def _all(store: SqliteStore, table: str) -> list[Any]:
    return store._engine.rows(f"SELECT * FROM {table}")  # noqa: S608 - names of tables


def groups(store: SqliteStore, count: int) -> set[frozenset[int]]:
    """Which mentions (by their own number) are one case."""
    rows = store._engine.rows("SELECT case_id, external_id FROM mention")
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row["case_id"], set()).add(int(row["external_id"][1:]))
    return {frozenset(one) for one in found.values()}


@settings(max_examples=40, deadline=None)
@given(
    orders=st.lists(st.sets(st.integers(0, 4), max_size=2), min_size=2, max_size=7),
    order=st.randoms(use_true_random=False),
    batches=st.booleans(),
)
def test_whichever_comes_first_the_same_orders_are_one_case(
    tmp_path_factory: pytest.TempPathFactory, orders: list[set[int]], order: Any, batches: bool
) -> None:
    said = [
        says(number, f"Reklamácia {number}: {', '.join(map(order_of, sorted(numbers)))}", author="Zuzana Kráľová")
        for number, numbers in enumerate(orders)
    ]
    shuffled = order.sample(said, len(said))
    outcomes = []
    for mentions in (said, shuffled):
        store = SqliteStore(tmp_path_factory.mktemp("cases") / "ohlas.db")
        if batches:
            arrive(store, *mentions)
            judge(store)
        else:
            come(store, *mentions)
        outcomes.append(groups(store, len(said)))
        open_ones = store._engine.rows("SELECT case_id FROM draft WHERE state = 'pending'")
        assert len(open_ones) == len({row["case_id"] for row in open_ones}) == len(outcomes[-1]), "one draft a case"
        store.close()
    assert outcomes[0] == outcomes[1] == connected(orders)


def order_of(number: int) -> str:
    return f"objednávka č. 70001{number}"


def connected(orders: list[set[int]]) -> set[frozenset[int]]:
    """What the groups have to be: everything that hangs together by a number."""
    found = [{number} for number in range(len(orders))]
    for one, other in itertools.combinations(range(len(orders)), 2):
        if orders[one] & orders[other]:
            first = next(group for group in found if one in group)
            second = next(group for group in found if other in group)
            if first is not second:
                first |= second
                found.remove(second)
    return {frozenset(group) for group in found}


@settings(max_examples=25, deadline=None)
@given(which=st.integers(1, 4), again=st.integers(1, 3))
def test_what_was_split_stays_split_however_often_it_is_judged(
    tmp_path_factory: pytest.TempPathFactory, which: int, again: int
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("cases") / "ohlas.db")
    come(store, *(says(number, f"{ORDER}, už {number}. raz.") for number in range(1, 5)))
    new = store.cases.split(which, 1, JANA)
    for _ in range(again):
        store._engine.connection.execute("UPDATE mention SET stage = 'new'")
        judge(store)
    assert {case_of(store, row) for row in range(1, 5) if row != which} == {1}
    assert case_of(store, which) == new
    store.close()


def merged(store: SqliteStore) -> tuple[Draft, Draft]:
    """Two matters that a person put together: the draft that stays, and the one that gave way."""
    first, second = come(store, says(1, f"Nefunguje. {ORDER}"), says(2, "Prišla iná farba.", source="forum"))
    store.cases.merge(first.case_id, second.case_id, JANA)
    return store.drafts.get(first.id), store.drafts.get(second.id)


def delete(store: SqliteStore, number: int, source: str = "shop") -> None:
    store.mentions.save_page(source, Page(gone=(f"m{number}",)), None, NOON)


def test_where_the_first_is_erased_the_second_is_answered_unless_it_is_erased_too(store: SqliteStore) -> None:
    two_places(store)
    store.erasing.ask([1], actor="jana", via="page", why="asked", now=NOON)
    store.erasing.step(9, NOON)
    assert [one.mention_id for one in judge(store)] == [2]
    come(store, says(3, "Nejde zľava č. 777123.", raw={"order": "777123"}))
    come(store, says(4, "Stále nejde.", raw={"order": "777123"}, source="forum"))
    store.erasing.ask([3, 4], actor="jana", via="page", why="asked", now=NOON)
    store.erasing.step(1, NOON)
    assert judge(store) == []


def test_a_draft_that_gave_way_does_not_return_for_what_was_erased(store: SqliteStore) -> None:
    _, gave_way = merged(store)
    store.erasing.ask([1, 2], actor="jana", via="page", why="asked", now=NOON)
    while store.erasing.step(1, NOON):
        pass
    assert store.drafts.get(gave_way.id).state is DraftState.SUPERSEDED


def test_a_draft_that_gave_way_does_not_return_for_what_was_deleted(store: SqliteStore) -> None:
    _, gave_way = merged(store)
    delete(store, 2, "forum")
    delete(store, 1)
    assert store.drafts.get(gave_way.id).state is DraftState.SUPERSEDED


def test_a_draft_that_gave_way_returns_with_what_the_customer_says_now(store: SqliteStore) -> None:
    stays, gave_way = merged(store)
    arrive(store, says(2, "Prišla iná farba, a chcem peniaze späť.", source="forum"))
    judge(store, text="Nič nové.")
    assert store.drafts.get(gave_way.id).state is DraftState.SUPERSEDED
    assert "wrote_again" in actions(store, stays.id)
    delete(store, 1)
    judge(store, text="Peniaze vám vrátime.")
    after = store.drafts.get(gave_way.id)
    assert (after.state, after.text) == (DraftState.PENDING, "Peniaze vám vrátime.")


def test_a_draft_that_gave_way_does_not_return_to_what_asks_for_nothing_any_more(store: SqliteStore) -> None:
    _, gave_way = merged(store)
    arrive(store, says(2, "Všetko v poriadku.", source="forum"))
    judge(store, NOTE)
    delete(store, 1)
    assert store.drafts.get(gave_way.id).state is DraftState.SUPERSEDED


def test_a_third_place_does_not_join_what_a_person_took_apart(store: SqliteStore) -> None:
    wrote = {"author": "Zuzana Kráľová"}
    come(store, says(1, f"{ORDER} neprišla.", **wrote), says(2, f"Kde je {ORDER}?", source="forum", **wrote))
    apart = store.cases.split(2, 1, JANA)
    judge(store)
    store._engine.connection.execute("UPDATE draft SET state = 'published'")  # nobody would lose work
    come(store, says(3, "Mešká to.", source="maps", **wrote), says(3, f"Mešká {ORDER}.", source="maps", **wrote))
    assert (case_of(store, 1), case_of(store, 2), case_of(store, 3)) == (1, apart, 1)


def test_who_lists_the_orders_of_others_takes_nobody_s_answer_away(store: SqliteStore) -> None:
    first, second = come(store, says(1, "Objednávka č. 70001 neprišla."), says(2, "Kde je objednávka č. 70002?"))
    come(store, says(3, "Objednávky č. 70001, 70002: samé podvody!", source="maps"))
    assert [store.drafts.get(one.id).state for one in (first, second)] == [DraftState.PENDING] * 2
    assert case_of(store, 1) != case_of(store, 2)


def test_who_adds_the_order_of_another_later_takes_nobody_s_answer_away(store: SqliteStore) -> None:
    come(store, says(3, "Hrozný obchod, nikdy viac.", source="maps"))
    [theirs] = come(store, says(1, f"{ORDER} neprišla."))
    come(store, says(3, f"Hrozný obchod, nikdy viac. {ORDER}", source="maps"))
    assert store.drafts.get(theirs.id).state is DraftState.PENDING
