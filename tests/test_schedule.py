from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import AuthError, PermanentError, SourceError, TemporaryError
from monitor.schedule import (
    NOTICE_CODES,
    PERMANENT_LIMIT,
    Failed,
    Notice,
    Outcome,
    Polled,
    Standing,
    Status,
    clock_jump,
    first_poll,
    lease,
    notice,
    plan,
    sane_due,
    stand,
)

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OK = Standing(Status.OK)


def pause(outcome: Outcome, before: Standing = OK, *, interval: float = 900.0, spread: float = 0.0) -> float:
    due = plan(NOW, interval, outcome, before, spread).due
    assert due is not None
    return (due - NOW).total_seconds()


def failing(failures: int, refusals: int = 0) -> Standing:
    return Standing(Status.FAILING, failures, refusals)


def test_a_page_is_followed_by_the_interval() -> None:
    assert pause(Polled()) == 900.0
    assert 900.0 < pause(Polled(), spread=0.5) < pause(Polled(), spread=1.0) <= 990.0


def test_another_page_is_read_soon_unless_the_source_wants_a_rest() -> None:
    assert pause(Polled(more=True)) == 1.0
    assert pause(Polled(more=True, wait=30.0)) == 30.0
    assert pause(Polled(wait=5000.0)) == 5000.0
    assert pause(Polled(wait=-5.0)) == 900.0


def test_back_off_doubles_up_to_an_hour() -> None:
    pauses = [pause(Failed(TemporaryError("503")), failing(failures)) for failures in range(10)]
    assert pauses == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0, 3600.0, 3600.0]
    assert pause(Failed(TemporaryError("503")), failing(10**6)) == 3600.0


def test_back_off_of_a_slow_source_ends_at_its_own_interval() -> None:
    assert pause(Failed(TemporaryError("503")), failing(20), interval=86_400.0) == 86_400.0


def test_a_quick_source_is_tried_again_quickly() -> None:
    assert pause(Failed(TemporaryError("reset")), interval=2.0) == 2.0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(120.0, 120.0), (7200.0, 7200.0), (10.0, 60.0), (1e12, 86_400.0), (math.inf, 86_400.0), (-5.0, 60.0)],
)
def test_retry_after_is_honoured_up_to_a_day(asked: float, expected: float) -> None:
    assert pause(Failed(TemporaryError("429", retry_after=asked))) == expected


def test_an_absurd_retry_after_does_no_harm() -> None:
    assert pause(Failed(TemporaryError("429", retry_after=math.nan))) == 60.0


@given(
    asked=st.floats(0, 86_400),
    spread=st.floats(0, 1),
    failures=st.integers(0, 10_000),
    interval=st.floats(1, 7 * 86_400),
    more=st.booleans(),
    failed=st.booleans(),
)
def test_never_before_what_the_source_asked_for(
    asked: float, spread: float, failures: int, interval: float, more: bool, failed: bool
) -> None:
    outcome = Failed(TemporaryError("429", retry_after=asked)) if failed else Polled(more=more, wait=asked)
    waited = pause(outcome, failing(failures), interval=interval, spread=spread)
    assert waited >= asked - 1e-6  # dates are kept in microseconds
    assert waited <= max(86_400.0, interval) * 1.1 + 1e-6


def test_a_refused_key_stops_the_source_at_once() -> None:
    stopped = plan(NOW, 900.0, Failed(AuthError("401")), OK, 0.0)
    assert stopped.due is None
    assert stopped.standing.status is Status.STOPPED


def test_a_permanent_error_slows_down_and_then_stops() -> None:
    standing, dues = OK, []
    for _ in range(PERMANENT_LIMIT):
        step = plan(NOW, 60.0, Failed(PermanentError("404")), standing, 0.0)
        standing = step.standing
        dues.append(step.due)
    assert dues == [NOW + timedelta(hours=1)] * (PERMANENT_LIMIT - 1) + [None]
    assert standing.status is Status.STOPPED


def test_a_long_outage_followed_by_one_permanent_error_does_not_stop() -> None:
    assert stand(failing(50), Failed(PermanentError("404"))) == failing(51, refusals=1)
    assert stand(failing(51, refusals=4), Failed(TemporaryError("503"))) == failing(52)


