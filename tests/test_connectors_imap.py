"""The mailbox of a shop, on a real Dovecot and Postfix: customers' mails, notifications, and answers."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import imap
from monitor import mailbox
from monitor.contract import Ability, CanLookUp, CanReply, Page
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from tests.contract import NO_NETWORK, ConnectorContract
from tests.loopback import Answer
from tests.mail_servers import ANNA, BORIS, NOBODY, OHLAS, PASSWORDS, MailServers
from tests.scripted_smtp import HANG_UP, ScriptedSmtp

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIRST = """From: =?utf-8?q?Zuzana_Kr=C3=A1=C4=BEov=C3=A1?= <zuzana@posta.example>
Reply-To: zuzana@posta.example
Message-ID: <1@posta.example>
Date: Fri, 20 Nov 2026 09:00:00 +0100
Subject: =?utf-8?q?Re=3A_Rozbit=C3=BD_bal=C3=ADk?=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Balík prišiel rozbitý a nikto sa neozval.

Dňa 19. 11. 2026 o 10:00 obchod napísal:
> Balík je na ceste.
"""
SECOND = """From: jan@mail.example
Message-ID: <2@mail.example>
Date: Fri, 20 Nov 2026 10:00:00 +0100
Subject: Poděkování
Content-Type: text/plain; charset=utf-8

Všechno dorazilo včas, děkuji.
"""
HEUREKA = """From: Heureka <info@heureka.sk>
Message-ID: <h1@heureka.sk>
Auto-Submitted: auto-generated
Subject: Nová recenzia obchodu
Content-Type: text/html; charset=utf-8

