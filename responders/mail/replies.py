"""What a reply by mail comes to: facts in, one outcome out. Pure.

A reply decides only where three things hold together: it bears a valid mark of ours, it comes from the address of the
person whom that letter was for, and our own mail server vouches for the sender (DMARC). Whoever forwards a letter
passes on the mark, but neither the address nor the vouching.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monitor.people import People, Person, with_mail
from responders.mail.incoming import Incoming
from responders.mail.keywords import Asked, asked
from responders.mail.tokens import Token, TokenError

LONGEST = 10_000  # characters of an edited text; no platform takes more
_REASON = 500  # characters of why something was rejected

# why nothing was decided; the words are in responders/mail/answers.py
Why = Literal[
    "unverified",
    "forged",
    "too_old",
    "not_yours",
    "nothing_written",
    "mixed",
    "too_long",
    "same_text",
    "no_mark",
    "only_page",
]


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Nothing to do with us, or nothing that a stranger should get an answer to: it is left as it is."""

    why: str


@dataclass(frozen=True, slots=True)
class NobodyWrote:
    """A robot's answer to a letter of ours: done with, and not answered."""

    person: str  # whom the letter was for
    why: str
    bounced: str = ""  # why that letter did not arrive, where this says so


@dataclass(frozen=True, slots=True)
class Told:
    """Nothing is decided; `person` is told why, at the configured address and never at the one that the mail says."""

    person: Person
    why: Why
    token: Token | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`person` wants this done with the draft and the revision that `token` names."""

    person: Person
    token: Token
    action: Literal["approve", "reject", "edit"]
    text: str = ""
    reason: str = ""


Outcome = NotOurs | NobodyWrote | Told | Wish


def outcome(incoming: Incoming, read: Callable[[str], Token], people: People, answered: str = "") -> Outcome:
    """`read` reads a mark of ours and raises TokenError. `answered` is the person whom the letter was for that this
    mail follows, "" where it is none of ours: letters about several drafts, or none, bear no mark."""
    token = _first_valid(incoming.tokens, read)
    if token is None:
        return _without_token(incoming, people, answered)
    if incoming.automatic:
        return NobodyWrote(token.person, incoming.automatic, incoming.bounced)
    person = people[token.person]
    if not person.mail or incoming.sender.casefold() != person.mail.casefold():
        return _from_somebody_else(incoming, token, people)
    if not incoming.dmarc.result:
        return Told(person, "unverified", token)
    if not incoming.verified:
        return Told(person, "forged", token)
    return _wanted(incoming, token, person)


def _first_valid(candidates: tuple[str, ...], read: Callable[[str], Token]) -> Token | None:
    for candidate in candidates:
        try:
            return read(candidate)
        except TokenError:
            continue
    return None


def _without_token(incoming: Incoming, people: People, answered: str) -> Outcome:
    person = with_mail(people, incoming.sender)
    if incoming.automatic:
        return NobodyWrote(answered, incoming.automatic, incoming.bounced) if answered else NotOurs(incoming.automatic)
    if person is None or not incoming.verified or not (incoming.to_us or answered == person.name):
        return NotOurs("no valid mark")
    return Told(person, "too_old" if incoming.to_us else "no_mark")


def _from_somebody_else(incoming: Incoming, token: Token, people: People) -> Outcome:
    other = with_mail(people, incoming.sender)
    if other is not None and incoming.verified:
        return Told(other, "not_yours", token)
    return NotOurs(f"the letter to {token.person} was answered from another address")


def _wanted(incoming: Incoming, token: Token, person: Person) -> Outcome:
    below = incoming.text.partition("\n")[2].strip()
    match asked(incoming.first_line):
        case Asked(wanted="approve"):
            # who writes a new text under the word means that text and not the one that would go out
            return (
                Wish(person=person, token=token, action="approve")
                if signed_only(below, person)
                else _mixed(token, person)
            )
        case Asked(wanted="reject", rest=rest):
            reason = " ".join((rest or without_closing(below, person)).split())[:_REASON]
            return Wish(person=person, token=token, action="reject", reason=reason)
        case Asked(wanted="edit"):
            return _edit(below, token, person)
        case _ if begins_with_keyword(incoming.first_line):
            return _mixed(token, person)
        case _:
            return _edit(incoming.text, token, person)


def _mixed(token: Token, person: Person) -> Told:
    return Told(person, "mixed", token)


def _edit(text: str, token: Token, person: Person) -> Outcome:
    if not text:
        return Told(person, "nothing_written", token)
    if len(text) > LONGEST:
        return Told(person, "too_long", token)
    return Wish(person=person, token=token, action="edit", text=text)


def begins_with_keyword(line: str) -> bool:
    """`approve, but …`: such a line is neither an approval nor the beginning of a text for a customer."""
    words = re.findall(r"[^\W\d_]+", line)[:2]
    found = [asked(" ".join(words[:count])) for count in (1, 2)]
    return any(one is not None and one.wanted != "edit" for one in found)


# how letters end, where no line `-- ` says so. The whole line: "Thanks for your patience" begins a reply to a customer
_CLOSING = re.compile(
    r"(?:s pozdravom|s úctou|pozdravujem|pekný deň|ďakujem|vďaka|s pozdravem|děkuji|díky|hezký den|s přáním hezkého dne"
    r"|zdraví|üdvözlettel|tisztelettel|köszönöm|köszönettel|üdv|best|kind regards|best regards|regards|thanks|thank you"
    r"|cheers|sincerely|mit freundlichen grüßen|mfg|lg)[\s.,!–-]*",
    re.IGNORECASE,
)
_SIGNATURE_LINES, _SIGNATURE_LINE = 8, 80  # a longer one is a text of its own


def without_closing(text: str, person: Person) -> str:
    """`text` up to the closing words or the person's name, where nothing but a signature follows."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if (_CLOSING.fullmatch(line.strip()) or _is_name(line, person)) and _is_signature(lines[number + 1 :]):
            return "\n".join(lines[:number]).strip()
    return text.strip()


def _is_signature(lines: list[str]) -> bool:
    said = [line for line in lines if line.strip()]
    return len(said) <= _SIGNATURE_LINES and all(len(line) <= _SIGNATURE_LINE for line in said)


def signed_only(text: str, person: Person) -> bool:
    return not without_closing(text, person)


def _is_name(line: str, person: Person) -> bool:
    """The name in config.toml, or a line that is the name in the address: jana.novak@…"""
    plain = " ".join(re.findall(r"\w+", line.casefold()))
    local = " ".join(re.findall(r"[^\W\d_]+", person.mail.partition("@")[0].casefold()))
    return bool(plain) and plain in (" ".join(re.findall(r"\w+", person.name.casefold())), local)
