"""`draft`, `classify`, `evaluate`: texts in, JSON out, with or without a config.toml."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.commands.classify import _utterance
from tests.terminal import COMPLAINT, OHLAS, PRAISE, QUESTION, answer, environment, ohlas, process, shop

MENTION = {"source": "web", "id": "7", "author": "Eva Malá", "text": COMPLAINT, "url": "https://pupava.example/7"}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without config.toml."""
    monkeypatch.chdir(tmp_path)


def draft(**changes: Any) -> Any:
    return answer("draft", "--json", stdin=json.dumps({**MENTION, **changes}))


def refused(body: str | bytes) -> str:
    result = ohlas("draft", "--json", stdin=body)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(line.startswith("ohlas: ") for line in result.stderr.splitlines())
    return result.stderr


def test_draft_answers_a_complaint_in_its_language(tmp_path: Path) -> None:
    answered = draft()
    assert set(answered) == {"language", "text", "parts", "guard", "verdict", "situation", "choices"}
    assert (answered["language"], answered["verdict"]["label"]) == ("sk", "complaint")
    assert list(answered["parts"]) == ["apology", "interest", "solution"]
    assert all(part in answered["text"] for part in answered["parts"].values())
    assert answered["guard"] == []
    assert {"label", "confidence", "unsure", "language"} <= set(answered["verdict"])
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_draft_takes_a_persons_word_on_the_case_and_says_why_each_sentence_stands_there() -> None:
    answered = draft(fault="not_ours", channel="mail", actor="Eva")
    assert (answered["situation"]["fault"], answered["situation"]["channel"]) == ("not_ours", "mail")
    assert {one["part"] for one in answered["choices"]} == set(answered["parts"])
    assert all(one["why"] and one["text"] in answered["text"] for one in answered["choices"])
    assert draft(fault=None, channel=None, actor=None)["situation"]["fault"] == "maybe_ours"
    assert "fault: must be one of" in refused(json.dumps({**MENTION, "fault": "hers"}))


def test_draft_writes_an_acknowledgement_where_that_is_the_purpose() -> None:
    answered = draft(purpose="acknowledgement", reference="OH-00042")
    assert list(answered["parts"]) == ["apology", "interest", "solution"]
    assert "OH-00042" in answered["parts"]["solution"] and "odpov" in answered["parts"]["solution"]
    assert "odpovieme" in draft(purpose="acknowledgement")["parts"]["solution"]
    assert "purpose: must be one of" in refused(json.dumps({**MENTION, "purpose": "fun"}))


def test_draft_thanks_for_praise_and_answers_a_question_too() -> None:
    assert list(draft(text=PRAISE, rating=5)["parts"]) == ["thanks", "personal", "invitation"]
    assert draft(text=QUESTION)["text"]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None, "language": None, "rating": None, "author": None, "url": None, "extra": {"a": [1]}},
        {"id": 7, "author": "", "url": "", "created_at": "2026-11-20T10:00:00"},
        {"text": "", "rating": 1},
        {"text": "\ud800 \x00 \u202e", "title": "hm"},
    ],
)
def test_draft_takes_what_a_program_may_send(changes: dict[str, Any]) -> None:
    assert draft(**changes)["text"]


@pytest.mark.parametrize("key", ["source", "id", "author", "text", "url"])
def test_draft_names_what_is_missing(key: str) -> None:
    assert f"{key}: is missing" in refused(json.dumps({k: v for k, v in MENTION.items() if k != key}))


def test_draft_names_every_mistake_at_once() -> None:
    told = refused(
        json.dumps({"source": 5, "id": "", "text": [], "rating": 9, "language": "slovak", "url": "", "x": 1})
    )
    for key in ("source", "id", "author", "text", "rating", "language"):
        assert f"ohlas: {key}: " in told


@pytest.mark.parametrize("body", ["", " \n", "{", "[]", "null", b"\xff\xfe", "[" * 100_000, '{"text": 1e999}'])
def test_draft_refuses_what_is_no_mention(body: str | bytes) -> None:
    refused(body)


def test_draft_wants_something_to_answer() -> None:
    assert "must not be empty" in refused(json.dumps({**MENTION, "text": " \u200b"}))


def test_draft_uses_the_company_of_the_config(tmp_path: Path) -> None:
    shop(tmp_path)
    assert "Alžbeta" in draft()["text"] or "pomoc@pupava.example" in draft()["text"]


def test_a_config_that_was_named_must_be_there(tmp_path: Path) -> None:
    for command in ("draft", "classify"):
        assert ohlas(command, config=tmp_path / "elsewhere.toml", stdin=json.dumps(MENTION)).exit_code == 1


def classified(stdin: str | bytes) -> list[dict[str, Any]]:
    result = ohlas("classify", stdin=stdin)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_classify_answers_line_by_line() -> None:
    found = classified(f"{COMPLAINT}\n{PRAISE}\n{QUESTION}\n")
    assert [one["label"] for one in found] == ["complaint", "praise", "neutral"]
    assert all(set(one) == {"label", "confidence", "unsure", "language"} for one in found)
    assert all(0 <= one["confidence"] <= 1 and isinstance(one["unsure"], bool) for one in found)
    assert [one["language"] for one in found] == ["sk", "sk", "sk"]


