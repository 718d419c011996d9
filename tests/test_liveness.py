"""What follows from a look at a channel: how it stands, when it is looked at next, and what people are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from monitor.liveness import AGAIN, BROKEN_AGAIN, FIRST, LAST, WORKS, Health, Plan, Seen, Standing, judge, next_moment
from responders.channel_codes import CHANNEL_CODES

BRATISLAVA = ZoneInfo("Europe/Bratislava")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "page https://svrcina.example/kontakt"
GONE = Seen("broken", "gone", "404")
SILENT = Seen("broken", "no_answer", network=True)
WALL = Seen("unsure", "wall")
LATER = Seen("unsure", "mail_later", "450", again=True)
ENDS = Seen("warning", "certificate_ends", "2026-12-01")


def follow(*seen: Seen, online: bool = True) -> list[Plan]:
    """Looks one after another, each when the one before said so."""
    plans, standing, now = [], Standing(), NOW
    for one in seen:
        plan = judge(standing, one, now, KEY, BRATISLAVA, online=online)
        plans.append(plan)
        standing, now = plan.standing, plan.due
    return plans


@pytest.mark.parametrize(
    ("seen", "healths", "told"),
    [
        ((WORKS,), "ok", []),
        ((GONE, WORKS), "failing ok", []),
        ((GONE, GONE, WORKS), "failing failing ok", []),
        ((GONE, GONE, GONE), "failing failing broken", ["channel_broken"]),
        ((GONE,) * 9, "failing failing" + " broken" * 7, ["channel_broken"]),
        ((GONE, GONE, GONE, WORKS), "failing failing broken ok", ["channel_broken", "channel_works"]),
        ((GONE, GONE, GONE, WALL, WORKS), "failing failing broken broken ok", ["channel_broken", "channel_works"]),
        ((WALL, WALL), "unknown unknown", []),
        ((GONE, WALL, GONE, GONE), "failing unknown failing broken", ["channel_broken"]),
        ((LATER, LATER, LATER, WORKS), "unknown unknown unknown ok", []),
        ((ENDS, ENDS, WALL, ENDS, WORKS), "warning warning unknown warning ok", ["channel_warning"]),
        ((ENDS, WORKS, ENDS), "warning ok warning", ["channel_warning", "channel_warning"]),
        ((ENDS, GONE, ENDS), "warning failing warning", ["channel_warning"]),
        ((GONE, GONE, GONE, ENDS), "failing failing broken warning", "channel_broken channel_works channel_warning"),
    ],
)
def test_each_trouble_is_told_once_and_its_end_once(
    seen: tuple[Seen, ...], healths: str, told: list[str] | str
) -> None:
    plans = follow(*seen)
    assert " ".join(plan.standing.health for plan in plans) == healths
    wanted = told.split() if isinstance(told, str) else told
    assert [notice for plan in plans for notice in plan.notices] == wanted


def test_one_failure_is_looked_at_after_minutes_and_after_an_hour_before_it_is_believed() -> None:
    first, second, third = follow(GONE, GONE, GONE)
    assert (first.due - NOW, second.due - first.due) == AGAIN
    assert third.due - second.due <= BROKEN_AGAIN
    assert third.standing.since == NOW


def test_what_is_asked_to_wait_is_asked_twice_more_and_then_tomorrow() -> None:
    first, second, third = follow(LATER, LATER, LATER)
    assert (first.due - NOW, second.due - first.due) == AGAIN
    assert third.due == next_moment(second.due, KEY, BRATISLAVA)


def test_when_nothing_else_can_be_reached_either_it_is_our_own_network() -> None:
    plans = follow(SILENT, SILENT, SILENT, SILENT, online=False)
    assert {plan.standing.health for plan in plans} == {Health.UNKNOWN}
    assert not any(plan.notices for plan in plans)
    assert follow(SILENT, SILENT, SILENT)[-1].notices == ("channel_broken",)


@pytest.mark.parametrize("zone", ["Europe/Bratislava", "America/Havana", "Australia/Lord_Howe", "UTC"])
def test_every_channel_has_one_moment_on_each_day_of_a_year_whatever_the_clocks_do(zone: str) -> None:
    local = ZoneInfo(zone)
    now, days = datetime(2026, 1, 1, tzinfo=UTC), []
    for _ in range(365):
        now = next_moment(now, KEY, local)
        days.append(now.astimezone(local).date())
        assert FIRST <= now.astimezone(local).time() <= LAST
    assert [after - before for before, after in pairwise(days)] == [timedelta(days=1)] * 364


def test_channels_have_moments_of_their_own() -> None:
    moments = {next_moment(NOW, f"page https://svrcina.example/{number}", BRATISLAVA) for number in range(100)}
    assert len(moments) == 100 and max(moments) - min(moments) > timedelta(hours=1.5)


def test_every_health_has_words() -> None:
    assert set(CHANNEL_CODES["health"]) == set(Health)
