"""Signed marks in the mails about a draft, that come back in a reply: which draft, which revision, who was asked.

A mark is 40 letters and digits in lower case, so that it lives in a mailbox name (ohlas+MARK@…, 64 characters at
most, and mail systems fold case), in a message id and in a footer alike. It proves that we wrote to that person about
that revision; it decides nothing by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import HMACAlgorithm, Signer

from monitor.errors import OhlasError, StoreError

Purpose = Literal["decide", "confirm"]  # "confirm": of an edited text, that this is what will be published
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
VALID: Final = timedelta(days=14)
LENGTH: Final = 40  # characters

_SIGNATURE = 10  # bytes: nobody can try 2^80 mails
_HOUR = 3600
_DRAFTS, _REVS = 2**40, 2**16
_SHAPE = re.compile(rf"(?<![a-z0-9])[a-z2-7]{{{LENGTH}}}(?![a-z0-9])", re.IGNORECASE)


class TokenError(OhlasError):
    """The mark is not ours, was changed, is too old, or names somebody who is not in config.toml any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`expires` is kept to the hour."""

    draft_id: int
    rev: int
    person: str
    purpose: Purpose
    expires: datetime


def make_token(key: bytes, token: Token) -> str:
    """Raises ValueError for numbers beyond what fits: drafts from 10^12, revisions from 65536."""
    if not (0 < token.draft_id < _DRAFTS and 0 <= token.rev < _REVS):
        raise ValueError(f"draft {token.draft_id}, revision {token.rev} does not fit into a mark")
    said = b"".join(
        (
            bytes([PURPOSES.index(token.purpose)]),
            (int(token.expires.timestamp()) // _HOUR).to_bytes(3),
            _fingerprint(token.person),
            token.rev.to_bytes(2),
            token.draft_id.to_bytes(5),
        )
    )
    return b32encode(said + base64_decode(_signer(key).get_signature(said))).decode().lower()


def read_token(key: bytes, text: str, people: Iterable[str], now: datetime) -> Token:
    """`people` are the names that a mark may be for. Raises TokenError."""
    if not _SHAPE.fullmatch(text):
        raise TokenError("this is no mark of ours")
    raw = b32decode(text.upper())
    said, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
    if not _signer(key).verify_signature(said, base64_encode(signature)) or said[0] >= len(PURPOSES):
        raise TokenError("this mark was not made here, or it was changed")
    expires = datetime.fromtimestamp(int.from_bytes(said[1:4]) * _HOUR, UTC)
    if expires <= now:
        raise TokenError("this mark is too old")
    person = next((name for name in people if _fingerprint(name) == said[4:8]), "")
    if not person:
        raise TokenError("this mark is for somebody who is not in config.toml any more")
    return Token(
        draft_id=int.from_bytes(said[10:15]),
        rev=int.from_bytes(said[8:10]),
        person=person,
        purpose=PURPOSES[said[0]],
        expires=expires,
    )


def find_tokens(*texts: str) -> list[str]:
    """Whatever looks like a mark in addresses, message ids and texts, in lower case, each once."""
    return list(dict.fromkeys(found.lower() for text in texts for found in _SHAPE.findall(text)))


def plus_address(address: str, token: str) -> str:
    """Where a reply that carries the mark arrives: ohlas@shop.example -> ohlas+MARK@shop.example."""
    name, _, domain = address.rpartition("@")
    return f"{name}+{token}@{domain}"


def key_of(state: Path) -> bytes:
    """The key in the state folder, made at the first use; readable by nobody else. Raises StoreError."""
    file = state / "mail.key"
    try:
        _make_key(file)
        key = bytes.fromhex(file.read_text().strip())
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: the key of the mails cannot be read; delete the file to make a new one") from error
    if len(key) < 32:
        raise StoreError(f"{file}: the key of the mails was cut off; delete the file to make a new one")
    return key


def _make_key(file: Path) -> None:
    """Whole or not at all: whoever reads it meanwhile never sees half of it."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
        writing.write(secrets.token_hex(32))
        writing.flush()
        os.fsync(writing.fileno())
    try:
        os.link(fresh, file)  # unlike a rename, it never replaces the key that somebody else has just made
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _fingerprint(person: str) -> bytes:
    return hashlib.sha256(person.encode()).digest()[:4]


class _Short(HMACAlgorithm):
    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:_SIGNATURE]


def _signer(key: bytes) -> Signer:
    return Signer(
        key,
        salt=b"ohlas.mail",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
        algorithm=_Short(hashlib.sha256),
    )