def test_success_forgets_everything() -> None:
    assert stand(failing(7, refusals=3), Polled()) == OK


@pytest.mark.parametrize(
    ("before", "outcome", "told"),
    [
        (Standing(), Polled(), None),
        (OK, Polled(), None),
        (OK, Failed(TemporaryError("503")), Notice("unreachable", "503")),
        (Standing(), Failed(TemporaryError("503")), Notice("unreachable", "503")),
        (failing(1), Failed(TemporaryError("503")), None),
        (failing(1), Polled(), Notice("recovered")),
        (OK, Failed(AuthError("401")), Notice("stopped", "401")),
        (failing(3), Failed(AuthError("401")), Notice("stopped", "401")),
        (failing(4, 4), Failed(PermanentError("404")), Notice("stopped", "404")),
        (Standing(Status.STOPPED, 1), Failed(AuthError("401")), None),
    ],
)
def test_people_are_told_once(before: Standing, outcome: Outcome, told: Notice | None) -> None:
    assert notice(before, stand(before, outcome), outcome) == told
    assert told is None or told.code in NOTICE_CODES


def test_a_week_of_trouble_is_told_in_two_lines() -> None:
    outcomes: list[Outcome] = [Polled(), *[Failed(SourceError("no route"))] * 500, Polled(), Polled()]
    standing, told = Standing(), []
    for outcome in outcomes:
        after = stand(standing, outcome)
        told.append(notice(standing, after, outcome))
        standing = after
    assert [line.code for line in told if line] == ["unreachable", "recovered"]


def test_the_lease_outlives_the_poll() -> None:
    assert lease(NOW, 60.0) > NOW + timedelta(seconds=60)


def test_new_sources_are_spread_over_the_first_minute() -> None:
    assert first_poll(NOW, 900.0, 0.0) == NOW
    assert first_poll(NOW, 900.0, 1.0) == NOW + timedelta(seconds=60)
    assert first_poll(NOW, 2.0, 1.0) == NOW + timedelta(seconds=2)


@pytest.mark.parametrize("wait", [900.0, 3600.0, 86_400.0])
def test_a_clock_set_back_by_a_day_keeps_the_pause(wait: float) -> None:
    due = NOW + timedelta(seconds=wait)
    assert sane_due(due, NOW, NOW - DAY, 900.0) == NOW - DAY + timedelta(seconds=wait)


def test_a_clock_set_forward_by_a_day_makes_the_source_due() -> None:
    due = NOW + timedelta(minutes=15)
    assert sane_due(due, NOW, NOW + DAY, 900.0) == due <= NOW + DAY


def test_a_plan_made_while_the_clock_was_wrong_is_mended() -> None:
    wrong = NOW + DAY
    assert sane_due(wrong + timedelta(minutes=15), wrong, NOW, 900.0) == NOW + timedelta(minutes=15)


def test_an_honest_retry_after_of_a_day_is_left_alone() -> None:
    assert sane_due(NOW + DAY, NOW, NOW + timedelta(hours=1), 900.0) == NOW + DAY


def test_a_source_that_was_never_read_does_not_wait_for_a_wrong_clock() -> None:
    assert sane_due(NOW + DAY, None, NOW, 900.0) == NOW + timedelta(minutes=15)


def test_a_due_time_beyond_every_plan_is_pulled_in() -> None:
    assert sane_due(NOW + timedelta(days=400), NOW, NOW, 900.0) <= NOW + timedelta(days=1.1)


@pytest.mark.parametrize(
    ("wall", "monotonic", "jump"),
    [(10.0, 10.0, 0.0), (12.0, 10.0, 0.0), (86_410.0, 10.0, 86_400.0), (-86_390.0, 10.0, -86_400.0)],
)
def test_a_jump_of_the_clock_is_seen(wall: float, monotonic: float, jump: float) -> None:
    assert clock_jump(wall, monotonic) == jump


def test_summer_time_changes_no_pause() -> None:
    before = datetime(2026, 3, 29, 1, 50, tzinfo=ZoneInfo("Europe/Bratislava")).astimezone(UTC)
    due = plan(before, 900.0, Polled(), OK, 0.0).due
    assert due is not None and due - before == timedelta(minutes=15)
