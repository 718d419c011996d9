"""A connector to start from: written once, never over another, and whole as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import connectors
from tests.terminal import ROOT, ohlas

EXTENDS = "import connectors\nconnectors.__path__.append({folder!r})\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the templates' folder stands for the repository."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    for template in (ROOT / "connectors").glob("new_connector*.txt"):
        shutil.copy(template, folder)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "contract.py").touch()
    monkeypatch.setattr(connectors, "__path__", [str(folder)])
    return tmp_path


def test_it_passes_the_contract_suite_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ohlas("new-connector", "guest_book").exit_code == 0
    written = place / "tests" / "test_connectors_guest_book.py"
    apart = place / "apart"
    apart.mkdir()
    shutil.copy(written, apart)
    (apart / "conftest.py").write_text(EXTENDS.format(folder=str(place / "connectors")))
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    done = subprocess.run([*command, str(apart)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    ruff = [str(Path(sys.executable).with_name("ruff")), "check", "--config", str(ROOT / "pyproject.toml")]
    assert subprocess.run([*ruff, str(place / "connectors" / "guest_book.py")], check=False).returncode == 0


def test_it_never_writes_over_what_is_there(place: Path) -> None:
    assert ohlas("new-connector", "mine").exit_code == 0
    again = ohlas("new-connector", "mine")
    assert again.exit_code == 1 and "exist already" in again.stderr


@pytest.mark.parametrize("name", ["", "Mine", "my-shop", "../mine", "1st", "import", "a" * 40])
def test_a_name_is_no_path(place: Path, name: str) -> None:
    assert ohlas("new-connector", name).exit_code == 1
    assert sorted(path.name for path in (place / "connectors").iterdir()) == [
        "new_connector.txt",
        "new_connector_test.txt",
    ]
