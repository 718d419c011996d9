"""The whole way by mail: Ohlas writes, a person answers as mail programs do, Ohlas decides and says so."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from monitor.model import DraftState
from monitor.options import Config, MailOptions, PersonOptions, ServiceOptions
from monitor.people import people_of
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules
from responders.mail.desk import MailDesk, mail_desk
from responders.mail.tokens import Token, key_of, make_token
from tests.made import arrive, draft_all, mention
from tests.mail_replying import reply, results
from tests.mail_servers import ANNA, AUTHSERV_ID, BORIS, OHLAS, PASSWORDS, MailServers
from tests.running import Running

PATIENCE = 30.0  # seconds; each step takes a fraction of one
KILLS = 6
PEOPLE = {
    "anna": PersonOptions(mail=ANNA, language="sk", role="manager"),
    "boris": PersonOptions(mail=BORIS, language="cs"),
}


class Place:
    def __init__(self, folder: Path, mail_servers: MailServers) -> None:
        self.servers = mail_servers
        self.mail = MailOptions.model_validate(
            {
                "sender": OHLAS,
                "host": mail_servers.host,
                "port": mail_servers.ports["submission"],
                "user": OHLAS,
                "password": PASSWORDS[OHLAS],
                "ca": mail_servers.ca,
                "imap_host": mail_servers.host,
                "imap_port": mail_servers.ports["imaps"],
                "authserv_id": AUTHSERV_ID,
            }
        )
        self.config = Config(people=PEOPLE, mail=self.mail, service=ServiceOptions(state=folder))
        self.store = SqliteStore(folder / "ohlas.db")
        self.rules = Rules(
            people=people_of(self.config), grace=timedelta(seconds=45), check=lambda _draft, _text, _actor: ()
        )
        arrive(self.store, mention())
        [self.draft_id] = draft_all(self.store)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MailDesk]:
        """Ohlas reads mails; it sends what is due when it is told to."""
        async with mail_desk(self.config, self.mail, store=self.store, rules=self.rules, clock=now) as desk:
            assert desk.reader is not None
            task = asyncio.create_task(desk.reader.run())
            try:
                yield desk
            finally:
                task.cancel()
                await asyncio.wait({task})

    def ask(self, person: str) -> None:
        card = NewMessage(
            key=f"card-{person}",
            medium="mail",
            recipient=PEOPLE[person].mail,
            person=person,
            kind="card",
            due=now(),
            draft_id=self.draft_id,
            rev=1,
        )
        self.store.messages.put([card], now())

    @property
    def state(self) -> DraftState:
        return self.store.drafts.get(self.draft_id).state


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def place(tmp_path: Path, mail_servers: MailServers) -> Iterator[Place]:
    found = Place(tmp_path, mail_servers)
    yield found
    found.store.close()


def answer_to(letter: EmailMessage, text: str, sender: str = ANNA, dmarc: str = "pass") -> EmailMessage:
    """What a mail program makes of "reply": Reply-To, References, and the letter quoted below."""
    mail = EmailMessage()
    mail["Authentication-Results"] = results(dmarc, sender)
    mail["From"] = f"Made-up Person <{sender}>"
    mail["To"] = str(letter["Reply-To"])
    mail["Subject"] = f"Re: {letter['Subject']}"
    mail["Message-ID"] = f"<{random.getrandbits(64):x}@example.test>"
    mail["In-Reply-To"] = str(letter["Message-ID"])
    mail["References"] = f"{letter['References'] or ''} {letter['Message-ID']}".strip()
    body = letter.get_body(("plain",))
    assert body is not None
    quoted = "".join(f"> {line}\n" for line in body.get_content().splitlines())
    mail.set_content(f"{text}\n\nso 21. 11. 2026 o 13:34 Ohlas <{OHLAS}> napísal(a):\n\n{quoted}")
    return mail


async def deliver(mail_servers: MailServers, mail: EmailMessage) -> None:
    await asyncio.to_thread(mail_servers.deliver, mail, mail["To"].addresses[0].addr_spec)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - servers outside this process change it
            await asyncio.sleep(0.01)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_letter_is_answered_with_the_keyword(place: Place, mail_servers: MailServers) -> None:
    place.ask("anna")
    async with place.open() as desk:
        await desk.sender.step()
        [letter] = await asyncio.to_thread(mail_servers.mails, ANNA, 1)
        await deliver(mail_servers, answer_to(letter, "Schváliť"))
        await until(lambda: place.state is DraftState.APPROVED)
        await until(lambda: bool(place.store.messages.due("mail", now())))
        await desk.sender.step()
        [_, answer] = await asyncio.to_thread(mail_servers.mails, ANNA, 2)
    assert "Schválili ste to." in text_of(answer)
    assert answer["In-Reply-To"] and answer["Auto-Submitted"] == "auto-generated"


async def test_an_edited_text_is_shown_again_and_then_approved(place: Place, mail_servers: MailServers) -> None:
    place.ask("anna")
    async with place.open() as desk:
        await desk.sender.step()
        [letter] = await asyncio.to_thread(mail_servers.mails, ANNA, 1)
        await deliver(mail_servers, answer_to(letter, "Dobrý deň, pani Kráľová,\n\nveľmi nás to mrzí."))
        await until(lambda: bool(place.store.messages.due("mail", now())))
        assert place.state is DraftState.PENDING
        await desk.sender.step()
        [_, again] = await asyncio.to_thread(mail_servers.mails, ANNA, 2)
        assert "veľmi nás to mrzí" in text_of(again)
        await deliver(mail_servers, answer_to(again, "schváliť"))
        await until(lambda: place.state is DraftState.APPROVED)
    assert place.store.drafts.get(place.draft_id).text == "Dobrý deň, pani Kráľová,\n\nveľmi nás to mrzí."


async def test_who_gets_a_letter_forwarded_cannot_approve_in_its_recipients_name(
    place: Place, mail_servers: MailServers
) -> None:
    """He has all that stands in it; he answers as himself, and with Anna's address in From."""
    place.ask("anna")
    async with place.open() as desk:
        await desk.sender.step()
        [letter] = await asyncio.to_thread(mail_servers.mails, ANNA, 1)
        await deliver(mail_servers, answer_to(letter, "schváliť", sender=BORIS))
        await deliver(mail_servers, answer_to(letter, "schváliť", sender=ANNA, dmarc="fail"))
        await until(lambda: len(place.store.messages.due("mail", now())) == 2)
        assert place.state is DraftState.PENDING
        told = {one.recipient for one in place.store.messages.due("mail", now())}
    assert told == {ANNA, BORIS}


