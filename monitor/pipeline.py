"""From a saved mention to a draft that waits for a person: judge, triage, compose, guard, save.

Every step may run twice: what is saved is one compare-and-set on the words that were looked at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from monitor.acknowledging import is_out_of_date, promise, purpose_of
from monitor.errors import ConfigError
from monitor.hours import said
from monitor.language import identify
from monitor.model import (
    Channel,
    Classifier,
    Composition,
    Connector,
    Draft,
    Finding,
    Mention,
    Priority,
    Reason,
    ReplyRules,
    Triage,
    Utterance,
    Verdict,
    case_reference,
)
from monitor.options import CompanyOptions, Config, SourceOptions
from monitor.store.corrections import corrected
from monitor.store.drafts import Judged
from monitor.store.mentions import CaseOfMention, Unjudged
from monitor.store.sqlite import SqliteStore
from monitor.triage import case_key, label_for_reply, triage
from responders.approval import Acknowledged, Rewritten
from responders.draft import acknowledge, compose, language_for
from responders.facts import load as load_facts
from responders.facts import mistakes_in_texts
from responders.guard import check
from responders.guarding.platform import remarks
from responders.playbook import Playbook, load
from responders.policy import allowance
from responders.publish import is_manual, reply_rules
from responders.situation import Situation, understand

log = logging.getLogger(__name__)

BATCH = 16  # mentions judged and saved together; more would keep the page waiting and gain little
A_MOMENT = 2.0  # seconds that a person waits gladly
LOOK_AGAIN = 5.0  # seconds until the store is asked even though nothing arrived: another process may have imported


@dataclass(slots=True)
class Desk:
    """Where drafts are written: everything that composing and guarding need, and nothing that waits."""

    config: Config
    classifier: Classifier
    connectors: Mapping[str, Connector]
    playbooks: dict[str, Playbook] = field(default_factory=dict)
    known: dict[str, Mapping[str, str]] = field(default_factory=dict)  # the company's facts, by language

    def check_texts(self) -> None:
        """Raises ConfigError with every mistake in the playbooks and facts, before a mention trips over one."""
        if mistakes := mistakes_in_texts(self.config.company, self.config.drafting):
            raise ConfigError(mistakes)

    def judge(self, mentions: list[Mention]) -> list[Verdict]:
        """Verdicts with their reasons, in the order of the mentions."""
        utterances = [self._utterance(mention) for mention in mentions]
        verdicts = self.classifier.classify(utterances)
        return [
            self.classifier.explain(utterance, verdict) for utterance, verdict in zip(utterances, verdicts, strict=True)
        ]

    def triage(self, mention: Mention, verdict: Verdict, case: CaseOfMention | None, now: datetime) -> Triage:
        return triage(
            mention,
            verdict,
            options=self.config.triage,
            own_names=self._own_names(mention.source),
            now=now,
            already="same_text" if case and case.shared else "",
        )

    def compose(
        self,
        mention: Mention,
        verdict: Verdict,
        reference: str = "",
        *,
        fault: str = "",
        channel: Channel | None = None,
        actor: str = "",
        avoid: Collection[str] = (),
    ) -> Composition:
        """`fault` is a person's word on who erred (one of FAULTS of the playbook), `channel` another than the source's,
        `actor` the one who is to approve, `avoid` the last replies of the thread. Raises ValueError for other faults.
        """
        language = self.language(mention, verdict)
        return compose(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(language),
            company=self.config.company,
            policy=self.config.policy,
            rules=self.rules(mention, channel),
            reference=reference,
            facts=self.facts(language),
            fault=fault,
            actor=actor,
            avoid=avoid,
        )

    def acknowledge(
        self, mention: Mention, verdict: Verdict, reference: str, seen_at: datetime, now: datetime
    ) -> tuple[Composition, datetime]:
        """The short "we have it" to what came at `seen_at`, and by when it promises the answer."""
        language, zone = self.language(mention, verdict), ZoneInfo(self.config.page.timezone)
        due = promise(seen_at, now, self.config.hours, zone)
        composition = acknowledge(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(language),
            company=self.config.company,
            rules=self.rules(mention),
            reference=reference,
            answer_by=said(due, now, language, zone),
        )
        return composition, due

    def situation(
        self, mention: Mention, verdict: Verdict, *, fault: str = "", channel: Channel | None = None
    ) -> Situation:
        """What a reply is picked by. Raises ValueError where `fault` is none."""
        return understand(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(self.language(mention, verdict)),
            rules=self.rules(mention, channel),
            fault=fault,
        )

    def language(self, mention: Mention, verdict: Verdict) -> str:
        """The one to answer in."""
        return language_for(verdict, mention, self.config.drafting)

    def guard(
        self,
        text: str,
        language: str,
        mention: Mention,
        verdict: Verdict,
        parts: Mapping[str, str] | None = None,
        *,
        actor: str = "",
        earlier: Sequence[str] = (),
    ) -> tuple[Finding, ...]:
        """`actor` approves the text, where that is known; `earlier` are the last replies of the thread."""
        rules = self.rules(mention)
        findings = check(
            text,
            language=language,
            label=label_for_reply(mention, verdict),
            rules=rules,
            company=self.config.company,
            policy=self.config.policy,
            allowed=allowance(self.config.policy, [aspect.name for aspect in verdict.aspects], actor),
            parts=parts,
            mention=mention,
            identify=partial(identify, languages=self.config.drafting.languages),
            playbook=self.playbook(language),
            earlier=earlier,
            known=tuple(self.facts(language).values()),
        )
        return (*findings, *remarks(text, rules))

    def playbook(self, language: str) -> Playbook:
        if language not in self.playbooks:
            self.playbooks[language] = load(
                language, self.config.drafting.playbooks, formal=self.config.drafting.formal
            )
        return self.playbooks[language]

    def rules(self, mention: Mention, channel: Channel | None = None) -> ReplyRules:
        """How the mention's source takes answers."""
        rules = reply_rules(self.connectors.get(mention.source), mention)
        return replace(rules, channel=channel) if channel else rules

    def facts(self, language: str) -> Mapping[str, str]:
        if language not in self.known:
            drafting = self.config.drafting
            self.known[language] = load_facts(self.config.company.facts, language, formal=drafting.formal)
        return self.known[language]

    def _as_answered(self, mention: Mention, verdict: Verdict) -> Verdict:
        return replace(verdict, label=label_for_reply(mention, verdict))

    def _utterance(self, mention: Mention) -> Utterance:
        return Utterance(
            text="\n".join(part for part in (mention.title, mention.text) if part),
            rating=mention.rating,
            language=mention.language or self._source(mention.source).language,
        )

    def _source(self, name: str) -> SourceOptions:
        return self.config.sources.get(name) or SourceOptions(kind="")

    def _own_names(self, source: str) -> Collection[str]:
        company: CompanyOptions = self.config.company
        names = (*company.own_names, *self._source(source).own_names, company.name)
        return {name for name in names if name}


