"""The real service in a process of its own, as a person starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[1]


@dataclass
class Running:
    """`async with Running(folder) as service`: folder holds a config.toml. `url` and `link` are what it announced."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    link: str = ""
    said: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        with (self.folder / "service.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "monitor",
                "--config",
                str(self.folder / "config.toml"),
                "run",
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        while not self.link:
            await self._listen()
        return self

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode().strip()
        if not line and self.process.stdout.at_eof():
            raise AssertionError(f"the service ended: {self.log()[-3000:]}")
        self.said.append(line)
        if line.startswith("page: "):
            self.url = line.removeprefix("page: ")
        if "/sign-in?token=" in line:
            self.link = "http" + line.partition("http")[2]

    def kill(self) -> None:
        """As a power cut does: no handler runs."""
        if self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> int:
        """As Ctrl-C does; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        output, _ = await self.process.communicate()
        self.said += output.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode

    def log(self) -> str:
        return (self.folder / "service.log").read_text()

    def store(self) -> SqliteStore:
        """The service's database, opened as the terminal's commands open it. The caller closes it."""
        return SqliteStore(self.folder / "state" / "ohlas.db")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        await self.process.communicate()
