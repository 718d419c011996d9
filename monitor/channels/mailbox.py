"""Asks whether mail for the company's mailbox is taken: its server, without sending anything, or with a small mail
that is looked for and deleted."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.channel_options import MailboxCheck
from monitor.errors import SourceError
from monitor.liveness import WORKS, Seen
from monitor.networks import Network, is_special
from monitor.options import MailOptions
from monitor.smtp import Server, server_of

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = logging.getLogger(__name__)

HOSTS = 3  # mail servers of a domain that are tried
_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_FULL = re.compile(r"quota|mailbox (?:is )?full|insufficient (?:system )?storage|over ?limit", re.IGNORECASE)
_NOT_HERE = re.compile(
    r"relay(?:ing)? (?:access )?(?:denied|not permitted)|not (?:a )?local|we do not relay", re.IGNORECASE
)
_POLICY = re.compile(
    r"spam|block|black ?list|deny ?list|reputation|policy|spf|dkim|dmarc|reverse|ptr|dynamic|tls|auth|rbl|banned",
    re.IGNORECASE,
)


@dataclass(slots=True)
class MailExchange:
    """Finds and asks the servers that a domain names for its mail. `allowed`: private networks that may be reached."""

    allowed: Sequence[Network] = ()
    port: int = 25
    resolver: Resolver | None = field(default=None)

    async def ask(self, address: str) -> Seen:
        hosts = await self._hosts(address.rpartition("@")[2].encode("idna").decode())
        if isinstance(hosts, Seen):
            return hosts
        found = Seen("unsure", "mail_server_silent", again=True)
        for host in hosts[:HOSTS]:
            if (found := await self._asked(host, address)).code != "mail_server_silent":
                break
        return found

    async def _hosts(self, domain: str) -> list[str] | Seen:
        """By preference; a domain that names none takes its mail itself."""
        # imported late: most have no mailbox looked after
        from dns import asyncresolver, exception, resolver

        try:
            answer = await (self.resolver or asyncresolver.Resolver()).resolve(domain, "MX")
        except resolver.NXDOMAIN:
            return Seen("broken", "no_host")
        except resolver.NoAnswer:
            return [domain]
        except (exception.DNSException, OSError):
            return Seen("unsure", "offline", again=True)
        named = sorted((one.preference, one.exchange.to_text(omit_final_dot=True)) for one in answer)
        hosts = [name for _, name in named if name not in ("", ".")]
        return hosts or Seen("broken", "no_mail_server")

    async def _asked(self, host: str, address: str) -> Seen:
        where = await self._address(host)
        if isinstance(where, Seen):
            return where
        try:
            async with Server(sender=address, host=where, port=self.port, security="none").connected() as connection:
                return of_answer(*await connection.asked(address, sender=""))
        except SourceError as error:
            log.info("mail server %s of %s: %s", host, address, error)
            return Seen("unsure", "mail_server_silent", again=True)

    async def _address(self, host: str) -> str | Seen:
        """The very address that is connected to, so that no name can lead to another one afterwards."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            return Seen("unsure", "mail_server_silent", again=True)
        addresses = [str(one[4][0]) for one in sorted(found, key=lambda one: one[0] != socket.AF_INET)]
        public = [one for one in addresses if not is_special(one, self.allowed)]
        return public[0] if public else Seen("unsure", "private")


async def ask_own_server(check: MailboxCheck, mail: MailOptions) -> Seen:
    """The server of [mail], which is the mailbox's own."""
    try:
        async with server_of(mail).connected() as connection:
            return of_answer(*await connection.asked(check.address))
    except SourceError as error:
        log.info("mail server %s: %s", mail.host, error)
        return Seen("unsure", "mail_server_silent", again=True)


def is_own_server(check: MailboxCheck, mail: MailOptions | None) -> bool:
    """Whether the server of [mail] is to be asked, and not the one that the domain names."""
    if mail is None or check.ask == "mx":
        return False
    return check.ask == "mail" or _domain(mail.sender) == _domain(check.address)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def of_answer(code: int, words: str) -> Seen:
    """What a server's answer to RCPT TO means for customers. A refusal of us, from this address, means nothing."""
    if code // 100 == 2:
        return WORKS
    said = f"{code} {words}"
    enhanced = _ENHANCED.match(words)
    about = (int(enhanced[1]), int(enhanced[2])) if enhanced else (0, 0)
    if about == (2, 2) or (not enhanced and _FULL.search(words)):
        return Seen("broken", "mailbox_full", said)
    if code // 100 == 4:
        return Seen("unsure", "mail_later", said, again=True)
    if _NOT_HERE.search(words):
        return Seen("broken", "mail_not_here", said)
    if about[0] in (1, 2):
        return Seen("broken", "mailbox_unknown", said)
    unknown = not enhanced and code in (550, 551, 553) and not _POLICY.search(words)
    return Seen("broken", "mailbox_unknown", said) if unknown else Seen("unsure", "mail_refused", said)
