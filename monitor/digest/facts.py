"""What a digest tells: one frozen value, without words and without markup, from which every rendering is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.digest.periods import Days
from monitor.store.counting import Accepted, Answers
from monitor.store.digests import Issue
from monitor.store.follow_ups import Aftermath
from monitor.store.highlights import Highlight, SourceHealth, Troubled, WaitingDrafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Mentions by what they are. Means of several periods are no whole numbers."""

    complaint: float = 0
    praise: float = 0
    neutral: float = 0

    @property
    def total(self) -> float:
        return self.complaint + self.praise + self.neutral


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a chart: what was written on these days."""

    days: Days
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """An aspect that `count` complaints are about, where `usual` are; None where nobody knows yet what is usual.

    `rising`: more than chance would bring. `quotation` is one of them, where one says it in a few words.
    """

    aspect: str
    count: int
    usual: float | None
    rising: bool
    quotation: Highlight | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thanks:
    """Praise that names somebody of the team; `names` is empty for praise that is only worth reading."""

    names: tuple[str, ...]
    mention: Highlight


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """How a source fares, what it brought in the period, and what it usually brings in as long a time."""

    health: SourceHealth
    mentions: int
    usual: float | None

    @property
    def ails(self) -> bool:
        return self.health.status in ("failing", "stopped") or self.health.silent_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenChannel:
    """A way to the company that customers find broken; `code` and `detail` say what was found there."""

    name: str
    kind: str
    code: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """`issue` says for whom and about which days. `before` is the period of the same length before it, `usual` the
    mean of `usual_of` such periods (None and 0 where Ohlas has not seen any).

    `bars` are days, `weeks` weeks, oldest first; either may be empty. `waiting` waits for the reader, `team_waiting`
    for anybody; `to_post` answers are approved and have to be posted by hand. `aftermath` is what customers did after
    answers, whoever asks: it is not counted by source.
    """

    issue: Issue
    now: datetime
    waiting: WaitingDrafts = field(default_factory=WaitingDrafts)
    team_waiting: int = 0
    to_post: int = 0
    tally: Tally = Tally()
    before: Tally | None = None
    usual: Tally | None = None
    usual_of: int = 0
    bars: tuple[Bar, ...] = ()
    weeks: tuple[Bar, ...] = ()
    complaints: tuple[Highlight, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    thanks: tuple[Thanks, ...] = ()
    answers: Answers | None = None
    answers_before: Answers | None = None
    accepted: Accepted = field(default_factory=Accepted)
    accepted_before: Accepted = field(default_factory=Accepted)
    troubled: Troubled = field(default_factory=Troubled)
    sources: tuple[SourceLine, ...] = ()
    channels: tuple[BrokenChannel, ...] = ()
    aftermath: Aftermath = field(default_factory=Aftermath)
    aftermath_before: Aftermath = field(default_factory=Aftermath)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happened, nothing waits, and nothing is wrong."""
        written = self.tally.total or self.complaints or self.thanks
        busy = written or self.waiting.total or self.to_post or self.answers or self.accepted.total
        after = self.aftermath
        said = after.votes or after.complained or after.better or after.worse
        wrong = self.troubled.shown or self.channels or any(line.ails for line in self.sources)
        return not busy and not said and not wrong
