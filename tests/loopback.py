"""A real HTTP server on 127.0.0.1 that answers as told and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web
from yarl import URL

from monitor.http import Http, Response

LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class Answer:
    """`cut` announces the whole body, sends half of it and drops the connection; `hang` never answers at all."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server got it."""

    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes


class Loopback:
    """`async with Loopback(answer) as server`: every request gets `server.answer`, an Answer or a function of Asked."""

    def __init__(self, answer: Answer | Callable[[Asked], Answer] = Answer(), host: str = "127.0.0.1") -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()  # set by each request; clear it to wait for the next
        self._host = host
        self._over = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        self.origin = f"http://{self._host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        await self._runner.cleanup()

    def url(self, path: str = "/") -> str:
        return self.origin + path

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(request.method, request.path_qs, dict(request.headers), await request.read())
        self.asked.append(asked)
        self.arrived.set()
        answer = self.answer if isinstance(self.answer, Answer) else self.answer(asked)
        if answer.hang:
            await self._over.wait()
        if answer.cut:
            return await self._cut(request, answer)
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def _cut(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
        response.content_length = len(answer.body) + 1
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response


class LoopbackHttp(Http):
    """Sends every request to `origin`, whatever host it names, so that connectors keep their real addresses."""

    def __init__(self, origin: str, *, total: float = 30.0) -> None:
        super().__init__(allow_private=LOOPBACK, total=total)
        self._origin = URL(origin)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, also: Collection[int] = ()) -> Response:
        return await super().get(self._here(url), headers=headers, also=also)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        also: Collection[int] = (),
    ) -> Response:
        return await super().send(method, self._here(url), headers=headers, body=body, also=also)

    def _here(self, url: str) -> str:
        return str(self._origin.join(URL(url).relative()))