NOTHING = {"label": "neutral", "confidence": 0.0, "unsure": True, "language": ""}


def test_an_empty_line_has_its_answer_too() -> None:
    found = classified(f'\n{COMPLAINT}\r\n   \n{{"text": ""}}\n{PRAISE}')
    assert [found[0], found[2], found[3]] == [NOTHING] * 3
    assert (found[1]["label"], found[4]["label"], len(found)) == ("complaint", "praise", 5)


def test_nothing_in_nothing_out() -> None:
    assert classified("") == []


def test_classify_reads_objects_with_stars_and_language() -> None:
    objects = [{"text": "", "rating": 1}, {"text": "", "rating": 5}, {"text": "ok", "lang": "cs"}, {"text": "ok"}]
    found = classified("\n".join(json.dumps(one) for one in objects))
    assert [one["label"] for one in found][:2] == ["complaint", "praise"]
    assert [one["language"] for one in found][2:] == ["cs", ""]


@pytest.mark.parametrize(
    "line", ["{broken", '{"a": 1}', '{"text": "x", "rating": "five"}', '{"text": 5}', "{" * 99_999, '{"text": NaN}']
)
def test_what_only_looks_like_json_still_gets_an_answer(line: str) -> None:
    assert len(classified(f"{line}\n{COMPLAINT}\n")) == 2


@given(st.text().filter(lambda text: "\n" not in text))
@settings(max_examples=200, deadline=None)
def test_any_line_can_be_read(line: str) -> None:
    found = _utterance(line)
    assert found is None or found.text or found.rating is not None


def test_order_and_number_hold_over_many_batches() -> None:
    lines = [COMPLAINT, PRAISE, ""] * 1_500
    assert [one["label"] for one in classified("\n".join(lines) + "\n")] == ["complaint", "praise", "neutral"] * 1_500


def test_classify_survives_any_bytes() -> None:
    assert len(classified(b"\xef\xbb\xbfahoj\n\xff\xfe\x00\n" + bytes(range(11, 256)) + b"\n")) == 3


async def test_a_slow_writer_gets_each_answer_at_once(tmp_path: Path) -> None:
    started = await asyncio.create_subprocess_exec(
        *OHLAS,
        "classify",
        cwd=tmp_path,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert started.stdin and started.stdout
    for text, label in ((COMPLAINT, "complaint"), (PRAISE, "praise")):
        started.stdin.write(f"{text}\n".encode())
        await started.stdin.drain()
        assert json.loads(await asyncio.wait_for(started.stdout.readline(), 30))["label"] == label
    started.stdin.close()
    assert await started.wait() == 0


def labelled(path: Path, *lines: tuple[str, str, str]) -> str:
    path.write_text(
        "".join(json.dumps(dict(zip(("text", "label", "lang"), line, strict=True))) + "\n" for line in lines), "utf-8"
    )
    return str(path)


def test_evaluate_scores_each_file(tmp_path: Path) -> None:
    three = labelled(
        tmp_path / "three.jsonl", (COMPLAINT, "complaint", "sk"), (PRAISE, "praise", "sk"), (QUESTION, "neutral", "sk")
    )
    two = labelled(tmp_path / "two.jsonl", (COMPLAINT, "negative", "sk"), ("Great, thanks!", "positive", "en"))
    found = answer("evaluate", "--json", three, two)
    assert list(found) == ["files"] and list(found["files"]) == ["three.jsonl", "two.jsonl"]
    keys = {"n", "accuracy", "macro_f1", "macro_recall", "labels", "languages"}
    assert all(set(one) - {"beside"} == keys for one in found["files"].values())
    assert found["files"]["three.jsonl"]["accuracy"] == 1.0
    assert (found["files"]["two.jsonl"]["n"], set(found["files"]["two.jsonl"]["languages"])) == (2, {"sk", "en"})
    table = ohlas("evaluate", three, two)
    assert table.exit_code == 0 and "three.jsonl" in table.stdout and "100.0" in table.stdout


def test_evaluate_says_which_line_cannot_be_used(tmp_path: Path) -> None:
    path = labelled(tmp_path / "bad.jsonl", (COMPLAINT, "complaint", "sk"), (PRAISE, "angry", "sk"))
    result = ohlas("evaluate", path)
    assert result.exit_code == 1 and "line 2" in result.stderr and "angry" in result.stderr
    assert ohlas("evaluate", str(tmp_path / "none.jsonl")).exit_code == 2


async def test_a_broken_config_is_told_before_a_draft_is_written(tmp_path: Path) -> None:
    shop(tmp_path, "[page]\nport = -1\n")
    code, out, err = await process(tmp_path, "draft", stdin=json.dumps(MENTION).encode())
    assert (code, out) == (1, "") and "page.port" in err
