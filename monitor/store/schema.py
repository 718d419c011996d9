"""Tables, and how an older database becomes a newer one: forward only, a backup before the first step.

Times are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database, Migrations

from monitor.errors import StoreError
from monitor.store import aside, foundation, looks, matters, tally, tombstones

migrations = Migrations("ohlas")


def migrate(database: Database, path: Path, backup: Callable[[str], object]) -> None:
    """Take every step that `database`, the file at `path`, lacks. Raises StoreError where it knows more than we do."""
    applied = {step.name for step in migrations.applied(database)}
    if strange := applied - set(steps()):
        raise StoreError(
            f"{path} was written by a newer Ohlas (it has {', '.join(sorted(strange))}). "
            "Install that version, or put back a backup from before."
        )
    pending = [step.name for step in migrations.pending(database)]
    if applied and pending:  # a new database has nothing to lose
        backup(f"before-{pending[0]}")  # one for all: a dozen copies of a large file may fill the disk
    migrations.apply(database)


def steps() -> list[str]:
    """The names of all steps, in order."""
    empty = Database(memory=True, execute_plugins=False)
    try:
        return [step.name for step in migrations.pending(empty)]
    finally:
        empty.close()


@migrations()
def m0001_foundation(db: Database) -> None:
    foundation.sources(db)
    foundation.mentions(db)
    foundation.drafts(db)
    foundation.publications(db)
    foundation.people(db)


@migrations()
def m0002_corrections(db: Database) -> None:
    """What people say that a mention really is. Words stay with the mention; only imported ones are kept apart."""
    db.table("correction").create(
        {
            "id": int,
            "mention_id": int,  # NULL: imported, see correction_text
            "content_hash": str,  # of the words that were judged; other words are another matter
            "label": str,
            "verdict": str,  # JSON of the verdict before, "" for an imported one
            "actor": str,
            "via": str,
            "at": float,
        },
        pk="id",
        not_null={"content_hash", "label", "verdict", "actor", "via", "at"},
        foreign_keys=[("mention_id", "mention", "id")],
    )
    db.table("correction").create_index(["mention_id"])
    db.execute("CREATE UNIQUE INDEX idx_correction_imported ON correction(content_hash) WHERE mention_id IS NULL")
    db.table("correction_text").create(
        {"id": int, "text": str, "rating": float, "language": str},
        pk="id",
        not_null={"text", "language"},
        foreign_keys=[("id", "correction", "id")],
    )


@migrations()
def m0003_wanted(db: Database) -> None:
    """Mentions without a draft are listed, newest first, and a person may want one drafted all the same."""
    db.execute("ALTER TABLE mention ADD COLUMN wanted TEXT NOT NULL DEFAULT ''")  # the person, "" for nobody
    db.execute("CREATE INDEX idx_mention_aside ON mention(created_at DESC, id) WHERE action IN ('note', 'skip')")


@migrations()
def m0004_replies(db: Database) -> None:
    """Why each sentence of a draft was chosen, and what a language model has cost."""
    db.execute("ALTER TABLE draft ADD COLUMN choices TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE draft_rev ADD COLUMN choices TEXT NOT NULL DEFAULT '[]'")
    db.table("llm_use").create(
        {"day": str, "model": str, "requests": int, "tokens_in": int, "tokens_out": int, "cost": float},
        pk=("day", "model"),
        not_null={"requests", "tokens_in", "tokens_out", "cost"},
    )


@migrations()
def m0005_asking(db: Database) -> None:
    """Whose a draft is, when somebody is asked again, and what goes out to people and comes back from them."""
    for column in (
        "assignee TEXT NOT NULL DEFAULT ''",
        "team TEXT NOT NULL DEFAULT '[]'",  # JSON of names
        "claimed_by TEXT NOT NULL DEFAULT ''",
        "claimed_until REAL",
        "snoozed_until REAL",
        "watched INTEGER NOT NULL DEFAULT 0",  # snoozed until something changes
        "level INTEGER NOT NULL DEFAULT 0",
        "timer REAL",  # reminder, escalation and the end of a snooze at once; NULL: nobody is asked again
        "answer_by REAL",
        "routed INTEGER NOT NULL DEFAULT 0",
        "approvals TEXT NOT NULL DEFAULT '[]'",  # JSON: who said yes to this revision so far, where two have to
    ):
        db.execute(f"ALTER TABLE draft ADD COLUMN {column}")
    db.execute("CREATE INDEX idx_draft_timer ON draft(timer) WHERE timer IS NOT NULL")
    db.execute("CREATE INDEX idx_draft_unrouted ON draft(id) WHERE NOT routed AND state IN ('pending', 'failed')")
    db.table("message").create(
        {
            "id": int,
            "key": str,
            "medium": str,  # slack, mail
            "recipient": str,
            "person": str,
            "kind": str,
            "draft_id": int,
            "rev": int,
            "body": str,
            "state": str,  # due, sending, sent, unknown, failed, dropped
            "due": float,
            "attempts": int,
            "external_id": str,
            "thread_id": str,
            "shown": str,
            "error": str,
            "at": float,
        },
        pk="id",
        not_null={"key", "medium", "recipient", "person", "kind", "rev", "body", "state", "attempts", "at"},
        foreign_keys=[("draft_id", "draft", "id")],
    )
    db.table("message").create_index(["key"], unique=True)
    db.execute("CREATE INDEX idx_message_due ON message(medium, due) WHERE state = 'due'")
    db.execute("CREATE INDEX idx_message_sending ON message(id) WHERE state = 'sending'")
    db.table("message").create_index(["draft_id"])
    db.table("message").create_index(["medium", "external_id"])
    db.table("received").create({"key": str, "at": float}, pk="key", not_null={"at"})
    db.table("received").create_index(["at"])
    db.table("reader").create({"name": str, "value": str}, pk="name", not_null={"value"})


@migrations()
def m0006_acknowledgement(db: Database) -> None:
    """A mention may get a short acknowledgement before its answer: at most one of each."""
    db.execute("ALTER TABLE draft ADD COLUMN purpose TEXT NOT NULL DEFAULT 'answer'")
    db.execute("ALTER TABLE draft ADD COLUMN promised REAL")  # by when an acknowledgement says that the answer comes
    db.execute("ALTER TABLE draft_rev ADD COLUMN purpose TEXT NOT NULL DEFAULT 'answer'")
    db.execute("ALTER TABLE publication ADD COLUMN purpose TEXT NOT NULL DEFAULT 'answer'")
    db.execute("DROP INDEX idx_draft_mention_id")
    db.execute("CREATE UNIQUE INDEX idx_draft_mention_purpose ON draft(mention_id, purpose)")
    db.execute("DROP INDEX idx_publication_source_external_id")
    db.execute("CREATE UNIQUE INDEX idx_publication_of ON publication(source, external_id, purpose)")
    db.execute(
        "CREATE INDEX idx_draft_acknowledging ON draft(id) WHERE purpose = 'acknowledgement' AND state = 'pending'"
    )


@migrations()
def m0007_threads(db: Database) -> None:
    """What was said in the same conversation is looked up for each of its mentions."""
    db.execute("CREATE INDEX idx_mention_thread ON mention(source, thread) WHERE thread <> ''")


@migrations()
def m0008_moderation(db: Database) -> None:
    """Answers that a platform accepted and may still refuse: `due` is when it is asked next."""
    db.execute("CREATE INDEX idx_publication_moderated ON publication(due) WHERE state = 'published' AND due > 0")


@migrations()
def m0009_modelled(db: Database) -> None:
    """Which revision a language model was asked about last, and why its text does not stand there."""
    db.execute("ALTER TABLE draft ADD COLUMN llm_rev INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE draft ADD COLUMN llm_note TEXT NOT NULL DEFAULT ''")
    db.execute(
        "CREATE INDEX idx_draft_unasked ON draft(priority, created_at) WHERE state = 'pending' AND purpose = 'answer'"
        " AND author = 'playbook' AND llm_rev < rev"
    )


@migrations()
def m0010_queues(db: Database) -> None:
    """Everybody's queue is counted at every look; the rows themselves are fat."""
    db.execute(
        "CREATE INDEX idx_draft_queue ON draft(state, priority, mention_id, assignee, claimed_by, claimed_until,"
        " snoozed_until, watched, level, routed, team, language) WHERE state IN ('pending', 'failed')"
    )


