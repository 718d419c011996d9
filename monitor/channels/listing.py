"""The channels of config.toml, each with a key of its own."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.channel_options import ChannelOptions, FormCheck, MailboxCheck, PageCheck


@dataclass(frozen=True, slots=True)
class Channel:
    """One thing to look at. `name` is what people are shown."""

    kind: str  # page, profile, form, mailbox
    name: str
    check: PageCheck | FormCheck | MailboxCheck

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"


def channels_of(options: ChannelOptions | None) -> dict[str, Channel]:
    """Every channel of config.toml, by key."""
    if options is None:
        return {}
    found = [Channel("page", check.url, check) for check in options.pages]
    found += [Channel("profile", url, PageCheck(url=url)) for url in options.social]
    found += [Channel("form", options.form.url, options.form)] if options.form else []
    found += [Channel("mailbox", options.mailbox.address, options.mailbox)] if options.mailbox else []
    return {channel.key: channel for channel in found}
