"""What deliveries named is kept until it is read, and what is handed over once survives a power cut too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.contract import Page
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, mention

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def test_a_name_is_kept_until_it_is_read_with_what_was_found(store: SqliteStore) -> None:
    for moment in (NOON - HOUR, NOON):  # senders repeat what they are not sure of
        store.mentions.save_page("shop", Page(told=("a", "b")), None, moment)
    assert store.told.due("shop", NOON) == dict.fromkeys("ab", NOON - HOUR) and store.told.due("forum", NOON) == {}
    store.mentions.save_page("shop", Page(mentions=(mention(1),), read=("a",)), None, NOON)
    assert list(store.told.due("shop", NOON)) == ["b"] and store.mentions.count() == 1


def test_what_is_not_saved_is_told_again(store: SqliteStore) -> None:
    store.mentions.save_page("shop", Page(told=("a",)), None, NOON)
    broken = mention(1)
    object.__setattr__(broken, "rating", object())  # what SQLite cannot take
    with pytest.raises(TypeError):
        store.mentions.save_page("shop", Page(mentions=(broken,), read=("a",)), None, NOON)
    assert list(store.told.due("shop", NOON)) == ["a"]


def test_what_is_told_again_while_it_is_read_is_read_again(store: SqliteStore) -> None:
    store.mentions.save_page("shop", Page(told=("a", "b", "c")), None, NOON)
    later = NOON + timedelta(minutes=1)
    store.mentions.save_page("shop", Page(told=("a", "c")), None, NOON + timedelta(seconds=30))
    poll = PollRecord(source="shop", status="ok", failures=0, refusals=0, due=later, at=later, begun=NOON)
    store.mentions.save_page("shop", Page(read=("a", "b"), put_off=("c",)), poll, later)
    assert store.told.due("shop", later) == {"a": NOON, "c": NOON}


def test_what_cannot_be_read_waits_ever_longer_but_for_a_day_at_most(store: SqliteStore) -> None:
    store.mentions.save_page("shop", Page(told=("a",)), None, NOON)
    tried = []
    for minute in range(0, 6 * 1440, 10):
        if due := store.told.due("shop", NOON + timedelta(minutes=minute)):
            store.mentions.save_page("shop", Page(put_off=tuple(due)), None, NOON + timedelta(minutes=minute))
            tried.append(minute)
    assert tried == [0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 4000, 5440, 6880, 8320]


@pytest.mark.parametrize("once", [False, True])
def test_what_is_handed_over_once_is_on_the_disk_before_the_source_hears_so(store: SqliteStore, once: bool) -> None:
    said: list[str] = []
    store._engine.connection.set_trace_callback(said.append)
    store.mentions.save_page("shop", Page(mentions=(mention(1),), once=once), None, NOON)
    store._engine.connection.set_trace_callback(None)
    assert ("PRAGMA synchronous=FULL" in said) is once


def test_it_is_found_by_an_index(store: SqliteStore) -> None:
    asked: list[str] = []
    store._engine.connection.set_trace_callback(asked.append)
    store.told.due("shop", NOON)
    store._engine.connection.set_trace_callback(None)
    plans = [row["detail"] for query in asked for row in store._engine.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert plans == ["SEARCH told USING INDEX idx_told_source_due (source=? AND due<?)"]
