"""Who wrote a mention: names that are nobody's, accounts that stay the same, and on which platform. Pure.

A name is not an account: there are many people called Ján Novák. An account is what a platform gives to one person
only, or an e-mail address.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from monitor.fields import string
from monitor.model import Mention
from monitor.text import fold

# Folded. Platforms put these where a customer gave no name: equal names then do not mean the same person.
_NOBODY = re.compile(
    r"anonym\w*|(overeny|spokojny|neznamy)?(zakaznik|zakaznicka|uzivatel|pouzivatel|kupujici|kupujuci|spotrebitel)"
    r"|nevtelen\w*|(ellenorzott|ismeretlen)?(vasarlo|felhasznalo|vevo)|(verified|unknown)?(customer|buyer|user|purchaser)"
    r"|(a)?googleuser|guest|host|vendeg|unknown|neznamy|ismeretlen|deleted(user)?|smazano|zmazane|na|none|null"
)
# What a connector keeps in `raw` of the writer's account. A new connector may call it "account".
_ACCOUNTS = {"x": "username", "mastodon": "acct", "discourse": "username", "youtube": "writer", "shoptet": "customer"}
_NAMED_BY_ACCOUNT = frozenset({"reddit", "hackernews"})  # the author shown there is the account
# One platform, however many sources read it; other kinds are read from anywhere, so that each source is its own.
_PLATFORMS = frozenset(
    "x reddit hackernews youtube bluesky mastodon heureka zbozi googlebusiness googleplay appstore trustpilot"
    " stackexchange telegram facebook instagram".split()
)
_MAIL_FIELDS = ("email", "e-mail", "mail", "customer_email", "reply_to")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MACHINE = re.compile(
    r"(no-?reply|do-?not-?reply|noreply.*|mailer|bounce.*|notifications?|robot|web(form)?|form\w*)@.*"
)
_SHORTEST_HANDLE = 5  # letters; shorter ones are taken by others on every platform


def is_nobody(author: str) -> bool:
    """Whether a name, in whatever spelling, says nothing of who wrote."""
    folded = fold(author)
    return not folded or _NOBODY.fullmatch(folded) is not None


def platform(mention: Mention, kind: str) -> str:
    """Where people see it. `kind` is that of the mention's source, "" where the source is gone."""
    if kind in _PLATFORMS:
        return kind
    if service := string(mention.raw, "service"):  # a mail that tells of a review
        return fold(service)
    host = _host(mention) if kind == "rss" else ""
    return f"{kind}:{host or mention.source}"


def accounts(mention: Mention, kind: str) -> frozenset[str]:
    """Accounts and addresses of the writer, each with what it is an account of: "x:@jana", "mail:jana@example.sk"."""
    found = [f"mail:{address}" for address in _addresses(mention)]
    if name := _account(mention, kind):
        found.append(f"{kind}:{name}")
    return frozenset(found)


def handle(mention: Mention, kind: str) -> str:
    """The name of the account as people carry it from platform to platform, folded; "" where there is none."""
    name = _handle(mention, kind).removeprefix("@").partition("@")[0]
    folded = fold(name)
    return folded if len(folded) >= _SHORTEST_HANDLE and not is_nobody(folded) else ""


def _addresses(mention: Mention) -> list[str]:
    if not mention.raw:
        return []
    written = (string(mention.raw, name).strip().casefold() for name in _MAIL_FIELDS)
    return [one for one in written if _MAIL.fullmatch(one) and not _MACHINE.fullmatch(one)]


def _account(mention: Mention, kind: str) -> str:
    if kind in _NAMED_BY_ACCOUNT:
        return "" if is_nobody(mention.author) else mention.author.casefold()
    if kind == "bluesky":  # at://did:plc:…/app.bsky.feed.post/…
        return mention.id.removeprefix("at://").partition("/")[0]
    name = string(mention.raw, "account", _ACCOUNTS.get(kind, "account")).casefold()
    if not name or kind not in ("mastodon", "discourse") or "@" in name:
        return name
    return f"{name}@{_host(mention) or mention.source}"  # names of one server


def _host(mention: Mention) -> str:
    parts = _parts(mention)
    return parts.hostname or "" if parts else ""


def _parts(mention: Mention) -> SplitResult | None:
    """None where the address is none, of a connector that does not look."""
    try:
        return urlsplit(mention.url)
    except ValueError:
        return None


def _handle(mention: Mention, kind: str) -> str:
    if kind in _NAMED_BY_ACCOUNT:
        return mention.author
    if kind == "bluesky":
        parts = _parts(mention)
        shown = parts.path.removeprefix("/profile/").partition("/")[0] if parts else ""
        return "" if shown.startswith("did:") else shown.partition(".")[0]
    if kind in ("x", "mastodon", "discourse"):
        return string(mention.raw, _ACCOUNTS[kind])
    return mention.author if mention.author.startswith("@") else ""
