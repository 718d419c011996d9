"""What services tell of reviews by mail: rules that say which mails these are, and how the review stands in them.

Such mails are documented nowhere. What no rule understands is shown whole: a person sees at least that there is one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from monitor import cells
from monitor.mail_reading import whole, written
from monitor.model import Mention
from monitor.text import canonical_url, clean, html_to_text, one_line, plain

_WEB = re.compile(r"(?<!src=[\"'])https?://[^\s\"'<>()]+")
_DRAWN = re.compile(r"[★⭐]{1,5}[☆]{0,4}")
_COUNTED = re.compile(r"\b([1-5])[ -]?(?:star|hvezd|hviezd|csillag|stern|gwiazd)")  # in plain letters
_LINKED = re.compile(r"<?https?://")  # begins a line where a mail in plain text names the address of a link


class Rule(BaseModel):
    """How one service tells of reviews. Words are compared without case and diacritics; a label ends with a colon, or
    stands on a line of its own above what it names."""

    model_config = ConfigDict(extra="forbid")

    senders: tuple[str, ...] = Field(min_length=1)  # domains, their subdomains too, or addresses
    subjects: tuple[str, ...] = Field(min_length=1)  # one of them stands in the subject
    links: tuple[str, ...] = ()  # domains that the review, or its administration, may lie at
    place: str = ""  # where answers are given, where no such link is in the mail
    text: tuple[str, ...] = ()
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # labels of what is not wanted
    begins: tuple[str, ...] = ()  # words of the line behind which the author's name stands, and then the text
    ends: tuple[str, ...] = ()  # words that begin what follows the review

    def fits(self, sender: str, subject: str) -> bool:
        domain = sender.rpartition("@")[2].casefold()
        known = any(one == sender.casefold() or _within(domain, one) for one in self.senders)
        return known and any(plain(word) in plain(subject) for word in self.subjects)


def rules_in(path: Path) -> dict[str, Rule]:
    return {name: Rule.model_validate(table) for name, table in tomllib.loads(path.read_text("utf-8")).items()}


def review_in(mail: Message, common: Mention, name: str, rule: Rule) -> Mention:
    """The review that `mail` tells of. Where nothing in it is known, the whole mail is the text."""
    body = whole(mail)
    lines = [line for line in (written(mail) or html_to_text(body)).splitlines() if line.strip()]
    found = _behind(lines, rule) or _labelled(lines, rule)
    parts = (found.get("text", ""), _named("+", found.get("pros", "")), _named("−", found.get("cons", "")))
    text = clean("\n".join(part for part in parts if part))
    return replace(
        common,
        text=text or clean("\n".join(_until_the_end(lines, rule))),
        title=one_line(found.get("product", "")) or common.title,
        author=one_line(found.get("author", ""), 100),
        rating=_rating(found.get("rating", ""), lines),
        url=_link(body, rule),
        raw={"service": name, "subject": common.title},
    )


def _behind(lines: list[str], rule: Rule) -> dict[str, str]:
    """What stands behind the line that begins the review, {} without it. Its stars are counted in words above."""
    begins = tuple(plain(one) for one in rule.begins)
    at = next((n for n, line in enumerate(lines) if begins and plain(line.strip()).startswith(begins)), -1)
    behind = [line.strip() for line in _until_the_end(lines[at + 1 :], rule) if not _LINKED.match(line.strip())]
    if at < 0 or not behind:
        return {}
    counted = _COUNTED.search(plain(" ".join(lines[:at])))
    stars = int(counted[1]) if counted else 0
    said = "\n".join(behind[1:]) or "★" * stars + "☆" * (5 - stars)  # nobody has to write words
    return {"author": behind[0], "text": said, "rating": str(stars or "")}


def _named(sign: str, text: str) -> str:
    return f"{sign} {text}" if text else ""


def _labelled(lines: list[str], rule: Rule) -> dict[str, str]:
    """What stands behind each label, up to the next one."""
    labels = {plain(one): kind for kind in ("text", "pros", "cons", "rating", "author", "product", "others")
              for one in getattr(rule, kind)}  # fmt: skip
    found: dict[str, list[str]] = {}
    current = "others"
    for line in _until_the_end(lines, rule):
        label, colon, rest = line.partition(":")
        kind = labels.get(plain(label).strip(" *-•"), "")
        if kind:
            current = kind if kind not in found else "others"
            found.setdefault(current, []).append(rest.strip() if colon else "")
        else:
            found.setdefault(current, []).append(line.strip())
    return {kind: "\n".join(filter(None, words)) for kind, words in found.items()}


def _until_the_end(lines: list[str], rule: Rule) -> Iterator[str]:
    ends = tuple(plain(one) for one in rule.ends)
    for line in lines:
        if ends and plain(line.strip()).startswith(ends):
            return
        yield line


def _rating(written_so: str, lines: list[str]) -> float | None:
    drawn = next((found[0] for line in lines if (found := _DRAWN.search(line))), "")
    for candidate in (written_so.partition("\n")[0], drawn):
        try:
            if (stars := cells.stars(candidate)) is not None:
                return stars
        except ValueError:
            continue
    return None


def _link(body: str, rule: Rule) -> str:
    """The first one to where the rule says, best where the review begins; a forged mail leads nowhere else."""
    letters = plain(body)
    at = min((place for one in rule.begins if (place := letters.find(plain(one))) >= 0), default=0)
    for found in (*_WEB.finditer(body, at), *_WEB.finditer(body, 0, at)):
        url = canonical_url(found[0].replace("&amp;", "&").rstrip(".,;"))
        host = url.partition("://")[2].partition("/")[0].partition(":")[0]
        if url.startswith("https://") and any(_within(host, one) for one in rule.links):
            return url
    return ""


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
