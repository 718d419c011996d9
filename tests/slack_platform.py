"""Slack on 127.0.0.1: its Web API and Socket Mode as documented, with its limits enforced and its faults.

It refuses what Slack refuses (blocks too long, an expired trigger, a token it does not know), answers 429 with
Retry-After where a channel gets more than one message a second (on the test's own clock), spreads what people do over
the sockets that are connected, ghosts included, and closes a delivery that is not acknowledged within three seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-made-up-bot", "xapp-made-up-app", "made-up-signing-secret"
SCOPES = "chat:write,channels:history,groups:history"
ACK_WITHIN = 3.0  # seconds
TRIGGER_LIVES = 3.0  # seconds, on the platform's clock

# Documented limits: what Slack answers "invalid_blocks" to.
BLOCKS_IN_MESSAGE, BLOCKS_IN_MODAL = 50, 100
SECTION_TEXT, FIELD_TEXT, FIELDS, HEADER_TEXT = 3000, 2000, 10, 150
BUTTON_TEXT, BUTTON_VALUE, ACTION_ID, BLOCK_ID, URL = 75, 2000, 255, 255, 3000
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30
MODAL_TITLE, PRIVATE_METADATA, INPUT_VALUE, OPTIONS = 24, 3000, 3000, 100
ALL_BLOCKS = 13_000  # characters of all texts together; more is "msg_blocks_too_long"
MESSAGE_TEXT = 40_000

Fault = str  # "", "500", "429", "drop", "drop after accepting", or an error of Slack's such as "channel_not_found"


@dataclass
class Posted:
    """A message as people see it, with every state that it was in."""

    channel: str
    ts: str
    blocks: list[dict[str, Any]]
    text: str
    thread_ts: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    versions: list[list[dict[str, Any]]] = field(default_factory=list)

    def buttons(self) -> dict[str, dict[str, Any]]:
        return {element["action_id"]: element for element in _elements(self.blocks)}

    @property
    def words(self) -> str:
        return " ".join(_texts(self.blocks))


@dataclass(frozen=True)
class Ephemeral:
    user: str
    text: str


class Slack:
    """`async with Slack() as slack`: `slack.api` is the address that Ohlas is configured with.

    `fault(method, n)` chooses what goes wrong with the n-th call of a method. `now` is the platform's clock.
    """

    def __init__(self, fault: Callable[[str, int], Fault] = lambda _method, _n: "") -> None:
        self.fault = fault
        self.now = 1_795_262_400.0
        self.posted: list[Posted] = []
        self.ephemerals: list[Ephemeral] = []
        self.views: dict[str, dict[str, Any]] = {}  # open modals, by id
        self.refused: list[tuple[str, str]] = []  # calls that broke a limit, and how
        self.calls: Counter[str] = Counter()
        self.scopes = SCOPES
        self.rate_limited = False
        self.unacknowledged = 0
        self.sockets: list[web.WebSocketResponse] = []
        self.ghosts = 0  # registrations that nobody reads any more
        self.connected = asyncio.Event()
        self.changed = asyncio.Condition()
        self._acks: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._triggers: dict[str, float] = {}
        self._last_post: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._random = random.Random(7)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/respond/{user}", self._respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.api = f"http://127.0.0.1:{self.port}/api/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for socket in list(self.sockets):
            await socket.close()
        await self._runner.cleanup()

    # ---- what people see and do

    def card(self, draft_id: int) -> Posted:
        """The one card of a draft; fails where there are none, or two."""
        [card] = [one for one in self.posted if one.metadata.get("event_payload", {}).get("draft") == draft_id]
        return card

    def thread(self, card: Posted) -> list[Posted]:
        return [one for one in self.posted if one.thread_ts == card.ts]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait, without looking at a clock, until something about messages, forms or answers is so."""
        async with self.changed:
            await self.changed.wait_for(happened)

    async def click(self, card: Posted, action_id: str, user: str, **more: Any) -> dict[str, Any] | None:
        """Press a button, or pick from a menu with `selected=…`; returns what came back with the acknowledgement."""
        element = card.buttons()[action_id]
        return await self.deliver("interactive", self.clicked(card, element, user, **more))

    def clicked(self, card: Posted, element: dict[str, Any], user: str, *, selected: str = "") -> dict[str, Any]:
        """The payload of a press, which a test may keep and send later, or twice."""
        action = {"type": element["type"], "action_id": element["action_id"], "action_ts": f"{self.now:.6f}"}
        if selected:
            action["selected_option"] = {"value": selected, "text": {"type": "plain_text", "text": selected}}
        else:
            action["value"] = element.get("value", "")
        return {
            "type": "block_actions",
            "user": {"id": user, "name": user.lower()},
            "trigger_id": self._trigger(),
            "response_url": f"http://127.0.0.1:{self.port}/respond/{user}",
            "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel},
            "channel": {"id": card.channel},
            "message": {"ts": card.ts, "blocks": card.blocks, "text": card.text},
            "actions": [action],
        }

    async def submit(self, view_id: str, values: dict[str, str], user: str) -> dict[str, Any] | None:
        """Send an open form; `values` by action_id. Returns what came back, e.g. the errors."""
        view = self.views[view_id]
        answer = await self.deliver("interactive", self.submitted(view, values, user))
        if not answer or answer.get("response_action") != "errors":
            self.views.pop(view_id, None)
        return answer

    def submitted(self, view: dict[str, Any], values: dict[str, str], user: str) -> dict[str, Any]:
        state: dict[str, dict[str, Any]] = {}
        for block in view["blocks"]:
            element = block.get("element", {})
            if block["type"] != "input" or element.get("action_id") not in values:
                continue
            given = values[element["action_id"]]
            chosen = (
                {"value": given} if element["type"] == "plain_text_input" else {"selected_option": {"value": given}}
            )
            state[block["block_id"]] = {element["action_id"]: {"type": element["type"]} | chosen}
        return {
            "type": "view_submission",
            "user": {"id": user},
            "trigger_id": self._trigger(),
            "view": view | {"state": {"values": state}},
        }

    async def deliver(
        self, kind: str, payload: dict[str, Any], envelope: str = "", attempt: int = 0
    ) -> dict[str, Any] | None:
        """Send an envelope over one of the sockets; None where nobody acknowledged it in time."""
        envelope = envelope or f"e-{next(self._numbers)}"
        chosen = self._random.randrange(len(self.sockets) + self.ghosts) if self.sockets or self.ghosts else -1
        if chosen < 0 or chosen >= len(self.sockets):
            self.unacknowledged += 1  # a ghost got it, or nobody is there
            return None
        ack: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._acks[envelope] = ack
        message = {
            "type": kind,
            "envelope_id": envelope,
            "payload": payload,
            "accepts_response_payload": True,
            "retry_attempt": attempt,
        }
        await self.sockets[chosen].send_json(message)
        try:
            return await asyncio.wait_for(ack, ACK_WITHIN)
        except TimeoutError:
            self.unacknowledged += 1
            return None

    async def post_signed(
        self, address: str, payload: dict[str, Any], secret: str = SIGNING_SECRET, **headers: str
    ) -> tuple[int, str]:
        """The same over HTTP, signed as Slack signs."""
        body = urlencode({"payload": json.dumps(payload)})
        stamp = headers.pop("stamp", str(int(self.now)))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        signed = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data=body, headers=signed | headers) as answer,
        ):
            return answer.status, await answer.text()

    async def drop_sockets(self, *, ghosts: bool = False) -> None:
        """The network fails: sockets are cut; with `ghosts` Slack goes on believing in them."""
        self.ghosts += len(self.sockets) if ghosts else 0
        self.connected.clear()
        for socket in list(self.sockets):
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()

    async def ask_to_reconnect(self) -> None:
        for socket in list(self.sockets):
            await socket.send_json({"type": "disconnect", "reason": "warning", "debug_info": {}})

    # ---- the Web API

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls[method] += 1
        fault = self.fault(method, self.calls[method])
        if fault == "500":
            return web.Response(status=500, text="<html>oops</html>")
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": "1"})
        if fault == "drop":
            return _cut(request)
        answer = await self._answer(method, request, fault)
        async with self.changed:
            self.changed.notify_all()
        if fault == "drop after accepting":
            return _cut(request)
        if answer.pop("limited", False):
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response(answer, headers={"x-oauth-scopes": self.scopes})

    async def _answer(self, method: str, request: web.Request, fault: Fault) -> dict[str, Any]:
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth"}
        if fault and fault != "drop after accepting":
            return {"ok": False, "error": fault}
        given = await _given(request)
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _given: {
                "ok": True,
                "user_id": "UBOT",
                "team": "Made-up",
                "url": "https://made-up.example/",
            },
            "apps.connections.open": lambda _given: {"ok": True, "url": f"ws://127.0.0.1:{self.port}/link?ticket=1"},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "conversations.history": self._history,
            "conversations.replies": self._history,
            "views.open": self._open_view,
            "views.update": self._update_view,
        }
        if method not in methods:
            return {"ok": False, "error": "unknown_method"}
        answer = methods[method](given)
        if not answer.get("ok") and not answer.get("limited"):
            self.refused.append((method, str(answer.get("error"))))
        return answer

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        if error := _message_error(given):
            return {"ok": False, "error": error}
        channel = given["channel"]
        if self.rate_limited and self.now - self._last_post.get(channel, 0.0) < 1.0:
            return {"limited": True}
        self._last_post[channel] = self.now
        ts = f"{self.now:.0f}.{next(self._numbers):06d}"
        blocks = given.get("blocks") or []
        self.posted.append(
            Posted(
                channel,
                ts,
                blocks,
                given.get("text", ""),
                given.get("thread_ts", ""),
                given.get("metadata") or {},
                [blocks],
            )
        )
        return {"ok": True, "channel": channel, "ts": ts, "message": {"ts": ts}}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        if error := _message_error(given):
            return {"ok": False, "error": error}
        found = [one for one in self.posted if one.ts == given.get("ts") and one.channel == given["channel"]]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        found[0].blocks, found[0].text = given.get("blocks") or [], given.get("text", "")
        found[0].versions.append(found[0].blocks)
        return {"ok": True, "channel": found[0].channel, "ts": found[0].ts}

    def _whisper(self, given: dict[str, Any]) -> dict[str, Any]:
        self.ephemerals.append(Ephemeral(given["user"], given.get("text", "")))
        return {"ok": True, "message_ts": f"{self.now:.6f}"}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        """Newest first, with metadata where it is asked for."""
        wanted = str(given.get("include_all_metadata", "")).lower() in ("true", "1")
        thread = given.get("ts", "")
        messages = [
            {"ts": one.ts, "text": one.text, "thread_ts": one.thread_ts}
            | ({"metadata": one.metadata} if wanted else {})
            for one in reversed(self.posted)
            if one.channel == given.get("channel")
            and (thread in (one.ts, one.thread_ts) if thread else not one.thread_ts)
        ]
        return {"ok": True, "messages": messages[: int(given.get("limit", 100))], "has_more": False}

    def _open_view(self, given: dict[str, Any]) -> dict[str, Any]:
        trigger = given.get("trigger_id", "")
        if self._triggers.pop(trigger, 0.0) < self.now:
            return {"ok": False, "error": "expired_trigger_id"}
        return self._show_view(given, f"V{next(self._numbers)}")

    def _update_view(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("view_id") not in self.views:
            return {"ok": False, "error": "not_found"}
        return self._show_view(given, given["view_id"])

    def _show_view(self, given: dict[str, Any], view_id: str) -> dict[str, Any]:
        view = given["view"] if isinstance(given["view"], dict) else json.loads(given["view"])
        if error := _view_error(view):
            return {"ok": False, "error": error}
        self.views[view_id] = view | {"id": view_id}
        return {"ok": True, "view": self.views[view_id]}

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """A response_url: an answer that only the person who clicked sees."""
        given = await request.json()
        self.ephemerals.append(Ephemeral(request.match_info["user"], given.get("text", "")))
        async with self.changed:
            self.changed.notify_all()
        return web.Response(text="ok")

    def _trigger(self) -> str:
        trigger = f"t-{next(self._numbers)}"
        self._triggers[trigger] = self.now + TRIGGER_LIVES
        return trigger

    # ---- Socket Mode

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        if len(self.sockets) + self.ghosts >= 10:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        self.sockets.append(socket)
        number = len(self.sockets) + self.ghosts
        await socket.send_json({"type": "hello", "num_connections": number, "connection_info": {"app_id": "A1"}})
        self.connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(json.loads(message.data))
        finally:
            self.sockets.remove(socket)
        return socket

    def _acknowledged(self, given: dict[str, Any]) -> None:
        ack = self._acks.pop(given.get("envelope_id", ""), None)
        if ack is not None and not ack.done():
            ack.set_result(given.get("payload") or {})


async def _given(request: web.Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query)
    if request.content_type == "application/json":
        given = await request.json()
        return dict(given)
    form = await request.post()
    return {
        key: _decoded(str(value)) if key in ("blocks", "view", "metadata") else str(value)
        for key, value in form.items()
    }


def _decoded(value: str) -> Any:
    return json.loads(value)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _message_error(given: dict[str, Any]) -> str:
    blocks = given.get("blocks") or []
    if not given.get("channel"):
        return "channel_not_found"
    if not blocks and not given.get("text"):
        return "no_text"
    if len(given.get("text", "")) > MESSAGE_TEXT:
        return "msg_too_long"
    if len(blocks) > BLOCKS_IN_MESSAGE:
        return "invalid_blocks"
    if sum(map(len, _texts(blocks))) > ALL_BLOCKS:
        return "msg_blocks_too_long"
    return _blocks_error(blocks)


def _view_error(view: dict[str, Any]) -> str:
    for key in ("title", "submit", "close"):
        if key in view and len(view[key]["text"]) > MODAL_TITLE:
            return f"invalid_arguments: {key}"
    if len(view.get("private_metadata", "")) > PRIVATE_METADATA:
        return "invalid_arguments: private_metadata"
    if len(view["blocks"]) > BLOCKS_IN_MODAL or "title" not in view:
        return "invalid_arguments: blocks"
    for block in view["blocks"]:
        if len(block.get("element", {}).get("initial_value", "")) > INPUT_VALUE:
            return "invalid_arguments: initial_value"
        if block["type"] == "input" and "submit" not in view:
            return "invalid_arguments: submit"
    return _blocks_error(view["blocks"])


def _blocks_error(blocks: list[dict[str, Any]]) -> str:
    actions = [element["action_id"] for element in _elements(blocks)]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(actions) != len(set(actions)) or len(ids) != len(set(ids)):
        return "invalid_blocks: an id stands twice"
    return next((error for block in blocks if (error := _block_error(block))), "")


def _block_error(block: dict[str, Any]) -> str:
    limits: list[tuple[str, str, int]] = []
    if block["type"] == "section":
        fields = block.get("fields", [])
        limits = [("section", block.get("text", {}).get("text", "x"), SECTION_TEXT)]
        limits += [("field", one["text"], FIELD_TEXT) for one in fields]
        if len(fields) > FIELDS:
            return "invalid_blocks: fields"
    if block["type"] == "header":
        limits = [("header", block["text"]["text"], HEADER_TEXT)]
    if block["type"] == "actions" and not 0 < len(block["elements"]) <= 25:
        return "invalid_blocks: elements"
    limits += [limit for element in _elements([block]) for limit in _element_limits(element)]
    limits.append(("block_id", block.get("block_id", "x"), BLOCK_ID))
    return next((f"invalid_blocks: {name}" for name, text, most in limits if not 0 < len(text) <= most), "")


def _element_limits(element: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    yield "action_id", element["action_id"], ACTION_ID
    if element["type"] == "button":
        yield "button", element["text"]["text"], BUTTON_TEXT
        yield "value", element.get("value", "x"), BUTTON_VALUE
        yield "url", element.get("url", "x"), URL
    for option in element.get("options", []):
        yield "option", option["text"]["text"], BUTTON_TEXT
        yield "option value", option["value"], 150
    if "confirm" in element:
        confirm = element["confirm"]
        yield "confirm title", confirm["title"]["text"], CONFIRM_TITLE
        yield "confirm text", confirm["text"]["text"], CONFIRM_TEXT
        yield "confirm button", confirm["confirm"]["text"], CONFIRM_BUTTON
        yield "confirm button", confirm["deny"]["text"], CONFIRM_BUTTON


def _elements(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Everything that can be pressed or filled in."""
    for block in blocks:
        for element in (*block.get("elements", []), block.get("accessory"), block.get("element")):
            if isinstance(element, dict) and "action_id" in element:
                yield element


def _texts(value: Any) -> Iterator[str]:
    """Every text that people see, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
