"""The running service: opens everything, starts the loops in one TaskGroup, stops them in order."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web

from monitor.acknowledging import Renewer
from monitor.channels.watching import Watcher
from monitor.classify.choosing import SteadyClassifier
from monitor.contract import CanConfirm, Connector
from monitor.deciding import rules_of
from monitor.desk import Desk
from monitor.endpoints import Endpoints
from monitor.errors import ConfigError, StoreBusy, StoreError
from monitor.http import Http
from monitor.ledger import Ledger
from monitor.listening import Listener
from monitor.looking import Looker
from monitor.marking import Marker
from monitor.model import Mention
from monitor.options import Config
from monitor.people import deciders, people_of
from monitor.pipeline import Pipeline
from monitor.polling import Poller
from monitor.rescoring import Rescorer
from monitor.retention import Keeper
from monitor.settings import connector_module
from monitor.store.sqlite import SqliteStore
from responders.asking import Asker
from responders.page.app import PageContext
from responders.page.app import application as page_application
from responders.publish import Patience, Publisher

if TYPE_CHECKING:
    from monitor.writing import Writer
    from responders.mail.desk import MailDesk
    from responders.slack.desk import SlackDesk

log = logging.getLogger(__name__)

LAST_REQUEST = 2.0  # seconds that a request to a platform may still take while Ohlas stops
SWITCH_INTERVAL = 0.0001  # seconds; Python's own 5 ms would let a thread that judges keep the page waiting
FIRST_PAUSE = 1.0  # seconds before a loop that failed is started again; doubled every time
LONGEST_PAUSE = 60.0  # seconds
TICK = 1.0  # seconds between two looks for something to publish: another process may have approved it

Announce = Callable[[str], None]
Loop = Callable[[], Awaitable[None]]


def utc_now() -> datetime:
    return datetime.now(UTC)


async def serve(config: Config, announce: Announce) -> None:
    """Run until SIGINT or SIGTERM. `announce` gets the lines that a person needs to see.

    Raises ConfigError, StoreError, and ExceptionGroup of what stopped a loop for good.
    """
    responsive()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with only_one(config.service.state):
        store = SqliteStore(config.service.state / "ohlas.db")
        try:
            ledger = Ledger(store.budgets.known())
            async with opened(config, ledger) as connectors:
                await Service(config, store, connectors, ledger=ledger).run(stop, announce)
        finally:
            store.close()


def responsive() -> None:
    """Let the event loop have its turn soon while threads judge and parse."""
    sys.setswitchinterval(SWITCH_INTERVAL)


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Two services on one database would take each other's unfinished publications for crashed ones."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "ohlas.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                [f"another Ohlas is running with {state}; stop it first, or use another folder"]
            ) from error
        yield


@asynccontextmanager
async def opened(config: Config, ledger: Ledger | None = None) -> AsyncIterator[Mapping[str, Connector]]:
    """Every configured source's connector, closed again at the end; they spend from `ledger`."""
    async with Http(allow_private=config.service.allow_private, ledger=ledger) as http:
        connectors: dict[str, Connector] = {
            name: connector_module(options.kind).connect(options, http) for name, options in config.sources.items()
        }
        try:
            yield connectors
        finally:
            await asyncio.gather(*(connector.close() for connector in connectors.values()))


