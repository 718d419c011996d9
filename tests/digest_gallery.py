"""Digests to look at: made-up facts in six languages, three editions, and cases that tend to break a mail.

python -m tests.digest_gallery            # writes tests/golden/digest_*.html and .txt anew
python -m tests.digest_gallery FOLDER     # writes them there, to look at them
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.digest.facts import Bar, BrokenChannel, Digest, Recurring, SourceLine, Tally, Thanks
from monitor.digest.periods import DAY, single_days, weeks
from monitor.model import Priority
from monitor.store.counting import Accepted, Answers
from monitor.store.digests import Issue
from monitor.store.follow_ups import Aftermath
from monitor.store.highlights import Highlight, SourceHealth, Troubled, WaitingDrafts
from responders.mail.digest_letter import digest_bulletin
from responders.mail.letters import Desk
from responders.mail.printing import Printed, printed
from responders.words import Words

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = ("sk", "cs", "hu", "en", "de", "pl")
BRATISLAVA = ZoneInfo("Europe/Bratislava")
SUNDAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PAGE = "https://ohlas.svrcina.example"
UNSUBSCRIBE = f"{PAGE}/digest/off/made-up"

LATE = "Balík mal prísť v utorok, je nedeľa a na e-maily nikto neodpovedá. Takto sa to nerobí."
TORN = (
    "A hátizsák varrása az első túrán szétszakadt, az ügyfélszolgálat megközelíthetetlen, mindenki elhárítja magáról."
)
WEB = "Web padá při placení kartou, třikrát jsem objednávku zadával znovu."
JANA = "Pani Janke ďakujem za trpezlivosť, stan mi vymenila ešte v ten deň."
CALM = "Rýchle dodanie, pekne zabalené, kanvica drží teplo. Odporúčam každému, kto varí vonku."


def highlight(number: int, **changes: object) -> Highlight:
    fields: dict[str, object] = {
        "mention_id": number,
        "source": "heureka",
        "url": f"https://shop.example/reviews/{number}",
        "author": "Zuzana Kráľová",
        "title": "",
        "text": LATE,
        "language": "sk",
        "label": "complaint",
        "rating": 1.0,
        "priority": Priority.HIGH,
        "created_at": NOW - timedelta(hours=9 + number),
        "case_id": number,
        "draft_id": number,
        "state": "pending",
        "answer_by": NOW + timedelta(hours=number),
    }
    return Highlight(**(fields | changes))  # type: ignore[arg-type]


def daily() -> Digest:
    torn = highlight(
        3,
        author="Széplaki-Kővágó Boglárka",
        text=TORN,
        language="hu",
        source="árukereső",
        priority=Priority.URGENT,
        answer_by=NOW - timedelta(hours=2),
    )
    shown = (torn, highlight(1), highlight(2, author="", text=WEB, language="cs", rating=None, source="forum"))
    return Digest(
        issue=Issue(person="Eva", edition="daily", day=SUNDAY, first=SUNDAY - DAY, last=SUNDAY - DAY),
        now=NOW,
        waiting=WaitingDrafts(total=3, complaints=3, overdue=1, oldest=NOW - timedelta(hours=31), shown=shown),
        team_waiting=5,
        to_post=2,
        tally=Tally(complaint=2, praise=5, neutral=1),
        before=Tally(complaint=4, praise=3),
        usual=Tally(complaint=2.57, praise=4, neutral=0.71),
        usual_of=7,
        bars=tuple(
            Bar(days=days, tally=Tally(complaint=numbers[0], praise=numbers[1], neutral=numbers[2]))
            for days, numbers in zip(
                single_days(SUNDAY - DAY),
                ((1, 4, 0), (3, 2, 1), (2, 6, 1), (0, 0, 0), (2, 5, 2), (4, 3, 0), (2, 5, 1)),
                strict=True,
            )
        ),
        complaints=(
            torn,
            highlight(4, state="published", decided_by="Eva", text=LATE),
            highlight(5, draft_id=None, state=""),
            highlight(8, draft_id=3, case_id=3, source="forum", rating=None, handled_in="árukereső"),
        ),
        recurring=(
            Recurring(aspect="delivery", count=6, usual=1.3, rising=True, quotation=highlight(1)),
            Recurring(aspect="web", count=2, usual=2.1, rising=False, quotation=shown[2]),
        ),
        thanks=(
            Thanks(names=("Jana",), mention=_praise(11, JANA)),
            Thanks(names=(), mention=_praise(12, CALM)),
        ),
        answers=Answers(answered=12, elsewhere=1, in_time=9, late=2, median=5_400.0, ninetieth=97_200.0),
        answers_before=Answers(answered=8, elsewhere=0, in_time=8, late=0, median=9_000.0, ninetieth=20_000.0),
        aftermath=Aftermath(good=6, neutral=1, bad=1, complained=1, better=2, worse=1),
        aftermath_before=Aftermath(good=3, bad=2),
        troubled=Troubled(
            failed=1,
            unknown=1,
            shown=(
                highlight(
                    6,
                    state="unknown",
                    changed_at=NOW - timedelta(hours=14),
                    error="stopped while posting",
                    cause="stopped",
                ),
                highlight(
                    7,
                    state="failed",
                    changed_at=NOW - timedelta(hours=3),
                    error="Heureka does not take this answer: 422",
                    cause="not_taken: Heureka: 422",
                ),
            ),
        ),
        sources=(
            _source("google-maps", "stopped", 0, error="401 invalid_grant: the key was taken back"),
            _source("forum", "ok", 0, silent=True),
            _source("heureka", "ok", 6),
            _source("eshop", "ok", 2),
        ),
        channels=(
            BrokenChannel(
                name="https://svrcina.example/kontakt",
                kind="page",
                code="no_answer",
                detail="",
                since=NOW - timedelta(hours=30),
            ),
        ),
        accepted=Accepted(as_is=8, edited=3, rejected=1),
        accepted_before=Accepted(as_is=3, edited=4),
    )


def merged() -> Digest:
    """After three days without power."""
    first = SUNDAY - 4 * DAY
    missed = tuple(SUNDAY - away * DAY for away in (3, 2, 1))
    return replace(daily(), issue=replace(daily().issue, first=first, missed=missed))


def weekly() -> Digest:
    issue = Issue(person="Eva", edition="weekly", day=SUNDAY, first=SUNDAY - 7 * DAY, last=SUNDAY - DAY)
    return replace(
        daily(),
        issue=issue,
        tally=Tally(complaint=14, praise=25, neutral=5),
        before=Tally(complaint=9, praise=31, neutral=2),
        usual=Tally(complaint=10.5, praise=27.25, neutral=4),
        usual_of=4,
        weeks=_weeks(8),
        aftermath=Aftermath(good=18, neutral=2, bad=4, complained=1, better=2, worse=1),
        aftermath_before=Aftermath(good=9, neutral=1, bad=5),
    )


def monthly() -> Digest:
    issue = Issue(
        person="Eva", edition="monthly", day=date(2026, 11, 1), first=date(2026, 10, 1), last=date(2026, 10, 31)
    )
    return replace(
        weekly(),
        issue=issue,
        tally=Tally(complaint=61, praise=1_104, neutral=20),
        before=Tally(complaint=80, praise=97, neutral=12),
        usual=Tally(complaint=70.3, praise=99, neutral=15),
        usual_of=3,
        bars=(),
        weeks=_weeks(13),
    )


def quiet() -> Digest:
    return Digest(
        issue=daily().issue, now=NOW, usual_of=0, sources=(_source("heureka", "ok", 0), _source("eshop", "ok", 0))
    )


def hostile() -> Digest:
    """Customers who write markup, without spaces, ten thousand letters, from right to left, and in signs alone."""
    nasty = (
        "<script>alert(1)</script><img src=x onerror=alert(1)></mj-text><mj-include path='/etc/passwd' />{{ 7*7 }}",
        "Ň" * 10_000,
        "\u202eהאם זה נכון\u202c \u200bשלום \u2066مرحبا بكم في متجرنا\u2069 \ud83d",
        "🤬" * 600 + "👩‍👩‍👧‍👦" * 40,
        "megszentségteleníthetetlenségeskedéseitekért" * 12,
        "&" * 4_000,
    )
    found = tuple(
        highlight(number, text=text, author=text[:300], title=text[:80], source="zdroj<b>")
        for number, text in enumerate(nasty, start=1)
    )
    return replace(
        daily(),
        waiting=WaitingDrafts(
            total=5_000, complaints=4_000, overdue=4_321, oldest=NOW - timedelta(days=400), shown=found
        ),
        complaints=found,
        thanks=tuple(Thanks(names=("Ján <i>", text), mention=one) for one, text in zip(found, nasty, strict=True)),
        recurring=tuple(Recurring(aspect="<b>", count=3, usual=None, rising=False, quotation=one) for one in found[:4]),
        troubled=Troubled(
            failed=3_000, unknown=6, shown=tuple(replace(one, error=one.text, state="unknown") for one in found)
        ),
        sources=tuple(_source(f"{number} " + "<w>" * 200, "stopped", 9, error=nasty[0] * 50) for number in range(200)),
        channels=tuple(
            BrokenChannel(name=f"{number}{nasty[5]}", kind="page", code="<b>", detail=nasty[4], since=NOW)
            for number in range(50)
        ),
    )


CASES: dict[str, Callable[[], Digest]] = {
    "daily": daily,
    "merged": merged,
    "weekly": weekly,
    "monthly": monthly,
    "quiet": quiet,
    "hostile": hostile,
}


def show(language: str, digest: Digest, page: str = PAGE) -> Printed:
    desk = Desk(words=Words(language, BRATISLAVA), page=page, local=not page, now=NOW)
    return printed(digest_bulletin(digest, desk, UNSUBSCRIBE if page else ""))


def gallery() -> dict[str, str]:
    """File name -> what is in it: every language's daily one, and the other cases in a few."""
    wanted = [("daily", language) for language in LANGUAGES]
    wanted += [("merged", "sk"), ("weekly", "cs"), ("monthly", "hu"), ("quiet", "pl"), ("hostile", "de")]
    found: dict[str, str] = {}
    for case, language in wanted:
        shown = show(language, CASES[case]())
        found[f"digest_{case}_{language}.html"] = shown.html
        found[f"digest_{case}_{language}.txt"] = f"{shown.subject}\n\n{shown.plain}"
    return found


def _praise(number: int, text: str) -> Highlight:
    return highlight(number, label="praise", rating=5.0, text=text, author="Martin", draft_id=None, state="")


def _source(name: str, status: str, mentions: int, *, error: str = "", silent: bool = False) -> SourceLine:
    return SourceLine(
        health=SourceHealth(
            name=name,
            kind="rss",
            status=status,
            last_ok=NOW - timedelta(hours=20),
            error=error,
            error_at=NOW - timedelta(hours=1) if error else None,
            silent_since=NOW - timedelta(days=9) if silent else None,
        ),
        mentions=mentions,
        usual=1.0,
    )


def _weeks(number: int) -> tuple[Bar, ...]:
    return tuple(
        Bar(days=days, tally=Tally(complaint=place * 3 % 11, praise=20 + place * 7 % 13, neutral=place % 4))
        for place, days in enumerate(weeks(SUNDAY - DAY, number))
    )


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else GOLDEN
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in gallery().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
