"""`ohlas models pull` against a hub on this machine: what is fetched, what is resumed, what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.classify.huggingface import RECORD
from tests import tiny_models
from tests.hub import COMMIT, Hub
from tests.terminal import OHLAS, answer, environment, ohlas, process

pytest.importorskip("onnx", reason=tiny_models.NEEDS_ONNX)
NAME = "shop/moods"
MiB = 2**20
WEIGHTS = "onnx/model_quantized.onnx"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_models.bag_of_words(tmp_path_factory.mktemp("published"))
    (folder / "onnx" / "model.onnx").write_bytes(b"the same in 32 bits")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "README.md").write_text("# moods")
    return folder


@pytest.fixture
def hub(published: Path) -> Iterator[Hub]:
    with Hub({NAME: published}) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(f'[classifier]\nmodel = "{NAME}"\n')
    return tmp_path


async def pull(folder: Path, hub: Hub, *more: str) -> tuple[int, str, str]:
    home = {"HF_HOME": str(folder / "home"), "HF_ENDPOINT": hub.origin, "HF_HUB_DISABLE_TELEMETRY": "1"}
    return await process(folder, "models", "pull", *more, **home)


def kept(folder: Path) -> Path:
    return folder / "state" / "models" / "shop--moods" / COMMIT


async def test_fetches_what_is_read_and_nothing_else(folder: Path, hub: Hub, published: Path) -> None:
    status, out, err = await pull(folder, hub)
    assert status == 0, err
    assert "negative -> complaint" in out and COMMIT[:12] in out and "4 files" in err
    assert set(hub.fetched()) == {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS}
    assert (kept(folder) / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()
    record = json.loads((kept(folder) / RECORD).read_text())
    assert (record["revision"], record["asked"], record["engine"]) == (COMMIT, "main", "onnx")
    config = folder / "config.toml"
    (listed,) = answer("models", "--json", config=config)["models"]
    assert (listed["name"], listed["revision"]) == (NAME, COMMIT)
    checked = answer("check", "--offline", "--json", config=config)
    assert checked["classifier"]["name"] == f"{NAME}@{COMMIT[:12]}"

    hub.asked.clear()
    status, _, err = await pull(folder, hub, NAME, "--revision", "v1")
    assert (status, hub.fetched()) == (0, []), err


@pytest.fixture(scope="module")
def heavy(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client writes pieces of 10 MiB, so a file has to be larger for a part of it to be kept."""
    folder = tmp_path_factory.mktemp("heavy")
    shutil.copytree(published, folder, dirs_exist_ok=True)
    (folder / WEIGHTS).write_bytes(random.Random(7).randbytes(13 * MiB))
    return folder


async def test_a_cut_connection_is_resumed_at_once(folder: Path, heavy: Path) -> None:
    with Hub({NAME: heavy}, cut={WEIGHTS: [11 * MiB]}) as hub:
        status, _, err = await pull(folder, hub)
        assert status == 0, err
        assert hub.ranges(WEIGHTS) == ["", f"bytes={10 * MiB}-"]
    assert (kept(folder) / WEIGHTS).read_bytes() == (heavy / WEIGHTS).read_bytes()


async def test_what_a_killed_pull_has_fetched_is_kept_for_the_next_one(folder: Path, hub: Hub, published: Path) -> None:
    part = kept(folder) / f"{WEIGHTS}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes((published / WEIGHTS).read_bytes()[:700])
    status, _, err = await pull(folder, hub)
    assert status == 0, err
    assert hub.ranges(WEIGHTS) == ["bytes=700-"]
    assert (kept(folder) / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()
    assert not part.exists()


async def test_a_pull_that_is_killed_goes_on_where_it_was(folder: Path, heavy: Path) -> None:
    """A real kill, while the hub holds the rest of the file back."""
    with Hub({NAME: heavy}, hold={WEIGHTS: 11 * MiB}) as hub:
        killed = await asyncio.create_subprocess_exec(
            *OHLAS,
            "models",
            "pull",
            cwd=folder,
            env=environment(HF_HOME=str(folder / "home"), HF_ENDPOINT=hub.origin),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        part = kept(folder) / f"{WEIGHTS}.part"
        while not part.exists() or part.stat().st_size < 10 * MiB:
            await asyncio.to_thread(lambda: None)
        killed.kill()
        await killed.wait()
        hub.release()
        status, _, err = await pull(folder, hub)
        assert status == 0, err
        assert hub.ranges(WEIGHTS) == ["", f"bytes={10 * MiB}-"]
    assert (kept(folder) / WEIGHTS).read_bytes() == (heavy / WEIGHTS).read_bytes()


async def test_a_part_that_is_not_the_beginning_is_refused_and_then_fetched_anew(folder: Path, hub: Hub) -> None:
    part = kept(folder) / f"{WEIGHTS}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 700)
    status, _, err = await pull(folder, hub)
    assert status == 1 and "did not come as the hub lists it" in err
    assert not (kept(folder) / RECORD).exists()
    status, _, err = await pull(folder, hub)
    assert status == 0, err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("shop/nothing",), "has no model shop/nothing"),
        (("shop/closed",), "accept its terms"),
        ((NAME, "--revision", "v9"), "has no revision v9"),
        (("../../etc/passwd",), "named like"),
    ],
)
async def test_what_the_hub_does_not_give_is_said(
    arguments: tuple[str, ...], told: str, folder: Path, hub: Hub
) -> None:
    hub.gated.add("shop/closed")
    status, out, err = await pull(folder, hub, *arguments)
    assert (status, out) == (1, "")
    assert told in err and "Traceback" not in err


async def test_a_hub_that_cannot_be_reached_is_said(folder: Path, hub: Hub) -> None:
    hub.origin = "http://127.0.0.1:9"
    status, _, err = await pull(folder, hub)
    assert status == 1 and "cannot be asked" in err and "Traceback" not in err


async def test_pickles_are_never_fetched(folder: Path, tmp_path: Path) -> None:
    only = tmp_path / "published"
    only.mkdir()
    (only / "config.json").write_text("{}")
    (only / "pytorch_model.bin").write_bytes(b"a pickle")
    with Hub({NAME: only}) as hub:
        status, _, err = await pull(folder, hub)
        assert status == 1 and "run strangers' code" in err
        assert hub.fetched() == []


def test_without_any_model(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    assert "no models" in ohlas("models", config=tmp_path / "config.toml").output
    assert "name a model" in ohlas("models", "pull", config=tmp_path / "config.toml").output


def test_a_folder_of_ones_own_is_listed_with_its_revision(tmp_path: Path, published: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[classifier]\nmodel = '{os.path.relpath(published, tmp_path)}'\n")
    (listed,) = answer("models", "--json", config=config)["models"]
    assert len(listed["revision"]) == 40
    (pulled,) = answer("models", "pull", "--json", config=config)["models"]
    assert pulled["revision"] == listed["revision"]
