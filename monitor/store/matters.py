"""The tables of matters that came in several places. Only their shape; what is done with them stands elsewhere."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final


def create(connection: Connection) -> None:
    """Part of a step of the schema."""
    for statement in _STATEMENTS:
        connection.execute(statement)


_STATEMENTS: Final = (
    # monitor/store/marks.py: keyed hashes of order numbers, accounts and texts
    "CREATE TABLE mention_mark (hash INTEGER NOT NULL, mention_id INTEGER NOT NULL REFERENCES mention(id),"
    " kind INTEGER NOT NULL, PRIMARY KEY (hash, mention_id)) WITHOUT ROWID",
    "CREATE INDEX idx_mention_mark_of ON mention_mark(mention_id, kind)",
    # why a mention joined its case: `detail` is personal; `told` is the hash of the words that the draft learned of
    "CREATE TABLE mention_joined (mention_id INTEGER PRIMARY KEY REFERENCES mention(id), to_id INTEGER,"
    " code TEXT NOT NULL, detail TEXT NOT NULL, told TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX idx_mention_joined_to ON mention_joined(to_id) WHERE to_id IS NOT NULL",
    # accounts that people said are one customer's
    "CREATE TABLE linked_account (account INTEGER PRIMARY KEY, customer INTEGER NOT NULL)",
    "CREATE INDEX idx_linked_account_customer ON linked_account(customer)",
    # both directions of two cases that a person took apart
    "CREATE TABLE case_apart (case_id INTEGER NOT NULL, other_id INTEGER NOT NULL, PRIMARY KEY (case_id, other_id))"
    " WITHOUT ROWID",
    "CREATE INDEX idx_case_apart_other ON case_apart(other_id)",
    # what was done with cases; only ever added to
    "CREATE TABLE case_line (id INTEGER PRIMARY KEY, at REAL NOT NULL, action TEXT NOT NULL, case_id INTEGER NOT NULL,"
    " other_id INTEGER NOT NULL, mention_id INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL)",
    "CREATE INDEX idx_case_line_case ON case_line(case_id)",
    "CREATE INDEX idx_case_line_other ON case_line(other_id)",
    "ALTER TABLE cases ADD COLUMN merged_into INTEGER",
    "CREATE INDEX idx_cases_merged ON cases(merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX idx_draft_case ON draft(case_id)",
    # whoever erases what a customer wrote erases by what he would be found, too
    "CREATE TRIGGER forget_marks AFTER UPDATE OF author, title, text ON mention_text"
    " WHEN new.author = '' AND new.title = '' AND new.text = '' BEGIN"
    " DELETE FROM mention_mark WHERE mention_id = new.id;"
    " DELETE FROM mention_joined WHERE mention_id = new.id;"
    " UPDATE mention_joined SET detail = '' WHERE to_id = new.id; END",
    "CREATE TRIGGER forget_links AFTER DELETE ON mention_mark BEGIN"
    " DELETE FROM linked_account WHERE account = old.hash"
    " AND NOT EXISTS (SELECT 1 FROM mention_mark WHERE hash = old.hash); END",
)
