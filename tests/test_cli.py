"""The command as a whole: its help, its errors, its manners in a pipe."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from monitor.cli import COMMANDS, cli, told
from monitor.errors import ConfigError, OhlasError, StoreError
from tests.terminal import OHLAS, ROOT, answer, environment, ohlas, process, shop, shop_with_drafts

LISTED = (
    "run",
    "check",
    "poll",
    "import",
    "inbox",
    "show",
    "decide",
    "draft",
    "classify",
    "evaluate",
    "export",
    "erase",
)
COSTLY = ("pydantic", "numpy", "aiohttp", "sqlite_utils", "jinja2", "regex", "asyncio")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, hook, show = logging.getLogger(), sys.excepthook, warnings.showwarning
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], sys.excepthook, warnings.showwarning = handlers, hook, show
    root.setLevel(level)
    logging.captureWarnings(False)


def test_help_has_a_line_for_every_command() -> None:
    result = ohlas("--help")
    listed = re.findall(r"^  ([a-z-]+)  +\S.*\.$", result.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(COMMANDS)
    assert set(LISTED) <= set(COMMANDS)
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does_with_examples(name: str) -> None:
    result = ohlas(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: ohlas {name}")
    assert f"ohlas {name}" in result.stdout.partition("Examples:")[2] or "config.toml run" in result.stdout
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


def test_help_imports_nothing_costly() -> None:
    code = (
        "import sys; from monitor.cli import cli; cli(['--help'], standalone_mode=False);"
        f"print([name for name in {COSTLY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_every_file_of_commands_is_reachable() -> None:
    files = {path.stem for path in (ROOT / "monitor/commands").glob("*.py") if "\ncommand = " in path.read_text()}
    files |= {path.stem for path in (ROOT / "monitor/commands").glob("*.py") if "def command(" in path.read_text()}
    assert files == {module for module, _ in COMMANDS.values()}


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("show",), ("show", "x"), ("show", "OH-00001"), ("decide", "1", "maybe"), ("poll",)]
)
def test_a_wrong_call_is_exit_status_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = ohlas(*arguments, config=shop(tmp_path))
    assert result.exit_code == 2
    assert result.stdout == "" and "Usage:" in result.stderr


def test_a_reference_is_told_from_a_number(tmp_path: Path) -> None:
    assert "first column of `ohlas inbox`" in ohlas("show", "OH-00001", config=shop(tmp_path)).stderr


@pytest.mark.parametrize("name", ["run", "check", "poll eshop", "inbox", "show 1", "export", "status", "link"])
def test_a_missing_config_is_one_clear_line(name: str, tmp_path: Path) -> None:
    result = ohlas(*name.split(), config=tmp_path / "config.toml")
    assert result.exit_code == 1
    assert "there is no such file" in result.output and "Traceback" not in result.output


def test_every_mistake_of_the_config_is_a_line(tmp_path: Path) -> None:
    path = shop(tmp_path, "[page]\nport = -1\nhots = 'x'\n")
    lines = ohlas("inbox", config=path).stderr.splitlines()
    assert len(lines) == 2 and all(line.startswith("ohlas: config.toml line ") for line in lines)


def test_errors_carry_no_control_characters() -> None:
    assert told(OhlasError("a\x1b[2Jb\nc"), None) == ["a\\x1b[2Jb\\nc"]


def test_a_group_of_expected_errors_is_told_line_by_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def broken(config: object, announce: object) -> None:
        raise ExceptionGroup("x", [StoreError("the disk is gone"), ExceptionGroup("y", [ConfigError(["a", "b"])])])

    import monitor.service

    monkeypatch.setattr(monitor.service, "serve", broken)
    result = ohlas("run", config=shop(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["ohlas: the disk is gone", "ohlas: a", "ohlas: b"]


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def interrupted(config: object, announce: object) -> None:
        raise KeyboardInterrupt

    import monitor.service

    monkeypatch.setattr(monitor.service, "serve", interrupted)
    result = ohlas("run", config=shop(tmp_path))
    assert (result.exit_code, result.output) == (130, "")


def test_version() -> None:
    assert re.fullmatch(r"ohlas (\d+\.\d+\.\d+|\(run from its source, not installed\))\n", ohlas("--version").stdout)


async def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    shop(tmp_path)
    command = f'"{OHLAS[0]}" -m monitor classify; echo "status $?" >&2'
    started = await asyncio.create_subprocess_shell(
        f"yes 'Všetko v poriadku' | head -n 20000 | ({command}) | head -n 1",
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await started.communicate()
    assert out.count(b"\n") == 1
    assert b"Traceback" not in err and b"Exception ignored" not in err


async def test_text_for_a_terminal_without_our_letters(tmp_path: Path) -> None:
    await asyncio.to_thread(shop_with_drafts, tmp_path)
    status, out, err = await process(tmp_path, "show", "1", PYTHONIOENCODING="latin-1")
    assert (status, err) == (0, "") and "?iadam" in out
    status, out, _ = await process(tmp_path, "show", "1", "--json", PYTHONIOENCODING="latin-1")
    assert status == 0 and "Žiadam" in out


async def test_the_service_and_the_terminal_share_the_desk(tmp_path: Path) -> None:
    """`run` prints the page and a link; the others see what it does, and it ends in order."""
    config = shop(tmp_path)
    assert answer("status", "--json", config=config)["running"] is False
    service = await asyncio.create_subprocess_exec(
        *OHLAS,
        "run",
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert service.stdout is not None
    try:
        said = ""
        while "/sign-in?token=" not in said:
            line = await asyncio.wait_for(service.stdout.readline(), 30)
            assert line, "the service ended"
            said += line.decode()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address
        _, out, _ = await process(tmp_path, "status", "--json")
        assert (json.loads(out)["running"], json.loads(out)["page"]) == (True, address[0])
        _, out, err = await process(tmp_path, "link", "Matúš")
        assert re.fullmatch(rf"{address[0]}/sign-in\?token=[\w-]{{20,}}\n", out) and err == ""
        code, _, err = await process(tmp_path, "run")
        assert code == 1 and "another Ohlas is running" in err
    finally:
        service.send_signal(signal.SIGINT)
        _, log = await service.communicate()
    assert service.returncode == 0, log.decode()
    assert b"Traceback" not in log


def test_the_group_is_what_the_console_script_calls() -> None:
    assert cli.name == "cli" and 'ohlas = "monitor.__main__:main"' in (ROOT / "pyproject.toml").read_text()
