"""Fields of answers that others wrote."""

from typing import Any

import pytest

from monitor.fields import inner, rows, string, strings

ODD: tuple[Any, ...] = (None, 5, 1.5, True, "", [], {})


@pytest.mark.parametrize("value", ODD)
def test_what_is_of_another_type_counts_as_empty(value: Any) -> None:
    thing = {"a": value}
    assert (string(thing, "a", "b"), inner(thing, "a", "b"), rows(thing, "a"), strings(thing, "a")) == ("", {}, [], [])


def test_the_first_name_that_holds_something() -> None:
    thing = {"old": "", "new": "text", "list": [1, "a", {"b": 1}], "none": [], "object": {"c": 1}}
    assert string(thing, "old", "new") == "text"
    assert rows(thing, "none", "list") == [{"b": 1}]
    assert strings(thing, "none", "list") == ["a"]
    assert inner(thing, "old", "object") == {"c": 1}
