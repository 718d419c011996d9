"""What people look at: the inbox, one draft with everything around it, counts. Only reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from monitor.errors import NoSuchDraft
from monitor.model import Draft, Mention, Verdict
from monitor.store.asking import Asking, load_asking
from monitor.store.codec import load_draft, load_mention, load_verdict
from monitor.store.elsewhere import Earlier, Elsewhere, Handling, earlier_of, handling_of, others_of
from monitor.store.engine import Engine, Row, instant, moment
from monitor.store.queues import NOBODY, OF_SOMEBODY, TABS, Tab, Viewer, belongs, count_tabs, looking
from monitor.store.tombstones import legible

__all__ = ["TABS", "InboxFilter", "Tab", "Views"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """Empty strings do not filter. `search` is looked for in title, text and author, blind to case and diacritics.
    `viewer` is whose queues the tabs mean."""

    tab: Tab = "waiting"
    source: str = ""
    language: str = ""
    label: str = ""
    search: str = ""
    viewer: Viewer = NOBODY
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    draft: Draft
    mention: Mention
    verdict: Verdict
    asking: Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """`total` counts all rows that fit the filter, not only the ones on this page."""

    rows: tuple[InboxRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The drafts before and after one in the order of the inbox, None at its ends. `left` counts those after it."""

    before: int | None
    after: int | None
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A line of the audit list; `state` is the draft's afterwards."""

    at: datetime
    rev: int
    action: str
    actor: str
    via: str
    reason: str
    state: str
    text_hash: str
    cause: str = ""  # of an English reason, as a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    rev: int
    text: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionEdit:
    """What a mention said before the customer changed it at `at`."""

    at: datetime
    title: str
    text: str
    rating: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationState:
    state: str
    attempts: int
    error: str
    url: str
    at: datetime
    cause: str = ""  # of the error, as a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One draft with everything around it."""

    draft: Draft
    mention: Mention
    verdict: Verdict
    seen_at: datetime
    gone_at: datetime | None
    erased_at: datetime | None = None
    history: tuple[HistoryEntry, ...] = ()
    revisions: tuple[Revision, ...] = ()
    edits: tuple[MentionEdit, ...] = ()
    others: tuple[Elsewhere, ...] = ()  # the same matter in other places
    handling: Handling | None = None  # another draft of the same matter that answers this one, too
    earlier: tuple[Earlier, ...] = ()  # other matters of the same customer
    publication: PublicationState | None = None
    drafts: tuple[Draft, ...] = ()  # the other ones of this mention: its acknowledgement, or the answer after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is: drafts by tab, mentions by label ("" for those not judged yet)."""

    tabs: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    mentions: int = 0
    oldest_waiting: datetime | None = None


CASE_REFERENCE = re.compile(r"OH-([0-9]{1,12})", re.IGNORECASE)
JOINED = "FROM draft JOIN mention ON mention.id = draft.mention_id JOIN mention_text ON mention_text.id = mention.id"