CONFIG = """
[company]
name = "Svrčina"
contact = "pomoc@svrcina.example"
[page]
port = 0
[people.anna]
mail = "{anna}"
role = "manager"
[mail]
sender = "{ohlas}"
host = "{host}"
port = {submission}
user = "{ohlas}"
password = "$OHLAS_TEST_PASSWORD"
ca = "{ca}"
after = 600
imap_host = "{host}"
imap_port = {imaps}
authserv_id = "{authserv_id}"
[sources.shop]
kind = "file"
path = "reviews.jsonl"
"""


@pytest.fixture
def home(mail_servers: MailServers) -> Iterator[Path]:
    """A folder with a config.toml for a service of its own."""
    found = Path(tempfile.mkdtemp(prefix="ohlas-"))
    given = {"anna": ANNA, "ohlas": OHLAS, "host": mail_servers.host, "ca": mail_servers.ca, "authserv_id": AUTHSERV_ID}
    (found / "config.toml").write_text(CONFIG.format_map(given | mail_servers.ports))
    (found / "reviews.jsonl").write_text("")
    yield found
    shutil.rmtree(found)


async def test_killed_at_any_moment_every_reply_counts_once(home: Path, mail_servers: MailServers) -> None:
    """New texts for many drafts come by mail while the service is killed again and again."""
    store = SqliteStore(home / "state" / "ohlas.db")
    arrive(store, *(mention(number) for number in range(1, 13)))
    drafts = draft_all(store, now=now())
    key, expires = key_of(home / "state"), now() + timedelta(days=14)
    for draft in drafts:
        token = make_token(key, Token(draft_id=draft, rev=1, person="anna", purpose="decide", expires=expires))
        await deliver(mail_servers, reply(token, f"Nový text číslo {draft}.", message_id=f"<{draft}@example.test>"))

    def done() -> int:
        return sum(store.drafts.get(draft).rev == 2 for draft in drafts)

    environment = {"OHLAS_TEST_PASSWORD": PASSWORDS[OHLAS]}
    for _ in range(KILLS):
        async with Running(home, environment) as service:
            before = done()
            await until(lambda before=before: done() > before or done() == len(drafts))  # type: ignore[misc]
            await asyncio.sleep(random.uniform(0.0, 0.03))  # somewhere between the decision, its answer and the folder
            service.kill()
            await service.process.wait()
    async with Running(home, environment) as service:
        await until(lambda: done() == len(drafts))
        await until(lambda: "INBOX" in empty_folders(mail_servers))
        assert PASSWORDS[OHLAS] not in service.log()
        await service.stop()
    for draft in drafts:
        edits = [line for line in store.views.matter(draft).history if line.action == "edit"]
        assert [(line.actor, line.via) for line in edits] == [("anna", "mail")]
    assert store.messages.written_since(ANNA, "confirm", now() - timedelta(hours=1)) == len(drafts)
    mails = await asyncio.to_thread(mail_servers.mails, ANNA, 0)
    store.close()
    assert len(mails) <= len(drafts)  # a letter that a kill cut off is not sent again blindly


def empty_folders(mail_servers: MailServers) -> set[str]:
    with mail_servers.mailbox(OHLAS) as box:
        return {"INBOX"} if not box.uids() else set()
