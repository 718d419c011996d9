"""Budgets: their windows, how reading is spread over them, and that what was spent is not forgotten."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import budgets
from monitor.budgets import Budget, CanBudget, Day, Month, Rolling, Sharing, Spending, Window, account_of, window_of
from monitor.contract import Page
from monitor.errors import BudgetSpent, TemporaryError
from monitor.ledger import Ledger
from monitor.polling import Poller
from monitor.schedule import LONGEST_WAIT
from monitor.store.sqlite import SqliteStore
from tests.loopback import Loopback
from tests.made import NOON
from tests.running import Running
from tests.x_platform import ACCOUNT, BEARER, NUMBER, XPlatform, post

PACIFIC = Day("America/Los_Angeles")
HOUR, DAY = 3600.0, 86_400.0


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def made(limit: float, window: Window, **more: Any) -> Budget:
    return Budget(account="made:1", name="requests", limit=limit, window=window, **more)


def when(*parts: int, zone: str = "UTC") -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


# ---- windows


@pytest.mark.parametrize(
    ("window", "moment", "begun", "length"),
    [
        (PACIFIC, when(2026, 11, 21, 12), when(2026, 11, 21, zone=PACIFIC.zone), 24),
        (PACIFIC, when(2026, 3, 8, 12), when(2026, 3, 8, zone=PACIFIC.zone), 23),  # clocks go forward
        (PACIFIC, when(2026, 11, 1, 9, 30), when(2026, 11, 1, zone=PACIFIC.zone), 25),  # the hour that comes twice
        (PACIFIC, when(2026, 11, 21, 7, 59), when(2026, 11, 20, zone=PACIFIC.zone), 24),
        (Day(), when(2026, 3, 29, 0, 30, zone="Europe/Bratislava"), when(2026, 3, 28), 24),
        (Month(), when(2026, 2, 28, 23, 59), when(2026, 2, 1), 28 * 24),
        (Month(), when(2026, 12, 31, 12), when(2026, 12, 1), 31 * 24),
    ],
)
def test_windows_of_the_calendar(window: Window, moment: datetime, begun: datetime, length: int) -> None:
    slot = window.slot(moment)
    assert slot == window.oldest(moment) == begun.timestamp()
    assert window.forgets(slot) - begun.astimezone(UTC) == timedelta(hours=length)
    assert window_of(str(window)) == window


@given(
    window=st.sampled_from([Day(), PACIFIC, Day("Europe/Prague"), Month(), Rolling(900), Rolling(1)]),
    moment=st.integers(1_735_689_600, 1_893_456_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
)
def test_what_was_spent_counts_until_it_is_forgotten(window: Window, moment: datetime) -> None:
    slot = window.slot(moment)
    end = window.forgets(slot)
    assert slot <= moment.timestamp() < end.timestamp()
    assert window.oldest(end - timedelta(milliseconds=1)) <= slot < window.oldest(end + timedelta(milliseconds=1))


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(1, 5)), max_size=60))
def test_no_stretch_of_time_ever_holds_more_than_a_rolling_budget(tries: list[tuple[float, int]]) -> None:
    clock = Clock()
    meter = Ledger(clock=clock).meter(made(10, Rolling(900)))
    taken: list[tuple[float, int]] = []
    for pause, amount in tries:
        clock.go(pause)
        try:
            meter.take(amount)
        except BudgetSpent as refused:
            assert clock.now < refused.until <= clock.now + timedelta(seconds=900 + 75)
        else:
            taken.append((clock.now.timestamp(), amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 900) <= 10


# ---- spreading


@dataclass
class Life:
    """Sources that share a budget, through one day after another: the same decisions as the poller's, without it."""

    budget: Budget
    wishes: list[tuple[float, float]]  # interval and cost of each source
    clock: Clock = field(default_factory=lambda: Clock(when(2026, 11, 21)))
    polls: dict[int, list[float]] = field(default_factory=dict)

    def live(self, seconds: float) -> None:
        meter = Ledger(clock=self.clock).meter(self.budget)
        wanted = sum(cost / interval for interval, cost in self.wishes)
        begun = self.clock.now.timestamp()
        due = [(begun + number * 0.001, number) for number in range(len(self.wishes))]
        while due[0][0] < begun + seconds:
            at, number = heapq.heappop(due)
            usual, cost = self.wishes[number]
            self.clock.now = datetime.fromtimestamp(at, UTC)
            try:
                meter.take(cost)
            except BudgetSpent as refused:
                jitter = min(usual, refused.retry_after or 0) * (number % 10) / 10
                following = min(refused.until.timestamp(), at + LONGEST_WAIT) + jitter
            else:
                self.polls.setdefault(number, []).append(at)
                spending = meter.ledger.spending(self.budget)
                following = at + budgets.interval(self.budget, spending, wanted, usual, self.clock.now)
            heapq.heappush(due, (max(following, at + 0.001), number))

    def spent(self, start: float, end: float) -> float:
        return sum(self.wishes[number][1] for number, at in self.polls.items() for one in at if start <= one < end)


