"""Dates, ratings and languages as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import cells

BRATISLAVA = ZoneInfo("Europe/Bratislava")


@pytest.mark.parametrize(
    "cell",
    [
        "21.11.2026 14:05",
        "21. 11. 2026 14:05:00",
        "21.11.2026, 14:05",
        "2026. 11. 21. 14:05",
        "2026.11.21. 14:05",
        "2026-11-21 14:05",
        "2026-11-21T13:05:00Z",
        "2026-11-21 15:05:00 +0200",
        "Sat, 21 Nov 2026 14:05:00 +0100",
        "21. novembra 2026 o 14:05",
        "21. listopadu 2026 14:05",
        "2026. november 21. 14:05",
        "Nov 21, 2026 2:05 PM",
        "21/11/2026 14:05",
        "21.11.26 14:05",
        "21.11.2026 14:05 CET",
        "21.11.2026 15:05 CEST",
        " 21.11.2026\u00a014:05 ",
        "1795266300",
        "1795266300000",
    ],
)
def test_dates(cell: str) -> None:
    assert cells.moment(cell, BRATISLAVA) == datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "7",
        "2026",
        "14:05",
        "november",
        "21.11.",
        "32.1.2026",
        "v lete",
        "0001-01-01",
        "1" * 500,
        "9" * 13,
        "2026-11-21T1:00+99:99",
    ],
)
def test_what_is_no_date(cell: str) -> None:
    with pytest.raises(ValueError, match="date"):
        cells.moment(cell, BRATISLAVA)


def test_iso_dates_are_never_turned() -> None:
    assert cells.moment("2026-11-08", UTC).month == 11
    assert cells.moment("2026-11-08 10:00 +0100", UTC).month == 11


def test_hour_that_the_clock_shows_twice() -> None:
    assert cells.moment("25.10.2026 2:30", BRATISLAVA) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_a_value_error(cell: str) -> None:
    try:
        assert cells.moment(cell, BRATISLAVA).utcoffset() is not None
    except ValueError as error:
        assert "date" in str(error)


@pytest.mark.parametrize(
    ("cell", "scale", "expected"),
    [
        ("4,5", 5, 4.5),
        ("4.5", 5, 4.5),
        ("5", 5, 5.0),
        ("0,5", 5, 1.0),
        ("7", 10, 3.5),
        ("100", 100, 5.0),
        ("0", 100, 1.0),
        ("80 %", 5, 4.0),
        ("9/10", 5, 4.5),
        ("3 z 5", 5, 3.0),
        ("4 out of 5", 100, 4.0),
        ("5 hviezdičiek", 5, 5.0),
        ("★★★★☆", 5, 4.0),
        ("⭐⭐", 5, 2.0),
        ("", 5, None),
        (" - ", 5, None),
        ("0", 5, None),
    ],
)
def test_stars(cell: str, scale: float, expected: float | None) -> None:
    assert cells.stars(cell, scale) == expected


@pytest.mark.parametrize("cell", ["6", "výborné", "-1", "1/0", "nan", "inf", "1e9", "True"])
def test_what_is_no_rating(cell: str) -> None:
    with pytest.raises(ValueError, match="rating"):
        cells.stars(cell)


@given(st.text(max_size=12), st.floats(1, 100))
def test_any_text_is_a_rating_or_a_value_error(cell: str, scale: float) -> None:
    try:
        found = cells.stars(cell, scale)
    except ValueError as error:
        assert "rating" in str(error)
    else:
        assert found is None or 1 <= found <= 5


@pytest.mark.parametrize(
    ("cell", "code"), [("SK", "sk"), ("cs-CZ", "cs"), ("cz", "cs"), ("hu_HU", "hu"), ("slovenčina", ""), ("", "")]
)
def test_language(cell: str, code: str) -> None:
    assert cells.language_code(cell) == code
