"""What the README promises in tables is what the code does."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import get_args, get_origin
from urllib.parse import unquote

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from monitor.cli import COMMANDS
from monitor.options import Config
from monitor.settings import connector_kinds
from responders.slack.api import SCOPES
from tests.running import ROOT

README = (ROOT / "README.md").read_text()
SET_WHEN_READ = {"base", "sources"}


def between(marker: str) -> str:
    found = re.search(rf"<!-- {marker}.*?-->\n(.*?)<!-- /{marker} -->", README, re.DOTALL)
    assert found, f"README.md has no section {marker}"
    return found.group(1).strip()


def table() -> Iterator[str]:
    yield "| option | default | what it is |"
    yield "|---|---|---|"
    for section, field in Config.model_fields.items():
        if section not in SET_WHEN_READ:
            for key, model in tables_in(field.annotation):
                yield from rows(f"{section}{key}", model)


def rows(section: str, model: type[BaseModel]) -> Iterator[str]:
    for name, option in model.model_fields.items():
        yield f"| `{section}.{name}` | {shown(option.default)} | {option.description} |"
        for key, inner in tables_in(option.annotation):
            yield from rows(f"{section}.{name}{key}", inner)


def tables_in(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables that an option holds: one of its own, or one for each name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
    by_name = get_origin(annotation) is dict
    for inner in get_args(annotation):
        yield from ((f".NAME{key}" if by_name else key, model) for key, model in tables_in(inner))


def shown(value: object) -> str:
    if value in (None, "", (), {}, PydanticUndefined):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def test_every_option_is_in_the_readme() -> None:
    assert between("options") == "\n".join(table()), "put the lines of table() into README.md"


def test_every_connector_is_in_the_readme() -> None:
    assert re.findall(r"^\| `(\w+)` \|", between("connectors"), re.MULTILINE) == connector_kinds()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`(ohlas )?{command}\b", README)


def test_the_two_commands_stand_there_word_for_word() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/ohlas run" in README
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest" in README


def test_every_picture_and_file_that_it_names_exists() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    for path in re.findall(r"`((?:monitor|connectors|responders|tests)/[\w/.]+\.(?:py|toml|md))`", README):
        assert (ROOT / path).is_file(), path


def test_the_link_that_creates_the_slack_app_holds_the_manifest_that_is_shown() -> None:
    shown = re.search(r"   ```yaml\n(.*?)   ```", README, re.DOTALL)
    link = re.search(r"manifest_yaml=([^)]+)\)", README)
    assert shown and link
    manifest = textwrap.dedent(shown[1])
    assert unquote(link[1]) == manifest
    assert tuple(re.findall(r"^      - (\S+)$", manifest, re.MULTILINE)) == SCOPES
