"""What another model judged is judged again by the configured one, a little at a time, when nothing else waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from monitor.classify.choosing import SteadyClassifier
from monitor.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

BATCH = 32  # mentions sent back at once: what arrives meanwhile waits for no more than these


@dataclass(slots=True)
class Rescorer:
    """Goes once through all mentions, the newest first, whenever the configured model (again) works."""

    store: SqliteStore
    classifier: SteadyClassifier
    clock: Callable[[], datetime]
    moved: int = 0
    _before: int | None = None  # the mention above which all are looked at; None at the newest
    _finished: str = ""  # the model for which nothing is left
    _told: str | None = None  # the trouble that the store knows of; None before it was asked

    async def step(self) -> bool:
        """Whether mentions were sent back to be judged."""
        if not self.classifier.config.classifier.model:
            await self._tell("")
            return False
        works = await asyncio.to_thread(self.classifier.works)
        await self._tell(self.classifier.trouble)
        if not works:
            self._before, self._finished = None, ""
            return False
        base = self.classifier.base
        return self._finished != base and await self._send_back(base)

    async def _send_back(self, model: str) -> bool:
        again = await self.store.run(self.store.rescoring.send_back, model, self._before, BATCH)
        self._before, self.moved = again.before, self.moved + again.moved
        if again.before is None:
            self._finished = model
            if self.moved:
                log.info("%d mentions that another model had judged are judged again by %s", self.moved, model)
                self.moved = 0
        return again.moved > 0

    async def _tell(self, trouble: str) -> None:
        """For `ohlas status`, which is another process, and once as a notice for people."""
        if trouble != self._told:
            await self.store.run(self.store.rescoring.note, trouble, self.clock())
            self._told = trouble
