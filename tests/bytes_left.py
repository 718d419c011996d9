"""Looks for words in every byte of a folder, in whatever way a program may have written them down."""

from __future__ import annotations

import base64
import json
import quopri
import unicodedata
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

SHORTEST = 5  # letters of a part that is looked for: an index keeps a word without what it begins with


def written(word: str) -> set[bytes]:
    """A word as UTF-8 and UTF-16, escaped for JSON, HTML, addresses and mails, folded, and in parts."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    spelled = {word, plain, plain.replace(" ", "")}
    found = {form for text in spelled for form in _encoded(text)}
    for text in spelled:
        middle = [text[start : start + SHORTEST + 3] for start in range(2, len(text) - SHORTEST - 2)]
        found.update(part.encode() for part in middle)
    coded = {form for form in _in_base64(word) if len(form) > SHORTEST}
    return {form.lower() for form in found if len(form) >= SHORTEST} | coded


def _encoded(text: str) -> Iterable[bytes]:
    yield text.encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield json.dumps(text).encode().strip(b'"')
    yield escape(text).encode("ascii", "xmlcharrefreplace")
    yield quote(text).encode()
    yield quopri.encodestring(text.encode())


def _in_base64(text: str) -> Iterable[bytes]:
    """Wherever in a longer text the word stands: its inner letters, at each of the three places."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode())
        yield encoded[4:-4]


def left(folder: Path, *words: str) -> list[tuple[str, bytes]]:
    """Which of the words stand in which file below `folder`, and how they are written there."""
    forms = {form for word in words for form in written(word)}
    hits = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        low = body.lower()
        hits += [(path.name, form) for form in forms if form in (low if form == form.lower() else body)]
    return hits
