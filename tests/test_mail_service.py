"""The whole service with mail: from a review to a mailbox, and from a mailed link to the page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp

from tests.mail_servers import ANNA, AUTHSERV_ID, OHLAS, PASSWORDS, MailServers
from tests.running import Running
from tests.terminal import CONFIG, shop

ANNA_BY_MAIL = f"""
[people.anna]
mail = "{ANNA}"
language = "sk"
role = "manager"
"""
URGENT = "Zásuvka od vás horela, deti sa dusili dymom a volali sme hasičov! Podávam trestné oznámenie."


def urgent(folder: Path, servers: MailServers) -> None:
    """A shop with one urgent complaint, of which Anna is told by mail."""
    config = (
        CONFIG.replace('people = ["Alžbeta", "Matúš"]', "") + ANNA_BY_MAIL + servers.options(authserv_id=AUTHSERV_ID)
    )
    shop(folder, config, [{"id": "1", "text": URGENT, "rating": 1}])


async def test_an_urgent_complaint_is_in_the_mailbox_at_once(tmp_path: Path, mail_servers: MailServers) -> None:
    urgent(tmp_path, mail_servers)
    async with Running(tmp_path, {"SMTP_PASSWORD": PASSWORDS[OHLAS]}) as service:
        [letter] = await asyncio.to_thread(mail_servers.mails, ANNA)
        text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "horela" in text and f"{service.url}/drafts/1" in text and "schváliť:" in text
        async with aiohttp.ClientSession() as session:
            # a scanner that opens the link decides nothing, it is asked to sign in
            async with session.get(f"{service.url}/drafts/1") as page:
                assert page.url.path == "/sign-in" or page.status in (401, 403)
            async with session.get(f"{service.url}/healthz") as health:
                assert json.loads(await health.text())["degraded"] == []
        assert await service.stop() == 0
    store = service.store()
    try:
        assert store.drafts.get(1).state == "pending"
    finally:
        store.close()


async def test_a_wrong_password_is_told_and_stops_nothing_else(tmp_path: Path, mail_servers: MailServers) -> None:
    urgent(tmp_path, mail_servers)
    async with Running(tmp_path, {"SMTP_PASSWORD": "wrong-secret"}) as service, aiohttp.ClientSession() as session:
        degraded: list[str] = []
        while not any(one.startswith("mail:") for one in degraded):
            async with session.get(f"{service.url}/healthz") as health:
                found = json.loads(await health.text())
            assert health.status == 200 and found["troubles"] == []
            degraded = found["degraded"]
        assert "wrong-secret" not in json.dumps(degraded) + service.log()
        assert await service.stop() == 0
