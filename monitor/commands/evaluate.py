"""`ohlas evaluate FILE…`"""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.opening import Setup, classifier, pass_setup
from monitor.commands.terminal import echo_json


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, files: tuple[Path, ...], as_json: bool) -> None:
    """Measure the classifier on FILES of labelled texts, JSON Lines with {text, label, lang?, rating?}.

    Labels are complaint, praise and neutral, or negative, positive and neutral. A file with two of them is scored on
    those two; one of complaint and neutral as complaint against the rest. Works without a config.toml.

    \b
    Examples:
      ohlas evaluate reviews.jsonl
      ohlas evaluate *.jsonl --json
    """
    from monitor.classify.evaluate import evaluate_files, table

    result = evaluate_files(files, classifier(setup.config_or_defaults()))
    if as_json:
        echo_json(result)
    else:
        click.echo(table(result))
