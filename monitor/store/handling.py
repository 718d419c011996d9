"""Who handles a matter that came in several places: one draft answers it, the other places are told which.

Part of the transactions in which mentions are judged, deleted, merged and split, so that no crash and no race leaves a
matter with two answers, or with none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.linking import SAME_WORDS
from monitor.model import DraftState, Priority, Purpose, Reason, Triage, case_reference
from monitor.store.audit import OHLAS, write_decision
from monitor.store.codec import dump_reason
from monitor.store.engine import Row, placeholders

SAME_MATTER, SAME_TEXT = "same_matter", "same_text"  # why a mention has no draft of its own
GAVE_WAY = ("merged", "yielded")  # last line about a draft that another one of its case took the place of
WANTED = "wanted"
_ELSEWHERE = f"json_extract(reason, '$.code') IN ('{SAME_MATTER}', '{SAME_TEXT}')"
_PRAISE = ("praise", "praise_with_question")

_OPEN = (DraftState.PENDING, DraftState.FAILED, DraftState.APPROVED, DraftState.PUBLISHING, DraftState.UNKNOWN)
_CHANGEABLE = (DraftState.PENDING, DraftState.FAILED, DraftState.APPROVED, DraftState.SUPERSEDED)
_SETTLED = (DraftState.PUBLISHED, DraftState.REJECTED, DraftState.EXPIRED)
_DRAFTS = (  # `last` is why a superseded draft is superseded
    "SELECT draft.*, (SELECT action FROM decision WHERE draft_id = draft.id AND action IN"
    " ('merged', 'yielded', 'reply_seen', 'mention_gone', 'no_reply_needed') ORDER BY id DESC LIMIT 1) AS last"
    " FROM draft"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPlace:
    """A mention that joined a case, as it is being judged. `said_at` is when the customer wrote it."""

    row_id: int
    case_id: int
    content_hash: str
    source: str
    said_at: float
    triage: Triage


def second_place(connection: Connection, row_id: int, case_id: int, content_hash: str, triage: Triage) -> SecondPlace:
    row = connection.execute("SELECT source, created_at FROM mention WHERE id = ?", (row_id,)).fetchone()
    return SecondPlace(
        row_id=row_id,
        case_id=case_id,
        content_hash=content_hash,
        source=row["source"],
        said_at=row["created_at"],
        triage=triage,
    )


def is_handled(connection: Connection, place: SecondPlace, now: datetime) -> bool:
    """Whether another mention's draft answers this one as well. If so, that draft learns of it.

    A complaint is not answered by thanks, not by those that are out either: a draft for praise that nobody has touched
    gives way to it. Words that came after our answer are new ones, unless they are the same words in another place.
    Where a person wants an answer here as well, only an open draft stands in the way.
    """
    same_words = has_same_words(connection, place.row_id)
    draft = answering(connection, place.case_id, place.row_id, place.said_at, same_words=same_words)
    if draft is None or (place.triage.reason.code == WANTED and not _is_open(draft)):
        return False
    if _is_only_thanks(draft, place) and (not _is_open(draft) or is_untouched(connection, draft)):
        if _is_open(draft):
            _yield(connection, draft, place, now)
        return False
    _note(connection, place.row_id, _source_of(connection, draft), SAME_TEXT if same_words else SAME_MATTER)
    _tell(connection, draft, place, same_words, now)
    return True


def answering(
    connection: Connection, case_id: int, besides: int, said_at: float, *, same_words: bool = False
) -> Row | None:
    """The draft of another mention of the case that answers what was said then: an open one before a settled one."""
    rows = connection.execute(
        f"{_DRAFTS} WHERE case_id = ? AND mention_id <> ? ORDER BY id",
        (case_id, besides),
    ).fetchall()
    still_open = [row for row in rows if _is_open(row)]
    settled = [row for row in rows if _is_settled(row) and (same_words or said_at <= row["updated_at"])]
    return next(iter((*still_open, *reversed(settled))), None)


def release(connection: Connection, case_id: int, now: datetime) -> None:
    """Let the next of the case be answered, where nothing answers it any more: a draft that gave way returns, else
    what was only noted is judged again."""
    rows = connection.execute(f"{_DRAFTS} WHERE case_id = ? ORDER BY id", (case_id,)).fetchall()
    if any(_is_open(row) or _is_settled(row) for row in rows):
        return
    waiting = next((row for row in rows if gave_way(row) and _is_needed(connection, row)), None)
    if waiting is not None:
        revive(connection, waiting, now)
        return
    connection.execute(
        "UPDATE mention SET stage = 'new' WHERE case_id = ? AND action = 'note' AND stage = 'done' AND gone_at IS NULL"
        f" AND erased_at IS NULL AND {_ELSEWHERE} AND NOT EXISTS (SELECT 1 FROM erasing WHERE mention_id = mention.id)",
        (case_id,),
    )


def own_draft(connection: Connection, mention_id: int, purpose: Purpose) -> Row | None:
    row: Row | None = connection.execute(
        f"{_DRAFTS} WHERE mention_id = ? AND purpose = ?", (mention_id, purpose)
    ).fetchone()
    return row


def gave_way(draft: Row) -> bool:
    """Whether a draft is superseded because another one answers its matter. A row that this file has read."""
    return draft["state"] == DraftState.SUPERSEDED and draft["last"] in GAVE_WAY


def _is_needed(connection: Connection, draft: Row) -> bool:
    """Whether what it answers still stands there, and still asks for an answer."""
    row = connection.execute(
        f"SELECT 1 FROM mention WHERE id = ? AND gone_at IS NULL AND erased_at IS NULL AND (action = 'reply'"
        f" OR {_ELSEWHERE})",
        (draft["mention_id"],),
    ).fetchone()
    return row is not None


def revive(
    connection: Connection, draft: Row, now: datetime, *, action: str = "returned", actor: str = OHLAS, via: str = ""
) -> None:
    """A draft that gave way waits for a person again, with the text that it had; if the customer has changed his words
    meanwhile, it is judged again, as older than they are."""
    edited = connection.execute(
        "UPDATE mention SET stage = 'new' WHERE id = ? AND edited_at >= ? RETURNING id",
        (draft["mention_id"], draft["updated_at"]),
    ).fetchone()
    row = connection.execute(
        "UPDATE draft SET state = 'pending', rev = rev + 1, updated_at = ?, publish_after = NULL, approved_hash = '',"
        " approvals = '[]' WHERE id = ? RETURNING *",
        (draft["updated_at"] if edited else now.timestamp(), draft["id"]),
    ).fetchone()
    _keep_revision(connection, draft["id"], now)
    write_decision(connection, row, action, actor=actor, via=via or "service", at=now)


def renumber(connection: Connection, mention_id: int, old: Collection[str], new: str, now: datetime) -> None:
    """Let drafts that are not out name the case `new` instead of one of the `old`. Whoever approved approved another
    text, so he is asked again."""
    quoted = re.compile(rf"\b(?:{'|'.join(map(re.escape, old))})\b")
    rows = connection.execute(
        f"SELECT * FROM draft WHERE mention_id = ? AND state IN ({placeholders(len(_CHANGEABLE))})",
        (mention_id, *_CHANGEABLE),
    ).fetchall()
    for draft in rows:
        if not quoted.search(draft["text"]):
            continue
        changed = connection.execute(
            "UPDATE draft SET text = ?, parts = ?, rev = rev + 1, publish_after = NULL, approved_hash = '',"
            " approvals = '[]', state = CASE state WHEN 'approved' THEN 'pending' ELSE state END"
            " WHERE id = ? RETURNING *",
            (quoted.sub(new, draft["text"]), quoted.sub(new, draft["parts"]), draft["id"]),
        ).fetchone()
        _keep_revision(connection, draft["id"], now)
        if draft["state"] == DraftState.APPROVED:
            write_decision(connection, changed, "approval_withdrawn", at=now, reason=new)


def _keep_revision(connection: Connection, draft_id: int, now: datetime) -> None:
    connection.execute(
        "INSERT INTO draft_rev (draft_id, rev, language, text, parts, author, choices, purpose, at)"
        " SELECT id, rev, language, text, parts, author, choices, purpose, ? FROM draft WHERE id = ?",
        (now.timestamp(), draft_id),
    )


def give_way(connection: Connection, draft: Row, action: str, actor: str, via: str, now: datetime, to: str) -> None:
    """The draft is not needed while another answers its matter; its text and revisions stay."""
    row = connection.execute(
        "UPDATE draft SET state = 'superseded', updated_at = ?, publish_after = NULL, approved_hash = '',"
        " approvals = '[]' WHERE id = ? RETURNING *",
        (now.timestamp(), draft["id"]),
    ).fetchone()
    write_decision(connection, row, action, actor=actor, via=via, at=now, reason=to)


def is_untouched(connection: Connection, draft: Row) -> bool:
    """Whether it waits as a machine wrote it, and no person did anything with it."""
    if draft["state"] != DraftState.PENDING or not (draft["author"] == "playbook" or draft["author"][:4] == "llm:"):
        return False
    decided = connection.execute(
        "SELECT 1 FROM decision WHERE draft_id = ? AND actor <> ? AND action <> 'correct'", (draft["id"], OHLAS)
    ).fetchone()
    return decided is None


def _is_open(draft: Row) -> bool:
    """An acknowledgement that is out has its answer still to come."""
    out = draft["purpose"] == "acknowledgement" and draft["state"] == DraftState.PUBLISHED
    return out or draft["state"] in _OPEN


def _is_settled(draft: Row) -> bool:
    return draft["state"] in _SETTLED or (draft["state"] == DraftState.SUPERSEDED and draft["last"] == "reply_seen")


def has_same_words(connection: Connection, row_id: int) -> bool:
    row = connection.execute("SELECT code FROM mention_joined WHERE mention_id = ?", (row_id,)).fetchone()
    return row is not None and row["code"] in SAME_WORDS


def _source_of(connection: Connection, draft: Row) -> str:
    source: str = connection.execute("SELECT source FROM mention WHERE id = ?", (draft["mention_id"],)).fetchone()[0]
    return source


def _is_only_thanks(draft: Row, place: SecondPlace) -> bool:
    """Whether the draft answers praise, and the mention is none."""
    thanks = json.loads(draft["reason"] or "{}").get("code") in _PRAISE
    return thanks and place.triage.reason.code not in _PRAISE


def _yield(connection: Connection, draft: Row, place: SecondPlace, now: datetime) -> None:
    give_way(connection, draft, "yielded", OHLAS, "service", now, case_reference(place.case_id))
    _note(connection, draft["mention_id"], place.source, SAME_MATTER)


def _note(connection: Connection, row_id: int, handled_in: str, code: str) -> None:
    connection.execute(
        "UPDATE mention SET action = 'note', priority = ?, reason = ? WHERE id = ?",
        (Priority.LOW, dump_reason(Reason(code=code, detail=handled_in)), row_id),
    )


def _tell(connection: Connection, draft: Row, place: SecondPlace, same_words: bool, now: datetime) -> None:
    """Once for the same words, however often they are judged."""
    news = connection.execute(
        "UPDATE mention_joined SET told = :hash WHERE mention_id = :id AND told <> :hash",
        {"hash": place.content_hash, "id": place.row_id},
    ).rowcount
    if not news:
        return
    if same_words:
        write_decision(connection, draft, "cross_posted", at=now, reason=place.source)
        return
    row = _raised(connection, draft, place) if draft["state"] in ("pending", "failed") else draft
    write_decision(connection, row, "wrote_again", at=now, reason=place.source)


def _raised(connection: Connection, draft: Row, place: SecondPlace) -> Row:
    """Who has to ask again is answered sooner: a step, but urgent only where what he wrote is urgent itself."""
    before = Priority(draft["priority"])
    step = before if before <= Priority.HIGH else Priority(before - 1)
    priority = min(step, place.triage.priority)
    reason = Reason(code="wrote_again", detail=place.source) if priority < before else None
    row: Row = connection.execute(
        "UPDATE draft SET priority = ?, reason = coalesce(?, reason) WHERE id = ? RETURNING *",
        (priority, dump_reason(reason) if reason else None, draft["id"]),
    ).fetchone()
    return row
