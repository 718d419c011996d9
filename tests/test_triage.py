from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.classify.reading import added_to, read
from monitor.model import CORRECTED, LABELS, Label, Mention, Priority, Reason, Triage, Verdict
from monitor.options import TriageOptions
from monitor.triage import REASON_CODES, is_own, label_for_reply, off_topic, triage

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
LONG = "Kytica prišla zvädnutá a nikto mi nezdvihol telefón."


def mention(text: str = LONG, **fields: Any) -> Mention:
    values = {"source": "reviews", "id": "1", "author": "Oľga Mrkvičková", "created_at": NOW - timedelta(days=1)}
    return Mention(text=text, **{**values, **fields})


def verdict(label: Label = "complaint", *, unsure: bool = False, language: str = "sk") -> Verdict:
    return Verdict(label=label, confidence=0.55 if unsure else 0.93, unsure=unsure, language=language)


def judge(
    about: Mention,
    said: Verdict,
    *,
    own_names: tuple[str, ...] = ("Kvety Púpava",),
    **options: Any,
) -> Triage:
    return triage(about, said, options=TriageOptions(**options), own_names=own_names, now=NOW)


def judge_text(text: str, said: Verdict, **fields: Any) -> Triage:
    """With everything that is read in the text."""
    options = {name: fields.pop(name) for name in ("brand", "off_topic") if name in fields}
    return judge(mention(text, **fields), added_to(said, text), **options)


def told(result: Triage) -> tuple[str, Priority, str, str]:
    return (result.action, result.priority, result.reason.code, result.reason.detail)


@pytest.mark.parametrize("author", ["Kvety Púpava", "KVETY PUPAVA", "@kvety_pupava", " kvety púpava "])
def test_own_posts_are_never_answered(author: str) -> None:
    assert told(judge(mention(author=author), verdict())) == ("skip", Priority.LOW, "own_post", author)


def test_a_nameless_author_is_not_the_company() -> None:
    assert not is_own("", ("", "!"))
    assert not is_own("!!", ("?",))


def test_what_is_answered_is_not_answered_again() -> None:
    assert told(judge(mention(reply="Dobrý deň, ..."), verdict())) == ("note", Priority.LOW, "already_answered", "")


def test_old_mentions_are_only_kept() -> None:
    old = mention(created_at=NOW - timedelta(days=400))
    assert told(judge(old, verdict())) == ("note", Priority.LOW, "too_old", "400")
    assert judge(old, verdict(), oldest_days=float("inf")).action == "reply"
    assert judge(mention(created_at=NOW + timedelta(days=2)), verdict()).action == "reply"


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        (1.0, ("reply", Priority.NORMAL, "only_low_stars", "1")),
        (2.0, ("reply", Priority.NORMAL, "only_low_stars", "2")),
        (3.0, ("note", Priority.LOW, "only_stars", "3")),
        (4.5, ("note", Priority.LOW, "only_stars", "4.5")),
        (None, ("skip", Priority.LOW, "nothing_written", "")),
    ],
)
def test_stars_without_a_text(rating: float | None, expected: tuple[str, Priority, str, str]) -> None:
    assert told(judge(mention(" \n", rating=rating), verdict("neutral"))) == expected


@pytest.mark.parametrize(
    ("said", "rating", "expected"),
    [
        (verdict("complaint"), None, ("reply", Priority.HIGH, "complaint", "")),
        (verdict("complaint"), 1.0, ("reply", Priority.HIGH, "complaint", "")),
        (verdict("complaint"), 5.0, ("reply", Priority.NORMAL, "complaint_despite_stars", "5")),
        (verdict("praise"), None, ("reply", Priority.LOW, "praise", "")),
        (verdict("praise"), 1.0, ("reply", Priority.HIGH, "low_stars", "1")),
        (verdict("neutral"), None, ("note", Priority.LOW, "neutral", "")),
        (verdict("neutral"), 2.0, ("reply", Priority.HIGH, "low_stars", "2")),
        (verdict("neutral"), 5.0, ("note", Priority.LOW, "neutral", "")),
        (verdict("complaint", unsure=True), None, ("reply", Priority.HIGH, "unsure", "55%")),
        (verdict("praise", unsure=True), None, ("reply", Priority.NORMAL, "unsure", "55%")),
        (verdict("neutral", unsure=True), None, ("reply", Priority.NORMAL, "unsure", "55%")),
        (verdict("praise", unsure=True), 5.0, ("reply", Priority.NORMAL, "unsure", "55%")),
    ],
)
def test_verdict_and_stars(said: Verdict, rating: float | None, expected: tuple[str, Priority, str, str]) -> None:
    assert told(judge(mention(rating=rating), said)) == expected


