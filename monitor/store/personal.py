"""Which columns hold what customers wrote or can be found by, and how the rows of some mentions lose it.

Every column of text stands in one of the two lists; tests/test_erasing_columns.py fails where somebody adds a column
and does not say which it is. Rows stay, with all that is counted: source, day, stars, label, aspects, who decided when.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

from monitor.model import text_hash
from monitor.store.codec import dump
from monitor.store.engine import Row, placeholders
from monitor.store.pointers import without
from monitor.store.tombstones import stand_in

PERSONAL: Final[Mapping[str, frozenset[str]]] = {
    "mention": frozenset({"external_id", "url", "thread", "content_hash", "verdict", "reason"}),
    "mention_text": frozenset({"author", "title", "text", "reply", "raw"}),
    "mention_edit": frozenset({"title", "text"}),
    "cases": frozenset({"key"}),
    "mention_joined": frozenset({"code", "detail", "told"}),  # by the trigger forget_marks
    "draft": frozenset({"text", "parts", "findings", "choices", "reason", "llm_note"}),
    "draft_rev": frozenset({"text", "parts", "choices"}),
    "decision": frozenset({"reason", "cause"}),
    "publication": frozenset({"external_id", "text", "key", "receipt_id", "receipt_url", "error", "cause"}),
    "message": frozenset({"body", "error"}),
    "correction": frozenset({"content_hash", "verdict"}),
    "correction_text": frozenset({"text"}),
    "alert": frozenset({"subject"}),  # which post spreads
    "follow_up": frozenset({"said"}),
}
OURS: Final[Mapping[str, frozenset[str]]] = {
    "mention": frozenset({"source", "language", "stage", "label", "action", "wanted"}),
    "mention_count": frozenset({"label", "aspect", "source", "language"}),
    "draft": frozenset(
        {"state", "language", "author", "approved_hash", "decided_by", "decided_via", "assignee", "team", "claimed_by"}
        | {"approvals", "purpose"}
    ),
    "draft_rev": frozenset({"language", "author", "purpose"}),
    "case_line": frozenset({"action", "actor", "via"}),
    "decision": frozenset({"action", "actor", "via", "text_hash", "state"}),
    "publication": frozenset({"source", "text_hash", "state", "purpose"}),
    "attempt": frozenset({"outcome"}),
    "message": frozenset(
        {"key", "medium", "recipient", "person", "kind", "state", "external_id", "thread_id", "shown"}
    ),
    "received": frozenset({"key"}),
    "reader": frozenset({"name", "value"}),
    "correction": frozenset({"label", "actor", "via"}),
    "correction_text": frozenset({"language"}),
    "source": frozenset({"name", "kind", "cursor", "status", "last_error", "cause"}),
    "notice": frozenset({"source", "code", "text", "cause"}),
    "told": frozenset({"source", "name"}),
    "llm_use": frozenset({"day", "model"}),
    "sign_in": frozenset({"token_hash", "person"}),
    "session": frozenset({"id_hash", "person", "csrf", "language"}),
    "setting": frozenset({"name", "value"}),
    "erasure": frozenset({"actor", "via", "why"}),
    "tombstone": frozenset({"digest"}),
    "alert": frozenset({"kind"}),
    "follow_up": frozenset({"kind", "score"}),
    "budget": frozenset({"account", "name", "unit", "span", "sources"}),
    "budget_spent": frozenset({"account", "name"}),
    "channel": frozenset({"key", "kind", "name", "health", "code", "detail", "warned"}),
    "digest": frozenset({"person", "edition", "day", "first_day", "last_day", "message_key"}),
    "digest_reader": frozenset({"person"}),
    "_sqlite_migrations": frozenset({"migration_set", "name", "applied_at"}),
}

# What people and Ohlas write into the list of decisions beside free words; the words of other reasons go.
KEPT_REASONS: Final = frozenset(
    {"no_reply", "handled", "wrong_facts", "wrong_tone", "not_ours", "mention_edited", "label_corrected"}
    | {"judged_again", "promise_renewed", "something changed", "the time is over", "channel", "stopped while posting"}
    | {"the approval does not hold any more", "bad", "neutral", "good"}
)
_OF_OURS: Final = (
    *("assign", "snooze", "wake", "remind", "escalate", "correct", "no_reply_needed", "redrafted"),
    *("review_changed", "customer_wrote", "customer_voted"),
)
_FORMED = re.compile(r"overrides [a-z_]+(, [a-z_]+)*|fault [a-z_]+|label \S+ \S+")


def wipe(connection: Connection, key: bytes, mention_ids: Sequence[int], now: datetime) -> list[str]:
    """Take everything personal out of the rows of these mentions. Returns what stands in place of their ids.

    Part of a write transaction. What is searched for goes with its words, by the triggers of the search index.
    """
    ids = tuple(mention_ids)
    rows = connection.execute(
        "SELECT mention.*, title, text FROM mention JOIN mention_text USING (id)"
        f" WHERE mention.id IN ({placeholders(len(ids))})",
        ids,
    ).fetchall()
    _forget_lessons(connection, rows)
    for row in rows:
        _wipe_mention(connection, key, row, now)
    _blank(connection, "mention_text", "id", ids)
    _blank(connection, "mention_edit", "mention_id", ids)
    _blank(connection, "correction", "mention_id", ids)
    said = f"said <> '' AND mention_id IN ({placeholders(len(ids))})"
    connection.execute(f"UPDATE follow_up SET said = '' WHERE {said}", ids)
    wipe_drafts(connection, key, drafts_of(connection, ids), now)
    wipe_messages(connection, _messages_that_link_to(connection, [row["url"] for row in rows if row["url"]]))
    return [stand_in(key, row["source"], row["external_id"]) for row in rows]


def drafts_of(connection: Connection, mention_ids: Sequence[int]) -> list[int]:
    marks = placeholders(len(mention_ids))
    rows = connection.execute(f"SELECT id FROM draft WHERE mention_id IN ({marks})", tuple(mention_ids))
    return [row["id"] for row in rows]


def wipe_drafts(connection: Connection, key: bytes, draft_ids: Sequence[int], now: datetime) -> None:
    """Texts become hashes that are equal where the texts were, so that it is still known which were changed."""
    ids = tuple(draft_ids)
    marks = placeholders(len(ids))
    for row in connection.execute(f"SELECT id, text, reason FROM draft WHERE id IN ({marks})", ids).fetchall():
        connection.execute(
            "UPDATE draft SET text = ?, parts = '{}', findings = '[]', choices = '[]', reason = ?,"
            " llm_note = substr(llm_note, 1, instr(llm_note || ':', ':') - 1), erased_at = ? WHERE id = ?",
            (_text(key, row["text"]), _code_alone(row["reason"]), now.timestamp(), row["id"]),
        )
    revisions = connection.execute(f"SELECT draft_id, rev, text FROM draft_rev WHERE draft_id IN ({marks})", ids)
    for row in revisions.fetchall():
        connection.execute(
            "UPDATE draft_rev SET text = ?, parts = '{}', choices = '[]' WHERE draft_id = ? AND rev = ?",
            (_text(key, row["text"]), row["draft_id"], row["rev"]),
        )
    _wipe_reasons(connection, ids)
    _blank(connection, "publication", "id", _publications_of(connection, ids))
    wipe_messages(connection, _messages_about(connection, ids))


def wipe_messages(connection: Connection, message_ids: Sequence[int]) -> None:
    """What was not sent yet is not sent any more."""
    connection.execute(
        "UPDATE message SET body = '', error = CASE WHEN state = 'due' THEN 'erased' ELSE '' END,"
        " state = CASE WHEN state = 'due' THEN 'dropped' ELSE state END, due = NULL"
        f" WHERE id IN ({placeholders(len(message_ids))})",
        tuple(message_ids),
    )


_BLANKED: Final = {
    "mention_text": "author = '', title = '', text = '', reply = '', raw = ''",
    "mention_edit": "title = '', text = ''",
    "correction": "content_hash = '', verdict = ''",
    # asked about no more: whose answer it was is not known any longer
    "publication": "text = '', key = '', receipt_id = '', receipt_url = '', error = '', cause = '',"
    " due = CASE WHEN state = 'published' THEN NULL ELSE due END",
}


def _blank(connection: Connection, table: str, column: str, ids: Sequence[int]) -> None:
    connection.execute(f"UPDATE {table} SET {_BLANKED[table]} WHERE {column} IN ({placeholders(len(ids))})", ids)


def _wipe_mention(connection: Connection, key: bytes, row: Row, now: datetime) -> None:
    hidden = stand_in(key, row["source"], row["external_id"])
    connection.execute(
        "UPDATE mention SET external_id = ?, url = '', thread = '', content_hash = '', stage = 'done', verdict = ?,"
        " reason = ?, erased_at = ? WHERE id = ?",
        (hidden, _verdict(row["verdict"]), _code_alone(row["reason"]), now.timestamp(), row["id"]),
    )
    names = (hidden, row["source"], row["external_id"])
    _forget_below(connection, row["source"], row["external_id"])
    connection.execute("UPDATE publication SET external_id = ? WHERE source = ? AND external_id = ?", names)
    # what others said below it is theirs, but whom they answered is not
    connection.execute("UPDATE mention SET thread = ? WHERE source = ? AND thread = ? AND thread <> ''", names)
    connection.execute("UPDATE cases SET key = '' WHERE id = ?", (row["case_id"],))
    subject = f"{row['source']}\x1f{row['external_id']}"
    connection.execute("DELETE FROM alert WHERE kind = 'spreading' AND subject = ?", (subject,))


_BELOW = """
WITH RECURSIVE below (id, external_id) AS (
  SELECT id, external_id FROM mention WHERE source = :source AND thread = :post AND thread <> ''
  UNION SELECT mention.id, mention.external_id FROM below CROSS JOIN mention
        ON mention.source = :source AND mention.thread = below.external_id AND mention.thread <> '')