@migrations()
def m0011_spikes(db: Database) -> None:
    """When people complained is looked at every few minutes."""
    db.execute("CREATE INDEX idx_mention_complaints ON mention(created_at) WHERE label = 'complaint'")


@migrations()
def m0012_counting(db: Database) -> None:
    """What digests and reports count: mentions by the quarter of an hour, and the rest by covering indexes."""
    tally.create(db.conn)
    db.execute("DROP INDEX idx_mention_complaints")
    db.execute(
        "CREATE INDEX idx_mention_complaints ON mention(created_at, priority, rating, source, language)"
        " WHERE label = 'complaint'"
    )
    db.execute("CREATE INDEX idx_mention_praise ON mention(created_at, source, language) WHERE label = 'praise'")
    db.execute(
        "CREATE INDEX idx_decision_answered ON decision(at, draft_id, action)"
        " WHERE action IN ('publication_published', 'posted', 'reply_seen', 'handled')"
    )
    db.execute("CREATE INDEX idx_draft_decided ON draft(decided_at) WHERE decided_at IS NOT NULL")
    db.execute("CREATE INDEX idx_draft_troubled ON draft(state, updated_at) WHERE state IN ('failed', 'unknown')")


@migrations()
def m0013_alerts(db: Database) -> None:
    """When people were told last of something that goes on, and what is looked for every few minutes."""
    db.table("alert").create(
        {"kind": str, "subject": str, "times": int, "at": float}, pk=("kind", "subject"), not_null={"times", "at"}
    )
    db.execute("CREATE INDEX idx_mention_threaded ON mention(created_at, source, thread) WHERE thread <> ''")
    db.execute(
        "CREATE INDEX idx_draft_promised ON draft(promised) WHERE purpose = 'acknowledgement' AND state = 'published'"
    )


