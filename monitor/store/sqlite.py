"""The store on SQLite: one file, one process that polls, any number that read and decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from monitor.store.acknowledgements import Acknowledgements
from monitor.store.alerts import Alerts
from monitor.store.aside import AsideMentions
from monitor.store.asking import AskingRows
from monitor.store.backups import Backups
from monitor.store.beside import BesideRows
from monitor.store.budgets import Budgets
from monitor.store.cases import Cases
from monitor.store.channels import Channels
from monitor.store.compacting import Compacting
from monitor.store.corrections import Corrections
from monitor.store.counting import Counting
from monitor.store.customers import Customers
from monitor.store.digests import Digests
from monitor.store.drafts import Drafts
from monitor.store.edits import Edits
from monitor.store.engine import Engine
from monitor.store.erasing import Erasing
from monitor.store.follow_ups import FollowUps
from monitor.store.highlights import Highlights
from monitor.store.lately import LatelyRows
from monitor.store.leftovers import Leftovers
from monitor.store.linked import LinkedAccounts
from monitor.store.llm_use import LlmUse
from monitor.store.looks import Looks
from monitor.store.marking import Marking
from monitor.store.mentions import Mentions
from monitor.store.messages import Messages
from monitor.store.modelled import ModelledDrafts
from monitor.store.publications import Publications
from monitor.store.rescoring import Rescoring
from monitor.store.sign_ins import SignIns
from monitor.store.silences import Silences
from monitor.store.sources import Sources
from monitor.store.threads import Threads
from monitor.store.told import ToldRows
from monitor.store.views import Views

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """Everything that Ohlas remembers, by noun. The classes below it are the interface that another engine meets."""

    def __init__(self, path: Path, *, busy_timeout: float = 5.0) -> None:
        """Open `path`, creating it and bringing it up to date. Raises StoreError, StoreBusy."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._engine = Engine(path, busy_timeout=busy_timeout)
        self._engine.check()
        self._engine.migrate()
        self.sources = Sources(self._engine)
        self.silences = Silences(self._engine)
        self.mentions = Mentions(self._engine)
        self.told = ToldRows(self._engine)
        self.looks = Looks(self._engine)
        self.channels = Channels(self._engine)
        self.cases = Cases(self._engine)
        self.beside = BesideRows(self._engine)
        self.linked = LinkedAccounts(self._engine)
        self.marking = Marking(self._engine)
        self.drafts = Drafts(self._engine)
        self.publications = Publications(self._engine)
        self.views = Views(self._engine)
        self.aside = AsideMentions(self._engine)
        self.edits = Edits(self._engine)
        self.corrections = Corrections(self._engine)
        self.counting = Counting(self._engine)
        self.highlights = Highlights(self._engine)
        self.digests = Digests(self._engine)
        self.rescoring = Rescoring(self._engine)
        self.acknowledgements = Acknowledgements(self._engine)
        self.threads = Threads(self._engine)
        self.modelled = ModelledDrafts(self._engine)
        self.llm_use = LlmUse(self._engine)
        self.asking = AskingRows(self._engine)
        self.budgets = Budgets(self._engine)
        self.messages = Messages(self._engine)
        self.alerts = Alerts(self._engine)
        self.follow_ups = FollowUps(self._engine)
        self.lately = LatelyRows(self._engine)
        self.sign_ins = SignIns(self._engine)
        self.customers = Customers(self._engine)
        self.erasing = Erasing(self._engine)
        self.leftovers = Leftovers(self._engine)
        self.compacting = Compacting(self._engine)
        self.backups = Backups(self._engine)
        self.backup = self._engine.backup
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, operation: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call one of the methods above from asyncio, on the store's own thread: a lock never stops the loop."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: operation(*args, **kwargs))

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
        self._engine.close()