async def nothing_else() -> bool:
    return False


@dataclass(slots=True)
class Pipeline:
    """Judges what arrived, batch by batch, off the event loop.

    `idle` is asked for more whenever nothing is left; True where it found some.
    """

    store: SqliteStore
    desk: Desk
    clock: Callable[[], datetime]
    idle: Callable[[], Awaitable[bool]] = nothing_else
    judged: int = 0
    drafted: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def arrived(self, _count: int) -> None:
        self._arrived.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._arrived.clear()
            while await self.step() or await self.idle():
                pass
            try:
                await asyncio.wait_for(self._arrived.wait(), LOOK_AGAIN)
            except TimeoutError:
                continue

    async def step(self, only: int | None = None) -> int:
        """One batch, or the mention with the row id `only`; returns how many mentions it had."""
        batch = await self.store.run(self.store.mentions.unjudged, BATCH, only)
        if not batch:
            return 0
        now = self.clock()
        keys = {one.row_id: case_key(one.mention) for one in batch}
        cases = await self.store.run(self.store.mentions.assign_cases, keys, now)
        judged = await self._judged(batch, cases, now)
        drafts = await self.store.run(self.store.drafts.save_judged, judged, now)
        self.judged += len(judged)
        self.drafted += len(drafts)
        if drafts:
            log.info("%d mentions judged, %d drafts wait for a person", len(judged), len(drafts))
        return len(batch)

    async def again(self, row_id: int) -> None:
        """Judge one mention anew while a person waits for it; what takes long, or fails, is left to `run`."""
        work = asyncio.ensure_future(self.step(row_id))
        await asyncio.wait({work}, timeout=A_MOMENT)
        if work.done() and (error := work.exception()) is not None:
            log.warning("mention %d is judged anew a little later", row_id, exc_info=error)
        self._arrived.set()

    async def _judged(self, batch: list[Unjudged], cases: Mapping[int, CaseOfMention], now: datetime) -> list[Judged]:
        """Off the event loop. A mention that trips a bug is set aside alone, so that the others are judged."""
        work = asyncio.ensure_future(asyncio.to_thread(self._judge, batch, cases, now))
        await asyncio.wait({work})
        error = work.exception()
        if error is None:
            return work.result()
        if len(batch) > 1:
            return [judged for one in batch for judged in await self._judged([one], cases, now)]
        log.error("mention %d of %s cannot be judged", batch[0].row_id, batch[0].mention.source, exc_info=error)
        await self.store.run(self.store.mentions.set_aside, batch[0].row_id)
        return []

    def _judge(self, batch: list[Unjudged], cases: Mapping[int, CaseOfMention], now: datetime) -> list[Judged]:
        verdicts = self.desk.judge([one.mention for one in batch])
        return [
            judge_one(self.desk, one, verdict, cases[one.row_id], now)
            for one, verdict in zip(batch, verdicts, strict=True)
        ]


