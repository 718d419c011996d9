"""What the entries of an answer are: mentions, one of each id, or why they are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from monitor.contract import Page
from monitor.model import Mention


def gathered(found: Iterable[Mention | None], why: str, *, but: Callable[[Mention], bool] | None = None) -> Page:
    """`why` is said of each None; those that `but` is true of, such as own ones, are left out."""
    mentions: dict[str, Mention] = {}
    skipped: list[str] = []
    for mention in found:
        if mention is None:
            skipped.append(why)
        elif but is None or not but(mention):
            mentions.setdefault(mention.id, mention)
    return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))
