"""Everything that is known of the people who write: found by name or account, and listed for them to have."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from monitor.model import Mention, case_reference
from monitor.store.codec import load_mention
from monitor.store.engine import Engine, Row, instant, placeholders
from monitor.store.tombstones import legible
from monitor.text import fold

_LIKE_SPECIAL = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
_LIVING = "FROM mention JOIN mention_text USING (id) WHERE erased_at IS NULL"
_JSON = ("raw", "parts", "findings", "choices", "verdict", "reason", "team", "approvals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mention with the store's number of it; `case_id` is None where it was not judged yet."""

    row_id: int
    mention: Mention
    case_id: int | None
    seen_at: datetime


class Customers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def called(self, name: str) -> list[Written]:
        """What was written under a name, an account or an address, in whatever spelling. Reads every mention once."""
        wanted = fold(name)
        if not wanted:
            return []
        self._engine.connection.create_function("folded", 1, fold, deterministic=True)
        rows = self._engine.rows(
            f"SELECT * {_LIVING} AND (folded(author) = :wanted OR raw LIKE :within ESCAPE '\\'"
            " OR url LIKE :within ESCAPE '\\') ORDER BY mention.id",
            {"wanted": wanted, "within": f"%{name.strip().lstrip('@').translate(_LIKE_SPECIAL)}%"},
        )
        found = (_written(row) for row in rows)
        return [one for one in found if wanted in _names(one.mention)]

    def of(self, row_id: int) -> Written | None:
        row = self._engine.row(f"SELECT * {_LIVING} AND mention.id = ?", (row_id,))
        return _written(row) if row else None

    def naming(self, names: Sequence[str], besides: Collection[int]) -> list[str]:
        """Which other mentions hold one of these names in their words, in whatever spelling, as "source/id"."""
        quoted = ['"{}"'.format(re.sub('["\\0]', " ", name)) for name in names if fold(name)]
        if not quoted:
            return []
        rows = self._engine.rows(
            f"SELECT mention.id, source, external_id {_LIVING} AND mention.id IN (SELECT rowid FROM mention_text_fts"
            " WHERE mention_text_fts MATCH ?) ORDER BY mention.id",
            (f"{{title text}} : ({' OR '.join(quoted)})",),
        )
        return [f"{row['source']}/{row['external_id']}" for row in rows if row["id"] not in besides]

    def of_cases(self, case_ids: Sequence[int]) -> list[Written]:
        """Everything that belongs to these matters."""
        rows = self._engine.rows(
            f"SELECT * {_LIVING} AND case_id IN ({placeholders(len(case_ids))}) ORDER BY mention.id", tuple(case_ids)
        )
        return [_written(row) for row in rows]

    def known_of(self, row_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Everything about these mentions that is kept, as plain values; who of us did what is left out."""
        with self._engine.reading() as connection:
            return [_known_of(connection, row_id) for row_id in row_ids]


def _written(row: Row) -> Written:
    return Written(row_id=row["id"], mention=load_mention(row), case_id=row["case_id"], seen_at=instant(row["seen_at"]))


_PROFILE = re.compile(r"/(?:profile/|@)([^/?#]+)")  # whose name stands in the address of his post


def _names(mention: Mention) -> set[str]:
    """The author's name and whatever else the source says of him, folded."""
    return {fold(one) for one in (mention.author, *_PROFILE.findall(mention.url), *_texts(mention.raw))}


def _texts(raw: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is said in it, however deep."""
    open_ones: list[Any] = [raw]
    while open_ones:
        match open_ones.pop():
            case str(text):
                yield text
            case dict(inner):
                open_ones += inner.values()
            case list(several):
                open_ones += several


def _known_of(connection: Connection, row_id: int) -> dict[str, Any]:
    [mention] = _rows(connection, "SELECT * FROM mention JOIN mention_text USING (id) WHERE id = ?", row_id)
    case_id = mention.pop("case_id")
    drafts = _rows(connection, f"SELECT {_DRAFT} FROM draft WHERE mention_id = ? ORDER BY id", row_id)
    return {
        **{name: value for name, value in mention.items() if name not in _INNER},
        "case": case_reference(case_id) if case_id else "",
        "earlier_versions": _rows(
            connection, "SELECT at, title, text, rating FROM mention_edit WHERE mention_id = ? ORDER BY id", row_id
        ),
        "same_matter_because": _rows(
            connection, "SELECT code, detail, at FROM mention_joined WHERE mention_id = ?", row_id
        ),
        "after_the_answer": _rows(
            connection,
            "SELECT kind, at, before, after, score, said FROM follow_up WHERE mention_id = ?1 OR shown_id = ?1",
            row_id,
        ),
        "corrections": _rows(
            connection, "SELECT label, verdict, at FROM correction WHERE mention_id = ? ORDER BY id", row_id
        ),
        "drafts": [_draft(connection, draft) for draft in drafts],
        "publications": _rows(
            connection,
            "SELECT publication.purpose, publication.text, state, attempts, receipt_id, receipt_url, error, at"
            " FROM publication JOIN mention ON mention.source = publication.source"
            " AND mention.external_id = publication.external_id WHERE mention.id = ? ORDER BY publication.id",
            row_id,
        ),
    }


_INNER = ("id", "stage", "content_hash", "wanted", "erased_at")
_DRAFT = (
    "id, purpose, state, language, text, parts, findings, choices, reason, llm_note, created_at, updated_at, promised,"
    " answer_by, decided_at"
)


def _draft(connection: Connection, draft: dict[str, Any]) -> dict[str, Any]:
    return {
        **draft,
        "revisions": _rows(
            connection, "SELECT rev, language, text, at FROM draft_rev WHERE draft_id = ? ORDER BY rev", draft["id"]
        ),
        "decisions": _rows(
            connection,
            # whom of us a draft was handed to is no business of the customer's
            "SELECT action, iif(action IN ('assign', 'remind', 'escalate'), '', reason) AS reason, state, at"
            " FROM decision WHERE draft_id = ? ORDER BY id",
            draft["id"],
        ),
        "messages": _rows(
            connection,
            "SELECT medium, kind, state, iif(json_valid(body), json_remove(body, '$.people'), body) AS body, at"
            " FROM message WHERE draft_id = ?1"
            " OR (draft_id IS NULL AND kind = 'answer' AND json_valid(body) AND json_extract(body, '$.draft') = ?1)"
            " ORDER BY id",
            draft["id"],
        ),
    }


def _rows(connection: Connection, sql: str, key: int) -> list[dict[str, Any]]:
    return [
        {name: _plain(name, value) for name, value in zip(row.keys(), row, strict=True)}
        for row in connection.execute(sql, (key,)).fetchall()
    ]


def _plain(name: str, value: Any) -> Any:
    """Moments and JSON as what they mean."""
    if isinstance(value, float) and (name == "at" or name.endswith("_at") or name in ("promised", "answer_by")):
        return instant(value)
    if isinstance(value, str) and (name in _JSON or name == "body") and value[:1] in ("{", "["):
        return json.loads(value)
    return legible(value) if name == "text" else value
