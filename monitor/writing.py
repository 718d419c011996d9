"""Asks a language model for the drafts that wait, beside everything else: the playbook's text is there at once.

The model's text takes its place as a new revision, where the guard has no error against it and nobody has touched the
draft. Whatever goes wrong, the playbook's text stands and the draft says why.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from monitor.classify.choosing import models_folder
from monitor.deciding import written_beside
from monitor.desk import Desk
from monitor.language import identify
from monitor.model import Composition, Draft, Finding, Mention
from monitor.options import Config, LlmOptions
from monitor.settings import secrets_of
from monitor.store.llm_use import Caps, Use
from monitor.store.sqlite import SqliteStore
from monitor.store.views import Matter
from monitor.triage import label_for_reply
from responders.llm.answer import examine, parse
from responders.llm.drafting import composed, errors_of, example_of, room
from responders.llm.endpoint import Endpoint
from responders.llm.local import LocalModel
from responders.llm.model import LanguageModel, NotWritten, Prompt, Tokens
from responders.llm.prompt import PARTS, Brief, prompt
from responders.policy import allowance

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two looks for drafts
AT_ONCE = 2  # requests under way
TEMPLATE = 64  # tokens at most that a chat's template adds; and no token is shorter than a byte
LONGEST_REST = 86400.0  # seconds


def model_of(config: Config, options: LlmOptions) -> LanguageModel:
    """The configured one; nothing is loaded or asked yet."""
    if options.endpoint.strip():
        return Endpoint(options)
    return LocalModel(options, base=config.base, models=models_folder(config))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A draft to be written anew: what it is about, what the model is told, what the customer has read, and what he
    wrote beside it."""

    draft: Draft
    matter: Matter
    prompt: Prompt
    earlier: tuple[str, ...]
    beside: tuple[Mention, ...] = ()


