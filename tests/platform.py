"""A platform on 127.0.0.1 where customers write and answers appear, with the ways in which real ones fail.

It speaks the webhook connector's contract: it delivers mentions, signed, takes answers with an Idempotency-Key and
tells which answer stands under a mention, rather the one with the same key than another. Whatever it accepted stays,
whether or not its answer came through.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from connectors.webhook import sign
from tests.loopback import Answer, Asked

SECRET = "a-secret-that-both-sides-know"

Fault = Literal["", "drop after accepting", "hang after accepting", "500 after accepting", "500", "429", "403", "422"]


@dataclass
class Platform:
    """`fault(request number)` chooses what goes wrong; `keeps_keys` makes it recognise a repeated key."""

    fault: Callable[[int], Fault] = lambda _number: ""
    keeps_keys: bool = True
    posts: list[tuple[str, str, str]] = field(default_factory=list)  # mention id, text, key: what visitors see
    mentions: dict[str, dict[str, object] | None] = field(default_factory=dict)  # as they are now; None: deleted
    moderation: dict[str, object] = field(default_factory=dict)  # "state" and "reason" of every answer
    requests: int = 0
    lookups: int = 0

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            return self._reply(asked)
        return self._mention(asked) if asked.path.startswith("/mentions/") else self._look_up(asked)

    def _mention(self, asked: Asked) -> Answer:
        if not self._is_signed(asked):
            return Answer(status=401)
        if (fault := self.fault(-1)) in ("500", "429", "403", "422"):
            return Answer(b"<html>no</html>", int(fault))
        found = self.mentions.get(asked.path.rsplit("/", 1)[-1])
        return Answer(status=404) if found is None else Answer(json.dumps(found).encode())

    def _reply(self, asked: Asked) -> Answer:
        self.requests += 1
        if not self._is_signed(asked):
            return Answer(status=401)
        fault = self.fault(self.requests)
        if fault in ("500", "429", "403", "422"):
            return Answer(b"<html>no</html>", int(fault), {"Retry-After": "7"} if fault == "429" else {})
        answer = json.loads(asked.body)
        self._accept(answer["id"], answer["text"], answer["key"])
        body = json.dumps({"id": f"r-{answer['id']}", "url": f"https://shop.example/r/{answer['id']}"}).encode()
        if fault == "500 after accepting":
            return Answer(b"<html>oops</html>", 500)
        return Answer(body, cut=fault == "drop after accepting", hang=fault == "hang after accepting")

    def _accept(self, mention_id: str, text: str, key: str) -> None:
        if not (self.keeps_keys and any(post[2] == key for post in self.posts)):
            self.posts.append((mention_id, text, key))

    def _look_up(self, asked: Asked) -> Answer:
        self.lookups += 1
        mention_id = asked.path.rsplit("/", 1)[-1]
        wanted = asked.headers.get("Idempotency-Key")
        for posted, text, _key in sorted(self.posts, key=lambda post: post[2] != wanted):
            if posted == mention_id:
                found = {"id": f"r-{posted}", "url": f"https://shop.example/r/{posted}", "text": text}
                found |= self.moderation
                return Answer(json.dumps(found).encode())
        return Answer(status=404)

    def _is_signed(self, asked: Asked) -> bool:
        written = asked.headers["X-Ohlas-Timestamp"]
        return asked.headers["X-Ohlas-Signature"] == sign(SECRET, int(written), asked.body)


def delivery(*mentions: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    """A body for POST /in/<source> and the headers that sign it."""
    body = json.dumps({"mentions": mentions}).encode()
    now = int(time.time())
    return body, {"X-Ohlas-Timestamp": str(now), "X-Ohlas-Signature": sign(SECRET, now, body)}
