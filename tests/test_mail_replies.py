"""Raw mails, made up, of many programs and of people who mean no good: what each comes to."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.mail_reading import above_the_quotation
from monitor.people import Person
from responders.mail.authentication import dmarc_of
from responders.mail.incoming import Incoming, read
from responders.mail.replies import NobodyWrote, NotOurs, Outcome, Told, Wish, outcome
from responders.mail.tokens import Token, read_token
from tests.made import NOON
from tests.mail_servers import ANNA, AUTHSERV_ID, BORIS, CYRIL, OHLAS

MAILS = Path(__file__).parent / "mails"
KEY = b"made-up key of the tests, 32 byte"  # signed the marks in the mails
PEOPLE = {
    "anna": Person(name="anna", mail=ANNA, language="sk"),
    "boris": Person(name="boris", mail=BORIS, language="cs"),
    "cyril": Person(name="cyril", mail=CYRIL, language="hu"),
}

EXPECTED = {
    "apple-mail-flowed": "anna approve",
    "approve-signature-delimiter": "anna approve",
    "approve-without-diacritics": "anna approve",
    "attached-mail-says-approve": "anna told: nothing_written",
    "attachment-says-approve": "anna edit: I will look at it tomorrow.",
    "auto-submitted-no": "anna approve",
    "away-cs": "nobody: Auto-Submitted",
    "away-empty-return-path": "nobody: Return-Path",
    "away-hu": "nobody: X-Auto-Response-Suppress",
    "away-precedence": "nobody: Precedence",
    "away-sk": "nobody: Subject",
    "away-x-autoreply": "nobody: X-Autoreply",
    "base64-broken": "anna edit: !!!c2Nodm/DoWxp===x%%",
    "bottom-posting": "anna told: nothing_written",
    "bounce": "nobody: Return-Path",
    "boundary-missing": "anna told: nothing_written",
    "charset-hex": "anna approve",
    "charset-lies": "anna approve",
    "charset-missing-cp1250": "anna approve",
    "charset-unknown": "anna approve",
    "dmarc-of-another-domain": "anna told: forged",
    "edit-keyword-hu": "cyril edit: Tisztelt Vásárlónk!||Elnézést kérünk a sérült csomagért.",
    "edit-nothing-below": "anna told: nothing_written",
    "edit-sk": "anna edit: Dobrý deň, pani Kráľová,||veľmi nás mrzí, že balík prišiel rozbitý. Nový"
    " vám pošleme ešte dnes.||S pozdravom|Tím obchodu",
    "empty": "anna told: nothing_written",
    "forged-from-dmarc-fail": "anna told: forged",
    "forged-from-no-results": "anna told: unverified",
    "forged-results-behind-lone-cr": "anna told: unverified",
    "forged-results-below": "anna told: forged",
    "forged-results-folded": "anna told: unverified",
    "forged-results-in-comment": "anna told: forged",
    "forged-results-in-reason": "anna told: forged",
    "forged-results-look-alike": "anna told: unverified",
    "forged-results-other-server": "anna told: unverified",
    "forged-results-two-results": "anna told: unverified",
    "forwarded-to-a-colleague": "boris told: not_yours",
    "forwarded-to-a-stranger": "not ours",
    "from-address-in-name": "not ours",
    "from-address-in-unquoted-name": "not ours",
    "from-trailing-address": "not ours",
    "gmail-cs-approve": "boris approve",
    "gmail-en-approve": "anna approve",
    "gmail-hu-approve": "cyril approve",
    "gmail-mobile-no-blank-line": "anna approve",
    "gmail-sk-approve": "anna approve",
    "header-folding": "anna approve",
    "html-hidden-keyword": "anna told: mixed",
    "invisible-characters": "anna approve",
    "iphone-cs-approve": "boris approve",
    "iphone-hu-approve": "cyril approve",
    "keyword-in-subject-only": "anna told: nothing_written",
    "keyword-only-quoted": "anna told: nothing_written",
    "keyword-second-line": "anna edit: Dobrý deň,|schváliť",
    "mailing-list": "nobody: List-Id",
    "mixed-approve-and-text": "anna told: mixed",
    "mixed-approve-but": "anna told: mixed",
    "mixed-do-not-approve": "anna told: mixed",
    "nested-parts": "anna approve",
    "nested-too-deep": "anna told: nothing_written",
    "no-from": "not ours",
    "no-message-id": "anna approve",
    "not-ours": "not ours",
    "our-own": "nobody: From",
    "outlook-cs-html-only": "boris approve",
    "outlook-en-signature": "anna approve",
    "outlook-hu-iso-8859-2": "cyril reject: nem a mi vevőnk",
    "outlook-mobile-sk": "anna approve",
    "outlook-plain-empty": "anna approve",
    "outlook-sk-windows-1250": "anna approve",
    "proton-html": "anna approve",
    "reject-no-reason": "anna reject",
    "reject-reason-below": "boris reject: Zákazník si to už vyřešil na prodejně.",
    "seznam-cs-approve": "boris approve",
    "seznam-html-only": "boris approve",
    "thunderbird-format-flowed": "anna reject: zákazník píše o inom obchode, tento nákup u nás nebol",
    "token-delivered-to": "anna approve",
    "token-expired": "anna told: too_old",
    "token-foreign": "anna told: too_old",
    "token-garbled-from-a-stranger": "not ours",
    "token-garbled": "anna told: too_old",
    "token-in-footer-only": "anna approve",
    "token-in-references-only": "anna approve",
    "token-in-upper-case": "anna approve",
    "token-not-to-us": "not ours",
    "two-from-addresses": "not ours",
    "two-from-fields": "not ours",
    "yahoo-html-edit": "anna edit: Dobrý deň, pani Kráľová,||mrzí nás to. Peniaze vám vrátime.",
}


def incoming(name: str, authserv_id: str = AUTHSERV_ID) -> Incoming:
    return read((MAILS / f"{name}.eml").read_bytes(), mailbox=OHLAS, authserv_id=authserv_id)


def mark(text: str, now: datetime = NOON) -> Token:
    return read_token(KEY, text, PEOPLE, now)


def outcome_of(mail: Incoming) -> Outcome:
    return outcome(mail, mark, PEOPLE)


def in_short(found: Outcome) -> str:
    match found:
        case NotOurs():
            return "not ours"
        case NobodyWrote(why=why):
            return f"nobody: {why}"
        case Told(person, why):
            return f"{person.name} told: {why}"
        case Wish(person=person, action=action, text=text, reason=reason):
            said = (text or reason).replace("\n", "|")
            return f"{person.name} {action}: {said}" if said else f"{person.name} {action}"


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_every_mail_comes_to_what_its_name_says(name: str) -> None:
    assert in_short(outcome_of(incoming(name))) == EXPECTED[name]


def test_every_expectation_has_its_mail() -> None:
    assert set(EXPECTED) == {path.stem for path in MAILS.glob("*.eml")}


@pytest.mark.parametrize("name", sorted(name for name, said in EXPECTED.items() if said.partition(" ")[2] == "approve"))
def test_nothing_decides_where_the_server_is_not_configured(name: str) -> None:
    """The very same mails, without authserv_id in config.toml."""
    found = outcome_of(incoming(name, authserv_id=""))
    assert isinstance(found, Told) and found.why == "unverified"


def test_an_answer_never_goes_to_the_address_that_a_mail_gives() -> None:
    for name in EXPECTED:
        found = outcome_of(incoming(name))
        if isinstance(found, Told):
            assert found.person in PEOPLE.values()


def test_a_mark_of_its_time_is_too_old_later() -> None:
    def later(text: str) -> Token:
        return mark(text, NOON + timedelta(days=14))

    found = outcome(incoming("gmail-sk-approve"), later, PEOPLE)
    assert in_short(found) == "anna told: too_old"


def test_who_left_the_configuration_decides_nothing() -> None:
    people = {name: person for name, person in PEOPLE.items() if name != "anna"}

    def read_without(text: str) -> Token:
        return read_token(KEY, text, people, NOON)

    assert isinstance(outcome(incoming("gmail-sk-approve"), read_without, people), NotOurs)


def test_the_same_mail_has_the_same_key_and_a_stranger_with_its_id_another() -> None:
    raw = (MAILS / "gmail-en-approve.eml").read_bytes()
    again = read(b"X-Seen: twice\n" + raw, mailbox=OHLAS, authserv_id=AUTHSERV_ID)
    stranger = read(raw.replace(b"dmarc=pass", b"dmarc=fail"), mailbox=OHLAS, authserv_id=AUTHSERV_ID)
    assert again.key == incoming("gmail-en-approve").key != stranger.key


def test_a_huge_mail_is_read_as_far_as_people_write() -> None:
    raw = (MAILS / "gmail-en-approve.eml").read_bytes() + b"> all work and no play\n" * 400_000
    assert in_short(outcome_of(read(raw, mailbox=OHLAS, authserv_id=AUTHSERV_ID))) == "anna approve"


SPOILED = [
    "gmail-sk-approve",
    "outlook-cs-html-only",
    "apple-mail-flowed",
    "bounce",
    "nested-parts",
    "header-folding",
    "away-sk",
]


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(SPOILED), seed=st.randoms(use_true_random=False))
def test_no_bytes_make_it_fail(name: str, seed: Random) -> None:
    raw = bytearray((MAILS / f"{name}.eml").read_bytes())
    for _ in range(seed.randrange(1, 40)):
        place = seed.randrange(len(raw))
        raw[place : place + seed.randrange(3)] = seed.choice(PIECES)
    outcome_of(read(bytes(raw), mailbox=OHLAS, authserv_id=AUTHSERV_ID))


# where parsers of mail have failed before
PIECES = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\x00",
        b"\xff",
        b"\x85",
        b"=?utf-8?q?",
        b"=?x?b?!?=",
        b"?=",
        b"charset*0*=",
        b"charset*=",
    ),
    *(b"''", b'"', b"(", b")", b"<", b">", b";", b"@", b"--", b"boundary=", b"multipart/mixed", b"message/rfc822"),
    *(
        b"Content-Transfer-Encoding: uuencode\n",
        b"begin 666 x\n",
        b"Content-Type: ;;=\n",
        b"From: ",
        b"\n\n",
        b"=",
        b"\x1b",
    ),
]


@settings(deadline=None)
@given(raw=st.binary(max_size=400))
def test_nor_do_bytes_that_are_no_mail(raw: bytes) -> None:
    assert isinstance(outcome_of(read(raw, mailbox=OHLAS, authserv_id=AUTHSERV_ID)), NotOurs)


@pytest.mark.parametrize("begin", ["(", "((", '"', "a\\", "dmarc=", "; ", "=", "mx.example.test;" + "a=b " * 5])
def test_long_results_take_no_time(begin: str) -> None:
    started = time.process_time()
    dmarc_of([begin * 100_000], AUTHSERV_ID)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("line", ["on ", "1 ", "wrote ", "- ", "_", "> ", "Od: ", "odoslané z ", "a@b "])
def test_long_bodies_take_no_time(line: str) -> None:
    started = time.process_time()
    above_the_quotation(line * 50_000)
    above_the_quotation((line + "\n") * 50_000)
    assert time.process_time() - started < 2.0
