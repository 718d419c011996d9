"""Replies by mail against a real database: what is decided, what is told, and that nothing happens twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from monitor.model import Action, Decision, Draft, DraftState, Finding
from monitor.people import Person
from monitor.store.messages import Message, NewMessage
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.mail.incoming import read
from responders.mail.receiver import ANSWERS_AN_HOUR, CONFIRMED_AN_HOUR, Receiver
from responders.mail.tokens import Token, make_token
from tests.made import APOLOGY, NOON, arrive, draft_all, mention
from tests.mail_replying import reply, results
from tests.mail_servers import ANNA, AUTHSERV_ID, BORIS, CYRIL, OHLAS

KEY = b"made-up key of the tests, 32 byte"
PEOPLE = {
    "anna": Person(name="anna", mail=ANNA, language="sk", role="agent"),
    "boris": Person(name="boris", mail=BORIS, language="cs", role="manager"),
    "cyril": Person(name="cyril", mail=CYRIL, language="hu", role="reader"),
}
PROMISE = "PROMISE"


def check(_draft: object, text: str, _actor: str) -> tuple[Finding, ...]:
    return (Finding(rule="unapproved_promise", severity="error", message="no"),) if PROMISE in text else ()


class Place:
    """A draft, those who may decide on it, and what mails do to it; `now` is everybody's clock."""

    def __init__(self, folder: Path, two: bool = False, text: str = APOLOGY) -> None:
        self.store = SqliteStore(folder / "ohlas.db")
        self.now: datetime = NOON
        self.rules = Rules(people=PEOPLE, grace=timedelta(seconds=45), check=check, two=lambda _draft: two)
        zone = ZoneInfo("Europe/Bratislava")
        self.receiver = Receiver(store=self.store, rules=self.rules, key=KEY, zone=zone, clock=lambda: self.now)
        self.number = 0
        arrive(self.store, mention())
        [self.draft_id] = draft_all(self.store, text=text)

    def token(self, person: str = "anna", rev: int = 1) -> str:
        expires = NOON + timedelta(days=14)
        return make_token(KEY, Token(draft_id=self.draft_id, rev=rev, person=person, purpose="decide", expires=expires))

    async def write(self, text: str, token: str = "", *, sender: str = ANNA, **options: str) -> bool:
        """A new mail; whether Ohlas takes it for its own."""
        self.number += 1
        options.setdefault("message_id", f"<{self.number}@example.test>")
        mail = reply(token or self.token(), text, sender=sender, **options)
        return await self.receiver.take(read(mail.as_bytes(), mailbox=OHLAS, authserv_id=AUTHSERV_ID))

    def decide(self, action: Action, actor: str = "boris", via: str = "page", **more: str) -> Draft:
        decision = Decision(
            draft_id=self.draft_id, rev=self.draft.rev, action=action, actor=actor, via=via, **cast(Any, more)
        )
        return decide(self.store.drafts, decision, self.rules, self.now)

    @property
    def draft(self) -> Draft:
        return self.store.drafts.get(self.draft_id)

    def outbox(self, kind: str = "") -> list[Message]:
        later = self.now + timedelta(days=365)
        return [one for one in self.store.messages.due("mail", later, 1000) if kind in ("", one.kind)]

    def told(self) -> str:
        """The last answer."""
        return str(json.loads(self.outbox("answer")[-1].body)["text"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.store.close()


async def test_the_keyword_approves_and_is_confirmed(place: Place) -> None:
    assert await place.write("Schváliť")
    assert place.draft.state is DraftState.APPROVED
    assert (place.draft.decided_by, place.draft.decided_via) == ("anna", "mail")
    [answer] = place.outbox()
    assert (answer.kind, answer.recipient, answer.person) == ("answer", ANNA, "anna")
    assert place.told().startswith("Schválili ste to. Odíde to 21. 11. 2026")
    assert json.loads(answer.body)["in_reply_to"] == "<1@example.test>"


async def test_the_same_mail_again_does_nothing_even_after_undo(place: Place) -> None:
    await place.write("approve", message_id="<one@example.test>")
    place.decide("undo")
    assert await place.write("approve", message_id="<one@example.test>")
    assert place.draft.state is DraftState.PENDING
    assert len(place.outbox()) == 1


async def test_a_rejection_takes_its_reason(place: Place) -> None:
    await place.write("zamietnuť: zákazník už má peniaze späť")
    assert place.draft.state is DraftState.REJECTED
    assert place.told() == "Zamietli ste to. Nič neodíde."
    line = place.store.views.matter(place.draft_id).history[-1]
    assert (line.action, line.actor, line.reason) == ("reject", "anna", "zákazník už má peniaze späť")


async def test_a_rejection_without_a_reason_is_asked_for_it(place: Place) -> None:
    await place.write("zamietnuť")
    assert place.draft.state is DraftState.PENDING
    assert place.told() == "Zamietnutie potrebuje dôvod. Napíšte ho za slovo: zamietnuť: …"


async def test_another_text_is_shown_again_and_goes_out_only_for_the_keyword(place: Place) -> None:
    await place.write("Dobrý deň, pani Kráľová, veľmi nás to mrzí.")
    assert (place.draft.state, place.draft.rev) == (DraftState.PENDING, 2)
    assert place.draft.text == "Dobrý deň, pani Kráľová, veľmi nás to mrzí."
    [confirm] = place.outbox()
    assert (confirm.kind, confirm.person, confirm.draft_id, confirm.rev) == ("confirm", "anna", place.draft_id, 2)
    await place.write("schváliť", place.token(rev=1))  # to the letter that showed the old text
    assert place.draft.state is DraftState.PENDING
    assert "niekto bol rýchlejší" in place.told() and place.draft.text in place.told()
    await place.write("schváliť", place.token(rev=2))
    assert place.draft.state is DraftState.APPROVED


async def test_the_text_as_it_stands_is_no_edit(place: Place) -> None:
    await place.write(APOLOGY.replace(". ", ".\n"))
    assert place.draft.rev == 1
    assert "pošlite len slovo schváliť" in place.told()


async def test_who_was_slower_hears_who_was_faster(place: Place) -> None:
    place.decide("approve")
    await place.write("zamietnuť: nie")
    assert place.draft.state is DraftState.APPROVED
    assert "niekto bol rýchlejší" in place.told() and "boris" in place.told()


async def test_the_guard_and_roles_hold_by_mail_too(place: Place) -> None:
    await place.write(f"{PROMISE}, dostanete nový.")
    await place.write("schváliť", place.token(rev=2))
    assert place.draft.state is DraftState.PENDING
    assert place.told().startswith("Neschválené.")
    await place.write("jóváhagy", place.token("cyril", 2), sender=CYRIL)
    assert place.draft.state is DraftState.PENDING
    assert place.outbox("answer")[-1].recipient == CYRIL


async def test_two_people_have_to_say_yes(tmp_path: Path) -> None:
    place = Place(tmp_path, two=True)
    await place.write("schváliť")
    assert place.draft.state is DraftState.PENDING and "anna" in place.told()
    await place.write("schváliť")  # once more: one person is still one person
    assert place.draft.state is DraftState.PENDING
    await place.write("schválit", place.token("boris"), sender=BORIS)
    assert place.draft.state is DraftState.APPROVED
    place.store.close()


@pytest.mark.parametrize("dmarc", ["fail", "none", "temperror"])
async def test_a_forged_sender_decides_nothing_and_the_real_one_hears_of_it(place: Place, dmarc: str) -> None:
    await place.write("schváliť", authenticated=results(dmarc))
    assert place.draft.state is DraftState.PENDING
    assert place.outbox()[0].recipient == ANNA
    assert place.told().startswith("Vo vašom mene prišla odpoveď")
    assert json.loads(place.outbox()[0].body)["subject"] == ""  # what the forger wrote goes no further


async def test_without_results_of_our_server_it_is_answered_with_a_link(place: Place) -> None:
    await place.write("schváliť", authenticated="")
    assert place.draft.state is DraftState.PENDING
    assert json.loads(place.outbox()[0].body)["draft"] == place.draft_id


async def test_a_forwarded_letter_approves_neither_as_the_recipient_nor_as_the_forwarder(place: Place) -> None:
    """Boris has Anna's letter, with her mark in it."""
    assert await place.write("schválit", place.token("anna"), sender=BORIS)
    assert place.draft.state is DraftState.PENDING
    assert place.outbox()[0].recipient == BORIS


@pytest.mark.parametrize("text", ["Veľmi nás to mrzí. " * 1500, "Veľmi nás\u200b to mrzí.\u202e"])
async def test_what_a_letter_does_not_show_whole_is_approved_on_the_page_only(tmp_path: Path, text: str) -> None:
    place = Place(tmp_path, text=text)
    await place.write("schváliť")
    assert place.draft.state is DraftState.PENDING
    assert place.told().startswith("E-mail neukázal celý text")
    place.store.close()


async def test_a_letter_about_several_drafts_cannot_be_answered_with_a_word(place: Place) -> None:
    """It bears no mark, so the mail that it follows has to be found by its id."""
    round_letter = NewMessage(key="round", medium="mail", recipient=ANNA, person="anna", kind="notice", due=NOON)
    place.store.messages.put([round_letter], NOON)
    [sent] = place.outbox()
    place.store.messages.sent(sent, NOON, external_id="<round@example.test>")
    receiver, thread = place.receiver, {"In_Reply_To": "<round@example.test>", "message_id": "<r@example.test>"}

    async def take(sender: str, **more: str) -> bool:
        mail = reply("", "schváliť", sender=sender, **(thread | more))
        return await receiver.take(read(mail.as_bytes(), mailbox=OHLAS, authserv_id=AUTHSERV_ID))

    assert not await take(BORIS)
    assert await take(ANNA, Auto_Submitted="auto-replied")
    assert place.outbox() == []
    assert await take(ANNA, message_id="<by-hand@example.test>")
    assert place.told().startswith("E-mail, na ktorý ste odpovedali, je o viacerých návrhoch")
    assert place.draft.state is DraftState.PENDING


async def test_strangers_get_no_answer(place: Place) -> None:
    assert not await place.write("schváliť", sender="eva@elsewhere.test")
    assert not await place.write("Do you sell shoes?", "no-mark-of-ours", sender="eva@elsewhere.test")
    assert place.outbox() == []


async def test_robots_get_no_answer(place: Place) -> None:
    assert await place.write("Som na dovolenke.", Auto_Submitted="auto-replied")
    assert (place.draft.rev, place.outbox()) == (1, [])


async def test_a_letter_that_comes_back_is_told_to_the_other_managers_once(place: Place) -> None:
    raw = (Path(__file__).parent / "mails" / "bounce.eml").read_bytes()
    for name in (b"first", b"second"):
        again = raw.replace(b"Message-ID: <bounce", b"Message-ID: <" + name)
        assert await place.receiver.take(read(again, mailbox=OHLAS, authserv_id=AUTHSERV_ID))
    [notice] = place.outbox()
    assert (notice.kind, notice.recipient) == ("notice", BORIS)
    assert json.loads(notice.body)["text"] == "anna: 5.1.1"


async def test_a_robot_that_nobody_recognises_gets_five_answers_an_hour(place: Place) -> None:
    for _ in range(ANSWERS_AN_HOUR + 3):
        await place.write("schváliť?!? neviem")
    assert len(place.outbox()) == ANSWERS_AN_HOUR
    await place.write("schváliť")
    assert place.draft.state is DraftState.APPROVED  # the limit is on answers, not on decisions
    place.now += timedelta(hours=1, seconds=1)
    await place.write("schváliť")
    assert len(place.outbox()) == ANSWERS_AN_HOUR + 1


async def test_a_robot_that_edits_ends_too(place: Place) -> None:
    for number in range(CONFIRMED_AN_HOUR + 3):
        await place.write(f"Som preč už {number} dní.", place.token(rev=number + 1))
    assert place.draft.rev == CONFIRMED_AN_HOUR + 1
    assert len(place.outbox()) == CONFIRMED_AN_HOUR


@pytest.mark.parametrize(
    ("action", "text"), [("approve", "schváliť"), ("reject", "zamietnuť: nie"), ("edit", "Nový text.")]
)
async def test_after_a_crash_in_the_middle_the_person_hears_what_the_mail_did(
    place: Place, action: Action, text: str
) -> None:
    """The decision was taken, but neither its answer nor the mail was remembered."""
    place.decide(action, "anna", "mail", reason="nie", text="Nový text.")
    before = len(place.store.views.matter(place.draft_id).history)
    await place.write(text)
    assert len(place.store.views.matter(place.draft_id).history) == before
    [message] = place.outbox()
    assert message.kind == "confirm" if action == "edit" else "rýchlejší" not in place.told()
