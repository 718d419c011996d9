"""Situations to read replies to: 48 of a language, the same ones in all six, each with words of its own.

A line of gallery/LANGUAGE.txt is `author | what they write | product`; all of it is made up. Line n is answered in the
situation of line n below, in the words of responders/playbook.py, and with these: `familiar` address, a company with
`facts`, a `generous` policy, a `short` limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from monitor.contract import Channel, ReplyRules
from monitor.model import LABELS, Aspect, Label, Mention, Tone, Urgency, Verdict
from monitor.options import PolicyOptions
from responders.playbook import ASPECTS, CUSTOMERS, FAULTS, URGENCIES

TEXTS = Path(__file__).parent / "gallery"
LANGUAGES = tuple(sorted(file.stem for file in TEXTS.glob("*.txt")))
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
STARS: dict[Label, int] = {"complaint": 1, "neutral": 3, "praise": 5}

SITUATIONS = [
    line.split()
    for line in """
complaint delivery review
complaint product ours review facts generous
complaint staff rude review familiar
complaint refund money repeated mail
complaint price undecided post
complaint web post familiar
complaint communication offended mail
complaint availability review
complaint delivery communication post
complaint product safety review
complaint refund legal mail facts
complaint staff media post
complaint delivery deadline mail familiar
complaint delivery not_ours review facts
complaint price misunderstanding mail
complaint product know_it_all review facts
complaint refund know_it_all mail facts
complaint refund not_ours rude review familiar facts
complaint delivery misunderstanding undecided post
complaint review
complaint review
complaint staff safety post
complaint refund legal ours mail generous
complaint communication repeated review familiar
complaint staff offended ours review generous
complaint product price post short
complaint web money ours mail
complaint availability undecided post familiar
complaint communication not_ours know_it_all mail facts
complaint delivery ours rude post generous
complaint refund deadline review
praise delivery staff review
praise product review familiar
praise review
praise communication mail
praise post familiar
neutral product review
neutral availability mail familiar
neutral price post
neutral review
complaint product safety not_ours mail facts
complaint price rude post familiar generous
complaint delivery product offended mail generous
complaint communication media misunderstanding review
complaint price ours know_it_all review facts
complaint web misunderstanding review familiar
praise price web mail
praise refund review
""".strip().splitlines()
]

FACTS = {
    "sk": {
        "returns": "14 dní od prevzatia",
        "warranty": "24 mesiacov od prevzatia",
        "hours": "v pracovné dni od 8.00 do 16.00",
        "phone": "0800 123 456",
        "delivery": "do dvoch pracovných dní",
        "complaints": "v každej predajni aj na reklamacie@lipka.example",
    },
    "cs": {
        "returns": "14 dní od převzetí",
        "warranty": "24 měsíců od převzetí",
        "hours": "v pracovní dny od 8.00 do 16.00",
        "phone": "800 123 456",
        "delivery": "do dvou pracovních dnů",
        "complaints": "v každé prodejně i na reklamace@lipka.example",
    },
    "hu": {
        "returns": "az átvételtől számított 14 nap",
        "warranty": "a vásárlástól számított két év",
        "hours": "munkanapokon 8 és 16 óra között",
        "phone": "+36 1 555 0100",
        "delivery": "két munkanap",
        "complaints": "a reklamacio@lipka.example címen és minden üzletünkben",
    },
    "en": {
        "returns": "14 days from delivery",
        "warranty": "two years from delivery",
        "hours": "on weekdays from 8:00 to 16:00",
        "phone": "020 7946 0100",
        "delivery": "two working days",
        "complaints": "at claims@lipka.example or in any of our shops",
    },
    "de": {
        "returns": "14 Tagen nach Erhalt",
        "warranty": "zwei Jahre ab Lieferung",
        "hours": "montags bis freitags von 8 bis 16 Uhr",
        "phone": "0800 123 456",
        "delivery": "innerhalb von zwei Werktagen",
        "complaints": "unter service@lipka.example oder in jeder Filiale",
    },
    "pl": {
        "returns": "14 dni od otrzymania towaru",
        "warranty": "dwa lata od zakupu",
        "hours": "w dni robocze od 8.00 do 16.00",
        "phone": "800 123 456",
        "delivery": "w ciągu dwóch dni roboczych",
        "complaints": "pod adresem serwis@lipka.example i w każdym sklepie",
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """A mention in a situation, and how the company is set up that answers it."""

    language: str
    words: tuple[str, ...]
    mention: Mention

    @property
    def label(self) -> Label:
        return next(label for label in LABELS if label in self.words)

    @property
    def verdict(self) -> Verdict:
        return Verdict(
            label=self.label,
            confidence=0.9,
            unsure=False,
            language=self.language,
            aspects=tuple(Aspect(name=name) for name in self._those_of(ASPECTS)),
            tone=Tone(name=next(iter(self._those_of(CUSTOMERS)), "plain")),
            urgency=tuple(Urgency(name=name) for name in self._those_of(URGENCIES)),
        )

    @property
    def fault(self) -> str:
        return next(iter(self._those_of(FAULTS)), "")

    @property
    def rules(self) -> ReplyRules:
        channel: Channel = next(channel for channel in get_args(Channel) if channel in self.words)
        return ReplyRules(max_length=280 if "short" in self.words else 2000, channel=channel)

    @property
    def policy(self) -> PolicyOptions:
        if "generous" not in self.words:
            return PolicyOptions()
        offers = ("refund", "replacement", "voucher", "discount", "call_back", "manager")
        return PolicyOptions(may_offer=offers, voucher_limit=10)  # type: ignore[arg-type]

    @property
    def facts(self) -> dict[str, str]:
        return FACTS[self.language] if "facts" in self.words else {}

    @property
    def formal(self) -> bool:
        return "familiar" not in self.words

    def _those_of(self, known: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in self.words if word in known)


def cases(language: str) -> list[Case]:
    lines = (TEXTS / f"{language}.txt").read_text("utf-8").splitlines()
    return [
        Case(language, tuple(words), _mention(f"{language}-{number}", line, words))
        for number, (line, words) in enumerate(zip(lines, SITUATIONS, strict=True), start=1)
    ]


def _mention(id: str, line: str, words: list[str]) -> Mention:
    author, text, product = ([field.strip() for field in line.split("|")] + [""])[:3]
    raw: dict[str, Any] = {"product_name": product} if product else {}
    rating = next(stars for label, stars in STARS.items() if label in words)
    return Mention(source="gallery", id=id, text=text, author=author, created_at=NOW, rating=rating, raw=raw)
