"""A gallery to read as a customer would: every kind of case in every language, on one page.

OHLAS_GALLERY=folder keeps the page there (gallery.html); without it the page goes with the test's other files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from html import escape
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from monitor.hours import said
from monitor.language import identify
from monitor.model import Composition, Finding
from monitor.options import CompanyOptions
from responders.draft import acknowledge, compose
from responders.guard import check
from responders.playbook import Playbook, load
from responders.waiting import Unit, Waited, in_words
from tests.gallery_set import LANGUAGES, NOW, Case, cases
from tests.small_playbook import mention, verdict

COMPANY = CompanyOptions(
    name="Lipka", signature="Jana z Lipky", contact="pomoc@lipka.example", website="https://lipka.example"
)
ZONE = ZoneInfo("Europe/Bratislava")
PARTS = {
    "complaint": ["apology", "interest", "solution"],
    "praise": ["thanks", "personal", "invitation"],
    "neutral": ["body"],
}
TIMES = (1, 2, 5, 22)
UNITS = get_args(Unit)


def reply(case: Case) -> Composition:
    return compose(
        case.mention,
        case.verdict,
        playbook=load(case.language, formal=case.formal),
        company=COMPANY,
        policy=case.policy,
        rules=case.rules,
        facts=case.facts,
        fault=case.fault,
        reference="OH-00042" if case.rules.channel == "mail" else "",
    )


def findings(case: Case, made: Composition) -> tuple[Finding, ...]:
    """What the guard says of the text as if somebody had written it, and of the draft that knows its parts."""
    judged = partial(
        check,
        made.text,
        language=case.language,
        label=case.label,
        rules=case.rules,
        company=COMPANY,
        policy=case.policy,
        mention=case.mention,
        identify=partial(identify, languages=LANGUAGES),
        playbook=load(case.language, formal=case.formal),
        known=tuple(case.facts.values()),
    )
    return tuple(dict.fromkeys((*judged(), *judged(parts=made.parts))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reply_of_the_gallery_is_whole_and_passes_the_guard(language: str) -> None:
    made = [(case, reply(case)) for case in cases(language)]
    for case, one in made:
        assert list(one.parts) == PARTS[case.label], one.text
        assert findings(case, one) == (), one.text
        assert not re.search(r"[{}\[\]|]", one.text), one.text
        sentences = [choice.text.casefold() for choice in one.choices]
        assert len(set(sentences)) == len(sentences), one.text
    assert len({one.text for _, one in made}) >= len(made) - 2


def test_the_gallery_is_one_page(tmp_path: Path) -> None:
    folder = Path(os.environ.get("OHLAS_GALLERY") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "gallery.html"
    page.write_text("\n".join(_page()), encoding="utf-8")
    written = page.read_text("utf-8")
    assert written.count('<article class="case">') == sum(len(cases(language)) for language in LANGUAGES) >= 240
    assert written.count('<li class="said">') == len(LANGUAGES) * (len(TIMES) * len(UNITS) + len(_DUE))


def _page() -> Iterator[str]:
    yield (
        '<!doctype html><meta charset="utf-8"><title>Ohlas: replies to read</title>'
        "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "article{border-top:1px solid #999;padding:.7em 0}q{color:#555}pre{white-space:pre-wrap;font:inherit}"
        "small{color:#666}.finding{color:#b00}</style><h1>Replies to read</h1>"
    )
    for language in LANGUAGES:
        yield f'<section lang="{language}"><h2>{language}</h2>'
        yield from (_shown(case) for case in cases(language))
        yield "<ol>"
        yield from (f'<li class="said">{escape(text)}</li>' for text in (*_waits(language), *_acknowledged(language)))
        yield "</ol></section>"


def _shown(case: Case) -> str:
    made = reply(case)
    why = "".join(
        f"<li>{escape(choice.part)} · {escape(' '.join(choice.why))}: {escape(choice.text)}</li>"
        for choice in made.choices
    )
    found = "".join(f'<p class="finding">{escape(one.rule)}: {escape(one.message)}</p>' for one in findings(case, made))
    return (
        f'<article class="case"><small>{escape(case.mention.id)} · {escape(" ".join(case.words))}</small>'
        f"<p>{escape(case.mention.author)}: <q>{escape(case.mention.text)}</q></p><pre>{escape(made.text)}</pre>"
        f"<details><summary>why</summary><ul>{why}</ul></details>{found}</article>"
    )


def _waits(language: str) -> Iterator[str]:
    """An apology for every time that somebody may have waited."""
    playbook = load(language)
    for number, unit in ((number, unit) for unit in UNITS for number in TIMES):
        said_so = _with_waiting(playbook, in_words(Waited(number, unit), playbook.waiting, language))
        yield said_so[(number + len(unit)) % len(said_so)]


def _with_waiting(playbook: Playbook, waiting: str) -> list[str]:
    assert waiting, playbook.language
    sentences = (one for bank in playbook.complaint.apology.values() for one in bank if one.slots == {"waiting"})
    return [one.fill({"waiting": waiting}) for one in sentences]


_DUE = tuple(
    datetime(2026, *moment, tzinfo=ZONE)
    for moment in ((11, 20, 16, 0), (11, 21, 9, 30), (11, 23, 16, 0), (12, 1, 8, 0), (12, 2, 12, 0), (12, 24, 11, 45))
)


def _acknowledged(language: str) -> Iterator[str]:
    for number, due in enumerate(_DUE):
        yield acknowledge(
            mention(id=str(number), author="Eva Malá"),
            verdict("complaint", urgency=("repeated",) if number % 2 else ()),
            playbook=load(language),
            company=COMPANY,
            rules=cases(language)[number].rules,
            reference="OH-00042" if number < len(_DUE) - 1 else "",
            answer_by=said(due, NOW + timedelta(minutes=number), language, ZONE),
        ).text
