"""Google's tokens and refusals, whichever API they are for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import time_machine
from pydantic import SecretStr

from monitor.errors import AuthError, NotFound, PermanentError, SourceError, TemporaryError
from monitor.google import GoogleApi, Grant, RefreshToken, ServiceAccount
from tests.google_platform import CLIENT, REFRESH, SECRET, GooglePlatform, refused, service_account
from tests.loopback import Answer, Loopback, LoopbackHttp

SCOPE = "https://www.googleapis.com/auth/example"
URL = "https://example.googleapis.com/v1/things"
ACCOUNT = ServiceAccount(SecretStr(service_account()), SCOPE)
PERSON = RefreshToken(CLIENT, SecretStr(SECRET), SecretStr(REFRESH))


def platform() -> GooglePlatform:
    return GooglePlatform(scope=SCOPE, serve=lambda asked: Answer(b"{}"))


@asynccontextmanager
async def api(answers: Any, grant: Grant = ACCOUNT) -> AsyncIterator[GoogleApi]:
    async with Loopback(answers) as server, LoopbackHttp(server.origin, total=1.0) as http:
        yield GoogleApi(http, grant, "Things")


@pytest.mark.parametrize("grant", [ACCOUNT, PERSON])
async def test_one_token_serves_until_shortly_before_its_end(grant: Grant) -> None:
    google = platform()
    async with api(google, grant) as things:
        with time_machine.travel(1_795_000_000, tick=False) as clock:
            for seconds, tokens in ((0, 1), (3000, 1), (400, 1), (100, 2)):
                clock.shift(seconds)
                assert (await things.get(URL)).json() == {}
                assert google.tokens == tokens


async def test_a_token_that_ended_early_is_renewed_once() -> None:
    google = platform()
    async with api(google) as things:
        await things.get(URL)
        google.valid = "another"
        await things.send("PUT", URL, {"a": "č"})
        assert google.tokens == 2 and json.loads(google.asked[-1].body) == {"a": "č"}
        google.fault, google.valid, google.revoked = refused(401), "another", True
        with pytest.raises(AuthError, match="service account"):
            await things.get(URL)


@pytest.mark.parametrize("grant", [ACCOUNT, PERSON])
async def test_a_grant_that_is_refused(grant: Grant) -> None:
    google = platform()
    google.revoked = True
    async with api(google, grant) as things:
        with pytest.raises(AuthError) as caught:
            await things.get(URL)
    assert str(caught.value) == grant.refused and not google.asked


@pytest.mark.parametrize("body", [b"", b"5", b"[]", b"{}", b"<html>", b'{"access_token": []}'])
async def test_a_token_that_is_none(body: bytes) -> None:
    async with api(Answer(body)) as things:
        with pytest.raises(TemporaryError):
            await things.get(URL)


@pytest.mark.parametrize("answer", [Answer(status=503), Answer(status=429), Answer(hang=True)])
async def test_no_token_at_the_moment(answer: Answer) -> None:
    async with api(answer) as things:
        with pytest.raises(TemporaryError):
            await things.send("POST", URL, {})


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (refused(429, headers={"Retry-After": "7"}), TemporaryError, "quota"),
        (refused(403, "rateLimitExceeded"), TemporaryError, "quota"),
        (refused(403, "accessNotConfigured"), AuthError, "enable it"),
        (refused(403, "insufficientPermissions"), AuthError, "grant it again"),
        (refused(403), AuthError, "403"),
        (refused(400), PermanentError, "options"),
        (refused(404), NotFound, "options"),
        (Answer(b"<html>", 403), AuthError, "403"),
        (Answer(b'{"error": {"errors": 5, "details": [7]}}', 400), PermanentError, "options"),
    ],
)
async def test_refusals(answer: Answer, error: type[SourceError], hint: str) -> None:
    google = platform()
    async with api(google) as things:
        google.fault = answer
        with pytest.raises(error, match=hint) as caught:
            await things.get(URL)
    assert "canary" not in str(caught.value) and "Things" in str(caught.value)
    assert getattr(caught.value, "retry_after", None) in (None, 7)


async def test_a_damaged_key_is_named() -> None:
    damaged = SecretStr('{"client_email": "a@b.example", "private_key": "canary"}')
    async with api(platform(), ServiceAccount(damaged, SCOPE)) as things:
        with pytest.raises(AuthError, match="private_key") as caught:
            await things.get(URL)
    assert "canary" not in str(caught.value)
    for nothing in ("canary", "{", "[]", '{"client_email": "canary"}'):
        with pytest.raises(ValueError, match="JSON key") as refusal:
            ServiceAccount(SecretStr(nothing), SCOPE)
        assert "canary" not in str(refusal.value)
