"""The company's facts: a flat file a language, and a clear word where it is something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.options import CompanyOptions, DraftingOptions
from responders.facts import load, mistakes_in_texts
from tests.terminal import answer, ohlas, shop


def told(folder: Path, text: str | bytes) -> str:
    (folder / "sk.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load(folder, "sk")
    return "\n".join(caught.value.problems)


def test_facts_are_phrases_by_key(tmp_path: Path) -> None:
    (tmp_path / "sk.toml").write_text(
        'returns = "14 dní  od prevzatia"\nphone = "[zavolajte|zavolaj] na 02/5555 0100"\n', encoding="utf-8-sig"
    )
    assert load(tmp_path, "sk") == {"returns": "14 dní od prevzatia", "phone": "zavolajte na 02/5555 0100"}
    assert load(tmp_path, "sk", formal=False)["phone"] == "zavolaj na 02/5555 0100"
    assert load(tmp_path, "cs") == {} and load(None, "sk") == {} and load(tmp_path, "../sk") == {}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("days = 14", 'sk.toml: days: must be text in quotes, as it stands in a sentence, e.g. days = "14"'),
        ('[hours]\nmon = "8"', "sk.toml: hours: is a table; write one line for each fact"),
        ('hours = ["8", "9"]', "sk.toml: hours: must be text in quotes"),
        ('"otváracie hodiny" = "8"', "sk.toml: otváracie hodiny: a key is one word of small letters"),
        ('returns = " "', "sk.toml: returns: is empty; write the fact, or delete the line"),
        ('returns = "{name}"', "sk.toml: returns: holds a bracket; only [formal|familiar] is understood"),
        ('returns = "[14"', "holds a bracket"),
        (f'returns = "{"x" * 201}"', "has 201 characters"),
        ("returns = 14 dní", "sk.toml: "),
        ("returns = dní", "the text in quotes"),
        ('returns = "dní"'.encode("cp1250"), "sk.toml: is not UTF-8; save the file again"),
    ],
)
def test_mistakes_name_file_key_and_what_to_do(tmp_path: Path, text: str | bytes, hint: str) -> None:
    assert hint in told(tmp_path, text)


def test_every_mistake_at_once_in_facts_and_playbooks(tmp_path: Path) -> None:
    facts, playbooks = tmp_path / "facts", tmp_path / "playbooks"
    facts.mkdir()
    playbooks.mkdir()
    (facts / "sk.toml").write_text("a = 1\nb = 2\n", encoding="utf-8")
    (playbooks / "cs.toml").write_text("language =", encoding="utf-8")
    mistakes = mistakes_in_texts(
        CompanyOptions(facts=facts), DraftingOptions(languages=("sk", "cs"), playbooks=playbooks)
    )
    assert len(mistakes) == 3 and "cs.toml" in mistakes[2]
    gone = mistakes_in_texts(CompanyOptions(facts=tmp_path / "gone"), DraftingOptions())
    assert len(gone) == 1 and "is no folder; make it" in gone[0]


def test_check_tells_mistakes_in_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = shop(tmp_path)
    config.write_text(config.read_text("utf-8").replace("[company]", '[company]\nfacts = "facts"'), "utf-8")
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "sk.toml").write_text("returns = 14", "utf-8")
    result = ohlas("check", "--offline", config=config)
    assert result.exit_code == 1 and "returns: must be text in quotes" in result.output
    (tmp_path / "facts" / "sk.toml").write_text('returns = "14 dní"', "utf-8")
    assert answer("check", "--offline", "--json", config=config)["ok"]
