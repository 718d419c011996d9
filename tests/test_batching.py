"""Texts of like length judged together, within a bound."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.classify.batching import Batcher, Floats, Limits, Row, Ticket, padded, pick


def row(length: int) -> Row:
    return Row(list(range(length)))


def lengths(tickets: list[Ticket]) -> list[int]:
    return [ticket.length for ticket in tickets]


def echo(rows: list[Row]) -> Floats:
    return np.array([[len(row.ids)] for row in rows], np.float32)


def test_the_shortest_go_together() -> None:
    waiting = [Ticket(row(length), 0.0) for length in (9, 2, 8, 3, 2, 9)]
    assert lengths(pick(waiting, Limits(rows=3), now=0.1)) == [2, 2, 3]
    assert lengths(pick(waiting, Limits(rows=9, tokens=9), now=0.1)) == [2, 2, 3]


def test_little_is_padded() -> None:
    waiting = [Ticket(row(length), 0.0) for length in (5, 5, 6, 60, 64)]
    assert lengths(pick(waiting, Limits(), now=0.1)) == [5, 5, 6]
    assert lengths(pick(waiting, Limits(padding=1000), now=0.1)) == [5, 5, 6, 60, 64]
    late = [Ticket(row(30), -9.0), *waiting]
    assert lengths(pick(late, Limits(), now=0.1)) == [30, 60, 64]


def test_who_has_waited_too_long_goes_first_with_those_like_it() -> None:
    waiting = [Ticket(row(20), 0.0), *(Ticket(row(length), 0.5) for length in (2, 3, 18, 19, 40))]
    assert 20 not in lengths(pick(waiting, Limits(rows=2, wait=1.0), now=0.9))
    assert lengths(pick(waiting, Limits(rows=3, tokens=60, wait=1.0), now=1.0)) == [18, 19, 20]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.floats(0, 5)), min_size=1, max_size=40),
    st.integers(1, 8),
    st.integers(1, 900),
    st.floats(0, 5),
)
def test_every_pick_keeps_the_limits_and_takes_somebody(
    asked: list[tuple[int, float]], rows: int, tokens: int, now: float
) -> None:
    waiting = [Ticket(row(length), since) for length, since in asked]
    limits = Limits(rows=rows, tokens=tokens, wait=1.0)
    taken = pick(waiting, limits, now)
    assert 1 <= len(taken) <= rows
    assert len(taken) == 1 or max(lengths(taken)) * len(taken) <= tokens
    assert len({id(ticket) for ticket in taken}) == len(taken)
    oldest = min(ticket.since for ticket in waiting)
    if now - oldest >= limits.wait:
        assert oldest in [ticket.since for ticket in taken]


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 9))
def test_answers_come_in_the_order_of_the_questions(asked: list[int], rows: int) -> None:
    if asked:
        found = Batcher(echo, Limits(rows=rows, tokens=100))([row(length) for length in asked])
        assert found[:, 0].tolist() == asked


def test_those_who_wait_for_the_model_share_the_next_batch() -> None:
    """The first caller has the model; what four others bring meanwhile is one batch more."""
    started, go_on = threading.Event(), threading.Event()
    sizes: list[int] = []

    def run(rows: list[Row]) -> Floats:
        sizes.append(len(rows))
        started.set()
        go_on.wait()
        return echo(rows)

    batcher = Batcher(run)
    answers: dict[int, float] = {}

    def ask(length: int) -> None:
        answers[length] = float(batcher([row(length)])[0, 0])

    threads = [threading.Thread(target=ask, args=(length,)) for length in range(1, 6)]
    threads[0].start()
    started.wait()
    for thread in threads[1:]:
        thread.start()
    while len(batcher._waiting) < 4:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert sizes == [1, 4]
    assert answers == {length: float(length) for length in range(1, 6)}


def test_an_error_reaches_whoever_asked() -> None:
    def run(rows: list[Row]) -> Floats:
        if len(rows[0].ids) > 5:
            raise ValueError("too long")
        return echo(rows)

    batcher = Batcher(run, Limits(rows=1))
    with pytest.raises(ValueError, match="too long"):
        batcher([row(1), row(6), row(2)])
    assert batcher([row(3)]).tolist() == [[3.0]]
    assert not batcher._waiting


def test_padding() -> None:
    columns = padded([Row([5, 6, 7], [0, 1, 1]), Row([8])], padding=9)
    assert columns["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert columns["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert columns["token_type_ids"].tolist() == [[0, 1, 1], [0, 0, 0]]
