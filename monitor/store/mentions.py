"""Rows of `mention`, `mention_text`, `mention_edit` and `cases`: what customers wrote, exactly once each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sqlite3 import Connection

from monitor.contract import Page
from monitor.model import DraftState, Label, Mention
from monitor.store.acknowledgements import seen_out
from monitor.store.audit import move_draft
from monitor.store.codec import dump_raw, load_mention
from monitor.store.corrections import HOLDS
from monitor.store.engine import Engine, Row, instant, moment, placeholders
from monitor.store.follow_ups import note_changed
from monitor.store.handling import release
from monitor.store.looks import note_looked
from monitor.store.pointers import pointers, without
from monitor.store.sources import PollRecord, record_poll
from monitor.store.threads import drafted_before
from monitor.store.told import note_told
from monitor.store.tombstones import buried
from monitor.text import fold

CHUNK = 500  # rows of one statement; 14 values each stay below SQLite's 32,766 variables


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """What a page changed: counts of mentions."""

    new: int = 0
    edited: int = 0
    gone: int = 0
    answered: int = 0  # the source shows a reply that it did not show before


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A new, edited or corrected mention that the pipeline has not seen in this form. `row_id` is the store's number.

    `label` is what the person `said_by` says that it is, None where nobody corrected these words.
    """

    row_id: int
    mention: Mention
    label: Label | None = None
    said_by: str = ""
    wanted: str = ""  # the person who wants it drafted, whatever the triage says
    seen_at: datetime | None = None  # when it came to us
    answered: bool = False  # an answer was drafted
    answered_with: str = ""  # the text of ours that was out when the customer changed these words
    answered_again: bool = False  # a second answer was drafted since
    acknowledgement: DraftState | None = None  # of the draft that says "we have it", None where there is none
    promised: datetime | None = None  # by when an acknowledgement that is out says that the answer comes
    acknowledged: str = ""  # the text of that
    read: tuple[str, ...] = ()  # drafted replies to what came before in the same conversation, newest first
    beside: tuple[Mention, ...] = ()  # what else the same customer wrote in the matter, newest first


class Mentions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save_page(self, source: str, page: Page, poll: PollRecord | None, now: datetime) -> SavedPage:
        """Save what a poll brought together with its cursor and the next poll time, or nothing at all.

        A mention that is known is left alone, unless its content changed: then it is judged again and a draft that
        waits for it goes back to a person.
        """
        with self._engine.writing(durable=page.once) as connection:
            if poll is not None:
                record_poll(connection, poll)
            note_told(connection, source, page, now, poll.begun if poll and poll.begun else now)
            note_looked(connection, source, page.looked, now)
            if not page.mentions and not page.gone:
                return SavedPage()
            return _save(connection, source, page, now)

    def unjudged(self, limit: int, only: int | None = None) -> list[Unjudged]:
        """In the order in which they came; `only` is the row id of the one that is wanted."""
        rows = self._engine.rows(
            "SELECT mention.*, mention_text.*, correction.label AS said, correction.actor AS said_by,"
            " acknowledging.state AS acknowledgement, acknowledging.promised AS promised,"
            " acknowledging.text AS acknowledged,"
            " EXISTS (SELECT 1 FROM draft WHERE mention_id = mention.id AND purpose = 'answer') AS answered,"
            " (SELECT text FROM draft WHERE mention_id = mention.id AND purpose = 'answer' AND state = 'published'"
            " AND updated_at <= mention.edited_at) AS answered_with,"
            " EXISTS (SELECT 1 FROM draft WHERE mention_id = mention.id AND purpose = 'second_answer')"
            " AS answered_again"
            f" FROM mention INDEXED BY idx_mention_open JOIN mention_text USING (id) LEFT JOIN correction ON {HOLDS}"
            " LEFT JOIN draft acknowledging"
            " ON acknowledging.mention_id = mention.id AND acknowledging.purpose = 'acknowledgement'"
            " WHERE stage = 'new' AND stage <> 'done' AND (? IS NULL OR mention.id = ?) ORDER BY mention.id LIMIT ?",
            (only, only, limit),
        )
        return [_unjudged(row, self._read(row)) for row in rows]

    def _read(self, row: Row) -> tuple[str, ...]:
        return drafted_before(self._engine, row["id"]) if row["thread"] else ()

    def set_aside(self, row_id: int) -> None:
        """This one cannot be judged; it is kept, and counted as such, until it is edited or Ohlas is mended."""
        with self._engine.writing() as connection:
            connection.execute("UPDATE mention SET stage = 'failed' WHERE id = ?", (row_id,))

    def retry_set_aside(self) -> int:
        """At start: a newer Ohlas may be able to judge what an older one could not."""
        with self._engine.writing() as connection:
            return connection.execute("UPDATE mention SET stage = 'new' WHERE stage = 'failed'").rowcount

    def get(self, row_id: int) -> Mention | None:
        row = self._engine.row("SELECT * FROM mention JOIN mention_text USING (id) WHERE id = ?", (row_id,))
        return load_mention(row) if row else None

    def count(self) -> int:
        return int(self._engine.rows("SELECT count(*) FROM mention")[0][0])

    def export(self) -> Iterable[dict[str, object]]:
        """Every mention with its verdict, oldest first, as plain rows."""
        yield from self._engine.database.query(
            "SELECT source, external_id AS id, url, author, title, text, rating, mention.language, label, confidence,"
            " unsure, action, reply, datetime(created_at, 'unixepoch') AS created_at,"
            " datetime(seen_at, 'unixepoch') AS seen_at, datetime(gone_at, 'unixepoch') AS gone_at"
            " FROM mention JOIN mention_text USING (id) ORDER BY mention.id"
        )