@settings(max_examples=25, deadline=None)
@given(
    wishes=st.lists(st.tuples(st.floats(300, 7200), st.sampled_from([1.0, 2.0, 5.0])), min_size=1, max_size=25),
    limit=st.integers(150, 3000),
    reserve=st.sampled_from([0.0, 10.0]),
)
def test_a_days_budget_lasts_the_day_and_nobody_starves(
    wishes: list[tuple[float, float]], limit: int, reserve: float
) -> None:
    life = Life(made(limit, Day(), reserve=reserve), wishes)
    begun, readable = life.clock.now.timestamp(), limit - reserve
    life.live(3 * DAY)
    scarcity = max(1.0, sum(cost / interval for interval, cost in wishes) * DAY / readable)
    for day in range(3):
        assert life.spent(begun + day * DAY, begun + (day + 1) * DAY) <= readable
        assert life.spent(begun + day * DAY, begun + (day + 0.5) * DAY) <= 0.6 * readable + 5, "gone by noon"
    for number, (interval, _) in enumerate(wishes):
        moments = [begun, *life.polls[number], begun + 3 * DAY]
        longest = max(after - before for before, after in itertools.pairwise(moments))
        assert longest <= 2 * interval * scarcity + HOUR, (number, longest, interval * scarcity)
    if scarcity > 1.2:
        assert life.spent(begun + DAY, begun + 2 * DAY) >= 0.7 * readable - 5, "what there is, is used"


def test_who_has_plenty_is_not_slowed_down() -> None:
    budget = made(10_000, PACIFIC, reserve=1000)
    assert budgets.interval(budget, Spending(), 10 / 900, 900, NOON) == 900
    assert budgets.interval(made(325, Rolling(300)), Spending(), 0.9, 60, NOON) == 60
    assert budgets.interval(made(325, Rolling(300)), Spending(), 2.0, 60, NOON) == 120


def test_a_platform_that_counts_as_we_do_slows_nobody_down() -> None:
    budget = made(325, Rolling(300))
    spending = Spending({budget.window.slot(NOON): 200}, left=125, until=NOON.timestamp() + 300)
    assert budgets.interval(budget, spending, 1.0, 60, NOON) == 60
    spending.left = 50  # somebody else takes too
    assert budgets.interval(budget, spending, 1.0, 60, NOON) > 200


def test_what_a_platform_says_comes_before_what_is_counted() -> None:
    clock = Clock()
    meter = Ledger(clock=clock).meter(made(300, Day()))
    meter.observe(2, HOUR)
    meter.take(2)
    with pytest.raises(BudgetSpent) as caught:
        meter.take(1)
    assert (caught.value.until, caught.value.retry_after) == (NOON + timedelta(hours=1), HOUR)
    clock.go(HOUR)
    meter.take(1)


def test_only_answers_may_use_the_reserve() -> None:
    meter = Ledger(clock=Clock(NOON + timedelta(hours=11.99))).meter(made(100, Day(), reserve=50))
    meter.take(50)
    with pytest.raises(BudgetSpent, match="100 requests a day until 2026-11-22 00:00 UTC"):
        meter.take(1)
    meter.take(50, writing=True)
    with pytest.raises(BudgetSpent):
        meter.take(1, writing=True)