@dataclass
class Writer:
    """`run` until cancelled. Two drafts at a time, each revision once."""

    store: SqliteStore
    desk: Desk
    options: LlmOptions
    clock: Callable[[], datetime]
    model: LanguageModel = field(init=False)
    _rests_until: datetime | None = None

    def __post_init__(self) -> None:
        self.model = model_of(self.desk.config, self.options)
        self._secrets = secrets_of(self.desk.config)
        self._zone = ZoneInfo(self.desk.config.page.timezone)

    async def run(self) -> None:
        try:
            await self.store.run(self.store.modelled.recover)
            while True:
                if not await self.step():
                    await asyncio.sleep(TICK)
        finally:
            await self.model.close()

    async def step(self) -> int:
        """The next drafts, side by side; returns how many were tried."""
        if self._rests_until is not None and self.clock() < self._rests_until:
            return 0
        found = await self.store.run(self.store.modelled.waiting, AT_ONCE, self.clock())
        try:
            async with asyncio.TaskGroup() as group:
                tries = [group.create_task(self._try(draft)) for draft in found]
        except ExceptionGroup as errors:  # one tells whether to go on
            raise errors.exceptions[0] from None
        return sum(one.result() for one in tries)

    async def _try(self, draft: Draft) -> bool:
        """Whether it was ours to try."""
        if not await self.store.run(self.store.modelled.take, draft, self.clock()):
            return False
        try:
            await self._write(draft)
        except NotWritten as error:
            if error.retry_after is not None:
                rest = timedelta(seconds=min(error.retry_after, LONGEST_REST))
                self._rests_until = max(self.clock() + rest, self._rests_until or self.clock())
            log.info("draft %d keeps the playbook's text: %s", draft.id, error.code)
            await self.store.run(self.store.modelled.note, draft, error.code)
        return True

    async def _write(self, draft: Draft) -> None:
        work = await self.store.run(self._prepared, draft)
        content = await self._asked(work.prompt)
        composition, findings = await asyncio.to_thread(self._judged, work, content)
        if broken := errors_of(findings):
            raise NotWritten(f"guard: {', '.join(broken)}")
        hash_ = work.matter.mention.content_hash
        replaced = await self.store.run(self.store.modelled.replace, draft, hash_, composition, findings, self.clock())
        if replaced is None:
            raise NotWritten("overtaken")
        log.info("draft %d was written by %s", draft.id, self.model.name)

    def _prepared(self, draft: Draft) -> Work:
        """Reads the store."""
        matter = self.store.views.matter(draft.id)
        label = label_for_reply(matter.mention, matter.verdict)
        examples = self.store.modelled.examples(draft.language, label, self.options.examples)
        earlier = self.store.threads.replies(draft.mention_id, besides=draft.id)
        beside = written_beside(self.store, draft)
        brief = brief_of(self.desk, draft, matter, examples=examples, earlier=earlier, beside=beside)
        return Work(draft=draft, matter=matter, prompt=prompt(brief, _fence()), earlier=earlier, beside=beside)

    async def _asked(self, asked: Prompt) -> str:
        """What the model writes, within the day's budget, which counts whatever comes of it."""
        day = self.clock().astimezone(self._zone).date().isoformat()
        most = self._use(Tokens(asked.size + TEMPLATE, self.options.max_tokens))
        caps = Caps(tokens=self.options.tokens_per_day, cost=self.options.spend_per_day)
        if full := await self.store.run(self.store.llm_use.reserve, day, self.model.name, most, caps):
            raise NotWritten(full)
        used = most
        try:
            written = await self.model.write(asked)
            used = self._use(written.tokens)
        except NotWritten as error:
            used = most if error.tokens is None else self._use(error.tokens)
            raise
        finally:
            await asyncio.shield(self.store.run(self.store.llm_use.settle, day, self.model.name, most, used))
        return written.content

    def _use(self, tokens: Tokens) -> Use:
        options = self.options
        cost = (tokens.read * options.price_in + tokens.written * options.price_out) / 1e6
        return Use(requests=1, tokens=(tokens.read, tokens.written), cost=cost)

    def _judged(self, work: Work, content: str) -> tuple[Composition, tuple[Finding, ...]]:
        """Raises NotWritten where it is no reply. The guard does not take the model's word for what is an apology."""
        draft, matter, config = work.draft, work.matter, self.desk.config
        label = label_for_reply(matter.mention, matter.verdict)
        parts = parse(content, PARTS[label])
        examine(
            parts,
            work.prompt,
            language=draft.language,
            identify=partial(identify, languages=config.drafting.languages),
            public=public_lines(self.desk, draft.language),
            secrets=self._secrets,
        )
        composition = composed(draft, parts, self.model.name, self.desk.rules(matter.mention))
        findings = self.desk.guard(
            composition.text,
            draft.language,
            matter.mention,
            matter.verdict,
            earlier=work.earlier,
            beside=work.beside,
        )
        return composition, findings


def brief_of(
    desk: Desk,
    draft: Draft,
    matter: Matter,
    *,
    examples: Collection[str] = (),
    earlier: Collection[str] = (),
    beside: Sequence[Mention] = (),
) -> Brief:
    """What the model is told of a draft's matter."""
    config = desk.config
    situation = desk.situation(matter.mention, matter.verdict, beside=beside)
    return Brief(
        mention=matter.mention,
        language=draft.language,
        formal=config.drafting.formal,
        situation=situation,
        company=config.company,
        facts=desk.facts(draft.language),
        allowed=allowance(config.policy, situation.aspects),
        never_say=config.policy.never_say,
        room=room(draft, desk.rules(matter.mention)),
        own=example_of(draft),
        examples=tuple(examples),
        earlier=tuple(earlier),
    )


def public_lines(desk: Desk, language: str) -> tuple[str, ...]:
    """What may stand in every reply as it is, whatever it looks like."""
    company = desk.config.company
    website = company.website.strip()
    host = website.partition("//")[2] or website
    bare = host.strip("/").removeprefix("www.")
    sites = (website, host, bare, f"www.{bare}") if bare else ()
    return (company.name, company.contact, *sites, *desk.facts(language).values())


def _fence() -> str:
    return f"=====MARK-{secrets.token_hex(16)}====="
