"""Nobody adds a column that may hold a customer's words without saying how it is erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.personal import KEPT_REASONS, OURS, PERSONAL
from monitor.store.sqlite import SqliteStore
from responders.codes import CODES, REJECTION_REASONS
from tests.made import NOON, arrive, draft_all, mention

MARK = "zebrafax"
SEARCHED = "mention_text_fts"  # the search index: erased with mention_text, by its triggers
# what a row of the erased mention has to hold so that the row is a good one; everything else is the mark
WHOLE = {
    ("mention", "verdict"): {
        "label": "complaint",
        "confidence": 0.9,
        "unsure": False,
        "language": "sk",
        "reasons": [{"code": "words", "detail": MARK}],
        "aspects": [{"name": "delivery", "words": [MARK]}],
        "urgency": [{"name": "money", "words": [MARK]}],
        "tone": {"name": "rude", "words": [MARK]},
        "aside": {"code": "spam", "detail": MARK},
        "model": "made",
    },
    ("mention", "reason"): {"code": "complaint", "detail": MARK},
    ("mention_text", "raw"): {"username": MARK},
    ("draft", "reason"): {"code": "complaint", "detail": MARK},
    ("draft", "parts"): {"apology": MARK},
    ("draft", "findings"): [{"rule": "links", "severity": "error", "message": MARK, "excerpt": MARK}],
    ("draft", "choices"): [{"part": "apology", "text": MARK, "why": [], "template": MARK}],
    ("draft", "llm_note"): f"broken: {MARK}",
    ("draft_rev", "parts"): {"apology": MARK},
    ("draft_rev", "choices"): [],
    ("decision", "reason"): f"no_reply: {MARK}",
    ("message", "body"): {"text": MARK},
    ("alert", "subject"): f"shop\x1f{MARK}",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def columns(store: SqliteStore) -> set[tuple[str, str]]:
    """Every column of every table that can hold text."""
    tables = store._engine.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        (table["name"], column["name"])
        for table in tables
        if not table["name"].startswith(SEARCHED)
        for column in store._engine.rows(f"PRAGMA table_info({table['name']})")
        if column["type"] not in ("INTEGER", "REAL", "FLOAT")
    }


def test_every_column_of_text_is_known_to_be_erased_or_to_be_ours(store: SqliteStore) -> None:
    personal = {(table, column) for table, names in PERSONAL.items() for column in names}
    ours = {(table, column) for table, names in OURS.items() for column in names}
    assert personal & ours == set()
    assert sorted(columns(store) - personal - ours) == [], (
        "say in monitor/store/personal.py whether a customer's words, name or link can stand there, and if so erase it"
    )
    assert sorted((personal | ours) - columns(store)) == []


def test_reasons_that_are_kept_are_those_that_we_offer() -> None:
    assert set(CODES["why"]) - {"overrides"} == KEPT_REASONS
    assert set(REJECTION_REASONS) <= KEPT_REASONS


def test_no_personal_column_survives_an_erasure(store: SqliteStore) -> None:
    """Every column in the list gets the mark in the rows of one mention, whoever fills it in real life."""
    arrive(store, mention(1), mention(2))
    drafts = draft_all(store)
    fill(store, drafts[0])
    before = [tuple(row) for row in store._engine.rows("SELECT * FROM mention_count")]

    store.erasing.ask([1], actor="Jana", via="terminal", why="asked", now=NOON)
    assert store.erasing.step(10, NOON) == 1

    for table, names in PERSONAL.items():
        for column in names:
            left = store._engine.rows(f"SELECT * FROM {table} WHERE CAST({column} AS TEXT) LIKE '%{MARK}%'")  # noqa: S608
            assert not left, f"{table}.{column}"
    assert [tuple(row) for row in store._engine.rows("SELECT * FROM mention_count")] == before
    assert store.mentions.get(2) == mention(2)
    assert store.drafts.get(drafts[1]).text


def fill(store: SqliteStore, draft_id: int) -> None:
    """Put the mark wherever something personal of the first mention, or of its draft, can stand."""
    add = store._engine.connection.execute
    add("INSERT INTO mention_edit (mention_id, at) VALUES (1, 0)")
    add("INSERT INTO decision (draft_id, rev, action, actor, via, at, text_hash, state)"
        " VALUES (?, 1, 'reject', 'Jana', 'page', 0, '', 'rejected')", (draft_id,))  # fmt: skip
    add("INSERT INTO correction (mention_id, content_hash, label, verdict, actor, via, at)"
        " VALUES (1, '', 'praise', '', 'Jana', 'page', 0)")  # fmt: skip
    add("INSERT INTO publication (source, external_id, mention_id, draft_id, rev, text_hash, key, state, attempts)"
        " VALUES ('shop', ?, 1, ?, 1, '', '', 'published', 1)", (MARK, draft_id))  # fmt: skip
    for state in ("sent", "due"):
        add("INSERT INTO message (key, medium, recipient, person, kind, draft_id, rev, body, state, attempts, at)"
            " VALUES (?, 'slack', 'C1', '', 'card', ?, 1, '', ?, 0, 0)", (state, draft_id, state))  # fmt: skip
    add("INSERT INTO mention_joined (mention_id, code, detail, told, at) VALUES (1, '', '', '', 0)")
    add("INSERT INTO follow_up (kind, at, case_id, mention_id, shown_id, draft_id) VALUES ('voted', 0, 1, 1, 1, ?)",
        (draft_id,))  # fmt: skip
    add("INSERT INTO alert (kind, subject, times, at) VALUES ('spreading', '', 1, 0)")
    for table, names in PERSONAL.items():
        for column in names - {"key"} if table == "publication" else names:
            written = WHOLE.get((table, column), MARK)
            text = written if isinstance(written, str) else json.dumps(written)
            add(f"UPDATE {table} SET {column} = ? WHERE {OF_THE_FIRST[table]}", (text,))  # noqa: S608


OF_THE_FIRST = {
    "mention": "id = 1",
    "mention_text": "id = 1",
    "mention_edit": "mention_id = 1",
    "cases": "id = (SELECT case_id FROM mention WHERE id = 1)",
    "draft": "mention_id = 1",
    "draft_rev": "draft_id = (SELECT id FROM draft WHERE mention_id = 1)",
    "decision": "draft_id = (SELECT id FROM draft WHERE mention_id = 1)",
    "publication": "mention_id = 1",
    "message": "draft_id = (SELECT id FROM draft WHERE mention_id = 1)",
    "correction": "mention_id = 1",
    "correction_text": "FALSE",  # texts out of files have no author; equal ones go, see test_erasing.py
    "alert": "kind = 'spreading'",
    "follow_up": "mention_id = 1",
    "mention_joined": "mention_id = 1",
}
