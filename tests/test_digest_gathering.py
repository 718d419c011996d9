"""What a digest tells, read out of a real database: for one person, about the right days, and nothing that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.contract import Page
from monitor.digest.gathering import Gatherer
from monitor.digest.recurring import quotation, recurring
from monitor.digest.schedule import imagined
from monitor.digest.thanks import MOST, team_names, worth_sharing
from monitor.model import Aspect, Priority
from monitor.people import Person
from monitor.store.follow_ups import Aftermath
from monitor.store.highlights import Praise
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from tests.digest_gallery import highlight, quiet, show
from tests.made import COMPLAINT, NOON, PRAISE, arrive, draft_all, mention

SUNDAY = date(2026, 11, 22)  # its digest is about Saturday, the day of NOON
NOW = NOON + timedelta(hours=18)
EVA = Person(name="Eva", mail="eva@shop.example", language="sk")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def gathered(store: SqliteStore, person: Person = EVA):  # type: ignore[no-untyped-def]
    everyday = person.digest.model_copy(update={"days": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")})
    reader = replace(person, digest=everyday)
    return Gatherer(store=store, team=("Jana", "Péter")).digest(reader, imagined(reader, "daily", SUNDAY), NOW)


def test_a_day(store: SqliteStore) -> None:
    slow = replace(COMPLAINT, aspects=(Aspect(name="delivery"),))
    for away in range(8):
        earlier = NOON - timedelta(days=away)
        arrived = Page(mentions=(mention(away, created_at=earlier),))
        store.mentions.save_page("shop", arrived, None, NOON - timedelta(days=3))
        draft_all(store, verdict=slow)
    arrive(
        store, *(mention(n, text=f"Kuriér neprišiel, už po {n}. raz mi nikto nezdvihol telefón.") for n in (20, 21, 22))
    )
    draft_all(store, verdict=slow, priority=Priority.URGENT)
    arrive(store, mention(30, text="Pani Janke ďakujem, všetko vybavila."), mention(31, text="", rating=5.0))
    draft_all(store, verdict=PRAISE)
    arrive(store, mention(40, created_at=NOON + timedelta(hours=15)))  # of this morning: tomorrow's digest
    draft_all(store)
    digest = gathered(store)
    assert (digest.tally.complaint, digest.tally.praise) == (4, 2)
    assert digest.usual_of == 3 and digest.usual.complaint == 1  # Ohlas has been there for so many days
    assert digest.before is not None and digest.before.complaint == 1
    assert [bar.tally.complaint for bar in digest.bars] == [1, 1, 1, 1, 1, 1, 4]
    assert digest.waiting.total == 14 and digest.waiting.oldest == NOON - timedelta(days=7)
    assert [one.mention_id for one in digest.waiting.shown][:3] == [9, 10, 11]  # urgent ones first
    assert {one.priority for one in digest.complaints[:3]} == {Priority.URGENT} and len(digest.complaints) == 4
    [again] = digest.recurring
    assert (again.aspect, again.count, again.quotation.text[:6]) == ("delivery", 4, "Kuriér")
    assert [(one.names, one.mention.text[:10]) for one in digest.thanks] == [(("Jana",), "Pani Janke")]
    assert not digest.is_quiet


def test_it_is_about_what_the_person_answers(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2, language="hu"))
    arrive(store, mention(3, source="forum"))
    draft_all(store)
    store._engine.connection.execute("UPDATE mention SET language = 'hu' WHERE external_id = 'm2'")
    store._engine.connection.execute("UPDATE draft SET language = 'hu' WHERE mention_id = 2")
    assert gathered(store, replace(EVA, languages=("sk",), sources=("shop",))).tally.total == 1
    hungarian = gathered(store, replace(EVA, languages=("hu",)))
    assert (hungarian.tally.total, hungarian.waiting.total, hungarian.team_waiting) == (1, 1, 3)
    reader = gathered(store, replace(EVA, role="reader"))
    assert reader.waiting.total == reader.team_waiting == 3


def test_what_a_customer_took_back_is_counted_and_not_quoted(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    draft_all(store)
    store.mentions.save_page("shop", Page(gone=("m1",)), None, NOON)
    digest = gathered(store)
    assert digest.tally.complaint == 2 and [one.mention_id for one in digest.complaints] == [2]


def test_replies_that_went_wrong_and_sources_that_need_somebody(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    draft_all(store)
    store._engine.connection.execute("UPDATE draft SET state = 'unknown' WHERE id = 1")
    store._engine.connection.execute("UPDATE draft SET state = 'failed' WHERE id = 2")
    store.sources.configure({"shop": "rss", "forum": "rss"}, NOON)
    store.sources.record(
        PollRecord(source="forum", status="stopped", failures=3, refusals=1, due=None, at=NOON, error="401")
    )
    digest = gathered(store)
    assert (digest.troubled.unknown, digest.troubled.failed) == (1, 1)
    assert [one.state for one in digest.troubled.shown] == ["unknown", "failed"]
    assert [(line.health.name, line.ails, line.mentions) for line in digest.sources] == [
        ("forum", True, 0),
        ("shop", False, 2),
    ]


def test_half_a_month_is_not_compared_with_a_whole_one(store: SqliteStore) -> None:
    arrived = Page(mentions=tuple(mention(n, created_at=NOON - timedelta(days=3 * n)) for n in range(18)))
    store.mentions.save_page("shop", arrived, None, NOON - timedelta(days=70))  # the twelfth of September
    draft_all(store)
    gatherer = Gatherer(store=store, team=())
    november = gatherer.digest(EVA, imagined(EVA, "monthly", date(2026, 12, 1)), NOW)
    assert november.usual_of == 1 and november.before is not None and november.before.complaint == 11  # October
    october = gatherer.digest(EVA, imagined(EVA, "monthly", date(2026, 11, 1)), NOW)
    assert october.usual_of == 0 and october.before is None and october.usual is None
    assert len(october.weeks) == 7, "from the week on in which Ohlas began"


def test_a_complaint_that_another_place_of_its_case_answers(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft] = draft_all(store)
    arrive(store, mention(2, source="forum"))
    with store._engine.writing() as connection:
        connection.execute(
            "UPDATE mention SET stage = 'done', label = 'complaint', action = 'note', priority = 1,"
            " case_id = (SELECT case_id FROM mention WHERE id = 1) WHERE id = 2"
        )
        connection.execute("UPDATE mention SET priority = 4 WHERE id = 1")
    [shown] = gathered(store).complaints
    assert (shown.mention_id, shown.draft_id, shown.state, shown.handled_in) == (2, draft, "pending", "shop")


def test_approved_answers_that_nobody_has_posted_yet(store: SqliteStore) -> None:
    arrive(store, mention(1))
    draft_all(store, manual=True)
    arrive(store, mention(2, source="forum"))
    draft_all(store)
    store._engine.connection.execute("UPDATE draft SET state = 'approved'")
    digest = gathered(store)
    assert digest.to_post == 1 and not digest.is_quiet
    assert gathered(store, replace(EVA, sources=("forum",))).to_post == 0


def test_what_a_source_brings_after_the_digest_of_its_day_is_in_the_next_one(store: SqliteStore) -> None:
    """Heureka makes its exports every six hours; counts stay those of the days on which it was written."""
    friday = NOON - timedelta(hours=16)  # nine in the evening
    told, untold = NOON - timedelta(hours=7), NOON - timedelta(hours=5)  # the digest of Saturday went out at seven
    for number, seen in ((1, told), (2, untold)):
        store.mentions.save_page("shop", Page(mentions=(mention(number, created_at=friday),)), None, seen)
    draft_all(store)
    for number, seen in ((3, told), (4, untold)):
        praise = mention(number, created_at=friday, text="Pani Janke ďakujem, všetko vybavila skvele.", rating=5.0)
        store.mentions.save_page("shop", Page(mentions=(praise,)), None, seen)
    draft_all(store, verdict=PRAISE)
    digest = gathered(store)
    assert [one.mention_id for one in digest.complaints] == [2]
    assert [one.mention.mention_id for one in digest.thanks] == [4]
    assert digest.tally.total == 0 and digest.bars[-2].tally.total == 4
    long_ago = mention(5, created_at=NOON - timedelta(days=9))
    store.mentions.save_page("shop", Page(mentions=(long_ago,)), None, untold)
    draft_all(store)
    assert [one.mention_id for one in gathered(store).complaints] == [2], "an old file that was imported"


def test_a_review_that_was_changed_after_our_answer_waits_since_then(store: SqliteStore) -> None:
    written, changed = NOON - timedelta(days=90), NOON + timedelta(hours=12)
    arrive(store, mention(1, created_at=written))
    draft_all(store)
    connection = store._engine.connection
    assert gathered(store).waiting.oldest == written
    connection.execute("UPDATE draft SET purpose = 'second_answer'")
    connection.execute("UPDATE mention SET edited_at = ?", (changed.timestamp(),))
    waiting = gathered(store).waiting
    assert (waiting.oldest, waiting.shown[0].created_at) == (changed, changed)


def test_a_day_on_which_a_customer_says_something_of_our_answer_is_not_quiet() -> None:
    nothing = quiet()
    assert nothing.is_quiet
    for said in (Aftermath(bad=1), Aftermath(complained=1), Aftermath(worse=1), Aftermath(better=1)):
        assert not replace(nothing, aftermath=said).is_quiet
    assert replace(nothing, aftermath=Aftermath(answered=3, rated=2)).is_quiet, "that is what we did before"


def test_a_quiet_day(store: SqliteStore) -> None:
    store.sources.configure({"shop": "rss"}, NOON)
    assert gathered(store).is_quiet
    store.sources.record(
        PollRecord(source="shop", status="failing", failures=3, refusals=0, due=NOON, at=NOON, error="x")
    )
    assert not gathered(store).is_quiet


def test_five_thousand_that_wait(store: SqliteStore) -> None:
    for thousand in range(5):
        arrive(store, *(mention(1000 * thousand + n, text="<&'\"" * 200) for n in range(1000)))
        draft_all(store)
    digest = gathered(store)
    assert (digest.waiting.total, len(digest.waiting.shown)) == (5000, 10)
    shown = show("sk", digest)
    assert "a ešte 4\N{NO-BREAK SPACE}990" in shown.plain and len(shown.html.encode()) < 60_000


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ďakujem Jane za pomoc", ("Jana",)),
        ("s pani Janou sa dá dohodnúť", ("Jana",)),
        ("Janka je zlatá", ("Jana",)),
        ("jana mi nepomohla, kto je jana", ()),
        ("Köszönöm Péternek és Pétertől a csomagot", ("Péter",)),
        ("Péterrel öröm volt beszélni", ("Péter",)),
        ("Petra mi pomohla", ("Péter",)),  # so is Péter bent in Slovak; better one too many than a colleague left out
        ("janitor of the month", ()),
        ("Január bol studený", ()),
        ("Všetko super", ()),
    ],
)
def test_names_in_all_their_forms(text: str, names: tuple[str, ...]) -> None:
    praise = [Praise(mention_id=1, author="Martin", title="", text=text)]
    assert worth_sharing(praise, ("Jana", "Péter")) == {1: names}


def test_a_customer_who_has_the_same_name_praises_somebody_else() -> None:
    praise = [Praise(mention_id=1, author="Jana K.", title="", text="Super. Jana")]
    assert worth_sharing(praise, ("Jana",)) == {1: ()}
    assert team_names(("you", "Eva"), "Jana zo Svrčiny") == ("Eva", "Jana")


def test_named_praise_comes_first_and_not_all_of_it() -> None:
    praise = [Praise(mention_id=n, author="", title="", text="Super obchod. " * n) for n in range(1, 20)]
    praise.append(Praise(mention_id=99, author="", title="", text="Vďaka, Jana"))
    shared = worth_sharing(praise, ("Jana",))
    assert len(shared) == MOST and next(iter(shared)) == 99


def test_what_rises_comes_first() -> None:
    counts = {"delivery": 9, "price": 4, "staff": 1, "web": 4}
    assert recurring(counts, {"delivery": 9.0, "price": 0.3}) == [("price", True), ("web", True), ("delivery", False)]
    assert recurring(counts, None) == [("delivery", False), ("price", False), ("web", False)]
    assert recurring({"web": 2}, {}) == [("web", False)]  # the first two are no alarm


def test_a_quotation_is_neither_a_word_nor_a_novel() -> None:
    said = [
        highlight(1, text="Zle"),
        highlight(2, text="x" * 130),
        highlight(3, text="y" * 900),
        highlight(4, text=" "),
    ]
    assert quotation(said) == said[1]
    assert quotation(said, frozenset({2})) == said[0] and quotation(said[3:]) is None
