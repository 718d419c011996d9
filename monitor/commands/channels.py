"""Looks at the company's own channels for a person who wants to know now. Nothing is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.commands.opening import now

if TYPE_CHECKING:
    from monitor.channels.listing import Channel
    from monitor.channels.looking import Looker
    from monitor.options import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`verdict` is works, warning, broken or unsure; `said` tells why in words."""

    name: str
    kind: str
    verdict: str
    code: str = ""
    said: str = ""


async def look_at_channels(config: Config, limit: float) -> list[Look]:
    """Side by side; `limit` in seconds each."""
    if config.channels is None:
        return []
    # imported late: most have no channels
    from monitor.channels.listing import channels_of
    from monitor.channels.looking import looking

    async with looking(config, now) as looker:
        return list(
            await asyncio.gather(*(_look(looker, channel, limit) for channel in channels_of(config.channels).values()))
        )


async def _look(looker: Looker, channel: Channel, limit: float) -> Look:
    from responders.channel_codes import seen

    patience = None if channel.kind == "mailbox" else limit  # a mail takes its time to arrive
    try:
        async with asyncio.timeout(patience):
            found = await looker.look(channel)
    except TimeoutError:
        return Look(
            name=channel.name, kind=channel.kind, verdict="broken", code="slow", said=f"no answer in {limit:g} s"
        )
    said = seen(found.code, found.detail)
    return Look(name=channel.name, kind=channel.kind, verdict=found.verdict, code=found.code, said=said)


def in_words(look: Look) -> str:
    return {"works": "ok", "warning": "WARNING", "broken": "DOES NOT WORK", "unsure": "cannot tell"}[look.verdict] + (
        f": {look.said}" if look.said else ""
    )
