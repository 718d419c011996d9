"""HTTP mode: Slack posts what people do to POST /slack, signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from responders.slack.socket import Handle, soon

LARGEST_BODY = 2**20  # bytes


@dataclass(slots=True)
class Endpoint:
    signing_secret: str
    handle: Handle
    clock: Callable[[], datetime]
    _tasks: set[asyncio.Task[dict[str, Any]]] = field(default_factory=set)

    def add_to(self, application: web.Application) -> None:
        application.router.add_post("/slack", self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.content.read(LARGEST_BODY)
        if not self._is_slack(body, request.headers):
            return web.Response(status=401, text="the signature does not fit\n")
        payload = _payload(body)
        if payload is None:
            return web.Response(status=400, text="no payload\n")
        answer = await soon(self.handle(payload), self._tasks)
        return web.json_response(answer) if answer else web.Response()

    def _is_slack(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Within five minutes. The verifier raises where a header is junk; that is no signature either."""
        from slack_sdk.signature import Clock, SignatureVerifier

        class Now(Clock):
            def now(inner) -> float:
                return self.clock().timestamp()

        stamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        try:
            return SignatureVerifier(self.signing_secret, Now()).is_valid(body, stamp, signature)
        except (ValueError, TypeError):
            return False


def _payload(body: bytes) -> dict[str, Any] | None:
    try:
        [written] = parse_qs(body.decode("utf-8"))["payload"]
        given = json.loads(written)
    except (KeyError, ValueError):
        return None
    return given if isinstance(given, dict) else None
