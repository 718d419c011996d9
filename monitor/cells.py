"""What people and programs write where a date, a rating or a language is meant.

Only processes text. What cannot be understood raises a ValueError whose message says so to a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil import parser as dateutil_parser

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
_ZONES = {"CET": 1, "CEST": 2, "SEČ": 1, "SELČ": 2}  # hours east of Greenwich


class _Months(dateutil_parser.parserinfo):
    """English, Slovak, Czech and Hungarian names, as they stand in dates."""

    MONTHS: list[Any] = [  # noqa: RUF012  # dateutil's own way of naming them
        ("jan", "january", "január", "januára", "leden", "ledna"),
        ("feb", "february", "február", "februára", "únor", "února", "febr"),
        ("mar", "march", "marec", "marca", "březen", "března", "március", "márc"),
        ("apr", "april", "apríl", "apríla", "duben", "dubna", "április", "ápr"),
        ("may", "máj", "mája", "květen", "května", "május"),
        ("jun", "june", "jún", "júna", "červen", "června", "június", "jún"),
        ("jul", "july", "júl", "júla", "červenec", "července", "július"),
        ("aug", "august", "augusta", "srpen", "srpna", "augusztus"),
        ("sep", "sept", "september", "septembra", "září", "szeptember", "szept"),
        ("oct", "october", "okt", "október", "októbra", "říjen", "října"),
        ("nov", "november", "novembra", "listopad", "listopadu"),
        ("dec", "december", "decembra", "prosinec", "prosince"),
    ]
    JUMP = [*dateutil_parser.parserinfo.JUMP, "o", "v"]  # noqa: RUF012  # "21. novembra o 14:05"


_MONTHS = _Months()


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
        return _with_names(written, dayfirst)


def _numeric(match: re.Match[str]) -> datetime:
    number = {name: int(value) for name, value in match.groupdict(default="0").items()}
    return datetime(  # noqa: DTZ001  # `moment` adds the zone
        number["year"], number["month"], number["day"], number["hour"], number["minute"], number["second"]
    )


def _with_names(written: str, dayfirst: bool) -> datetime:
    """What dateutil makes of it, unless it had to guess day, month or year."""
    year_leads = re.match(r"\d{4}", written) is not None
    first, second = (
        dateutil_parser.parse(
            written,
            _MONTHS,
            default=default,
            tzinfos=_offset,
            dayfirst=dayfirst and not year_leads,
            yearfirst=year_leads,
        )
        for default in (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001  # `moment` adds the zone
    )
    if first != second:
        raise ValueError("day, month or year is missing")
    return first


def _offset(name: str | None, seconds: int | None) -> tzinfo | None:
    if seconds is not None:
        return timezone(timedelta(seconds=seconds))
    hours = _ZONES.get((name or "").upper())
    return timezone(timedelta(hours=hours)) if hours is not None else None


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
