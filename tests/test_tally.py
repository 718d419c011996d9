"""The table of counts against a recount, whatever happened to the mentions, and whoever did it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.contract import Page
from monitor.model import Aspect, Label, Verdict
from monitor.store import tally
from monitor.store.codec import dump_verdict
from monitor.store.corrections import Correction
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, draft_all, mention

LABELS: tuple[Label, ...] = ("complaint", "praise", "neutral")
WEB = dump_verdict(Verdict(label="praise", confidence=1, unsure=False, language="", aspects=(Aspect(name="web"),)))
ASPECTS = st.lists(st.sampled_from(["delivery", "product", "staff"]), max_size=4)  # also one that is named twice
VERDICTS = st.builds(
    lambda label, language, names: Verdict(
        label=label,
        confidence=0.9,
        unsure=False,
        language=language,
        aspects=tuple(Aspect(name=name, words=(name,)) for name in names),
    ),
    st.sampled_from(LABELS),
    st.sampled_from(["sk", "hu", ""]),
    ASPECTS,
)
NUMBERS = st.integers(0, 5)
OPERATIONS = st.one_of(
    st.tuples(st.just("arrive"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("judge"), VERDICTS),
    st.tuples(st.just("edit"), NUMBERS, st.text(max_size=5)),
    st.tuples(st.just("correct"), NUMBERS, st.sampled_from(LABELS)),
    st.tuples(st.just("gone"), NUMBERS, st.none()),
    st.tuples(st.just("erase"), NUMBERS, st.none()),
    st.tuples(st.just("skip"), NUMBERS, st.sampled_from(["skip", "note"])),
    st.tuples(st.just("rewrite"), NUMBERS, st.sampled_from(["", "no JSON", WEB])),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copied for each example: making one anew takes longer than all that happens in it."""
    file = tmp_path_factory.mktemp("empty") / "ohlas.db"
    SqliteStore(file).close()
    return file


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations=st.lists(OPERATIONS, max_size=25))
def test_never_differs_from_a_recount(empty: Path, operations: list[tuple[str, object, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(shutil.copy(empty, folder)))
        try:
            for name, *values in operations:
                DO[name](store, *values)
                assert tally.drift(store._engine.connection) == []
        finally:
            store.close()


def test_a_table_that_somebody_broke_is_counted_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    connection = store._engine.connection
    _arrive(store, 1, 0)
    _judge(store, Verdict(label="praise", confidence=1, unsure=False, language="sk"))
    before = connection.execute("SELECT * FROM mention_count").fetchall()
    connection.execute("UPDATE mention_count SET mentions = 7")
    assert tally.drift(connection)
    store.counting.recount()
    assert [tuple(row) for row in before] == [tuple(row) for row in connection.execute("SELECT * FROM mention_count")]
    store.close()


def test_what_was_skipped_is_no_opinion(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    connection = store._engine.connection
    _arrive(store, 1, 0)
    _judge(store, Verdict(label="praise", confidence=1, unsure=False, language="sk"))
    assert connection.execute("SELECT sum(mentions) FROM mention_count").fetchone()[0] == 2  # by day and by quarter
    _skip(store, 1, "skip")
    assert connection.execute("SELECT count(*) FROM mention_count").fetchone()[0] == 0
    store.close()


def _arrive(store: SqliteStore, number: int, hours: int) -> None:
    store.mentions.save_page(
        "shop", Page(mentions=(mention(number, created_at=NOON + timedelta(hours=hours)),)), None, NOON
    )


def _judge(store: SqliteStore, verdict: Verdict) -> None:
    draft_all(store, verdict=verdict)


def _edit(store: SqliteStore, number: int, text: str) -> None:
    store.mentions.save_page("shop", Page(mentions=(mention(number, text=f"Iné: {text}"),)), None, NOON)


def _correct(store: SqliteStore, number: int, label: Label) -> None:
    if (found := store.corrections.find("shop", f"m{number}")) is not None:
        row_id, original = found
        store.corrections.correct(
            Correction(
                mention_id=row_id,
                content_hash=original.content_hash,
                label=label,
                actor="Eva",
                via="page",
                at=NOON,
            )
        )


def _gone(store: SqliteStore, number: int, _: object) -> None:
    store.mentions.save_page("shop", Page(gone=(f"m{number}",)), None, NOON)


def _erase(store: SqliteStore, number: int, _: object) -> None:
    """As bluntly as can be: whoever deletes a row need not know of the counts."""
    connection = store._engine.connection
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(
        "DELETE FROM mention_text WHERE id IN (SELECT id FROM mention WHERE external_id = ?)", (f"m{number}",)
    )
    connection.execute("DELETE FROM mention WHERE external_id = ?", (f"m{number}",))
    connection.execute("PRAGMA foreign_keys=ON")


def _skip(store: SqliteStore, number: int, action: str) -> None:
    store._engine.connection.execute("UPDATE mention SET action = ? WHERE external_id = ?", (action, f"m{number}"))


def _rewrite(store: SqliteStore, number: int, verdict: str) -> None:
    store._engine.connection.execute(
        "UPDATE mention SET verdict = ?, source = 'other', created_at = created_at + 1000 WHERE external_id = ?",
        (verdict, f"m{number}"),
    )
    store._engine.connection.execute("UPDATE mention SET source = 'shop' WHERE external_id = ?", (f"m{number}",))
    if not verdict.startswith("{"):  # the rest of the store reads JSON
        store._engine.connection.execute("UPDATE mention SET verdict = NULL WHERE external_id = ?", (f"m{number}",))


DO: dict[str, Callable[..., None]] = {
    "arrive": _arrive,
    "judge": _judge,
    "edit": _edit,
    "correct": _correct,
    "gone": _gone,
    "erase": _erase,
    "skip": _skip,
    "rewrite": _rewrite,
}