@migrations()
def m0014_budgets(db: Database) -> None:
    """What was spent of each account's quotas and money, by slot of time, and what its platform said last."""
    db.table("budget").create(
        {
            "account": str,  # of a platform, without its secrets
            "name": str,
            "most": float,
            "reserve": float,  # for answers
            "unit": str,  # requests, units, USD
            "span": str,  # the window
            "sources": str,  # JSON: who shares it
            "observed": float,  # no more than that is left up to `until`, the platform says
            "until": float,
            "told": float,  # the share of the window `told_in` that people heard of
            "told_in": float,
        },
        pk=("account", "name"),
        not_null={"most", "reserve", "unit", "span", "sources"},
    )
    db.table("budget_spent").create(
        {"account": str, "name": str, "slot": float, "amount": float},
        pk=("account", "name", "slot"),
        not_null={"amount"},
    )


@migrations()
def m0015_channels(db: Database) -> None:
    """How the company's own channels fare, since when a source is silent, and when its mentions were written."""
    db.table("channel").create(
        {
            "key": str,
            "kind": str,  # page, profile, form, mailbox
            "name": str,
            "configured": int,  # 0: no longer in config.toml
            "due": float,  # lease and next look at once
            "health": str,  # new, ok, warning, unknown, failing, broken
            "failures": int,
            "tries": int,
            "since": float,
            "code": str,
            "detail": str,
            "warned": str,
            "checked_at": float,
            "ok_at": float,
        },
        pk="key",
        not_null={"kind", "name", "configured", "due", "health", "failures", "tries", "code", "detail", "warned"},
    )
    db.table("channel").create_index(["due"])
    db.execute("ALTER TABLE source ADD COLUMN silent_since REAL")  # when its last mention was written; NULL: as usual
    db.execute("CREATE INDEX idx_mention_written ON mention(source, created_at)")


