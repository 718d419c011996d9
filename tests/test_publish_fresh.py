"""Right before an answer goes out the original is looked at again, and afterwards what the platform makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.webhook import Settings, connect
from monitor.http import Http
from monitor.model import Decision, DraftState
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.publish import Patience, Publisher
from tests.loopback import LOOPBACK, Answer, Asked, Loopback
from tests.made import NOON, arrive, draft_all, mention, people
from tests.platform import SECRET, Fault, Platform

RULES = Rules(people=people("jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
ORIGINAL = mention(1)
SHOWN = {"text": ORIGINAL.text, "author": ORIGINAL.author, "rating": 1, "url": ORIGINAL.url}


class Case:
    """A publisher, a platform that knows the mention, and an approved draft 1."""

    def __init__(self, store: SqliteStore, server: Loopback, http: Http) -> None:
        self.platform = Platform(mentions={"m1": SHOWN})
        self.server = server
        server.answer = self.platform
        settings = Settings(
            kind="webhook",
            name="shop",
            secret=SECRET,  # type: ignore[arg-type]
            reply_url=server.url("/replies"),
            lookup_url=server.url("/replies/{id}"),
            mention_url=server.url("/mentions/{id}"),
        )
        self.now = NOON
        self.store = store
        self.publisher = Publisher(
            store=store,
            connectors={"shop": connect(settings, http)},
            people=RULES.people,
            clock=lambda: self.now,
            patience=Patience(),
        )
        self.approve()

    def approve(self) -> None:
        draft = self.store.drafts.get(1)
        decision = Decision(draft_id=1, rev=draft.rev, action="approve", actor="jana", via="page")
        decide(self.store.drafts, decision, RULES, self.now)

    @property
    def state(self) -> DraftState:
        return self.store.drafts.get(1).state

    @property
    def actions(self) -> list[str]:
        return [entry.action for entry in self.store.views.matter(1).history]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    arrive(opened, ORIGINAL)
    draft_all(opened)
    yield opened
    opened.close()


@pytest.fixture
async def case(store: SqliteStore) -> AsyncIterator[Case]:
    async with Loopback() as server, Http(allow_private=LOOPBACK, total=0.5) as http:
        yield Case(store, server, http)


async def test_what_is_as_it_was_is_answered(case: Case) -> None:
    await case.publisher.publish_due()
    assert (case.state, len(case.platform.posts)) == (DraftState.PUBLISHED, 1)


async def test_what_the_customer_edited_since_goes_back_to_a_person(case: Case) -> None:
    case.platform.mentions["m1"] = SHOWN | {"text": "Už je to vybavené, ďakujem."}
    await case.publisher.publish_due()
    assert (case.state, case.platform.posts) == (DraftState.PENDING, [])
    matter = case.store.views.matter(1)
    assert (matter.mention.text, matter.edits[0].text) == ("Už je to vybavené, ďakujem.", ORIGINAL.text)


async def test_what_was_deleted_is_not_answered(case: Case) -> None:
    case.platform.mentions["m1"] = None
    await case.publisher.publish_due()
    assert (case.state, case.platform.posts) == (DraftState.SUPERSEDED, [])


async def test_what_a_colleague_answered_on_the_platform_is_not_answered_again(case: Case) -> None:
    case.platform.mentions["m1"] = SHOWN | {"reply": "Dobrý deň, už sme Vám volali."}
    await case.publisher.publish_due()
    assert (case.state, case.platform.posts) == (DraftState.SUPERSEDED, [])
    assert case.store.views.matter(1).mention.reply == "Dobrý deň, už sme Vám volali."


async def test_an_original_that_cannot_be_read_waits_and_then_a_person_is_asked(case: Case) -> None:
    case.platform.fault = lambda _number: "500"
    await case.publisher.publish_due()
    assert (case.state, case.platform.requests) == (DraftState.APPROVED, 0)
    case.now += timedelta(hours=2)
    await case.publisher.publish_due()
    assert (case.state, case.platform.requests) == (DraftState.FAILED, 0)
    assert "cannot be read" in case.store.views.matter(1).history[-1].reason
    case.platform.fault = lambda _number: ""
    case.approve()
    await case.publisher.publish_due()
    assert (case.state, len(case.platform.posts)) == (DraftState.PUBLISHED, 1)


def busy(case: Case, seconds: int) -> list[Asked]:
    """The platform wants to be left alone for so long; returns what it is asked nevertheless."""
    asked: list[Asked] = []

    def answer(one: Asked) -> Answer:
        asked.append(one)
        return Answer(status=429, headers={"Retry-After": str(seconds)})

    case.server.answer = answer
    return asked


async def test_a_platform_that_wants_a_break_is_not_asked_for_the_original_before_its_end(case: Case) -> None:
    asked = busy(case, 1800)
    for _ in range(29):
        await case.publisher.publish_due()
        case.now += timedelta(minutes=1)
    assert (case.state, len(asked)) == (DraftState.APPROVED, 1)
    case.server.answer = case.platform
    case.now += timedelta(minutes=2)
    await case.publisher.publish_due()
    assert (case.state, len(case.platform.posts)) == (DraftState.PUBLISHED, 1)


async def test_who_would_wait_too_long_for_the_original_is_asked_at_once(case: Case) -> None:
    busy(case, 8 * 3600)
    await case.publisher.publish_due()
    assert (case.state, case.platform.requests) == (DraftState.FAILED, 0)


async def test_a_platform_that_wants_a_break_is_not_asked_for_the_answer_before_its_end(case: Case) -> None:
    case.platform.fault = lambda number: "drop after accepting" if number == 1 else ""
    await case.publisher.publish_due()
    case.now += Patience().settle
    asked = busy(case, 3000)
    for _ in range(49):
        await case.publisher.look_up_due()
        case.now += timedelta(minutes=1)
    assert (case.state, len(asked)) == (DraftState.UNKNOWN, 1)
    case.server.answer = case.platform
    case.now += timedelta(minutes=2)
    await case.publisher.look_up_due()
    assert (case.state, len(case.platform.posts)) == (DraftState.PUBLISHED, 1)


async def moderated(case: Case, **moderation: object) -> None:
    case.platform.moderation = moderation
    case.now += timedelta(hours=13)
    await case.publisher.moderate_due()


async def test_an_answer_that_the_platform_shows_is_not_asked_about_again(case: Case) -> None:
    await case.publisher.publish_due()
    await moderated(case, state="pending")
    await moderated(case, state="visible")
    lookups = case.platform.lookups
    await moderated(case, state="refused")
    assert (case.state, case.platform.lookups) == (DraftState.PUBLISHED, lookups)


async def test_a_refused_answer_comes_back_with_the_reason_and_may_be_tried_anew(case: Case) -> None:
    await case.publisher.publish_due()
    await moderated(case, state="refused", reason="contains an e-mail address")
    assert (case.state, case.actions[-1]) == (DraftState.FAILED, "publication_refused")
    assert case.store.views.matter(1).history[-1].reason == "contains an e-mail address"
    case.platform.moderation = {}
    draft = case.store.drafts.get(1)
    edit = Decision(draft_id=1, rev=draft.rev, action="edit", actor="jana", via="page", text="Iný text bez adresy.")
    decide(case.store.drafts, edit, RULES, case.now)
    case.approve()
    await case.publisher.publish_due()
    assert (case.state, case.platform.posts[-1][1]) == (DraftState.PUBLISHED, "Iný text bez adresy.")


@pytest.mark.parametrize("fault", ["500", "403"])
async def test_a_platform_that_cannot_be_asked_is_asked_later_and_not_for_ever(case: Case, fault: Fault) -> None:
    await case.publisher.publish_due()
    await moderated(case, state="nonsense")
    for _ in range(60):
        await moderated(case, state="pending")
    assert (case.state, case.platform.lookups) == (DraftState.PUBLISHED, Patience().moderations)
