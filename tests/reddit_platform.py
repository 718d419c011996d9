"""Reddit on 127.0.0.1: tokens, listings with `after`, quotas, RATELIMIT inside a 200, deleted posts, replies."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

CLIENT, SECRET, NAME, PASSWORD = "client-id-1", "secret-canary-77", "pupava", "password-canary-88"
KEYS = {"client_id": CLIENT, "client_secret": SECRET, "username": NAME, "password": PASSWORD}


def comment(name: str, body: str, at: float, author: str | None = "eva", **more: Any) -> dict[str, Any]:
    thing = {
        "name": f"t1_{name}",
        "id": name,
        "author": author,
        "body": body,
        "created_utc": at,
        "permalink": f"/r/zahrada/comments/abc/kytky/{name}/",
        "parent_id": "t3_abc",
        "subreddit": "zahrada",
    }
    return {"kind": "t1", "data": thing | more}


def post(name: str, title: str, at: float, selftext: str = "", author: str = "jan") -> dict[str, Any]:
    thing = {"name": f"t3_{name}", "author": author, "title": title, "selftext": selftext, "created_utc": at}
    return {"kind": "t3", "data": thing | {"permalink": f"/r/zahrada/comments/{name}/", "subreddit": "zahrada"}}


@dataclass
class RedditPlatform:
    """`things` are by listing, newest first. `fault` is answered instead, once, to anything but a token's request."""

    things: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    size: int = 100
    left: float = 100.0
    tokens: int = 0
    valid: str = ""
    fault: Answer | None = None
    drops_receipt: bool = False
    wrong_password: bool = False
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query)) | dict(parse_qsl(asked.body.decode()))
        assert asked.headers["User-Agent"].endswith(f"(by /u/{NAME})") or "by /u/" in asked.headers["User-Agent"]
        if url.path == "/api/v1/access_token":
            return self._token(asked, query)
        self.asked.append((asked.method, url.path, query))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        if asked.headers.get("Authorization") != f"bearer {self.valid}":
            return Answer(b'{"message": "Unauthorized", "error": 401}', 401)
        return self._reply(query) if asked.method == "POST" else self._list(url.path, query)

    def _token(self, asked: Asked, query: dict[str, str]) -> Answer:
        given = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()
        if given != f"{CLIENT}:{SECRET}":
            return Answer(b'{"message": "Unauthorized", "error": 401}', 401)
        if query["grant_type"] == "password" and (self.wrong_password or query["password"] != PASSWORD):
            return _said({"error": "invalid_grant"})
        self.tokens += 1
        self.valid = f"token-{self.tokens}"
        return _said({"access_token": self.valid, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _quota(self) -> dict[str, str]:
        return {"x-ratelimit-used": "1", "x-ratelimit-remaining": str(self.left), "x-ratelimit-reset": "240"}

    def _list(self, path: str, query: dict[str, str]) -> Answer:
        self.left -= 1
        everything = [one for things in self.things.values() for one in things]
        if path == "/api/info":
            wanted = query["id"].split(",")
            found = [one for one in everything if one["data"]["name"] in wanted]
            found = [_emptied(one) if one["data"]["name"] in self.deleted else one for one in found]
            return _said(_listing([one for one in found if one["data"]["name"] not in self.hidden]), self._quota())
        if path == "/r/nowhere/new":
            return Answer(status=302, headers={"Location": "/subreddits/search.json?q=nowhere"})
        things = self.things.get(path.strip("/"), [])
        names = [one["data"]["name"] for one in things]
        start = names.index(query["after"]) + 1 if "after" in query else 0
        page = things[start : start + self.size]
        after = page[-1]["data"]["name"] if len(things) > start + self.size else None
        return _said(_listing(page, after), self._quota())

    def _reply(self, sent: dict[str, str]) -> Answer:
        assert sent["api_type"] == "json"
        own = self.things.setdefault(f"user/{NAME}/comments", [])
        answer = comment(f"own{len(own)}", sent["text"], 4e9 - 1, NAME, parent_id=sent["thing_id"])
        own.insert(0, answer)
        if self.drops_receipt:
            return Answer(b"<html>all of our servers are busy</html>", 503)
        return _said({"json": {"errors": [], "data": {"things": [answer]}}}, self._quota())


def _emptied(thing: dict[str, Any]) -> dict[str, Any]:
    return thing | {"data": thing["data"] | {"author": None, "body": "[deleted]", "selftext": "[deleted]"}}


def _listing(children: list[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"children": children, "after": after, "before": None}}


def _said(document: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), 200, {"Content-Type": "application/json", **(headers or {})})
