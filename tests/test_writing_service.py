"""Through the running service: the playbook at once, the model a moment later, a kill in between, the page."""

from __future__ import annotations

import json
from pathlib import Path

from monitor.model import Draft
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from tests.llm_platform import GOOD, KEY, LlmPlatform
from tests.loopback import Loopback
from tests.page_place import Place, Reader, Seen
from tests.running import Running
from tests.test_service import until

CONFIG = """
[company]
name = "Lipka"
signature = "Jana"
contact = "pomoc@lipka.example"
[page]
port = 0
[drafting.llm]
endpoint = "{endpoint}"
model = "small"
api_key = "$LLM_API_KEY"
[sources.reviews]
kind = "file"
path = "reviews.jsonl"
"""
REVIEW = {
    "id": "1",
    "author": "Zuzana",
    "text": "Balík prišiel rozbitý a nikto sa neozval.",
    "rating": 1,
    "language": "sk",
    "created_at": "2026-11-20T09:00:00+00:00",
}


def drafts(store: SqliteStore) -> list[Draft]:
    return [row.draft for row in store.views.inbox(InboxFilter(tab="all")).rows]


def configure(folder: Path, server: Loopback) -> None:
    (folder / "config.toml").write_text(CONFIG.format(endpoint=server.url("/v1")))
    (folder / "reviews.jsonl").write_text(json.dumps(REVIEW, ensure_ascii=False))


async def test_the_model_writes_beside_the_running_service(tmp_path: Path) -> None:
    platform = LlmPlatform()
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, {"LLM_API_KEY": KEY}) as service:
            store = service.store()
            await until(lambda: [draft.author for draft in drafts(store)] == ["llm:small"], service)
            assert await service.stop() == 0
            [draft] = drafts(store)
            assert GOOD["sk"]["interest"] in draft.text and draft.state == "pending"
            assert [one.author for one in store.views.matter(draft.id).revisions] == ["playbook", "llm:small"]
            store.close()
            log = service.log()
    assert KEY not in log and "You draft" not in log and GOOD["sk"]["interest"] not in log


async def test_a_kill_while_it_writes_leaves_the_playbooks_text(tmp_path: Path) -> None:
    platform = LlmPlatform(fault=lambda _number: "hang")
    async with Loopback(platform) as server:
        configure(tmp_path, server)
        async with Running(tmp_path, {"LLM_API_KEY": KEY}) as service:
            store = service.store()
            await until(lambda: len(platform.received) == 1, service)
            service.kill()
            await service.process.wait()
        async with Running(tmp_path, {"LLM_API_KEY": KEY}) as service:
            await until(lambda: [draft.model_note for draft in drafts(store)] == ["interrupted"], service)
            assert await service.stop() == 0
        [draft] = drafts(store)
        assert (draft.author, draft.rev, len(platform.received)) == ("playbook", 1, 1)
        assert store.llm_use.of_day(today(store)).requests == 1  # what it may have cost is counted
        store.close()


def today(store: SqliteStore) -> str:
    return str(store._engine.rows("SELECT day FROM llm_use")[0][0])


async def test_the_page_says_whose_text_it_is(tmp_path: Path) -> None:
    async with Place(tmp_path) as place:
        draft = place.store.drafts.get(place.draft())
        assert place.store.modelled.take(draft, place.now)
        async with Reader(place) as reader:
            await reader.sign_in()
            assert "from the playbook (a language model is writing another one)" in (await page(reader, draft)).text
            place.store.modelled.note(draft, "guard: unapproved_promise, too_long")
            seen = await page(reader, draft)
            assert "promises what the policy does not allow, longer than the platform takes)" in seen.text
            seen = await reader.get(f"/drafts/{draft.id}", headers={"Accept-Language": "sk"})
            assert "z príručky (text modelu bol odmietnutý: " in seen.text


async def page(reader: Reader, draft: Draft) -> Seen:
    return await reader.get(f"/drafts/{draft.id}")
