"""What does not name the company is kept with its reason, costs no judging, and is drafted where a person wants it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.classify.embedded import EmbeddedClassifier
from monitor.desk import Desk
from monitor.model import Mention, Utterance, Verdict
from monitor.options import Config, SourceOptions
from monitor.pipeline import Pipeline
from monitor.store.aside import Aside
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from monitor.watch_options import WatchOptions
from tests.made import NOON, arrive, mention

COMPLAINT = "V {} mi predali plesnivé jahody a nikto sa neospravedlnil. Hanba!"
CONFIG = Config(
    watch=WatchOptions(terms=("Svrčina", "Jahodňák"), exclude=("Svrčina nad Váhom",)),
    sources={
        "forum": SourceOptions(kind="rss", watch=True),
        "reddit": SourceOptions(kind="reddit", terms=("Lipová",)),
        "shop": SourceOptions(kind="file"),
    },
)


class Counting(EmbeddedClassifier):
    """Counts what it was asked about."""

    asked: list[str]

    def classify(self, utterances: list[Utterance]) -> list[Verdict]:
        self.asked = [*getattr(self, "asked", []), *(one.text for one in utterances)]
        return super().classify(utterances)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "ohlas.db")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def classifier() -> Counting:
    return Counting.load(languages=("sk", "cs", "hu", "en"))


@pytest.fixture
def pipeline(store: SqliteStore, classifier: Counting) -> Pipeline:
    classifier.asked = []
    return Pipeline(store, Desk(CONFIG, classifier, {}), lambda: NOON + timedelta(hours=1))


def posted(number: int, text: str, **changes: object) -> Mention:
    return replace(mention(number, source="forum", text=text, rating=None), **changes)  # type: ignore[arg-type]


def aside(store: SqliteStore) -> dict[str, Aside]:
    return {one.mention.id: one for one in store.aside.look().rows}


async def test_what_does_not_name_us_is_set_aside_unjudged(
    store: SqliteStore, pipeline: Pipeline, classifier: Counting
) -> None:
    arrive(store, posted(1, COMPLAINT.format("Tescu")), posted(2, COMPLAINT.format("Svrčine nad Váhom")))
    assert await pipeline.step() == 2
    kept = aside(store)
    assert [(one.reason.code, one.reason.detail) for one in (kept["m1"], kept["m2"])] == [
        ("not_named", "Svrčina, Jahodňák"),
        ("excluded", "Svrčina nad Váhom"),
    ]
    assert classifier.asked == [] and kept["m1"].verdict.model == ""
    assert pipeline.drafted == 0


async def test_what_names_us_is_drafted_for_and_says_by_which_word(store: SqliteStore, pipeline: Pipeline) -> None:
    arrive(store, posted(1, COMPLAINT.format("Svrčine")), posted(2, "Poznáte to?", title="Jahodňák"))
    await pipeline.step()
    assert pipeline.drafted >= 1 and "m1" not in aside(store)
    first = next(one for one in store.views.inbox(InboxFilter()).rows if one.mention.id == "m1")
    named = [reason.detail for reason in first.verdict.reasons if reason.code == "named"]
    assert named == ["Svrčina: “V Svrčine mi predali plesnivé jahody a…”"]


async def test_a_source_has_terms_of_its_own_and_others_are_read_whole(store: SqliteStore, pipeline: Pipeline) -> None:
    arrive(store, posted(1, COMPLAINT.format("Svrčine"), source="reddit"))
    arrive(store, posted(2, COMPLAINT.format("Lipovej"), source="reddit"))
    arrive(store, posted(3, COMPLAINT.format("obchode"), source="shop"))
    await pipeline.step()
    assert set(aside(store)) == {"m1"} and pipeline.drafted == 2


async def test_a_review_with_stars_need_not_name_us(store: SqliteStore, pipeline: Pipeline) -> None:
    arrive(store, posted(1, COMPLAINT.format("obchode"), rating=1.0))
    await pipeline.step()
    assert pipeline.drafted == 1


async def test_a_person_can_have_it_drafted_all_the_same(
    store: SqliteStore, pipeline: Pipeline, classifier: Counting
) -> None:
    arrive(store, posted(1, COMPLAINT.format("Tescu")))
    await pipeline.step()
    store.aside.want(aside(store)["m1"].row_id, "Alžbeta")
    await pipeline.step()
    assert pipeline.drafted == 1 and aside(store) == {}
    assert classifier.asked == [COMPLAINT.format("Tescu")]
