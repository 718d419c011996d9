"""`ohlas learn`: correcting, importing, switching, going back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lessons import lesson_file
from tests.terminal import answer, ohlas, shop_with_drafts


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return shop_with_drafts(tmp_path)


def number_of(desk: Path, author: str) -> str:
    [row] = [row for row in answer("inbox", "--json", config=desk)["drafts"] if row["author"] == author]
    return str(row["id"])


def test_a_correction_is_drafted_anew_at_once(desk: Path) -> None:
    number = number_of(desk, "Teo Malík")
    said = ohlas("learn", "--correct", number, "complaint", config=desk)
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[0] == f"Teo Malík on eshop: complaint; draft {number} is pending, revision 2"
    shown = answer("show", number, "--json", config=desk)
    assert (shown["verdict"]["label"], shown["verdict"]["confidence"]) == ("complaint", 1.0)
    assert shown["verdict"]["reasons"] == [{"code": "corrected", "detail": "Alžbeta"}]
    assert "apology" in shown["draft"]["parts"]
    assert [(entry["action"], entry["actor"], entry["via"]) for entry in shown["history"]] == [
        ("correct", "Alžbeta", "terminal"),
        ("redrafted", "ohlas", "service"),
    ]


def test_what_needs_no_answer_leaves_the_inbox_and_can_come_back(desk: Path) -> None:
    number = number_of(desk, "Zora Bystrá")
    assert "superseded" in ohlas("learn", "--correct", number, "neutral", "--as", "Matúš", config=desk).output
    again = answer("learn", "--correct", f"#{number}", "complaint", "--json", config=desk)
    assert again == {"source": "eshop", "mention_id": "1", "label": "complaint", "draft": int(number)}
    assert number_of(desk, "Zora Bystrá") == number


def test_a_mention_without_a_draft_is_named_by_its_source(desk: Path) -> None:
    said = ohlas("learn", "--correct", "eshop/3", "complaint", config=desk)
    assert "Ota on eshop: complaint; draft" in said.output and "is pending" in said.output


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--correct", "99", "praise"), 1, "there is no draft 99"),
        (("--correct", "eshop/99", "praise"), 1, "eshop has no mention '99'"),
        (("--correct", "x", "praise"), 2, "'x' is no number"),
        (("--correct", "1", "angry"), 2, "'angry' is not one of"),
        (("--correct", "1", "praise", "--as", "Cudzí"), 1, "Cudzí is not among the people who may decide"),
        (("--correct", "1", "praise", "--back"), 2, "stand alone"),
        (("--back", "--force"), 2, "stand alone"),
        (("--back",), 1, "nothing to go back from"),
        ((), 1, "there are 0 texts to learn from"),
        (("missing.jsonl",), 2, "does not exist"),
    ],
)
def test_mistakes_are_told(desk: Path, arguments: tuple[str, ...], status: int, told: str) -> None:
    said = ohlas("learn", *arguments, config=desk)
    assert (said.exit_code, told in said.output) == (status, True), said.output


def test_it_learns_from_a_file_and_goes_back(desk: Path, tmp_path: Path) -> None:
    ride = "Today in the crypt: we screamed in horror, terribly scary!"
    assert json.loads(ohlas("classify", config=desk, stdin=ride).stdout)["label"] != "praise"
    said = ohlas("learn", str(lesson_file(tmp_path / "labelled.jsonl")), config=desk)
    assert said.exit_code == 0, said.output
    assert said.output.startswith("120 texts: 0 corrected, 120 from files, 0 confirmed by approving")
    assert "It is better; in force from now on: head-" in said.output
    assert json.loads(ohlas("classify", config=desk, stdin=ride).stdout)["label"] == "praise"
    assert ohlas("learn", "--back", config=desk).output == (
        "In force again: the model alone, without anything learned.\n"
    )
    assert json.loads(ohlas("classify", config=desk, stdin=ride).stdout)["label"] != "praise"


def test_what_is_not_better_is_not_used_unless_one_wants_it(desk: Path, tmp_path: Path) -> None:
    known = [("Skvelé, ďakujem! Číslo", "praise"), ("Hrozné, nikdy viac! Číslo", "complaint")]
    lines = [json.dumps({"text": f"{text} {n}", "label": label}) for text, label in known for n in range(15)]
    path = tmp_path / "known.jsonl"
    path.write_text("\n".join(lines))
    found = answer("learn", str(path), "--json", config=desk)
    assert (found["better"], found["in_force"], found["lessons"]["imported"]) == (False, "", 30)
    assert not (tmp_path / "state/learned").exists()
    assert "ohlas learn --force" in ohlas("learn", config=desk).output
    assert answer("learn", "--force", "--json", config=desk)["in_force"].startswith("head-")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": "x", "label": "angry"}', "line 2: label 'angry' is none of"),
        ("{", "line 2 is not JSON"),
        ('{"label": "praise"}', "line 2 has no text"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(desk: Path, tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "Super!", "label": "praise"}\n' + line)
    said = ohlas("learn", str(path), config=desk)
    assert said.exit_code == 1 and told in said.output
    assert "there are 0 texts" in ohlas("learn", config=desk).output
