"""What stands in the mails to people: pure, from what is known to a `Letter` in the person's language.

Texts of customers are shortened to what mail programs show whole, and are never taken for anything but text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Literal
from urllib.parse import urlsplit

from monitor.model import Mention, Priority
from monitor.store.asking import Asking
from monitor.store.views import Matter
from monitor.text import clean, one_line
from responders.mail.keywords import Wanted, shown_keyword
from responders.mail.room import fitting, line
from responders.places import handled_elsewhere, said_elsewhere
from responders.words import Words

Kind = Literal["card", "reminder", "escalation", "confirm"]
MOST_DRAFTS: Final = 15  # in one letter: Gmail cuts off what is longer than 102 kB
MOST_NOTICES: Final = 20

_SUBJECT = 150  # characters
_PLACES = 2  # the newest other ones that are told


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of a draft is told: bytes of HTML for the texts and for one line, and how many findings and reasons."""

    original: int
    reply: int
    line: int
    findings: int
    reasons: int


_ALONE: Final = _Room(original=14_000, reply=20_000, line=900, findings=12, reasons=8)
_AMONG_OTHERS: Final = _Room(original=650, reply=1_200, line=250, findings=2, reasons=2)
_NOTICE: Final = 300  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    text: str
    grave: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPart:
    """What a letter tells of one draft. `note` says what is missing here; `whole` that the reply is not cut, and that
    nothing invisible was left out of it."""

    title: str
    facts: tuple[str, ...]
    original_title: str
    original: str
    why: tuple[str, ...]
    reply_title: str
    reply: str
    language: str  # of the reply
    whole: bool
    findings: tuple[FindingLine, ...] = ()
    note: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`instructions` say how to decide by replying, `footer` stands below in small print."""

    subject: str
    heading: str
    preview: str = ""  # what mail programs show beside the subject
    lines: tuple[str, ...] = ()
    button: Link | None = None
    drafts: tuple[DraftPart, ...] = ()
    instructions: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A draft that a person is written to about, and why just now."""

    kind: Kind
    matter: Matter
    asking: Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every letter to one person needs. `page` is the page's address, "" where nobody knows it yet; `local` says
    that it can be reached only where Ohlas runs."""

    words: Words
    page: str
    local: bool
    now: datetime

    def link(self, draft_id: int) -> Link | None:
        address = f"{self.page}/drafts/{draft_id}"
        return Link(text=self.words.say("Open on the page"), address=address) if self.page else None

    def footer(self) -> Iterator[str]:
        if self.page:
            yield self.words.say("Links in this mail only open the page; they decide nothing.")
        if self.local:
            yield self.words.say("The page can be opened only where Ohlas runs.")


def draft_letter(waiting: Waiting, desk: Desk, token: str = "") -> Letter:
    """About one draft. With a `token` it says how to decide by replying."""
    words, matter = desk.words, waiting.matter
    part = _part(waiting, desk, _ALONE)
    mark = words.say("revision %(rev)s", rev=matter.draft.rev)
    return Letter(
        subject=_subject(waiting, words),
        heading=_heading(waiting, words),
        preview=one_line(_original(matter.mention), 120),
        drafts=(part,),
        instructions=tuple(_instructions(part, words)) if token else (),
        footer=(*desk.footer(), *([f"{matter.draft.reference} · {mark} · {token}"] if token else [])),
    )


def round_letter(shown: Sequence[Waiting], waiting: int, notices: Sequence[str], desk: Desk) -> Letter:
    """All that waits for one person, and all that happened, in one letter. `shown` are at most MOST_DRAFTS of the
    `waiting` ones."""
    words = desk.words
    heading = _round_heading(waiting, notices, words)
    lines = [line(notice, _NOTICE) for notice in notices[:MOST_NOTICES]]
    if len(notices) > MOST_NOTICES:
        lines.append(_more(len(notices) - MOST_NOTICES, words))
    return Letter(
        subject=one_line(heading, _SUBJECT),
        heading=line(heading, _NOTICE) if waiting or len(notices) > 1 else words.say("Something happened"),
        preview=one_line(" · ".join([*lines, *(one.matter.mention.author for one in shown)]), 120),
        lines=tuple(lines),
        button=Link(text=words.say("Open the inbox"), address=f"{desk.page}/") if desk.page else None,
        drafts=tuple(_part(one, desk, _AMONG_OTHERS) for one in shown),
        instructions=(_more(waiting - len(shown), words),) if waiting > len(shown) else (),
        footer=tuple(desk.footer()),
    )


def sign_in_letter(person: str, token: str, valid: timedelta, desk: Desk) -> Letter:
    words = desk.words
    return Letter(
        subject=words.say("Sign in to Ohlas"),
        heading=words.say("Sign in to Ohlas"),
        lines=(
            words.say("This link signs you in as %(person)s, once, within %(time)s.", person=person, time=_long(valid)),
            words.say("If you have not asked for it, there is nothing that you have to do."),
        ),
        button=Link(text=words.say("Sign in"), address=f"{desk.page}/sign-in?token={token}"),
        footer=(words.say("The page can be opened only where Ohlas runs."),) if desk.local else (),
    )


def answer_letter(subject: str, said: str, desk: Desk, draft_id: int | None = None) -> Letter:
    """What somebody is told who wrote to us, e.g. that nothing was decided; `said` is in the person's language."""
    words = desk.words
    lines = tuple(one_line(line, 2000) for line in said.splitlines() if line.strip())
    about = one_line(subject, _SUBJECT) or "Ohlas"
    return Letter(
        subject=about if about.lower().startswith("re:") else f"Re: {about}",
        heading="Ohlas",
        preview=one_line(said, 120),
        lines=lines,
        button=desk.link(draft_id) if draft_id is not None else None,
        footer=tuple(desk.footer()) or (words.say("Links in this mail only open the page; they decide nothing."),),
    )


