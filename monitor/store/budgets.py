"""Rows of `budget` and `budget_spent`: what was spent of quotas and money, so that limits hold across restarts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from monitor.budgets import Budget, Key, Spending, in_words, window_of
from monitor.ledger import Booked
from monitor.store.engine import Engine, Row

SHOWN = 5  # sources that a notice names


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """One budget, what was spent of it, and the sources that share it."""

    budget: Budget
    spending: Spending
    sources: tuple[str, ...]


class Budgets:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def configure(self, shared: Mapping[Budget, Sequence[str]]) -> None:
        """Make the table match config.toml at a start. What was spent of other budgets is kept, as it was spent."""
        with self._engine.writing() as connection:
            connection.execute("UPDATE budget SET sources = '[]'")
            for budget, sources in shared.items():
                _note(connection, budget, json.dumps(list(sources)))

    def known(self) -> dict[Key, Spending]:
        return {row.budget.key: row.spending for row in self._all("")}

    def all(self) -> list[BudgetRow]:
        """Those that a configured source lives on."""
        return self._all("WHERE sources <> '[]'")

    def record(self, booked: Sequence[Booked], now: datetime) -> None:
        """Add what was spent; money survives a power cut too. Who is to hear of it gets a notice."""
        with self._engine.writing(durable=any(one.budget.unit == "USD" for one in booked)) as connection:
            for one in booked:
                _note(connection, one.budget)
                _add(connection, one, now)
                if one.news:
                    _tell(connection, one, now)

    def _all(self, where: str) -> list[BudgetRow]:
        with self._engine.reading() as connection:
            rows = connection.execute(f"SELECT * FROM budget {where} ORDER BY account, name").fetchall()
            slots = connection.execute("SELECT * FROM budget_spent").fetchall()
        spent: dict[Key, dict[float, float]] = {}
        for slot in slots:
            spent.setdefault((slot["account"], slot["name"]), {})[slot["slot"]] = slot["amount"]
        return [_row(row, spent.get((row["account"], row["name"]), {})) for row in rows]


def _note(connection: Connection, budget: Budget, sources: str | None = None) -> None:
    connection.execute(
        "INSERT INTO budget (account, name, most, reserve, unit, span, sources)"
        " VALUES (:account, :name, :most, :reserve, :unit, :span, coalesce(:sources, '[]'))"
        " ON CONFLICT (account, name) DO UPDATE SET most = :most, reserve = :reserve, unit = :unit, span = :span,"
        " sources = coalesce(:sources, sources)",
        {
            "account": budget.account,
            "name": budget.name,
            "most": budget.limit,
            "reserve": budget.reserve,
            "unit": budget.unit,
            "span": str(budget.window),
            "sources": sources,
        },
    )


def _add(connection: Connection, one: Booked, now: datetime) -> None:
    key = one.budget.key
    connection.executemany(
        "INSERT INTO budget_spent (account, name, slot, amount) VALUES (?1, ?2, ?3, max(0.0, ?4))"
        " ON CONFLICT (account, name, slot) DO UPDATE SET amount = max(0.0, amount + ?4)",
        [(*key, slot, amount) for slot, amount in one.amounts.items()],
    )
    oldest = one.budget.window.oldest(now)
    connection.execute("DELETE FROM budget_spent WHERE account = ? AND name = ? AND slot < ?", (*key, oldest))
    left = one.left if math.isfinite(one.left) else None
    connection.execute(
        "UPDATE budget SET observed = ?, until = ?, told = ?, told_in = ? WHERE account = ? AND name = ?",
        (left, one.until, one.told, one.told_in, *key),
    )


def _tell(connection: Connection, one: Booked, now: datetime) -> None:
    found = connection.execute("SELECT sources FROM budget WHERE account = ? AND name = ?", one.budget.key).fetchone()
    sources = json.loads(found["sources"])
    names = ", ".join(sources[:SHOWN]) + (", …" if len(sources) > SHOWN else "")
    code = "budget_spent" if one.news >= 1.0 else "budget_low"
    connection.execute(
        "INSERT INTO notice (at, source, code, text, cause) VALUES (?, ?, ?, ?, ?)",
        (now.timestamp(), names or one.budget.account, code, in_words(one.budget), _limit(one.budget)),
    )


def _limit(budget: Budget) -> str:
    return f"{budget.unit}: {budget.limit:.10g}"


def _row(row: Row, spent: dict[float, float]) -> BudgetRow:
    budget = Budget(
        account=row["account"],
        name=row["name"],
        limit=row["most"],
        reserve=row["reserve"],
        unit=row["unit"],
        window=window_of(row["span"]),
    )
    left = math.inf if row["observed"] is None else row["observed"]
    spending = Spending(spent, left, row["until"] or 0.0, row["told"] or 0.0, row["told_in"] or 0.0)
    return BudgetRow(budget=budget, spending=spending, sources=tuple(json.loads(row["sources"])))
