"""Trustpilot on 127.0.0.1: keys and tokens with their renewal, pages and dates, a quota, and one answer a review."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

KEY, SECRET, USER = "canary-api-key-1234", "canary-api-secret-5678", "5f3b1c2d4e5f60718293a4b5"
LOGIN, PASSWORD = "obchod@svrcina.example", "canary-password-9"
UNIT, HOOK = "46d6a890ffa235a75b00021d", "canary-webhook-secret-77"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
QUOTA = 833  # requests in five minutes


def review(number: int, days: float, text: str = "Stan prišiel deravý.", **more: Any) -> dict[str, Any]:
    """One that was written `days` before noon."""
    written = f"{NOON - timedelta(days=days):%Y-%m-%dT%H:%M:%S}.000Z"
    return {
        "id": f"{number:024x}",
        "consumer": {"id": f"{number + 7:024x}", "displayName": "Eva Malá", "displayLocation": "Žilina"},
        "businessUnit": {"id": UNIT, "identifyingName": "svrcina.example"},
        "stars": 2,
        "title": "Sklamanie",
        "text": text,
        "language": "sk",
        "createdAt": written,
        "updatedAt": None,
        "companyReply": None,
        "isVerified": True,
        "status": "active",
        "referenceId": f"2026{number:06}",
        "referralEmail": "eva.canary@posta.example",
        **more,
    }


@dataclass
class TrustpilotPlatform:
    """`reviews` are in any order. `faults` are answered instead, one after the other; tokens are counted apart."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Answer] = field(default_factory=list)
    left: int = QUOTA
    drops_receipt: bool = False
    loses: int = 0  # answers that get lost before they are taken
    valid: str = ""
    renewal: str = ""
    tokens: list[str] = field(default_factory=list)  # how each was got
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        if self.left <= 0:
            return _said({"message": "Too many <b>requests</b>"}, 429, {"Retry-After": "300"})
        self.left -= 1
        if "/oauth/" in url.path:
            return self._token(url.path, asked)
        query = dict(parse_qsl(url.query))
        self.asked.append((asked.method, url.path, query))
        if self.faults:
            return self.faults.pop(0)
        private = url.path.startswith("/v1/private/")
        if not (self._is_signed_in(asked) if private else asked.headers.get("apikey") == KEY):
            return _said({"fault": "canary of their words"}, 401)
        path = url.path.removeprefix("/v1/private/" if private else "/v1/")
        if path == f"business-units/{UNIT}/reviews":
            return self._list(query, private)
        kind, number, *rest = path.split("/")
        found = next((one for one in self.reviews if one["id"] == number), None)
        if kind != "reviews" or found is None:
            return _said({"message": "not found"}, 404)
        return self._reply(found, asked) if rest == ["reply"] and private else _said(_shown(found, private))

    def _is_signed_in(self, asked: Asked) -> bool:
        return self.valid != "" and asked.headers.get("Authorization") == f"Bearer {self.valid}"

    def _token(self, path: str, asked: Asked) -> Answer:
        pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        form = dict(parse_qsl(asked.body.decode()))
        how = form["grant_type"]
        known = {
            "client_credentials": path.endswith("/accesstoken"),
            "password": (form.get("username"), form.get("password")) == (LOGIN, PASSWORD),
            "refresh_token": path.endswith("/refresh") and form.get("refresh_token") == self.renewal != "",
        }
        if asked.headers["Authorization"] != f"Basic {pair}" or not known[how]:
            return _said({"error": "invalid_grant", "error_description": "canary"}, 401)
        self.tokens.append(how)
        self.valid = f"tpa-{len(self.tokens)}"
        given = {"access_token": self.valid, "token_type": "BearerToken", "expires_in": "360000"}
        if how != "client_credentials":
            self.renewal = f"tpr-{len(self.tokens)}"  # the one before ends with its use
            given["refresh_token"] = self.renewal
        return _said(given)

    def _list(self, query: dict[str, str], private: bool) -> Answer:
        known = {"orderBy", "perPage", "page"} | ({"startDateTime"} if private else set())
        assert set(query) <= known and query["orderBy"] == "createdat.desc" and 1 <= int(query["perPage"]) <= 100
        found = sorted(self.reviews, key=lambda one: str(one["createdAt"]), reverse=True)
        found = [one for one in found if one["createdAt"] >= query.get("startDateTime", "")]
        size, page = int(query["perPage"]), int(query["page"])
        shown = found[(page - 1) * size : page * size]
        return _said({"links": [], "reviews": [_shown(one, private) for one in shown]})

    def _reply(self, found: dict[str, Any], asked: Asked) -> Answer:
        written = json.loads(asked.body)
        assert set(written) <= {"message", "authorBusinessUserId"}
        assert written.get("authorBusinessUserId") == USER or self.renewal, "nobody knows whose answer it is"
        if self.loses:
            self.loses -= 1
            return Answer(b"<html>Bad gateway</html>", 502)
        if found["companyReply"]:
            return _said({"message": "There is an answer already"}, 409)
        found["companyReply"] = {"text": written["message"], "createdAt": "2026-11-21T12:00:00Z"}
        return Answer(b"<html>Bad gateway</html>", 502) if self.drops_receipt else Answer(status=201)


def _shown(one: dict[str, Any], private: bool) -> dict[str, Any]:
    return one if private else {key: one[key] for key in one if key not in ("referenceId", "referralEmail")}


def notification(*events: tuple[str, dict[str, Any]]) -> bytes:
    told = [{"eventName": name, "version": "1", "eventData": _event(one)} for name, one in events]
    return json.dumps({"events": told}).encode()


def _event(one: dict[str, Any]) -> dict[str, Any]:
    left_out = ("companyReply", "referralEmail", "businessUnit", "status", "updatedAt")
    shown = {key: value for key, value in one.items() if key not in left_out}
    return shown | {"consumer": {"id": one["consumer"]["id"], "name": one["consumer"]["displayName"]}}


def _said(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json", **(headers or {})})
