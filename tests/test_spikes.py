"""When more people complain than usual: what is told, and how often a quiet shop is told so for nothing."""

from __future__ import annotations

import json
import math
import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.contract import Page
from monitor.model import Aspect
from monitor.spikes import LATE, LEAST, WINDOW, chance, late_spike, spike
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from tests.made import COMPLAINT, arrive, draft_all, mention
from tests.test_asking import CONFIG

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(weeks=30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Of a shop that knows for long enough what is usual."""
    found = SqliteStore(tmp_path / "ohlas.db")
    arrive(found, mention(0, created_at=LONG_AGO))
    draft_all(found, now=LONG_AGO)
    found._engine.connection.execute("UPDATE mention SET seen_at = created_at")
    yield found
    found.close()


def at(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_a_burst_in_a_quiet_shop_is_a_spike() -> None:
    found = spike([at(n / 10) for n in range(8, 0, -1)], LONG_AGO, NOW)
    assert found is not None and (found.count, found.since) == (8, NOW - WINDOW)


def test_few_are_none_however_quiet_it_usually_is() -> None:
    assert spike([at(0.1)] * (LEAST - 1), LONG_AGO, NOW) is None


def test_the_usual_rush_of_this_hour_is_none() -> None:
    week = timedelta(weeks=1)
    rush = [at(n / 10) - back * week for back in range(6, 0, -1) for n in range(20, 0, -1)]
    assert spike([*rush, *(at(n / 10) for n in range(20, 0, -1))], LONG_AGO, NOW) is None
    assert spike([*rush, *(at(n / 40) for n in range(79, 0, -1))], LONG_AGO, NOW) is not None


def test_in_the_first_week_nobody_knows_what_is_usual() -> None:
    assert spike([at(0.1)] * 50, NOW - timedelta(days=6), NOW) is None


def test_a_burst_that_a_source_brings_hours_later_is_one() -> None:
    """Heureka makes a new export every six hours."""
    burst = [at(4 + n / 10) for n in range(8, 0, -1)]
    assert spike(burst, LONG_AGO, NOW) is None
    found = late_spike(burst, burst, LONG_AGO, NOW)
    assert found is not None and (found.count, found.since) == (8, at(4) - WINDOW)
    assert late_spike([at(4)], [*burst, at(4)], LONG_AGO, NOW) is not None, "the last one of them came late"
    assert late_spike([], burst, LONG_AGO, NOW) is None
    old = [one - LATE for one in burst]
    assert late_spike(old, old, LONG_AGO, NOW) is None, "an old file that is imported"


@given(st.integers(0, 400), st.floats(0.01, 200))
def test_chances_are_chances_and_more_is_rarer(count: int, usual: float) -> None:
    assert 0.0 <= chance(count + 1, usual) <= chance(count, usual) <= 1.0


@pytest.mark.parametrize("usual", [499.0, 501.0, 3000.0, 50_000.0])
def test_chances_of_large_numbers(usual: float) -> None:
    """What a month of a large shop brings: as many as usual are no news, a tenth more are."""
    assert chance(round(usual), usual) == pytest.approx(0.5, abs=0.02)
    assert chance(round(usual * 1.2), usual) < 1e-4 and chance(round(usual * 0.8), usual) > 1 - 1e-4


@pytest.mark.parametrize(("per_day", "bunched", "most"), [(5, 0.0, 0), (20, 0.0, 0), (100, 0.0, 0), (20, 0.5, 8)])
def test_false_alarms_on_noise_are_rare(per_day: float, bunched: float, most: int) -> None:
    """Half a year, looked at every half hour, days and weekends as in a shop. Complaints by pure chance: none. In
    bunches of one and a half on the mean: some, told here as at most 8 in half a year."""
    complaints = _noise(per_day, bunched, weeks=26)
    alarms, quiet_until = 0, LONG_AGO
    for step in range(26 * 7 * 48):
        now = LONG_AGO + timedelta(minutes=30 * step)
        newest, oldest = bisect(complaints, now), bisect(complaints, now - timedelta(weeks=7))
        if now >= quiet_until and spike(complaints[oldest:newest], LONG_AGO, now):
            alarms, quiet_until = alarms + 1, now + timedelta(hours=6)
    assert alarms <= most


def _noise(per_day: float, bunched: float, weeks: int) -> list[datetime]:
    chance_of = random.Random(11)
    found: list[datetime] = []
    for hour in range(weeks * 168):
        start = LONG_AGO + timedelta(hours=hour)
        busy = (1.7 if 8 <= start.hour < 20 else 0.3) * (0.6 if start.weekday() >= 5 else 1.1)
        for _ in range(_poisson(chance_of, per_day / 24 * busy / (1 + bunched))):
            found.append(start + timedelta(minutes=chance_of.uniform(0, 60)))
            while chance_of.random() < bunched / (1 + bunched):
                found.append(found[-1] + timedelta(minutes=chance_of.uniform(0, 40)))
    return sorted(found)


def _poisson(chance_of: random.Random, expected: float) -> int:
    number, left = 0, chance_of.random()
    limit = math.exp(-expected)
    while left > limit:
        number, left = number + 1, left * chance_of.random()
    return number


def test_spam_that_complains_is_no_spike(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    arrive(store, *(mention(n, created_at=at(n / 20)) for n in range(1, 13)))
    draft_all(store, now=NOW)
    store._engine.connection.execute("UPDATE mention SET action = 'skip' WHERE id > 1")
    assert store.views.complaints(LONG_AGO) == [at(1 / 20)]
    assert store.views.main_aspect(LONG_AGO, NOW)[1] <= 1
    store.close()


def test_a_spike_that_came_late_is_told_once_and_when_it_was(store: SqliteStore) -> None:
    now = NOW
    asker = Asker(CONFIG, store, lambda: now)
    asker.catch_up()
    asker.step()
    written = [mention(n, created_at=at(4 + n / 20)) for n in range(1, 13)]
    store.mentions.save_page("shop", Page(mentions=written), None, now + timedelta(minutes=5))
    draft_all(store, now=now + timedelta(minutes=6))
    for _ in range(60):
        now += timedelta(minutes=11)
        asker.step()
    bodies = [json.loads(one.body) for one in store.messages.due("slack", now, 500) if one.kind == "notice"]
    [told] = [one for one in bodies if one["code"] == "spike"]
    assert (told["count"], told["at"]) == (12, at(4).isoformat())


def test_a_spike_is_told_once_with_its_numbers_and_what_it_is_about(store: SqliteStore) -> None:
    now = NOW
    asker = Asker(CONFIG, store, lambda: now)
    asker.catch_up()
    late = COMPLAINT.__class__(
        label="complaint", confidence=0.9, unsure=False, language="sk", aspects=(Aspect(name="delivery"),)
    )
    arrive(store, *(mention(n, created_at=at(n / 20)) for n in range(1, 13)))
    draft_all(store, verdict=late, now=now)
    for _ in range(3):
        asker.step()
        now += timedelta(minutes=11)
    notices = [one for one in store.messages.due("slack", now, 100) if one.kind == "notice"]
    [told] = [json.loads(one.body) for one in notices if json.loads(one.body)["code"] == "spike"]
    assert (told["count"], told["aspect"], told["share"]) == (12, "delivery", 12)