def _unjudged(row: Row, read: tuple[str, ...]) -> Unjudged:
    acknowledgement = DraftState(row["acknowledgement"]) if row["acknowledgement"] else None
    out = acknowledgement is DraftState.PUBLISHED
    return Unjudged(
        row_id=row["id"],
        mention=load_mention(row),
        label=row["said"],
        said_by=row["said_by"] or "",
        wanted=row["wanted"],
        seen_at=instant(row["seen_at"]),
        answered=bool(row["answered"]),
        answered_with=row["answered_with"] or "",
        answered_again=bool(row["answered_again"]),
        acknowledgement=acknowledgement,
        promised=moment(row["promised"]) if out else None,
        acknowledged=row["acknowledged"] if out else "",
        read=read,
    )


def _save(connection: Connection, source: str, page: Page, now: datetime) -> SavedPage:
    known = _known(connection, source, [mention.id for mention in page.mentions])
    fresh: dict[str, Mention] = {}
    edited = answered = 0
    for mention in page.mentions:
        row = known.get(mention.id)
        if row is None:
            fresh.setdefault(mention.id, mention)
            continue
        _, row_id, content_hash, replied_at = row
        if content_hash != mention.content_hash:
            [current] = _naming_no_erased(connection, source, [mention])
            _edit(connection, row_id, current, now)
            edited += 1
        if mention.reply and not replied_at and not seen_out(connection, row_id, mention.reply, now):
            _answered(connection, row_id, mention.reply, now)
            answered += 1
    fresh = _without_erased(connection, source, fresh)
    _insert(connection, list(fresh.values()), now)
    gone = _gone(connection, source, page.gone, now)
    return SavedPage(new=len(fresh), edited=edited, gone=gone, answered=answered)


def _without_erased(connection: Connection, source: str, fresh: Mapping[str, Mention]) -> dict[str, Mention]:
    """What was erased does not come back."""
    erased = buried(connection, source, fresh.keys())
    kept = [mention for name, mention in fresh.items() if name not in erased]
    return {mention.id: mention for mention in _naming_no_erased(connection, source, kept)}


