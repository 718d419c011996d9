"""Whose a draft is: the rules of [[routing]], who answers that source and language, who is there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from monitor.model import Mention, Verdict
from monitor.options import RoutingRule
from monitor.people import People, Person, members, stand_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What rules look at."""

    source: str
    language: str
    label: str
    aspects: frozenset[str] = frozenset()
    urgencies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`assignee` is the one whose it is, "" where any of `team` may; `rule` counts from 1, 0 where none fits."""

    assignee: str = ""
    team: tuple[str, ...] = ()
    rule: int = 0


def topic_of(mention: Mention, verdict: Verdict, language: str) -> Topic:
    return Topic(
        source=mention.source,
        language=language,
        label=verdict.label,
        aspects=frozenset(aspect.name for aspect in verdict.aspects),
        urgencies=frozenset(urgency.name for urgency in verdict.urgency),
    )


def route(topic: Topic, rules: Sequence[RoutingRule], people: People, day: date) -> Route:
    """The first rule that fits and has somebody who is there decides; else all who answer such mentions.

    Never empty-handed: where everybody is away, all who decide are asked all the same.
    """
    for number, rule in enumerate(rules, start=1):
        if fits(rule, topic) and (found := _of(rule.to, topic, people, day)):
            return Route(assignee=found[0].name if rule.to in people else "", team=_names(found), rule=number)
    return Route(team=_names(_anybody(topic, people, day)))


def fits(rule: RoutingRule, topic: Topic) -> bool:
    return (
        rule.source in ("", topic.source)
        and rule.language in ("", topic.language)
        and rule.label in ("", topic.label)
        and (not rule.aspect or rule.aspect in topic.aspects)
        and (not rule.urgency or rule.urgency in topic.urgencies)
    )


def next_in_line(name: str, people: People, escalate_to: str, day: date) -> tuple[str, ...]:
    """Who hears of an overdue draft of `name`: the deputy first, then escalate_to; empty: only the channel is left."""
    person = people.get(name)
    deputy = stand_in(people, person.deputy, day) if person and person.deputy else None
    if deputy is not None and deputy.name != name and deputy.decides:
        return (deputy.name,)
    if escalate_to in people:
        found = stand_in(people, escalate_to, day)
        return (found.name,) if found is not None else ()
    return _names([one for one in members(people, escalate_to) if not one.is_away(day)])


def _of(name: str, topic: Topic, people: People, day: date) -> list[Person]:
    """The person or the group of that name, as far as they are there and may decide."""
    if name in people:
        found = stand_in(people, name, day)
        return [found] if found is not None and found.decides else []
    there = [one for one in members(people, name) if one.decides and not one.is_away(day)]
    return [one for one in there if one.answers(topic.source, topic.language)] or there


def _anybody(topic: Topic, people: People, day: date) -> list[Person]:
    deciding = [person for person in people.values() if person.decides]
    there = [person for person in deciding if not person.is_away(day)] or deciding
    return [person for person in there if person.answers(topic.source, topic.language)] or there


def _names(found: Sequence[Person]) -> tuple[str, ...]:
    return tuple(person.name for person in found)
