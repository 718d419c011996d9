"""Which sentences stand in a reply, why, and what they are filled with."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from monitor.contract import ReplyRules
from monitor.model import Composition
from monitor.options import Allowance, PolicyOptions, RoleOptions
from responders.names import gender, greeted
from responders.playbook import load
from responders.shipped import shipped_languages
from tests.small_playbook import COMPANY, mention, playbook, reply, verdict


def why(made: Composition) -> dict[str, tuple[str, ...]]:
    return {choice.text: choice.why for choice in made.choices}


def test_the_first_bank_with_a_usable_sentence_is_taken() -> None:
    book = playbook(
        complaint={
            "interest": {
                "safety": [{"text": "Are you well?", "when": ["mail"]}],
                "rude": ["We hear you."],
                "delivery": ["Where is it?"],
            }
        }
    )
    grave = verdict("complaint", "delivery", tone="rude", urgency=("safety",))
    assert reply(book, judged=grave).parts["interest"] == "We hear you."
    assert reply(book, judged=grave, rules=ReplyRules(channel="mail")).parts["interest"] == "Are you well?"
    assert reply(book, judged=verdict("complaint", "delivery")).parts["interest"] == "Where is it?"
    assert reply(book).parts["interest"] == "Tell us."


def test_when_and_unless() -> None:
    ask = [{"text": "Show us a photo.", "when": ["delivery"], "unless": ["rude"]}, "Write."]
    book = playbook(complaint={"ask": {"product": ask, "general": ["Write to us."]}})
    found = {
        reply(book, mention(id=str(seed)), verdict("complaint", "product", "delivery", tone=tone)).parts["solution"]
        for seed, tone in itertools.product(range(20), ("plain",))
    }
    assert any("photo" in text for text in found) and any("photo" not in text for text in found)
    for seed, judged in itertools.product(
        range(20), (verdict("complaint", "product", "delivery", tone="rude"), verdict("complaint", "product"))
    ):
        assert "photo" not in reply(book, mention(id=str(seed)), judged).text


def test_each_choice_says_why() -> None:
    book = playbook(
        complaint={
            "apology": {"general": [{"text": "Sorry for the trouble {topics}.", "when": ["review"]}, "Sorry."]},
            "ask": {"mail": ["Answer this mail."]},
            "solution": {"delivery": ["We will find the parcel."]},
        }
    )
    made = reply(book, judged=verdict("complaint", "delivery", "price"), reference="OH-00001")
    assert why(made) == {
        "Sorry for the trouble with the delivery and with the price.": ("general", "review", "delivery", "price"),
        "Tell us.": ("general",),
        "Write to us.": ("general",),
        "We will find the parcel.": ("delivery",),
        "Number OH-00001.": ("general",),
    }
    assert [choice.part for choice in made.choices] == ["apology", "interest", "solution", "solution", "solution"]


EXPLAINING = playbook(
    complaint={
        "explanation": {
            "not_ours": ["The carrier was held up."],
            "delivery": ["Parcels take {fact.delivery}."],
            "know_it_all": [{"text": "The law gives you {fact.returns}.", "unless": ["delivery"]}],
        },
        "solution": {"not_ours": ["We will ask the carrier."]},
    }
)


def test_what_is_not_our_fault_is_explained_with_facts() -> None:
    solution = reply(EXPLAINING, fault="not_ours").parts["solution"]
    assert solution == "The carrier was held up. Write to us. We will ask the carrier."
    assert "The law gives" not in reply(EXPLAINING, judged=verdict(tone="know_it_all")).text
    facts = {"returns": "14 days", "delivery": "two days"}
    told = reply(EXPLAINING, judged=verdict(tone="know_it_all"), facts=facts)
    assert why(told)["The law gives you 14 days."] == ("know_it_all",)
    about = verdict("complaint", "delivery", tone="know_it_all")
    assert "Parcels take two days." in reply(EXPLAINING, judged=about, facts=facts).text
    assert "two days" not in reply(EXPLAINING, judged=verdict("complaint", "delivery"), facts=facts).text


def test_facts_never_stand_in_for_what_ohlas_fills_in() -> None:
    book = playbook(complaint={"interest": {"general": ["Number {reference}?", "Tell us."]}})
    assert "forged" not in reply(book, facts={"reference": "forged", "contact": "forged"}).text


GENEROUS = playbook(
    complaint={
        "extra": [{"text": "Take a voucher for {voucher}.", "offers": ["voucher"]}],
        "solution": {"product": [{"text": "We will replace it.", "offers": ["replacement"]}]},
    }
)


@pytest.mark.parametrize(
    ("fault", "policy", "given"),
    [
        ("ours", PolicyOptions(may_offer=("voucher",), voucher_limit=10), True),
        ("maybe_ours", PolicyOptions(may_offer=("voucher",), voucher_limit=10), False),
        ("not_ours", PolicyOptions(may_offer=("voucher",), voucher_limit=10), False),
        ("ours", PolicyOptions(may_offer=("voucher",), voucher_limit=10, extra=False), False),
        ("ours", PolicyOptions(may_offer=("voucher",), voucher_limit=0), False),
        ("ours", PolicyOptions(may_offer=("call_back",), voucher_limit=10), False),
        ("ours", PolicyOptions(voucher_limit=10, aspects={"product": Allowance(may_offer=("voucher",))}), True),
    ],
)
def test_something_extra_only_where_we_erred_and_within_the_policy(
    fault: str, policy: PolicyOptions, given: bool
) -> None:
    made = reply(GENEROUS, judged=verdict("complaint", "product"), policy=policy, fault=fault)
    assert ("Take a voucher for 10 €." in made.text) is given


def test_one_gift_is_enough() -> None:
    book = playbook(
        complaint={
            "extra": [{"text": "Take a voucher for {voucher}.", "offers": ["voucher"]}],
            "solution": {"product": [{"text": "We will send a voucher.", "offers": ["voucher"]}]},
        }
    )
    policy, about = PolicyOptions(may_offer=("voucher",), voucher_limit=10), verdict("complaint", "product")
    assert "We will send a voucher." in reply(book, judged=about, policy=policy).text
    assert reply(book, judged=about, policy=policy, fault="ours").text.count("voucher") == 1


def test_the_gift_is_written_in_the_companys_currency() -> None:
    policy = PolicyOptions(may_offer=("voucher",), voucher_limit=250)
    company = COMPANY.model_copy(update={"currency": "Kč"})
    assert "for 250 Kč." in reply(GENEROUS, policy=policy, fault="ours", company=company).text


def test_who_approves_narrows_what_is_offered() -> None:
    policy = PolicyOptions(
        may_offer=("replacement",), roles={"novice": RoleOptions(people=("Eva",), may_offer=("call_back",))}
    )
    about = verdict("complaint", "product")
    assert "replace" in reply(GENEROUS, judged=about, policy=policy, actor="Ota").text
    assert "replace" not in reply(GENEROUS, judged=about, policy=policy, actor="Eva").text


FORMS = playbook(
    forms={"dear": {"woman": "Ms", "man": "Mr", "other": ""}, "kept": {"woman": "her", "man": "him", "other": "them"}},
    greeting={"named": ["Hello {dear} {name},"]},
    complaint={"interest": {"general": ["We kept {kept} waiting.", "Tell us."]}},
)


@pytest.mark.parametrize(
    ("author", "greeting", "word"),
    [("Jana Malá", "Hello Ms Jana,", "her"), ("Peter Malý", "Hello Mr Peter,", "him"), ("user77", "Hello,", "them")],
)
def test_words_change_with_the_customers_gender(author: str, greeting: str, word: str) -> None:
    texts = [reply(FORMS, mention(author=author, id=str(seed))).text for seed in range(20)]
    assert all(text.startswith(greeting) for text in texts)
    assert any(f"We kept {word} waiting." in text for text in texts)


def test_whose_name_it_is() -> None:
    assert (gender("Jana"), gender("Peter"), gender("John"), gender("Qx"), gender("")) == (
        *("woman", "man", "man"),
        *("other", "other"),
    )
    assert greeted("Anna", "pl") == "Anno" and greeted("Anna", "de") == "Anna"


def test_the_time_of_waiting_is_picked_up() -> None:
    book = playbook(
        waiting={"cues": ["wait"], "week": {"cues": ["week"], "forms": ["week", "weeks"]}},
        complaint={"apology": {"waiting": ["We are sorry that it has been {waiting}.", "Sorry to keep you waiting."]}},
    )
    for seed in range(10):
        made = reply(book, mention("I have been waiting for 3 weeks!", id=str(seed)))
        assert made.parts["apology"] == "We are sorry that it has been 3 weeks."
        assert made.choices[0].why == ("waiting",)
    assert reply(book, mention("Broken after 3 weeks.")).parts["apology"] == "Sorry."


def test_only_stars_are_answered_as_such() -> None:
    book = playbook(
        praise={"thanks": {"stars": ["Thanks for the stars."]}}, complaint={"interest": {"stars": ["What happened?"]}}
    )
    assert reply(book, mention("", rating=5.0), verdict("praise")).parts["thanks"] == "Thanks for the stars."
    assert reply(book, mention("Fine", rating=5.0), verdict("praise")).parts["thanks"] == "Thanks."
    assert reply(book, mention("", rating=1.0)).parts["interest"] == "What happened?"


LONG = playbook(
    complaint={
        "solution": {"general": ["We will solve it together with you, step by step, until you are content.", "Soon."]}
    }
)


def shortened(limit: int, **rules: Any) -> str:
    return reply(LONG, mention(author="Jana M"), rules=ReplyRules(max_length=limit, **rules), reference="OH-00001").text


def test_a_letter_keeps_its_signature_longest() -> None:
    whole = "Hello Jana, sorry. Tell us. Write to us. Soon. Number OH-00001.\nYours, Jana"
    assert len(shortened(500)) <= 500 and shortened(500).endswith("Yours, Jana")
    room = len(whole) - len(" Number OH-00001.")
    assert shortened(room - 1).endswith("Write to us. Soon.")
    assert shortened(room - 1, channel="mail").endswith("Yours, Jana")
    assert shortened(45, channel="mail").endswith("Yours, Jana") and "Soon" not in shortened(45, channel="mail")
    assert "Yours" not in shortened(30, channel="mail")


def test_a_post_is_one_short_paragraph() -> None:
    long = "We will look into it with everybody whom it concerns. " * 8
    book = playbook(complaint={"solution": {"general": [long.strip(), "Soon."]}})
    for seed in range(10):
        about = mention(id=str(seed))
        assert "\n\n" in reply(book, about).text
        posted = reply(book, about, rules=ReplyRules(channel="post")).text
        assert "\n\n" not in posted and len(posted) < 200 and posted.endswith("\nYours, Jana")


def test_a_limit_of_bytes_beside_that_of_letters_is_kept() -> None:
    book = playbook(complaint={"solution": {"general": ["Všetko čo najskôr prešetríme.", "Riešime."]}})
    for seed in range(10):
        text = reply(book, mention(id=str(seed)), rules=ReplyRules(max_length=300, max_bytes=62)).text
        assert len(text.encode()) <= 62 and "Riešime." in text


def test_what_the_customer_has_read_already_is_said_in_other_words() -> None:
    book = playbook(
        complaint={
            "apology": {"general": ["Sorry.", "We apologise.", "Forgive us."]},
            "interest": {"general": ["Tell us.", "What happened?", "We want to know."]},
            "ask": {"general": ["Write to us.", "Call us.", "Send a word."]},
            "solution": {"general": ["We will solve it.", "We will mend it.", "We will help."]},
        }
    )
    said: list[Composition] = []
    for _ in range(3):
        said.append(reply(book, avoid=[made.text for made in said]))
    for one, other in itertools.combinations(said, 2):
        assert not {choice.text for choice in one.choices} & {choice.text for choice in other.choices}
    fourth = reply(book, avoid=[made.text for made in said])
    assert fourth.text not in {made.text for made in said}
    assert reply(book).text == said[0].text


def test_where_everything_was_said_it_is_said_again_rather_than_nothing() -> None:
    small = playbook()
    once = reply(small)
    assert reply(small, avoid=[once.text]).parts == once.parts


def test_nothing_private_is_quoted() -> None:
    text = "Objednávka 20261234, volajte 0905 123 456, jana@mala.example, pani Kováčová bola hrozná. Čakám 3 týždne."
    for language, seed in itertools.product(shipped_languages(), range(10)):
        made = reply(load(language), mention(text, id=str(seed)), verdict("complaint", "staff", "refund"))
        assert not any(word in made.text for word in ("2026", "0905", "mala.example", "Kováčová"))
