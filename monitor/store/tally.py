"""The table `mention_count`: how many mentions were written in which quarter of an hour, by source, language, label and
aspect. Triggers keep it, so that it is right after every transaction, whoever wrote in it and whatever for.

A row with the aspect "" counts mentions; the others count those that are about something, and one mention may be about
several things. Mentions that were never judged are not counted. A quarter of an hour, since days begin at full hours
of UTC in Europe, and at its quarters elsewhere.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

SLOT: Final = 900  # seconds

_KEYS = "slot, label, aspect, source, language"
_TABLE = f"""
CREATE TABLE mention_count (
  slot INTEGER NOT NULL, -- quarters of an hour since 1970
  label TEXT NOT NULL,
  aspect TEXT NOT NULL,
  source TEXT NOT NULL,
  language TEXT NOT NULL,
  mentions INTEGER NOT NULL,
  PRIMARY KEY ({_KEYS})
) WITHOUT ROWID"""


def _slot(mention: str) -> str:
    return f"CAST({mention}.created_at / {SLOT} AS INTEGER)"


def _aspects(mention: str) -> str:
    """The aspects of one mention, each once, and "" for the mention itself."""
    verdict = f"CASE WHEN json_valid({mention}.verdict) THEN {mention}.verdict ELSE '{{}}' END"
    return (
        "SELECT '' AS aspect UNION SELECT coalesce(json_extract(value, '$.name'), '')"
        f" FROM json_each({verdict}, '$.aspects')"
    )


def _add(mention: str) -> str:
    return (
        f"INSERT INTO mention_count ({_KEYS}, mentions)"
        f" SELECT {_slot(mention)}, {mention}.label, aspect, {mention}.source, coalesce({mention}.language, ''), 1"
        f" FROM ({_aspects(mention)}) WHERE {mention}.label IS NOT NULL"
        " ON CONFLICT DO UPDATE SET mentions = mentions + 1;"
    )


def _take(mention: str) -> str:
    where = (
        f"slot = {_slot(mention)} AND label = {mention}.label AND source = {mention}.source"
        f" AND language = coalesce({mention}.language, '') AND aspect IN ({_aspects(mention)})"
    )
    return (
        f"UPDATE mention_count SET mentions = mentions - 1 WHERE {where};"
        f" DELETE FROM mention_count WHERE {where} AND mentions <= 0;"
    )


_COUNTED = ("source", "language", "label", "verdict", "created_at")
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in _COUNTED) for row in ("OLD", "NEW"))
_TRIGGERS = (
    f"CREATE TRIGGER mention_counted_insert AFTER INSERT ON mention WHEN NEW.label IS NOT NULL BEGIN {_add('NEW')} END",
    f"CREATE TRIGGER mention_counted_update AFTER UPDATE OF {', '.join(_COUNTED)} ON mention"
    f" WHEN ({_OLD}) IS NOT ({_NEW}) BEGIN {_take('OLD')} {_add('NEW')} END",
    f"CREATE TRIGGER mention_counted_delete AFTER DELETE ON mention WHEN OLD.label IS NOT NULL"
    f" BEGIN {_take('OLD')} END",
)
_RECOUNT = f"""
SELECT {_slot("mention")} AS slot, label, '' AS aspect, source, coalesce(language, '') AS language, count(*) AS mentions
  FROM mention WHERE label IS NOT NULL GROUP BY 1, 2, 4, 5
UNION ALL
SELECT {_slot("mention")}, label, json_extract(value, '$.name'), source, coalesce(language, ''),
       count(DISTINCT mention.id)
  FROM mention, json_each(CASE WHEN json_valid(verdict) THEN verdict ELSE '{{}}' END, '$.aspects')
 WHERE label IS NOT NULL AND coalesce(json_extract(value, '$.name'), '') <> '' GROUP BY 1, 2, 3, 4, 5"""


def create(connection: Connection) -> None:
    """The table, counted anew, and what keeps it."""
    connection.execute(_TABLE)
    recount(connection)
    for trigger in _TRIGGERS:
        connection.execute(trigger)


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
