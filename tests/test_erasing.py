"""Erasing: what goes, what stays, and that it ends whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.contract import Page, Receipt
from monitor.errors import StaleDecision
from monitor.model import Decision, DraftState, Utterance, text_hash
from monitor.options import Config, SlackOptions
from monitor.store.compacting import scour
from monitor.store.corrections import Correction, Lesson
from monitor.store.messages import NewMessage
from monitor.store.publications import Setback
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from responders.approval import Rules, decide
from responders.asking import Asker
from tests.bytes_left import left
from tests.made import NOON, arrive, draft_all, mention, people
from tests.terminal import REVIEWS, ROOT, ohlas, shop, shop_with_drafts

RULES = Rules(people=people("Jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
LATER = NOON + timedelta(minutes=5)
SLACK = SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C1")  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def act(store: SqliteStore, draft_id: int, action: str, **more: object) -> None:
    draft = store.drafts.get(draft_id)
    decision = Decision(draft_id=draft_id, rev=draft.rev, action=action, actor="Jana", via="page", **more)  # type: ignore[arg-type]
    decide(store.drafts, decision, RULES, NOON)


def erase(store: SqliteStore, *row_ids: int) -> int:
    """As a person asks for it; returns how many went."""
    store.erasing.ask(row_ids, actor="Jana", via="terminal", why="asked", now=LATER)
    erased = 0
    while done := store.erasing.step(2, LATER):
        erased += done
    return erased


def test_what_was_erased_does_not_come_back_and_nothing_else_is_kept_out(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    draft_all(store)
    assert erase(store, 1) == 1
    saved = store.mentions.save_page("shop", Page(mentions=(mention(1), mention(2), mention(3))), None, LATER)
    assert (saved.new, saved.edited) == (1, 0)
    edited = replace(mention(1), text="Celkom iné slová o tom istom balíku.")
    assert store.mentions.save_page("shop", Page(mentions=(edited,), gone=("m1",)), None, LATER) == type(saved)()
    elsewhere = mention(1, source="forum")  # the same id of another source is another mention
    assert store.mentions.save_page("forum", Page(mentions=(elsewhere,)), None, LATER).new == 1


def test_whom_others_answered_is_not_named_by_them_any_more(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2, thread="m1", author="Iná Osoba"))
    erase(store, 1)
    arrive(store, mention(3, thread="m1", author="Tretia Osoba"))
    threads = [store.mentions.get(number).thread for number in (2, 3)]  # type: ignore[union-attr]
    assert threads[0] == threads[1] and threads[0].startswith("erased:")
    assert store.mentions.get(2).text == mention(2).text  # type: ignore[union-attr]


def test_who_is_below_an_erased_post_points_to_it_no_more(store: SqliteStore) -> None:
    """Platforms name the first post of a conversation, by its writer, in every answer to an answer."""
    post = "at://did:plc:xenia/post/1"
    root, addressed = {"uri": post, "cid": "c1"}, {"root": {}, "addressed": True}
    arrive(store, mention(1, id=post), mention(2, thread=post, raw={"root": root, "parent": post, "cid": "c2"}))
    arrive(store, mention(3, thread="m2", raw={"root": root, "addressed": True}))
    erase(store, 1)
    raws = [store.mentions.get(number).raw for number in (2, 3)]  # type: ignore[union-attr]
    assert raws == [{"root": {}, "parent": "", "cid": "c2"}, addressed]
    again = mention(3, text="Zmenené: stále nič, hrôza.", thread="m2", raw={"root": root, "addressed": True})
    arrive(store, again, mention(5, thread="m3", raw={"root": root, "addressed": True}))
    raws = [store.mentions.get(number).raw for number in (3, 4)]  # type: ignore[union-attr]
    assert raws == [addressed, addressed], "nor does the next poll bring it back"


def test_a_draft_that_waits_is_closed_and_nobody_can_decide_on_it(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft] = draft_all(store)
    before = store.drafts.get(draft)
    erase(store, 1)
    after = store.drafts.get(draft)
    assert (after.state, after.text, after.parts) == (DraftState.SUPERSEDED, "", {})
    with pytest.raises(StaleDecision):
        decide(
            store.drafts,
            Decision(draft_id=draft, rev=before.rev, action="approve", actor="Jana", via="page"),
            RULES,
            LATER,
        )
    entry = store.views.matter(draft).history[-1]
    assert (entry.action, entry.actor, entry.via, entry.reason) == ("erased", "Jana", "terminal", "")
    assert store.views.matter(draft).erased_at == LATER


def test_an_answer_that_is_being_posted_is_waited_for(store: SqliteStore) -> None:
    """Neither half: the request may be out, and what became of it is still written down."""
    arrive(store, mention(1), mention(2))
    first, _ = draft_all(store)
    act(store, first, "approve")
    publication = store.publications.begin(store.publications.due(NOON)[0], ["Jana"], NOON)
    assert publication is not None
    assert erase(store, 1, 2) == 1
    assert store.erasing.held_up() == [first]
    assert store.mentions.get(1) == mention(1)
    store.publications.lose_sight(publication, Setback(message="the line was cut"), NOON, NOON)
    assert store.erasing.step(9, LATER) == 0
    store.publications.finish(publication, Receipt(id="r-m1"), None, LATER)
    assert store.erasing.step(9, LATER) == 1
    assert store.erasing.held_up() == [] and store.mentions.get(1).text == ""  # type: ignore[union-attr]
    again = store.mentions.save_page("shop", Page(mentions=(mention(1),)), None, LATER)
    assert again.new == 0


def test_words_that_somebody_looked_at_cannot_be_judged_or_corrected_after_they_went(store: SqliteStore) -> None:
    arrive(store, mention(1))
    looked_at = mention(1).content_hash
    erase(store, 1)
    assert store.mentions.unjudged(9) == []
    with pytest.raises(StaleDecision):
        store.corrections.correct(
            Correction(mention_id=1, content_hash=looked_at, label="praise", actor="Jana", via="page", at=LATER)
        )
    assert store.rescoring.send_back("another", None, 9).moved == 0
    store.aside.want(1, "Jana")
    assert store.mentions.unjudged(9) == []


def test_counts_stay_as_they_were(store: SqliteStore) -> None:
    arrive(store, *(mention(n) for n in range(1, 5)))
    as_is, edited, rejected, _ = draft_all(store)
    act(store, as_is, "approve")
    act(store, edited, "edit", text="Dobrý deň, je nám to ľúto. Čo sa presne stalo? Zavolajte nám.")
    act(store, edited, "approve")
    act(store, rejected, "reject", reason="wrong_tone: pani Zuzana to nechce")
    day = [NOON - timedelta(days=1), NOON + timedelta(days=1)]

    def counted() -> list[object]:
        fates = [(one.draft_id, one.as_is, one.outcome) for one in store.edits.since(day[0])]
        kinds = ("source", "language", "label", "aspect")
        return [
            store.counting.mentions(day, ("source", "label")),
            [store.counting.mentions(day, ("period", kind)) for kind in kinds],  # type: ignore[arg-type]
            store.counting.answers(day, ("label", "person")),
            store.counting.accepted(*day),
            sorted(fates),
            store.views.counts().labels,
        ]

    before = counted()
    store._engine.connection.execute("UPDATE draft SET state = 'published'")  # their answers are out
    before = counted()
    assert erase(store, 1, 2, 3, 4) == 4
    assert counted() == before
    assert [one.reason for one in store.edits.since(day[0]) if one.outcome == "rejected"] in ([], ["wrong_tone"])
    assert store.counting.recount() == 0


def test_the_same_words_out_of_a_file_go_too_and_others_are_still_learned_from(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    lessons = [store.mentions.get(number) for number in (1, 2)]
    taught = [
        Lesson(utterance=Utterance(text=one.text), label="complaint", at=NOON, origin="imported")  # type: ignore[union-attr]
        for one in lessons
    ]
    store.corrections.take(taught, actor="Jana", via="terminal")
    erase(store, 1)
    assert [one.utterance.text for one in store.corrections.lessons(9)] == [mention(2).text]
    assert store._engine.rows("SELECT 1 FROM correction WHERE content_hash = ?", (text_hash(mention(1).text),)) == []


def test_connectors_forget_which_erased_posts_they_look_at_again(store: SqliteStore) -> None:
    store.sources.configure({"shop": "mastodon"}, NOON)
    arrive(store, mention(1), mention(2))
    cursor = {"since": {"home": "m1"}, "watched": {"times": {"m1": [1.0, 2.0], "m2": [1.0, 2.0]}}, "seen": ["m1", "x"]}
    store._engine.connection.execute("UPDATE source SET cursor = ?", (json.dumps(cursor),))
    erase(store, 1)
    store.compacting.forget_in_cursors()
    [state] = store.sources.all()
    assert json.loads(state.cursor) == {
        "since": {"home": "m1"},  # where it reads on
        "watched": {"times": {"m2": [1.0, 2.0]}},
        "seen": ["x"],
    }


def test_nothing_is_left_between_rows_that_were_moved(tmp_path: Path) -> None:
    """Rows that grow move to other pages; without writing the file anew, some of what was erased would stay."""
    dice, path = random.Random(7), tmp_path / "ohlas.db"
    store = SqliteStore(path)
    ids = [f"{'zebrafax' if n % 10 == 0 else 'iné'}-{dice.getrandbits(64):x}" for n in range(1500)]
    texts = [" ".join(f"slovo{dice.randrange(3000)}" for _ in range(dice.choice((5, 60, 900)))) for _ in ids]
    marked = [n + 1 for n, one in enumerate(ids) if one.startswith("zebrafax")]
    for start in range(0, len(ids), 100):
        page = [
            mention(n + 1, id=ids[n], url=f"https://shop.example/{ids[n]}", text=f"{texts[n]} {ids[n]}", author=ids[n])
            for n in range(start, start + 100)
        ]
        arrive(store, *page)
        draft_all(store, text=f"Dobrý deň, píšeme po {start}.")
        edited = [replace(one, text=f"{one.text} {one.text}") for one in dice.sample(page, 30)]
        store.mentions.save_page("shop", Page(mentions=tuple(edited)), None, NOON)
        draft_all(store, text=f"Dobrý deň, píšeme po {start}.")
    assert left(tmp_path, "zebrafax")
    assert erase(store, *marked) == len(marked)
    assert scour(path, store.erasing.unfinished(), LATER)
    store.close()
    assert left(tmp_path, "zebrafax") == []
    again = SqliteStore(path)
    assert again.erasing.unfinished() == [] and again.mentions.count() == 1500
    assert again.views.inbox(InboxFilter(tab="all", search=texts[1].split()[0])).total > 0
    again._engine.rows("INSERT INTO mention_text_fts (mention_text_fts) VALUES ('integrity-check')")
    again.close()


KILLED = """
import os, signal, sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path

