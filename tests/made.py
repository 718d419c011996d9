"""Made-up mentions, verdicts and drafts for the tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from monitor.case_options import CaseOptions
from monitor.contract import Page
from monitor.linking import Linker
from monitor.model import Composition, Mention, Priority, Reason, Triage, Verdict
from monitor.people import Person
from monitor.store.cases import CaseOfMention
from monitor.store.drafts import Judged
from monitor.store.mentions import Unjudged
from monitor.store.sqlite import SqliteStore

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COMPLAINT = Verdict(label="complaint", confidence=0.93, unsure=False, language="sk", model="made")
PRAISE = replace(COMPLAINT, label="praise")
REPLY = Triage(action="reply", priority=Priority.HIGH, reason=Reason(code="complaint"))
NOTE = Triage(action="note", priority=Priority.LOW, reason=Reason(code="neutral"))
APOLOGY = "Dobrý deň, ospravedlňujeme sa. Zaujíma nás, čo sa stalo. Ozvite sa nám a vyriešime to."


def people(*names: str, **changes: Any) -> dict[str, Person]:
    """People who may do everything, but for the changes."""
    return {name: Person(name=name, **changes) for name in names}


def mention(number: int = 1, **changes: Any) -> Mention:
    fields: dict[str, Any] = {
        "source": "shop",
        "id": f"m{number}",
        "text": f"Balík číslo {number} prišiel rozbitý a nikto sa neozval.",
        "author": f"Zuzana Kráľová {number}",
        "url": f"https://shop.example/reviews/{number}",
        "created_at": NOON,
        "rating": 1.0,
        "language": "sk",
    }
    return Mention(**(fields | changes))


def composition(text: str = APOLOGY) -> Composition:
    return Composition(language="sk", text=text, parts={"apology": text})


def arrive(store: SqliteStore, *mentions: Mention) -> None:
    store.mentions.save_page(mentions[0].source, Page(mentions=mentions), None, NOON)


def cases_alone(store: SqliteStore, batch: Iterable[Unjudged], now: datetime = NOON) -> dict[int, CaseOfMention]:
    """A case of its own for each mention that has none."""
    linker = Linker(options=CaseOptions(join_by=()))
    return store.cases.assign({one.row_id: one.mention for one in batch}, linker, now)


def draft_all(
    store: SqliteStore,
    *,
    manual: bool = False,
    text: str = APOLOGY,
    verdict: Verdict = COMPLAINT,
    priority: Priority = Priority.HIGH,
    now: datetime = NOON,
) -> list[int]:
    """Judge whatever is new as a complaint and give it a draft; returns the drafts' ids."""
    batch = store.mentions.unjudged(1000)
    cases = cases_alone(store, batch, now)
    judged = [
        Judged(
            row_id=one.row_id,
            content_hash=one.mention.content_hash,
            case_id=cases[one.row_id].case_id,
            verdict=verdict,
            triage=replace(REPLY, priority=priority),
            composition=composition(text),
            manual=manual,
        )
        for one in batch
    ]
    return store.drafts.save_judged(judged, now)
