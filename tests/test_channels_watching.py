"""Channels from config.toml to what people read: looked at, remembered across restarts, told once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.channel_options import ChannelOptions, FormCheck, MailboxCheck, PageCheck
from monitor.channels.listing import channels_of
from monitor.channels.looking import Looker, looking
from monitor.channels.watching import Watcher
from monitor.options import Config, ServiceOptions
from monitor.settings import read
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from responders.notices import told
from responders.words import Words
from tests.loopback import Answer, Loopback
from tests.page_place import Place, Reader
from tests.running import Running
from tests.terminal import CONFIG as SHOP
from tests.terminal import answer, ohlas, shop
from tests.test_asking import CONFIG

ZONE = ZoneInfo("Europe/Bratislava")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GOOD = Answer(b"<title>Kontakt</title><p>Volajte 0900 123 456", 200, {"Content-Type": "text/html"})
GONE = Answer(b"", 404)
ALLOWED = '\n[service]\nallow_private = ["127.0.0.1"]\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


def config(origin: str) -> Config:
    channels = ChannelOptions(pages=(PageCheck(url=f"{origin}/kontakt", text="0900"),))
    return CONFIG.model_copy(update={"channels": channels, "service": ServiceOptions(allow_private=("127.0.0.0/8",))})


class Watched:
    """A watcher whose clock a test sets; `look` lets the next look happen when its time has come."""

    def __init__(self, store: SqliteStore, options: Config) -> None:
        self.store, self.options, self.now = store, options, START

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Watched]:
        self.watcher = Watcher(self.store, self.options, lambda: self.now)
        await self.watcher.configure()
        async with looking(self.options, lambda: self.now) as self.looker:
            yield self

    async def look(self) -> str:
        due = self.store.channels.next_due()
        assert due is not None
        self.now = max(self.now, due)
        await self.watcher.step(self.looker)
        return self.store.channels.standing()[0].health


async def test_a_broken_channel_is_told_once_also_across_restarts_and_so_is_its_end(
    server: Loopback, store: SqliteStore
) -> None:
    watched, server.answer = Watched(store, config(server.origin)), GONE
    asker = Asker(watched.options, store, lambda: watched.now)
    asker.catch_up()
    seen = []
    for _ in range(2):
        async with watched.started():
            seen += [await watched.look(), await watched.look()]
    assert seen == ["failing", "failing", "broken", "broken"]
    [state] = store.channels.standing()
    assert (state.since, state.code, state.detail) == (START, "gone", "404")
    server.answer = GOOD
    async with watched.started():
        assert [await watched.look(), await watched.look()] == ["ok", "ok"]
    asker.step()
    due = store.messages.due("slack", watched.now + timedelta(hours=1), 100)
    bodies = [json.loads(one.body) for one in due if one.kind == "notice"]
    assert [body["code"] for body in bodies] == ["channel_broken", "channel_works"]
    url = f"{server.origin}/kontakt"
    assert (
        told(bodies[0], Words("sk", ZONE)) == f"Zákazníci sa k vám tadiaľto nedostanú: {url}: stránka neexistuje (404)"
    )
    assert told(bodies[1], Words("en", ZONE)) == f"Customers can reach you here again: {url}"


async def test_it_is_looked_at_once_a_day_over_both_changes_of_clocks(server: Loopback, store: SqliteStore) -> None:
    watched, server.answer = Watched(store, config(server.origin)), GOOD
    for start in (datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)):
        watched.now = start
        async with watched.started():
            store.channels.claim_due(start, start, 4)  # whatever was planned before
            days = [(await watched.look(), watched.now.astimezone(ZONE).date())[1] for _ in range(6)]
        assert [day.toordinal() - days[0].toordinal() for day in days[1:]] == [1, 2, 3, 4, 5]


async def test_a_clock_that_was_set_back_keeps_nothing_waiting_for_long(server: Loopback, store: SqliteStore) -> None:
    watched, server.answer = Watched(store, config(server.origin)), GOOD
    async with watched.started():
        await watched.look()
        watched.now = START - timedelta(days=400)
        await watched.watcher.step(watched.looker)
    assert store.channels.standing()[0].checked_at == START - timedelta(days=400)


async def test_a_mistake_in_one_look_keeps_the_others_from_nothing(server: Loopback, store: SqliteStore) -> None:
    server.answer = GOOD
    options = config(server.origin)
    pages = (PageCheck(url=f"{server.origin}/a", text="0900"), PageCheck(url=f"{server.origin}/b", text="0900"))
    watched = Watched(store, options.model_copy(update={"channels": ChannelOptions(pages=pages)}))
    async with watched.started():
        watched.looker = _Failing(watched.looker, "/a")  # type: ignore[assignment]
        await watched.watcher.step(watched.looker)
    assert sorted(state.health for state in store.channels.standing()) == ["new", "ok"]


class _Failing:
    def __init__(self, looker: Looker, end: str) -> None:
        self.looker, self.end = looker, end

    async def look(self, channel):  # type: ignore[no-untyped-def]
        if channel.name.endswith(self.end):
            raise RuntimeError("made up")
        return await self.looker.look(channel)


def test_what_is_no_longer_in_the_file_is_no_longer_shown(store: SqliteStore) -> None:
    store.channels.configure({"page a": ("page", "a"), "form b": ("form", "b")}, START)
    store.channels.configure({"form b": ("form", "b")}, START)
    assert [state.name for state in store.channels.standing()] == ["b"]
    assert [state.name for state in store.channels.claim_due(START, START, 9)] == ["b"]


def test_every_channel_has_a_key_of_its_own() -> None:
    url = "https://svrcina.example/kontakt"
    options = ChannelOptions(
        pages=(PageCheck(url=url),),
        social=(url,),
        form=FormCheck(url=url),
        mailbox=MailboxCheck(address="pomoc@svrcina.example"),
    )
    assert [channel.kind for channel in channels_of(options).values()] == ["page", "profile", "form", "mailbox"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('[channels]\nsocial = ["facebook.com/svrcina"]', "write the whole address"),
        ('[channels.mailbox]\naddress = "a@b.example"\nsend = true', r"channels\.mailbox\.send: needs \[mail\]"),
        ('[channels.mailbox]\naddress = "a@b.example"\nask = "mail"', r"channels\.mailbox\.ask: needs \[mail\]"),
        ('[channels.mailbox]\naddress = "a@b.example"\nimap_host = "imap.b.example"', "needs an imap_password"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path: Path, written: str, problem: str) -> None:
    from monitor.errors import ConfigError

    path = tmp_path / "config.toml"
    path.write_text(written)
    with pytest.raises(ConfigError, match=problem):
        read(path, {})


async def test_the_running_service_the_page_and_the_terminal_show_it(tmp_path: Path, server: Loopback) -> None:
    server.answer = GONE
    channels = f'\n[channels]\npages = [{{ url = "{server.origin}/kontakt" }}]\n'
    path = shop(tmp_path, SHOP + ALLOWED + channels)
    async with Running(tmp_path) as service:
        await server.arrived.wait()
        assert await service.stop() == 0
    [shown] = answer("status", "--json", config=path)["channels"]
    assert shown["name"].endswith("/kontakt") and shown["health"] in ("failing", "new", "unknown")


async def test_the_page_shows_what_is_broken_in_the_readers_language(tmp_path: Path) -> None:
    async with Place(tmp_path) as place, Reader(place) as reader:
        place.store.channels.configure({"page x": ("page", "https://svrcina.example/kontakt")}, START)
        place.store._engine.connection.execute(
            "UPDATE channel SET health = 'broken', code = 'gone', detail = '404', since = 1, checked_at = 2"
        )
        await reader.sign_in()
        shown = (await reader.get("/sources", headers={"Accept-Language": "hu"})).text
        assert "https://svrcina.example/kontakt" in shown and "(404)" in shown


def test_check_looks_now_and_warns(tmp_path: Path) -> None:
    path = shop(tmp_path, SHOP + ALLOWED + '\n[channels]\npages = [{ url = "http://127.0.0.1:9/kontakt" }]\n')
    looked = ohlas("check", config=path)
    assert "DOES NOT WORK: the server does not answer" in looked.output
    assert looked.exit_code == 0 and "Everything is in order" not in looked.output
