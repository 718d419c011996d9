"""What a platform lets an account do in a while, as requests, units or money, and how reading is spread over it.

Only values and decisions: what was spent and what time it is go in. monitor/ledger.py keeps what was spent. Slots are
the pieces in which it is counted; each is named by the Unix seconds at which it begins.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

Unit = Literal["requests", "units", "USD"]
Key = tuple[str, str]  # account and name

NEARLY = 0.8  # share of a budget at which people are told
_PIECES = 12  # in which a rolling window is counted
_FARTHEST = 2 * 86_400.0  # seconds; who closes for longer did so before the clock was set back
_AHEAD = 0.1  # share of a budget by which reading many pages may be ahead of an even pace


@dataclass(frozen=True, slots=True)
class Rolling:
    """Any `seconds` on end: an account that keeps to this is safe wherever the platform's own windows begin."""

    seconds: float

    @property
    def piece(self) -> float:
        return self.seconds / _PIECES

    def slot(self, now: datetime) -> float:
        return math.floor(now.timestamp() / self.piece) * self.piece

    def oldest(self, now: datetime) -> float:
        """The first slot that still counts."""
        return math.floor((now.timestamp() - self.seconds) / self.piece) * self.piece

    def forgets(self, slot: float) -> datetime:
        """When what was spent in `slot` counts no more."""
        return datetime.fromtimestamp(slot + self.piece + self.seconds, UTC)

    def __str__(self) -> str:
        return f"{self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Day:
    """From midnight to midnight in `zone`; 23 or 25 hours where clocks are changed."""

    zone: str = "UTC"

    def slot(self, now: datetime) -> float:
        return _midnight(now, self.zone, 0).timestamp()

    def oldest(self, now: datetime) -> float:
        return self.slot(now)

    def forgets(self, slot: float) -> datetime:
        return _midnight(datetime.fromtimestamp(slot, UTC), self.zone, 1)

    def __str__(self) -> str:
        return f"day {self.zone}"


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar, UTC."""

    def slot(self, now: datetime) -> float:
        first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return first.timestamp()

    def oldest(self, now: datetime) -> float:
        return self.slot(now)

    def forgets(self, slot: float) -> datetime:
        within = datetime.fromtimestamp(slot, UTC) + timedelta(days=32)
        return datetime.fromtimestamp(self.slot(within), UTC)

    def __str__(self) -> str:
        return "month"


Window = Rolling | Day | Month


def window_of(text: str) -> Window:
    """The opposite of `str(window)`."""
    match text.split():
        case [seconds, "s"]:
            return Rolling(float(seconds))
        case ["day", zone]:
            return Day(zone)
        case _:
            return Month()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`limit` in `unit`s in each `window`, for everything that is done with the same credentials.

    `account` comes from `account_of`; `name` tells the budgets of an account apart, and is shown to people.
    `reserve` is kept for answers and for what they need.
    """

    account: str
    name: str
    limit: float
    window: Window
    unit: Unit = "requests"
    reserve: float = 0.0

    @property
    def key(self) -> Key:
        return self.account, self.name


@runtime_checkable
class CanBudget(Protocol):
    """A source whose platform limits how much it is used. Its connector takes from `Http.ledger` before it asks."""

    @property
    def budgets(self) -> Mapping[Budget, float]:
        """What it lives on, and how much of each it usually takes to read everything once; 0 where that is not known
        beforehand, so that reading is not spread over it."""
        ...


def account_of(platform: str, *credentials: str) -> str:
    """A name for whoever the platform counts, the same for the same credentials: "youtube:3f9a02c17b". It does not give
    them away. Without any (""), the platform counts by address."""
    if not any(credentials):
        return platform
    known = "\x1f".join((platform, *credentials))
    return f"{platform}:{hashlib.sha256(known.encode()).hexdigest()[:10]}"


def in_words(budget: Budget) -> str:
    """ "10,000 units a day"."""
    match budget.window:
        case Rolling(seconds):
            each = _within(seconds)
        case Day():
            each = "a day"
        case _:
            each = "a month"
    if budget.unit == "USD":
        meant = "" if budget.name == "money" else f" for {budget.name}"
        return f"${round(budget.limit, 3):,g}{meant} {each}"
    return f"{budget.limit:,.0f} {budget.name} {each}"


