"""How often somebody may ask for something, by what they ask from. Kept in memory: it only has to slow down."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

KEYS = 10_000  # the oldest are forgotten, so that nobody can fill the memory


class Often:
    """At most `most` times `within` a span, for each key."""

    def __init__(self, most: int, within: timedelta) -> None:
        self._most, self._within = most, within
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()

    def too_often(self, key: str, now: datetime) -> bool:
        """Count one more. What is refused does not count."""
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while times and times[0] <= now - self._within:
            times.popleft()
        if len(times) >= self._most:
            return True
        times.append(now)
        if len(self._times) > KEYS:
            self._times.popitem(last=False)
        return False
