"""Reads out of the store what one digest tells: a few counts, and the single mentions that are worth naming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile
from typing import Final
from zoneinfo import ZoneInfo

from monitor.digest.facts import Bar, BrokenChannel, Digest, Recurring, SourceLine, Tally, Thanks
from monitor.digest.periods import DAY, QUARTER, WEEKS_SHOWN, Days, before, beginning, bounds, single_days, weeks
from monitor.digest.recurring import quotation, recurring
from monitor.digest.schedule import due_before
from monitor.digest.thanks import worth_sharing
from monitor.people import Person
from monitor.store.counting import Accepted, Answers, Count, Dimension, Scope
from monitor.store.digests import Edition, Issue
from monitor.store.follow_ups import Aftermath
from monitor.store.queues import Viewer
from monitor.store.sqlite import SqliteStore

USUAL_OF: Final[dict[Edition, int]] = {"daily": 7, "weekly": 4, "monthly": 3}  # periods that say what is usual
WAITING_SHOWN, COMPLAINTS_SHOWN, TROUBLES_SHOWN = 10, 6, 6
_PRAISE_READ = 1_000  # newest ones that are looked through for names
_CANDIDATES = 20  # for a quotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """`team` are the names that praise may be for."""

    store: SqliteStore
    team: Sequence[str]

    def digest(self, person: Person, issue: Issue, now: datetime) -> Digest:
        """Everything that `person` is told about `issue` at `now`; a few dozen reads, none of all mentions."""
        return _Reading(self.store, self.team, person, issue, now).digest()


class _Reading:
    def __init__(self, store: SqliteStore, team: Sequence[str], person: Person, issue: Issue, now: datetime) -> None:
        self.store, self.team, self.person, self.issue, self.now = store, team, person, issue, now
        self.zone = ZoneInfo(person.zone)
        self.scope = Scope(sources=person.sources, languages=person.languages)
        self.days = Days(issue.first, issue.last)
        self.since, self.until = self._edges(self.days)
        self.told_before = due_before(issue, person)  # what came since then was in no digest
        self.earlier = before(self.days, issue.edition, self._periods_known())

    def digest(self) -> Digest:
        store, now = self.store, self.now
        tallies = self._tallies((*self.earlier, self.days))
        answers = self._answers((*self.earlier[-1:], self.days))
        *_, previous = (None, *self.earlier)
        return Digest(
            issue=self.issue,
            now=now,
            waiting=store.highlights.waiting(self._viewer(), WAITING_SHOWN, everybody=not self.person.decides),
            team_waiting=store.highlights.waiting(self._viewer(), 0, everybody=True).total,
            to_post=store.highlights.to_post(self.scope),
            tally=tallies[-1],
            before=tallies[-2] if previous else None,
            usual=_mean(tallies[:-1]),
            usual_of=len(self.earlier),
            bars=self._bars(single_days(self.issue.last)) if self.issue.edition != "monthly" else (),
            weeks=self._weeks(),
            complaints=tuple(
                store.highlights.complaints(self.since, self.until, COMPLAINTS_SHOWN, self.scope, self.told_before)
            ),
            recurring=tuple(self._recurring()),
            thanks=self._thanks(),
            answers=answers[-1],
            answers_before=answers[-2] if previous else None,
            accepted=self._accepted(self.days),
            accepted_before=self._accepted(previous) if previous else Accepted(),
            troubled=store.highlights.troubled(TROUBLES_SHOWN, self.scope),
            sources=tuple(self._sources()),
            channels=tuple(self._channels()),
            aftermath=store.follow_ups.aftermath(self.since, self.until),
            aftermath_before=store.follow_ups.aftermath(*self._edges(previous)) if previous else Aftermath(),
        )

    def _periods_known(self) -> int:
        """How many periods before this one Ohlas was there for, from their first day on, of those that are compared
        with: half a month says nothing about a whole one."""
        edition = self.issue.edition
        found = before(self.days, edition, USUAL_OF[edition])
        return sum(self._was_there(one) for one in found)

    def _was_there(self, days: Days) -> bool:
        started = self.store.views.counted_since()
        return started is not None and beginning(days.first + DAY, self.zone) > started

    def _viewer(self) -> Viewer:
        person = self.person
        return Viewer(name=person.name, languages=person.languages, sources=person.sources, now=self.now)

    def _counts(self, periods: Sequence[Days], by: Sequence[Dimension]) -> list[Count]:
        return self.store.counting.mentions(bounds(periods, self.zone), by, self.scope)

    def _tallies(self, periods: Sequence[Days]) -> list[Tally]:
        return _tallies(self._counts(periods, ("period", "label")), len(periods))

    def _bars(self, periods: Sequence[Days]) -> tuple[Bar, ...]:
        tallies = self._tallies(periods)
        return tuple(Bar(days=days, tally=tally) for days, tally in zip(periods, tallies, strict=True))

    def _weeks(self) -> tuple[Bar, ...]:
        if self.issue.edition == "daily":
            return ()
        bars = self._bars(weeks(self.issue.last, WEEKS_SHOWN if self.issue.edition == "weekly" else QUARTER))
        return tuple(dropwhile(lambda bar: not bar.tally.total and not self._was_there(bar.days), bars))

    def _answers(self, periods: Sequence[Days]) -> list[Answers | None]:
        found = {
            one.period: one for one in self.store.counting.answers(bounds(periods, self.zone), ("period",), self.scope)
        }
        return [found.get(number) for number in range(len(periods))]

    def _accepted(self, days: Days) -> Accepted:
        return self.store.counting.accepted(*self._edges(days), self.scope)

    def _edges(self, days: Days) -> tuple[datetime, datetime]:
        since, until = bounds([days], self.zone)
        return since, until

    def _recurring(self) -> Iterable[Recurring]:
        here, earlier, usual = self._aspects(), len(self.earlier), self._usual_aspects()
        taken: set[int] = set()
        for aspect, rising in recurring(here, usual if earlier else None):
            found = self.store.highlights.quotations(
                "complaint", aspect, self.since, self.until, _CANDIDATES, self.scope
            )
            quoted = quotation(found, frozenset(taken))
            taken |= {quoted.mention_id} if quoted else set()
            yield Recurring(
                aspect=aspect,
                count=here[aspect],
                usual=usual.get(aspect, 0.0) if earlier else None,
                rising=rising,
                quotation=quoted,
            )

    def _aspects(self) -> dict[str, int]:
        counts = self._counts([self.days], ("label", "aspect"))
        return {one.aspect: one.mentions for one in counts if one.label == "complaint"}

    def _usual_aspects(self) -> dict[str, float]:
        if not self.earlier:
            return {}
        counts = self._counts(self.earlier, ("label", "aspect"))
        return {one.aspect: one.mentions / len(self.earlier) for one in counts if one.label == "complaint"}

    def _thanks(self) -> tuple[Thanks, ...]:
        highlights = self.store.highlights
        praise = highlights.praise(self.since, self.until, _PRAISE_READ, self.scope, self.told_before)
        shared = worth_sharing(praise, self.team)
        return tuple(Thanks(names=shared[one.mention_id], mention=one) for one in highlights.named(list(shared)))

    def _sources(self) -> Iterable[SourceLine]:
        here = {one.source: one.mentions for one in self._counts([self.days], ("source",))}
        counts = self._counts(self.earlier, ("source",)) if self.earlier else []
        usual = {one.source: one.mentions / len(self.earlier) for one in counts}
        for health in self.store.highlights.sources():
            if not self.person.sources or health.name in self.person.sources:
                yield SourceLine(
                    health=health,
                    mentions=here.get(health.name, 0),
                    usual=usual.get(health.name, 0.0) if self.earlier else None,
                )

    def _channels(self) -> Iterable[BrokenChannel]:
        return (
            BrokenChannel(name=one.name, kind=one.kind, code=one.code, detail=one.detail, since=one.since)
            for one in self.store.channels.standing()
            if one.health == "broken"
        )


def _tallies(counts: Iterable[Count], periods: int) -> list[Tally]:
    found: list[dict[str, float]] = [{} for _ in range(periods)]
    for one in counts:
        found[one.period][one.label] = one.mentions
    return [Tally(**labels) for labels in found]


def _mean(tallies: Sequence[Tally]) -> Tally | None:
    if not tallies:
        return None
    number = len(tallies)
    return Tally(
        complaint=sum(one.complaint for one in tallies) / number,
        praise=sum(one.praise for one in tallies) / number,
        neutral=sum(one.neutral for one in tallies) / number,
    )


def sources_first(lines: Sequence[SourceLine]) -> list[SourceLine]:
    """Those that ail first, then those that brought most."""
    return sorted(lines, key=lambda line: (not line.ails, -line.mentions, line.health.name.casefold()))
