"""The connector of Telegram, against a Bot API on 127.0.0.1 that hands over and forgets as the real one does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from connectors import telegram
from monitor.contract import CanLookUp, CanReply, Page
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Mention
from responders.length import measure
from tests.contract import JsonContract
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp

TOKEN = "123456789:AAEcanaryCanaryCANARYcanary_-canary01"
BOT = {"id": 123456789, "is_bot": True, "first_name": "Púpava", "username": "pupava_bot"}
EVA = {"id": 7, "is_bot": False, "first_name": "Eva", "last_name": "Malá", "username": "eva_m"}
GROUP = {"id": -1001234567, "type": "supergroup", "title": "Púpava", "username": "pupavaskupina"}
CHANNEL = {"id": -1007654321, "type": "channel", "title": "Púpava", "username": "pupava"}
WRITTEN = 1_795_200_000


def message(number: int, text: str = "Stan tečie", **more: Any) -> dict[str, Any]:
    known = {"message_id": number, "from": EVA, "chat": GROUP, "date": WRITTEN, "text": text}
    return {name: value for name, value in (known | more).items() if value is not None}


class TestTelegramContract(JsonContract):
    kind = "telegram"
    settings = {"token": TOKEN, "username": "pupava_bot", "read": "replies"}
    secrets = (TOKEN,)
    recording = (
        b'{"ok": true, "result": [{"update_id": 900001, "message": {"message_id": 41, "date": 1795200000, "from":'
        b' {"id": 7, "is_bot": false, "first_name": "Eva"}, "chat": {"id": -1001234567, "type": "supergroup"},'
        b' "reply_to_message": {"from": {"id": 123456789}}, "text": "the tent leaks"}},'
        b'{"update_id": 900002, "message": {"message_id": 42, "date": 1795200060, "from": {"id": 8, "is_bot": false,'
        b' "first_name": "Jan"}, "chat": {"id": -1001234567, "type": "supergroup"},'
        b' "reply_to_message": {"from": {"id": 123456789}}, "text": "mine too"}}]}'
    )
    entry = rb'\{"update_id": .*?"\}\}'
    bad_entry = b'{"update_id": 900001, "message": {"text": 5}}'
    phrase = b"the tent leaks"
    names = ("caption", "sender_chat", "message_thread_id", "is_automatic_forward", "username")
    nonsense = {
        "list": b"[]",
        "not ok": b'{"ok": false}',
        "result": b'{"ok": true, "result": 7}',
        "entries": b'{"ok": true, "result": [5, null, {"update_id": []}]}',
    }


@dataclass
class BotApi:
    """Keeps updates until they are confirmed; takes answers to messages of `there`."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    there: set[int] = field(default_factory=set)
    posted: list[dict[str, Any]] = field(default_factory=list)
    fault: Answer | None = None

    def arrives(self, *messages: dict[str, Any], kind: str = "message") -> None:
        for one in messages:
            number = 900_001 + len(self.updates) + getattr(self, "_gone", 0)
            self.updates.append({"update_id": number, kind: one})
            self.there.add(one["message_id"])

    def __call__(self, asked: Asked) -> Answer:
        if self.fault is not None:
            return self.fault
        url = urlsplit(asked.path)
        if not url.path.startswith(f"/bot{TOKEN}/"):
            return said(401, "Unauthorized")
        if url.path.endswith("/getUpdates"):
            return self._get(parse_qs(url.query))
        assert url.path.endswith("/sendMessage") and asked.method == "POST"
        return self._send(json.loads(asked.body))

    def _get(self, asked: dict[str, list[str]]) -> Answer:
        assert json.loads(asked["allowed_updates"][0]) == ["message", "edited_message"]
        self.updates = [one for one in self.updates if one["update_id"] >= int(asked["offset"][0])]
        return good(self.updates[: int(asked["limit"][0])])

    def _send(self, document: dict[str, Any]) -> Answer:
        if len(document["text"].encode("utf-16-le")) > 2 * 4096:
            return said(400, "Bad Request: message is too long")
        if document["reply_parameters"]["message_id"] not in self.there:
            return said(400, "Bad Request: message to be replied not found")
        self.posted.append(document)
        return good(message(500 + len(self.posted), document["text"], **{"from": BOT}))


