"""How long the customer has waited: read where he surely says so, written with the right ending."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.playbook import Units, Waiting
from responders.waiting import UNITS, Waited, in_words, waited

SK = Waiting(
    cues=("čaká", "bez_odpovede"),
    numbers={"jeden": 1, "už": 1, "celý": 1, "dva": 2, "dve": 2, "tri": 3, "päť": 5},
    hour=Units(cues=("hodin",), forms=("hodinu", "hodiny", "hodín")),
    day=Units(cues=("deň!", "dni!", "dní!"), forms=("deň", "dni", "dní")),
    week=Units(cues=("týžd",), forms=("týždeň", "týždne", "týždňov")),
    month=Units(cues=("mesiac",), forms=("mesiac", "mesiace", "mesiacov")),
)
HU = Waiting(
    cues=("vár", "nem_válaszol"),
    numbers={"egy": 1, "két": 2, "három": 3},
    week=Units(cues=("het", "hét"), forms=("hete",)),
)
EN = Waiting(
    cues=("wait", "no_answer/reply"),
    numbers={"a": 1, "one": 1, "two": 2},
    day=Units(cues=("day",), forms=("day", "days")),
    week=Units(cues=("week",), forms=("week", "weeks")),
)


@pytest.mark.parametrize(
    ("text", "waiting", "told"),
    [
        ("Čakám už tri týždne na balík!", SK, "3 týždne"),
        ("Balík nikde. ČAKÁM 5 DNÍ a nič", SK, "5 dní"),
        ("čakáme už mesiac", SK, "1 mesiac"),
        ("Čakám už 5 dní, hoci zákon na to dáva len 30 dní.", SK, "5 dní"),
        ("Na vrátenie mali 14 dní, nič neprišlo a teraz na tie peniaze čakám už 2 mesiace.", SK, "2 mesiace"),
        ("2 týždne bez odpovede", SK, "2 týždne"),
        ("Cakam na vas dva tyzdne", SK, "2 týždne"),
        ("2 hete várok", HU, "2 hete"),
        ("Két hete várom a csomagot.", HU, "2 hete"),
        ("Waiting for 10 days now", EN, "10 days"),
        ("no reply in a week", EN, "1 week"),
        ("10days of waiting", EN, "10 days"),
    ],
)
def test_read_from_the_customers_words(text: str, waiting: Waiting, told: str) -> None:
    language = {id(SK): "sk", id(HU): "hu", id(EN): "en"}[id(waiting)]
    time = waited(text, waiting)
    assert time is not None and in_words(time, waiting, language) == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Kúpil som ho pred 3 týždňami.",
        "Čakám 2-3 týždne.",
        "Čakám 2,5 týždňa.",
        "Čakám už 3. týždeň.",
        "Čakám 5 dní, či 3 týždne?",
        "Čakám 37 mesiacov.",
        "Čakám 0 dní.",
        "Čakám 99999999 hodín.",
        "Čakám celé týždne.",
        "Čakám už týždne.",
        "Čakám. Tri týždne fungoval.",
        "Čakám, že s tým niečo urobíte, lebo vysávač sa pokazil už po tom, čo 3 týždne fungoval.",
        "Stále čakám na 3 kusy.",
    ],
)
def test_nothing_is_said_where_it_is_not_sure(text: str) -> None:
    assert waited(text, SK) is None


def test_the_longest_time_that_may_be_meant() -> None:
    assert waited("Čakám 36 mesiacov.", SK) == Waited(36, "month")
    assert waited("Čakám 3 dni. Naozaj čakám 3 dni!", SK) == Waited(3, "day")


@pytest.mark.parametrize(
    ("language", "forms", "counted"),
    [
        ("sk", ("týždeň", "týždne", "týždňov"), ["1 týždeň", "2 týždne", "4 týždne", "5 týždňov", "22 týždňov"]),
        ("cs", ("týden", "týdny", "týdnů"), ["1 týden", "2 týdny", "4 týdny", "5 týdnů", "22 týdnů"]),
        (
            "pl",
            ("tydzień", "tygodnie", "tygodni"),
            ["1 tydzień", "2 tygodnie", "4 tygodnie", "5 tygodni", "22 tygodnie"],
        ),
        ("hu", ("hete",), ["1 hete", "2 hete", "4 hete", "5 hete", "22 hete"]),
        ("en", ("week", "weeks"), ["1 week", "2 weeks", "4 weeks", "5 weeks", "22 weeks"]),
        ("de", ("Woche", "Wochen"), ["1 Woche", "2 Wochen", "4 Wochen", "5 Wochen", "22 Wochen"]),
        ("qq", ("week", "weeks"), ["1 week", "2 weeks", "4 weeks", "5 weeks", "22 weeks"]),
    ],
)
def test_written_in_the_plural_of_the_language(language: str, forms: tuple[str, ...], counted: list[str]) -> None:
    waiting = Waiting(cues=("x",), week=Units(cues=("x",), forms=forms))
    assert [in_words(Waited(count, "week"), waiting, language) for count in (1, 2, 4, 5, 22)] == counted
    assert in_words(Waited(2, "day"), waiting, language) == ""


@given(st.text(alphabet="čakám už3 týždne.,-1 hodin\n", max_size=60))
def test_whatever_is_read_can_be_written(text: str) -> None:
    time = waited(text, SK)
    assert time is None or (time.unit in UNITS and in_words(time, SK, "sk"))
