"""`ohlas check`"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.answers import Answer, ask_all, in_words
from monitor.commands.channels import Look, look_at_channels
from monitor.commands.channels import in_words as look_in_words
from monitor.commands.keeping import kept_in_words
from monitor.commands.media import Medium, try_media
from monitor.commands.opening import Setup, pass_setup
from monitor.commands.terminal import echo_json, unfolded, written_out
from monitor.errors import AuthError, ConfigError, ModelUnusable, NotFound, OhlasError
from monitor.text import one_line

if TYPE_CHECKING:
    from monitor.options import Config, LlmOptions
    from monitor.settings import Loaded
    from responders.llm.endpoint import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The classifier; `problem` is "" where it can be used. `labels` tells what its labels are taken for."""

    name: str
    runs_on: str = ""  # "" for the embedded one
    labels: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The language model that drafts; `problem` is "" where it can be used, `note` tells what is not sure."""

    model: str
    endpoint: str = ""  # "" for one that runs here
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that was tried."""

    model: Judge
    author: Author | None
    answers: list[Answer]
    media: list[Medium]
    looks: list[Look]

    @property
    def is_fine(self) -> bool:
        """Apart from warnings, such as a channel that is dead: Ohlas itself works all the same."""
        used = [
            self.model.problem,
            self.author.problem if self.author else "",
            *(medium.problem for medium in self.media),
        ]
        return not any(used) and all(answer.reads for answer in self.answers)

    @property
    def dead(self) -> bool:
        return any(look.verdict in ("broken", "warning") for look in self.looks)


