"""`ohlas classify`"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any, cast

import click

from monitor.commands.opening import Setup, classifier, pass_setup
from monitor.commands.terminal import as_json as json_bytes
from monitor.model import Utterance, Verdict
from monitor.text import clean

if TYPE_CHECKING:
    from monitor.model import Classifier

BLOCK = 65_536  # bytes read at once, where so many are there
BATCH = 512  # lines judged at once
LONGEST = 1 << 20  # characters of a line that are looked at


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Accepted for uniformity: the answer is always JSON Lines.")
@pass_setup
def command(setup: Setup, as_json: bool) -> None:
    """Tell complaint from praise and from neither, for each line of standard input.

    A line is a text, or an object {"text": …, "title"?, "rating"? (1 to 5 stars), "language"? or "lang"?}. The n-th
    line of the output answers the n-th line of the input: {label, confidence, unsure, language}. An empty line is
    neutral and unsure. The output keeps up with the input, so it can be used in a pipe. Works without a config.toml.

    \b
    Examples:
      echo "Balík neprišiel a nikto nedvíha telefón." | ohlas classify
      ohlas classify < reviews.jsonl > verdicts.jsonl
    """
    judge = classifier(setup.config_or_defaults())
    for lines in _batches(cast(BufferedIOBase, sys.stdin.buffer)):
        click.echo(b"\n".join(json_bytes(answer, indent=None) for answer in _answers(judge, lines)))


def _batches(stream: BufferedIOBase) -> Iterator[list[str]]:
    """Lines as they arrive: a slow writer gets each answer at once, a fast one is served in batches."""
    rest = b""
    while block := stream.read1(BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        rest = rest[: 4 * LONGEST]  # a line without an end must not fill the memory
        for start in range(0, len(whole), BATCH):
            yield [_decoded(line) for line in whole[start : start + BATCH]]
    if rest:
        yield [_decoded(rest)]


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").removeprefix("\ufeff").removesuffix("\r")[:LONGEST]


def _answers(judge: Classifier, lines: list[str]) -> list[dict[str, Any]]:
    utterances = [_utterance(line) for line in lines]
    verdicts = judge.classify([utterance for utterance in utterances if utterance])
    found = iter(verdicts)
    return [_answer(next(found) if utterance else NOTHING_SAID) for utterance in utterances]


NOTHING_SAID = Verdict(label="neutral", confidence=0.0, unsure=True, language="")


def _answer(verdict: Verdict) -> dict[str, Any]:
    return {
        "label": verdict.label,
        "confidence": round(verdict.confidence, 4),
        "unsure": verdict.unsure,
        "language": verdict.language,
    }


def _utterance(line: str) -> Utterance | None:
    """None where nothing was said. What looks like JSON and is none is a text like any other."""
    entry = _object(line)
    parts = [line] if entry is None else [entry[key] for key in ("title", "text") if isinstance(entry.get(key), str)]
    text = "\n".join(cleaned for part in parts if (cleaned := clean(part)))
    rating = _rating(entry or {})
    if not text and rating is None:
        return None
    return Utterance(text=text, rating=rating, language=_language(entry or {}))


def _object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "text" in entry else None


def _rating(entry: dict[str, Any]) -> float | None:
    rating = entry.get("rating")
    usable = isinstance(rating, int | float) and not isinstance(rating, bool) and math.isfinite(rating)
    return min(max(float(rating), 1.0), 5.0) if usable and rating is not None else None


def _language(entry: dict[str, Any]) -> str:
    found = entry.get("language") or entry.get("lang")
    return found if isinstance(found, str) and len(found) == 2 else ""