def good(result: Any) -> Answer:
    return Answer(json.dumps({"ok": True, "result": result}).encode())


def said(code: int, description: str, **parameters: Any) -> Answer:
    document = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return Answer(json.dumps(document).encode(), code)


@asynccontextmanager
async def connected(platform: BotApi, **options: Any) -> AsyncIterator[telegram.Telegram]:
    known = {"kind": "telegram", "name": "tg", "token": TOKEN, "username": "pupava_bot"}
    async with Loopback(platform) as server, LoopbackHttp(server.origin, total=4.0) as http:
        yield telegram.connect(telegram.Settings(**known | options), http)


async def read(*messages: dict[str, Any], kind: str = "message", **options: Any) -> list[Mention]:
    platform = BotApi()
    platform.arrives(*messages, kind=kind)
    async with connected(platform, **{"read": "all", **options}) as source:
        page = await source.poll("")
        assert page.once and not page.skipped
        return list(page.mentions)


# ---- what is read


async def test_what_a_message_becomes() -> None:
    answered = {"message_id": 3, "chat": GROUP, "from": EVA}
    topic = {"message_thread_id": 9, "is_topic_message": True}
    [mention] = await read(message(4, "Stan  tečie", reply_to_message=answered, **topic))
    assert (mention.id, mention.thread, mention.text) == ("-1001234567.4", "-1001234567.3", "Stan tečie")
    assert (mention.author, mention.url) == ("Eva Malá", "https://t.me/pupavaskupina/4")
    assert mention.created_at.timestamp() == WRITTEN and mention.raw == {"group": "Púpava", "topic": 9}


async def test_where_a_group_without_a_name_is() -> None:
    private = {"id": -1001234567, "type": "supergroup", "title": "X"}
    small = {"id": -77777, "type": "group", "title": "X"}
    urls = [mention.url for mention in await read(message(1, chat=private), message(2, chat=small))]
    assert urls == ["https://t.me/c/1234567/1", ""]


async def test_an_edited_message_is_the_same_one() -> None:
    platform = BotApi()
    platform.arrives(message(4))
    platform.arrives(message(4, "Stan už netečie", edit_date=WRITTEN + 60), kind="edited_message")
    async with connected(platform, read="all") as source:
        [mention] = (await source.poll("")).mentions
    assert mention.text == "Stan už netečie"


async def test_pictures_have_words_too_and_the_rest_has_none() -> None:
    joined = message(3, text=None, new_chat_members=[EVA])  # type: ignore[arg-type]
    picture = message(2, text=None, caption="Takto prišiel")  # type: ignore[arg-type]
    assert [mention.text for mention in await read(picture, joined)] == ["Takto prišiel"]


