"""The table `mention_count`: how many mentions were written when, by source, language, label and aspect. Triggers keep
it, so that it is right after every transaction, whoever wrote in it and whatever for.

Everything is counted twice: by the day of UTC, and by its quarters of an hour. A local day is a day of UTC and the few
quarters by which the two differ, added or taken away: exact in every time zone, and a few hundred rows to read.

Rows with `about` 0 count mentions; those with 1 count mentions that are about an aspect, and one mention may be about
several. Mentions that were never judged are not counted, nor what was skipped: spam, our own posts, what does not
name us.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

SLOT: Final = 900  # seconds
DAY: Final = 86_400

_KEYS = "unit, about, slot, label, aspect, source, language"
_UNITS = f"(SELECT {SLOT} AS unit UNION ALL SELECT {DAY})"
_TABLE = f"""
CREATE TABLE mention_count (
  unit INTEGER NOT NULL, -- seconds: {SLOT} or {DAY}
  about INTEGER NOT NULL, -- 0: mentions; 1: mentions about `aspect`
  slot INTEGER NOT NULL, -- units since 1970
  label TEXT NOT NULL,
  aspect TEXT NOT NULL,
  source TEXT NOT NULL,
  language TEXT NOT NULL,
  mentions INTEGER NOT NULL,
  PRIMARY KEY ({_KEYS})
) WITHOUT ROWID"""


def _json(mention: str) -> str:
    return f"CASE WHEN json_valid({mention}.verdict) THEN {mention}.verdict ELSE '{{}}' END"


def _counts(mention: str) -> str:
    """`mention` is how a row is called, with its dot."""
    return f"({mention}label IS NOT NULL AND {mention}action IS NOT 'skip')"


def _aspects(mention: str) -> str:
    """The aspects of one mention, each once, and "" for the mention itself."""
    return (
        "SELECT '' AS aspect UNION SELECT coalesce(json_extract(value, '$.name'), '')"
        f" FROM json_each({_json(mention)}, '$.aspects')"
    )


def _add(mention: str) -> str:
    return (
        f"INSERT INTO mention_count ({_KEYS}, mentions) SELECT unit, aspect <> '',"
        f" CAST({mention}.created_at / unit AS INTEGER), {mention}.label, aspect, {mention}.source,"
        f" coalesce({mention}.language, ''), 1 FROM {_UNITS}, ({_aspects(mention)})"
        f" WHERE {_counts(f'{mention}.')} ON CONFLICT DO UPDATE SET mentions = mentions + 1;"
    )


def _take(mention: str) -> str:
    """Per unit, since only so every column of the key is known."""
    changes = ""
    for unit in (SLOT, DAY):
        where = (
            f"unit = {unit} AND about IN (0, 1) AND slot = CAST({mention}.created_at / {unit} AS INTEGER)"
            f" AND label = {mention}.label AND aspect IN ({_aspects(mention)}) AND source = {mention}.source"
            f" AND language = coalesce({mention}.language, '') AND {_counts(f'{mention}.')}"
        )
        changes += (
            f" UPDATE mention_count SET mentions = mentions - 1 WHERE {where};"
            f" DELETE FROM mention_count WHERE {where} AND mentions <= 0;"
        )
    return changes


_COUNTED = ("source", "language", "label", "action", "verdict", "created_at")
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in _COUNTED) for row in ("OLD", "NEW"))
_TRIGGERS = {
    "mention_counted_insert": f"AFTER INSERT ON mention WHEN {_counts('NEW.')} BEGIN {_add('NEW')} END",
    "mention_counted_update": f"AFTER UPDATE OF {', '.join(_COUNTED)} ON mention"
    f" WHEN ({_OLD}) IS NOT ({_NEW}) BEGIN {_take('OLD')} {_add('NEW')} END",
    "mention_counted_delete": f"AFTER DELETE ON mention WHEN {_counts('OLD.')} BEGIN {_take('OLD')} END",
}
_RECOUNT = " UNION ALL ".join(
    f"""
SELECT {unit} AS unit, 0 AS about, CAST(created_at / {unit} AS INTEGER) AS slot, label, '' AS aspect, source,
       coalesce(language, '') AS language, count(*) AS mentions
  FROM mention WHERE {_counts("")} GROUP BY 3, 4, 6, 7
UNION ALL
SELECT {unit}, 1, CAST(created_at / {unit} AS INTEGER), label, json_extract(value, '$.name'), source,
       coalesce(language, ''), count(DISTINCT mention.id)
  FROM mention, json_each({_json("mention")}, '$.aspects')
 WHERE {_counts("")} AND coalesce(json_extract(value, '$.name'), '') <> '' GROUP BY 3, 4, 5, 6, 7"""
    for unit in (SLOT, DAY)
)


def create(connection: Connection) -> None:
    """The table, counted anew, and what keeps it; instead of those of an earlier version."""
    connection.execute("DROP TABLE IF EXISTS mention_count")
    connection.execute(_TABLE)
    recount(connection)
    for name, trigger in _TRIGGERS.items():
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(f"CREATE TRIGGER {name} {trigger}")


def recount(connection: Connection) -> None:
    """Count every mention anew; part of the caller's transaction."""
    connection.execute("DELETE FROM mention_count")
    connection.execute(f"INSERT INTO mention_count ({_KEYS}, mentions) {_RECOUNT}")


def drift(connection: Connection) -> list[tuple[object, ...]]:
    """Rows of the table that a recount does not confirm, and those that it misses; none, unless somebody broke it."""
    kept = f"SELECT {_KEYS}, mentions FROM mention_count"
    counted = f"SELECT * FROM ({_RECOUNT})"
    found = connection.execute(
        f"SELECT * FROM ({kept} EXCEPT {counted}) UNION ALL SELECT * FROM ({counted} EXCEPT {kept})"
    )
    return [tuple(row) for row in found]
