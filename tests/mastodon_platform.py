"""An instance of Mastodon on 127.0.0.1: since_id, min_id and max_id, keys that make a repetition harmless, its quota.

Posts and notifications have numbers; the larger is the newer. What was deleted is simply not there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

ACCOUNT, TOKEN = "pupava", "mt-canary-1111"
INSTANCE = "https://social.example"
KEYS = {"instance": INSTANCE, "account": ACCOUNT, "access_token": TOKEN}
RESET = "2026-11-21T12:02:00.000000Z"


def status(number: int, content: str, acct: str = "eva@jinde.example", **more: Any) -> dict[str, Any]:
    named = [{"id": "1", "acct": "Pupava", "username": "Pupava"}] if "@pupava" in content.casefold() else []
    return {
        "id": str(number),
        "created_at": "2026-11-20T10:00:00.000Z",
        "in_reply_to_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "language": "cs",
        "url": f"https://jinde.example/@eva/{number}",
        "content": f"<p>{content}</p>",
        "account": {"acct": acct, "display_name": "Eva :blobcat:"},
        "mentions": named,
        **more,
    }


@dataclass
class MastodonPlatform:
    """`size` is how many posts one page holds at most; `fault` is answered instead, once."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    size: int = 40
    limit: int = 500
    left: int = 300
    has_instance: bool = True
    drops_receipt: bool = False
    fault: Answer | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query))
        self.asked.append((url.path, query))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        known = asked.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not known and (asked.headers.get("Authorization") or "/tag/" not in url.path):
            return said({"error": "The access token is invalid"}, 401)
        self.left -= 1
        if self.left < 0:
            return self._said({"error": "Too many requests"}, 429)
        if asked.method == "POST":
            return self._reply(json.loads(asked.body), asked.headers["Idempotency-Key"])
        return self._found(url.path.removeprefix("/api/"), query)

    def _said(self, document: object, status: int = 200) -> Answer:
        quota = {"X-RateLimit-Remaining": str(max(self.left, 0)), "X-RateLimit-Reset": RESET}
        return said(document, status, quota)

    def _found(self, path: str, query: dict[str, str]) -> Answer:
        if path == "v2/instance" and self.has_instance:
            return self._said({"configuration": {"statuses": {"max_characters": self.limit}}})
        if path == "v1/notifications":
            assert query["types[]"] == "mention"
            return self._said([{"id": one["id"], "type": "mention", "status": one} for one in self._page(query, True)])
        if path == "v1/timelines/tag/zahrada":
            return self._said(self._page(query, False))
        if path == "v2/search":
            return self._said({"accounts": [], "statuses": self._page(query, False), "hashtags": []})
        if match := re.fullmatch(r"v1/statuses/(\d+)(/context)?", path):
            return self._one(match[1], bool(match[2]))
        return self._said({"error": "Record not found"}, 404)

    def _page(self, query: dict[str, str], mentioning: bool) -> list[dict[str, Any]]:
        above = int(query.get("since_id") or query.get("min_id") or 0)
        below = int(query.get("max_id", 10**18))
        found = [one for one in self.posts if above < int(one["id"]) < below and bool(one["mentions"]) >= mentioning]
        return sorted(found, key=lambda one: -int(one["id"]))[: min(self.size, int(query["limit"]))]

    def _one(self, number: str, context: bool) -> Answer:
        found = next((one for one in self.posts if one["id"] == number), None)
        if found is None:
            return self._said({"error": "Record not found"}, 404)
        if not context:
            return self._said(found)
        return self._said({"ancestors": [], "descendants": [one for one in self.posts if one["in_reply_to_id"]]})

    def _reply(self, sent: dict[str, Any], key: str) -> Answer:
        self.sent.append(sent)
        if not any(one["id"] == sent["in_reply_to_id"] for one in self.posts):
            return self._said({"error": "The post you are trying to reply to does not appear to exist."}, 404)
        local = re.sub(r"(@\w+)@[\w.]+", r"\1", sent["status"])
        if len(re.sub(r"https?://\S+", "x" * 23, local)) > self.limit:
            return self._said({"error": "Validation failed: Text character limit exceeded"}, 422)
        if key not in self.keys:
            number = max(int(one["id"]) for one in self.posts) + 1
            shown = re.sub(
                r"(@\w+)\S*", r'<span class="h-card"><a href="https://x.example">\1</a></span>', sent["status"]
            )
            more = {"in_reply_to_id": sent["in_reply_to_id"], "visibility": sent["visibility"]}
            self.keys[key] = status(number, shown.replace("&", "&amp;"), ACCOUNT, mentions=[], **more)
            self.posts.append(self.keys[key])
        return Answer(b"<html>", 502) if self.drops_receipt else self._said(self.keys[key])


def said(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json", **(headers or {})})
