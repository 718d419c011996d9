"""What people write in Telegram groups that a bot of yours is in, and under the posts of a channel with a discussion.

Telegram keeps what it has for a bot a day, and hands each message over once; of what is deleted it tells nothing.
https://core.telegram.org/bots/api#getting-updates
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, SecretStr, field_validator

from monitor.contract import Abilities, Ability, Page, Receipt, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string
from monitor.http import DAY, Http, Response, retry_after
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.text import clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "about 20 answers a minute in one group"
COST = "free"
API = "https://api.telegram.org"
MOST = 100  # messages in one answer
_TOKEN = re.compile(r"([0-9]{5,20}):[A-Za-z0-9_-]{30,60}")
_CHAT = re.compile(r"@[A-Za-z]\w{3,31}|-[0-9]{5,20}", re.ASCII)
_NEWEST = 4_102_444_800  # Unix seconds; dates beyond it are nonsense
_REFUSALS = (400, 401, 403, 404, 409, 429)  # whose bodies say more


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "telegram"`."""

    interval: float = Field(
        default=60.0, ge=5.0, le=43_200.0, description="seconds between two polls; Telegram keeps messages for a day"
    )
    token: SecretStr = Field(description="the bot's token, from @BotFather: '$NAME'")
    username: str = Field(pattern=r"^[A-Za-z]\w{3,31}$", description="the bot's name, without the @")
    chats: tuple[str, ...] = Field(
        default=(), description="groups that are read, '@yourgroup' or '-1001234567890'; empty: all that the bot is in"
    )
    read: Literal["mentions", "replies", "all"] = Field(
        default="replies",
        description="mentions: what names the bot or one of own_names; replies: also what answers the bot or a post of "
        "your channel; all: every message",
    )

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("is not a bot's token, which looks like 123456789:AAE…")
        return value

    @field_validator("chats")
    @classmethod
    def _are_chats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [number for number, chat in enumerate(value, 1) if not _CHAT.fullmatch(chat)]:
            raise ValueError(f"entry {bad[0]} is no group; write '@yourgroup', or the number, which begins with -")
        return value

    @property
    def bot(self) -> int:
        """Its number, with which the token begins."""
        return int(self.token.get_secret_value().partition(":")[0])

    @property
    def emptied(self) -> str:
        return f"telegram bot {self.bot}"


def connect(settings: Settings, http: Http) -> Telegram:
    return Telegram(settings, http)


class _State(Cursor):
    """The cursor."""

    offset: int = Field(default=0, ge=0)  # the first that was not handed over yet; Telegram forgets those before it


