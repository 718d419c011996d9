"""The webhook connector: who may send, what is taken, and how answers go out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import webhook
from monitor.contract import CanLookUp, CanReceive, CanReply, Page, Receipt
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from tests.contract import ReceiveContract
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp

SECRET = "canary-7f3a-canary-7f3a"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REPLY_URL = "https://shop.example/reviews/{id}/reply?via=ohlas"
LOOKUP_URL = "https://shop.example/reviews/{id}/reply"
MENTION = Mention(source="shop", id="a/b ?7", text="Kde je balík?", created_at=NOW, url="https://shop.example/r/7")
TEXT = "Dobrý deň, mrzí nás to a ozveme sa."


def settings(**options: Any) -> webhook.Settings:
    return webhook.Settings(**{"kind": "webhook", "name": "shop", "secret": SECRET, **options})


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    seconds = int(at.timestamp())
    return {"x-ohlas-timestamp": str(seconds), "x-ohlas-signature": webhook.sign(secret, seconds, body)}


def receive(document: Any, **options: Any) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return webhook.Webhook(settings(**options)).receive(signed(body), body, NOW)


def entry(**fields: Any) -> dict[str, Any]:
    return {"id": "7", "text": "Kde je balík?", **fields}


class TestWebhookContract(ReceiveContract):
    kind = "webhook"
    settings = {"secret": SECRET, "reply_url": REPLY_URL}
    secrets = (SECRET,)
    recording = (
        b'{"mentions": [{"id": 1, "text": "fast and friendly", "created_at": "2026-11-21T14:05:00Z"},'
        b'{"id": "2", "text": "my parcel never came", "rating": 1, "created_at": 1795000000}]}'
    )
    entry = rb'\{"id"[^}]*\}'
    separator = b","
    bad_entry = b'{"id": 1}'
    phrase = b"my parcel never came"
    nonsense = {"number": b"5", "lists": b'{"mentions": {}, "gone": 5}', "inner": b'{"mentions": [5, [], null]}'}

    def sign(self, body: bytes) -> Mapping[str, str]:
        return signed(body, self.now)


# ---- who may send


def test_signature_is_what_the_documentation_says() -> None:
    # echo -n '1795262400.{}' | openssl dgst -sha256 -hmac canary-7f3a-canary-7f3a
    expected = "sha256=0706853e78d4aa26b8e5cef7210ea69754c2436222ffb801708500dc37475947"
    assert webhook.sign(SECRET, 1_795_262_400, b"{}") == expected


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_window(seconds: int, taken: bool) -> None:
    body = json.dumps(entry()).encode()
    headers = signed(body, NOW - timedelta(seconds=seconds))
    source = webhook.Webhook(settings())
    if taken:
        assert source.receive(headers, body, NOW).mentions
    else:
        with pytest.raises(AuthError, match="clock"):
            source.receive(headers, body, NOW)


def test_replayed_under_another_time_stamp() -> None:
    body = json.dumps(entry()).encode()
    old = signed(body, NOW - timedelta(days=1))
    fresh = old | {"x-ohlas-timestamp": str(int(NOW.timestamp()))}
    with pytest.raises(AuthError, match="does not fit"):
        webhook.Webhook(settings()).receive(fresh, body, NOW)


@pytest.mark.parametrize(
    "written", ["", " ", "-1", "1e9", "1795262400.5", "٣", "9" * 13, "9" * 5000, "\ud800", "0x10", "\0"]
)
def test_absurd_time_stamps(written: str) -> None:
    headers = signed(b"{}") | {"x-ohlas-timestamp": written}
    with pytest.raises(AuthError):
        webhook.Webhook(settings()).receive(headers, b"{}", NOW)


def test_another_secret() -> None:
    with pytest.raises(AuthError):
        webhook.Webhook(settings()).receive(signed(b"{}", secret="another-secret-xx"), b"{}", NOW)


@given(
    headers=st.dictionaries(st.sampled_from(["x-ohlas-timestamp", "x-ohlas-signature", "host"]), st.text(max_size=80)),
    body=st.binary(max_size=80),
)
def test_forgeries_are_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(AuthError) as caught:
        webhook.Webhook(settings()).receive(headers, body, NOW)
    assert SECRET not in str(caught.value)


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    body = bytearray(json.dumps(entry()).encode())
    headers = signed(bytes(body))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(AuthError):
        webhook.Webhook(settings()).receive(headers, bytes(body), NOW)


# ---- what is taken


def test_one_mention_as_it_is_documented() -> None:
    fields = {
        "id": 7,
        "text": "Kde je balík?",
        "created_at": "2026-11-20T10:00:00+01:00",
        "url": "https://shop.example/r/7",
        "author": "Eva",
        "title": "Balík",
        "rating": "4,5",
        "language": "sk-SK",
        "thread": "6",
        "reply": "Hneď to zistíme.",
        "order": {"number": "2026-1"},
    }
    mention = receive(fields).mentions[0]
    assert mention == Mention(
        source="shop",
        id="7",
        text="Kde je balík?",
        created_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        url="https://shop.example/r/7",
        author="Eva",
        title="Balík",
        rating=4.5,
        language="sk",
        thread="6",
        reply="Hneď to zistíme.",
        raw={"order": {"number": "2026-1"}},
    )


def test_little_is_enough() -> None:
    mention = receive(entry(), language="hu").mentions[0]
    assert (mention.created_at, mention.language, mention.rating) == (NOW, "hu", None)


def test_deletions() -> None:
    page = receive({"gone": ["1", 2, "1", None]})
    assert (page.mentions, page.gone, page.skipped) == ((), ("1", "2"), ("gone[3]: id is missing",))


def test_bad_entries_are_named() -> None:
    bad = [
        entry(text=" "),
        entry(id=None),
        entry(id=".."),
        entry(rating=9),
        entry(rating=True),
        entry(created_at="hm"),
        "x",
    ]
    page = receive({"mentions": [entry(), *bad]})
    assert len(page.mentions) == 1
    assert [reason.partition(":")[0] for reason in page.skipped] == [f"mentions[{n}]" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"id": "7"}, "text is missing"),
        ({"text": "x"}, "id is missing"),
        ({"mentions": [{"id": "7"}]}, r"mentions\[0\]: text is missing"),
        ({"mentions": "x"}, "must be lists"),
        ([entry()], "must be one mention"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (webhook.LIMIT + 1), "MiB"),
        ({"mentions": [entry(id=n) for n in range(webhook.MOST + 1)]}, "more than 1000"),
    ],
)
def test_unusable_bodies_say_why(document: Any, hint: str) -> None:
    with pytest.raises(PermanentError, match=hint):
        receive(document)


def test_empty_batch_is_no_mistake() -> None:
    assert receive({"mentions": []}) == Page()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5
)


@given(st.dictionaries(st.sampled_from(["id", "text", "created_at", "rating", "url", "mentions", "gone", "raw"]), JSON))
def test_any_authentic_body_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        page = receive(document)
    except SourceError as error:
        assert str(error)
    else:
        assert all(mention.id and mention.text for mention in page.mentions)
        assert json.dumps([dict(mention.raw) for mention in page.mentions], ensure_ascii=False).encode()


async def test_nothing_is_polled() -> None:
    assert await webhook.Webhook(settings()).poll("as it was") == Page(cursor="as it was")


# ---- settings and abilities


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"secret": "short"}, "openssl"),
        ({"lookup_url": LOOKUP_URL}, "needs a reply_url"),
        ({"reply_url": REPLY_URL, "lookup_url": "https://shop.example/reply"}, "{id}"),
        ({"reply_url": "https://{id}.shop.example/"}, "pattern"),
        ({"reply_url": "https://shop.example/{key}"}, "pattern"),
        ({"reply_url": "file:///etc/passwd"}, "pattern"),
    ],
)
def test_settings_refuse_what_cannot_be(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**options)
    assert hint in str(caught.value)
    assert "short" not in str(caught.value).replace("shorter", "")


@asynccontextmanager
async def connected(server: Loopback, **options: Any) -> AsyncIterator[Any]:
    async with LoopbackHttp(server.origin, total=0.5) as http:
        yield webhook.connect(settings(**options), http)


async def test_abilities_follow_the_settings(server: Loopback) -> None:
    urls = {"reply_url": REPLY_URL, "lookup_url": LOOKUP_URL}
    for options, replies, looks in (({}, False, False), ({"reply_url": REPLY_URL}, True, False), (urls, True, True)):
        async with connected(server, **options) as source:
            assert isinstance(source, CanReceive)
            assert (isinstance(source, CanReply), isinstance(source, CanLookUp)) == (replies, looks)
            assert SECRET not in repr(source) + repr(vars(source))


# ---- answers


def authentic(asked: Asked) -> bool:
    seconds = int(asked.headers["X-Ohlas-Timestamp"])
    fresh = abs(datetime.now(UTC).timestamp() - seconds) < 60
    return fresh and asked.headers["X-Ohlas-Signature"] == webhook.sign(SECRET, seconds, asked.body)


async def test_reply(server: Loopback) -> None:
    server.answer = Answer(b'{"id": 12, "url": "https://shop.example/r/7#12"}', status=201)
    async with connected(server, reply_url=REPLY_URL, reply_max_length=900) as source:
        assert (source.reply_rules.kind, source.reply_rules.max_length) == ("key", 900)
        receipt = await source.reply(MENTION, TEXT, "key-1")
    assert receipt == Receipt(id="12", url="https://shop.example/r/7#12")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/reviews/a%2Fb%20%3F7/reply?via=ohlas")
    assert json.loads(asked.body) == {"id": "a/b ?7", "text": TEXT, "key": "key-1", "in_reply_to": MENTION.url}
    assert asked.headers["Idempotency-Key"] == "key-1" and authentic(asked)


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'{"id": [], "url": 5}', b'{"url": "javascript:alert(1)"}'])
async def test_accepted_is_accepted_whatever_it_says(server: Loopback, body: bytes) -> None:
    server.answer = Answer(body)
    async with connected(server, reply_url=REPLY_URL) as source:
        assert await source.reply(MENTION, TEXT, "key-1") == Receipt()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=401), AuthError),
        (Answer(status=422), PermanentError),
        (Answer(status=404), PermanentError),
        (Answer(status=302, headers={"Location": "/"}), PermanentError),
        (Answer(status=429, headers={"Retry-After": "9"}), TemporaryError),
        (Answer(status=500), OutcomeUnknown),
        (Answer(b"{}", cut=True), OutcomeUnknown),
        (Answer(hang=True), OutcomeUnknown),
    ],
)
async def test_refused_replies(server: Loopback, answer: Answer, error: type[SourceError]) -> None:
    server.answer = answer
    async with connected(server, reply_url=REPLY_URL) as source:
        with pytest.raises(error) as caught:
            await source.reply(MENTION, TEXT, "key-1")
    assert len(server.asked) == 1
    assert SECRET not in str(caught.value)


async def look(server: Loopback, answer: Answer) -> Receipt | None:
    server.answer = answer
    async with connected(server, reply_url=REPLY_URL, lookup_url=LOOKUP_URL) as source:
        found: Receipt | None = await source.find_reply(MENTION, TEXT, "key-1")
        return found


async def test_look_up(server: Loopback) -> None:
    body = json.dumps({"id": "12", "url": "https://shop.example/r/7#12", "text": TEXT + "\r\n"}).encode()
    assert await look(server, Answer(body)) == Receipt(id="12", url="https://shop.example/r/7#12")
    assert await look(server, Answer(status=404)) is None
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.body) == ("GET", "/reviews/a%2Fb%20%3F7/reply", b"")
    assert asked.headers["Idempotency-Key"] == "key-1" and authentic(asked)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=401), AuthError),
        (Answer(status=400), PermanentError),
        (Answer(status=500), TemporaryError),
        (Answer(hang=True), TemporaryError),
        (Answer(b""), PermanentError),
        (Answer(b"[]"), PermanentError),
        (Answer(b"{}"), PermanentError),
        (Answer(status=204), PermanentError),
        (Answer(b'{"text": "Something else was said here."}'), PermanentError),
    ],
)
async def test_look_up_never_says_no_by_mistake(server: Loopback, answer: Answer, error: type[SourceError]) -> None:
    with pytest.raises(error):
        await look(server, answer)