class Views:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def inbox(self, wanted: InboxFilter) -> Inbox:
        """By priority, then the one that waits longest; finished ones newest first."""
        where, values = _conditions(wanted, self._engine.database.quote_fts)
        with self._engine.reading() as connection:
            total = connection.execute(f"SELECT count(*) {JOINED} WHERE {where}", values).fetchone()[0]
            rows = connection.execute(
                f"SELECT draft.id {JOINED} WHERE {where} ORDER BY {_order(wanted.tab)} LIMIT :limit OFFSET :offset",
                values | {"limit": wanted.limit, "offset": wanted.offset},
            ).fetchall()
        return Inbox(rows=tuple(self._inbox_row(row["id"]) for row in rows), total=total)

    def neighbours(self, wanted: InboxFilter, draft_id: int) -> Neighbours:
        """Where to go from a draft, whether or not it fits the filter itself. Raises NoSuchDraft."""
        where, values = _conditions(wanted, self._engine.database.quote_fts)
        keys = _order(wanted.tab)
        with self._engine.reading() as connection:
            here = connection.execute(f"SELECT {keys} {JOINED} WHERE draft.id = ?", (draft_id,)).fetchone()
            if here is None:
                raise NoSuchDraft(f"there is no draft {draft_id}")
            beyond = f"{JOINED} WHERE {where} AND ({keys})"
            marks = ", ".join(f":here{place}" for place in range(len(here)))
            values |= {f"here{place}": value for place, value in enumerate(here)}
            after = connection.execute(
                f"SELECT draft.id {beyond} > ({marks}) ORDER BY {keys} LIMIT 1", values
            ).fetchone()
            back = ", ".join(f"{key} DESC" for key in keys.split(", "))
            before = connection.execute(
                f"SELECT draft.id {beyond} < ({marks}) ORDER BY {back} LIMIT 1", values
            ).fetchone()
            left = connection.execute(f"SELECT count(*) {beyond} > ({marks})", values).fetchone()[0]
        return Neighbours(before=before and before[0], after=after and after[0], left=left)

    def matter(self, draft_id: int) -> Matter:
        """Raises NoSuchDraft."""
        draft_row, mention_row = self._pair(draft_id)
        draft = load_draft(draft_row)
        return Matter(
            draft=draft,
            mention=load_mention(mention_row),
            verdict=verdict_of(mention_row),
            seen_at=instant(mention_row["seen_at"]),
            gone_at=moment(mention_row["gone_at"]),
            erased_at=moment(mention_row["erased_at"]),
            history=self._history(draft_id),
            revisions=self._revisions(draft_id),
            edits=self._edits(draft.mention_id),
            others=others_of(self._engine, draft.case_id, draft.mention_id),
            handling=handling_of(self._engine, draft.mention_id),
            earlier=earlier_of(self._engine, draft.mention_id, draft.case_id),
            publication=self._publication(draft),
            drafts=self._drafts(draft),
        )

    def draft_of(self, mention_id: int) -> Draft | None:
        """The newest draft that answers a mention."""
        row = self._engine.row("SELECT * FROM draft WHERE mention_id = ? ORDER BY id DESC LIMIT 1", (mention_id,))
        return load_draft(row) if row else None

    def counts(self) -> Counts:
        with self._engine.reading() as connection:
            tabs = {tab: count for tab, count in count_tabs(connection, NOBODY).items() if tab not in OF_SOMEBODY}
            counted = connection.execute("SELECT label, count(*) FROM mention GROUP BY label").fetchall()
            oldest = connection.execute(
                "SELECT min(mention.created_at) FROM draft JOIN mention ON mention.id = draft.mention_id"
                " WHERE state IN ('pending', 'failed')"
            ).fetchone()[0]
        labels = {label or "": count for label, count in counted}
        return Counts(
            tabs=tabs,
            labels=labels,
            mentions=sum(labels.values()),
            oldest_waiting=moment(oldest),
        )

    def tabs(self, viewer: Viewer = NOBODY) -> dict[str, int]:
        """Drafts by tab alone: `counts` looks at every mention, this does not."""
        with self._engine.reading() as connection:
            return count_tabs(connection, viewer)

    def complaints(self, since: datetime) -> list[datetime]:
        """When complaints were written, oldest first; spam and what is not about us is left out."""
        rows = self._engine.rows(
            "SELECT created_at FROM mention INDEXED BY idx_mention_complaints WHERE label = 'complaint'"
            " AND created_at >= ? AND action IS NOT 'skip' ORDER BY created_at",
            (since.timestamp(),),
        )
        return [instant(row[0]) for row in rows]

    def arrived_complaints(self, seen: datetime, written: datetime) -> list[datetime]:
        """When those were written, after `written`, that only came after `seen`."""
        rows = self._engine.rows(
            "SELECT created_at FROM mention INDEXED BY idx_mention_kept WHERE erased_at IS NULL AND seen_at > ?"
            " AND label = 'complaint' AND created_at > ? AND action IS NOT 'skip'",
            (seen.timestamp(), written.timestamp()),
        )
        return [instant(row[0]) for row in rows]

    def counted_since(self) -> datetime | None:
        """When Ohlas saw its first mention: what was usual before is not known."""
        row = self._engine.row("SELECT seen_at FROM mention ORDER BY id LIMIT 1")
        return moment(row[0]) if row else None

    def main_aspect(self, since: datetime, until: datetime) -> tuple[str, int]:
        """What most complaints in between are about, and how many of them; "" and 0 where nothing stands out."""
        rows = self._engine.rows(
            "SELECT verdict FROM mention INDEXED BY idx_mention_complaints WHERE label = 'complaint'"
            " AND created_at > ? AND created_at <= ? AND action IS NOT 'skip'",
            (since.timestamp(), until.timestamp()),
        )
        verdicts = (load_verdict(row["verdict"]) for row in rows)
        counts = Counter(aspect.name for verdict in verdicts if verdict for aspect in verdict.aspects)
        [(name, times), *_] = counts.most_common(1) or [("", 0)]
        return name, times

    def troubled(self) -> dict[str, str]:
        """Names of the sources that fail or have stopped, each with its status."""
        rows = self._engine.rows(
            "SELECT name, status FROM source WHERE configured AND status IN ('failing', 'stopped') ORDER BY name"
        )
        return {row["name"]: row["status"] for row in rows}

    def facets(self) -> dict[str, list[str]]:
        """Values that the filters can take: sources and languages of existing drafts."""
        return {
            "source": self._distinct("mention.source"),
            "language": self._distinct("draft.language"),
        }

    def _distinct(self, column: str) -> list[str]:
        rows = self._engine.rows(f"SELECT DISTINCT {column} {JOINED} ORDER BY 1")
        return [row[0] for row in rows if row[0]]

    def _pair(self, draft_id: int) -> tuple[Row, Row]:
        draft = self._engine.row("SELECT * FROM draft WHERE id = ?", (draft_id,))
        if draft is None:
            raise NoSuchDraft(f"there is no draft {draft_id}")
        mention = self._engine.rows(
            "SELECT * FROM mention JOIN mention_text USING (id) WHERE id = ?", (draft["mention_id"],)
        )[0]
        return draft, mention

    def _inbox_row(self, draft_id: int) -> InboxRow:
        draft, mention = self._pair(draft_id)
        return InboxRow(
            draft=load_draft(draft),
            mention=load_mention(mention),
            verdict=verdict_of(mention),
            asking=load_asking(draft),
        )

    def _history(self, draft_id: int) -> tuple[HistoryEntry, ...]:
        rows = self._engine.rows("SELECT * FROM decision WHERE draft_id = ? ORDER BY id", (draft_id,))
        return tuple(
            HistoryEntry(
                at=instant(row["at"]),
                rev=row["rev"],
                action=row["action"],
                actor=row["actor"],
                via=row["via"],
                reason=row["reason"] or "",
                state=row["state"],
                text_hash=row["text_hash"],
                cause=row["cause"],
            )
            for row in rows
        )

    def _revisions(self, draft_id: int) -> tuple[Revision, ...]:
        rows = self._engine.rows("SELECT * FROM draft_rev WHERE draft_id = ? ORDER BY rev", (draft_id,))
        return tuple(
            Revision(rev=row["rev"], text=legible(row["text"]), author=row["author"], at=instant(row["at"]))
            for row in rows
        )

    def _edits(self, mention_id: int) -> tuple[MentionEdit, ...]:
        rows = self._engine.rows("SELECT * FROM mention_edit WHERE mention_id = ? ORDER BY id", (mention_id,))
        return tuple(
            MentionEdit(at=instant(row["at"]), title=row["title"], text=row["text"], rating=row["rating"])
            for row in rows
        )

    def _drafts(self, draft: Draft) -> tuple[Draft, ...]:
        rows = self._engine.rows(
            "SELECT * FROM draft WHERE mention_id = ? AND id <> ? ORDER BY id", (draft.mention_id, draft.id)
        )
        return tuple(load_draft(row) for row in rows)

    def _publication(self, draft: Draft) -> PublicationState | None:
        row = self._engine.row(
            "SELECT * FROM publication WHERE draft_id = ? AND purpose = ?", (draft.id, draft.purpose)
        )
        if row is None:
            return None
        return PublicationState(
            state=row["state"],
            attempts=row["attempts"],
            error=row["error"] or "",
            url=row["receipt_url"] or "",
            at=instant(row["at"]),
            cause=row["cause"],
        )


