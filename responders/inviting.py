"""A sign-in link that is mailed to somebody who is on the list: asked for on the page, sent with the other mail.

Only whom it is for is written down; the token is made when the mail is, so that none lies in the database.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.people import People, Person, with_mail
from monitor.store.messages import Message, NewMessage
from monitor.store.sqlite import SqliteStore

KIND = "sign_in"
VALID = timedelta(minutes=30)
PER_HOUR = 3  # links for one person


def invited(people: People, who: str) -> Person | None:
    """The person with that name or address, if a mail can reach them; capitals do not matter."""
    wanted = who.strip().casefold()
    named = (person for person in people.values() if wanted and person.name.casefold() == wanted)
    person = next(named, None) or with_mail(people, wanted)
    return person if person is not None and person.mail else None


def invite(store: SqliteStore, person: Person, now: datetime) -> bool:
    """Have a link mailed; False where this person got PER_HOUR in this hour already."""
    hour = int(now.timestamp() // 3600)
    letters = (
        NewMessage(
            key=f"sign-in-{person.name}-{hour}-{number}",
            medium="mail",
            recipient=person.mail,
            person=person.name,
            kind=KIND,
            due=now,
        )
        for number in range(PER_HOUR)
    )
    return any(store.messages.put([letter], now) for letter in letters)


def token_for(message: Message, store: SqliteStore, now: datetime) -> str:
    """For the link in the mail, `{page.url}/sign-in?token=…`; works once, for as long as VALID."""
    return store.sign_ins.offer(message.person, now, VALID)
