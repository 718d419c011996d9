"""Cost of looking for 200 terms in 10,000 made-up posts. Run: python -m tests.bench.bench_terms

1. Against a loop of one regular expression for each term, which knows no endings: in times, less is better.
2. Against judging the same texts by the embedded classifier, sixteen at once: at most 5 %.
3. The same where every text names one of the terms.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from monitor.classify.embedded import EmbeddedClassifier
from monitor.model import Utterance
from monitor.watch.terms import Terms

TERMS, POSTS, JUDGED = 200, 10_000, 1_000
SYLLABLES = (
    "ba be bo da di do fi ga ho ja ka ki ko la le li lo ma mi mo na ni no pa pe ro ra sa se ta to va vi za".split()
)
WORDS = (
    "včera som bol v obchode a predavačka mi povedala že balík nepríde kuriér nezdvihol telefón vrátili mi peniaze "
    "zboží přišlo rozbité nikdo se neomluvil megrendeltem két hete semmi válasz szép volt köszönöm the parcel arrived "
    "late and nobody answered my mails veľmi pekná kytica odporúčam všetkým škoda že nemajú otvorené v nedeľu"
).split()


def main() -> None:
    lots = random.Random(7)
    names = ["".join(lots.choices(SYLLABLES, k=3)).title() for _ in range(TERMS)]
    posts = [" ".join(lots.choices(WORDS, k=lots.randint(10, 60))) for _ in range(POSTS)]
    naming = [f"{lots.choice(names)} {post}" for post in posts]
    terms, naive = Terms(names), [re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE) for name in names]
    classifier = EmbeddedClassifier.load(languages=("sk", "cs", "hu", "en"))
    looked = seconds(terms.look, posts)
    print(
        f"looking for {TERMS} terms: {looked / POSTS * 1e6:.1f} us a text of {sum(map(len, posts)) // POSTS} characters"
    )
    looped = seconds(lambda post: [one.search(post) for one in naive], posts)
    print(f"1. a loop of regular expressions takes {looped / looked:.1f} times as long")
    judged = seconds(lambda some: judge(classifier, some), batches(posts[:JUDGED])) * POSTS / JUDGED
    print(f"2. judging takes {judged / POSTS * 1e6:.0f} us a text; looking is {looked / judged:.1%} of that")
    print(f"3. where each text names one of them {seconds(terms.look, naming) / judged:.1%}")
    began = time.process_time()
    Terms(names)
    print(f"compiling the terms takes {(time.process_time() - began) * 1e3:.0f} ms")


def judge(classifier: EmbeddedClassifier, posts: Sequence[str]) -> None:
    """As the pipeline does it: with reasons."""
    utterances = [Utterance(text=post) for post in posts]
    for utterance, verdict in zip(utterances, classifier.classify(utterances), strict=True):
        classifier.explain(utterance, verdict)


def batches(posts: list[str]) -> list[list[str]]:
    return [posts[at : at + 16] for at in range(0, len(posts), 16)]


def seconds(work: Callable[[Any], object], over: Sequence[Any]) -> float:
    """The processor's, the best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.process_time()
        for one in over:
            work(one)
        rounds.append(time.process_time() - began)
    return min(rounds)


if __name__ == "__main__":
    main()
