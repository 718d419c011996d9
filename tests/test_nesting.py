"""No HTML that somebody sends can keep a parser busy for long, or have it fill the memory."""

import random

import pytest
from selectolax.lexbor import LexborHTMLParser

from monitor import nesting
from monitor.mail_reading import LIMIT
from monitor.nesting import shallow
from monitor.text import html_to_text

TAGS = (
    "a b i span x p li dd dt ul div form button table tr td th tbody caption option optgroup select ruby rt object h1"
    " h2 template svg math g title style script textarea iframe noscript html body head frameset br hr desc marquee"
).split()
ODD = (
    "x",
    "<",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    '<br a="',
    "'>",
    '<br a=b">',
    "</>",
    "<?",
    "<script><!--<script></script>",
)
WORST = {
    "blocks": "<div>",
    "lists": "<ul><li>",
    "an end tag of nothing": "<div></x>",
    "an end tag in a comment": "<div><!--</div>-->",
    "an end tag in an attribute": '<div><br a="</div>">',
    "an end tag in a script": "<div><script></div></script>",
    "an end tag out of reach": "<form><div></form>",
    "items of two kinds": "<li><dd>",
    "annotations": "<rt>",
    "drawings": "<svg><g></q>",
    "a letter that is like k": "<lin\u212a>",
    "cells": "<table><tr><td>",
}


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST.keys())
def test_nothing_is_nested_more_deeply_than_browsers_would(unit: str) -> None:
    html = unit * (LIMIT // len(unit))
    assert _measured(shallow(html))[0] < 3 * nesting.DEEPEST
    assert "slovo" in html_to_text(unit * 1_000 + "slovo") or "script" in unit


def test_what_was_formatted_is_not_formatted_again_in_every_paragraph() -> None:
    html = "<p>" + "".join(f"<b x={number}>" for number in range(500)) + "<p>x" * 40_000
    assert _measured(shallow(html))[1] < 200_000
    assert html_to_text("<p><b>" * 300 + "a<p>b").endswith("a\n\nb")


def test_no_mixture_of_tags_leads_to_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "DEEPEST", 20)
    chosen = random.Random(20)
    for _ in range(1_500):
        before, unit = (_some(chosen, most) for most in (3, 6))
        html = before + unit * 60 + "<" * 21
        depth, elements = _measured(shallow(html))
        assert depth < 3 * 20 and elements < len(html), f"{before} and again and again {unit}"


def test_html_as_people_write_it_reads_as_before() -> None:
    html = (
        "<!DOCTYPE html><html><head><title>a < b</title><script>if (a<b) {}</script></head><body><p>jeden<p>dva<br>tri"
        "<ul><li>štyri<li><b>päť</b> <i>šesť</ul><table><tr><td>7<td>8<tr><td><a href='x>y'>9</a></table>"
        "<dl><dt>desať<dd>jedenásť</dl><svg><path/><text>nič</text></svg><div>dvanásť</p>trinásť</div>"
        "<select><option>nie</select><font color=red><div>štrnásť</font>pätnásť</div>"
    )
    assert shallow(html) == html
    many = "<p></p>" * 300
    assert html_to_text(html + many) == html_to_text(html)


def _some(chosen: random.Random, most: int) -> str:
    return "".join(_tag(chosen) for _ in range(chosen.randint(1, most)))


def _tag(chosen: random.Random) -> str:
    name = chosen.choice(TAGS)
    return chosen.choice((f"<{name}>", f"<{name}>", f"<{name} a={chosen.random()}>", f"</{name}>", chosen.choice(ODD)))


def _measured(html: str) -> tuple[int, int]:
    """How deep the deepest element lies, and how many nodes there are."""
    nodes, deepest, number = [(LexborHTMLParser(html).root, 1)], 0, 0
    while nodes:
        node, depth = nodes.pop()
        deepest, number = max(deepest, depth), number + 1
        child = node.child if node else None
        while child is not None:
            nodes.append((child, depth + 1))
            child = child.next
    return deepest, number
