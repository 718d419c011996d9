"""What is asked of the database again and again finds its rows by an index, however many wait."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.retention import Keeper
from monitor.retention_options import RetentionOptions
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from tests.made import NOON, arrive, draft_all, mention
from tests.test_asking import CONFIG

# an index that holds only the few rows that are looked for is read from end to end, and may be
SCANNED = re.compile(r"^SCAN (?!\(|CONSTANT|\d)(?!.*INDEX idx_draft_unrouted)|TEMP B-TREE")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    arrive(opened, *(mention(n) for n in range(50)))
    draft_all(opened)
    yield opened
    opened.close()


def test_nothing_that_runs_every_second_reads_a_whole_table(store: SqliteStore) -> None:
    asker = Asker(CONFIG, store, lambda: NOON)
    asker.catch_up()
    asker.step()
    keeper = Keeper(store, RetentionOptions(), {}, ZoneInfo("Europe/Bratislava"), lambda: NOON)
    asyncio.run(keeper.step())  # once a day more is looked at
    asked: list[str] = []
    connection = store._engine.connection
    connection.set_trace_callback(lambda statement: asked.append(statement))
    asker.step()
    store.asking.next_timer()
    for medium in ("slack", "mail"):
        store.messages.due(medium, NOON)  # type: ignore[arg-type]
        store.messages.next_due(medium)  # type: ignore[arg-type]
    store.messages.changes("slack")
    for _ in range(2):  # the first time writes it down
        store.digests.subscription("Eva", NOON)
    store.digests.last("Eva", "daily", NOON.date())
    store.publications.due(NOON)
    store.publications.unknown_due(NOON)
    store.publications.moderated_due(NOON)
    store.mentions.unjudged(16)
    asyncio.run(keeper.step())
    connection.set_trace_callback(None)
    plans = {query: plan for query in asked if query.startswith("SELECT") for plan in _plan(store, query)}
    assert len(asked) > 10
    assert {query: plan for query, plan in plans.items() if SCANNED.match(plan)} == {}


def test_cards_and_numbers_read_no_whole_table(store: SqliteStore) -> None:
    asked: list[str] = []
    connection = store._engine.connection
    connection.set_trace_callback(lambda statement: asked.append(statement))
    store.views.matter(1)
    connection.set_trace_callback(None)
    about_something = [query for query in asked if query.startswith("SELECT") and "IN ()" not in query]
    plans = {query: plan for query in about_something for plan in _plan(store, query)}
    assert {query: plan for query, plan in plans.items() if plan.startswith("SCAN ")} == {}
    [plan] = _plan(store, "SELECT label, count(*) FROM mention GROUP BY label")
    assert "COVERING INDEX idx_mention_label" in plan


def test_the_list_of_what_was_set_aside_counts_by_an_index(store: SqliteStore) -> None:
    asked: list[str] = []
    connection = store._engine.connection
    connection.set_trace_callback(lambda statement: asked.append(statement))
    for reason in ("", "neutral"):
        store.aside.look(reason, 25, 50)
    connection.set_trace_callback(None)
    plans = [plan for query in asked if query.strip()[:4] in ("SELE", "WITH") for plan in _plan(store, query)]
    of_mentions = [plan for plan in plans if re.match("(SCAN|SEARCH) mention ", plan)]
    assert of_mentions and [plan for plan in of_mentions if "INDEX idx_mention_aside" not in plan] == []
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []


def _plan(store: SqliteStore, query: str) -> list[str]:
    return [str(row["detail"]) for row in store._engine.rows(f"EXPLAIN QUERY PLAN {query}")]
