"""`ohlas evaluate FILE…`"""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.opening import Setup, pass_setup
from monitor.commands.terminal import echo_json


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", metavar="NAME", help="A model of the Hugging Face hub or a folder, not the configured one.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, files: tuple[Path, ...], model: str | None, as_json: bool) -> None:
    """Measure the classifier on FILES of labelled texts, JSON Lines with {text, label, lang?, rating?}.

    Labels are complaint, praise and neutral, or negative, positive and neutral. A file with two of them is scored on
    those two; one of complaint and neutral as complaint against the rest. Works without a config.toml.

    \b
    Examples:
      ohlas evaluate reviews.jsonl
      ohlas evaluate *.jsonl --json
      ohlas evaluate reviews.jsonl --model models/my-own
    """
    from monitor.classify.choosing import load, with_model
    from monitor.classify.evaluate import evaluate_files, table

    # no stand-in here: its scores would be taken for those of the model that was asked for
    config = setup.config_or_defaults()
    result = evaluate_files(files, load(config if model is None else with_model(config, model)))
    if as_json:
        echo_json(result)
    else:
        click.echo(table(result))
