"""From a draft to a mailbox: Asker and sender on a real database, to a real Postfix or to a server that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Decision, Priority
from monitor.options import Config, MailOptions, PersonOptions, SlackOptions
from monitor.people import people_of
from monitor.store.messages import NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.inviting import invite
from responders.mail.desk import MailDesk, mail_desk
from responders.mail.sender import LONGEST_RETRY, MOST_ATTEMPTS
from responders.mail.tokens import find_tokens, key_of, read_token
from tests.made import NOON, arrive, draft_all, mention
from tests.mail_servers import ANNA, BORIS, CYRIL, NOBODY, OHLAS, PASSWORDS, MailServers
from tests.scripted_smtp import HANG_UP, ScriptedSmtp

QUARTER = timedelta(minutes=15)
PEOPLE = {
    "anna": PersonOptions(mail=ANNA, language="sk", role="manager"),
    "boris": PersonOptions(mail=BORIS, language="hu"),
}
SLACK = SlackOptions(bot_token="xoxb-x", app_token="xapp-x", channel="C0DRAFTS", notices="C0NOTICES")  # type: ignore[arg-type]


class Place:
    """A database with drafts, and Ohlas; `now` is everybody's clock."""

    def __init__(self, folder: Path, **mail: Any) -> None:
        self.now: datetime = NOON
        self.config = Config(people=PEOPLE, mail=MailOptions(sender=OHLAS, **mail))
        self.config = self.config.model_copy(
            update={"service": self.config.service.model_copy(update={"state": folder})}
        )
        self.store = SqliteStore(folder / "ohlas.db")

    def change(self, **update: Any) -> None:
        self.config = self.config.model_copy(update=update)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MailDesk]:
        assert self.config.mail is not None
        self.rules = Rules(
            people=people_of(self.config), grace=timedelta(seconds=45), check=lambda _draft, _text, _actor: ()
        )
        self.asker = Asker(self.config, self.store, lambda: self.now)
        async with mail_desk(
            self.config, self.config.mail, store=self.store, rules=self.rules, clock=lambda: self.now
        ) as desk:
            self.desk = desk
            self.asker.catch_up()
            await desk.sender.recover()
            yield desk

    def draft(self, *numbers: int, **more: Any) -> list[int]:
        arrive(self.store, *(mention(number) for number in numbers or (1,)))
        return draft_all(self.store, now=self.now, **more)

    async def step(self, forward: timedelta = timedelta()) -> None:
        self.now += forward
        await self.store.run(self.asker.step)
        await self.desk.sender.step()

    def approve(self, draft_id: int, rev: int = 1) -> None:
        decision = Decision(draft_id=draft_id, rev=rev, action="approve", actor="boris", via="page")
        decide(self.store.drafts, decision, self.rules, self.now)

    def rows(self, medium: str = "mail") -> list[tuple[str, str, str]]:
        """(person, kind, state) of everything in the outbox."""
        rows = self.store._engine.rows(
            "SELECT person, kind, state FROM message WHERE medium = ? ORDER BY id", (medium,)
        )
        return [(row["person"], row["kind"], row["state"]) for row in rows]

    def states(self) -> set[str]:
        return {state for _, _, state in self.rows()}


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[tuple[Place, ScriptedSmtp]]:
    async with ScriptedSmtp() as smtp:
        place = Place(tmp_path, host="127.0.0.1", port=smtp.port, security="none", imap_host="127.0.0.1")
        async with place.open():
            yield place, smtp
        place.store.close()


@pytest.fixture
async def real(tmp_path: Path, mail_servers: MailServers) -> AsyncIterator[Place]:
    place = Place(
        tmp_path,
        host=mail_servers.host,
        port=mail_servers.ports["submission"],
        user=OHLAS,
        password=PASSWORDS[OHLAS],
        ca=mail_servers.ca,
        imap_host=mail_servers.host,
    )
    async with place.open():
        yield place
    place.store.close()


