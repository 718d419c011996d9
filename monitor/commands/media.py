"""Whether Slack and the mail servers of config.toml take our credentials. Nothing is posted, sent or read."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.errors import AuthError, OhlasError

if TYPE_CHECKING:
    from monitor.options import Config, MailOptions, SlackOptions
    from responders.mail.imap import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A way to people: Slack, mail out or mail in. `problem` is "" where it can be used, `note` says how."""

    name: str
    note: str = ""
    problem: str = ""


async def try_media(config: Config, limit: float) -> list[Medium]:
    """Side by side; `limit` in seconds each."""
    return list(await asyncio.gather(*(_within(limit, name, trial) for name, trial in _trials(config))))


def _trials(config: Config) -> list[tuple[str, Coroutine[Any, Any, Medium]]]:
    found: list[tuple[str, Coroutine[Any, Any, Medium]]] = []
    if config.slack is not None:
        found.append(("Slack", _slack(config.slack)))
    if config.mail is not None:
        from responders.mail.imap import account_of

        found.append(("Mail out", _mail_out(config.mail)))
        if (account := account_of(config.mail)) is not None:
            found.append(("Mail in", _mail_in(account)))
    return found


async def _within(limit: float, name: str, trial: Coroutine[Any, Any, Medium]) -> Medium:
    try:
        async with asyncio.timeout(limit):
            return await trial
    except TimeoutError:
        return Medium(name=name, problem=f"no answer within {limit:g} s")
    except OhlasError as error:
        return Medium(name=name, problem=str(error))


async def _slack(slack: SlackOptions) -> Medium:
    import aiohttp

    from responders.slack.api import Api, client

    async with aiohttp.ClientSession() as session:
        api = Api(client(slack.bot_token.get_secret_value(), slack.api, session), session)
        try:
            missing = await api.missing_scopes()
        except AuthError as error:
            return Medium(name="Slack", problem=f"slack.bot_token: {error}")
        if missing:
            problem = f"the app lacks the scopes {', '.join(missing)}: add them, then Reinstall to Workspace"
            return Medium(name="Slack", problem=problem)
        if slack.mode == "http" or slack.app_token is None:
            return Medium(name="Slack", note="ok, by HTTP: Slack has to reach POST /slack at page.url")
        try:
            await api.try_socket(slack.app_token.get_secret_value())
        except OhlasError as error:
            return Medium(name="Slack", problem=f"slack.app_token (it needs the scope connections:write): {error}")
    return Medium(name="Slack", note="ok, by Socket Mode")


async def _mail_out(mail: MailOptions) -> Medium:
    from monitor.smtp import server_of

    async with server_of(mail).connected():
        login = f"as {mail.user}" if mail.user else "without a login"
        return Medium(name="Mail out", note=f"ok, {mail.host}:{mail.port}, {mail.security}, {login}")


async def _mail_in(account: Account) -> Medium:
    from responders.mail.imap import try_out

    await asyncio.to_thread(try_out, account)
    decides = (
        "" if account.authserv_id else "; without mail.authserv_id a reply is answered with a link and never decides"
    )
    return Medium(name="Mail in", note=f"ok, {account.folder} of {account.user}{decides}")
