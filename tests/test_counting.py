"""Counts by local day: against counting by hand, in zones where days begin at odd quarters, over nights that change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.contract import Page
from monitor.digest.periods import bounds, single_days, weeks
from monitor.model import Aspect, Decision, DraftState, Label, Transition, Verdict
from monitor.store.counting import Accepted, Scope, pieces, quantile
from monitor.store.sqlite import SqliteStore
from monitor.store.tally import DAY, SLOT
from tests.made import NOON, arrive, draft_all, mention

ZONES = ["Europe/Bratislava", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"]
QUARTERS = st.integers(0, 4_000_000).map(lambda slot: datetime.fromtimestamp(slot * SLOT, UTC))
BRATISLAVA = ZoneInfo("Europe/Bratislava")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def judged(store: SqliteStore, label: Label, *aspects: str, language: str = "sk") -> list[int]:
    verdict = Verdict(
        label=label,
        confidence=0.9,
        unsure=False,
        language=language,
        aspects=tuple(Aspect(name=name) for name in aspects),
    )
    return draft_all(store, verdict=verdict)


@given(st.lists(QUARTERS, min_size=2, max_size=2, unique=True).map(sorted))
def test_pieces_make_up_exactly_their_stretch_of_time(stretch: list[datetime]) -> None:
    since, until = stretch
    counted: Counter[int] = Counter()
    edges: Counter[int] = Counter()
    for unit, first, last, weight in pieces(since, until):
        edges[first * unit] += weight
        edges[last * unit] -= weight
        counted[unit] += abs(last - first)
    assert {at: weight for at, weight in edges.items() if weight} == {
        int(since.timestamp()): 1,
        int(until.timestamp()): -1,
    }
    assert counted[SLOT] <= DAY // SLOT  # at most half a day at each end


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_local_ones(store: SqliteStore, zone: str) -> None:
    local = ZoneInfo(zone)
    start = datetime(2026, 3, 27, tzinfo=UTC)  # over the nights in which Europe and Lord Howe change their clocks
    times = [start + timedelta(minutes=47 * number) for number in range(400)]
    arrive(store, *(mention(n, created_at=at) for n, at in enumerate(times)))
    judged(store, "complaint")
    days = single_days(date(2026, 4, 7), 10)
    wanted = Counter(at.astimezone(local).date() for at in times)
    found = {one.period: one.mentions for one in store.counting.mentions(bounds(days, local), ("period",))}
    assert found == {place: wanted[one.first] for place, one in enumerate(days) if wanted[one.first]}
    lengths = {(until - since).total_seconds() / 3600 for since, until in pairwise(bounds(days, local))}
    assert lengths == {"Europe/Bratislava": {23, 24}, "Australia/Lord_Howe": {24, 24.5}}.get(zone, {24})


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 400), st.integers(1, 5))
def test_weeks_are_the_sum_of_their_days(zone: str, away: int, number: int) -> None:
    periods = weeks(date(2026, 1, 1) + timedelta(days=away), number)
    assert [one.number for one in periods] == [7] * number
    edges = bounds(periods, ZoneInfo(zone))
    assert edges == sorted(edges) and all(at.timestamp() % SLOT == 0 for at in edges)


def test_counts_by_whatever_is_asked_for(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    judged(store, "complaint", "delivery", "staff")
    arrive(store, mention(3, source="forum", language="hu"))
    judged(store, "praise", "staff", language="hu")
    arrive(store, mention(4, created_at=NOON - timedelta(days=1)), mention(5, source="forum"))
    judged(store, "neutral")
    arrive(store, mention(6))  # not judged yet
    days = bounds(single_days(NOON.date(), 2), BRATISLAVA)
    counting = store.counting
    assert [(one.period, one.label, one.mentions) for one in counting.mentions(days)] == [
        (0, "neutral", 1),
        (1, "complaint", 2),
        (1, "neutral", 1),
        (1, "praise", 1),
    ]
    assert [(one.source, one.mentions) for one in counting.mentions(days, ("source",))] == [("forum", 2), ("shop", 3)]
    assert [(one.aspect, one.label, one.mentions) for one in counting.mentions(days, ("aspect", "label"))] == [
        ("delivery", "complaint", 2),
        ("staff", "complaint", 2),
        ("staff", "praise", 1),
    ]
    assert [one.mentions for one in counting.mentions(days, ())] == [5]
    mine = Scope(sources=("shop", "forum"), languages=("hu",))
    assert [(one.language, one.mentions) for one in counting.mentions(days, ("language",), mine)] == [("hu", 1)]
    assert [one.mentions for one in counting.mentions(days, (), Scope(sources=("nobody",)))] == [0]


def test_answers_are_counted_once_with_how_long_they_took(store: SqliteStore) -> None:
    for number, hours in enumerate((1, 2, 4, 8, 16)):
        arrive(store, mention(number, source="shop" if number else "forum"))
        [draft_id] = judged(store, "complaint")
        store.asking.route(store.drafts.get(draft_id), "", (), None, NOON + timedelta(hours=3))
        publish(store, draft_id, NOON + timedelta(hours=hours))
    arrive(store, mention(9))
    judged(store, "praise")
    answered = Page(mentions=(mention(9, reply="Odpovedali sme inde."),))
    store.mentions.save_page("shop", answered, None, NOON + timedelta(hours=5))
    [found] = store.counting.answers([NOON, NOON + timedelta(days=1)], ())
    assert (found.answered, found.elsewhere, found.in_time, found.late) == (6, 1, 2, 3)
    assert found.median == 4 * 3600 and found.ninetieth == pytest.approx(12.8 * 3600)
    by = store.counting.answers([NOON, NOON + timedelta(hours=3), NOON + timedelta(days=1)], ("period", "source"))
    assert [(one.period, one.source, one.answered) for one in by] == [(0, "forum", 1), (0, "shop", 1), (1, "shop", 4)]
    assert store.counting.answers([NOON - timedelta(days=2), NOON]) == []


def test_fates_of_drafts(store: SqliteStore) -> None:
    arrive(store, *(mention(number) for number in range(4)))
    drafts = judged(store, "complaint")
    decide(store, drafts[0], "approve", DraftState.APPROVED)
    decide(store, drafts[1], "edit", DraftState.PENDING, text="Inak.")
    decide(store, drafts[1], "approve", DraftState.APPROVED, rev=2)
    decide(store, drafts[2], "reject", DraftState.REJECTED)
    assert store.counting.accepted(NOON, NOON + timedelta(hours=1)) == Accepted(as_is=1, edited=1, rejected=1)
    assert store.counting.accepted(NOON - timedelta(hours=1), NOON).total == 0
    assert store.counting.accepted(NOON, NOON + timedelta(hours=1), Scope(languages=("hu",))).total == 0


def test_quantiles() -> None:
    assert quantile([5.0], 0.9) == 5.0
    assert quantile([1.0, 3.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(11)], 0.9) == 9.0


def decide(
    store: SqliteStore, draft_id: int, action: str, target: DraftState, *, rev: int = 1, text: str | None = None
) -> None:
    store.drafts.apply(
        Transition(
            decision=Decision(draft_id=draft_id, rev=rev, action=action, actor="Eva", via="page"),  # type: ignore[arg-type]
            sources=frozenset({DraftState.PENDING}),
            target=target,
            at=NOON,
            text=text,
        )
    )


def publish(store: SqliteStore, draft_id: int, at: datetime) -> None:
    """As a person does who posts it by hand."""
    decide(store, draft_id, "approve", DraftState.APPROVED)
    store.drafts.apply(
        Transition(
            decision=Decision(draft_id=draft_id, rev=1, action="posted", actor="Eva", via="page"),
            sources=frozenset({DraftState.APPROVED}),
            target=DraftState.PUBLISHED,
            at=at,
        )
    )
