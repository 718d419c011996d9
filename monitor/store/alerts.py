"""Rows of `alert`, when people were told last of something that goes on, and the questions behind alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import text_hash
from monitor.store.engine import Engine, instant, moment

_REMEMBERED = timedelta(days=14)  # promises that are longer over are no news
_PEOPLE = "count(DISTINCT CASE WHEN author = '' THEN mention.id ELSE author END)"  # some platforms tell no names


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`times` counts the alerts about one subject so far; `at` is when the last one goes out, None where there
    was none."""

    times: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`people` who answered the post `root` of `source` lately, and how many of their answers complain."""

    source: str
    root: str
    people: int
    complaints: int
    newest: int  # row id of the latest answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An answer that a customer was promised by `promised`, and that is not out. `draft_id`: where it waits."""

    draft_id: int
    case_id: int
    promised: datetime


def telling(kind: str, subject: str) -> str:
    """How the keys of the messages begin that tell of this; their number comes behind it."""
    return f"{kind}-{text_hash(subject)[:16]}-"


class Alerts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def told(self, kind: str, subject: str) -> Told:
        row = self._engine.row("SELECT times, at FROM alert WHERE kind = ? AND subject = ?", (kind, subject))
        return Told(times=row["times"], at=moment(row["at"])) if row else Told()

    def tell(self, kind: str, subject: str, before: Told, at: datetime) -> None:
        """Note that it is told then; nothing where another worker was faster."""
        with self._engine.writing() as connection:
            connection.execute(
                "INSERT INTO alert (kind, subject, times, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, subject) DO UPDATE SET times = excluded.times, at = excluded.at"
                " WHERE alert.times < excluded.times",
                (kind, subject, before.times + 1, at.timestamp()),
            )

    def conversations(self, since: datetime, least: int) -> list[Conversation]:
        """Posts that at least `least` people answered since then."""
        rows = self._engine.rows(
            f"SELECT source, thread, {_PEOPLE} AS people, sum(label = 'complaint') AS complaints,"
            " max(mention.id) AS newest FROM mention INDEXED BY idx_mention_threaded JOIN mention_text USING (id)"
            " WHERE thread <> '' AND created_at > ? GROUP BY source, thread HAVING people >= ?",
            (since.timestamp(), least),
        )
        return [
            Conversation(
                source=row["source"],
                root=row["thread"],
                people=row["people"],
                complaints=row["complaints"] or 0,
                newest=row["newest"],
            )
            for row in rows
        ]

    def usual_people(self, besides: Conversation, since: datetime, until: datetime, window: timedelta) -> float:
        """How many people other threads of its source have within a `window`, on the mean of those that anybody
        answered."""
        row = self._engine.row(
            f"SELECT avg(people) FROM (SELECT {_PEOPLE} AS people FROM mention INDEXED BY idx_mention_threaded"
            " JOIN mention_text USING (id) WHERE thread <> '' AND source = ? AND thread <> ?"
            " AND created_at > ? AND created_at <= ?"
            " GROUP BY thread, CAST(created_at / ? AS INTEGER))",
            (besides.source, besides.root, since.timestamp(), until.timestamp(), window.total_seconds()),
        )
        return float(row[0] or 0.0) if row else 0.0

    def broken_promises(self, now: datetime) -> list[Broken]:
        """The longest overdue first."""
        rows = self._engine.rows(
            "SELECT coalesce(answer.id, draft.id) AS draft_id, draft.case_id, draft.promised"
            " FROM draft INDEXED BY idx_draft_promised JOIN mention ON mention.id = draft.mention_id"
            " LEFT JOIN draft answer ON answer.mention_id = draft.mention_id AND answer.purpose = 'answer'"
            " WHERE draft.purpose = 'acknowledgement' AND draft.state = 'published'"
            " AND draft.promised <= ? AND draft.promised > ?"
            " AND mention.gone_at IS NULL AND coalesce(answer.state, 'pending') IN ('pending', 'failed')"
            " ORDER BY draft.promised",
            (now.timestamp(), (now - _REMEMBERED).timestamp()),
        )
        return [
            Broken(draft_id=row["draft_id"], case_id=row["case_id"], promised=instant(row["promised"])) for row in rows
        ]