left = int(sys.argv[2])
connect = sqlite3.connect

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(count)
    return connection

sqlite3.connect = counted
from monitor.options import Config, SlackOptions
from monitor.store.compacting import scour
from monitor.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
now = datetime.now(UTC)
ids = [one.row_id for one in store.customers.called("zebra faxova")]
store.erasing.ask(ids, actor="Jana", via="terminal", why="asked", now=now)
while store.erasing.step(20, now):
    pass
scour(Path(sys.argv[1]), store.erasing.unfinished(), now)
print("done")
"""


@pytest.mark.timeout(180)
async def test_kill_9_in_the_middle_and_again_leaves_nothing(tmp_path: Path) -> None:
    """At the n-th statement, in the middle of a transaction too, and while the file is written anew."""
    reviews = [
        {**REVIEWS[0], "id": f"z{n}", "author": "Zebra Faxová", "url": f"https://zxqvkw.hu/z{n}"} for n in range(60)
    ]
    config = shop(tmp_path, reviews=[*REVIEWS, *reviews])
    assert ohlas("import", str(tmp_path / "reviews.jsonl"), "--source", "eshop", config=config).exit_code == 0
    (tmp_path / "reviews.jsonl").unlink()
    database, statement, kills = tmp_path / "state" / "ohlas.db", 40, 0
    erased = [_erased(database)]
    while True:
        erasing = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, str(database), str(statement), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        await erasing.wait()
        erased.append(_erased(database))
        if erasing.returncode == 0:
            break
        assert erasing.returncode == -signal.SIGKILL
        kills, statement = kills + 1, statement * 2
    assert kills >= 4 and any(0 < one < 60 for one in erased), "some were killed half-way"
    assert erased == sorted(erased) and erased[-1] == 60, "nothing that was erased comes back"
    result = ohlas("erase", "--finish", "--json", config=config)
    assert result.exit_code == 0 and json.loads(result.stdout)["finished"], result.output
    assert left(tmp_path / "state", "Zebra Faxová", "zxqvkw") == []
    store = SqliteStore(database)
    assert store.mentions.count() == 63 and store.erasing.unfinished() == []
    assert store.mentions.get(1).author == "Zora Bystrá"  # type: ignore[union-attr]
    assert store.counting.recount() == 0
    store.close()


def _erased(database: Path) -> int:
    store = SqliteStore(database)
    try:
        return int(store._engine.rows("SELECT count(*) FROM mention WHERE erased_at IS NOT NULL")[0][0])
    finally:
        store.close()


NAMESAKES = (
    {"id": "1", "author": "Jana Nová", "text": "Balík neprišiel, čakám už týždne a nikto neodpovedá.", "rating": 1},
    {"id": "2", "author": "JANA NOVA", "text": "Stále nič, toto je hanba, žiadam peniaze späť!", "rating": 1},
    {
        "id": "3",
        "author": "Jana Nová",
        "text": "Výborný obchod, odporúčam.",
        "rating": 5,
        "email": "jana@jinde.example",
    },
    {"id": "4", "author": "Jana Nováková", "text": "Super, ďakujem pekne.", "rating": 5},
)


def test_two_people_of_one_name_are_never_taken_for_one(tmp_path: Path) -> None:
    config = shop_with_drafts(tmp_path, reviews=NAMESAKES)
    refused = ohlas("erase", "--author", "jana nova", "--yes", config=config)
    assert refused.exit_code == 1 and "2 people of this name" in refused.output
    assert "\\n" not in refused.output and "\nohlas: Choose with" in refused.output, "a table, line by line"
    assert "jana@jinde.example" in refused.output and "--mention" in refused.output

    one = ohlas("erase", "--author", "jana@jinde.example", "--yes", "--json", config=config)
    assert json.loads(one.stdout)["mentions"] == 1
    picked = ohlas("erase", "--mention", "eshop/1", "--yes", "--json", config=config)
    assert json.loads(picked.stdout)["mentions"] == 1, "a name alone may be another's"
    rest = json.loads(ohlas("export", "--format", "json", config=config).stdout)["mentions"]
    assert [row["text"] for row in rest if row["text"]] == [NAMESAKES[1]["text"], NAMESAKES[3]["text"]]
    nobody = ohlas("erase", "--author", "Ferko", "--yes", config=config)
    assert nobody.exit_code == 1 and "nobody called 'Ferko'" in nobody.output


KNOWN_BY = (
    {
        "id": "1",
        "author": "Xénia K.",
        "text": "Objednávka neprišla a nikto sa neozval, hrôza.",
        "url": "https://bsky.app/profile/xenia.bsky.example/post/3k",
        "customer": {"email": "xenia@kv.example", "names": ["Xénia Kvapilová"]},
    },
    {"id": "2", "author": "Iný Pán", "text": "Xenia K. má pravdu, ani mne neprišla a nikto nedvíha.", "rating": 1},
    {"id": "3", "author": "Xénia", "text": "Kto je K. neviem, ale balík prišiel rozbitý. Sklamanie.", "rating": 1},
)


@pytest.mark.parametrize("name", ["@xenia.bsky.example", "XENIA@kv.example", "Xénia Kvapilová", "xenia k"])
def test_a_customer_is_found_by_what_the_source_says_of_him(tmp_path: Path, name: str) -> None:
    config = shop_with_drafts(tmp_path, reviews=KNOWN_BY)
    found = ohlas("export", "--author", name, config=config)
    assert [one["external_id"] for one in json.loads(found.stdout)["mentions"]] == ["1"], found.output


def test_a_customer_is_not_told_who_of_us_had_his_matter(tmp_path: Path) -> None:
    config = shop_with_drafts(tmp_path)
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    mention_id = store.customers.called("Zora Bystrá")[0].row_id
    draft = store.views.draft_of(mention_id)
    assert draft is not None
    store.asking.assign(draft.id, "Bohuslava", rev=draft.rev, actor="Bohuslava", via="page", now=NOON)
    body = json.dumps({"level": 1, "people": ["Bohuslava"]})
    reminder = NewMessage(
        key="k", medium="slack", recipient="C1", kind="reminder", due=NOON, draft_id=draft.id, body=body
    )
    store.messages.put([reminder], NOON)
    store.close()
    [one] = json.loads(ohlas("export", "--author", "Zora Bystrá", config=config).stdout)["mentions"][0]["drafts"]
    assert [entry["action"] for entry in one["decisions"]] == ["assign"] and one["messages"][0]["body"] == {"level": 1}
    assert "Bohuslava" not in json.dumps(one)


def test_others_who_name_the_erased_customer_are_told(tmp_path: Path) -> None:
    """What they wrote is theirs, and kept; somebody has to look."""
    config = shop_with_drafts(tmp_path, reviews=KNOWN_BY)
    asked = ohlas("erase", "--author", "xenia k", config=config)
    assert "1 other mention names this customer and is kept: eshop/2" in asked.output
    done = ohlas("erase", "--author", "xenia k", "--yes", "--json", config=config)
    assert json.loads(done.stdout)["named_by_others"] == ["eshop/2"]


@pytest.mark.parametrize("name", ["a\0b c", 'x" OR "y', "NEAR(a b)", "* ^ q", "- -", "{text}: a"])
def test_whatever_somebody_is_called_is_only_a_name(store: SqliteStore, name: str) -> None:
    arrive(store, mention(1, author=name))
    assert store.customers.naming([name], ()) == []


def test_digests_that_may_quote_the_erased_customer_are_told(tmp_path: Path) -> None:
    """Although no mail was about his draft alone, as where drafts go to Slack."""
    config = shop_with_drafts(tmp_path)
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    seen = store.customers.called("Zora Bystrá")[0].seen_at
    for day, (kind, state) in enumerate([("digest", "sent"), ("digest", "unknown"), ("digest", "failed")] * 2):
        at = seen + timedelta(days=day - 3)
        one = NewMessage(key=f"k{day}", medium="mail", recipient="a@shop.example", kind=kind, due=at)
        store.messages.put([one], at)
        store._engine.connection.execute("UPDATE message SET state = ? WHERE key = ?", (state, one.key))
    store.close()
    done = ohlas("erase", "--author", "Zora Bystrá", "--yes", config=config)
    assert "2 digests were mailed since then and may quote them" in done.output


def test_what_goes_is_shown_and_asked_for_first(tmp_path: Path) -> None:
    config = shop_with_drafts(tmp_path)
    result = ohlas("erase", "--author", "zora bystra", config=config)
    assert result.exit_code == 1 and "nothing was erased: say --yes" in result.output
    assert "This goes: 1 mentions, 1 drafts" in result.output and "Zora Bystrá" in result.output
    odd = (("--author", "\udcff"), ("--author", "x" * 100_000), ("--mention", "eshop/\udcff"))
    for wrong in (("--yes",), ("--author", "x", "--mention", "eshop/1"), ("--mention", "eshop/1", "--all"), *odd):
        assert ohlas("erase", *wrong, config=config).exit_code == 2
    assert ohlas("erase", "--mention", "eshop/99", "--yes", config=config).exit_code == 1


def test_a_post_that_spread_is_not_linked_to_by_what_was_told_of_it(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    alerter = Asker(Config(slack=SLACK), store, lambda: NOON).alerter
    for number in (1, 2):
        facts = {"source": "shop", "people": 9, "complaints": 0, "usual": 1.0, "url": mention(number).url}
        alerter.goes_on("spreading", f"shop\x1fp{number}", NOON, **facts)
    erase(store, 1)
    bodies = [one.body for one in store.messages.due("slack", LATER, 9)]
    assert len(bodies) == 1 and mention(2).url in bodies[0]
    assert store._engine.rows("SELECT 1 FROM message WHERE body LIKE ?", (f'%{mention(1).url}"%',)) == []


def test_no_digest_names_an_erased_customer(store: SqliteStore) -> None:
    arrive(store, mention(1), mention(2))
    draft_all(store)
    erase(store, 1)
    day = (NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert [one.mention_id for one in store.highlights.complaints(*day, limit=9)] == [2]
    assert store.counting.mentions(day, ("label",))[0].mentions == 2