def read(raw: str) -> Any:
    return message_from_string(raw, policy=policy.default)


async def test_a_draft_that_still_waits_is_mailed_to_each_in_his_language(
    real: Place, mail_servers: MailServers
) -> None:
    [draft] = real.draft()
    await real.step()
    await real.step(QUARTER - timedelta(seconds=1))
    assert mail_servers.mails(ANNA, 0) == [] and real.states() == {"due"}
    await real.step(timedelta(seconds=1))
    [to_anna], [to_boris] = mail_servers.mails(ANNA), mail_servers.mails(BORIS)
    assert "Čaká na vás návrh" in to_anna.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "jóváhagy:" in to_boris.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert to_anna["Message-ID"] != to_boris["Message-ID"] and to_anna["References"] != to_boris["References"]
    [token] = find_tokens(to_anna["Reply-To"])
    key = key_of(real.config.service.state)
    found = read_token(key, token, real.config.people, real.now)
    assert (found.draft_id, found.rev, found.person, found.purpose) == (draft, 1, "anna", "decide")
    assert find_tokens(to_anna["References"]) == [token]
    assert real.store.messages.find("mail", to_anna["Message-ID"]).person == "anna"  # type: ignore[union-attr]
    await real.step(timedelta(minutes=1))
    assert real.states() == {"sent"} and len(mail_servers.mails(ANNA)) == 1


async def test_a_reply_to_the_plus_address_arrives(real: Place, mail_servers: MailServers) -> None:
    real.draft()
    await real.step()
    await real.step(QUARTER)
    [mail] = mail_servers.mails(ANNA)
    [address] = mail["Reply-To"].addresses
    mail_servers.deliver(b"From: anna@example.test\r\nSubject: Re\r\n\r\nschvalit\r\n", to=address.addr_spec.upper())
    [reply] = mail_servers.mails(OHLAS)
    assert find_tokens(reply["Delivered-To"] or "", str(reply["X-Original-To"] or ""), address.addr_spec)


async def test_what_is_decided_within_the_quarter_is_not_mailed(real: Place, mail_servers: MailServers) -> None:
    [draft] = real.draft()
    await real.step()
    await real.step(QUARTER - timedelta(seconds=1))
    real.approve(draft)
    await real.step(timedelta(hours=1))
    assert real.states() == {"dropped"} and mail_servers.mails(ANNA, 0) == []


async def test_what_is_urgent_is_mailed_at_once(real: Place, mail_servers: MailServers) -> None:
    real.draft(priority=Priority.URGENT)
    await real.step()
    [mail] = mail_servers.mails(ANNA)
    # the notice that it came in and the draft itself are one letter to the manager, who can answer it
    assert mail["Subject"].startswith("Súrna: OH-00001") and find_tokens(mail["Reply-To"])
    assert [kind for person, kind, state in real.rows() if person == "anna" and state == "sent"] == ["card", "notice"]
    assert len(mail_servers.mails(BORIS)) == 1


async def test_a_bad_password_stops_all_and_loses_nothing(real: Place, mail_servers: MailServers) -> None:
    real.desk.sender.server = replace(real.desk.sender.server, password="wrong")
    real.draft()
    await real.step()
    await real.step(QUARTER)
    assert real.states() == {"due"} and "535" in real.desk.sender.trouble and "wrong" not in real.desk.sender.trouble
    real.desk.sender.server = replace(real.desk.sender.server, password=PASSWORDS[OHLAS])
    await real.step(timedelta(minutes=10))
    assert real.states() == {"sent"} and real.desk.sender.trouble == ""
    assert len(mail_servers.mails(ANNA)) == 1


async def test_450_is_tried_again_and_spoils_nobody_elses(real: Place, mail_servers: MailServers) -> None:
    mail_servers.refuse(ANNA, 450, "4.2.0 greylisted")
    real.draft()
    await real.step()
    await real.step(QUARTER)
    assert real.rows() == [("anna", "card", "due"), ("boris", "card", "sent")]
    await real.step(timedelta(seconds=59))
    mail_servers.refuse_nobody()
    assert mail_servers.mails(ANNA, 0) == []
    await real.step(timedelta(seconds=1))
    assert real.states() == {"sent"}
    assert len(mail_servers.mails(ANNA)) == len(mail_servers.mails(BORIS)) == 1