def _within(seconds: float) -> str:
    usual = {60.0: "a minute", 3600.0: "an hour", 86_400.0: "in 24 hours"}
    return usual.get(seconds) or f"in {seconds / 60:g} minutes"


@dataclass(slots=True)
class Spending:
    """What was spent of one budget by slot, and what the platform itself says: that no more than `left` may be spent
    up to `until` (Unix seconds). `told` is the share of the window `told_in` that people have heard of."""

    spent: dict[float, float] = field(default_factory=dict)
    left: float = math.inf
    until: float = 0.0
    told: float = 0.0
    told_in: float = 0.0

    def observed(self, now: datetime) -> float:
        return self.left if now.timestamp() < self.until <= now.timestamp() + _FARTHEST else math.inf


def spent(budget: Budget, spending: Spending, now: datetime) -> float:
    """In the window of `now`."""
    return math.fsum(_counted(budget, spending, now).values())


def left(budget: Budget, spending: Spending, now: datetime, *, writing: bool = False) -> float:
    """How much may be spent now; never below 0. Only writing may touch the reserve."""
    kept = 0.0 if writing else budget.reserve / budget.limit
    return max(0.0, min(budget.limit * (1 - kept) - spent(budget, spending, now), spending.observed(now) * (1 - kept)))


def free_at(budget: Budget, spending: Spending, amount: float, now: datetime, *, writing: bool = False) -> datetime:
    """When `amount` can be spent, if nobody else spends anything. `now`, where it can be at once.

    Reading page after page may be ahead of an even pace by a tenth of the budget, so that a day's requests are not gone
    by noon. Money is not spread: it is spent when customers write.
    """
    even = now if writing else _even(budget, spending, now)
    moments = {budget.window.forgets(slot) for slot in spending.spent} | {_moment(spending.until)}
    later = sorted(moment for moment in moments if moment > now)
    fitting = (at for at in (now, *later) if _fits(amount, left(budget, spending, at, writing=writing)))
    return max(even, next(fitting, later[-1] if later else renewed(budget, now)))


def renewed(budget: Budget, now: datetime) -> datetime:
    """When nothing that is spent by now counts any more."""
    return budget.window.forgets(budget.window.slot(now))


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a budget is used, for people. `closed_until`: up to then its platform wants to hear nothing."""

    spent: float
    left: float  # for reading
    new_at: datetime | None  # when all of it is there again; None where nothing is used
    closed_until: datetime | None


def standing(budget: Budget, spending: Spending, now: datetime) -> Standing:
    used = spent(budget, spending, now)
    newest = max(_counted(budget, spending, now), default=None)
    return Standing(
        spent=used,
        left=left(budget, spending, now),
        new_at=budget.window.forgets(newest) if newest is not None and used else None,
        closed_until=_moment(spending.until) if spending.observed(now) <= 0 else None,
    )


def interval(budget: Budget, spending: Spending, wanted: float, usual: float, now: datetime) -> float:
    """Seconds between two rounds of a source whose `usual` interval is in seconds, so that the budget lasts.

    `wanted` is what all who share it would spend in a second, each at its usual interval. Where there is less than
    that, all of them slow down by the same factor.
    """
    seconds = _horizon(budget, spending, now)
    supply = left(budget, spending, now) / seconds if _bounded(budget, spending, now) else _steady(budget)
    pause = usual * _factor(wanted, supply)
    if pause <= seconds:
        return pause
    done = seconds / pause  # the rest of the pause passes as fast as the next window allows
    return seconds + (1 - done) * usual * _factor(wanted, _steady(budget))


def is_over(budget: Budget, spending: Spending, amount: float, at: datetime, now: datetime) -> bool:
    """Whether `amount`, which can be spent at `at` only, is more than this window of the calendar has left; rather than
    that reading was ahead of its pace, or that the platform wanted a break."""
    if isinstance(budget.window, Rolling):
        return False
    return not _fits(amount, left(budget, spending, now)) and at >= renewed(budget, now) - timedelta(minutes=1)


def telling(budget: Budget, spending: Spending, now: datetime, *, refused: bool) -> float:
    """The share of the budget that people are to hear of now; 0 where there is nothing new.

    Of short windows they hear nothing, and of what is spread by itself only where it goes faster than the time.
    """
    if isinstance(budget.window, Rolling):
        return 0.0
    begun, share = budget.window.slot(now), spent(budget, spending, now) / budget.limit
    over = (now.timestamp() - begun) / _length(budget.window, now)
    hurried = share >= NEARLY and (budget.unit == "USD" or over < NEARLY)
    reached = 1.0 if refused or share >= 1.0 else NEARLY if hurried else 0.0
    return reached if reached > (spending.told if spending.told_in == begun else 0.0) else 0.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which sources live on which budgets. `shares` is what each takes in a round, `intervals` its seconds between two
    of them."""

    shares: Mapping[str, Mapping[Budget, float]]
    intervals: Mapping[str, float]

    def wanted(self) -> dict[Key, float]:
        """What everybody together would spend in a second."""
        total: dict[Key, float] = defaultdict(float)
        for source, shares in self.shares.items():
            for budget, amount in shares.items():
                total[budget.key] += amount / self.intervals[source]
        return dict(total)

    def once(self) -> dict[Key, float]:
        """What it takes to read all of them once."""
        total: dict[Key, float] = defaultdict(float)
        for budget, amount in itertools.chain.from_iterable(shares.items() for shares in self.shares.values()):
            total[budget.key] += amount
        return dict(total)

    def sharers(self) -> dict[Budget, list[str]]:
        """The sources of each budget; where they disagree about its limit, it is the least."""
        least: dict[Key, Budget] = {}
        for budget in (budget for shares in self.shares.values() for budget in shares):
            least[budget.key] = min(budget, least.get(budget.key, budget), key=lambda one: one.limit)
        names = {
            key: [source for source, shares in self.shares.items() if any(one.key == key for one in shares)]
            for key in least
        }
        return {budget: names[key] for key, budget in least.items()}


