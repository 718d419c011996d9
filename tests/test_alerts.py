"""What goes on is told once in a while, together with the rest, not at night, and with a reason to believe it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alert_options import AlertOptions
from monitor.alerts import cools_down, tell_at, unmuted
from monitor.contract import Receipt
from monitor.model import Decision
from monitor.options import Config, SlackOptions
from monitor.people import people_of
from monitor.spreading import spreads
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from responders.alerting import LOOK_EVERY
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.notices import told
from responders.words import Words
from tests.made import NOON, arrive, draft_all, mention

BRATISLAVA = ZoneInfo("Europe/Bratislava")
SLACK = SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C0DRAFTS")  # type: ignore[arg-type]


class Place:
    def __init__(self, folder: Path, **alerts: Any) -> None:
        self.now = NOON
        self.config = Config(slack=SLACK, alerts=AlertOptions(**alerts))
        self.store = SqliteStore(folder / "ohlas.db")
        self.asker = Asker(self.config, self.store, lambda: self.now)
        self.asker.catch_up()

    def look(self, forward: timedelta = LOOK_EVERY) -> None:
        self.now += forward
        self.asker.step()

    def told(self, code: str) -> list[dict[str, Any]]:
        """What stands in the outbox with this code, each with the moment when it goes out."""
        later = self.now + timedelta(days=30)
        rows = [one for one in self.store.messages.due("slack", later, 1000) if one.kind == "notice"]
        found = [json.loads(one.body) | {"due": one.due, "draft": one.draft_id} for one in rows]
        return [one for one in found if one["code"] == code]

    def answered(self, post: str, people: int, minutes: float = 20.0, start: int = 1, days: float = 0.0) -> None:
        """So many people answer a post, one every few minutes, until `days` ago."""
        arrive(
            self.store,
            *(
                mention(
                    start + number,
                    thread=post,
                    author=f"Ján {start + number}",
                    created_at=self.now - timedelta(days=days, minutes=minutes * number),
                )
                for number in range(people)
            ),
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    opened = Place(tmp_path)
    yield opened
    opened.store.close()


# --- when


def test_a_clock_that_was_ahead_silences_nothing(place: Place) -> None:
    """Told next year, by a machine whose clock was wrong until it was set right."""
    place.now += timedelta(days=365)
    place.asker.alerter.goes_on("spike", "", place.now, count=9, usual=1.0, aspect="", share=0)
    place.look()
    place.now = NOON
    place.answered("p1", 12)
    place.look()
    assert [one["people"] for one in place.told("spreading")] == [9]  # of the last three hours
    place.asker.alerter.goes_on("spike", "", place.now, count=8, usual=1.0, aspect="", share=0)
    assert [one["count"] for one in place.told("spike")] == [8]


@pytest.mark.parametrize(
    ("local", "told_at"),
    [
        ("2026-11-20 19:59", "2026-11-20 19:59"),
        ("2026-11-20 20:00", "2026-11-21 07:00"),
        ("2026-11-21 00:30", "2026-11-21 07:00"),
        ("2026-11-21 07:00", "2026-11-21 07:00"),
        ("2026-12-31 23:00", "2027-01-01 07:00"),
        ("2026-10-24 23:00", "2026-10-25 07:00"),  # an hour longer than other nights
        ("2027-03-27 23:00", "2027-03-28 07:00"),  # an hour shorter
    ],
)
def test_muted_hours_end_in_the_morning_whatever_the_clocks_do(local: str, told_at: str) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=BRATISLAVA).astimezone(UTC)
    expected = datetime.fromisoformat(told_at).replace(tzinfo=BRATISLAVA)
    assert unmuted(at, "20:00-07:00", BRATISLAVA) == expected


@given(st.integers(0, 2 * 365 * 1440), st.integers(0, 1439))
def test_nothing_is_told_early_and_nothing_a_day_late(minute: int, begin: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    muted = f"{begin // 60:02}:{begin % 60:02}-{(begin // 60 + 9) % 24:02}:{begin % 60:02}"
    told_at = unmuted(at, muted, BRATISLAVA)
    assert at <= told_at <= at + timedelta(hours=10)  # nine, and the one that a night in autumn has twice
    assert unmuted(told_at, muted, BRATISLAVA) == told_at


def test_what_goes_on_is_told_again_when_it_has_cooled_down() -> None:
    options = AlertOptions(cool_down=6)
    assert not cools_down(None, NOON, options, BRATISLAVA)
    assert cools_down(NOON, NOON + timedelta(hours=5, minutes=59), options, BRATISLAVA)
    assert not cools_down(NOON, NOON + timedelta(hours=6), options, BRATISLAVA)
    assert tell_at(NOON, AlertOptions(gather=3), BRATISLAVA) == NOON + timedelta(minutes=3)


# --- a post that spreads


def test_a_post_that_many_answer_is_told_with_its_numbers(place: Place) -> None:
    place.answered("post-1", people=8)
    place.look()
    [alert] = place.told("spreading")
    assert (alert["people"], alert["source"], alert["usual"]) == (8, "shop", 1.0)
    assert alert["url"].startswith("https://")
    place.look()
    assert len(place.told("spreading")) == 1
    place.look(timedelta(hours=2))
    place.answered("post-1", people=8, start=50)
    place.look(timedelta(hours=4))
    assert len(place.told("spreading")) == 1, "what was said in the afternoon is no news in the evening"
    place.answered("post-1", people=9, start=80)
    place.look()
    assert len(place.told("spreading")) == 2


def test_where_many_always_answer_eight_are_no_news(place: Place) -> None:
    for week in range(4):
        place.answered(f"old-{week}", people=9, start=100 * (week + 1), days=3 + 5 * week)
    place.answered("post-1", people=8)
    place.look()
    assert place.told("spreading") == []


def test_one_person_who_writes_ten_times_spreads_nothing(place: Place) -> None:
    arrive(place.store, *(mention(number, thread="post-1", author="Eva Malá", created_at=NOON) for number in range(10)))
    place.look()
    assert place.told("spreading") == []


def test_people_without_names_are_people(place: Place) -> None:
    arrive(place.store, *(mention(number, thread="post-1", author="", created_at=NOON) for number in range(10)))
    place.look()
    [alert] = place.told("spreading")
    assert alert["people"] == 10


@pytest.mark.parametrize("usual", [1.2, 2.0, 4.0])
def test_threads_of_the_usual_size_are_hardly_ever_told(usual: float) -> None:
    """100,000 threads, their sizes by chance around what is usual (one answer, and more as rare events come)."""
    dice = random.Random(7)
    sizes = (1 + sum(dice.random() < (usual - 1) / 40 for _ in range(40)) for _ in range(100_000))
    assert sum(spreads(size, usual) for size in sizes) <= 50


# --- a promise that was broken


def acknowledged(place: Place) -> int:
    """A customer reads that he gets an answer within two hours."""
    arrive(place.store, mention(1))
    [draft] = draft_all(place.store, now=place.now)
    connection = place.store._engine.connection
    connection.execute(
        "UPDATE draft SET purpose = 'acknowledgement', promised = ? WHERE id = ?",
        ((place.now + timedelta(hours=2)).timestamp(), draft),
    )
    rules = Rules(people=people_of(place.config), grace=timedelta(), check=lambda _draft, _text, _actor: ())
    decide(place.store.drafts, Decision(draft_id=draft, rev=1, action="approve", actor="you", via="page"), rules, NOON)
    [due] = place.store.publications.due(place.now)
    publication = place.store.publications.begin(due, ["you"], place.now)
    assert publication is not None
    place.store.publications.finish(publication, Receipt(id="1"), None, place.now)
    return draft


def test_a_broken_promise_is_told_with_the_longest_one(place: Place) -> None:
    draft = acknowledged(place)
    place.look(timedelta(hours=1))
    assert place.told("overdue") == []
    place.look(timedelta(hours=1, minutes=5))
    [alert] = place.told("overdue")
    assert (alert["count"], alert["reference"], alert["draft"]) == (1, "OH-00001", draft)
    words = Words("sk", BRATISLAVA)
    assert told(alert, words).startswith("1 zákazník nemá odpoveď, hoci sme mu ju sľúbili; najdlhšie čaká OH-00001")
    place.look(timedelta(hours=7))
    assert len(place.told("overdue")) == 2


# --- sources, muted hours, and what nobody wants


def test_at_night_what_is_not_urgent_waits_and_comes_together(tmp_path: Path) -> None:
    place = Place(tmp_path, muted="20:00-07:00")
    place.look(timedelta(hours=9))  # 22:00 in Bratislava
    for source in ("shop", "forum"):
        record = PollRecord(
            source=source,
            status="failing",
            failures=3,
            refusals=0,
            due=None,
            at=place.now,
            error="no answer",
            notice="unreachable",
        )
        place.store.sources.record(record)
    place.answered("post-1", people=9)
    place.look()
    morning = datetime(2026, 11, 22, 7, 0, tzinfo=BRATISLAVA)
    waiting = [*place.told("unreachable"), *place.told("spreading")]
    assert [one["due"] for one in waiting] == [morning] * 3
    place.store.close()


def test_what_goes_on_all_night_is_told_once_in_the_morning_and_when_it_was(tmp_path: Path) -> None:
    """And not again before it has cooled down from then on."""
    place = Place(tmp_path, muted="20:00-07:00")
    place.now = datetime(2026, 11, 21, 21, 0, tzinfo=BRATISLAVA)
    for _ in range(15):
        place.now += timedelta(hours=1)
        place.asker.alerter.goes_on("spike", "", place.now, count=9, usual=1.0, aspect="", share=0)
    [night] = place.told("spike")
    assert night["due"] == datetime(2026, 11, 22, 7, 0, tzinfo=BRATISLAVA)
    assert told(night, Words("sk", BRATISLAVA)).startswith("so 21. 11. 22:00: Sťažností za dve hodiny: 9")
    place.now += timedelta(hours=1)
    place.asker.alerter.goes_on("spike", "", place.now, count=8, usual=1.0, aspect="", share=0)
    assert told(place.told("spike")[1], Words("sk", BRATISLAVA)).startswith("Sťažností za dve hodiny: 8")
    place.store.close()


def test_what_nobody_wants_is_not_looked_for(tmp_path: Path) -> None:
    place = Place(tmp_path, off=("spreading",))
    place.answered("post-1", people=9)
    place.look()
    assert place.told("spreading") == []
    place.store.close()


def test_two_that_look_at_once_tell_it_once(place: Place) -> None:
    other = Asker(place.config, place.store, lambda: place.now)
    place.answered("post-1", people=9)
    place.now += LOOK_EVERY
    before = place.store.alerts.told("spreading", "shop\x1fpost-1")
    other.step()
    place.store.alerts.tell("spreading", "shop\x1fpost-1", before, place.now)
    place.asker.step()
    assert len(place.told("spreading")) == 1
    assert place.store.alerts.told("spreading", "shop\x1fpost-1").times == 1
