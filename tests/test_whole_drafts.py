"""No complaint gets a draft without its three parts, whatever anybody wrote.

Every text of the labelled sets is treated as a complaint and answered in its own language, and once more in a language
that has nothing to do with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xxhash

from monitor.contract import ReplyRules
from monitor.model import Aspect, Composition, Mention, Tone, Urgency, Verdict
from monitor.options import CompanyOptions, PolicyOptions
from responders.draft import compose
from responders.playbook import ASPECTS, CHANNELS, CUSTOMERS, FAULTS, URGENCIES, load
from responders.shipped import shipped_languages
from tests.gallery_set import FACTS

DEV = Path(__file__).parents[2] / "shared" / "data" / "dev"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANGUAGES = shipped_languages()
PARTS = ["apology", "interest", "solution"]
OFFERS = ("refund", "replacement", "voucher", "discount", "call_back", "manager")
COMPANIES = (CompanyOptions(), CompanyOptions(name="Lipka", signature="Jana z Lipky", contact="pomoc@lipka.example"))
POLICIES = (PolicyOptions(), PolicyOptions(may_offer=OFFERS, voucher_limit=10))  # type: ignore[arg-type]
LIMITS = (280, 350, 5000)
EMPTY_SLOT = re.compile(r"\{[a-z_.]+\}")  # the product's name may hold anything else

pytestmark = pytest.mark.skipif(not DEV.is_dir(), reason=f"the labelled texts are not there: {DEV}")


def texts() -> Iterator[tuple[str, str]]:
    """Every text with its own language, where that is one of ours, else ""."""
    for file in sorted(DEV.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield row["text"], row["lang"] if row["lang"] in LANGUAGES else ""


def test_every_text_that_there_is_gets_a_whole_draft() -> None:
    drafts = 0
    for text, own in texts():
        number = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
        for language in dict.fromkeys((own, LANGUAGES[number % len(LANGUAGES)])):
            if not language:
                continue
            made = draft(text, language, number // 7)
            assert list(made.parts) == PARTS and all(made.parts.values()), (language, text, made.text)
            assert not EMPTY_SLOT.search(made.text), (language, text, made.text)
            drafts += 1
    assert drafts > 30_000


def draft(text: str, language: str, number: int) -> Composition:
    """In a situation that is drawn from `number`: everything that changes which sentences there are to choose from."""

    def drawn(at: int, among: tuple[str, ...]) -> str:
        """One of them, or as often none."""
        place = (number >> at) % (2 * len(among))
        return among[place] if place < len(among) else ""

    urgency, facts = drawn(20, URGENCIES), FACTS[language] if number & 1 else {}
    return compose(
        Mention(source="dev", id=str(number), text=text, author="Jana Nováková", created_at=NOW),
        Verdict(
            label="complaint",
            confidence=0.9,
            unsure=False,
            language=language,
            aspects=tuple(Aspect(name=name) for name in {drawn(4, ASPECTS), drawn(9, ASPECTS)} - {""}),
            tone=Tone(name=drawn(14, CUSTOMERS) or "plain"),
            urgency=(Urgency(name=urgency),) if urgency else (),
        ),
        playbook=load(language, formal=bool(number & 2)),
        company=COMPANIES[(number >> 30) % 2],
        policy=POLICIES[(number >> 31) % 2],
        rules=ReplyRules(
            max_length=LIMITS[(number >> 32) % 3],
            channel=CHANNELS[(number >> 35) % len(CHANNELS)],  # type: ignore[arg-type]
        ),
        fault=drawn(25, FAULTS),
        facts=facts,
        reference="OH-00042",
    )