def _instructions(part: DraftPart, words: Words) -> Iterator[str]:
    def line(message: str, wanted: Wanted) -> str:
        return words.say(message, keyword=shown_keyword(wanted, words.language))

    yield words.say("To decide by mail, answer with one of these words alone on the first line:")
    on_the_page = not part.whole or any(finding.grave for finding in part.findings)
    if not on_the_page:
        yield line(_APPROVE, "approve")
    yield line(_REJECT, "reject")
    yield line(_EDIT, "edit")
    if on_the_page:
        yield words.say("(This text can be approved only on the page.)")


def _(message: str) -> str:
    """Marks a message for the catalogues."""
    return message


_APPROVE = _("%(keyword)s: exactly this text is approved")
_REJECT = _("%(keyword)s: no reply goes out; the reason may follow after a colon")
_EDIT = _("%(keyword)s: the text on your next lines takes its place, and you are asked once more")


def _subject(waiting: Waiting, words: Words) -> str:
    draft, mention = waiting.matter.draft, waiting.matter.mention
    before = {"reminder": words.say("Reminder"), "escalation": words.say("Overdue")}.get(waiting.kind, "")
    if not before and draft.priority is Priority.URGENT:
        before = words.code("priority", str(draft.priority.value))
    about = f"{words.code('label', waiting.matter.verdict.label)}, {mention.author or words.say('no name')}"
    subject = f"{draft.reference} {about}, {mention.source}"
    return one_line(f"{before}: {subject}" if before else subject, _SUBJECT)


def _heading(waiting: Waiting, words: Words) -> str:
    if waiting.kind == "confirm":
        return words.say("Your text is saved. This is what will be published:")
    overdue = waiting.kind == "escalation"
    return words.say("A draft is overdue.") if overdue else words.say("A draft is waiting for you.")


def _round_heading(waiting: int, notices: Sequence[str], words: Words) -> str:
    if waiting:
        return words.count("%(number)s draft is waiting for you", "%(number)s drafts are waiting for you", waiting)
    return notices[0] if len(notices) == 1 else words.count("%(number)s notice", "%(number)s notices", len(notices))


def _more(number: int, words: Words) -> str:
    return words.say("and %(number)s more", number=words.number(number))


def shows_all_of(text: str) -> bool:
    """Whether a letter about one draft shows this reply as it is; only then may an answer to that letter approve it."""
    readable = clean(text)
    return fitting(readable, _ALONE.reply)[1] and readable.split() == text.split()


