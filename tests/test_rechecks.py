"""Which posts are looked at again."""

from __future__ import annotations

from datetime import timedelta

from monitor.rechecks import DAY, MOST, Watched
from tests.made import NOON, mention

NOW = NOON.timestamp()


def test_ever_more_rarely_and_not_for_ever() -> None:
    watched, looked = Watched(), []
    watched.add([mention(1)], NOW)
    for day in range(1, 40):
        now = NOW + day * DAY
        if due := watched.due(now, 30):
            watched.looked_at(due, (), now)
            looked.append(day)
    assert looked == [1, 2, 4, 8, 16]


def test_what_is_gone_is_forgotten() -> None:
    watched = Watched()
    watched.add([mention(1), mention(2)], NOW)
    watched.looked_at(["m1", "m2", "m3"], ["m1"], NOW + DAY)
    assert watched.times == {"m2": (NOW, NOW + DAY)}


def test_the_newest_are_kept() -> None:
    watched = Watched()
    watched.add([mention(n, created_at=NOON - timedelta(seconds=n)) for n in range(MOST + 5)], NOW)
    assert len(watched.times) == MOST and "m0" in watched.times and f"m{MOST}" not in watched.times


def test_it_comes_back_as_it_was() -> None:
    watched = Watched()
    watched.add([mention(1)], NOW)
    assert Watched.model_validate_json(watched.model_dump_json()) == watched