@migrations()
def m0016_digests(db: Database) -> None:
    """Which digest was written to whom, once each, and who wants none."""
    db.table("digest").create(
        {
            "person": str,
            "edition": str,  # daily, weekly, monthly
            "day": str,  # local date on which it was due
            "first_day": str,
            "last_day": str,
            "message_key": str,  # "": nothing was sent, since there was nothing to tell
            "at": float,
        },
        pk=("person", "edition", "day"),
        not_null={"first_day", "last_day", "message_key", "at"},
    )
    db.table("digest_reader").create({"person": str, "since": float, "off_at": float}, pk="person", not_null={"since"})


@migrations()
def m0017_erasing(db: Database) -> None:
    """What was erased, what is still to be, and where mentions are found that were kept for long enough."""
    tombstones.create(db.conn)


@migrations()
def m0018_follow_ups(db: Database) -> None:
    """What customers did after our answer: they changed the review, wrote again, or said how we handled it."""
    db.table("follow_up").create(
        {
            "id": int,
            "kind": str,  # changed, wrote, voted
            "at": float,
            "case_id": int,
            "mention_id": int,  # what had been answered
            "shown_id": int,  # the mention that shows it: the same, or the next one that the customer wrote
            "draft_id": int,
            "before": float,
            "after": float,
            "score": str,
            "said": str,  # the customer's words with a vote
        },
        pk="id",
        not_null={"kind", "at", "case_id", "mention_id", "shown_id", "draft_id"},
        defaults={"said": ""},
        foreign_keys=[("mention_id", "mention", "id"), ("shown_id", "mention", "id"), ("draft_id", "draft", "id")],
    )
    db.table("follow_up").create_index(["at"])
    db.execute("CREATE UNIQUE INDEX idx_follow_up_wrote ON follow_up(shown_id) WHERE kind = 'wrote'")
    db.execute("CREATE UNIQUE INDEX idx_follow_up_voted ON follow_up(case_id) WHERE kind = 'voted'")


@migrations()
def m0019_matters(db: Database) -> None:
    """What tells that mentions are one customer's matter, and what people said about that."""
    matters.create(db.conn)


@migrations()
def m0020_said(db: Database) -> None:
    """What a customer said with his vote is looked for when he is erased."""
    db.execute("CREATE INDEX idx_follow_up_said ON follow_up(mention_id) WHERE said <> ''")


@migrations()
def m0021_erasing_of(db: Database) -> None:
    """How many mentions of an erasure wait is asked every half a minute."""
    db.execute("CREATE INDEX idx_erasing_of ON erasing(erasure_id)")


@migrations()
def m0022_counting_what_counts(db: Database) -> None:
    """What was skipped is not counted any more."""
    tally.create(db.conn)


@migrations()
def m0023_looked_up(db: Database) -> None:
    """What was posted is looked up for every card, and labels are counted at every scrape of /metrics."""
    db.execute("CREATE INDEX idx_publication_draft ON publication(draft_id)")
    db.execute("CREATE INDEX idx_mention_label ON mention(label)")


@migrations()
def m0024_told(db: Database) -> None:
    """What deliveries named and did not hold, until it is read: the platform does not tell it again."""
    db.table("told").create(
        {"source": str, "name": str, "at": float, "due": float}, pk=("source", "name"), not_null={"at", "due"}
    )
    db.table("told").create_index(["source", "due"])


@migrations()
def m0025_causes(db: Database) -> None:
    """What happened to a source as a code, for those who do not read English."""
    for table in ("source", "notice"):
        db.table(table).add_column("cause", str, not_null_default="")


@migrations()
def m0026_set_aside(db: Database) -> None:
    """What was set aside is counted by reason at every look at its list."""
    aside.by_reason(db.conn)


@migrations()
def m0027_setbacks(db: Database) -> None:
    """Why an answer is not out as a code, for those who do not read English."""
    for table in ("publication", "decision"):
        db.table(table).add_column("cause", str, not_null_default="")


@migrations()
def m0028_looks(db: Database) -> None:
    """When kept mentions were looked at again at their source."""
    looks.create(db.conn)


@migrations()
def m0029_told_meanwhile(db: Database) -> None:
    """Who is told of something new while a source is being read reads it once more."""
    db.table("source").add_column("pulled", int, not_null_default=0)
