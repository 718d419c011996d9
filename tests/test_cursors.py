"""Reading lists with the newest first: nothing is left out, and what was read once is not read for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.cursors import Moments, Tokens

NOW = 2_000_000


def test_the_very_first_time_the_newest_page_is_enough() -> None:
    state = Tokens()
    state.go_on([500, 400], "page-2", NOW, 60)
    assert (state.since, state.newest, state.token) == (500, 0, "")


def test_pages_are_read_down_to_what_is_known_and_only_then_the_newest_counts() -> None:
    state = Tokens(since=100)
    state.go_on([500, 400], "page-2", NOW, 60)
    assert (state.since, state.token) == (100, "page-2")
    state.go_on([300, 39], "page-3", NOW, 60)
    assert (state.since, state.token) == (500, "")


def test_a_page_that_names_itself_as_the_next_one_ends_the_reading() -> None:
    state = Tokens(since=100, token="page-2")
    state.go_on([300], "page-2", NOW, 60)
    assert state.token == ""


def test_a_moment_in_the_future_does_not_hide_what_comes_until_then() -> None:
    state = Moments(since=100)
    state.go_on([NOW + 9_000], False, NOW)
    assert state.since == NOW


def test_a_cursor_of_another_version_is_a_first_poll() -> None:
    assert Moments.parse('{"since": "yesterday"}') == Moments() == Moments.parse("")


@given(st.sets(st.integers(1, NOW - 1), max_size=40), st.integers(1, 5), st.integers(1, NOW - 1))
def test_everything_since_the_last_reading_is_read_page_by_page(written: set[int], size: int, since: int) -> None:
    listed, state, read = sorted(written, reverse=True), Moments(since=since), set[int]()
    for _ in range(60):
        rest = [one for one in listed if not state.before or one <= state.before]
        page = [one for one in rest if one > since][: size + 1]
        read |= set(page)
        state.go_on(page, len(page) < len([one for one in rest if one > since]), NOW)
        if not state.before:
            break
    assert read == {one for one in written if one > since}
    assert state.since == max(written | {since})
