"""Through the running service and a platform on 127.0.0.1: acknowledged, killed, answered; each once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from monitor.model import Decision, Draft, DraftState
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from responders.approval import Rules, decide
from tests.loopback import Loopback
from tests.made import people
from tests.platform import SECRET, Fault, Platform, delivery
from tests.running import Running
from tests.test_kill import CONFIG
from tests.test_service import until

RULES = Rules(people=people("you"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
ENVIRONMENT = {"OHLAS_TEST_SECRET": SECRET}
REVIEW = {
    "id": "r1",
    "text": "Reklamáciu zamietli, peniaze nevrátili. Podám žalobu a môj právnik sa ozve!",
    "author": "Zita Malá",
    "rating": 1,
    "language": "sk",
    "url": "https://shop.example/reviews/r1",
}


def configure(folder: Path, platform: Loopback) -> None:
    feed = CONFIG.index("[sources.feed]")
    (folder / "config.toml").write_text(CONFIG[:feed].format(platform=platform.origin))


async def deliver(service: Running, **changes: object) -> None:
    review = REVIEW | {"created_at": datetime.now(UTC).isoformat()} | changes
    body, headers = delivery(review)
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{service.url}/in/reviews", data=body, headers=headers) as response,
    ):
        assert response.status == 202


def drafts(store: SqliteStore) -> list[Draft]:
    found = (row.draft for row in store.views.inbox(InboxFilter(tab="all")).rows)
    return sorted(found, key=lambda draft: draft.id)


def told(store: SqliteStore) -> list[tuple[str, str]]:
    return [(draft.purpose, draft.state.value) for draft in drafts(store)]


def approve(store: SqliteStore) -> None:
    newest = drafts(store)[-1]
    decision = Decision(draft_id=newest.id, rev=newest.rev, action="approve", actor="you", via="terminal")
    decide(store.drafts, decision, RULES, datetime.now(UTC))


async def answered(service: Running, store: SqliteStore) -> None:
    """Approve whatever waits until the answer is out."""
    await until(lambda: len(drafts(store)) == 2, service)
    approve(store)
    await until(lambda: told(store) == [("acknowledgement", "published"), ("answer", "published")], service)


@pytest.mark.parametrize("fault", ["", "drop after accepting", "500"])
async def test_acknowledged_and_answered_each_once(tmp_path: Path, fault: Fault) -> None:
    platform = Platform(keeps_keys=False)
    platform.fault = lambda number: fault if number == 1 else ""
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, ENVIRONMENT) as service:
            store = service.store()
            await deliver(service)
            await until(lambda: told(store) == [("acknowledgement", "pending")], service)
            [first] = drafts(store)
            approve(store)
            await answered(service, store)
            # the platform shows what stands there: the case is answered once, by the answer
            await deliver(service, reply=first.text)
            assert await service.stop() == 0
            second = drafts(store)[1]
            assert second.answer_by == first.promised and first.promised is not None
            store.close()
    assert [text for _, text, _ in platform.posts] == [first.text, second.text]


async def test_the_acknowledgement_on_the_platform_leaves_the_case_open(tmp_path: Path) -> None:
    platform = Platform()
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, ENVIRONMENT) as service:
            store = service.store()
            await deliver(service)
            await until(lambda: told(store) == [("acknowledgement", "pending")], service)
            [first] = drafts(store)
            approve(store)
            await until(lambda: told(store)[1:] == [("answer", "pending")], service)
            await deliver(service, reply=first.text)
            await answered(service, store)
            store.close()
    assert len(platform.posts) == 2


@pytest.mark.parametrize("moment", ["as the platform has it", "as the ledger has it"])
async def test_a_kill_between_acknowledgement_and_answer_loses_nothing(tmp_path: Path, moment: str) -> None:
    platform = Platform(keeps_keys=False)
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, ENVIRONMENT) as service:
            store = service.store()
            await deliver(service)
            await until(lambda: told(store) == [("acknowledgement", "pending")], service)
            reached: Callable[[], bool] = {
                "as the platform has it": lambda: len(platform.posts) == 1,
                "as the ledger has it": lambda: drafts(store)[0].state is DraftState.PUBLISHED,
            }[moment]
            approve(store)
            await until(reached, service)
            service.kill()
            await service.process.wait()
            store.close()
        async with Running(tmp_path, ENVIRONMENT) as service:
            store = service.store()
            await answered(service, store)
            store.close()
    assert len(platform.posts) == 2
