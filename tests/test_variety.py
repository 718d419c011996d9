"""Real complaints in a row: every draft is whole, and together they do not read like one form letter."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.classify.embedded import EmbeddedClassifier
from monitor.contract import ReplyRules
from monitor.model import Composition, Mention, Utterance, Verdict
from monitor.options import CompanyOptions, PolicyOptions
from responders.draft import compose
from responders.playbook import load
from responders.shipped import shipped_languages

DEV = Path(__file__).parents[2] / "shared" / "data" / "dev"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IN_A_ROW = 40
OF_A_FILE = 120  # enough to see it, and quick
COMPANY = CompanyOptions(name="Lipka", signature="Jana z Lipky", contact="pomoc@lipka.example")

pytestmark = pytest.mark.skipif(not DEV.is_dir(), reason=f"the labelled texts are not there: {DEV}")


@pytest.fixture(scope="module")
def complaints() -> dict[str, list[tuple[Mention, Verdict]]]:
    """By language, with what the classifier says they are about; the label is that of the people who gave it."""
    classifier = EmbeddedClassifier.load(languages=shipped_languages())
    found = defaultdict(list)
    for file in sorted(DEV.glob("*.jsonl")):
        mentions = list(itertools.islice(_complaints(file), OF_A_FILE))
        utterances = [Utterance(text=mention.text, language=mention.language) for mention in mentions]
        for mention, utterance, verdict in zip(mentions, utterances, classifier.classify(utterances), strict=True):
            explained = classifier.explain(utterance, verdict)
            found[mention.language].append((mention, replace(explained, label="complaint", language=mention.language)))
    return dict(found)


def _complaints(file: Path) -> Iterator[Mention]:
    for number, line in enumerate(file.read_text("utf-8").splitlines()):
        row = json.loads(line)
        if row["label"] in ("negative", "complaint") and row["lang"] in shipped_languages():
            yield Mention(source=file.stem, id=str(number), text=row["text"], created_at=NOW, language=row["lang"])


@pytest.mark.parametrize("language", shipped_languages())
def test_forty_complaints_in_a_row(language: str, complaints: dict[str, list[tuple[Mention, Verdict]]]) -> None:
    drafts = [_draft(mention, verdict) for mention, verdict in complaints[language]]
    assert all(list(made.parts) == ["apology", "interest", "solution"] for made in drafts)
    for start in range(0, len(drafts) - IN_A_ROW + 1, IN_A_ROW):
        row = drafts[start : start + IN_A_ROW]
        assert len({made.text for made in row}) >= IN_A_ROW - 2
        sentence, times = _most_frequent(row)
        assert times <= IN_A_ROW // 2, sentence


def _draft(mention: Mention, verdict: Verdict) -> Composition:
    return compose(
        mention,
        verdict,
        playbook=load(mention.language),
        company=COMPANY,
        policy=PolicyOptions(),
        rules=ReplyRules(),
    )


def _most_frequent(drafts: list[Composition]) -> tuple[str, int]:
    """In how many of the drafts the sentence stands that stands in most of them."""
    sentences = Counter(choice.text.casefold() for made in drafts for choice in made.choices)
    return sentences.most_common(1)[0]
