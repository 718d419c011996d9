"""What a page changes in the store: exactly once, edits and deletions followed, old words kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.contract import Page
from monitor.errors import StoreBusy, StoreError
from monitor.model import DraftState
from monitor.store.mentions import SavedPage
from monitor.store.sources import PollRecord
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from tests.made import APOLOGY, NOON, arrive, draft_all, mention


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def poll(**changes: object) -> PollRecord:
    fields = {"source": "shop", "status": "ok", "failures": 0, "refusals": 0, "due": NOON, "at": NOON, "cursor": "c1"}
    return PollRecord(**(fields | changes))  # type: ignore[arg-type]


def test_a_page_is_saved_once_however_often_it_comes(store: SqliteStore) -> None:
    page = Page(mentions=tuple(mention(n) for n in range(1200)))
    assert store.mentions.save_page("shop", page, None, NOON) == SavedPage(new=1200)
    assert store.mentions.save_page("shop", page, None, NOON) == SavedPage()
    assert store.mentions.count() == 1200


def test_the_same_id_twice_in_one_page_is_one_mention(store: SqliteStore) -> None:
    page = Page(mentions=(mention(1), mention(1)))
    assert store.mentions.save_page("shop", page, None, NOON).new == 1


def test_the_same_id_in_two_sources_is_two_mentions(store: SqliteStore) -> None:
    arrive(store, mention(1))
    arrive(store, mention(1, source="forum"))
    assert store.mentions.count() == 2


def test_page_and_cursor_are_saved_together_or_not_at_all(store: SqliteStore) -> None:
    store.sources.configure({"shop": "file"}, NOON)
    broken = mention(2, raw={"a": object()})
    object.__setattr__(broken, "rating", object())  # what SQLite cannot take, after a good row
    with pytest.raises((sqlite3.Error, TypeError)):
        store.mentions.save_page("shop", Page(mentions=(mention(1), broken)), poll(), NOON)
    assert store.mentions.count() == 0
    assert store.sources.all()[0].cursor == ""
    store.mentions.save_page("shop", Page(mentions=(mention(1),)), poll(), NOON)
    assert (store.mentions.count(), store.sources.all()[0].cursor) == (1, "c1")


def test_an_edit_keeps_the_old_words_and_is_judged_again(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    arrive(store, mention(1, text="Už je to vybavené, ďakujem.", rating=5.0))
    matter = store.views.matter(draft_id)
    assert matter.mention.text == "Už je to vybavené, ďakujem."
    assert [edit.text for edit in matter.edits] == [mention(1).text]
    assert [one.mention.text for one in store.mentions.unjudged(10)] == ["Už je to vybavené, ďakujem."]


def test_an_edit_makes_a_new_revision_so_that_old_buttons_are_stale(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    arrive(store, mention(1, text="Doplnenie: aj škatuľa bola mokrá a nikto nedvíha telefón."))
    assert draft_all(store, text="Nový text.") == [draft_id]
    draft = store.drafts.get(draft_id)
    assert (draft.rev, draft.state, draft.text) == (2, DraftState.PENDING, "Nový text.")


def test_a_deleted_mention_supersedes_its_draft(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    saved = store.mentions.save_page("shop", Page(gone=("m1", "never-seen")), None, NOON)
    assert saved.gone == 1
    assert store.drafts.get(draft_id).state is DraftState.SUPERSEDED
    assert store.views.matter(draft_id).gone_at == NOON


def test_an_answer_seen_at_the_source_settles_the_draft(store: SqliteStore) -> None:
    arrive(store, mention(1))
    [draft_id] = draft_all(store)
    saved = store.mentions.save_page("shop", Page(mentions=(mention(1, reply="Ospravedlňujeme sa."),)), None, NOON)
    assert saved.answered == 1
    assert store.drafts.get(draft_id).state is DraftState.SUPERSEDED
    again = store.mentions.save_page("shop", Page(mentions=(mention(1, reply="Ospravedlňujeme sa."),)), None, NOON)
    assert again == SavedPage()


def test_search_is_blind_to_case_and_diacritics_and_harmless(store: SqliteStore) -> None:
    arrive(store, mention(1, text="Kuriér nechal balík v daždi"), mention(2, text="Všetko super"))
    draft_all(store)
    for words, found in (("kurier", 1), ("BALIK dazdi", 1), ('"', 2), ("text:super OR 1", 0), ("super", 1)):
        assert store.views.inbox(InboxFilter(search=words)).total == found, words


def test_a_source_is_claimed_once_and_late_after_a_crash_not_lost(store: SqliteStore) -> None:
    store.sources.configure({"shop": "file", "forum": "rss"}, NOON)
    lease = NOON + timedelta(seconds=150)
    assert {state.name for state in store.sources.claim_due(NOON, lease, 10)} == {"shop", "forum"}
    assert store.sources.claim_due(NOON, lease, 10) == []
    assert len(store.sources.claim_due(lease, lease + timedelta(seconds=1), 10)) == 2


def test_a_poll_that_a_crash_cut_off_is_repeated_at_the_next_start(store: SqliteStore) -> None:
    kinds = {"shop": "file", "forum": "rss"}
    store.sources.configure(kinds, NOON)
    store.sources.claim_due(NOON, NOON + timedelta(hours=1), 10)
    store.sources.record(poll(due=NOON + timedelta(minutes=15)))  # the shop's poll ended; the forum's never did
    store.sources.configure(kinds, NOON)
    assert [state.name for state in store.sources.claim_due(NOON, NOON + timedelta(hours=1), 10)] == ["forum"]


def test_a_stopped_source_rests_until_the_next_start_and_says_so_once(store: SqliteStore) -> None:
    store.sources.configure({"shop": "file"}, NOON)
    store.sources.record(poll(status="stopped", due=None, cursor=None, error="401", notice="stopped"))
    assert store.sources.claim_due(NOON + timedelta(days=9), NOON, 10) == []
    assert [notice.code for notice in store.sources.notices()] == ["stopped"]
    store.sources.configure({"shop": "file"}, NOON)
    assert len(store.sources.claim_due(NOON, NOON + timedelta(hours=1), 10)) == 1


def test_a_removed_source_is_not_polled_but_its_mentions_stay(store: SqliteStore) -> None:
    store.sources.configure({"shop": "file"}, NOON)
    arrive(store, mention(1))
    store.sources.configure({}, NOON)
    assert store.sources.claim_due(NOON, NOON, 10) == []
    assert store.mentions.count() == 1


def test_a_locked_database_is_busy_not_broken(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db", busy_timeout=0.01)
    other = sqlite3.connect(tmp_path / "ohlas.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy):
        arrive(store, mention(1))
    other.execute("ROLLBACK")
    other.close()
    arrive(store, mention(1))
    assert store.mentions.count() == 1
    store.close()


def test_a_full_disk_loses_nothing_and_mends_by_itself(store: SqliteStore) -> None:
    arrive(store, mention(1))
    pages = store._engine.rows("PRAGMA page_count")[0][0]
    store._engine.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreBusy):
        arrive(store, *(mention(n, text="dlhé " * 900) for n in range(2, 200)))
    assert store.mentions.count() == 1
    store._engine.rows("PRAGMA max_page_count=1073741823")
    arrive(store, *(mention(n) for n in range(1, 200)))
    assert store.mentions.count() == 199


def test_a_damaged_file_is_noticed_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "ohlas.db"
    store = SqliteStore(path)
    arrive(store, *(mention(n) for n in range(300)))
    store.close()
    spoiled = bytearray(path.read_bytes())
    spoiled[8192:40960] = b"\xff" * 32768
    path.write_bytes(spoiled)
    with pytest.raises(StoreError, match="backup"):
        SqliteStore(path)


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ohlas.db"
    store = SqliteStore(path)
    store._engine.database.table("_sqlite_migrations").insert(
        {"migration_set": "ohlas", "name": "m9999_from_the_future", "applied_at": "2030-01-01"}
    )
    store._engine.rows("PRAGMA user_version=9999")
    store.close()
    with pytest.raises(StoreError, match="newer Ohlas"):
        SqliteStore(path)


def test_a_migration_is_preceded_by_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ohlas.db"
    store = SqliteStore(path)
    arrive(store, mention(1))
    store.close()
    assert not (tmp_path / "backups").exists()

    from sqlite_utils import Migrations

    from monitor.store import engine, schema

    assert len(schema.steps()) == engine.SCHEMA_VERSION

    more = Migrations("ohlas")
    for name in schema.steps():
        more(name=name)(getattr(schema, name))

    @more(name="m9999_one_more")
    def one_more(database: object) -> None:
        database.execute("ALTER TABLE source ADD COLUMN colour TEXT")  # type: ignore[attr-defined]

    monkeypatch.setattr(schema, "migrations", more)
    monkeypatch.setattr(engine, "SCHEMA_VERSION", engine.SCHEMA_VERSION + 1)
    SqliteStore(path).close()
    [backup] = (tmp_path / "backups").glob("*.db")
    assert "before-m9999_one_more" in backup.name
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT count(*) FROM mention").fetchone() == (1,)
    assert "colour" not in {row[1] for row in copy.execute("PRAGMA table_info(source)")}
    copy.close()


def test_a_database_of_an_earlier_version_keeps_its_rows_and_is_copied_once(tmp_path: Path) -> None:
    from sqlite_utils import Database

    from monitor.store import schema, tally

    old = Database(tmp_path / "ohlas.db", execute_plugins=False)
    schema.migrations.apply(old, stop_before="m0012_counting")
    at = NOON.timestamp()
    with old.conn:
        old.execute("INSERT INTO cases (id, key, opened_at) VALUES (7, '', ?)", (at,))
        old.execute(
            "INSERT INTO mention (id, source, external_id, created_at, seen_at, content_hash, stage, label, verdict,"
            " action, case_id, language) VALUES (1, 'shop', 'm1', ?1, ?1, 'x', 'done', 'complaint',"
            """ '{"aspects": [{"name": "delivery"}]}', 'reply', 7, 'sk'), (2, 'shop', 'm2', ?1, ?1, 'y', 'new',"""
            " NULL, NULL, NULL, NULL, 'sk')",
            (at,),
        )
        old.execute(
            "INSERT INTO mention_text VALUES (1, 'Eva', '', 'Prišlo neskoro.', '', '{}'), (2, '', '', 'A', '', '{}')"
        )
        old.execute(
            "INSERT INTO draft (id, case_id, mention_id, rev, state, language, text, parts, author, findings, priority,"
            " reason, manual, created_at, updated_at) VALUES (1, 7, 1, 1, 'pending', 'sk', ?2, '{}', 'playbook', '[]',"
            " 1, '', 0, ?1, ?1)",
            (at, APOLOGY),
        )
    old.close()
    store = SqliteStore(tmp_path / "ohlas.db")
    assert (store.drafts.get(1).text, store.cases.of(1)) == (APOLOGY, 7)
    assert [one.row_id for one in store.mentions.unjudged(9)] == [2]
    connection = store._engine.connection
    counted = connection.execute("SELECT count(*) FROM mention_count WHERE aspect = 'delivery'").fetchone()[0]
    assert (counted, tally.drift(connection)) == (2, [])
    assert [tuple(row) for row in connection.execute("PRAGMA foreign_key_check")] == []
    store.close()
    [backup] = (tmp_path / "backups").glob("*.db")
    assert "before-m0012_counting" in backup.name


def test_words_of_a_person_are_apart_from_what_is_counted(store: SqliteStore) -> None:
    arrive(store, mention(1, text="kanárik v bani", author="Zuzana Tajná"))
    columns = store._engine.rows("SELECT * FROM mention")[0]
    assert not any("kanárik" in str(value) or "Tajná" in str(value) for value in tuple(columns))


def test_an_edited_page_changes_only_what_changed(store: SqliteStore) -> None:
    arrive(store, *(mention(n) for n in range(5)))
    page = Page(mentions=(*(mention(n) for n in range(4)), replace(mention(4), text="Iný text recenzie.")))
    assert store.mentions.save_page("shop", page, None, NOON) == SavedPage(edited=1)


def test_whole_and_broken_numbers_of_stars_are_the_same_words(store: SqliteStore) -> None:
    arrive(store, mention(1, rating=5))
    assert store.mentions.save_page("shop", Page(mentions=(mention(1, rating=5.0),)), None, NOON) == SavedPage()
    assert len(draft_all(store)) == 1
