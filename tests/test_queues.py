"""Whose queue a draft is in: over a real database, for several people at different times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store.queues import TABS, Tab, Viewer, belongs, looking
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from tests.made import NOON, arrive, draft_all, mention

EVA = Viewer(name="Eva", now=NOON)
ZOFIA = replace(EVA, name='Žofia "Z"')
LATER = NOON + timedelta(minutes=10)
NEW, EVAS, TEAMS, ZOFIAS, CLAIMED, ASLEEP, WATCHED, CALLED = range(1, 9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    arrive(opened, *(mention(number) for number in range(1, 9)))
    draft_all(opened)
    settle(opened)
    yield opened
    opened.close()


def settle(store: SqliteStore) -> None:
    def route(number: int, assignee: str, *team: str) -> None:
        store.asking.route(store.drafts.get(number), assignee, team, NOON, NOON)

    route(EVAS, "Eva", "Eva")
    route(TEAMS, "", "Eva", ZOFIA.name)
    route(ZOFIAS, ZOFIA.name, ZOFIA.name)
    route(CLAIMED, "Eva", "Eva")
    store.asking.claim(CLAIMED, ZOFIA.name, LATER, via="page", now=NOON)
    for number, until in ((ASLEEP, LATER), (WATCHED, None)):
        route(number, "", "Eva")
        store.asking.snooze(number, until, actor="Eva", via="page", now=NOON)
    route(CALLED, ZOFIA.name, ZOFIA.name)
    store.asking.escalate(store.asking.get(CALLED), 2, None, now=NOON, told="Eva", team=("Eva",))


def found(store: SqliteStore, tab: Tab, viewer: Viewer) -> set[int]:
    return {row.draft.id for row in store.views.inbox(InboxFilter(tab=tab, viewer=viewer, limit=99)).rows}


def test_everything_that_waits_is_in_exactly_one_queue(store: SqliteStore) -> None:
    for viewer in (EVA, ZOFIA, replace(EVA, name="Nobody"), Viewer(now=NOON), replace(EVA, now=LATER)):
        queues = [found(store, tab, viewer) for tab in ("mine", "others", "snoozed")]
        assert set.union(*queues) == found(store, "waiting", viewer) == set(range(1, 9))
        assert sum(map(len, queues)) == 8
        counts = store.views.tabs(viewer)
        assert set(counts) == set(TABS)
        assert [counts[tab] for tab in ("mine", "others", "snoozed")] == [len(queue) for queue in queues]


def test_whose_it_is(store: SqliteStore) -> None:
    assert found(store, "mine", EVA) == {NEW, EVAS, TEAMS, CALLED}
    assert found(store, "mine", ZOFIA) == {NEW, TEAMS, ZOFIAS, CLAIMED, CALLED}
    assert found(store, "mine", replace(EVA, name="Adam")) == {NEW}
    assert found(store, "mine", Viewer(now=NOON)) == {NEW}
    assert found(store, "snoozed", EVA) == {ASLEEP, WATCHED}


def test_leases_and_snoozes_run_out(store: SqliteStore) -> None:
    later = replace(EVA, now=LATER)
    assert found(store, "mine", later) == {NEW, EVAS, TEAMS, CLAIMED, ASLEEP, CALLED}
    assert found(store, "snoozed", later) == {WATCHED}


def test_what_nobody_was_asked_about_is_for_those_who_answer_such(store: SqliteStore) -> None:
    for changes, mine in (
        ({"languages": ("sk",)}, True),
        ({"languages": ("cs", "hu")}, False),
        ({"sources": ("shop", "forum")}, True),
        ({"sources": ("forum",)}, False),
        ({"languages": ("sk",), "sources": ("forum",)}, False),
    ):
        assert (NEW in found(store, "mine", replace(EVA, **changes))) == mine, changes
        assert EVAS in found(store, "mine", replace(EVA, **changes))


def test_the_neighbours_are_those_of_the_queue(store: SqliteStore) -> None:
    around = store.views.neighbours(InboxFilter(tab="mine", viewer=EVA), TEAMS)
    assert (around.before, around.after, around.left) == (EVAS, CALLED, 1)


def test_a_queue_is_counted_from_its_index_alone(store: SqliteStore) -> None:
    query = f"EXPLAIN QUERY PLAN SELECT 1 FROM draft WHERE {belongs('mine')}"  # noqa: S608
    plan = store._engine.rows(query, dict(looking(EVA)))
    assert "COVERING INDEX idx_draft_queue" in json.dumps([row["detail"] for row in plan])
