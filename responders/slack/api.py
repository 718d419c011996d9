"""Slack's Web API through slack_sdk, with its errors named by what the caller does next."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from responders.slack.blocks import Block
from responders.slack.cards import Card

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

log = logging.getLogger(__name__)

TIMEOUT = 10  # seconds of one request
SCOPES = ("chat:write", "channels:history", "groups:history")  # of the manifest in README.md
_REFUSED_CREDENTIALS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
_LATER = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


class Api:
    """Every method raises a SourceError: TemporaryError (surely not done, may be tried later), AuthError,
    PermanentError, and OutcomeUnknown where it may have been done."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def post(self, channel: str, card: Card, *, key: str, metadata: Mapping[str, Any], thread: str = "") -> str:
        """Post a message; returns its timestamp, which is its id. `key` lets Slack recognise a repetition."""
        answer = await self._done(
            self._client.chat_postMessage(
                channel=channel,
                blocks=card.blocks,
                text=card.text,
                thread_ts=thread or None,
                metadata={"event_type": "ohlas", "event_payload": dict(metadata)},
                client_msg_id=key,
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                parse="none",
            )
        )
        return str(answer["ts"])

    async def redraw(self, channel: str, ts: str, card: Card) -> None:
        await self._done(self._client.chat_update(channel=channel, ts=ts, blocks=card.blocks, text=card.text))

    async def open_form(self, trigger: str, view: Block) -> bool:
        """False where the trigger had expired."""
        try:
            await self._done(self._client.views_open(trigger_id=trigger, view=view))
        except PermanentError as error:
            if "expired_trigger_id" not in str(error):
                raise
            return False
        return True

    async def whisper(self, response_url: str, channel: str, user: str, text: str) -> None:
        """Tell one person something. What cannot be told is logged: the card still shows how things stand."""
        try:
            if response_url:
                body = {"text": text, "response_type": "ephemeral", "replace_original": False}
                async with self._session.post(response_url, json=body) as answer:
                    answer.raise_for_status()
            elif channel:
                await self._done(self._client.chat_postEphemeral(channel=channel, user=user, text=text))
        except (aiohttp.ClientError, TimeoutError, SourceError) as error:
            log.warning("Slack did not take the answer to a click: %s", type(error).__name__)

    async def find(self, channel: str, key: str, thread: str = "") -> str:
        """The timestamp of our message with that key among the newest hundred, "" where it is not there."""
        if thread:
            request = self._client.conversations_replies(
                channel=channel, ts=thread, limit=100, include_all_metadata=True
            )
        else:
            request = self._client.conversations_history(channel=channel, limit=100, include_all_metadata=True)
        answer = await self._done(request)
        messages: list[Mapping[str, Any]] = answer.get("messages") or []
        return next((str(one["ts"]) for one in messages if _key(one) == key), "")

    async def missing_scopes(self) -> tuple[str, ...]:
        """Scopes of the manifest that the installed app lacks: after a change it wants to be reinstalled."""
        answer = await self._done(self._client.auth_test())
        headers = {name.lower(): value for name, value in answer.headers.items()}
        granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")}
        return tuple(scope for scope in SCOPES if scope not in granted)

    async def try_socket(self, app_token: str) -> None:
        """Whether that token may open a Socket Mode connection; none is made."""
        await self._done(self._client.apps_connections_open(app_token=app_token))

    async def _done(self, request: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            return await request
        except SlackApiError as error:
            raise _named(error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorDNSError):
            raise TemporaryError("Slack cannot be reached") from None
        except (TimeoutError, aiohttp.ClientError, SlackClientError) as error:
            raise OutcomeUnknown(f"no answer from Slack ({type(error).__name__})") from None


def _key(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key", ""))


def _named(error: Any) -> SourceError:
    """A SlackApiError; its message holds the whole response, of which only the code is told."""
    response = error.response
    code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
    if response.status_code == 429 or code in _LATER:
        headers = {name.lower(): value for name, value in response.headers.items()}
        wait = headers.get("retry-after", "")
        return TemporaryError("Slack asks to wait", retry_after=float(wait) if wait.isdigit() else None)
    if response.status_code >= 500:
        return OutcomeUnknown(f"Slack answers {response.status_code}")
    if code in _REFUSED_CREDENTIALS:
        return AuthError(f"Slack refuses the token ({code}); see `ohlas check`")
    return PermanentError(f"Slack refuses it: {code or response.status_code}")


def client(token: str, api: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Without slack_sdk's retries: after a connection reset it would post twice."""
    from slack_sdk.web.async_client import AsyncWebClient

    return AsyncWebClient(token=token, base_url=api, timeout=TIMEOUT, session=session, retry_handlers=[])
