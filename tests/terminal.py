"""The `ohlas` command for tests: in this process where that is enough, as a process of its own where it matters."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from monitor.classify.embedded import EmbeddedClassifier
from monitor.cli import cli
from monitor.desk import Desk
from monitor.pipeline import Pipeline
from monitor.settings import load
from monitor.store.sqlite import SqliteStore

ROOT = Path(__file__).parent.parent
OHLAS = (sys.executable, "-m", "monitor")

CONFIG = """
[company]
name = "Kvetinárstvo Púpava"
signature = "Alžbeta"
contact = "pomoc@pupava.example"
[approval]
people = ["Alžbeta", "Matúš"]
[page]
port = 0
[sources.eshop]
kind = "file"
path = "reviews.jsonl"
"""

COMPLAINT = "Kytica prišla zvädnutá a nikto mi nedvíha telefón. Žiadam vrátenie peňazí, je to hanba!"
PRAISE = "Nádherná kytica, rýchle doručenie, som veľmi spokojná. Ďakujem!"
QUESTION = "Máte otvorené aj v nedeľu?"

REVIEWS = (
    {"id": "1", "author": "Zora Bystrá", "text": COMPLAINT, "rating": 1, "url": "https://pupava.example/r/1"},
    {"id": "2", "author": "Teo Malík", "text": PRAISE, "rating": 5},
    {"id": "3", "author": "Ota", "text": QUESTION},
)


def shop(folder: Path, config: str = CONFIG, reviews: Iterable[dict[str, Any]] = REVIEWS) -> Path:
    """A folder with config.toml and the reviews of a made-up flower shop; returns config.toml."""
    path = folder / "config.toml"
    path.write_text(config, encoding="utf-8")
    today = datetime.now(UTC).isoformat()
    lines = (json.dumps({"created_at": today, **review}, ensure_ascii=False) for review in reviews)
    (folder / "reviews.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path


def shop_with_drafts(folder: Path, config: str = CONFIG, reviews: Iterable[dict[str, Any]] = REVIEWS) -> Path:
    """The same with everything saved and judged, as the service does it."""
    path = shop(folder, config, reviews)
    imported = ohlas("import", str(folder / "reviews.jsonl"), "--source", "eshop", config=path)
    assert imported.exit_code == 0, imported.output
    judge_everything(path)
    return path


def judge_everything(config: Path) -> None:
    settings = load(config)
    store = SqliteStore(settings.service.state / "ohlas.db")
    classifier = EmbeddedClassifier.load(languages=settings.drafting.languages)
    pipeline = Pipeline(store, Desk(settings, classifier, {}), lambda: datetime.now(UTC))

    async def work() -> None:
        while await pipeline.step():
            pass

    try:
        asyncio.run(work())
    finally:
        store.close()


def ohlas(*arguments: str, config: Path | None = None, stdin: str | bytes = b"") -> Result:
    options = [] if config is None else ["--config", str(config)]
    return CliRunner().invoke(cli, [*options, *arguments], input=stdin, prog_name="ohlas")


def answer(*arguments: str, config: Path | None = None, stdin: str | bytes = b"") -> Any:
    """What a command says with --json; standard output holds nothing else."""
    result = ohlas(*arguments, config=config, stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


async def process(folder: Path, *arguments: str, stdin: bytes = b"", **environ: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a real `ohlas` in `folder`."""
    started = await asyncio.create_subprocess_exec(
        *OHLAS,
        *arguments,
        cwd=folder,
        env=environment(**environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await started.communicate(stdin)
    return started.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
