"""A server of Bluesky on 127.0.0.1: sessions that grow old, cursors, records by key, its quota.

Posts are newest first. A record under a key that is taken is refused, whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

HANDLE, PASSWORD, DID = "pupava.example", "pw-canary-1111", "did:plc:pupava"
KEYS = {"handle": HANDLE, "app_password": PASSWORD}
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RESET = str(int(NOON.timestamp()) + 120)


def uri(number: int, did: str = "did:plc:eva") -> str:
    return f"at://{did}/app.bsky.feed.post/3k{number:06d}"


def post(number: int, text: str, minutes: float = 60.0, did: str = "did:plc:eva", **record: Any) -> dict[str, Any]:
    """`minutes` is how long before noon it was seen."""
    seen = (NOON - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return {
        "uri": uri(number, did),
        "cid": f"cid{number}",
        "author": {"did": did, "handle": f"{did.rpartition(':')[2]}.example", "displayName": "Eva"},
        "record": {"$type": "app.bsky.feed.post", "text": text, "createdAt": seen, "langs": ["cs"], **record},
        "indexedAt": seen,
    }


@dataclass
class BlueskyPlatform:
    """`size` is how many posts one page holds at most; `fault` is answered instead, once."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the account itself, by key
    access: int = 0  # number of the access token that is good; 0: none yet
    refresh: int = 0  # of the refresh token
    refuses_refresh: bool = False
    left: int = 3000
    size: int = 100
    drops_receipt: bool = False
    fault: Answer | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        method, query = url.path.removeprefix("/xrpc/"), parse_qsl(url.query)
        self.asked.append((method, dict(query)))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        if method.startswith("com.atproto.server."):
            return self._session(method, asked)
        if asked.headers.get("Authorization") != f"Bearer access-{self.access}":
            return said({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        self.left -= 1
        if self.left < 0:
            return self._said({"error": "RateLimitExceeded"}, 429)
        if asked.method == "POST":
            return self._create(json.loads(asked.body))
        return self._found(method, query)

    def _session(self, method: str, asked: Asked) -> Answer:
        if method.endswith("refreshSession"):
            good = asked.headers["Authorization"] == f"Bearer refresh-{self.refresh}" and not self.refuses_refresh
            refusal = said({"error": "ExpiredToken"}, 400)
        else:
            good = json.loads(asked.body) == {"identifier": HANDLE, "password": PASSWORD}
            refusal = said({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}, 401)
        if not good:
            return refusal
        self.access = self.refresh = max(self.access, self.refresh) + 1
        tokens = {"accessJwt": f"access-{self.access}", "refreshJwt": f"refresh-{self.refresh}"}
        return said({"did": DID, "handle": HANDLE, **tokens})

    def forget_token(self) -> None:
        """As it happens after two hours; the refresh token stays good."""
        self.access += 1

    def _said(self, document: object, status: int = 200) -> Answer:
        quota = {"RateLimit-Limit": "3000", "RateLimit-Remaining": str(max(self.left, 0)), "RateLimit-Reset": RESET}
        return said(document, status, quota)

    def _found(self, method: str, query: list[tuple[str, str]]) -> Answer:
        asked = dict(query)
        match method:
            case "app.bsky.notification.listNotifications":
                assert [value for name, value in query if name == "reasons"] == ["mention", "reply", "quote"]
                named = [one | {"reason": "mention"} for one in self.posts if "@" in one["record"]["text"]]
                return self._said(self._page("notifications", named, asked))
            case "app.bsky.feed.searchPosts":
                assert asked["sort"] == "latest"
                return self._said(self._page("posts", self.posts, asked))
            case "app.bsky.feed.getPosts":
                wanted = [value for name, value in query if name == "uris"]
                assert len(wanted) <= 25
                return self._said({"posts": [one for one in self.posts if one["uri"] in wanted]})
            case "com.atproto.repo.getRecord":
                assert (asked["repo"], asked["collection"]) == (DID, "app.bsky.feed.post")
                if asked["rkey"] in self.records:
                    return self._said(self._record(asked["rkey"]) | {"value": self.records[asked["rkey"]]})
                return self._said({"error": "RecordNotFound", "message": "Could not locate record"}, 400)
        return self._said({"error": "MethodNotImplemented"}, 501)

    def _page(self, name: str, posts: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        start, size = int(query.get("cursor", 0)), min(self.size, int(query["limit"]))
        found: dict[str, Any] = {name: posts[start : start + size]}
        return found | ({"cursor": str(start + size)} if len(posts) > start + size else {})

    def _record(self, key: str) -> dict[str, str]:
        return {"uri": f"at://{DID}/app.bsky.feed.post/{key}", "cid": f"cid-{key}"}

    def _create(self, sent: dict[str, Any]) -> Answer:
        record, key = sent["record"], sent["rkey"]
        assert sent["repo"] == DID and sent["collection"] == record["$type"] == "app.bsky.feed.post"
        assert re.fullmatch(r"[2-7a-j][2-7a-z]{12}", key), "keys of posts are TIDs"
        if len(record["text"]) > 300 or key in self.records:
            return self._said({"error": "InvalidRequest", "message": "no"}, 400)
        self.records[key] = record
        return Answer(b"<html>", 502) if self.drops_receipt else self._said(self._record(key))


def said(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json", **(headers or {})})
