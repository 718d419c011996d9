"""Who decides, who is away, whose a draft is."""

from __future__ import annotations

from datetime import date

import pytest

from monitor.options import (
    ApprovalOptions,
    Config,
    HoursOptions,
    PersonOptions,
    PolicyOptions,
    RoleOptions,
    RoutingRule,
)
from monitor.people import Person, deciders, mistakes, people_of, stand_in, with_mail, with_slack
from monitor.routing import Route, Topic, next_in_line, route

DAY = date(2026, 11, 23)
CHRISTMAS = date(2026, 12, 24)


def config(**people: PersonOptions) -> Config:
    return Config(people=people)


def team() -> dict[str, Person]:
    return people_of(
        config(
            eva=PersonOptions(mail="Eva@shop.example", slack="U1", languages=("sk",), groups=("claims",), deputy="ota"),
            ota=PersonOptions(slack="U2", languages=("cs",), groups=("claims",), absent=("2026-12-20/2027-01-02",)),
            ida=PersonOptions(role="reader", groups=("claims",)),
            leo=PersonOptions(role="manager", deputy="eva", absent=("2026-12-24",)),
        )
    )


def topic(language: str = "sk", **more: object) -> Topic:
    return Topic(source="shop", language=language, label="complaint", **more)  # type: ignore[arg-type]


def test_one_person_without_a_table_may_do_everything() -> None:
    assert people_of(Config())["you"].role == "manager"


def test_whoever_has_a_table_need_not_stand_in_the_list() -> None:
    assert deciders(team()) == ("eva", "ota", "leo")
    both = Config(approval=ApprovalOptions(people=("max",)), people={"eva": PersonOptions()})
    assert deciders(people_of(both)) == ("max", "eva")


def test_own_hours_leave_the_rest_as_it_is() -> None:
    whole = Config(hours=HoursOptions(closes="17:00"), people={"eva": PersonOptions(hours=HoursOptions(opens="10:00"))})
    hours = people_of(whole)["eva"].hours
    assert (hours.opens, hours.closes) == ("10:00", "17:00")


def test_addresses_are_found_without_case_and_nothing_is_nobody() -> None:
    people = team()
    assert with_mail(people, "eva@SHOP.example") is people["eva"]
    assert with_slack(people, "U2") is people["ota"]
    assert with_mail(people, "") is with_slack(people, "") is None


def test_deputies_stand_in_and_a_circle_of_absent_ones_ends() -> None:
    people = team()
    assert stand_in(people, "eva", DAY) is people["eva"]
    assert stand_in(people, "leo", CHRISTMAS) is people["eva"]
    away = people_of(
        config(a=PersonOptions(deputy="b", absent=("2026-12-24",)), b=PersonOptions(deputy="a", absent=("2026-12-24",)))
    )
    assert stand_in(away, "a", CHRISTMAS) is None


def test_the_first_rule_that_fits_decides() -> None:
    rules = (RoutingRule(aspect="refund", to="claims"), RoutingRule(language="sk", to="eva"), RoutingRule(to="leo"))
    people = team()
    assert route(topic(aspects=frozenset({"refund"})), rules, people, DAY) == Route(team=("eva",), rule=1)
    assert route(topic(), rules, people, DAY) == Route(assignee="eva", team=("eva",), rule=2)
    assert route(topic("hu"), rules, people, DAY) == Route(assignee="leo", team=("leo",), rule=3)


def test_without_rules_those_who_speak_the_language_are_asked() -> None:
    people = team()
    assert route(topic("cs"), (), people, DAY).team == ("ota", "leo")
    assert route(topic("cs"), (), people, CHRISTMAS).team == ("eva",)


def test_when_all_are_away_all_are_asked() -> None:
    away = people_of(config(a=PersonOptions(absent=("2026-12-24",))))
    assert route(topic(), (), away, CHRISTMAS).team == ("a",)


def test_overdue_matters_go_to_the_deputy_then_up() -> None:
    people = team()
    assert next_in_line("eva", people, "leo", DAY) == ("ota",)
    assert next_in_line("eva", people, "leo", date(2026, 12, 21)) == ("leo",)
    assert next_in_line("ota", people, "claims", DAY) == ("eva", "ota", "ida")
    assert next_in_line("ota", people, "", DAY) == ()


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (config(eva=PersonOptions(deputy="oto")), 'people.eva.deputy: nobody is called "oto"'),
        (config(eva=PersonOptions(sources=("x",))), 'people.eva.sources: there is no source "x"'),
        (Config(routing=(RoutingRule(to="eva"),)), 'routing.0.to: "eva" is neither a person nor a group of one'),
        (
            config(eva=PersonOptions(role="reader")),
            "people: nobody may decide; give somebody the role agent or manager",
        ),
        (config(a=PersonOptions(slack="U1"), b=PersonOptions(slack="U1")), "people.b.slack: a has the same"),
        (
            Config(policy=PolicyOptions(roles={"new": RoleOptions(people=("max",))})),
            'policy.roles.new.people: nobody is called "max"',
        ),
    ],
)
def test_what_cannot_be_so_is_told(bad: Config, told: str) -> None:
    assert told in [f"{'.'.join(map(str, one.path))}: {one.text}" for one in mistakes(bad)]
