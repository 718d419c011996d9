"""Runs a parser of hostile input in a process of its own, which can be killed and is held to a time and a size.

The process is started when it is first needed, serves one request after the other, and ends by itself when it has
been idle, when it is closed, or when its parent is gone. Requests and results are JSON; nothing is ever pickled.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakKeyDictionary

from monitor.errors import PermanentError, SourceError, TemporaryError

CPU_SECONDS = 5.0
MEMORY = 2**30  # bytes of address space
WALL_SECONDS = 30.0
IDLE_SECONDS = 60.0
_BURIAL_SECONDS = 5.0
Parser = Callable[[Mapping[str, Any], bytes], Any]
_LENGTHS = struct.Struct(">II")  # of the JSON and of the bytes that follow it
_MOST = 256 * 2**20  # bytes of one result


class Worker:
    """`run` sends a request to `parser`, written "package.module:function": a function (request, body) -> result.

    Request and result are JSON, the body is bytes. What the function raises as a SourceError, `run` raises.
    """

    def __init__(
        self,
        parser: str,
        *,
        cpu: float = CPU_SECONDS,
        memory: int = MEMORY,
        wall: float = WALL_SECONDS,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._parser = parser
        self._limits = (str(cpu), str(memory))
        self._wall = wall
        self._idle = idle
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._retirement: asyncio.TimerHandle | None = None
        self.holders = 0

    @property
    def pid(self) -> int | None:
        """Of the running process, None where none is needed at the moment."""
        return self._process.pid if self._process else None

    async def run(self, request: Mapping[str, Any], body: bytes = b"") -> Any:
        """Raises PermanentError where the input is too much for the parser, TemporaryError where time ran out."""
        async with self._turn:
            self._stay()
            try:
                async with asyncio.timeout(self._wall):
                    answer = await _exchange(await self._started(), request, body)
            except TimeoutError:
                await self._end()
                raise TemporaryError(
                    f"reading it took more than {self._wall:g} s; is this machine too busy?", cause="slow_reading"
                ) from None
            except (OSError, EOFError):
                raise PermanentError(_epitaph(await self._died()), cause="unreadable") from None
            except asyncio.CancelledError:
                await self._end()  # the answer to this request must not meet the next one
                raise
            self._retire_later()
        return _result(answer)

    async def close(self) -> None:
        async with self._turn:
            self._stay()
            await self._end()

    async def release(self) -> None:
        """What each holder of a `shared` worker calls once; with the last one the process ends."""
        self.holders -= 1
        if self.holders == 0:
            _shared.get(asyncio.get_running_loop(), {}).pop(self._parser, None)
            await self.close()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            await self._end()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "monitor.worker", self._parser, *self._limits),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # its traceback would carry the hostile input into our log
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the service, which then ends its workers in order
            )
        return self._process

    async def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        return await process.wait()

    async def _died(self) -> int | None:
        # Killing a process that has just died takes its exit status away from asyncio, so it is waited for first.
        if self._process:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BURIAL_SECONDS):
                    await self._process.wait()
        return await self._end()

    def _stay(self) -> None:
        if self._retirement:
            self._retirement.cancel()

    def _retire_later(self) -> None:
        self._retirement = asyncio.get_running_loop().call_later(self._idle, self._retire)

    def _retire(self) -> None:
        self._retiring = asyncio.create_task(self.close())


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Worker]] = WeakKeyDictionary()


def shared(parser: str) -> Worker:
    """The one worker for `parser` in this event loop. Each caller holds it until it calls `release`."""
    workers = _shared.setdefault(asyncio.get_running_loop(), {})
    worker = workers.setdefault(parser, Worker(parser))
    worker.holders += 1
    return worker


def _environment() -> dict[str, str]:
    """Where our packages lie, and nothing else: no secret of the service's environment reaches the parser."""
    root = str(Path(__file__).resolve().parents[1])
    inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {"PYTHONPATH": os.pathsep.join([root, *inherited]), "PYTHONUTF8": "1"}


async def _exchange(process: asyncio.subprocess.Process, request: Mapping[str, Any], body: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    head = json.dumps(request).encode()
    process.stdin.writelines((_LENGTHS.pack(len(head), len(body)), head, body))
    await process.stdin.drain()
    length, _ = _LENGTHS.unpack(await process.stdout.readexactly(_LENGTHS.size))
    return await process.stdout.readexactly(min(length, _MOST))


def _result(answer: bytes) -> Any:
    parsed = json.loads(answer)
    if "error" in parsed:
        kind = {"TemporaryError": TemporaryError}.get(parsed["error"], PermanentError)
        raise kind(parsed["message"], cause=parsed["cause"], words=parsed["words"])
    return parsed["result"]


def _epitaph(status: int | None) -> str:
    if status == -signal.SIGXCPU:
        return "reading it takes too much computing time; it is probably broken or made to do harm"
    return f"the parser gave up on it (exit status {status}); it is probably broken, or too big"


# ---- inside the process


def serve(parser: str, cpu: float, memory: int, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until `requests` ends, which is also what happens when the parent is killed."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module, _, name = parser.partition(":")
    parse = getattr(importlib.import_module(module), name)
    while lengths := requests.read(_LENGTHS.size):
        head, body = (requests.read(length) for length in _LENGTHS.unpack(lengths))
        _allow(cpu)
        answer = json.dumps(_parsed(parse, json.loads(head), body)).encode()
        answers.write(_LENGTHS.pack(len(answer), 0) + answer)
        answers.flush()


def _allow(seconds: float) -> None:
    """Grant so much more computing time; the kernel ends the process that needs more."""
    limit = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _parsed(parse: Parser, request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    # Every other error ends this process, and `run` says so: a parser in an unknown state is not used again.
    try:
        return {"result": parse(request, body)}
    except SourceError as error:
        return {"error": type(error).__name__, "message": str(error), "cause": error.cause, "words": error.words}


def main() -> None:
    parser, cpu, memory = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a parser prints must not get between the answers
    serve(parser, float(cpu), int(memory), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
