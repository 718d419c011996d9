"""`ohlas run`"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from monitor.commands.opening import Setup, pass_setup

log = logging.getLogger(__name__)


@click.command()
@pass_setup
def command(setup: Setup) -> None:
    """Read the sources, write drafts, and show the page, until Ctrl-C.

    Prints where the page is, and a link that signs you in once. Stopping leaves nothing half-done: start it again
    and it goes on where it was. The log goes to standard error.

    \b
    Examples:
      ohlas run
      ohlas --config /etc/ohlas/config.toml run
    """
    with _made_to_last():
        from monitor import logs
        from monitor.service import serve

        loaded = setup.read()
    service = loaded.config.service
    logs.configure(service.log, service.log_level, setup.secrets)
    for warning in loaded.warnings:
        log.warning("%s", warning)
    asyncio.run(serve(loaded.config, click.echo))


@contextmanager
def _made_to_last() -> Iterator[None]:
    """For modules and settings, which live as long as the process: looking through them for garbage, while they are
    made and again and again later, takes a tenth of the start and pauses the page."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
