"""Finding, reading and decoding files, and noticing what has changed."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import files
from monitor.errors import PermanentError
from monitor.model import Mention

OLD = 1_790_000_000  # seconds; long enough ago that the time stamp is trusted


def written(folder: Path, body: bytes, at: float = OLD) -> Path:
    path = folder / "any.csv"
    path.write_bytes(body)
    os.utime(path, (at, at))
    return path


def test_paths_are_beside_the_configuration(tmp_path: Path) -> None:
    path = written(tmp_path, b"x")
    assert files.resolve("any.csv", tmp_path) == path
    assert files.resolve(str(path), Path("/nowhere")) == path


@pytest.mark.parametrize("path", ["none.csv", "", "a\0b", "x" * 5000, "any.csv/inner"])
def test_missing_file_says_what_to_do(tmp_path: Path, path: str) -> None:
    written(tmp_path, b"x")
    with pytest.raises(PermanentError):
        files.read(files.resolve(path, tmp_path))


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PermanentError, match="ordinary"):
        files.resolve("pipe", tmp_path)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = written(tmp_path, b"x")
    assert files.resolve("~/any.csv", Path("/nowhere")) == path


def test_samples_are_shipped(tmp_path: Path) -> None:
    assert files.samples() == ["forum.rss", "heureka.xml", "reviews.csv"]
    for name in files.samples():
        assert files.read(files.resolve(f"sample:{name}", tmp_path))


@pytest.mark.parametrize(
    "name", ["", "..", "../samples/reviews.csv", "/etc/hostname", "__init__.py", "none.csv", "a\\b"]
)
def test_only_samples_are_samples(name: str) -> None:
    with pytest.raises(PermanentError, match=r"reviews\.csv"):
        files.resolve(f"sample:{name}", Path())


def test_folder_and_large_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="folder"):
        files.read(tmp_path)
    with pytest.raises(PermanentError, match="split it"):
        files.read(written(tmp_path, b"12345"), limit=4)
    assert files.read(written(tmp_path, b"1234"), limit=4) == b"1234"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1250", "utf-16", "utf-16-le", "utf-16-be"])
def test_decode(encoding: str) -> None:
    text = "Žluťoučký kôň; őrült űrhajó – „úpěl“"
    body = text.encode(encoding)
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    assert files.decode(marks.get(encoding, b"") + body) == text


def test_one_broken_byte_costs_one_character() -> None:
    assert files.decode("Žltý kôň ".encode() + b"\xe9" + " a žaba".encode()) == "Žltý kôň \ufffd a žaba"


@given(st.binary(max_size=60))
def test_decode_never_fails(body: bytes) -> None:
    assert isinstance(files.decode(body), str)


def test_unchanged_stamp_spares_the_reading(tmp_path: Path) -> None:
    first = files.read_changed(written(tmp_path, b"old"), "")
    assert first.body == b"old"
    assert files.read_changed(written(tmp_path, b"new"), first.cursor).body is None  # same size, same time


def test_unchanged_hash_spares_the_parsing(tmp_path: Path) -> None:
    first = files.read_changed(written(tmp_path, b"old"), "")
    touched = files.read_changed(written(tmp_path, b"old", OLD + 5), first.cursor)
    assert touched.body is None and touched.cursor != first.cursor
    assert files.read_changed(written(tmp_path, b"new", OLD + 9), touched.cursor).body == b"new"


def test_stamp_of_a_file_in_the_making_is_not_trusted(tmp_path: Path) -> None:
    future = datetime.now(UTC).timestamp() + 3600
    first = files.read_changed(written(tmp_path, b"old", future), "")
    assert files.read_changed(written(tmp_path, b"new", future), first.cursor).body == b"new"


def test_other_settings_make_it_new(tmp_path: Path) -> None:
    path = written(tmp_path, b"old")
    first = files.read_changed(path, "", "one")
    assert files.read_changed(path, first.cursor, "two").body == b"old"


def test_unfinished_reading_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, b"old")
    first = files.read_changed(path, "")
    again = files.read_changed(path, files.at_row(first.cursor, 7))
    assert (again.body, again.row) == (b"old", 7)
    changed = files.read_changed(written(tmp_path, b"newer"), files.at_row(first.cursor, 7))
    assert (changed.body, changed.row) == (b"newer", 0)


@pytest.mark.parametrize("cursor", ["x", "[]", "5", '{"row": "x"}', '{"stat": []}'])
def test_foreign_cursor_costs_a_reading(tmp_path: Path, cursor: str) -> None:
    assert files.read_changed(written(tmp_path, b"old"), cursor).body == b"old"


def test_freshen_moves_by_whole_days() -> None:
    mention = Mention(source="s", id="1", text="t", created_at=datetime(2026, 11, 20, 8, 12, tzinfo=UTC))
    assert files.freshen([mention], files.SAMPLE_DAY) == (mention,)
    (moved,) = files.freshen([mention], date(2029, 3, 1))
    assert moved.created_at == datetime(2029, 2, 28, 8, 12, tzinfo=UTC)
    assert (moved.id, moved.content_hash) == (mention.id, mention.content_hash)
    (back,) = files.freshen([mention], files.SAMPLE_DAY - timedelta(days=1))
    assert back.created_at.day == 19
