"""What happened in some weeks, with charts and the table behind each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aiohttp import web

from monitor.digest.periods import YEARS
from monitor.model import LABELS
from monitor.reports import BYS, ROW, WIDE, By, Line, Report, answer_bars, mention_bars, report, usual_days, vote_bars
from monitor.store.follow_ups import LEAST
from responders.page.context import Visit
from responders.page.rendering import STATIC, render
from responders.words import Words

if TYPE_CHECKING:
    from monitor.options import Config

_VOTED = "voted_"  # before the score in the kind of a piece


async def show(visit: Visit) -> web.Response:
    """Of the days and the kind in the address; what cannot be read there is as usual."""
    zone = visit.words.zone
    by, first, last = _wanted(visit.request.query, zone, visit)
    found = await visit.page.store.run(report, visit.page.store, by, first, last, zone)
    return visit.show("reports.html", **_values(found, visit.words), bys=BYS)


def as_file(found: Report, config: Config) -> str:
    """A page that stands alone, in the page's language."""
    words = Words(config.page.language, ZoneInfo(config.page.timezone))
    sheet = (STATIC / "page.css").read_text("utf-8")
    values = {**_values(found, words), "sheet": sheet, "company": config.company.name}
    return render("report_file.html", words, values)


def _wanted(query: Mapping[str, str], zone: ZoneInfo, visit: Visit) -> tuple[By, date, date]:
    monday, today = usual_days(visit.now, zone)
    by = query.get("by", "")
    first, last = _day(query.get("from", ""), monday), _day(query.get("to", ""), today)
    if not timedelta() <= last - first <= timedelta(days=3650):
        first, last = monday, today
    return next((one for one in BYS if one == by), "week"), first, last


def _day(written: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return otherwise
    return found if found.year in YEARS else otherwise


def _values(found: Report, words: Words) -> dict[str, Any]:
    return {
        "found": found,
        "written": mention_bars(found.lines) if found.has_mentions else (),
        "answered": answer_bars(found.lines) if found.has_answers else (),
        "voted": vote_bars(found.satisfied),
        "least": LEAST,
        "name": lambda line: _name(found, line, words),
        "kind": lambda kind: _kind(kind, words),
        "took": lambda seconds: words.length(timedelta(seconds=seconds)),
        "day": lambda day: words.day(datetime.combine(day, time(12), words.zone)),
        "wide": WIDE,
        "tall": ROW,
    }


def _kind(kind: str, words: Words) -> str:
    """A piece of a bar: a label, how it was answered, or what a customer said of that."""
    if kind.startswith(_VOTED):
        return words.code("score", kind.removeprefix(_VOTED))
    return words.code("label" if kind in LABELS else "report", kind)


def _name(found: Report, line: Line, words: Words) -> str:
    """What a line is called by people."""
    if not line.key:
        return words.say("not known")
    match found.by:
        case "week":
            first = date.fromisoformat(line.key)
            return words.dates(first, min(found.last, first + timedelta(days=6 - first.weekday())))
        case "language":
            return words.language_name(line.key)
        case "aspect":
            return words.code("aspect", line.key)
    return line.key