def test_a_request_that_fails_gives_back_what_was_held_for_it() -> None:
    meter = Ledger(clock=Clock()).meter(made(10, Month(), unit="USD"))
    with pytest.raises(TemporaryError), meter.holding(9):
        with pytest.raises(BudgetSpent) as caught:
            meter.take(2)
        assert caught.value.retry_after == 10, "nobody else can spend it meanwhile, but soon perhaps"
        raise TemporaryError("no answer")
    with meter.holding(9) as held:
        held.used = 0.125
    assert meter.left() == 9.875


@pytest.mark.parametrize("window", [Rolling(HOUR), PACIFIC, Month()], ids=str)
def test_what_was_spent_while_the_clock_was_years_ahead_closes_no_budget(store: SqliteStore, window: Window) -> None:
    clock, budget = Clock(NOON + timedelta(days=3650)), made(10, window)
    meter = Ledger(clock=clock).meter(budget)
    meter.take(10, writing=True)
    meter.close(HOUR)
    save(store, meter.ledger, clock.now)
    clock.now = NOON
    for ledger in (meter.ledger, Ledger(store.budgets.known(), clock)):
        ledger.meter(budget).take(5, writing=True)


@pytest.mark.parametrize("window", [Rolling(HOUR), PACIFIC, Month()], ids=str)
def test_a_clock_set_back_a_little_forgets_nothing(window: Window) -> None:
    clock = Clock(when(2026, 12, 1, 8, 5))  # a new month, day and hour in all these zones
    meter = Ledger(clock=clock).meter(made(10, window))
    meter.take(10, writing=True)
    clock.go(-600)
    with pytest.raises(BudgetSpent):
        meter.take(1, writing=True)


def test_a_pause_that_is_told_while_others_are_saved_is_saved_too(store: SqliteStore) -> None:
    meter = Ledger(clock=Clock()).meter(made(10, Day()))
    meter.take(1)
    booked = meter.ledger.unwritten()
    meter.close(HOUR)
    store.budgets.record(booked, NOON)
    meter.ledger.written(booked)
    save(store, meter.ledger)
    assert Ledger(store.budgets.known(), Clock()).meter(meter.budget).left() == 0


def test_an_account_is_named_without_its_secret() -> None:
    named = account_of("youtube", "AIza-canary-1111")
    assert named == account_of("youtube", "AIza-canary-1111") != account_of("youtube", "AIza-canary-2222")
    assert named.startswith("youtube:") and "canary" not in named and len(named) == len("youtube:") + 10
    assert account_of("stackexchange", "") == "stackexchange"


# ---- what people hear


@pytest.mark.parametrize(
    ("budget", "amount", "hours", "told"),
    [
        (made(100, Day()), 80, 12, 0.8),
        (made(100, Day()), 80, 20, 0.0),  # it will last
        (made(100, Day()), 100, 20, 1.0),
        (made(100, Day()), 79, 1, 0.0),
        (made(100, Month(), unit="USD"), 80, 29 * 24, 0.8),
        (made(100, Rolling(300)), 100, 1, 0.0),
    ],
)
def test_when_people_hear_that_a_budget_ends(budget: Budget, amount: float, hours: int, told: float) -> None:
    now = when(2026, 11, 1) + timedelta(hours=hours)
    spending = Spending({budget.window.slot(now): amount})
    assert budgets.telling(budget, spending, now, refused=False) == told
    spending.told, spending.told_in = told, budget.window.slot(now)
    assert budgets.telling(budget, spending, now, refused=False) == 0, "once a window"


# ---- what is kept


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def save(store: SqliteStore, ledger: Ledger, now: datetime = NOON) -> None:
    booked = ledger.unwritten()
    store.budgets.record(booked, now)
    ledger.written(booked)


