"""How long things are kept: what goes by itself, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.commands.keeping import kept_in_words
from monitor.contract import Connector, MustForget, Page
from monitor.retention import DAILY, Keeper, deadlines, gone_before, is_night
from monitor.retention_options import RetentionOptions
from monitor.settings import connector_kinds, connector_module
from monitor.store.backups import Backup, holding, outlived
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from tests.bytes_left import left
from tests.made import NOON, draft_all, mention
from tests.test_erasing import act

BRATISLAVA = ZoneInfo("Europe/Bratislava")
DAY, MONTH = timedelta(days=1), timedelta(days=31)
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)  # half past three in Bratislava


@dataclass
class Place:
    """A store and its keeper; `now` is moved by the tests."""

    store: SqliteStore
    now: datetime = NOON

    def keeper(self, connectors: dict[str, Connector] | None = None, **options: int) -> Keeper:
        return Keeper(self.store, RetentionOptions(**options), connectors or {}, BRATISLAVA, lambda: self.now)

    def arrive(self, *numbers: int) -> None:
        self.store.mentions.save_page("shop", Page(mentions=tuple(mention(n) for n in numbers)), None, self.now)

    def kept(self) -> list[int]:
        rows = self.store._engine.rows("SELECT id FROM mention_text WHERE text <> '' ORDER BY id")
        return [row["id"] for row in rows]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = SqliteStore(tmp_path / "ohlas.db")
    yield Place(store)
    store.close()


class Forgets:
    forget_within = timedelta(0)


async def test_old_words_go_and_new_ones_stay(place: Place) -> None:
    place.arrive(1)
    draft_all(place.store)
    place.now += 20 * MONTH
    place.arrive(2)
    place.now += 5 * MONTH
    await place.keeper().step()
    assert place.kept() == [2]
    assert place.store.mentions.count() == 2
    assert place.store.drafts.get(1).state == "superseded"


async def test_answered_ones_are_kept_for_their_own_time(place: Place) -> None:
    place.arrive(1, 2)
    first, _ = draft_all(place.store)
    act(place.store, first, "approve")
    place.store._engine.connection.execute("UPDATE draft SET state = 'published' WHERE id = ?", (first,))
    place.now += 7 * MONTH
    await place.keeper(unanswered=6, answered=12).step()
    assert place.kept() == [1]
    place.now += 6 * MONTH
    await place.keeper(unanswered=6, answered=0).step()
    assert place.kept() == [1], "0 keeps for ever"
    await place.keeper(unanswered=6, answered=12).step()
    assert place.kept() == []


async def test_who_only_got_an_acknowledgement_is_not_answered(place: Place) -> None:
    """The answer that was promised still waits: its words are kept as long as those of other open ones."""
    place.arrive(1)
    draft_all(place.store)
    connection = place.store._engine.connection
    connection.execute("UPDATE draft SET state = 'published', purpose = 'acknowledgement'")
    row = dict(connection.execute("SELECT * FROM draft").fetchone()) | {
        "id": 2,
        "state": "pending",
        "purpose": "answer",
    }
    place.store._engine.database.table("draft").insert(row)
    place.now = NOON + 2 * MONTH
    await place.keeper(answered=1, unanswered=12).step()
    assert place.kept() == [1] and place.store.drafts.get(2).state == "pending"


async def test_what_somebody_works_on_is_not_old(place: Place) -> None:
    place.arrive(1, 2, 3)
    approved, *_ = draft_all(place.store)
    act(place.store, approved, "approve")
    place.now += 12 * MONTH
    edit = replace(mention(2), text="Po roku píšem znova: stále nič, hanba.")
    place.store.mentions.save_page("shop", Page(mentions=(edit,)), None, place.now)
    place.now += 13 * MONTH
    await place.keeper().step()
    assert place.kept() == [1, 2], "one is about to be posted, one was changed by its customer"


async def test_many_old_ones_go_in_one_round(place: Place) -> None:
    place.arrive(*range(1, 1201))
    place.now += 30 * MONTH
    await place.keeper().step()
    assert place.kept() == []


async def test_it_looks_once_a_day(place: Place) -> None:
    keeper = place.keeper()
    await keeper.step()
    place.arrive(1)
    place.store._engine.connection.execute("UPDATE mention SET seen_at = 0")
    await keeper.step()
    assert place.kept() == [1]
    place.now += DAILY
    await keeper.step()
    assert place.kept() == []


async def test_deleted_at_its_source_goes_at_once_where_that_is_demanded(place: Place) -> None:
    place.arrive(1, 2)
    draft_all(place.store)
    place.store.mentions.save_page("shop", Page(gone=("m1",)), None, place.now)
    elsewhere = mention(1, source="forum")
    place.store.mentions.save_page("forum", Page(mentions=(elsewhere,)), None, place.now)
    place.store.mentions.save_page("forum", Page(gone=("m1",)), None, place.now)
    keeper = place.keeper({"shop": Forgets()})  # type: ignore[dict-item]
    await keeper.step()
    assert place.kept() == [2, 3]
    assert [one.action for one in place.store.views.matter(1).history] == ["mention_gone", "erased"]
    place.now += 29 * DAY
    await keeper.step()
    assert place.kept() == [2, 3]
    place.now += 2 * DAY
    await keeper.step()
    assert place.kept() == [2]


def test_connectors_whose_terms_demand_it_say_so() -> None:
    demanding = {
        kind
        for kind in connector_kinds()
        if any(isinstance(one, type) and hasattr(one, "forget_within") for one in vars(connector_module(kind)).values())
    }
    assert demanding >= {"x", "reddit"}
    assert isinstance(Forgets(), MustForget)
    assert gone_before(RetentionOptions(gone=0), None, NOON) is None
    assert gone_before(RetentionOptions(gone=0), Forgets(), NOON) == NOON  # type: ignore[arg-type]


async def test_drafts_messages_and_decisions_go_in_their_own_time(place: Place) -> None:
    place.arrive(1, 2)
    settled, open_one = draft_all(place.store)
    act(place.store, settled, "reject", reason="no_reply: pani Zuzana volala")
    letter = NewMessage(
        key="k", medium="mail", recipient="a@b.example", kind="answer", due=NOON, body='{"text": "zebrafax"}'
    )
    place.store.messages.put([letter], NOON)
    [message] = place.store.messages.due("mail", NOON)
    place.store.messages.sent(message, NOON, external_id="1")
    place.now += 4 * MONTH
    await place.keeper(drafts=6, answered=0, unanswered=0, audit=12).step()
    assert not place.store._engine.rows("SELECT 1 FROM message WHERE body <> ''")
    assert place.store.drafts.get(settled).text
    place.now += 3 * MONTH
    await place.keeper(drafts=6, answered=0, unanswered=0, audit=12).step()
    matter = place.store.views.matter(settled)
    assert (matter.draft.text, matter.history[-1].reason, matter.revisions[0].text) == ("", "no_reply", "")
    assert matter.mention.text and place.store.drafts.get(open_one).text
    place.now += 6 * MONTH
    act(place.store, open_one, "reject", reason="handled")
    await place.keeper(drafts=6, answered=0, unanswered=0, audit=12).step()
    assert place.store.views.matter(settled).history == ()


async def test_what_went_leaves_no_byte_by_the_next_night(place: Place, tmp_path: Path) -> None:
    place.store.mentions.save_page("shop", Page(mentions=(mention(1, text="Slovo zebrafax tu."),)), None, place.now)
    place.store.backup("before-something")
    place.now = NIGHT + 900 * DAY - timedelta(hours=12)
    await place.keeper(backup_age=0).step()
    [unfinished] = place.store.erasing.unfinished()
    assert (unfinished.why, unfinished.actor) == ("retention", "ohlas")
    place.now += timedelta(hours=12)
    await place.keeper(backup_age=0).step()
    assert place.store.erasing.unfinished() == []
    [backup] = place.store.backups.all()
    assert left(tmp_path, "zebrafax") == [(backup.path.name, b"zebrafax")], "backups go by their own age"
    assert place.store.erasing.newest(1)[0].finished_at == place.now


async def test_the_service_goes_on_with_what_a_person_asked_for(place: Place, tmp_path: Path) -> None:
    place.store.mentions.save_page("shop", Page(mentions=(mention(1, text="Slovo zebrafax tu."),)), None, place.now)
    place.store.backup("before-something")
    place.store.erasing.ask([1], actor="Jana", via="terminal", why="asked", now=place.now)  # and then a power cut
    await place.keeper().step()
    assert left(tmp_path, "zebrafax") == []
    assert ["after-erasing" in one.path.name for one in place.store.backups.all()] == [True]


def test_backups_beyond_their_number_or_age_go() -> None:
    backups = [Backup(path=Path(f"{n}.db"), at=NOON - n * MONTH, size=1) for n in range(6)]
    assert [one.path.stem for one in outlived(backups, 4, None)] == ["4", "5"]
    assert [one.path.stem for one in outlived(backups, 0, NOON - 3 * MONTH)] == ["4", "5"]
    assert outlived(backups, 0, None) == []
    assert [one.path.stem for one in holding(backups, NOON - 2 * MONTH)] == ["0", "1", "2"]


def test_deadlines_are_whole_months() -> None:
    at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert deadlines(RetentionOptions(messages=1), at).messages == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert deadlines(RetentionOptions(answered=0), at).answered is None


@pytest.mark.parametrize(("hour", "night"), [(0, False), (1, True), (3, True), (4, False), (13, False)])
def test_night_is_that_of_the_page(hour: int, night: bool) -> None:
    assert is_night(datetime(2026, 1, 10, hour, 30, tzinfo=UTC), BRATISLAVA) is night


def test_it_is_told_in_words() -> None:
    assert kept_in_words(RetentionOptions(answered=1, messages=0, gone=0, backups=0, backup_age=0)) == [
        "words of answered mentions: 1 month; of all others: 24 months",
        "drafts and answers: 24 months; contents of messages to you: for ever",
        "the list of who decided what: 60 months",
        "mentions that their author deleted: for ever; at once where the source demands it",
        "backups: all, for ever",
    ]
