"""What was answered already in one conversation, so that nobody reads the same reply twice."""

from __future__ import annotations

from monitor.store.engine import Engine

_MOST = 5
_AROUND = (
    "WITH own AS (SELECT id, source, thread FROM mention WHERE id = ?), around AS ("
    " SELECT mention.id FROM own JOIN mention ON mention.source = own.source AND mention.external_id = own.thread"
    " WHERE own.thread <> ''"
    " UNION SELECT mention.id FROM own JOIN mention ON mention.source = own.source AND mention.thread = own.thread"
    " AND mention.thread <> '')"
    " SELECT draft.text FROM draft WHERE draft.erased_at IS NULL AND draft.state IN "
)
_NEWEST = " ORDER BY draft.updated_at DESC, draft.id DESC LIMIT ?"


class Threads:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replies(self, mention_id: int, besides: int = 0) -> tuple[str, ...]:
        """What people read around a mention, and to it, or are about to read; without the draft `besides`."""
        rows = self._engine.rows(
            f"{_AROUND} ('approved', 'publishing', 'published', 'unknown') AND draft.id <> ?"
            f" AND (draft.mention_id = ? OR draft.mention_id IN around){_NEWEST}",
            (mention_id, besides, mention_id, _MOST),
        )
        return tuple(row["text"] for row in rows)


def drafted_before(engine: Engine, mention_id: int) -> tuple[str, ...]:
    """The replies, newest first, to what came earlier in the conversation; those that still wait for a person, too.

    Only earlier ones, so that drafting twice gives the same text.
    """
    rows = engine.rows(
        f"{_AROUND} ('pending', 'approved', 'publishing', 'published', 'unknown')"
        f" AND draft.mention_id IN around AND draft.mention_id < ?{_NEWEST}",
        (mention_id, mention_id, _MOST),
    )
    return tuple(row["text"] for row in rows)