@click.command()
@click.option("--offline", is_flag=True, help="Only read config.toml; reach out to nobody.")
@click.option("--timeout", default=20.0, show_default=True, metavar="SECONDS", help="How long a source may take.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, offline: bool, timeout: float, as_json: bool) -> None:
    """Say what is wrong with config.toml, and whether the sources, Slack and the mail servers answer.

    Every mistake is named at once, with its line and what to do. Secrets are masked. The sources are read once, where
    that costs nothing, and asked what may be done with their keys; nothing is saved, posted or sent, but
    for the mail of channels.mailbox.send. Exit status 1 where something has to be mended.

    \b
    Examples:
      ohlas check
      ohlas check --offline
      ohlas check --json
    """
    from responders.facts import mistakes_in_texts

    try:
        loaded = setup.read()
    except ConfigError as error:
        _show_mistakes(error, as_json)
        raise OhlasError(f"{setup.path.name} cannot be used: {_mistakes(len(error.problems))}") from error
    if problems := mistakes_in_texts(loaded.config.company, loaded.config.drafting):
        _show_mistakes(ConfigError(problems), as_json)
        raise OhlasError(f"the playbooks and facts cannot be used: {_mistakes(len(problems))}")
    model = _model(loaded.config)
    author = _author(setup, loaded.config, timeout, offline)
    answers = [] if offline else asyncio.run(ask_all(setup, loaded.config, timeout))
    media = [] if offline else _masked(setup, asyncio.run(try_media(loaded.config, timeout)))
    looks = [] if offline else asyncio.run(look_at_channels(loaded.config, timeout))
    found = Found(model=model, author=author, answers=answers, media=media, looks=looks)
    (_show_json if as_json else _show)(setup, loaded, found)
    if model.problem:
        raise OhlasError(model.problem)
    if author and author.problem:
        raise OhlasError(f"drafting.llm: {author.problem}")
    if silent := [answer.name for answer in answers if not answer.reads]:
        raise OhlasError(f"cannot be read: {', '.join(silent)}")
    if closed := [medium.name for medium in media if medium.problem]:
        raise OhlasError(f"cannot be used: {', '.join(closed)}")


def _masked(setup: Setup, media: list[Medium]) -> list[Medium]:
    return [replace(medium, problem=setup.masked(medium.problem)) for medium in media]


def _mistakes(count: int) -> str:
    return "1 mistake" if count == 1 else f"{count} mistakes"


def _show_mistakes(error: ConfigError, as_json: bool) -> None:
    if as_json:
        echo_json({"ok": False, "problems": error.problems, "warnings": [], "settings": {}, "sources": []})
    else:
        for problem in error.problems:
            click.echo(written_out(problem))


def _model(config: Config) -> Judge:
    """Loads the model that is configured and lets it judge a text; the embedded one needs no look."""
    if not config.classifier.model:
        return Judge(name="embedded")
    from monitor.classify.choosing import configured

    try:
        found = configured(config)
    except ModelUnusable as error:
        return Judge(name=config.classifier.model, problem=str(error))
    return Judge(name=found.name, runs_on=found.repository.weights.engine, labels=found.mapping.described())


def _author(setup: Setup, config: Config, limit: float, offline: bool) -> Author | None:
    """Asks the endpoint which models it knows, or loads the model that runs here. Writes nothing, costs nothing."""
    llm = config.drafting.llm
    if llm is None:
        return None
    if not llm.endpoint.strip():
        return _local_author(config, llm)
    endpoint = setup.masked(llm.endpoint)
    if offline:
        return Author(model=llm.model, endpoint=endpoint)
    from responders.llm.endpoint import Endpoint

    try:
        listed = asyncio.run(_listed(Endpoint(llm.model_copy(update={"timeout": limit}))))
    except OhlasError as error:
        return Author(model=llm.model, endpoint=endpoint, problem=setup.masked(_of_the_endpoint(error)))
    if {llm.model, f"{llm.model}:latest"} & set(listed):
        return Author(model=llm.model, endpoint=endpoint)
    if not listed:
        return Author(model=llm.model, endpoint=endpoint, note="it answers, but does not say which models it has")
    known = ", ".join(one_line(name, 60) for name in sorted(listed)[:8])
    problem = f"the endpoint answers, but has no model {llm.model}; it has {setup.masked(known)}"
    return Author(model=llm.model, endpoint=endpoint, problem=problem)


async def _listed(endpoint: Endpoint) -> list[str]:
    try:
        return await endpoint.models()
    finally:
        await endpoint.close()


def _of_the_endpoint(error: OhlasError) -> str:
    """Errors of the network speak of sources."""
    if isinstance(error, AuthError):
        return "the endpoint refuses the key; check drafting.llm.api_key"
    if isinstance(error, NotFound):
        return "nothing answers at that address; check drafting.llm.endpoint, it often ends in /v1"
    return str(error)


def _local_author(config: Config, llm: LlmOptions) -> Author:
    from monitor.classify.choosing import models_folder
    from responders.llm.local import LocalModel

    try:
        LocalModel(llm, base=config.base, models=models_folder(config)).check()
    except ModelUnusable as error:
        return Author(model=llm.model, problem=f"the model {llm.model} cannot be used: {error}")
    return Author(model=llm.model)


def _show_json(setup: Setup, loaded: Loaded, found: Found) -> None:
    from monitor.settings import shown

    document: dict[str, Any] = {
        "ok": found.is_fine,
        "problems": [],
        "warnings": list(loaded.warnings),
        "settings": shown(loaded.config),
        "classifier": found.model,
        "language_model": found.author,
        "sources": found.answers,
        "media": found.media,
        "channels": found.looks,
    }
    echo_json(document)


def _show(setup: Setup, loaded: Loaded, found: Found) -> None:
    from monitor.settings import as_lines, shown

    model, author, answers, media = found.model, found.author, found.answers, found.media
    _section(f"Settings of {setup.path}", as_lines(shown(loaded.config)))
    _section("Warnings", loaded.warnings)
    if loaded.config.classifier.model:
        judges = model.problem or f"{model.name}, on {model.runs_on}: {model.labels}"
        _section("Classifier", [judges])
    if author:
        where = f"at {author.endpoint}" if author.endpoint else "on this machine"
        _section("Language model", [author.problem or f"{author.model}, {where}: {author.note or 'ok'}"])
    rows = [(answer.name, answer.kind, in_words(answer)) for answer in answers]
    _section("Sources", unfolded(("name", "kind", "answer"), rows, indent=2) if rows else ())
    for answer in answers:
        _section(f"Left out by {answer.name}", answer.skipped[:10])
    ways = [(medium.name, f"CANNOT BE USED: {medium.problem}" if medium.problem else medium.note) for medium in media]
    _section("Slack and mail", unfolded(("way", "answer"), ways, indent=2) if ways else ())
    mute = any(answer.abilities.replies.state == "no" for answer in answers)
    looks = [(look.name, look.kind, look_in_words(look)) for look in found.looks]
    _section("Channels", unfolded(("channel", "kind", "answer"), looks, indent=2) if looks else ())
    _section("Kept", kept_in_words(loaded.config.retention))
    if found.is_fine:
        click.echo(_summary(loaded, found, mute=mute))


def _summary(loaded: Loaded, found: Found, *, mute: bool) -> str:
    noticed = {
        "the warnings": bool(loaded.warnings),
        "sources that cannot answer": mute,
        "channels that do not work": found.dead,
    }
    if any(noticed.values()):
        return f"Ohlas can run. Worth a look: {', '.join(name for name, is_so in noticed.items() if is_so)}."
    return "Everything is in order." if found.answers or found.media else "config.toml is in order."


def _section(title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        click.echo("\n".join([written_out(title), *(f"  {written_out(line)}" for line in found), ""]))
