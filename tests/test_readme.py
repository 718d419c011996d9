"""What the README promises in tables is what the code does."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from typing import Any, get_args, get_origin
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


def sources_table() -> Iterator[str]:
    """What the code of each connector can do, and what it says of its platform."""
    yield "| kind | read | reply | confirm | quota | cost |"
    yield "|---|---|---|---|---|---|"
    for kind in connector_kinds():
        module = importlib.import_module(f"connectors.{kind}")
        able = [_abilities(one) for one in vars(module).values() if _is_connector(one, module.__name__)]
        some, every = set().union(*able), set.intersection(*able)
        cells = f"`{kind}`", _read(some), _reply(some, every), _confirm(some), module.QUOTA, module.COST
        yield f"| {' | '.join(cells)} |"


def _is_connector(one: object, module: str) -> bool:
    return isinstance(one, type) and one.__module__ == module and hasattr(one, "poll") and not one.__name__[0] == "_"


def _abilities(connector: Any) -> set[str]:
    methods = ("reply", "reply_rules_for", "find_reply", "fetch", "moderation", "receive", "reply_link")
    return {name for name in methods if hasattr(connector, name)}


def _read(some: set[str]) -> str:
    told = "polled, and told by webhooks" if "receive" in some else "polled"
    return f"{told}; again before an answer" if {"fetch", "reply"} <= some else told


def _reply(some: set[str], every: set[str]) -> str:
    if "reply" not in some:
        return "by hand"
    return "by Ohlas" if "reply" in every and "reply_rules_for" not in some else "by Ohlas, or by hand"


def _confirm(some: set[str]) -> str:
    ways = {"find_reply": "looked up", "moderation": "and whether it is shown", "reply_link": "seen when read again"}
    found = [words for name, words in ways.items() if name in some]
    return ", ".join(found) or "by hand"


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


def written_anew(text: str) -> str:
    """README.md with the tables that follow from the code."""
    for marker, lines in (("options", table()), ("abilities", sources_table())):
        found = "\n".join(lines)
        text = re.sub(
            rf"(<!-- {marker}.*?-->\n).*?(<!-- /{marker} -->)",
            lambda match, found=found: f"{match[1]}{found}\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def test_every_option_and_what_sources_can_do_is_in_the_readme() -> None:
    assert written_anew(README) == README, "run: python -m tests.test_readme"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(written_anew(README), encoding="utf-8")
