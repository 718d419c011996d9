"""`ohlas digest`: a preview that sends nothing, and one that is mailed once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.digest.schedule import imagined
from monitor.people import Person
from monitor.store.sqlite import SqliteStore
from tests.made import arrive, draft_all, mention

CONFIG = """
[page]
url = "https://ohlas.shop.example"
[people.Eva]
mail = "eva@shop.example"
language = "pl"
[people."Ján"]
language = "sk"
[mail]
sender = "ohlas@shop.example"
host = "127.0.0.1"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    arrive(store, mention(1))
    draft_all(store)
    store.close()
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def ohlas(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "digest", *words])


def test_a_preview_is_a_file_and_nothing_else(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "digest.html"
    done = ohlas(config, "--preview", "--date", "2026-11-23", "--out", str(out))
    assert done.exit_code == 0 and "1 czeka, 1 skarga – Ohlas, poniedziałek, 23 listopada" in done.output
    html = out.read_text("utf-8")
    assert "Czeka na Ciebie" in html and 'href="https://ohlas.shop.example/drafts/1"' in html
    assert "/digest/off/" in html
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    assert store._engine.rows("SELECT * FROM digest UNION ALL SELECT 1, 2, 3, 4, 5, 6, 7 FROM message") == []
    store.close()


def test_as_text_for_somebody_else(config: Path) -> None:
    done = ohlas(config, "--preview", "--text", "--for", "Ján", "--edition", "monthly", "--date", "2026-12-01")
    assert done.exit_code == 0 and "Mesačný prehľad, november 2026" in done.output
    assert "Týždeň po týždni" in done.output


def test_mailed_once(config: Path, tmp_path: Path) -> None:
    done = ohlas(config, "--send")
    assert done.exit_code == 0 and "goes to eva@shop.example" in done.output
    again = ohlas(config, "--send")
    assert again.exit_code == 1 and "was written to Eva already" in again.output


def test_one_that_is_mailed_by_hand_leaves_no_day_out(config: Path, tmp_path: Path) -> None:
    """Ohlas was down for days, and somebody does not want to wait for the morning."""
    today = datetime.now(ZoneInfo("Europe/Bratislava")).date()
    before = imagined(Person(name="Eva"), "daily", today - timedelta(days=20))
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    store.digests.take(before, None, datetime.now(UTC))
    assert ohlas(config, "--send").exit_code == 0
    row = store._engine.row("SELECT first_day, last_day FROM digest WHERE message_key <> ''")
    store.close()
    assert row is not None
    assert tuple(row) == ((before.last + timedelta(days=1)).isoformat(), (today - timedelta(days=1)).isoformat())


@pytest.mark.parametrize(("day", "said"), [("2026-01-05", "over"), ("2100-01-04", "yet")])
def test_only_the_digest_of_today_is_mailed(config: Path, tmp_path: Path, day: str, said: str) -> None:
    """An old one would be dropped unsent, and one of a day to come would be missing on that day."""
    done = ohlas(config, "--send", "--date", day)
    assert done.exit_code == 1 and said in done.output and "--preview" in done.output
    store = SqliteStore(tmp_path / "state" / "ohlas.db")
    assert store._engine.rows("SELECT 1 FROM digest") == []
    store.close()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "say either --preview or --send"),
        (("--preview",), 2, "name a file with --out"),
        (("--preview", "--text", "--for", "Nobody"), 1, "Nobody is not among the people of config.toml; there are"),
        (("--preview", "--out", "/nowhere/at/all.html"), 1, "cannot be written"),
        (("--preview", "--text", "--date", "23.11.2026"), 2, "does not match"),
        (("--preview", "--text", "--date", "0001-01-01"), 1, "write a day from 1990 to 2100"),
        (("--send", "--for", "Ján"), 1, "Ján has no address"),
    ],
)
def test_mistakes_say_what_to_do(config: Path, words: tuple[str, ...], status: int, said: str) -> None:
    done = ohlas(config, *words)
    assert done.exit_code == status and said in done.output
