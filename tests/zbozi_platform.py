"""Zboží.cz behind Sklik's API on 127.0.0.1: keys and tokens, one request a second, pages and windows, moderation."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

KEY, PREMISE = "canary-sklik-key-1234", 123456
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def review(
    number: int, days: float, positive: str = "", negative: str = "Přišlo rozbité.", **more: Any
) -> dict[str, Any]:
    """One that was written `days` before noon."""
    return {
        "shopReviewId": number,
        "createDatetime": f"{NOON - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}",
        "positiveComment": positive,
        "negativeComment": negative,
        "orderId": f"2026{number:04}",
        "userName": "Olga",
        "state": "approved",
        "shopReaction": None,
        "shopReactionState": None,
        "satisfaction": {"overall": "no", "communication": None, "deliveryDate": "yes", "deliveryQuality": "no"},
        **more,
    }


def product_review(number: int, days: float, **more: Any) -> dict[str, Any]:
    found = review(number, days)
    kept = {name: found[name] for name in ("createDatetime", "positiveComment", "negativeComment", "state", "userName")}
    product = {"productName": "Konvice Pára", "cartProductName": "Konvice", "itemId": "k1", "productId": 7}
    return {"productReviewId": f"p{number}", "ratingStars": 4, "text": None, "productData": product, **kept, **more}


@dataclass
class ZboziPlatform:
    """`faults` are answered instead, one after the other, to anything but a request for a token."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=list)
    way: Literal["bearer", "form"] = "bearer"
    pace: float = 0.0  # seconds that have to lie between two requests
    counts: bool = True
    most: int = 1000  # reviews of products in one answer
    faults: list[Answer] = field(default_factory=list)
    drops_receipt: bool = False
    loses: int = 0  # answers that get lost before they are taken
    tokens: int = 0
    valid: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    last: float = float("-inf")

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        now, before = time.monotonic(), self.last
        self.last = now
        if now - before < self.pace:
            return Answer(b'{"detail": "Too many requests"}', 429, {"Retry-After": "1"})
        if url.path == "/v1/user/token":
            return self._token(asked)
        query = dict(parse_qsl(url.query))
        self.asked.append((asked.method, url.path, query))
        if asked.headers.get("Authorization") != f"Bearer {self.valid}":
            return _said({"detail": [{"msg": "Token is not valid.", "type": "unauthorized"}]}, 401)
        if self.faults:
            return self.faults.pop(0)
        assert query["premiseId"] == str(PREMISE)
        rest = url.path.removeprefix("/v1/nakupy/")
        if rest == "reviews/":
            return self._list(self.reviews, query)
        if rest == "product-reviews/":
            return self._list(self.products, query)
        return self._one(asked, rest)

    def _token(self, asked: Asked) -> Answer:
        form = dict(parse_qsl(asked.body.decode()))
        bearer = {"grant_type": "client_credentials"}
        given = asked.headers.get("Authorization") == f"Bearer {KEY}" and form == bearer
        if self.way == "form":
            given = form == {"grant_type": "refresh_token", "refresh_token": KEY}
        if not given:
            return _said({"detail": [{"msg": "Token is not valid.", "type": "unauthorized"}]}, 401)
        self.tokens += 1
        self.valid = f"access-{self.tokens}"
        return _said({"access_token": self.valid, "token_type": "Bearer", "expires_in": 3600})

    def _list(self, reviews: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        assert 1 <= int(query["limit"]) <= (100 if reviews is self.reviews else 1000)
        first, last = query["fromDatetime"], query["toDatetime"]
        found = [one for one in reviews if first <= one["createDatetime"] <= last]
        if reviews is self.products:
            assert "offset" not in query and _moment(last) - _moment(first) <= timedelta(days=180)
            return _said({"items": found[: min(self.most, int(query["limit"]))]})
        start = int(query["offset"])
        meta = {"fromDatetime": first, "toDatetime": last} | ({"count": len(found)} if self.counts else {})
        return _said({"items": found[start : start + int(query["limit"])], "meta": meta})

    def _one(self, asked: Asked, rest: str) -> Answer:
        number = rest.split("/")[1]
        found = next((one for one in self.reviews if str(one["shopReviewId"]) == number), None)
        if found is None:
            return _said({"detail": "Not found"}, 404)
        if asked.method == "GET":
            return _said(found)
        assert (asked.method, rest) == ("PUT", f"reviews/{number}/reaction")
        text = json.loads(asked.body)["reaction"]
        assert 1 <= len(text) <= 10_000
        if self.loses:
            self.loses -= 1
            return Answer(b"<html>Bad gateway</html>", 502)
        found |= {"shopReaction": text, "shopReactionState": "new"}
        return Answer(b"<html>Bad gateway</html>", 502) if self.drops_receipt else Answer(status=201)


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _said(document: object, status: int = 200) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json"})
