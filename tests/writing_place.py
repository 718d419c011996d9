"""A store, a desk and a language model's endpoint, put together as the service does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from monitor.classify.choosing import embedded
from monitor.desk import Desk
from monitor.model import Draft, Mention
from monitor.options import CompanyOptions, Config, DraftingOptions, LlmOptions, ServiceOptions
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from monitor.writing import Writer
from tests.llm_platform import KEY, MODEL, LlmPlatform
from tests.loopback import Loopback
from tests.made import NOON, arrive, mention

COMPANY = CompanyOptions(name="Lipka", signature="Jana", contact="pomoc@lipka.example", website="lipka.example")
LANGUAGES = ("sk", "cs", "hu", "en", "de", "pl")


@dataclass
class WritingPlace:
    """`async with WritingPlace(tmp_path, platform) as place`; `place.now` is its time."""

    folder: Path
    platform: LlmPlatform = field(default_factory=LlmPlatform)
    options: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOON + timedelta(hours=3)

    async def __aenter__(self) -> Self:
        self.server = Loopback(self.platform)
        await self.server.__aenter__()
        self.store = SqliteStore(self.folder / "ohlas.db")
        self.llm = LlmOptions(**{"endpoint": self.server.url("/v1"), "model": MODEL, "api_key": KEY} | self.options)
        drafting = DraftingOptions(languages=LANGUAGES, llm=self.llm)
        service = ServiceOptions(state=self.folder)
        self.settings = Config(**{"company": COMPANY, "drafting": drafting, "service": service} | self.config)
        self.desk = Desk(self.settings, embedded(self.settings), {})
        self.pipeline = Pipeline(self.store, self.desk, lambda: self.now)
        self.writer = self.new_writer()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.writer.model.close()
        await self.server.__aexit__(kind, error, trace)
        self.store.close()

    def new_writer(self, **changes: Any) -> Writer:
        """As after a restart."""
        llm = self.llm.model_copy(update=changes)
        return Writer(self.store, self.desk, llm, lambda: self.now)

    async def draft(self, *mentions: Mention) -> list[Draft]:
        """Let mentions arrive, have the playbook answer them."""
        arrive(self.store, *(mentions or (mention(self.store.mentions.count() + 1),)))
        return await self.draft_again()

    async def draft_again(self) -> list[Draft]:
        """What was sent back, edited or corrected."""
        while await self.pipeline.step():
            pass
        return self.drafts()

    def drafts(self) -> list[Draft]:
        rows = self.store.views.inbox(InboxFilter(tab="all", limit=500)).rows
        return sorted((row.draft for row in rows), key=lambda draft: draft.id)

    async def write(self) -> list[Draft]:
        """Let the model write until nothing is left to try."""
        while await self.writer.step():
            pass
        return self.drafts()
