"""Shoptet on 127.0.0.1: both kinds of tokens, pages in either order, filters, locks, the bucket, and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

TOKEN, OAUTH, KEY = "123456-p-789-canary-private", "canary-oauth-token-456", "canary-webhook-key-321"
OAUTH_URL = "https://www.svrcina.example/action/ApiOAuthServer/getAccessToken"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_FIELDS = {"reactionFullName", "reactionEmail", "reactionText"}


def review(number: int, days: float, description: str | None = "Stan prišiel deravý.", **more: Any) -> dict[str, Any]:
    """One that was written `days` before noon."""
    written = f"{NOON - timedelta(days=days):%Y-%m-%dT%H:%M:%S%z}"
    reaction = {"reactionCreated": None, "reactionFullName": None, "reactionEmail": None, "reactionText": None}
    return {
        "id": number,
        "date": written,
        "orderCode": f"2026{number:06}",
        "rating": 2,
        "description": description,
        "fullName": "Eva Malá",
        "email": "eva.canary@posta.example",
        "customerGuid": None,
        "visible": True,
        "reaction": reaction,
        **more,
    }


@dataclass
class ShoptetPlatform:
    """`reviews` of either kind are newest first. `faults` are answered instead, one after the other."""

    project: list[dict[str, Any]] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=list)
    oldest_first: bool = False
    size: int = 100
    filling: str = "3/200"
    faults: list[Answer] = field(default_factory=list)
    drops_receipt: bool = False
    loses: int = 0  # answers that get lost before they are taken
    tokens: int = 0
    valid: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        if url.path == urlsplit(OAUTH_URL).path:
            return self._token(asked)
        query = dict(parse_qsl(url.query))
        self.asked.append((asked.method, url.path, query))
        assert asked.headers["Content-Type"] == "application/json"
        if not self._is_known(asked):
            return _refused(401, "expired-token")
        if self.faults:
            return self.faults.pop(0)
        kind, _, number = url.path.removeprefix("/api/reviews/").partition("/")
        assert kind in ("project", "products")
        reviews = self.project if kind == "project" else self.products
        return (
            self._patch(reviews, kind, number, asked) if asked.method == "PATCH" else self._list(reviews, kind, query)
        )

    def _token(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {OAUTH}":
            return Answer(status=401)
        self.tokens += 1
        self.valid = f"access-{self.tokens}"
        return Answer(json.dumps({"access_token": self.valid, "expires_in": 1800}).encode())

    def _is_known(self, asked: Asked) -> bool:
        private, access = (asked.headers.get(f"Shoptet-{one}-Token", "") for one in ("Private-API", "Access"))
        return private == TOKEN or (access != "" and access == self.valid)

    def _list(self, reviews: list[dict[str, Any]], kind: str, query: dict[str, str]) -> Answer:
        assert kind == "products" or set(query) == {"page", "itemsPerPage"}
        found = [one for one in reviews if _fits(one, query)]
        found = found[::-1] if self.oldest_first else found
        size, page = min(self.size, int(query["itemsPerPage"])), int(query["page"])
        shown = found[(page - 1) * size : page * size]
        paginator = {
            "totalCount": len(found),
            "page": page,
            "pageCount": -(-len(found) // size),
            "itemsOnPage": len(shown),
            "itemsPerPage": size,
        }
        return self._said({"reviews": shown, "paginator": paginator})

    def _patch(self, reviews: list[dict[str, Any]], kind: str, number: str, asked: Asked) -> Answer:
        reaction = json.loads(asked.body)["data"]["reaction"]
        assert set(reaction) <= _FIELDS
        found = next((one for one in reviews if str(one["id"]) == number), None)
        if found is None:
            return _refused(404, "review-not-found")
        if self.loses:
            self.loses -= 1
            return Answer(b"<html>maintenance</html>", 503)
        found["reaction"] = found["reaction"] | reaction | {"reactionCreated": "2026-11-21T13:00:00+0100"}
        if self.drops_receipt:
            return Answer(b"<html>maintenance</html>", 503)
        return self._said({"review": found} if kind == "project" else found)

    def _said(self, data: object) -> Answer:
        body = json.dumps({"data": data, "errors": None, "metadata": {"requestId": "r"}}).encode()
        return Answer(body, 200, {"X-RateLimit-Bucket-Filling": self.filling})


def _fits(one: dict[str, Any], query: dict[str, str]) -> bool:
    written = one["date"] or ""
    changed = one.get("updated") or written
    first, last = query.get("dateFrom", ""), query.get("dateTo", "9")
    return first <= written <= last and changed >= query.get("changeTimeFrom", "")


def _refused(status: int, code: str) -> Answer:
    error = {"errorCode": code, "message": "No <b>way</b>.", "instance": "unknown"}
    return Answer(json.dumps({"data": None, "errors": [error]}).encode(), status)
