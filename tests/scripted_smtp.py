"""An SMTP server on 127.0.0.1 that does what no real one can be made to do on demand: it breaks off at a given step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

HANG_UP: Final = "hang up"


@dataclass
class ScriptedSmtp:
    """`async with ScriptedSmtp() as server`. `answers` maps a command in capitals ("CONNECT", "MAIL", "RCPT", "DATA",
    "END" after the final dot) to an answer of its own, or to HANG_UP. `mails` are those that arrived whole, whatever
    the answer was."""

    answers: dict[str, str] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)  # a step waits until its event is set

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for event in self.held.values():
            event.set()
        await self._server.wait_closed()

    def hold(self, step: str) -> asyncio.Event:
        """Let `step` wait; returns the event that tells when it was reached. `held[step].set()` lets it go on."""
        self.held[step] = asyncio.Event()
        return self.reached.setdefault(step, asyncio.Event())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._answer(writer, "CONNECT", "220 made up"):
                await self._talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode():
            command = line.split(" ")[0].strip().upper()
            self.commands.append(line.strip())
            if not await self._answer(writer, command, _USUAL.get(command, "250 ok")) or command == "QUIT":
                return
            if command == "DATA" and not self.answers.get("DATA"):
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                if not await self._answer(writer, "END", "250 taken"):
                    return

    async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
        """False where the connection was cut instead."""
        if step in self.held:
            self.reached[step].set()
            await self.held[step].wait()
        answer = self.answers.get(step, usual)
        if answer == HANG_UP:
            return False
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return True


_USUAL: Final[Mapping[str, str]] = {
    "EHLO": "250 made.up",
    "DATA": "354 go on",
    "QUIT": "221 bye",
    "AUTH": "535 5.7.8 no",
}
