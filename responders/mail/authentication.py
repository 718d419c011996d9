"""What our own mail server says of a mail's sender: the DMARC result in Authentication-Results (RFC 8601). Pure.

Anybody can write such a field into his mail. Ours is told from theirs by the name that our server signs with, and by
its place: servers write on top, so of several with that name only the topmost counts, whatever it says. A server that
writes none at all for some mails has to remove foreign ones with its name, as RFC 8601 demands; README.md says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 20_000  # characters of one field; real ones have a few hundred
# quotes are one token, so that what stands in them is never read as a result of its own
_PAIR = re.compile(r'([A-Za-z][\w.-]*)(?:\s*/\s*\d+)?\s*=\s*("(?:[^"\\]|\\.)*"|[^\s"=]+)')
_NAME = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"=]+))(?:\s+\d+)?\s*')


@dataclass(frozen=True, slots=True)
class Dmarc:
    """`result` is "pass", "fail", "none", …, or "" where our server says nothing; `domain` is whose From was checked,
    "" where the server does not tell."""

    result: str = ""
    domain: str = ""


def dmarc_of(fields: Iterable[str], authserv_id: str) -> Dmarc:
    """Of the topmost of `fields` (as they stand in the mail, top first) that bears the name of our server."""
    for value in fields:
        name, *results = _statements(value[:LIMIT])
        if authserv_id and _authserv_id(name) == authserv_id.casefold():
            return _dmarc(results)
    return Dmarc()


def _authserv_id(statement: str) -> str:
    found = _NAME.fullmatch(statement)
    return (found[1] or found[2] or "").casefold() if found else ""


def _dmarc(results: list[str]) -> Dmarc:
    """Two results that differ say nothing that one could rely on."""
    found = {one for one in map(_one, results) if one is not None}
    return found.pop() if len(found) == 1 else Dmarc()


def _one(statement: str) -> Dmarc | None:
    """None where it is another method's."""
    method = _PAIR.match(statement.strip())
    if method is None or method[1].lower() != "dmarc":
        return None
    properties = {pair[1].lower(): _unquoted(pair[2]) for pair in _PAIR.finditer(statement.strip(), method.end())}
    return Dmarc(_unquoted(method[2]).lower(), properties.get("header.from", "").lower().rpartition("@")[2])


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _statements(value: str) -> list[str]:
    """The parts between semicolons, without comments; quotes stay. What follows a quote or a comment that nobody
    closed belongs to it."""
    found, depth, quoted, escaped = [""], 0, False, False
    for character in value:
        kept = depth == 0
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted or depth > 0
        elif quoted:
            quoted = character != '"'
        elif character == "(":
            depth, kept = depth + 1, False
        elif character == ")" and depth:
            depth, kept = depth - 1, False
            found[-1] += " " if not depth else ""
        elif not depth and character == '"':
            quoted = True
        elif not depth and character == ";":
            found.append("")
            continue
        if kept:
            found[-1] += character
    return found
