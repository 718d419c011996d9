"""One digest to a person and a day: through the outbox to a mail server, whoever writes it, whatever is cut off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from monitor.digest_options import DigestOptions
from monitor.options import PageOptions, PersonOptions
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, PRAISE, arrive, draft_all, mention
from tests.mail_servers import ANNA, BORIS, MailServers
from tests.running import Running
from tests.scripted_smtp import HANG_UP, ScriptedSmtp
from tests.test_mail_sender import Place

DAY = timedelta(days=1)
BEFORE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # Monday, 7:00 in Bratislava
PEOPLE = {"anna": PersonOptions(mail=ANNA, language="sk", role="manager")}
URL = "https://ohlas.shop.example"


def a_place(folder: Path, port: int, people: dict[str, PersonOptions] = PEOPLE, **digest: Any) -> Place:
    place = Place(folder, host="127.0.0.1", port=port, security="none")
    page = PageOptions(url=URL)
    place.change(people=people, page=page, digest=DigestOptions(**digest))
    place.now = BEFORE
    return place


@pytest.fixture
async def smtp() -> AsyncIterator[ScriptedSmtp]:
    async with ScriptedSmtp() as server:
        yield server


async def morning(place: Place, at: datetime = MORNING) -> None:
    place.now = at
    await place.desk.digests.step()
    await place.desk.sender.step()


def read(raw: str) -> EmailMessage:
    found = message_from_string(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def states(place: Place) -> list[tuple[str, str, str]]:
    return [row for row in place.rows() if row[1] == "digest"]


async def test_one_a_day_however_often_the_clock_is_looked_at(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE)  # Ohlas starts
        for minutes in (-1, 0, 1, 60, 600):
            await morning(place, MORNING + timedelta(minutes=minutes))
        assert states(place) == [("anna", "digest", "sent")]
        await morning(place, MORNING + DAY)
    first, second = (read(mail) for mail in smtp.mails)
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"] == "Všetko v pokoji – Ohlas, pondelok 23. novembra"
    assert first["Auto-Submitted"] == "auto-generated" and first["Date"]


async def test_a_clock_that_was_a_year_ahead_ends_no_digests(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE + timedelta(days=364))
        await morning(place, MORNING + timedelta(days=364))
        await morning(place, BEFORE)  # somebody set it right
        for _ in range(2):
            await morning(place)
        await morning(place, MORNING + DAY)
        await morning(place)  # set back by a day
    said = [read(mail)["Subject"].rpartition(", ")[2] for mail in smtp.mails]
    assert said == ["pondelok 22. novembra", "pondelok 23. novembra", "utorok 24. novembra"]


async def test_a_mail_that_is_tried_again_keeps_its_id_and_tells_what_is_new(
    tmp_path: Path, smtp: ScriptedSmtp
) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE)
        smtp.answers["END"] = "451 not now"
        await morning(place)
        del smtp.answers["END"]
        arrive(place.store, mention(created_at=MORNING - DAY))
        draft_all(place.store)
        await morning(place, MORNING + timedelta(hours=1))
    first, second = (read(mail) for mail in smtp.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert second["Subject"].startswith("1 čaká, 1 sťažnosť – Ohlas")


async def test_cut_off_after_the_whole_mail_it_is_never_sent_again(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE)
        smtp.answers["END"] = HANG_UP
        await morning(place)
        smtp.answers.clear()
        await morning(place, MORNING + timedelta(hours=2))
        assert states(place) == [("anna", "digest", "unknown")]
        await morning(place, MORNING + DAY)
    assert len(smtp.mails) == 2
    assert "aj o nich" not in read(smtp.mails[1]).get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_a_server_that_is_down_for_two_days_gets_one_mail_about_them(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE)
        smtp.answers["CONNECT"] = "554 closed"
        await morning(place, MORNING)
        await morning(place, MORNING + DAY)
        smtp.answers.clear()
        place.desk.sender.rested_until = None
        await morning(place, MORNING + 2 * DAY)
        assert [state for _, _, state in states(place)] == ["dropped", "dropped", "sent"]
    [mail] = smtp.mails
    text = read(mail).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Prehľad nevyšiel v dňoch: po 23. 11., ut 24. 11. – tento je aj o nich" in text
    assert "Čo kto napísal: 20.\u2009–\u200924. 11." in text


async def test_two_services_on_one_database_send_one(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    people = {f"p{number}": PersonOptions(mail=f"p{number}@example.test") for number in range(12)}
    one, other = a_place(tmp_path, smtp.port, people), a_place(tmp_path, smtp.port, people)
    async with one.open(), other.open():
        await morning(one, BEFORE)
        await asyncio.gather(morning(one), morning(other))
        await asyncio.gather(
            morning(one, MORNING + timedelta(minutes=1)), morning(other, MORNING + timedelta(minutes=1))
        )
        assert len(states(one)) == 12
    assert sorted(read(mail)["To"].addresses[0].username for mail in smtp.mails) == sorted(people)
    other.store.close()


async def test_quiet_days_and_those_who_want_none(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    people = {**PEOPLE, "boris": PersonOptions(mail=BORIS, digest=DigestOptions(quiet="short")), "eva": PersonOptions()}
    place = a_place(tmp_path, smtp.port, people, quiet="none")
    async with place.open():
        await morning(place, BEFORE)
        place.store.digests.switch("boris", False, BEFORE)
        await morning(place)
        assert states(place) == []  # nothing happened for anna, boris wants none, eva has no address
        arrive(place.store, mention(created_at=MORNING))
        draft_all(place.store, verdict=PRAISE)
        place.store.digests.switch("boris", True, MORNING + timedelta(hours=1))
        await morning(place, MORNING + DAY)
    mails = [read(mail) for mail in smtp.mails]
    assert [mail["To"].addresses[0].username for mail in mails] == ["anna", "boris"]
    text = mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Čo kto napísal: pondelok 23. novembra ·" in text  # the quiet days are over and done with


@pytest.mark.parametrize(("answer", "state"), [("421 down", "due"), ("550 no such mailbox", "failed")])
async def test_what_happened_is_gathered_once_for_a_digest_that_cannot_be_mailed(
    tmp_path: Path, smtp: ScriptedSmtp, answer: str, state: str
) -> None:
    """A weekly one is due for a week, and whether a week was quiet takes dozens of questions to the database."""
    place = a_place(tmp_path, smtp.port, quiet="none", daily=False, weekly="mon")
    async with place.open():
        await morning(place, BEFORE)
        arrive(place.store, mention(created_at=BEFORE - DAY))
        draft_all(place.store)
        smtp.answers["CONNECT" if state == "due" else "RCPT"] = answer
        gathered: list[str] = []
        place.store._engine.connection.set_trace_callback(gathered.append)
        await morning(place)
        assert states(place) == [("anna", "digest", state)]
        assert [one for one in gathered if "mention_count" in one]
        gathered.clear()
        for minutes in (1, 2, 24 * 60, 24 * 60 + 1):
            place.now = MORNING + timedelta(minutes=minutes)
            await place.desk.digests.step()
        place.store._engine.connection.set_trace_callback(None)
        assert gathered and not [one for one in gathered if "mention_count" in one]


async def test_switching_off_withdraws_what_waits(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    place = a_place(tmp_path, smtp.port)
    async with place.open():
        await morning(place, BEFORE)
        place.now = MORNING
        await place.desk.digests.step()
        place.store.digests.switch("anna", False, MORNING)
        await morning(place)
        assert states(place) == [("anna", "digest", "dropped")]
    assert smtp.mails == []


async def test_its_hour_is_that_of_the_reader(tmp_path: Path, smtp: ScriptedSmtp) -> None:
    people = {
        "anna": PersonOptions(mail=ANNA, timezone="America/New_York", digest=DigestOptions(hour="07:30")),
        "boris": PersonOptions(mail=BORIS),
    }
    place = a_place(tmp_path, smtp.port, people)
    async with place.open():
        await morning(place, BEFORE)
        await morning(place)
        assert [person for person, _, _ in states(place)] == ["boris"]
        await morning(place, datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
        assert [person for person, _, _ in states(place)] == ["boris", "anna"]


async def test_delivered_by_real_servers(tmp_path: Path, mail_servers: MailServers) -> None:
    place = a_place(tmp_path, mail_servers.ports["smtp"])
    for number in range(30):
        arrive(
            place.store, mention(number, created_at=MORNING - timedelta(hours=20), text="Ďakujem <b>pekne</b> & ahoj")
        )
    draft_all(place.store)
    async with place.open():
        await morning(place, BEFORE)
        await morning(place)
    [mail] = await asyncio.to_thread(mail_servers.mails, ANNA)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["Subject"] == "30 čaká, 30 sťažností – Ohlas, pondelok 23. novembra"
    assert mail["Content-Language"] == "sk" and mail["Reply-To"] is None
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = mail["List-Unsubscribe"].strip().strip("<>")
    assert address.startswith(f"{URL}/digest/off/")
    assert place.desk.links.person(address.rpartition("/")[2], ["anna"]) == "anna"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert f"  {URL}/drafts/1" in plain.splitlines() and "> Ďakujem <b>pekne</b> & ahoj" in plain and address in plain
    tree = LexborHTMLParser(html)
    links = [node.attributes["href"] for node in tree.css("a")]
    assert f"{URL}/drafts/1" in links and f"{URL}/?tab=mine" in links and address in links
    assert not [node for node in tree.css("b") if node.text() == "pekne"]


CONFIG = """
[people.anna]
mail = "anna@example.test"
timezone = "{zone}"
[mail]
sender = "ohlas@example.test"
host = "127.0.0.1"
port = {port}
security = "none"
[digest]
hour = "06:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[page]
port = 0
"""


def zone_where_it_is_noon() -> str:
    """So that the test may run at any time of the day; the signs of these names are the wrong way round."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


