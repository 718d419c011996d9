"""Whom a notice is for: the channel or, where there is no Slack, the managers by mail. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.options import Config
from monitor.people import People
from monitor.store.messages import NewMessage


def channel_of(config: Config) -> str:
    """Where notices go in Slack; "" where there is none."""
    return (config.slack.notices or config.slack.channel) if config.slack is not None else ""


def addressed(
    key: str, body: str, due: datetime, *, channel: str, people: People, draft_id: int | None = None
) -> Iterator[NewMessage]:
    """The notice `body`, once for `channel` or, where that is "", once for each manager of `people` with an address."""
    if channel:
        yield NewMessage(
            key=f"slack-{key}",
            medium="slack",
            recipient=channel,
            kind="notice",
            due=due,
            draft_id=draft_id,
            body=body,
        )
        return
    for name, person in people.items():
        if person.role == "manager" and person.mail:
            yield NewMessage(
                key=f"mail-{key}-{name}",
                medium="mail",
                recipient=person.mail,
                person=name,
                kind="notice",
                due=due,
                draft_id=draft_id,
                body=body,
            )
