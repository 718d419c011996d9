"""A service that runs for years: the file stays bounded, and nothing goes that is still needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from monitor.contract import Page
from monitor.model import Decision
from monitor.options import Config, MailOptions, PersonOptions, SlackOptions
from monitor.people import people_of
from monitor.retention import Keeper
from monitor.retention_options import RetentionOptions
from monitor.store.cases import Deed
from monitor.store.digests import Issue
from monitor.store.leftovers import MOST_VERSIONS, OTHERS, RULES
from monitor.store.llm_use import Caps, Use
from monitor.store.messages import Medium, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.asking import Asker
from tests.made import NOON, draft_all, mention

NIGHT = NOON.replace(hour=2)
DAY, WEEK, MONTH = timedelta(days=1), timedelta(weeks=1), timedelta(days=31)
ALL_SHORT = {"answered": 3, "unanswered": 3, "drafts": 2, "messages": 1, "audit": 4}
SLACK = SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C0DRAFTS")  # type: ignore[arg-type]
MAIL = MailOptions(sender="ohlas@shop.example", host="127.0.0.1", port=25, security="none")
CONFIG = Config(slack=SLACK, mail=MAIL, people={"jana": PersonOptions(mail="jana@shop.example", role="manager")})
RULES_OF_PEOPLE = Rules(people=people_of(CONFIG), grace=timedelta(0), check=lambda _draft, _text, _actor: ())


@dataclass
class Life:
    """A store and what happens to it; `now` is everybody's clock."""

    store: SqliteStore
    options: dict[str, int] = field(default_factory=dict)
    now: datetime = NOON
    written: int = 0

    def __post_init__(self) -> None:
        self.asker = Asker(CONFIG, self.store, lambda: self.now)
        self.asker.catch_up()
        zone = ZoneInfo("Europe/Bratislava")
        self.keeper = Keeper(self.store, RetentionOptions(**self.options), {}, zone, lambda: self.now)

    def write(self, number: int = 1) -> list[int]:
        """So many customers complain; returns their drafts."""
        found = [mention(n, created_at=self.now) for n in range(self.written, self.written + number)]
        self.written += number
        self.store.mentions.save_page("shop", Page(mentions=tuple(found)), None, self.now)
        return draft_all(self.store, now=self.now)

    def reject(self, draft_id: int) -> None:
        rev = self.store.drafts.get(draft_id).rev
        decision = Decision(draft_id=draft_id, rev=rev, action="reject", actor="jana", via="page", reason="handled")
        decide(self.store.drafts, decision, RULES_OF_PEOPLE, self.now)

    def send(self) -> list[str]:
        """Whatever is due goes out; returns the keys."""
        self.asker.step()
        later = self.now + DAY
        keys = []
        for medium in ("slack", "mail"):
            for one in self.store.messages.due(cast(Medium, medium), later, 1000):
                self.store.messages.begin(one, self.now)
                self.store.messages.sent(one, self.now, external_id=f"<{one.key}>", shown="card")
                keys.append(one.key)
        return keys

    def digest(self, day: datetime | None = None) -> Issue:
        at = (day or self.now).date()
        issue = Issue(person="jana", edition="daily", day=at, first=at - DAY, last=at - DAY)
        letter = NewMessage(key=issue.key, medium="mail", recipient="j@e.example", kind="digest", due=self.now)
        self.store.digests.take(issue, replace(letter, person="jana", body="{}"), self.now)
        return issue

    async def pass_by(self, time: timedelta) -> None:
        self.now += time
        await self.keeper.step()

    def rows(self, table: str) -> int:
        return int(self.store._engine.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def keys(self) -> set[str]:
        return {row["key"] for row in self.store._engine.rows("SELECT key FROM message")}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    store = SqliteStore(tmp_path / "ohlas.db")
    yield Life(store)
    store.close()


def short(life: Life, **options: int) -> Life:
    return Life(life.store, {**ALL_SHORT, **options}, life.now)


def test_every_table_has_a_bound_or_a_reason(life: Life) -> None:
    rows = life.store._engine.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = {row["name"] for row in rows if not row["name"].startswith("mention_text_fts")}
    ruled = [rule.table for rule in RULES]
    assert len(ruled) == len(set(ruled)) and not set(ruled) & set(OTHERS)
    assert tables == set(ruled) | set(OTHERS), "say in monitor/store/leftovers.py what bounds the table"


def a_week(life: Life, number: int) -> None:
    """Of everything that leaves rows behind."""
    store, now = life.store, life.now
    first, second, *_ = life.write(4)
    life.send()
    life.reject(first)
    store._engine.connection.execute("UPDATE draft SET state = 'published' WHERE id = ?", (second,))
    case = store.drafts.get(second).case_id
    assert store.follow_ups.vote(case, "good", "Ďakujem.", since=now - DAY, now=now)
    store.cases.merge(case, store.drafts.get(first).case_id, Deed(actor="jana", via="page", at=now))
    for day in range(7):
        life.digest(now + day * DAY)
        store.silences.fall_silent("shop", now, "quiet", now)
        store.silences.speak_again("shop", now)
        caps = Caps(tokens=10**9, cost=10.0**9)
        store.llm_use.reserve(f"{now + day * DAY:%Y-%m-%d}", "m", Use(requests=1, tokens=(5, 5), cost=0.1), caps)
    life.asker.alerter.goes_on("spreading", f"forum\x1fpost {number}", now, source="forum", people=9)
    edited = mention(life.written - 1, created_at=now, text=f"Ešte stále nič. {number}")
    store.mentions.save_page("shop", Page(mentions=(edited,)), None, now)
    store.sign_ins.redeem(store.sign_ins.offer("jana", now), now)
    life.send()


async def test_two_years_leave_no_more_than_one(life: Life) -> None:
    life.now = NIGHT
    life = short(life)
    life.store.sources.configure({"shop": "heureka"}, life.now)
    tables, pages = [], []
    for step in range(14):
        await life.pass_by(8 * WEEK)
        a_week(life, step)
        if step in (6, 13):
            tables.append({rule.table: life.rows(rule.table) for rule in RULES})
            pages.append(life.store._engine.rows("PRAGMA page_count")[0][0])
    after_one, after_two = tables
    assert {name for name, rows in after_two.items() if not rows} <= {"attempt"}, "something did happen"
    # a week more or less, and what is left of each case for ever
    grown = {name: (after_one[name], rows) for name, rows in after_two.items() if rows > 1.25 * after_one[name] + 9}
    assert grown == {}
    a_mention = (pages[1] - pages[0]) * 4096 / (7 * 4)
    assert a_mention < 4096, "one with its draft, its counts and its decisions, all of them emptied"


async def test_who_is_asked_about_a_draft_is_asked_once_however_long_it_waits(life: Life) -> None:
    life = short(life, unanswered=0, answered=0)
    waits, settled = life.write(2)
    asked = set(life.send())
    life.reject(settled)
    await life.pass_by(6 * MONTH)
    life.asker.catch_up()  # Ohlas is started again
    assert not {key for key in life.send() if "card" in key}
    gone = asked - life.keys()
    assert gone == {f"mail-card-{settled}-1-jana"}
    assert life.store.messages.find("mail", f"<mail-card-{waits}-1-jana>") is not None


async def test_a_card_can_be_emptied_for_as_long_as_its_customer_may_ask_for_it(life: Life) -> None:
    life = short(life, unanswered=0, answered=0)
    [draft_id] = life.write()
    life.send()
    life.reject(draft_id)
    life.send()
    await life.pass_by(24 * MONTH)
    assert len(life.store.messages.showing(draft_id, "slack")) == 1
    assert life.store.messages.told(draft_id, "slack")
    life.store.erasing.ask([1], actor="jana", via="page", why="asked", now=life.now)
    await life.pass_by(DAY)
    assert len(life.store.messages.showing(draft_id, "slack")) == 1, "Slack hears of it just now"
    await life.pass_by(3 * MONTH)
    assert not [key for key in life.keys() if key.startswith("slack-card")]


async def test_a_letter_is_known_for_longer_than_its_mark_holds(life: Life) -> None:
    life = short(life)
    [draft_id] = life.write()
    life.send()
    life.reject(draft_id)
    await life.pass_by(timedelta(days=15))
    assert life.store.messages.find("mail", f"<mail-card-{draft_id}-1-jana>") is not None
    await life.pass_by(2 * MONTH)
    assert life.store.messages.find("mail", f"<mail-card-{draft_id}-1-jana>") is None


async def test_what_waits_to_be_sent_waits_on(life: Life) -> None:
    life = short(life, unanswered=0)
    life.write()
    life.asker.step()  # and neither Slack nor the mail server can be reached
    before = life.keys()
    await life.pass_by(12 * MONTH)
    assert before == life.keys()


async def test_the_last_digest_that_went_out_stays_so_that_none_is_told_twice(life: Life) -> None:
    life = short(life)
    for _ in range(3):
        life.digest()
        life.send()
        life.now += DAY
    failed = life.digest()
    [message] = life.store.messages.due("mail", life.now)
    life.store.messages.fail(message, "no such mailbox", life.now)
    known = life.store.digests.last("jana", "daily", life.now.date())
    await life.pass_by(6 * MONTH)
    assert life.store.digests.last("jana", "daily", life.now.date()) == known
    assert (life.rows("digest"), life.rows("message")) == (2, 2), "the one that failed was not made up for"
    assert not life.store.digests.take(failed, None, life.now)
    life.digest()
    assert not life.store.digests.take(replace(failed, day=life.now.date()), None, life.now)


async def test_an_alert_is_forgotten_after_its_messages_and_can_be_told_again(life: Life) -> None:
    life = short(life)
    spread = ("spreading", "forum\x1fpost 1")
    life.asker.alerter.goes_on(*spread, life.now, source="forum", people=9)
    life.asker.alerter.goes_on("spike", "", life.now, count=9)
    life.asker.alerter.goes_on("spreading", "forum\x1fpost 2", life.now, source="forum", people=9)
    [*first] = (key for key in life.send() if "spreading" in key)
    unsent = "UPDATE message SET state = 'due', due = 0, body = '{}' WHERE key = ?"
    life.store._engine.connection.execute(unsent, (next(key for key in first if key.startswith("slack")),))
    await life.pass_by(2 * MONTH)
    assert life.store.alerts.told(*spread).times == 1, "one of its messages did not go out yet"
    assert life.store.alerts.told("spreading", "forum\x1fpost 2").times == 0
    assert life.store.alerts.told("spike", "").times == 1
    life.send()
    await life.pass_by(2 * MONTH)
    assert life.store.alerts.told(*spread).times == 0
    life.asker.alerter.goes_on(*spread, life.now, source="forum", people=9)
    assert [key for key in life.send() if "spreading" in key]


async def test_an_alert_that_cools_down_is_not_forgotten(life: Life) -> None:
    life = short(life)
    life.asker.alerter.goes_on("spreading", "forum\x1fpost", life.now, source="forum", people=9)
    life.send()
    await life.pass_by(timedelta(days=7))  # the longest that can be configured
    assert life.store.alerts.told("spreading", "forum\x1fpost").times == 1


async def test_no_number_up_to_which_somebody_has_read_is_given_again(life: Life) -> None:
    """Else nobody would hear of what has it."""
    life = short(life)
    life.store.sources.configure({"shop": "heureka"}, life.now)
    first, second = life.write(2)
    life.reject(first)
    life.store.silences.fall_silent("shop", life.now, "quiet", life.now)
    life.send()
    life.store.messages.changes("slack")
    await life.pass_by(24 * MONTH)
    await life.pass_by(DAY)
    assert (life.rows("decision"), life.rows("notice")) == (1, 1)
    life.store.silences.speak_again("shop", life.now)
    again = life.write()
    life.reject(again[0])
    keys = life.send()
    assert [key for key in keys if key.startswith("slack-source-")]
    assert [one.action for one in life.store.messages.changes("slack")][-1] == "reject"
    assert second != again[0]


async def test_that_a_customer_wrote_again_is_noted_once_for_as_long_as_he_may_be_judged_again(life: Life) -> None:
    life = short(life, answered=0, unanswered=0)
    life.write(2)
    add = "INSERT INTO follow_up (kind, at, case_id, mention_id, shown_id, draft_id) VALUES (?, ?, 1, 1, ?, 1)"
    for kind, shown in (("wrote", 2), ("changed", 1)):
        life.store._engine.connection.execute(add, (kind, life.now.timestamp(), shown))
    await life.pass_by(12 * MONTH)
    assert [row["kind"] for row in life.store._engine.rows("SELECT kind FROM follow_up")] == ["wrote"]
    life.store.erasing.ask([2], actor="jana", via="page", why="asked", now=life.now)
    await life.pass_by(DAY)
    await life.pass_by(DAY)
    assert life.rows("follow_up") == 0


async def test_of_a_page_that_says_something_else_at_every_look_the_newest_versions_stay(life: Life) -> None:
    life.write(2)
    for number in range(MOST_VERSIONS + 30):
        edited = mention(0, text=f"Už {number} ľudí to videlo.")
        life.store.mentions.save_page("shop", Page(mentions=(edited,)), None, life.now)
    life.store.mentions.save_page("shop", Page(mentions=(mention(1, text="Iné."),)), None, life.now)
    await life.pass_by(DAY)
    edits = life.store.views.matter(1).edits
    assert (len(edits), edits[-1].text) == (MOST_VERSIONS, f"Už {MOST_VERSIONS + 28} ľudí to videlo.")
    assert len(life.store.views.matter(2).edits) == 1


async def test_zero_keeps_for_ever(life: Life) -> None:
    life = short(life, messages=0, audit=0)
    life.store.sources.configure({"shop": "heureka"}, life.now)
    for week in range(3):
        a_week(life, week)
        life.now += WEEK
    kept = [rule.table for rule in RULES if rule.deadline]
    before = {table: life.rows(table) for table in kept if table != "erasure"}
    await life.pass_by(120 * MONTH)
    assert {table: life.rows(table) for table in before} == before
