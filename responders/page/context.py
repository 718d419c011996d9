"""What every view of the page is given: the place it runs in, and one person's visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from monitor.model import Mention
from monitor.options import PageOptions
from monitor.people import Person
from monitor.store.sign_ins import Session
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules
from responders.clocks import Clock
from responders.digest_links import DigestLinks
from responders.page.often import Often
from responders.page.rendering import render
from responders.page.security import FRAMING
from responders.satisfaction import Questions
from responders.words import Words

LINKS_PER_ADDRESS = 20  # sign-in links that may be asked for from one address in an hour; offices share one


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """`reply_link` tells where a person posts an answer by hand, "" where that is not known; `clock` is aware.

    A claim holds for `lease`; `times` are the company's working hours. `mails`: whether mail goes out, so that a
    sign-in link can be asked for.
    """

    store: SqliteStore
    rules: Rules
    options: PageOptions
    reply_link: Callable[[Mention], str]
    clock: Callable[[], datetime]
    times: Clock
    company: str = ""
    lease: timedelta = timedelta(minutes=15)
    judge_again: Callable[[int], Awaitable[None]] | None = None  # triages and drafts the mention with this row id
    mails: bool = False
    refresh: int = 20  # seconds after which the bar with what is new loads itself again
    digests: DigestLinks | None = None  # by which mail programs switch them off
    questions: Questions | None = None  # where customers may say how they were treated
    asked: Often = field(default_factory=lambda: Often(LINKS_PER_ADDRESS, timedelta(hours=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of one reader. `session` is None for those who are not signed in."""

    page: PageContext
    request: web.Request
    words: Words
    now: datetime
    session: Session | None = None

    @property
    def person(self) -> str:
        return self.session.person if self.session else ""

    @property
    def reader(self) -> Person:
        """The one who is signed in. Raises KeyError where nobody is."""
        return self.page.rules.people[self.person]

    @property
    def decides(self) -> bool:
        return self.session is not None and self.reader.decides

    @property
    def manages(self) -> bool:
        return self.session is not None and self.reader.role == "manager"

    def show(self, template: str, status: int = 200, **values: object) -> web.Response:
        html = render(template, self.words, {"visit": self, "session": self.session, "now": self.now} | values)
        response = web.Response(text=html, content_type="text/html", status=status)
        if values.get("bar"):
            response[FRAMING] = "frames"
        return response


def see_other(location: str) -> web.Response:
    """After a POST: reloading the page that follows never decides again."""
    return web.Response(status=303, headers={"Location": location})
