"""`ohlas learn`"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from monitor.commands.numbers import DRAFT
from monitor.commands.opening import Setup, now, pass_setup, reading, writing
from monitor.commands.sources import connected
from monitor.commands.terminal import echo_json, on_one_line, table
from monitor.errors import ModelUnusable, NotAllowed, OhlasError
from monitor.model import LABELS, Label, Mention

if TYPE_CHECKING:
    from monitor.classify.learning import Learned, Scores
    from monitor.options import Config
    from monitor.store.corrections import Lesson
    from monitor.store.sqlite import SqliteStore

MOST_LESSONS = 4000  # the newest; more would take minutes and teach little more


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--correct",
    nargs=2,
    type=(str, click.Choice(LABELS)),
    metavar="DRAFT LABEL",
    help="Say what the customer's text of a draft really is; learns nothing yet.",
)
@click.option("--force", is_flag=True, help="Use what was learned even where it is not better.")
@click.option("--back", is_flag=True, help="Judge again as before the last time that something was learned.")
@click.option("--as", "person", default=None, metavar="PERSON", help="Who says so. [default: first who may]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(
    setup: Setup,
    file: Path | None,
    correct: tuple[str, str] | None,
    force: bool,
    back: bool,
    person: str | None,
    as_json: bool,
) -> None:
    """Learn from the labels that people corrected, on the page and here.

    Fits a small head on top of the model, within seconds, on this machine. Each tenth of the corrected texts is kept
    out in turn to measure what it is worth, and it is used only if it is better. A running Ohlas takes it up by
    itself. Answers that were approved as drafted count as well: they confirm their labels.

    FILE adds labelled texts, JSON Lines with {text, label, lang?, rating?}; labels are complaint, praise and neutral.
    DRAFT is a number of `ohlas inbox`, or SOURCE/ID of a mention as `ohlas export` writes it.

    \b
    Examples:
      ohlas learn --correct 12 praise
      ohlas learn --correct eshop/r-81 complaint
      ohlas learn
      ohlas learn labelled.jsonl
      ohlas learn --back
    """
    if bool(correct) + back + bool(file or force) > 1:
        raise click.UsageError("--correct and --back stand alone")
    config = setup.config()
    who = _person(config, person)
    if correct:
        answer, lines = _correct(config, correct[0], cast(Label, correct[1]), who)
    elif back:
        answer, lines = _back(config)
    else:
        answer, lines = _learn(config, file, who, force)
    if as_json:
        echo_json(answer)
    else:
        click.echo("\n".join(lines))


def _person(config: Config, person: str | None) -> str:
    from monitor.people import deciders, people_of

    people = deciders(people_of(config))
    if person is not None and person not in people:
        raise NotAllowed(f"{person} is not among the people who may decide; in config.toml: {', '.join(people)}")
    return person or people[0]


def _correct(config: Config, which: str, label: Label, who: str) -> tuple[dict[str, Any], list[str]]:
    with reading(config) as store:
        row_id, mention = _mention(store, which)
        asyncio.run(_corrected(config, store, row_id, mention, label, who))
        draft = store.views.draft_of(row_id)
    state = f"; draft {draft.id} is {draft.state}, revision {draft.rev}" if draft else "; it has no draft"
    named = on_one_line(f"{mention.author or 'Somebody'} on {mention.source}")
    answer = {"source": mention.source, "mention_id": mention.id, "label": label, "draft": draft and draft.id}
    return answer, [f"{named}: {label}{state}", "It is learned from with: ohlas learn"]


def _mention(store: SqliteStore, which: str) -> tuple[int, Mention]:
    """By the number of its draft, or as SOURCE/ID."""
    source, slash, external_id = which.partition("/")
    if slash:
        found = store.corrections.find(source, external_id)
        if found is None:
            raise OhlasError(f"{source} has no mention {external_id!r}; `ohlas export` lists them")
        return found
    draft = store.drafts.get(DRAFT.convert(which, None, None))
    mention = store.mentions.get(draft.mention_id)
    if mention is None:
        raise OhlasError(f"the mention of draft {draft.id} is gone")
    return draft.mention_id, mention


async def _corrected(config: Config, store: SqliteStore, row_id: int, mention: Mention, label: Label, who: str) -> None:
    """Written down, and drafted anew as the service does it; where that runs too, whoever comes first does it."""
    from monitor.classify.choosing import SteadyClassifier
    from monitor.desk import Desk
    from monitor.pipeline import Pipeline
    from monitor.store.corrections import Correction

    store.corrections.correct(
        Correction(
            mention_id=row_id, content_hash=mention.content_hash, label=label, actor=who, via="terminal", at=now()
        )
    )
    async with connected(config, mention.source) as connectors:
        await Pipeline(store, Desk(config, SteadyClassifier(config), connectors), now).step(row_id)


def _back(config: Config) -> tuple[dict[str, Any], list[str]]:
    from monitor.classify.choosing import shelf

    name = shelf(config).back()
    return {"in_force": name}, [f"In force again: {name or 'the model alone, without anything learned'}."]


def _learn(config: Config, file: Path | None, who: str, force: bool) -> tuple[dict[str, Any], list[str]]:
    from monitor.classify.choosing import load, shelf
    from monitor.classify.learning import Taught, learn

    lessons = _lessons(config, file, who)
    kept = shelf(config)
    try:
        present = kept.in_force()
    except ModelUnusable:
        present = None  # it judges nothing, so there is nothing to compare with
    taught = [Taught(lesson.utterance, lesson.label, lesson.at) for lesson in lessons]
    found = learn(load(config), taught, now(), present)
    name = kept.put(found.head) if found.better or force else ""
    amounts: Counter[str] = Counter(lesson.origin for lesson in lessons)
    return _answer(found, name, amounts), _lines(found, name, amounts)


def _lessons(config: Config, file: Path | None, who: str) -> list[Lesson]:
    if file is None:
        with reading(config) as store:
            return store.corrections.lessons(MOST_LESSONS)
    taken = _read(file)
    with writing(config) as store:
        store.corrections.take(taken, actor=who, via="terminal")
        return store.corrections.lessons(MOST_LESSONS)


def _read(file: Path) -> list[Lesson]:
    """Raises OhlasError where a line cannot be used; then nothing was taken."""
    from monitor.classify.evaluate import read
    from monitor.model import Utterance
    from monitor.store.corrections import Lesson
    from monitor.text import clean

    at = now()
    return [
        Lesson(
            utterance=Utterance(text=text, rating=entry.utterance.rating, language=entry.language),
            label=entry.label,
            at=at,
            origin="imported",
        )
        for entry in read(file)
        if (text := clean(entry.utterance.text))
    ]


def _answer(found: Learned, name: str, amounts: Counter[str]) -> dict[str, Any]:
    return {
        "lessons": {origin: amounts[origin] for origin in ("corrected", "imported", "confirmed")},
        "before": found.before,
        "after": found.after,
        "present": found.present,
        "after_present": found.after_present,
        "sees": found.head.sees,
        "better": found.better,
        "in_force": name,
    }


def _lines(found: Learned, name: str, amounts: Counter[str]) -> list[str]:
    rows = [_row("the model alone", found.before), _row("with the corrections", found.after)]
    if found.present and found.after_present:
        rows += [_row("newer texts, as now", found.present), _row("newer texts, anew", found.after_present)]
    return [
        f"{found.before.texts} texts: {amounts['corrected']} corrected, {amounts['imported']} from files, "
        f"{amounts['confirmed']} confirmed by approving",
        "",
        *table(_HEADS, rows),
        "Each text was judged by a head that had not seen it.",
        *_taught_by(found.head.sees),
        "",
        *_verdict(found, name),
    ]


def _taught_by(sees: str) -> list[str]:
    """What of a text was learned from, where that is not the usual."""
    kind, _, width = sees.partition("-")[0], *sees.rpartition("-")[1:]
    if kind == "states":
        return [f"It was learned from what the model's last layer sees in a text ({width} numbers)."]
    if kind == "logits":
        return [
            f"This model gives nothing of a text but its answer ({width} numbers), so corrections can only weigh that "
            "anew."
        ]
    return []


_HEADS = ("", "accuracy", "macro-F1", "complaints found")


def _row(name: str, scores: Scores) -> tuple[str, ...]:
    recall = "–" if scores.recall is None else f"{100 * scores.recall:.1f}"
    return (name, f"{100 * scores.accuracy:.1f}", f"{100 * scores.macro_f1:.1f}", recall)


def _verdict(found: Learned, name: str) -> list[str]:
    if not name:
        return ["It is not better, so nothing was changed. To use it all the same: ohlas learn --force"]
    better = "It is better" if found.better else "It is not better, but you want it"
    return [f"{better}; in force from now on: {name}. A running Ohlas uses it too. To go back: ohlas learn --back"]
