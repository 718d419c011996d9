"""What people and programs write where a date, a rating or a language is meant.

Only processes text. What cannot be understood raises a ValueError whose message says so to a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

_OLDEST, _NEWEST = 1990, 2100  # years
_DATE_LENGTH = 64  # characters; dateutil is slow on long nonsense
_UNIX = re.compile(r"-?\d{9,10}(?:\.\d+)?|\d{13}")
_CZECH = re.compile(
    r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})"
    r"(?:[\s,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)
_HUNGARIAN = re.compile(
    r"(?P<year>\d{4})\.\s?(?P<month>\d{1,2})\.\s?(?P<day>\d{1,2})\.?"
    r"(?:[\s,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)
_RATING = re.compile(
    r"(?P<value>\d+(?:[.,]\d+)?)\s*(?:(?P<percent>%)|(?:/|z|ze|of|out of)\s*(?P<scale>\d+))?\s*(?:[*★]|[^\W\d_]+)?",
    re.IGNORECASE,
)
_STARS = re.compile(r"(?P<full>[★⭐*]{1,5})(?P<empty>[☆]{0,4})\uFE0F?")
_LANGUAGE = re.compile(r"(?P<code>[a-z]{2})(?:[-_].*)?", re.IGNORECASE)
_COUNTRY_CODES = {"cz": "cs", "gb": "en", "us": "en"}  # a country where its language is meant
_NO_RATING = frozenset({"", "-", "–", "—", "n/a", "null", "none"})


def moment(cell: str, zone: tzinfo, *, dayfirst: bool = True, date_format: str = "") -> datetime:
    """The moment in UTC; `zone` is meant where `cell` names none. `date_format` is one of strptime."""
    written = " ".join(cell.split())
    if not written:
        raise ValueError("there is no date")
    if len(written) > _DATE_LENGTH:
        raise ValueError("the date cannot be read")
    try:
        found = _strptime(written, date_format) if date_format else _guessed(written, dayfirst)
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"the date {written!r} cannot be read") from error
    if not _OLDEST <= found.year <= _NEWEST:
        raise ValueError(f"the date {written!r} cannot be right")
    return found


def past(cell: str) -> datetime | None:
    """A moment as above, in UTC where no zone is named; None where there is none. Never in the future, for the clocks
    of others may be ahead."""
    try:
        return min(moment(cell, UTC), datetime.now(UTC))
    except ValueError:
        return None


def _strptime(written: str, date_format: str) -> datetime:
    return datetime.strptime(written, date_format)  # noqa: DTZ007  # `moment` adds the zone


def _guessed(written: str, dayfirst: bool) -> datetime:
    if _UNIX.fullmatch(written):
        seconds = float(written)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    for pattern in (_CZECH, _HUNGARIAN):
        if (match := pattern.fullmatch(written)) and (dayfirst or pattern is _HUNGARIAN):
            return _numeric(match)
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        from monitor.named_dates import with_names  # imported late: few write dates so

        return with_names(written, dayfirst)


def _numeric(match: re.Match[str]) -> datetime:
    number = {name: int(value) for name, value in match.groupdict(default="0").items()}
    return datetime(  # noqa: DTZ001  # `moment` adds the zone
        number["year"], number["month"], number["day"], number["hour"], number["minute"], number["second"]
    )


def stars(cell: str, scale: float = 5.0) -> float | None:
    """1 to 5 stars; None where nothing was rated. `scale` is the best rating that can be given.

    "4,5", "4/5", "9 z 10", "80 %" and "★★★★☆" are understood; a scale in the cell wins.
    """
    written = cell.strip()
    if written.casefold() in _NO_RATING:
        return None
    if drawn := _STARS.fullmatch(written):
        return float(len(drawn["full"]))
    match = _RATING.fullmatch(written)
    if not match:
        raise ValueError(f"the rating {written[:20]!r} is no number")
    value = float(match["value"].replace(",", "."))
    best = 100.0 if match["percent"] else float(match["scale"] or scale)
    if value > best or best == 0:
        raise ValueError(f"the rating {written[:20]!r} is above {best:g}; set rating_scale to the best rating")
    if value == 0 and best <= 10:
        return None  # scales this short begin at 1, or at half a star; 0 stands for "not rated"
    return max(1.0, value * 5.0 / best)


def drawn(rating: float) -> str:
    """What stands for the words of a rating that has none: "★★★☆☆"."""
    full = round(rating)
    return "★" * full + "☆" * (5 - full)


def language_code(cell: str) -> str:
    """ISO 639-1, "" where there is none: "SK", "cs-CZ", "cz"."""
    match = _LANGUAGE.fullmatch(cell.strip())
    code = match["code"].lower() if match else ""
    return _COUNTRY_CODES.get(code, code)


def storable(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what UTF-8 (halves of surrogate pairs) and JSON (NaN) cannot hold."""
    written = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    kept: dict[str, Any] = json.loads(written, parse_constant=lambda _: None)
    return kept
