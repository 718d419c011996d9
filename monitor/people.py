"""Who reads and decides: the people of config.toml, who is away, and who stands in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from monitor.digest_options import DigestOptions
from monitor.mistakes import Mistake
from monitor.options import Config, HoursOptions, PersonOptions

Role = Literal["reader", "agent", "manager"]
NOBODY_NAMED = ("you",)  # approval.people as it is where nobody wrote it


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`languages` and `sources` are what this person answers, empty for all; `absent` are first and last days;
    `zone` is the name of the time zone in which this person's days begin and end."""

    name: str
    mail: str = ""
    slack: str = ""
    role: Role = "manager"
    language: str = "en"
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    hours: HoursOptions = field(default_factory=HoursOptions)
    deputy: str = ""
    absent: tuple[tuple[date, date], ...] = ()
    zone: str = "Europe/Bratislava"
    digest: DigestOptions = field(default_factory=DigestOptions)

    @property
    def decides(self) -> bool:
        return self.role != "reader"

    def answers(self, source: str, language: str) -> bool:
        """Whether mentions of that source in that language are this person's business."""
        return (not self.sources or source in self.sources) and (not self.languages or language in self.languages)

    def is_away(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.absent)


People = Mapping[str, Person]


def people_of(config: Config) -> dict[str, Person]:
    """Everybody, by name, in the order of the file. Who stands in approval.people alone is a manager: with nobody
    else to ask, somebody has to be able to overrule the guard."""
    alone = () if config.people and config.approval.people == NOBODY_NAMED else config.approval.people
    alike = Person(
        name="", hours=config.hours, language=config.page.language, zone=config.page.timezone, digest=config.digest
    )
    found = {name: replace(alike, name=name) for name in alone}
    return found | {name: _person(name, options, config) for name, options in config.people.items()}


def deciders(people: People) -> tuple[str, ...]:
    return tuple(name for name, person in people.items() if person.decides)


def with_slack(people: People, member: str) -> Person | None:
    """The person with that Slack member ID."""
    return next((person for person in people.values() if member and person.slack == member), None)


def with_mail(people: People, address: str) -> Person | None:
    """The person with that address; the whole of it is compared without case, as every mail system does today."""
    wanted = address.casefold()
    return next((person for person in people.values() if person.mail and person.mail.casefold() == wanted), None)


def stand_in(people: People, name: str, day: date) -> Person | None:
    """`name`, or, while that person is away, the deputy, or the deputy's deputy; None where all of them are away."""
    asked: set[str] = set()
    person = people.get(name)
    while person is not None and person.is_away(day):
        asked.add(person.name)
        person = people.get(person.deputy) if person.deputy not in asked else None
    return person


def members(people: People, group: str) -> Iterator[Person]:
    return (person for person in people.values() if group in person.groups)


def mistakes(config: Config) -> list[Mistake]:
    """What config.toml says of people that cannot be so: names nobody has, one address for two."""
    people = people_of(config)
    known = {*people, *(group for person in people.values() for group in person.groups)}
    return [*_of_people(config, people), *_of_rules(config, known), *_of_roles(config, people), *_shared(people)]


def _of_people(config: Config, people: People) -> Iterator[Mistake]:
    for name, person in people.items():
        if person.deputy and person.deputy not in people:
            yield Mistake(("people", name, "deputy"), f'nobody is called "{person.deputy}"')
        for source in person.sources:
            if source not in config.sources:
                yield Mistake(("people", name, "sources"), f'there is no source "{source}"')
    if not deciders(people):
        yield Mistake(("people",), "nobody may decide; give somebody the role agent or manager")


def _of_rules(config: Config, known: Collection[str]) -> Iterator[Mistake]:
    for number, rule in enumerate(config.routing):
        if rule.to not in known:
            yield Mistake(("routing", number, "to"), f'"{rule.to}" is neither a person nor a group of one')
        if rule.source and rule.source not in config.sources:
            yield Mistake(("routing", number, "source"), f'there is no source "{rule.source}"')
    wanted = config.approval.escalate_to
    if wanted and wanted not in known:
        yield Mistake(("approval", "escalate_to"), f'"{wanted}" is neither a person nor a group of one')


def _of_roles(config: Config, people: People) -> Iterator[Mistake]:
    for role, options in config.policy.roles.items():
        for name in options.people:
            if name not in people:
                yield Mistake(("policy", "roles", role, "people"), f'nobody is called "{name}"')


def _shared(people: People) -> Iterator[Mistake]:
    for address in ("slack", "mail"):
        seen: dict[str, str] = {}
        for name, person in people.items():
            value = getattr(person, address).casefold()
            if value and value in seen:
                yield Mistake(("people", name, address), f"{seen[value]} has the same")
            seen.setdefault(value, name)


def _person(name: str, options: PersonOptions, config: Config) -> Person:
    return Person(
        name=name,
        mail=options.mail,
        slack=options.slack,
        role=options.role,
        language=options.language,
        languages=options.languages,
        sources=options.sources,
        groups=options.groups,
        hours=_hours(options, config),
        deputy=options.deputy,
        absent=tuple(_days(period) for period in options.absent),
        zone=options.timezone or config.page.timezone,
        digest=_digest(options, config),
    )


def _hours(options: PersonOptions, config: Config) -> HoursOptions:
    """What a person's own hours leave out is as in [hours]."""
    own = options.hours.model_dump(exclude_unset=True) if options.hours else {}
    return config.hours.model_copy(update=own)


def _digest(options: PersonOptions, config: Config) -> DigestOptions:
    """As with hours."""
    own = options.digest.model_dump(exclude_unset=True) if options.digest else {}
    return config.digest.model_copy(update=own)


def _days(period: str) -> tuple[date, date]:
    first, _, last = period.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)