def _counted(budget: Budget, spending: Spending, now: datetime) -> dict[float, float]:
    """Slots of the window of `now`, and of the next one: the clock may have been set back a little. What was spent
    beyond was spent while it was far ahead, and would close the budget for years."""
    oldest, newest = budget.window.oldest(now), renewed(budget, now).timestamp()
    return {slot: amount for slot, amount in spending.spent.items() if oldest <= slot <= newest}


def _even(budget: Budget, spending: Spending, now: datetime) -> datetime:
    """When an even pace has caught up with what was spent."""
    if isinstance(budget.window, Rolling) or budget.unit == "USD" or budget.limit <= budget.reserve:
        return now
    share = spent(budget, spending, now) / (budget.limit - budget.reserve)
    begun, length = budget.window.slot(now), _length(budget.window, now)
    return max(now, _moment(begun + length * min(1.0, share - _AHEAD)))


def _bounded(budget: Budget, spending: Spending, now: datetime) -> bool:
    """Whether what is left has to last until some moment. A rolling window gives back what it took all the time, unless
    the platform says that less is left than we know of: somebody else takes from it too."""
    if not isinstance(budget.window, Rolling):
        return True
    return spending.observed(now) < budget.limit - spent(budget, spending, now)


def _horizon(budget: Budget, spending: Spending, now: datetime) -> float:
    """Seconds for which what is left has to last."""
    if not _bounded(budget, spending, now):
        return math.inf
    end = math.inf if isinstance(budget.window, Rolling) else renewed(budget, now).timestamp()
    return min(end, spending.until if spending.observed(now) < math.inf else math.inf) - now.timestamp()


def _steady(budget: Budget) -> float:
    """What reading may take in a second of a whole window."""
    lengths = {Day: 86_400.0, Month: 30 * 86_400.0}
    window = budget.window
    # what was spent in a piece is forgotten when all of the piece is
    seconds = window.seconds + window.piece if isinstance(window, Rolling) else lengths[type(window)]
    return max(0.0, budget.limit - budget.reserve) / seconds


def _factor(wanted: float, supply: float) -> float:
    if wanted <= supply:
        return 1.0
    return wanted / supply if supply else math.inf


def _length(window: Day | Month, now: datetime) -> float:
    begun = window.slot(now)
    return window.forgets(begun).timestamp() - begun


def _fits(amount: float, free: float) -> bool:
    return amount <= free + 1e-9  # dollars are no whole numbers


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _midnight(moment: datetime, zone: str, later: int) -> datetime:
    """The one at or before `moment` there, or so many days later."""
    day = moment.astimezone(_zone(zone)).date() + timedelta(days=later)
    return datetime.combine(day, time(), _zone(zone)).astimezone(UTC)
