"""What a source can do: what its connector is made for, before anybody has asked the platform."""

from __future__ import annotations

from dataclasses import replace

from monitor.contract import Abilities, Ability, CanConfirm, CanLookUp, CanReply, Connector, ReplyRules

YES = Ability("yes")


def expected(connector: Connector, account: str = "") -> Abilities:
    """`account` is in whose name it answers, as far as that is known."""
    rules: ReplyRules = getattr(connector, "reply_rules", ReplyRules())
    answers = isinstance(connector, CanReply) and rules.kind != "manual"
    by_us = Ability("yes", f"as {account}" if account else "")
    return Abilities(
        reads=YES, replies=by_us if answers else Ability("manual", rules.note), confirms=_confirms(connector, answers)
    )


def mute(connector: Connector, why: str) -> Abilities:
    """It reads, but its credentials are not enough for answering; `why` says what to do."""
    return replace(expected(connector), replies=Ability("no", why))


def _confirms(connector: Connector, answers: bool) -> Ability:
    if isinstance(connector, CanConfirm) or (answers and isinstance(connector, CanLookUp)):
        return YES
    return Ability("manual", "where one may be out or not, you look" if answers else "")
