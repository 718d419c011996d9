"""A short acknowledgement first, then the answer: through the pipeline, the decisions and every way that it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.acknowledging import Renewer, is_out_of_date, promise, purpose_of
from monitor.contract import CanReply, Connector, Page, Receipt, ReplyRules
from monitor.deciding import acknowledging, guard_of
from monitor.desk import Desk
from monitor.errors import GuardRefused, NotAllowed, StaleDecision
from monitor.model import Action, Decision, Draft, DraftState, Mention, Urgency, Utterance, Verdict
from monitor.options import ApprovalOptions, CompanyOptions, Config, DraftingOptions, HoursOptions
from monitor.pipeline import Pipeline
from monitor.store.drafts import Judged
from monitor.store.mentions import Unjudged
from monitor.store.publications import Setback
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from responders.approval import Rules, decide
from responders.publish import Publisher
from tests.made import COMPLAINT, NOON, NOTE, PRAISE, REPLY, arrive, composition, draft_all, mention, people

ZONE = ZoneInfo("Europe/Bratislava")
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
LAWYER = replace(COMPLAINT, urgency=(Urgency(name="legal", words=("právnik",)),))
CONFIG = Config(
    company=CompanyOptions(name="Svrčina", contact="pomoc@svrcina.example"),
    approval=ApprovalOptions(people=("jana",), grace=0.0),
)


class Says:
    """A classifier that says what the test wants."""

    name = "says"

    def __init__(self, verdict: Verdict = LAWYER) -> None:
        self.verdict = verdict

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        return [self.verdict for _ in utterances]

    def explain(self, _utterance: Utterance, verdict: Verdict) -> Verdict:
        return verdict


@dataclass
class Wall:
    """A source on which every answer is one more post."""

    reply_rules: ReplyRules = field(default_factory=lambda: ReplyRules(kind="create", max_length=2000))
    posts: list[tuple[str, str, str]] = field(default_factory=list)

    async def poll(self, _cursor: str) -> Page:
        return Page()

    async def close(self) -> None: ...

    async def reply(self, to: Mention, text: str, key: str) -> Receipt:
        self.posts.append((to.id, text, key))
        return Receipt(id=f"r{len(self.posts)}")


class Shop:
    """A store, a pipeline and a publisher on a clock of their own."""

    def __init__(self, folder: Path, config: Config = CONFIG, *, by_hand: bool = False) -> None:
        self.now = MONDAY
        self.path = folder / "ohlas.db"
        self.store = SqliteStore(self.path)
        self.wall, self.says = Wall(), Says()
        connectors: dict[str, Connector] = {} if by_hand else {"shop": self.wall}
        desk = Desk(config, self.says, connectors)
        self.desk = desk
        self.rules = Rules(
            people=people("jana", "peter"),
            grace=timedelta(0),
            check=guard_of(desk, self.store, lambda: self.now),
            acknowledge=acknowledging(desk, self.store, lambda: self.now),
        )
        self.renewer = Renewer(self.store, config, lambda: self.now)
        self.pipeline = Pipeline(self.store, desk, lambda: self.now, idle=self.renewer.step)
        self.publisher = Publisher(
            store=self.store, connectors=connectors, people=("jana", "peter"), clock=lambda: self.now
        )

    async def work(self) -> None:
        while await self.pipeline.step() or await self.renewer.step():
            pass

    async def publish(self) -> None:
        await self.publisher.publish_due()

    def decide(self, action: Action, draft: Draft | None = None, **more: object) -> Draft:
        before = draft or self.newest()
        decision = Decision(draft_id=before.id, rev=before.rev, action=action, actor="jana", via="terminal", **more)  # type: ignore[arg-type]
        return decide(self.store.drafts, decision, self.rules, self.now)

    def drafts(self) -> list[Draft]:
        rows = self.store.views.inbox(InboxFilter(tab="all", limit=500)).rows
        return sorted((row.draft for row in rows), key=lambda draft: draft.id)

    def newest(self) -> Draft:
        return self.drafts()[-1]

    def told(self) -> list[tuple[str, str]]:
        return [(draft.purpose, draft.state.value) for draft in self.drafts()]

    def history(self, draft: Draft) -> list[str]:
        return [entry.action for entry in self.store.views.matter(draft.id).history]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.store.close()


def wrote(number: int = 1, **changes: object) -> Mention:
    return mention(number, **({"text": "Vec je u právnika, na vrátenie peňazí čakám mesiac.", "rating": 1.0} | changes))


async def test_an_urgent_complaint_is_acknowledged_first_and_answered_next(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    [first] = shop.drafts()
    assert (first.purpose, first.state) == ("acknowledgement", DraftState.PENDING)
    assert first.reference in first.text and "v utorok 24. novembra" not in first.text
    assert "zajtra do 9.00" in first.text or "dnes do 16.00" in first.text
    assert first.promised == promise(NOON, shop.now, HoursOptions(), ZONE)
    assert not [finding for finding in first.findings if finding.severity == "error"]

    shop.decide("approve")
    await shop.publish()
    await shop.work()
    [first, second] = shop.drafts()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]
    assert (second.case_id, second.mention_id) == (first.case_id, first.mention_id)
    assert second.answer_by == first.promised and second.promised is None
    assert second.text != first.text

    shop.decide("approve")
    await shop.publish()
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "published")]
    assert [text for _, text, _ in shop.wall.posts] == [first.text, second.text]
    assert len({key for _, _, key in shop.wall.posts}) == 2
    assert shop.store.views.matter(first.id).drafts == (shop.drafts()[1],)
    assert shop.store.views.matter(second.id).publication is not None


async def test_what_is_not_urgent_is_answered_at_once(shop: Shop) -> None:
    shop.says.verdict = COMPLAINT
    arrive(shop.store, wrote(1))
    await shop.work()
    shop.says.verdict = replace(LAWYER, label="praise")
    arrive(shop.store, wrote(2, rating=5.0))
    await shop.work()
    assert {draft.purpose for draft in shop.drafts()} == {"answer"}


async def test_a_case_never_has_two_open_drafts(shop: Shop) -> None:
    arrive(shop.store, wrote(1))
    await shop.work()
    for action in ("approve", "undo", "approve"):
        shop.decide(action)  # type: ignore[arg-type]
        await shop.work()
        assert len(shop.drafts()) == 1
    await shop.publish()
    await shop.work()
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]


@pytest.mark.parametrize("reason", ["wrong_tone", "nemá to zmysel"])
async def test_where_a_person_rejects_it_the_answer_is_drafted(shop: Shop, reason: str) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("reject", reason=reason)
    await shop.work()
    assert shop.told() == [("acknowledgement", "rejected"), ("answer", "pending")]
    assert shop.newest().answer_by is None


@pytest.mark.parametrize("reason", ["no_reply", "handled: telefonom", "not_ours"])
async def test_a_reason_to_say_nothing_ends_the_matter(shop: Shop, reason: str) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("reject", reason=reason)
    await shop.work()
    assert shop.told() == [("acknowledgement", "rejected")]


async def test_a_person_may_want_the_full_answer_at_once(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("full_answer")
    await shop.work()
    assert shop.told() == [("acknowledgement", "rejected"), ("answer", "pending")]
    with pytest.raises(NotAllowed, match="answer already"):
        shop.decide("full_answer")
    with pytest.raises(StaleDecision):
        shop.decide("acknowledge")  # one was written and refused
    assert shop.told() == [("acknowledgement", "rejected"), ("answer", "pending")]


async def test_a_person_may_want_an_acknowledgement_first(shop: Shop) -> None:
    shop.says.verdict = COMPLAINT
    arrive(shop.store, wrote())
    await shop.work()
    [answer] = shop.drafts()
    turned = shop.decide("acknowledge")
    assert (turned.id, turned.rev, turned.purpose, turned.state) == (answer.id, 2, "acknowledgement", "pending")
    assert turned.text != answer.text and turned.author == "playbook" and turned.promised is not None
    with pytest.raises(StaleDecision):
        shop.decide("approve", answer)  # the button of the text that was there before
    await shop.work()
    assert shop.newest() == turned

    shop.decide("approve")
    await shop.publish()
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]
    assert shop.newest().answer_by == turned.promised
    shop.decide("approve")
    await shop.publish()
    assert len(shop.wall.posts) == len({key for _, _, key in shop.wall.posts}) == 2


async def test_only_complaints_are_acknowledged(shop: Shop) -> None:
    shop.says.verdict = PRAISE
    arrive(shop.store, wrote(rating=5.0))
    await shop.work()
    before = shop.drafts()
    with pytest.raises(NotAllowed, match="only a complaint"):
        shop.decide("acknowledge")
    assert shop.drafts() == before


async def test_by_hand_the_answer_follows_once_it_is_said_to_be_posted(tmp_path: Path) -> None:
    shop = Shop(tmp_path, by_hand=True)
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("approve")
    await shop.work()
    assert shop.told() == [("acknowledgement", "approved")]
    shop.decide("posted")
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]
    shop.decide("approve")
    shop.decide("posted")
    rows = shop.store._engine.rows("SELECT purpose, state FROM publication ORDER BY purpose")
    assert [tuple(row) for row in rows] == [("acknowledgement", "published"), ("answer", "published")]
    shop.store.close()


@pytest.mark.parametrize("shown", ["as it is", "with other spaces", "cut"])
@pytest.mark.parametrize("state", ["approved", "published"])
async def test_our_acknowledgement_on_the_platform_leaves_the_case_open(shop: Shop, state: str, shown: str) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    text = shop.decide("approve").text
    if state == "published":
        await shop.publish()
        await shop.work()
    seen = {"as it is": text, "with other spaces": text.replace(" ", "  ") + "\n", "cut": text[:90] + "…"}[shown]
    for _ in range(2):
        saved = shop.store.mentions.save_page("shop", Page(mentions=(wrote(reply=seen),)), None, shop.now)
        assert saved.answered == 0
        await shop.work()
        assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]
    saved = shop.store.mentions.save_page("shop", Page(mentions=(wrote(reply="Peniaze sme poslali."),)), None, shop.now)
    assert saved.answered == 1
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "superseded")]


async def test_somebody_elses_answer_closes_the_case(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    answered = wrote(reply="Vybavené, ďakujeme za trpezlivosť.")
    shop.store.mentions.save_page("shop", Page(mentions=(answered,)), None, shop.now)
    await shop.work()
    assert shop.told() == [("acknowledgement", "superseded")]


async def test_a_mention_that_is_gone_gets_no_answer_after_it(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("approve")
    await shop.publish()
    shop.store.mentions.save_page("shop", Page(gone=("m1",)), None, shop.now)
    shop.store.close()


async def test_a_kill_between_the_two_loses_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    arrive(shop.store, wrote())
    await shop.work()
    shop.decide("approve")
    await shop.publish()
    shop.store.close()  # nothing was drafted since
    again = Shop(tmp_path)
    await again.publisher.recover()
    await again.work()
    assert again.told() == [("acknowledgement", "published"), ("answer", "pending")]
    again.store.close()


async def test_a_kill_while_it_is_posted_asks_before_the_answer_is_drafted(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    arrive(shop.store, wrote())
    await shop.work()
    approved = shop.decide("approve")
    assert shop.store.publications.begin(approved, ("jana",), shop.now) is not None
    shop.store.close()
    again = Shop(tmp_path)
    await again.publisher.recover()
    await again.work()
    assert again.told() == [("acknowledgement", "unknown")]
    again.decide("posted")
    await again.work()
    assert again.told() == [("acknowledgement", "published"), ("answer", "pending")]
    again.store.close()


async def test_a_verdict_made_while_it_was_settled_is_made_again(shop: Shop) -> None:
    """The pipeline looked before the person decided, and saves afterwards."""
    arrive(shop.store, wrote())
    await shop.work()
    shop.store.mentions.save_page("shop", Page(mentions=(wrote(text="Už to rieši môj právnik aj súd."),)), None, NOON)
    [looked] = shop.store.mentions.unjudged(10)
    assert looked.acknowledgement is DraftState.PENDING
    shop.decide("full_answer")
    late = Judged(
        row_id=looked.row_id,
        content_hash=looked.mention.content_hash,
        case_id=1,
        verdict=LAWYER,
        triage=REPLY,
        composition=composition(),
        purpose="acknowledgement",
        acknowledgement=looked.acknowledgement,
    )
    assert shop.store.drafts.save_judged([late], shop.now) == []
    await shop.work()
    assert shop.told() == [("acknowledgement", "rejected"), ("answer", "pending")]


async def test_a_promised_answer_is_drafted_whatever_the_model_thinks_by_then(shop: Shop) -> None:
    arrive(shop.store, wrote(rating=None))
    await shop.work()
    shop.decide("approve")
    await shop.publish()
    shop.says.verdict = replace(COMPLAINT, label="neutral")
    await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "pending")]
    assert shop.newest().reason.code == "promised"


async def test_a_failed_acknowledgement_waits_for_a_person(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    publication = shop.store.publications.begin(shop.decide("approve"), ("jana",), shop.now)
    assert publication is not None and publication.purpose == "acknowledgement"
    shop.store.publications.fail(publication, Setback(message="refused"), shop.now)
    await shop.work()
    assert shop.told() == [("acknowledgement", "failed")]
    shop.decide("full_answer")
    await shop.work()
    assert shop.told() == [("acknowledgement", "rejected"), ("answer", "pending")]


async def test_what_failed_as_an_answer_may_be_acknowledged_first(shop: Shop) -> None:
    """The ledger's rows move to the draft that answers by then."""
    shop.says.verdict = COMPLAINT
    arrive(shop.store, wrote())
    await shop.work()
    publication = shop.store.publications.begin(shop.decide("approve"), ("jana",), shop.now)
    assert publication is not None
    shop.store.publications.fail(publication, Setback(message="refused"), shop.now)
    shop.decide("acknowledge")
    for _ in range(2):
        shop.decide("approve")
        await shop.publish()
        await shop.work()
    assert shop.told() == [("acknowledgement", "published"), ("answer", "published")]
    found = [shop.store.views.matter(draft.id).publication for draft in shop.drafts()]
    assert [one.state for one in found if one] == ["published", "published"]
    assert len({key for _, _, key in shop.wall.posts} | {publication.key}) == 3