@pytest.mark.parametrize(
    ("said", "rating", "label"),
    [
        (verdict("praise"), 1.0, "complaint"),
        (verdict("praise"), 5.0, "praise"),
        (verdict("praise", unsure=True), None, "neutral"),
        (verdict("neutral", unsure=True), None, "neutral"),
        (verdict("complaint", unsure=True), None, "complaint"),
        (replace(verdict("complaint", unsure=True), confidence=0.37), None, "neutral"),
        (verdict("praise", unsure=True), 5.0, "praise"),
        (verdict("complaint"), 5.0, "complaint"),
        (verdict("neutral"), None, "neutral"),
    ],
)
def test_how_an_answer_has_to_sound(said: Verdict, rating: float | None, label: Label) -> None:
    assert label_for_reply(mention(rating=rating), said) == label


def test_nobody_who_only_asks_is_apologised_to() -> None:
    asks = mention("Viete mi povedať, či sa dajú dokúpiť náhradné tyčky?")
    assert label_for_reply(asks, verdict("complaint", unsure=True)) == "neutral"
    assert told(judge(asks, verdict("complaint", unsure=True)))[0] == "reply"


def test_questions() -> None:
    question = mention("Donášate aj v nedeľu?")
    assert told(judge(question, verdict("neutral"))) == ("note", Priority.NORMAL, "question", "")
    assert told(judge(question, verdict("neutral"), reply_to=("neutral",)))[0] == "reply"
    assert told(judge(question, verdict("praise"))) == ("reply", Priority.NORMAL, "praise_with_question", "")


def test_the_configuration_decides_what_is_answered() -> None:
    assert told(judge(mention(), verdict("praise"), reply_to=("complaint",))) == (
        "note",
        Priority.LOW,
        "not_wanted",
        "praise",
    )
    assert told(judge(mention(), verdict("praise", unsure=True), reply_to=("praise",)))[0] == "note"


@pytest.mark.parametrize(
    ("language", "text", "code", "word"),
    [
        ("sk", "Váza praskla a skončila som v nemocnici.", "urgent_safety", "nemocnici"),
        ("sk", "Ak to nevyriešite, podám to na súd!", "urgent_legal", "na súd"),
        ("cs", "Obrátím se na ČOI.", "urgent_legal", "ČOI"),
        ("cs", "Lampa začala hořet, byl to pořádný zkrat.", "urgent_safety", "zkrat"),
        ("cs", "Napíšu o vás do novin.", "urgent_media", "do novin"),
        ("hu", "Ügyvédhez fordulok, ez csalás!", "urgent_legal", "Ügyvédhez, csalás"),
        ("hu", "A lányom kórházba került az allergiás reakció miatt.", "urgent_safety", "kórházba, allergiás"),
        ("en", "The lamp caught fire.", "urgent_safety", "caught fire"),
        ("en", "See you in court, scammers.", "urgent_legal", "in court, scammers"),
        ("", "Az ügyvédem jelentkezni fog.", "urgent_legal", "ügyvédem"),
    ],
)
def test_urgent_words(language: str, text: str, code: str, word: str) -> None:
    assert told(judge_text(text, verdict(language=language))) == ("reply", Priority.URGENT, code, word)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("cs", "Police dorazila poškozená, v polici je díra."),
        ("sk", "Trvalo to otravne dlho a urazil ma váš tón."),
        ("cs", "Sud piva byl prázdný."),
        ("sk", "Skrátka, nikdy viac. Televízor nejde."),
        ("hu", "A sajtos pogácsa száraz volt."),
        ("en", "Poor hospitality, and I want to pursue a refund."),
        ("sk", "Spotrebič nefunguje."),
    ],
)
def test_words_that_only_look_urgent(language: str, text: str) -> None:
    assert not read(text, language).urgency


def test_the_gravest_word_is_told() -> None:
    result = judge_text("Volám políciu, mám popálené ruky!", verdict())
    assert (result.reason.code, result.reason.detail) == ("urgent_safety", "popálené")


def test_an_urgent_word_in_praise_is_no_alarm_and_in_a_polite_question_is_one() -> None:
    assert judge_text("Kytica potešila mamu v nemocnici.", verdict("praise")).priority is Priority.LOW
    polite = judge_text("Som novinárka a rada by som sa opýtala na zber kvetov.", verdict("neutral"))
    assert told(polite) == ("reply", Priority.HIGH, "urgent_media", "novinárka")