@dataclass
class Service:
    config: Config
    store: SqliteStore
    connectors: Mapping[str, Connector]
    clock: Callable[[], datetime] = utc_now
    first_pause: float = FIRST_PAUSE
    ledger: Ledger = field(default_factory=Ledger)  # of the connectors' `Http`
    _troubles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = people_of(self.config)
        self.classifier = SteadyClassifier(self.config)
        self.desk = Desk(self.config, self.classifier, self.connectors)
        self.desk.check_texts()
        self.again = Rescorer(self.store, self.classifier, self.clock)
        self.marker = Marker(self.store, self.desk.linker, self.clock)
        self.renewer = Renewer(self.store, self.config, self.clock)
        self.pipeline = Pipeline(self.store, self.desk, self.clock, idle=self._look_again)
        self.poller = Poller(
            store=self.store,
            connectors=self.connectors,
            intervals={name: options.interval for name, options in self.config.sources.items()},
            clock=self.clock,
            arrived=self.pipeline.arrived,
            concurrency=self.config.service.concurrency,
            ledger=self.ledger,
        )
        self.looker = Looker(self.store, self.connectors, self.clock, self.pipeline.arrived, self.poller.save_spending)
        self.publisher = Publisher(
            store=self.store,
            connectors=self.connectors,
            people=deciders(self.people),
            clock=self.clock,
            patience=Patience(settle=timedelta(seconds=self.config.approval.look_up_after)),
        )
        self.asker = Asker(self.config, self.store, self.clock)
        self.writer = self._writer()
        self.rules = rules_of(self.desk, self.store, self.clock)
        self.keeper = Keeper(
            store=self.store,
            options=self.config.retention,
            connectors=self.connectors,
            zone=ZoneInfo(self.config.page.timezone),
            clock=self.clock,
        )
        self.watcher = Watcher(self.store, self.config, self.clock)
        self.listener = Listener(self.store, self.asker.times.zone, self.clock)

    async def run(self, stop: asyncio.Event, announce: Announce) -> None:
        await self._prepare()
        async with (
            self._slack() as slack,
            self._mail() as mail,
            self._page(announce, slack, mail),
            asyncio.TaskGroup() as group,
        ):
            loops = {"polling": self.poller.run, "judging": self.pipeline.run, "asking": self.asker.run}
            loops |= {"erasing": self.keeper.run, "looking again": self.looker.run}
            if self.writer:
                loops["writing"] = self.writer.run
            if "silent" not in self.config.alerts.off:
                loops["listening"] = self.listener.run
            if self.watcher.channels:
                loops["looking at channels"] = self.watcher.run
            started = [
                group.create_task(self._supervise(name, loop))
                for name, loop in (loops | _loops_of(slack) | _mail_loops(mail)).items()
            ]
            publishing = group.create_task(self._supervise("publishing", lambda: self._publish(stop)))
            await stop.wait()
            for task in started:
                task.cancel()
            await asyncio.wait({publishing}, timeout=LAST_REQUEST)
            publishing.cancel()
        await self.poller.save_spending()
        announce("stopped; nothing is half-done")

    def _writer(self) -> Writer | None:
        if self.config.drafting.llm is None:
            return None
        # imported late, with all that speaks to a language model
        from monitor.writing import Writer

        return Writer(self.store, self.desk, self.config.drafting.llm, self.clock)

    async def _prepare(self) -> None:
        kinds = {name: options.kind for name, options in self.config.sources.items()}
        await self.store.run(self.store.sources.configure, kinds, self.clock())
        await self.store.run(self.store.budgets.configure, self.poller.sharing.sharers())
        await self.store.run(self.store.mentions.retry_set_aside)
        await self.watcher.configure()
        if crashed := await self.publisher.recover():
            log.warning("%d publications were cut off by a crash; they are looked up, not repeated", crashed)

    async def _look_again(self) -> bool:
        """Whether drafts that nobody has touched were sent back to be written anew, or mentions still lack marks."""
        return await self.renewer.step() or await self.again.step() or await self.marker.step()

    async def _publish(self, stop: asyncio.Event) -> None:
        """Finishes the request that it is at when Ohlas stops; the next start goes on with the rest."""
        while not stop.is_set():
            await self.publisher.moderate_due()
            if await self.publisher.publish_due() + await self.publisher.look_up_due():
                self.pipeline.arrived(0)  # an answer is drafted once its acknowledgement is out
            await self.poller.save_spending()
            due = await self.store.run(self.store.publications.next_due)
            pause = TICK if due is None else min(TICK, max(0.0, (due - self.clock()).total_seconds()))
            try:
                async with asyncio.timeout(pause):  # wait_for of Python 3.11 may swallow a cancellation
                    await stop.wait()
            except TimeoutError:
                continue

    async def _supervise(self, name: str, loop: Loop) -> None:
        """Start a loop again when it fails, later each time; a damaged database stops the service."""
        pause = self.first_pause
        while True:
            task = asyncio.ensure_future(loop())
            try:
                await asyncio.wait({task})
            finally:
                await _cancelled(task)
            error = task.exception()
            if error is None:
                return
            if isinstance(error, StoreError) and not isinstance(error, StoreBusy):
                raise error
            log.error("%s failed; it goes on in %.0f s", name, pause, exc_info=error)
            self._troubles[name] = f"{name}: {type(error).__name__}"
            await asyncio.sleep(pause)
            self._troubles.pop(name)
            pause = min(LONGEST_PAUSE, pause * 2)

    @asynccontextmanager
    async def _slack(self) -> AsyncIterator[SlackDesk | None]:
        if self.config.slack is None:
            yield None
            return
        # imported late: slack_sdk takes 0.2 s, and only who uses Slack needs it
        from responders.slack.desk import slack_desk

        async with slack_desk(
            self.config,
            self.config.slack,
            store=self.store,
            rules=self.rules,
            times=self.asker.times,
            clock=self.clock,
            judge_again=self.pipeline.again,
        ) as desk:
            yield desk

    @asynccontextmanager
    async def _mail(self) -> AsyncIterator[MailDesk | None]:
        if self.config.mail is None:
            yield None
            return
        # imported late, like Slack's
        from responders.mail.desk import mail_desk

        async with mail_desk(
            self.config, self.config.mail, store=self.store, rules=self.rules, clock=self.clock
        ) as desk:
            yield desk

    @asynccontextmanager
    async def _page(self, announce: Announce, slack: SlackDesk | None, mail: MailDesk | None) -> AsyncIterator[None]:
        application = page_application(
            PageContext(
                store=self.store,
                rules=self.rules,
                options=self.config.page,
                reply_link=self._reply_link,
                clock=self.clock,
                company=self.config.company.name,
                judge_again=self.pipeline.again,
                times=self.asker.times,
                lease=timedelta(minutes=self.config.approval.lease),
                mails=self.config.mail is not None,
                questions=self.desk.questions,
                digests=mail.links if mail else None,
            )
        )
        self._endpoints(slack, mail).add_to(application)
        if slack is not None and slack.endpoint is not None:
            slack.endpoint.add_to(application)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            url = await _listen(runner, self.config, announce)
            await self._invite(url, announce)
            yield
        finally:
            await runner.cleanup()

    async def _invite(self, url: str, announce: Announce) -> None:
        (self.config.service.state / "page.url").write_text(url + "\n")
        person = deciders(self.people)[0]
        token = await self.store.run(self.store.sign_ins.offer, person, self.clock())
        announce(f"page: {url}")
        announce(f"sign in once as {person}: {url}/sign-in?token={token}")

    def _endpoints(self, slack: SlackDesk | None, mail: MailDesk | None) -> Endpoints:
        return Endpoints(
            store=self.store,
            connectors=self.connectors,
            poller=self.poller,
            pipeline=self.pipeline,
            options=self.config.service,
            clock=self.clock,
            troubles=lambda: list(self._troubles.values()),
            degraded=lambda: [
                trouble
                for trouble in (
                    self.classifier.trouble,
                    slack.sender.trouble if slack else "",
                    *(mail.troubles if mail else ()),
                )
                if trouble
            ],
        )

    def _reply_link(self, mention: Mention) -> str:
        connector = self.connectors.get(mention.source)
        return connector.reply_link(mention) if isinstance(connector, CanConfirm) else mention.url


def _loops_of(slack: SlackDesk | None) -> dict[str, Loop]:
    if slack is None:
        return {}
    listening = {"listening to Slack": slack.socket.run} if slack.socket is not None else {}
    return {"telling Slack": slack.sender.run, **listening}


def _mail_loops(mail: MailDesk | None) -> dict[str, Loop]:
    if mail is None:
        return {}
    reading = {"reading mails": mail.reader.run} if mail.reader is not None else {}
    return {"sending mails": mail.sender.run, "writing digests": mail.digests.run, **reading}


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _listen(runner: web.AppRunner, config: Config, announce: Announce) -> str:
    """Listen on the configured port, or on a free one where it is taken. Returns the address for people."""
    page = config.page
    try:
        await web.TCPSite(runner, page.host, page.port).start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError([f"page.host: cannot listen on {page.host}:{page.port}: {error.strerror}"]) from error
        await web.TCPSite(runner, page.host, 0).start()
        announce(f"port {page.port} is taken, so the page is on another one")
    host, port = runner.addresses[-1][:2]
    shown = f"[{host}]" if ":" in host else host
    return page.url.rstrip("/") or f"http://{shown}:{port}"
