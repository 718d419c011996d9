"""A `Digest` as a `Bulletin` in the reader's words: its head and the order of its sections. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from monitor.digest.facts import Digest
from monitor.digest.periods import Days
from monitor.text import one_line
from responders.mail.bulletin import Bulletin, Section
from responders.mail.digest_customers import (
    complaints,
    days_chart,
    numbers,
    praise,
    recurring,
    silent,
    waiting,
    weeks_chart,
)
from responders.mail.digest_work import answers, health, taken, troubles
from responders.mail.letters import Desk, Link
from responders.words import Words

_SUBJECT: Final = 150  # characters
_MOST_MISSED: Final = 5  # days that are named


def digest_bulletin(digest: Digest, desk: Desk, unsubscribe: str = "") -> Bulletin:
    """`unsubscribe` is the address at which the reader ends these mails, "" where the page cannot be reached."""
    words = desk.words
    return Bulletin(
        language=words.language,
        subject=subject(digest, words),
        heading=_heading(digest, words),
        preview=one_line(" · ".join(_essence(digest, words)), 120),
        lines=tuple(_intro(digest, words)),
        sections=tuple(_sections(digest, desk)),
        legend=(words.say("Complaints"), words.say("Praise"), words.say("Other")),
        button=Link(text=words.say("Open the inbox"), address=f"{desk.page}/") if desk.page else None,
        footer=tuple(_footer(desk, unsubscribe)),
    )


def subject(digest: Digest, words: Words) -> str:
    """The essence first, for mail programs cut the rest: "3 wait, 2 complaints, 5 words of praise – Ohlas, …"."""
    essence = ", ".join(_essence(digest, words)) or words.say("All quiet")
    return one_line(f"{essence} – Ohlas, {_when(digest, words)}", _SUBJECT)


def said_days(days: Days, words: Words) -> str:
    return words.dates(days.first, days.last)


def _when(digest: Digest, words: Words) -> str:
    issue = digest.issue
    if issue.edition == "monthly":
        return words.month(issue.first)
    return words.whole_date(issue.day) if issue.edition == "daily" else words.dates(issue.first, issue.last)


def _essence(digest: Digest, words: Words) -> Iterator[str]:
    waits, tally = digest.waiting.total, digest.tally
    if waits:
        yield words.count("%(number)s waits", "%(number)s wait", waits)
    if tally.complaint:
        yield words.count("%(number)s complaint", "%(number)s complaints", round(tally.complaint))
    if tally.praise:
        yield words.count("%(number)s word of praise", "%(number)s words of praise", round(tally.praise))


def _heading(digest: Digest, words: Words) -> str:
    when = _when(digest, words)
    match digest.issue.edition:
        case "daily":
            return words.say("Morning digest, %(when)s", when=when)
        case "weekly":
            return words.say("Weekly digest, %(when)s", when=when)
        case "monthly":
            return words.say("Monthly digest, %(when)s", when=when)


def _intro(digest: Digest, words: Words) -> Iterator[str]:
    issue = digest.issue
    if digest.is_quiet:
        yield words.say("Nothing was written about you, nothing waits, and nothing is wrong.")
    if issue.edition == "daily":
        days = words.whole_date(issue.first) if issue.first == issue.last else words.dates(issue.first, issue.last)
        yield words.say("What was written: %(days)s · What waits: now", days=days)
    if issue.missed:
        days = ", ".join(_named(issue.missed, words))
        yield words.say("No digest came out on: %(days)s – this one is about those days, too", days=days)


def _named(missed: tuple[date, ...], words: Words) -> Iterator[str]:
    if len(missed) > _MOST_MISSED:
        yield words.dates(missed[0], missed[-1])
        return
    yield from (words.short_date(day) for day in missed)


def _sections(digest: Digest, desk: Desk) -> Iterator[Section]:
    if digest.is_quiet:
        yield from (section for section in (health(digest, desk),) if section is not None)
        return
    found = (
        waiting(digest, desk),
        numbers(digest, desk.words),
        days_chart(digest, desk.words),
        weeks_chart(digest, desk.words),
        silent(digest, desk.words),
        complaints(digest, desk),
        recurring(digest, desk),
        praise(digest, desk),
        answers(digest, desk.words),
        troubles(digest, desk),
        health(digest, desk),
        taken(digest, desk.words),
    )
    yield from (section for section in found if section is not None)


def _footer(desk: Desk, unsubscribe: str) -> Iterator[Link | str]:
    words = desk.words
    yield from desk.footer()
    if unsubscribe:
        yield Link(text=words.say("I want no digests any more"), address=unsubscribe)
    else:
        yield words.say("Whoever wants no digests writes daily = false under [people.NAME.digest] in config.toml.")
