"""What machines ask of a running Ohlas: /healthz, /metrics, and /in/{source} for sources that send."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.contract import CanHandshake, CanReceive, Connector
from monitor.errors import AuthError, PermanentError, StoreBusy
from monitor.options import ServiceOptions
from monitor.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from monitor.pipeline import Pipeline
    from monitor.polling import Poller

log = logging.getLogger(__name__)

LARGEST_BODY = 5 * 2**20  # bytes of one delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    store: SqliteStore
    connectors: Mapping[str, Connector]
    poller: Poller
    pipeline: Pipeline
    options: ServiceOptions
    clock: Callable[[], datetime]
    troubles: Callable[[], list[str]]  # loops of the service that do not run as they should
    degraded: Callable[[], list[str]]  # what works less well than configured; Ohlas does its work all the same

    def add_to(self, application: web.Application) -> None:
        application.router.add_get("/healthz", self.health)
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/in/{source}", self.shake_hands)
        application.router.add_post("/in/{source}", self.receive)

    async def health(self, _request: web.Request) -> web.Response:
        """200 while Ohlas can do its work; a source that fails does not make Ohlas ill, it is only named."""
        try:
            states = await self.store.run(self.store.sources.all)
        except StoreBusy as error:
            return web.json_response({"status": "ill", "troubles": [str(error)]}, status=503)
        troubles = self.troubles()
        return web.json_response(
            {
                "status": "ill" if troubles else "ok",
                "troubles": troubles,
                "degraded": self.degraded(),
                "sources": {state.name: state.status for state in states},
            },
            status=503 if troubles else 200,
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """For Prometheus. From this machine, or with the token."""
        if not self._may_measure(request):
            raise web.HTTPForbidden(text="/metrics is for this machine, or for service.metrics_token\n")
        # imported late: nobody pays for it who does not measure
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_LATEST

        registry = CollectorRegistry()
        registry.register(_Snapshot(await self._measured()))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def shake_hands(self, request: web.Request) -> web.Response:
        """Some senders ask whether they are awaited before they send anything."""
        connector = self.connectors.get(request.match_info["source"])
        if not isinstance(connector, CanHandshake):
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        try:
            return web.Response(text=connector.handshake(request.query))
        except AuthError as error:
            return web.json_response({"error": str(error)}, status=403)

    async def receive(self, request: web.Request) -> web.Response:
        """202 as soon as the mentions are saved; sending the same again changes nothing. 200 where it held none, and
        for those that asked first: they take nothing else for a yes."""
        name = request.match_info["source"]
        connector = self.connectors.get(name)
        if not isinstance(connector, CanReceive):
            return web.json_response({"error": "no source of that name takes deliveries"}, status=404)
        body = await request.content.read(LARGEST_BODY + 1)
        while len(body) <= LARGEST_BODY and (piece := await request.content.read(LARGEST_BODY + 1 - len(body))):
            body += piece
        if len(body) > LARGEST_BODY:
            return web.json_response({"error": f"at most {LARGEST_BODY} bytes at once"}, status=413)
        headers = {key.lower(): value for key, value in request.headers.items()}
        if "secret" in request.query:  # of senders that sign nothing
            headers["x-ohlas-secret"] = request.query["secret"]
        now = self.clock()
        try:
            page = replace(connector.receive(headers, body, now), once=True)  # it is answered that we have it
            saved = await self.store.run(self.store.mentions.save_page, name, page, None, now)
            if page.more:
                await self.store.run(self.store.sources.pull_forward, name, now)
        except AuthError as error:
            return web.json_response({"error": str(error)}, status=401)
        except PermanentError as error:
            return web.json_response({"error": str(error)}, status=422)
        except StoreBusy:
            return web.json_response({"error": "try again"}, status=503, headers={"Retry-After": "30"})
        if saved.new or saved.edited:
            self.pipeline.arrived(saved.new + saved.edited)
        answer = {"new": saved.new, "edited": saved.edited, "gone": saved.gone, "skipped": list(page.skipped)}
        held = page.mentions or page.gone or page.skipped
        return web.json_response(answer, status=202 if held and not isinstance(connector, CanHandshake) else 200)

    def _may_measure(self, request: web.Request) -> bool:
        token = self.options.metrics_token
        if token is not None:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
        return request.remote is not None and ipaddress.ip_address(request.remote.partition("%")[0]).is_loopback

    async def _measured(self) -> dict[str, Mapping[str, float]]:
        counts = await self.store.run(self.store.views.counts)
        states = await self.store.run(self.store.sources.all)
        return {
            "drafts": counts.tabs,
            "mentions": {label or "unjudged": count for label, count in counts.labels.items()},
            "source_up": {state.name: float(state.status in ("ok", "new", "waiting")) for state in states},
            "total": {
                "polls": self.poller.polls,
                "poll_failures": self.poller.failures,
                "judged": self.pipeline.judged,
                "drafted": self.pipeline.drafted,
            },
        }


@dataclass(frozen=True, slots=True, eq=False)  # the registry asks for a hash
class _Snapshot:
    """The numbers of one moment, in the shape that prometheus_client collects."""

    measured: Mapping[str, Mapping[str, float]]

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        drafts = GaugeMetricFamily("ohlas_drafts", "Drafts by where they stand", labels=["tab"])
        mentions = GaugeMetricFamily("ohlas_mentions", "Mentions by label", labels=["label"])
        up = GaugeMetricFamily("ohlas_source_up", "1 while a source can be read", labels=["source"])
        for family, name in ((drafts, "drafts"), (mentions, "mentions"), (up, "source_up")):
            for label, value in self.measured[name].items():
                family.add_metric([label], value)
            yield family
        for name, value in self.measured["total"].items():
            counter = CounterMetricFamily(f"ohlas_{name}", f"{name.replace('_', ' ')} since the start")
            counter.add_metric([], value)
            yield counter
