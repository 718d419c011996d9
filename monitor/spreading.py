"""Whether a post spreads: many people answer it in a short time, far more than usual at that source. Pure."""

from __future__ import annotations

from datetime import timedelta

from monitor.spikes import chance

WINDOW = timedelta(hours=3)
PAST = timedelta(weeks=4)  # from which it is known what is usual
LEAST = 6  # people; fewer are a conversation
ONCE_IN = 2_000  # threads that somebody answers is a false alarm: see tests/test_alerts.py


def spreads(people: int, usual: float) -> bool:
    """`usual`: people in a thread of the same source within WINDOW, on the mean of those that anybody answered; 0.0
    where nobody ever did."""
    return people >= LEAST and chance(people, 1.25 * max(1.0, usual)) * ONCE_IN < 1
