"""Rows of `llm_use`: what language models took and cost, by day, so that caps hold across restarts."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from monitor.store.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`cost` is in the currency of the configured prices."""

    requests: int = 0
    tokens: tuple[int, int] = (0, 0)  # read, written
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that one day may take, over all models."""

    tokens: int
    cost: float


class LlmUse:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(self, day: str, model: str, use: Use, caps: Caps) -> str:
        """Set aside what one request may take at most, before it is made; a crash leaves it counted.

        Returns "", or which cap forbids it ("cap_tokens", "cap_spend"); then nothing is set aside.
        """
        with self._engine.writing(durable=True) as connection:
            tokens, cost = connection.execute(
                "SELECT coalesce(sum(tokens_in + tokens_out), 0), coalesce(sum(cost), 0.0) FROM llm_use WHERE day = ?",
                (day,),
            ).fetchone()
            if tokens + sum(use.tokens) > caps.tokens:
                return "cap_tokens"
            if use.cost and cost + use.cost > caps.cost:
                return "cap_spend"
            _add(connection, day, model, use)
            return ""

    def settle(self, day: str, model: str, reserved: Use, used: Use) -> None:
        """Put what a request really took in the place of what was set aside for it."""
        read, written = (now - before for now, before in zip(used.tokens, reserved.tokens, strict=True))
        difference = Use(
            requests=used.requests - reserved.requests, tokens=(read, written), cost=used.cost - reserved.cost
        )
        with self._engine.writing() as connection:
            _add(connection, day, model, difference)

    def of_day(self, day: str) -> Use:
        row = self._engine.rows(
            "SELECT coalesce(sum(requests), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),"
            " coalesce(sum(cost), 0.0) FROM llm_use WHERE day = ?",
            (day,),
        )[0]
        return Use(requests=row[0], tokens=(row[1], row[2]), cost=row[3])


def _add(connection: Connection, day: str, model: str, use: Use) -> None:
    connection.execute(
        "INSERT INTO llm_use (day, model, requests, tokens_in, tokens_out, cost) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (day, model) DO UPDATE SET requests = requests + excluded.requests,"
        " tokens_in = tokens_in + excluded.tokens_in, tokens_out = tokens_out + excluded.tokens_out,"
        " cost = max(0.0, cost + excluded.cost)",
        (day, model, use.requests, *use.tokens, use.cost),
    )
