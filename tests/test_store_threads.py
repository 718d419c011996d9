"""Replies around a mention: found in its own conversation only, and said in other words the next time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.classify.embedded import EmbeddedClassifier
from monitor.deciding import guard_of
from monitor.desk import Desk
from monitor.model import Draft, Mention
from monitor.options import Config
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from tests.made import arrive, draft_all, mention


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def said(number: int, **changes: Any) -> Mention:
    return mention(
        number, text=f"Balík číslo {number} neprišiel, je to hanba!", author=f"Zuzana Kráľová {number}", **changes
    )


def pipeline(store: SqliteStore) -> Pipeline:
    return Pipeline(store, Desk(Config(), EmbeddedClassifier.load(languages=("sk",)), {}), lambda: datetime.now(UTC))


def drafts(store: SqliteStore) -> list[Draft]:
    asyncio.run(pipeline(store).step())
    return [store.drafts.get(row["id"]) for row in store._engine.rows("SELECT id FROM draft ORDER BY id")]


def test_the_replies_of_one_conversation_are_found(store: SqliteStore) -> None:
    for number, thread in ((1, ""), (2, "m1"), (3, "m1"), (4, "m9"), (5, "")):
        arrive(store, said(number, thread=thread))
        draft_all(store, text=f"Reply {number}")
    store._engine.connection.execute("UPDATE draft SET state = 'published', updated_at = id")
    assert store.threads.replies(3) == ("Reply 3", "Reply 2", "Reply 1")
    assert store.threads.replies(3, besides=3) == ("Reply 2", "Reply 1")
    assert store.threads.replies(5, besides=5) == ()
    store._engine.connection.execute("UPDATE draft SET state = 'rejected' WHERE id = 2")
    assert store.threads.replies(3, besides=3) == ("Reply 1",)


def test_the_next_reply_in_a_conversation_is_in_other_words(store: SqliteStore) -> None:
    arrive(store, said(1))
    (first,) = drafts(store)
    arrive(store, said(2, thread="m1"))
    _, second = drafts(store)
    sentences = {choice.text.casefold() for choice in first.choices}
    assert not sentences & {choice.text.casefold() for choice in second.choices}
    store._engine.connection.execute("UPDATE mention SET stage = 'new'")
    assert [draft.text for draft in drafts(store)] == [first.text, second.text], "drafting twice gives the same"


def test_the_guard_knows_what_was_said_in_the_conversation(store: SqliteStore) -> None:
    arrive(store, said(1))
    (first,) = drafts(store)
    arrive(store, said(2, thread="m1"))
    _, second = drafts(store)
    check = guard_of(pipeline(store).desk, store)
    rules = {finding.rule for finding in check(second, first.text, "Eva")}
    assert "repetition" not in rules
    store._engine.connection.execute("UPDATE draft SET state = 'published' WHERE id = ?", (first.id,))
    assert "repetition" in {finding.rule for finding in check(second, first.text, "Eva")}
    assert "repetition" not in {finding.rule for finding in check(second, second.text, "Eva")}
