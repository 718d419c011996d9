"""How many forms of brands are found in texts that customers and newspapers wrote.

What is to be found is everything that begins like the brand's stem, but for what was looked at by hand and is another
word, a compound, or misspelt beyond endings. Nothing of the texts is kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from monitor.text import plain
from monitor.watch.terms import Terms
from tests.running import ROOT

DEV = ROOT.parent / "shared" / "data" / "dev"
CZECH = ("cs_facebook.all", "cs_google.all", "cs_alza.all", "csrest_m.dev", "kinit_sk.test", "kinit_sk.stress")
HUNGARIAN = ("opinhubank.all", "husst.dev")

# brand: (texts, what its forms begin with, what begins so and is something else)
BRANDS = {
    "Vodafone": (CZECH, r"vodafon\w*", "vodafonepark"),
    "Kofola": (CZECH, r"kofol\w*", "kofolacci"),
    "Milka": (CZECH, r"mil[kc][aueyo]\w*", "milkasotez milkarite milkasoutez milcoval"),
    "Slevomat": (CZECH, r"slevomat[^\W_]*", ""),
    "T-Mobile": (CZECH, r"t[ -]?mobil\w*", "t mobilni"),
    "Samsung": (CZECH, r"samsung\w*", ""),
    "Facebook": (CZECH + HUNGARIAN, r"faceb\w*", "facebookale"),
    "iPhone": (CZECH, r"iphon\w*", ""),
    "Kaufland": (CZECH, r"kaufland\w*", ""),
    "Alza": (CZECH, r"alz[aeyuo]\w*", ""),
    "Fidesz": (HUNGARIAN, r"fides(?:z|sz)\w*", ""),
    "Jobbik": (HUNGARIAN, r"jobbik\w*", ""),
    "Budapest": (HUNGARIAN, r"budapest\w*", ""),
    "Gyurcsány": (HUNGARIAN, r"gyurcsany\w*", "gyurcsanyistak"),
}


@cache
def texts(names: tuple[str, ...]) -> list[str]:
    lines = [line for name in names for line in (DEV / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [json.loads(line)["text"] for line in lines]


def counted(brand: str) -> tuple[int, int, int]:
    """How many there are to be found, how many of those are found, and how much else."""
    names, beginning, others = BRANDS[brand]
    wanted, found, hits = re.compile(rf"(?<![^\W_]){beginning}"), Terms([brand]), [0, 0, 0]
    for text in texts(names):
        there = {one.start() for one in wanted.finditer(plain(text)) if one[0] not in others.split()}
        ours = {one.start for one in found.look(text).found}
        for place, number in enumerate((len(there), len(there & ours), len(ours - there))):
            hits[place] += number
    return hits[0], hits[1], hits[2]


@pytest.mark.skipif(not Path(DEV).is_dir(), reason=f"the labelled texts are not in {DEV}")
def test_nearly_all_forms_are_found_and_nothing_else(record_property: Callable[[str, object], None]) -> None:
    counts = [counted(brand) for brand in BRANDS]
    there, found, wrong = (sum(column) for column in zip(*counts, strict=True))
    record_property("forms", f"{found} of {there} found, {wrong} wrong")
    assert there >= 400
    assert found / there >= 0.97
    assert wrong == 0
