"""What config.toml says of channels that cannot be so. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.mistakes import Mistake
from monitor.options import Config


def mistakes(config: Config) -> Iterator[Mistake]:
    check = config.channels.mailbox if config.channels else None
    if check is None:
        return
    if config.mail is None and (check.send or check.ask == "mail"):
        key = "send" if check.send else "ask"
        yield Mistake(("channels", "mailbox", key), "needs [mail], through which it goes; add that, or leave this out")
    if check.send and config.mail is not None and not (check.imap_host or config.mail.imap_host):
        text = "needs an imap_host, here or in [mail], to look for what it sent"
        yield Mistake(("channels", "mailbox", "send"), text)
