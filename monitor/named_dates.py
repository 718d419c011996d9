"""Dates with names of months and zones, as dateutil reads them. Apart from monitor/cells.py: dateutil loads slowly."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil import parser as dateutil_parser

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


def with_names(written: str, dayfirst: bool) -> datetime:
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
        for default in (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001  # `cells.moment` adds the zone
    )
    if first != second:
        raise ValueError("day, month or year is missing")
    return first


def _offset(name: str | None, seconds: int | None) -> tzinfo | None:
    if seconds is not None:
        return timezone(timedelta(seconds=seconds))
    hours = _ZONES.get((name or "").upper())
    return timezone(timedelta(hours=hours)) if hours is not None else None
