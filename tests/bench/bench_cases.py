"""What it costs to find out whose matter a mention is, beside saving it, when there are a million of them.

    python -m tests.bench.bench_cases [mentions]

Both are measured in one run, over the last pages of a store that grows to that size. Every text is its own, of a
complaint's length, one in ten names an order, one in ten comes from a known account, one in fifty is a copy.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from monitor.contract import Page
from monitor.linking import Linker
from monitor.model import Mention
from monitor.store.sqlite import SqliteStore
from tests.made import NOON, mention

PAGE, BATCH = 500, 16  # mentions saved, and mentions joined, in one transaction
MEASURED = 20  # pages at the end
KINDS = {"shop": "heureka", "x": "x", "maps": "googlebusiness"}
WORDS = [
    f"{start}{middle}{end}" for start in "bdkmnprstvz" for middle in ("a", "e", "i", "o", "u") for end in ("l", "k")
]


def text(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=35))


def pages(count: int) -> Iterator[tuple[Mention, ...]]:
    chance = random.Random(7)
    copied = text(chance)
    for start in range(0, count, PAGE):
        source = chance.choice(tuple(KINDS))
        yield tuple(_mention(number, source, chance, copied) for number in range(start, start + PAGE))


def _mention(number: int, source: str, chance: random.Random, copied: str) -> Mention:
    said = copied if number % 50 == 0 else text(chance)
    order = f" objednávka č. {chance.randrange(10**6, 10**7)}" if number % 10 == 1 else ""
    raw = {"username": f"writer{chance.randrange(10**6)}"} if number % 10 == 2 else {}
    return mention(number, source=source, text=said + order, author=f"Person {number}", raw=raw)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def join(store: SqliteStore, page: tuple[Mention, ...], first: int, linker: Linker) -> None:
    for start in range(0, len(page), BATCH):
        batch = dict(enumerate(page[start : start + BATCH], start=first + start))
        store.cases.assign(batch, linker, NOON)


def main(count: int) -> None:
    linker = Linker(kinds=KINDS)
    saving: list[float] = []
    joining: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "ohlas.db")
        for number, page in enumerate(pages(count)):
            said = Page(mentions=page)
            saving.append(timed(lambda said=said: store.mentions.save_page(said.mentions[0].source, said, None, NOON)))
            joining.append(timed(lambda p=page, n=number: join(store, p, n * PAGE + 1, linker)))
        store.close()
    for what, part in (("first", slice(None, MEASURED)), ("last", slice(-MEASURED, None))):
        save, joined = (statistics.median(times[part]) / PAGE * 1e6 for times in (saving, joining))
        print(
            f"{what} {MEASURED * PAGE:,} of {count:,} mentions: joining {joined / save:.2f}x saving;"
            f" {joined:.0f} against {save:.0f} us a mention"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
