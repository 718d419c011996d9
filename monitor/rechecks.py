"""Which posts are looked at again, because people edit and delete what they wrote. A part of a connector's cursor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable

from pydantic import BaseModel, Field

from monitor.errors import TemporaryError
from monitor.model import Mention

DAY = 86400.0
MOST = 500  # posts that are looked at again, the newest ones


class Watched(BaseModel):
    """Only processes data. Times are Unix seconds."""

    times: dict[str, tuple[float, float]] = Field(default_factory=dict)  # id -> written, looked at last

    def add(self, mentions: Iterable[Mention], now: float) -> None:
        for mention in mentions:
            self.times.setdefault(mention.id, (mention.created_at.timestamp(), now))
        self.times = dict(sorted(self.times.items(), key=lambda one: one[1][0])[-MOST:])

    def due(self, now: float, days: float) -> list[str]:
        """What is looked at again: when it is twice as old as the last time, a day later at the earliest, up to an
        age of `days`."""
        return [
            number
            for number, (written, seen) in self.times.items()
            if now - written < days * DAY and now - seen >= max(DAY, seen - written)
        ]

    def looked_at(self, numbers: Iterable[str], gone: Iterable[str], now: float) -> None:
        self.times |= {number: (self.times[number][0], now) for number in numbers if number in self.times}
        for number in gone:
            self.times.pop(number, None)


async def believe(there: Collection[str], shows_others: Callable[[], Awaitable[bool]], who: str) -> None:
    """That what is not `there` was deleted. Where nothing is, that may be a fault of `who`, so something that it lists
    now is asked for in the same way. Raises TemporaryError where it is not shown either."""
    if not there and not await shows_others():
        why = f"{who} shows nothing of what is kept, nor anything else by its number"
        raise TemporaryError(why, retry_after=DAY, cause="passing", words=who)
