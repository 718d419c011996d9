"""The `ohlas` command: which commands there are, and how an error is told. Nothing costly is imported here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from monitor.commands.opening import Setup
from monitor.commands.terminal import written_out
from monitor.errors import Ambiguous, ConfigError, GuardRefused, OhlasError, ReasonNeeded, StaleDecision, TextNeeded

# name -> (file of monitor/commands, what it does); in the order in which a newcomer meets them
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Read sources, write drafts, show the page, until Ctrl-C."),
    "check": ("check", "Find mistakes in config.toml, and see whether sources answer."),
    "status": ("status", "Say how the sources are and how much is waiting."),
    "inbox": ("inbox", "List the drafts that wait for a person."),
    "show": ("show", "Show one draft with everything around it."),
    "decide": ("decide", "Approve, edit, reject or take back a draft."),
    "case": ("case", "Put matters of one customer together, or take them apart."),
    "link": ("link", "Print a link that signs a person in on the page, once."),
    "poll": ("poll", "Print what a source brings, and save nothing."),
    "import": ("import_file", "Save the mentions of a file."),
    "export": ("export", "Write all mentions, or all that is known of a customer."),
    "erase": ("erase", "Erase what a customer wrote, and everything about it."),
    "draft": ("draft", "Draft the reply to a mention given as JSON."),
    "digest": ("digest", "Show the digest of a morning, or have it mailed."),
    "report": ("report", "Count what people wrote and how they were answered."),
    "drafts": ("drafts", "Report how drafts fare, and which sentences people change."),
    "guard": ("guard", "Say what speaks against a reply."),
    "new-connector": ("new_connector", "Write a connector to start from, with its test."),
    "terms": ("terms", "Say which of the watched terms a text holds."),
    "classify": ("classify", "Tell complaint from praise, a line each."),
    "models": ("models", "List the models of the Hugging Face hub, or fetch one."),
    "learn": ("learn", "Learn from the labels that people corrected."),
    "evaluate": ("evaluate", "Measure the classifier on labelled texts."),
}


class Refused(click.ClickException):
    """An expected error: its lines on standard error, and exit status 1."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines

    def show(self, file: Any = None) -> None:
        for line in self.lines:
            click.echo(f"ohlas: {line}", file=file, err=file is None)


class Commands(click.Group):
    """Imports a command when it is called, so that `ohlas --help` costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"monitor.commands.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OhlasError as error:
            raise Refused(told(error, ctx.obj)) from error
        except ExceptionGroup as group:
            expected, bugs = group.split(OhlasError)
            if expected is None or bugs is not None:
                raise
            raise Refused([line for error in _leaves(expected) for line in told(error, ctx.obj)]) from group
        except KeyboardInterrupt:
            return ctx.exit(130)


def told(error: OhlasError, setup: Setup | None) -> list[str]:
    """The lines that a person is told, without secrets and without characters that move the cursor."""
    match error:
        case ConfigError() | Ambiguous():
            problems = error.problems
        case _:
            problems = [f"{error}{_advice(error)}"]
    return [written_out(setup.masked(problem) if setup else problem) for problem in problems]


def _advice(error: OhlasError) -> str:
    match error:
        case StaleDecision() if error.by and error.at:
            return f" ({error.by}, {error.at.astimezone():%d.%m.%Y %H:%M:%S})"
        case GuardRefused():
            return f" In the terminal: {' '.join(f'--override {rule}' for rule in error.rules)}"
        case ReasonNeeded():
            return "; give it with --reason"
        case TextNeeded():
            return "; give it with --text or --text-file"
    return ""


def _leaves(group: ExceptionGroup[OhlasError]) -> list[OhlasError]:
    found: list[OhlasError] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, ExceptionGroup) else [error])
    return found


def _version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    from importlib import metadata

    if not asked or ctx.resilient_parsing:
        return
    try:
        version = metadata.version("ohlas")
    except metadata.PackageNotFoundError:
        version = "(run from its source, not installed)"
    click.echo(f"ohlas {version}")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("config.toml"),
    show_default="config.toml of this folder",
    metavar="FILE",
    help="Settings; what Ohlas remembers is kept beside them.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say which Ohlas this is."
)
@click.pass_context
def cli(ctx: click.Context, config: Path) -> None:
    """Ohlas reads what customers say about you, drafts replies in their language, and publishes what a person
    approves. Nothing goes out without a person's yes.

    \b
      ohlas check                           is config.toml right?
      ohlas run                             start; prints where the page is
      ohlas inbox                           what waits for you
      ohlas show 12                         one draft with all about it
      ohlas decide 12 approve               say yes
      ohlas COMMAND --help                  more, with examples

    Exit status: 0 done, 1 refused or failed, 2 called wrongly.
    """
    explicit = ctx.get_parameter_source("config") is not ParameterSource.DEFAULT
    ctx.obj = Setup(config, explicit=explicit)
