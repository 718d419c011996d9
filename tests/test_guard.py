"""The guard catches what no reply may say, and lets a good reply pass, whoever wrote it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.contract import LengthUnit, ReplyRules
from monitor.language import identify
from monitor.model import LABELS, Finding, Label, Mention
from monitor.options import CompanyOptions, PolicyOptions
from responders.cues import occurs, spans
from responders.guard import RULES, check
from responders.playbook import SLOTS, Bank, Offer, Sentence, load

LANGUAGES = ("sk", "cs", "hu", "en")
OFFERS: tuple[Offer, ...] = ("refund", "replacement", "voucher", "discount", "call_back", "manager")
COMPANY = CompanyOptions(
    name="Lipka.sk", signature="Jana", contact="+421 900 123 456", website="https://www.lipka.example/kontakt"
)
WRITTEN = Mention(
    source="shop",
    id="1",
    author="Jana",
    text="Objednávka 20261234 a ďalšia 4417 neprišla, volajte 0905 111 222. Stálo to 35 €.",
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
    raw={"product_name": "Krhla XR-55012"},
)
GOOD = {
    "sk": "Dobrý deň, veľmi nás to mrzí. Chceme zistiť, čo sa stalo. Ozvite sa nám, prosím, a vyriešime to.",
    "cs": "Dobrý den, moc nás to mrzí. Chceme zjistit, co se stalo. Ozvěte se nám, prosím, a vyřešíme to.",
    "hu": "Jó napot! Nagyon sajnáljuk. Szeretnénk megérteni, mi történt. Kérjük, keressen minket, és megoldjuk.",
    "en": "Hello, we are very sorry. We want to find out what happened. Please contact us and we will sort it out.",
}


def guard(
    text: str,
    language: str = "sk",
    label: Label = "neutral",
    *,
    offers: tuple[Offer, ...] = (),
    limit: int = 5000,
    unit: LengthUnit = "characters",
    voucher_limit: float = 0,
    company: CompanyOptions = COMPANY,
    parts: dict[str, str] | None = None,
    mention: Mention | None = WRITTEN,
) -> tuple[Finding, ...]:
    return check(
        text,
        language=language,
        label=label,
        rules=ReplyRules(max_length=limit, unit=unit),
        company=company,
        policy=PolicyOptions(may_offer=offers, voucher_limit=voucher_limit),
        parts=parts,
        mention=mention,
        identify=partial(identify, languages=LANGUAGES),
    )


def errors(*findings: Finding) -> set[str]:
    return {finding.rule for finding in findings if finding.severity == "error"}


def sentences(banks: dict[str, Bank]) -> Iterator[tuple[str, Sentence]]:
    for part, bank in banks.items():
        for many in bank.values():
            yield from ((part, sentence) for sentence in many)


# ------------------------------------------------------------------------------ the shipped sentences, one by one
@pytest.mark.parametrize("formal", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_sentence_reads_like_its_part_and_keeps_its_word(language: str, formal: bool) -> None:
    playbook = load(language, formal=formal)
    complaint, praise = playbook.complaint, playbook.praise
    values = dict.fromkeys(SLOTS, "Lipka") | {
        "contact": COMPANY.contact,
        "topics": playbook.topics["web"],
        "reference": "OH-00042",
    }
    banks = {
        "apology": complaint.apology,
        "interest": complaint.interest,
        "solution": complaint.ask,
        "action": complaint.solution,
        "thanks": praise.thanks,
        "personal": praise.personal,
        "invitation": praise.invitation,
        "body": playbook.neutral.body,
        "reference": {"general": complaint.reference},
    }
    for part, sentence in sentences(banks):
        text = sentence.fill({**dict.fromkeys(sentence.slots, "Lipka"), **values})
        found = check(
            text,
            language=language,
            label="neutral",
            rules=ReplyRules(),
            company=COMPANY,
            policy=PolicyOptions(may_offer=()),
            playbook=playbook,
        )
        assert errors(*found) == ({"unapproved_promise"} if sentence.offers else set()), (text, found)
        assert not [f for f in guard(text, language, offers=sentence.offers) if f.rule == "unapproved_promise"], text
        cues = getattr(playbook.guard.parts, part, None)
        if cues is not None:
            assert any(occurs(cues, span) for span in spans(text)), (part, text)


# ------------------------------------------------------------------------------ good replies by people
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plain_good_reply_passes(language: str) -> None:
    assert guard(GOOD[language], language, "complaint") == ()


@pytest.mark.parametrize(
    ("language", "label", "text"),
    [
        ("sk", "complaint", "Prepacte nam to, mrzi nas, co sa stalo. Preverime to a ozvite sa nam, vyriesime to."),
        ("sk", "complaint", "Ospravedlňujeme sa. Preverili sme Vašu reklamáciu, ozvite sa nám, kvôli vráteniu tovaru."),
        ("sk", "complaint", "Je nám to ľúto, nie je to Vaša vina. Preveríme sprostredkovateľa a napravíme to."),
        ("sk", "complaint", "Mrzí nás to. Preveríme, prečo Vám poukaz nefungoval, a vyriešime to na +421 900 123 456."),
        (
            "cs",
            "complaint",
            "Omlouváme se. Chápeme, že reklamace v roce 2026 trvala dlouho, na 100 % to prověříme a napravíme.",
        ),
        ("cs", "praise", "Děkujeme, máme velkou radost! Těšíme se na Vás příště v Praze."),
        ("hu", "complaint", "Elnézést kérünk, ez nem az Ön hibája. Utánanézünk, és megoldjuk."),
        ("hu", "praise", "Köszönjük szépen, nagyon örülünk! Várjuk vissza legközelebb is."),
        (
            "en",
            "complaint",
            "We apologise, it was not your fault. We will check the refund request and settle it. Case OH-00042.",
        ),
        ("en", "praise", "Thanks a lot, we are so glad you like the XR-55012! See you again at www.lipka.example."),
        ("en", "neutral", "The shop at Lipka.sk is open from 9 to 17, ask us any time."),
        ("sk", "neutral", "Dobrý deň, áno, máme ju na sklade aj v modrej farbe. Tím Lipka.sk"),
    ],
)
def test_good_replies_pass(language: str, label: Label, text: str) -> None:
    product = WRITTEN.raw | {"product_name": "Krhla XR-55012"}
    about = Mention(source="s", id="1", text="…", created_at=WRITTEN.created_at, raw=product)
    assert errors(*guard(text, language, label, mention=about)) == set()


# ------------------------------------------------------------------------------ one rule after the other
@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_empty(text: str) -> None:
    assert errors(*guard(text)) == {"empty"}


@pytest.mark.parametrize(
    ("unit", "limit", "fits"),
    [("characters", 7, True), ("graphemes", 2, True), ("bytes", 25, True), ("bytes", 24, False)],
)
def test_length_is_counted_as_the_platform_counts(unit: LengthUnit, limit: int, fits: bool) -> None:
    family = "👨‍👩‍👧" + "👍🏽"  # 5 + 2 characters, 2 graphemes, 18 + 8 bytes
    assert ("too_long" in errors(*guard(family, limit=limit + (1 if unit == "bytes" else 0), unit=unit))) is not fits


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_part_of_a_complaint_is_missed(language: str) -> None:
    apology, interest, solution = [span.text for span in spans(GOOD[language])][-3:]
    for missing, text in (
        ("apology", f"{interest} {solution}"),
        ("interest", f"{apology} {solution}"),
        ("solution", f"{apology} {interest}"),
    ):
        found = [f for f in guard(text, language, "complaint") if f.rule == "missing_part"]
        assert [finding.excerpt for finding in found] == [missing], text
        assert found[0].severity == "error" and missing in found[0].message


def test_praise_wants_thanks_and_would_like_the_rest() -> None:
    found = guard("Dobrý deň, prajeme Vám pekný víkend.", label="praise")
    assert [(f.severity, f.excerpt) for f in found if f.rule == "missing_part"] == [
        ("error", "thanks"),
        ("warning", "personal"),
        ("warning", "invitation"),
    ]


def test_a_part_that_still_stands_in_the_text_is_not_looked_for() -> None:
    text = "Zlyhali sme. Chceme zistiť, čo sa stalo. Ozvite sa nám."
    assert errors(*guard(text, label="complaint")) == {"missing_part"}
    assert guard(text, label="complaint", parts={"apology": "Zlyhali sme."}) == ()
    assert errors(*guard(text, label="complaint", parts={"apology": "Mrzí nás to."})) == {"missing_part"}


def test_the_order_of_the_parts() -> None:
    last = f"Ozvite sa nám na {COMPANY.contact}. Chceme to celé vidieť. A mrzí nás to."
    assert errors(*guard(last, label="complaint")) == {"part_order"}
    early = "Chápeme Vaše rozčúlenie. Mrzí nás to. Ozvite sa nám."
    assert ("part_order", "warning") in [(f.rule, f.severity) for f in guard(early, label="complaint")]


@pytest.mark.parametrize(("language", "other"), tuple(itertools.permutations(LANGUAGES, 2)))
def test_another_language(language: str, other: str) -> None:
    assert "wrong_language" in errors(*guard(GOOD[other], language))


def test_slovak_without_its_own_letters_is_not_refused_for_czech() -> None:
    text = "Prajeme Vám pekný zvyšok dňa, my sa teraz pustíme do práce."
    found = check(
        text,
        language="sk",
        label="neutral",
        rules=ReplyRules(),
        company=COMPANY,
        policy=PolicyOptions(),
        identify=lambda _: "cs",
    )
    assert [(f.rule, f.severity) for f in found] == [("wrong_language", "warning")]


def test_a_short_text_is_not_held_to_its_language() -> None:
    assert guard("OK, thanks a lot!", "hu") == ()


@pytest.mark.parametrize(
    ("language", "offer", "text"),
    [
        ("sk", "refund", "Peniaze Vám vrátime na účet."),
        ("sk", "refund", "Vrátime vám celú sumu."),
        ("sk", "replacement", "Pošleme Vám nový kus."),
        ("sk", "voucher", "Pripravili sme pre Vás poukážku na nákup."),
        ("sk", "voucher", "Doprava bude zadarmo."),
        ("sk", "discount", "Na ďalší nákup dostanete zľavu."),
        ("sk", "call_back", "Zajtra Vám zavoláme."),
        ("sk", "manager", "Ozve sa Vám vedúca predajne."),
        ("cs", "refund", "Vrátíme Vám peníze."),
        ("cs", "replacement", "Výrobek Vám vyměníme."),
        ("cs", "voucher", "Jako omluvu Vám zašleme dárek."),
        ("cs", "discount", "Nabízíme Vám slevu na příští nákup."),
        ("cs", "manager", "Ozve se Vám ředitel."),
        ("hu", "refund", "Visszatérítjük a vételárat."),
        ("hu", "refund", "Visszafizetjük a pénzt."),
        ("hu", "replacement", "Küldünk egy új terméket."),
        ("hu", "voucher", "Küldünk egy utalványt."),
        ("hu", "voucher", "A szállítás ingyenes lesz."),
        ("hu", "discount", "Adunk kedvezményt a következő vásárláshoz."),
        ("hu", "call_back", "Holnap visszahívjuk."),
        ("en", "refund", "We will refund you in full."),
        ("en", "refund", "You'll get your money back."),
        ("en", "replacement", "We'll send you a new one."),
        ("en", "voucher", "We would like to offer you a voucher, so we give you a gift card."),
        ("en", "discount", "You will get a discount."),
        ("en", "call_back", "We'll call you tomorrow."),
        ("en", "manager", "Our manager will contact you."),
    ],
)
def test_promises_need_the_policy(language: str, offer: Offer, text: str) -> None:
    assert errors(*guard(text, language)) == {"unapproved_promise"}
    assert errors(*guard(text, language, offers=(offer,))) == set()
    (finding,) = (f for f in guard(text, language) if f.severity == "error")
    assert finding.excerpt == text and offer in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "Pošleme Vám 50 €.",
        "Dostanete €50.",
        "Je to 1 200,50 Kč.",
        "10 000 Ft-ot adunk.",
        "Dáme 20 % dole.",
        "We pay $50.",
    ],
)
def test_amounts_need_the_policy(text: str) -> None:
    assert errors(*guard(text)) == {"unapproved_promise"}


def test_an_amount_within_the_limit_may_be_named() -> None:
    assert errors(*guard("Pošleme Vám poukaz na 10 €.", offers=("voucher",), voucher_limit=10)) == set()
    assert errors(*guard("Pošleme Vám poukaz na 11 €.", offers=("voucher",), voucher_limit=10)) == {
        "unapproved_promise"
    }
    assert errors(*guard("Pošleme Vám poukaz na 1.200 Kč.", offers=("voucher",), voucher_limit=10)) == {
        "unapproved_promise"
    }


def test_an_amount_that_the_customer_named_is_only_pointed_at() -> None:
    assert [(f.rule, f.severity) for f in guard("Áno, stálo to 35 €.")] == [("unapproved_promise", "warning")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sk", "Odpovieme do 24 hodín."),
        ("cs", "Odpovíme nejpozději v pátek."),
        ("hu", "24 órán belül válaszolunk."),
        ("en", "We answer within 24 hours."),
    ],
)
def test_a_time_that_is_promised_is_pointed_at(language: str, text: str) -> None:
    assert [(f.rule, f.severity) for f in guard(text, language)] == [("deadline_promised", "warning")]


@pytest.mark.parametrize(
    "text",
    [
        "Napíšte kolegyni na eva.mala@inde.example.",
        "Volali sme na 0905 111 222.",
        "Volali sme na +421905111222.",
        "Zavolajte na 0911/234-567.",
        "Objednávku 20261234 sme našli.",
        "Objednávku č. 4417 sme našli.",
        "Objednávku AB-778812 sme našli.",
        "Účet SK31 1200 0000 1987 4263 7541.",
    ],
)
def test_private_data_is_not_shown(text: str) -> None:
    assert errors(*guard(text)) == {"private_data"}


@pytest.mark.parametrize(
    "text",
    [
        "Volajte +421 900 123 456.",
        "Podnet OH-00042.",
        "Volajte 0900 123 456 či +421900123456.",
        "Prišlo 12. 3. 2026 10:30.",
        "V roku 2026 o 9:00.",
        "Krhla XR-55012 príde.",
    ],
)
def test_what_everybody_may_know_may_be_said(text: str) -> None:
    assert errors(*guard(text)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Pozrite https://zle.example/x",
        "Pozrite www.zle.example",
        "Pozrite konkurencia.sk",
        "https://lipka.example.evil.com",
    ],
)
def test_links_elsewhere(text: str) -> None:
    assert errors(*guard(text)) == {"unknown_link"}


@pytest.mark.parametrize(
    "text", ["Viac na https://www.lipka.example/a.", "Viac na lipka.example", "Viac na https://cz.lipka.example/"]
)
def test_links_to_the_company(text: str) -> None:
    assert errors(*guard(text)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Dobrý deň, {name},",
        "Dobrý deň, [MENO],",
        "Dobrý deň, [doplniť meno]",
        "Volajte XXX",
        "TODO: meno",
        "Dobrý deň, ____",
        "Dobrý deň, <meno>",
        "Dobrý deň, %s",
    ],
)
def test_placeholders(text: str) -> None:
    assert errors(*guard(text)) == {"unfilled_slot"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sk", "Ste hlupák."),
        ("sk", "Je to vaša chyba."),
        ("sk", "Mali ste si prečítať podmienky."),
        ("sk", "Klamete."),
        ("cs", "Vy jste ale lhář!"),
        ("cs", "Je to vaše vina."),
        ("cs", "Měl jste si přečíst podmínky."),
        ("hu", "Ez az Ön hibája."),
        ("hu", "Maga hazudik."),
        ("en", "You should have read the terms."),
        ("en", "That is your own fault."),
        ("en", "Do not be stupid."),
    ],
)
def test_insults_and_blame(language: str, text: str) -> None:
    assert errors(*guard(text, language)) == {"insult_or_blame"}


def test_without_a_playbook_of_that_language_the_rest_is_still_checked() -> None:
    found = guard("{name}, 50 € an https://zle.example", "de", "complaint")
    assert errors(*found) >= {"unfilled_slot", "unknown_link", "unapproved_promise"}


@pytest.mark.parametrize(
    "piece", ["a.", "a@", "1 ", "1-", "[", "<a", "1,", "1234", "{", "$1", "w", "a1", ".", " ", "\n"]
)
def test_a_long_hostile_text_costs_no_more_than_a_long_one(piece: str) -> None:
    """Patterns that look back at every letter would need minutes here; the time-out of the test run is the measure."""
    for finding in guard(piece * (40_000 // len(piece)) + "x", limit=50_000):
        assert finding.rule in RULES


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(st.text(), st.text(alphabet="0123456789 .,€$%@[]{}()<>/:-+wOHk\n", max_size=200)),
    language=st.sampled_from([*LANGUAGES, "de", ""]),
    label=st.sampled_from(LABELS),
)
def test_no_text_makes_it_raise(text: str, language: str, label: Label) -> None:
    for finding in guard(text, language, label):
        assert finding.rule in RULES
        assert finding.message
        assert len(finding.excerpt) <= 120
