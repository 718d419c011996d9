"""Socket Mode: what people do in Slack arrives over a connection of our own making, so that no address is needed.

Slack spreads payloads over all connections it believes in, also over ones that a network has dropped, and what people
click is not delivered again (python-slack-sdk#1940). So connections are closed properly, more than one is told, and
whatever is clicked may be clicked again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest
    from slack_sdk.web.async_client import AsyncWebClient

log = logging.getLogger(__name__)

ANSWER_WITHIN = 2.0  # seconds; Slack waits for three
Handle = Callable[[Mapping[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


@dataclass(slots=True)
class Socket:
    """`handle` does what a payload asks for; `seen` remembers an envelope and is False for one that came before."""

    app_token: str
    web: AsyncWebClient
    handle: Handle
    seen: Callable[[str], Awaitable[bool]]
    connections: int = 0  # as Slack counts them
    _tasks: set[asyncio.Task[dict[str, Any]]] = field(default_factory=set)

    async def run(self) -> None:
        """Listen until cancelled; the connection is made anew whenever it fails."""
        from slack_sdk.socket_mode.aiohttp import SocketModeClient

        client: Any = SocketModeClient(app_token=self.app_token, web_client=self.web)
        client.socket_mode_request_listeners.append(self._request)
        client.on_message_listeners.append(self._message)
        try:
            await client.connect()
            await asyncio.Event().wait()
        finally:
            await self._close(client)

    async def _close(self, client: Any) -> None:
        for task in self._tasks:
            task.cancel()
        await client.disconnect()
        await client.close()

    async def _request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Acknowledge within Slack's three seconds, with the answer where it is there by then."""
        from slack_sdk.socket_mode.response import SocketModeResponse

        answer = await soon(self._answer(request.envelope_id, request.payload), self._tasks)
        await client.send_socket_mode_response(
            SocketModeResponse(envelope_id=request.envelope_id, payload=answer or None)
        )

    async def _answer(self, envelope: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return await self.handle(payload) if await self.seen(f"slack:{envelope}") else {}

    async def _message(self, message: Any) -> None:
        """Slack's own words about the connection."""
        given = _object(getattr(message, "data", ""))
        if given.get("type") == "hello":
            self.connections = int(given.get("num_connections", 1))
            if self.connections > 1:
                log.warning("Slack counts %d connections; clicks may go to one that is dead", self.connections)
        if given.get("type") == "disconnect":
            log.info("Slack closes the connection: %s", given.get("reason", ""))


async def soon(work: Coroutine[Any, Any, dict[str, Any]], tasks: set[asyncio.Task[dict[str, Any]]]) -> dict[str, Any]:
    """The answer, or nothing where it takes longer than Slack waits; the work goes on all the same."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    await asyncio.wait({task}, timeout=ANSWER_WITHIN)
    if not task.done() or task.cancelled():
        return {}
    error = task.exception()
    if error is not None:
        log.error("a click in Slack could not be handled", exc_info=error)
        return {}
    return task.result()


def _object(text: object) -> dict[str, Any]:
    try:
        given = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