def _naming_no_erased(connection: Connection, source: str, mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Who answers what was erased, or its answers, does not name it."""
    erased = buried(connection, source, {one for mention in mentions for one in _above(mention)})
    for one in mentions:
        thread = erased.get(one.thread, one.thread)
        yield replace(one, thread=thread, raw=without(one.raw, erased)) if erased else one


def _above(mention: Mention) -> Iterator[str]:
    if mention.thread:
        yield mention.thread
        yield from pointers(mention.raw)


Known = tuple[str, int, str, float | None]  # id at the source, row id, content hash, when an answer was first seen


def _known(connection: Connection, source: str, ids: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: this is the hottest query of all
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        cursor.execute(
            "SELECT external_id, id, content_hash, replied_at FROM mention WHERE source = ? AND external_id IN"
            f" ({placeholders(len(chunk))})",
            (source, *chunk),
        )
        found.update((row[0], row) for row in cursor)
    return found


def _insert(connection: Connection, mentions: Sequence[Mention], now: datetime) -> None:
    """Multi-row statements with row ids given by us, so that both tables need one statement each."""
    row_id = connection.execute("SELECT coalesce(max(id), 0) FROM mention").fetchone()[0]
    for start in range(0, len(mentions), CHUNK):
        numbered = list(enumerate(mentions[start : start + CHUNK], start=row_id + start + 1))
        _insert_rows(connection, MENTION_COLUMNS, [_mention_row(number, mention, now) for number, mention in numbered])
        _insert_rows(connection, TEXT_COLUMNS, [_text_row(number, mention) for number, mention in numbered])


MENTION_COLUMNS = (
    "mention (id, source, external_id, url, rating, language, thread, created_at, seen_at, content_hash, stage,"
    " replied_at)"
)
TEXT_COLUMNS = "mention_text (id, author, title, text, reply, raw)"


def _insert_rows(connection: Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    one = f"({placeholders(len(rows[0]))})"
    connection.execute(
        f"INSERT INTO {into} VALUES {','.join([one] * len(rows))}",
        [value for row in rows for value in row],
    )


def _mention_row(row_id: int, mention: Mention, now: datetime) -> tuple[object, ...]:
    return (
        row_id,
        mention.source,
        mention.id,
        mention.url,
        mention.rating,
        mention.language,
        mention.thread,
        mention.created_at.timestamp(),
        now.timestamp(),
        mention.content_hash,
        "new",
        now.timestamp() if mention.reply else None,
    )


def _text_row(row_id: int, mention: Mention) -> tuple[object, ...]:
    return (row_id, mention.author, mention.title, mention.text, mention.reply, dump_raw(mention.raw))


def _edit(connection: Connection, row_id: int, mention: Mention, now: datetime) -> None:
    """Keep the old words, take the new ones, and take back an approval that was given to the old ones."""
    note_changed(connection, row_id, mention, now)
    connection.execute(
        "INSERT INTO mention_edit (mention_id, at, title, text, rating)"
        " SELECT id, ?, title, text, rating FROM mention JOIN mention_text USING (id) WHERE id = ?",
        (now.timestamp(), row_id),
    )
    connection.execute(
        "UPDATE mention SET content_hash = ?, rating = ?, url = coalesce(nullif(?, ''), url), edited_at = ?,"
        " gone_at = NULL, stage = 'new' WHERE id = ?",
        (mention.content_hash, mention.rating, mention.url, now.timestamp(), row_id),
    )
    connection.execute(
        "UPDATE mention_text SET title = ?, text = ?, author = ?, raw = coalesce(nullif(?, ''), raw) WHERE id = ?",
        (mention.title, mention.text, mention.author, dump_raw(mention.raw), row_id),
    )
    move_draft(connection, row_id, {DraftState.APPROVED}, DraftState.PENDING, "mention_edited", now)


def _answered(connection: Connection, row_id: int, reply: str, now: datetime) -> None:
    """The source shows our answer: what a person posted by hand is confirmed, what still waits is settled."""
    connection.execute("UPDATE mention SET replied_at = ? WHERE id = ?", (now.timestamp(), row_id))
    connection.execute("UPDATE mention_text SET reply = ? WHERE id = ?", (reply, row_id))
    waiting = {DraftState.PENDING, DraftState.FAILED}
    ours = {DraftState.PUBLISHING, DraftState.UNKNOWN}
    (ours if _is_ours(connection, row_id, reply) else waiting).add(DraftState.APPROVED)
    move_draft(connection, row_id, ours, DraftState.PUBLISHED, "reply_seen", now)
    move_draft(connection, row_id, waiting, DraftState.SUPERSEDED, "reply_seen", now)


def _is_ours(connection: Connection, row_id: int, reply: str) -> bool:
    """Whether the reply is the approved one: one that a person posts by hand may have been touched up on the way; one
    that we were about to post is a colleague's where it reads differently."""
    draft = connection.execute(
        "SELECT manual, text FROM draft WHERE mention_id = ? AND state = 'approved'", (row_id,)
    ).fetchone()
    return draft is not None and (draft["manual"] or fold(draft["text"]) == fold(reply))


def _gone(connection: Connection, source: str, ids: Sequence[str], now: datetime) -> int:
    gone = 0
    for _, row_id, _, _ in _known(connection, source, ids).values():
        gone += connection.execute(
            "UPDATE mention SET gone_at = ? WHERE id = ? AND gone_at IS NULL", (now.timestamp(), row_id)
        ).rowcount
        waiting = {DraftState.PENDING, DraftState.APPROVED, DraftState.FAILED}
        move_draft(connection, row_id, waiting, DraftState.SUPERSEDED, "mention_gone", now)
        _hand_over(connection, row_id, now)
    return gone


def _hand_over(connection: Connection, row_id: int, now: datetime) -> None:
    """Where the customer wrote the same elsewhere, that is answered now."""
    case_id = connection.execute("SELECT case_id FROM mention WHERE id = ?", (row_id,)).fetchone()[0]
    if case_id is not None:
        release(connection, case_id, now)
