"""The real page on 127.0.0.1 over a real database, and people who read it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web

from monitor.model import Draft, Finding, Mention, Priority, Verdict
from monitor.options import AnswerTimes, HoursOptions, PageOptions
from monitor.people import Person
from monitor.store.drafts import Judged
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from responders.approval import Acknowledged, Rewritten, Rules, never, never_again, one_is_enough
from responders.clocks import Clock
from responders.digest_links import DigestLinks
from responders.page.app import PageContext, application
from responders.satisfaction import Questions
from tests.made import APOLOGY, COMPLAINT, NOON, REPLY, arrive, cases_alone, composition, mention, people

PROMISE = "PROMISE"  # a text with this word in it is refused by the check below


def check(_draft: Draft | None, text: str, _actor: str = "") -> tuple[Finding, ...]:
    if PROMISE in text:
        message = 'This promises "refund", which the policy does not allow.'
        return (Finding(rule="unapproved_promise", severity="error", message=message, excerpt=PROMISE),)
    return ()


@dataclass
class Place:
    """`async with Place(tmp_path) as place`: the page at `place.url`, its time in `place.now`."""

    folder: Path
    options: PageOptions = field(default_factory=PageOptions)
    people: dict[str, Person] = field(default_factory=lambda: people("jana", "peter"))
    now: datetime = NOON + timedelta(hours=3)
    busy_timeout: float = 5.0
    mails: bool = False
    questions: Questions | None = None
    digests: DigestLinks | None = None
    refresh: int = 20
    own_edits: bool = True
    two: Callable[[Draft], bool] = one_is_enough
    judge_again: Callable[[SqliteStore, int], Awaitable[None]] | None = None
    acknowledge: Callable[[Draft], Acknowledged | None] = never
    rewrite: Callable[[Draft, str, str], Rewritten | None] = never_again

    async def __aenter__(self) -> Self:
        self.store = SqliteStore(self.folder / "ohlas.db", busy_timeout=self.busy_timeout)
        rules = Rules(
            people=self.people,
            grace=timedelta(seconds=45),
            check=check,
            acknowledge=self.acknowledge,
            rewrite=self.rewrite,
            own_edits=self.own_edits,
            two=self.two,
        )
        page = PageContext(
            store=self.store,
            rules=rules,
            options=self.options,
            reply_link=lambda mention: mention.url,
            clock=lambda: self.now,
            company="Made-up Shop",
            judge_again=self.judge_again and partial(self.judge_again, self.store),
            mails=self.mails,
            refresh=self.refresh,
            questions=self.questions,
            digests=self.digests,
            times=Clock(hours=HoursOptions(), zone=ZoneInfo(self.options.timezone), times=AnswerTimes(), remind_at=0.5),
        )
        self.runner = web.AppRunner(application(page), access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port: int = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.runner.cleanup()
        self.store.close()

    def link(self, person: str = "jana") -> str:
        return f"{self.url}/sign-in?token={self.store.sign_ins.offer(person, self.now)}"

    def draft(
        self,
        wrote: Mention | None = None,
        *,
        text: str = APOLOGY,
        verdict: Verdict = COMPLAINT,
        priority: Priority = Priority.HIGH,
        manual: bool = False,
        language: str = "sk",
    ) -> int:
        """Let one mention arrive and be judged; returns its draft's id."""
        arrive(self.store, wrote or mention(self.store.mentions.count() + 1))
        [one] = self.store.mentions.unjudged(10)
        cases = cases_alone(self.store, [one])
        judged = Judged(
            row_id=one.row_id,
            content_hash=one.mention.content_hash,
            case_id=cases[one.row_id].case_id,
            verdict=verdict,
            triage=replace(REPLY, priority=priority),
            composition=replace(composition(text), language=language),
            findings=check(None, text),
            manual=manual,
        )
        [draft_id] = self.store.drafts.save_judged([judged], NOON)
        return draft_id

    def state(self, draft_id: int) -> str:
        return self.store.drafts.get(draft_id).state.value

    def source_fails(self, name: str, status: str, error: str) -> None:
        self.store.sources.configure({name: "rss"}, NOON)
        due = None if status == "stopped" else NOON
        self.store.sources.record(
            PollRecord(source=name, status=status, failures=3, refusals=0, due=due, at=NOON, error=error)
        )


@dataclass(frozen=True)
class Seen:
    """A page as a reader got it."""

    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The words alone, on one line."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        assert found, f"no field {name}"
        return unescape(found[1])


class Reader:
    """A browser without JavaScript: keeps cookies, sends forms, follows no redirect by itself."""

    def __init__(self, place: Place, **headers: str) -> None:
        self.place = place
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def ask(self, method: str, path: str, **more: object) -> Seen:
        url = path if path.startswith("http") else self.place.url + path
        async with self.session.request(method, url, allow_redirects=False, **more) as response:  # type: ignore[arg-type]
            return Seen(response.status, await response.text(), response.headers)

    async def get(self, path: str, **more: object) -> Seen:
        return await self.ask("GET", path, **more)

    async def sign_in(self, person: str = "jana") -> Self:
        token = self.place.store.sign_ins.offer(person, self.place.now)
        seen = await self.ask("POST", "/sign-in", data={"token": token})
        assert (seen.status, seen.headers["Location"]) == (303, "/")
        return self

    async def send(self, draft_id: int, action: str, *, rev: int | None = None, **fields: str) -> Seen:
        """Open a draft and send one of its forms."""
        return await self.fill(draft_id, action, fields, rev)

    async def fill(self, draft_id: int, action: str, fields: Mapping[str, str], rev: int | None = None) -> Seen:
        page = await self.get(f"/drafts/{draft_id}")
        now = int(page.hidden("rev")) if 'name="rev"' in page.html else 1
        form = {"csrf": page.hidden("csrf"), "rev": str(rev or now), **fields}
        return await self.ask("POST", f"/drafts/{draft_id}/{action}", data=form)