class Telegram:
    """Every poll is one request. What was handed over is forgotten with the next one, after it was saved."""

    reply_rules = ReplyRules(kind="create", max_length=4096, unit="utf16", channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {name.casefold().lstrip("@") for name in (settings.username, *settings.own_names)}
        self._own_titles = {fold(name) for name in settings.own_names}
        self._chats = {chat.casefold() for chat in settings.chats}

    async def poll(self, cursor: str) -> Page:
        state, now = _State.parse(cursor), datetime.now(UTC)
        asked = {
            "offset": state.offset,
            "limit": MOST,
            "timeout": 0,
            "allowed_updates": json.dumps(["message", "edited_message"]),
        }
        response = await self._http.get(self._address("getUpdates", asked), also=_REFUSALS)
        updates = _result(response)
        if not isinstance(updates, list):
            raise nonsense("Telegram", "list of messages")
        page = self._page(updates, now)
        numbers = [number for update in rows({"all": updates}, "all") if (number := _number(update.get("update_id")))]
        after = _State(offset=max([state.offset, *(number + 1 for number in numbers)]))
        return Page(
            mentions=page.mentions,
            skipped=page.skipped,
            cursor=after.model_dump_json(),
            more=len(updates) >= MOST,
            once=True,  # with the next poll Telegram forgets it
        )

    async def close(self) -> None:
        pass

    async def abilities(self) -> Abilities:
        bot = _result(await self._http.get(self._address("getMe"), also=_REFUSALS))
        bot = bot if isinstance(bot, dict) else {}
        name = one_line(string(bot, "username"), 40)
        if name.casefold() != self._settings.username.casefold():
            return mute(self, f"the token is of @{name}; set that as username, or take another token")
        if self._settings.read != "all" or bot.get("can_read_all_group_messages") is True:
            return expected(self, f"@{name}")
        # a bot that is an administrator of its groups sees everything all the same
        hint = "privacy mode is on: where the bot is no administrator it sees only what is for it; see /setprivacy"
        return replace(expected(self, f"@{name}"), reads=Ability("yes", hint))

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        """Where the message is deleted meanwhile, Telegram refuses the answer."""
        chat, _, number = mention.id.rpartition(".")
        document: dict[str, Any] = {
            "chat_id": int(chat),
            "text": text,
            "reply_parameters": {"message_id": int(number)},
            "link_preview_options": {"is_disabled": True},
        }
        if topic := _number(mention.raw.get("topic")):
            document["message_thread_id"] = topic
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        response = await self._http.send(
            "POST",
            self._address("sendMessage"),
            headers={"Content-Type": "application/json"},
            body=body,
            also=_REFUSALS,
        )
        try:
            posted = _result(response)
        except TemporaryError as error:
            if response.status < 300:  # it took the answer and says so in a way that nobody understands
                raise OutcomeUnknown(
                    "Telegram does not say whether it took the answer", cause="not_known", words="Telegram"
                ) from None
            raise error
        except AuthError as error:
            if response.status == 403:
                raise PermanentError(
                    "the bot may not write there; is it still in the group?", cause="may_not", words="Telegram"
                ) from None
            raise error
        sent = _number(posted.get("message_id")) if isinstance(posted, dict) else 0
        if not sent:
            raise OutcomeUnknown(
                "Telegram does not say whether it took the answer", cause="not_known", words="Telegram"
            )
        return Receipt(id=f"{chat}.{sent}", url=_link(inner(posted, "chat"), chat, sent))

    def _address(self, method: str, asked: Mapping[str, Any] | None = None) -> str:
        query = f"?{urlencode(asked)}" if asked else ""
        return f"{API}/bot{self._settings.token.get_secret_value()}/{method}{query}"

    def _page(self, updates: list[Any], now: datetime) -> Page:
        mentions: dict[str, Mention] = {}
        skipped: list[str] = []
        for update in updates:
            message = inner(update, "message", "edited_message") if isinstance(update, dict) else {}
            chat = inner(message, "chat")
            if not (_number(message.get("message_id")) and type(chat.get("id")) is int):
                skipped.append("a message without a number or a chat")
            elif self._is_read(message, chat) and (mention := self._mention(message, chat, now)):
                mentions[mention.id] = mention  # of two the later is the newer
        return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))

    def _is_read(self, message: Mapping[str, Any], chat: Mapping[str, Any]) -> bool:
        if string(chat, "type") not in ("group", "supergroup") or self._is_own(message):
            return False
        names = {str(chat["id"]), f"@{string(chat, 'username').casefold()}"}
        if self._chats and not names & self._chats:
            return False
        read = self._settings.read
        return read == "all" or self._names_us(message) or (read == "replies" and self._answers_us(message))

    def _is_own(self, message: Mapping[str, Any]) -> bool:
        """What bots write, the channel of this discussion, anonymous administrators, and own_names."""
        sender, behalf = inner(message, "from"), inner(message, "sender_chat")
        if behalf:
            ours = behalf.get("id") == inner(message, "chat").get("id") or message.get("is_automatic_forward") is True
            return ours or self._is_ours(behalf)
        return sender.get("is_bot") is True or self._is_ours(sender)

    def _is_ours(self, writer: Mapping[str, Any]) -> bool:
        return string(writer, "username").casefold() in self._own or fold(_name(writer)) in self._own_titles

    def _names_us(self, message: Mapping[str, Any]) -> bool:
        named = re.findall(r"@(\w{4,32})", string(message, "text", "caption").casefold(), re.ASCII)
        return not self._own.isdisjoint(named)

    def _answers_us(self, message: Mapping[str, Any]) -> bool:
        answered = inner(message, "reply_to_message")
        by_bot = inner(answered, "from").get("id") == self._settings.bot
        return by_bot or (bool(inner(answered, "sender_chat")) and self._is_own(answered | {"chat": message["chat"]}))

    def _mention(self, message: Mapping[str, Any], chat: Mapping[str, Any], now: datetime) -> Mention | None:
        """None where there are no words: pictures, stickers, somebody who joined."""
        text = clean(string(message, "text", "caption"))
        if not text:
            return None
        number, written = message["message_id"], _number(message.get("date"))
        answered = _number(inner(message, "reply_to_message").get("message_id"))
        topic = _number(message.get("message_thread_id")) if message.get("is_topic_message") is True else 0
        return Mention(
            source=self._settings.name,
            id=f"{chat['id']}.{number}",
            text=text,
            created_at=datetime.fromtimestamp(min(written, now.timestamp()), UTC) if written else now,
            url=_link(chat, str(chat["id"]), number),
            author=_name(inner(message, "sender_chat", "from")),
            language=self._settings.language,
            thread=f"{chat['id']}.{answered}" if answered else "",
            raw={"group": one_line(string(chat, "title"), 100), "topic": topic},
        )


