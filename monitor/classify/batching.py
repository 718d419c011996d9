"""Texts of like length judged together, so that little is padded; nobody is passed over for longer than a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Run = Callable[[list["Row"]], Sequence[Floats]]


@dataclass(frozen=True, slots=True)
class Row:
    """One text as the model reads it: numbers of tokens, and which of two texts each belongs to (empty: the first).

    `embedded` asks for what the model sees in it beside the logits.
    """

    ids: Sequence[int]
    types: Sequence[int] = ()
    embedded: bool = False


@dataclass(slots=True, eq=False)
class Ticket:
    """A text that waits, since `since` on the clock of the batcher."""

    row: Row
    since: float
    found: Floats | None = None
    error: Exception | None = None

    @property
    def length(self) -> int:
        return len(self.row.ids)

    @property
    def done(self) -> bool:
        return self.found is not None or self.error is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """`tokens` counts padding, of which `padding` are borne before another batch is begun; `wait` is in seconds."""

    rows: int = 32
    tokens: int = 4096
    padding: int = 64
    wait: float = 0.2


def pick(waiting: Sequence[Ticket], limits: Limits, now: float) -> list[Ticket]:
    """The tickets to run next: those nearest in length to the shortest one, or to the one that has waited too long."""
    oldest = min(waiting, key=attrgetter("since"))
    by_length = sorted(waiting, key=attrgetter("length"))
    overdue = now - oldest.since >= limits.wait
    start = by_length.index(oldest) if overdue else 0
    taken = _upwards(by_length, start, limits)
    return [*_downwards(by_length[:start], taken, limits), *taken]


def _upwards(by_length: Sequence[Ticket], start: int, limits: Limits) -> list[Ticket]:
    taken = [by_length[start]]
    said = taken[0].length  # tokens that are no padding
    for ticket in by_length[start + 1 : start + limits.rows]:
        whole = ticket.length * (len(taken) + 1)
        said += ticket.length
        if whole > limits.tokens or whole - said > limits.padding:
            break
        taken.append(ticket)
    return taken


def _downwards(shorter: Sequence[Ticket], taken: Sequence[Ticket], limits: Limits) -> list[Ticket]:
    """Who shares the room that is left, in order of length."""
    longest = taken[-1].length
    room = min(limits.rows, limits.tokens // max(longest, 1)) - len(taken)
    wasted = sum(longest - ticket.length for ticket in taken)
    found: list[Ticket] = []
    for ticket in reversed(shorter[max(0, len(shorter) - max(room, 0)) :]):
        wasted += longest - ticket.length
        if wasted > limits.padding:
            break
        found.append(ticket)
    return found[::-1]


@dataclass
class Batcher:
    """Callable from several threads: whoever has the model runs the next batch, with the texts of the others in it.

    A lone caller never waits for company; the bound is for those who wait while the model is busy.
    """

    run: Run
    limits: Limits = Limits()
    clock: Callable[[], float] = time.monotonic
    batches: int = 0  # how many were run
    _waiting: list[Ticket] = field(default_factory=list)
    _queue: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, rows: Sequence[Row]) -> Floats:
        """What `run` gives, a row each, in order. Raises what `run` raised for one of them."""
        mine = [Ticket(row, self.clock()) for row in rows]
        with self._queue:
            self._waiting.extend(mine)
        while not all(ticket.done for ticket in mine):
            with self._turn:
                self._next()
        for ticket in mine:
            if ticket.error is not None:
                raise ticket.error
        return np.stack([ticket.found for ticket in mine if ticket.found is not None])

    def _next(self) -> None:
        with self._queue:
            if not self._waiting:
                return  # somebody else has judged ours while we waited for our turn
            batch = pick(self._waiting, self.limits, self.clock())
            chosen = {id(ticket) for ticket in batch}
            self._waiting = [ticket for ticket in self._waiting if id(ticket) not in chosen]
        self._judge(batch)
        self.batches += 1

    def _judge(self, batch: list[Ticket]) -> None:
        try:
            found = self.run([ticket.row for ticket in batch])
        except Exception as error:  # noqa: BLE001  # handed to each of the callers, who raise it
            for ticket in batch:
                ticket.error = error
            return
        for ticket, row in zip(batch, found, strict=True):
            ticket.found = row


def padded(rows: Sequence[Row], padding: int) -> dict[str, NDArray[np.int64]]:
    """`input_ids`, `attention_mask` and `token_type_ids`, each of shape (rows, longest)."""
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids = np.full(shape, padding, np.int64)
    mask, types = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = row.ids
        mask[number, : len(row.ids)] = 1
        types[number, : len(row.types)] = row.types
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def pooled(states: Floats, mask: NDArray[np.int64]) -> Floats:
    """The mean over the tokens of each text, (texts, tokens, width) -> (texts, width); padding does not count."""
    counted = mask.astype(np.float32)
    sums = np.einsum("ijk,ij->ik", np.asarray(states, np.float32), counted)
    means: Floats = sums / np.maximum(counted.sum(axis=1, keepdims=True), np.float32(1))
    return means
