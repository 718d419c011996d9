"""`ohlas evaluate FILE…`"""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.opening import Setup, pass_setup
from monitor.commands.terminal import echo_json
from monitor.options import Config


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", metavar="NAME", help="A model of the Hugging Face hub or a folder, not the configured one.")
@click.option("--card", "as_card", is_flag=True, help="Write the embedded classifier's model card (Markdown).")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, files: tuple[Path, ...], model: str | None, as_card: bool, as_json: bool) -> None:
    """Measure the classifier on FILES of labelled texts, JSON Lines with {text, label, lang?, rating?}.

    Labels are complaint, praise and neutral, or negative, positive and neutral. A file with two of them is scored on
    those two; one of complaint and neutral as complaint against the rest. Works without a config.toml. Where
    `vaderSentiment` is installed, VADER is measured on the same texts beside it.

    \b
    Examples:
      ohlas evaluate reviews.jsonl
      ohlas evaluate *.jsonl --json
      ohlas evaluate reviews.jsonl --model models/my-own
      ohlas evaluate *.jsonl --card > MODEL_CARD.md
    """
    from monitor.classify.choosing import load, with_model
    from monitor.classify.evaluate import evaluate_files, rivals, table

    # no stand-in here: its scores would be taken for those of the model that was asked for
    config = setup.config_or_defaults()
    if as_card:
        if model or as_json:
            raise click.UsageError("--card tells of the embedded classifier: leave out --model and --json.")
        click.echo(_card(config, files))
        return
    result = evaluate_files(files, load(config if model is None else with_model(config, model)), rivals())
    if as_json:
        echo_json(result)
    else:
        click.echo(table(result))


def _card(config: Config, files: tuple[Path, ...]) -> str:
    from monitor.classify.card import card
    from monitor.classify.choosing import embedded
    from monitor.classify.evaluate import rivals

    return card(files, embedded(config), rivals())