def _part(waiting: Waiting, desk: Desk, room: _Room) -> DraftPart:
    words, matter = desk.words, waiting.matter
    draft, mention = matter.draft, matter.mention
    original, original_whole = fitting(clean(_original(mention)), room.original)
    readable = clean(draft.text)
    reply, reply_whole = fitting(readable, room.reply)
    cut = not (original_whole and reply_whole)
    return DraftPart(
        title=line(_title(matter, words), room.line),
        facts=tuple(line(fact, room.line) for fact in _facts(waiting, desk)),
        original_title=words.say("What the customer wrote"),
        original=original or "–",
        why=tuple(line(reason, room.line) for reason in islice(_why(matter, words), room.reasons)),
        reply_title=_reply_title(matter, words),
        reply=reply,
        language=draft.language,
        whole=reply_whole and readable.split() == draft.text.split(),
        findings=tuple(islice(_findings(matter, words, room.line), room.findings)),
        note=words.say("There is more of it than fits here; read it on the page.") if cut else "",
        link=desk.link(draft.id),
    )


def _title(matter: Matter, words: Words) -> str:
    mention = matter.mention
    found = (
        matter.draft.reference,
        words.code("label", matter.verdict.label),
        "" if mention.rating is None else "★" * round(mention.rating),
        mention.source,
        mention.author or words.say("no name"),
    )
    return " · ".join(part for part in found if part)


def _facts(waiting: Waiting, desk: Desk) -> Iterator[str]:
    words, matter, due = desk.words, waiting.matter, waiting.asking.answer_by
    urgencies = (words.code("urgency", one.name) for one in matter.verdict.urgency[:2])
    yield " · ".join((words.code("priority", str(matter.draft.priority.value)), *urgencies))
    if due is not None:
        yield words.say("due by %(moment)s", moment=words.minute(due))
    yield _where(matter, words)
    if matter.handling:
        yield handled_elsewhere(matter.handling, words)
    yield from (said_elsewhere(other, words) for other in matter.others[-_PLACES:])
    if address := web_address(matter.mention.url):
        yield address
    if matter.draft.purpose == "acknowledgement":
        yield words.say("acknowledgement; the answer follows")
    if approvals := matter.draft.approvals:
        yield words.say("%(people)s said yes; a second person has to.", people=", ".join(approvals))
    if matter.publication is not None and matter.publication.error and matter.draft.state == "failed":
        why = words.cause(matter.publication.cause, matter.publication.error)
        yield f"{words.code('state', 'failed')}: {why}"


def _where(matter: Matter, words: Words) -> str:
    if matter.draft.manual:
        return words.say("You post it on %(source)s by hand.", source=matter.mention.source)
    return words.say("It will appear on %(source)s.", source=matter.mention.source)


def _why(matter: Matter, words: Words) -> Iterator[str]:
    verdict = matter.verdict
    sure = words.say("%(percent)s sure", percent=words.percent(min(verdict.confidence, 0.99)))
    known = words.say("said by a person") if verdict.corrected else sure
    unsure = words.say("please look for yourself") if verdict.unsure else ""
    yield f"{words.say('Verdict')}: " + ", ".join(
        part for part in (words.code("label", verdict.label), known, unsure) if part
    )
    if verdict.aspects:
        about = ", ".join(words.code("aspect", aspect.name) for aspect in verdict.aspects)
        yield f"{words.say('About')}: {about}"
    yield from (words.reason("verdict", reason) for reason in verdict.reasons)
    if said := words.reason("triage", matter.draft.reason):
        yield said


def _reply_title(matter: Matter, words: Words) -> str:
    draft = matter.draft
    revision = words.say("revision %(rev)s", rev=draft.rev)
    found = (words.say("Our reply"), words.language_name(draft.language), revision, words.written(draft))
    return one_line(" · ".join(part for part in found if part), 150)


def _findings(matter: Matter, words: Words, room: int) -> Iterator[FindingLine]:
    for one in sorted(matter.draft.findings, key=lambda finding: finding.severity != "error"):
        grave = one.severity == "error"
        excerpt = f" „{words.code('part', one.excerpt)}“" if one.excerpt else ""
        said = words.say("Error") if grave else words.say("Warning")
        yield FindingLine(text=line(f"{said}: {words.finding(one)}{excerpt}", room), grave=grave)


def _original(mention: Mention) -> str:
    return "\n".join(part for part in (mention.title, mention.text) if part)


def _long(length: timedelta) -> str:
    return f"{round(length.total_seconds() / 60)} min"


def web_address(url: str) -> str:
    """The address if a browser may follow it, else ""."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return one_line(url, 500) if parts.scheme in ("http", "https") and parts.hostname else ""
