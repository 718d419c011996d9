"""Who is asked about a draft, and asked again: on a real database, with a clock that the tests turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.contract import Page
from monitor.errors import NoSuchDraft, StaleDecision
from monitor.model import Decision, Priority, Urgency
from monitor.options import ApprovalOptions, Config, HoursOptions, MailOptions, PersonOptions, RoutingRule, SlackOptions
from monitor.store.messages import Message, NewMessage
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.clocks import Clock
from tests.made import COMPLAINT, arrive, draft_all, mention, people

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Europe/Bratislava"))
CONFIG = Config(
    hours=HoursOptions(holidays="SK"),
    approval=ApprovalOptions(escalate_to="managers"),
    people={
        "eva": PersonOptions(mail="eva@shop.example", slack="U1", deputy="ota"),
        "ota": PersonOptions(mail="ota@shop.example", slack="U2", languages=("cs",)),
        "lea": PersonOptions(mail="lea@shop.example", role="manager", groups=("managers",)),
    },
    routing=(RoutingRule(to="eva"),),
    slack=SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C1", notices="C2"),
    mail=MailOptions(sender="ohlas@shop.example", host="localhost"),
)


@dataclass
class Desk:
    store: SqliteStore
    asker: Asker
    now: datetime = MONDAY

    def ask(self, config: Config = CONFIG) -> None:
        self.asker = Asker(config, self.store, lambda: self.now)
        self.asker.catch_up()
        self.tick()

    def tick(self, at: datetime | None = None) -> None:
        self.now = at or self.now
        self.asker.step()

    def messages(self, medium: str, kind: str = "") -> list[Message]:
        later = self.now + timedelta(days=30)
        return [one for one in self.store.messages.due(medium, later, 1000) if kind in ("", one.kind)]  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = SqliteStore(tmp_path / "ohlas.db")
    desk = Desk(store, Asker(CONFIG, store, lambda: MONDAY))
    desk.ask()
    yield desk
    store.close()


def written(desk: Desk, number: int = 1, **changes: object) -> int:
    arrive(desk.store, mention(number, created_at=MONDAY - timedelta(minutes=5)))
    [draft_id] = draft_all(desk.store, now=desk.now, **changes)
    desk.tick()
    return draft_id


def test_a_draft_is_somebodys_and_has_a_card_and_a_later_mail(desk: Desk) -> None:
    draft = written(desk)
    asking = desk.store.asking.get(draft)
    assert (asking.assignee, asking.team, asking.routed) == ("eva", ("eva",), True)
    [card] = desk.messages("slack", "card")
    [mail] = desk.messages("mail", "card")
    assert (card.recipient, card.draft_id, mail.recipient) == ("C1", draft, "eva@shop.example")
    assert mail.due == desk.now + timedelta(minutes=15)


def test_asking_twice_writes_nothing_twice(desk: Desk) -> None:
    written(desk)
    before = [*desk.messages("slack"), *desk.messages("mail")]
    desk.ask()
    desk.tick()
    assert [*desk.messages("slack"), *desk.messages("mail")] == before


def test_what_is_urgent_is_mailed_at_once_and_told_in_the_channel(desk: Desk) -> None:
    written(desk, priority=Priority.URGENT)
    assert desk.messages("mail", "card")[0].due == desk.now
    [notice] = desk.messages("slack", "notice")
    assert (notice.recipient, json.loads(notice.body)["code"]) == ("C2", "urgent")


def test_first_a_reminder_then_the_deputy_then_the_channel(desk: Desk) -> None:
    draft = written(desk)  # high priority: four working hours, from nine o'clock
    desk.tick(MONDAY.replace(hour=10, minute=59))
    assert desk.messages("mail", "reminder") == []
    desk.tick(MONDAY.replace(hour=11))
    assert [one.person for one in desk.messages("mail", "reminder")] == ["eva"]
    desk.tick(MONDAY.replace(hour=13))
    assert [one.person for one in desk.messages("mail", "escalation")] == ["ota"]
    assert desk.store.asking.get(draft).team == ("eva", "ota")
    desk.tick(MONDAY.replace(hour=15))
    assert [one.recipient for one in desk.messages("slack", "escalation")] == ["C1", "C2"]
    desk.tick(MONDAY + timedelta(days=9))
    assert len(desk.messages("slack", "escalation")) == 2
    assert [entry.action for entry in desk.store.views.matter(draft).history] == ["remind", "escalate", "escalate"]


def test_clocks_stand_still_at_night_and_on_holidays(desk: Desk) -> None:
    thursday = datetime(2026, 12, 23, 15, 0, tzinfo=ZoneInfo("Europe/Bratislava"))  # Christmas begins tomorrow
    desk.tick(thursday)
    draft = written(desk)
    asking = desk.store.asking.get(draft)
    assert asking.timer == thursday.replace(day=28, hour=9)
    assert asking.answer_by == thursday.replace(day=28, hour=11)


def test_a_decision_ends_the_clock(desk: Desk) -> None:
    draft = written(desk)
    rules = Rules(people=people("eva"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
    decide(
        desk.store.drafts, Decision(draft_id=draft, rev=1, action="approve", actor="eva", via="page"), rules, desk.now
    )
    desk.tick(MONDAY + timedelta(days=3))
    assert desk.messages("mail", "reminder") == []
    assert desk.store.asking.next_timer() is None


def test_a_snoozed_draft_sleeps_until_its_time_and_keeps_its_deadline(desk: Desk) -> None:
    draft = written(desk)
    until = MONDAY.replace(hour=14)
    desk.store.asking.snooze(draft, until, actor="eva", via="page", now=desk.now)
    desk.tick(MONDAY.replace(hour=13, minute=30))
    assert desk.messages("mail", "reminder") == []
    desk.tick(until)
    assert desk.store.asking.get(draft).snoozed_until is None
    desk.tick(until)
    assert len(desk.messages("mail", "reminder")) == 1


def test_one_that_sleeps_until_something_changes_wakes_when_the_customer_edits(desk: Desk) -> None:
    draft = written(desk)
    desk.store.asking.snooze(draft, None, actor="eva", via="page", now=desk.now)
    desk.tick(MONDAY + timedelta(days=2))
    assert desk.store.asking.get(draft).watched
    changed = mention(1, text="Balík je stále rozbitý.", created_at=MONDAY - timedelta(minutes=5))
    desk.store.mentions.save_page("shop", Page(mentions=(changed,)), None, desk.now)
    draft_all(desk.store, now=desk.now)
    desk.tick()
    assert not desk.store.asking.get(draft).watched
    assert [one.rev for one in desk.messages("mail", "card")] == [1, 2]


def test_two_do_not_work_on_one(desk: Desk) -> None:
    draft = written(desk)
    store = desk.store.asking
    until = desk.now + timedelta(minutes=15)
    store.claim(draft, "eva", until, via="page", now=desk.now)
    with pytest.raises(StaleDecision, match="eva has it"):
        store.claim(draft, "ota", until, via="page", now=desk.now)
    store.claim(draft, "eva", until + timedelta(minutes=5), via="page", now=desk.now)
    store.claim(draft, "ota", until + timedelta(hours=1), via="page", now=until + timedelta(minutes=5))
    store.release(draft, "eva")
    assert store.get(draft).claimed_by == "ota"
    store.release(draft, "ota")
    assert store.get(draft).claimed_by == ""


def test_handing_it_on_ends_a_claim(desk: Desk) -> None:
    draft = written(desk)
    desk.store.asking.claim(draft, "eva", desk.now + timedelta(hours=1), via="page", now=desk.now)
    desk.store.asking.assign(draft, "lea", actor="eva", via="page", now=desk.now)
    asking = desk.store.asking.get(draft)
    assert (asking.assignee, asking.claimed_by) == ("lea", "")
    with pytest.raises(NoSuchDraft):
        desk.store.asking.assign(999, "lea", actor="eva", via="page", now=desk.now)


def test_whoever_is_handed_a_draft_hears_of_it_at_once(desk: Desk) -> None:
    draft = written(desk)
    desk.store.asking.assign(draft, "lea", actor="eva", via="page", now=desk.now)
    desk.tick()
    [mail] = [one for one in desk.messages("mail", "card") if one.person == "lea"]
    assert (mail.due, mail.recipient) == (desk.now, "lea@shop.example")


def test_a_stopped_source_is_told_once_and_old_news_never(desk: Desk) -> None:
    desk.store.sources.configure({"shop": "rss"}, desk.now)
    stopped = PollRecord(
        source="shop", status="stopped", failures=1, refusals=0, due=None, at=desk.now, error="401", notice="stopped"
    )
    desk.store.messages.advance("notices", "")
    desk.store.sources.record(stopped)
    desk.ask()  # from now on somebody listens
    desk.store.sources.record(replace(stopped, notice="back"))
    desk.tick()
    desk.tick()
    assert [json.loads(one.body)["code"] for one in desk.messages("slack", "notice")] == ["back"]


def test_without_slack_managers_hear_of_it_by_mail(desk: Desk) -> None:
    desk.ask(CONFIG.model_copy(update={"slack": None}))
    written(desk, priority=Priority.URGENT)
    assert [one.person for one in desk.messages("mail", "notice")] == ["lea"]
    assert desk.messages("slack") == []


def test_drafts_that_waited_before_slack_was_connected_get_cards(desk: Desk) -> None:
    desk.ask(CONFIG.model_copy(update={"slack": None, "mail": None}))
    draft = written(desk)
    assert desk.messages("slack") == []
    desk.ask()
    assert [one.draft_id for one in desk.messages("slack", "card")] == [draft]


def test_rules_look_at_what_makes_a_matter_urgent(desk: Desk) -> None:
    rules = (RoutingRule(urgency="legal", to="lea"), RoutingRule(to="eva"))
    desk.ask(CONFIG.model_copy(update={"routing": rules}))
    draft = written(desk, verdict=replace(COMPLAINT, urgency=(Urgency(name="legal", words=("súd",)),)))
    assert desk.store.asking.get(draft).assignee == "lea"


def test_a_message_is_sent_by_one_and_after_a_crash_it_is_unknown(desk: Desk) -> None:
    new = NewMessage(key="k", medium="mail", recipient="eva@shop.example", kind="notice", due=desk.now)
    assert (desk.store.messages.put([new], desk.now), desk.store.messages.put([new], desk.now)) == (1, 0)
    [message] = desk.store.messages.due("mail", desk.now)
    assert (desk.store.messages.begin(message, desk.now), desk.store.messages.begin(message, desk.now)) == (True, False)
    assert desk.store.messages.recover("slack", desk.now) == []
    assert [one.state for one in desk.store.messages.recover("mail", desk.now)] == ["unknown"]
    assert desk.store.messages.due("mail", desk.now) == []


def test_a_delivery_is_recognised_when_it_comes_again(desk: Desk) -> None:
    assert [desk.store.messages.receive("envelope-1", desk.now) for _ in range(2)] == [True, False]


def test_a_clock_tells_how_much_working_time_is_left() -> None:
    clock = Clock(
        hours=HoursOptions(), zone=ZoneInfo("Europe/Bratislava"), times=ApprovalOptions().answer_within, remind_at=0.5
    )
    due = clock.due(Priority.NORMAL, MONDAY.replace(hour=10))
    assert due == MONDAY.replace(day=24, hour=10)
    assert clock.left(due, MONDAY.replace(hour=15)) == timedelta(hours=3)
    assert clock.left(due, MONDAY.replace(day=24, hour=12)) == -timedelta(hours=2)
