"""`check`, `poll`, `import`, `export`: what comes in, and what goes out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from monitor.commands.answers import Answer as Found
from monitor.contract import Abilities, Ability
from monitor.settings import load
from monitor.store.sqlite import SqliteStore
from tests.loopback import Answer, Asked, Loopback
from tests.terminal import CONFIG, REVIEWS, answer, ohlas, process, shop, shop_with_drafts

KEY = "c0ffee" + "a1" * 13  # a canary: 32 characters as Heureka's keys have
FEED = b"""<rss version="2.0"><channel><title>t</title><item><guid isPermaLink="false">1</guid>
<title>Puk\x1b[31m</title><description>Kvety od Pupavy vydrzali</description></item></channel></rss>""".replace(
    b"\x1b", b"&#x202e;"
)

SOURCES = """
[service]
allow_private = ["127.0.0.0/8"]
[sources.blog]
kind = "rss"
url = "{origin}/feed"
[sources.shop-reviews]
kind = "heureka"
country = "sk"
key = "$KEY"
base_url = "{origin}"
[sources.desk]
kind = "webhook"
secret = "$KEY"
"""


def platform(asked: Asked) -> Answer:
    return Answer(FEED) if asked.path == "/feed" else Answer(status=403, body=KEY.encode())


def tree(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


async def test_check_asks_every_source_at_once(tmp_path: Path, server: Loopback) -> None:
    server.answer = platform
    shop(tmp_path, CONFIG + SOURCES.format(origin=server.origin))
    code, out, err = await process(tmp_path, "check", "--json", KEY=KEY)
    assert code == 1 and "shop-reviews" in err
    checked = json.loads(out)
    assert (checked["ok"], checked["problems"]) == (False, [])
    found = {source["name"]: source for source in checked["sources"]}
    assert (found["eshop"]["reachable"], found["eshop"]["mentions"], found["eshop"]["replies"]) == (True, 3, "by_hand")
    assert (found["blog"]["reachable"], found["blog"]["mentions"]) == (True, 1)
    assert (found["desk"]["reachable"], found["desk"]["receives"]) == (True, True)
    assert found["shop-reviews"]["reachable"] is False and found["shop-reviews"]["problem"]
    assert found["shop-reviews"]["abilities"]["reads"] == {"state": "no", "why": found["shop-reviews"]["problem"]}
    assert "state" not in tree(tmp_path), "nothing is saved"
    assert KEY not in out + err and "**********" in json.dumps(checked["settings"])


async def test_check_waits_no_longer_than_told(tmp_path: Path, server: Loopback) -> None:
    server.answer = Answer(hang=True)
    text = f'[service]\nallow_private = ["127.0.0.1"]\n[sources.slow]\nkind = "rss"\nurl = "{server.origin}"\n'
    shop(tmp_path, text)
    code, out, _ = await process(tmp_path, "check", "--json", "--timeout", "0.3")
    (slow,) = json.loads(out)["sources"]
    assert code == 1 and slow["problem"].startswith("no answer within 0.3 s")


async def test_check_says_it_in_words_without_secrets(tmp_path: Path, server: Loopback) -> None:
    server.answer = platform
    shop(tmp_path, CONFIG + SOURCES.format(origin=server.origin))
    code, out, err = await process(tmp_path, "check", KEY=KEY)
    assert code == 1 and KEY not in out + err
    assert "  company.name = 'Kvetinárstvo Púpava'" in out.splitlines()
    assert "CANNOT BE READ" in out and "read yes (3 mentions) · reply by hand · confirm by hand" in out
    assert "waits for deliveries at /in/desk" in out
    code, out, err = await process(tmp_path, "poll", "shop-reviews", KEY=KEY)
    assert code == 1 and err.startswith("ohlas: ") and KEY not in out + err


MASTODON = """
[sources.{name}]
kind = "mastodon"
instance = "{origin}"
account = "pupava"
access_token = "{name}-token"
"""
KEYS = {
    "whole": (Answer(b'{"acct": "pupava", "scopes": ["read", "write"]}'), "yes", "as @pupava"),
    "narrow": (Answer(b'{"acct": "pupava", "scopes": ["read"]}'), "no", "the token may only read"),
    "refused": (Answer(b"narrow-token", 403), "no", "403"),
    "ill": (Answer(b"narrow-token", 503), "unknown", "503"),
    "mute": (Answer(hang=True), "unknown", "no answer within 2 s"),
}


async def test_check_says_what_may_be_done_with_a_key(tmp_path: Path, server: Loopback) -> None:
    def platform(asked: Asked) -> Answer:
        name = asked.headers["Authorization"].removeprefix("Bearer ").removesuffix("-token")
        return KEYS[name][0] if "verify_credentials" in asked.path else Answer(b"[]")

    server.answer = platform
    text = "".join(MASTODON.format(origin=server.origin, name=name) for name in KEYS)
    shop(tmp_path, f'[service]\nallow_private = ["127.0.0.0/8"]\n{text}')
    code, out, err = await process(tmp_path, "check", "--timeout", "2", "--json")
    found = {source["name"]: source["abilities"]["replies"] for source in json.loads(out)["sources"]}
    assert code == 0 and "-token" not in out + err
    for name, (_, state, why) in KEYS.items():
        assert found[name]["state"] == state and why in found[name]["why"]


async def test_check_cuts_no_reason_off(tmp_path: Path, server: Loopback) -> None:
    server.answer = Answer(status=403)
    shop(tmp_path, CONFIG + SOURCES.format(origin=server.origin))
    code, out, _ = await process(tmp_path, "check", KEY=KEY, COLUMNS="80")
    assert code == 1 and "…" not in out and "whether the site lets us in" in " ".join(out.split())


def test_check_fails_where_the_key_is_not_enough_for_reading() -> None:
    able = Abilities(reads=Ability("no", "the token lacks reading"), replies=Ability("no"), confirms=Ability("yes"))
    assert not Found(name="page", kind="facebook", reachable=True, abilities=able).reads


async def test_check_offline_reaches_out_to_nobody(tmp_path: Path, server: Loopback) -> None:
    shop(tmp_path, CONFIG + SOURCES.format(origin=server.origin))
    code, out, _ = await process(tmp_path, "check", "--offline", "--json", KEY=KEY)
    assert (code, json.loads(out)["sources"], server.asked) == (0, [], [])


def test_check_names_every_mistake(tmp_path: Path) -> None:
    path = shop(tmp_path, '[page]\nport = "x"\nprot = 1\n[sources.a]\nkind = "rsss"\n')
    result = ohlas("check", config=path)
    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == [
        f"config.toml line {number}" for number in (2, 3, 5)
    ]
    assert 'did you mean "rss"' in result.stdout and "3 mistakes" in result.stderr
    as_json = ohlas("check", "--json", config=path)
    assert as_json.exit_code == 1
    assert (json.loads(as_json.stdout)["ok"], len(json.loads(as_json.stdout)["problems"])) == (False, 3)


def test_check_warns_of_a_secret_in_clear(tmp_path: Path) -> None:
    text = f'[sources.desk]\nkind = "webhook"\nsecret = "{KEY}"\n'
    result = ohlas("check", config=shop(tmp_path, text))
    assert result.exit_code == 0
    assert "written in clear" in result.stdout and KEY not in result.output


async def test_poll_prints_and_saves_nothing(tmp_path: Path, server: Loopback) -> None:
    server.answer = platform
    shop(tmp_path, CONFIG + SOURCES.format(origin=server.origin))
    code, out, err = await process(tmp_path, "poll", "blog", KEY=KEY)
    assert code == 0 and "Kvety od Pupavy" in out and "1 mentions; nothing was saved" in err
    assert "\u202e" not in out and "\x1b" not in out
    code, out, _ = await process(tmp_path, "poll", "blog", "--json", KEY=KEY)
    polled = json.loads(out)
    assert (code, polled["source"], polled["mentions"][0]["id"], polled["more"]) == (0, "blog", "1", False)
    assert "state" not in tree(tmp_path)


def test_poll_knows_the_sources(tmp_path: Path) -> None:
    result = ohlas("poll", "eshpo", config=shop(tmp_path))
    assert result.exit_code == 1 and 'did you mean "eshop"' in result.stderr


def imported(path: Path, name: str, source: str = "archive") -> dict[str, Any]:
    found: dict[str, Any] = answer("import", str(path.parent / name), "--source", source, "--json", config=path)
    return found


def test_import_saves_once_and_names_what_it_left_out(tmp_path: Path) -> None:
    path = shop(tmp_path)
    (tmp_path / "old.csv").write_text("id;text;hviezdy\n1;Vädli;1\n2;;\n3;Krásne;5\n", encoding="cp1250")
    first = imported(path, "old.csv")
    assert (first["source"], first["new"], first["edited"], first["known"]) == ("archive", 2, 0, 0)
    assert len(first["skipped"]) == 1 and first["skipped"][0].startswith("row 3")
    (tmp_path / "old.csv").write_text("id;text;hviezdy\n1;Vädli hneď;1\n3;Krásne;5\n4;Nové;3\n", encoding="cp1250")
    second = imported(path, "old.csv")
    assert (second["new"], second["edited"], second["known"], second["skipped"]) == (1, 1, 1, [])
    result = ohlas("import", str(tmp_path / "old.csv"), "--source", "archive", config=path)
    assert result.stdout == "0 new, 0 edited, 3 known already, 0 left out\n"


def test_import_uses_the_columns_of_a_configured_source(tmp_path: Path) -> None:
    path = shop(tmp_path, f'{CONFIG}columns = {{ text = "Čo povedal" }}\nrating_scale = 10\n')
    (tmp_path / "own.csv").write_text("id,Čo povedal,rating\n1,Hanba!,1\n", encoding="utf-8")
    assert imported(path, "own.csv", "eshop")["new"] == 1
    store = SqliteStore(load(path).service.state / "ohlas.db")
    (mention,) = [one.mention for one in store.mentions.unjudged(5)]
    store.close()
    assert (mention.source, mention.text, mention.rating) == ("eshop", "Hanba!", 1.0)


def test_import_takes_thousands_in_batches(tmp_path: Path) -> None:
    path = shop(tmp_path, reviews=({"id": str(n), "text": f"Kytica číslo {n}"} for n in range(2_345)))
    assert imported(path, "reviews.jsonl")["new"] == 2_345
    assert imported(path, "reviews.jsonl")["known"] == 2_345


@pytest.mark.parametrize("content", ["", "PK\x03\x04 workbook", "a;b\n1;2\n", "id;text\n1;\n", "{}"])
def test_import_refuses_nothing_silently(tmp_path: Path, content: str) -> None:
    path = shop(tmp_path)
    (tmp_path / "x.csv").write_text(content, encoding="utf-8")
    result = ohlas("import", str(tmp_path / "x.csv"), "--source", "archive", config=path)
    assert result.exit_code == 1 and result.stderr.strip()


@pytest.mark.parametrize("name", ["", "a/b", "č", "x" * 65])
def test_import_wants_a_usable_name(tmp_path: Path, name: str) -> None:
    path = shop(tmp_path)
    result = ohlas("import", str(tmp_path / "reviews.jsonl"), "--source", name, config=path)
    assert result.exit_code == 2 and "state" not in tree(tmp_path)


DANGEROUS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", 'plain; "quoted"\nnext line')


def exported(path: Path, *options: str) -> str:
    result = ohlas("export", *options, config=path)
    assert result.exit_code == 0, result.output
    return result.stdout_bytes.decode("utf-8")


def test_export_runs_no_formula(tmp_path: Path) -> None:
    reviews = [{"id": f"={n}", "author": text, "text": f"{text} a dosť"} for n, text in enumerate(DANGEROUS)]
    path = shop_with_drafts(tmp_path, reviews=reviews)
    rows = list(csv.DictReader(io.StringIO(exported(path), newline="")))
    assert len(rows) == len(DANGEROUS)
    for row in rows:
        assert all(cell[:1] not in ("=", "+", "-", "@", "\t", "\r") for cell in row.values()), row
    assert rows[0]["text"] == "'=1+1 a dosť" and rows[0]["id"] == "'=0"
    assert rows[0]["label"] in ("complaint", "praise", "neutral")


def test_export_for_excel(tmp_path: Path) -> None:
    path = shop_with_drafts(tmp_path, reviews=[{"id": "1", "text": "Žltá púpava", "rating": 4.5}])
    out = tmp_path / "out.csv"
    assert exported(path, "--excel", "--out", str(out)) == ""
    assert out.read_bytes().startswith(b"\xef\xbb\xbfsource;id;")
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8-sig"), newline=""), delimiter=";")
    assert (row["text"], row["rating"]) == ("Žltá púpava", "4,5")
    assert "out.csv.part" not in tree(tmp_path)


def test_export_as_json_comes_back_in(tmp_path: Path) -> None:
    path = shop_with_drafts(tmp_path)
    found = json.loads(exported(path, "--format", "json"))["mentions"]
    assert [one["id"] for one in found] == [review["id"] for review in REVIEWS]
    assert {"source", "id", "author", "text", "rating", "language", "label", "confidence", "unsure"} <= set(found[0])
    assert isinstance(found[0]["unsure"], bool) and found[0]["created_at"].endswith("Z")
    lines = [json.loads(line) for line in exported(path, "--format", "jsonl").splitlines()]
    assert lines == found
    (tmp_path / "back.json").write_text(exported(path, "--format", "json"), encoding="utf-8")
    assert imported(path, "back.json", "eshop")["known"] == len(REVIEWS)


def test_export_of_nothing_and_to_nowhere(tmp_path: Path) -> None:
    path = shop(tmp_path)
    assert exported(path).count("\n") == 1
    assert json.loads(exported(path, "--format", "json")) == {"mentions": []}
    for nowhere in ("no/such/folder.csv", "config.toml/x.csv"):
        result = ohlas("export", "--out", str(tmp_path / nowhere), config=path)
        assert result.exit_code == 1 and "cannot be written" in result.stderr
    assert ohlas("export", "--excel", "--format", "json", config=path).exit_code == 2
    assert "state" not in tree(tmp_path)