<html><body><img src="https://im9.heureka.sk/logo.png"><p>Dobrý deň,</p><p>máte novú recenziu.</p>
<p>Zákazník: Eva Malá<br>Hodnotenie: 2 z 5<br>Plusy: rýchle dodanie<br>Mínusy: poškodený obal</p>
<p>Recenzia:</p><p>Škatuľa prišla mokrá<br>a nikto nereaguje.</p><p>Číslo objednávky: 2026-77</p>
<p><a href="https://zlodej.example/x">klik</a>
<a href="https://sluzby.heureka.sk/recenzie/77?utm_source=mail">Odpovedať</a></p></body></html>
"""


def raw(text: str, *changes: tuple[str, str]) -> bytes:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.replace("\n", "\r\n").encode()


def settings(servers: MailServers | None = None, **options: Any) -> imap.Settings:
    known: dict[str, Any] = {"kind": "imap", "name": "box", "host": "127.0.0.1", "user": OHLAS, "password": "made-up"}
    if servers is not None:
        known |= {"port": servers.ports["imaps"], "password": PASSWORDS[OHLAS], "ca": servers.ca}
    return imap.Settings(**known | options)


def answering(servers: MailServers, **options: Any) -> imap.AnsweringMailbox:
    port = {"smtp_host": "127.0.0.1", "smtp_port": servers.ports["submission"]}
    found = imap.connect(settings(servers, **port | options), None)  # type: ignore[arg-type]
    assert isinstance(found, imap.AnsweringMailbox) and isinstance(found, CanReply) and isinstance(found, CanLookUp)
    return found


def read(*mails: bytes, **options: Any) -> Page:
    return imap.read_mails(mails, settings(**options), NOW)


def one(mail: bytes, **options: Any) -> Mention:
    [mention] = read(mail, **options).mentions
    return mention


def put(servers: MailServers, *mails: bytes, folder: str = "INBOX") -> None:
    with servers.mailbox(OHLAS) as box:
        for mail in mails:
            box.append(mail, folder)


class TestImapContract(ConnectorContract):
    """A recording is mails, one behind the other; each is put into the mailbox."""

    kind = "imap"
    secrets = (PASSWORDS[OHLAS],)
    recording = raw(FIRST) + raw(SECOND)
    entry = rb"From: .*?(?=From: |\Z)"
    bad_entry = b"From: eva@mail.example\r\n\r\n"
    phrase = b"nikto sa neozval"
    exempt = {
        **{case: f"tried below; {why}, but over IMAP" for case, why in NO_NETWORK.items()},
        "huge": "only the beginning of a mail is ever read; tried below",
        "reply_timeout": "answers go over SMTP; tried below",
    }

    @pytest.fixture(autouse=True)
    async def _stage(
        self, tmp_path: Path, request: pytest.FixtureRequest, mail_servers: MailServers
    ) -> AsyncIterator[None]:
        self._excuse(request.node.name.removeprefix("test_").partition("[")[0])
        self.folder, self.mails, self.http = tmp_path, mail_servers, None  # type: ignore[assignment]
        known = settings(mail_servers).model_dump(exclude_unset=True, exclude={"kind", "name"})
        self.settings = known | {"password": PASSWORDS[OHLAS]}  # type: ignore[misc]
        yield

    async def read(self, answer: Answer, cursor: str = "") -> Page:
        self.mails.empty()
        found = re.findall(self.entry, answer.body, re.DOTALL) or [answer.body.replace(b"\0", b"?") + b"\r\n"]
        put(self.mails, *found)
        async with self.connector() as connector:
            return await connector.poll(cursor)


# ---- what a mail says


def test_a_customers_mail() -> None:
    mention = one(raw(FIRST))
    assert mention.text == "Balík prišiel rozbitý a nikto sa neozval."
    assert (mention.title, mention.author, mention.rating) == ("Rozbitý balík", "Zuzana Kráľová", None)
    assert mention.created_at == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert mention.raw == {"reply_to": "zuzana@posta.example", "message_id": "<1@posta.example>"}


@pytest.mark.parametrize(
    "change",
    [
        ("jan@mail.example", OHLAS),
        ("jan@mail.example", "Jana <jana@firma.example>"),
        ("jan@mail.example", "noreply@mail.example"),
        ("Subject:", "Auto-Submitted: auto-replied\nSubject:"),
        ("Subject:", "Precedence: bulk\nSubject:"),
        ("Subject:", "List-Unsubscribe: <https://news.example/x>\nSubject:"),
        ("Subject:", "Return-Path: <>\nSubject:"),
        ("Poděkování", "Automatická odpověď: dovolená"),
    ],
)
def test_own_automatic_and_bulk_mails_are_nobodys_voice(change: tuple[str, str]) -> None:
    page = read(raw(SECOND, change), own_names=("firma.example",))
    assert (page.mentions, page.skipped) == ((), ())


def test_the_shops_own_form_speaks_for_the_customer() -> None:
    form = raw(SECOND, ("jan@mail.example", f"Obchod <{OHLAS}>\nReply-To: Jan <jan@mail.example>"))
    mention = one(form)
    assert (mention.author, mention.raw["reply_to"]) == ("jan@mail.example", "jan@mail.example")


def test_mails_of_two_senders_never_share_a_number() -> None:
    forged = raw(SECOND, ("jan@mail.example", "eva@mail.example"))
    assert len(read(raw(SECOND), forged, raw(SECOND)).mentions) == 2


def test_an_address_that_cannot_be_written_to_is_a_persons() -> None:
    box = imap.AnsweringMailbox(settings(smtp_host="127.0.0.1"))
    rules = box.reply_rules_for(one(raw(SECOND, ("jan@mail.example", "ján@mail.example"))))
    assert rules.kind == "manual" and "no address" in rules.note


# ---- notifications


def test_a_notification_is_the_review() -> None:
    mention = one(raw(HEUREKA))
    assert mention.text == "Škatuľa prišla mokrá\na nikto nereaguje.\n+ rýchle dodanie\n− poškodený obal"
    assert (mention.author, mention.rating) == ("Eva Malá", 2.0)
    assert mention.url == "https://sluzby.heureka.sk/recenzie/77"
    assert "2026-77" not in mention.text
    box = imap.AnsweringMailbox(settings(smtp_host="127.0.0.1"))
    assert box.reply_rules_for(mention).kind == "manual" and box.reply_link(mention) == mention.url


def test_other_mails_of_such_a_service_are_left_out() -> None:
    assert not read(raw(HEUREKA, ("Nová recenzia obchodu", "Faktúra za november"))).mentions


def test_a_notification_of_an_unknown_shape_is_shown_whole() -> None:
    mail = raw(
        HEUREKA, ("Recenzia:", "Text:"), ("Plusy", "Dobré"), ("Mínusy", "Zlé"), ("sluzby.heureka.sk", "x.example")
    )
    box, mention = imap.Mailbox(settings()), one(mail)
    assert "Škatuľa prišla mokrá" in mention.text and mention.rating == 2.0
    assert (mention.url, box.reply_link(mention)) == ("", "https://sluzby.heureka.cz/obchody/")


@pytest.mark.parametrize(
    ("sender", "subject", "body", "text", "rating"),
    [
        ("info@arukereso.hu", "Új vélemény", "Értékelés: 4/5\nVélemény: Gyors volt.\nVásárló: B", "Gyors volt.", 4.0),
        (
            "noreply@firmy.cz",
            "Nové hodnocení",
            "Recenze:\nMilá obsluha.\nHodnocení: 5\nOdpovědět",
            "Milá obsluha.",
            5.0,
        ),
        (
            "notification@facebookmail.com",
            "Eva odporúča Svrčina",
            "Eva odporúča Svrčina.",
            "Eva odporúča Svrčina.",
            None,
        ),
    ],
)
def test_every_shipped_rule(sender: str, subject: str, body: str, text: str, rating: float | None) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Auto-Submitted"] = sender, subject, "auto-generated"
    mail.set_content(body)
    mention = one(mail.as_bytes())
    assert (mention.text, mention.rating) == (text, rating)


GOOGLE = """From: Google Business Profile <businessprofile-noreply@google.com>
Message-ID: <g1@google.com>
Subject: Eva left a review for Svrčina
Auto-Submitted: auto-generated
Content-Type: text/plain; charset=utf-8

