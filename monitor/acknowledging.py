"""When a short "we have it, we answer by …" goes before the answer, what it promises, and when that is out of date.

An acknowledgement is a draft like any other, with its own approval. Once it is out, or nobody wants it any more, the
store sends its mention back to the pipeline and the answer is drafted as a second draft of the same case.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.hours import DAY, answer_by, said, working_time_between
from monitor.model import Draft, Label, Purpose, Verdict
from monitor.options import Config, DraftingOptions, HoursOptions
from monitor.store.acknowledgements import SETTLED
from monitor.store.mentions import Unjudged
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)


def purpose_of(unjudged: Unjudged, label: Label, verdict: Verdict, drafting: DraftingOptions) -> Purpose:
    """What is drafted next for a mention that is answered in the tone of `label`."""
    if unjudged.answered_with and (label == "complaint" or unjudged.answered_again):
        return "second_answer"
    if unjudged.acknowledgement is not None:
        return "answer" if unjudged.acknowledgement in SETTLED else "acknowledgement"
    first = label == "complaint" and any(urgency.name in drafting.acknowledge_first for urgency in verdict.urgency)
    return "acknowledgement" if first and not unjudged.answered else "answer"


def promise(seen_at: datetime, now: datetime, hours: HoursOptions, zone: ZoneInfo) -> datetime:
    """By when an answer is promised: counted from when the mention came, so that drafting twice promises the same.

    Where less than half of the working time is left, it is counted from `now`: nobody promises what he cannot keep.
    """
    due = answer_by(seen_at, hours, zone)
    enough = timedelta(hours=hours.answer_within) / 2
    return due if working_time_between(now, due, hours, zone) >= enough else answer_by(now, hours, zone)


def is_out_of_date(draft: Draft, text: str, now: datetime, zone: ZoneInfo) -> bool:
    """Whether `text` names the promised time and that is over, or says "today" or "tomorrow" of another day.

    A text in which a person wrote another time, or none, is his own matter.
    """
    if draft.promised is None:
        return False
    at, language = draft.promised, draft.language
    of_the_day = said(at, at, language, zone), said(at, at - DAY, language, zone)
    forms = (*of_the_day, said(at, at - 7 * DAY, language, zone))
    named = next((form for form in forms if form in text), "")
    over = at <= now or (named in of_the_day and named != said(at, now, language, zone))
    return named != "" and over


@dataclass(slots=True)
class Renewer:
    """Lets acknowledgements that wait too long be drafted anew, with a time that can be kept. Once a revision."""

    store: SqliteStore
    config: Config
    clock: Callable[[], datetime]
    _sent: set[tuple[int, int]] = field(default_factory=set)

    async def step(self) -> bool:
        """Whether any were sent back."""
        now, zone = self.clock(), ZoneInfo(self.config.page.timezone)
        waiting = await self.store.run(self.store.acknowledgements.waiting)
        late = [draft for draft in waiting if is_out_of_date(draft, draft.text, now, zone)]
        again = [draft for draft in late if (draft.id, draft.rev) not in self._sent]
        if not again:
            return False
        await self.store.run(self.store.acknowledgements.send_back, again)
        self._sent.update((draft.id, draft.rev) for draft in again)
        log.info("%d acknowledgements promise a time that is over or near; they are drafted anew", len(again))
        return True
