"""The guard's rules on manners, competitors, the law, repetition, colleagues' names, and lengths as platforms count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.contract import ReplyRules
from monitor.model import Label, Mention
from monitor.options import Allowance, CompanyOptions, PolicyOptions
from responders.cues import occurs, pieces, spans, unless_negated
from responders.guard import check
from responders.length import measure

COMPANY = CompanyOptions(
    name="Lipka", signature="Jana", contact="pomoc@lipka.example", website="lipka.example", competitors=("Domáčik",)
)
WRITTEN = Mention(
    source="shop",
    id="1",
    author="Zuzana Hrivnáková",
    text="Pani Kováčová na mňa kričala. Objednávka 44 17 82.",
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
)


def errors(text: str, language: str = "sk", label: Label = "neutral", **changes: Any) -> set[str]:
    options: dict[str, Any] = {"rules": ReplyRules(), "company": COMPANY, "policy": PolicyOptions(may_offer=())}
    found = check(text, language=language, label=label, **(options | changes))
    return {finding.rule for finding in found if finding.severity == "error"}


# ------------------------------------------------------------------------------ manners
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sk", "A čo ste čakali za tie peniaze?"),
        ("cs", "Gratulujeme, jste první, komu se to povedlo."),
        ("hu", "Mégis mit várt ennyi pénzért?"),
        ("en", "Thank you for the lecture."),
        ("de", "Was haben Sie denn erwartet?"),
        ("pl", "A czego się Pani spodziewała?"),
    ],
)
def test_mockery(language: str, text: str) -> None:
    assert errors(text, language) == {"sarcasm"}


@pytest.mark.parametrize(
    ("text", "ill"),
    [
        ("U Domáčika predávajú len šrot.", True),
        ("DOMACIK zákazníkov okráda.", True),
        ("Domáčik je samostatná firma.", False),
        ("Ten šrot odvezieme. Domáčik s tým nesúvisí.", False),
    ],
)
def test_a_competitor_is_not_slandered(text: str, ill: bool) -> None:
    assert ("slander" in errors(text)) is ill


def test_the_blame_of_one_clause_is_not_excused_by_the_negation_of_another() -> None:
    assert errors("Nie je to naša chyba, chyba je na Vašej strane.") == {"insult_or_blame"}
    assert errors("Nie je to Vaša chyba, chyba je na našej strane.") == set()
    assert errors("Vaša chyba to nebola.") == set()


# ------------------------------------------------------------------------------ what lawyers forbid
def test_liability_is_admitted_only_where_the_policy_lets_it() -> None:
    text = "Zodpovedáme za škodu v plnom rozsahu."
    assert errors(text) == {"admission"}
    assert errors(text, policy=PolicyOptions(may_admit=True)) == set()
    assert errors("Za škodu, ktorú spôsobil dopravca, nezodpovedáme.") == set()


@pytest.mark.parametrize(
    ("language", "phrase", "text", "said"),
    [
        ("sk", "žaloba", "So ŽALOBOU počkajte.", True),
        ("sk", "žaloba", "Zalohujte si telefón.", False),
        ("sk", "súd", "Na súde aj na súdoch.", True),
        ("sk", "súd", "Súdruhovia prišli.", False),
        ("sk", "právny zástupca", "Píšte právnemu zástupcovi.", True),
        ("sk", "právny zástupca", "Zástupca má právny názor.", False),
        ("hu", "kártérítés", "A kártérítésünkről írtunk.", True),
        ("en", "lawsuit", "No lawsuits, please.", True),
        ("pl", "pozew", "Z pozwem prosimy poczekać.", True),
        ("pl", "pozew", "Poza tym dziękujemy.", False),
        ("de", "Klage", "Bitte keine Klagen.", True),
    ],
)
def test_forbidden_words_are_found_with_any_ending(language: str, phrase: str, text: str, said: bool) -> None:
    found = errors(text, language, policy=PolicyOptions(never_say=(phrase,)))
    assert ("forbidden_words" in found) is said


# ------------------------------------------------------------------------------ repetition
EARLIER = (
    "Dobrý deň, mrzí nás to. Chceme zistiť, čo sa stalo pri doručení. Ozvite sa nám prosím na pomoc@lipka.example."
)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        (EARLIER, True),
        (EARLIER.replace("Dobrý deň", "Dobrý deň, pani Zuzana"), True),
        (
            EARLIER
            + " Medzitým sme volali dopravcovi. Balík je v Žiline a zajtra príde. Prepáčte nám to dlhé zdržanie.",
            False,
        ),
        ("Dobrý deň, mrzí nás to. Balík sme našli v Žiline.", False),
    ],
)
def test_the_last_replies_are_not_repeated(text: str, again: bool) -> None:
    assert ("repetition" in errors(text, earlier=["Ďakujeme.", EARLIER])) is again


# ------------------------------------------------------------------------------ private
@pytest.mark.parametrize(
    ("text", "label", "private"),
    [
        ("S pani Kováčovou sme hovorili.", "complaint", True),
        ("Kováčová má dnes voľno.", "complaint", True),
        ("Pani Kováčovej pochvalu odovzdáme.", "praise", False),
        ("Dobrý deň, pani Hrivnáková, ďakujeme.", "complaint", False),
        ("Pekný deň praje Jana", "complaint", False),
        ("Zásielka 44-17-82 je na ceste.", "complaint", True),
        ("Píšte na jana (zavináč) lipka.example", "neutral", True),
        ("Nájdete nás na Hlavnej 12, 811 01 Bratislava.", "neutral", False),
    ],
)
def test_names_of_colleagues_and_hidden_numbers(text: str, label: Label, private: bool) -> None:
    assert ("private_data" in errors(text, label=label, mention=WRITTEN)) is private


def test_other_accounts_are_unknown_and_the_customers_own_is_not() -> None:
    mention = Mention(source="x", id="1", author="@zuzka_h", text="…", created_at=WRITTEN.created_at)
    assert errors("@zuzka_h ďakujeme!", mention=mention) == set()
    assert errors("Píšte na @lipka_podvod.", mention=mention) == {"unknown_link"}
    assert errors("Mrzí nás to.To je všetko.") == set(), "a forgotten space makes no link"


def test_facts_of_the_company_may_be_said() -> None:
    text = "Doprava nad 50 € stojí 0 €, volajte 02/123 456 78 alebo píšte na reklamacie@lipka.example."
    known = ["nad 50 € stojí 0 €", "02/123 456 78", "reklamacie@lipka.example"]
    assert errors(text) == {"private_data", "unapproved_promise"}
    assert errors(text, known=known) == set()


# ------------------------------------------------------------------------------ promises
def test_what_is_refused_is_not_promised() -> None:
    assert errors("Poukaz Vám, žiaľ, dať nemôžeme.") == set()
    assert errors("Poukaz Vám dať nemôžeme, ale peniaze Vám vrátime.") == {"unapproved_promise"}


def test_an_allowance_stands_before_the_policy() -> None:
    text = "Pošleme Vám poukaz na 10 €."
    policy = PolicyOptions(may_offer=("voucher",), voucher_limit=10)
    assert errors(text, policy=policy) == set()
    assert errors(text, policy=policy, allowed=_Less()) == {"unapproved_promise"}


class _Less:
    may_offer = Allowance(may_offer=("call_back",)).may_offer or ()
    voucher_limit = 10.0


# ------------------------------------------------------------------------------ lengths
@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("abc áéő", 7),
        ("漢字", 4),
        ("👍🏽", 2),
        ("👨‍👩‍👧", 2),
        (f"viac na https://www.lipka.example.com/{'a' * 80}", 8 + 23),
        ("e\u0301", 1),
        ("\ud800", 1),
        ("a" * 5000, 5000),
    ],
)
def test_weight_as_x_counts_it(text: str, weight: int) -> None:
    assert measure("weighted")(text) == weight


def test_bluesky_limits_letters_and_bytes() -> None:
    rules = ReplyRules(max_length=300, unit="graphemes", max_bytes=3000)
    assert errors("a" * 300, "xx", rules=rules) == set()
    assert errors("a" * 301, "xx", rules=rules) == {"too_long"}
    assert errors("👨‍👩‍👧" * 200, "xx", rules=rules) == {"too_long"}, "200 letters, but 3600 bytes"


def test_x_takes_one_cashtag() -> None:
    rules = ReplyRules(max_length=280, unit="weighted", max_cashtags=1)
    assert "too_many_cashtags" not in errors("Za $20, či $EUR?", "xx", rules=rules)
    assert "too_many_cashtags" in errors("Vrátime $EUR aj $CZK.", "xx", rules=rules)
    assert "too_many_cashtags" not in errors("Vrátime $EUR aj $CZK.", "xx")


# ------------------------------------------------------------------------------ cues
@pytest.mark.parametrize(
    ("cue", "text", "found"),
    [
        ("pre_vás|od_nás poukaz", "Poukaz je od nás.", True),
        ("pre_vás|od_nás poukaz", "Poukaz je pre nás.", False),
        ("dáme ~vedieť", "Dáme Vám poukaz.", True),
        ("dáme ~vedieť", "Dáme Vám vedieť.", False),
        ("~vedieť", "Dáme Vám poukaz.", False),
        ("zlot", "Dziesięć złotych.", True),
    ],
)
def test_phrases_and_words_that_must_not_occur(cue: str, text: str, found: bool) -> None:
    assert occurs((cue,), spans(text)[0]) is found


def test_negations_count_beside_a_cue_only() -> None:
    (span,) = spans("To nie je vaša chyba, no potom a ešte neskôr to bola zase a znova vaša chyba.")
    assert list(unless_negated(("vaša_chyba",), ("nie!",), [span])) == [span]
    (span,) = spans("To nie je vaša chyba.")
    assert list(unless_negated(("vaša_chyba",), ("nie!",), [span])) == []


def test_a_sentence_is_cut_where_it_turns() -> None:
    (span,) = spans("Peniaze nevieme vrátiť, ale poukaz pošleme.")
    assert [" ".join(piece.words) for piece in pieces(span, ("nevieme",), ("ale!",))] == ["ale poukaz posleme"]