SELECT below.id, raw FROM below CROSS JOIN mention_text ON mention_text.id = below.id WHERE instr(raw, :post)"""


def _forget_below(connection: Connection, source: str, post: str) -> None:
    """What the platform said of it to those who answered it, or its answers: "root", "parent"."""
    rows = connection.execute(_BELOW, {"source": source, "post": post}).fetchall()
    changed = [(dump(without(json.loads(row["raw"]), {post})), row["id"]) for row in rows]
    connection.executemany("UPDATE mention_text SET raw = ? WHERE id = ?", changed)


def _forget_lessons(connection: Connection, mentions: Sequence[Row]) -> None:
    """The same words may have come from a file as well, to learn from."""
    said = [text for row in mentions for text in (row["text"], f"{row['title']}\n{row['text']}")]
    for digest in {text_hash(text) for text in said}:
        found = connection.execute(
            "SELECT id FROM correction WHERE content_hash = ? AND mention_id IS NULL", (digest,)
        ).fetchone()
        if found:
            connection.execute("DELETE FROM correction_text WHERE id = ?", (found["id"],))
            connection.execute("DELETE FROM correction WHERE id = ?", (found["id"],))


def _wipe_reasons(connection: Connection, draft_ids: Sequence[int]) -> None:
    rows = connection.execute(
        f"SELECT id, action, reason FROM decision WHERE draft_id IN ({placeholders(len(draft_ids))}) AND reason <> ''",
        draft_ids,
    ).fetchall()
    changed = [(kept_reason(row["action"], row["reason"]), row["id"]) for row in rows]
    connection.executemany("UPDATE decision SET reason = ?, cause = '' WHERE id = ?", changed)


def kept_reason(action: str, reason: str) -> str:
    """What of a reason is not a person's own words."""
    if action in _OF_OURS:
        return reason
    parts = (_kept(part) for part in reason.split("; "))
    return "; ".join(part for part in parts if part)


