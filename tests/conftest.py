"""Fixtures that more than one test file needs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from monitor.http import Http
from tests.loopback import LOOPBACK, Loopback
from tests.mail_servers import mail_servers, running_mail_servers

__all__ = ["mail_servers", "running_mail_servers", "server", "session"]

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it; how wide a terminal is changes what is printed

# Nothing passes or fails by timing, however busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[Http]:
    """Like the service's own, but allowed to reach servers of the tests."""
    async with Http(allow_private=LOOPBACK) as session:
        yield session
