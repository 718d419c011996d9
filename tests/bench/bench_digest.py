"""Cost of a digest over a million mentions, against the same queries with nothing but an index by date.

    python -m tests.bench.bench_digest [MENTIONS]

Both sides run in one process on two files: ours, and a copy of it without the table of counts and without the indexes
that were made for digests, but with one by date. They have to find the same. Memory is that of one digest, at a tenth
of the mentions and at all of them.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from monitor.digest.gathering import Gatherer
from monitor.digest.schedule import imagined
from monitor.people import Person
from monitor.store import tally
from monitor.store.digests import Edition
from monitor.store.sqlite import SqliteStore

MENTIONS = 1_000_000
TODAY = date(2026, 11, 23)  # a Monday: its digest is about three days
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SPAN = timedelta(days=365)
ROUNDS = 5
SOURCES = [f"source-{number}" for number in range(12)]
ASPECTS = ["delivery", "product", "price", "staff", "refund", "web", "communication", "availability"]
WORDS = "balík prišiel rozbitý a nikto sa neozval ani po týždni ďakujem veľmi ochotná pani Jana poradila".split()
OURS = ("idx_mention_complaints", "idx_mention_praise", "idx_decision_answered", "idx_draft_decided")
OURS_TOO = ("idx_draft_troubled", "idx_mention_written", "idx_mention_threaded")
JANA = Person(name="Jana", mail="jana@shop.example", language="sk")


def seed(path: Path, mentions: int) -> None:
    """As the pipeline would have left them, a third of them with a draft, nearly all of these answered."""
    SqliteStore(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-200000"):
        connection.execute(f"PRAGMA {pragma}")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER [{trigger}]")  # counted once at the end; words are not searched here
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO source (name, kind, configured, cursor, due, status, failures, refusals)"
        " VALUES (?, 'rss', 1, '', 0, 'ok', 0, 0)",
        [(name,) for name in SOURCES],
    )
    chance = random.Random(7)
    for rows in batches(mentions, chance):
        for statement, values in rows.items():
            connection.executemany(statement, values)
    connection.execute("DROP TABLE mention_count")
    tally.create(connection)
    connection.execute("COMMIT")
    connection.close()


MENTION = (
    "INSERT INTO mention (id, source, external_id, url, rating, language, thread, created_at, seen_at, content_hash,"
    " stage, label, confidence, unsure, verdict, action, priority, reason, case_id)"
    " VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?, 'done', ?, 0.9, 0, ?, 'reply', ?, '{\"code\":\"\",\"detail\":\"\"}', ?)"
)
TEXT = "INSERT INTO mention_text (id, author, title, text, reply, raw) VALUES (?, ?, '', ?, '', '')"
CASE = "INSERT INTO cases (id, key, opened_at) VALUES (?, '', ?)"
DRAFT = (
    "INSERT INTO draft (id, case_id, mention_id, rev, state, language, text, parts, author, findings, priority,"
    " reason, manual, created_at, updated_at, approved_hash, decided_by, decided_at, decided_via, answer_by, routed)"
    " VALUES (?, ?, ?, 1, ?, ?, ?, '{}', 'playbook', '[]', ?, '', 0, ?, ?, '', 'Jana', ?, 'page', ?, 1)"
)
REVISION = (
    "INSERT INTO draft_rev (draft_id, rev, language, text, parts, author, at) VALUES (?, 1, ?, ?, '{}', 'playbook', ?)"
)
DECISION = (
    "INSERT INTO decision (draft_id, rev, action, actor, via, at, text_hash, reason, state)"
    " VALUES (?, 1, ?, 'Jana', 'page', ?, '', '', ?)"
)


def batches(mentions: int, chance: random.Random) -> Iterator[dict[str, list[tuple[object, ...]]]]:
    start = (NOW - SPAN).timestamp()
    step = SPAN.total_seconds() / mentions
    for first in range(1, mentions + 1, 20_000):
        rows: dict[str, list[tuple[object, ...]]] = {
            statement: [] for statement in (MENTION, TEXT, CASE, DRAFT, REVISION, DECISION)
        }
        for number in range(first, min(first + 20_000, mentions + 1)):
            add(rows, number, start + number * step, number >= mentions - 400, chance)
        yield rows


def add(rows: dict[str, list[tuple[object, ...]]], number: int, at: float, waits: bool, chance: random.Random) -> None:
    label = chance.choices(["complaint", "praise", "neutral"], [3, 5, 2])[0]
    language = chance.choices(["sk", "cs", "hu"], [6, 3, 1])[0]
    aspects = chance.sample(ASPECTS, chance.choices([0, 1, 2], [2, 5, 3])[0])
    verdict = {
        "label": label,
        "confidence": 0.9,
        "unsure": False,
        "language": language,
        "reasons": [{"code": "stars", "detail": "1"}],
        "aspects": [{"name": name, "words": [name]} for name in aspects],
        "model": "made",
        "urgency": [],
        "tone": {"name": "plain", "words": []},
        "aside": None,
    }
    text = " ".join(chance.choices(WORDS, k=25))
    stars = {"complaint": 1.0, "praise": 5.0, "neutral": 3.0}[label]
    source = SOURCES[min(int(chance.expovariate(0.4)), len(SOURCES) - 1)]
    rows[MENTION].append(
        (
            *(number, source, f"m{number}", f"https://shop.example/{number}", stars, language, at, at + 300),
            *(f"{number:064}", label, json.dumps(verdict), 2 if label == "complaint" else 4, number),
        )
    )
    rows[TEXT].append((number, f"Zuzana {number}", text))
    rows[CASE].append((number, at))
    if label == "neutral" or chance.random() > 0.45:
        return
    state = "pending" if waits else chance.choices(["published", "rejected", "failed"], [95, 5, 0.01])[0]
    done = at + chance.expovariate(1 / 20_000)
    final = text if chance.random() < 0.7 else f"{text}, prepáčte"
    rows[DRAFT].append(
        (number, number, number, state, language, final, 2, at, done, None if waits else done, at + 30_000)
    )
    rows[REVISION].append((number, language, text, at))
    if state == "published":
        rows[DECISION] += [(number, "approve", done, "approved"), (number, "publication_published", done + 50, state)]


def by_date_only(ours: Path, path: Path) -> None:
    shutil.copy(ours, path)
    connection = sqlite3.connect(path, isolation_level=None)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER [{trigger}]")
    for index in (*OURS, *OURS_TOO):
        connection.execute(f"DROP INDEX IF EXISTS {index}")
    connection.execute("DROP TABLE mention_count")
    connection.execute("CREATE INDEX by_date ON mention(created_at)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def asked(store: SqliteStore, work: Callable[[], object]) -> list[str]:
    """The statements of one digest, with their values written in."""
    found: list[str] = []
    store._engine.connection.set_trace_callback(found.append)
    work()
    store._engine.connection.set_trace_callback(None)
    return [statement for statement in found if re.match(r"(SELECT|WITH)\b", statement.strip())]


def with_date_index(statement: str) -> str:
    """The same question, asked of the mentions themselves; the planner is free to begin where it likes."""
    plain = re.sub(r" INDEXED BY \w+", "", statement)
    if "mention_count" not in plain:
        return plain.replace("CROSS JOIN", "JOIN")
    about = "about = 1" in plain
    periods = ", ".join(f"({n}, {a}, {b})" for n, a, b in whole(plain))
    plain = re.sub(
        r"^WITH pieces .*?\)\) SELECT", f"WITH pieces (period, since, until) AS (VALUES {periods}) SELECT", plain
    )
    plain = plain.replace("sum(mentions * weight)", "count(*)")
    one = " CROSS JOIN json_each(verdict, '$.aspects') one" if about else ""
    plain = re.sub(
        r"mention_count AS counted ON .*? WHERE",
        f"mention AS counted ON created_at >= since AND created_at < until{one} WHERE label IS NOT NULL AND",
        plain,
    )
    return re.sub(r"\baspect\b", "json_extract(one.value, '$.name')", plain)


def whole(statement: str) -> list[tuple[int, float, float]]:
    """The periods that the pieces of a statement are of."""
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for piece in re.findall(r"\((\d+), (900|86400), (\d+), (\d+), (-?1)\)", statement):
        period, *rest = (int(number) for number in piece)
        found.setdefault(period, []).append((rest[0], rest[1], rest[2], rest[3]))
    periods = []
    for period, pieces in found.items():
        (unit, first, last, _), *corrections = pieces
        since, until = first * unit, last * unit
        for unit, start, end, weight in corrections:  # the one at the start has the other sign
            if unit * start == first * 86_400 or unit * end == first * 86_400:
                since += -weight * unit * (end - start)
            else:
                until += weight * unit * (end - start)
        periods.append((period, since, until))
    return periods


def answers(connection: sqlite3.Connection, statements: list[str]) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in connection.execute(statement)] for statement in statements]


def timed(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def memory(store: SqliteStore, edition: Edition) -> float:
    """MiB of Python's own objects at the worst moment of one digest; SQLite's cache has a fixed size."""
    tracemalloc.start()
    Gatherer(store=store, team=("Jana",)).digest(JANA, imagined(JANA, edition, TODAY), NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def compare(store: SqliteStore, plain: sqlite3.Connection, edition: Edition) -> float:
    issue, gatherer = imagined(JANA, edition, TODAY), Gatherer(store=store, team=("Jana",))
    statements = asked(store, lambda: gatherer.digest(JANA, issue, NOW))
    theirs = [with_date_index(statement) for statement in statements]
    connection = store._engine.connection
    same = sum(
        sorted(a, key=repr) == sorted(b, key=repr)
        for a, b in zip(answers(connection, statements), answers(plain, theirs), strict=True)
    )
    ours, other = timed(lambda: answers(connection, statements)), timed(lambda: answers(plain, theirs))
    whole = timed(lambda: gatherer.digest(JANA, issue, NOW))
    print(
        f"{edition:8} {len(statements)} queries, {same} of them with the same rows: {ours * 1e3:7.1f} ms against"
        f" {other * 1e3:8.1f} ms, ratio {ours / other:.3f} (target 0.35); all of the digest {whole * 1e3:.1f} ms"
    )
    if "-v" in sys.argv:
        for mine, his in zip(statements, theirs, strict=True):
            if sorted(answers(connection, [mine])[0], key=repr) != sorted(answers(plain, [his])[0], key=repr):
                print("   differs:", his)
            a, b = timed(partial(answers, connection, [mine])), timed(partial(answers, plain, [his]))
            print(f"   {a * 1e3:8.2f} {b * 1e3:8.2f}  {' '.join(mine.split())[:150]}")
    return ours / other


def main() -> None:
    mentions = next((int(word) for word in sys.argv[1:] if word.isdigit()), MENTIONS)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        peaks: dict[int, dict[Edition, float]] = {}
        for size in (mentions,) if "-1" in sys.argv else (mentions // 10, mentions):
            file = base / f"{size}.db"
            seed(file, size)
            store = SqliteStore(file)
            peaks[size] = {edition: memory(store, edition) for edition in ("daily", "monthly")}
            if size == mentions:
                by_date_only(file, base / "plain.db")
                plain = sqlite3.connect(base / "plain.db", isolation_level=None)
                print(f"{mentions:,} mentions, {file.stat().st_size / 2**20:.0f} MiB")
                for edition in ("daily", "weekly", "monthly"):
                    compare(store, plain, edition)
            store.close()
        for size, peak in peaks.items():
            print(f"memory at {size:,}: " + ", ".join(f"{name} {value:.2f} MiB" for name, value in peak.items()))


if __name__ == "__main__":
    main()
