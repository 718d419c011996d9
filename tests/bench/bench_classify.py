"""Speed and size of the embedded classifier: `python -m tests.bench.bench_classify`.

Prints texts per second in batches of 32 and one by one, each the best of several passes in process CPU time, so that
other work on the machine counts little; then memory and the time to load.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

BATCH = 32
PASSES = 5
GOAL_BATCH, GOAL_SINGLE, GOAL_MEMORY = 20_000, 3_000, 60

OPENINGS = (
    "Objednala som minulý týždeň",
    "Balíček dorazil včera večer",
    "A rendelésem hétfőn érkezett",
    "My order came on Monday",
)
MIDDLES = (
    "ale obal bol celý roztrhnutý",
    "a všechno bylo v naprostém pořádku",
    "de senki nem válaszol az emailekre",
    "and the lady on the phone was kind",
)
ENDINGS = (
    "takže už nikdy viac!",
    "moc děkuji a doporučuji :)",
    "mit tegyek most?",
    "will not order again...",
    "5/5 👍",
)


def texts() -> list[str]:
    """Different texts of 10 to 20 words."""
    made = []
    for number in range(2048):
        opening, middle = OPENINGS[number % 4], MIDDLES[number // 4 % 4]
        made.append(f"{opening} ({number}), {middle}, {MIDDLES[(number // 16 + 1) % 4]}, {ENDINGS[number // 64 % 5]}")
    return made


def best(work: Callable[[], int]) -> float:
    """Most texts per second of CPU time."""
    speeds = []
    for _ in range(PASSES):
        begun = time.process_time()
        done = work()
        speeds.append(done / (time.process_time() - begun))
    return max(speeds)


def main() -> None:
    begun = time.perf_counter()
    from monitor.classify.embedded import EmbeddedClassifier
    from monitor.model import Utterance

    classifier = EmbeddedClassifier.load(languages=("sk", "cs", "hu", "en"))
    utterances = [Utterance(text=text) for text in texts()]
    classifier.classify(utterances[:1])
    loaded = time.perf_counter() - begun

    def batches() -> int:
        for start in range(0, len(utterances), BATCH):
            classifier.classify(utterances[start : start + BATCH])
        return len(utterances)

    def singles() -> int:
        for utterance in utterances[:500]:
            classifier.classify([utterance])
        return 500

    batch, single = best(batches), best(singles)
    memory = psutil.Process().memory_info().rss / 2**20
    print(f"batch of {BATCH}: {batch:8,.0f} texts/s  ({batch / GOAL_BATCH:.2f} x goal)")
    print(f"one by one:  {single:8,.0f} texts/s  ({single / GOAL_SINGLE:.2f} x goal)")
    print(f"memory:      {memory:8.1f} MiB     ({memory / GOAL_MEMORY:.2f} x allowed, psutil included)")
    print(f"load:        {loaded * 1000:8.0f} ms      (import, both models, first verdict)")


if __name__ == "__main__":
    main()
