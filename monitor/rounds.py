"""How a connector goes through several lists in turn, one request a poll, and again from the beginning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pydantic import Field

from monitor.contract import Page
from monitor.cursors import Cursor
from monitor.errors import NotFound
from monitor.model import Mention
from monitor.rechecks import DAY, Watched


class Round(Cursor):
    """Jobs are done in one order, those that are due. Times are Unix seconds."""

    job: str = ""  # the one to go on with; none: a new round begins
    after: dict[str, str] = Field(default_factory=dict)  # what asks for its next page
    begun: float = 0.0  # when this round did
    since: float = 0.0  # when the last whole one did
    watched: Watched = Field(default_factory=Watched)

    async def poll(
        self, order: Sequence[str], is_due: Callable[[str], bool], do: Callable[[str], Awaitable[Page]], now: float
    ) -> Page:
        """Do the job whose turn it is. The page holds the cursor for the next poll."""
        if self.job not in order or not is_due(self.job):
            self.after, self.begun = {}, now
            self.job = next(job for job in order if is_due(job))
        page = await do(self.job)
        if not self.unfinished:
            self.job = next((job for job in order[order.index(self.job) + 1 :] if is_due(job)), "")
        if not self.job:
            self.end()
        return replace(page, cursor=self.model_dump_json(), more=bool(self.job))

    @property
    def unfinished(self) -> bool:
        """Whether the job that was done has more to do."""
        return bool(self.after)

    def end(self) -> None:
        """The round is over."""
        self.since = max(self.since, self.begun)

    def reach(self, overlap: float, days: float) -> int:
        """From when on is read: `overlap` seconds before the last round, at first so many `days` back."""
        return int(self.since - overlap if self.since else self.begun - days * DAY)

    async def look_again(
        self, due: Sequence[str], look: Callable[[str], Awaitable[Mention | None]], now: float
    ) -> Page:
        """What became of those `due`. `look` raises NotFound where one is gone; None: nothing can be made of it."""
        seen: list[Mention] = []
        gone: list[str] = []
        for number in due:
            try:
                found = await look(number)
            except NotFound:
                gone.append(number)
            else:
                seen += [found] if found else []
        if len(gone) == len(due) > 1:
            gone = []  # where nothing is left of several, that is rather a fault, or a permission that is missing
        self.watched.looked_at(due, gone, now)
        return Page(mentions=tuple(seen), gone=tuple(gone))
