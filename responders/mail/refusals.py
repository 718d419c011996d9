"""Who hears that mails to somebody do not arrive. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from monitor.people import People
from monitor.store.messages import NewMessage
from responders.addressing import addressed

REFUSED: Final = "mail_refused"  # code of the notice


def refusal_notices(person: str, why: str, now: datetime, *, channel: str, people: People) -> list[NewMessage]:
    """Once a day and person: to the channel, or, where there is no Slack (""), by mail to the other managers."""
    body = json.dumps({"code": REFUSED, "text": f"{person}: {why}", "source": ""}, ensure_ascii=False)
    key = f"{REFUSED}-{person}-{now.date()}"
    others = {name: one for name, one in people.items() if name != person}
    return [*addressed(key, body, now, channel=channel, people=others)]
