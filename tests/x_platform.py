"""X on 127.0.0.1: pages and since_id, partial errors, quotas, credits, prices' rules, and who may be answered.

Signatures are checked by oauthlib's own verifier, a bearer token by its value. Posts are newest first.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849.signature import verify_hmac_sha1

from tests.loopback import Answer, Asked

ACCOUNT, NUMBER = "pupava", "700"
KEYS = {
    "consumer_key": "ck-canary-1111",
    "consumer_secret": "cs-canary-2222",
    "access_token": f"{NUMBER}-at-canary-3333",
    "access_token_secret": "as-canary-4444",
}
BEARER = "bt-canary-5555"
BASE = "https://api.x.com"
LINKED = re.compile(r"(?:https?://|\b)(?:www\.)?[\w-]+\.(?:example|de|pl|ro)\b[\w/-]*")  # what X makes links of


def post(number: int, text: str, author: str = "11", **more: Any) -> dict[str, Any]:
    entities = {"mentions": [{"username": "Pupava", "id": NUMBER}]} if "@pupava" in text.casefold() else {}
    return {
        "id": str(number),
        "text": text,
        "author_id": author,
        "created_at": "2026-11-20T10:00:00.000Z",
        "lang": "cs",
        "edit_history_tweet_ids": [str(number)],
        "entities": entities,
        **more,
    }


@dataclass
class XPlatform:
    """`fault` is answered instead, once; `size` is how many posts one page holds at most."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    size: int = 100
    left: int = 450
    reset: str = "4102444800"
    new_names: bool = False
    fault: Answer | None = None
    forgets_tokens: bool = False
    drops_receipt: bool = False
    enterprise: bool = False  # may answer everybody
    bill: float = 0.0  # dollars that its use has come to
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        query = dict(parse_qsl(url.query))
        self.asked.append((url.path, query))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        if not self._is_known(asked):
            return _said({"title": "Unauthorized", "status": 401}, 401)
        if asked.method == "POST":
            return self._reply(json.loads(asked.body))
        self.left -= 1
        if self.left < 0:
            return _said({"title": "Too Many Requests"}, 429, self._quota())
        found = self._found(url.path, query)
        each = 0.001 if url.path.startswith("/2/users/") else 0.005
        self.bill += each * len(found.get("data", [])) + 0.010 * len(found.get("includes", {}).get("users", []))
        return _said(found, 200, self._quota())

    def _quota(self) -> dict[str, str]:
        return {
            "x-rate-limit-limit": "450",
            "x-rate-limit-remaining": str(self.left),
            "x-rate-limit-reset": self.reset,
        }

    def _is_known(self, asked: Asked) -> bool:
        header = asked.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            return header == f"Bearer {BEARER}"
        request = Request(BASE + asked.path, asked.method, None, {"Authorization": header})
        given = dict(part.strip().split("=", 1) for part in header.removeprefix("OAuth ").split(","))
        said = {name: value.strip('"') for name, value in given.items()}
        request.params = [(name, _plain(value)) for name, value in said.items() if name != "oauth_signature"]
        request.params += parse_qsl(urlsplit(asked.path).query)
        request.signature = _plain(said["oauth_signature"])
        ours = said["oauth_consumer_key"] == KEYS["consumer_key"] and said["oauth_token"] == KEYS["access_token"]
        return ours and verify_hmac_sha1(request, KEYS["consumer_secret"], KEYS["access_token_secret"])

    def _found(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        visible = [one for one in self.posts if one["id"] not in self.deleted | self.hidden]
        if path == "/2/tweets":
            assert len(query["ids"].split(",")) <= 100
            found = self._by_id(query["ids"].split(","))
            return found if "expansions" in query else {name: found[name] for name in found if name != "includes"}
        if path == f"/2/users/{NUMBER}/mentions":
            return self._page([one for one in visible if one["entities"]], query, "pagination_token")
        if path == f"/2/users/{NUMBER}/tweets":
            return self._page([one for one in visible if one["author_id"] == NUMBER], query, "pagination_token")
        assert path == "/2/tweets/search/recent"
        return self._page([one for one in visible if one["author_id"] != NUMBER], query, "next_token")

    def _page(self, posts: list[dict[str, Any]], query: Mapping[str, str], token: str) -> dict[str, Any]:
        if self.forgets_tokens and token in query:
            return {"errors": [{"title": "Invalid Request"}]}
        fresh = [one for one in posts if int(one["id"]) > int(query.get("since_id", 0))]
        start = int(query.get(token, 0))
        size = min(self.size, int(query["max_results"]))
        meta: dict[str, Any] = {"result_count": len(fresh[start : start + size])}
        if page := fresh[start : start + size]:
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if len(fresh) > start + size:
            meta["next_token"] = str(start + size)
        return self._with_authors(page) | {"meta": meta}

    def _by_id(self, numbers: list[str]) -> dict[str, Any]:
        found = [one for one in self.posts if one["id"] in numbers and one["id"] not in self.deleted | self.hidden]
        errors = [_problem(one, "resource-not-found") for one in numbers if one in self.deleted]
        errors += [_problem(one, "not-authorized-for-resource") for one in numbers if one in self.hidden]
        return self._with_authors(found) | ({"errors": errors} if errors else {})

    def _with_authors(self, posts: list[dict[str, Any]]) -> dict[str, Any]:
        users = [{"id": number, "name": f"Eva {number}", "username": f"eva{number}"} for number in _authors(posts)]
        shown = [_renamed(one) for one in posts] if self.new_names else posts
        return {"data": shown, "includes": {"users": users}} if shown else {}

    def _reply(self, sent: dict[str, Any]) -> Answer:
        target = next(one for one in self.posts if one["id"] == sent["reply"]["in_reply_to_tweet_id"])
        if not target["entities"] and not self.enterprise:
            return _said({"title": "Forbidden", "detail": "You can only reply to those who mention you"}, 403)
        shown = LINKED.sub("https://t.co/a1b2c3", sent["text"])
        if any(html.unescape(one["text"]).endswith(shown) and one["author_id"] == NUMBER for one in self.posts):
            return _said({"title": "Forbidden", "detail": "… a Tweet with duplicate content."}, 403)
        number = str(max(int(one["id"]) for one in self.posts) + 1)
        answers = [{"type": "replied_to", "id": target["id"]}]
        answer = post(int(number), f"@eva11 {shown.replace('&', '&amp;')}", NUMBER, referenced_tweets=answers)
        self.posts.insert(0, answer)
        self.bill += 0.200 if LINKED.search(sent["text"]) else 0.010 if target["entities"] else 0.015
        if self.drops_receipt:
            return Answer(b"<html>Over capacity</html>", 503)
        return _said({"data": {"id": number, "text": sent["text"]}}, 201)


def _authors(posts: list[dict[str, Any]]) -> list[str]:
    return sorted({one["author_id"] for one in posts})


def _renamed(one: Mapping[str, Any]) -> dict[str, Any]:
    names = {"referenced_tweets": "referenced_posts", "edit_history_tweet_ids": "edit_history_post_ids"}
    return {names.get(name, name.replace("note_tweet", "note_post")): value for name, value in one.items()}


def _problem(number: str, kind: str) -> dict[str, str]:
    return {
        "value": number,
        "resource_id": number,
        "resource_type": "tweet",
        "title": "Not Found Error",
        "type": f"https://api.twitter.com/2/problems/{kind}",
    }


def _plain(value: str) -> str:
    return parse_qsl(f"v={value}")[0][1]


def _said(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json", **(headers or {})})