def test_what_was_spent_is_known_after_a_restart(store: SqliteStore) -> None:
    clock, budget = Clock(), made(10, PACIFIC, reserve=1)
    store.budgets.configure({budget: ["one", "two"]})
    ledger = Ledger(clock=clock)
    ledger.meter(budget).take(2, writing=True)
    booked = ledger.unwritten()
    ledger.meter(budget).take(1, writing=True)  # while that is being saved
    store.budgets.record(booked, NOON)
    ledger.written(booked)
    save(store, ledger)
    assert ledger.unwritten() == []
    later = Ledger(store.budgets.known(), clock).meter(budget)
    assert later.left(writing=True) == 7
    clock.go(20 * HOUR)
    assert later.left(writing=True) == 10
    later.take(5, writing=True)
    save(store, later.ledger, clock.now)
    [row] = store.budgets.all()
    assert (row.budget, row.sources, [*row.spending.spent.values()]) == (budget, ("one", "two"), [5])


def test_what_is_given_back_is_saved_too(store: SqliteStore) -> None:
    ledger = Ledger(clock=Clock())
    money = made(10, Month(), unit="USD")
    with ledger.meter(money).holding(4) as held:
        save(store, ledger)  # a crash now leaves it counted
        assert Ledger(store.budgets.known(), Clock()).meter(money).left() == 6
        held.used = 0.5
    save(store, ledger)
    assert Ledger(store.budgets.known(), Clock()).meter(money).left() == 9.5


def test_people_hear_once_that_money_ends(store: SqliteStore) -> None:
    clock, money = Clock(), replace(made(10, Month(), unit="USD"), name="money")
    store.budgets.configure({money: [f"shop-{n}" for n in range(7)]})
    meter = Ledger(clock=clock).meter(money)
    for amount in (7.9, 0.2, 0.2, 1.7):
        meter.take(amount)
        save(store, meter.ledger, clock.now)
    meter = Ledger(store.budgets.known(), clock).meter(money)
    with pytest.raises(BudgetSpent):
        meter.take(1)
    save(store, meter.ledger, clock.now)
    told = [(one.code, one.source, one.text) for one in reversed(store.sources.notices())]
    names = "shop-0, shop-1, shop-2, shop-3, shop-4, …"
    assert told == [("budget_low", names, "$10 a month"), ("budget_spent", names, "$10 a month")]


# ---- the poller


class Metered:
    """A source of which every reading costs one."""

    def __init__(self, ledger: Ledger, budget: Budget) -> None:
        self.budgets: Mapping[Budget, float] = {budget: 1.0}
        self.meter = ledger.meter(budget)
        self.answers: list[TemporaryError] = []
        self.polls = 0

    async def poll(self, cursor: str) -> Page:
        self.meter.take()
        if self.answers:
            raise self.answers.pop()
        self.polls += 1
        return Page(cursor=str(self.polls))

    async def close(self) -> None:
        pass


def poller(store: SqliteStore, ledger: Ledger, clock: Clock, sources: Mapping[str, Metered], interval: float) -> Poller:
    store.sources.configure(dict.fromkeys(sources, "metered"), clock.now)
    intervals = dict.fromkeys(sources, interval)
    assert all(isinstance(one, CanBudget) for one in sources.values())
    return Poller(
        store=store, connectors=sources, intervals=intervals, clock=clock, arrived=lambda _: None, ledger=ledger
    )


async def test_a_source_whose_budget_is_spent_waits_and_is_well(store: SqliteStore) -> None:
    clock = Clock(NOON + timedelta(hours=11.9))
    ledger, budget = Ledger(clock=clock), made(40, Day())
    sources = {name: Metered(ledger, budget) for name in ("one", "two")}
    running = poller(store, ledger, clock, sources, 60)
    sources["one"].meter.take(40, writing=True)
    await running.read_due()
    assert sum(one.polls for one in sources.values()) == 0
    states = store.sources.all()
    assert [(one.status, one.failures) for one in states] == [("waiting", 0)] * 2
    assert all("40 requests a day until 2026-11-22 00:00 UTC" in one.last_error for one in states)
    assert all(one.due and when(2026, 11, 22) <= one.due <= when(2026, 11, 22, 0, 1) for one in states)
    assert (running.failures, [one.code for one in store.sources.notices()]) == (0, ["budget_spent"])
    clock.now = when(2026, 11, 22, 0, 2)
    await running.read_due()
    assert {one.status for one in store.sources.all()} == {"ok"}
    assert len(store.sources.notices()) == 1, "that a source was well again is no news: it was well"


