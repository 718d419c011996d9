"""What happened in some days, counted by week, source, language, aspect or person: one table, and what charts show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from monitor.digest.periods import YEARS
from monitor.model import LABELS
from monitor.store.counting import Accepted, Answers, Count, Replied
from monitor.store.follow_ups import SCORES, Aftermath, Satisfaction
from monitor.store.sqlite import SqliteStore
from monitor.unheard import Unheard, unheard

By = Literal["week", "source", "language", "aspect", "person"]
BYS: tuple[By, ...] = get_args(By)
DAY = timedelta(days=1)
USUAL = 8  # weeks that are shown where nobody says which days
LONGEST = 10  # years


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`key` is the Monday of a week (ISO), a name or a code; "" for all together and for what is not known.

    `labels` counts mentions. The answers are None where they are not counted so: by aspect there are none, since a
    mention may be about several things. `median` and `ninetieth` are seconds until the answer. How content customers
    are is counted by source, language and person, and is None otherwise.
    """

    key: str
    labels: Mapping[str, int] = field(default_factory=dict)
    answers: Answers | None = None
    satisfaction: Satisfaction | None = None

    @property
    def mentions(self) -> int:
        return sum(self.labels.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """From `first` to `last`, both included. By person there are only answers, by aspect only mentions. `replied` is
    about the complaints written in these days, `aftermath` about what customers did in them after an answer; `unheard`
    is an estimate, None where there are too few complaints for one."""

    by: By
    first: date
    last: date
    lines: tuple[Line, ...]
    total: Line
    accepted: Accepted
    replied: Replied
    aftermath: Aftermath
    unheard: Unheard | None

    @property
    def has_mentions(self) -> bool:
        return self.by != "person"

    @property
    def has_answers(self) -> bool:
        return self.by != "aspect"

    @property
    def satisfied(self) -> tuple[Line, ...]:
        """Those of whose customers there is anything to tell."""
        return tuple(
            line for line in self.lines if line.satisfaction and (line.satisfaction.votes or line.satisfaction.rated)
        )


def usual_days(now: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The last eight weeks, from a Monday up to today."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday(), weeks=USUAL - 1), today


def report(store: SqliteStore, by: By, first: date, last: date, zone: ZoneInfo) -> Report:
    """Blocks while it reads. Raises ValueError where `last` is before `first`, or the days are too many or too far."""
    if first.year not in YEARS or last.year not in YEARS:
        raise ValueError(f"{first} to {last}: only days from {YEARS[0]} to {YEARS[-1]} are counted")
    if last < first:
        raise ValueError(f"the last day, {last}, is before the first one, {first}")
    if (last - first).days > LONGEST * 366:
        raise ValueError(f"these are more than {LONGEST} years")
    mondays = list(_weeks(first, last))
    weeks = [_midnight(day, zone) for day in (*mondays, last + DAY)]
    ends = [weeks[0], weeks[-1]]
    counting = store.counting
    counts = _counts(store, by, weeks if by == "week" else ends)
    answers: Sequence[Answers] = ()
    if by != "aspect":
        answers = counting.answers(weeks if by == "week" else ends, ("period" if by == "week" else by,))
    keys = [day.isoformat() for day in mondays] if by == "week" else None
    labels = {one.label: one.mentions for one in counting.mentions(ends, ("label",))}
    total = counting.answers(ends, ())
    aftermath = store.follow_ups.aftermath(ends[0], ends[1])
    return Report(
        by=by,
        first=first,
        last=last,
        lines=tuple(_lines(by, counts, answers, _satisfied(store, by, ends), keys)),
        total=Line(key="", labels=labels, answers=total[0] if total else None, satisfaction=aftermath),
        accepted=counting.accepted(ends[0], ends[1]),
        replied=counting.replied(ends[0], ends[1]),
        aftermath=aftermath,
        unheard=unheard(labels.get("complaint", 0)),
    )


def _counts(store: SqliteStore, by: By, bounds: Sequence[datetime]) -> list[Count]:
    match by:
        case "person":
            return []
        case "week":
            return store.counting.mentions(bounds, ("period", "label"))
        case "source" | "language" | "aspect":
            return store.counting.mentions(bounds, (by, "label"))


def _satisfied(store: SqliteStore, by: By, ends: Sequence[datetime]) -> list[Satisfaction] | None:
    match by:
        case "week" | "aspect":
            return None
        case "source" | "language" | "person":
            return store.follow_ups.satisfaction(ends[0], ends[1], by)


def _lines(
    by: By,
    counts: Sequence[Count],
    answers: Sequence[Answers],
    content: Sequence[Satisfaction] | None,
    keys: Sequence[str] | None,
) -> Iterator[Line]:
    """Weeks in their order, each of them; everything else with the most frequent first."""

    def key(one: Count | Answers) -> str:
        return keys[one.period] if keys is not None else str(getattr(one, by))

    labels: dict[str, dict[str, int]] = {name: {} for name in keys or ()}
    for count in counts:
        labels.setdefault(key(count), {})[count.label] = count.mentions
    answered = {key(one): one for one in answers}
    satisfied = {one.key: one for one in content or ()}
    nobody = None if content is None else Satisfaction()
    found = [
        Line(
            key=name,
            labels=labels.get(name, {}),
            answers=answered.get(name),
            satisfaction=satisfied.get(name, nobody),
        )
        for name in {**labels, **answered, **satisfied}
    ]
    yield from found if keys is not None else sorted(found, key=_frequent)


def _frequent(line: Line) -> tuple[int, int, str]:
    return (-line.mentions, -(line.answers.answered if line.answers else 0), line.key)


def _weeks(first: date, last: date) -> Iterator[date]:
    """The first day, and every Monday after it."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=7 - day.weekday())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


_CONTENT = ("voted_good", "voted_neutral", "voted_bad", "satisfaction", "rated", "raised", "raised_share")
COLUMNS = (
    *("mentions", *LABELS, "answered", "elsewhere", "in_time", "late", "median_hours", "ninetieth_hours"),
    *_CONTENT,
)


def cells(line: Line) -> dict[str, int | float | None]:
    """A line as plain values, by COLUMNS; hours rounded to hundredths."""
    answers = line.answers
    counted: dict[str, int] = {label: line.labels.get(label, 0) for label in LABELS}
    return {
        "mentions": line.mentions,
        **counted,
        "answered": answers.answered if answers else 0,
        "elsewhere": answers.elsewhere if answers else 0,
        "in_time": answers.in_time if answers else 0,
        "late": answers.late if answers else 0,
        "median_hours": _hours(answers.median) if answers else None,
        "ninetieth_hours": _hours(answers.ninetieth) if answers else None,
        **_content(line.satisfaction),
    }


def _content(found: Satisfaction | None) -> dict[str, int | float | None]:
    """Shares rounded to hundredths, None where they are of too few."""
    if found is None:
        return dict.fromkeys(_CONTENT)
    return {
        **{f"voted_{score}": getattr(found, score) for score in reversed(SCORES)},
        "satisfaction": None if found.share is None else round(found.share, 2),
        "rated": found.rated,
        "raised": found.raised,
        "raised_share": None if found.raised_share is None else round(found.raised_share, 2),
    }


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a bar; `x` and `width` are in the chart's units."""

    kind: str
    number: int
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`y` is its upper edge."""

    line: Line
    y: int
    pieces: tuple[Piece, ...]


WIDE, ROW = 320, 34  # units of a chart: its width, and the height of a row with its name above the bar


def mention_bars(lines: Sequence[Line]) -> tuple[Bar, ...]:
    """How many were written, by label."""
    return _bars([(line, {label: line.labels.get(label, 0) for label in LABELS}) for line in lines])


def answer_bars(lines: Sequence[Line]) -> tuple[Bar, ...]:
    """How many were answered in time, late, without a promised time, or elsewhere."""
    return _bars([(line, _kinds(line.answers)) for line in lines])


def vote_bars(lines: Sequence[Line]) -> tuple[Bar, ...]:
    """What customers said of how they were answered; only where anybody said anything."""
    votes = [(line, line.satisfaction) for line in lines]
    return _bars(
        [
            (line, {f"voted_{score}": getattr(found, score) for score in reversed(SCORES)})
            for line, found in votes
            if found is not None and found.votes
        ]
    )


def _kinds(answers: Answers | None) -> dict[str, int]:
    if answers is None:
        return {}
    rest = answers.answered - answers.in_time - answers.late - answers.elsewhere
    return {"in_time": answers.in_time, "late": answers.late, "untimed": rest, "elsewhere": answers.elsewhere}


def _bars(rows: Sequence[tuple[Line, Mapping[str, int]]]) -> tuple[Bar, ...]:
    longest = max((sum(numbers.values()) for _, numbers in rows), default=0)
    unit = WIDE / longest if longest else 0.0
    return tuple(
        Bar(line=line, y=place * ROW + 16, pieces=tuple(_pieces(numbers, unit)))
        for place, (line, numbers) in enumerate(rows)
    )


def _pieces(numbers: Mapping[str, int], unit: float) -> Iterator[Piece]:
    x = 0.0
    for kind, number in numbers.items():
        if number:
            yield Piece(kind=kind, number=number, x=round(x, 2), width=round(number * unit, 2))
            x += number * unit