@pytest.mark.parametrize(
    ("text", "said", "rating", "expected"),
    [
        ("Už tretíkrát vám píšem.", verdict(), None, (Priority.HIGH, "urgent_repeated")),
        ("Už tretíkrát vám píšem.", verdict(unsure=True), None, (Priority.HIGH, "urgent_repeated")),
        ("Už tretíkrát vám píšem.", verdict(), 5.0, (Priority.HIGH, "urgent_repeated")),
        ("Už tretíkrát vám píšem, peniaze ste mi strhli.", verdict(), None, (Priority.URGENT, "urgent_money")),
        ("Potrebujem to do piatku, prečo mlčíte.", verdict(), None, (Priority.HIGH, "urgent_deadline")),
        ("Už tretíkrát vám píšem.", verdict("neutral"), None, (Priority.HIGH, "urgent_repeated")),
    ],
)
def test_what_cannot_wait(text: str, said: Verdict, rating: float | None, expected: tuple[Priority, str]) -> None:
    result = judge_text(text, said, rating=rating)
    assert (result.action, result.priority, result.reason.code) == ("reply", *expected)


def test_a_question_that_names_a_day_is_a_question() -> None:
    result = judge_text("Potrebujem to do piatku, stihnete to?", verdict("neutral"))
    assert told(result) == ("note", Priority.NORMAL, "question", "")


ADVERT = "Predám nepoužitý varič, cena 20 €."


def test_what_is_not_for_us_is_set_aside() -> None:
    assert told(judge_text(ADVERT, verdict("neutral"))) == ("skip", Priority.LOW, "classified_advert", "Predám, 20 €")
    assert told(judge_text(ADVERT, verdict()))[0] == "skip"


def test_a_review_with_few_stars_a_danger_and_a_correction_are_never_set_aside() -> None:
    assert judge_text(ADVERT, verdict(), rating=1.0).action == "reply"
    assert judge_text(ADVERT + " Dostal som z neho úraz.", verdict()).action == "reply"
    corrected = replace(verdict(), reasons=(Reason(code=CORRECTED, detail="jana"),))
    assert judge_text(ADVERT, corrected).action == "reply"


@pytest.mark.parametrize(
    ("text", "rating", "words"),
    [
        ("Púpava kvitne v apríli.", None, "kvitne"),
        ("Z púpavy robíme MED. Pupava lekarska je na jar všade", None, "med, lekarska"),
        ("Púpava mi poslala zvädnutú kyticu.", None, ""),
        ("Púpava kvitne v apríli. Púpava mi poslala zvädnutú kyticu.", None, ""),
        ("Púpava kvitne v apríli.", 4.0, ""),
        ("Kvitne to v apríli.", None, ""),
        ("Medzi kvetmi je púpava.", None, ""),
    ],
)
def test_the_name_may_mean_something_else(text: str, rating: float | None, words: str) -> None:
    options = {"brand": ("Púpava", "púpavy"), "off_topic": ("med", "kvitne", "lekárska")}
    result = judge_text(text, verdict("neutral"), rating=rating, **options)
    assert (result.reason.detail if result.reason.code == "off_topic" else "") == words


def test_a_phrase_is_taken_literally() -> None:
    options = TriageOptions(brand=("a.b*",), off_topic=("vitamín c",))
    assert off_topic("A.b* je vitamín   C", options) == "vitamin   c"
    assert off_topic("axbb je vitamín c", options) == ""
    assert off_topic("a.b* je vitamín c", TriageOptions()) == ""


@given(
    text=st.text(max_size=60),
    rating=st.none() | st.floats(1, 5),
    label=st.sampled_from(LABELS),
    unsure=st.booleans(),
    days=st.floats(-10, 1000),
)
def test_every_reason_has_words_and_no_doubt_is_dropped(
    text: str, rating: float | None, label: Label, unsure: bool, days: float
) -> None:
    about = mention(text, rating=rating, created_at=NOW - timedelta(days=days))
    result = judge(about, verdict(label, unsure=unsure))
    assert result.reason.code in REASON_CODES
    if days <= 365 and text.strip() and (unsure or label == "complaint"):
        assert result.action == "reply"


def test_an_unknown_reason_would_be_seen() -> None:
    assert all(code == code.lower() and code.replace("_", "").isalpha() for code in REASON_CODES)
    assert Reason(code="complaint").code in REASON_CODES


def test_what_does_not_name_the_company_is_set_aside_unless_a_person_said_what_it_is() -> None:
    why = Reason(code="not_named", detail="Púpava")
    corrected = replace(verdict(), reasons=(Reason(code=CORRECTED, detail="Alžbeta"),))
    for said, action in ((verdict(), "skip"), (corrected, "reply")):
        options = TriageOptions()
        assert triage(mention(), said, options=options, own_names=(), now=NOW, not_ours=why).action == action
