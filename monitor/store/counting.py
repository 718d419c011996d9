"""Counts for digests and reports: by local day or week, source, language, label and aspect. Only reads.

Periods are given by their bounds, ascending: n + 1 moments make n periods, each from one bound up to the next. Local
days are thus exact in every time zone, also where a day has 23 hours or 25.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final, Literal

from monitor.store import tally
from monitor.store.engine import Engine, Row
from monitor.store.tally import DAY, SLOT

Dimension = Literal["period", "source", "language", "label", "aspect"]
AnswerDimension = Literal["period", "source", "language", "label", "person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose mentions are counted: of these sources and in these languages, empty for all."""

    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was not asked for is empty, and period 0. `aspect` is "" where aspects were not asked for."""

    mentions: int
    period: int = 0
    source: str = ""
    language: str = ""
    label: str = ""
    aspect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How mentions were answered in a period; `period` and `label` are as in `Count`, `person` who decided.

    `answered` counts all, `elsewhere` those among them that were answered without us. The others were `in_time` or
    `late`, where an answer was due by a certain time. `median` and `ninetieth` are seconds from the mention to its
    answer; None where nothing was answered.
    """

    answered: int
    elsewhere: int
    in_time: int
    late: int
    median: float | None
    ninetieth: float | None
    period: int = 0
    source: str = ""
    language: str = ""
    label: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of the drafts that people decided about."""

    as_is: int = 0
    edited: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        return self.as_is + self.edited + self.rejected

    @property
    def acceptance(self) -> float:
        """The share that was taken as it was, 0 to 1."""
        return self.as_is / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """The complaints that were written in a period, and how many of them have an answer by now: their own, or that to
    another place of the same matter."""

    complaints: int = 0
    answered: int = 0

    @property
    def share(self) -> float | None:
        """None where nobody complained."""
        return self.answered / self.complaints if self.complaints else None


class Counting:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recount(self) -> int:
        """Count every mention anew; how many rows were wrong, which is none unless somebody broke the table."""
        with self._engine.writing() as connection:
            if wrong := len(tally.drift(connection)):
                tally.recount(connection)
            return wrong

    def mentions(
        self, bounds: Sequence[datetime], by: Sequence[Dimension] = ("period", "label"), scope: Scope = EVERYTHING
    ) -> list[Count]:
        """How many were written, in the order of `by`; what there is none of is left out.

        With "aspect" only mentions that are about something are counted, each once for everything that it is about.
        Bounds count by the quarter of an hour that they lie in.
        """
        keys = ", ".join(by)
        grouped = f"GROUP BY {keys} HAVING sum(mentions * weight) > 0 ORDER BY {keys}" if by else ""
        rows = self._engine.rows(
            f"WITH {_pieces(bounds)} SELECT {f'{keys}, ' if by else ''}coalesce(sum(mentions * weight), 0) AS mentions"
            " FROM pieces CROSS JOIN mention_count AS counted"
            f" ON counted.unit = pieces.unit AND about = {int('aspect' in by)} AND slot >= since AND slot < until"
            f" WHERE {in_scope('counted')} {grouped}",
            scope_values(scope),
        )
        return [_count(row, by) for row in rows]

    def answers(
        self, bounds: Sequence[datetime], by: Sequence[AnswerDimension] = ("period",), scope: Scope = EVERYTHING
    ) -> list[Answers]:
        """How mentions were answered in each period, in the order of `by`; acknowledgements are no answers."""
        keys = "".join(f"{name}, " for name in by)
        with self._engine.reading() as connection:
            rows = connection.execute(
                f"WITH {_periods(bounds)} {_ANSWERS} AND {in_scope('mention')} ORDER BY {keys}waited",
                scope_values(scope),
            )
            groups = groupby(rows, key=lambda row: tuple(row[name] for name in by))
            return [_answers(key, group, by) for key, group in groups]

    def replied(self, since: datetime, until: datetime) -> Replied:
        [row] = self._engine.rows(_REPLIED, {"since": since.timestamp(), "until": until.timestamp()})
        return Replied(complaints=row["complaints"], answered=row["answered"])

    def accepted(self, since: datetime, until: datetime, scope: Scope = EVERYTHING) -> Accepted:
        """How the drafts fared that were approved or rejected in between."""
        rows = self._engine.rows(
            f"SELECT fate, count(*) AS drafts FROM ({_FATES} AND {in_scope('mention')}) GROUP BY fate",
            {"since": since.timestamp(), "until": until.timestamp(), **scope_values(scope)},
        )
        return Accepted(**{row["fate"]: row["drafts"] for row in rows})


# The first time that an answer to a mention was known to be out, or that a person said that it needs none from us.
ANSWERED: Final = "('publication_published', 'posted', 'reply_seen', 'handled')"
_ANSWERS = f"""
SELECT period, mention.source AS source, mention.language AS language, coalesce(mention.label, '') AS label,
       coalesce(draft.decided_by, '') AS person, max(decision.at - mention.created_at, 0) AS waited,
       decision.state = 'superseded' AS elsewhere, decision.at <= draft.answer_by AS in_time
  FROM periods CROSS JOIN decision INDEXED BY idx_decision_answered
       ON decision.at >= since AND decision.at < until AND decision.action IN {ANSWERED}
  CROSS JOIN draft ON draft.id = decision.draft_id AND draft.purpose = 'answer'
  CROSS JOIN mention ON mention.id = draft.mention_id
 WHERE decision.state IN ('published', 'superseded')
   AND NOT EXISTS (SELECT 1 FROM decision earlier WHERE earlier.draft_id = draft.id AND earlier.id < decision.id
                   AND earlier.action IN {ANSWERED} AND earlier.state IN ('published', 'superseded'))"""

_REPLIED = f"""
SELECT count(*) AS complaints, coalesce(sum(EXISTS (
         SELECT 1 FROM draft CROSS JOIN decision ON decision.draft_id = draft.id
          WHERE (draft.mention_id = mention.id OR draft.case_id = mention.case_id) AND draft.purpose = 'answer'
            AND decision.action IN {ANSWERED} AND decision.state IN ('published', 'superseded')
            AND decision.at >= mention.created_at)), 0) AS answered
  FROM mention INDEXED BY idx_mention_complaints
 WHERE mention.created_at >= :since AND mention.created_at < :until AND mention.label = 'complaint'
   AND mention.action IS NOT 'skip'"""

# A machine is called "playbook", or "llm:" and its model's name; as long as it is the author nobody typed anything.
_FATES = """
SELECT CASE WHEN draft.state = 'rejected' THEN 'rejected'
            WHEN draft.author = 'playbook' OR draft.author LIKE 'llm:%' THEN 'as_is'
            WHEN trim(draft.text, char(9, 10, 13, 32)) = trim((SELECT machine.text FROM draft_rev machine
                 WHERE machine.draft_id = draft.id AND (machine.author = 'playbook' OR machine.author LIKE 'llm:%')
                 ORDER BY machine.rev DESC LIMIT 1), char(9, 10, 13, 32)) THEN 'as_is'
            ELSE 'edited' END AS fate
  FROM draft INDEXED BY idx_draft_decided CROSS JOIN mention ON mention.id = draft.mention_id
 WHERE draft.decided_at >= :since AND draft.decided_at < :until
   AND draft.state IN ('approved', 'publishing', 'published', 'failed', 'unknown', 'rejected')"""


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the ordered ones are not above; between two of them the line that joins them."""
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _periods(bounds: Sequence[datetime]) -> str:
    """The table `periods`, written into the text: SQLite then reads a range of an index for each."""
    rows = ", ".join(
        f"({place}, {since.timestamp()!r}, {until.timestamp()!r})"
        for place, (since, until) in enumerate(pairwise(bounds))
    )
    return f"periods (period, since, until) AS (VALUES {rows})"


