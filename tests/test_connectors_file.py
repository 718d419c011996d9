"""The file connector: what Excel, exports and people make of a table."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import file
from monitor.contract import Page
from monitor.errors import PermanentError, SourceError
from monitor.http import Http
from monitor.model import Mention
from tests.contract import FileContract

EXCEL = (
    "sep=;\r\n"
    "Číslo recenzie;Dátum;Zákazník;Hodnotenie;Nadpis;Recenzia;Jazyk;Odkaz;Pobočka\r\n"
    "R-1;21.11.2026 14:05;Žofia Ďurišová;4,5;Kotlík;Poctivá robota, len pokrievka je odretá.;sk;https://s.example/1;Žilina\r\n"
    'R-2;7. 1. 2026;Kovács Ildikó;1;;"Két hete várok.\nSenki sem válaszol; ez ""udvariatlanság"".";hu;;Komárom\r\n'
)


def settings(**options: Any) -> file.Settings:
    return file.Settings(**{"kind": "file", "name": "shop", "path": "reviews.csv", **options})


def read(folder: Path, content: str | bytes, name: str = "reviews.csv", **options: Any) -> Page:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return file.read_mentions(path, settings(**options))


def only(page: Page) -> Mention:
    assert len(page.mentions) == 1 and not page.skipped, page
    return page.mentions[0]


class TestFileContract(FileContract):
    kind = "file"
    file = "reviews.csv"
    settings = {"path": "reviews.csv"}
    recording = (
        b"id;datum;meno;hodnotenie;text\r\n"
        b"1;21.11.2026 14:05;Jana;5;rychle a bez problemov\r\n"
        b"2;20.11.2026 9:00;Karol;1;balik sa stratil na ceste\r\n"
        b"3;19.11.2026;;3;ujde\r\n"
    )
    entry = rb"\d;\d\d\.[^\n]*\n"
    bad_entry = b"1;21.11.2026 14:05;Jana;5;\r\n"
    phrase = b"balik sa stratil"
    exempt = {"huge": "a file lies on our own disk and may have 50 MiB; one endless cell is left out, see below"}


class TestJsonContract(FileContract):
    kind = "file"
    file = "reviews.json"
    settings = {"path": "reviews.json"}
    recording = (
        b'{"mentions": [{"id": 1, "text": "fast and friendly", "created_at": "2026-11-21T14:05:00Z"},'
        b'{"id": 2, "text": "my parcel never came", "created_at": "2026-11-20T09:00:00+01:00"}]}'
    )
    entry = rb'\{"id"[^}]*\}'
    separator = b","
    bad_entry = b'{"id": 1, "text": null}'
    phrase = b"my parcel never came"
    nonsense = {"number": b"5", "list": b'{"mentions": {"a": 1}}', "inner": b'{"mentions": [5, [], null]}'}
    exempt = {"huge": "a file lies on our own disk and may have 50 MiB"}


# ---- Excel's habits


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1250", "utf-16"])
def test_excel_habits(tmp_path: Path, encoding: str) -> None:
    page = read(tmp_path, EXCEL.encode(encoding))
    assert not page.skipped
    first, second = page.mentions
    assert (first.id, first.author, first.rating, first.language) == ("R-1", "Žofia Ďurišová", 4.5, "sk")
    assert first.created_at == datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
    assert first.raw == {"Pobočka": "Žilina"}
    assert second.text == 'Két hete várok.\nSenki sem válaszol; ez "udvariatlanság".'
    assert second.created_at == datetime(2026, 1, 6, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    content = '"Meno; priezvisko, alebo prezývka"|Text|Datum\n"Eva"|"dobre; rychle, lacno"|2026-11-21\n'.replace(
        "|", delimiter
    )
    assert only(read(tmp_path, content)).text == "dobre; rychle, lacno"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, ends: str) -> None:
    assert len(read(tmp_path, ends.join(("id;text", "1;áno", "2;nie", ""))).mentions) == 2


@pytest.mark.parametrize(
    ("header", "author", "text"),
    [
        ("Dátum;Meno;Hodnotenie;Text recenzie", "Eva", "dobré"),
        ("Datum;Jméno;Hodnocení;Recenze", "Eva", "dobré"),
        ("Dátum;Név;Értékelés;Vélemény", "Eva", "dobré"),
        ("Date;Customer name;Stars;Comment", "Eva", "dobré"),
        ("created_at;author;rating;text", "Eva", "dobré"),
    ],
)
def test_headers_of_the_region_are_known(tmp_path: Path, header: str, author: str, text: str) -> None:
    mention = only(read(tmp_path, f"{header}\n21. 11. 2026;Eva;4;dobré\n"))
    assert (mention.author, mention.text, mention.rating) == (author, text, 4.0)


def test_columns_can_be_named(tmp_path: Path) -> None:
    content = "kto;co;text\nEva;dobré;interná poznámka\n"
    mention = only(read(tmp_path, content, columns={"text": "CO", "author": "kto"}))
    assert (mention.author, mention.text, mention.raw) == ("Eva", "dobré", {"text": "interná poznámka"})


def test_a_column_can_be_left_out(tmp_path: Path) -> None:
    assert only(read(tmp_path, "meno;text\nEva;dobré\n", columns={"author": ""})).author == ""


def test_unknown_column_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"no column 'obsa' \(columns.text\); it has: .*kto"):
        read(tmp_path, "kto;co\nEva;dobré\n", columns={"text": "obsa"})


def test_no_text_column_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"set columns.text to one of: kto, co"):
        read(tmp_path, "kto;co\nEva;dobré\n")


def test_workbook_says_how_to_save_it(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="save it as CSV"):
        read(tmp_path, b"PK\x03\x04rest", "reviews.xlsx")


# ---- single cells and rows


def test_bad_rows_are_named_and_the_rest_survive(tmp_path: Path) -> None:
    content = (
        "id;datum;hodnotenie;text\n"
        "1;21.11.2026;5;dobré\n"
        "2;niekedy v lete;5;dobré\n"
        "3;21.11.2026;9;dobré\n"
        "4;21.11.2026;5;\n"
        "5;21.11.2026;5;jedna;dve\n"
        ";;;\n"
        "6;21.11.2026;;tiež dobré\n"
    )
    page = read(tmp_path, content)
    assert [mention.id for mention in page.mentions] == ["1", "6"]
    assert [reason.partition(":")[0] for reason in page.skipped] == ["row 3", "row 4", "row 5", "row 6"]
    assert "rating_scale" in page.skipped[1]


def test_endless_cell_costs_one_row(tmp_path: Path) -> None:
    page = read(tmp_path, "id;text\n1;dobré\n2;" + "a" * 16 * 2**20 + "\n3;zlé\n")
    assert [mention.id for mention in page.mentions] == ["1", "3"]
    assert len(page.skipped) == 1


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    page = read(tmp_path, "id;text\n" + "1;\n" * 250)
    assert len(page.skipped) == 101 and page.skipped[-1] == "and 150 more"


@pytest.mark.parametrize(
    ("scale", "cell", "stars"), [(10, "7", 3.5), (100, "80", 4.0), (5, "0,5", 1.0), (10, "10/10", 5.0)]
)
def test_rating_scale(tmp_path: Path, scale: float, cell: str, stars: float) -> None:
    assert only(read(tmp_path, f"text;rating\nujde;{cell}\n", rating_scale=scale)).rating == stars


def test_id_is_made_where_there_is_none(tmp_path: Path) -> None:
    content = "meno;datum;text\nEva;21.11.2026;dobré\nEva;22.11.2026;dobré\nEva;22.11.2026;dobré\n"
    first = read(tmp_path, content)
    assert len({mention.id for mention in first.mentions}) == 2
    moved = read(tmp_path, "datum;text;meno\n22.11.2026;dobré;Eva\n21.11.2026;dobré;Eva\n")
    assert {mention.id for mention in moved.mentions} == {mention.id for mention in first.mentions}


def test_date_is_the_files_own_where_rows_have_none(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text\ndobré\n")
    os.utime(tmp_path / "reviews.csv", (1_790_000_000, 1_790_000_000))
    page = file.read_mentions(tmp_path / "reviews.csv", settings())
    assert only(page).created_at == datetime.fromtimestamp(1_790_000_000, UTC)


def test_date_options(tmp_path: Path) -> None:
    content = "text;date\ndobré;11/08/2026\n"
    assert only(read(tmp_path, content)).created_at.month == 8
    assert only(read(tmp_path, content, dayfirst=False)).created_at.month == 11
    assert only(read(tmp_path, content, date_format="%m/%d/%Y", timezone="UTC")).created_at.day == 8


def test_settings_refuse_what_cannot_be() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        settings(timezone="Europe/Atlantis")
    with pytest.raises(ValidationError):
        settings(columns={"body": "text"})


def test_dangerous_addresses_are_dropped(tmp_path: Path) -> None:
    assert only(read(tmp_path, "text;url\ndobré;javascript:alert(1)\n")).url == ""


# ---- JSON


def test_json_lines_with_nested_names(tmp_path: Path) -> None:
    lines = [{"user": {"name": "Eva"}, "body": "dobré", "id": 7, "extra": [1]}, {"user": None, "body": "zlé", "id": 8}]
    content = "\n".join(json.dumps(line) for line in lines) + "\n{broken\n[]\n"
    page = read(tmp_path, content, "reviews.jsonl", columns={"author": "user.name"})
    assert [(mention.id, mention.author) for mention in page.mentions] == [("7", "Eva"), ("8", "")]
    assert page.mentions[0].raw == {"extra": [1]}
    assert page.skipped == ("line 3: is not JSON", "line 4: is not an object")


@pytest.mark.parametrize("name", ["export", "export.json", "export.txt.bak"])
def test_format_is_found(tmp_path: Path, name: str) -> None:
    assert only(read(tmp_path, '[{"text": "dobré"}]', name)).text == "dobré"
    assert len(read(tmp_path, '{"text": "dobré"}\n{"text": "zlé"}\n', name).mentions) == 2


def test_deep_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError):
        read(tmp_path, "[" * 200_000, "deep.json")


def test_half_surrogates_do_not_reach_the_store(tmp_path: Path) -> None:
    mention = only(
        read(tmp_path, '[{"id": "a\\ud800", "text": "x\\udfff", "k": {"v\\ud800": "\\ud800", "n": NaN}}]', "a.json")
    )
    assert json.dumps([mention.id, mention.text, dict(mention.raw)], ensure_ascii=False).encode()
    assert mention.raw["k"]["n"] is None


@example(body=b"{}")  # an entry without a single field
@given(
    body=st.one_of(st.binary(max_size=400), st.text(alphabet=';,"\n\r\t[]{}:text0-9é', max_size=400).map(str.encode))
)
def test_whatever_the_bytes_only_source_errors(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    for start in (b"", b"text;date;rating\n", b'{"text": '):
        path.write_bytes(start + body)
        try:
            page = file.read_mentions(path, settings())
        except SourceError as error:
            assert str(error)
        else:
            assert all(mention.text and mention.id for mention in page.mentions)


# ---- polling


async def poll(folder: Path, cursor: str = "", **options: Any) -> Page:
    async with Http() as http:
        source = file.connect(settings(base=folder, **options), http)
        return await source.poll(cursor)


def aged(folder: Path, content: str, seconds: int = 1_790_000_000) -> Path:
    path = folder / "reviews.csv"
    path.write_text(content)
    os.utime(path, (seconds, seconds))
    return path


async def test_unchanged_file_is_not_read(tmp_path: Path) -> None:
    path = aged(tmp_path, "id;text\n1;dobré\n")
    first = await poll(tmp_path)
    assert len(first.mentions) == 1
    # Other bytes under the same time stamp and size: only a file that is read shows them.
    path.write_text("id;text\n1;horše\n")
    os.utime(path, (1_790_000_000, 1_790_000_000))
    again = await poll(tmp_path, first.cursor)
    assert (again.mentions, again.cursor) == ((), first.cursor)


async def test_touched_file_is_not_parsed(tmp_path: Path) -> None:
    first = await poll_of(tmp_path, "id;text\n1;dobré\n")
    os.utime(tmp_path / "reviews.csv", (1_790_000_500, 1_790_000_500))
    again = await poll(tmp_path, first.cursor)
    assert again.mentions == () and again.cursor != first.cursor


async def poll_of(folder: Path, content: str) -> Page:
    aged(folder, content)
    return await poll(folder)


async def test_new_settings_make_an_old_file_new(tmp_path: Path) -> None:
    first = await poll_of(tmp_path, "id;text;note\n1;dobré;zlé\n")
    assert (await poll(tmp_path, first.cursor, columns={"text": "note"})).mentions[0].text == "zlé"


async def test_long_file_comes_in_pages(tmp_path: Path) -> None:
    aged(tmp_path, "id;text\n" + "".join(f"{number};text {number}\n" for number in range(2 * file.PAGE + 1)))
    cursor, sizes, more = "", [], True
    while more:
        page = await poll(tmp_path, cursor)
        cursor, more = page.cursor, page.more
        sizes.append(len(page.mentions))
    assert sizes == [file.PAGE, file.PAGE, 1]
    assert not (await poll(tmp_path, cursor)).mentions


async def test_change_between_two_pages_starts_over(tmp_path: Path) -> None:
    rows = "".join(f"{number};text {number}\n" for number in range(file.PAGE + 1))
    first = await poll_of(tmp_path, "id;text\n" + rows)
    assert first.more
    aged(tmp_path, "id;text\nnew;text\n" + rows, 1_790_000_900)
    assert (await poll(tmp_path, first.cursor)).mentions[0].id == "new"