def judge_one(desk: Desk, unjudged: Unjudged, verdict: Verdict, case: CaseOfMention, now: datetime) -> Judged:
    mention = unjudged.mention
    if unjudged.label is not None:
        verdict = corrected(verdict, unjudged.label, unjudged.said_by)
    outcome = _outcome(desk, unjudged, verdict, case, now)
    purpose = purpose_of(unjudged, label_for_reply(mention, verdict), verdict, desk.config.drafting)
    judged = Judged(
        row_id=unjudged.row_id,
        content_hash=mention.content_hash,
        case_id=case.case_id,
        verdict=verdict,
        triage=outcome,
        manual=is_manual(desk.connectors.get(mention.source), mention),
        corrected=unjudged.label is not None,
        purpose=purpose,
        answer_by=unjudged.promised if purpose == "answer" else None,
        acknowledgement=unjudged.acknowledgement,
    )
    return _drafted(desk, unjudged, judged, now) if outcome.action == "reply" else judged


def _outcome(desk: Desk, unjudged: Unjudged, verdict: Verdict, case: CaseOfMention, now: datetime) -> Triage:
    """What the triage says, unless a person wants an answer or the customer was promised one."""
    outcome = desk.triage(unjudged.mention, verdict, case, now)
    if outcome.action == "reply":
        return outcome
    if unjudged.wanted:
        return Triage(action="reply", priority=Priority.NORMAL, reason=Reason(code="wanted", detail=unjudged.wanted))
    if unjudged.acknowledged and not unjudged.mention.reply.strip():
        return Triage(action="reply", priority=Priority.HIGH, reason=Reason(code="promised"))
    return outcome


def _drafted(desk: Desk, unjudged: Unjudged, judged: Judged, now: datetime) -> Judged:
    mention, verdict, reference = unjudged.mention, judged.verdict, case_reference(judged.case_id)
    if judged.purpose == "acknowledgement":
        composition, due = desk.acknowledge(mention, verdict, reference, unjudged.seen_at or now, now)
        judged = replace(judged, promised=due)
    else:
        read = (*([unjudged.acknowledged] if unjudged.acknowledged else []), *unjudged.read)
        composition = desk.compose(mention, verdict, reference, avoid=read)
    findings = desk.guard(composition.text, composition.language, mention, verdict, composition.parts)
    return replace(judged, composition=composition, findings=findings)


def guard_of(
    desk: Desk, store: SqliteStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Draft, str, str], tuple[Finding, ...]]:
    """What deciding asks the guard: the findings for a text under a draft that exists. Reads the store."""

    def findings(draft: Draft, text: str, actor: str) -> tuple[Finding, ...]:
        matter = store.views.matter(draft.id)
        read = store.threads.replies(draft.mention_id, besides=draft.id)
        found = desk.guard(text, draft.language, matter.mention, matter.verdict, draft.parts, actor=actor, earlier=read)
        zone = ZoneInfo(desk.config.page.timezone)
        return (*found, *([PROMISE_OVER] if is_out_of_date(draft, text, clock(), zone) else []))

    return findings


PROMISE_OVER = Finding(
    rule="promise_over",
    severity="error",
    message="The time that this promises is over, or its day is another one by now; name a time that can be kept.",
)


def acknowledging(
    desk: Desk, store: SqliteStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Draft], Acknowledged | None]:
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
        made = desk.compose(mention, verdict, draft.reference, fault=fault, actor=actor, avoid=read)
        found = desk.guard(made.text, made.language, mention, verdict, made.parts, actor=actor, earlier=read)
        return Rewritten(composition=made, findings=found)

    return written


def needs_two(config: Config, store: SqliteStore) -> Callable[[Draft], bool]:
    """Whether a draft's matter is one that two people have to approve. Reads the store."""
    grave = frozenset(config.approval.two_for)

    def two(draft: Draft) -> bool:
        return bool(grave) and any(one.name in grave for one in store.views.matter(draft.id).verdict.urgency)

    return two
