"""A source that does not answer everybody: shown when a draft is written, and kept to when it is published."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import x
from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import Connector
from monitor.deciding import guard_of
from monitor.desk import Desk
from monitor.model import Decision, Draft, DraftState, Mention
from monitor.options import CompanyOptions, Config
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from responders.approval import decide
from responders.publish import Publisher, is_manual, reply_rules
from tests.loopback import Loopback, LoopbackHttp
from tests.made import NOON
from tests.made import mention as made
from tests.test_publish import RULES, SetClock
from tests.x_platform import ACCOUNT, KEYS, NUMBER, XPlatform, post

CONFIG = Config(company=CompanyOptions(name="Púpava", website="https://pupava.example"))


@dataclass
class Place:
    store: SqliteStore
    desk: Desk
    platform: XPlatform
    connector: Any

    async def drafts(self) -> dict[bool, Draft]:
        """The draft for the post that addressed the account, and the one for the other."""
        page = await self.connector.poll("")
        self.store.mentions.save_page("x", page, None, NOON)
        pipeline = Pipeline(self.store, self.desk, lambda: NOON)
        while await pipeline.step():
            pass
        found = [self.store.drafts.get(number) for number in (1, 2)]
        return {self.mention(draft).raw["addressed"]: draft for draft in found if draft}

    def mention(self, draft: Draft) -> Mention:
        mention = self.store.mentions.get(draft.mention_id)
        assert mention
        return mention


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    old = {"created_at": "2026-11-20T10:00:00Z"}
    platform = XPlatform(
        posts=[
            post(2123808585933651970, "@pupava Balík prišiel rozbitý, nikto sa neozval. Hanba!", **old),
            post(2123808585933651960, "Púpava mi poslala rozbitú vázu a nikto sa neozýva, hrozné.", author="12", **old),
        ]
    )
    store = SqliteStore(tmp_path / "ohlas.db")
    async with Loopback(platform) as server, LoopbackHttp(server.origin) as http:
        settings = x.Settings(kind="x", name="x", account=ACCOUNT, query="Púpava", mentions=False, **KEYS)
        connector = x.connect(settings, http)
        desk = Desk(CONFIG, EmbeddedClassifier.load(languages=("sk",)), {"x": connector})
        yield Place(store, desk, platform, connector)
    store.close()


async def test_a_draft_knows_whether_a_person_posts_it(place: Place) -> None:
    drafts = await place.drafts()
    assert {addressed: draft.manual for addressed, draft in drafts.items()} == {True: False, False: True}
    assert not [one for one in drafts[True].findings if one.rule == "posted_by_hand"]
    (finding,) = [one for one in drafts[False].findings if one.rule == "posted_by_hand"]
    assert finding.severity == "warning" and "mention or quote its account" in finding.message


async def test_what_a_link_costs_is_said_before_it_is_approved(place: Place) -> None:
    draft = (await place.drafts())[True]
    text = f"{draft.text} https://pupava.example/kontakt"
    (finding,) = [one for one in guard_of(place.desk, place.store)(draft, text, "jana") if one.rule == "link_costs"]
    assert finding.severity == "warning" and "$0.20" in finding.message
    assert not [one for one in draft.findings if one.rule == "link_costs"]


@pytest.mark.parametrize("drops_receipt", [False, True])
async def test_one_is_posted_once_and_the_other_is_left_to_a_person(place: Place, drops_receipt: bool) -> None:
    drafts, place.platform.drops_receipt = await place.drafts(), drops_receipt
    clock = SetClock()
    publisher = Publisher(store=place.store, connectors=place.desk.connectors, people=RULES.people, clock=clock)
    for draft in drafts.values():
        approval = Decision(draft_id=draft.id, rev=draft.rev, action="approve", actor="jana", via="page")
        decide(place.store.drafts, approval, RULES, clock())
    for _ in range(10):
        await publisher.publish_due()
        await publisher.look_up_due()
        clock.forward(timedelta(minutes=10))
    states = {addressed: place.store.drafts.get(draft.id).state for addressed, draft in drafts.items()}
    assert states == {True: DraftState.PUBLISHED, False: DraftState.APPROVED}
    posted = [one["text"] for one in place.platform.posts if one["author_id"] == NUMBER]
    assert [html.unescape(text) for text in posted] == [f"@eva11 {drafts[True].text}"]


async def test_drafts_fit_where_they_are_posted(place: Place) -> None:
    for draft in (await place.drafts()).values():
        assert len(draft.text) <= 280
        assert not [one for one in draft.findings if one.rule == "too_long"]


def test_rules_of_a_source_that_makes_no_difference() -> None:
    class Plain:
        reply_rules = x.AnsweringX.reply_rules

        async def reply(self, mention: Mention, text: str, key: str) -> None: ...

    plain: Connector = Plain()  # type: ignore[assignment]
    assert reply_rules(plain, made()) is Plain.reply_rules and not is_manual(plain, made())
    assert is_manual(None, made())
