"""Google on 127.0.0.1: tokens for signed requests and for refresh tokens, and the shape of its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.loopback import Answer, Asked

EMAIL = "ohlas@pupava.iam.example"
CLIENT, SECRET, REFRESH = "client-1.example", "client-secret-canary", "refresh-canary-55"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account() -> str:
    """The JSON key of a service account, as the Google Cloud console gives it."""
    pem = _key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps({"type": "service_account", "client_email": EMAIL, "private_key": pem.decode()})


def refused(status: int, reason: str = "", headers: dict[str, str] | None = None) -> Answer:
    error = {"code": status, "message": "canary of Google's words", "errors": [{"reason": reason}]}
    return Answer(json.dumps({"error": error}).encode(), status, headers or {})


@dataclass
class GooglePlatform:
    """`serve` answers what comes with a valid token. `fault` is answered instead, once."""

    scope: str
    serve: Callable[[Asked], Answer]
    tokens: int = 0
    valid: str = ""
    fault: Answer | None = None
    revoked: bool = False
    asked: list[Asked] = field(default_factory=list)  # without the requests for tokens

    def __call__(self, asked: Asked) -> Answer:
        if urlsplit(asked.path).path == "/token":
            return self._token(dict(parse_qsl(asked.body.decode())))
        self.asked.append(asked)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            return fault
        if asked.headers.get("Authorization") != f"Bearer {self.valid}":
            return refused(401, "authError")
        return self.serve(asked)

    def _token(self, form: dict[str, str]) -> Answer:
        if self.revoked or not self._is_granted(form):
            return Answer(b'{"error": "invalid_grant", "error_description": "Bad Request"}', 400)
        self.tokens += 1
        self.valid = f"ya29.token-{self.tokens}"
        given = {"access_token": self.valid, "expires_in": 3599, "token_type": "Bearer"}
        return Answer(json.dumps(given).encode())

    def _is_granted(self, form: dict[str, str]) -> bool:
        if form["grant_type"] == "refresh_token":
            given = form["client_id"], form["client_secret"], form["refresh_token"]
            return given == (CLIENT, SECRET, REFRESH)
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        try:
            claims = jwt.decode(
                form["assertion"],
                _key().public_key(),
                algorithms=["RS256"],
                audience="https://oauth2.googleapis.com/token",
                options={"require": ["iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return False
        assert claims["exp"] - claims["iat"] <= 3600
        return bool((claims["iss"], claims["scope"]) == (EMAIL, self.scope))
