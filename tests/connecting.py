"""A source of the kind under test, connected to a platform on 127.0.0.1 and polled as the service does it."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
import time_machine
from pydantic import ValidationError

from monitor.contract import Page
from monitor.ledger import Ledger
from monitor.model import Mention
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.made import NOON

MOST = 50  # pages; a source that has more waiting has lost its way
PATIENCE = 4.0  # seconds for an answer: a busy machine is slow, and a platform that hangs is waited for


def connecting(kind: str, name: str, **usual: Any) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """`connected(platform, **options)`, whose source has the `usual` options where `options` say nothing else."""
    module = importlib.import_module(f"connectors.{kind}")

    @asynccontextmanager
    async def connected(platform: Answer | Callable[[Asked], Answer], **options: Any) -> AsyncIterator[Any]:
        async with Loopback(platform) as server, LoopbackHttp(server.origin, total=PATIENCE) as http:
            settings = module.Settings(**{"kind": kind, "name": name, **usual, **options})
            yield module.connect(settings, http)

    return connected


@asynccontextmanager
async def sharing(
    kind: str, platform: Answer | Callable[[Asked], Answer], *several: dict[str, Any]
) -> AsyncIterator[tuple[Ledger, list[Any]]]:
    """Sources with those options in one service, and what it notes of their quotas."""
    module = importlib.import_module(f"connectors.{kind}")
    async with Loopback(platform) as server, LoopbackHttp(server.origin, total=PATIENCE) as http:
        named = [{"kind": kind, "name": f"source-{number}", **options} for number, options in enumerate(several)]
        yield http.ledger, [module.connect(module.Settings(**options), http) for options in named]


def used(ledger: Ledger, source: Any, name: str) -> float:
    """How much was taken of the source's budget of that `name`."""
    return ledger.taken(next(budget for budget in source.budgets if budget.name == name))


def mistake(kind: str, **options: Any) -> str:
    """What people are told of options that cannot be."""
    with pytest.raises(ValidationError) as caught:
        importlib.import_module(f"connectors.{kind}").Settings(kind=kind, name="mistaken", **options)
    return str(caught.value)


async def poll(source: Any, cursor: str = "", at: datetime = NOON) -> list[Page]:
    """Pages until the source says that nothing more is waiting."""
    pages: list[Page] = []
    with time_machine.travel(at, tick=False):
        while not pages or pages[-1].more:
            pages.append(await source.poll(cursor))
            cursor = pages[-1].cursor
            assert len(pages) < MOST
    return pages


async def first(source: Any) -> Mention:
    """The first mention that it has."""
    return (await poll(source))[0].mentions[0]


def ids(pages: list[Page]) -> list[str]:
    return [mention.id for page in pages for mention in page.mentions]


def numbers(pages: list[Page]) -> list[int]:
    return [int(number) for number in ids(pages)]
