"""Publishing through a real connector to a platform that fails in every way: never twice, never lost from sight."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.webhook import Settings, connect
from monitor.contract import Connector, Receipt, ReplyRules
from monitor.http import Http
from monitor.model import Decision, DraftState, Mention
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.publish import Patience, Publisher, is_manual
from tests.loopback import LOOPBACK, Loopback
from tests.made import NOON, arrive, draft_all, mention, people
from tests.platform import SECRET, Fault, Platform

RULES = Rules(people=people("jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())


@dataclass
class SetClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, pause: timedelta) -> None:
        self.now += pause


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    arrive(opened, mention(1))
    draft_all(opened)
    yield opened
    opened.close()


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(allow_private=LOOPBACK, total=0.5) as http:
        yield http


class Case:
    """A publisher with a connector to `platform`, and an approved draft 1."""

    def __init__(self, store: SqliteStore, server: Loopback, http: Http, platform: Platform, *, look_up: bool) -> None:
        server.answer = platform
        settings = Settings(
            kind="webhook",
            name="shop",
            secret=SECRET,  # type: ignore[arg-type]
            reply_url=server.url("/replies"),
            lookup_url=server.url("/replies/{id}") if look_up else "",
        )
        self.clock = SetClock()
        self.platform, self.store = platform, store
        self.connectors: dict[str, Connector] = {"shop": connect(settings, http)}
        self.publisher = Publisher(
            store=store, connectors=self.connectors, people=RULES.people, clock=self.clock, patience=Patience()
        )
        self.approve()

    def approve(self) -> None:
        draft = self.store.drafts.get(1)
        decide(
            self.store.drafts,
            Decision(draft_id=1, rev=draft.rev, action="approve", actor="jana", via="page"),
            RULES,
            self.clock(),
        )

    @property
    def state(self) -> DraftState:
        return self.store.drafts.get(1).state

    async def until_settled(self) -> None:
        """As the service does, with the clock in our hand."""
        for _ in range(40):
            await self.publisher.publish_due()
            await self.publisher.look_up_due()
            self.clock.forward(timedelta(minutes=10))


async def test_an_approved_draft_is_posted_once(store: SqliteStore, server: Loopback, http: Http) -> None:
    case = Case(store, server, http, Platform(), look_up=True)
    await case.until_settled()
    assert [(post[0], post[1]) for post in case.platform.posts] == [("m1", store.drafts.get(1).text)]
    assert (case.state, case.platform.requests, case.platform.lookups) == (DraftState.PUBLISHED, 1, 0)
    publication = store.views.matter(1).publication
    assert publication is not None
    assert publication.url == "https://shop.example/r/m1"


@pytest.mark.parametrize("fault", ["drop after accepting", "hang after accepting", "500 after accepting"])
async def test_what_was_accepted_and_not_told_is_found_not_repeated(
    store: SqliteStore, server: Loopback, http: Http, fault: Fault
) -> None:
    case = Case(store, server, http, Platform(fault=lambda _n: fault, keeps_keys=False), look_up=True)
    await case.publisher.publish_due()
    assert case.state is DraftState.UNKNOWN
    await case.publisher.look_up_due()
    assert case.platform.lookups == 0, "looked up only once the request has surely settled"
    await case.until_settled()
    assert (case.state, case.platform.requests, len(case.platform.posts)) == (DraftState.PUBLISHED, 1, 1)


async def test_what_was_not_accepted_is_tried_again_after_a_look(
    store: SqliteStore, server: Loopback, http: Http
) -> None:
    platform = Platform(fault=lambda number: "500" if number < 3 else "", keeps_keys=False)
    case = Case(store, server, http, platform, look_up=True)
    await case.until_settled()
    assert (case.state, platform.requests, len(platform.posts)) == (DraftState.PUBLISHED, 3, 1)
    assert platform.lookups == 2
    assert [entry.action for entry in store.views.matter(1).history].count("publication_unknown") == 2


async def test_without_a_look_up_only_the_same_key_is_repeated(
    store: SqliteStore, server: Loopback, http: Http
) -> None:
    platform = Platform(fault=lambda number: "drop after accepting" if number == 1 else "")
    case = Case(store, server, http, platform, look_up=False)
    await case.publisher.publish_due()
    case.clock.forward(timedelta(minutes=2))
    await case.publisher.look_up_due()
    await case.publisher.publish_due()
    assert (case.state, platform.requests, len(platform.posts)) == (DraftState.PUBLISHED, 2, 1)


async def test_a_key_that_the_platform_may_have_forgotten_is_a_persons_matter(
    store: SqliteStore, server: Loopback, http: Http
) -> None:
    platform = Platform(fault=lambda _n: "drop after accepting")
    case = Case(store, server, http, platform, look_up=False)
    await case.publisher.publish_due()
    case.clock.forward(timedelta(hours=2))
    await case.until_settled()
    assert (case.state, platform.requests) == (DraftState.UNKNOWN, 1)
    publication = store.views.matter(1).publication
    assert publication is not None
    assert "please look" in publication.error


@pytest.mark.parametrize(("fault", "words"), [("422", "422"), ("403", "403")])
async def test_a_refusal_comes_back_with_its_reason(
    store: SqliteStore, server: Loopback, http: Http, fault: Fault, words: str
) -> None:
    case = Case(store, server, http, Platform(fault=lambda _n: fault), look_up=True)
    await case.until_settled()
    assert (case.state, case.platform.requests) == (DraftState.FAILED, 1)
    publication = store.views.matter(1).publication
    assert publication is not None
    assert words in publication.error


async def test_a_failed_one_can_be_approved_again(store: SqliteStore, server: Loopback, http: Http) -> None:
    platform = Platform(fault=lambda number: "422" if number == 1 else "")
    case = Case(store, server, http, platform, look_up=True)
    await case.until_settled()
    case.approve()
    await case.until_settled()
    assert (case.state, len(platform.posts)) == (DraftState.PUBLISHED, 1)


async def test_a_busy_platform_is_not_asked_before_its_time(store: SqliteStore, server: Loopback, http: Http) -> None:
    platform = Platform(fault=lambda number: "429" if number == 1 else "")
    case = Case(store, server, http, platform, look_up=True)
    await case.publisher.publish_due()
    due = store.publications.next_due()
    assert due is not None
    assert due - case.clock() >= timedelta(seconds=7)
    case.clock.now = due - timedelta(seconds=1)
    assert await case.publisher.publish_due() == 0
    case.clock.now = due
    assert await case.publisher.publish_due() == 1
    assert case.state is DraftState.PUBLISHED


async def test_a_crash_while_posting_is_looked_up(store: SqliteStore, server: Loopback, http: Http) -> None:
    case = Case(store, server, http, Platform(), look_up=True)
    publication = store.publications.begin(store.drafts.get(1), RULES.people, case.clock())
    assert publication is not None
    case.platform.posts.append(("m1", publication.text, publication.key))  # it was out when the power went
    assert await case.publisher.recover() == 1
    await case.until_settled()
    assert (case.state, case.platform.requests, len(case.platform.posts)) == (DraftState.PUBLISHED, 0, 1)


async def test_a_source_that_is_gone_asks_for_a_person(store: SqliteStore, server: Loopback, http: Http) -> None:
    case = Case(store, server, http, Platform(), look_up=True)
    case.connectors.clear()
    await case.until_settled()
    assert (case.state, case.platform.requests) == (DraftState.FAILED, 0)


class Careless:
    """A connector with a bug that strikes after the request went out."""

    reply_rules = ReplyRules(kind="create")

    async def reply(self, _mention: Mention, _text: str, _key: str) -> Receipt:
        raise ZeroDivisionError


async def test_a_bug_in_a_connector_counts_as_unknown_and_stops_nothing(
    store: SqliteStore, server: Loopback, http: Http
) -> None:
    case = Case(store, server, http, Platform(), look_up=True)
    case.connectors["shop"] = Careless()  # type: ignore[assignment]
    await case.until_settled()
    assert case.state is DraftState.UNKNOWN
    assert store.publications.next_due() is None, "a person has to look"


def test_what_cannot_reply_is_posted_by_hand() -> None:
    assert is_manual(None)
    assert not is_manual(Careless())  # type: ignore[arg-type]
