"""Nobody is asked for an order number that he has given: in this mention, elsewhere in the matter, or through the
platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from monitor.case_options import CaseOptions
from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import ReplyRules
from monitor.deciding import guard_of, rewriting, written_beside
from monitor.desk import Desk
from monitor.model import GivenOrder
from monitor.options import CompanyOptions, Config, PolicyOptions
from monitor.orders import given_order
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from monitor.writing import brief_of
from responders.draft import compose
from responders.guard import check
from responders.llm.prompt import prompt
from responders.playbook import ASPECTS, CHANNELS, URGENCIES, Playbook, Sentence, load
from tests import made
from tests.made import NOON, arrive
from tests.small_playbook import mention, verdict

LANGUAGES = ("sk", "cs", "hu", "de", "pl", "en")
COMPANY = CompanyOptions(name="Lipka", signature="Jana", contact="pomoc@lipka.example")
NUMBER = "2024-11380"
KNOWN = (GivenOrder(known=True), GivenOrder(known=True, number=NUMBER))
SAID = {
    "sk": f"Objednávka č. {NUMBER} neprišla.",
    "cs": f"Objednávka č. {NUMBER} nepřišla.",
    "hu": f"A {NUMBER} számú rendelés nem jött meg.",
    "de": f"Bestellnummer {NUMBER}: das Paket kam nie an.",
    "pl": f"Zamówienie nr {NUMBER} nie przyszło.",
    "en": f"Order no. {NUMBER} never arrived.",
}
ASKS = {  # however a person may put it
    "sk": ("Pošlite nám, prosím, číslo objednávky.", "Aké je číslo objednávky?", "Napíšte nám číslo objednávky."),
    "cs": ("Sdělte nám prosím číslo objednávky.", "Jaké je číslo vaší objednávky?", "Potřebujeme číslo objednávky."),
    "hu": ("Kérjük, küldje el a rendelésszámot.", "Adja meg a rendelési számot!", "Szükségünk van a rendelésszámra."),
    "de": ("Bitte nennen Sie uns die Bestellnummer.", "Wie lautet Ihre Bestellnummer?"),
    "pl": ("Prosimy o podanie numeru zamówienia.", "Jaki jest numer zamówienia?", "Podaj numer zamówienia."),
    "en": ("Please send us your order number.", "What is your order number?", "Could you share the order number?"),
}


def asks(text: str, playbook: Playbook, known: bool = True) -> list[str]:
    """What the guard finds in the text, where a number was given or not."""
    found = check(
        text,
        language=playbook.language,
        label="neutral",
        rules=ReplyRules(),
        company=COMPANY,
        policy=PolicyOptions(),
        playbook=playbook,
        order=GivenOrder(known=known),
    )
    return [one.severity for one in found if one.rule == "asks_again"]


def sentences(playbook: Playbook) -> Iterator[Sentence]:
    """Every variant of every part of every kind of reply."""
    groups = (playbook.complaint, playbook.praise, playbook.neutral, playbook.acknowledgement)
    for bank in (getattr(group, name) for group in groups for name in type(group).model_fields):
        for variants in bank.values() if isinstance(bank, dict) else (bank,):
            yield from variants


@pytest.mark.parametrize(("language", "formal"), list(product(LANGUAGES, (True, False))))
def test_no_sentence_that_may_be_used_then_asks_for_the_number(language: str, formal: bool) -> None:
    playbook = load(language, formal=formal)
    asking = [one for one in sentences(playbook) if asks(one.text, playbook)]
    assert len(asking) >= 6, "the sentences that ask are recognised"
    assert [one.text for one in asking if "order_known" not in one.unless] == []
    telling = [one for one in sentences(playbook) if "order_known" in one.when]
    assert len(telling) >= 5 and any("order" in one.slots for one in telling)
    assert all(asks(one.text, playbook, known=False) == [] for one in asking)


@pytest.mark.parametrize(("language", "formal"), list(product(LANGUAGES, (True, False))))
def test_no_draft_asks_for_a_number_that_was_given(language: str, formal: bool) -> None:
    playbook = load(language, formal=formal)
    named = 0
    situations = list(product(ASPECTS, CHANNELS, ("", *URGENCIES), KNOWN, range(3)))
    for aspect, channel, urgency, order, seed in situations[formal::29]:  # every one of them would take minutes
        about = mention(id=str(seed))
        judged = verdict("complaint", aspect, urgency=(urgency,) if urgency else ())
        rules = ReplyRules(max_length=(5000, 280, 500)[seed], channel=channel)
        made = compose(
            about,
            judged,
            playbook=playbook,
            company=replace_contact(seed),
            policy=PolicyOptions(),
            rules=rules,
            order=order,
        )
        found = check(
            made.text,
            language=language,
            label="complaint",
            rules=rules,
            company=replace_contact(seed),
            policy=PolicyOptions(),
            parts=made.parts,
            mention=about,
            playbook=playbook,
            order=order,
        )
        assert found == (), (aspect, channel, urgency, made.text)
        assert NUMBER not in made.text or (channel == "mail" and order.number), made.text
        named += NUMBER in made.text
    assert named, "in a letter the order is named"


def replace_contact(seed: int) -> CompanyOptions:
    """Every third company says nowhere how to reach it."""
    return COMPANY if seed % 3 else COMPANY.model_copy(update={"contact": ""})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_that_asks_all_the_same_is_marked_and_not_refused(language: str) -> None:
    playbook = load(language)
    assert [asks(text, playbook) for text in ASKS[language]] == [["warning"]] * len(ASKS[language])
    assert [asks(text, playbook, known=False) for text in ASKS[language]] == [[]] * len(ASKS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_customer_has_given(language: str) -> None:
    about, silent = mention(SAID[language]), mention("…")
    assert given_order(about) == GivenOrder(known=True, number=NUMBER)
    assert given_order(silent) == GivenOrder()
    assert given_order(silent, [silent, about]) == GivenOrder(known=True), "others may read those of other places"
    assert given_order(mention("…", raw={"orderId": "77123"})).number == "77123"
    two = mention(f"{SAID[language]} {SAID[language].replace('11380', '11381')}")
    assert given_order(two) == GivenOrder(known=True), "nobody knows which of them is meant"
    assert given_order(mention("SV-123456"), pattern=r"SV-\d{6}").number == "SV-123456"


@pytest.mark.parametrize("join_by", [(), ("thread",)])
async def test_a_number_given_before_is_known_in_the_same_matter(tmp_path: Path, join_by: tuple[str, ...]) -> None:
    """Whether both are one case or only one conversation; what others write in it counts for nothing."""
    config = Config(company=COMPANY, cases=CaseOptions.model_validate({"join_by": join_by}))
    desk = Desk(config, EmbeddedClassifier.load(languages=("sk",)), {})
    store = SqliteStore(tmp_path / "ohlas.db")
    later = {"created_at": NOON + timedelta(hours=1), "thread": "m1"}
    arrive(
        store,
        made.mention(1, author="Zuzana Kráľová", text=f"Balík stále neprišiel, je to hanba. {SAID['sk']}"),
        made.mention(2, author="Peter Malý", text="Balík neprišiel ani mne a nikto sa neozýva.", **later),
        made.mention(3, author="Zuzana Kráľová", text="Balík stále neprišiel, je to hrozné.", **later),
    )
    while await Pipeline(store, desk, lambda: NOON).step():
        pass
    drafts = {store.views.matter(one).mention.id: store.drafts.get(one) for one in (1, 2, 3)[: 3 if not join_by else 2]}
    playbook = load("sk")
    assert asks(drafts["m2"].text, playbook) == ["warning"], "nothing is known of Peter's"
    assert not any(one.rule == "asks_again" for one in drafts["m2"].findings)
    last = drafts["m1" if join_by else "m3"]
    assert "číslo objednávky už máme" in last.text.casefold() and NUMBER not in last.text
    assert asks(last.text, playbook) == []
    found = guard_of(desk, store)(last, ASKS["sk"][0], "Jana")
    assert [one.severity for one in found if one.rule == "asks_again"] == ["warning"]
    rewritten = rewriting(desk, store)(last, "ours", "Jana")
    assert rewritten is not None and asks(rewritten.composition.text, playbook) == []
    beside = written_beside(store, last)
    brief = brief_of(desk, last, store.views.matter(last.id), beside=beside)
    assert "never ask for it" in prompt(brief, "FENCE").system
    assert "never ask for it" not in prompt(brief_of(desk, drafts["m2"], store.views.matter(2)), "FENCE").system
    store.close()