def _name(writer: Mapping[str, Any]) -> str:
    full = f"{string(writer, 'first_name')} {string(writer, 'last_name')}".strip()
    return one_line(string(writer, "title") or full or string(writer, "username"), 100)


def _link(chat: Mapping[str, Any], number: str, message: int) -> str:
    """ "" where a group has no address. The numbers of larger ones begin with -100, which addresses leave out."""
    name = string(chat, "username")
    if re.fullmatch(r"\w{4,32}", name, re.ASCII):
        return f"https://t.me/{name}/{message}"
    return f"https://t.me/c/{number.removeprefix('-100')}/{message}" if number.startswith("-100") else ""


def _number(value: object) -> int:
    """0 where it is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _NEWEST else 0


def _result(response: Response) -> Any:
    """Raises a `SourceError`. Telegram's own words are not shown; they may repeat what was sent."""
    try:
        document = response.json()
    except TemporaryError:
        document = None  # e.g. a page of HTML in front of Telegram
    document = document if isinstance(document, dict) else {}
    if response.status >= 400:
        raise _refusal(response, document)
    if document.get("ok") is not True:
        raise TemporaryError(
            "Telegram answers with something that cannot be understood", cause="nonsense", words="Telegram"
        )
    return document.get("result")


def _refusal(response: Response, document: Mapping[str, Any]) -> SourceError:
    status, words = response.status, string(document, "description")
    if status == 429:
        asked = _number(inner(document, "parameters").get("retry_after"))
        pause = min(float(asked), DAY) if asked else retry_after(response.headers.get("Retry-After"))
        return TemporaryError("Telegram was asked too often", retry_after=pause, cause="too_often", words="Telegram")
    if status == 409 and "webhook" in words:
        return PermanentError("the bot has a webhook, so it cannot be read; delete that with deleteWebhook")
    if status == 409:
        return TemporaryError(
            "another program reads this bot; give Ohlas a bot of its own", cause="taken", words="Telegram"
        )
    if status == 400:
        return PermanentError(
            "Telegram does not take it; was the message deleted meanwhile?", cause="rejected", words="Telegram"
        )
    return AuthError("Telegram refuses the token of this source", cause="refused", words="Telegram")
