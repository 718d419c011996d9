"""The sections of a digest about customers: what waits, how much was written, what about, and what is worth sharing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from monitor.digest.facts import Bar, Digest, Recurring, Tally, Thanks
from monitor.digest.periods import DAY, Days, before
from monitor.model import Priority
from monitor.spikes import chance
from monitor.store.highlights import Highlight
from monitor.text import clean
from monitor.unheard import unheard
from responders.mail.bulletin import Entry, Row, Section, Table, Tone, stacked
from responders.mail.letters import Desk, Link, web_address
from responders.mail.room import fitting, line
from responders.words import Words

TITLE: Final = 220  # bytes of HTML
QUOTED: Final = 420
_GLIMPSE: Final = 200  # of what waits: the page shows it whole
LONGEST_MONTH: Final = 31
_DASH, _SPACE, _UNBROKEN = re.compile(r"\s–\s"), re.compile(r"\s"), "\u00a0"
_UNLIKELY: Final = 0.02  # that chance brings so many complaints


def waiting(digest: Digest, desk: Desk) -> Section:
    words, found = desk.words, digest.waiting
    others = digest.team_waiting - found.total
    return Section(
        title=words.say("Waiting for you"),
        lines=tuple(_waiting_lines(digest, others, words)),
        entries=tuple(_waiting(one, digest, desk) for one in found.shown),
        more=_and_more(found.total - len(found.shown), "/?tab=mine", desk),
    )


def _waiting_lines(digest: Digest, others: int, words: Words) -> Iterator[tuple[str, Tone]]:
    found = digest.waiting
    if not found.total:
        yield words.say("Nothing waits for you."), "good"
    elif found.oldest is not None:
        yield (
            words.count(
                "%(number)s draft waits; its customer wrote %(time)s ago.",
                "%(number)s drafts wait; the first customer wrote %(time)s ago.",
                found.total,
                time=words.length(digest.now - found.oldest),
            ),
            "",
        )
    if found.overdue:
        yield words.count("%(number)s is overdue.", "%(number)s are overdue.", found.overdue), "bad"
    if others > 0:
        yield words.count("%(number)s more waits for others.", "%(number)s more wait for others.", others), ""
    if digest.to_post:
        yield (
            words.count(
                "%(number)s approved reply still has to be posted by hand.",
                "%(number)s approved replies still have to be posted by hand.",
                digest.to_post,
            ),
            "bad",
        )


def _waiting(one: Highlight, digest: Digest, desk: Desk) -> Entry:
    words = desk.words
    facts = [words.say("%(time)s old", time=words.length(digest.now - one.created_at))]
    late = one.answer_by is not None and one.answer_by < digest.now
    if one.answer_by is not None:
        moment = words.minute(one.answer_by)
        facts.append(
            words.say("was due by %(moment)s", moment=moment) if late else words.say("due by %(moment)s", moment=moment)
        )
    if one.priority is Priority.URGENT:
        facts.insert(0, words.code("priority", str(one.priority.value)))
    return _entry(one, desk, facts, "bad" if late or one.priority is Priority.URGENT else "", _GLIMPSE)


def numbers(digest: Digest, words: Words) -> Section:
    names = [words.say("Complaints"), words.say("Praise"), words.say("Other"), words.say("All")]
    columns = [_period(_days(digest), words)]
    tallies: list[Tally] = [digest.tally]
    if digest.before is not None:
        columns.append(_period(before(_days(digest), digest.issue.edition, 1)[0], words))
        tallies.append(digest.before)
    if digest.usual is not None and digest.usual_of > 1:
        columns.append(_mean_of(digest, words))
        tallies.append(digest.usual)
    values = [[one.complaint, one.praise, one.neutral, one.total] for one in tallies]
    rows = (
        Row(name=name, numbers=tuple(_rounded(column[place], words) for column in values))
        for place, name in enumerate(names)
    )
    return Section(
        title=words.say("Complaints and praise"),
        lines=((words.say("More complaints than usual."), "bad"),) if _is_much(digest) else (),
        table=Table(columns=tuple(columns), rows=tuple(rows)),
    )


def _mean_of(digest: Digest, words: Words) -> str:
    match digest.issue.edition:
        case "daily" if digest.issue.first == digest.issue.last:
            return words.count("mean of %(number)s day", "mean of %(number)s days", digest.usual_of)
        case "weekly":
            return words.count("mean of %(number)s week", "mean of %(number)s weeks", digest.usual_of)
        case "monthly":
            return words.count("mean of %(number)s month", "mean of %(number)s months", digest.usual_of)
    return words.say("usual in as many days")


def _is_much(digest: Digest) -> bool:
    """Where chance alone would hardly bring so many."""
    return digest.usual is not None and chance(round(digest.tally.complaint), digest.usual.complaint + 0.5) < _UNLIKELY


def days_chart(digest: Digest, words: Words) -> Section | None:
    names = [words.short_date(bar.days.first) for bar in digest.bars]
    return _chart(digest.bars, names, words.say("The last seven days"), words)


def weeks_chart(digest: Digest, words: Words) -> Section | None:
    names = [words.dates(bar.days.first, bar.days.last) for bar in digest.weeks]
    return _chart(digest.weeks, names, words.say("Week by week"), words)


def _chart(bars: Sequence[Bar], names: Sequence[str], title: str, words: Words) -> Section | None:
    if not any(bar.tally.total for bar in bars):
        return None
    said = [_said(bar.tally, words) for bar in bars]
    tallies = [(bar.tally.complaint, bar.tally.praise, bar.tally.neutral) for bar in bars]
    return Section(title=title, stacks=tuple(stacked(names, said, tallies)))


def silent(digest: Digest, words: Words) -> Section | None:
    """Those who were unhappy and did not write. Not every morning: of a day it would be guessing from very little."""
    found = unheard(round(digest.tally.complaint)) if digest.issue.edition != "daily" else None
    if found is None:
        return None
    return Section(
        title=words.say("Those who said nothing: an estimate"),
        lines=tuple((said, "") for said in words.unheard(found)),
    )


def ngettext(one: str, many: str) -> tuple[str, str]:
    """Marks a message for the catalogues."""
    return one, many


_COMPLAINTS = ngettext("%(number)s complaint", "%(number)s complaints")
_PRAISE = ngettext("%(number)s word of praise", "%(number)s words of praise")
_OTHERS = ngettext("%(number)s other", "%(number)s others")


def _said(tally: Tally, words: Words) -> str:
    counts = ((_COMPLAINTS, tally.complaint), (_PRAISE, tally.praise), (_OTHERS, tally.neutral))
    said = (words.count(*forms, round(number)) for forms, number in counts if number)
    return ", ".join(said) or words.say("nothing")


def complaints(digest: Digest, desk: Desk) -> Section | None:
    shown = digest.complaints
    if not shown:
        return None
    return Section(
        title=desk.words.say("The gravest complaints"),
        entries=tuple(_entry(one, desk, _status(one, desk.words), _gravity(one)) for one in shown),
        more=_and_more(round(digest.tally.complaint) - len(shown), "/?tab=all&label=complaint", desk),
    )


def _status(one: Highlight, words: Words) -> list[str]:
    found = [words.code("priority", str(one.priority.value))] if one.priority is Priority.URGENT else []
    found.append(words.code("state", one.state) if one.state else words.say("without a draft"))
    if one.handled_in:
        found.append(line(words.say("together with the one on %(source)s", source=one.handled_in), 80))
    who = one.decided_by or one.assignee
    return [*found, line(who, 80)] if who else found


_SETTLED: Final = ("published", "superseded", "rejected")  # nobody has to hurry any more


def _gravity(one: Highlight) -> Tone:
    if one.state in _SETTLED:
        return "good" if one.state == "published" else ""
    return "bad" if one.state in ("failed", "unknown") or one.priority is Priority.URGENT else ""


def recurring(digest: Digest, desk: Desk) -> Section | None:
    if not digest.recurring:
        return None
    return Section(
        title=desk.words.say("What keeps coming back"),
        entries=tuple(_recurring(one, desk) for one in digest.recurring),
    )


def _recurring(one: Recurring, desk: Desk) -> Entry:
    words = desk.words
    count = words.count("%(number)s complaint", "%(number)s complaints", one.count)
    facts = [words.say("usually %(number)s", number=_rounded(one.usual, words))] if one.usual is not None else []
    if one.rising:
        facts.insert(0, words.say("rising"))
    title = f"{words.code('aspect', one.aspect)}: {count}"
    quoted = one.quotation
    return Entry(
        title=title[:1].upper() + title[1:],
        address=_address(quoted, desk) if quoted else "",
        facts=tuple(facts),
        quoted=_quoted(quoted) if quoted else "",
        language=quoted.language if quoted else "",
        tone="bad" if one.rising else "",
    )


def praise(digest: Digest, desk: Desk) -> Section | None:
    if not digest.thanks:
        return None
    return Section(
        title=desk.words.say("Praise to share with the team"),
        entries=tuple(_thanks(one, desk) for one in digest.thanks),
        more=_and_more(round(digest.tally.praise) - len(digest.thanks), "/?tab=all&label=praise", desk),
    )


def _thanks(one: Thanks, desk: Desk) -> Entry:
    entry = _entry(one.mention, desk, (), "good")
    if not one.names:
        return entry
    title = desk.words.say("For %(names)s", names=", ".join(one.names))
    return Entry(
        title=line(title, TITLE),
        address=entry.address,
        facts=(entry.title,),
        quoted=entry.quoted,
        language=entry.language,
        tone="good",
    )


def _entry(one: Highlight, desk: Desk, facts: Sequence[str], tone: Tone, room: int = QUOTED) -> Entry:
    return Entry(
        title=line(_title(one, desk.words), TITLE),
        address=_address(one, desk),
        facts=tuple(facts),
        quoted=_quoted(one, room),
        language=one.language,
        tone=tone,
    )


def _title(one: Highlight, words: Words) -> str:
    stars = "" if one.rating is None else "★" * round(one.rating)
    reference = one.reference if one.draft_id is not None else ""
    label = words.code("label", one.label) if reference else ""
    return " · ".join(
        part for part in (reference, label, stars, one.source, one.author or words.say("no name")) if part
    )


def _address(one: Highlight, desk: Desk) -> str:
    """On our page, where there is something to do; else where the customer wrote it."""
    if one.draft_id is not None and desk.page:
        return f"{desk.page}/drafts/{one.draft_id}"
    return web_address(one.url)


def _quoted(one: Highlight, room: int = QUOTED) -> str:
    said = " – ".join(part for part in (" ".join(clean(text).split()) for text in (one.title, one.text)) if part)
    return fitting(said, room)[0]


def _and_more(number: int, path: str, desk: Desk) -> Link | str | None:
    if number <= 0:
        return None
    said = desk.words.say("and %(number)s more", number=desk.words.number(number))
    return Link(text=said, address=f"{desk.page}{path}") if desk.page else said


def _days(digest: Digest) -> Days:
    return Days(digest.issue.first, digest.issue.last)


def _period(days: Days, words: Words) -> str:
    if days.first.day == 1 and (days.last + DAY).day == 1 and days.number <= LONGEST_MONTH:
        return words.month(days.first)
    return _in_two_lines(words.dates(days.first, days.last))


def _in_two_lines(dates: str) -> str:
    """At the head of a narrow column "30. 10. – 1. 11." is broken behind its dash alone."""
    ends = _DASH.split(dates)
    return f"{_UNBROKEN}– ".join(_SPACE.sub(_UNBROKEN, end) for end in ends) if len(ends) > 1 else dates


def _rounded(number: float, words: Words) -> str:
    return words.number(round(number, 1) if number < 10 else round(number))