def _order(tab: Tab) -> str:
    """Keys that sort a tab, all of them upwards, so that rows can be compared with them too."""
    if tab in ("done", "all"):
        return "-draft.updated_at, draft.id"
    return "draft.priority, mention.created_at, draft.id"


def _conditions(wanted: InboxFilter, quote_fts: Callable[[str], str]) -> tuple[str, dict[str, object]]:
    parts = [belongs(wanted.tab)]
    values: dict[str, object] = dict(looking(wanted.viewer))
    for column, name in (("mention.source", "source"), ("draft.language", "language"), ("mention.label", "label")):
        if value := getattr(wanted, name):
            parts.append(f"{column} = :{name}")
            values[name] = value
    if number := CASE_REFERENCE.fullmatch(wanted.search.strip()):
        parts.append("draft.case_id = (SELECT coalesce(merged_into, id) FROM cases WHERE id = :case_id)")
        values["case_id"] = int(number[1])
    elif words := re.findall('"[^"]+"', quote_fts(wanted.search.replace("\0", " "))):
        # beginnings of words match too: the languages here inflect theirs at the end
        parts.append("mention.id IN (SELECT rowid FROM mention_text_fts WHERE mention_text_fts MATCH :search)")
        values["search"] = " ".join(f"{word}*" for word in words)
    return " AND ".join(parts), values


def verdict_of(row: Row) -> Verdict:
    """A mention that is judged anew keeps its old verdict until the new one is there."""
    return load_verdict(row["verdict"]) or Verdict(label="neutral", confidence=0.0, unsure=True, language="")
