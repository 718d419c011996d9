"""Cost 4: insert + dedupe + search index against raw multi-row SQL, and known rows against a raw SELECT … IN.

    python -m tests.bench.bench_store

Both sides run in one process on files of the same folder, alternating, the best of five each. The raw side has the
same columns, indexes and search index, for the target is about what our layer adds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from monitor.contract import Page
from monitor.model import Mention
from monitor.store.codec import dump_raw
from monitor.store.engine import Engine
from monitor.store.mentions import MENTION_COLUMNS, TEXT_COLUMNS
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, mention

ROWS = 5_000
PAGE = 500
ROUNDS = 5


def pages() -> list[tuple[Mention, ...]]:
    return [tuple(mention(n) for n in range(start, start + PAGE)) for start in range(0, ROWS, PAGE)]


def ours(folder: Path, all_pages: list[tuple[Mention, ...]]) -> tuple[float, float]:
    store = SqliteStore(folder / "ours.db")
    insert = timed(lambda: [store.mentions.save_page("shop", Page(mentions=page), None, NOON) for page in all_pages])
    known = timed(lambda: [store.mentions.save_page("shop", Page(mentions=page), None, NOON) for page in all_pages])
    store.close()
    return insert, known


def raw(folder: Path, all_pages: list[tuple[Mention, ...]]) -> tuple[float, float]:
    engine = Engine(folder / "raw.db")
    engine.migrate()
    insert = timed(lambda: [raw_insert(engine, number * PAGE, page) for number, page in enumerate(all_pages)])
    known = timed(lambda: [raw_known(engine, page) for page in all_pages])
    engine.close()
    return insert, known


def raw_insert(engine: Engine, first: int, page: tuple[Mention, ...]) -> None:
    connection = engine.connection
    now = NOON.timestamp()
    rows = [
        (first + n, m.source, m.id, m.url, m.rating, m.language, m.thread, now, now, m.content_hash, "new", None)
        for n, m in enumerate(page, start=1)
    ]
    texts = [(first + n, m.author, m.title, m.text, m.reply, dump_raw(m.raw)) for n, m in enumerate(page, start=1)]
    connection.execute("BEGIN IMMEDIATE")
    for columns, values in ((MENTION_COLUMNS, rows), (TEXT_COLUMNS, texts)):
        one = "(" + ",".join("?" * len(values[0])) + ")"
        connection.execute(
            f"INSERT INTO {columns} VALUES {','.join([one] * len(values))}",  # noqa: S608 - constants
            [value for row in values for value in row],
        )
    connection.execute("COMMIT")


def raw_known(engine: Engine, page: tuple[Mention, ...]) -> None:
    """Only the question, which of these are known; ours also compares the words, to notice edits."""
    marks = ",".join("?" * len(page))
    rows = engine.connection.execute(
        f"SELECT external_id, content_hash FROM mention WHERE source = ? AND external_id IN ({marks})",  # noqa: S608
        ["shop", *(m.id for m in page)],
    )
    known = {row["external_id"]: row for row in rows}
    assert len(known) == len(page)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    all_pages = pages()
    best = {"ours": (9e9, 9e9), "raw": (9e9, 9e9)}
    for _ in range(ROUNDS):
        for name, side in (("ours", ours), ("raw", raw)):
            with tempfile.TemporaryDirectory() as folder:
                insert, known = side(Path(folder), all_pages)
            best[name] = (min(best[name][0], insert), min(best[name][1], known))
    for number, what, target in ((0, "insert + dedupe + search index", 1.3), (1, "known rows", 2.0)):
        mine, theirs = best["ours"][number], best["raw"][number]
        print(
            f"cost 4, {what}: {mine / theirs:.2f}x raw SQL (target <= {target}x);"
            f" {mine / ROWS * 1e6:.1f} against {theirs / ROWS * 1e6:.1f} us a row, {ROWS} rows in pages of {PAGE}"
        )


if __name__ == "__main__":
    main()