@pytest.mark.parametrize(
    "own",
    [
        {"from": BOT},
        {"from": {"id": 9, "is_bot": True, "first_name": "Another"}},
        {"sender_chat": GROUP, "from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}},
        {"sender_chat": CHANNEL, "is_automatic_forward": True, "from": {"id": 777000, "first_name": "Telegram"}},
        {"from": {"id": 10, "first_name": "Jana", "username": "Pupava_Jana"}},
        {"from": {"id": 11, "first_name": "Púpava", "last_name": "predajňa"}},
        {"chat": {"id": 7, "type": "private"}},
        {"chat": CHANNEL},
    ],
)
async def test_own_and_private_messages_are_not_read(own: dict[str, Any]) -> None:
    assert not await read(message(1, **own), own_names=("@pupava_jana", "Púpava predajňa"))


async def test_another_channel_may_write_too() -> None:
    foreign = {"id": -1009999, "type": "channel", "title": "Turisti", "username": "turisti"}
    [mention] = await read(message(1, sender_chat=foreign, **{"from": {"id": 136817688, "is_bot": True}}))
    assert mention.author == "Turisti"


@pytest.mark.parametrize(("option", "expected"), [("mentions", [1]), ("replies", [1, 2, 3]), ("all", [1, 2, 3, 4, 5])])
async def test_what_is_read_can_be_chosen(option: str, expected: list[int]) -> None:
    post = message(20, sender_chat=CHANNEL, is_automatic_forward=True)
    mentions = await read(
        message(1, "@Pupava_bot, stan tečie"),
        message(2, reply_to_message=message(21, **{"from": BOT})),
        message(3, reply_to_message=post),
        message(4, reply_to_message=message(22)),
        message(5, "@pupava_bot2 je niekto iný"),
        read=option,
    )
    assert [int(mention.id.rpartition(".")[2]) for mention in mentions] == expected


async def test_only_the_groups_that_are_named() -> None:
    other = {"id": -1009999999, "type": "supergroup", "title": "Iná"}
    both = (message(1), message(2, chat=other))
    for chats, expected in ((("@PupavaSkupina",), 1), (("-1009999999",), 1), ((), 2)):
        assert len(await read(*both, chats=chats)) == expected


async def test_everything_is_handed_over_once_and_kept_until_it_is_saved() -> None:
    platform = BotApi()
    platform.arrives(*(message(number) for number in range(1, 151)))
    async with connected(platform, read="all") as source:
        first: Page = await source.poll("")
        again = await source.poll("")
        assert (len(first.mentions), first.more, again) == (100, True, first), "not saved, so handed over again"
        second = await source.poll(first.cursor)
        assert (len(second.mentions), second.more) == (50, False)
        assert not (await source.poll(second.cursor)).mentions and not platform.updates


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (said(401, "Unauthorized"), AuthError, "token"),
        (said(404, "Not Found"), AuthError, "token"),
        (said(409, "Conflict: can't use getUpdates method while webhook is active"), PermanentError, "deleteWebhook"),
        (said(409, "Conflict: terminated by other getUpdates request"), TemporaryError, "another program"),
        (said(429, "Too Many Requests", retry_after=35), TemporaryError, "too often"),
    ],
)
async def test_refusals(answer: Answer, error: type[Exception], hint: str) -> None:
    async with connected(BotApi(fault=answer)) as source:
        with pytest.raises(error, match=hint) as caught:
            await source.poll("")
    assert TOKEN not in str(caught.value)
    assert getattr(caught.value, "retry_after", None) == (35 if answer.status == 429 else None)


@pytest.mark.parametrize(
    "options", [{"token": "123"}, {"username": "@bot"}, {"chats": ("skupina",)}, {"interval": 90_000.0}]
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        telegram.Settings(**{"kind": "telegram", "token": TOKEN, "username": "pupava_bot", **options})


# ---- answers


async def answered(platform: BotApi, text: str = "Ďakujeme, ozveme sa.", **more: Any) -> Any:
    async with connected(platform, read="all") as source:
        assert isinstance(source, CanReply) and not isinstance(source, CanLookUp)
        [mention] = await read(message(4, **more))
        return await source.reply(mention, text, "key-1")


async def test_an_answer_stands_under_its_message() -> None:
    platform = BotApi(there={4})
    receipt = await answered(platform, message_thread_id=9, is_topic_message=True)
    assert (receipt.id, receipt.url) == ("-1001234567.501", "https://t.me/pupavaskupina/501")
    [document] = platform.posted
    assert (document["chat_id"], document["reply_parameters"]) == (-1001234567, {"message_id": 4})
    assert document["message_thread_id"] == 9 and document["text"] == "Ďakujeme, ozveme sa."


async def test_length_is_counted_as_telegram_does() -> None:
    rules = telegram.Telegram.reply_rules
    for text, taken in (("a" * 4096, True), ("👍" * 2048, True), ("a" * 4097, False), ("👍" * 2049, False)):
        assert (measure(rules.unit)(text) <= rules.max_length) is taken
        platform = BotApi(there={4})
        if taken:
            await answered(platform, text)
        else:
            with pytest.raises(PermanentError):
                await answered(platform, text)


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (None, PermanentError, "deleted"),
        (said(403, "Forbidden: bot was kicked from the supergroup chat"), PermanentError, "in the group"),
        (said(401, "Unauthorized"), AuthError, "token"),
        (said(429, "Too Many Requests", retry_after=7), TemporaryError, "too often"),
        (Answer(b"<html>"), OutcomeUnknown, "does not say"),
        (good({"message_id": "x"}), OutcomeUnknown, "does not say"),
    ],
)
async def test_answers_that_are_not_taken(answer: Answer | None, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        await answered(BotApi(fault=answer))
