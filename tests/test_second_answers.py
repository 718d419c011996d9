"""A review that its author changes after our answer is out gets a draft of its own, and its own publication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.acknowledging import purpose_of
from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import Page, Receipt
from monitor.desk import Desk
from monitor.model import Decision, DraftState, Mention
from monitor.options import Config, DraftingOptions
from monitor.pipeline import Pipeline
from monitor.store.mentions import Unjudged
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from tests.loopback import Loopback
from tests.made import COMPLAINT, NOON, PRAISE, mention, people
from tests.platform import Fault, Platform
from tests.running import Running
from tests.test_acknowledging_service import ENVIRONMENT, approve, configure, deliver, drafts, told
from tests.test_service import until

LATER = NOON + timedelta(hours=5)
WORSE = "Opravujem: po týždni sa pokazila, reklamáciu zamietli a nikto nedvíha telefón. Sklamanie."
RULES = Rules(people=people("Jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


async def judge(store: SqliteStore) -> list[tuple[int, str, str]]:
    """All that is new; then every draft: number, purpose, state."""
    desk = Desk(Config(), EmbeddedClassifier.load(languages=("sk",)), {})
    while await Pipeline(store, desk, lambda: LATER).step():
        pass
    rows = store._engine.rows("SELECT id, purpose, state FROM draft ORDER BY id")
    return [(row["id"], row["purpose"], row["state"]) for row in rows]


def publish(store: SqliteStore, draft_id: int, receipt: str) -> None:
    """Approved, and out."""
    store._engine.connection.execute("UPDATE draft SET manual = 0")
    decision = Decision(
        draft_id=draft_id, rev=store.drafts.get(draft_id).rev, action="approve", actor="Jana", via="page"
    )
    decide(store.drafts, decision, RULES, NOON)
    publication = store.publications.begin(store.drafts.get(draft_id), ["Jana"], NOON)
    assert publication is not None
    store.publications.finish(publication, Receipt(id=receipt), None, NOON)


def changes(store: SqliteStore, text: str, rating: float, reply: str = "") -> None:
    changed = replace(_praise(), text=text, rating=rating, reply=reply)
    store.mentions.save_page("shop", Page(mentions=(changed,)), None, LATER)


def _praise() -> Mention:
    return mention(1, text="Kanvica je krásna, rýchlo prišla a drží teplo. Odporúčam!", rating=5.0)


@pytest.fixture
async def answered(store: SqliteStore) -> SqliteStore:
    store.mentions.save_page("shop", Page(mentions=(_praise(),)), None, NOON)
    assert await judge(store) == [(1, "answer", "pending")]
    publish(store, 1, "first")
    return store


async def test_words_that_got_worse_are_answered_again(answered: SqliteStore) -> None:
    store, first = answered, answered.drafts.get(1)
    changes(store, WORSE, 1.0)
    assert await judge(answered) == [(1, "answer", "published"), (2, "second_answer", "pending")]
    second = store.drafts.get(2)
    assert second.text != first.text
    assert "changed_since" in store._engine.rows("SELECT reason FROM mention")[0]["reason"]
    publish(store, 2, "second")
    rows = store._engine.rows("SELECT purpose, state, key FROM publication ORDER BY id")
    assert [(row["purpose"], row["state"]) for row in rows] == [("answer", "published"), ("second_answer", "published")]
    assert rows[0]["key"] != rows[1]["key"], "platforms would take it for the same answer"
    assert store.counting.replied(NOON, LATER).answered == 1


async def test_words_that_got_better_need_no_answer(answered: SqliteStore) -> None:
    changes(answered, "Kanvica je krásna, odporúčam všetkým, ktorí varia vonku!", 5.0)
    assert await judge(answered) == [(1, "answer", "published")]


async def test_that_our_first_answer_is_seen_settles_nothing(answered: SqliteStore) -> None:
    first = answered.drafts.get(1).text
    changes(answered, WORSE, 1.0)
    await judge(answered)
    changes(answered, WORSE, 1.0, reply=first)
    assert answered.drafts.get(2).state is DraftState.PENDING
    changes(answered, WORSE, 1.0, reply="Ozvali sme sa Vám telefonicky, Jana.")
    assert answered.drafts.get(2).state is DraftState.SUPERSEDED, "a colleague answered"


async def test_where_our_answer_stands_there_already(answered: SqliteStore) -> None:
    first = answered.drafts.get(1).text
    answered.mentions.save_page("shop", Page(mentions=(replace(_praise(), reply=first),)), None, NOON)
    changes(answered, WORSE, 1.0, reply=first)
    assert (await judge(answered))[1:] == [(2, "second_answer", "pending")]


async def test_who_is_content_again_is_not_answered_as_if_he_complained(answered: SqliteStore) -> None:
    changes(answered, WORSE, 1.0)
    await judge(answered)
    complaint = answered.drafts.get(2).text
    changes(answered, "Nakoniec všetko vybavili skvele, ďakujem a odporúčam!", 5.0)
    assert (await judge(answered))[1:] == [(2, "second_answer", "pending")]
    assert answered.drafts.get(2).text != complaint


def test_only_after_an_answer() -> None:
    options = DraftingOptions()
    plain = Unjudged(row_id=1, mention=mention(1))
    assert purpose_of(plain, "complaint", COMPLAINT, options) == "answer"
    out = replace(plain, answered=True, answered_with="Ďakujeme.")
    assert purpose_of(out, "complaint", COMPLAINT, options) == "second_answer"
    assert purpose_of(out, "praise", PRAISE, options) == "answer"


@pytest.mark.parametrize("fault", ["", "drop after accepting"])
async def test_through_the_running_service_each_answer_is_out_once(tmp_path: Path, fault: Fault) -> None:
    platform = Platform(keeps_keys=False)
    platform.fault = lambda number: fault if number == 2 else ""
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, ENVIRONMENT) as service:
            store = service.store()
            review = {"text": _praise().text, "rating": 5, "created_at": datetime.now(UTC).isoformat()}
            await deliver(service, **review)
            await until(lambda: told(store) == [("answer", "pending")], service)
            approve(store)
            await until(lambda: told(store) == [("answer", "published")], service)
            await deliver(service, **review | {"text": WORSE, "rating": 1})
            await until(lambda: told(store)[1:] == [("second_answer", "pending")], service)
            approve(store)
            await until(lambda: told(store)[1:] == [("second_answer", "published")], service)
            texts = [draft.text for draft in drafts(store)]
            store.close()
    assert [text for _, text, _ in platform.posts] == texts