def _pieces(bounds: Sequence[datetime]) -> str:
    """The table `pieces`: what to add up for each period, and what to take away again."""
    rows = ", ".join(
        f"({place}, {unit}, {since}, {until}, {weight})"
        for place, period in enumerate(pairwise(bounds))
        for unit, since, until, weight in pieces(*period)
    )
    return f"pieces (period, unit, since, until, weight) AS (VALUES {rows})"


def pieces(since: datetime, until: datetime) -> list[tuple[int, int, int, int]]:
    """A stretch of time in whole days of UTC, and quarters of an hour with the weight 1 or -1 that correct them.

    Each piece is its unit in seconds, the first slot, the one behind the last, and its weight.
    """
    first, at_first = _nearest_day(since)
    last, at_last = _nearest_day(until)
    corrections = [*((*one[:3], -one[3]) for one in at_first), *at_last]
    return [(DAY, first, last, 1) if first <= last else (DAY, last, first, -1), *corrections]


def _nearest_day(at: datetime) -> tuple[int, list[tuple[int, int, int, int]]]:
    """The day of UTC that begins next to `at`, and what lies between the two: added where the day began before."""
    slot, slots = int(at.timestamp() // SLOT), DAY // SLOT
    day = (slot + slots // 2) // slots
    if day * slots == slot:
        return day, []
    return day, [(SLOT, day * slots, slot, 1) if day * slots < slot else (SLOT, slot, day * slots, -1)]


def in_scope(table: str) -> str:
    return (
        f"(:sources = '[]' OR {table}.source IN (SELECT value FROM json_each(:sources)))"
        f" AND (:languages = '[]' OR {table}.language IN (SELECT value FROM json_each(:languages)))"
    )


def scope_values(scope: Scope) -> dict[str, object]:
    return {"sources": json.dumps(scope.sources), "languages": json.dumps(scope.languages)}


def _count(row: Row, by: Sequence[Dimension]) -> Count:
    return Count(mentions=row["mentions"], **{name: row[name] for name in by})


def _answers(key: tuple[object, ...], rows: Iterable[Row], by: Sequence[AnswerDimension]) -> Answers:
    """`rows` come in the order in which they `waited`, and are never held all at once."""
    waited = array("d")
    elsewhere = in_time = late = 0
    for row in rows:
        if row["elsewhere"]:
            elsewhere += 1
            continue
        waited.append(row["waited"])
        in_time += row["in_time"] == 1
        late += row["in_time"] == 0
    return Answers(
        answered=len(waited) + elsewhere,
        elsewhere=elsewhere,
        in_time=in_time,
        late=late,
        median=quantile(waited, 0.5) if waited else None,
        ninetieth=quantile(waited, 0.9) if waited else None,
        **dict(zip(by, key, strict=True)),  # type: ignore[arg-type]
    )
