"""Cells of a spreadsheet: none is a formula, whatever sign a program takes for the one between cells."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.sheets import cell, harmless

SEPARATORS = (",", ";", "\t")
SIGNS = ("=", "+", "-", "@")
ACTS = ("(", "|", "!", "[")  # a formula without any of these reads and calls nothing


def cells(text: str, written: str, read: str) -> list[str]:
    """What a program that takes `read` for the separator makes of a row that was written with `written`."""
    file = io.StringIO()
    csv.writer(file, delimiter=written).writerow(("shop", 7, harmless(text), "Ján"))
    rows = io.StringIO(file.getvalue().replace("\r", "\n"))
    return [cell for row in csv.reader(rows, delimiter=read) for cell in row]


@pytest.mark.parametrize("written", SEPARATORS)
@pytest.mark.parametrize("read", SEPARATORS)
@given(text=st.text(st.sampled_from(';,\t\n\r" =+-@|(!a1)'), max_size=30))
@example(text='," =(')
def test_no_cell_is_a_formula(written: str, read: str, text: str) -> None:
    for one in cells(text, written, read):
        assert not (one.lstrip(" ").startswith(SIGNS) and any(sign in one for sign in ACTS)) or written == read
        assert written != read or not one.startswith(SIGNS)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ('Super;=HYPERLINK("http://x.example";"tu")', 'Super;\'=HYPERLINK("http://x.example";"tu")'),
        ('dobré\n=WEBSERVICE("http://x.example")', 'dobré\n\'=WEBSERVICE("http://x.example")'),
        ("Stálo to 100,- Kč ;-) a fungovalo 2 dni.", "Stálo to 100,- Kč ;-) a fungovalo 2 dni."),
        ("plusy:\n- cena\n- farba", "plusy:\n- cena\n- farba"),
    ],
)
def test_what_people_write_stays_as_it_is_where_nothing_can_happen(text: str, written: str) -> None:
    assert harmless(text) == written


def test_numbers_as_they_are_written_here() -> None:
    assert [cell(value, True) for value in (1234.56, 7, None, True, "-1")] == ["1234,56", "7", "", "1", "'-1"]
    assert cell(1234.56, False) == "1234.56"


def test_long_nonsense_takes_no_time() -> None:
    began = time.process_time()
    for nonsense in (";=" * 50_000 + "(", ";" + '"' * 100_000 + "(", "(" + ", " * 50_000 + "="):
        harmless(nonsense)
    assert time.process_time() - began < 1
