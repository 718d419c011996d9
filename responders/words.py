"""What Ohlas says to people, in their language: messages, codes, dates and numbers."""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.model import Draft, Finding, Reason
from monitor.unheard import LEAST_SHARE, MOST_SHARE, SHARE, SOURCE, Unheard
from responders.codes import CODES, FAULT

_RELABELLED = re.compile(r"label (\S+) (\S+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?[+-]\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEAR = re.compile(r"\s*\by+\b\.?\s*")
LOCALE = Path(__file__).parent / "locale"
# how each language calls itself, in the order of the switch
LANGUAGES = {"en": "English", "sk": "Slovenčina", "cs": "Čeština", "hu": "Magyar"}
# British conventions: this is a page for Europe, with a 24-hour clock
TERRITORY = {"en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Words:
    """The words and formats of one of LANGUAGES; times are shown in `zone`."""

    language: str
    zone: ZoneInfo

    def say(self, message: str, **values: object) -> str:
        said = catalogue(self.language).gettext(message)
        return said % values if values else said

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        return catalogue(self.language).ngettext(one, many, number) % ({"number": self.number(number)} | values)

    def code(self, family: str, code: str) -> str:
        """A code in words; one that nobody has translated is shown as it is."""
        message = CODES[family].get(code)
        return self.say(message) if message else code

    def situation(self, word: str) -> str:
        """A word of the situation that a sentence was chosen for."""
        families = (CODES["situation"], CODES["aspect"], CODES["urgency"], CODES["tone"])
        return next((self.say(family[word]) for family in families if word in family), word)

    def reason(self, family: str, reason: Reason) -> str:
        said = self.code(family, reason.code)
        return f"{said}: {reason.detail}" if reason.detail and said else said or reason.detail

    def finding(self, finding: Finding) -> str:
        """What the guard found, without the excerpt. It says it more exactly, but only in English."""
        known = finding.rule in CODES["rule"] and self.language != "en"
        return self.code("rule", finding.rule) if known else finding.message

    def written(self, draft: Draft) -> str:
        """Who wrote the text, and why not the language model that was asked; "" where that is plain."""
        if draft.author != "playbook":
            return self.say("written by %(author)s", author=draft.author.removeprefix("llm:"))
        code, _, rules = draft.model_note.partition(": ")
        if not code:
            return ""
        why = self.code("model_note", code)
        broken = ", ".join(self.code("rule", rule) for rule in rules.split(", ") if rule)
        return self.say("from the playbook (%(why)s)", why=f"{why}: {broken}" if broken else why)

    def deed(self, action: str, reason: str) -> str:
        """A line of the audit list whose reason is a part of what was done."""
        if action != "snooze":
            return f"{self.code('action', action)} {reason}"
        if _MOMENT.fullmatch(reason):
            return self.say("snoozed until %(moment)s", moment=self.minute(datetime.fromisoformat(reason)))
        return self.say("snoozed until something changes")

    def why(self, stored: str, cause: str = "") -> str:
        """A reason out of the audit list: "code", "code: free text", "overrides rule, rule", "label old new",
        "fault ours", or free text; that of an error has its `cause` beside it."""
        if cause:
            return self.cause(cause, stored)
        if relabelled := _RELABELLED.fullmatch(stored):
            before, after = (self.code("label", label) for label in relabelled.groups())
            return f"{before} → {after}"
        if stored.startswith(FAULT):
            return self.situation(stored.removeprefix(FAULT))
        if stored.startswith("overrides "):
            rules = ", ".join(self.code("rule", rule) for rule in stored.removeprefix("overrides ").split(", "))
            overrides = CODES["why"]["overrides"]
            return self.say(overrides, rules=rules)
        code, colon, rest = stored.partition(": ")
        return f"{self.code('why', code)}{colon}{rest}" if code in CODES["why"] else stored

    def seen(self, stored: str) -> str:
        """Why a channel of the company is as it is: "code" or "code: detail", a date, a number or a server's words."""
        code, _, detail = stored.partition(": ")
        if _DAY.fullmatch(detail):
            detail = self.day(datetime.fromisoformat(detail).replace(tzinfo=self.zone))
        return " ".join(part for part in (self.code("channel_why", code), f"({detail})" if detail else "") if part)

    def cause(self, stored: str, message: str) -> str:
        """Why a source cannot be read, or an answer is not out: "code" or "code: what is quoted". `message` says it
        more exactly, but only in English; so it is all that there is of what was stored without a code."""
        code, _, quoted = stored.partition(": ")
        if self.language == "en" or code not in CODES["cause"]:
            return message
        said = self.code("cause", code)
        return f"{said} ({quoted})" if quoted else f"{said}."

    def language_name(self, code: str) -> str:
        from babel import Locale, UnknownLocaleError

        try:
            return str(Locale.parse(code).get_language_name(self.locale) or code)
        except (ValueError, UnknownLocaleError):
            return code

    @property
    def locale(self) -> str:
        return TERRITORY.get(self.language, self.language)

    def day(self, at: datetime) -> str:
        from babel.dates import format_date

        return format_date(at.astimezone(self.zone), "medium", locale=self.locale)

    def moment(self, at: datetime) -> str:
        from babel.dates import format_datetime

        return format_datetime(at, "medium", tzinfo=self.zone, locale=self.locale)

    def minute(self, at: datetime) -> str:
        """With the day of the week: of moments that lie ahead people think so."""
        from babel.dates import format_skeleton, format_time

        local = at.astimezone(self.zone)
        day = format_skeleton("MMMEd", local, locale=self.locale)
        return f"{day} {format_time(local, 'short', locale=self.locale)}"

    def hour(self, at: datetime) -> str:
        """For what is over soon."""
        from babel.dates import format_time

        return format_time(at, "short", tzinfo=self.zone, locale=self.locale)

    def clock(self, at: datetime) -> str:
        from babel.dates import format_time

        return format_time(at, "HH:mm:ss", tzinfo=self.zone, locale=self.locale)

    def whole_date(self, day: date) -> str:
        """A day of this year or the one before, in full: "nedeľa 22. novembra"."""
        from babel import Locale
        from babel.dates import format_date

        pattern = Locale.parse(self.locale).date_formats["full"].pattern
        return format_date(day, _YEAR.sub("", pattern), locale=self.locale)

    def short_date(self, day: date) -> str:
        from babel.dates import format_skeleton

        return format_skeleton("MEd", day, locale=self.locale)

    def dates(self, first: date, last: date) -> str:
        """Of several days, the shortest that is clear: "20. – 22. 11."."""
        from babel.dates import format_interval

        return self.short_date(first) if first == last else format_interval(first, last, "MMMd", locale=self.locale)

    def month(self, day: date) -> str:
        from babel.dates import format_skeleton

        return format_skeleton("yMMMM", day, locale=self.locale)

    def length(self, length: timedelta) -> str:
        """How long something took, as exactly as people say it: "1 h 20 min", "2 days 5 h", "12 days"."""
        minutes = max(1, round(length.total_seconds() / 60))
        days, hours, left = minutes // 1440, minutes % 1440 // 60, minutes % 60
        parts = [("day", days), ("hour", hours if days < 7 else 0)] if days else [("hour", hours), ("minute", left)]
        return " ".join(self._units(number, unit) for unit, number in parts if number)

    def _units(self, number: int, unit: str) -> str:
        from babel.units import format_unit

        # elsewhere short ones end with a full stop, or look like misprints
        long = unit == "day" or self.language not in ("sk", "cs")
        return str(format_unit(number, unit, length="long" if long else "short", locale=self.locale))

    def span(self, length: timedelta) -> str:
        """Roughly how long, as short as it is still readable: "3 h"."""
        from babel.dates import format_timedelta

        return format_timedelta(length, locale=self.locale, format="short")

    def unheard(self, found: Unheard) -> tuple[str, str]:
        """The estimate, never without its range, and where it comes from."""
        about, least, most = (self.number(number) for number in (found.about, found.least, found.most))
        share, low, high = (self.percent(share) for share in (SHARE, LEAST_SHARE, MOST_SHARE))
        return (
            self.say(
                "About %(about)s more customers may have been unhappy and did not write (%(least)s to %(most)s).",
                about=about,
                least=least,
                most=most,
            ),
            self.say(
                "This is an estimate, nobody counted them: in surveys about %(share)s of unhappy customers complained"
                " (%(source)s); the range is reckoned with %(high)s and %(low)s.",
                share=share,
                low=low,
                high=high,
                source=SOURCE,
            ),
        )

    def number(self, number: float) -> str:
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.locale))

    def percent(self, share: float) -> str:
        from babel.numbers import format_percent

        return format_percent(share, locale=self.locale)


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("ohlas", LOCALE, [language], fallback=language == "en")


def negotiate(accept_language: str, default: str) -> str:
    """The first of the reader's languages that the page speaks, by weight. `default` where there is none."""
    weighed = (_weighed(part) for part in accept_language[:500].split(","))
    wanted = sorted((-weight, place, code) for place, (code, weight) in enumerate(weighed) if weight > 0)
    return next((code for _, _, code in wanted if code in LANGUAGES), default)


def _weighed(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return tag.strip().lower().partition("-")[0], weight
