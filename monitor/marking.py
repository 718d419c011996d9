"""Lets customers be known again who wrote before an upgrade: what an earlier version took in gets its marks, a little
at a time, when nothing else waits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.case_options import CaseOptions
from monitor.linking import Linker
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

BATCH = 50  # mentions: what arrives meanwhile waits for no more than these


@dataclass(slots=True)
class Marker:
    """Goes once through the mentions that new ones may join, whenever other marks are wanted than there are."""

    store: SqliteStore
    linker: Callable[[], Linker]
    clock: Callable[[], datetime]
    _before: int | None = None  # the mention above which all have their marks; None at the newest
    _marked: str | None = None  # what the store says; None before it was asked

    async def step(self) -> bool:
        """Whether there is more to do."""
        linker = self.linker()
        wanted = in_words(linker.options)
        if self._marked is None:
            self._marked = await self.store.run(self.store.marking.marked)
        if wanted == self._marked:
            return False
        since = self.clock() - timedelta(days=linker.options.join_days)
        self._before = await self.store.run(self.store.marking.mark, linker, since, self._before, BATCH)
        if self._before is not None:
            return True
        await self.store.run(self.store.marking.finish, wanted)
        self._marked = wanted
        log.info("what customers wrote in the last %g days can be joined", linker.options.join_days)
        return False


def in_words(options: CaseOptions) -> str:
    """What decides which mentions have marks, and which ones."""
    said = {"days": options.join_days, "by": sorted(options.join_by), "order_number": options.order_number}
    return json.dumps(said, ensure_ascii=False)
