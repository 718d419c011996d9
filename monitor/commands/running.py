"""Whether the service runs beside us, and where its page is."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.options import Config

_ADDRESS_LENGTH = 2_000  # characters


def is_running(state: Path) -> bool:
    """The service holds a lock on ohlas.lock for as long as it runs, and loses it however it ends."""
    try:
        with (state / "ohlas.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # it never ran here, or runs as somebody whose files we may not read
    return False


def page_url(config: Config) -> str:
    """Without a slash at its end. The running service knows best: its port may not be the configured one."""
    if config.page.url:
        return config.page.url.rstrip("/")
    try:
        written = (config.service.state / "page.url").read_text("utf-8")[:_ADDRESS_LENGTH].strip()
    except (OSError, UnicodeDecodeError):
        written = ""
    host = f"[{config.page.host}]" if ":" in config.page.host else config.page.host
    return written.rstrip("/") or f"http://{host}:{config.page.port}"
