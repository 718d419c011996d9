"""What is kept is looked at again: who is asked when, what becomes of it, and what was not looked at in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from monitor.contract import CanLookAgain, MustLookAgain, Page
from monitor.errors import AuthError, BudgetSpent, TemporaryError
from monitor.looking import Looker
from monitor.retention import CATCHING_UP, Keeper, look_within
from monitor.retention_options import RetentionOptions
from monitor.settings import connector_kinds
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from tests.connecting import sharing, used
from tests.made import NOON, arrive, mention
from tests.x_platform import ACCOUNT, KEYS, XPlatform, post

DAY = timedelta(days=1)


@dataclass
class Board:
    """A platform of posts that are deleted and edited; `fails` is what it raises instead, once."""

    deleted: set[str] = field(default_factory=set)
    edited: dict[str, str] = field(default_factory=dict)
    fails: Exception | None = None
    asked: list[list[str]] = field(default_factory=list)
    look_every: timedelta = DAY
    look_within: timedelta = 30 * DAY
    looks_at_once: int = 2

    async def look_again(self, ids: Sequence[str]) -> Page:
        self.asked.append(list(ids))
        if self.fails is not None:
            fault, self.fails = self.fails, None
            raise fault
        changed = tuple(
            replace(mention(int(one[1:])), text=self.edited[one], url="", raw={}) for one in ids if one in self.edited
        )
        return Page(mentions=changed, gone=tuple(one for one in ids if one in self.deleted), looked=tuple(ids))


@dataclass
class Place:
    store: SqliteStore
    now: datetime = NOON
    sources: dict[str, Any] = field(default_factory=lambda: {"shop": Board()})
    saved: int = 0
    edited: int = 0

    def __post_init__(self) -> None:
        self.looker = Looker(self.store, self.sources, lambda: self.now, self._note, self._save)
        self.store.sources.configure(dict.fromkeys(self.sources, "made"), NOON)

    def _note(self, edited: int) -> None:
        self.edited += edited

    async def _save(self) -> None:
        self.saved += 1

    @property
    def board(self) -> Board:
        board: Board = self.sources["shop"]
        return board

    async def later(self, by: timedelta, steps: int = 1) -> None:
        self.now += by
        for _ in range(steps):
            await self.looker.step()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = SqliteStore(tmp_path / "ohlas.db")
    arrive(store, *(mention(n, raw={"video": "v"}) for n in (1, 2, 3)))
    yield Place(store)
    store.close()


def test_the_board_keeps_the_contract() -> None:
    assert isinstance(Board(), CanLookAgain) and isinstance(Board(), MustLookAgain)


async def test_what_was_not_looked_at_for_longest_comes_first(place: Place) -> None:
    await place.later(DAY / 2, steps=2)
    assert place.board.asked == []
    await place.later(DAY / 2, steps=1)
    await place.later(DAY / 2, steps=2)
    assert place.board.asked == [["m1", "m2"], ["m3"]]
    await place.later(DAY / 2, steps=2)
    assert place.board.asked[2:] == [["m1", "m2"]]
    assert place.saved == 3, "what was paid for is known before what it brought"


async def test_what_was_deleted_or_edited_there_is_so_here(place: Place) -> None:
    place.board.deleted, place.board.edited = {"m2"}, {"m1": "Už prišiel."}
    await place.later(DAY, steps=2)
    first = place.store.mentions.get(1)
    assert first and (first.text, first.url, first.raw) == ("Už prišiel.", mention(1).url, {"video": "v"})
    assert place.edited == 1
    assert place.store.erasing.gone("shop", place.now, 10) == [2]
    await place.later(DAY, steps=3)
    assert place.board.asked[2:] == [["m1", "m3"]], "what is gone is asked about no more"


async def test_a_source_that_fails_is_left_alone_and_holds_nobody_up(place: Place) -> None:
    place.sources["forum"] = Board()
    place.store.sources.configure({"shop": "made", "forum": "made"}, NOON)
    arrive(place.store, mention(9, source="forum"))
    place.board.fails = TemporaryError("no", retry_after=7200.0)
    await place.later(DAY, steps=2)
    assert len(place.board.asked) == 1 and place.sources["forum"].asked == [["m9"]]
    await place.later(timedelta(hours=1, minutes=59))
    assert len(place.board.asked) == 1
    place.board.fails = BudgetSpent("none left", until=place.now + DAY, now=place.now)
    await place.later(timedelta(minutes=2), steps=2)
    assert len(place.board.asked) == 2
    await place.later(DAY)
    assert place.board.asked[2] == ["m1", "m2"], "nothing counts as looked at where nobody answered"


async def test_after_a_fault_of_ours_the_others_have_their_turn(place: Place) -> None:
    place.sources["forum"] = Board()
    place.store.sources.configure({"shop": "made", "forum": "made"}, NOON)
    arrive(place.store, mention(9, source="forum"))
    place.board.fails = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await place.later(DAY)
    await place.later(timedelta(minutes=1))
    assert place.sources["forum"].asked == [["m9"]] and len(place.board.asked) == 1


async def test_where_it_cannot_be_read_it_is_not_asked(place: Place) -> None:
    stopped = PollRecord(source="shop", status="stopped", failures=1, refusals=1, due=None, at=NOON, error="401")
    place.store.sources.record(stopped)
    await place.later(DAY)
    assert place.board.asked == []


async def test_what_could_not_be_looked_at_in_time_loses_its_words(place: Place) -> None:
    keeper = Keeper(
        place.store,
        RetentionOptions(unanswered=0, answered=0),
        place.sources,
        ZoneInfo("Europe/Bratislava"),
        lambda: place.now,
    )
    await place.later(DAY)  # m1 and m2
    place.board.fails = AuthError("the key was taken back")
    await place.later(29 * DAY)
    await keeper.step()
    assert [bool(one and one.text) for one in map(place.store.mentions.get, (1, 2, 3))] == [True, True, True]
    place.now += CATCHING_UP  # after a long stop it is looked at first
    await keeper.step()
    assert [bool(one and one.text) for one in map(place.store.mentions.get, (1, 2, 3))] == [True, True, False]
    assert place.store.mentions.count() == 3


async def test_what_was_deleted_on_x_is_deleted_here(tmp_path: Path) -> None:
    """Read, looked at a day later, and emptied, at the price that X asks for that."""
    platform = XPlatform(posts=[post(2_123_808_585_933_651_968 + n, f"@pupava {n}", str(n)) for n in (3, 2, 1)])
    store = SqliteStore(tmp_path / "ohlas.db")
    async with sharing("x", platform, {"account": ACCOUNT, **KEYS}) as (ledger, (source,)):
        now = NOON
        sources = {"source-0": source}
        store.sources.configure({"source-0": "x"}, NOON)
        with time_machine.travel(NOON, tick=False):
            store.mentions.save_page("source-0", await source.poll(""), None, NOON)
        platform.deleted.add(platform.posts[1]["id"])
        now, spent = NOON + DAY, platform.bill

        async def saved() -> None:
            return None

        with time_machine.travel(now, tick=False):
            await Looker(store, sources, lambda: now, lambda _: None, saved).step()
        assert platform.bill - spent == pytest.approx(2 * 0.005)
        assert used(ledger, source, "rechecks") == pytest.approx(2 * 0.005)
        assert used(ledger, source, "money") == pytest.approx(platform.bill)
        await Keeper(store, RetentionOptions(), sources, ZoneInfo("Europe/Bratislava"), lambda: now).step()
    assert [one.text for one in map(store.mentions.get, (1, 2, 3)) if one] == ["@pupava 3", "", "@pupava 1"]
    store.close()


async def test_so_does_what_a_source_brought_that_was_removed(place: Place) -> None:
    place.store.sources.configure({"shop": "youtube", "forum": "rss"}, NOON)
    arrive(place.store, mention(9, source="forum"))
    place.store.sources.configure({}, NOON)
    zone = ZoneInfo("Europe/Bratislava")
    keeper = Keeper(place.store, RetentionOptions(unanswered=0, answered=0), {}, zone, lambda: place.now)
    for days, kept in ((29, 4), (2, 1)):
        place.now += days * DAY
        await keeper.step()
        assert len([one for one in map(place.store.mentions.get, (1, 2, 3, 4)) if one and one.text]) == kept


def test_whose_terms_demand_it() -> None:
    assert {kind for kind in connector_kinds() if look_within(kind)} == {"youtube"} and look_within("gone") is None


def test_both_are_found_by_an_index(place: Place) -> None:
    asked: list[str] = []
    place.store._engine.connection.set_trace_callback(asked.append)
    place.store.looks.due("shop", NOON, 10)
    place.store.looks.overdue("shop", NOON, 10)
    place.store._engine.connection.set_trace_callback(None)
    plans = [row["detail"] for query in asked for row in place.store._engine.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert [plan for plan in plans if "mention" in plan] == [
        "SEARCH mention USING INDEX idx_mention_looked (source=? AND <expr><?)"
    ] * 2
    assert not [plan for plan in plans if plan.startswith("SCAN") or "TEMP" in plan]
