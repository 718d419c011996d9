"""What has happened since somebody opened a page: asked every few seconds, so everything here goes by primary keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.store.engine import Engine, instant
from monitor.store.queues import Tab, Viewer, belongs, looking


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The newest draft and the newest line of the audit list at some moment."""

    draft: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """`new` drafts of a tab, and how many of the older ones others have `changed`."""

    new: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """The last thing that somebody else did with a draft."""

    at: datetime
    actor: str
    action: str
    reason: str


class LatelyRows:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def mark(self) -> Mark:
        row = self._engine.row(
            "SELECT (SELECT coalesce(max(id), 0) FROM draft) AS draft,"
            " (SELECT coalesce(max(id), 0) FROM decision) AS line"
        )
        return Mark(draft=row["draft"], line=row["line"]) if row else Mark()

    def since(self, mark: Mark, tab: Tab, viewer: Viewer) -> Lately:
        values = {**looking(viewer), "draft": mark.draft, "line": mark.line}
        with self._engine.reading() as connection:
            new = connection.execute(
                f"SELECT count(*) FROM draft NOT INDEXED WHERE draft.id > :draft AND {belongs(tab)}", values
            ).fetchone()[0]
            changed = connection.execute(
                "SELECT count(DISTINCT draft_id) FROM decision"
                " WHERE id > :line AND draft_id <= :draft AND actor <> :me",
                values,
            ).fetchone()[0]
        return Lately(new=new, changed=changed)

    def done_to(self, draft_id: int, line: int, person: str) -> Deed | None:
        """The newest line about one draft since `line` that is not of `person`."""
        row = self._engine.row(
            "SELECT * FROM decision WHERE draft_id = ? AND id > ? AND actor <> ? ORDER BY id DESC LIMIT 1",
            (draft_id, line, person),
        )
        if row is None:
            return None
        return Deed(at=instant(row["at"]), actor=row["actor"], action=row["action"], reason=row["reason"] or "")
