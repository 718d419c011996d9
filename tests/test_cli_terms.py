"""`ohlas terms`, and what config.toml may say of terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.settings import load
from tests.terminal import answer, ohlas

WATCH = """
[watch]
terms = ["Svrčina", "Mall"]
exclude = ["Svrčina nad Váhom"]
patterns = ['\\bsvrcin\\d+']
[sources.forum]
kind = "file"
path = "forum.jsonl"
watch = true
[sources.shop]
kind = "file"
path = "shop.jsonl"
[sources.own]
kind = "file"
path = "own.jsonl"
terms = ["Jahodňák"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(WATCH, encoding="utf-8")
    return path


def test_it_says_what_was_found_and_where(config: Path) -> None:
    told = answer("terms", "--json", "Bol som vo Svrčine.", config=config)
    assert told["taken"] is True and told["excluded"] == told["nearly"] == []
    assert told["found"] == [{"term": "Svrčina", "text": "Svrčine", "start": 11, "end": 18}]
    assert ohlas("terms", "svrcin24 je náš", config=config).output.splitlines()[1] == r"\bsvrcin\d+: “svrcin24”"


def test_it_says_why_not(config: Path) -> None:
    told = ohlas("terms", "Such a small box from Svrčina nad Váhom", config=config)
    assert told.exit_code == 1
    assert told.output.splitlines() == [
        "It is set aside.",
        "Svrčina nad Váhom: excluded, “Svrčina nad Váhom”",
        "Mall: not by “small”",
    ]


def test_it_tells_what_came_near_only_where_nothing_was_found(config: Path) -> None:
    assert ohlas("terms", "small vo Svrčine", config=config).output.splitlines() == [
        "It is taken.",
        "Svrčina: “Svrčine”",
    ]
    assert ohlas("terms", "small", config=config).output.splitlines() == [
        "It is set aside: no watched term stands in it.",
        "Mall: not by “small”",
    ]


def test_a_source_has_its_own_terms(config: Path) -> None:
    assert ohlas("terms", "--source", "own", "Svrčina", config=config).exit_code == 1
    assert ohlas("terms", "--source", "own", config=config, stdin="o Jahodňáku").exit_code == 0
    assert ohlas("terms", "--source", "forum", "vo Svrčine", config=config).exit_code == 0


@pytest.mark.parametrize(
    ("source", "told"), [("shop", "all that shop brings is looked at"), ("nobody", "there is no source nobody")]
)
def test_a_source_that_watches_nothing_is_told(config: Path, source: str, told: str) -> None:
    answered = ohlas("terms", "--source", source, "x", config=config)
    assert answered.exit_code == 1 and told in answered.output


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[watch]\nterms = ['!']", "config.toml line 2: watch.terms.0: "),
        ("[watch]\nterms = ['ok']\nexclude = ['_']", "config.toml line 3: watch.exclude.0: has no letter or digit"),
        ("[watch]\npatterns = ['ok', '(']", "config.toml line 2: watch.patterns.1: missing )"),
        ("[watch]\npatterns = ['(?=x)']", "look-arounds"),
        ("[watch]\nlanguages = ['xx']", 'must be one of "sk", "cs", "hu" or "en"'),
        ("[sources.a]\nkind = 'file'\npath = 'a.csv'\nwatch = true", "sources.a.watch: there is nothing to watch for"),
        ("[sources.a]\nkind = 'file'\npath = 'a.csv'\nexclude = ['x']", "sources.a.exclude: is of no use"),
        ("[watch]\nterms = ['Mall']\nexclude = ['kino', 'mall']", "watch.exclude.1: is one of the terms"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert told in "\n".join(raised.value.problems)
