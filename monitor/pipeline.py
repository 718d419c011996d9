"""From a saved mention to a draft that waits for a person: judge, triage, compose, guard, save.

Every step may run twice: what is saved is one compare-and-set on the words that were looked at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.acknowledging import purpose_of
from monitor.desk import Desk
from monitor.errors import StoreError
from monitor.model import Priority, Purpose, Reason, Triage, Verdict, case_reference
from monitor.store.cases import CaseOfMention
from monitor.store.corrections import corrected
from monitor.store.drafts import Judged
from monitor.store.mentions import Unjudged
from monitor.store.sqlite import SqliteStore
from monitor.triage import label_for_reply
from responders.publish import is_manual

log = logging.getLogger(__name__)

BATCH = 16  # mentions judged and saved together; more would keep the page waiting and gain little
NOT_JUDGED = Verdict(label="neutral", confidence=0.0, unsure=False, language="")  # of what does not concern the company
A_MOMENT = 2.0  # seconds that a person waits gladly
LOOK_AGAIN = 5.0  # seconds until the store is asked even though nothing arrived: another process may have imported


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
                async with asyncio.timeout(LOOK_AGAIN):  # wait_for of Python 3.11 may swallow a cancellation
                    await self._arrived.wait()
            except TimeoutError:
                continue

    async def step(self, only: int | None = None) -> int:
        """One batch, or the mention with the row id `only`; returns how many mentions it had."""
        batch = await self.store.run(self.store.mentions.unjudged, BATCH, only)
        if not batch:
            return 0
        now = self.clock()
        cases = await self._cases(batch, now)
        beside = await self.store.run(self.store.beside.of, {row_id: case.case_id for row_id, case in cases.items()})
        told = [replace(one, beside=beside[one.row_id]) for one in batch if one.row_id in cases]
        judged = await self._judged(told, cases, now)
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

    async def _cases(self, batch: list[Unjudged], now: datetime) -> dict[int, CaseOfMention]:
        """By row id; without a mention that trips a bug, which is set aside alone."""
        mentions = {one.row_id: one.mention for one in batch}
        work = asyncio.ensure_future(self.store.run(self.store.cases.assign, mentions, self.desk.linker(), now))
        await asyncio.wait({work})
        error = work.exception()
        if error is None:
            return work.result()
        if isinstance(error, StoreError):
            raise error
        if len(batch) > 1:
            return {row_id: case for one in batch for row_id, case in (await self._cases([one], now)).items()}
        await self._set_aside(batch[0], error)
        return {}

    async def _set_aside(self, unjudged: Unjudged, error: BaseException) -> None:
        log.error("mention %d of %s cannot be judged", unjudged.row_id, unjudged.mention.source, exc_info=error)
        await self.store.run(self.store.mentions.set_aside, unjudged.row_id)

    async def _judged(self, batch: list[Unjudged], cases: Mapping[int, CaseOfMention], now: datetime) -> list[Judged]:
        """Off the event loop. A mention that trips a bug is set aside alone, so that the others are judged."""
        work = asyncio.ensure_future(asyncio.to_thread(self._judge, batch, cases, now))
        await asyncio.wait({work})
        error = work.exception()
        if error is None:
            return work.result()
        if len(batch) > 1:
            return [judged for one in batch for judged in await self._judged([one], cases, now)]
        await self._set_aside(batch[0], error)
        return []

    def _judge(self, batch: list[Unjudged], cases: Mapping[int, CaseOfMention], now: datetime) -> list[Judged]:
        worth_it = [one for one in batch if _is_asked_for(one) or self.desk.watching.not_ours(one.mention) is None]
        verdicts = self.desk.judge([one.mention for one in worth_it])
        judged = {one.row_id: verdict for one, verdict in zip(worth_it, verdicts, strict=True)}
        return [judge_one(self.desk, one, judged.get(one.row_id, NOT_JUDGED), cases[one.row_id], now) for one in batch]


def _is_asked_for(unjudged: Unjudged) -> bool:
    """Whether somebody waits for an answer, or has said what it is, so that it is judged though it may not be ours."""
    return bool(unjudged.wanted or unjudged.acknowledged or unjudged.label is not None)


def judge_one(desk: Desk, unjudged: Unjudged, verdict: Verdict, case: CaseOfMention, now: datetime) -> Judged:
    mention = unjudged.mention
    if unjudged.label is not None:
        verdict = corrected(verdict, unjudged.label, unjudged.said_by)
    purpose = purpose_of(unjudged, label_for_reply(mention, verdict), verdict, desk.config.drafting)
    outcome = _outcome(desk, unjudged, verdict, purpose, now)
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


def _outcome(desk: Desk, unjudged: Unjudged, verdict: Verdict, purpose: Purpose, now: datetime) -> Triage:
    """What the triage says, unless a person wants an answer, the customer was promised one, or he was answered and has
    changed his words since: that our reply stands there is no reason then to write none."""
    outcome = desk.triage(unjudged.mention, verdict, now)
    if purpose == "second_answer" and outcome.action != "skip":
        priority = outcome.priority if outcome.action == "reply" else Priority.HIGH
        return Triage(action="reply", priority=priority, reason=Reason(code="changed_since"))
    if unjudged.wanted:  # though it is answered in another place already, say
        priority = outcome.priority if outcome.action == "reply" else Priority.NORMAL
        return Triage(action="reply", priority=priority, reason=Reason(code="wanted", detail=unjudged.wanted))
    if outcome.action == "reply":
        return outcome
    if unjudged.acknowledged and not unjudged.mention.reply.strip():
        return Triage(action="reply", priority=Priority.HIGH, reason=Reason(code="promised"))
    return outcome


def _drafted(desk: Desk, unjudged: Unjudged, judged: Judged, now: datetime) -> Judged:
    mention, verdict, reference = unjudged.mention, judged.verdict, case_reference(judged.case_id)
    if judged.purpose == "acknowledgement":
        composition, due = desk.acknowledge(mention, verdict, reference, unjudged.seen_at or now, now)
        judged = replace(judged, promised=due)
    else:
        read = (*filter(None, (unjudged.acknowledged, unjudged.answered_with)), *unjudged.read)
        composition = desk.compose(mention, verdict, reference, avoid=read, beside=unjudged.beside)
    findings = desk.guard(
        composition.text, composition.language, mention, verdict, composition.parts, beside=unjudged.beside
    )
    return replace(judged, composition=composition, findings=findings)
