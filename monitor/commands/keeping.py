"""How long what customers wrote is kept, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.retention_options import RetentionOptions


def kept_in_words(kept: RetentionOptions) -> list[str]:
    """A line for each kind of thing."""
    return [
        f"words of answered mentions: {_months(kept.answered)}; of all others: {_months(kept.unanswered)}",
        f"drafts and answers: {_months(kept.drafts)}; contents of messages to you: {_months(kept.messages)}",
        f"the list of who decided what: {_months(kept.audit)}",
        f"mentions that their author deleted: {_gone(kept.gone)}",
        f"backups: {_backups(kept)}",
    ]


def being_erased(erasures: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line where an erasure has not come to its end."""
    waiting = sum(one["waiting"] for one in erasures)
    asked = any(one["why"] == "asked" for one in erasures)
    if waiting:
        return [f"{waiting} mentions wait to be erased, some perhaps until their answers are out or not"]
    return ["the database still has to be written anew after an erasure: ohlas erase --finish"] if asked else []


def _months(months: int) -> str:
    if months == 0:
        return "for ever"
    return "1 month" if months == 1 else f"{months} months"


def _gone(days: int) -> str:
    kept = "for ever" if days == 0 else "1 day" if days == 1 else f"{days} days"
    return f"{kept}; at once where the source demands it"


def _backups(kept: RetentionOptions) -> str:
    newest = f"the newest {kept.backups}" if kept.backups else "all"
    return f"{newest}, {_months(kept.backup_age)}"
