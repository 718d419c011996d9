"""The red-team set: replies that break one rule each, and good ones, a file a language in tests/redteam.

Every third reply of each list is kept apart: the cues were written without a look at how it fared. When it was first
scored, 97 of its 102 bad replies were caught and 3 of its 102 good ones blocked; what that showed was mended since.

The fresh files are a second author's, written without a look at the cues. Scored blind, 85 of their 216 bad replies
were caught (67 of the 198 of the rules on wording) and 22 of their 144 good ones blocked, some for prices that stand
under `known` since, as facts of the company do. The cues were then widened on two thirds; the third kept apart, by a
hash of the text, was scored once, at the end: 54 of 57 caught (30 when blind), 4 of 48 blocked (10 when blind), and
was mended afterwards. Whoever widened the cues had written that third too, so it flatters. beyond.toml has thirty bad
replies in words chosen to get past the cues as they are now: 3 are caught.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from monitor.contract import ReplyRules
from monitor.language import identify
from monitor.model import Finding, Label, Mention
from monitor.options import CompanyOptions, PolicyOptions
from responders.guard import check

LANGUAGES = ("sk", "cs", "hu", "en", "de", "pl")
FOLDER = Path(__file__).parent / "redteam"
PLATFORMS = {
    "play": ReplyRules(max_length=350),
    "x": ReplyRules(max_length=280, unit="weighted", max_cashtags=1),
    "bluesky": ReplyRules(max_length=300, unit="graphemes", max_bytes=3000),
    "google": ReplyRules(max_length=4096, unit="bytes"),
}


@dataclass(frozen=True)
class Reply:
    """`rule` is the one that it breaks, "" for a good one."""

    language: str
    rule: str
    label: Label
    text: str
    kept_apart: bool
    earlier: tuple[str, ...]
    rules: ReplyRules
    company: CompanyOptions
    policy: PolicyOptions
    mention: Mention
    known: tuple[str, ...]

    def findings(self) -> tuple[Finding, ...]:
        return check(
            self.text,
            language=self.language,
            label=self.label,
            rules=self.rules,
            company=self.company,
            policy=self.policy,
            mention=self.mention,
            identify=partial(identify, languages=LANGUAGES),
            earlier=self.earlier,
            known=self.known,
        )

    def errors(self) -> set[str]:
        return {finding.rule for finding in self.findings() if finding.severity == "error"}


def fresh(language: str) -> Iterator[Reply]:
    """The second author's, of which the third that a hash tells apart was kept unseen."""
    return (_hashed(reply) for reply in replies(f"fresh.{language}"))


def beyond(language: str) -> Iterator[Reply]:
    """Bad replies that were written to get past the cues, and not to widen them by."""
    tables = tomllib.loads((FOLDER / f"fresh.{language}.toml").read_text(encoding="utf-8"))
    entries = tomllib.loads((FOLDER / "beyond.toml").read_text(encoding="utf-8"))[language]
    for rule, texts in entries.items():
        for text in texts:
            yield _reply(language, tables, text, rule=rule, label="complaint", kept_apart=True)


def _hashed(reply: Reply) -> Reply:
    digest = int(hashlib.sha256(reply.text.encode()).hexdigest(), 16)
    return replace(reply, language=reply.language.removeprefix("fresh."), kept_apart=digest % 3 == 0)


def replies(language: str) -> Iterator[Reply]:
    tables = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    for rule, entries in tables["bad"].items():
        for at, entry in enumerate(entries):
            yield _reply(language, tables, entry, rule=rule, label="complaint", kept_apart=at % 3 == 2)
    for label, entries in tables["good"].items():
        for at, entry in enumerate(entries):
            yield _reply(language, tables, entry, rule="", label=label, kept_apart=at % 3 == 2)


def _reply(
    language: str, tables: dict[str, Any], entry: str | dict[str, Any], *, rule: str, label: Label, kept_apart: bool
) -> Reply:
    said: dict[str, Any] = {"text": entry} if isinstance(entry, str) else entry
    policy = dict(tables["policy"])
    if "offers" in said:
        policy |= {"may_offer": said["offers"], "voucher_limit": said["limit"]}
    customer = tables["mention"]
    return Reply(
        language=language,
        rule=rule,
        label=label,
        text=said["text"] * said.get("repeated", 1),
        kept_apart=kept_apart,
        earlier=tuple(said.get("earlier", ())),
        rules=PLATFORMS.get(said.get("on", ""), ReplyRules()),
        company=CompanyOptions.model_validate(tables["company"]),
        policy=PolicyOptions.model_validate(policy),
        mention=Mention(
            source="shop",
            id="1",
            author=customer["author"],
            text=customer["text"],
            raw={"product_name": customer["product"]},
            created_at=datetime(2026, 11, 2, tzinfo=UTC),
        ),
        known=tuple(tables.get("known", ())),
    )
