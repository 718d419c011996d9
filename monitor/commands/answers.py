"""What the sources of config.toml answer, and what can be done with their credentials."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from monitor.commands.sources import connected, first_page
from monitor.contract import Abilities, Ability, CanReceive, CanVouch, Connector, Page
from monitor.errors import AuthError, OhlasError, SourceError
from monitor.text import one_line
from monitor.vouching import expected

if TYPE_CHECKING:
    from monitor.commands.opening import Setup
    from monitor.options import Config, SourceOptions

log = logging.getLogger(__name__)

UNKNOWN = Ability("unknown")
STATES = {"manual": "by hand", "unknown": "not known"}  # where people would not understand the word


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a source answered; `problem` is "" where it did. `replies` is "by_us" or "by_hand".

    `abilities` is what can be done with its credentials, as far as that was found out.
    """

    name: str
    kind: str
    reachable: bool
    abilities: Abilities
    mentions: int = 0
    more: bool = False
    skipped: tuple[str, ...] = ()
    replies: str = "by_hand"
    receives: bool = False
    problem: str = ""

    @property
    def reads(self) -> bool:
        """False also where the platform answers, but its credentials are not enough for reading."""
        return self.reachable and self.abilities.reads.state != "no"


async def ask_all(setup: Setup, config: Config, limit: float) -> list[Answer]:
    """Side by side, so that it takes as long as the slowest source."""
    outcomes = await asyncio.gather(
        *(_ask(setup, config, name, limit) for name in config.sources), return_exceptions=True
    )
    return [
        outcome if isinstance(outcome, Answer) else _failed(setup, config.sources[name], outcome)
        for name, outcome in zip(config.sources, outcomes, strict=True)
    ]


async def _ask(setup: Setup, config: Config, name: str, limit: float) -> Answer:
    async with connected(config, name) as connectors:
        connector = connectors[name]
        abilities = _masked_too(setup, await _vouched(connector, limit))
        page = None if abilities.reads.state == "unknown" else await first_page(connector, limit)
        return _answer(config.sources[name], connector, page, abilities)


async def _vouched(connector: Connector, limit: float) -> Abilities:
    """What it says of its credentials, or what it is made for where it cannot say anything."""
    made_for = expected(connector)
    if not isinstance(connector, CanVouch):
        return made_for
    try:
        async with asyncio.timeout(limit):
            return await connector.abilities()
    except TimeoutError:
        return replace(made_for, replies=Ability("unknown", f"no answer within {limit:g} s"))
    except SourceError as error:
        state: Literal["no", "unknown"] = "no" if isinstance(error, AuthError) else "unknown"
        return replace(made_for, replies=Ability(state, str(error)))


def _masked_too(setup: Setup, abilities: Abilities) -> Abilities:
    named = {name: getattr(abilities, name) for name in ("reads", "replies", "confirms")}
    return Abilities(**{name: Ability(one.state, setup.masked(one_line(one.why))) for name, one in named.items()})


def _failed(setup: Setup, source: SourceOptions, error: BaseException) -> Answer:
    """What a connector raises beyond its contract is a mistake of ours, and is logged."""
    problem = setup.masked(str(error))
    if not isinstance(error, OhlasError):
        log.error("the connector of %s failed", source.name, exc_info=error)
        problem = f"unexpected {type(error).__name__}; this is a mistake in Ohlas"
    abilities = Abilities(reads=Ability("no", problem), replies=UNKNOWN, confirms=UNKNOWN)
    return Answer(name=source.name, kind=source.kind, reachable=False, abilities=abilities, problem=problem)


def _answer(source: SourceOptions, connector: Connector, page: Page | None, abilities: Abilities) -> Answer:
    """`page` is None where nothing was read, because that would cost money."""
    from responders.publish import is_manual

    found = page or Page()
    return Answer(
        name=source.name,
        kind=source.kind,
        reachable=True,
        mentions=len(found.mentions),
        more=found.more,
        skipped=found.skipped,
        replies="by_hand" if is_manual(connector) else "by_us",
        receives=isinstance(connector, CanReceive),
        abilities=abilities,
    )


def in_words(answer: Answer) -> str:
    if answer.problem:
        return f"CANNOT BE READ: {answer.problem}"
    able = answer.abilities
    named = {"read": _with_what_came(answer), "reply": able.replies, "confirm": able.confirms}
    return " · ".join(f"{name} {_said(one)}" for name, one in named.items())


def _with_what_came(answer: Answer) -> Ability:
    reads = answer.abilities.reads
    if reads.state != "yes":
        return reads
    mentions = "1 mention" if answer.mentions == 1 else f"{answer.mentions} mentions"
    came = f"{mentions}{', and more is waiting' if answer.more else ''}"
    sent = f"waits for deliveries at /in/{answer.name}" if answer.receives else ""
    told = came if answer.mentions or not sent else ""
    return replace(reads, why="; ".join(part for part in (reads.why, told, sent) if part))


def _said(ability: Ability) -> str:
    state = STATES.get(ability.state, ability.state)
    return f"{state} ({ability.why})" if ability.why else state
