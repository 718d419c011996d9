"""What was spent of every budget, shared by all connectors of a process through `Http.ledger`.

It lives in memory; the service loads it at the start and saves `unwritten` together with how polls ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor import budgets
from monitor.budgets import Budget, Key, Spending, in_words
from monitor.errors import BudgetSpent

UNDER_WAY = timedelta(seconds=10)  # after which a request is over, and what it did not need is there again


@dataclass(frozen=True, slots=True)
class Booked:
    """What is new about one budget: amounts by slot to add, what the platform said last, what people are told."""

    budget: Budget
    amounts: Mapping[float, float]
    left: float
    until: float
    told: float = 0.0
    told_in: float = 0.0
    news: float = 0.0  # the share that is to be told now; 0: nothing


@dataclass(slots=True)
class _Account:
    budget: Budget
    spending: Spending
    taken: float = 0.0  # in all, since the start
    held: float = 0.0  # of requests under way, which may give some of it back
    refused: bool = False  # since the last time that it was written down
    changed: bool = False
    amounts: dict[float, float] = field(default_factory=lambda: defaultdict(float))


class Ledger:
    def __init__(
        self, known: Mapping[Key, Spending] | None = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._known = dict(known or {})
        self._accounts: dict[Key, _Account] = {}

    def load(self, known: Mapping[Key, Spending]) -> None:
        """What earlier runs have spent; before anything is spent in this one."""
        self._known = dict(known)

    def meter(self, budget: Budget) -> Meter:
        """Through which a connector spends. Where sources disagree about the limit, each keeps to its own."""
        return Meter(self, budget)

    def spending(self, budget: Budget) -> Spending:
        return self._account(budget).spending

    def taken(self, budget: Budget) -> float:
        """In all, since the start of this process."""
        return self._account(budget).taken

    def now(self) -> datetime:
        return self._clock()

    def take(self, budget: Budget, amount: float, *, writing: bool) -> None:
        """Raises BudgetSpent, and takes nothing, where there is not so much."""
        now, account = self._clock(), self._account(budget)
        at = budgets.free_at(budget, account.spending, amount, now, writing=writing)
        left = budgets.left(budget, account.spending, now, writing=writing)
        if at > now and left < amount <= left + account.held:
            at = min(at, now + UNDER_WAY)
        elif at > now and budgets.is_over(budget, account.spending, amount, at, now):
            account.refused = account.changed = True
        if at > now:
            raise BudgetSpent(_why(budget, at), until=at, now=now)
        self.add(budget, amount, budget.window.slot(now))

    def add(self, budget: Budget, amount: float, slot: float) -> None:
        """A negative `amount` gives back what was taken and not used."""
        account = self._account(budget)
        found = account.spending
        oldest = budget.window.oldest(self._clock())
        found.spent = {before: kept for before, kept in found.spent.items() if before >= oldest}
        found.spent[slot] = max(0.0, found.spent.get(slot, 0.0) + amount)
        found.left -= amount
        account.amounts[slot] += amount
        account.taken += amount
        account.changed = True

    def hold(self, budget: Budget, amount: float) -> None:
        self._account(budget).held += amount

    def observe(self, budget: Budget, left: float, until: datetime) -> None:
        """The platform says that no more than `left` may be spent up to `until`."""
        account = self._account(budget)
        account.spending.left, account.spending.until = max(0.0, left), until.timestamp()
        account.changed = True

    def unwritten(self) -> list[Booked]:
        """What is not saved yet. `written` is called with it once it is; until then it stays."""
        return [self._booked(account) for account in self._accounts.values() if account.changed]

    def written(self, booked: list[Booked]) -> None:
        for one in booked:
            account = self._accounts[one.budget.key]
            for slot, amount in one.amounts.items():
                account.amounts[slot] -= amount
            account.amounts = defaultdict(float, {slot: kept for slot, kept in account.amounts.items() if kept})
            said = account.spending.left, account.spending.until
            account.changed = bool(account.amounts) or account.refused or said != (one.left, one.until)
            if one.news:
                account.spending.told, account.spending.told_in = one.told, one.told_in

    def _account(self, budget: Budget) -> _Account:
        if budget.key not in self._accounts:
            self._accounts[budget.key] = _Account(budget, self._known.pop(budget.key, Spending()))
        return self._accounts[budget.key]

    def _booked(self, account: _Account) -> Booked:
        budget, found, now = account.budget, account.spending, self._clock()
        news = budgets.telling(budget, found, now, refused=account.refused)
        account.refused = False
        return Booked(
            budget,
            dict(account.amounts),
            found.left,
            found.until,
            told=news or found.told,
            told_in=budget.window.slot(now) if news else found.told_in,
            news=news,
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """One budget, as a connector uses it."""

    ledger: Ledger
    budget: Budget

    def take(self, amount: float = 1.0, *, writing: bool = False) -> None:
        """Before a request. Raises BudgetSpent where it may not be made; what `writing` needs may use the reserve."""
        self.ledger.take(self.budget, amount, writing=writing)

    def left(self, *, writing: bool = False) -> float:
        return budgets.left(self.budget, self.ledger.spending(self.budget), self.ledger.now(), writing=writing)

    @contextmanager
    def holding(self, most: float, *, writing: bool = False) -> Iterator[Held]:
        """Around a request whose price is known afterwards: `most` is taken, and what `Held.used` is not, given back.
        A request that fails costs nothing, unless `used` was set before."""
        slot = self.budget.window.slot(self.ledger.now())
        self.ledger.take(self.budget, most, writing=writing)
        self.ledger.hold(self.budget, most)
        held = Held()
        try:
            yield held
        finally:
            self.ledger.hold(self.budget, -most)
            self.ledger.add(self.budget, held.used - most, slot)

    def observe(self, left: float, seconds: float) -> None:
        """The platform says that `left` may be spent in the next `seconds`."""
        self.ledger.observe(self.budget, left, self.ledger.now() + timedelta(seconds=seconds))

    def close(self, seconds: float) -> None:
        """The platform wants to hear nothing for so long: all sources with the same credentials pause."""
        self.observe(0.0, seconds)


@dataclass(slots=True)
class Held:
    used: float = 0.0


def _why(budget: Budget, until: datetime) -> str:
    return f"{budget.account} may use no more of its {in_words(budget)} until {until:%Y-%m-%d %H:%M} UTC"
