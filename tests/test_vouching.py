"""What sources say of their credentials, before anything is read or written with them."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor.commands.answers import Answer as Found
from monitor.commands.answers import in_words
from monitor.contract import Abilities, Ability, CanVouch, Connector
from monitor.errors import AuthError, SourceError
from monitor.vouching import expected
from tests import bluesky_platform, discourse_platform, mastodon_platform, reddit_platform, trustpilot_platform
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp

BOT = {"token": f"123456789:{'a' * 35}", "username": "pupava_bot"}
X = {
    "account": "pupava",
    "consumer_key": "c" * 12,
    "consumer_secret": "d" * 12,
    "access_token": "700-eeeeeeeeeeee",
    "access_token_secret": "f" * 12,
}
CHANNEL = f"UC{'p' * 22}"
YOUTUBE = {"channel": CHANNEL, "client_id": "c", "client_secret": "s" * 9, "refresh_token": "r" * 9}
SESSION = {"did": bluesky_platform.DID, "handle": "pupava.example", "accessJwt": "a", "refreshJwt": "r"}
TOKEN = {"access_token": "t", "token_type": "bearer", "expires_in": 86400, "scope": "*"}


def serving(answers: Mapping[str, object]) -> Any:
    """Answers by the end of the path; 404 to everything else."""

    def serve(asked: Asked) -> Answer:
        path = urlsplit(asked.path).path
        found = next((answer for end, answer in answers.items() if path.endswith(end)), None)
        if isinstance(found, Answer):
            return found
        return Answer(json.dumps(found).encode(), 404 if found is None else 200)

    return serve


@asynccontextmanager
async def connected(kind: str, options: Mapping[str, Any], answers: Mapping[str, object]) -> AsyncIterator[Connector]:
    async with Loopback(serving(answers)) as server, LoopbackHttp(server.origin, total=1.0) as http:
        module = importlib.import_module(f"connectors.{kind}")
        connector: Connector = module.connect(module.Settings(kind=kind, name="tested", **options), http)
        yield connector
        await connector.close()


async def asked(kind: str, options: Mapping[str, Any], answers: Mapping[str, object]) -> Abilities:
    async with connected(kind, options, answers) as connector:
        assert isinstance(connector, CanVouch)
        return await connector.abilities()


def told(abilities: Abilities) -> tuple[str, str, str]:
    return abilities.reads.state, abilities.replies.state, abilities.replies.why


@pytest.mark.parametrize(
    ("kind", "options", "answers", "why"),
    [
        ("mastodon", mastodon_platform.KEYS, {"accounts/verify_credentials": {"acct": "Pupava"}}, "as @Pupava"),
        (
            "mastodon",
            mastodon_platform.KEYS,
            {
                "accounts/verify_credentials": {"acct": "pupava"},
                "apps/verify_credentials": {"scopes": ["read", "write:statuses"]},
            },
            "as @pupava",
        ),
        ("bluesky", bluesky_platform.KEYS, {"createSession": SESSION, "getSession": SESSION}, "as @pupava.example"),
        ("reddit", reddit_platform.KEYS, {"access_token": TOKEN, "v1/me": {"name": "pupava"}}, "as u/pupava"),
        (
            "discourse",
            discourse_platform.KEYS,
            {"session/current.json": {"current_user": {"username": discourse_platform.NAME}}},
            f"as @{discourse_platform.NAME}",
        ),
        ("discourse", discourse_platform.KEYS, {}, ""),  # of a key that may not ask whose it is
        ("telegram", BOT, {"getMe": {"ok": True, "result": {"username": "Pupava_bot"}}}, "as @Pupava_bot"),
        (
            "youtube",
            YOUTUBE,
            {"token": TOKEN, "channels": {"items": [{"id": CHANNEL, "snippet": {"title": "Púpava"}}]}},
            "as Púpava",
        ),
    ],
)
async def test_whose_credentials_they_are(
    kind: str, options: Mapping[str, Any], answers: Mapping[str, object], why: str
) -> None:
    assert told(await asked(kind, options, answers)) == ("yes", "yes", why)


@pytest.mark.parametrize(
    ("kind", "options", "answers", "hint"),
    [
        ("mastodon", mastodon_platform.KEYS, {"accounts/verify_credentials": {"acct": "eva"}}, "the token is of @eva"),
        (
            "mastodon",
            mastodon_platform.KEYS,
            {
                "accounts/verify_credentials": {"acct": "pupava"},
                "apps/verify_credentials": {"scopes": ["read", "write:media"]},
            },
            "make one with write:statuses",
        ),
        (
            "bluesky",
            bluesky_platform.KEYS,
            {"createSession": SESSION, "getSession": SESSION | {"active": False, "status": "takendown"}},
            "takendown",
        ),
        (
            "reddit",
            reddit_platform.KEYS,
            {"access_token": TOKEN, "v1/me": {"name": "pupava", "is_suspended": True}},
            "has suspended u/pupava",
        ),
        (
            "discourse",
            discourse_platform.KEYS,
            {"session/current.json": {"current_user": {"username": "system"}}},
            "writes as @system",
        ),
        ("telegram", BOT, {"getMe": {"ok": True, "result": {"username": "other_bot"}}}, "is of @other_bot"),
        ("youtube", YOUTUBE, {"token": TOKEN, "channels": {"items": [{"id": "UCother"}]}}, "is for UCother"),
        ("youtube", YOUTUBE, {"token": TOKEN, "channels": {"items": [5]}}, "no channel at all"),
    ],
)
async def test_credentials_that_are_not_enough_for_answers(
    kind: str, options: Mapping[str, Any], answers: Mapping[str, object], hint: str
) -> None:
    reads, replies, why = told(await asked(kind, options, answers))
    assert (reads, replies) == ("yes", "no") and hint in why


async def test_what_a_bot_does_not_see_is_said() -> None:
    bot = {"ok": True, "result": {"username": "pupava_bot", "can_read_all_group_messages": False}}
    assert "/setprivacy" in (await asked("telegram", BOT | {"read": "all"}, {"getMe": bot})).reads.why
    assert not (await asked("telegram", BOT, {"getMe": bot})).reads.why


async def test_x_is_not_asked_because_that_costs_money() -> None:
    async with Loopback() as server, LoopbackHttp(server.origin) as http:
        module = importlib.import_module("connectors.x")
        connector = module.connect(module.Settings(kind="x", name="x", **X), http)
        assert told(await connector.abilities()) == ("unknown", "unknown", "as @pupava")
        assert not server.asked


REFUSED, NONSENSE = Answer(b"<html>", 401), Answer(b"[7]")


@pytest.mark.parametrize(
    ("kind", "options", "path"),
    [
        ("mastodon", mastodon_platform.KEYS, "verify_credentials"),
        ("reddit", reddit_platform.KEYS, "access_token"),
        ("telegram", BOT, "getMe"),
    ],
)
async def test_credentials_that_are_refused(kind: str, options: Mapping[str, Any], path: str) -> None:
    with pytest.raises(AuthError):
        await asked(kind, options, {path: REFUSED})


@pytest.mark.parametrize(
    ("kind", "options", "known"),
    [
        ("mastodon", mastodon_platform.KEYS, {}),
        ("bluesky", bluesky_platform.KEYS, {"createSession": SESSION}),
        ("reddit", reddit_platform.KEYS, {"access_token": TOKEN}),
        ("discourse", discourse_platform.KEYS, {}),
        ("telegram", BOT, {}),
    ],
)
@pytest.mark.parametrize("answer", [NONSENSE, Answer(b"{"), Answer(b"<html>", 503)])
async def test_nonsense_breaks_nothing(
    kind: str, options: Mapping[str, Any], known: Mapping[str, object], answer: Answer
) -> None:
    try:
        await asked(kind, options, {**known, "": answer})
    except SourceError as error:
        assert str(error)


async def test_what_nobody_is_asked_about_follows_from_what_a_connector_can() -> None:
    unit = {"business_unit": trustpilot_platform.UNIT, "key": trustpilot_platform.KEY}
    signed = {"secret": trustpilot_platform.SECRET, "user": trustpilot_platform.USER}
    words = []
    for kind, options in (
        ("trustpilot", unit),
        ("trustpilot", unit | signed),
        ("rss", {"url": "https://a.example/f"}),
        ("telegram", BOT),
    ):
        async with connected(kind, options, {}) as connector:
            able = expected(connector)
            words.append((able.replies.state, able.confirms.state, able.confirms.why))
    assert words == [
        ("manual", "yes", ""),
        ("yes", "yes", ""),
        ("manual", "manual", ""),
        ("yes", "manual", "where one may be out or not, you look"),
    ]


def test_one_line_says_it_all() -> None:
    able = Abilities(reads=Ability("yes"), replies=Ability("no", "make a token with write"), confirms=Ability("manual"))
    found = Found(name="shop", kind="mine", reachable=True, abilities=able, mentions=3, more=True, receives=True)
    assert in_words(found) == (
        "read yes (3 mentions, and more is waiting; waits for deliveries at /in/shop)"
        " · reply no (make a token with write) · confirm by hand"
    )
    assert in_words(replace(found, mentions=1, more=False)).startswith("read yes (1 mention; waits")
