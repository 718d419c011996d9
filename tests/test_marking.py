"""What an earlier version took in can be joined after the upgrade."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor.case_options import CaseOptions
from monitor.linking import Linker
from monitor.marking import BATCH, Marker
from monitor.store import schema
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, arrive, mention
from tests.test_cases import JANA, KINDS, ORDER, judge

DAY = timedelta(days=1)


def old_database(path: Path, *written: tuple[datetime, str]) -> None:
    """As the last version left it that knew nothing of marks: each mention judged, with a case of its own."""
    old = Database(path, execute_plugins=False)
    schema.migrations.apply(old, stop_before="m0019_matters")
    with old.conn:
        for number, (at, text) in enumerate(written, start=1):
            old.execute("INSERT INTO cases (id, key, opened_at) VALUES (?, '', ?)", (number, at.timestamp()))
            old.execute(
                "INSERT INTO mention (id, source, external_id, created_at, seen_at, content_hash, stage, label,"
                " verdict, action, case_id, language) VALUES (?1, 'shop', 'm' || ?1, ?2, ?2, 'x', 'done',"
                " 'complaint', '{}', 'reply', ?1, 'sk')",
                (number, at.timestamp()),
            )
            old.execute("INSERT INTO mention_text VALUES (?, ?, '', ?, '', '{}')", (number, f"Eva {number}", text))
    old.close()


async def marked(store: SqliteStore, options: CaseOptions | None = None, now: datetime = NOON) -> int:
    """Steps until nothing is left."""
    marker = Marker(store, lambda: Linker(options=options or CaseOptions(), kinds=KINDS), lambda: now)
    steps = 1
    while await marker.step():
        steps += 1
    return steps


def with_marks(store: SqliteStore) -> list[int]:
    rows = store._engine.rows("SELECT DISTINCT mention_id FROM mention_mark ORDER BY 1")
    return [row["mention_id"] for row in rows]


async def test_a_customer_is_known_again_who_wrote_before_the_upgrade(tmp_path: Path) -> None:
    old_database(tmp_path / "ohlas.db", (NOON - 40 * DAY, f"{ORDER} neprišla."), (NOON - DAY, f"{ORDER}: a nič."))
    store = SqliteStore(tmp_path / "ohlas.db")
    assert with_marks(store) == []
    assert await marked(store) == 1
    assert with_marks(store) == [2], "the older one is too old to be joined"
    arrive(store, mention(7, source="maps", author="Eva", text=f"Kde je {ORDER}? Už mesiac."))
    judge(store)
    assert store.cases.of(3) == 2
    store.close()


async def test_it_goes_through_them_once_and_through_no_more_than_it_has_to(tmp_path: Path) -> None:
    texts = [(NOON - (60 if number < 5 * BATCH else 1) * DAY, ORDER) for number in range(7 * BATCH)]
    old_database(tmp_path / "ohlas.db", *texts)
    store = SqliteStore(tmp_path / "ohlas.db")
    assert await marked(store) == 3
    assert with_marks(store) == list(range(5 * BATCH + 1, 7 * BATCH + 1))
    asked: list[str] = []
    store._engine.connection.set_trace_callback(asked.append)
    assert await marked(store, now=NOON + DAY) == 1
    store._engine.connection.set_trace_callback(None)
    assert len(asked) == 1 and "setting" in asked[0]
    assert await marked(store, CaseOptions(join_days=90)) == 8, "now older ones may be joined, too"
    assert len(with_marks(store)) == 7 * BATCH
    store.close()


async def test_marks_that_are_there_stay_and_what_was_erased_gets_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    arrive(
        store,
        mention(1, source="x", raw={"username": "eva_k"}),
        mention(2, source="talk", raw={"author": "eva_kr"}),
        mention(3, text=ORDER),
    )
    judge(store)
    store.linked.link(1, 2, JANA)
    store.erasing.ask([3], actor="jana", via="page", why="asked", now=NOON)
    store.erasing.step(10, NOON)
    marks, links = ("SELECT * FROM mention_mark ORDER BY 1, 2", "SELECT * FROM linked_account ORDER BY 1")
    before = [[tuple(row) for row in store._engine.rows(sql)] for sql in (marks, links)]
    assert before[1] and await marked(store, CaseOptions(join_by=("order",))) == 1
    assert [[tuple(row) for row in store._engine.rows(sql)] for sql in (marks, links)] == before
    assert await marked(store) == 1
    assert [[tuple(row) for row in store._engine.rows(sql)] for sql in (marks, links)] == before
    store.close()
