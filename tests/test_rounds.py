"""Several lists of one source are read in turn."""

from __future__ import annotations

from monitor.contract import Page
from monitor.rounds import Feeds

HOUR = 3600.0


async def walk(state: Feeds, lists: dict[str, list[tuple[list[float], str]]], polls: int) -> tuple[Feeds, list[str]]:
    """`lists` are pages: when things were written, and what the next page is called. Also returns what was asked."""
    asked: list[str] = []

    async def do(job: str) -> Page:
        asked.append(f"{job}{state.after}")
        written, following = lists[job][int(state.after or 0)]
        state.go_on(written, following, overlap=HOUR)
        return Page()

    for _ in range(polls):
        page = await state.poll(list(lists), do)
        state = Feeds.parse(page.cursor)
    return state, asked


LISTS = {"a": [([9 * HOUR], "1"), ([7 * HOUR], "2"), ([5 * HOUR], "")], "b": [([8 * HOUR], "0")]}


async def test_the_first_time_the_newest_page_of_each_is_enough() -> None:
    state, asked = await walk(Feeds(), LISTS, 2)
    assert asked == ["a", "b"] and state.until == {"a": 9 * HOUR, "b": 8 * HOUR} and not state.job


async def test_pages_are_read_up_to_what_is_known_and_an_hour_more() -> None:
    state, asked = await walk(Feeds(until={"a": 7.5 * HOUR, "b": 0.0}), LISTS, 4)
    assert asked == ["a", "a1", "a2", "b"]
    assert state.until["a"] == 9 * HOUR and (state.job, state.after) == ("b", "0")


async def test_a_page_that_names_itself_as_the_next_one_ends_the_list() -> None:
    state, asked = await walk(Feeds(until={"a": 9 * HOUR, "b": 0.0}), LISTS, 4)
    assert asked == ["a", "a1", "b", "b0"] and not state.job


async def test_a_list_that_is_not_read_any_more_leaves_no_trace() -> None:
    state, asked = await walk(Feeds(job="gone", after="7", until={"a": 9 * HOUR}), {"b": LISTS["b"]}, 1)
    assert asked == ["b"] and state.until["b"] == 8 * HOUR
