"""What people read in their mail: four languages, nothing of a customer's as markup, nothing cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from selectolax.lexbor import LexborHTMLParser

from monitor.model import Finding, Mention, Priority
from monitor.store.sqlite import SqliteStore
from responders.mail.envelope import Envelope, html, message, message_id, plain, safe_id, thread_id, token_id
from responders.mail.keywords import shown_keyword
from responders.mail.letters import (
    MOST_DRAFTS,
    Desk,
    Kind,
    Waiting,
    answer_letter,
    draft_letter,
    round_letter,
    sign_in_letter,
)
from responders.words import LANGUAGES, Words
from tests.made import NOON, arrive, draft_all, mention

BRATISLAVA = ZoneInfo("Europe/Bratislava")
TOKEN = "abcdefgh234567abcdefgh234567abcdefgh2345"
SENDER = "ohlas@shop.example"
NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> & &lt;b&gt; {{ 7*7 }} {% raw %}\n"
    '</mj-text><mj-include path="/etc/passwd" /><mj-button href="javascript:alert(1)">x</mj-button>\n'
    "Bcc: boris@example.test\r\n\r\nschváliť \u202e\x1b[2J"
)
GMAIL = 102_000  # bytes of HTML that it shows
ENVELOPE = Envelope(
    sender=SENDER,
    recipient="anna@example.test",
    person="Anna Nagyová",
    language="sk",
    message_id=message_id(["key"], SENDER),
    date=NOON,
    reply_to=f"ohlas+{TOKEN}@shop.example",
    references=("<root@shop.example>", token_id(TOKEN, SENDER)),
    answers="<root@shop.example>",
)


def desk(language: str = "sk", *, page: str = "https://ohlas.shop.example", local: bool = False) -> Desk:
    return Desk(words=Words(language, BRATISLAVA), page=page, local=local, now=NOON)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ohlas.db")
    yield store
    store.close()


def waiting(store: SqliteStore, *mentions: Mention, text: str = "Mrzí nás to.", kind: Kind = "card") -> list[Waiting]:
    arrive(store, *(mentions or (mention(),)))
    found = []
    for draft_id in draft_all(store, text=text):
        asking = replace(store.asking.get(draft_id), answer_by=NOON + timedelta(hours=8))
        found.append(Waiting(kind=kind, matter=store.views.matter(draft_id), asking=asking))
    return found


def found_by(one: Waiting, *findings: Finding) -> Waiting:
    return replace(one, matter=replace(one.matter, draft=replace(one.matter.draft, findings=findings)))


def read(mail: EmailMessage) -> EmailMessage:
    """As it arrives."""
    found = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def parts(mail: EmailMessage) -> tuple[str, str]:
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, markup = (body.get_content() if body is not None else "" for body in bodies)
    return text, markup


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_has_everything_that_is_needed_to_decide(store: SqliteStore, language: str) -> None:
    [one] = waiting(store)
    one = found_by(one, Finding(rule="too_long", severity="warning", message="a bit long", excerpt="apology"))
    words = Words(language, BRATISLAVA)
    letter = draft_letter(one, desk(language), TOKEN)
    text, markup = parts(read(message(letter, replace(ENVELOPE, language=language))))
    shown = LexborHTMLParser(markup).body.text()  # type: ignore[union-attr]
    for said in (
        one.matter.mention.text,
        "Mrzí nás to.",
        "OH-00001",
        "Zuzana Kráľová 1",
        "shop",
        words.code("label", "complaint"),
        words.minute(NOON + timedelta(hours=8)),
        words.say("About") if one.matter.verdict.aspects else words.say("Verdict"),
        shown_keyword("approve", language),
        shown_keyword("reject", language),
        TOKEN,
    ):
        assert said in text and said in shown, said
    assert "https://ohlas.shop.example/drafts/1" in text and 'href="https://ohlas.shop.example/drafts/1"' in markup
    assert f'lang="{language}"' in markup and 'lang="sk"' in markup  # the reader's, and the reply's own
    assert "prefers-color-scheme: dark" in markup and 'name="color-scheme"' in markup
    if language != "en":
        assert "To decide" not in text and "Links in" not in text


def test_links_only_open_the_page(store: SqliteStore) -> None:
    [one] = waiting(store)
    _, markup = parts(message(draft_letter(one, desk(), TOKEN), ENVELOPE))
    links = [node.attributes["href"] for node in LexborHTMLParser(markup).css("a[href]")]
    assert links == ["https://ohlas.shop.example/drafts/1"]
    assert not LexborHTMLParser(markup).css("link, script, img, form, [src]")
    assert "@import" not in markup and "url(" not in markup


def test_nothing_of_a_customer_becomes_markup_or_a_header(store: SqliteStore) -> None:
    wrote = mention(text=NASTY, title=NASTY, author=NASTY, url="javascript:alert(1)")
    [one] = waiting(store, wrote, text=NASTY)
    letter = draft_letter(one, desk(), TOKEN)
    mail = read(message(letter, replace(ENVELOPE, person=NASTY)))
    _, markup = parts(mail)
    tree = LexborHTMLParser(markup)
    assert not tree.css("script, img, mj-include, mj-button, [onerror]") and "root:" not in markup
    assert [node.attributes["href"] for node in tree.css("a[href]")] == ["https://ohlas.shop.example/drafts/1"]
    assert "49" not in letter.drafts[0].original
    shown = tree.body.text()  # type: ignore[union-attr]
    assert "<script>alert(1)</script>" in shown and "{{ 7*7 }}" in shown and "&lt;b&gt;" in shown
    assert mail["Bcc"] is None and len(mail.get_all("To")) == 1
    assert all("\n" not in str(value) for value in mail.values())
    assert str(mail["Subject"]).isprintable() and len(mail["Subject"]) <= 150
    assert len(tree.body.css("script")) == 0 and "\u202e" not in markup  # type: ignore[union-attr]


def test_headers_keep_robots_away_and_mails_together(store: SqliteStore) -> None:
    [one] = waiting(store)
    mail = read(message(draft_letter(one, desk(), TOKEN), ENVELOPE))
    assert mail["Auto-Submitted"] == "auto-generated" and mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Message-ID"] == message_id(["key"], SENDER) != message_id(["other"], SENDER)
    assert mail["In-Reply-To"] == "<root@shop.example>"
    assert mail["References"].split() == ["<root@shop.example>", f"<{TOKEN}@shop.example>"]
    assert mail["Reply-To"] == f"Ohlas <ohlas+{TOKEN}@shop.example>"
    assert mail["To"] == "Anna Nagyová <anna@example.test>"
    assert message_id(["a", "b"], SENDER) == message_id(["b", "a"], SENDER)
    assert thread_id(1, b"k", SENDER) == thread_id(1, b"k", SENDER) != thread_id(1, b"l", SENDER)


def test_ids_live_through_a_long_domain(store: SqliteStore) -> None:
    sender = f"ohlas@{'x' * 55}.example.test"
    ids = (thread_id(10**11, b"k", sender), token_id(TOKEN, sender))
    envelope = replace(ENVELOPE, sender=sender, references=ids, answers=ids[0], message_id=message_id(["k"], sender))
    [one] = waiting(store)
    raw = message(draft_letter(one, desk(), TOKEN), envelope).as_bytes()
    assert TOKEN.encode() in raw and b"=?" not in raw.partition(b"References:")[2].partition(b"Auto-")[0]


@pytest.mark.parametrize("junk", ["", "x", "<a b@c>", "<a@b>\r\nBcc: x@y", "<" + "a" * 99 + "@b>", "<ž@b>"])
def test_only_a_message_id_is_taken_for_one(junk: str) -> None:
    assert safe_id(junk) == "" and safe_id("<CAF=x+y.1@mail.example>") == "<CAF=x+y.1@mail.example>"


def test_kinds_are_told_apart(store: SqliteStore) -> None:
    [one] = waiting(store)
    subjects = {
        kind: draft_letter(replace(one, kind=kind), desk("en")).subject  # type: ignore[arg-type]
        for kind in ("card", "reminder", "escalation")
    }
    assert subjects["card"].startswith("OH-00001 complaint, Zuzana Kráľová 1, shop")
    assert subjects["reminder"] == f"Reminder: {subjects['card']}"
    assert subjects["escalation"] == f"Overdue: {subjects['card']}"
    urgent = replace(one.matter, draft=replace(one.matter.draft, priority=Priority.URGENT))
    assert draft_letter(replace(one, matter=urgent), desk("sk")).subject.startswith("Súrna: OH-00001")


def test_without_a_token_it_speaks_of_no_reply(store: SqliteStore) -> None:
    [one] = waiting(store)
    text = plain(draft_letter(one, desk("sk")))
    assert "schváliť" not in text and "Odkazy" in text


def test_what_cannot_be_read_whole_or_breaks_rules_is_not_approved_by_mail(store: SqliteStore) -> None:
    [one] = waiting(store)
    broken = found_by(one, Finding(rule="insult_or_blame", severity="error", message="no"))
    [long] = waiting(store, mention(2), text="Dlhá odpoveď. " * 3000)
    for refused in (broken, long):
        text = plain(draft_letter(refused, desk("en"), TOKEN))
        assert "approve:" not in text and "reject:" in text and "only on the page" in text
    assert "approve:" in plain(draft_letter(one, desk("en"), TOKEN))


@pytest.mark.parametrize("letters", ["ž&", "<>'\"", "🌧️", "a"])
def test_the_longest_letters_fit(store: SqliteStore, letters: str) -> None:
    many = [mention(number, text=letters * 9000, title=letters * 300, author=letters * 100) for number in range(40)]
    found = waiting(store, *many, text=letters * 5000)
    every = [Finding(rule="brand_new", severity="error", message=letters * 500)] * 30
    found = [found_by(one, *every) for one in found]
    notices = [letters * 200] * 60
    for letter in (
        round_letter(found[:MOST_DRAFTS], 40, notices, desk()),
        draft_letter(found[0], desk(), TOKEN),
    ):
        assert len(html(letter, "sk").encode()) < GMAIL


@pytest.mark.parametrize(
    ("language", "heading", "more"),
    [
        ("en", "40 drafts are waiting for you", "and 25 more"),
        ("sk", "Čaká na vás 40 návrhov", "a ešte 25"),
        ("cs", "Čeká na vás 40 návrhů", "a ještě 25"),
        ("hu", "40 tervezet vár Önre", "és még 25"),
    ],
)
def test_many_drafts_are_one_letter(store: SqliteStore, language: str, heading: str, more: str) -> None:
    found = waiting(store, *(mention(number) for number in range(40)))
    letter = round_letter(found[:MOST_DRAFTS], len(found), [], desk(language))
    text = plain(letter)
    assert letter.subject == letter.heading == heading and more in text
    assert len(re.findall(r"/drafts/\d+", text)) == MOST_DRAFTS
    assert "schváliť:" not in text


@pytest.mark.parametrize(("language", "count", "heading"), [("sk", 2, "Čakajú na vás 2 návrhy"), ("cs", 5, "5 návrhů")])
def test_numbers_are_declined(store: SqliteStore, language: str, count: int, heading: str) -> None:
    found = waiting(store, *(mention(number) for number in range(count)))
    assert heading in round_letter(found, count, [], desk(language)).heading


def test_notices_are_told_together() -> None:
    one = round_letter([], 0, ["A source cannot be read: shop"], desk("en"))
    assert one.subject == "A source cannot be read: shop" and "A source cannot be read: shop" in plain(one)
    many = round_letter([], 0, [f"notice {number}" for number in range(25)], desk("en"))
    assert many.subject == "25 notices" and "notice 19" in plain(many) and "and 5 more" in plain(many)


def test_an_address_that_works_only_here_is_called_so(store: SqliteStore) -> None:
    [one] = waiting(store)
    text = plain(draft_letter(one, desk("en", page="http://127.0.0.1:8080", local=True)))
    assert "http://127.0.0.1:8080/drafts/1" in text and "only where Ohlas runs" in text
    nowhere = plain(draft_letter(one, desk("en", page="", local=True)))
    assert "http" not in nowhere.replace(one.matter.mention.url, "") and "only where Ohlas runs" in nowhere


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_to_sign_in(language: str) -> None:
    letter = sign_in_letter("Anna <b>", "tok-en_", timedelta(minutes=30), desk(language))
    mail = message(letter, replace(ENVELOPE, language=language, reply_to="", references=(), answers=""))
    text, markup = parts(mail)
    assert "https://ohlas.shop.example/sign-in?token=tok-en_" in text and "30 min" in text
    assert "Anna &lt;b&gt;" in markup and mail["References"] is None and mail["Reply-To"] is None


def test_an_answer_to_a_reply(store: SqliteStore) -> None:
    body = {"subject": "Re: OH-1\r\nBcc: x@y", "text": "Nič sa nezmenilo.\n<b>Boris</b> bol rýchlejší."}
    letter = answer_letter(body["subject"], body["text"], desk("sk"), 7)
    mail = message(letter, ENVELOPE)
    text, markup = parts(mail)
    assert mail["Subject"] == "Re: OH-1 Bcc: x@y" and mail["Bcc"] is None
    assert "bol rýchlejší" in text and "<b>" not in markup and "/drafts/7" in text
    assert answer_letter("Dotaz", "x", desk("sk")).subject == "Re: Dotaz"
    assert json.dumps(answer_letter("", "", desk("sk")).subject) == '"Re: Ohlas"'
