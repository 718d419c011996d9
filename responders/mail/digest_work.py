"""The sections of a digest about our own work: answers, what did not go out, sources and channels, and drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitor.digest.facts import BrokenChannel, Digest, SourceLine
from monitor.model import Reason
from monitor.store.counting import Answers
from monitor.store.highlights import Highlight
from responders.mail.bulletin import Entry, Section, Tone
from responders.mail.digest_customers import TITLE, ngettext
from responders.mail.letters import Desk, Link
from responders.mail.room import line
from responders.words import Words

SOURCES_SHOWN = 10
CHANNELS_SHOWN = 8
_ERROR = 300  # bytes of HTML
Line = tuple[str, Tone]


def answers(digest: Digest, words: Words) -> Section | None:
    """How fast, within the promised time or not, and beside it how content people were."""
    lines = tuple(_answer_lines(digest, words))
    return Section(title=words.say("How we answered"), lines=lines) if lines else None


def _answer_lines(digest: Digest, words: Words) -> Iterator[Line]:
    found, earlier = digest.answers, digest.answers_before
    if found is not None:
        yield _answered(found, words), ""
        if found.median is not None and found.ninetieth is not None:
            yield _speed(found.median, found.ninetieth, words), ""
        yield from _promises(found, words)
    if earlier is not None and earlier.median is not None:
        time = words.length(timedelta(seconds=earlier.median))
        yield (
            words.count(
                "Before that %(number)s was answered, within %(time)s.",
                "Before that %(number)s were answered, half of them within %(time)s.",
                earlier.answered,
                time=time,
            ),
            "",
        )
    yield from _content(digest, words)


def _answered(found: Answers, words: Words) -> str:
    said = words.count("%(number)s answered", "%(number)s answered", found.answered)
    if not found.elsewhere:
        return f"{said}."
    elsewhere = words.count("%(number)s of them in another way", "%(number)s of them in another way", found.elsewhere)
    return f"{said}, {elsewhere}."


def _speed(median: float, ninetieth: float, words: Words) -> str:
    half, most = (words.length(timedelta(seconds=seconds)) for seconds in (median, ninetieth))
    if half == most:
        return words.say("It took %(time)s.", time=half)
    return words.say("Half of them within %(half)s, nine out of ten within %(most)s.", half=half, most=most)


def _promises(found: Answers, words: Words) -> Iterator[Line]:
    timed = found.in_time + found.late
    if not timed:
        return
    if not found.late:
        yield words.say("All within the promised time."), "good"
        return
    said = words.say(
        "Within the promised time: %(share)s (%(number)s of %(all)s).",
        share=words.percent(found.in_time / timed),
        number=words.number(found.in_time),
        all=words.number(timed),
    )
    yield said, "bad"


def _content(digest: Digest, words: Words) -> Iterator[Line]:
    """What customers said of our answers, and what they did after them."""
    found, earlier = digest.aftermath, digest.aftermath_before
    if found.votes:
        yield (
            words.count(
                "%(number)s customer said how we handled it: well %(good)s, so-so %(neutral)s, badly %(bad)s.",
                "%(number)s customers said how we handled it: well %(good)s, so-so %(neutral)s, badly %(bad)s.",
                found.votes,
                good=words.number(found.good),
                neutral=words.number(found.neutral),
                bad=words.number(found.bad),
            ),
            "bad" if found.bad > found.good else "",
        )
    if found.share is not None and earlier.share is not None:
        now, before = (words.percent(share) for share in (found.share, earlier.share))
        yield words.say("Content: %(now)s, before that %(before)s.", now=now, before=before), ""
    if found.complained:
        yield (
            words.count(
                "%(number)s customer complained again after our answer.",
                "%(number)s customers complained again after our answer.",
                found.complained,
            ),
            "bad",
        )
    if found.better:
        yield (
            words.count(
                "%(number)s customer gave more stars afterwards.",
                "%(number)s customers gave more stars afterwards.",
                found.better,
            ),
            "good",
        )
    if found.worse:
        yield (
            words.count(
                "%(number)s customer gave fewer stars afterwards.",
                "%(number)s customers gave fewer stars afterwards.",
                found.worse,
            ),
            "bad",
        )


def troubles(digest: Digest, desk: Desk) -> Section | None:
    words, found = desk.words, digest.troubled
    if not found.shown:
        return None
    lines: list[Line] = []
    if found.failed:
        text = words.count("%(number)s reply did not go out.", "%(number)s replies did not go out.", found.failed)
        lines.append((text, "bad"))
    if found.unknown:
        text = words.count(
            "%(number)s reply may be out or not; please look.",
            "%(number)s replies may be out or not; please look.",
            found.unknown,
        )
        lines.append((text, "bad"))
    left = found.failed + found.unknown - len(found.shown)
    more = words.say("and %(number)s more", number=words.number(left))
    return Section(
        title=words.say("Replies that went wrong"),
        lines=tuple(lines),
        entries=tuple(_trouble(one, desk) for one in found.shown),
        more=None if left <= 0 else Link(text=more, address=f"{desk.page}/?tab=unknown") if desk.page else more,
    )


def _trouble(one: Highlight, desk: Desk) -> Entry:
    words = desk.words
    facts = [words.code("state", one.state)]
    if one.changed_at is not None:
        facts.append(words.minute(one.changed_at))
    return Entry(
        title=line(" · ".join((one.reference, one.source, one.author or words.say("no name"))), TITLE),
        address=f"{desk.page}/drafts/{one.draft_id}" if desk.page else "",
        facts=(*facts, line(words.why(one.error, one.cause), _ERROR)) if one.error else tuple(facts),
        tone="bad",
    )


def health(digest: Digest, desk: Desk) -> Section | None:
    words = desk.words
    ailing = [one for one in digest.sources if one.ails]
    broken = digest.channels
    if not digest.sources and not broken:
        return None
    more = len(ailing) - SOURCES_SHOWN
    return Section(
        title=words.say("Sources and channels"),
        lines=tuple(_fine(digest, words)),
        entries=(
            *(_source(one, words) for one in ailing[:SOURCES_SHOWN]),
            *(_channel(one, words) for one in broken[:CHANNELS_SHOWN]),
        ),
        more=Link(text=words.say("and %(number)s more", number=words.number(more)), address=f"{desk.page}/sources")
        if more > 0 and desk.page
        else None,
    )


def _fine(digest: Digest, words: Words) -> Iterator[Line]:
    fine = sorted((one for one in digest.sources if not one.ails), key=lambda one: -one.mentions)
    if not any(one.ails for one in digest.sources) and fine:
        yield words.count("The %(number)s source is fine.", "All %(number)s sources are fine.", len(fine)), "good"
    brought = [f"{line(one.health.name, 80)} {words.number(one.mentions)}" for one in fine[:SOURCES_SHOWN]]
    if any(one.mentions for one in fine):
        yield words.say("They brought: %(sources)s.", sources=", ".join(brought)), ""


def _source(one: SourceLine, words: Words) -> Entry:
    health = one.health
    facts = [words.code("status", health.status)] if health.status != "ok" else []
    if health.silent_since is not None:
        facts.append(words.say("nothing new since %(moment)s", moment=words.minute(health.silent_since)))
    elif health.last_ok is not None:
        facts.append(words.say("last read %(moment)s", moment=words.minute(health.last_ok)))
    if health.error:
        facts.append(line(words.cause(health.cause, health.error), _ERROR))
    return Entry(title=line(health.name, TITLE), facts=tuple(facts), tone="bad")


def _channel(one: BrokenChannel, words: Words) -> Entry:
    facts = [words.say("customers cannot reach you here")]
    if one.since is not None:
        facts.append(words.say("since %(moment)s", moment=words.minute(one.since)))
    if one.code:
        facts.append(line(words.reason("channel_why", Reason(code=one.code, detail=one.detail)), _ERROR))
    return Entry(title=line(one.name, TITLE), facts=tuple(facts), tone="bad")


def taken(digest: Digest, words: Words) -> Section | None:
    """How well drafts were accepted."""
    found = digest.accepted
    if not found.total:
        return None
    parts = (
        (ngettext("%(number)s taken as it was", "%(number)s taken as they were"), found.as_is),
        (ngettext("%(number)s edited", "%(number)s edited"), found.edited),
        (ngettext("%(number)s rejected", "%(number)s rejected"), found.rejected),
    )
    said = ", ".join(words.count(*forms, number) for forms, number in parts if number)
    lines: list[Line] = [(f"{said}.", "")]
    if digest.accepted_before.total:
        now, before = (words.percent(one.acceptance) for one in (found, digest.accepted_before))
        lines.append((words.say("Taken as they were: %(now)s, before that %(before)s.", now=now, before=before), ""))
    return Section(title=words.say("How the drafts fared"), lines=tuple(lines))
