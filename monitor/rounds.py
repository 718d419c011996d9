"""How a connector goes through several lists in turn, one request a poll, and again from the beginning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

from pydantic import Field

from monitor.contract import Page
from monitor.cursors import Cursor
from monitor.errors import NotFound
from monitor.model import Mention
from monitor.rechecks import DAY, Watched


class Turns(Cursor):
    """The cursor of a source with several lists. Each poll reads a page of one of them."""

    job: str = ""  # the one to go on with; none: a new round begins
    after: str = ""  # where its next page begins; none: at its beginning

    async def poll(self, jobs: Sequence[str], do: Callable[[str], Awaitable[Page]]) -> Page:
        """Do the job whose turn it is. The page holds the cursor for the next poll."""
        if self.job not in jobs:
            self.job, self.after = jobs[0], ""
        page = await do(self.job)
        if not self.after:
            self.job = next(iter(jobs[jobs.index(self.job) + 1 :]), "")
        return replace(page, cursor=self.model_dump_json(), more=bool(self.job))


class Feeds(Turns):
    """Lists with the newest first, told apart by when things were written. Times are Unix seconds."""

    newest: float = 0.0  # on the first page of this one
    until: dict[str, float] = Field(default_factory=dict)  # up to when each is read

    def go_on(self, written: Collection[float], following: str, *, overlap: float = 0.0) -> None:
        """Note where to read on, `following` naming the next page; the last `overlap` seconds are read each time. The
        very first time, the newest page is enough."""
        if not self.after:
            self.newest = max(written, default=0.0)
        unread = bool(written) and self.job in self.until and min(written) > self.until[self.job] - overlap
        if following and following != self.after and unread:
            self.after = following
        else:
            self.until[self.job] = max(self.newest, self.until.get(self.job, 0.0))
            self.after, self.newest = "", 0.0


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
