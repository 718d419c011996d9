"""The whole service as a person starts it: the shipped config.toml, real processes, a real page."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from monitor.desk import Desk
from monitor.errors import ConfigError, StoreError
from monitor.linking import Linker
from monitor.model import Mention, Utterance, Verdict
from monitor.options import Config
from monitor.service import Service, only_one
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from tests.made import COMPLAINT, NOON, arrive, mention
from tests.platform import SECRET, delivery
from tests.running import ROOT, Running

WEBHOOK = """
[sources.helpdesk]
kind = "webhook"
secret = "$OHLAS_TEST_SECRET"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """config.toml as it is shipped, but on any free port."""
    shipped = (ROOT / "config.toml").read_text()
    assert "port = 8080" in shipped
    (tmp_path / "config.toml").write_text(
        shipped.replace("# port = 8080", "port = 0").replace("port = 8080", "port = 0")
    )
    return tmp_path


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield client


async def until(condition: Callable[[], bool], service: Running) -> None:
    """Ask again and again; the test's own time-out ends it where the answer stays no."""
    while not condition():
        assert service.process.returncode is None, service.log()[-3000:]
        await asyncio.to_thread(lambda: None)


def drafts(store: SqliteStore) -> list[tuple[int, int, str]]:
    rows = store.views.inbox(InboxFilter(tab="all", limit=500)).rows
    return sorted((row.draft.id, row.draft.rev, row.draft.text) for row in rows)


