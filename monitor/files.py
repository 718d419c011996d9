"""Files that sources are read from: where they lie, what they hold, and whether they changed.

Reading blocks; a connector calls it through `asyncio.to_thread`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from monitor.errors import PermanentError, SourceError, TemporaryError
from monitor.model import Mention

SAMPLE = "sample:"
SAMPLE_DAY = date(2026, 11, 21)  # the day on which the shipped samples were written
LIMIT = 50 * 1024 * 1024
_RACY = 2_000_000_000  # ns; a file this fresh may change again within one tick of its time stamp


def is_sample(path: str) -> bool:
    return path.startswith(SAMPLE)


def resolve(path: str, base: Path) -> Path:
    """The file that config.toml means: "sample:NAME" is one that ships with Ohlas, anything else is beside config.toml.

    Raises PermanentError where there is no such file.
    """
    if is_sample(path):
        return _sample(path.removeprefix(SAMPLE))
    found = base / os.path.expanduser(path)
    mode = _stat(found).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise PermanentError(f"{found} is no ordinary file; reading it could take for ever.")
    return found


def samples() -> list[str]:
    return sorted(entry.name for entry in _samples().iterdir() if entry.is_file() and entry.suffix != ".py")


def _samples() -> Path:
    return Path(str(resources.files("connectors.samples")))


def _sample(name: str) -> Path:
    if name not in samples():
        raise PermanentError(f"There is no sample {name!r}; shipped samples: {', '.join(samples())}.")
    return _samples() / name


def read(path: Path, limit: int = LIMIT) -> bytes:
    """The whole file, `limit` bytes at most. Raises PermanentError, and TemporaryError where the disk failed."""
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(body) > limit:
        raise PermanentError(
            f"{path} is larger than {limit // 1024**2} MiB; split it.", cause="too_large", words=str(path)
        )
    return body


def modified(path: Path) -> datetime:
    """When the file was last written. Raises like `read`."""
    return datetime.fromtimestamp(_stat(path).st_mtime, UTC)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError | ValueError) -> SourceError:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return PermanentError("`path` is too long to be a file; check it in config.toml.")
    match error:
        case FileNotFoundError() | NotADirectoryError() | ValueError():
            return PermanentError(
                f"There is no file {path}; check `path` in config.toml.", cause="no_file", words=str(path)
            )
        case IsADirectoryError():
            return PermanentError(f"{path} is a folder; name one file in it.", cause="no_file", words=str(path))
        case PermissionError():
            return PermanentError(
                f"{path} may not be read; let the user that runs Ohlas read it.", cause="no_file", words=str(path)
            )
        case _:
            return TemporaryError(f"{path} could not be read: {error.strerror}.", cause="no_file", words=str(path))


def decode(body: bytes) -> str:
    """Text as programs of the region save it: a byte order mark decides, then UTF-8, then windows-1250.

    One broken byte in a UTF-8 file costs one character, not the spelling of all others.
    """
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    text = body.removeprefix(BOM_UTF8).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken and broken >= sum(character > "\x7f" for character in text) - broken:
        return body.decode("windows-1250", "replace")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a look at a file brought: `body` is None where nothing changed since `cursor` was made.

    `row` is where the last page stopped, so that a long file can be taken in several pages.
    """

    body: bytes | None
    cursor: str
    row: int = 0


def read_changed(path: Path, cursor: str, salt: str = "", limit: int = LIMIT) -> Reading:
    """Read `path` unless it is as it was when `cursor` was made.

    An unchanged time stamp and size spare the reading, an unchanged hash spares the parsing. `salt` stands for the
    settings that decide what the bytes mean: a new one makes an old file new. Raises like `read`.
    """
    before = _parsed(cursor)
    row = before.get("row", 0)
    status = _stat(path)
    stamp = f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}:{salt}"
    if stamp == before.get("stat") and not row:
        return Reading(body=None, cursor=cursor)
    fresh = time.time_ns() - status.st_mtime_ns < _RACY
    body = read(path, limit)
    digest = hashlib.sha256(salt.encode() + b"\0" + body).hexdigest()
    after = json.dumps({"stat": "" if fresh else stamp, "sha256": digest})
    if digest != before.get("sha256"):
        return Reading(body=body, cursor=after)
    return Reading(body=body if row else None, cursor=after, row=row)


def at_row(cursor: str, row: int) -> str:
    """The same cursor, with reading to go on at `row`."""
    return json.dumps(_parsed(cursor) | {"row": row})


def _parsed(cursor: str) -> dict[str, Any]:
    try:
        known = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}  # a cursor of another version only costs one more reading
    return known if isinstance(known, dict) and isinstance(known.get("row", 0), int) else {}


def freshen(mentions: Iterable[Mention], today: date) -> tuple[Mention, ...]:
    """The shipped samples as if they had been written today: every date moves by the same number of whole days.

    Ids and content hashes stay as they are. Only for paths that `is_sample` knows; real files keep their dates.
    """
    shift = timedelta(days=(today - SAMPLE_DAY).days)
    return tuple(replace(mention, created_at=mention.created_at + shift) for mention in mentions)