Svrčina <https://www.google.com/logo>

You got a new 2-star review

Read review
<https://business.google.com/n/1/reviews/77>

Eva Malá

Not 5 stars.
Reply to my mails, please!

Reply to review
<https://business.google.com/n/1/reviews/77?reply>

Google LLC 1600 Amphitheatre Parkway
"""


def test_a_review_on_google_maps() -> None:
    mention = one(raw(GOOGLE))
    assert (mention.author, mention.rating) == ("Eva Malá", 2.0)
    assert mention.text == "Not 5 stars.\nReply to my mails, please!"
    assert mention.url == "https://business.google.com/n/1/reviews/77"


def test_stars_alone_and_other_languages_of_google() -> None:
    stars = raw(GOOGLE, ("Not 5 stars.\nReply to my mails, please!\n", ""))
    assert (one(stars).text, one(stars).rating) == ("★★☆☆☆", 2.0)
    unknown = one(raw(GOOGLE, ("Read review", "Olvasás"), ("2-star review", "kétcsillagos vélemény")))
    assert "Eva Malá" in unknown.text and unknown.rating is None


def test_a_mailbox_at_seznam_is_a_customers() -> None:
    assert "reply_to" in one(raw(SECOND, ("jan@mail.example", "jan@seznam.cz"), ("Poděkování", "Nové hodnocení"))).raw


def test_own_rules_replace_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[heureka]\nsenders = ["mail.example"]\nsubjects = ["podekovani"]\n')
    mention = one(raw(SECOND), base=tmp_path, rules="mine.toml")
    assert mention.raw["service"] == "heureka" and mention.text == "Všechno dorazilo včas, děkuji."


@pytest.mark.parametrize("rules", ["missing.toml", "bad.toml", "odd.toml"])
def test_rules_that_cannot_be_used_are_named(tmp_path: Path, rules: str) -> None:
    (tmp_path / "bad.toml").write_text("[")
    (tmp_path / "odd.toml").write_text('[x]\nsenders = ["a.example"]\nsubject = "x"\n')
    with pytest.raises(ValidationError, match="rules: "):
        settings(base=tmp_path, rules=rules)


def test_either_kind_can_be_left_out() -> None:
    mails = (raw(SECOND), raw(HEUREKA))
    assert "service" in read(*mails, read="notifications").mentions[0].raw
    assert "service" not in read(*mails, read="customers").mentions[0].raw


def test_a_user_that_is_no_address_needs_one() -> None:
    with pytest.raises(ValidationError, match="set address"):
        settings(user="shop")
    assert settings(user="shop", address="info@firma.example").mailbox == "info@firma.example"


@given(st.binary(max_size=300), st.integers(0, len(HEUREKA)))
def test_whatever_the_bytes_nothing_breaks(junk: bytes, place: int) -> None:
    mail = HEUREKA.encode()
    page = read(junk, mail[:place] + junk + mail[place:])
    assert all(mention.id and (mention.text or mention.title) for mention in page.mentions)


# ---- the mailbox


async def poll(servers: MailServers, cursor: str = "", **options: Any) -> Page:
    return await imap.connect(settings(servers, **options), None).poll(cursor)  # type: ignore[arg-type]


async def test_only_what_is_new_and_nothing_is_touched(mail_servers: MailServers) -> None:
    put(mail_servers, raw(FIRST))
    first = await poll(mail_servers)
    assert len(first.mentions) == 1
    assert not (await poll(mail_servers, first.cursor)).mentions
    mail_servers.deliver(raw(SECOND), sender=ANNA)
    mail_servers.mails(OHLAS, 2)
    later = await poll(mail_servers, first.cursor)
    assert [mention.title for mention in later.mentions] == ["Poděkování"]
    with mail_servers.mailbox(OHLAS) as box:
        assert [mail.flags for mail in box.fetch(mark_seen=False)] == [(), ()]


async def test_many_come_in_several_pages(mail_servers: MailServers) -> None:
    put(mail_servers, *(raw(SECOND, ("<2@", f"<{number}@")) for number in range(60)))
    first = await poll(mail_servers)
    second = await poll(mail_servers, first.cursor)
    assert (len(first.mentions), first.more, len(second.mentions), second.more) == (50, True, 10, False)


@pytest.mark.parametrize(("port", "security"), [("imaps", "tls"), ("imap", "starttls"), ("imap", "none")])
async def test_every_security(mail_servers: MailServers, port: str, security: str) -> None:
    put(mail_servers, raw(FIRST))
    assert len((await poll(mail_servers, port=mail_servers.ports[port], security=security)).mentions) == 1


async def test_what_can_go_wrong_has_a_name(mail_servers: MailServers) -> None:
    for options, error, hint in (
        ({"password": "made-up-wrong"}, AuthError, "password"),
        ({"folder": "Nowhere"}, PermanentError, "no folder Nowhere"),
        ({"ca": mail_servers.strange_ca}, TemporaryError, "certificate"),
        ({"ca": Path("nowhere.crt")}, PermanentError, "ca"),
        ({"port": mail_servers.ports["smtp"]}, TemporaryError, "127.0.0.1"),
    ):
        with pytest.raises(error, match=hint) as caught:
            await poll(mail_servers, **options)
        assert PASSWORDS[OHLAS] not in str(caught.value) and "made-up-wrong" not in str(caught.value)


async def test_large_mails_are_read_to_a_point(mail_servers: MailServers) -> None:
    put(mail_servers, raw(SECOND) + b"abc " * 400_000 + b"\r\n")
    [mention] = (await poll(mail_servers)).mentions
    assert len(mention.text) <= 20_000


async def test_a_silent_server_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"port": silent.getsockname()[1], "security": "none"}
        connector = imap.connect(settings(**options), None)  # type: ignore[arg-type]
        reading = asyncio.create_task(connector.poll(""))
        connection, _ = await asyncio.to_thread(silent.accept)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        connection.close()
        account = settings(**options).account
        impatient = mailbox.Account(**{name: getattr(account, name) for name in account.__slots__} | {"patience": 0.2})
        with pytest.raises(TemporaryError):
            await mailbox.in_thread(impatient, lambda box: None)


# ---- answers


def letter(**changes: Any) -> Mention:
    mention = one(raw(SECOND, ("jan@mail.example", ANNA)))
    return Mention(**{name: getattr(mention, name) for name in mention.__slots__} | changes)


async def test_an_answer_arrives_in_the_thread_and_is_found(mail_servers: MailServers) -> None:
    box = answering(mail_servers)
    receipt = await box.reply(letter(), "Dobrý den,\nomlouváme se.", "key-1")
    [mail] = mail_servers.mails(ANNA)
    assert mail.get_content() == "Dobrý den,\nomlouváme se.\n" and mail["Subject"] == "Re: Poděkování"
    assert (mail["In-Reply-To"], mail["Message-ID"]) == ("<2@mail.example>", receipt.id)
    mail_servers.mails(OHLAS)
    assert await box.find_reply(letter(), "whatever", "key-1") == receipt
    assert not (await box.poll("")).mentions, "the copy is no customer's mail"
    with pytest.raises(TemporaryError, match="no copy"):
        await box.find_reply(letter(), "whatever", "key-2")


async def test_it_is_found_among_the_sent_too(mail_servers: MailServers) -> None:
    number = imap.message_id("key-9", OHLAS)
    with mail_servers.mailbox(OHLAS) as box:
        if not box.folder.exists("Sent"):
            box.folder.create("Sent")
        box.append(raw(SECOND, ("<2@mail.example>", number)), "Sent")
    assert (await answering(mail_servers).find_reply(letter(), "x", "key-9")) is not None


async def test_nothing_that_a_customer_wrote_becomes_a_header(mail_servers: MailServers) -> None:
    odd = letter(title="Ahoj\r\nBcc: boris@example.test", raw={"reply_to": ANNA, "message_id": "<a@b>\r\nX-Bad: 1"})
    await answering(mail_servers).reply(odd, "Ďakujeme.", "key-1")
    [mail] = mail_servers.mails(ANNA)
    assert mail["Bcc"] is None and mail["X-Bad"] is None and mail["In-Reply-To"] is None
    assert not mail_servers.mails(BORIS, 0)


async def test_refusals_are_named(mail_servers: MailServers) -> None:
    box = answering(mail_servers)
    with pytest.raises(PermanentError, match="550"):
        await box.reply(letter(raw={"reply_to": NOBODY}), "Ďakujeme.", "key-1")
    assert not mail_servers.mails(OHLAS, 0), "to all or to nobody"
    with pytest.raises(PermanentError, match="leads to"):
        await box.reply(one(raw(HEUREKA)), "Ďakujeme.", "key-1")
    with pytest.raises(PermanentError, match="cannot be written"):
        await box.reply(letter(raw={"reply_to": "a b@@"}), "Ďakujeme.", "key-1")
    wrong = answering(mail_servers, smtp_password="made-up-wrong")
    for refused in (wrong.reply(letter(), "Ďakujeme.", "key-1"), wrong.abilities()):
        with pytest.raises(AuthError, match="smtp_user and smtp_password"):
            await refused
    assert (await answering(mail_servers).abilities()).replies == Ability("yes", f"as {OHLAS}")


async def test_whatever_happens_after_the_whole_mail_is_unknown() -> None:
    for step, error in (("END", OutcomeUnknown), ("DATA", TemporaryError), ("RCPT", TemporaryError)):
        async with ScriptedSmtp({step: HANG_UP}) as smtp:
            options = {"smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none"}
            box = imap.AnsweringMailbox(settings(**options))
            with pytest.raises(error):
                await box.reply(letter(), "Ďakujeme.", "key-1")
