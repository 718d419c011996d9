"""What kind of case a mention is, and by which of its words each part of the reply is picked."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.contract import ReplyRules
from monitor.model import Label
from responders.playbook import FAULTS, SITUATIONS
from responders.situation import Situation, understand
from tests.small_playbook import mention, playbook, verdict

CUES = {"ours": ["broken_in_transit"], "not_ours": ["my_fault"], "misunderstanding": ["thought_it_was"]}
WAITING = {"cues": ["wait"], "numbers": {"two": 2}, "week": {"cues": ["week"], "forms": ["week", "weeks"]}}
BOOK = playbook(recognise=CUES, waiting=WAITING)


def situation(text: str = "…", label: Label = "complaint", *aspects: str, fault: str = "", **said: Any) -> Situation:
    rules = said.pop("rules", ReplyRules())
    about = mention(text, rating=said.pop("rating", None), title=said.pop("title", ""))
    return understand(about, verdict(label, *aspects, **said), playbook=BOOK, rules=rules, fault=fault)


def test_everything_is_read_from_the_mention_and_its_verdict() -> None:
    found = situation(
        "I have been waiting two weeks?",
        "complaint",
        "price",
        "delivery",
        tone="offended",
        urgency=("legal", "repeated"),
        rules=ReplyRules(channel="mail"),
    )
    assert found == Situation(
        label="complaint",
        aspects=("price", "delivery"),
        customer="offended",
        urgencies=("legal", "repeated"),
        channel="mail",
        question=True,
        waiting="2 weeks",
    )
    words = {"price", "delivery", "maybe_ours", "offended", "legal", "repeated", "mail", "question", "waiting"}
    assert found.words == words | {"general"}
    assert found.words <= set(SITUATIONS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("It was broken in transit.", "ours"),
        ("Well, that was my fault.", "not_ours"),
        ("I thought it was larger.", "misunderstanding"),
        ("It does not work.", "maybe_ours"),
        ("It was broken in transit. Not my fault!", "maybe_ours"),
    ],
)
def test_the_fault_is_recognised_only_where_the_words_are_of_one_mind(text: str, fault: str) -> None:
    assert situation(text).fault == fault
    assert situation(title=text).fault == fault
    assert situation(text, "praise").fault == "maybe_ours"


def test_a_person_knows_better_whose_fault_it_is() -> None:
    for fault in FAULTS:
        assert situation("It was broken in transit.", fault=fault).fault == fault
    with pytest.raises(ValueError, match='"hers" is not one of ours'):
        situation(fault="hers")


def test_only_stars() -> None:
    assert situation(" \n", rating=1.0).stars
    assert not situation("Bad.", rating=1.0).stars
    assert not situation("", title="Bad", rating=1.0).stars
    assert not situation("").stars


def test_unknown_aspects_and_plain_tones_are_no_words() -> None:
    assert situation("…", "complaint", "weather").words == {"general", "maybe_ours", "review"}


ALL = Situation(
    label="complaint",
    aspects=("delivery", "price"),
    fault="ours",
    customer="rude",
    urgencies=("safety", "money"),
    channel="mail",
    question=True,
    waiting="2 weeks",
)


@pytest.mark.parametrize(
    ("part", "order"),
    [
        ("apology", "safety money rude waiting ours delivery price general"),
        ("interest", "safety money rude delivery price general"),
        ("explanation", ""),
        ("ask", "mail safety money delivery price general"),
        ("solution", "safety money delivery price rude general"),
        ("thanks", "delivery price mail general"),
        ("body", "question delivery price general"),
    ],
)
def test_where_a_sentence_is_looked_for(part: str, order: str) -> None:
    assert ALL.order(part) == tuple(order.split())


@pytest.mark.parametrize(
    ("fault", "customer", "part", "order"),
    [
        ("not_ours", "rude", "apology", "not_ours rude delivery general"),
        ("not_ours", "", "solution", "not_ours delivery general"),
        ("misunderstanding", "", "explanation", "misunderstanding delivery"),
        ("maybe_ours", "know_it_all", "explanation", "know_it_all delivery"),
        ("maybe_ours", "know_it_all", "apology", "delivery general"),
        ("maybe_ours", "", "explanation", ""),
    ],
)
def test_the_fault_changes_where(fault: str, customer: str, part: str, order: str) -> None:
    found = Situation(label="complaint", aspects=("delivery",), fault=fault, customer=customer)
    assert found.order(part) == tuple(order.split())


def test_stars_alone_come_first() -> None:
    found = Situation(label="praise", stars=True)
    assert found.order("thanks") == ("stars", "review", "general")
    assert Situation(label="complaint", stars=True).order("interest") == ("stars", "general")