@pytest.mark.parametrize("step", ["CONNECT", "END"])
async def test_kill_9_between_writing_it_down_and_sending_it(tmp_path: Path, smtp: ScriptedSmtp, step: str) -> None:
    """Before the mail went out it goes out after the next start; once it may be out it is never sent again."""
    (tmp_path / "config.toml").write_text(CONFIG.format(port=smtp.port, zone=zone_where_it_is_noon()))
    state = tmp_path / "state"
    store = SqliteStore(state / "ohlas.db")
    store.digests.subscription("anna", NOON - timedelta(days=3000))
    store.close()
    reached = smtp.hold(step)
    async with Running(tmp_path) as service:
        await asyncio.wait_for(reached.wait(), 60)
        service.kill()
        await service.process.wait()
    smtp.held.pop(step).set()
    smtp_may_go_on = threading.Event()
    async with Running(tmp_path) as service:
        store = service.store()
        try:
            async with asyncio.timeout(60):
                while not (ended := ended_as(store)):  # the service is another process
                    await asyncio.to_thread(smtp_may_go_on.wait, 0.05)
        finally:
            store.close()
        assert await service.stop() == 0
    assert ended == {"CONNECT": "sent", "END": "unknown"}[step]
    assert len(smtp.mails) == 1 and "Ohlas" in read(smtp.mails[0])["Subject"]


def ended_as(store: SqliteStore) -> str:
    [row] = store._engine.rows("SELECT state FROM message WHERE kind = 'digest'")
    return row["state"] if row["state"] in ("sent", "unknown", "failed", "dropped") else ""
