"""What bounds every table: rows that nobody needs any more are deleted, a few at a time, and the rest has a reason.

A row that keeps something from happening twice stays for as long as that could happen again. Of rows whose numbers are
the places up to which somebody has read, the newest stays: its number must not be given to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from monitor.store.alerts import telling
from monitor.store.digests import IS_OUT
from monitor.store.engine import Engine

Deadline = Literal["messages", "audit", ""]  # an option of [retention]; "": whatever these say

_WINDOW = 1_000  # rows looked at in one go
MOST_VERSIONS = 100  # earlier versions of one mention; more come of a page that says something else at every look


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a row of `table` is `over`, in SQL. `:before` is the deadline, `:now` and `:today` the present."""

    table: str
    deadline: Deadline
    over: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """`deleted` rows; go on behind row `reached`, None where the table's end is reached."""

    deleted: int
    reached: int | None


_OPEN = "('pending', 'failed', 'approved', 'publishing', 'unknown')"
# Cards of a draft are redrawn, and emptied where a customer wants to be erased; whoever starts Ohlas asks about what
# waits again, and only by the keys it is known what was asked. A digest that covered its days is the end of the last.
_MESSAGE_OVER = f"""
message.at < :before AND message.body = '' AND message.state NOT IN ('due', 'sending')
AND NOT EXISTS (SELECT 1 FROM digest WHERE digest.person = message.person AND digest.message_key = message.key)
AND NOT EXISTS (
  SELECT 1 FROM draft JOIN mention ON mention.id = draft.mention_id WHERE draft.id = message.draft_id
  AND (draft.state IN {_OPEN} OR (message.medium = 'slack' AND message.kind IN ('card', 'history')
       AND (mention.erased_at IS NULL OR mention.erased_at >= :before))))"""
_DIGEST_OVER = f"""
digest.at < :before AND EXISTS (
  SELECT 1 FROM digest AS newer LEFT JOIN message ON message.key = newer.message_key
  WHERE newer.person = digest.person AND newer.edition = digest.edition AND newer.day > digest.day
  AND newer.at <= :now AND (newer.message_key = '' OR {IS_OUT}))"""
# counted anew, its next alert would have the key of one that was told already
_ALERT_OVER = "alert.subject <> '' AND alert.at < :before" + "".join(
    f" AND NOT EXISTS (SELECT 1 FROM message WHERE key BETWEEN '{medium}-' || telling(alert.kind, alert.subject)"
    f" AND '{medium}-' || telling(alert.kind, alert.subject) || '~')"
    for medium in ("slack", "mail")
)

RULES: Final = (  # digests go before their messages, and these before the alerts that they told of
    Rule(table="digest", deadline="messages", over=_DIGEST_OVER),
    Rule(table="message", deadline="messages", over=_MESSAGE_OVER),
    Rule(table="alert", deadline="messages", over=_ALERT_OVER),
    Rule(table="notice", deadline="messages", over="at < :before AND id < (SELECT max(id) FROM notice)"),
    Rule(
        table="follow_up",  # a mention that is judged again would be noted again
        deadline="audit",
        over="follow_up.at < :before AND (follow_up.kind <> 'wrote'"
        " OR (SELECT erased_at FROM mention WHERE mention.id = follow_up.shown_id) IS NOT NULL)",
    ),
    Rule(table="case_line", deadline="audit", over="at < :before"),
    Rule(table="attempt", deadline="audit", over="ended_at < :before AND outcome <> ''"),
    Rule(table="llm_use", deadline="audit", over="day < date(:before, 'unixepoch')"),
    Rule(
        table="erasure",  # tombstones know it by its number
        deadline="audit",
        over="at < :before AND finished_at IS NOT NULL AND id < (SELECT max(id) FROM erasure)"
        " AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.erasure_id = erasure.id)",
    ),
    Rule(
        table="mention_edit",
        deadline="",
        over="(SELECT erased_at FROM mention WHERE mention.id = mention_edit.mention_id) IS NOT NULL"
        " OR mention_edit.id <= (SELECT older.id FROM mention_edit AS older"
        f" WHERE older.mention_id = mention_edit.mention_id ORDER BY older.id DESC LIMIT 1 OFFSET {MOST_VERSIONS})",
    ),
    Rule(table="sign_in", deadline="", over="expires_at < :now"),
    Rule(table="session", deadline="", over="expires_at < :now"),
)

# why the rows of all other tables stay, or who deletes them
OTHERS: Final[Mapping[str, str]] = {
    "mention": "counted for ever, and no source brings it twice; its words go by [retention]",
    "mention_text": "one for each mention, emptied with its words",
    "mention_count": "counts stay for ever; a few rows for each mention at most",
    "mention_mark": "goes with the words of its mention",
    "mention_joined": "goes with the words of its mention",
    "linked_account": "goes with the last mark of its account",
    "cases": "customers know its number; one for each mention at most",
    "case_apart": "what people said holds for ever",
    "draft": "counted for ever; three for each mention at most, emptied by [retention]",
    "draft_rev": "which drafts were changed is counted for ever; emptied with its draft",
    "decision": "goes by [retention].audit, see Erasing.delete_old_decisions",
    "publication": "no mention is answered twice, ever; emptied with its draft",
    "correction": "what people taught holds until they take it back, or the customer is erased",
    "correction_text": "goes with its correction",
    "tombstone": "what was erased must not come back, ever; 100 bytes each",
    "erasing": "goes when its mention was erased",
    "told": "goes when it was read",
    "received": "goes after 30 days, see Messages.receive",
    "reader": "one for each reader of the list of decisions or of a mailbox",
    "digest_reader": "one for each person",
    "source": "one for each source",
    "channel": "one for each channel",
    "budget": "one for each quota",
    "budget_spent": "goes with the window of its quota, see Budgets.record",
    "setting": "one for each setting",
    "_sqlite_migrations": "one for each step of the schema",
}


class Leftovers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.connection.create_function("telling", 2, telling, deterministic=True)

    def delete(self, rule: Rule, before: datetime, now: datetime, after: int, limit: int) -> Swept:
        """At most `limit` rows that are over by `rule`, of the next ones behind row `after`; 0 is the beginning."""
        values = {"before": before.timestamp(), "now": now.timestamp()}
        looked_at = self._engine.rows(
            f"SELECT rowid AS number, coalesce({rule.over}, 0) AS over FROM {rule.table}"
            " WHERE rowid > :after ORDER BY rowid LIMIT :window",
            {**values, "after": after, "window": _WINDOW},
        )
        over = [row["number"] for row in looked_at if row["over"]][:limit]
        deleted = self._delete(rule, over, values) if over else 0
        if len(over) == limit:
            return Swept(deleted=deleted, reached=over[-1])
        return Swept(deleted=deleted, reached=looked_at[-1]["number"] if len(looked_at) == _WINDOW else None)

    def _delete(self, rule: Rule, numbers: list[int], values: Mapping[str, Any]) -> int:
        """They were looked at while others wrote, so they are looked at again."""
        named = {f"row{place}": number for place, number in enumerate(numbers)}
        chosen = ",".join(f":{name}" for name in named)
        with self._engine.writing() as connection:
            return connection.execute(
                f"DELETE FROM {rule.table} WHERE rowid IN ({chosen}) AND ({rule.over})", {**values, **named}
            ).rowcount
