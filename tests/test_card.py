"""The model card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.classify import card, corpus
from monitor.classify.doubt import Doubt
from monitor.classify.embedded import EmbeddedClassifier
from monitor.cli import cli

SHIPPED = Path(card.__file__).with_name("MODEL_CARD.md")
TEXTS = [
    ("Prišlo to rozbité a nikto neodpovedá.", "complaint", "sk"),
    ("Super obchod, odporúčam!", "praise", "sk"),
    ("Kedy máte otvorené?", "neutral", "sk"),
    ("Never again, what a scam.", "complaint", "en"),
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "made.jsonl"
    lines = [json.dumps({"text": text, "label": label, "lang": code}) for text, label, code in TEXTS * 40]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_number_has_its_place(labelled: Path) -> None:
    text = card.card([labelled], EmbeddedClassifier.load(languages=("sk", "en")), {})
    assert "{{" not in text
    assert "| made | en/sk | 160 |" in text
    assert "█" in text and f"| {Doubt().complaint_from:.2f} |" in text


def test_sets_of_two_labels_make_a_card_too(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text('{"text": "Nikdy viac!", "label": "negative"}\n{"text": "Super!", "label": "positive"}')
    assert "| two |" in card.card([path], EmbeddedClassifier.load(languages=("sk",)), {})


def test_the_terminal_writes_it(labelled: Path) -> None:
    assert CliRunner().invoke(cli, ["evaluate", "--card", str(labelled)]).output.startswith("# The embedded classifier")
    refused = CliRunner().invoke(cli, ["evaluate", "--card", "--json", str(labelled)])
    assert refused.exit_code == 2 and "leave out --model and --json" in refused.output


def test_the_shipped_card_tells_of_what_is_shipped() -> None:
    shipped = SHIPPED.read_text("utf-8")
    assert card._sources() in shipped and card._own() in shipped and card._sizes() in shipped
    assert set(card.SOURCES) == {name for name in corpus.SOURCE_WORTH if "." not in name}
