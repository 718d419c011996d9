"""Sources of a service without the rest of it: what is sent to them, what is read of them, and a kill in between."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import time_machine
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from monitor.endpoints import Endpoints
from monitor.options import ServiceOptions
from monitor.polling import Poller
from monitor.store.sqlite import SqliteStore
from tests.made import NOON

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def listening(store: SqliteStore, **sources: Any) -> AsyncIterator[Client]:
    """Who sends to them, at noon."""
    poller: Any = None
    pipeline: Any = type("Pipeline", (), {"arrived": lambda self, count: None})()
    endpoints = Endpoints(
        store=store,
        connectors=sources,
        poller=poller,
        pipeline=pipeline,
        options=ServiceOptions(),
        clock=lambda: NOON,
        troubles=list,
        degraded=list,
    )
    application = web.Application()
    endpoints.add_to(application)
    async with TestClient(TestServer(application)) as client:
        yield client


async def read_due(store: SqliteStore, at: datetime = NOON, **sources: Any) -> None:
    """Each of them that is due, once, as the service does it."""
    intervals = dict.fromkeys(sources, 900.0)
    with time_machine.travel(at, tick=False):
        poller = Poller(store=store, connectors=sources, intervals=intervals, clock=lambda: at, arrived=lambda _: None)
        await poller.read_due()


def killed(store: SqliteStore, into: Path) -> SqliteStore:
    """The store as a process finds it after one that ended in this moment, without a chance to close anything."""
    into.mkdir()
    for file in store.path.parent.glob(f"{store.path.name}*"):
        shutil.copy(file, into)
    store.close()
    return SqliteStore(into / store.path.name)