async def test_550_is_told_to_the_other_managers(tmp_path: Path, mail_servers: MailServers) -> None:
    place = Place(tmp_path, host=mail_servers.host, port=mail_servers.ports["smtp"], security="none")
    cyril = PersonOptions(mail=CYRIL, role="manager", sources=("elsewhere",))
    place.change(people={"nina": PersonOptions(mail=NOBODY, role="manager"), "cyril": cyril})
    async with place.open():
        place.draft(1)
        await place.step()
        await place.step(QUARTER)
        assert place.rows() == [("nina", "card", "failed"), ("cyril", "notice", "due")]
        await place.step(timedelta(seconds=1))
        [told] = mail_servers.mails(CYRIL)
        assert "nina" in told["Subject"] and "550" in told.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        place.draft(2)
        await place.step()
        await place.step(QUARTER)
        assert place.rows()[2:] == [("nina", "card", "failed")]  # one word a day is enough
    place.store.close()


async def test_550_is_told_to_slack_where_there_is_one(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.desk.sender.channel = "C0NOTICES"
    smtp.answers["RCPT"] = "550 no"
    place.draft()
    await place.step()
    await place.step(QUARTER)
    assert place.states() == {"failed"}
    told = place.store.messages.due("slack", place.now)
    assert {(one.recipient, one.kind, json.loads(one.body)["code"]) for one in told} == {
        ("C0NOTICES", "notice", "mail_refused")
    }


async def test_a_refused_notice_about_refused_mail_makes_no_more(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    smtp.answers["RCPT"] = "550 no"
    place.change(people=PEOPLE | {"cyril": PersonOptions(mail=CYRIL, role="manager", sources=("elsewhere",))})
    async with place.open():
        place.draft()
        for _ in range(5):
            await place.step(QUARTER)
        assert sorted(place.rows()) == [
            ("anna", "card", "failed"),
            ("anna", "notice", "failed"),
            ("boris", "card", "failed"),
            ("cyril", "notice", "failed"),
            ("cyril", "notice", "failed"),
        ]


async def test_cut_off_after_the_final_dot_it_is_never_sent_again(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    smtp.answers["END"] = HANG_UP
    place.change(people={"anna": PEOPLE["anna"]})
    async with place.open():
        place.draft()
        await place.step()
        await place.step(QUARTER)
        assert place.rows() == [("anna", "card", "unknown")] and len(smtp.mails) == 1
        smtp.answers.clear()
        for _ in range(20):
            await place.step(timedelta(minutes=1))
        assert place.rows() == [("anna", "card", "unknown")] and len(smtp.mails) == 1


async def test_cut_off_before_it_it_is_sent_again_with_the_same_id(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.change(people={"anna": PEOPLE["anna"]})
    async with place.open():
        place.draft()
        await place.step()
        smtp.answers["END"] = "452 disk full"
        await place.step(QUARTER)
        assert place.rows() == [("anna", "card", "due")]
        smtp.answers.clear()
        await place.step(timedelta(minutes=1))
        assert place.rows() == [("anna", "card", "sent")]
        assert len({read(mail)["Message-ID"] for mail in smtp.mails}) == 1 and len(smtp.mails) == 2


async def test_a_crash_while_sending_leaves_it_unknown(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.draft()
    await place.step()
    place.now += QUARTER
    for message in place.store.messages.due("mail", place.now):
        place.store.messages.begin(message, place.now)  # and then the power went
    async with place.open():
        await place.step(timedelta(days=3))
        await place.step()
    assert [state for _, kind, state in place.rows() if kind == "card"] == ["unknown", "unknown"]
    assert not any("mail-card" in one for one in smtp.mails) and "reminder" in {kind for _, kind, _ in place.rows()}


async def test_stopping_lets_the_mail_under_way_arrive(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.change(people={"anna": PEOPLE["anna"]})
    async with place.open():
        place.draft()
        await place.step()
        place.now += QUARTER
        reached = smtp.hold("END")
        sending = asyncio.ensure_future(place.desk.sender.step())
        await reached.wait()
        sending.cancel()
        smtp.held["END"].set()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert place.rows() == [("anna", "card", "sent")]


async def test_a_server_that_is_down_is_asked_ever_less_often(tmp_path: Path) -> None:
    async with ScriptedSmtp() as smtp:
        port = smtp.port
    place = Place(tmp_path, host="127.0.0.1", port=port, security="none")
    async with place.open() as desk:
        place.draft()
        await place.step()
        rests = []
        for _ in range(10):
            await place.step(QUARTER)
            assert desk.sender.rested_until is not None
            rests.append((desk.sender.rested_until - place.now).total_seconds())
        assert rests[:4] == [5, 10, 20, 40] and rests[-1] == 600
        assert "cannot be reached" in desk.sender.trouble
        assert {state for _, kind, state in place.rows() if kind == "card"} == {"due"}  # nothing was begun
    place.store.close()


async def test_who_never_takes_mail_is_given_up(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.change(people={"anna": PEOPLE["anna"]}, hours=place.config.hours)
    smtp.answers["RCPT"] = "452 mailbox full"
    async with place.open():
        [draft] = place.draft()
        await place.step()
        for _ in range(MOST_ATTEMPTS):
            await place.desk.sender.step()
            place.now += LONGEST_RETRY
        assert [state for _, kind, state in place.rows() if kind == "card"] == ["due"]
        await place.desk.sender.step()
        place.now += LONGEST_RETRY
        await place.desk.sender.step()
        assert [state for _, kind, state in place.rows() if kind == "card"] == ["failed"], draft


async def test_all_that_waits_for_one_person_is_one_letter(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    drafts = place.draft(*range(40))
    await place.step()
    await place.step(QUARTER)
    assert place.states() == {"due", "sent"} or place.states() == {"sent"}
    for _ in range(3):
        await place.step(timedelta(seconds=1))
    assert place.states() == {"sent"}
    shown = [read(mail).get_body(("plain",)).get_content().count("/drafts/") for mail in smtp.mails]
    assert len(drafts) == 40 and len(smtp.mails) <= 4 and max(shown, default=0) <= 15


async def test_cards_that_nobody_needs_any_more_are_dropped(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    claimed, snoozed, assigned, edited, open_ = place.draft(1, 2, 3, 4, 5)
    await place.step()
    asking = place.store.asking
    asking.claim(claimed, "boris", place.now + timedelta(hours=1), via="page", now=place.now)
    asking.snooze(snoozed, place.now + timedelta(hours=1), actor="boris", via="page", now=place.now)
    asking.assign(assigned, "boris", actor="boris", via="page", now=place.now)
    edit = Decision(draft_id=edited, rev=1, action="edit", actor="boris", via="page", text="Inak. Mrzí nás to.")
    decide(place.store.drafts, edit, place.rules, place.now)
    await place.step(QUARTER)
    of_anna = place.store._engine.rows("SELECT draft_id, state, error FROM message WHERE person = 'anna' ORDER BY id")
    assert [(row["draft_id"], row["state"], row["error"]) for row in of_anna] == [
        (claimed, "dropped", "boris is working on it"),
        (snoozed, "dropped", "snoozed meanwhile"),
        (assigned, "dropped", "handed to boris"),
        (edited, "dropped", "the text changed meanwhile"),
        (open_, "sent", ""),
    ]
    to_boris = [one for one in map(read, smtp.mails) if "boris" in one["To"]]
    assert len(to_boris) == 1 and "/drafts/" not in to_boris[0]["Subject"]


async def test_a_reminder_and_its_card_are_one_letter(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.change(people={"anna": PEOPLE["anna"]})
    async with place.open():
        [draft] = place.draft()
        place.asker.step()
        call = NewMessage(
            key="r",
            medium="mail",
            recipient=ANNA,
            person="anna",
            kind="reminder",
            due=place.now,
            draft_id=draft,
            rev=1,
            body=json.dumps({"level": 1, "people": ["anna"]}),
        )
        place.store.messages.put([call], place.now)
        place.now += QUARTER
        await place.desk.sender.step()
        [mail] = map(read, smtp.mails)
        assert mail["Subject"].startswith("Pripomienka: OH-00001") and place.states() == {"sent"}
        assert place.store.asking.escalate(
            place.store.asking.get(draft), 2, None, now=place.now, told="", team=("anna",)
        )
        place.store.messages.put([replace(call, key="late")], place.now)
        await place.desk.sender.step()
        assert len(smtp.mails) == 1 and place.rows()[-1] == ("anna", "reminder", "dropped")


async def test_an_edited_text_is_shown_again_and_can_be_confirmed(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    [draft] = place.draft()
    body = json.dumps({"in_reply_to": "<reply-1@example.test>", "subject": "Re: x"})
    new = NewMessage(
        key="c",
        medium="mail",
        recipient=ANNA,
        person="anna",
        kind="confirm",
        due=place.now,
        draft_id=draft,
        rev=1,
        body=body,
    )
    place.store.messages.put([new], place.now)
    await place.desk.sender.step()
    [mail] = map(read, smtp.mails)
    [token] = find_tokens(mail["Reply-To"])
    found = read_token(key_of(place.config.service.state), token, ["anna"], place.now)
    assert found.purpose == "confirm" and mail["In-Reply-To"] == "<reply-1@example.test>"
    assert "Zverejní sa toto" in mail.get_body(("plain",)).get_content()


async def test_answers_and_sign_in_links_go_out_alone(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    (place.config.service.state / "page.url").write_text("http://127.0.0.1:4321\n")
    body = json.dumps({"in_reply_to": "junk\r\nBcc: x@y", "subject": "Re: OH-1", "text": "Nič.", "draft": 1})
    answer = NewMessage(key="a", medium="mail", recipient=ANNA, person="anna", kind="answer", due=place.now, body=body)
    place.store.messages.put([answer], place.now)
    assert invite(place.store, people_of(place.config)["anna"], place.now)
    await place.desk.sender.step()
    told, invited = map(read, smtp.mails)
    assert told["Subject"] == "Re: OH-1" and told["In-Reply-To"] is None
    assert "http://127.0.0.1:4321/drafts/1" in told.get_body(("plain",)).get_content()
    text = invited.get_body(("plain",)).get_content()
    token = text.partition("/sign-in?token=")[2].split()[0]
    assert place.store.sign_ins.redeem(token, place.now) is not None
    assert token not in str(place.store._engine.rows("SELECT * FROM message"))


async def test_who_left_config_gets_nothing(scripted: tuple[Place, ScriptedSmtp]) -> None:
    place, smtp = scripted
    place.draft()
    await place.step()
    place.change(people={"boris": PEOPLE["boris"]})
    async with place.open():
        await place.step(QUARTER)
    assert [read(mail)["To"] for mail in smtp.mails] == ["boris <boris@example.test>"]
    assert ("anna", "card", "dropped") in place.rows()


async def test_without_imap_nothing_is_said_of_replies(tmp_path: Path) -> None:
    async with ScriptedSmtp() as smtp:
        place = Place(tmp_path, host="127.0.0.1", port=smtp.port, security="none")
        async with place.open() as desk:
            assert desk.reader is None
            place.draft()
            await place.step()
            await place.step(QUARTER)
        place.store.close()
        for mail in map(read, smtp.mails):
            assert mail["Reply-To"] is None and "jóváhagy" not in mail.as_string()
            assert not find_tokens(mail.as_string())
