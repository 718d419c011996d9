"""Slack as a whole: its parts put together out of the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp

from monitor.options import Config, SlackOptions
from monitor.people import people_of
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules
from responders.clocks import Clock
from responders.slack.api import Api, client
from responders.slack.clicks import Clicks
from responders.slack.sender import Sender
from responders.slack.socket import Socket
from responders.slack.web import Endpoint
from responders.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackDesk:
    """Either `socket` or `endpoint` is there, by the configured mode."""

    sender: Sender
    clicks: Clicks
    socket: Socket | None = None
    endpoint: Endpoint | None = None


@asynccontextmanager
async def slack_desk(
    config: Config,
    slack: SlackOptions,
    *,
    store: SqliteStore,
    rules: Rules,
    times: Clock,
    clock: Callable[[], datetime],
    judge_again: Callable[[int], Awaitable[None]],
) -> AsyncIterator[SlackDesk]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        web = client(slack.bot_token.get_secret_value(), slack.api, session)
        api = Api(web, session)
        zone = ZoneInfo(config.page.timezone)
        page = config.page.url.rstrip("/")
        sender = Sender(
            store=store,
            api=api,
            people=people_of(config),
            words=Words(config.page.language, zone),
            clock=clock,
            page=page,
        )
        clicks = Clicks(
            store=store,
            rules=rules,
            api=api,
            zone=zone,
            times=times,
            lease=timedelta(minutes=config.approval.lease),
            clock=clock,
            redraw=sender.redraw,
            judge_again=judge_again,
            page=page,
            language=config.page.language,
        )
        yield SlackDesk(
            sender=sender,
            clicks=clicks,
            socket=_socket(slack, session, store, clicks, clock),
            endpoint=_endpoint(slack, clicks, clock),
        )


def _socket(
    slack: SlackOptions,
    session: aiohttp.ClientSession,
    store: SqliteStore,
    clicks: Clicks,
    clock: Callable[[], datetime],
) -> Socket | None:
    if slack.mode != "socket" or slack.app_token is None:
        return None

    async def seen(envelope: str) -> bool:
        return await store.run(store.messages.receive, envelope, clock())

    token = slack.app_token.get_secret_value()
    return Socket(app_token=token, web=client(token, slack.api, session), handle=clicks.handle, seen=seen)


def _endpoint(slack: SlackOptions, clicks: Clicks, clock: Callable[[], datetime]) -> Endpoint | None:
    if slack.mode != "http" or slack.signing_secret is None:
        return None
    return Endpoint(signing_secret=slack.signing_secret.get_secret_value(), handle=clicks.handle, clock=clock)
