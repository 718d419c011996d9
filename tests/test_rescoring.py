"""A model that fails: the embedded one stands in, and what it judged is judged again when the model is back."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from monitor.classify import choosing
from monitor.classify.choosing import SteadyClassifier
from monitor.classify.transformer import TransformerClassifier
from monitor.desk import Desk
from monitor.errors import ModelUnusable
from monitor.model import Decision, DraftState
from monitor.options import ClassifierOptions, Config, ServiceOptions
from monitor.pipeline import Pipeline
from monitor.rescoring import Rescorer
from monitor.store.sqlite import SqliteStore
from monitor.store.views import InboxFilter
from responders.approval import Rules, decide
from tests import tiny_models
from tests.made import NOON, arrive, draft_all, mention, people
from tests.running import Running
from tests.terminal import answer, ohlas
from tests.test_service import until

pytest.importorskip("onnx", reason=tiny_models.NEEDS_ONNX)
WEIGHTS = "onnx/model_quantized.onnx"


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.bag_of_words(tmp_path_factory.mktemp("bag"))


class Shop:
    """A store, a model that can be broken and mended, and the pipeline between them, on a clock of its own."""

    def __init__(self, folder: Path, bag: Path) -> None:
        self.model = folder / "moods"
        shutil.copytree(bag, self.model)
        options = ClassifierOptions(model="moods")
        config = Config(classifier=options, service=ServiceOptions(state=folder / "state"), base=folder)
        self.store = SqliteStore(folder / "state" / "ohlas.db")
        self.now = NOON
        self.told: list[str] = []
        self.classifier = SteadyClassifier(config, changed=self.told.append, clock=lambda: self.now.timestamp())
        self.desk = Desk(config, self.classifier, {})
        self.again = Rescorer(self.store, self.classifier, lambda: self.now)
        self.pipeline = Pipeline(self.store, self.desk, lambda: self.now, idle=self.again.step)

    def spoil(self) -> None:
        (self.model / WEIGHTS).rename(self.model / "away")

    def mend(self) -> None:
        (self.model / "away").rename(self.model / WEIGHTS)
        self.now += timedelta(seconds=choosing.RETRY + 1)

    async def work(self) -> None:
        while await self.pipeline.step() or await self.again.step():
            pass

    def models(self) -> list[str]:
        """Which model judged each mention, in the order in which they came."""
        rows = self.store._engine.rows("SELECT json_extract(verdict, '$.model') AS model FROM mention ORDER BY id")
        return [row["model"].partition("@")[0] for row in rows]


@pytest.fixture
def shop(tmp_path: Path, bag: Path) -> Shop:
    return Shop(tmp_path, bag)


async def test_what_the_stand_in_judged_is_judged_again(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    arrive(shop.store, mention(1))
    await shop.work()
    assert shop.models() == ["moods"]
    shop.spoil()
    steady = shop.classifier
    steady._configured, steady._tried = None, None  # a new start
    arrive(shop.store, *(mention(number) for number in range(2, 80)))
    await shop.work()
    assert set(shop.models()[1:]) == {"embedded-1"}
    assert "neither an ONNX file" in steady.trouble and shop.store.rescoring.trouble() == steady.trouble
    arrive(shop.store, mention(80))
    await shop.work()
    warned = [record for record in caplog.records if "stands in" in record.getMessage()]
    assert len(warned) == 1 and len(shop.told) == 1
    shop.mend()
    await shop.work()
    assert set(shop.models()) == {"moods"} and len(shop.models()) == 80
    assert shop.told[1:] == [""] and shop.store.rescoring.trouble() == ""
    codes = [(notice.source, notice.code) for notice in shop.store.sources.notices()]
    assert codes == [("classifier", "model_works_again"), ("classifier", "model_unusable")]
    assert shop.store.mentions.unjudged(1) == []


async def test_a_draft_that_a_person_has_touched_is_left_alone(shop: Shop) -> None:
    shop.spoil()
    arrive(shop.store, *(mention(number) for number in range(1, 5)))
    await shop.work()
    rows = {row.mention.id: row.draft for row in shop.store.views.inbox(InboxFilter(limit=9)).rows}
    rules = Rules(people=people("you"), grace=timedelta(seconds=45), check=lambda _draft, _text, _actor: ())

    def say(number: int, action: str, text: str = "", reason: str = "") -> None:
        draft = rows[f"m{number}"]
        decision = Decision(
            draft_id=draft.id, rev=draft.rev, action=action, actor="you", via="page", text=text, reason=reason
        )
        decide(shop.store.drafts, decision, rules, shop.now)

    say(1, "approve")
    say(2, "edit", text="Mrzí nás to. Ozveme sa vám.")
    say(3, "reject", reason="not ours")
    before = {number: shop.store.drafts.get(rows[f"m{number}"].id) for number in (1, 2, 3, 4)}
    shop.mend()
    await shop.work()
    assert shop.models() == ["embedded-1", "embedded-1", "embedded-1", "moods"]
    after = {number: shop.store.drafts.get(rows[f"m{number}"].id) for number in (1, 2, 3, 4)}
    assert [after[number] for number in (1, 2, 3)] == [before[number] for number in (1, 2, 3)]
    assert after[4].state == DraftState.PENDING


async def test_a_model_that_fails_while_it_judges(shop: Shop) -> None:
    class Breaks:
        def logits(self, columns: object) -> object:
            raise ModelUnusable("out of memory")

    assert shop.classifier.works()
    model = shop.classifier._configured
    assert isinstance(model, TransformerClassifier)
    model.engine = Breaks()  # type: ignore[assignment]
    arrive(shop.store, mention(1))
    await shop.work()
    assert shop.models() == ["embedded-1"] and "out of memory" in shop.classifier.trouble
    shop.now += timedelta(seconds=choosing.RETRY + 1)
    await shop.work()
    assert shop.models() == ["moods"] and shop.classifier.trouble == ""


def test_goes_through_the_mentions_once_and_newest_first(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ohlas.db")
    for start in range(1, 5001, 500):
        arrive(store, *(mention(number) for number in range(start, start + 500)))
    for _ in range(5):
        draft_all(store)
    moved, before, rounds = [], None, 0
    while True:
        again = store.rescoring.send_back("other@1", before, 300)
        moved.append([one.row_id for one in store.mentions.unjudged(9999)])
        judged = store._engine.connection.execute("UPDATE mention SET stage = 'done' WHERE stage = 'new'")
        assert judged.rowcount == again.moved
        before, rounds = again.before, rounds + 1
        if before is None:
            break
    assert [row_id for rows in moved for row_id in reversed(rows)] == list(range(5000, 0, -1))
    assert rounds <= 5000 / 300 + 5000 / 2000 + 2
    assert store.rescoring.send_back("made", None, 300).moved == 0
    store.close()


async def test_the_running_service_says_so_and_goes_on(tmp_path: Path, bag: Path) -> None:
    """Started with a broken model, mended while it runs, started again: as a person would see it."""
    shutil.copytree(bag, tmp_path / "moods")
    (tmp_path / "config.toml").write_text(
        '[classifier]\nmodel = "moods"\n[page]\nport = 0\n[sources.eshop]\nkind = "file"\npath = "sample:reviews.csv"\n'
    )
    whole = (tmp_path / "moods" / WEIGHTS).read_bytes()
    (tmp_path / "moods" / WEIGHTS).write_bytes(whole[:300])
    config = tmp_path / "config.toml"
    async with Running(tmp_path) as service, aiohttp.ClientSession() as client:
        store = service.store()
        await until(lambda: store.mentions.count() > 20 and not store.mentions.unjudged(1), service)
        await until(lambda: store.rescoring.trouble() != "", service)
        async with client.get(f"{service.url}/healthz") as response:
            health = await response.json()
        assert (response.status, health["status"]) == (200, "ok")
        assert "moods" in health["degraded"][0] and "damaged" in health["degraded"][0]
        assert "damaged" in answer("status", "--json", config=config)["degraded"]
        assert "THE EMBEDDED MODEL STANDS IN" in ohlas("status", config=config).output
        assert service.log().count("stands in") == 1
        judged = {row.verdict.model for row in store.views.inbox(InboxFilter(limit=99)).rows}
        assert judged == {"embedded-1"}
        assert await service.stop() == 0
    (tmp_path / "moods" / WEIGHTS).write_bytes(whole)
    async with Running(tmp_path) as service, aiohttp.ClientSession() as client:

        def everything_again() -> bool:
            rows = store._engine.rows("SELECT DISTINCT json_extract(verdict, '$.model') AS model FROM mention")
            return [row["model"].partition("@")[0] for row in rows] == ["moods"] and not store.mentions.unjudged(1)

        await until(everything_again, service)
        async with client.get(f"{service.url}/healthz") as response:
            assert (await response.json())["degraded"] == []
        assert answer("status", "--json", config=config)["degraded"] == ""
        assert await service.stop() == 0
    store.close()
