"""When a source is silent for longer than it ever is: what is told, and how often that is for nothing."""

from __future__ import annotations

import json
import math
import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.listening import Listener
from monitor.silence import LEAST, MOST, SHORTEST, silence
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from responders.notices import told
from responders.words import Words
from tests.made import arrive, mention
from tests.test_asking import CONFIG

ZONE = ZoneInfo("Europe/Bratislava")
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("per_day", "bunched", "most"), [(0.5, 0.0, 0), (5.0, 0.0, 0), (30.0, 0.0, 0), (5.0, 0.5, 1), (30.0, 0.5, 1)]
)
def test_false_alarms_on_noise_are_rare(per_day: float, bunched: float, most: int) -> None:
    """Half a year with both changes of clocks near, looked at every second hour, days, nights and weekends as in a
    shop. By pure chance: none. In bunches of one and a half on the mean: at most one in half a year."""
    written = _noise(per_day, bunched, weeks=26)
    alarms: set[datetime] = set()
    for step in range(26 * 7 * 12):
        now = START + timedelta(hours=2 * step)
        newest = bisect(written, now)
        last = written[newest - 1] if newest else now
        if (
            now - last >= SHORTEST
            and last not in alarms
            and silence(written[max(0, newest - MOST) : newest], now, ZONE)
        ):
            alarms.add(last)
    assert len(alarms) <= most


@pytest.mark.parametrize(("per_day", "within"), [(2.0, 8 * 24), (5.0, 4 * 24), (30.0, 24), (150.0, 8)])
def test_a_source_that_stops_is_noticed(per_day: float, within: float) -> None:
    """On a Wednesday noon; within hours."""
    stop = START + timedelta(weeks=12, days=2, hours=11)
    written = [at for at in _noise(per_day, 0.0, weeks=13) if at < stop][-MOST:]
    found = silence(written, stop + timedelta(hours=within), ZONE)
    assert found is not None and found.since == written[-1] and found.expected > 1


def test_nobody_knows_what_is_usual_of_a_few_or_of_the_first_days() -> None:
    late = START + timedelta(weeks=20)
    assert silence([], late, ZONE) is None
    assert silence([START + timedelta(days=number) for number in range(LEAST - 1)], late, ZONE) is None
    assert silence([START + timedelta(hours=number) for number in range(100)], late, ZONE) is None


def test_the_night_is_no_silence_but_the_same_hours_of_a_day_are() -> None:
    """Every ten minutes, from eight to twenty, for three weeks."""
    written = [START + timedelta(days=day, hours=7, minutes=10 * part) for day in range(21) for part in range(12 * 6)]
    assert silence(written, written[-1] + timedelta(hours=11), ZONE) is None
    assert silence([*written, written[-1] + timedelta(hours=13)], written[-1] + timedelta(hours=20), ZONE)


def _noise(per_day: float, bunched: float, weeks: int) -> list[datetime]:
    chance = random.Random(7)
    found: list[datetime] = []
    for hour in range(weeks * 168):
        start = START + timedelta(hours=hour)
        local = start.astimezone(ZONE)
        busy = (1.7 if 8 <= local.hour < 20 else 0.3) * (0.6 if local.weekday() >= 5 else 1.1)
        for _ in range(_poisson(chance, per_day / 24 * busy / (1 + bunched))):
            found.append(start + timedelta(minutes=chance.uniform(0, 60)))
            while chance.random() < bunched / (1 + bunched):
                found.append(found[-1] + timedelta(minutes=chance.uniform(0, 40)))
    return sorted(found)


def _poisson(chance: random.Random, expected: float) -> int:
    number, left = 0, chance.random()
    limit = math.exp(-expected)
    while left > limit:
        number, left = number + 1, left * chance.random()
    return number


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


LAST = START + timedelta(weeks=4)


def _read_until_last(store: SqliteStore, kind: str = "rss", **seen: timedelta) -> None:
    """Three mentions a day for four weeks, each seen when it was written."""
    store.sources.configure({"shop": kind}, START)
    for number in range(4 * 7 * 3):
        arrive(store, mention(number, created_at=LAST - timedelta(hours=8 * number)))
    store._engine.connection.execute(
        "UPDATE mention SET seen_at = created_at + ?", (seen.get("after", timedelta(minutes=5)).total_seconds(),)
    )
    _polled(store, "ok")


def _polled(store: SqliteStore, status: str) -> None:
    store.sources.record(
        PollRecord(source="shop", status=status, failures=0, refusals=0, due=LAST + timedelta(weeks=9), at=LAST)
    )


async def test_a_post_that_is_dated_into_the_future_hides_no_silence(store: SqliteStore) -> None:
    arrive(store, mention(999, created_at=LAST + timedelta(days=9000)))
    _read_until_last(store)
    await Listener(store, ZONE, lambda: LAST + timedelta(days=8)).step()
    assert store.sources.all()[0].silent_since == LAST


async def test_a_silence_is_told_once_and_so_is_its_end(store: SqliteStore) -> None:
    _read_until_last(store)
    now = LAST + timedelta(days=1)
    asker = Asker(CONFIG, store, lambda: now)
    asker.catch_up()
    await Listener(store, ZONE, lambda: now).step()
    assert store.sources.all()[0].silent_since is None
    now = LAST + timedelta(days=8)
    for _ in range(2):  # a second one as after a restart
        await Listener(store, ZONE, lambda: now).step()
        asker.step()
    assert store.sources.all()[0].silent_since == LAST
    arrive(store, mention(500, created_at=now))
    await Listener(store, ZONE, lambda: now).step()
    await Listener(store, ZONE, lambda: now).step()
    asker.step()
    bodies = [
        json.loads(one.body)
        for one in store.messages.due("slack", now + timedelta(hours=1), 100)
        if one.kind == "notice"
    ]
    assert [body["code"] for body in bodies] == ["source_silent", "source_heard"]
    said = told(bodies[0], Words("en", ZONE))
    assert said.startswith("Nothing new from shop since Mon 2 Feb 01:00, where about 24") and said.endswith("was 8 hrs")
    assert store.sources.all()[0].silent_since is None


@pytest.mark.parametrize("why", ["a file", "fails", "fetched from the past"])
async def test_no_silence_is_told_of(store: SqliteStore, why: str) -> None:
    late = timedelta(days=30) if why == "fetched from the past" else timedelta(minutes=5)
    _read_until_last(store, kind="file" if why == "a file" else "rss", after=late)
    if why == "fails":
        _polled(store, "failing")
    await Listener(store, ZONE, lambda: LAST + timedelta(days=20)).step()
    assert store.sources.notices() == []


async def test_no_look_reads_a_whole_table(store: SqliteStore) -> None:
    _read_until_last(store)
    asked: list[str] = []
    store._engine.connection.set_trace_callback(asked.append)
    store.silences.newest(LAST)
    store.silences.written("shop", MOST, LAST)
    store.channels.claim_due(START, START, 4)
    store.channels.next_due()
    store._engine.connection.set_trace_callback(None)
    plans = {
        str(row["detail"])
        for query in asked
        if query.startswith(("SELECT", "UPDATE"))
        for row in store._engine.rows(f"EXPLAIN QUERY PLAN {query}")
    }
    assert any("idx_mention_written" in plan for plan in plans)
    assert not any(plan.startswith("SCAN mention") or "B-TREE" in plan for plan in plans)
