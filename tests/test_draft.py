"""Drafts: polite, complete, by name, individual, within the length, and always the same for the same mention."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.contract import Channel, LengthUnit, ReplyRules
from monitor.language import identify
from monitor.model import LABELS, Aspect, Composition, Label, Mention, Tone, Urgency, Verdict
from monitor.options import CompanyOptions, DraftingOptions, PolicyOptions
from responders.draft import acknowledge, compose, language_for
from responders.guard import check
from responders.length import measure
from responders.names import given_name, greeted
from responders.playbook import ASPECTS, CUSTOMERS, FAULTS, URGENCIES, Offer, load
from responders.shipped import shipped_languages

LANGUAGES = shipped_languages()
OFFERS: tuple[Offer, ...] = ("refund", "replacement", "voucher", "discount", "call_back", "manager")
COMPANY = CompanyOptions(
    name="Lipka", signature="Jana z Lipky", contact="pomoc@lipka.example", website="https://lipka.example"
)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PARTS = {
    "complaint": ["apology", "interest", "solution"],
    "praise": ["thanks", "personal", "invitation"],
    "neutral": ["body"],
}


def mention(id: str = "1", text: str = "…", author: str = "Jana Nováková", product: str = "") -> Mention:
    return Mention(
        source="shop", id=id, text=text, author=author, created_at=NOW, raw={"product_name": product} if product else {}
    )


def verdict(label: Label, language: str, aspects: tuple[str, ...] = ()) -> Verdict:
    found = tuple(Aspect(name=name) for name in aspects)
    return Verdict(label=label, confidence=0.9, unsure=False, language=language, aspects=found)


def draft(
    label: Label,
    language: str,
    *,
    about: Mention | None = None,
    aspects: tuple[str, ...] = (),
    company: CompanyOptions = COMPANY,
    offers: tuple[Offer, ...] = (),
    limit: int = 5000,
    unit: LengthUnit = "characters",
    reference: str = "",
    formal: bool = True,
) -> Composition:
    return compose(
        about or mention(),
        verdict(label, language, aspects),
        playbook=load(language, formal=formal),
        company=company,
        policy=PolicyOptions(may_offer=offers),
        rules=ReplyRules(max_length=limit, unit=unit),
        reference=reference,
    )


ALL_ASPECTS = [(), *((name,) for name in ASPECTS), *itertools.pairwise(ASPECTS)]


@pytest.mark.parametrize("limit", [280, 350, 500, 5000])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_draft_passes_its_own_guard(language: str, limit: int) -> None:
    rules = ReplyRules(max_length=limit)
    identified = partial(identify, languages=LANGUAGES)
    policies: tuple[tuple[Offer, ...], ...] = ((), OFFERS)
    for label, aspects, seed in itertools.product(LABELS, ALL_ASPECTS, range(6)):
        about = mention(str(seed), "?" if seed % 2 else "…", ("Jana Nováková", "zakaznik77")[seed % 2])
        about = mention(about.id, about.text, about.author, "Krhla Rosa 5 l" if seed == 3 else "")
        offers, formal = policies[seed % 2], seed % 3 != 0
        made = draft(label, language, about=about, aspects=aspects, offers=offers, limit=limit, formal=formal)
        for parts in (made.parts, None):
            findings = check(
                made.text,
                language=language,
                label=label,
                rules=rules,
                company=COMPANY,
                policy=PolicyOptions(may_offer=offers),
                parts=parts,
                mention=about,
                identify=identified,
                playbook=load(language, formal=formal),
            )
            assert findings == (), (made.text, findings)
        assert list(made.parts) == PARTS[label]
        assert all(part in made.text for part in made.parts.values())


CHANNELS: tuple[Channel, ...] = get_args(Channel)
SITUATIONS = list(itertools.product(FAULTS, ("plain", *CUSTOMERS), ("", *URGENCIES), CHANNELS, ALL_ASPECTS))
GENEROUS = PolicyOptions(may_offer=OFFERS, voucher_limit=10)


@pytest.mark.parametrize("formal", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_to_any_situation_passes_its_own_guard(language: str, formal: bool) -> None:
    playbook, identified = load(language, formal=formal), partial(identify, languages=LANGUAGES)
    for seed, (fault, tone, urgency, channel, aspects) in enumerate(SITUATIONS):
        if seed % 41 != formal:  # every one of them would take minutes
            continue
        about = mention(str(seed), author=("Jana Nováková", "zakaznik77", "Peter Malý")[seed % 3])
        judged = replace(
            verdict("complaint", language, aspects),
            tone=Tone(name=tone),
            urgency=(Urgency(name=urgency),) if urgency else (),
        )
        policy = GENEROUS if seed % 2 else PolicyOptions()
        rules = ReplyRules(max_length=280 if channel == "post" and seed % 4 else 5000, channel=channel)
        made = compose(
            about,
            judged,
            playbook=playbook,
            company=COMPANY,
            policy=policy,
            rules=rules,
            fault=fault,
            reference="OH-00042",
        )
        assert list(made.parts) == PARTS["complaint"]
        findings = check(
            made.text,
            language=language,
            label="complaint",
            rules=rules,
            company=COMPANY,
            policy=policy,
            parts=made.parts,
            mention=about,
            identify=identified,
            playbook=playbook,
        )
        assert findings == (), (fault, tone, urgency, channel, aspects, made.text, findings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_without_facts_gets_complete_drafts_too(language: str) -> None:
    for label, aspects in itertools.product(LABELS, ALL_ASPECTS):
        made = draft(label, language, aspects=aspects, company=CompanyOptions())
        assert list(made.parts) == PARTS[label]
        assert not re.search(r"[{}\[\]]", made.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", LABELS)
def test_forty_in_a_row_do_not_read_like_a_form_letter(language: str, label: Label) -> None:
    texts = [draft(label, language, about=mention(str(at))).text for at in range(40)]
    assert len(set(texts)) >= (38 if label != "neutral" else 12)
    assert all(one != other for one, other in itertools.pairwise(texts)) or label == "neutral"


def test_the_same_mention_gets_the_same_text() -> None:
    assert draft("complaint", "sk", aspects=("web",)) == draft("complaint", "sk", aspects=("web",))
    assert draft("complaint", "sk") != draft("complaint", "sk", about=mention("2"))


def test_two_aspects_are_both_picked_up() -> None:
    for seed in range(10):
        text = draft("complaint", "sk", about=mention(str(seed)), aspects=("delivery", "communication")).text
        assert "s doručením a s komunikáciou" in text
    text = draft("praise", "hu", aspects=("delivery", "price")).text
    assert "a kiszállítással és az árral" in text


def test_the_product_is_named_where_the_source_names_it() -> None:
    text = draft("complaint", "cs", about=mention(product="Krhla  Rosa 5 l"), aspects=("product",)).text
    assert "s výrobkem Krhla Rosa 5 l" in text


@pytest.mark.parametrize(
    "product", ["x" * 61, "{name}", "see https://bad.example", "a@b.example", "order 123456", "<b>pot</b>"]
)
def test_a_product_that_cannot_stand_in_a_sentence_is_not_named(product: str) -> None:
    assert product not in draft("complaint", "en", about=mention(product=product), aspects=("product",)).text


def test_nothing_is_offered_that_the_policy_does_not_allow() -> None:
    for seed, language in itertools.product(range(30), LANGUAGES):
        made = draft("complaint", language, about=mention(str(seed)), aspects=("product",))
        assert not re.search(r"vymeníme|vyměníme|kicseréljük|replace|vrátime|vrátíme|refund|visszatérít", made.text)
    offered = {
        draft("complaint", "en", about=mention(str(at)), aspects=("product",), offers=OFFERS).text for at in range(40)
    }
    assert any("replace it" in text for text in offered) and any("refund you" in text for text in offered)


def test_the_contact_is_given_where_there_is_one_and_never_invented() -> None:
    assert "pomoc@lipka.example" in draft("complaint", "sk").text
    assert "@" not in draft("complaint", "sk", company=CompanyOptions(name="Lipka")).text


def test_the_reference_is_told_in_the_solution() -> None:
    assert "OH-00007" in draft("complaint", "en", reference="OH-00007").parts["solution"]


def test_signed_by_the_person_else_by_the_team_else_not_at_all() -> None:
    assert draft("praise", "sk").text.endswith("Jana z Lipky")
    assert draft("praise", "sk", company=CompanyOptions(name="Lipka")).text.endswith("tím Lipka")
    assert draft("praise", "sk", company=CompanyOptions()).text[-1] in ".!"


def test_slovak_and_czech_go_on_with_a_small_letter_after_the_greeting() -> None:
    for language, label in itertools.product(("sk", "cs"), LABELS):
        greeting, body = draft(label, language).text.split(",\n\n")
        assert greeting and body[0].islower()
    assert draft("complaint", "hu").text.split("!\n\n")[1][0].isupper()


def test_a_question_is_answered_as_one() -> None:
    assert "otázku" in draft("neutral", "sk", about=mention(text="Máte to aj v modrej?")).text
    assert "otázku" not in draft("neutral", "sk", about=mention(text="Majú to aj v modrej.")).text


@pytest.mark.parametrize("unit", ["characters", "graphemes", "bytes"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_shortened_without_ever_being_cut(language: str, unit: LengthUnit) -> None:
    for limit in range(200, 600, 10):
        made = draft("complaint", language, limit=limit, unit=unit, aspects=("delivery",), reference="OH-00001")
        assert measure(unit)(made.text) <= limit
        assert list(made.parts) == PARTS["complaint"]
        assert made.text.endswith((".", "!", "Jana z Lipky"))


def test_too_small_a_room_gives_the_shortest_complete_reply() -> None:
    made = draft("complaint", "en", limit=20, company=CompanyOptions())
    assert list(made.parts) == PARTS["complaint"]
    assert len(made.text) < 130


@pytest.mark.parametrize("language", ["sk", "en"])
def test_an_acknowledgement_apologises_shows_interest_and_promises_an_answer(language: str) -> None:
    made = acknowledge(
        mention(text="…"),
        verdict("complaint", language, ("delivery",)),
        playbook=load(language),
        company=COMPANY,
        rules=ReplyRules(),
        reference="OH-00042",
        answer_by="23. 11.",
    )
    assert list(made.parts) == ["apology", "interest", "solution"]
    assert "OH-00042" in made.parts["solution"] and "23. 11." in made.parts["solution"]
    assert made.text.endswith("Jana z Lipky") and "Jana" in made.text.splitlines()[0]


@pytest.mark.parametrize(
    ("author", "language", "name"),
    [
        ("Jana Nováková", "sk", "Jana"),
        ("Nováková Jana", "sk", "Jana"),
        ("Ing. Peter Malý, PhD.", "sk", "Peter"),
        ("Mgr. Zuzana K.", "sk", "Zuzana"),
        ("TOMÁŠ HRUŠKA", "cs", "Tomáš"),
        ("Tomas Hruska", "cs", "Tomáš"),
        ("Kovács Péter", "hu", "Péter"),
        ("Nagy Anna Mária", "hu", "Anna"),
        ("László Péter", "hu", "Péter"),
        ("Jana Nováková", "hu", "Jana"),
        ("Kovács Péter", "sk", "Péter"),
        ("Emily Carter", "en", "Emily"),
        ("Zuzka", "sk", "Zuzka"),
        ("Nagy Istvánné", "hu", ""),
        ("Overený zákazník", "sk", ""),
        ("Ověřený Zákazník", "cs", ""),
        ("Anonym", "cs", ""),
        ("jana", "sk", ""),
        ("jana.novakova", "sk", ""),
        ("jana@novakova.example", "sk", ""),
        ("Jana77", "sk", ""),
        ("@JanaN", "sk", ""),
        ("JANA", "sk", ""),
        ("Jana a Peter spolu s deťmi", "sk", ""),
        ("Lipka s.r.o.", "sk", ""),
        ("{name}", "sk", ""),
        ("", "sk", ""),
        ("\u202eJana\n<b>", "sk", ""),
    ],
)
def test_given_names(author: str, language: str, name: str) -> None:
    assert given_name(author, language) == name


@pytest.mark.parametrize(
    ("name", "vocative"),
    [
        ("Jana", "Jano"),
        ("Lucie", "Lucie"),
        ("Petr", "Petře"),
        ("Marek", "Marku"),
        ("Jiří", "Jiří"),
        ("Zdeněk", "Zdeňku"),
        ("Honza", "Honzo"),
        ("Katalin", "Katalin"),
        ("John", "John"),
    ],
)
def test_czech_greets_in_the_vocative(name: str, vocative: str) -> None:
    assert greeted(name, "cs") == vocative
    assert greeted(name, "sk") == name


def test_language_to_answer_in() -> None:
    drafting = DraftingOptions(languages=("sk", "cs"), fallback_language="sk")
    said = Mention(source="s", id="1", text="…", created_at=NOW, language="cs")
    assert language_for(verdict("praise", "sk"), said, drafting) == "sk"
    assert language_for(verdict("praise", ""), said, drafting) == "cs"
    assert language_for(verdict("praise", "hu"), mention(), drafting) == "sk"


@settings(max_examples=150, deadline=None)
@given(
    label=st.sampled_from(LABELS),
    language=st.sampled_from(LANGUAGES),
    aspects=st.lists(st.sampled_from([*ASPECTS, "weather"]), max_size=4, unique=True).map(tuple),
    author=st.text(max_size=40),
    text=st.text(max_size=80),
    product=st.text(max_size=70),
    limit=st.sampled_from([280, 350, 500, 5000]),
    unit=st.sampled_from(["characters", "graphemes", "bytes"]),
)
def test_whatever_the_customer_writes_the_draft_is_whole(
    label: Label,
    language: str,
    aspects: tuple[str, ...],
    author: str,
    text: str,
    product: str,
    limit: int,
    unit: LengthUnit,
) -> None:
    about = mention("7", text, author, product)
    made = draft(label, language, about=about, aspects=aspects, limit=limit, unit=unit)
    assert made == draft(label, language, about=about, aspects=aspects, limit=limit, unit=unit)
    assert list(made.parts) == PARTS[label]
    assert not re.search(r"[{}\[\]]", made.text)
    if unit != "bytes" or limit > 280:
        assert measure(unit)(made.text) <= limit
