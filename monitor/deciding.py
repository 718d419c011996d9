"""What deciding about a draft asks of the desk and the store: the rules of approval, out of the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.acknowledging import is_out_of_date
from monitor.desk import Desk
from monitor.model import Draft, Finding, Mention
from monitor.options import Config
from monitor.people import people_of
from monitor.store.sqlite import SqliteStore
from monitor.triage import label_for_reply
from responders.approval import Acknowledged, Rewritten, Rules

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def rules_of(desk: Desk, store: SqliteStore, clock: Clock = utc_now) -> Rules:
    """The same for the page, Slack, mail and the terminal."""
    config = desk.config
    return Rules(
        people=people_of(config),
        grace=timedelta(seconds=config.approval.grace),
        check=guard_of(desk, store, clock),
        acknowledge=acknowledging(desk, store, clock),
        rewrite=rewriting(desk, store),
        own_edits=config.approval.own_edits,
        two=needs_two(config, store),
    )


def guard_of(
    desk: Desk, store: SqliteStore, clock: Clock = utc_now
) -> Callable[[Draft, str, str], tuple[Finding, ...]]:
    """What deciding asks the guard: the findings for a text under a draft that exists. Reads the store."""

    def findings(draft: Draft, text: str, actor: str) -> tuple[Finding, ...]:
        matter = store.views.matter(draft.id)
        read = store.threads.replies(draft.mention_id, besides=draft.id)
        beside = written_beside(store, draft)
        found = desk.guard(
            text, draft.language, matter.mention, matter.verdict, draft.parts, actor=actor, earlier=read, beside=beside
        )
        zone = ZoneInfo(desk.config.page.timezone)
        return (*found, *([PROMISE_OVER] if is_out_of_date(draft, text, clock(), zone) else []))

    return findings


def written_beside(store: SqliteStore, draft: Draft) -> tuple[Mention, ...]:
    """What else the customer of a draft wrote in the matter. Reads the store."""
    return store.beside.of({draft.mention_id: draft.case_id})[draft.mention_id]


PROMISE_OVER = Finding(
    rule="promise_over",
    severity="error",
    message="The time that this promises is over, or its day is another one by now; name a time that can be kept.",
)


def acknowledging(desk: Desk, store: SqliteStore, clock: Clock = utc_now) -> Callable[[Draft], Acknowledged | None]:
    """Writes what is sent before a drafted answer; None where that answers no complaint. Reads the store."""

    def written(draft: Draft) -> Acknowledged | None:
        matter = store.views.matter(draft.id)
        mention, verdict = matter.mention, matter.verdict
        if label_for_reply(mention, verdict) != "complaint":
            return None
        composition, due = desk.acknowledge(mention, verdict, draft.reference, matter.seen_at, clock())
        findings = desk.guard(composition.text, composition.language, mention, verdict, composition.parts)
        return Acknowledged(composition=composition, findings=findings, promised=due)

    return written


def rewriting(desk: Desk, store: SqliteStore) -> Callable[[Draft, str, str], Rewritten | None]:
    """Composes the answer to a complaint anew for a fault; None where fault says nothing. Reads the store."""

    def written(draft: Draft, fault: str, actor: str) -> Rewritten | None:
        matter = store.views.matter(draft.id)
        mention, verdict = matter.mention, matter.verdict
        if label_for_reply(mention, verdict) != "complaint":
            return None
        read = store.threads.replies(draft.mention_id, besides=draft.id)
        beside = written_beside(store, draft)
        made = desk.compose(mention, verdict, draft.reference, fault=fault, actor=actor, avoid=read, beside=beside)
        found = desk.guard(
            made.text, made.language, mention, verdict, made.parts, actor=actor, earlier=read, beside=beside
        )
        return Rewritten(composition=made, findings=found)

    return written


def needs_two(config: Config, store: SqliteStore) -> Callable[[Draft], bool]:
    """Whether a draft's matter is one that two people have to approve. Reads the store."""
    grave = frozenset(config.approval.two_for)

    def two(draft: Draft) -> bool:
        return bool(grave) and any(one.name in grave for one in store.views.matter(draft.id).verdict.urgency)

    return two
