"""Reading one source of config.toml, once, for a person who wants to see what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from monitor.contract import Connector, Page
from monitor.errors import ConfigError, TemporaryError

if TYPE_CHECKING:
    from monitor.options import Config


def known_source(config: Config, name: str) -> str:
    """Raises ConfigError with the names that there are."""
    if name in config.sources:
        return name
    from monitor.mistakes import did_you_mean

    hint = did_you_mean(name, list(config.sources)) or "."
    there_are = f"There are: {', '.join(config.sources)}." if config.sources else "config.toml has no source yet."
    raise ConfigError([f"no source is called {name!r}{hint} {there_are}"])


@asynccontextmanager
async def connected(config: Config, name: str) -> AsyncIterator[dict[str, Connector]]:
    """The connector of the source `name` by that name, or nothing where config.toml has no such source."""
    if name not in config.sources:
        yield {}
        return
    from monitor.service import opened

    alone = config.model_copy(update={"sources": {name: config.sources[name]}})
    async with opened(alone) as connectors:
        yield dict(connectors)


async def first_page(connector: Connector, limit: float) -> Page:
    """What the source brings to somebody who has never read it. Raises SourceError; `limit` is in seconds."""
    try:
        async with asyncio.timeout(limit):
            return await connector.poll("")
    except TimeoutError:
        raise TemporaryError(f"no answer within {limit:g} s; try again, or give it longer with --timeout") from None
