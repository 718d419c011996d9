"""What customers do after our answer is out: noticed once, told, counted; and the link by which they say how it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor.alert_options import AlertOptions
from monitor.contract import Page, Receipt, ReplyRules
from monitor.model import Decision, Label
from monitor.options import CompanyOptions, Config, PolicyOptions, SlackOptions
from monitor.people import people_of
from monitor.store.drafts import Judged
from monitor.store.follow_ups import MOST_NOTED, Score
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.draft import compose
from responders.guard import check
from responders.playbook import shipped
from responders.satisfaction import LinkError, Questions
from tests.made import COMPLAINT, NOON, PRAISE, REPLY, arrive, draft_all, mention
from tests.page_place import Place, Reader

KEY = b"k" * 32
QUESTIONS = Questions(url="https://ohlas.shop.example/", key=KEY, valid=timedelta(days=30))
SLACK = SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C1")  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def publish(store: SqliteStore, number: int = 1) -> int:
    """A complaint is answered, and the answer is out; returns its draft."""
    arrive(store, mention(number, rating=1.0))
    [draft] = draft_all(store)
    rules = Rules(people=people_of(Config()), grace=timedelta(), check=lambda _draft, _text, _actor: ())
    decide(store.drafts, Decision(draft_id=draft, rev=1, action="approve", actor="you", via="page"), rules, NOON)
    [due] = store.publications.due(NOON)
    publication = store.publications.begin(due, ["you"], NOON)
    assert publication is not None
    store.publications.finish(publication, Receipt(id="1"), None, NOON)
    return draft


def change(store: SqliteStore, rating: float, text: str = "Už je to v poriadku.", number: int = 1) -> None:
    changed = mention(number, rating=rating, text=text)
    store.mentions.save_page("shop", Page(mentions=(changed,)), None, NOON + timedelta(hours=2))


def writes(store: SqliteStore, case_id: int, number: int, label: Label) -> None:
    """The same customer writes once more; who he is was found out elsewhere."""
    arrive(store, mention(number, created_at=NOON + timedelta(hours=3)))
    [one] = store.mentions.unjudged(10)
    verdict = COMPLAINT if label == "complaint" else PRAISE
    judged = Judged(
        row_id=one.row_id, content_hash=one.mention.content_hash, case_id=case_id, verdict=verdict, triage=REPLY
    )
    for _ in range(2):
        store.drafts.save_judged([judged], NOON + timedelta(hours=3))


def audit(store: SqliteStore, draft: int) -> list[tuple[str, str]]:
    return [(line.action, line.reason) for line in store.views.matter(draft).history]


# --- what is noticed


def test_a_review_that_is_changed_after_our_answer_is_noted_with_its_stars(store: SqliteStore) -> None:
    draft = publish(store)
    change(store, 4.0)
    [found] = store.follow_ups.newest(NOON)
    assert (found.kind, found.before, found.after, found.draft_id) == ("changed", 1.0, 4.0, draft)
    assert ("review_changed", "1 → 4") in audit(store, draft)
    aftermath = store.follow_ups.aftermath(NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (aftermath.answered, aftermath.rated, aftermath.better, aftermath.worse) == (1, 1, 1, 0)
    assert (aftermath.raised, aftermath.rated, aftermath.raised_share) == (1, 1, None)


def test_a_review_that_is_changed_twice_counts_once_by_where_it_ended(store: SqliteStore) -> None:
    publish(store)
    for stars in (4.0, 1.0, 5.0):
        change(store, stars, f"Teraz dávam {stars:g}.")
    aftermath = store.follow_ups.aftermath(NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (aftermath.rated, aftermath.better, aftermath.worse) == (1, 1, 0)


def test_the_share_of_raised_stars_is_one_of_the_answers_of_the_same_days(store: SqliteStore) -> None:
    """Stars that came for older answers are no part of it, or there would be more of them than answers."""
    publish(store)
    change(store, 4.0)
    earlier, later = NOON + timedelta(hours=1), NOON + timedelta(days=1)
    aftermath = store.follow_ups.aftermath(earlier, later)
    assert (aftermath.rated, aftermath.better, aftermath.raised) == (0, 1, 0)
    aftermath = store.follow_ups.aftermath(NOON, earlier)
    assert (aftermath.rated, aftermath.better, aftermath.raised) == (1, 0, 1)


def test_a_review_that_ends_where_it_began_changed_no_stars(store: SqliteStore) -> None:
    publish(store)
    for stars in (4.0, 1.0):
        change(store, stars, f"Teraz dávam {stars:g}.")
    aftermath = store.follow_ups.aftermath(NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (aftermath.better, aftermath.worse) == (0, 0)


def test_a_review_that_is_changed_before_our_answer_is_no_follow_up(store: SqliteStore) -> None:
    arrive(store, mention(1, rating=1.0))
    draft_all(store)
    change(store, 2.0)
    assert store.follow_ups.newest(NOON) == []


def test_a_poll_that_brings_the_same_words_again_changes_nothing(store: SqliteStore) -> None:
    publish(store)
    change(store, 4.0)
    change(store, 4.0)
    assert len(store.follow_ups.newest(NOON)) == 1


@pytest.mark.parametrize(("label", "complained"), [("complaint", 1), ("praise", 0)])
def test_a_customer_who_writes_again_is_noted_once(store: SqliteStore, label: Label, complained: int) -> None:
    draft = publish(store)
    writes(store, store.drafts.get(draft).case_id, 2, label)
    [found] = store.follow_ups.newest(NOON)
    assert (found.kind, found.label) == ("wrote", label)
    aftermath = store.follow_ups.aftermath(NOON, NOON + timedelta(days=1))
    assert (aftermath.wrote, aftermath.complained) == (1, complained)


def test_what_a_customer_wrote_before_our_answer_is_no_follow_up(store: SqliteStore) -> None:
    draft = publish(store)
    arrive(store, mention(2, created_at=NOON - timedelta(hours=1)))
    [one] = store.mentions.unjudged(10)
    case_id = store.drafts.get(draft).case_id
    judged = Judged(
        row_id=one.row_id, content_hash=one.mention.content_hash, case_id=case_id, verdict=COMPLAINT, triage=REPLY
    )
    store.drafts.save_judged([judged], NOON)
    assert store.follow_ups.newest(NOON) == []


def test_the_channel_hears_of_changed_stars_and_of_bad_votes_alone(store: SqliteStore) -> None:
    asker = Asker(Config(slack=SLACK), store, lambda: NOON + timedelta(hours=4))
    asker.catch_up()
    draft = publish(store)
    asker.step()
    change(store, 4.0)
    case_id = store.drafts.get(draft).case_id
    for score in ("good", "bad"):
        store.follow_ups.vote(case_id, score, "", since=NOON, now=NOON)  # type: ignore[arg-type]
    asker.step()
    later = NOON + timedelta(days=2)
    notices = [json.loads(one.body) for one in store.messages.due("slack", later, 100) if one.kind == "notice"]
    assert [(one["code"], one["text"]) for one in notices] == [("review_changed", "1 → 4"), ("customer_voted", "")]


def test_at_night_they_wait_and_replies_that_went_wrong_do_not(store: SqliteStore) -> None:
    night, morning = NOON + timedelta(hours=11), NOON + timedelta(hours=18)  # seven o'clock in Bratislava
    asker = Asker(Config(slack=SLACK, alerts=AlertOptions(muted="20:00-07:00")), store, lambda: night)
    asker.catch_up()
    draft = publish(store)
    asker.step()
    change(store, 4.0)
    store.follow_ups.vote(store.drafts.get(draft).case_id, "bad", "", since=NOON, now=NOON)
    for action in ("wrote_again", "publication_unknown"):
        store._engine.connection.execute(
            "INSERT INTO decision (draft_id, rev, action, actor, via, at, text_hash, reason, state)"
            " VALUES (?, 1, ?, '', '', 0, '', 'forum', 'published')",
            (draft, action),
        )
    asker.step()
    notices = {
        json.loads(one.body)["code"]: one.due
        for one in store.messages.due("slack", NOON + timedelta(days=2), 100)
        if one.kind == "notice"
    }
    late = dict.fromkeys(("review_changed", "customer_voted", "wrote_again"), morning)
    assert notices == {**late, "publication_unknown": night}


# --- the link


def test_a_link_names_its_case_and_nothing_else() -> None:
    link = QUESTIONS.link(42)
    assert link == QUESTIONS.link(42) and link.startswith("https://ohlas.shop.example/how/")
    assert QUESTIONS.case(urlsplit(link).path.removeprefix("/how/")) == 42


@pytest.mark.parametrize("mark", ["", "x", "NDI.abc", "NDI", "a" * 5000, "ND\N{LATIN SMALL LETTER E WITH ACUTE}.x"])
def test_a_mark_that_is_not_ours_is_no_case(mark: str) -> None:
    with pytest.raises(LinkError):
        QUESTIONS.case(mark)


def test_a_mark_of_another_company_is_not_ours() -> None:
    other = Questions(url=QUESTIONS.url, key=b"o" * 32, valid=QUESTIONS.valid)
    with pytest.raises(LinkError):
        QUESTIONS.case(urlsplit(other.link(42)).path.removeprefix("/how/"))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path, questions=QUESTIONS) as place:
        yield place


def path(case_id: int) -> str:
    return urlsplit(QUESTIONS.link(case_id)).path


async def test_a_customer_votes_by_a_button_and_may_change_his_mind(place: Place) -> None:
    draft = publish(place.store)
    address = path(place.store.drafts.get(draft).case_id)
    async with Reader(place) as customer:
        shown = await customer.get(f"{address}?lang=sk")
        assert shown.status == 200 and "Ako sme to vyriešili?" in shown.text
        assert "Zásuvka" not in shown.text and "OH-" not in shown.text, "the page tells nothing of the case"
        assert place.store.follow_ups.newest(NOON) == [], "a look, also a mail scanner's, votes nothing"
        for score, said in (("good", ""), ("bad", "<b>Nikto</b> sa neozval.")):
            sent = await customer.ask("POST", f"{address}?lang=sk", data={"score": score, "said": said})
            assert sent.status == 200 and "Ďakujeme" in sent.text
    [found] = place.store.follow_ups.newest(NOON)
    assert (found.score, found.said) == ("bad", "<b>Nikto</b> sa neozval.")
    async with Reader(place) as jana:
        page = await (await jana.sign_in("jana")).get("/afterwards")
        assert "&lt;b&gt;Nikto&lt;/b&gt; sa neozval." in page.html
        history = await jana.get(f"/drafts/{draft}")
        assert "the customer said how we handled it" in history.text


def test_an_erased_customer_leaves_no_new_words_by_an_old_link(store: SqliteStore) -> None:
    case_id = store.drafts.get(publish(store)).case_id
    store.erasing.ask([1], actor="you", via="terminal", why="asked", now=NOON)
    assert not store.follow_ups.vote(case_id, "bad", "Volajte Jane.", since=NOON, now=NOON), "it is written down"
    while store.erasing.step(20, NOON):
        pass
    assert not store.follow_ups.vote(case_id, "bad", "Volajte Jane.", since=NOON, now=NOON)
    assert store.follow_ups.newest(NOON) == []


def test_the_same_vote_again_and_again_writes_nothing(store: SqliteStore) -> None:
    draft = publish(store)
    for _ in range(3):
        assert store.follow_ups.vote(store.drafts.get(draft).case_id, "bad", "Nič.", since=NOON, now=NOON)
    assert audit(store, draft).count(("customer_voted", "bad")) == 1


def test_whoever_votes_all_day_fills_neither_the_audit_list_nor_the_channel(store: SqliteStore) -> None:
    draft = publish(store)
    for number in range(50):
        score: Score = "bad" if number % 2 else "good"
        store.follow_ups.vote(store.drafts.get(draft).case_id, score, f"{number}", since=NOON, now=NOON)
    assert sum(action == "customer_voted" for action, _ in audit(store, draft)) == MOST_NOTED
    [found] = store.follow_ups.newest(NOON)
    assert (found.score, found.said) == ("bad", "49")


async def test_a_vote_that_is_none_is_refused(place: Place) -> None:
    address = path(place.store.drafts.get(publish(place.store)).case_id)
    async with Reader(place) as customer:
        assert (await customer.ask("POST", address, data={"score": "excellent"})).status == 400
        assert (await customer.ask("POST", address, data={})).status == 400
        assert (await customer.ask("POST", "/how/NDI.abc", data={"score": "good"})).status == 404
        assert (await customer.get("/how/NDI.abc")).status == 404


async def test_a_link_works_for_a_while_after_the_answer(place: Place) -> None:
    address = path(place.store.drafts.get(publish(place.store)).case_id)
    place.now = NOON + timedelta(days=31)
    async with Reader(place) as customer:
        late = await customer.ask("POST", address, data={"score": "good"})
    assert late.status == 410 and "does not work any more" in late.text
    assert place.store.follow_ups.newest(NOON) == []


# --- in the draft


@pytest.mark.parametrize("language", ["sk", "cs", "hu", "en", "de", "pl"])
def test_only_a_mail_that_nobody_else_reads_asks_and_the_guard_lets_it(language: str) -> None:
    link = QUESTIONS.link(7)
    texts = {}
    for channel in ("mail", "review"):
        composition = compose(
            mention(1),
            COMPLAINT,
            playbook=shipped(language),
            company=CompanyOptions(name="Lipka"),
            policy=PolicyOptions(),
            rules=ReplyRules(channel=channel),  # type: ignore[arg-type]
            reference="OH-00007",
            feedback=link,
        )
        texts[channel] = composition.text
    assert link in texts["mail"] and link not in texts["review"]

    def against(own_links: str) -> set[str]:
        found = check(
            texts["mail"],
            language=language,
            label="complaint",
            rules=ReplyRules(channel="mail"),
            company=CompanyOptions(name="Lipka"),
            policy=PolicyOptions(),
            own_links=own_links,
        )
        return {one.rule for one in found if one.severity == "error"}

    assert against(QUESTIONS.beginning) == set()
    assert against("") == {"unknown_link"}