async def test_a_correction_before_it_is_sent_drafts_what_fits(shop: Shop) -> None:
    arrive(shop.store, wrote(rating=None))
    await shop.work()
    shop.says.verdict = replace(COMPLAINT, label="neutral")
    shop.store.mentions.save_page("shop", Page(mentions=(wrote(rating=None, text="Kedy otvárate?"),)), None, shop.now)
    await shop.work()
    assert shop.told() == [("acknowledgement", "superseded")]


# ------------------------------------------------------------------------------------------------ the promised time


def hours(**changes: object) -> HoursOptions:
    return HoursOptions(**changes)  # type: ignore[arg-type]


def test_drafting_twice_promises_the_same_until_it_cannot_be_kept() -> None:
    seen = MONDAY
    first = promise(seen, seen, hours(), ZONE)
    assert promise(seen, seen + timedelta(hours=3), hours(), ZONE) == first
    late = seen + timedelta(hours=6)
    assert promise(seen, late, hours(), ZONE) == promise(late, late, hours(), ZONE) > first


async def test_an_acknowledgement_that_waits_too_long_promises_anew(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    [first] = shop.drafts()
    shop.now += timedelta(hours=1)
    await shop.work()
    assert shop.newest() == first
    shop.now += timedelta(days=1)
    await shop.work()
    again = shop.newest()
    assert (again.id, again.rev) == (first.id, first.rev + 1)
    assert again.promised is not None and again.promised > shop.now
    assert shop.history(again) == ["redrafted"]
    assert shop.store.views.matter(again.id).history[-1].reason == "promise_renewed"
    await shop.work()
    assert shop.newest() == again


async def test_a_text_that_a_person_touched_is_his_but_promises_nothing_that_is_over(shop: Shop) -> None:
    arrive(shop.store, wrote())
    await shop.work()
    typed = shop.decide("edit", text=f"{shop.newest().text} Veľmi nás to mrzí.")
    shop.now += timedelta(days=1)
    await shop.work()
    assert shop.newest() == typed
    with pytest.raises(GuardRefused) as refused:
        shop.decide("approve")
    assert refused.value.rules == ("promise_over",)
    shop.decide("edit", text="Ospravedlňujeme sa. Chceme zistiť, čo sa stalo. Odpovieme Vám vo štvrtok do 12.00.")
    assert shop.decide("approve").state is DraftState.APPROVED


def test_today_of_another_day_is_out_of_date(shop: Shop) -> None:
    arrive(shop.store, wrote())
    [draft_id] = draft_all(shop.store)
    plain = shop.store.drafts.get(draft_id)
    due = datetime(2026, 11, 24, 10, 0, tzinfo=ZONE)
    draft = replace(plain, promised=due)
    monday, tuesday = due - timedelta(days=1), due - timedelta(hours=1)
    assert not is_out_of_date(draft, "Odpovieme zajtra do 10.00.", monday, ZONE)
    assert is_out_of_date(draft, "Odpovieme zajtra do 10.00.", tuesday, ZONE)
    assert not is_out_of_date(draft, "Odpovieme dnes do 10.00.", tuesday, ZONE)
    assert not is_out_of_date(draft, "Odpovieme v utorok 24. novembra do 10.00.", tuesday, ZONE)
    assert is_out_of_date(draft, "Odpovieme v utorok 24. novembra do 10.00.", due, ZONE)
    assert not is_out_of_date(draft, "Odpovieme čoskoro.", due, ZONE)
    assert not is_out_of_date(plain, "Odpovieme dnes do 10.00.", due, ZONE)


@pytest.mark.parametrize(
    ("changes", "label", "urgencies", "purpose"),
    [
        ({}, "complaint", ("legal",), "acknowledgement"),
        ({}, "complaint", ("repeated", "safety"), "acknowledgement"),
        ({}, "complaint", ("repeated",), "answer"),
        ({}, "neutral", ("media",), "answer"),
        ({"answered": True}, "complaint", ("legal",), "answer"),
        ({"acknowledgement": DraftState.PENDING}, "complaint", (), "acknowledgement"),
        ({"acknowledgement": DraftState.UNKNOWN, "answered": False}, "neutral", (), "acknowledgement"),
        ({"acknowledgement": DraftState.PUBLISHED}, "complaint", ("legal",), "answer"),
        ({"acknowledgement": DraftState.REJECTED}, "complaint", ("legal",), "answer"),
    ],
)
def test_what_is_drafted_next(changes: dict[str, object], label: str, urgencies: tuple[str, ...], purpose: str) -> None:
    unjudged = Unjudged(row_id=1, mention=wrote(), **changes)  # type: ignore[arg-type]
    verdict = replace(COMPLAINT, urgency=tuple(Urgency(name=name) for name in urgencies))
    assert purpose_of(unjudged, label, verdict, DraftingOptions()) == purpose  # type: ignore[arg-type]


def test_the_wall_can_reply() -> None:
    assert isinstance(Wall(), CanReply)
    assert NOTE.action == "note"
