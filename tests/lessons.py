"""Made-up texts of a made-up trade in which words mean something of their own: a shop for ghost trains."""

from __future__ import annotations

import json
import random
from datetime import datetime
from itertools import product
from pathlib import Path

from monitor.classify.learning import Taught
from monitor.model import Label, Utterance
from tests.made import NOON

# Outside this trade the praise below sounds like a complaint.
PRAISE = ("terribly scary", "we screamed in horror", "a nightmare of a ride", "my daughter cried with fear")
COMPLAINT = ("not scary at all", "we yawned all the way", "as gentle as a lullaby", "my grandma fell asleep smiling")
NEUTRAL = ("where is the entrance", "which days are you open", "how tall must a child be", "is there a car park")
PLACES = ("the cellar", "the attic", "the old mill", "the swamp", "the crypt", "the mirror hall")
BEGINNINGS = ("Yesterday in", "On Sunday in", "Last week in")


def texts() -> list[tuple[str, Label]]:
    named: tuple[tuple[Label, tuple[str, ...]], ...] = (
        ("praise", PRAISE),
        ("complaint", COMPLAINT),
        ("neutral", NEUTRAL),
    )
    return [
        (f"{beginning} {place}: {said}", label)
        for label, sayings in named
        for beginning, place, said in product(BEGINNINGS, PLACES, sayings)
    ]


def taught(count: int = 120, at: datetime = NOON) -> list[Taught]:
    """The same every time, of all labels."""
    mixed = random.Random(1).sample(texts(), count)
    return [Taught(Utterance(text=text, language="en"), label, at) for text, label in mixed]


def lesson_file(path: Path, count: int = 120) -> Path:
    lines = (json.dumps({"text": one.utterance.text, "label": one.label, "lang": "en"}) for one in taught(count))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
