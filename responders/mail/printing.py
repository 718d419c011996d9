"""A `Bulletin` as HTML and as plain text, small enough that Gmail shows all of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from responders.mail.bulletin import Bulletin, Entry, Section
from responders.mail.letters import Link
from responders.mail.markup import compiled, writable

LARGEST: Final = 98_000  # bytes of HTML; Gmail cuts off what is longer than 102 kB, headers not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A mail's words, ready to be put into an envelope."""

    subject: str
    plain: str
    html: str


def printed(bulletin: Bulletin) -> Printed:
    """Where the HTML would be too large, lists are halved until it is not; the page has the rest."""
    html = compiled("digest.mjml", bulletin=bulletin)
    while len(html.encode()) > LARGEST:
        bulletin = _shorter(bulletin)
        html = compiled("digest.mjml", bulletin=bulletin)
    return Printed(subject=bulletin.subject, plain=writable(_plain(bulletin)), html=html)


def _shorter(bulletin: Bulletin) -> Bulletin:
    sections = tuple(
        replace(section, entries=section.entries[: len(section.entries) // 2]) for section in bulletin.sections
    )
    return replace(bulletin, sections=sections)


def _plain(bulletin: Bulletin) -> str:
    lines = [bulletin.heading, "=" * min(len(bulletin.heading), 70), *bulletin.lines]
    if bulletin.button:
        lines += ["", _linked(bulletin.button)]
    for section in bulletin.sections:
        lines += ["", *_section(section)]
    return "\n".join([*lines, "", "-- ", *(_linked(line) for line in bulletin.footer), ""])


def _section(section: Section) -> Iterator[str]:
    yield section.title
    yield "-" * min(len(section.title), 70)
    yield from (text for text, _ in section.lines)
    if section.table is not None:
        yield from _table(section)
    yield from (f"{stack.name}: {stack.said}" for stack in section.stacks)
    for entry in section.entries:
        yield from ("", *_entry(entry))
    if section.more:
        yield from ("", _linked(section.more))


def _table(section: Section) -> Iterator[str]:
    """One line for each row, the columns' names in it: columns of spaces fall apart in most mail programs."""
    table = section.table
    if table is None:
        return
    for row in table.rows:
        numbers = (f"{name}: {number}" for name, number in zip(table.columns, row.numbers, strict=True))
        yield f"{row.name} – {'; '.join(numbers)}"


def _entry(entry: Entry) -> Iterator[str]:
    yield f"* {entry.title}"
    if entry.facts:
        yield f"  {' · '.join(entry.facts)}"
    if entry.quoted:
        yield f"  > {entry.quoted}"
    if entry.address:
        yield f"  {entry.address}"


def _linked(link: Link | str) -> str:
    return link if isinstance(link, str) else f"{link.text}: {link.address}"