def _kept(part: str) -> str:
    code = part.partition(": ")[0]
    return code if code in KEPT_REASONS or _FORMED.fullmatch(part) else ""


def _publications_of(connection: Connection, draft_ids: Sequence[int]) -> list[int]:
    rows = connection.execute(
        "SELECT publication.id FROM draft JOIN mention ON mention.id = draft.mention_id JOIN publication"
        " ON publication.source = mention.source AND publication.external_id = mention.external_id"
        f" AND publication.purpose = draft.purpose WHERE draft.id IN ({placeholders(len(draft_ids))})",
        draft_ids,
    )
    return [row["id"] for row in rows]


def _messages_about(connection: Connection, draft_ids: Sequence[int]) -> list[int]:
    """Those that belong to a draft, and answers to mails, which name theirs in the body alone."""
    marks = placeholders(len(draft_ids))
    rows = connection.execute(f"SELECT id FROM message WHERE draft_id IN ({marks})", draft_ids).fetchall()
    answers = connection.execute(
        "SELECT id FROM message WHERE draft_id IS NULL AND kind = 'answer' AND json_valid(body)"
        f" AND json_extract(body, '$.draft') IN ({marks})",
        draft_ids,
    ).fetchall()
    return [row["id"] for row in (*rows, *answers)]


def _messages_that_link_to(connection: Connection, urls: Sequence[str]) -> list[int]:
    """Notices that a post spreads, which show one that was written below it."""
    rows = connection.execute(
        "SELECT id FROM message WHERE draft_id IS NULL AND kind = 'notice' AND json_valid(body)"
        f" AND json_extract(body, '$.url') IN ({placeholders(len(urls))})",
        tuple(urls),
    )
    return [row["id"] for row in rows]


def _text(key: bytes, text: str) -> str:
    return stand_in(key, text.strip(" \t\r\n"))


def _code_alone(reason: str | None) -> str | None:
    """Of a reason as JSON: the code, without the words that led to it."""
    return dump({"code": json.loads(reason)["code"], "detail": ""}) if reason else reason


def _verdict(written: str | None) -> str | None:
    """What was found, without the words that said so."""
    if not written:
        return written
    verdict: dict[str, Any] = json.loads(written)
    for name in ("aspects", "urgency"):
        verdict[name] = [{"name": one["name"], "words": []} for one in verdict.get(name, ())]
    for name in ("tone", "aside"):
        if verdict.get(name):
            verdict[name] = _without_words(verdict[name])
    verdict["reasons"] = [{"code": one["code"], "detail": _kept_detail(one)} for one in verdict.get("reasons", ())]
    return dump(verdict)


def _without_words(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [] if name == "words" else "" if name == "detail" else value for name, value in found.items()}


def _kept_detail(reason: Mapping[str, Any]) -> str:
    """Who corrected a verdict is no customer."""
    return str(reason["detail"]) if reason["code"] == "corrected" else ""
