"""Logging for a service that reads untrusted text and knows secrets: neither may do harm in the log."""

from __future__ import annotations

import base64
import copy
import html
import json
import logging
import re
import sys
import traceback
from collections.abc import Collection, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, TextIO
from urllib.parse import quote, quote_plus

from pythonjsonlogger.json import JsonFormatter

MASK = "**********"

_SHORTEST_SECRET = 4  # characters; masking every "a" would leave no log
_LONGEST = 32_768  # characters of one value; what a stranger wrote must not fill the disk

# The name of a secret in a query, a form or a header, up to its value.
_NAMED = re.compile(
    r"""((?<![\w-])[\w-]*(?:key|token|secret|password|passwd|pwd|signature|sig|auth|credential)(?:=|%3d))[^\s&"'<>]+""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_USERINFO = re.compile(r"://[^\s/@?#\"'<>]+@")

# Control characters, line separators, direction overrides, invisible spaces, lone surrogates, invisible tags.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

# Libraries that say too much. tweepy writes its bearer token at DEBUG; an access log holds one-time links.
_AT_LEAST = {
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.INFO,
    "slack_sdk": logging.INFO,
    "tweepy": logging.INFO,
    "oauthlib": logging.INFO,
    "requests_oauthlib": logging.INFO,
    "urllib3": logging.INFO,
    "prawcore": logging.INFO,
}


def configure(
    kind: Literal["text", "json"], level: str, secrets: Collection[str] = (), stream: TextIO | None = None
) -> None:
    """Send everything that is logged to `stream` (standard error where none is given), as text or as JSON lines.

    `secrets` never show, in whatever form; may be called again, for example when the configuration is known.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Json(secrets) if kind == "json" else _Text(secrets))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, least in _AT_LEAST.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def mask(text: str, secrets: Collection[str]) -> str:
    """`text` without any of `secrets`, as they are or as URLs, JSON, HTML, Python or base64 write them."""
    pattern = _pattern(frozenset(secrets))
    return pattern.sub(MASK, text) if pattern else text


def mask_queries(text: str) -> str:
    """`text` without values that are secret by their name (`?key=…`, `token=…`, `Bearer …`, `//user:password@`)."""
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    text = _BEARER.sub(rf"\g<1> {MASK}", text)
    return _USERINFO.sub(f"://{MASK}@", text)


def printable(text: str) -> str:
    """`text` on one line, with invisible and direction-changing characters written out: "\\n", "\\u202e"."""
    return _UNPRINTABLE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or (
        f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    )


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
    longest_first = sorted(forms, key=len, reverse=True)  # else a secret's head would be masked and its tail shown
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None


def _forms(secret: str) -> set[str]:
    encoded = secret.encode("utf-8", "surrogatepass")
    in_base64 = {base64.b64encode(encoded).decode().rstrip("="), base64.urlsafe_b64encode(encoded).decode().rstrip("=")}
    written = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    in_bytes = {repr(encoded)[2:-1], encoded.hex()}
    in_urls = {quote(encoded, safe=""), quote(encoded), quote_plus(encoded), quote_plus(encoded, safe="/:@")}
    return {secret, printable(secret), html.escape(secret), *in_base64, *written, *in_bytes, *in_urls}


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` replaces it and leaves others alone."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: the standard library would print the arguments, unmasked."""


class _Cleaner:
    """Makes any value that was logged safe to write."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = frozenset(secrets)

    def text(self, text: str) -> str:
        """One line, without secrets."""
        return printable(self.masked(text))

    def lines(self, text: str) -> list[str]:
        """A traceback: its lines stay lines, each of them safe."""
        return [printable(line) for line in self.masked(text).split("\n")]

    def masked(self, text: str) -> str:
        # Masked before it is clipped, so that no secret is cut in half and shown.
        masked = mask_queries(mask(text, self._secrets))
        return masked if len(masked) <= _LONGEST else f"{masked[:_LONGEST]}… ({len(masked)} characters)"

    def value(self, value: object) -> Any:
        """What was given as `extra`: numbers stay numbers, anything unknown becomes text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        return self.text(str(value))


class _Text(logging.Formatter):
    """`2026-03-01 08:15:00+0100 WARNING monitor.service: reviews is unreachable (source=reviews)`"""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__(datefmt="%Y-%m-%d %H:%M:%S%z")
        self._clean = _Cleaner(secrets)

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} {record.name}"
        extra = ", ".join(f"{key}={value}" for key, value in _extra(record).items())
        message = _message(record) + (f" ({extra})" if extra else "")
        # No line of a traceback can be taken for a new record.
        tail = [f"    | {line}" for line in self._clean.lines(_traceback(record))] if _traceback(record) else []
        return "\n".join([f"{head}: {self._clean.text(message)}", *tail])


class _Json(JsonFormatter):
    """One object a line: time, level, logger, message, exception, and what was given as `extra`."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__(["levelname", "name", "message"], json_ensure_ascii=False, timestamp="time")
        self.rename_fields = {"levelname": "level", "name": "logger"}
        self._clean = _Cleaner(secrets)

    def format(self, record: logging.LogRecord) -> str:
        plain = copy.copy(record)  # other handlers get to see the record as it was
        plain.msg, plain.args = _message(record), ()
        plain.exc_info = plain.exc_text = plain.stack_info = None
        if _traceback(record):
            plain.__dict__["exception"] = _traceback(record)
        return super().format(plain)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        exception = log_data.pop("exception", None)
        clean: dict[str, Any] = self._clean.value(log_data)
        if exception is not None:
            clean["exception"] = "\n".join(self._clean.lines(str(exception)))
        return clean


_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in record.__dict__.items() if key not in _STANDARD}


def _message(record: logging.LogRecord) -> str:
    """A wrong number of arguments is a slip, and no reason to lose the record or to show it unmasked."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


def _traceback(record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[1] is not None:
        parts.append("".join(traceback.format_exception(record.exc_info[1])).rstrip("\n"))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The interpreter would print the traceback of a crash unmasked."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("monitor").critical("stopped by an error", exc_info=(kind, error, trace))
