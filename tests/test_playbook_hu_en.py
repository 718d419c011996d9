"""What the Hungarian and the English playbook read out of customers' words, and that no situation lacks sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.contract import ReplyRules
from monitor.hours import said
from monitor.model import Aspect, Mention, Urgency, Verdict
from monitor.options import CompanyOptions
from responders.draft import acknowledge
from responders.playbook import ASPECTS, CUSTOMERS, URGENCIES, load
from responders.situation import understand

LANGUAGES = ("hu", "en")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def complaint(text: str) -> Mention:
    return Mention(source="shop", id="1", text=text, author="Anna", created_at=NOW)


def verdict(language: str, aspects: tuple[str, ...] = (), urgency: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        label="complaint",
        confidence=0.9,
        unsure=False,
        language=language,
        aspects=tuple(Aspect(name=name) for name in aspects),
        urgency=tuple(Urgency(name=name) for name in urgency),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_situation_has_sentences(language: str) -> None:
    bank = load(language).complaint
    elsewhere = ("not_ours", "misunderstanding")
    difficult = ("rude", "offended")
    assert set(bank.apology) >= {*ASPECTS, *URGENCIES, *difficult, *elsewhere, "ours", "waiting", "stars"}
    assert set(bank.interest) >= {*ASPECTS, *URGENCIES, *CUSTOMERS, "stars"}
    assert set(bank.explanation) >= {*elsewhere, "know_it_all"}
    assert set(bank.ask) >= {*ASPECTS, *URGENCIES, "mail", "stars"}
    assert set(bank.solution) >= {*ASPECTS, *URGENCIES, *CUSTOMERS, *elsewhere}
    assert all("voucher" in sentence.offers for sentence in bank.extra)


@pytest.mark.parametrize(
    ("language", "text", "waiting"),
    [
        ("hu", "Már három hete várok a csomagra.", "3 hete"),
        ("hu", "Egy hónapja várom a pénzemet", "1 hónapja"),
        ("hu", "24 órája nem jelentkezik senki", "24 órája"),
        ("hu", "Két hete vettem, a vártnál gyengébb.", ""),
        ("hu", "Két hétig vártam rá.", ""),
        ("hu", "Másfél hete várok.", ""),
        ("en", "I have been waiting three weeks for my parcel.", "3 weeks"),
        ("en", "5 days and no answer", "5 days"),
        ("en", "It's been 3 weeks and I still haven't received my order.", "3 weeks"),
        ("en", "We waited half an hour for the waiter.", ""),
        ("en", "It broke after two weeks, still no refund.", ""),
    ],
)
def test_how_long_somebody_has_waited(language: str, text: str, waiting: str) -> None:
    found = understand(complaint(text), verdict(language), playbook=load(language), rules=ReplyRules())
    assert found.waiting == waiting


@pytest.mark.parametrize(
    ("language", "text", "fault"),
    [
        ("hu", "Rossz méretet küldtek.", "ours"),
        ("hu", "Törötten érkezett a bögre.", "ours"),
        ("hu", "Az én hibám, rossz méretet rendeltem.", "not_ours"),
        ("hu", "Félreértettem a leírást.", "misunderstanding"),
        ("hu", "Azt hittem, ez egy komoly cég.", "maybe_ours"),
        ("en", "They sent the wrong size.", "ours"),
        ("en", "You charged me twice.", "ours"),
        ("en", "It was my fault, I ordered the wrong size.", "not_ours"),
        ("en", "I misread the description.", "misunderstanding"),
        ("en", "The parcel arrived late.", "maybe_ours"),
    ],
)
def test_whose_fault_it_is_by_the_customers_words(language: str, text: str, fault: str) -> None:
    found = understand(complaint(text), verdict(language), playbook=load(language), rules=ReplyRules())
    assert found.fault == fault


@pytest.mark.parametrize(
    ("language", "promised"), [("hu", "és holnap 16 óráig válaszol"), ("en", "by 16:00 tomorrow.")]
)
def test_an_acknowledgement_says_once_by_when(language: str, promised: str) -> None:
    zone = ZoneInfo("Europe/Budapest")
    due = said(datetime(2026, 11, 20, 16, 0, tzinfo=zone) + timedelta(days=1), NOW, language, zone)
    texts = [
        acknowledge(
            Mention(source="shop", id=str(at), text="…", author="Anna", created_at=NOW),
            verdict(language, urgency=("safety",)),
            playbook=load(language),
            company=CompanyOptions(name="Lipka"),
            rules=ReplyRules(),
            reference="OH-00042",
            answer_by=due,
        ).text
        for at in range(12)
    ]
    assert all(promised in text and "OH-00042" in text and "by by" not in text for text in texts), texts
