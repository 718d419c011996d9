"""App Store Connect on 127.0.0.1: signed requests, pages by cursor, its quota, and answers that are shown later."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.loopback import Answer, Asked

APP, KEY_ID, ISSUER = "1234567890", "2X9R4HXF34", "57246542-96fe-1a63-e053-0824d011072a"
ORIGIN = "https://api.appstoreconnect.apple.com"


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def private_key() -> str:
    """What stands in a .p8 file."""
    form = serialization.PrivateFormat.PKCS8
    return _key().private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def review(number: int, at: str, text: str = "Padá to.", **more: Any) -> dict[str, Any]:
    said = {"rating": 1, "title": "Hanba", "body": text, "reviewerNickname": "eva77", "createdDate": at}
    return {"type": "customerReviews", "id": f"r-{number}", "attributes": said | {"territory": "SVK"} | more}


def failed(status: int, code: str) -> Answer:
    error = {"status": str(status), "code": code, "title": "canary of Apple's words", "detail": "canary"}
    return Answer(json.dumps({"errors": [error]}).encode(), status)


@dataclass
class AppStoreConnect:
    """Reviews are newest first. `fault` is answered instead, once; `lost` answers are taken without a receipt."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the id of the review
    issuer: str = ISSUER
    left: int = 3500
    size: int = 200
    fault: Answer | None = None
    forgotten: bool = False
    lost: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(f"{asked.method} {asked.path}")
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        if not self._is_signed(asked.headers.get("Authorization", "")):
            return failed(401, "NOT_AUTHORIZED")
        self.left -= 1
        url = urlsplit(asked.path)
        match url.path.removeprefix("/v1/").split("/"):
            case ["apps", app, "customerReviews"] if app == APP:
                return self._list(parse_qs(url.query))
            case ["customerReviews", number]:
                return self._one(number)
            case ["customerReviews", number, "response"] if number in self.answers:
                return self._said({"data": self.answers[number]})
            case ["customerReviewResponses"] if asked.method == "POST":
                return self._answered(json.loads(asked.body)["data"])
        return failed(404, "NOT_FOUND")

    def _is_signed(self, header: str) -> bool:
        try:
            token = header.removeprefix("Bearer ")
            assert jwt.get_unverified_header(token)["kid"] == KEY_ID
            claims = jwt.decode(
                token,
                _key().public_key(),
                algorithms=["ES256"],
                audience="appstoreconnect-v1",
                options={"require": ["exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return False
        whose = claims.get("iss") == self.issuer if self.issuer else claims.get("sub") == "user"
        return bool(whose and claims["exp"] - claims["iat"] <= 1200)

    def _said(self, document: dict[str, Any], status: int = 200) -> Answer:
        quota = f"user-hour-lim:3600;user-hour-rem:{self.left};"
        return Answer(json.dumps(document).encode(), status, {"X-Rate-Limit": quota})

    def _list(self, query: dict[str, list[str]]) -> Answer:
        assert query["sort"] == ["-createdDate"] and int(query["limit"][0]) <= 200 and query["include"] == ["response"]
        if "cursor" in query and self.forgotten:
            return failed(400, "PARAMETER_ERROR.INVALID")
        start = int(query.get("cursor", ["c0"])[0][1:])
        page = self.reviews[start : start + self.size]
        document = self._with_answers(page) | {"links": {"self": f"{ORIGIN}/v1/apps/{APP}/customerReviews"}}
        if len(self.reviews) > start + self.size:
            asked = {name: value[0] for name, value in query.items()} | {"cursor": f"c{start + self.size}"}
            document["links"]["next"] = f"{ORIGIN}/v1/apps/{APP}/customerReviews?{urlencode(asked)}"
        return self._said(document)

    def _one(self, number: str) -> Answer:
        found = [one for one in self.reviews if one["id"] == number]
        document = self._with_answers(found)
        return self._said(document | {"data": document["data"][0]}) if found else failed(404, "NOT_FOUND")

    def _with_answers(self, reviews: list[dict[str, Any]]) -> dict[str, Any]:
        answers = [self.answers[one["id"]] for one in reviews if one["id"] in self.answers]
        shown = []
        for one in reviews:
            answer = self.answers.get(one["id"])
            link = {"type": "customerReviewResponses", "id": answer["id"]} if answer else None
            shown.append(one | {"relationships": {"response": {"data": link}}})
        return {"data": shown} | ({"included": answers} if answers else {})

    def _answered(self, sent: dict[str, Any]) -> Answer:
        assert sent["type"] == "customerReviewResponses"
        about = sent["relationships"]["review"]["data"]
        assert about["type"] == "customerReviews"
        if not any(one["id"] == about["id"] for one in self.reviews):
            return failed(409, "ENTITY_ERROR.RELATIONSHIP.INVALID")
        text = sent["attributes"]["responseBody"]
        if len(text) > 5970:
            return failed(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.TOO_LONG")
        shown = {"responseBody": text, "lastModifiedDate": "2026-11-21T12:00:00-07:00", "state": "PENDING_PUBLISH"}
        answer = {"type": "customerReviewResponses", "id": f"a-{about['id']}", "attributes": shown}
        self.answers[about["id"]] = answer
        return Answer(status=502) if self.lost else self._said({"data": answer}, 201)
