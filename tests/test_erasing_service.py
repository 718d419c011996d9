"""The whole loop with the real service, Slack and mail servers: then one customer is erased, and no byte is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from tests.bytes_left import left
from tests.loopback import Loopback
from tests.mail_servers import ANNA, OHLAS, PASSWORDS, MailServers
from tests.platform import SECRET, Platform, delivery
from tests.running import Running
from tests.slack_platform import APP_TOKEN, BOT_TOKEN, Slack
from tests.terminal import ohlas, process

# words of one customer that nobody else and no playbook uses
NAME, TITLE, WORD, BEFORE = "Xénia Kvždřňová", "Žblnkopád", "vrzgaňúchal", "pŕhľočmud"
ADDRESS, ORDER, THREAD, NUMBER = "xqwyzjk@kvpzqj.hu", "OBJ-7719930042", "vlakno-qzxjv", "rw-xjqzkv-81"
QUOTED, REASON = "hrmotúchovanie", "klbzdíkujúca"  # what we wrote about it
EVERY_WORD = (NAME, TITLE, WORD, BEFORE, ADDRESS, ORDER, THREAD, NUMBER, QUOTED, REASON)
OTHER = "Bohumila Čtrnáctá"

CONFIG = """
[company]
name = "Svrčina"
contact = "pomoc@svrcina.example"
[approval]
grace = 0
look_up_after = 1
[people.anna]
mail = "{anna}"
language = "sk"
role = "manager"
slack = "U0ANNA"
[slack]
bot_token = "$SLACK_BOT_TOKEN"
app_token = "$SLACK_APP_TOKEN"
channel = "C0OHLAS"
api = "{slack}"
[mail]
sender = "{sender}"
host = "127.0.0.1"
port = {port}
user = "{sender}"
password = "$SMTP_PASSWORD"
ca = "{ca}"
after = 0
[page]
port = 0
[service]
allow_private = ["127.0.0.0/8"]
[sources.reviews]
kind = "webhook"
secret = "$OHLAS_TEST_SECRET"
reply_url = "{platform}/replies"
lookup_url = "{platform}/replies/{{id}}"
"""


def review(number: str, author: str, text: str, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "author": author,
        "text": text,
        "rating": 1,
        "language": "sk",
        "url": f"https://shop.example/reviews/{number}",
        "created_at": datetime.now(UTC).isoformat(),
        **more,
    }


HERS = review(
    NUMBER,
    NAME,
    f"Objednávka {ORDER} prišla rozbitá, {BEFORE} nefunguje a nikto nedvíha telefón. Hrôza.",
    title=TITLE,
    thread=THREAD,
    email=ADDRESS,
)
EDITED = HERS | {"text": f"Objednávka {ORDER}: {WORD} prišiel rozbitý a nikto sa neozval. Píše vám {NAME}, {ADDRESS}."}
SECOND = review("rw-xjqzkv-82", NAME, f"Nabíjačka po dni zhorela a na {WORD} sa nedá dovolať. Hanba vám, nekupujte tu!")
OTHERS = review("r-7", OTHER, "Balík meškal tri týždne a prišiel rozbitý, reklamáciu zamietli. Hrôza.")


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(so):
            pass


async def shown(slack: Slack, so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        await slack.until(so)


async def deliver(url: str, *reviews: dict[str, object]) -> None:
    body, headers = delivery(*reviews)
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{url}/in/reviews", data=body, headers=headers) as response,
    ):
        assert response.status == 202, await response.text()


def draft_of(store: SqliteStore, number: str) -> int:
    found = store.corrections.find("reviews", number)
    draft = store.views.draft_of(found[0]) if found else None
    return draft.id if draft else 0


async def said(folder: Path, *arguments: str) -> str:
    """What a command says, beside the running service."""
    result = await asyncio.to_thread(partial(ohlas, *arguments, config=folder / "config.toml"))
    assert result.exit_code == 0, result.output
    return result.stdout


SECRETS = {
    "OHLAS_TEST_SECRET": SECRET,
    "SLACK_BOT_TOKEN": BOT_TOKEN,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "SMTP_PASSWORD": PASSWORDS[OHLAS],
}


@pytest.mark.timeout(240)
async def test_no_byte_of_an_erased_customer_is_left(
    tmp_path: Path,
    mail_servers: MailServers,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    platform, state = Platform(), tmp_path / "state"
    async with Slack() as slack, Loopback(platform) as replies:
        (tmp_path / "config.toml").write_text(
            CONFIG.format(
                anna=ANNA,
                slack=slack.api,
                sender=OHLAS,
                port=mail_servers.ports["submission"],
                ca=mail_servers.ca,
                platform=replies.origin,
            )
        )
        async with Running(tmp_path) as service:
            store = service.store()
            number = await whole_loop(tmp_path, service.url, store, slack, platform, mail_servers)
            counted = await said(tmp_path, "status", "--json")
            found = {form for _, form in left(state, *EVERY_WORD)}
            assert {WORD.encode(), b"zganucha", ADDRESS.encode()} <= found, "the search finds what is there"
            assert [name for name, _ in left(state, WORD) if name.endswith("-before-something.db")]
            refused = await asyncio.to_thread(
                partial(ohlas, "erase", "--author", NAME, config=tmp_path / "config.toml")
            )
            assert refused.exit_code == 1 and "2 people of this name" in refused.output and ADDRESS in refused.output
            known = json.loads(await said(tmp_path, "export", "--author", "xenia kvzdrnova", "--all"))
            assert {ORDER, WORD, BEFORE, QUOTED, REASON, ADDRESS} <= set(
                one for one in EVERY_WORD if one in json.dumps(known, ensure_ascii=False)
            )

            status, out, err = await process(tmp_path, "erase", "--author", NAME, "--all", "--yes", "--json")

            assert (status, err) == (0, "")
            answer = json.loads(out)

            assert answer["mentions"] == 2 and answer["finished"] and answer["mails_in_mailboxes"] >= 1
            assert left(state, *EVERY_WORD) == [], "while the service runs"
            await shown(slack, lambda: WORD not in slack.card(number).words)
            await shown(slack, lambda: not any(word in one.words for one in slack.posted for word in EVERY_WORD))
            assert left(tmp_path, *EVERY_WORD) == [], "nor in what it logged"

            await deliver(service.url, EDITED, SECOND, HERS, OTHERS)
            await until(lambda: not store.mentions.unjudged(1))
            assert left(state, *EVERY_WORD) == [], "nor does the next poll bring it back"
            assert store.mentions.count() == 3
            after = json.loads(await said(tmp_path, "status", "--json"))
            before = json.loads(counted)
            assert (after["labels"], after["mentions"]) == (before["labels"], before["mentions"])
            [row] = store.views.inbox(InboxFilter(tab="all", search="bohumila ctrnacta")).rows
            assert row.mention.text == OTHERS["text"] and row.draft.text
            assert store.views.inbox(InboxFilter(tab="all", search="vrzganuchal")).total == 0
            store.close()
            assert await service.stop() == 0
    assert left(tmp_path, *EVERY_WORD) == [], "nor when it has stopped"
    record_property("bytes looked through", (state / "ohlas.db").stat().st_size)


async def whole_loop(
    folder: Path, url: str, store: SqliteStore, slack: Slack, platform: Platform, mails: MailServers
) -> int:
    """Arrived, judged, drafted, shown, edited, published, rejected, corrected, learned from, backed up; the draft."""
    await deliver(url, HERS, OTHERS)
    await until(lambda: bool(draft_of(store, NUMBER) and draft_of(store, "r-7")))
    await deliver(url, EDITED)
    number = draft_of(store, NUMBER)
    await shown(slack, lambda: any(WORD in one.words for one in slack.posted))
    assert await asyncio.to_thread(mails.mails, ANNA)
    await until(lambda: WORD in store.views.matter(number).mention.text and not store.mentions.unjudged(1))
    reply = (
        f"Dobrý deň, pani {NAME}, mrzí nás to. Zaujíma nás, čo sa stalo s vecou {QUOTED}. Ozvite sa nám, vyriešime to."
    )
    await said(folder, "decide", str(number), "edit", "--text", reply, "--as", "anna")
    await said(folder, "decide", str(number), "approve", "--as", "anna")
    await until(lambda: store.drafts.get(number).state == "published")
    assert QUOTED in platform.posts[0][1]
    await deliver(url, SECOND)
    await until(lambda: bool(draft_of(store, "rw-xjqzkv-82")))
    await said(folder, "learn", "--correct", "reviews/rw-xjqzkv-82", "complaint", "--as", "anna")
    await until(lambda: not store.mentions.unjudged(1))
    second = str(draft_of(store, "rw-xjqzkv-82"))
    await shown(slack, lambda: any("Nabíjačka" in one.words for one in slack.posted))
    await said(folder, "decide", second, "reject", "--reason", f"{REASON} nám už volala", "--as", "anna")
    await asyncio.to_thread(partial(ohlas, "learn", "--force", config=folder / "config.toml"))
    await shown(slack, lambda: any(REASON in one.words for one in slack.posted))
    store.backup("before-something")
    return number
