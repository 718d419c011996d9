"""Rows of `follow_up`: what customers did after our answer was out. Each also leaves a line in the audit list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Literal

from monitor.model import Label, Mention
from monitor.store.audit import write_decision
from monitor.store.engine import Engine, Row, instant

Kind = Literal["changed", "wrote", "voted"]
Score = Literal["bad", "neutral", "good"]
Satisfied = Literal["source", "language", "person"]  # by what it is told apart how content customers are
SCORES: tuple[Score, ...] = ("bad", "neutral", "good")

CHANGED, WROTE, VOTED = "review_changed", "customer_wrote", "customer_voted"  # as the audit list calls them
LEAST = 10  # votes, or reviews, from which on a share of them says anything
MOST_NOTED = 10  # changes of mind that the audit list holds, and that people are told of: links work for everybody
_OUT = "decision.action IN ('publication_published', 'posted', 'reply_seen', 'handled')"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """`before` and `after` are stars where the review was changed and has them; `label` is what the customer's words
    are now: those of the changed review, or of what he wrote next. `said` comes with a vote. `source` and `draft_id`
    are of what we had answered."""

    kind: Kind
    at: datetime
    source: str
    draft_id: int
    case_id: int
    text: str
    label: Label | None = None
    before: float | None = None
    after: float | None = None
    score: Score | None = None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """How content those are whom one source, language or person answered: votes of a period, and of the reviews with
    stars that were answered in it (`rated`) those that have more of them now (`raised`)."""

    key: str = ""
    bad: int = 0
    neutral: int = 0
    good: int = 0
    rated: int = 0
    raised: int = 0

    @property
    def votes(self) -> int:
        return self.bad + self.neutral + self.good

    @property
    def share(self) -> float | None:
        """Of good votes; None where there are too few to say anything."""
        return _share(self.good, self.votes)

    @property
    def raised_share(self) -> float | None:
        """Of answered reviews that have more stars now; None where there are too few to say anything."""
        return _share(self.raised, self.rated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath(Satisfaction):
    """What customers did in a period, beside the `answered` of it. Whoever is `better` may have been answered long
    before."""

    answered: int = 0
    wrote: int = 0
    complained: int = 0  # of those who wrote again
    better: int = 0  # stars
    worse: int = 0


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole >= LEAST else None


class FollowUps:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, since: datetime, limit: int = 100) -> list[FollowUp]:
        rows = self._engine.rows(
            "SELECT follow_up.*, answered.source, shown.label, mention_text.text FROM follow_up"
            " JOIN mention answered ON answered.id = follow_up.mention_id"
            " JOIN mention shown ON shown.id = follow_up.shown_id"
            " JOIN mention_text ON mention_text.id = follow_up.shown_id"
            " WHERE follow_up.at >= ? ORDER BY follow_up.at DESC, follow_up.id DESC LIMIT ?",
            (since.timestamp(), limit),
        )
        return [_load(row) for row in rows]

    def aftermath(self, since: datetime, until: datetime) -> Aftermath:
        period = (since.timestamp(), until.timestamp())
        with self._engine.reading() as connection:
            answered = connection.execute(_ANSWERED, (since.timestamp(), *period)).fetchone()
            row = connection.execute(
                "SELECT coalesce(sum(kind = 'wrote'), 0) AS wrote,"
                " coalesce(sum(kind = 'wrote' AND shown.label = 'complaint'), 0) AS complained,"
                " coalesce(sum(score = 'bad'), 0) AS bad, coalesce(sum(score = 'neutral'), 0) AS neutral,"
                " coalesce(sum(score = 'good'), 0) AS good"
                " FROM follow_up JOIN mention shown ON shown.id = follow_up.shown_id WHERE at >= ? AND at < ?",
                period,
            ).fetchone()
            stars = connection.execute(_STARS, period).fetchone()
        return Aftermath(**dict(answered), **dict(row), **dict(stars))

    def satisfaction(self, since: datetime, until: datetime, by: Satisfied) -> list[Satisfaction]:
        """Only those of whom there is anything to tell; `person` is who approved the answer."""
        period = (since.timestamp(), until.timestamp())
        key = _KEYS[by]
        with self._engine.reading() as connection:
            votes = connection.execute(_VOTED.format(key=key), period).fetchall()
            stars = connection.execute(_ANSWERED_BY.format(key=key), (since.timestamp(), *period)).fetchall()
        found: dict[str, dict[str, int]] = {}
        for row in (*votes, *stars):
            counts = dict(row)
            found.setdefault(counts.pop("key"), {}).update(counts)
        return [Satisfaction(key=name, **counts) for name, counts in found.items() if any(counts.values())]

    def vote(self, case_id: int, score: Score, said: str, *, since: datetime, now: datetime) -> bool:
        """A customer's word on how his case was handled; the last one counts. False where no answer went out since, or
        where he was erased: nothing would ever erase these words."""
        with self._engine.writing(durable=True) as connection:
            draft = connection.execute(
                "SELECT draft.* FROM draft JOIN mention ON mention.id = draft.mention_id WHERE draft.case_id = ?"
                " AND draft.state = 'published' AND draft.updated_at >= ? AND mention.erased_at IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.mention_id = mention.id)"
                " ORDER BY draft.id DESC LIMIT 1",
                (case_id, since.timestamp()),
            ).fetchone()
            if draft is None:
                return False
            if connection.execute(_SAID_ALREADY, (case_id, score, said)).fetchone():
                return True  # pressed twice, or by a program
            connection.execute(
                "INSERT INTO follow_up (kind, at, case_id, mention_id, shown_id, draft_id, score, said)"
                " VALUES ('voted', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (case_id) WHERE kind = 'voted'"
                " DO UPDATE SET at = excluded.at, score = excluded.score, said = excluded.said",
                (now.timestamp(), case_id, draft["mention_id"], draft["mention_id"], draft["id"], score, said),
            )
            if connection.execute(_VOTES, (draft["id"],)).fetchone()[0] < MOST_NOTED:
                write_decision(connection, draft, VOTED, at=now, reason=score)
            return True


_VOTES = f"SELECT count(*) FROM decision WHERE draft_id = ? AND action = '{VOTED}'"
_SAID_ALREADY = "SELECT 1 FROM follow_up WHERE case_id = ? AND kind = 'voted' AND score = ? AND said = ?"

_KEYS = {
    "source": "mention.source",
    "language": "coalesce(mention.language, '')",
    "person": "coalesce(draft.decided_by, '')",
}
_VOTED = """
SELECT {key} AS key, sum(score = 'bad') AS bad, sum(score = 'neutral') AS neutral, sum(score = 'good') AS good
  FROM follow_up JOIN draft ON draft.id = follow_up.draft_id JOIN mention ON mention.id = follow_up.mention_id
 WHERE follow_up.at >= ? AND follow_up.at < ? AND follow_up.kind = 'voted' GROUP BY 1"""

# Of the answers of a period. A review that was changed since has the stars that it has now.
_OPENED = """
WITH opened AS (SELECT draft_id, min(id) AS first_id FROM follow_up
                 WHERE at >= ? AND kind = 'changed' AND before IS NOT NULL GROUP BY draft_id)"""
_RAISED = """count(DISTINCT iif(mention.rating IS NULL, NULL, draft.id)) AS rated,
       count(DISTINCT iif(mention.rating > (SELECT before FROM follow_up WHERE id = opened.first_id), draft.id, NULL))
         AS raised"""
_OUT_IN_TIME = f"""
  FROM decision INDEXED BY idx_decision_answered JOIN draft ON draft.id = decision.draft_id
  JOIN mention ON mention.id = draft.mention_id LEFT JOIN opened ON opened.draft_id = draft.id
 WHERE {_OUT} AND decision.at >= ? AND decision.at < ? AND draft.purpose = 'answer'"""
_ANSWERED = f"{_OPENED} SELECT count(DISTINCT draft.id) AS answered, {_RAISED} {_OUT_IN_TIME}"
_ANSWERED_BY = f"{_OPENED} SELECT {{key}} AS key, {_RAISED} {_OUT_IN_TIME} GROUP BY 1"

# Of each review that was changed in a period: its stars before the first change against those after the last.
_STARS = """
SELECT coalesce(sum(last.after > first.before), 0) AS better, coalesce(sum(last.after < first.before), 0) AS worse
  FROM (SELECT min(id) AS first_id, max(id) AS last_id FROM follow_up
         WHERE kind = 'changed' AND before IS NOT NULL AND after IS NOT NULL AND at >= ? AND at < ?
         GROUP BY mention_id)
  JOIN follow_up first ON first.id = first_id JOIN follow_up last ON last.id = last_id"""


def note_changed(connection: Connection, row_id: int, mention: Mention, now: datetime) -> None:
    """The customer changed a review that was answered. Called while the store still has the old stars."""
    draft = connection.execute(
        "SELECT draft.*, mention.rating AS stars FROM draft JOIN mention ON mention.id = draft.mention_id"
        " WHERE mention_id = ? AND draft.state = 'published' ORDER BY draft.id DESC LIMIT 1",
        (row_id,),
    ).fetchone()
    if draft is None:
        return
    connection.execute(
        "INSERT INTO follow_up (kind, at, case_id, mention_id, shown_id, draft_id, before, after)"
        " VALUES ('changed', ?, ?, ?, ?, ?, ?, ?)",
        (now.timestamp(), draft["case_id"], row_id, row_id, draft["id"], draft["stars"], mention.rating),
    )
    write_decision(connection, draft, CHANGED, at=now, reason=_stars(draft["stars"], mention.rating))


def note_wrote(connection: Connection, row_id: int, case_id: int, label: Label, now: datetime) -> None:
    """The customer wrote something more in a case that had its answer already; noted once."""
    draft = connection.execute(
        "SELECT draft.* FROM draft JOIN mention ON mention.id = ? WHERE draft.case_id = ? AND draft.state = 'published'"
        " AND draft.mention_id <> mention.id AND draft.updated_at <= mention.created_at ORDER BY draft.id DESC LIMIT 1",
        (row_id, case_id),
    ).fetchone()
    if draft is None:
        return
    noted = connection.execute(
        "INSERT INTO follow_up (kind, at, case_id, mention_id, shown_id, draft_id) VALUES ('wrote', ?, ?, ?, ?, ?)"
        " ON CONFLICT (shown_id) WHERE kind = 'wrote' DO NOTHING",
        (now.timestamp(), case_id, draft["mention_id"], row_id, draft["id"]),
    )
    if noted.rowcount:
        write_decision(connection, draft, WROTE, at=now)


def _stars(before: float | None, after: float | None) -> str:
    return "" if before == after or before is None or after is None else f"{before:g} → {after:g}"


def _load(row: Row) -> FollowUp:
    return FollowUp(
        kind=row["kind"],
        at=instant(row["at"]),
        source=row["source"],
        draft_id=row["draft_id"],
        case_id=row["case_id"],
        text=row["text"],
        label=row["label"],
        before=row["before"],
        after=row["after"],
        score=row["score"],
        said=row["said"],
    )