async def test_drafts_of_the_samples_are_ready_and_stay_the_same(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with Running(folder) as service:
        store = service.store()
        await until(lambda: store.mentions.count() >= 58 and not store.mentions.unjudged(1), service)
        ready = loop.time() - started
        first = drafts(store)
        stopping = loop.time()
        assert await service.stop() == 0
        stopped = loop.time() - stopping
    languages = {row.draft.language for row in store.views.inbox(InboxFilter(limit=500)).rows}
    assert len(first) >= 40
    assert languages == {"sk", "cs", "hu", "en"}
    assert ready < 60, f"drafts were ready after {ready:.1f} s"
    assert stopped < 20, f"Ctrl-C took {stopped:.1f} s"

    async with Running(folder) as service:
        states = store.sources.all
        await until(lambda: all(state.last_ok and state.status == "ok" for state in states()), service)
        assert await service.stop() == 0
    assert drafts(store) == first
    store.close()


async def test_a_taken_port_is_said_and_another_one_used(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = folder / "config.toml"
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        async with Running(folder) as service:
            assert f":{port}" not in service.url
            assert any(str(port) in line and "taken" in line for line in service.said)


async def test_health_and_metrics(folder: Path, client: aiohttp.ClientSession) -> None:
    async with Running(folder) as service:
        store = service.store()
        await until(lambda: store.mentions.count() >= 58 and not store.mentions.unjudged(1), service)
        store.close()
        async with client.get(f"{service.url}/healthz") as response:
            health = await response.json()
        assert (response.status, health["status"]) == (200, "ok")
        assert set(health["sources"].values()) == {"ok"}
        async with client.get(f"{service.url}/metrics") as response:
            metrics = await response.text()
        assert 'ohlas_source_up{source="eshop"} 1.0' in metrics
        assert "ohlas_polls_total" in metrics
        assert "Kollárová" not in metrics


async def test_deliveries_are_signed_quick_and_idempotent(folder: Path, client: aiohttp.ClientSession) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text() + WEBHOOK)
    async with Running(folder, {"OHLAS_TEST_SECRET": SECRET}) as service:
        url = f"{service.url}/in/helpdesk"
        body, headers = delivery({"id": "h1", "text": "Kde je moja objednávka? Nikto neodpovedá.", "author": "Iva"})
        for new in (1, 0):
            async with client.post(url, data=body, headers=headers) as response:
                assert (response.status, (await response.json())["new"]) == (202, new)
        async with client.post(url, data=body, headers=headers | {"X-Ohlas-Signature": "sha256=0"}) as response:
            assert response.status == 401
        async with client.post(url, data=io.BytesIO(b"x" * (6 * 2**20)), headers=headers) as response:
            assert response.status == 413
        nothing, signed = delivery({"id": "h2"})
        async with client.post(url, data=nothing, headers=signed) as response:
            assert response.status == 422
            assert "text" in (await response.json())["error"]
        async with client.post(f"{service.url}/in/eshop", data=body, headers=headers) as response:
            assert response.status == 404
        async with client.get(url) as response:
            assert response.status == 405
        assert SECRET not in service.log()


async def test_a_source_that_fails_touches_no_other(folder: Path, client: aiohttp.ClientSession) -> None:
    config = folder / "config.toml"
    broken = '\n[sources.broken]\nkind = "rss"\nurl = "http://127.0.0.1:9/feed"\n'
    config.write_text(config.read_text() + broken)
    async with Running(folder) as service:
        store = service.store()
        await until(lambda: {s.status for s in store.sources.all()} == {"ok", "failing"}, service)
        await until(lambda: store.mentions.count() >= 58, service)
        assert [notice.source for notice in store.sources.notices()] == ["broken"]
        store.close()
        async with client.get(f"{service.url}/healthz") as response:
            assert (response.status, (await response.json())["status"]) == (200, "ok")


async def test_a_second_service_on_the_same_database_is_refused(folder: Path) -> None:
    async with Running(folder) as service:
        with pytest.raises(AssertionError, match="another Ohlas is running"):
            async with Running(folder):
                pass
        assert service.process.returncode is None


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(ConfigError, match="another Ohlas"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_damaged_database_is_said_at_once(folder: Path) -> None:
    state = folder / "state"
    state.mkdir()
    (state / "ohlas.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match="backup"):
        SqliteStore(state / "ohlas.db")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "ohlas.db")


async def test_a_loop_that_fails_is_started_again_and_a_damaged_database_stops_all(
    store: SqliteStore, tmp_path: Path
) -> None:
    service = Service(Config(base=tmp_path), store, {})
    starts = 0

    async def fails_twice() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise ZeroDivisionError

    service.first_pause = 0.0
    await service._supervise("made", fails_twice)
    assert starts == 3

    async def damaged() -> None:
        raise StoreError("the database cannot be used")

    with pytest.raises(StoreError):
        await service._supervise("made", damaged)
    store.close()


class Stumbles:
    """A classifier with a bug that one text trips."""

    name = "stumbles"

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        if any("zakliaty" in utterance.text for utterance in utterances):
            raise ZeroDivisionError
        return [COMPLAINT for _ in utterances]

    def explain(self, _utterance: Utterance, verdict: Verdict) -> Verdict:
        return verdict


async def test_a_mention_that_trips_a_bug_is_set_aside_alone(store: SqliteStore, tmp_path: Path) -> None:
    service = Service(Config(base=tmp_path), store, {}, clock=lambda: NOON)
    service.desk.classifier = Stumbles()
    arrive(store, *(mention(n) for n in range(1, 6)), mention(6, text="zakliaty text"))
    assert await service.pipeline.step() == 6
    assert await service.pipeline.step() == 0
    assert store.views.counts().tabs["waiting"] == 5
    assert store.mentions.retry_set_aside() == 1
    store.close()


class StumblingDesk(Desk):
    """Cannot tell of one text whose matter it is."""

    def linker(self) -> Linker:
        def is_own(one: Mention) -> bool:
            if "zakliaty" in one.text:
                raise ZeroDivisionError
            return False

        return replace(super().linker(), is_own=is_own)


async def test_a_mention_whose_matter_trips_a_bug_is_set_aside_alone(store: SqliteStore, tmp_path: Path) -> None:
    service = Service(Config(base=tmp_path), store, {}, clock=lambda: NOON)
    service.pipeline.desk = StumblingDesk(service.config, Stumbles(), {})
    arrive(store, mention(1, text="zakliaty text"), *(mention(n) for n in range(2, 6)))
    assert await service.pipeline.step() == 5
    assert await service.pipeline.step() == 0
    assert store.views.counts().tabs["waiting"] == 4
    assert store.mentions.retry_set_aside() == 1
    store.close()