async def test_a_failing_source_that_waits_is_still_failing(store: SqliteStore) -> None:
    clock = Clock()
    ledger, budget = Ledger(clock=clock), made(100, Day())
    source = Metered(ledger, budget)
    running = poller(store, ledger, clock, {"one": source}, 60)
    source.answers = [TemporaryError("no answer")]
    await running.read_due()
    source.meter.close(HOUR)
    clock.go(120)
    await running.read_due()
    assert store.sources.all()[0].status == "failing"
    clock.go(2 * HOUR)
    await running.read_due()
    assert [one.code for one in store.sources.notices()] == ["recovered", "unreachable"]


async def test_sources_that_share_a_budget_share_its_pace(store: SqliteStore) -> None:
    clock = Clock(when(2026, 11, 21, 1))
    ledger, budget = Ledger(clock=clock), made(240, Day())
    sources = {f"s{n}": Metered(ledger, budget) for n in range(10)}
    running = poller(store, ledger, clock, sources, 900)
    await running.read_due()
    [due] = {round((one.due - clock.now).total_seconds() / 900) for one in store.sources.all() if one.due}
    assert due == 4, "ten every quarter of an hour would be 960 a day"


def test_where_sources_disagree_about_a_limit_the_least_is_shown() -> None:
    small, large = made(100, Day()), made(200, Day())
    sharing = Sharing(
        {"one": {large: 1.0}, "two": {small: 1.0}, "three": {}}, dict.fromkeys(("one", "two", "three"), 60)
    )
    assert sharing.sharers() == {small: ["one", "two"]}
    assert sharing.wanted() == {small.key: 2 / 60}


# ---- the whole service

CONFIG = """
[company]
name = "Púpava"
contact = "pomoc@pupava.example"
[page]
port = 0
[service]
allow_private = ["127.0.0.0/8"]
"""
SOURCE = """
[sources.{name}]
kind = "x"
account = "{account}"
interval = {interval}
monthly_cap = {cap}
base_url = "{url}"
"""


async def test_money_is_not_spent_twice_over_kills_and_restarts(tmp_path: Path) -> None:
    """Each answer of the platform costs; after every kill -9 the service knows what it has spent."""
    cap, platform = 3.0, XPlatform(left=10**6, reset=str(int(datetime.now(UTC).timestamp()) + 900))
    fresh = iter(range(2_100_000_000_000_000_000, 2_200_000_000_000_000_000, 1_000_000))

    def answer(asked: Any) -> Any:
        platform.posts[:0] = [post(next(fresh), "@pupava Kde je balík?", str(n)) for n in range(11, 16)][::-1]
        return platform(asked)

    async with Loopback(answer) as server:
        given = f'bearer_token = "{BEARER}"\naccount_id = "{NUMBER}"\n'
        sources = "".join(
            SOURCE.format(name=name, account=ACCOUNT, interval=1, cap=cap, url=server.origin) + given
            for name in ("one", "two")
        )
        (tmp_path / "config.toml").write_text(CONFIG + sources)
        for kill in range(2):
            asked = len(platform.asked)
            async with Running(tmp_path) as service:
                while len(platform.asked) < asked + 1 and platform.bill < 2:
                    server.arrived.clear()
                    await server.arrived.wait()
                if kill % 2:
                    assert await service.stop() == 0
                else:
                    service.kill()
    with_crashes = SqliteStore(tmp_path / "state" / "ohlas.db")
    [row] = [one for one in with_crashes.budgets.all() if one.budget.name == "money"]
    with_crashes.close()
    counted = sum(row.spending.spent.values())
    lost = 3 * 2 * 5 * 0.011  # what two sources had asked for when they were killed
    assert platform.bill <= cap and row.sources == ("one", "two")
    assert counted >= platform.bill - lost


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Rolling(60), "a minute"),
        (Rolling(900), "in 15 minutes"),
        (Rolling(3600), "an hour"),
        (Rolling(86_400), "in 24 hours"),
    ],
)
def test_a_quota_is_told_as_people_say_it(window: Window, words: str) -> None:
    assert budgets.in_words(made(1000, window)) == f"1,000 requests {words}"
