"""`inbox`, `show`, `decide`, `link`, `status`: a person at work in the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.commands.terminal import columns, padded
from monitor.model import text_hash
from monitor.settings import load
from monitor.store.sqlite import SqliteStore
from tests.terminal import COMPLAINT, CONFIG, OHLAS, answer, environment, ohlas, process, shop, shop_with_drafts

ROW = {
    *("id", "reference", "rev", "state", "priority", "source", "author", "language", "label", "confidence", "unsure"),
    *("url", "title", "text", "draft", "reason", "created_at"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return shop_with_drafts(tmp_path)


def inbox(config: Path, *options: str) -> list[dict[str, Any]]:
    found = answer("inbox", "--json", *options, config=config)
    assert list(found) == ["drafts"]
    drafts: list[dict[str, Any]] = found["drafts"]
    return drafts


def only(config: Path) -> int:
    """The number of the complaint's draft."""
    number: int = inbox(config, "--label", "complaint")[0]["id"]
    return number


def decide(config: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = answer("decide", str(only(config)), *arguments, "--json", config=config)["draft"]
    return found


def test_inbox_has_the_shape_that_programs_read(desk: Path) -> None:
    drafts = inbox(desk)
    assert [draft["label"] for draft in drafts] == ["complaint", "praise"]
    first = drafts[0]
    assert set(first) >= ROW
    assert (first["text"], first["author"], first["source"], first["state"]) == (
        COMPLAINT,
        "Zora Bystrá",
        "eshop",
        "pending",
    )
    assert first["reference"].startswith("OH-") and first["rev"] == 1 and first["draft"]


def test_inbox_filters(desk: Path) -> None:
    assert len(inbox(desk, "--label", "praise")) == 1
    assert len(inbox(desk, "--source", "nowhere")) == 0
    assert len(inbox(desk, "--language", "sk")) == 2
    assert [one["author"] for one in inbox(desk, "--search", "kytica zvadnuta")] == ["Zora Bystrá"]
    assert len(inbox(desk, "--search", '" OR *')) == 0
    assert len(inbox(desk, "--limit", "1")) == 1
    assert inbox(desk, "--tab", "done") == []
    assert ohlas("inbox", "--limit", "1", config=desk).stderr.startswith("1 of 2")
    assert ohlas("inbox", "--limit", "0", config=desk).exit_code == 2


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    path = shop(tmp_path)
    assert inbox(path) == []
    assert ohlas("inbox", config=path).stdout == "Nothing here.\n"
    assert answer("status", "--json", config=path)["mentions"] == 0
    for arguments in (("show", "1"), ("decide", "1", "approve")):
        result = ohlas(*arguments, config=path)
        assert (result.exit_code, result.stderr) == (1, "ohlas: there is no draft 1\n")
    assert not (tmp_path / "state").exists()


HOSTILE = "Hanba!\x1b[2J\x1b]0;pwned\x07\u202eprevrátené\x9b31m\r\nnový\u2028riadok " + "漢字" * 200


@pytest.mark.parametrize("width", [40, 70, 80, 200])
def test_the_table_fits_and_is_harmless(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    review = {"id": "1", "author": f"A\x1b[1m{'x' * 99}", "text": f"{COMPLAINT} {HOSTILE}", "rating": 1}
    path = shop_with_drafts(tmp_path, reviews=[review])
    for arguments in (("inbox",), ("show", "1")):
        shown = ohlas(*arguments, config=path).stdout
        assert all(character == "\n" or character.isprintable() for character in shown)
    if width >= 70:
        assert all(columns(line) <= width for line in ohlas("inbox", config=path).stdout.splitlines())


def test_columns_of_a_terminal() -> None:
    assert [columns(text) for text in ("abc", "漢字", "e\u0301", "ž")] == [3, 4, 1, 1]
    assert [padded(text, 4) for text in ("abc", "abcde", "漢字字")] == ["abc ", "abc…", "漢… "]


def test_show_tells_everything(desk: Path) -> None:
    shown = ohlas("show", str(only(desk)), config=desk).stdout
    for words in ("pending", "Zora Bystrá", "1 of 5 stars", "https://pupava.example/r/1", "complaint", "Our reply"):
        assert words in shown
    found = answer("show", str(only(desk)), "--json", config=desk)
    around = {"history", "revisions", "edits", "others", "drafts", "publication", "handled_by", "earlier"}
    assert set(found) == {"draft", "mention", "verdict", *around}
    assert (found["mention"]["text"], found["verdict"]["label"]) == (COMPLAINT, "complaint")
    assert [revision["rev"] for revision in found["revisions"]] == [1]


def test_show_tells_what_the_customer_changed_and_where_else_he_said_it(desk: Path) -> None:
    reviews = [
        {"id": "1", "author": "Zora Bystrá", "text": f"{COMPLAINT} A stále nič.", "rating": 1},
        {
            "id": "9",
            "author": "Zora Bystrá",
            "text": f"{COMPLAINT} A stále nič.",
            "rating": 1,
            "url": "https://x.example/9",
        },
    ]
    number = only(desk)
    shop_with_drafts(desk.parent, reviews=reviews)
    shown = ohlas("show", str(number), config=desk).stdout
    assert "A stále nič." in shown and "it said" in shown


def test_approve_hands_over_the_text_and_posted_ends_it(desk: Path) -> None:
    number = only(desk)
    said = ohlas("decide", str(number), "approve", config=desk)
    assert said.exit_code == 0
    assert "https://pupava.example/r/1" in said.stdout and f"ohlas decide {number} posted" in said.stdout
    found = answer("show", str(number), "--json", config=desk)
    assert (found["draft"]["state"], found["draft"]["decided_by"]) == ("approved", "Alžbeta")
    (entry,) = [one for one in found["history"] if one["action"] == "approve"]
    assert (entry["actor"], entry["via"]) == ("Alžbeta", "terminal")
    assert entry["text_hash"] == text_hash(found["draft"]["draft"])
    assert "is published" in ohlas("decide", str(number), "posted", config=desk).stdout


def test_undo_takes_an_approval_back(desk: Path) -> None:
    number = str(only(desk))
    assert ohlas("decide", number, "approve", config=desk).exit_code == 0
    back = answer("decide", number, "undo", "--as", "Matúš", "--json", config=desk)["draft"]
    assert (back["state"], back["decided_by"]) == ("pending", "Matúš")


TEXT = (
    "Dobrý deň, ospravedlňujeme sa za zvädnutú kyticu. Radi by sme zistili, čo sa stalo. "
    "Napíšte nám na pomoc@pupava.example číslo objednávky a ozveme sa Vám."
)


@pytest.mark.parametrize("how", ["text", "stdin", "file", "file-stdin"])
def test_edit_makes_a_new_revision(desk: Path, how: str) -> None:
    (desk.parent / "reply.txt").write_text(f"{TEXT}\n", encoding="utf-8-sig")
    options = {
        "text": ("--text", TEXT),
        "stdin": ("--text", "-"),
        "file": ("--text-file", str(desk.parent / "reply.txt")),
        "file-stdin": ("--text-file", "-"),
    }[how]
    edited = answer("decide", str(only(desk)), "edit", *options, "--json", config=desk, stdin=TEXT)["draft"]
    assert (edited["rev"], edited["state"], edited["draft"], edited["written_by"]) == (2, "pending", TEXT, "Alžbeta")


def test_edit_and_reject_ask_for_what_they_need(desk: Path) -> None:
    number = str(only(desk))
    edit = ohlas("decide", number, "edit", config=desk)
    assert edit.exit_code == 1 and "--text" in edit.stderr
    reject = ohlas("decide", number, "reject", config=desk)
    assert reject.exit_code == 1 and "--reason" in reject.stderr
    assert decide(desk, "reject", "--reason", "po telefóne")["state"] == "rejected"
    shown = answer("show", number, "--json", config=desk)
    assert shown["history"][-1]["reason"] == "po telefóne"


def test_the_guard_is_asked_and_can_be_overridden_by_name(desk: Path) -> None:
    number = str(only(desk))
    edited = decide(desk, "edit", "--text", "Vrátime Vám 500 EUR, sľubujeme.")
    rules = {finding["rule"] for finding in edited["guard"] if finding["severity"] == "error"}
    assert rules
    refused = ohlas("decide", number, "approve", config=desk)
    assert refused.exit_code == 1 and all(f"--override {rule}" in refused.stderr for rule in rules)
    options = [option for rule in rules for option in ("--override", rule)]
    assert decide(desk, "approve", *options)["state"] == "approved"


def test_who_may_decide(desk: Path) -> None:
    result = ohlas("decide", str(only(desk)), "approve", "--as", "Mallory", config=desk)
    assert result.exit_code == 1 and "Mallory is not among the people" in result.stderr


def test_a_late_decision_is_told_who_and_when(desk: Path) -> None:
    number = str(only(desk))
    assert ohlas("decide", number, "edit", "--text", TEXT, "--as", "Matúš", config=desk).exit_code == 0
    late = ohlas("decide", number, "approve", "--rev", "1", config=desk)
    assert late.exit_code == 1 and late.stdout == ""
    assert "revision 2" in late.stderr and "Matúš, " in late.stderr


async def test_two_at_once_one_wins(tmp_path: Path) -> None:
    config = await asyncio.to_thread(shop_with_drafts, tmp_path)
    number = str(await asyncio.to_thread(only, config))
    outcomes = await asyncio.gather(
        process(tmp_path, "decide", number, "approve", "--as", "Alžbeta"),
        process(tmp_path, "decide", number, "reject", "--reason", "nie", "--as", "Matúš"),
    )
    assert sorted(code for code, _, _ in outcomes) == [0, 1]
    winner = "Alžbeta" if outcomes[0][0] == 0 else "Matúš"
    (loser,) = [err for code, _, err in outcomes if code]
    assert winner in loser and "Traceback" not in loser


LINK = CONFIG.replace("port = 0", 'port = 9000\nurl = "https://ohlas.pupava.example/"')


def test_link_signs_somebody_in_once(tmp_path: Path) -> None:
    path = shop(tmp_path, LINK)
    result = ohlas("link", config=path)
    assert result.stdout.startswith("https://ohlas.pupava.example/sign-in?token=")
    assert "ohlas run" in result.stderr
    token = result.stdout.strip().partition("token=")[2]
    store = SqliteStore(load(path).service.state / "ohlas.db")
    from monitor.commands.opening import now

    session = store.sign_ins.redeem(token, now())
    assert session is not None and store.sign_ins.redeem(token, now()) is None
    signed_in = store.sign_ins.session(session, now())
    store.close()
    assert signed_in is not None and signed_in.person == "Alžbeta"


def test_link_is_for_people_of_the_config(tmp_path: Path) -> None:
    path = shop(tmp_path, LINK.replace('url = "https://ohlas.pupava.example/"', ""))
    assert answer("link", "Matúš", "--json", config=path)["url"].startswith("http://127.0.0.1:9000/sign-in?token=")
    (tmp_path / "state/page.url").write_text("http://127.0.0.1:9123\n")
    assert ohlas("link", config=path).stdout.startswith("http://127.0.0.1:9123/sign-in?token=")
    refused = ohlas("link", "Mallory", config=path)
    assert refused.exit_code == 1 and "Alžbeta, Matúš" in refused.stderr


def test_status_counts(desk: Path) -> None:
    found = answer("status", "--json", config=desk)
    assert set(found) == {
        *("running", "page", "mentions", "labels", "drafts", "waiting_since", "sources", "notices"),
        *("model", "degraded", "budgets", "channels", "kept", "erasing"),
    }
    assert (found["running"], found["mentions"], found["drafts"]["waiting"]) == (False, 3, 2)
    assert found["labels"] == {"complaint": 1, "praise": 1, "neutral": 1}
    assert found["waiting_since"] and found["sources"][0]["name"] == "eshop"
    shown = ohlas("status", config=desk).stdout
    assert "2 drafts wait for a person" in shown and "does not run" in shown


def test_a_database_that_cannot_be_used_is_told(desk: Path) -> None:
    (desk.parent / "state/ohlas.db").write_bytes(b"no database at all" * 100)
    for suffix in ("-wal", "-shm"):
        (desk.parent / f"state/ohlas.db{suffix}").unlink(missing_ok=True)
    result = ohlas("inbox", config=desk)
    assert result.exit_code == 1 and "database cannot be used" in result.stderr
    assert json.dumps(result.stdout) == '""'


@pytest.mark.parametrize(("script", "code"), [(f"printf '%s' '{TEXT}' > \"$1\"", 0), ("true", 1)])
def test_an_editor_opens_where_a_person_sits_there(desk: Path, script: str, code: int) -> None:
    editor = desk.parent / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    editor.chmod(0o700)
    number = str(only(desk))
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(
            [*OHLAS, "decide", number, "edit"],
            cwd=desk.parent,
            env=environment(EDITOR=str(editor), VISUAL=str(editor)),
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == code, done.stderr.decode()
    draft = answer("show", number, "--json", config=desk)["draft"]
    assert (draft["rev"], draft["draft"] == TEXT) == ((2, True) if code == 0 else (1, False))
