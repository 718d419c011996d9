"""The tables of the first schema.

`mention` holds what is counted and joined; what a customer wrote stands apart in `mention_text`, so that erasing
a person touches one table and its search index.
"""

from __future__ import annotations

from sqlite_utils import Database


def sources(db: Database) -> None:
    db.table("source").create(
        {
            "name": str,
            "kind": str,
            "configured": int,  # 0: no longer in config.toml
            "cursor": str,
            "due": float,  # lease and next poll at once; NULL: stopped until a person acts
            "leased_at": float,  # while a poll is under way: when it started
            "status": str,  # new, ok, failing, stopped
            "failures": int,  # in a row
            "refusals": int,  # permanent ones in a row
            "last_ok": float,
            "last_error": str,
            "error_at": float,
        },
        pk="name",
        not_null={"kind", "configured", "cursor", "status", "failures", "refusals"},
    )
    db.table("source").create_index(["due"])
    db.table("notice").create(
        {"id": int, "at": float, "source": str, "code": str, "text": str},
        pk="id",
        not_null={"at", "source", "code", "text"},
    )


def mentions(db: Database) -> None:
    db.table("cases").create({"id": int, "key": str, "opened_at": float}, pk="id", not_null={"opened_at"})
    db.execute("CREATE UNIQUE INDEX idx_cases_key ON cases(key) WHERE key <> ''")
    db.table("mention").create(
        {
            "id": int,
            "source": str,
            "external_id": str,
            "url": str,
            "rating": float,
            "language": str,
            "thread": str,
            "created_at": float,
            "seen_at": float,
            "content_hash": str,
            "stage": str,  # new: to be judged; done: judged; failed: set aside because of a bug
            "label": str,
            "confidence": float,
            "unsure": int,
            "verdict": str,  # JSON of the rest of the verdict
            "action": str,
            "priority": int,
            "reason": str,  # JSON of the triage's reason
            "case_id": int,
            "edited_at": float,
            "gone_at": float,
            "replied_at": float,  # when the source first showed an answer of the company
        },
        pk="id",
        not_null={"source", "external_id", "created_at", "seen_at", "content_hash", "stage"},
        foreign_keys=[("case_id", "cases", "id")],
    )
    db.table("mention").create_index(["source", "external_id"], unique=True)
    db.execute("CREATE INDEX idx_mention_open ON mention(stage, id) WHERE stage <> 'done'")
    db.table("mention").create_index(["case_id"])
    db.table("mention_text").create(
        {"id": int, "author": str, "title": str, "text": str, "reply": str, "raw": str},
        pk="id",
        not_null={"author", "title", "text", "reply"},
        foreign_keys=[("id", "mention", "id")],
    )
    db.table("mention_text").enable_fts(
        ["title", "text", "author"], create_triggers=True, tokenize="unicode61 remove_diacritics 2"
    )
    db.table("mention_edit").create(
        {"id": int, "mention_id": int, "at": float, "title": str, "text": str, "rating": float},
        pk="id",
        foreign_keys=[("mention_id", "mention", "id")],
    )


def drafts(db: Database) -> None:
    db.table("draft").create(
        {
            "id": int,
            "case_id": int,
            "mention_id": int,
            "rev": int,
            "state": str,
            "language": str,
            "text": str,
            "parts": str,
            "author": str,
            "findings": str,
            "priority": int,
            "reason": str,
            "manual": int,
            "created_at": float,
            "updated_at": float,
            "publish_after": float,
            "approved_hash": str,
            "decided_by": str,
            "decided_at": float,
            "decided_via": str,
        },
        pk="id",
        not_null={"case_id", "mention_id", "rev", "state", "language", "text", "priority", "manual"},
        foreign_keys=[("case_id", "cases", "id"), ("mention_id", "mention", "id")],
    )
    db.table("draft").create_index(["mention_id"], unique=True)
    db.table("draft").create_index(["state", "priority", "created_at"])
    db.execute(
        "CREATE UNIQUE INDEX idx_draft_open_case ON draft(case_id)"
        " WHERE state IN ('pending', 'approved', 'publishing', 'unknown')"
    )
    db.execute("CREATE INDEX idx_draft_due ON draft(publish_after) WHERE state = 'approved'")
    db.table("draft_rev").create(
        {"draft_id": int, "rev": int, "language": str, "text": str, "parts": str, "author": str, "at": float},
        pk=("draft_id", "rev"),
        foreign_keys=[("draft_id", "draft", "id")],
    )
    db.table("decision").create(
        {
            "id": int,
            "draft_id": int,
            "rev": int,
            "action": str,
            "actor": str,
            "via": str,
            "at": float,
            "text_hash": str,
            "reason": str,
            "state": str,  # the draft's state afterwards
        },
        pk="id",
        not_null={"draft_id", "rev", "action", "actor", "via", "at", "text_hash", "state"},
        foreign_keys=[("draft_id", "draft", "id")],
    )
    db.table("decision").create_index(["draft_id"])


def publications(db: Database) -> None:
    db.table("publication").create(
        {
            "id": int,
            "source": str,
            "external_id": str,
            "mention_id": int,
            "draft_id": int,
            "rev": int,
            "text": str,
            "text_hash": str,
            "key": str,
            "state": str,  # attempting, waiting, published, failed, unknown
            "attempts": int,
            "lookups": int,
            "due": float,  # when an unknown one is looked up next; NULL: a person looks
            "receipt_id": str,
            "receipt_url": str,
            "error": str,
            "at": float,
        },
        pk="id",
        not_null={"source", "external_id", "mention_id", "draft_id", "text_hash", "key", "state", "attempts"},
        foreign_keys=[("draft_id", "draft", "id"), ("mention_id", "mention", "id")],
    )
    db.table("publication").create_index(["source", "external_id"], unique=True)
    db.execute("CREATE INDEX idx_publication_due ON publication(due) WHERE state = 'unknown'")
    db.table("attempt").create(
        {"id": int, "publication_id": int, "rev": int, "started_at": float, "ended_at": float, "outcome": str},
        pk="id",
        foreign_keys=[("publication_id", "publication", "id")],
    )
    db.table("attempt").create_index(["publication_id"])


def people(db: Database) -> None:
    db.table("sign_in").create(
        {"token_hash": str, "person": str, "expires_at": float, "used_at": float},
        pk="token_hash",
        not_null={"person", "expires_at"},
    )
    db.table("session").create(
        {"id_hash": str, "person": str, "csrf": str, "language": str, "expires_at": float},
        pk="id_hash",
        not_null={"person", "csrf", "expires_at"},
    )
    db.table("setting").create({"name": str, "value": str}, pk="name")
