"""The single mentions, drafts and sources that a digest names, among all those that it only counts. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from monitor.model import Priority, case_reference
from monitor.store.counting import EVERYTHING, Scope, in_scope, scope_values
from monitor.store.elsewhere import handling_of
from monitor.store.engine import Engine, Row, instant, moment, placeholders
from monitor.store.queues import Viewer, belongs, looking

LATE = timedelta(days=2)  # that it takes sources to bring what was written
_NEVER = 1e11  # seconds since 1970
_LONGEST = 1_000  # characters of a text; nobody reads more of it in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A mention, and the newest draft that answers it. `mention_id` is the store's row; `draft_id` is None and `state`
    "" where there is no draft. Text, title and author are the customer's, the text cut to what lists show. `created_at`
    is when he wrote what is answered: of a review that he changed after our answer, when that was seen. Where the
    draft was written for another place of the same matter, `handled_in` is that source."""

    mention_id: int
    source: str
    url: str
    author: str
    title: str
    text: str
    language: str
    label: str
    rating: float | None
    priority: Priority
    created_at: datetime
    case_id: int | None = None
    draft_id: int | None = None
    state: str = ""
    assignee: str = ""
    answer_by: datetime | None = None
    decided_by: str = ""
    changed_at: datetime | None = None
    error: str = ""  # of its publication
    cause: str = ""  # of the error, as a code
    handled_in: str = ""

    @property
    def reference(self) -> str:
        return case_reference(self.case_id) if self.case_id is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Praise:
    """The words of one, to look through many."""

    mention_id: int
    author: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDrafts:
    """`total` drafts wait, some of them `overdue`; `shown` are the first in the order of the inbox."""

    total: int = 0
    complaints: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    shown: tuple[Highlight, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """Drafts whose answer surely is not out ("failed"), and those where nobody knows ("unknown")."""

    failed: int = 0
    unknown: int = 0
    shown: tuple[Highlight, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """`status` is new, ok, failing or stopped; `silent_since` when its last mention was written, where it has brought
    none for longer than it usually does."""

    name: str
    kind: str
    status: str
    last_ok: datetime | None
    error: str
    error_at: datetime | None
    silent_since: datetime | None = None
    cause: str = ""  # of the error, as a code


class Highlights:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, viewer: Viewer, limit: int, *, everybody: bool = False) -> WaitingDrafts:
        """What waits for one person, or for `everybody`, by priority and then by age."""
        tab = belongs("waiting" if everybody else "mine")
        values = dict(looking(viewer))
        source = f"FROM draft JOIN mention ON mention.id = draft.mention_id WHERE {tab}"
        with self._engine.reading() as connection:
            sums = connection.execute(
                "SELECT count(*) AS total, coalesce(sum(mention.label = 'complaint'), 0) AS complaints,"
                f" coalesce(sum(draft.answer_by < :now), 0) AS overdue, min({_WRITTEN}) AS oldest"
                f" {source}",
                values,
            ).fetchone()
            found = connection.execute(
                f"SELECT mention.id, draft.id AS draft_id {source}"
                " ORDER BY draft.priority, mention.created_at, draft.id LIMIT :limit",
                {**values, "limit": limit},
            ).fetchall()
        shown = [self._one("draft.id = ?", row["draft_id"]) for row in found]
        return WaitingDrafts(
            total=sums["total"],
            complaints=sums["complaints"],
            overdue=sums["overdue"],
            oldest=moment(sums["oldest"]),
            shown=tuple(shown),
        )

    def complaints(
        self,
        since: datetime,
        until: datetime,
        limit: int,
        scope: Scope = EVERYTHING,
        arrived: datetime | None = None,
    ) -> list[Highlight]:
        """The gravest ones: by priority, then by stars, the newest first. One for each customer's matter. With
        `arrived` also those that were written up to LATE before `since`, and came only then."""
        rows = self._engine.rows(
            f"SELECT mention.id FROM mention INDEXED BY idx_mention_complaints {_IN_TIME} AND label = 'complaint'"
            " AND mention.action IS NOT 'skip'"
            f" AND {in_scope('mention')} ORDER BY coalesce(priority, 9), coalesce(rating, 3), created_at DESC, id"
            " LIMIT :limit",
            _between(since, until, scope, arrived) | {"limit": 4 * limit},
        )
        found = _once_a_case(self.named([row["id"] for row in rows]))[:limit]
        return [self._handled(one) for one in found]

    def quotations(
        self,
        label: Literal["complaint", "praise"],
        aspect: str,
        since: datetime,
        until: datetime,
        limit: int,
        scope: Scope = EVERYTHING,
    ) -> list[Highlight]:
        """The newest complaints, or praise, about `aspect`."""
        index = "idx_mention_complaints" if label == "complaint" else "idx_mention_praise"
        rows = self._engine.rows(
            f"SELECT mention.id FROM mention INDEXED BY {index} {_IN_TIME} AND label = '{label}'"
            f" AND {in_scope('mention')} AND gone_at IS NULL AND erased_at IS NULL AND action IS NOT 'skip'"
            " AND EXISTS (SELECT 1 FROM json_each(verdict, '$.aspects')"
            " WHERE json_extract(value, '$.name') = :aspect) ORDER BY created_at DESC, mention.id LIMIT :limit",
            _between(since, until, scope) | {"aspect": aspect, "limit": limit},
        )
        return self.named([row["id"] for row in rows])

    def praise(
        self,
        since: datetime,
        until: datetime,
        limit: int,
        scope: Scope = EVERYTHING,
        arrived: datetime | None = None,
    ) -> list[Praise]:
        """The newest ones that say something beside their stars; `arrived` as in `complaints`."""
        rows = self._engine.rows(
            f"SELECT mention.id, author, title, substr(text, 1, {_LONGEST}) AS text"
            f" FROM mention INDEXED BY idx_mention_praise CROSS JOIN mention_text USING (id) {_IN_TIME}"
            f" AND label = 'praise' AND action IS NOT 'skip' AND {in_scope('mention')} AND gone_at IS NULL"
            " AND title || text <> ''"
            " ORDER BY created_at DESC, mention.id LIMIT :limit",
            _between(since, until, scope, arrived) | {"limit": limit},
        )
        return [
            Praise(mention_id=row["id"], author=row["author"], title=row["title"], text=row["text"]) for row in rows
        ]

    def named(self, ids: Sequence[int]) -> list[Highlight]:
        """Mentions by the store's numbers, in that order; those that are gone from their source are left out."""
        rows = self._engine.rows(
            f"{_HIGHLIGHT} WHERE mention.id IN ({placeholders(len(ids))}) AND mention.gone_at IS NULL"
            " AND mention.erased_at IS NULL"
            " AND (draft.id IS NULL OR draft.id = (SELECT max(id) FROM draft newest"
            " WHERE newest.mention_id = mention.id))",
            tuple(ids),
        )
        found = {row["id"]: _highlight(row) for row in rows}
        return [found[row_id] for row_id in ids if row_id in found]

    def troubled(self, limit: int, scope: Scope = EVERYTHING) -> Troubled:
        """Answers that did not go out or may not have, those that changed last first."""
        source = (
            "FROM draft INDEXED BY idx_draft_troubled JOIN mention ON mention.id = draft.mention_id"
            f" WHERE draft.state IN ('failed', 'unknown') AND {in_scope('mention')}"
        )
        values = scope_values(scope)
        with self._engine.reading() as connection:
            states = dict(
                connection.execute(f"SELECT draft.state, count(*) {source} GROUP BY draft.state", values).fetchall()
            )
            rows = connection.execute(
                f"SELECT draft.id {source} ORDER BY draft.state DESC, draft.updated_at DESC LIMIT :limit",
                {**values, "limit": limit},
            ).fetchall()
        shown = [self._one("draft.id = ?", row["id"]) for row in rows]
        return Troubled(failed=states.get("failed", 0), unknown=states.get("unknown", 0), shown=tuple(shown))

    def sources(self) -> list[SourceHealth]:
        """All that are configured, those that need a person first."""
        rows = self._engine.rows(
            "SELECT * FROM source WHERE configured"
            " ORDER BY status = 'stopped' DESC, status = 'failing' DESC, name COLLATE NOCASE"
        )
        return [
            SourceHealth(
                name=row["name"],
                kind=row["kind"],
                status=row["status"],
                last_ok=moment(row["last_ok"]),
                error=row["last_error"] or "",
                cause=row["cause"],
                error_at=moment(row["error_at"]),
                silent_since=moment(row["silent_since"]),
            )
            for row in rows
        ]

    def to_post(self, scope: Scope = EVERYTHING) -> int:
        """How many approved answers wait until a person has posted them where the customer wrote."""
        [row] = self._engine.rows(
            "SELECT count(*) AS drafts FROM draft CROSS JOIN mention ON mention.id = draft.mention_id"
            f" WHERE draft.state = 'approved' AND draft.manual AND {in_scope('mention')}",
            scope_values(scope),
        )
        return int(row["drafts"])

    def _handled(self, one: Highlight) -> Highlight:
        """With the draft that answers it although it was written for another place."""
        handling = handling_of(self._engine, one.mention_id) if one.draft_id is None else None
        if handling is None:
            return one
        return replace(one, draft_id=handling.draft_id, state=handling.state.value, handled_in=handling.source)

    def _one(self, where: str, number: int) -> Highlight:
        return _highlight(self._engine.rows(f"{_HIGHLIGHT} WHERE {where}", (number,))[0])


_IN_TIME = (
    "WHERE mention.created_at >= :earliest AND mention.created_at < :until"
    " AND (mention.created_at >= :since OR mention.seen_at >= :arrived)"
)
_WRITTEN = "iif(draft.purpose = 'second_answer', coalesce(mention.edited_at, draft.created_at), mention.created_at)"
_HIGHLIGHT = f"""
SELECT mention.id, mention.source, mention.url, mention_text.author, mention_text.title,
       substr(mention_text.text, 1, {_LONGEST}) AS text, mention.language, mention.label, mention.rating,
       mention.priority, {_WRITTEN} AS created_at, mention.case_id, draft.id AS draft_id, draft.state, draft.assignee,
       draft.answer_by, draft.decided_by, draft.updated_at,
       publication.error, publication.cause
  FROM mention JOIN mention_text ON mention_text.id = mention.id LEFT JOIN draft ON draft.mention_id = mention.id
  LEFT JOIN publication ON publication.source = mention.source AND publication.external_id = mention.external_id
   AND publication.purpose = draft.purpose"""


def _between(since: datetime, until: datetime, scope: Scope, arrived: datetime | None = None) -> dict[str, object]:
    return {
        "since": since.timestamp(),
        "until": until.timestamp(),
        "earliest": (since - LATE if arrived else since).timestamp(),
        "arrived": arrived.timestamp() if arrived else _NEVER,
        **scope_values(scope),
    }


def _once_a_case(found: Sequence[Highlight]) -> list[Highlight]:
    first: dict[object, Highlight] = {}
    for one in found:
        first.setdefault(one.mention_id if one.case_id is None else ("case", one.case_id), one)
    return list(first.values())


def _highlight(row: Row) -> Highlight:
    return Highlight(
        mention_id=row["id"],
        source=row["source"],
        url=row["url"] or "",
        author=row["author"],
        title=row["title"],
        text=row["text"],
        language=row["language"] or "",
        label=row["label"] or "",
        rating=row["rating"],
        priority=Priority(row["priority"] or Priority.NORMAL),
        created_at=instant(row["created_at"]),
        case_id=row["case_id"],
        draft_id=row["draft_id"],
        state=row["state"] or "",
        assignee=row["assignee"] or "",
        answer_by=moment(row["answer_by"]),
        decided_by=row["decided_by"] or "",
        changed_at=moment(row["updated_at"]),
        error=row["error"] or "",
        cause=row["cause"] or "",
    )
