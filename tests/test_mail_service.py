"""The whole service with mail: from a review to a mailbox, and from a mailed link to the page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp

from tests.mail_servers import ANNA, OHLAS, PASSWORDS, MailServers
from tests.running import Running
from tests.terminal import CONFIG, shop

MAIL = """
[people.anna]
mail = "{anna}"
language = "sk"
role = "manager"
[mail]
sender = "{sender}"
host = "127.0.0.1"
port = {port}
user = "{sender}"
password = "$SMTP_PASSWORD"
ca = "{ca}"
imap_host = "127.0.0.1"
imap_port = {imap}
authserv_id = "mx.example.test"
"""
URGENT = "Zásuvka od vás horela, deti sa dusili dymom a volali sme hasičov! Podávam trestné oznámenie."


async def test_an_urgent_complaint_is_in_the_mailbox_at_once(tmp_path: Path, mail_servers: MailServers) -> None:
    mail = MAIL.format(
        anna=ANNA,
        sender=OHLAS,
        port=mail_servers.ports["submission"],
        ca=mail_servers.ca,
        imap=mail_servers.ports["imaps"],
    )
    shop(
        tmp_path, CONFIG.replace('people = ["Alžbeta", "Matúš"]', "") + mail, [{"id": "1", "text": URGENT, "rating": 1}]
    )
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
    mail = MAIL.format(
        anna=ANNA,
        sender=OHLAS,
        port=mail_servers.ports["submission"],
        ca=mail_servers.ca,
        imap=mail_servers.ports["imaps"],
    )
    shop(
        tmp_path, CONFIG.replace('people = ["Alžbeta", "Matúš"]', "") + mail, [{"id": "1", "text": URGENT, "rating": 1}]
    )
    async with Running(tmp_path, {"SMTP_PASSWORD": "wrong-secret"}) as service, aiohttp.ClientSession() as session:
        degraded: list[str] = []
        while not any(one.startswith("mail:") for one in degraded):
            async with session.get(f"{service.url}/healthz") as health:
                found = json.loads(await health.text())
            assert health.status == 200 and found["troubles"] == []
            degraded = found["degraded"]
        assert "wrong-secret" not in json.dumps(degraded) + service.log()
        assert await service.stop() == 0
