"""A forum of Discourse on 127.0.0.1: pages, keys, its search, its limits, and which answers it does not take."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

NAME, KEY = "pupava", "dk-canary-1111"
FORUM = "https://forum.example"
KEYS = {"url": FORUM, "api_key": KEY, "username": NAME}


def post(number: int, cooked: str, place: int = 2, username: str = "eva", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "username": username,
        "name": username.title(),
        "user_id": 20,
        "created_at": "2026-11-20T10:00:00.000Z",
        "cooked": f"<p>{cooked}</p>",
        "raw": cooked,
        "post_number": place,
        "post_type": 1,
        "reply_to_post_number": None,
        "topic_id": 8,
        "topic_slug": "stany",
        "topic_title": "Stany a déšť",
        "category_id": 4,
        "hidden": False,
        "deleted_at": None,
        "user_deleted": False,
        **more,
    }


@dataclass
class DiscoursePlatform:
    """`size` is how many posts one page holds; `fault` is answered instead, once."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    open_to_all: bool = True
    unreadable: set[int] = field(default_factory=set)
    size: int = 50
    left: int = 1000
    moderated: bool = False
    drops_receipt: bool = False
    fault: Answer | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query))
        self.asked.append((url.path, query))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        key = asked.headers.get("Api-Key")
        known = (key, asked.headers.get("Api-Username")) == (KEY, NAME)
        if not known and (key or not self.open_to_all):
            return said({"errors": ["The API username or key is invalid."], "error_type": "invalid_access"}, 403)
        self.left -= 1
        if self.left < 0:
            return Answer(b"Slow down", 429, {"Retry-After": "33", "Content-Type": "text/plain"})
        if asked.method == "POST":
            return self._create(json.loads(asked.body)) if known else said({}, 403)
        return self._found(url.path, query)

    def _found(self, path: str, query: dict[str, str]) -> Answer:
        newest = sorted(self.posts, key=lambda one: -one["id"])
        if path == "/posts.json":
            before = int(query.get("before", 10**9))
            return said({"latest_posts": [one for one in newest if one["id"] <= before][: self.size]})
        if path == "/search.json":
            return self._search(newest, query)
        if match := re.fullmatch(r"/posts/(\d+)(/replies)?\.json", path):
            return self._one(int(match[1]), bool(match[2]), int(query.get("after", 1)))
        return said({"errors": ["not found"], "error_type": "not_found"}, 404)

    def _search(self, newest: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        assert query["q"].endswith("order:latest")
        start = (int(query["page"]) - 1) * self.size
        shown = ("id", "username", "created_at", "post_number", "topic_id")
        posts = [{name: one[name] for name in shown} | {"blurb": one["raw"][:20]} for one in newest]
        more = len(posts) > start + self.size or None
        topics = [{"id": 8, "title": "Stany a déšť"}]
        grouped = {"more_full_page_results": more, "post_ids": []}
        return said({"posts": posts[start : start + self.size], "topics": topics, "grouped_search_result": grouped})

    def _one(self, number: int, replies: bool, after: int) -> Answer:
        found = next((one for one in self.posts if one["id"] == number), None)
        if number in self.unreadable:
            return said({"error_type": "invalid_access"}, 403)
        if found is None:
            return said({"error_type": "not_found"}, 404)
        if not replies:
            return said({name: value for name, value in found.items() if name != "topic_title"})
        answers = [
            {name: value for name, value in one.items() if name != "raw"}
            for one in self.posts
            if one["reply_to_post_number"] == found["post_number"] and one["post_number"] > after
        ]
        return said(answers[:20])

    def _create(self, sent: dict[str, Any]) -> Answer:
        if len(sent["raw"]) < 20 or any(one["raw"] == sent["raw"] for one in self.posts):
            return said({"action": "create_post", "errors": ["Body is too short, or too similar"]}, 422)
        if self.moderated:
            return said({"action": "enqueued", "success": True, "pending_count": 1})
        place = max(one["post_number"] for one in self.posts) + 1
        number = max(one["id"] for one in self.posts) + 1
        to = sent["reply_to_post_number"]
        answer = post(number, sent["raw"], place, NAME, reply_to_post_number=to, topic_id=sent["topic_id"])
        self.posts.append(answer)
        return Answer(b"<html>", 502) if self.drops_receipt else said(answer)


def said(document: object, status: int = 200) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json"})
