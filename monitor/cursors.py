"""Where a connector reads on. A cursor is JSON that nobody but its connector understands."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, ValidationError


class Cursor(BaseModel):
    """Subclasses name what they remember, every field with the default of a first poll."""

    @classmethod
    def parse(cls, cursor: str) -> Self:
        try:
            return cls.model_validate_json(cursor)
        except ValidationError:
            return cls()  # nothing yet, or of another version


LATEST = 4_102_444_800  # Unix seconds: the year 2100; dates beyond it are nonsense


class NewestFirst(Cursor):
    """Of a list with the newest on its first page. Unix seconds; 0 where there is nothing."""

    since: int = Field(default=0, ge=0, le=LATEST)  # everything up to here is read
    newest: int = Field(default=0, ge=0, le=LATEST)  # on the first page

    def note(self, moments: list[int], now: int, *, first_page: bool, unread: bool) -> bool:
        """What a page brought. Whether the next page, as far as there is one that may hold something `unread`, is
        read: the very first time, the newest page is enough."""
        if first_page:
            self.newest = min(max(moments, default=self.since), now)
        if self.since and unread:
            return True
        self.since, self.newest = max(self.since, self.newest), 0
        return False


class Tokens(NewestFirst):
    """Pages are named by the platform."""

    token: str = ""  # of the next page

    def go_on(self, moments: list[int], following: str, now: int, overlap: int) -> None:
        """`following` is the next page's token; `overlap` seconds are read again each time."""
        further = bool(following) and following != self.token and min(moments, default=now) > self.since - overlap
        more = self.note(moments, now, first_page=not self.token, unread=further)
        self.token = following if more else ""


class Moments(NewestFirst):
    """Pages end at a moment, so that what arrives meanwhile moves nothing."""

    before: int = Field(default=0, ge=0, le=LATEST)  # where the next page begins

    def go_on(self, moments: list[int], more: bool, now: int) -> None:
        """`more`: whether the platform has older ones."""
        oldest = min(moments, default=0)
        unread = more and oldest not in (0, self.before)
        self.before = oldest if self.note(moments, now, first_page=not self.before, unread=unread) else 0
